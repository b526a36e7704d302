"""Pruning a model: model → scores → masks → wrapped model; and reading and setting the masks of a wrapped one.

Masks are bool arrays in a dictionary: keyed by layer path (`encoder/conv1`) for units, by variable path
(`encoder/conv1/kernel`) for weights.
"""

from collections.abc import Iterable, Mapping

import keras
import numpy as np
from keras import ops

from tfredundancy.layers import PruneUnits, PruneWeights, check_mask, has_units, unit_variables, weight_variables
from tfredundancy.paths import Wrapped, joined, layer_paths, unwrapped, without_input_layers, wrappers
from tfredundancy.pruning.choosing import Density, Exclude, Masks, Options, check_density, excluded, next_masks
from tfredundancy.pruning.groups import UnitGroup, UnitGroups, check_graph, find_groups, traced
from tfredundancy.pruning.rebuilding import is_graph, optimizer_parts, rebuild
from tfredundancy.pruning.scoring import Criterion, places
from tfredundancy.pruning.shrinking import present_masks, still_means
from tfredundancy.regularizers import plain


def prune_weights(
    model: keras.Model,
    density: Density,
    criterion: Criterion = "magnitude",
    scope: str = "global",
    select: str = "smallest",
    exclude: Exclude = (),
    seed: int | None = None,
) -> keras.Model:
    """Copy a model with its kernels wrapped in `PruneWeights` and all but the fraction `density` of their weights pruned.

    Args:
        model: built Sequential or functional model. It is not touched.
        density: fraction of all weights to keep, or an integer, their number, from 2 up; or {path pattern: either}; the first
            pattern that matches a layer's path wins, layers that none matches stay whole. It counts from the original number.
        criterion: "magnitude", "random", or a function kernel → scores of the same shape; low scores go.
        scope: "global" ranks all weights (of one pattern) against each other, "layer" those of each kernel.
        select: "smallest" prunes the lowest scores, "largest" the highest, "random" any, whatever the criterion.
        exclude: path patterns, names or classes of layers that are left as they are.
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
    check_density(density)
    options = Options(criterion, scope, select, seed=seed)
    left = excluded(exclude, without_input_layers(layer_paths(model)))
    paths = {
        path: layer
        for path, layer in _leaves(model).items()
        if path not in left and (isinstance(layer, Wrapped) or weight_variables(layer))
    }
    if not paths:
        raise ValueError(f"`model` has no kernel to prune. Received: '{model.name}' with exclude={tuple(exclude)!r}")
    pruned = _wrap(model, paths, PruneWeights)
    set_masks(pruned, next_masks(pruned, paths, density, options))
    return pruned


def prune_units(
    model: keras.Model,
    density: Density,
    criterion: Criterion = "l2",
    scope: str = "layer",
    select: str = "smallest",
    exclude: Exclude = (),
    groups: Iterable[UnitGroup] | None = None,
    min_units: int = 1,
    round_to: int | None = None,
    data=None,
    seed: int | None = None,
    initial=None,
) -> keras.Model:
    """Copy a model with its units wrapped in `PruneUnits` and all but the fraction `density` of them pruned.

    Units go in groups, see `find_groups`: with a convolution's filter its BatchNorm entry, and over an addition the filters of
    every branch. Units whose graph is not understood, and the model's outputs, stay.

    | criterion | score of a unit, of all layers of its group | needs | paper |
    |---|---|---|---|
    | "l1", "l2" | norm of its weights | | Li 2016, arXiv:1608.08710 |
    | "random" | drawn | `seed` | |
    | "bn_scale" | mean of its normalisations' scales, absolute | | Liu 2017, arXiv:1708.06519 |
    | "taylor" | mean over batches of (Σ gradient · weight)² | labelled `data`, a loss | Molchanov 2019, arXiv:1906.10771 |
    | "apoz" | share of its responses behind rectifiers that are not zero | `data` | Hu 2016, arXiv:1607.03250 |
    | "geometric_median" | sum of the distances of its weights to all others' | | He 2019, arXiv:1811.00250 |
    | "similarity" | how unlike the most similar other one it is | | |
    | "distance_to_init" | distance of its weights to the initial ones | `initial` | |

    Args:
        model: built Sequential or functional model. It is not touched.
        density: fraction of the units to keep, or an integer, their number, from 2 up; or {path pattern: either} over groups'
            names; the first pattern that matches wins, groups that none matches stay whole. It counts from the original number
            of units. A number holds for each group, with scope "global" for all groups (of one pattern) together.
        criterion: one of the table, or a function unit matrix (units, fan_in) → scores (units,); the rows hold the weights of all
            kernels of the group. Low scores go. Data-driven ones compute at rest, without dropout.
        scope: "layer" ranks the units of each group, "global" those of all groups (of one pattern), each group's scores
            divided by their mean.
        select: "smallest" prunes the lowest scores, "largest" the highest, "random" any, whatever the criterion.
        exclude: path patterns, names or classes of layers whose groups are left as they are.
        groups: what `find_groups` returned, or some of it.
        min_units: units of each group that stay in any case.
        round_to: keep multiples of so many in each group, the nearest (halves up, never 0; all, where the group has fewer); the
            density can be missed by that, and `tfr.density` says what it has become.
        data: array of inputs, tuple (inputs, labels), or a tf.data.Dataset of batches of either; all of it is used.
        seed: of "random".
        initial: weights before training: a `Ticket`, {variable path: array}, or the model then.

    Returns:
        A model compiled as `model` is, with the optimizer's variables copied, zero where masked.

    Raises:
        ValueError: a density outside [0, 1], a pattern without a match, an unbuilt or subclassed model, no group to prune; a
            criterion without what it needs, or groups for which it says nothing.

    Example:
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(6, name="hidden"), keras.layers.Dense(2)])
        >>> int(masks(prune_units(model, 0.5))["hidden"].sum())
        3

    Reference:
        Li et al. 2016, Pruning filters for efficient ConvNets, arXiv:1608.08710, and those of the table.
    """
    check_density(density)
    options = Options(criterion, scope, select, min_units, round_to, data, initial, seed)
    pruned, chosen = wrap_units(model, exclude, groups, "prune_units")
    members = {path for group in chosen for path in group.members}
    set_masks(pruned, next_masks(pruned, members, density, options, chosen))
    return pruned


def wrap_units(
    model: keras.Model, exclude: Exclude, groups: Iterable[UnitGroup] | None, name: str
) -> tuple[keras.Model, list[UnitGroup]]:
    """A copy with `PruneUnits` around the layers of all groups that are not excluded, and these; `name` is the caller's."""
    check_graph(model, name)
    found = find_groups(model) if groups is None else groups
    if not (isinstance(found, Iterable) and all(isinstance(group, UnitGroup) for group in found)):
        raise ValueError(f"`groups` must be what tfr.find_groups returned, or some of it. Received: groups={groups!r}")
    layers = layer_paths(model)
    left = excluded(exclude, without_input_layers(layers))
    chosen = [group for group in found if not left & set(group.members)]
    if not chosen:
        raise ValueError(
            f"`model` has no units to prune. Received: '{model.name}' with these groups:\n{_listed(found)}"
        )
    _check_groups(model, chosen)
    members = {path: layers[path] for group in chosen for path in group.members}
    return _wrap(model, members, PruneUnits), chosen


def choose_masks(
    model: keras.Model,
    density: Density,
    criterion: Criterion | None = None,
    scope: str | None = None,
    select: str = "smallest",
    exclude: Exclude = (),
    groups: Iterable[UnitGroup] | None = None,
    min_units: int = 1,
    round_to: int | None = None,
    data=None,
    seed: int | None = None,
    initial=None,
) -> Masks:
    """The next masks of a wrapped model, within the present ones; the model stays as it is. `set_masks` applies them.

    Args:
        model: a model with `PruneWeights` or with `PruneUnits` around its layers, not both.
        density: of the original entries, as in `prune_weights` or `prune_units`. What was pruned stays pruned.
        criterion: as in `prune_weights` or `prune_units`, whose default it has.
        scope: likewise.
        select: likewise.
        exclude: path patterns, names or classes of layers whose masks stay.
        groups: of units, as in `prune_units`.
        min_units: units of each group that stay; no such floor for weights.
        round_to: of units, as in `prune_units`.
        data: likewise.
        seed: of "random".
        initial: as in `prune_units`.

    Returns:
        {path: bool array} for every mask that is chosen.

    Raises:
        ValueError: as `prune_weights` or `prune_units`, and when more is asked for than was kept before.

    Example:
        >>> model = prune_weights(keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="dense")]), 1.0)
        >>> int(choose_masks(model, 0.5)["dense/kernel"].sum())
        6
    """
    options = Options(criterion, scope, select, min_units, round_to, data, initial, seed)
    left = excluded(exclude, wrappers(model))
    if groups is not None:
        groups = list(groups)
        _check_groups(model, groups)
    return next_masks(model, [path for path in wrappers(model) if path not in left], density, options, groups)


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

    Regularisers of ours go too: of sparse learning what Keras itself knows stays.

    Args:
        model: a Sequential or functional model. It is not touched.

    Returns:
        A model without classes of ours, compiled as `model` is.

    Raises:
        ValueError: an unbuilt or subclassed model; a Layer- or GroupNormalization with masked units, which takes its
            statistics over the kept ones, as no plain layer of the same width does.

    Example:
        >>> model = prune_weights(keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, name="a")]), 0.5)
        >>> int((strip_pruning(model).get_layer("a").kernel.numpy() == 0).sum())
        2
    """
    check_graph(model, "strip_pruning")
    _check_statistics(model)
    kept = {id(variable): mask for layer in wrappers(model).values() for variable, mask in layer.kept()}
    stripped = rebuild(model, lambda layer, copy: plain(unwrapped(copy)))
    means = still_means(traced(model, present_masks))
    for path, layer in wrappers(model).items():
        target = layer_paths(stripped)[path]
        if id(layer.layer) in means:
            target.moving_mean.assign(means[id(layer.layer)])
        for source, variable in zip(layer.layer.variables, target.variables, strict=True):
            if id(source) in kept and not (
                variable is getattr(target, "moving_mean", None) and id(layer.layer) in means
            ):
                variable.assign(np.where(kept[id(source)], ops.convert_to_numpy(source), 0))
    return stripped


def _check_statistics(model: keras.Model) -> None:
    kinds = keras.layers.LayerNormalization | keras.layers.GroupNormalization
    for path, layer in wrappers(model).items():
        if isinstance(layer, PruneUnits) and isinstance(layer.layer, kinds) and not layer.mask.all():
            raise ValueError(
                f"`model` takes the statistics of '{path}' ({type(layer.layer).__name__}) over its kept units, as no plain "
                f"layer of the same width does: tfr.shrink(model) gives a plain model. Received: '{model.name}'"
            )


def _check_groups(model: keras.Model, groups: Iterable[UnitGroup]) -> None:
    layers, sizes = layer_paths(model), {group.name: group.size for group in find_groups(model)}
    owners: dict[str, np.ndarray] = {}
    for group in groups:
        for path in group.members:
            layer, positions = unwrapped(layers.get(path)), places(group, path)
            size = unit_variables(layer)[0] if layer is not None and has_units(layer) else 0
            if (
                len(positions) != sizes.get(group.name, len(positions))
                or not 0 < len(positions) <= positions.max() + 1 <= size
            ):
                raise ValueError(
                    f"`groups` must be of this model: find_groups(model). Received: {group.size} units of '{path}', "
                    + ("which it does not have" if layer is None else "which has others")
                )
            counts = owners.setdefault(path, np.zeros(size, int))
            np.add.at(counts, positions.ravel(), 1)
            if counts.max() > 1:
                raise ValueError(
                    f"`groups` must not share units: those of '{path}' would get two masks. Received: '{group.name}' twice "
                    "or with another group"
                )


def _listed(groups) -> str:
    """The table that `find_groups` gives; of a list of groups their names."""
    return str(groups) if isinstance(groups, UnitGroups) else ", ".join(group.name for group in groups) or "none"


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
        if is_graph(layer):
            found.update(_model_layers(layer, path))
    return found


def _check_masks(new: Mapping[str, np.ndarray], present: Masks) -> None:
    unknown = [path for path in new if path not in present]
    if unknown:
        raise ValueError(
            f"`masks` has paths that the model does not have: {', '.join(unknown[:5])}. It has: {', '.join(present)}"
        )
    for path, mask in new.items():
        check_mask(np.asarray(mask), present[path].shape, path)
