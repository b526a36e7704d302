"""Which units of a model belong together: model → groups.

A unit is pruned in every layer of its group at once, over additions, concatenations, normalisations and reshapes; that is what
makes masking it the same as taking it away. What is not understood is a barrier: what enters and what leaves it stays
unpruned, and the report says so. How units pass each kind of layer stands in `rules`, following them in `tracing`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import keras
import numpy as np

from tfredundancy.pruning.rebuilding import is_graph
from tfredundancy.pruning.rules import rule_of
from tfredundancy.pruning.tracing import Masked, Member, Trace, all_masked


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
        The groups, and a line for each layer whose units stay. `tfr.register_units` teaches layers of your own.

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
    trace = traced(model)
    units = trace.units()
    reasons = trace.reasons(units)
    return UnitGroups(_unique(_groups(trace, units, reasons)), _kept_out(trace, units, reasons))


def traced(model: keras.Model, masked: Masked = all_masked) -> Trace:
    """Follow the units of a model; `masked` says which of a layer's are pruned."""
    return Trace(rule_of, masked).run(model)


def check_graph(model: keras.Model, name: str) -> None:
    """Raise unless `model` is a built Sequential or functional model; `name` is the caller's."""
    if not isinstance(model, keras.Model):
        raise ValueError(f"`model` of {name} must be a Keras model. Received: {type(model).__name__}")
    if not is_graph(model):
        raise ValueError(
            f"`model` of {name} must be Sequential or functional: a subclassed model has no graph. Put tfr.layers.PruneUnits or "
            f"tfr.layers.PruneWeights around its layers in __init__. Received: {type(model).__name__} '{model.name}'"
        )
    if not model.built or not getattr(model, "inputs", None):
        raise ValueError(
            f"`model` of {name} must be built: give it an Input or call it on data. Received: '{model.name}'"
        )


def _groups(trace: Trace, units: np.ndarray, reasons: dict[int, str]) -> Iterator[UnitGroup]:
    """Free units with the same members, equally often, are one group."""
    places: dict[int, list[tuple[str, int]]] = {}
    for member in trace.members.values():
        for position, unit in enumerate(units[member.atoms].tolist()):
            places.setdefault(unit, []).append((member.path, position))
    alike: dict[tuple[str, ...], list[list[tuple[str, int]]]] = {}
    for unit, held in places.items():
        if unit not in reasons and any(trace.members[path].maker for path, _ in held):
            alike.setdefault(tuple(path for path, _ in held), []).append(held)
    for paths, held in alike.items():
        members = tuple(dict.fromkeys(paths))
        positions = {path: np.array([[at for p, at in unit if p == path] for unit in held]) for path in members}
        name = next(path for path in members if trace.members[path].maker)
        yield UnitGroup(name, len(held), members, positions)


def _unique(groups: Iterable[UnitGroup]) -> tuple[UnitGroup, ...]:
    """A layer whose units go in several groups gives its name to the first; the others are numbered."""
    seen: dict[str, int] = {}
    numbered = []
    for group in groups:
        seen[group.name] = seen.get(group.name, 0) + 1
        name = group.name if seen[group.name] == 1 else f"{group.name}#{seen[group.name]}"
        numbered.append(UnitGroup(name, group.size, group.members, group.positions))
    return tuple(numbered)


def _kept_out(trace: Trace, units: np.ndarray, reasons: dict[int, str]) -> dict[str, str]:
    return {
        member.path: reason
        for member in trace.members.values()
        if member.makes and (reason := _why(member, units, reasons)) is not None
    }


def _why(member: Member, units: np.ndarray, reasons: dict[int, str]) -> str | None:
    """Why units of a layer stay, and how many do where not all."""
    stay = [reasons[unit] for unit in units[member.atoms].tolist() if unit in reasons]
    if not stay:
        return None
    return stay[0] if len(stay) == len(member.atoms) else f"{stay[0]} ({len(stay)} of {len(member.atoms)} units)"
