"""Following units through a model's graph: model → wires, ties, frozen units, and a record of every call.

Each channel of each tensor is an *atom*. Rules (see `rules`) say for each layer which atoms leave it: new ones where it makes
units, those that came in where it hands them on. What must be pruned together is *tied*: over an addition, channel i of one
input with channel i of the other. What can not be pruned is *frozen*, with a reason. The connected components of the ties are
the units that `find_groups` and `shrink` work with.

A wire also knows what each channel is once its unit is pruned: the constant f(0) behind an activation f, mostly zero. A unit
is taken away exactly where every consumer can do without that constant or take it up in its bias.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tfredundancy.layers import einsum_axes, has_units, unit_variables
from tfredundancy.paths import joined, layer_paths, unwrapped

VARIES = np.nan  # in place of a constant: the channel depends on the input


@dataclass(frozen=True)
class Wire:
    """A tensor's channels, on its last axis.

    Attributes:
        atoms: int array (channels,), which atom each channel is.
        values: float array (channels,), what the channel is everywhere once its unit is pruned; NaN where that varies.
        shape: the tensor's, with None for sizes that are not known.
    """

    atoms: np.ndarray
    values: np.ndarray
    shape: tuple[int | None, ...]

    @property
    def channels(self) -> int:
        """How many."""
        return len(self.atoms)

    def onto(self, shape, values=None) -> "Wire":
        """The same channels in a tensor of another shape, with other constants where `values` says so."""
        return Wire(self.atoms, self.values if values is None else values, tuple(shape))


@dataclass(frozen=True)
class Call:
    """One call of a layer or operation in the graph.

    Attributes:
        operation: what is called, a pruning wrapper where there is one.
        layer: the operation, or what the wrapper wraps.
        path: its path in the model.
        args: positional arguments, wires in place of tensors.
        kwargs: keyword arguments, likewise.
        shapes: of the tensors that leave it.
        ins: the wires among the arguments, in order, but for masks of steps.
    """

    operation: Any
    layer: Any
    path: str
    args: tuple
    kwargs: dict[str, Any]
    shapes: tuple[tuple[int | None, ...], ...]
    ins: tuple[Wire, ...]

    def __str__(self) -> str:
        return f"'{self.path}' ({type(self.layer).__name__})"


@dataclass(frozen=True)
class Member:
    """The units that a layer holds: one atom for each entry of its mask.

    Attributes:
        path: of the layer.
        layer: itself, without a pruning wrapper.
        atoms: int array (units,).
        maker: whether the units come from here; a normalisation or a depthwise convolution only holds those of another layer.
    """

    path: str
    layer: Any
    atoms: np.ndarray
    maker: bool

    @property
    def makes(self) -> bool:
        """Whether the layer has a kernel for its units: no normalisation."""
        return not isinstance(self.layer, _NORMALISATIONS)


_NORMALISATIONS = keras.layers.BatchNormalization | keras.layers.LayerNormalization | keras.layers.GroupNormalization
Masked = Callable[[Call, int], np.ndarray]
Rule = Callable[["Trace", Call], Sequence[Wire]]


def all_masked(call: Call, units: int) -> np.ndarray:
    """What `find_groups` asks: what if every unit were pruned?"""
    del call
    return np.ones(units, bool)


@dataclass
class Trace:
    """What following the units of a model has found.

    Attributes:
        rule: function operation → its rule.
        masked: function (call, number of units) → bool array: which units of the layer are pruned.
        members: {path: Member}.
        pruned: {path of a member: bool array (units,), what `masked` said}.
        calls: {id of an operation: (its first call, the wires that left it)}.
        entered: {id of a model: the wires that first entered it}; a model that is a barrier as a whole has none.
        wires: every wire.
    """

    rule: Callable[[Any], Rule]
    masked: Masked = all_masked
    members: dict[str, Member] = field(default_factory=dict)
    pruned: dict[str, np.ndarray] = field(default_factory=dict)
    calls: dict[int, tuple[Call, tuple[Wire, ...]]] = field(default_factory=dict)
    entered: dict[int, tuple[Wire, ...]] = field(default_factory=dict)
    wires: list[Wire] = field(default_factory=list)
    size: int = 0
    _ties: list[np.ndarray] = field(default_factory=list)
    _frozen: list[tuple[np.ndarray, str]] = field(default_factory=list)
    _paths: dict[int, str] = field(default_factory=dict)
    _nodes: set[int] = field(default_factory=set)

    def run(self, model: keras.Model) -> "Trace":
        """Follow a whole model from its inputs to its outputs."""
        self._paths = {id(layer): path for path, layer in layer_paths(model).items()}
        inputs = [self.fixed(tensor.shape, "input of the model") for tensor in model.inputs]
        for wire in self.follow(model, inputs, ""):
            self.freeze(wire.atoms, "output of the model")
        return self

    def follow(self, model: keras.Model, inputs: Sequence[Wire], prefix: str) -> list[Wire]:
        """The wires that leave a Sequential or functional model."""
        graph = model._functional if isinstance(model, keras.Sequential) else model
        self.entered.setdefault(id(model), tuple(inputs))
        found = {id(tensor): wire for tensor, wire in zip(graph.inputs, inputs, strict=True)}
        for node in nodes(graph):
            self._nodes.add(id(node))
            if node.operation and not node.is_input and all(id(x) in found for x in node.input_tensors):
                outs = self._call(node, found, prefix)
                found.update({id(tensor): wire for tensor, wire in zip(node.outputs, outs, strict=True)})
        return [found[id(tensor)] for tensor in graph.outputs]

    def _call(self, node, found: dict[int, Wire], prefix: str) -> Sequence[Wire]:
        operation = node.operation
        path = self._paths.get(id(operation), joined(prefix, operation.name))
        args, kwargs = node.arguments.fill_in(found)
        masks = {name: value for name, value in kwargs.items() if name.endswith("mask")}
        for wire in _wires(masks):  # of steps, which Keras hands along
            self.freeze(wire.atoms, f"barrier: mask of '{path}'")
        ins = tuple(_wires((args, {name: value for name, value in kwargs.items() if name not in masks})))
        shapes = tuple(tuple(tensor.shape) for tensor in node.outputs)
        call = Call(operation, unwrapped(operation), path, tuple(args), kwargs, shapes, ins)
        outs = tuple(self.rule(operation)(self, call))
        self.wires.extend(outs)
        if id(operation) in self.calls:
            self._same(self.calls[id(operation)], (call, outs))
        else:
            self.calls[id(operation)] = call, outs
        return outs

    def _same(self, first: tuple[Call, tuple[Wire, ...]], second: tuple[Call, tuple[Wire, ...]]) -> None:
        """A shared layer with variables or a fixed shape has one width: tie what enters and leaves its calls."""
        layer = first[0].layer
        fixed = isinstance(layer, keras.Model | keras.layers.Reshape) or not isinstance(layer, keras.layers.Layer)
        if not fixed and not layer.variables:
            return
        wires = [(*call.ins, *outs) for call, outs in (first, second)]
        if [wire.channels for wire in wires[0]] == [wire.channels for wire in wires[1]]:
            for one, other in zip(*wires, strict=True):
                self.tie(one.atoms, other.atoms)
                differ = (one.values != other.values) & ~(np.isnan(one.values) & np.isnan(other.values))
                self.freeze(one.atoms[differ], f"barrier: {first[0]} gets other constants at each of its calls")
        else:  # it is called in different ways
            for wire in (*wires[0], *wires[1]):
                self.freeze(wire.atoms, f"barrier: {first[0]} is called with different tensors")

    def seen(self, node) -> bool:
        """Whether a node of an operation belongs to the model that is followed."""
        return id(node) in self._nodes

    def new(self, count: int) -> np.ndarray:
        """That many new atoms."""
        self.size += count
        return np.arange(self.size - count, self.size)

    def fixed(self, shape, reason: str) -> Wire:
        """A tensor whose channels stay."""
        channels = shape[-1] if len(shape) and shape[-1] is not None else 1
        wire = Wire(self.new(channels), np.full(channels, VARIES), tuple(shape))
        self.freeze(wire.atoms, reason)
        return wire

    def freeze(self, atoms: np.ndarray, reason: str) -> None:
        """These atoms are not pruned; the first reason counts."""
        if len(atoms):
            self._frozen.append((np.asarray(atoms), reason))

    def tie(self, atoms: np.ndarray, others: np.ndarray) -> None:
        """Atom i of one is pruned exactly if atom i of the other is."""
        self._ties.append(np.stack([atoms, others]))

    def hold(self, call: Call, atoms: np.ndarray, maker: bool) -> np.ndarray:
        """The layer's units are these atoms; return which of them are pruned: bool array (units,)."""
        if call.path in self.members:
            self.tie(self.members[call.path].atoms, atoms)
        else:
            self.members[call.path] = Member(call.path, call.layer, atoms, maker)
            self.pruned[call.path] = self.masked(call, len(atoms))
        return self.pruned[call.path]

    def units(self) -> np.ndarray:
        """Int array (atoms,): the unit, from 0, that each atom belongs to."""
        pairs = np.concatenate([np.zeros((2, 0), int), *self._ties], axis=1)
        graph = coo_array((np.ones(pairs.shape[1], bool), pairs), shape=(self.size, self.size))
        return connected_components(graph, directed=False)[1]

    def reasons(self, units: np.ndarray) -> dict[int, str]:
        """{unit: why it stays}."""
        found: dict[int, str] = {}
        for atoms, reason in self._frozen:
            for unit in np.unique(units[atoms]).tolist():
                found.setdefault(unit, reason)
        return found


def _wires(arguments) -> list[Wire]:
    return [x for x in keras.tree.flatten(arguments) if isinstance(x, Wire)]


def nodes(graph) -> Iterator:
    """The nodes of a functional model, inputs first."""
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        yield from graph._nodes_by_depth[depth]


def barrier(trace: Trace, call: Call, why: str = "") -> list[Wire]:
    """What is not understood: nothing that enters or leaves it is pruned."""
    reason = f"barrier: {call}{why}"
    for wire in call.ins:
        trace.freeze(wire.atoms, reason)
    if _makes_units(call.layer):
        trace.hold(call, trace.fixed((unit_variables(call.layer)[0],), reason).atoms, maker=True)
    return [trace.fixed(shape, reason) for shape in call.shapes]


def _makes_units(layer) -> bool:
    if not type(layer).__module__.startswith("keras.") or isinstance(layer, _NORMALISATIONS):
        return False  # a class of somebody's own may have other variables
    return has_units(layer) and not (isinstance(layer, keras.layers.EinsumDense) and einsum_axes(layer) is None)


def consume(trace: Trace, call: Call, wire: Wire, takes_up: bool) -> None:
    """A layer mixes the channels: freeze those whose constant it can not do without."""
    varies = np.isnan(wire.values)
    trace.freeze(wire.atoms[varies], f"barrier: {call} gets no constant from a pruned unit")
    if not takes_up:
        for value in np.unique(wire.values[~varies & (wire.values != 0)]):
            reason = f"barrier: {call} can not take up the {value:.4g} that a pruned unit gives"
            trace.freeze(wire.atoms[wire.values == value], reason)


def applied(function: Callable | None, values: np.ndarray) -> np.ndarray:
    """An element-wise function of backend tensors, None for the identity, on constants; NaN stays NaN."""
    if function in (None, keras.activations.linear):
        return values
    known = ~np.isnan(values)
    distinct, where = np.unique(values[known], return_inverse=True)
    result = np.full(values.shape, VARIES)
    if len(distinct):
        dtype = keras.config.floatx() if keras.backend.backend() == "jax" else "float64"
        tensor = keras.ops.convert_to_tensor(distinct[None, :], dtype=dtype)
        result[known] = keras.ops.convert_to_numpy(function(tensor))[0][where]
    return result
