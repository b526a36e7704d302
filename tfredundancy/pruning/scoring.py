"""Groups of units → a score for each unit, whatever the criterion needs: weights, data, gradients or initial weights.

    model, groups → {group's name: array (units,)}; the units with low scores go first

Every score is of the whole group. Norms and distances are of the weights of all its kernels side by side; what is heard or scaled
at several places is averaged over them; the products of `taylor` are summed before they are squared.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from tfredundancy.layers import unit_variables
from tfredundancy.numerics import criteria
from tfredundancy.numerics.units import unit_rows
from tfredundancy.paths import layer_paths, unwrapped, variable_arrays, variable_paths
from tfredundancy.pruning.gradients import batch_gradients
from tfredundancy.pruning.groups import UnitGroup
from tfredundancy.pruning.zeros import shares_of_zeros

Criterion = str | Callable[[np.ndarray], np.ndarray]
Scores = dict[str, np.ndarray]


@dataclass(frozen=True)
class Evidence:
    """What some criteria score by.

    Attributes:
        data: arrays or a tf.data.Dataset, of `taylor` and `apoz`.
        initial: weights before training, of `distance_to_init`: {variable path: array}, a ticket or a model.
        rng: of `random`.
    """

    data: Any = None
    initial: Any = None
    rng: np.random.Generator | None = None


def unit_scores(
    model: keras.Model,
    groups: Sequence[UnitGroup],
    criterion: Criterion,
    evidence: Evidence,
    within: Mapping[str, np.ndarray] | None = None,
) -> Scores:
    """Scores of the units of each group.

    Args:
        model: the model that the groups were found in, with wrappers or without.
        groups: of the model.
        criterion: a name, or a function unit matrix (units, fan_in) → scores (units,).
        evidence: what it may need.
        within: {group's name: bool array}, the units that are left; the others count for nothing and score 0. Default: all.

    Raises:
        ValueError: an unknown criterion, one without what it needs, or scores of the wrong shape.
    """
    left = {group.name: np.ones(group.size, bool) if within is None else within[group.name] for group in groups}
    if criterion == "random":
        return {group.name: criteria.random(group.size, evidence.rng) for group in groups}
    if criterion in _OF_MODELS:
        return _OF_MODELS[criterion](model, groups, evidence)
    if not callable(criterion) and criterion not in criteria.UNITS:
        names = ", ".join([*criteria.UNITS, *_OF_MODELS, "random"])
        raise ValueError(f"`criterion` must be one of {names} or a function. Received: {criterion!r}")
    layers = layer_paths(model)
    matrices = {group.name: group_matrix(group, layers) for group in groups}
    return {name: _matrix_scores(criterion, matrix, left[name], name) for name, matrix in matrices.items()}


def group_matrix(group: UnitGroup, layers: Mapping[str, keras.layers.Layer], read=ops.convert_to_numpy) -> np.ndarray:
    """Unit matrix (units, the weights of all kernels of the group side by side); `read` gives a variable's values."""
    rows = []
    for path in group.members:
        for variable, shape in unit_variables(unwrapped(layers[path]))[1]:
            if len(variable.shape) > 1 and variable.name.endswith(("kernel", "embeddings")):
                own = unit_rows(read(variable), _unit_axes(shape))
                rows.append(own[places(group, path)].reshape(group.size, -1))
    return np.concatenate(rows, axis=1)


def places(group: UnitGroup, path: str) -> np.ndarray:
    """Array (units, copies): which of the layer's own units are unit i of the group; by default its units in their order."""
    return group.positions.get(path, np.arange(group.size)[:, None])


def _matrix_scores(criterion: Criterion, matrix: np.ndarray, left: np.ndarray, name: str) -> np.ndarray:
    if callable(criterion):
        return checked_scores(criterion(matrix), (len(matrix),), name)
    scores = np.zeros(len(matrix))
    scores[left] = criteria.UNITS[criterion](matrix[left]) if left.any() else 0
    return scores


def checked_scores(scores, shape: tuple[int, ...], name: str) -> np.ndarray:
    """The scores that a function has returned, as an array of the right shape."""
    scores = np.asarray(scores)
    if scores.shape != tuple(shape):
        raise ValueError(
            f"`criterion` must return scores of shape {tuple(shape)} for '{name}'. Received: {scores.shape}"
        )
    return scores


def _unit_axes(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The axes that number the units, from the shape in which a mask of them broadcasts to a variable."""
    return tuple(axis for axis, size in enumerate(shape) if size > 1)


def _scales(model, groups: Sequence[UnitGroup], evidence: Evidence) -> Scores:
    """Mean |γ| of each unit in the group's normalisations."""
    layers = layer_paths(model)
    scales = {group.name: list(_group_scales(group, layers)) for group in groups}
    _check_all([name for name, found in scales.items() if not found], "bn_scale", "a normalisation with a scale")
    return {name: np.mean(found, axis=0) for name, found in scales.items()}


def _group_scales(group: UnitGroup, layers) -> Iterator[np.ndarray]:
    for path in group.members:
        for variable, _ in unit_variables(unwrapped(layers[path]))[1]:
            if variable.name in ("gamma", "scale"):
                own = np.abs(ops.convert_to_numpy(variable)).ravel()
                yield own[places(group, path)].mean(axis=1)


def _first_order(model, groups: Sequence[UnitGroup], evidence: Evidence) -> Scores:
    """Mean over batches of (Σ g·w)², the sum over all variables of the unit."""
    if evidence.data is None:
        raise ValueError(
            "`data` with labels is what criterion 'taylor' scores by: (inputs, labels) or a dataset of them."
        )
    layers, paths = layer_paths(model), {id(v): path for path, v in variable_paths(model).items()}
    products = {group.name: [] for group in groups}
    for gradients in batch_gradients(model, evidence.data):
        for group in groups:
            products[group.name].append(_products(group, layers, gradients, paths))
    return {name: criteria.taylor(np.stack(found)) for name, found in products.items()}


def _products(group: UnitGroup, layers, gradients: Mapping[str, np.ndarray], paths: Mapping[int, str]) -> np.ndarray:
    """Array (units,): Σ g·w over the variables of each unit that train."""
    total = np.zeros(group.size)
    for path in group.members:
        for variable, shape in unit_variables(unwrapped(layers[path]))[1]:
            gradient = gradients.get(paths[id(variable)])
            if gradient is not None:
                values = np.asarray(ops.convert_to_numpy(variable), np.float64)
                own = unit_rows(values * gradient, _unit_axes(shape)).sum(axis=1)
                total += own[places(group, path)].sum(axis=1)
    return total


def _heard(model, groups: Sequence[UnitGroup], evidence: Evidence) -> Scores:
    """1 − APoZ over the rectifiers that follow each unit."""
    if evidence.data is None:
        raise ValueError("`data` is what criterion 'apoz' scores by: an array of inputs or a dataset.")
    zeros = shares_of_zeros(
        model, {group.name: {p: places(group, p) for p in group.members} for group in groups}, evidence.data
    )
    _check_all([group.name for group in groups if group.name not in zeros], "apoz", "a rectifier behind its units")
    return {group.name: criteria.nonzeros(zeros[group.name], 1) for group in groups}


def _moved(model, groups: Sequence[UnitGroup], evidence: Evidence) -> Scores:
    """‖w − w₀‖ of each unit."""
    initial = _initial_arrays(evidence.initial)
    layers, paths = layer_paths(model), {id(v): path for path, v in variable_paths(model).items()}

    def before(variable):
        path, shape = paths[id(variable)], tuple(variable.shape)
        if path not in initial or np.shape(initial[path]) != shape:
            found = f"of shape {np.shape(initial[path])}" if path in initial else "without it"
            raise ValueError(f"`initial` must hold '{path}' of shape {shape}. Received: weights {found}")
        return np.asarray(initial[path])

    return {
        group.name: criteria.distance(group_matrix(group, layers), group_matrix(group, layers, before))
        for group in groups
    }


def _initial_arrays(initial) -> Mapping[str, np.ndarray]:
    if isinstance(initial, keras.Model):
        return variable_arrays(initial)
    found = getattr(initial, "variables", initial)  # a ticket's
    if not isinstance(found, Mapping):
        raise ValueError(
            "`initial` is what criterion 'distance_to_init' scores by: a Ticket, {variable path: array} or the model before "
            f"training. Received: {type(initial).__name__}"
        )
    return found


def _check_all(lacking: Iterable[str], criterion: str, what: str) -> None:
    lacking = list(lacking)
    if lacking:
        raise ValueError(
            f"`criterion` '{criterion}' needs {what}: `exclude` groups that have none, or give a density for the others "
            f"by pattern. Received: {', '.join(lacking[:5])}" + (f" and {len(lacking) - 5} more" if lacking[5:] else "")
        )


_OF_MODELS = {"bn_scale": _scales, "taylor": _first_order, "apoz": _heard, "distance_to_init": _moved}
