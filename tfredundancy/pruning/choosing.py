"""Scores → masks: which weights or units of a wrapped model stay.

    density → pools of what is ranked together → how many stay → the highest scores, within what was kept before

A group of units is kept or pruned in all its layers, through the positions that it has in each layer's mask; the entries of a
layer that no chosen group has stay as they are.
"""

import inspect
import numbers
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import keras
import numpy as np
from keras import ops

from tfredundancy.layers import PruneWeights, weight_variables
from tfredundancy.numerics import criteria
from tfredundancy.numerics.masks import keep, keep_globally, kept_count
from tfredundancy.paths import joined, matching, wrappers
from tfredundancy.pruning.groups import UnitGroup, find_groups
from tfredundancy.pruning.scoring import Criterion, Evidence, checked_scores, places, unit_scores

Masks = dict[str, np.ndarray]
Density = float | int | Mapping[str, float | int]
Exclude = Iterable[str | type[keras.layers.Layer]]


@dataclass(frozen=True)
class Options:
    """How masks are chosen: the arguments of `prune_units` and `prune_weights` that say so.

    Attributes:
        capped: where more is asked for than was kept before, that is kept; else it is an error.
    """

    criterion: Criterion | None = None
    scope: str | None = None
    select: str = "smallest"
    min_units: int = 1
    round_to: int | None = None
    data: Any = None
    initial: Any = None
    seed: int | Sequence[int] | None = None
    capped: bool = False

    def __post_init__(self):
        _check_option("select", self.select, ("smallest", "largest", "random"))
        if self.scope is not None:
            _check_option("scope", self.scope, ("global", "layer"))
        if isinstance(self.min_units, bool) or not isinstance(self.min_units, numbers.Integral) or self.min_units < 0:
            raise ValueError(f"`min_units` must be an integer, at least 0. Received: min_units={self.min_units!r}")
        step = self.round_to
        if step is not None and (isinstance(step, bool) or not isinstance(step, numbers.Integral) or step < 1):
            raise ValueError(f"`round_to` must be an integer, at least 1, or None. Received: round_to={step!r}")

    def evidence(self) -> Evidence:
        """What criteria may need, with a generator at its beginning."""
        return Evidence(self.data, self.initial, np.random.default_rng(self.seed))


def next_masks(
    model: keras.Model,
    paths: Collection[str],
    density: Density,
    options: Options,
    groups: Iterable[UnitGroup] | None = None,
) -> Masks:
    """The next masks of the wrappers at `paths`; with `groups`, of these groups of units alone.

    Raises:
        ValueError: wrappers of both kinds or of none, and whatever the arguments may have wrong.
    """
    check_density(density)
    layers = {path: layer for path, layer in wrappers(model).items() if path in paths}
    kinds = {type(layer) for layer in layers.values()}
    if len(kinds) != 1:
        raise ValueError(
            "`model` must have PruneWeights or PruneUnits around its layers, not both and not none. Received: "
            f"'{model.name}' with {len(layers)} wrapped layers; "
            + ("`exclude` those of one kind." if layers else "tfr.prune_weights(model, 1.0) wraps them.")
        )
    if kinds == {PruneWeights}:
        return _weight_masks(layers, density, options)
    return _unit_masks(model, layers, density, options, groups)


def masks_of_units(
    groups: Iterable[UnitGroup], kept: Mapping[str, np.ndarray], present: Mapping[str, np.ndarray]
) -> Masks:
    """{path of a layer: its mask} that keeps the chosen units of each group and leaves the layers' other entries.

    Args:
        groups: groups of units.
        kept: {group's name: bool array (units,)}; groups that are left out stay as they are.
        present: {path of a layer: its mask now}.
    """
    new: Masks = {}
    for group in groups:
        for path in group.members if group.name in kept else ():
            mask = new.setdefault(path, np.array(present[path]))
            mask[places(group, path)] = kept[group.name][:, None]
    return new


def kept_units(group: UnitGroup, present: Mapping[str, np.ndarray]) -> np.ndarray:
    """Bool array (units,): the units that every layer of the group keeps."""
    return np.logical_and.reduce([present[path][places(group, path)].all(axis=1) for path in group.members])


def excluded(exclude: Exclude, layers: Mapping[str, keras.layers.Layer]) -> set[str]:
    """Paths of the layers that `exclude` names: by path pattern, by the layer's own name, or by its class.

    Raises:
        ValueError: not a sequence, or an entry that no layer has.
    """
    if isinstance(exclude, str) or inspect.isclass(exclude) or not isinstance(exclude, Iterable):
        raise ValueError(f"`exclude` must be a sequence of patterns. Received: exclude={exclude!r}")
    return {path for entry in exclude for path in _matched(entry, layers)}


def _matched(entry, layers: Mapping[str, keras.layers.Layer]) -> Iterable[str]:
    if inspect.isclass(entry):
        found = [path for path, layer in layers.items() if isinstance(getattr(layer, "layer", layer), entry)]
        if not found:
            raise ValueError(f"`exclude` has a type that no layer is of. Received: {entry.__name__}")
        return found
    if not isinstance(entry, str):
        raise ValueError(f"`exclude` must hold patterns, names or layer classes. Received: {entry!r}")
    found = [path for path in layers if fnmatchcase(path, entry) or path.endswith(f"/{entry}")]
    return found or matching([entry], layers, "exclude")


def check_density(density: Density) -> None:
    """Raise unless `density` is a fraction or a count, or {pattern: fraction or count}."""
    if isinstance(density, Mapping) and not all(isinstance(pattern, str) for pattern in density):
        raise ValueError(f"`density` must go by patterns of names. Received: density={density!r}")
    for value in density.values() if isinstance(density, Mapping) else [density]:
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            raise ValueError(f"`density` must be a number, or {{pattern: number}}. Received: density={value!r}")
        if not _is_count(value):
            kept_count(value, 1)
        elif value == 1:
            raise ValueError(
                "`density` 1 may mean all of them or a single one: write 1.0, or 0.0, which keeps `min_units`. "
                f"Received: density={value!r}"
            )
        elif value < 0:
            raise ValueError(f"`density` as a count must be at least 0. Received: density={value!r}")


def _is_count(density) -> bool:
    return isinstance(density, numbers.Integral) and not isinstance(density, bool)


def _weight_masks(layers, density: Density, options: Options) -> Masks:
    criterion, rng = options.criterion or "magnitude", np.random.default_rng(options.seed)
    if options.select == "random":
        criterion = "random"
    scores, within, owners = {}, {}, {}
    for path, layer in layers.items():
        variables = weight_variables(layer.layer)
        for name, mask in layer.masks.items():
            full = joined(path, name)
            scores[full] = _weight_scores(criterion, ops.convert_to_numpy(variables[name]), full, rng)
            within[full], owners[full] = mask, path
    pools = _pools(density, owners, options.scope or "global", tuple(layers))
    return _ranked(pools, scores, within, options, min_units=0)


def _weight_scores(criterion: Criterion, kernel: np.ndarray, path: str, rng: np.random.Generator) -> np.ndarray:
    if criterion == "random":
        return criteria.random(kernel.shape, rng)
    if not callable(criterion) and criterion not in criteria.WEIGHTS:
        names = ", ".join([*criteria.WEIGHTS, "random"])
        raise ValueError(f"`criterion` must be one of {names} or a function. Received: {criterion!r}")
    found = (criterion if callable(criterion) else criteria.WEIGHTS[criterion])(kernel)
    return checked_scores(found, kernel.shape, path)


def _unit_masks(model, layers, density: Density, options: Options, groups: Iterable[UnitGroup] | None) -> Masks:
    groups = _wrapped_groups(model, layers, groups)
    pools = _pools(density, {g.name: g.name for g in groups}, options.scope or "layer", [g.name for g in groups])
    present = {path: layer.mask for path, layer in layers.items()}
    within = {group.name: kept_units(group, present) for group in groups}
    asked = {name for _, names in pools for name in names}
    chosen = [group for group in groups if group.name in asked]
    criterion = "random" if options.select == "random" else options.criterion or "l2"
    scores = unit_scores(model, chosen, criterion, options.evidence(), within)
    if options.scope == "global":
        scores = {name: _relative(values, within[name]) for name, values in scores.items()}
    kept = _ranked(pools, scores, within, options, options.min_units)
    return masks_of_units(chosen, kept, present)


def _wrapped_groups(model: keras.Model, layers, groups: Iterable[UnitGroup] | None) -> list[UnitGroup]:
    """Groups of the model whose members are all wrapped."""
    found = find_groups(model) if groups is None else groups
    wrapped = [group for group in found if set(group.members) <= set(layers)]
    if not wrapped:
        raise ValueError(
            f"`model` has no group of units whose layers are all wrapped. Received: '{model.name}' with PruneUnits at "
            f"{', '.join(layers)}; tfr.prune_units(model, 1.0) wraps whole groups."
        )
    return wrapped


def _pools(density: Density, owners: Mapping[str, str], scope: str, paths) -> list[tuple[float | int, list[str]]]:
    """[(density, keys that are ranked together)]; a key's pattern is that of the layer that owns it."""
    if not isinstance(density, Mapping):
        density = {"*": density}
    pattern = matching(density, paths, "density")
    if scope == "layer":
        return [(density[pattern[owner]], [key]) for key, owner in owners.items() if owner in pattern]
    pools = {p: [key for key, owner in owners.items() if pattern.get(owner) == p] for p in density}
    return [(density[p], keys) for p, keys in pools.items() if keys]


def _relative(scores: np.ndarray, within: np.ndarray) -> np.ndarray:
    mean = scores[within].mean() if within.any() else 0
    return scores / mean if mean > 0 else scores


def _ranked(pools, scores: Masks, within: Masks, options: Options, min_units: int) -> Masks:
    """{key: bool array}, the best of each pool, then each array's count rounded."""
    sign = -1 if options.select == "largest" else 1
    chosen = {}
    for density, keys in pools:
        values, left = {key: sign * scores[key] for key in keys}, {key: within[key] for key in keys}
        best = keep_globally(values, **_amount(density, left, options.capped), within=left, min_units=min_units)
        chosen.update(dict(_rounded(best, values, left, options.round_to, min_units)))
    return chosen


def _amount(density: float | int, within: Masks, capped: bool) -> dict:
    """The argument of `keep_globally` that says how many stay."""
    size, available = (sum(int(f(mask)) for mask in within.values()) for f in (np.size, np.sum))
    if not _is_count(density) and not capped:
        return {"density": density}
    count = int(density) if _is_count(density) else kept_count(density, size)
    if capped:
        return {"count": min(count, available)}
    if count > available:
        before = "" if available == size else f", of which {available} were kept before"
        raise ValueError(
            f"`density` as a count must be at most the {size} entries of {', '.join(list(within)[:3])}{before}. "
            f"Received: density={density}"
        )
    return {"count": count}


def _rounded(
    best: Masks, scores: Masks, within: Masks, step: int | None, min_units: int
) -> Iterator[tuple[str, np.ndarray]]:
    for key, mask in best.items():
        kept, available = int(mask.sum()), int(within[key].sum())
        count = kept if step is None else nearest_multiple(kept, step, available, min_units)
        yield key, mask if count == kept else keep(scores[key], within=within[key], count=count)


def nearest_multiple(count: int, step: int, available: int, least: int = 0) -> int:
    """The multiple of `step` nearest to `count`, halves up, never 0, at least `least`; all there are where that is too great.

    Args:
        count: a number of units; where it is all that are available, nothing is to be pruned and it stays.
        step: what to count in.
        available: the greatest result.
        least: the smallest one.

    Example:
        >>> [nearest_multiple(count, 8, available=30) for count in (1, 11, 12, 27, 30)]
        [8, 8, 16, 24, 30]
    """
    if count == available:
        return count
    nearest = step * max(1, (2 * count + step) // (2 * step))
    return min(available, max(nearest, step * -(-least // step)))


def _check_option(argument: str, value: str, options: tuple[str, ...]) -> None:
    if value not in options:
        raise ValueError(f"`{argument}` must be one of {', '.join(options)}. Received: {argument}={value!r}")
