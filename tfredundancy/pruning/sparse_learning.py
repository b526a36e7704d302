"""A model → the same with regularisers that make its units small while it trains: sparse learning, to prune after."""

from collections.abc import Iterable

import keras

from tfredundancy.layers import unit_variables
from tfredundancy.paths import layer_paths, unwrapped, without_input_layers
from tfredundancy.pruning.choosing import Exclude, excluded
from tfredundancy.pruning.groups import UnitGroup, check_graph, find_groups
from tfredundancy.pruning.rebuilding import rebuild
from tfredundancy.regularizers import GroupLasso, Sum


def sparse_learning(
    model: keras.Model,
    group_lasso: float = 0.0,
    bn_scale: float = 0.0,
    exclude: Exclude = (),
    groups: Iterable[UnitGroup] | None = None,
) -> keras.Model:
    """Copy a model with regularisers on the layers whose units can be pruned, beside those that it has.

    Added to the loss are `group_lasso` · Σ ‖w‖₂, over the units of each kernel, and `bn_scale` · Σ |γ|, over those of each
    BatchNormalization. Train, then prune with criterion "l2" or "bn_scale".

    Args:
        model: built Sequential or functional model. It is not touched.
        group_lasso: rate of the group lasso over units; the units of coupled layers are each drawn to zero by themselves.
        bn_scale: rate of the L1 norm on BatchNormalization's scales.
        exclude: path patterns, names or classes of layers whose groups are left as they are.
        groups: what `find_groups` returned, or some of it.

    Returns:
        A model compiled as `model` is, with the optimizer's variables copied.

    Raises:
        ValueError: a negative rate, both 0, no layer to regularise, an unbuilt or subclassed model.

    Example:
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(6, name="hidden"), keras.layers.Dense(2)])
        >>> sparse_learning(model, group_lasso=1e-4).get_layer("hidden").kernel_regularizer.get_config()
        {'rate': 0.0001, 'axis': [-1]}

    Reference:
        Wen et al. 2016, Learning structured sparsity in deep neural networks, arXiv:1608.03665; Liu et al. 2017, Learning
        efficient convolutional networks through network slimming, arXiv:1708.06519.
    """
    check_graph(model, "sparse_learning")
    for name, rate in (("group_lasso", group_lasso), ("bn_scale", bn_scale)):
        if not rate >= 0:
            raise ValueError(f"`{name}` must be at least 0. Received: {name}={rate!r}")
    layers = layer_paths(model)
    left = excluded(exclude, without_input_layers(layers))
    found = find_groups(model) if groups is None else groups
    members = {path for group in found if not left & set(group.members) for path in group.members}
    added = {id(layers[path]): _added(unwrapped(layers[path]), group_lasso, bn_scale) for path in members}
    if not any(added.values()):
        raise ValueError(
            f"`model` has nothing that these rates regularise. Received: '{model.name}', group_lasso={group_lasso!r}, "
            f"bn_scale={bn_scale!r}, exclude={tuple(exclude)!r}"
        )

    def regularised(layer, copy):
        for name, new in added.get(id(layer), {}).items():
            inner = unwrapped(copy)
            present = getattr(inner, name)
            setattr(inner, name, new if present is None else Sum(present, new))
        return copy

    return rebuild(model, regularised)


def _added(layer, group_lasso: float, bn_scale: float) -> dict[str, keras.regularizers.Regularizer]:
    """{attribute of a layer: the regulariser to add}."""
    added = {}
    if bn_scale and isinstance(layer, keras.layers.BatchNormalization) and layer.scale:
        added["gamma_regularizer"] = keras.regularizers.L1(bn_scale)
    for variable, shape in unit_variables(layer)[1] if group_lasso else ():
        name = _attribute(layer, variable)
        if len(shape) > 1 and hasattr(layer, name):
            axes = tuple(axis - len(shape) for axis, size in enumerate(shape) if size > 1)
            added[name] = GroupLasso(group_lasso, axes or (-1,))
    return added


def _attribute(layer, variable) -> str:
    """Where a layer keeps the regulariser of one of its kernels."""
    depthwise = isinstance(layer, keras.layers.DepthwiseConv1D | keras.layers.DepthwiseConv2D)
    names = {"kernel": "depthwise_regularizer" if depthwise else "kernel_regularizer"}
    return names.get(variable.name, variable.name.replace("_kernel", "_regularizer"))
