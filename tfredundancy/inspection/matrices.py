"""A Keras model → its weight matrices, a record for each; a layer that is not analysed has a record with the reason.

model → layers, in the model's order → kernels (what a layer's class says: its *rule*) → `WeightMatrix`

Every weight of a kernel is in exactly one record whose `part_of` is None: an LSTM kernel in one record for each gate, a separable
convolution in two. Attention projections have the fused matrix, and beside it one for each head, whose `part_of` names the fused
one. A shared layer appears once. Paths are those of tfredundancy.paths, with the part in brackets: `encoder/conv1/kernel`,
`lstm/lstm_cell/kernel[input]`, `attention/query/kernel[head 0]`.

Layers without weights (pooling, activations, dropout with its seed) are not listed, and biases are in no record. `register_rule`
teaches the kernels of a layer class of one's own.

Numbers are read when a record is asked for them, as read-only views of the backend's memory where it shows it: no copy of the
model is held. float32 and float64 stay what they are; float16, bfloat16, float8 and integers of 8 or 16 bits become float32,
which holds them exactly; wider integers become float64.
"""

import functools
import itertools
import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

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
from tfredundancy.paths import Wrapped, joined, layer_paths, own_variables, variable_paths

L = keras.layers

VIEWS = ("taps", "filters", "operator")
DEFAULT_SIZE = 32  # of a convolution's input in the operator view, along axes that the model leaves open


@dataclass(frozen=True, eq=False)
class WeightMatrix:
    """One weight matrix of a model, or why a layer has none. The callables read the weights as they are when they are called.

    Attributes:
        path: unique: the kernel's path in the model and the part of it; the layer's path in a record without numbers.
        layer: path of the layer that holds the kernel.
        kind: "dense", "conv2d", "attention query head" …; the layer's class in a record without numbers.
        view: what the spectrum is that of: the view that was asked for; "filters" for a convolution with one input channel a
            group, whose taps are no matrices; None in a record without numbers.
        units: → unit matrix (units, fan_in). Where a pruning wrapper is, the weights that it leaves: pruned ones are zero.
        slices: → tuple of matrices (fan-in side, unit side, or the other way round) of one shape, whose eigenvalues are pooled;
            for the whole map is block diagonal in them or, in the taps view, made of them. None in the operator view of a
            convolution.
        singular_values: in the operator view of a convolution: → all singular values of the circular convolution on the input
            that the layer was built for, ascending. Else None.
        block: in the operator view of a convolution the shape of the matrix at each frequency, whose singular values those are:
            their number is that of the matrices times the smaller side. Else None.
        mask: → bool array (units, fan_in), True where kept, if a pruning wrapper acts on the kernel. Else None.
        reason: None, or why there are no numbers: then all callables are None.
        part_of: path of the record that holds the same weights among others, or None.
    """

    path: str
    layer: str
    kind: str
    view: str | None = None
    units: Callable[[], np.ndarray] | None = None
    slices: Callable[[], tuple[np.ndarray, ...]] | None = None
    singular_values: Callable[[], np.ndarray] | None = None
    block: tuple[int, int] | None = None
    mask: Callable[[], np.ndarray] | None = None
    reason: str | None = None
    part_of: str | None = None


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


def weight_matrices(model: keras.Model, view: str = "taps") -> Iterator[WeightMatrix]:
    """The weight matrices of a model, in its order; layers that hold weights and no matrix have a record with the reason.

    Args:
        model: any built model: Sequential, functional, subclassed, nested, wrapped for pruning.
        view: of convolutions: "taps", the in × out matrices of the taps; "filters", the unit matrix; "operator", the circular
            convolution. Grouped convolutions are taken group by group; depthwise ones by their unit matrix, in the operator view
            channel by channel. In the operator view an input size that the model leaves open is `DEFAULT_SIZE`, and sizes are
            rounded up to a multiple of the stride.

    Returns:
        Iterator of `WeightMatrix`.

    Raises:
        ValueError: a model that is not built, or an unknown view.

    Example:
        >>> layers = [keras.layers.Conv2D(4, 3, name="conv"), keras.layers.BatchNormalization(name="bn")]
        >>> conv, bn = weight_matrices(keras.Sequential([keras.Input((8, 8, 2)), *layers]))
        >>> conv.path, conv.kind, conv.units().shape, [matrix.shape for matrix in conv.slices()][:2]
        ('conv/kernel', 'conv2d', (4, 18), [(2, 4), (2, 4)])
        >>> bn.reason
        'no kernel: gamma, beta, moving_mean and moving_variance only'

    Reference:
        Martin & Mahoney 2021, Implicit self-regularization in deep neural networks, arXiv:1810.01075 (taps); Sedghi, Gupta & Long
        2019, The singular values of convolutional layers, arXiv:1805.10408 (operator).
    """
    _check_view(view)
    found = _found(model)
    return (each if isinstance(each, WeightMatrix) else each.record(view) for each in found)


def matching_initial(
    model: keras.Model, initial: keras.Model | Mapping[str, np.ndarray] | Any, view: str = "taps"
) -> dict[str, WeightMatrix]:
    """The matrices of a model with the weights of its initial copy: {path of a matrix of `model`: the initial one}.

    They pair with those of `weight_matrices(model, view)` that have numbers. Where `model` is pruned the initial weights are
    zero too, so that what was pruned counts as no change.

    Args:
        model: any built model.
        initial: another model of the same architecture, pruned or not, whose layers are found by their paths or, where those
            differ because Keras numbered unnamed layers on, by their order; or {variable path: array} with all kernels; or a
            Ticket, whose `variables` are that.
        view: as for `weight_matrices`.

    Returns:
        {path: WeightMatrix}.

    Raises:
        ValueError: another architecture; names the first path that differs.

    Example:
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="dense")])
        >>> initial = matching_initial(model, {"dense/kernel": np.ones((3, 2)), "dense/bias": np.zeros(2)})
        >>> initial["dense/kernel"].units()
        array([[1., 1., 1.],
               [1., 1., 1.]])
    """
    _check_view(view)
    sources = [each for each in _found(model) if isinstance(each, _Source)]
    if isinstance(initial, keras.layers.Layer):
        reads = _reads_of_model(sources, [each for each in _found(initial) if isinstance(each, _Source)])
    else:
        reads = _reads_of_arrays(sources, getattr(initial, "variables", initial), variable_paths(model))
    return {
        source.path: source.record(view, functools.partial(source.under_mask, read))
        for source, read in zip(sources, reads, strict=True)
    }


# From layers to kernels.


@dataclass(frozen=True, eq=False)
class _Source:
    """A kernel where it sits in a model.

    `whole` is the path of the whole kernel, `variable` what holds it.
    """

    whole: str
    layer: str
    kernel: Kernel
    variable: keras.Variable | None
    wrapper: Wrapped | None
    part_of: str | None

    @property
    def path(self) -> str:
        return self.whole if self.kernel.part is None else f"{self.whole}[{self.kernel.part}]"

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the whole kernel."""
        return tuple(getattr(self.kernel.layer, self.kernel.name).shape)

    @property
    def masked(self) -> bool:
        return self.wrapper is not None and any(variable is self.variable for variable, _ in self.wrapper.kept())

    def kept(self) -> np.ndarray:
        """Bool array of the shape of the whole kernel."""
        return next(kept for variable, kept in self.wrapper.kept() if variable is self.variable)

    def read(self) -> np.ndarray:
        """The whole kernel that the layer computes with; what a mask prunes is zero."""
        layer, name = self.kernel.layer, self.kernel.name
        if self.wrapper is None:
            return _floats(_effective(layer, name))
        behind = {id(variable) for variable in _behind(self)}
        masked = [
            (v, ops.where(kept, v.value, 0)) for v, kept in self.wrapper.kept() if id(v) in behind and not kept.all()
        ]
        with keras.StatelessScope(state_mapping=masked):
            return _floats(_effective(layer, name))

    def under_mask(self, read: Callable[[], np.ndarray]) -> np.ndarray:
        """What `read` returns for another whole kernel, zero where this one is pruned."""
        kernel = read()
        return np.where(self.kept(), kernel, kernel.dtype.type(0)) if self.masked else kernel

    def record(self, view: str, read: Callable[[], np.ndarray] | None = None) -> WeightMatrix:
        """The record of the whole kernel that `read` returns; default: the layer's own."""
        structure, of = self.kernel.structure, self.kernel.of
        shape = of(np.broadcast_to(0, self.shape)).shape
        view = structure.view(view, shape)
        operator = view == "operator" and isinstance(structure, Convolution)

        def part() -> np.ndarray:
            return of(self.read() if read is None else read())

        return WeightMatrix(
            path=self.path,
            layer=self.layer,
            kind=self.kernel.kind,
            view=view,
            units=lambda: structure.rows(part()),
            slices=None if operator else lambda: structure.slices(part(), view),
            singular_values=(lambda: structure.singular_values(part())) if operator else None,
            block=structure.block(shape) if operator else None,
            mask=(lambda: structure.rows(of(self.kept()))) if self.masked else None,
            part_of=self.part_of,
        )


def _found(model: keras.Model) -> Iterator[_Source | WeightMatrix]:
    """Everything in the model's order: kernels as sources; what has none, as records with a reason."""
    if not model.built:
        raise ValueError(f"`model` must be built: give it an Input or call it on data. Received: '{model.name}'")
    layers = list(_layers(model))
    places = {id(layer): path for path, layer, _ in reversed(layers)}
    paths = {id(variable): path for path, variable in variable_paths(model).items()}
    return _walk(layers, places, paths)


def _layers(model: keras.Model) -> Iterator[tuple[str, keras.layers.Layer, Wrapped | None]]:
    """(path, layer, pruning wrapper around it): the model itself under its name, and all layers, those inside wrappers too."""
    yield model.name, model, None
    for path, layer in layer_paths(model).items():
        if not isinstance(layer, Wrapped):
            yield path, layer, None
            continue
        yield path, layer.layer, layer
        for below, sublayer in layer_paths(layer.layer).items():
            yield joined(path, below), sublayer, layer


def _walk(layers, places: dict[int, str], paths: dict[int, str]) -> Iterator[_Source | WeightMatrix]:
    """`places`: {id of a layer: path}; `paths`: {id of a variable: path}."""
    spoken_for: set[Hashable] = set()  # kernels; an attention layer speaks for those of its projections
    told: set[int] = set()  # layers that have a record
    for path, layer, wrapper in layers:
        kernels = [kernel for kernel in _kernels(layer) if _key(kernel) not in spoken_for]
        for parts in _by_variable(kernels):
            variable = _variable(parts[0])
            place = places.get(id(parts[0].layer), path)
            whole = paths.get(id(variable), joined(place, parts[0].name))
            yield from _sources(parts, whole, place, variable, wrapper)
        spoken_for |= {_key(kernel) for kernel in kernels}
        told |= {id(kernel.layer) for kernel in kernels}
        yield from _reasons(path, layer, spoken_for, id(layer) in told, paths)


def _sources(parts, whole: str, place: str, variable, wrapper) -> Iterator[_Source | WeightMatrix]:
    """The parts of one kernel, or the one reason why it can not be read."""
    reason = _unreadable(parts[0].layer)
    if reason is not None:
        yield WeightMatrix(whole, place, parts[0].kind, reason=reason)
        return
    fused = any(kernel.part is None for kernel in parts)
    for kernel in parts:
        part_of = whole if fused and kernel.part is not None else None
        yield _Source(whole, place, kernel, variable, wrapper, part_of)


def _reasons(path: str, layer, spoken_for: set[Hashable], told: bool, paths: dict[int, str]) -> Iterator[WeightMatrix]:
    """What a layer holds beside the kernels that are spoken for, if that needs a word or the layer has had none."""
    kind, own = type(layer).__name__, _own_weights(layer)
    if not own and not layer.built and _rule_of(layer) not in (None, _no_kernel):
        yield WeightMatrix(path, path, kind, reason="not built: no call of the model has reached it")
    rest = [weight for weight in own if id(weight) not in spoken_for]
    factors = [weight for weight in rest if weight.name.startswith("lora_")]
    unknown = [] if type(layer) in _RULES else [weight for weight in rest if _may_be_a_kernel(weight)]
    for weight in factors:
        reason = "a low-rank factor of LoRA: the product is part of the layer's kernel"
        yield WeightMatrix(paths[id(weight)], path, kind, reason=reason)
    for weight in unknown:
        reason = f"unknown layer class {kind}: add a kernel rule for '{_label(layer, weight)}' with register_rule"
        yield WeightMatrix(paths[id(weight)], path, kind, reason=reason)
    if own and not (told or factors or unknown):
        shared = next((f"its kernel is '{paths[id(weight)]}'" for weight in own if id(weight) in spoken_for), None)
        yield WeightMatrix(path, path, kind, reason=shared or f"no kernel: {_listed(layer, own)} only")


def _may_be_a_kernel(weight: keras.Variable) -> bool:
    return len(weight.shape) > 1 and weight.name != "bias" and not weight.name.startswith("lora_")


def _kernels(layer) -> list[Kernel]:
    rule = _rule_of(layer)
    return [] if rule is None or not (layer.built or layer.weights) else list(rule(layer))


def _rule_of(layer) -> Rule | None:
    return next((_RULES[cls] for cls in type(layer).__mro__ if cls in _RULES), None)


def _variable(kernel: Kernel) -> keras.Variable | None:
    """What holds the kernel; where the attribute is computed, as with LoRA, the weight of its name, if there is one."""
    value = getattr(kernel.layer, kernel.name)
    if isinstance(value, keras.Variable):
        return value
    return next((weight for weight in _own_weights(kernel.layer) if weight.name == kernel.name), None)


def _key(kernel: Kernel) -> Hashable:
    """The same for all parts of a kernel, and for layers that share a variable."""
    variable = _variable(kernel)
    return (id(kernel.layer), kernel.name) if variable is None else id(variable)


def _by_variable(kernels: list[Kernel]) -> Iterable[list[Kernel]]:
    parts: dict[Hashable, list[Kernel]] = {}
    for kernel in kernels:
        parts.setdefault(_key(kernel), []).append(kernel)
    return parts.values()


def _own_weights(layer) -> list[keras.Variable]:
    """The weights of a layer that none of its sublayers holds, without random seeds."""
    own = {id(variable) for variable in own_variables(layer)}
    return [weight for weight in layer.weights if id(weight) in own]


def _listed(layer, weights: list[keras.Variable]) -> str:
    *names, last = dict.fromkeys(_label(layer, weight) for weight in weights)
    return f"{', '.join(names)} and {last}" if names else last


def _label(layer, weight: keras.Variable) -> str:
    """The attribute that holds a weight, because a weight may be without a name: Keras then numbers it."""
    return next((name.lstrip("_") for name, value in vars(layer).items() if value is weight), weight.name)


# From kernels to numbers.


def _effective(layer, name: str):
    """The kernel that the layer computes with, a variable or a backend tensor; with LoRA the product is in it."""
    kernel = getattr(layer, name)
    if layer.quantization_mode != "int8":
        return kernel
    scale = ops.expand_dims(getattr(layer, f"{name}_scale"), -1 if name == "embeddings" else 0)
    return ops.cast(kernel, scale.dtype) / scale


def _unreadable(layer) -> str | None:
    """Why `_effective` can not tell the kernel, if so."""
    mode, adapted = layer.quantization_mode, getattr(layer, "lora_enabled", False)
    if mode in (None, "float8") or (mode == "int8" and isinstance(layer, L.Dense | L.Embedding) and not adapted):
        return None
    also = " and adapted by LoRA" if adapted else ""
    return f"quantised to {mode}{also}: analyse the model before it is quantised"


def _floats(value) -> np.ndarray:
    """Variable, tensor or array → read-only float array, a view where the backend lets its memory be seen."""
    if not isinstance(value, np.ndarray):
        value = np.asarray(ops.stop_gradient(value.value if isinstance(value, keras.Variable) else value))
    if value.dtype not in (np.float32, np.float64):
        wide = value.dtype.kind in "iu" and value.dtype.itemsize > 2
        value = value.astype(np.float64 if wide else np.float32)
    view = value.view()
    view.flags.writeable = False
    return view


def _check_view(view: str) -> None:
    if view not in VIEWS:
        raise ValueError(f"`view` must be one of {', '.join(VIEWS)}. Received: view={view!r}")


# From a model to its initial copy.


def _reads_of_model(sources: list[_Source], others: list[_Source]) -> list[Callable[[], np.ndarray]]:
    """What reads the initial kernels from another model, in the order of `sources`."""
    by_path = {other.path: other for other in others}
    if by_path.keys() == {source.path for source in sources}:
        others = [by_path[source.path] for source in sources]
    for source, other in itertools.zip_longest(sources, others):
        if source is None or other is None or _signature(source) != _signature(other):
            raise ValueError(
                f"`initial` must have the architecture of `model`. Received: {_described(other)} in place of "
                f"{_described(source)}"
            )
    return [other.read for other in others]


def _signature(source: _Source):
    return source.kernel.kind, source.kernel.name, source.kernel.part, source.shape


def _described(source: _Source | None) -> str:
    return "nothing" if source is None else f"{source.kernel.kind} '{source.path}' of shape {source.shape}"


def _reads_of_arrays(sources: list[_Source], arrays, variables) -> list[Callable[[], np.ndarray]]:
    """What reads the initial kernels from {variable path: array}, in the order of `sources`."""
    if not isinstance(arrays, Mapping):
        raise ValueError(
            f"`initial` must be a model, {{variable path: array}} or a Ticket. Received: {type(arrays).__name__}"
        )
    paths = {id(variable): path for path, variable in variables.items()}
    behind = [{paths[id(variable)]: variable for variable in _behind(source)} for source in sources]
    for path in dict.fromkeys([*itertools.chain(*behind), *arrays]):
        there = f"shape {np.shape(arrays[path])}" if path in arrays else "no array"
        here = f"shape {tuple(variables[path].shape)}" if path in variables else "no such path"
        if there != here:
            raise ValueError(
                f"`initial` must have the architecture of `model`. Received: '{path}' has {there}, in `model` {here}"
            )
    return [
        functools.partial(_read_arrays, source, variables, arrays)
        for source, variables in zip(sources, behind, strict=True)
    ]


def _behind(source: _Source) -> list[keras.Variable]:
    """The variables that a layer computes its kernel from."""
    layer = source.kernel.layer
    plain = getattr(layer, source.kernel.name) is source.variable and layer.quantization_mode != "int8"
    return [source.variable] if plain else _own_weights(layer)


def _read_arrays(source: _Source, variables: dict[str, keras.Variable], arrays) -> np.ndarray:
    """The kernel that the layer would compute with if `variables` had the values in `arrays`."""
    if len(variables) == 1:
        return _floats(np.asarray(arrays[source.whole]))
    state = [(variable, ops.convert_to_tensor(arrays[path], variable.dtype)) for path, variable in variables.items()]
    with keras.StatelessScope(state_mapping=state):
        return _floats(_effective(source.kernel.layer, source.kernel.name))


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
