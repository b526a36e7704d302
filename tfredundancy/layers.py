"""`PruneUnits` and `PruneWeights`: wrappers that hold a mask and let the wrapped layer compute with masked variables.

    layer, mask → wrapper:   y = layer(x) with every variable v replaced by where(mask, v, 0)

The mask is a non-trainable bool variable (one byte an entry) of the wrapper: it is saved, loaded and cloned with the model
and never trained. The pruned entries of a variable have no effect whatever an optimizer, its momentum, weight decay or a
moving average does to the stored numbers, because the layer never sees them; their gradient is exactly zero, `where` keeps
even an infinite one out. No callback is needed, nothing depends on `fit`.

The stored numbers are zeroed when a mask is set and when the model is saved. With element-wise optimizers they stay zero in
between; an optimizer that mixes the entries of a kernel (Muon) moves them, without effect: regularisers of the wrapped
variables see what the layer sees, and so do constraints, but for JAX.
"""

import base64
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import keras
import numpy as np
from keras import ops

from tfredundancy.paths import Wrapped, variable_paths


@dataclass(frozen=True)
class _Target:
    """A variable that a mask acts on: `mask` reshaped to `shape` broadcasts against the variable."""

    variable: keras.Variable
    mask: keras.Variable
    shape: tuple[int, ...]

    def effective(self, value=None):
        """The variable's value, or `value` in place of it, with the pruned entries zero: a backend tensor."""
        value = self.variable.value if value is None else ops.convert_to_tensor(value)
        return ops.where(ops.reshape(self.mask.value, self.shape), value, ops.zeros((), value.dtype))

    def hide_pruned(self) -> None:
        """Let the variable's regulariser and constraint see the pruned entries as zero, as the layer does.

        With JAX an optimizer has its own variables at hand and no masks: constraints see the stored numbers there.
        """
        for function in ("regularizer",) if keras.backend.backend() == "jax" else ("regularizer", "constraint"):
            if (given := getattr(self.variable, function, None)) is not None:
                setattr(self.variable, function, _of_effective(given, self))

    def kept(self) -> np.ndarray:
        """Bool array of the variable's shape."""
        mask = ops.convert_to_numpy(self.mask).astype(bool).reshape(self.shape)
        return np.broadcast_to(mask, self.variable.shape)


def _of_effective(function, target: _Target):
    return lambda value: function(target.effective(value))


class _Prune(Wrapped, keras.layers.Wrapper):
    """What both wrappers share.

    A subclass defines `_layout()`: {mask name: (mask shape, [(variable, shape in which the mask broadcasts to it)])} of the
    built layer, the one name being "" where the layer has a single mask.
    """

    def __init__(self, layer, mask=None, **kwargs):
        _refuse_unsupported(layer, type(self).__name__)
        kwargs.setdefault("name", layer.name)
        kwargs.setdefault("dtype", layer.dtype_policy)
        super().__init__(layer, **kwargs)
        self._initial_mask = mask
        self._targets = []
        self.supports_masking = True
        # The wrapper takes the arguments of the layer that it wraps. Keras reads a layer's signature once, at construction,
        # and from the class; without this, a call that mixes tensors and options in its keywords is refused.
        self._call_signature = inspect.signature(layer.call)
        self._allow_non_tensor_positional_args = layer._allow_non_tensor_positional_args

    def build(self, input_shape=None):
        if not self.layer.built:
            super().build(input_shape)
        layout = self._layout()
        initial = {} if self._initial_mask is None else self._as_dict(_unpack(self._initial_mask), layout)
        for name, (shape, variables) in layout.items():
            variable = self.add_weight(
                name=f"{name.replace('/', '_')}_mask" if name else "mask",
                shape=shape,
                dtype="bool",
                initializer="ones",
                trainable=False,
            )
            targets = [_Target(target, variable, broadcast) for target, broadcast in variables]
            self._targets.extend(targets)
            for target in targets:
                target.hide_pruned()
            if name in initial:
                check_mask(initial[name], shape, self._described(name))
                variable.assign(initial[name])
        self._mask_names = list(layout)
        self._initial_mask = None
        self.built = True
        if initial:
            self.zero_pruned()

    def __call__(self, *args, **kwargs):
        if not self.layer.built:  # as if it stood alone: by its own rules, and with its own variables' paths
            self.layer(*keras.tree.map_structure(_symbolic, args), **keras.tree.map_structure(_symbolic, kwargs))
        return super().__call__(*args, **kwargs)

    def call(self, *args, **kwargs):
        variables = self.layer.variables
        effective = {id(target.variable): target.effective() for target in self._targets}
        state = [(v, effective[id(v)] if id(v) in effective else v.value) for v in variables]
        with keras.StatelessScope(state, collect_losses=True, initialize_variables=False) as scope:
            before = dict(scope.state_mapping)
            outputs = self.layer(*args, **kwargs)
        for variable in variables:  # BatchNorm statistics, dropout seeds: what the layer itself has assigned
            value = scope.get_current_value(variable)
            if value is not before[id(variable)]:
                variable.assign(value)
        for loss in scope.losses:
            self.add_loss(loss)
        return outputs

    def compute_output_spec(self, *args, **kwargs):
        return self.layer.compute_output_spec(*args, **kwargs)

    def compute_output_shape(self, *args, **kwargs):
        return self.layer.compute_output_shape(*args, **kwargs)

    def compute_mask(self, inputs, previous_mask):
        return self.layer.compute_mask(inputs, previous_mask)

    def get_build_config(self):
        return {"layer": self.layer.get_build_config()} if self.built else None

    def build_from_config(self, config):
        if config["layer"] and not self.layer.built:
            self.layer.build_from_config(config["layer"])
        if not self.built:
            self.build()

    def around(self, layer: keras.layers.Layer) -> "_Prune":
        """A wrapper of another layer of the same kind with this one's settings and masks."""
        mask = self._configured_mask()
        return type(self)(layer, mask=mask, name=self.name, trainable=self.trainable, dtype=self.dtype_policy)

    @property
    def masks(self) -> dict[str, np.ndarray]:
        """{mask name: bool array}: one mask named "" for units, one for each kernel by its name for weights."""
        variables = self._mask_variables()
        return {name: ops.convert_to_numpy(variable).astype(bool) for name, variable in variables.items()}

    @property
    def mask(self):
        """Bool array, True where kept; a dictionary of them by kernel for a layer with several kernels."""
        masks = self.masks
        return next(iter(masks.values())) if len(masks) == 1 else masks

    @mask.setter
    def mask(self, value):
        variables = self._mask_variables()
        new = self._as_dict(value, variables)
        checked = {name: np.asarray(mask) for name, mask in new.items()}
        for name, mask in checked.items():
            check_mask(mask, tuple(variables[name].shape), self._described(name))
        for name, mask in checked.items():
            variables[name].assign(mask)
        self.zero_pruned()

    def _mask_variables(self) -> dict[str, keras.Variable]:
        if not self.built:
            raise ValueError(
                f"Layer '{self.name}' has no mask before it is built: call the model on data or `build` it first."
            )
        by_id = {id(target.mask): target.mask for target in self._targets}
        return dict(zip(self._mask_names, by_id.values(), strict=True))

    def _as_dict(self, value, names) -> dict[str, np.ndarray]:
        if not isinstance(value, Mapping):
            if len(names) != 1:
                raise ValueError(
                    f"`mask` of layer '{self.name}' must be a dictionary with the keys {list(names)}. Received: {value!r}"
                )
            return {next(iter(names)): np.asarray(value)}
        unknown = set(value) - set(names)
        if unknown:
            raise ValueError(f"`mask` of layer '{self.name}' has the keys {list(names)}. Received: {sorted(unknown)}")
        return {name: np.asarray(mask) for name, mask in value.items()}

    def _described(self, name: str) -> str:
        return f"{self.name}/{name}" if name else self.name

    def kept(self) -> Iterator[tuple[keras.Variable, np.ndarray]]:
        """Yield (variable, bool array of its shape) for each variable that a mask acts on."""
        for target in self._targets:
            yield target.variable, target.kept()

    def zero_pruned(self) -> None:
        """Set the stored numbers of pruned entries to zero; what the layer computes does not change."""
        for variable, kept in self.kept():
            if not kept.all():
                variable.assign(np.where(kept, ops.convert_to_numpy(variable), 0))

    def save_own_variables(self, store):
        self.zero_pruned()  # the layer's own variables are stored after the wrapper's: a checkpoint holds exact zeros
        super().save_own_variables(store)

    def load_own_variables(self, store):
        if len(store.keys()) != len(self._mask_names):
            raise ValueError(
                f"Layer '{self.name}' is wrapped for pruning, but the file holds the weights of an unwrapped one: "
                "load the weights into the plain model first, then prune it."
            )
        super().load_own_variables(store)

    def get_config(self):
        return {**super().get_config(), "mask": _pack(self._configured_mask())}

    def _configured_mask(self) -> dict[str, np.ndarray] | None:
        if not self.built:
            return None if self._initial_mask is None else _unpack(self._initial_mask)
        return None if all(mask.all() for mask in self.masks.values()) else self.masks


@keras.saving.register_keras_serializable(package="tfredundancy")
class PruneUnits(_Prune):
    """Prune whole units of a layer: a masked unit's kernel, bias, gamma and beta act as zero.

    For the kept set m ∈ {0, 1}^units the layer computes with W·m and b·m, so the shape stays and a masked unit's output is the
    constant activation(0). A BatchNormalization that follows must be masked alike, or its beta and its moving mean would let
    the unit speak again; `tfr.prune_units` does that. A normalisation without gamma sees its masked inputs as zero.

    Args:
        layer: Dense, EinsumDense, Conv1D–3D, Conv1D–3DTranspose, DepthwiseConv1D–2D, SeparableConv1D–2D, Embedding,
            BatchNormalization, LayerNormalization and GroupNormalization (statistics over the kept units), or
            MultiHeadAttention (one entry per head). In a model of your own, put the wrapper where the layer was.
        mask: bool array (units,), True where the unit is kept. Default: all are kept.
        **kwargs: as for every layer; the name defaults to the wrapped layer's.

    Input shape:
        That of the wrapped layer.

    Output shape:
        That of the wrapped layer.

    Raises:
        ValueError: a layer whose units are not known, or a mask of the wrong shape or dtype.

    Example:
        >>> layer = PruneUnits(keras.layers.Dense(3, bias_initializer="ones"), mask=np.array([True, False, True]))
        >>> layer(np.zeros((1, 2), "float32")).numpy()
        array([[1., 0., 1.]], dtype=float32)

    Reference:
        Li et al. 2016, Pruning filters for efficient ConvNets, arXiv:1608.08710.
    """

    def __init__(self, layer, mask=None, **kwargs):
        super().__init__(layer, mask, **kwargs)
        if not has_units(layer):
            raise ValueError(
                "`layer` must be one whose units are known: "
                f"{', '.join(kind.__name__ for kind in _UNIT_VARIABLES)}. Received: {type(layer).__name__} '{layer.name}'"
            )

    def _layout(self):
        size, variables = unit_variables(self.layer)
        return {"": ((size,), variables)}

    def call(self, inputs, *args, **kwargs):
        if isinstance(self.layer, keras.layers.LayerNormalization | keras.layers.GroupNormalization):
            return self._normalised(inputs)
        if isinstance(self.layer, keras.layers.BatchNormalization) and not self.layer.scale:
            # Without gamma nothing scales a unit to zero: (x − mean)/sd must vanish, in training and in inference.
            shape = [1] * len(inputs.shape)
            shape[self.layer.axis] = -1
            keep = ops.reshape(self._targets[0].mask.value, shape)
            inputs = ops.where(keep, inputs, ops.zeros((), inputs.dtype))
        return super().call(inputs, *args, **kwargs)

    def _normalised(self, inputs):
        """(x − mean)/sd · gamma + beta, mean and sd over the kept units (of each group where there are groups); 0 elsewhere."""
        layer, keep = self.layer, self._targets[0].mask.value
        groups = getattr(layer, "groups", None)
        x = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        y = over_kept(x, keep, layer.epsilon, groups)
        for variable, join in ((layer.gamma, ops.multiply), (layer.beta, ops.add)):
            if variable is not None:
                y = join(y, ops.cast(variable.value, y.dtype))
        return ops.cast(ops.where(keep, y, ops.zeros((), y.dtype)), layer.compute_dtype)


@keras.saving.register_keras_serializable(package="tfredundancy")
class PruneWeights(_Prune):
    """Prune single weights of a layer's kernels: y = layer(x) with W·m in place of W.

    Args:
        layer: any layer with a kernel; biases and normalisation parameters stay.
        mask: bool array of the kernel's shape, True where the weight is kept; for a layer with several kernels (separable
            convolutions, attention, recurrent layers) a dictionary {kernel's name: array}. Default: all are kept.
        **kwargs: as for every layer; the name defaults to the wrapped layer's.

    Input shape:
        That of the wrapped layer.

    Output shape:
        That of the wrapped layer.

    Raises:
        ValueError: a layer without a kernel, or a mask of the wrong shape or dtype.

    Example:
        >>> layer = PruneWeights(keras.layers.Dense(2, kernel_initializer="ones"), mask=np.array([[True, False]]))
        >>> layer(np.ones((1, 1), "float32")).numpy()
        array([[1., 0.]], dtype=float32)

    Reference:
        Han et al. 2015, Learning both weights and connections for efficient neural networks, arXiv:1506.02626.
    """

    def _layout(self):
        kernels = weight_variables(self.layer)
        if not kernels:
            raise ValueError(f"`layer` must have a kernel. Received: {type(self.layer).__name__} '{self.layer.name}'")
        return {name: (tuple(v.shape), [(v, tuple(v.shape))]) for name, v in kernels.items()}


def has_units(layer) -> bool:
    """Whether `PruneUnits` knows the units of this layer."""
    return isinstance(layer, tuple(_UNIT_VARIABLES))


def weight_variables(layer) -> dict[str, keras.Variable]:
    """{name: kernel} of a built layer, the names relative to the layer ("kernel", "query/kernel", …).

    Example:
        >>> layer = keras.layers.Dense(2)
        >>> layer.build((None, 3))
        >>> list(weight_variables(layer))
        ['kernel']
    """
    return {
        name: variable
        for name, variable in variable_paths(layer).items()
        if variable.name.endswith("kernel") and len(variable.shape) >= 2
    }


def unit_variables(layer) -> tuple[int, list[tuple[keras.Variable, tuple[int, ...]]]]:
    """Units of a built layer: their number, and each variable that holds them with the shape in which a mask broadcasts to it.

    Example:
        >>> layer = keras.layers.Dense(2)
        >>> layer.build((None, 3))
        >>> size, variables = unit_variables(layer)
        >>> size, [(variable.name, shape) for variable, shape in variables]
        (2, [('kernel', (1, 2)), ('bias', (2,))])
    """
    for kind, find in _UNIT_VARIABLES.items():
        if isinstance(layer, kind):
            return find(layer)
    raise ValueError(f"The units of layer '{layer.name}' of type {type(layer).__name__} are not known.")


def is_elementwise(activation, width: int = 4, rank: int = 2) -> bool:
    """Whether an activation function is one function of every entry alone; None is the identity.

    It is tried out: a changed entry must change no other one, and a constant must stay one.

    Args:
        activation: function of tensors, or None.
        width: size of the last axis that it is tried on.
        rank: number of axes.

    Example:
        >>> [is_elementwise(keras.activations.get(name)) for name in ("relu", "softmax", "glu", None)]
        [True, False, False, True]
    """
    if activation is None:
        return True
    if getattr(activation, "__module__", "").startswith("keras.src.activations"):
        return _probe_once(activation)
    return _probe(activation, width, rank)


def _probe(activation, width: int = 4, rank: int = 3) -> bool:
    shape = (2, *[3] * (rank - 2), width)
    draws = [scale * np.random.default_rng(0).normal(size=shape).astype("float32") for scale in (0.3, 2.0)]
    return all(_apart(activation, draw) for draw in draws) and _stays_constant(activation, shape)


def _apart(activation, draw: np.ndarray) -> bool:
    """Whether the first entry changes no other one."""
    found = []
    for first in (-1.0, 1.0):
        draw.flat[0] = first
        found.append(ops.convert_to_numpy(activation(ops.convert_to_tensor(draw))))
    if any(each.shape != draw.shape for each in found):
        return False
    before, after = (each.ravel()[1:] for each in found)
    return bool(((before == after) | (np.isnan(before) & np.isnan(after))).all())  # the root of −2 is no number


def _stays_constant(activation, shape: tuple[int, ...]) -> bool:
    for value in (0.0, 0.5):
        found = ops.convert_to_numpy(activation(ops.full(shape, value))).ravel()
        if not ((found == found[0]) | np.isnan(found)).all():
            return False
    return True


_probe_once = lru_cache(_probe)  # Keras's own functions, which a model has at every layer


def over_kept(x, keep, epsilon: float, groups: int | None = None):
    """(x − mean)/√(variance + epsilon) over the kept units of the last axis: layer normalisation of what a mask leaves.

    Args:
        x: tensor (batch, …, units).
        keep: bool tensor (units,).
        epsilon: added to the variance.
        groups: statistics go over all axes but the first, for each of this many groups of units; None: over the last axis.

    Example:
        >>> keep = ops.convert_to_tensor([True, True, False])
        >>> y = over_kept(ops.convert_to_tensor([[1.0, 3.0, 100.0]]), keep, 0.0)
        >>> [round(float(entry), 3) for entry in y[0][:2]]
        [-1.0, 1.0]
    """
    shape = ops.shape(x)
    if groups is None:
        axes = (-1,)
    else:
        x = ops.reshape(x, (shape[0], -1, groups, shape[-1] // groups))
        keep, axes = ops.reshape(keep, (groups, -1)), (1, 3)
    weight = ops.broadcast_to(ops.cast(keep, x.dtype), ops.shape(x))
    count = ops.maximum(ops.sum(weight, axes, keepdims=True), 1)
    mean = ops.sum(ops.where(keep, x, ops.zeros((), x.dtype)), axes, keepdims=True) / count
    centred = ops.where(keep, x - mean, ops.zeros((), x.dtype))
    variance = ops.sum(ops.square(centred), axes, keepdims=True) / count
    return ops.reshape(centred * ops.rsqrt(variance + epsilon), shape)


def check_mask(mask: np.ndarray, shape: tuple[int, ...], name: str) -> None:
    """Raise unless `mask` is a bool array of `shape`; `name` says whose it is."""
    if mask.dtype != bool or mask.shape != shape:
        raise ValueError(
            f"`mask` of '{name}' must be a bool array of shape {shape}. Received: {mask.dtype} of shape {mask.shape}"
        )


def _on_axis(variable, axis: int) -> tuple[keras.Variable, tuple[int, ...]]:
    shape = [1] * len(variable.shape)
    shape[axis] = variable.shape[axis]
    return variable, tuple(shape)


def _bias(layer) -> list:
    return [] if layer.bias is None else [_on_axis(layer.bias, -1)]


def _last_axis_units(layer):
    return layer.kernel.shape[-1], [_on_axis(layer.kernel, -1), *_bias(layer)]


def _transposed_units(layer):
    return layer.kernel.shape[-2], [_on_axis(layer.kernel, -2), *_bias(layer)]


def _depthwise_units(layer):
    inputs, multiplier = layer.kernel.shape[-2:]
    shape = (1,) * (len(layer.kernel.shape) - 2) + (inputs, multiplier)
    return inputs * multiplier, [(layer.kernel, shape), *_bias(layer)]


def _separable_units(layer):
    return layer.pointwise_kernel.shape[-1], [_on_axis(layer.pointwise_kernel, -1), *_bias(layer)]


@dataclass(frozen=True)
class EinsumAxes:
    """Axes of an EinsumDense kernel.

    Attributes:
        input: goes by the last axis of the input, which it sums over; None where it does not sum over it.
        output: goes by the last axis of the output, the units.
        only: whether every other axis is summed over, too, and the bias has an entry for each unit.
    """

    input: int | None
    output: int
    only: bool


def einsum_axes(layer) -> EinsumAxes | None:
    """How an EinsumDense uses its kernel; None where the last axis of the output is none of kernel and bias.

    Example:
        >>> einsum_axes(keras.layers.EinsumDense("abc,cd->abd", (None, 4), bias_axes="d"))
        EinsumAxes(input=0, output=1, only=True)
    """
    inputs, rest = layer.equation.replace(" ", "").split(",")
    kernel, output = rest.split("->")
    unit, channel = output[-1], inputs[-1]
    if unit not in kernel or unit in inputs or (layer.bias_axes and not layer.bias_axes.endswith(unit)):
        return None
    summed = all(letter not in output for letter in kernel if letter != unit)
    sums = channel in kernel and channel not in output
    only = summed and sums and layer.bias_axes in (None, "", unit)
    return EinsumAxes(kernel.index(channel) if sums else None, kernel.index(unit), only)


def _einsum_units(layer):
    axes = einsum_axes(layer)
    if axes is None:
        raise ValueError(
            f"The units of EinsumDense '{layer.name}' must be an axis of its kernel and bias. "
            f"Received: equation={layer.equation!r}, bias_axes={layer.bias_axes!r}"
        )
    return layer.kernel.shape[axes.output], [_on_axis(layer.kernel, axes.output), *_bias(layer)]


def _embedding_units(layer):
    return layer.output_dim, [_on_axis(layer.embeddings, -1)]


def _statistics_units(layer):
    """Of Layer- and GroupNormalization over the last axis: entries of gamma and beta."""
    variables = [_on_axis(variable, -1) for variable in (layer.gamma, layer.beta) if variable is not None]
    if not variables or any(len(variable.shape) != 1 for variable, _ in variables):
        raise ValueError(
            f"The units of {type(layer).__name__} '{layer.name}' must have a gamma or a beta with one entry each. "
            f"Received: axis={layer.axis}, scale={layer.scale}, center={layer.center}"
        )
    return variables[0][0].shape[0], variables


def _normalisation_units(layer):
    variables = [layer.gamma, layer.beta] if layer.scale else [layer.beta, layer.moving_mean]
    variables = [_on_axis(variable, -1) for variable in variables if variable is not None]
    return layer.moving_mean.shape[0], variables


def _attention_units(layer):
    variables = []
    for dense in (layer.query_dense, layer.key_dense, layer.value_dense):
        variables.append(_on_axis(dense.kernel, -2))
        if dense.bias is not None:
            variables.append(_on_axis(dense.bias, -2))
    variables.append(_on_axis(layer.output_dense.kernel, 0))
    return layer.num_heads, variables


_UNIT_VARIABLES = {
    keras.layers.Dense: _last_axis_units,
    keras.layers.EinsumDense: _einsum_units,
    keras.layers.Conv1DTranspose: _transposed_units,
    keras.layers.Conv2DTranspose: _transposed_units,
    keras.layers.Conv3DTranspose: _transposed_units,
    keras.layers.Conv1D: _last_axis_units,
    keras.layers.Conv2D: _last_axis_units,
    keras.layers.Conv3D: _last_axis_units,
    keras.layers.DepthwiseConv1D: _depthwise_units,
    keras.layers.DepthwiseConv2D: _depthwise_units,
    keras.layers.SeparableConv1D: _separable_units,
    keras.layers.SeparableConv2D: _separable_units,
    keras.layers.BatchNormalization: _normalisation_units,
    keras.layers.LayerNormalization: _statistics_units,
    keras.layers.GroupNormalization: _statistics_units,
    keras.layers.MultiHeadAttention: _attention_units,
    keras.layers.Embedding: _embedding_units,
}


def _refuse_unsupported(layer, wrapper: str) -> None:
    if isinstance(layer, _Prune):
        raise ValueError(f"`layer` is wrapped already. Received: {type(layer).__name__} '{layer.name}' for {wrapper}")
    if isinstance(layer, keras.layers.Layer) and (
        getattr(layer, "lora_enabled", False) or getattr(layer, "quantization_mode", None)
    ):
        raise ValueError(
            f"`layer` must be neither quantised nor adapted by LoRA: prune first. Received: '{layer.name}'"
        )


def _symbolic(value):
    """A tensor's or array's shape and dtype, which is all that building a layer takes."""
    return (
        keras.KerasTensor(value.shape, keras.backend.standardize_dtype(value.dtype))
        if hasattr(value, "shape")
        else value
    )


def _pack(masks: dict[str, np.ndarray] | None):
    """Masks as JSON: eight entries a byte, base64."""
    if masks is None:
        return None
    if not isinstance(masks, Mapping):
        masks = {"": np.asarray(masks)}
    return {
        name: {"shape": list(mask.shape), "bits": base64.b64encode(np.packbits(mask).tobytes()).decode()}
        for name, mask in masks.items()
    }


def _unpack(mask):
    """What `_pack` wrote → masks; anything else is a mask already."""
    packed = isinstance(mask, Mapping) and all(
        isinstance(value, Mapping) and "bits" in value for value in mask.values()
    )
    if not packed:
        return mask
    masks = {}
    for name, value in mask.items():
        size = int(np.prod(value["shape"]))
        bits = np.unpackbits(np.frombuffer(base64.b64decode(value["bits"]), np.uint8), count=size)
        masks[name] = bits.astype(bool).reshape(value["shape"])
    return next(iter(masks.values())) if list(masks) == [""] else masks
