"""What each layer and operation does with units, and how it is cut down to some of them."""

from tfredundancy.pruning.rules import attention, makers, merging, normalisations, operations, passing
from tfredundancy.pruning.rules.models import rule_of
from tfredundancy.pruning.rules.registry import Arrays, Kept, entry, register_units

__all__ = [
    "Arrays",
    "Kept",
    "attention",
    "entry",
    "makers",
    "merging",
    "normalisations",
    "operations",
    "passing",
    "register_units",
    "rule_of",
]
