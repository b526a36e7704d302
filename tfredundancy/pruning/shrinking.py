"""Taking the masked units away: a model with masks → a smaller plain Keras model with the same outputs.

    model → trace with the present masks → units that go → every layer cut to what is kept → the graph wired anew

A unit goes if every layer that makes it masks it, and if everything that follows can do without it: what remains of it, the
constant f(0) behind an activation f, is folded into the biases that it meets. A unit that can not go stays, masked: its
weights are zero. A layer keeps at least one unit.
"""

from dataclasses import dataclass, field

import keras
import numpy as np
from keras import ops

from tfredundancy.layers import PruneUnits
from tfredundancy.paths import Wrapped, unwrapped, variable_paths, wrappers
from tfredundancy.pruning.following import Call, Trace, Wire
from tfredundancy.pruning.groups import check_graph, traced
from tfredundancy.pruning.rebuilding import clone_graph, compile_alike, copy_state, fresh, is_graph
from tfredundancy.pruning.rules import Arrays, Kept, entry
from tfredundancy.regularizers import plain


def shrink(model: keras.Model) -> keras.Model:
    """Copy a pruned model without its masked units: plain Keras, smaller, same outputs.

    Dense and convolutional filters, normalisation entries and attention heads go; constants that they leave go into biases.
    Names, dtypes and BatchNormalization statistics stay. Masks of `PruneWeights` make zeros, which stay where they are.

    Args:
        model: a Sequential or functional model, as `tfr.prune_units` makes it. It is not touched.

    Returns:
        A model without classes of ours, compiled as `model` is, with an optimizer that has not trained. Without masks it is a
        copy.

    Raises:
        ValueError: an unbuilt or subclassed model; a layer that takes statistics over its kept units and masks one that
            can not go; a pruning wrapper inside a composite layer.

    Example:
        >>> import numpy as np
        >>> import tfredundancy as tfr
        >>> model = keras.Sequential(
        ...     [keras.Input((4,)), keras.layers.Dense(6, "relu", name="a"), keras.layers.Dense(2)]
        ... )
        >>> pruned = tfr.prune_units(model, 0.5)
        >>> small = shrink(pruned)
        >>> small.get_layer("a").units
        3
        >>> x = np.ones((1, 4), "float32")
        >>> bool(np.allclose(small(x), pruned(x), atol=1e-6))
        True
    """
    check_graph(model, "shrink")
    _check_wrappers(model)
    trace = traced(model, present_masks)
    cutter = _Cutter(trace, _removed(trace), still_means(trace))
    _check_statistics(trace, cutter)
    small = cutter.model(model)
    cutter.assign()
    compile_alike(model, small)
    return small


def present_masks(call: Call, units: int) -> np.ndarray:
    """Which units of a layer its wrapper masks now: bool array (units,)."""
    return ~call.operation.mask if isinstance(call.operation, PruneUnits) else np.zeros(units, bool)


def _removed(trace: Trace) -> np.ndarray:
    """Bool array (atoms,): which channels go."""
    units = trace.units()
    made, stays = np.zeros(trace.size, bool), np.zeros(trace.size, bool)
    for path, member in trace.members.items():
        if member.maker:
            made[units[member.atoms]] = True
            stays[units[member.atoms[~trace.pruned[path]]]] = True
    stays[list(trace.reasons(units))] = True
    goes = made & ~stays
    for atoms in (*(wire.atoms for wire in trace.wires), *(member.atoms for member in trace.members.values())):
        if len(atoms) and goes[units[atoms]].all():
            goes[units[atoms[0]]] = False  # the first unit of an emptied layer stays, masked
    return goes[units]


def _check_wrappers(model: keras.Model) -> None:
    direct = {id(layer) for layer in _operations(model)}
    for path, layer in wrappers(model).items():
        if id(layer) not in direct:
            raise ValueError(
                f"`model` has a pruning wrapper inside another layer, '{path}', which shrink can not take apart: "
                f"wrap layers that stand in the graph themselves. Received: '{model.name}'"
            )


def _operations(model: keras.Model) -> list:
    found = list(model.layers)
    return found + [below for layer in found if is_graph(layer) for below in _operations(layer)]


def still_means(trace: Trace) -> dict[int, np.ndarray]:
    """{id of a BatchNormalization without scale: moving means} with which the plain layer gives zero where the wrapper does.

    The wrapper lets a masked unit's input vanish; the plain layer takes the constant that comes instead off.

    Raises:
        ValueError: something else than a constant comes.
    """
    found = {}
    for call, _ in trace.calls.values():
        if isinstance(call.layer, keras.layers.BatchNormalization) and not call.layer.scale:
            pruned, values = trace.pruned.get(call.path, np.zeros(0, bool)), call.ins[0].values
            if pruned.any() and np.isnan(values[pruned]).any():
                raise ValueError(
                    f"`model` masks units of '{call.path}', a BatchNormalization without scale, that the layer before keeps: "
                    "no plain layer gives zero for them. Give all members of a group the same mask, as tfr.prune_units does."
                )
            if pruned.any():
                found[id(call.layer)] = np.where(pruned, values, ops.convert_to_numpy(call.layer.moving_mean))
    return found


def _check_statistics(trace: Trace, cutter: "_Cutter") -> None:
    kinds = keras.layers.LayerNormalization | keras.layers.GroupNormalization
    for path, member in trace.members.items():
        pruned = trace.pruned[path]
        if isinstance(member.layer, kinds) and not pruned.all() and (pruned & ~cutter.removed[member.atoms]).any():
            raise ValueError(
                f"`model` masks units of '{path}' ({type(member.layer).__name__}) that other layers of their group keep, so "
                "that its statistics are those of no smaller layer: give all members of a group the same mask, as "
                "tfr.prune_units does, or every unit of the layer True."
            )


@dataclass
class _Cutter:
    """Makes each layer's smaller twin once, and remembers what its variables are to be.

    Attributes:
        trace: of the model.
        removed: bool array (atoms,).
        means: {id of a layer: its moving means}, where they are not the stored ones.
        twins: {id of an operation: (it, its twin, {name: array})}.
    """

    trace: Trace
    removed: np.ndarray
    means: dict[int, np.ndarray]
    twins: dict[int, tuple] = field(default_factory=dict)

    def keep(self, atoms: np.ndarray) -> np.ndarray:
        return np.flatnonzero(~self.removed[atoms])

    def model(self, model: keras.Model) -> keras.Model:
        shapes = [tensor.shape for tensor in model.inputs]
        if id(model) in self.trace.entered:
            wires = self.trace.entered[id(model)]
            shapes = [self._cut_shape(*pair) for pair in zip(shapes, wires, strict=True)]
        return clone_graph(model, self.clone, shapes)

    def _cut_shape(self, shape, wire: Wire) -> tuple:
        return shape if not len(shape) or shape[-1] is None else (*shape[:-1], len(self.keep(wire.atoms)))

    def clone(self, operation):
        if id(operation) not in self.twins:
            if is_graph(operation):
                twin, arrays = self.model(operation), {}
            else:
                twin, arrays = self._cut(operation)
            self.twins[id(operation)] = operation, twin, arrays
        return self.twins[id(operation)][1]

    def _cut(self, operation):
        arrays, layer, known = _effective(operation), unwrapped(operation), entry(operation)
        if id(layer) in self.means:
            arrays["moving_mean"] = self.means[id(layer)]
        if id(operation) not in self.trace.calls or known is None:
            return _fresh(layer, {}), arrays
        call, outs = self.trace.calls[id(operation)]
        member = self.trace.members.get(call.path)
        own = member.atoms if member else np.zeros(0, int)
        ins, leaving = ([wire.atoms for wire in wires] for wires in (call.ins, outs))
        if not any(self.removed[atoms].any() for atoms in (*ins, *leaving, own)):
            return _fresh(layer, {}), arrays
        kept = Kept(tuple(map(self.keep, ins)), tuple(map(self.keep, leaving)), self.keep(own))
        config, arrays = known.cut(call, arrays, kept)
        return _fresh(layer, config), arrays

    def assign(self) -> None:
        """Once the small model is built."""
        for operation, twin, arrays in self.twins.values():
            if isinstance(twin, keras.layers.Layer) and not is_graph(twin):
                variables, names = variable_paths(twin), list(variable_paths(unwrapped(operation)))
                if set(variables) != set(names) and len(variables) == len(names):  # sublayers with automatic names
                    variables = dict(zip(names, variables.values(), strict=True))
                for name, variable in variables.items():
                    variable.assign(np.asarray(arrays[name]).astype(_storable(variable)))
                copy_state(unwrapped(operation), twin)


def _fresh(layer, config: dict):
    new = fresh(layer, lambda given: {**given, **config})
    return plain(new) if isinstance(new, keras.layers.Layer) else new


def _storable(variable) -> str:
    return "float32" if variable.dtype == "bfloat16" else variable.dtype


def _effective(operation) -> Arrays:
    """{name: array} of a layer's variables, zero where a pruning wrapper masks them."""
    layer = unwrapped(operation)
    if not isinstance(layer, keras.layers.Layer):
        return {}
    variables = variable_paths(layer)
    arrays = {name: np.array(ops.convert_to_numpy(v)) for name, v in variables.items()}
    if isinstance(operation, Wrapped):
        names = {id(variable): name for name, variable in variables.items()}
        for variable, kept in operation.kept():
            arrays[names[id(variable)]] = np.where(kept, arrays[names[id(variable)]], 0)
    return {name: array.astype("float32") if _is_foreign(array) else array for name, array in arrays.items()}


def _is_foreign(array: np.ndarray) -> bool:
    """NumPy has no bfloat16 of its own: float32 on the way."""
    return array.dtype.kind == "V" or array.dtype.name == "bfloat16"
