"""A Keras model → its weight matrices, a record for each; a layer that is not analysed has a record with the reason.

model → layers, in the model's order → kernels (what a layer's class says: kernels.py) → `WeightMatrix`

Every weight of a kernel is in exactly one record whose `part_of` is None: an LSTM kernel in one record for each gate, a separable
convolution in two. Attention projections have the fused matrix, and beside it one for each head, whose `part_of` names the fused
one. A shared layer appears once. Paths are those of tfredundancy.paths, with the part in brackets: `encoder/conv1/kernel`,
`lstm/lstm_cell/kernel[input]`, `attention/query/kernel[head 0]`.

Layers without weights (pooling, activations, dropout with its seed) are not listed, and biases are in no record.

Numbers are read when a record is asked for them, as read-only views of the backend's memory where it shows it: no copy of the
model is held. float32 and float64 stay what they are; float16, bfloat16, float8 and integers of 8 or 16 bits become float32,
which holds them exactly; wider integers become float64.
"""

import functools
import itertools
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from tfredundancy.inspection.kernels import Convolution, Kernel, awaits_kernels, has_own_rule, kernels_of
from tfredundancy.paths import Wrapped, joined, layer_paths, own_variables, variable_paths

L = keras.layers

VIEWS = ("taps", "filters", "operator")


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
        read: → (units, slices or None) of one reading of the weights.
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
    read: Callable[[], tuple[np.ndarray, tuple[np.ndarray, ...] | None]] | None = None
    singular_values: Callable[[], np.ndarray] | None = None
    block: tuple[int, int] | None = None
    mask: Callable[[], np.ndarray] | None = None
    reason: str | None = None
    part_of: str | None = None


def weight_matrices(model: keras.Model, view: str = "taps") -> Iterator[WeightMatrix]:
    """The weight matrices of a model, in its order; layers that hold weights and no matrix have a record with the reason.

    Args:
        model: any built model: Sequential, functional, subclassed, nested, wrapped for pruning.
        view: of convolutions: "taps", the in × out matrices of the taps; "filters", the unit matrix; "operator", the circular
            convolution. Grouped convolutions are taken group by group; depthwise ones by their unit matrix, in the operator view
            channel by channel. In the operator view an input size that the model leaves open is `kernels.DEFAULT_SIZE`, and sizes
            are rounded up to a multiple of the stride.

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

        def units_and_slices() -> tuple[np.ndarray, tuple[np.ndarray, ...] | None]:
            kernel = part()
            return structure.rows(kernel), None if operator else structure.slices(kernel, view)

        return WeightMatrix(
            path=self.path,
            layer=self.layer,
            kind=self.kernel.kind,
            view=view,
            units=lambda: structure.rows(part()),
            slices=None if operator else lambda: structure.slices(part(), view),
            read=units_and_slices,
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
        kernels = [kernel for kernel in kernels_of(layer) if _key(kernel) not in spoken_for]
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
    if not own and not layer.built and awaits_kernels(layer):
        yield WeightMatrix(path, path, kind, reason="not built: no call of the model has reached it")
    rest = [weight for weight in own if id(weight) not in spoken_for]
    factors = [weight for weight in rest if weight.name.startswith("lora_")]
    unknown = [] if has_own_rule(layer) else [weight for weight in rest if _may_be_a_kernel(weight)]
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
