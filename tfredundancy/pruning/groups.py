"""Which units of a model belong together: model → groups.

The channels of a tensor are followed from the layer that makes them to the layers that use them:

    Conv, Dense …      make a new set of units and use the one that comes in
    BatchNorm, depthwise, activations, pooling, dropout …   hand the units on, one for one
    Add, Multiply …    unite the sets of their inputs: unit i of one is unit i of the other
    anything else      is a barrier: what comes in and what goes out stays unpruned, and the report says so; so are layers
                       with channels first, over which the units would lie on another axis

A unit is pruned in every layer of its group at once; that is what makes masking it the same as taking it away.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import keras
import numpy as np

from tfredundancy.layers import is_elementwise, unit_variables
from tfredundancy.paths import joined, layer_paths, unwrapped

L = keras.layers

_MAKERS = (
    L.Dense,
    L.Conv1D,
    L.Conv2D,
    L.Conv3D,
    L.Conv1DTranspose,
    L.Conv2DTranspose,
    L.Conv3DTranspose,
    L.SeparableConv1D,
    L.SeparableConv2D,
)
_DEPTHWISE = (L.DepthwiseConv1D, L.DepthwiseConv2D)
_HAND_ON = (
    L.ReLU,
    L.LeakyReLU,
    L.ELU,
    L.PReLU,
    L.Dropout,
    L.SpatialDropout1D,
    L.SpatialDropout2D,
    L.SpatialDropout3D,
    L.GaussianDropout,
    L.ActivityRegularization,
    L.Identity,
    L.ZeroPadding1D,
    L.ZeroPadding2D,
    L.ZeroPadding3D,
    L.Cropping1D,
    L.Cropping2D,
    L.Cropping3D,
    L.UpSampling1D,
    L.UpSampling2D,
    L.UpSampling3D,
    L.MaxPooling1D,
    L.MaxPooling2D,
    L.MaxPooling3D,
    L.AveragePooling1D,
    L.AveragePooling2D,
    L.AveragePooling3D,
    L.GlobalAveragePooling1D,
    L.GlobalAveragePooling2D,
    L.GlobalAveragePooling3D,
    L.GlobalMaxPooling1D,
    L.GlobalMaxPooling2D,
    L.GlobalMaxPooling3D,
)
_UNITE = (L.Add, L.Subtract, L.Multiply, L.Average, L.Maximum, L.Minimum)


@dataclass(frozen=True)
class UnitGroup:
    """Units that are kept or pruned together: unit i of every member.

    Attributes:
        name: path of the first layer that makes the units.
        size: number of units.
        members: paths of the layers that hold them, kernels and normalisations, in model order.
        positions: {member: int array (size, copies)}, row i: which of the layer's own units (entries of its mask) are unit i.
            Most members have each unit once, and no others; a normalisation over a Concatenate has units of several groups.
    """

    name: str
    size: int
    members: tuple[str, ...]
    positions: dict[str, np.ndarray] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class UnitGroups:
    """The groups of a model, and what stays unpruned: `print` shows both as a table.

    Attributes:
        groups: the groups, in model order.
        kept_out: {path of a layer with units: the line that says why they stay}.
    """

    groups: tuple[UnitGroup, ...]
    kept_out: dict[str, str]

    def __iter__(self) -> Iterator[UnitGroup]:
        return iter(self.groups)

    def __len__(self) -> int:
        return len(self.groups)

    def __str__(self) -> str:
        width = max([len(group.name) for group in self.groups] + [len(path) for path in self.kept_out] + [5])
        lines = [f"{'group':<{width}}  units  members"]
        lines += [f"{g.name:<{width}}  {g.size:>5}  {', '.join(g.members)}" for g in self.groups]
        lines += [f"{path:<{width}}      –  {reason}" for path, reason in self.kept_out.items()]
        return "\n".join(lines)


def find_groups(model: keras.Model) -> UnitGroups:
    """The units of a Sequential or functional model that must be pruned together.

    Args:
        model: a built Sequential or functional model, nested ones included; pruning wrappers are looked through.

    Returns:
        The groups, and a line for each layer whose units stay.

    Raises:
        ValueError: an unbuilt or a subclassed model, which has no graph to follow.

    Example:
        >>> inputs = keras.Input((8,))
        >>> hidden = keras.layers.Dense(4, activation="relu", name="hidden")(inputs)
        >>> model = keras.Model(inputs, keras.layers.Dense(2, name="logits")(hidden))
        >>> print(find_groups(model))
        group   units  members
        hidden      4  hidden
        logits      –  output of the model
    """
    check_graph(model, "find_groups")
    tracer = _Tracer({id(layer): path for path, layer in layer_paths(model).items()})
    inputs = [tracer.frozen("input of the model") for _ in model.inputs]
    for wire in tracer.run(model, inputs, ""):
        tracer.freeze(wire, "output of the model")
    return tracer.groups()


def check_graph(model: keras.Model, name: str) -> None:
    """Raise unless `model` is a built Sequential or functional model; `name` is the caller's."""
    if not isinstance(model, keras.Model):
        raise ValueError(f"`model` of {name} must be a Keras model. Received: {type(model).__name__}")
    if not isinstance(model, keras.Sequential) and not hasattr(model, "operations"):
        raise ValueError(
            f"`model` of {name} must be Sequential or functional: a subclassed model has no graph. Put tfr.layers.PruneUnits or "
            f"tfr.layers.PruneWeights around its layers in __init__. Received: {type(model).__name__} '{model.name}'"
        )
    if not model.built or not getattr(model, "inputs", None):
        raise ValueError(
            f"`model` of {name} must be built: give it an Input or call it on data. Received: '{model.name}'"
        )


@dataclass
class _Wire:
    """The channels of one tensor: the set of units they are, and whether Flatten has tiled them over positions."""

    units: int
    tiled: bool = False


@dataclass
class _Tracer:
    """Runs a model on `_Wire`s; sets of units are a union–find forest.

    `paths` holds {id of a layer: its path}, one for each layer however many models share it.
    """

    paths: dict[int, str]
    nodes: set[int] = field(default_factory=set)
    parent: list[int] = field(default_factory=list)
    reason: dict[int, str] = field(default_factory=dict)
    size: dict[int, int | None] = field(default_factory=dict)
    members: dict[str, int] = field(default_factory=dict)
    makers: list[str] = field(default_factory=list)

    def new(self, size: int | None = None) -> _Wire:
        self.parent.append(len(self.parent))
        self.size[len(self.parent) - 1] = size
        return _Wire(len(self.parent) - 1)

    def frozen(self, reason: str) -> _Wire:
        wire = self.new()
        self.freeze(wire, reason)
        return wire

    def root(self, units: int) -> int:
        while self.parent[units] != units:
            units = self.parent[units]
        return units

    def freeze(self, wire: _Wire, reason: str) -> None:
        self.reason.setdefault(self.root(wire.units), reason)

    def unite(self, wires: list[_Wire]) -> _Wire:
        first = self.root(wires[0].units)
        for wire in wires[1:]:
            other = self.root(wire.units)
            if other != first:
                self.parent[other] = first
                if other in self.reason:
                    self.reason.setdefault(first, self.reason[other])
        return wires[0]

    def run(self, model, inputs: list[_Wire], prefix: str) -> list[_Wire]:
        if isinstance(model, keras.Sequential):
            return self._run_chain(model.layers, inputs, prefix)

        self.nodes.update(id(node) for nodes in model._nodes_by_depth.values() for node in nodes)

        def call(operation, *args, **kwargs):
            wires = [x for x in keras.tree.flatten((args, kwargs)) if isinstance(x, _Wire)]
            outputs = self.operation(operation, wires, joined(prefix, operation.name))
            return outputs * len(operation._inbound_nodes[0].outputs) if len(outputs) == 1 else outputs

        return keras.tree.flatten(
            model._run_through_graph(inputs, operation_fn=lambda operation: operation, call_fn=call)
        )

    def _run_chain(self, layers, wires: list[_Wire], prefix: str) -> list[_Wire]:
        for layer in layers:
            wires = self.operation(layer, wires, joined(prefix, layer.name))
        return wires

    def operation(self, operation, wires: list[_Wire], path: str) -> list[_Wire]:
        """One call of a layer or operation: the wires that come in → the wires that go out."""
        path = self.paths.get(id(operation), path)
        layer = unwrapped(operation)
        if getattr(layer, "data_format", None) == "channels_first":
            return [self._barrier(layer, wires, path)]
        if isinstance(layer, (keras.Sequential, keras.Model)) and hasattr(layer, "inputs"):
            return self.run(layer, wires, path)
        if isinstance(layer, (*_MAKERS, *_DEPTHWISE, L.Activation)) and not _keeps_units_apart(layer.activation):
            return [self._barrier(layer, wires, path)]
        if isinstance(layer, _MAKERS) and getattr(layer, "groups", 1) == 1:
            return [self._make(layer, path)]
        if isinstance(layer, _DEPTHWISE) and layer.depth_multiplier == 1:
            return [self._hold(layer, wires[0], path, maker=True)]
        if isinstance(layer, L.BatchNormalization) and layer.axis in (-1, layer.input_spec.ndim - 1):
            return [self._hold(layer, wires[0], path, maker=False)]
        if type(layer) is L.MultiHeadAttention and not self._tells_scores(operation):
            self._own(path, self.new(layer.num_heads), maker=True)
            return [self.frozen(f"output of the attention '{path}'")]
        if isinstance(layer, L.Flatten):
            return [_Wire(wires[0].units, tiled=True)]
        if isinstance(layer, (*_HAND_ON, L.Activation)):
            return [wires[0]]
        if isinstance(layer, _UNITE) and self._same_size(wires):
            return [self.unite(wires)]
        return [self._barrier(layer, wires, path)]

    def _tells_scores(self, attention) -> bool:
        """Whether a call in this model returns the scores of every head, a masked one's too."""
        return any(len(node.output_tensors) > 1 for node in attention._inbound_nodes if id(node) in self.nodes)

    def _make(self, layer, path: str) -> _Wire:
        if path in self.members:  # a shared layer makes the same units again
            return _Wire(self.members[path])
        wire = self.new(unit_variables(layer)[0])
        self._own(path, wire, maker=True)
        return wire

    def _hold(self, layer, wire: _Wire, path: str, maker: bool) -> _Wire:
        if wire.tiled:
            return self._barrier(layer, [wire], path)
        if path in self.members:  # shared: the units of both calls are the same ones
            return self.unite([_Wire(self.members[path]), wire])
        self._own(path, wire, maker)
        return wire

    def _own(self, path: str, wire: _Wire, maker: bool) -> None:
        self.members[path] = wire.units
        if maker:
            self.makers.append(path)

    def _same_size(self, wires: list[_Wire]) -> bool:
        sizes = {self.size[self.root(wire.units)] for wire in wires}
        return len(sizes) == 1 and sizes != {None} and not any(wire.tiled for wire in wires)

    def _barrier(self, layer, wires: list[_Wire], path: str) -> _Wire:
        reason = f"barrier: '{path}' ({type(layer).__name__})"
        for wire in wires:
            self.freeze(wire, reason)
        if isinstance(layer, (*_MAKERS, L.MultiHeadAttention)):
            self._own(path, self.frozen(reason), maker=True)
        return self.frozen(reason)

    def groups(self) -> UnitGroups:
        held: dict[int, list[str]] = {}
        for path, units in self.members.items():
            held.setdefault(self.root(units), []).append(path)
        made = {root: [path for path in paths if path in self.makers] for root, paths in held.items()}
        free = {root: paths for root, paths in held.items() if root not in self.reason and made[root]}
        groups = tuple(self._group(made[root][0], self.size[root], paths) for root, paths in free.items())
        kept_out = {path: self.reason[root] for root in held if root in self.reason for path in made[root]}
        return UnitGroups(groups, kept_out)

    @staticmethod
    def _group(name: str, size: int, paths: list[str]) -> UnitGroup:
        return UnitGroup(name, size, tuple(paths), {path: np.arange(size)[:, None] for path in paths})


def _keeps_units_apart(activation) -> bool:
    """As `is_elementwise`, for an activation that may be a layer."""
    if isinstance(activation, keras.layers.Layer):
        return isinstance(activation, _HAND_ON)
    return is_elementwise(activation)
