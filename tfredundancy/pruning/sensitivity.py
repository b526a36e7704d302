"""How much each group of units is needed: each is pruned alone, to several densities, and the model is evaluated.

    model, data → DataFrame(group, density, metric, drop) → {group: the smallest density that loses little}

One wrapped copy serves the whole scan: masks are set and taken back, nothing is built or compiled again.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import keras
import numpy as np
import pandas as pd
from keras import ops

from tfredundancy.numerics.masks import keep, kept_count
from tfredundancy.paths import wrappers
from tfredundancy.pruning.choosing import Exclude, Options, check_density, kept_units, masks_of_units
from tfredundancy.pruning.groups import UnitGroup
from tfredundancy.pruning.scoring import Criterion, unit_scores
from tfredundancy.pruning.selection import masks, set_masks, wrap_units

Metric = str | Callable[[keras.Model], float]


def sensitivity(
    model: keras.Model,
    data,
    densities: Sequence[float] = (0.9, 0.7, 0.5, 0.3),
    criterion: Criterion = "l2",
    metric: Metric | None = None,
    *,
    better: str | None = None,
    exclude: Exclude = (),
    groups: Iterable[UnitGroup] | None = None,
    min_units: int = 1,
    initial=None,
    seed: int | None = None,
    batch_size: int = 128,
) -> pd.DataFrame:
    """Prune each group of units alone to each density, and measure what that does.

    Args:
        model: compiled Sequential or functional model. It is not touched.
        data: tuple (inputs, labels) or (inputs, labels, weights), or a finite tf.data.Dataset of batches of one of these: what
            `evaluate` takes. Data-driven criteria score by it too.
        densities: fractions of each group's units to keep.
        criterion: as in `prune_units`.
        metric: name of one that `evaluate` reports, or a function model → number, which gets the masked copy. Default: the first
            metric that the model is compiled with, or else the loss.
        better: "higher" or "lower"; default: what Keras knows about the metric.
        exclude: as in `prune_units`.
        groups: as in `prune_units`.
        min_units: as in `prune_units`.
        initial: as in `prune_units`.
        seed: of "random".
        batch_size: of arrays.

    Returns:
        A row for each group and density, in the order of the groups, the highest density first: group, density, metric (its
        value) and drop (by how much it is worse than before, negative where it is better). A group's first row has what it kept
        before and a drop of 0; densities that are not below that are left out.

    Raises:
        ValueError: as `prune_units`; a model that is not compiled, an unknown metric, or one of which Keras does not know what is
            better.

    Example:
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(4, name="hidden"), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> sensitivity(model, (np.ones((3, 2)), np.ones((3, 1))), densities=(0.5,))[["group", "density"]]
            group  density
        0  hidden      1.0
        1  hidden      0.5

    Reference:
        Li et al. 2016, Pruning filters for efficient ConvNets, arXiv:1608.08710, §3.1.
    """
    if not isinstance(densities, Iterable) or isinstance(densities, str):
        raise ValueError(f"`densities` must be a sequence of fractions. Received: densities={densities!r}")
    if data is None:
        raise ValueError("`data` must be (inputs, labels) or a dataset of them. Received: data=None")
    for density in densities:
        check_density(float(density))
    options = Options(criterion, min_units=min_units, data=data, initial=initial, seed=seed)
    wrapped, chosen = wrap_units(model, exclude, groups, "sensitivity")
    present = masks(wrapped)
    within = {group.name: kept_units(group, present) for group in chosen}
    scores = unit_scores(wrapped, chosen, criterion, options.evidence(), within)
    measure = _measure(wrapped, data, metric, better, batch_size)
    before = measure.value()
    rows = []
    for group in chosen:
        left = within[group.name]
        rows.append((group.name, left.mean(), before))
        for density in sorted(map(float, densities), reverse=True):
            if kept_count(density, group.size) < left.sum():
                kept = keep(scores[group.name], density, left, min_units)
                with _masked(wrapped, group, kept, present):
                    rows.append((group.name, density, measure.value()))
    table = pd.DataFrame(rows, columns=["group", "density", "metric"])
    return table.assign(drop=(before - table.metric) * measure.sign + 0.0)


def densities_from(table: pd.DataFrame, tolerance: float) -> dict[str, float]:
    """The smallest density of each group at which the metric is worse by at most `tolerance`: what `prune_units` takes.

    Each group was pruned alone; of all together the drop is about the sum, or more.

    Args:
        table: what `sensitivity` returned, or rows of it.
        tolerance: greatest drop, in the metric's own unit.

    Raises:
        ValueError: a negative tolerance, or a table without these columns.

    Example:
        >>> rows = {"group": ["a", "a", "b", "b"], "density": [1.0, 0.5, 1.0, 0.5], "drop": [0.0, 0.01, 0.0, 0.2]}
        >>> densities_from(pd.DataFrame(rows), tolerance=0.05)
        {'a': 0.5, 'b': 1.0}
    """
    lacking = {"group", "density", "drop"} - set(table.columns)
    if lacking:
        raise ValueError(
            f"`table` must be what tfr.sensitivity returned. Received: one without {', '.join(sorted(lacking))}"
        )
    if not tolerance >= 0:
        raise ValueError(f"`tolerance` must be at least 0. Received: tolerance={tolerance!r}")
    small = table[table["drop"] <= tolerance]
    return {str(name): float(rows.density.min()) for name, rows in small.groupby("group", sort=False)}


@dataclass(frozen=True)
class _Measure:
    """Measures a model; `sign` is −1 where lower is better."""

    value: Callable[[], float]
    sign: int


def _measure(model, data, metric: Metric | None, better: str | None, batch_size: int) -> _Measure:
    if better not in (None, *_SIGNS):
        raise ValueError(f"`better` must be 'higher' or 'lower'. Received: better={better!r}")
    if callable(metric):
        if better is None:
            raise ValueError("`better` must say which result of the function is, 'higher' or 'lower'. Received: None")
        return _Measure(lambda: float(metric(model)), _SIGNS[better])
    if not model.compiled or model.loss is None:
        raise ValueError(
            f"`model` must be compiled, or `metric` a function. Received: '{model.name}', metric={metric!r}"
        )

    def results() -> Mapping[str, float]:
        inputs, *rest = data if isinstance(data, tuple) else (data,)
        labels, weights = (*rest, None, None)[:2]
        size = batch_size if isinstance(data, tuple) else None
        return model.evaluate(inputs, labels, size, verbose=0, sample_weight=weights, return_dict=True)

    name = _named_metric(results(), metric)
    return _Measure(lambda: float(results()[name]), _SIGNS[better or _direction(model, name)])


def _named_metric(results: Mapping[str, float], metric: str | None) -> str:
    if metric is None:
        return next((name for name in results if not _is_loss(name)), "loss")
    if metric not in results:
        raise ValueError(f"`metric` must be one of {', '.join(results)}, or a function. Received: metric={metric!r}")
    return metric


def _direction(model, name: str) -> str:
    """What is better, as Keras notes it for its own metrics."""
    compiled = [each for part in model.metrics for each in getattr(part, "metrics", [part])]
    known = {each.name: getattr(each, "_direction", None) for each in compiled}
    found = "down" if _is_loss(name) else next((known[n] for n in known if name == n or name.endswith(f"_{n}")), None)
    if found not in ("up", "down"):
        raise ValueError(f"`better` must say what is better of '{name}', 'higher' or 'lower'. Received: None")
    return "higher" if found == "up" else "lower"


def _is_loss(name: str) -> bool:
    return name == "loss" or name.endswith("_loss")


@contextmanager
def _masked(model, group: UnitGroup, kept: np.ndarray, present: Mapping[str, np.ndarray]) -> Iterator[None]:
    """Within the block, `group` keeps these units only; after it masks and weights are what they were."""
    found = wrappers(model)
    variables = [variable for path in group.members for variable, _ in found[path].kept()]
    before = [np.array(ops.convert_to_numpy(variable)) for variable in variables]
    set_masks(model, masks_of_units([group], {group.name: kept}, present))
    yield
    set_masks(model, {path: present[path] for path in group.members})
    for variable, value in zip(variables, before, strict=True):
        variable.assign(value)


_SIGNS = {"higher": 1, "lower": -1}
