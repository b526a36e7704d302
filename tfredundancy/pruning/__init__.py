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
from tfredundancy.pruning.shrinking import shrink

__all__ = [
    "Counts",
    "LayerCounts",
    "UnitGroup",
    "UnitGroups",
    "choose_masks",
    "count",
    "density",
    "find_groups",
    "masks",
    "prune_units",
    "prune_weights",
    "register_units",
    "set_masks",
    "shrink",
    "strip_pruning",
]
