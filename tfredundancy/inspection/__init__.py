"""Where? A model's weight matrices, what is measured of them, and what that looks like outside: tables and event files."""

from tfredundancy.inspection.analysis import analyze, records, table
from tfredundancy.inspection.kernels import Kernel, register_rule
from tfredundancy.inspection.matrices import WeightMatrix, weight_matrices
from tfredundancy.inspection.records import Record, Settings

__all__ = [
    "Kernel",
    "Record",
    "Settings",
    "WeightMatrix",
    "analyze",
    "records",
    "register_rule",
    "table",
    "weight_matrices",
]
