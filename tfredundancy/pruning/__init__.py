"""How much can go? Masks on a model: which units belong together, what is pruned, and what is left."""

from tfredundancy.pruning.counting import Counts, LayerCounts, count
from tfredundancy.pruning.groups import UnitGroup, UnitGroups, find_groups
from tfredundancy.pruning.rules import register_units
from tfredundancy.pruning.selection import (
    choose_masks,
    density,
    masks,
    prune_units,
    prune_weights,
    set_masks,
    strip_pruning,
)
from tfredundancy.pruning.sensitivity import densities_from, sensitivity
from tfredundancy.pruning.shrinking import shrink
from tfredundancy.pruning.sparse_learning import sparse_learning

__all__ = [
    "Counts",
    "LayerCounts",
    "UnitGroup",
    "UnitGroups",
    "choose_masks",
    "count",
    "densities_from",
    "density",
    "find_groups",
    "masks",
    "prune_units",
    "prune_weights",
    "register_units",
    "sensitivity",
    "set_masks",
    "shrink",
    "sparse_learning",
    "strip_pruning",
]
