"""Pruning a model: model → scores → masks → wrapped model; and reading and setting the masks of a wrapped one.

Masks are bool arrays in a dictionary: keyed by layer path (`encoder/conv1`) for units, by variable path
(`encoder/conv1/kernel`) for weights.
"""

from collections.abc import Callable, Collection, Iterable, Mapping

import keras
import numpy as np
from keras import ops

from tfredundancy.layers import PruneUnits, PruneWeights, check_mask, has_units, unit_variables, weight_variables
from tfredundancy.numerics import criteria
from tfredundancy.numerics.masks import keep_globally, kept_count
from tfredundancy.numerics.units import unit_rows
from tfredundancy.paths import Wrapped, joined, layer_paths, matching, unwrapped, without_input_layers, wrappers
from tfredundancy.pruning.groups import UnitGroup, UnitGroups, check_graph, find_groups
from tfredundancy.pruning.rebuilding import optimizer_parts, rebuild

Masks = dict[str, np.ndarray]
Density = float | Mapping[str, float]
Criterion = str | Callable[[np.ndarray], np.ndarray]


def prune_weights(
    model: keras.Model,
    density: Density,
    criterion: Criterion = "magnitude",
    scope: str = "global",
    select: str = "smallest",
    exclude: Iterable[str] = (),
    seed: int | None = None,
) -> keras.Model:
    """Copy a model with its kernels wrapped in `PruneWeights` and all but the fraction `density` of their weights pruned.

    Args:
        model: built Sequential or functional model. It is not touched.
        density: fraction of all weights to keep, or {path pattern: fraction}; the first pattern that matches a layer's path
            wins, layers that none matches stay whole. It counts from the original number of weights.
        criterion: "magnitude", "random", or a function kernel → scores of the same shape; low scores go.
        scope: "global" ranks all weights (of one pattern) against each other, "layer" those of each kernel.
        select: "smallest" prunes the lowest scores, "largest" the highest.
        exclude: path patterns of layers that are left as they are.
        seed: of "random".

    Returns:
        A model compiled as `model` is, with the optimizer's variables copied, zero where masked.

    Raises:
        ValueError: a density outside [0, 1], a pattern without a match, an unbuilt or subclassed model, no kernel to prune.

    Example:
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="dense")])
        >>> {path: float(kept) for path, kept in density(prune_weights(model, 0.25)).items()}
        {'dense/kernel': 0.25}

    Reference:
        Han et al. 2015, Learning both weights and connections for efficient neural networks, arXiv:1506.02626.
    """
    check_graph(model, "prune_weights")
    _check_density(density)
    left = set(_excluded(exclude, model))
    paths = {
        path: layer
        for path, layer in _leaves(model).items()
        if path not in left and (isinstance(layer, Wrapped) or weight_variables(layer))
    }
    if not paths:
        raise ValueError(f"`model` has no kernel to prune. Received: '{model.name}' with exclude={tuple(exclude)!r}")
    pruned = _wrap(model, paths, PruneWeights)
    set_masks(pruned, _chosen(pruned, paths, density, criterion, scope, select, seed=seed))
    return pruned


def prune_units(
    model: keras.Model,
    density: Density,
    criterion: Criterion = "l2",
    scope: str = "layer",
    select: str = "smallest",
    exclude: Iterable[str] = (),
    groups: UnitGroups | None = None,
    min_units: int = 1,
    seed: int | None = None,
) -> keras.Model:
    """Copy a model with its units wrapped in `PruneUnits` and all but the fraction `density` of them pruned.

    Units go in groups, see `find_groups`: with a convolution's filter its BatchNorm entry, and over an addition the filters of
    every branch. Units whose graph is not understood, and the model's outputs, stay.

    Args:
        model: built Sequential or functional model. It is not touched.
        density: fraction of the units to keep, or {path pattern: fraction} over groups' names; the first pattern that matches
            wins, groups that none matches stay whole. It counts from the original number of units.
        criterion: "l1", "l2", "random", or a function unit matrix (units, fan_in) → scores (units,); the rows hold the weights
            of all kernels of the group. Low scores go.
        scope: "layer" ranks the units of each group, "global" those of all groups (of one pattern), each group's scores
            divided by their mean.
        select: "smallest" prunes the lowest scores, "largest" the highest.
        exclude: path patterns of layers whose groups are left as they are.
        groups: what `find_groups` returned, or some of it.
        min_units: units of each group that stay in any case.
        seed: of "random".

    Returns:
        A model compiled as `model` is, with the optimizer's variables copied, zero where masked.

    Raises:
        ValueError: a density outside [0, 1], a pattern without a match, an unbuilt or subclassed model, no group to prune.

    Example:
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(6, name="hidden"), keras.layers.Dense(2)])
        >>> int(masks(prune_units(model, 0.5))["hidden"].sum())
        3

    Reference:
        Li et al. 2016, Pruning filters for efficient ConvNets, arXiv:1608.08710.
    """
    check_graph(model, "prune_units")
    _check_density(density)
    found = find_groups(model) if groups is None else groups
    left = set(_excluded(exclude, model))
    chosen = [group for group in found if not left & set(group.members)]
    if not chosen:
        raise ValueError(f"`model` has no units to prune. Received: '{model.name}' with these groups:\n{found}")
    layers = layer_paths(model)
    _check_groups(chosen, layers)
    members = {path: layers[path] for group in chosen for path in group.members}
    pruned = _wrap(model, members, PruneUnits)
    set_masks(pruned, _chosen(pruned, members, density, criterion, scope, select, min_units, seed))
    return pruned


def choose_masks(
    model: keras.Model,
    density: Density,
    criterion: Criterion | None = None,
    scope: str | None = None,
    select: str = "smallest",
    exclude: Iterable[str] = (),
    min_units: int = 1,
    seed: int | None = None,
) -> Masks:
    """The next masks of a wrapped model, within the present ones; the model stays as it is. `set_masks` applies them.

    Args:
        model: a model with `PruneWeights` or with `PruneUnits` around its layers, not both.
        density: fraction of the original entries to keep, or {path pattern: fraction}. What was pruned stays pruned.
        criterion: as in `prune_weights` or `prune_units`, whose default it has.
        scope: likewise.
        select: likewise.
        exclude: path patterns of layers whose masks stay.
        min_units: units of each group that stay; no such floor for weights.
        seed: of "random".

    Returns:
        {path: bool array} for every mask that is chosen.

    Raises:
        ValueError: as `prune_weights`, and when more is asked for than was kept before.

    Example:
        >>> model = prune_weights(keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="dense")]), 1.0)
        >>> int(choose_masks(model, 0.5)["dense/kernel"].sum())
        6
    """
    left = matching(exclude, wrappers(model), "exclude")
    chosen = [path for path in wrappers(model) if path not in left]
    return _chosen(model, chosen, density, criterion, scope, select, min_units, seed)


def masks(model: keras.Model) -> Masks:
    """{path: bool array} of a model's pruning wrappers; True where kept.

    Example:
        >>> model = prune_units(
        ...     keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, name="a"), keras.layers.Dense(1)]), 1.0
        ... )
        >>> masks(model)
        {'a': array([ True,  True])}
    """
    return {
        joined(path, name) if name else path: mask
        for path, layer in wrappers(model).items()
        for name, mask in layer.masks.items()
    }


def set_masks(model: keras.Model, new: Mapping[str, np.ndarray]) -> None:
    """Assign masks in place; stored weights, optimizer slots and moving averages become zero where they exclude.

    Args:
        model: a model with pruning wrappers, or one of your own classes with `PruneUnits` or `PruneWeights` inside.
        new: {path: bool array}, as `masks` returns; paths that are left out keep their mask.

    Raises:
        ValueError: an unknown path, a wrong shape or dtype; nothing is assigned then.
    """
    present = masks(model)
    _check_masks(new, present)
    for path, layer in wrappers(model).items():
        named = {name: joined(path, name) if name else path for name in layer.masks}
        chosen = {name: np.asarray(new[full]) for name, full in named.items() if full in new}
        if chosen:
            layer.mask = chosen
    zero_pruned(model)


def zero_pruned(model: keras.Model) -> None:
    """Zero the stored weights, optimizer slots and moving averages of everything that the present masks exclude."""
    slots = optimizer_slots(model)
    for layer in wrappers(model).values():
        layer.zero_pruned()
        for variable, kept in layer.kept():
            for slot in slots.get(id(variable), ()):
                slot.assign(np.where(kept, ops.convert_to_numpy(slot), 0))


def optimizer_slots(model: keras.Model) -> dict[int, list[keras.Variable]]:
    """{id of a trainable variable: the optimizer variables of its shape that belong to it}: momenta, averages, accumulators.

    Every Keras optimizer keeps a list with an entry for each trainable variable, in the same order, for each kind of slot.
    """
    slots: dict[int, list[keras.Variable]] = {}
    for part in optimizer_parts(getattr(model, "optimizer", None)):
        if part.built:
            _collect_slots(part, slots)
    return slots


def _collect_slots(optimizer, slots: dict[int, list[keras.Variable]]) -> None:
    trainable = optimizer._trainable_variables
    owned = {id(variable) for variable in optimizer.variables}
    for name, values in vars(optimizer).items():
        if not isinstance(values, list) or len(values) != len(trainable):
            continue
        if name == "_accumulators" and isinstance(optimizer, keras.optimizers.Ftrl):
            continue  # it divides by them, and they move nothing by themselves
        for variable, slot in zip(trainable, values, strict=True):
            if id(slot) in owned and tuple(slot.shape) == tuple(variable.shape):
                slots.setdefault(id(variable), []).append(slot)


def density(model: keras.Model) -> dict[str, float]:
    """{path: kept fraction} of a model's masks.

    Example:
        >>> density(prune_weights(keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, name="a")]), 0.5))
        {'a/kernel': 0.5}
    """
    return {path: float(mask.mean()) for path, mask in masks(model).items()}


def strip_pruning(model: keras.Model) -> keras.Model:
    """Copy a pruned model without its wrappers: plain Keras, pruned entries exactly zero, same outputs.

    Args:
        model: a Sequential or functional model. It is not touched.

    Returns:
        A model without classes of ours, compiled as `model` is.

    Raises:
        ValueError: an unbuilt or subclassed model.

    Example:
        >>> model = prune_weights(keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, name="a")]), 0.5)
        >>> int((strip_pruning(model).get_layer("a").kernel.numpy() == 0).sum())
        2
    """
    check_graph(model, "strip_pruning")
    kept = {id(variable): mask for layer in wrappers(model).values() for variable, mask in layer.kept()}
    plain = rebuild(model, lambda layer, copy: unwrapped(copy))
    for path, layer in wrappers(model).items():
        target = layer_paths(plain)[path]
        for source, variable in zip(layer.layer.variables, target.variables, strict=True):
            if id(source) in kept:
                variable.assign(np.where(kept[id(source)], ops.convert_to_numpy(source), 0))
    return plain


def _check_groups(groups: Iterable[UnitGroup], layers: Mapping[str, keras.layers.Layer]) -> None:
    for group in groups:
        for path in group.members:
            layer = unwrapped(layers.get(path))
            if layer is None or not has_units(layer) or unit_variables(layer)[0] != group.size:
                raise ValueError(
                    f"`groups` must be of this model: find_groups(model). Received: {group.size} units of '{path}', "
                    + ("which it does not have" if layer is None else "which has others")
                )


def _wrap(model: keras.Model, paths: Mapping[str, keras.layers.Layer], wrapper) -> keras.Model:
    wrapped = {id(layer) for layer in paths.values() if not isinstance(layer, wrapper)}
    other = [
        path for path, layer in paths.items() if isinstance(layer, PruneUnits | PruneWeights) and id(layer) in wrapped
    ]
    if other:
        raise ValueError(
            f"`model` is pruned with another wrapper than {wrapper.__name__} at {', '.join(other[:5])}: "
            "tfr.strip_pruning gives a plain model."
        )
    return rebuild(model, lambda layer, copy: wrapper(copy) if id(layer) in wrapped else copy)


def _chosen(
    model: keras.Model, paths: Collection[str], density, criterion, scope, select, min_units: int = 0, seed=None
) -> Masks:
    """The next masks of the wrappers at `paths`."""
    _check_density(density)
    _check_option("select", select, ("smallest", "largest"))
    layers = {path: layer for path, layer in wrappers(model).items() if path in paths}
    kinds = {type(layer) for layer in layers.values()}
    if len(kinds) != 1:
        raise ValueError(
            "`model` must have PruneWeights or PruneUnits around its layers, not both and not none. Received: "
            f"'{model.name}' with {len(layers)} wrapped layers; "
            + ("`exclude` those of one kind." if layers else "tfr.prune_weights(model, 1.0) wraps them.")
        )
    choose = _choose_weights if kinds == {PruneWeights} else _choose_units
    return choose(model, layers, density, criterion, scope, select, min_units, np.random.default_rng(seed))


def _leaves(model: keras.Model) -> dict[str, keras.layers.Layer]:
    """Layers that a copy can replace: those that sit directly in a Sequential or functional model."""
    return {
        path: layer
        for path, layer in _model_layers(model, "").items()
        if not isinstance(layer, keras.Model | keras.layers.InputLayer)
    }


def _model_layers(model, prefix: str) -> dict[str, keras.layers.Layer]:
    found = {}
    for layer in model.layers:
        path = joined(prefix, layer.name)
        found[path] = layer
        if isinstance(layer, keras.Sequential) or hasattr(layer, "operations"):
            found.update(_model_layers(layer, path))
    return found


def _excluded(exclude: Iterable[str], model: keras.Model) -> dict[str, str]:
    if isinstance(exclude, str):
        raise ValueError(f"`exclude` must be a sequence of patterns. Received: exclude={exclude!r}")
    return matching(exclude, without_input_layers(layer_paths(model)), "exclude")


def _choose_weights(model, layers, density, criterion, scope, select, min_units, rng) -> Masks:
    del model, min_units
    criterion, scope = criterion or "magnitude", scope or "global"
    _check_option("scope", scope, ("global", "layer"))
    scores, within, owners = {}, {}, {}
    for path, layer in layers.items():
        variables = weight_variables(layer.layer)
        for name, mask in layer.masks.items():
            full = joined(path, name)
            kernel = ops.convert_to_numpy(variables[name])
            scores[full] = _scores(criterion, criteria.WEIGHTS, kernel, kernel.shape, full, rng)
            within[full], owners[full] = mask, path
    pools = _pools(density, owners, scope, tuple(layers))
    return _rank(pools, _signed(scores, select), within, 0)


def _choose_units(model, layers, density, criterion, scope, select, min_units, rng) -> Masks:
    criterion, scope = criterion or "l2", scope or "layer"
    _check_option("scope", scope, ("global", "layer"))
    groups = _wrapped_groups(model, layers)
    scores, within = {}, {}
    for group in groups:
        matrix = _group_matrix(group, layers)
        scores[group.name] = _scores(criterion, criteria.UNITS, matrix, (group.size,), group.name, rng)
        within[group.name] = np.logical_and.reduce([layers[path].mask for path in group.members])
        if scope == "global":
            scores[group.name] = _relative(scores[group.name], within[group.name])
    names = {group.name: group.name for group in groups}
    chosen = _rank(_pools(density, names, scope, tuple(names)), _signed(scores, select), within, min_units)
    return {path: chosen[group.name] for group in groups if group.name in chosen for path in group.members}


def _wrapped_groups(model: keras.Model, layers) -> list[UnitGroup]:
    """Groups of the model whose members are all wrapped."""
    groups = [group for group in find_groups(model) if set(group.members) <= set(layers)]
    if not groups:
        raise ValueError(
            f"`model` has no group of units whose layers are all wrapped. Received: '{model.name}' with PruneUnits at "
            f"{', '.join(layers)}; tfr.prune_units(model, 1.0) wraps whole groups."
        )
    return groups


def _group_matrix(group: UnitGroup, layers) -> np.ndarray:
    """Unit matrix (units, all fan-ins of the group's kernels side by side)."""
    rows = []
    for path in group.members:
        layer = layers[path].layer
        if isinstance(layer, keras.layers.BatchNormalization):
            continue
        for variable, shape in unit_variables(layer)[1]:
            if len(variable.shape) > 1 and variable.name.endswith("kernel"):
                axes = tuple(axis for axis, size in enumerate(shape) if size > 1)
                rows.append(unit_rows(ops.convert_to_numpy(variable), axes))
    return np.concatenate(rows, axis=1)


def _scores(criterion: Criterion, named, array: np.ndarray, shape, path: str, rng) -> np.ndarray:
    if criterion == "random":
        return criteria.random(shape, rng)
    if not callable(criterion) and criterion not in named:
        raise ValueError(
            f"`criterion` must be one of {', '.join([*named, 'random'])} or a function. Received: {criterion!r}"
        )
    scores = np.asarray((criterion if callable(criterion) else named[criterion])(array))
    if scores.shape != tuple(shape):
        raise ValueError(
            f"`criterion` must return scores of shape {tuple(shape)} for '{path}'. Received: {scores.shape}"
        )
    return scores


def _relative(scores: np.ndarray, within: np.ndarray) -> np.ndarray:
    mean = scores[within].mean() if within.any() else 0
    return scores / mean if mean > 0 else scores


def _signed(scores: Masks, select: str) -> Masks:
    return {path: -values for path, values in scores.items()} if select == "largest" else scores


def _pools(density: Density, owners: Mapping[str, str], scope: str, paths) -> list[tuple[float, list[str]]]:
    """[(density, keys that are ranked together)]; a key's pattern is that of the layer that owns it."""
    if not isinstance(density, Mapping):
        density = {"*": density}
    pattern = matching(density, paths, "density")
    if scope == "layer":
        return [(density[pattern[owner]], [key]) for key, owner in owners.items() if owner in pattern]
    pools = {p: [key for key, owner in owners.items() if pattern.get(owner) == p] for p in density}
    return [(density[p], keys) for p, keys in pools.items() if keys]


def _rank(pools, scores: Masks, within: Masks, min_units: int) -> Masks:
    chosen = {}
    for fraction, keys in pools:
        values = {key: scores[key] for key in keys}
        chosen.update(keep_globally(values, fraction, {key: within[key] for key in keys}, min_units))
    return chosen


def _check_density(density: Density) -> None:
    values = density.values() if isinstance(density, Mapping) else [density]
    for value in values:
        kept_count(value, 1)


def _check_option(argument: str, value: str, options: tuple[str, ...]) -> None:
    if value not in options:
        raise ValueError(f"`{argument}` must be one of {', '.join(options)}. Received: {argument}={value!r}")


def _check_masks(new: Mapping[str, np.ndarray], present: Masks) -> None:
    unknown = [path for path in new if path not in present]
    if unknown:
        raise ValueError(
            f"`masks` has paths that the model does not have: {', '.join(unknown[:5])}. It has: {', '.join(present)}"
        )
    for path, mask in new.items():
        check_mask(np.asarray(mask), present[path].shape, path)
