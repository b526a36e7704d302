"""A layer's class → its kernels and their structure. Of models, pruning masks and records this file knows nothing.

layer → *rule* of its class, or of the nearest superclass that has one → `Kernel`s, each a `Matrix` or a `Convolution`

A rule is a function, built layer → kernels. Those of Keras's own layers are here; `register_rule` teaches the kernels of a class
of one's own. A fused kernel is given in parts, that of an LSTM gate by gate; a projection of attention is given whole, and beside
it head by head.

A structure turns an array of the shape of the kernel, or of its part, into the unit matrix (units, fan_in), the matrices whose
eigenvalues are pooled and, for a convolution, the singular values of its circular operator. Arrays in, arrays out; the first two
are views where strides allow.
"""

import functools
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import keras
import numpy as np

from tfredundancy.numerics.units import (
    einsum_axes,
    gates,
    groups,
    heads,
    operator_singular_values,
    taps,
    unit_blocks,
    unit_matrix,
    unit_rows,
)
from tfredundancy.paths import layer_paths

L = keras.layers

DEFAULT_SIZE = 32  # of a convolution's input in the operator view, along axes that the model leaves open


@dataclass(frozen=True)
class Matrix:
    """The structure of a kernel that multiplies.

    Attributes:
        units: the axes that number the units, in the order of the unit matrix's rows.
        blocks: those of `units` that the input has too: each index has a matrix of its own.
    """

    units: tuple[int, ...] = (-1,)
    blocks: tuple[int, ...] = ()

    def rows(self, kernel: np.ndarray) -> np.ndarray:
        """Kernel → unit matrix (units, fan_in)."""
        return unit_rows(kernel, self.units, copy=False)

    def view(self, asked: str, shape: tuple[int, ...]) -> str:
        """A matrix is the same in all views."""
        return asked

    def slices(self, kernel: np.ndarray, view: str) -> tuple[np.ndarray, ...]:
        """Kernel → matrices whose eigenvalues are pooled."""
        return tuple(unit_blocks(kernel, self.units, self.blocks))


@dataclass(frozen=True)
class Convolution:
    """The structure of a convolution's kernel.

    Attributes:
        layout: "conv", "conv_transpose" or "depthwise": the order of the kernel's axes, as in numerics.units.
        groups: number of groups; of a depthwise convolution its input channels.
        size: of the input, a number for each axis of taps; of a transposed convolution, of its output.
        strides, dilation: a number for each axis of taps.
    """

    layout: str = "conv"
    groups: int = 1
    size: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()
    dilation: tuple[int, ...] = ()

    def rows(self, kernel: np.ndarray) -> np.ndarray:
        """Kernel → unit matrix (units, fan_in)."""
        return unit_matrix(kernel, self.layout, copy=False)

    def view(self, asked: str, shape: tuple[int, ...]) -> str:
        """The view that is possible: with one input channel a group, taps are rows of numbers and no matrices."""
        channels = {"conv": shape[-2], "conv_transpose": shape[-1], "depthwise": 1}[self.layout]
        return "filters" if asked == "taps" and channels == 1 else asked

    def slices(self, kernel: np.ndarray, view: str) -> tuple[np.ndarray, ...]:
        """Kernel → matrices whose eigenvalues are pooled, in the taps or the filters view."""
        if self.layout == "depthwise" or kernel.shape[-2] == 1 < self.groups:
            return (self.rows(kernel),)
        pieces = groups(kernel, self.groups)
        if view == "taps":
            return tuple(tap for piece in pieces for tap in taps(piece))
        return tuple(self.rows(piece) for piece in pieces)

    def singular_values(self, kernel: np.ndarray) -> np.ndarray:
        """Kernel → singular values of the circular convolution, ascending."""
        grouped = self._grouped(kernel)
        return operator_singular_values(grouped, self.size, self.strides, self.dilation, self.groups)

    def block(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """Shape of the matrix at each frequency."""
        inputs, outputs = self._grouped(np.broadcast_to(0, shape)).shape[-2:]
        return inputs * math.prod(self.strides), outputs // self.groups

    def _grouped(self, kernel: np.ndarray) -> np.ndarray:
        """A depthwise kernel as a grouped one; a transposed one as that of the convolution which it turns round."""
        if self.layout != "depthwise":
            return kernel
        return kernel.reshape(*kernel.shape[:-2], 1, -1)


@dataclass(frozen=True, eq=False)
class Kernel:
    """A kernel of a layer, or a part of one: what a rule returns.

    Attributes:
        layer: the layer that holds it, the rule's or one inside it.
        name: the attribute under which the layer holds it, a variable or what the layer computes from its variables.
        kind: what records call it.
        structure: `Matrix` or `Convolution`; default: axes (in, units).
        part: what stands in brackets behind the path, or None for the whole kernel.
        select: kernel → part, a view of it.
    """

    layer: keras.layers.Layer
    name: str = "kernel"
    kind: str = "dense"
    structure: Matrix | Convolution = Matrix()
    part: str | None = None
    select: Callable[[np.ndarray], np.ndarray] | None = None

    def of(self, kernel: np.ndarray) -> np.ndarray:
        """The part of a kernel, or of a mask of its shape."""
        return kernel if self.select is None else self.select(kernel)


Rule = Callable[[keras.layers.Layer], Iterable[Kernel]]


def register_rule(cls: type[keras.layers.Layer], rule: Rule) -> None:
    """Teach the kernels of a layer class; it holds for subclasses without a rule of their own, and replaces an earlier one.

    Args:
        cls: layer class.
        rule: built layer → its kernels, none for a class that has no kernel.

    Raises:
        ValueError: `cls` is no layer class.

    Example:
        >>> from tfredundancy.inspection.matrices import weight_matrices
        >>> class Rotate(keras.layers.Layer):
        ...     def build(self, input_shape):
        ...         self.turn = self.add_weight(shape=(3, 3), name="turn")
        >>> model = keras.Sequential([keras.Input((3,)), Rotate(name="rotate")])
        >>> next(weight_matrices(model)).reason
        "unknown layer class Rotate: add a kernel rule for 'turn' with register_rule"
        >>> register_rule(Rotate, lambda layer: [Kernel(layer, "turn")])
        >>> next(weight_matrices(model)).units().shape
        (3, 3)
    """
    if not (isinstance(cls, type) and issubclass(cls, keras.layers.Layer)):
        raise ValueError(f"`cls` must be a layer class. Received: {cls!r}")
    _RULES[cls] = rule


def kernels_of(layer: keras.layers.Layer) -> list[Kernel]:
    """The kernels of a layer; none where no rule is found, and none of a layer that is neither built nor has weights."""
    rule = _rule_of(layer)
    return [] if rule is None or not (layer.built or layer.weights) else list(rule(layer))


def awaits_kernels(layer: keras.layers.Layer) -> bool:
    """Whether a rule is there that looks for kernels, once the layer is built."""
    return _rule_of(layer) not in (None, _no_kernel)


def has_own_rule(layer: keras.layers.Layer) -> bool:
    """Whether the rule is that of the layer's own class: a superclass's says nothing of weights that the class adds."""
    return type(layer) in _RULES


def _rule_of(layer) -> Rule | None:
    return next((_RULES[cls] for cls in type(layer).__mro__ if cls in _RULES), None)


# The rules of Keras's own layers.


def _no_kernel(layer) -> list[Kernel]:
    return []


def _dense(layer) -> list[Kernel]:
    return [Kernel(layer)]


def _embedding(layer) -> list[Kernel]:
    return [Kernel(layer, "embeddings", "embedding")]


def _reversible_embedding(layer) -> list[Kernel]:
    back = [] if layer.tie_weights else [Kernel(layer, "reverse_embeddings", "reverse embedding")]
    return [*_embedding(layer), *back]


def _einsum(layer) -> list[Kernel]:
    return [Kernel(layer, "kernel", "einsum", _by_equation(layer))]


def _by_equation(layer) -> Matrix:
    axes = einsum_axes(layer.equation)
    return Matrix(axes.units, axes.blocks)


def _convolution(layer) -> list[Kernel]:
    kind = f"conv{layer.rank}d" if layer.groups == 1 else f"grouped conv{layer.rank}d"
    if layer.kernel.shape[-2] == 1 < layer.groups:
        kind = "depthwise"
    structure = _on_grid(layer, layer.strides, layer.dilation_rate, groups=layer.groups)
    return [Kernel(layer, "kernel", kind, structure)]


def _transposed_convolution(layer) -> list[Kernel]:
    strides = layer.strides
    size = tuple(n * stride for n, stride in zip(_input_size(layer, layer.rank), strides, strict=True))
    structure = Convolution("conv_transpose", 1, size, strides, layer.dilation_rate)
    return [Kernel(layer, "kernel", f"conv{layer.rank}d transpose", structure)]


def _depthwise_convolution(layer) -> list[Kernel]:
    structure = _on_grid(layer, layer.strides, layer.dilation_rate, "depthwise", layer.kernel.shape[-2])
    return [Kernel(layer, "kernel", "depthwise", structure)]


def _separable_convolution(layer) -> list[Kernel]:
    channels = layer.depthwise_kernel.shape[-2]
    depthwise = _on_grid(layer, layer.strides, layer.dilation_rate, "depthwise", channels)
    return [
        Kernel(layer, "depthwise_kernel", "separable depthwise", depthwise),
        Kernel(layer, "pointwise_kernel", "separable pointwise", _behind_strides(depthwise)),
    ]


def _spectrogram(layer) -> list[Kernel]:
    """A convolution with the windowed waves, which Keras lets train."""
    structure = _on_grid(layer, (layer.frame_step,), (1,))
    parts = [part for part, other in (("real", "imag"), ("imag", "real")) if layer.mode != other]
    return [Kernel(layer, f"{part}_kernel", "conv1d", structure) for part in parts]


def _on_grid(layer, strides, dilation, layout: str = "conv", groups: int = 1) -> Convolution:
    """The structure of a convolution on the input that the layer was built for, rounded up to a multiple of the strides."""
    size = tuple(-(-n // s) * s for n, s in zip(_input_size(layer, len(strides)), strides, strict=True))
    return Convolution(layout, groups, size, tuple(strides), tuple(dilation))


def _behind_strides(before: Convolution) -> Convolution:
    """The structure of a convolution on the output of another one."""
    size = tuple(n // stride for n, stride in zip(before.size, before.strides, strict=True))
    ones = (1,) * len(size)
    return Convolution("conv", 1, size, ones, ones)


def _input_size(layer, rank: int) -> tuple[int, ...]:
    shape = (layer.get_build_config() or {}).get("input_shape") or (None,) * (rank + 2)
    spatial = shape[2:] if layer.data_format == "channels_first" else shape[1:-1]
    return tuple(DEFAULT_SIZE if n is None else n for n in spatial)


def _gated(*names: str) -> Rule:
    def rule(cell) -> list[Kernel]:
        return [part for kernel in ("kernel", "recurrent_kernel") for part in _gates(cell, kernel, names, Matrix())]

    return rule


def _gates(cell, kernel: str, names: tuple[str, ...], structure: Matrix | Convolution) -> list[Kernel]:
    count = len(names)
    return [
        Kernel(cell, kernel, "recurrent gate", structure, gate, functools.partial(_gate, count=count, index=index))
        for index, gate in enumerate(names)
    ]


def _gate(kernel: np.ndarray, count: int, index: int) -> np.ndarray:
    return gates(kernel, count)[index]


def _simple_recurrent(cell) -> list[Kernel]:
    return [Kernel(cell, name, "recurrent") for name in ("kernel", "recurrent_kernel")]


def _convolutional_lstm(layer) -> list[Kernel]:
    """Of the layer, because its cell's class is not public."""
    cell = layer.cell
    inputs = _on_grid(cell, cell.strides, cell.dilation_rate)
    states = _behind_strides(inputs)
    return [*_gates(cell, "kernel", LSTM_GATES, inputs), *_gates(cell, "recurrent_kernel", LSTM_GATES, states)]


def _attention(layer) -> list[Kernel]:
    """The fused matrix of each projection, and those of its heads."""
    projections = {name: below for name, below in layer_paths(layer).items() if name in _HEAD_AXES}
    return [kernel for name, below in projections.items() for kernel in _projection(name, below)]


def _projection(name: str, dense) -> Iterator[Kernel]:
    kind, axis = f"attention {name.removeprefix('attention_')}", _HEAD_AXES[name]
    yield Kernel(dense, "kernel", kind, _by_equation(dense))
    units = tuple(range(1, len(dense.kernel.shape) - 1)) if axis == 0 else (-1,)
    for index in range(dense.kernel.shape[axis]):
        select = functools.partial(_head, axis=axis, index=index)
        yield Kernel(dense, "kernel", f"{kind} head", Matrix(units), f"head {index}", select)


def _head(kernel: np.ndarray, axis: int, index: int) -> np.ndarray:
    return heads(kernel, axis)[index]


LSTM_GATES = ("input", "forget", "cell", "output")
GRU_GATES = ("update", "reset", "candidate")
_HEAD_AXES = {"query": -2, "key": -2, "value": -2, "gate": -2, "attention_output": 0}

_RULES: dict[type, Rule] = {
    L.Dense: _dense,
    L.EinsumDense: _einsum,
    L.Embedding: _embedding,
    L.ReversibleEmbedding: _reversible_embedding,
    **dict.fromkeys((L.Conv1D, L.Conv2D, L.Conv3D), _convolution),
    **dict.fromkeys((L.Conv1DTranspose, L.Conv2DTranspose, L.Conv3DTranspose), _transposed_convolution),
    **dict.fromkeys((L.DepthwiseConv1D, L.DepthwiseConv2D), _depthwise_convolution),
    **dict.fromkeys((L.SeparableConv1D, L.SeparableConv2D), _separable_convolution),
    **dict.fromkeys((L.ConvLSTM1D, L.ConvLSTM2D, L.ConvLSTM3D), _convolutional_lstm),
    L.STFTSpectrogram: _spectrogram,
    L.LSTMCell: _gated(*LSTM_GATES),
    L.GRUCell: _gated(*GRU_GATES),
    L.SimpleRNNCell: _simple_recurrent,
    L.MultiHeadAttention: _attention,
    L.GroupQueryAttention: _attention,
    **dict.fromkeys(
        (
            L.BatchNormalization,
            L.LayerNormalization,
            L.GroupNormalization,
            L.RMSNormalization,
            L.SpectralNormalization,
            L.Normalization,
            L.PReLU,
            L.Attention,
            L.AdditiveAttention,
        ),
        _no_kernel,
    ),
}
