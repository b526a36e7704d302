"""Where is a network redundant, why did training make it so, and how much can be taken away for real?

>>> import keras
>>> import tfredundancy as tfr
>>> model = keras.Sequential(
...     [keras.Input((8,)), keras.layers.Dense(6, name="hidden"), keras.layers.Dense(2, name="logits")]
... )
>>> tfr.density(tfr.prune_units(model, 0.5))
{'hidden': 0.5}
"""

from tfredundancy import (
    callbacks,
    datasets,
    figures,
    inspection,
    layers,
    lottery,
    models,
    numerics,
    pruning,
    regularizers,
)
from tfredundancy.inspection import analyze
from tfredundancy.lottery import Ticket
from tfredundancy.pruning import (
    Counts,
    UnitGroup,
    UnitGroups,
    choose_masks,
    count,
    densities_from,
    density,
    find_groups,
    masks,
    prune_units,
    prune_weights,
    register_units,
    sensitivity,
    set_masks,
    shrink,
    strip_pruning,
)

__all__ = [
    "Counts",
    "Ticket",
    "UnitGroup",
    "UnitGroups",
    "analyze",
    "callbacks",
    "choose_masks",
    "count",
    "datasets",
    "densities_from",
    "density",
    "figures",
    "find_groups",
    "inspection",
    "layers",
    "lottery",
    "masks",
    "models",
    "numerics",
    "prune_units",
    "prune_weights",
    "pruning",
    "register_units",
    "regularizers",
    "sensitivity",
    "set_masks",
    "shrink",
    "strip_pruning",
]
__version__ = "0.1.0"
