"""Everything that is drawn on paper: tables and records in, a Matplotlib `Figure` out.

No pyplot, no global state; `files.save_figure` writes what is returned here.
"""

from tfredundancy.figures.tickets import (
    accuracy_against_density,
    early_stopping_against_density,
    layer_density,
    learning_curves,
)
from tfredundancy.figures.weights import alpha_scan, angles, ccdf, layer, overview, pair_angles, spectrum

__all__ = [
    "accuracy_against_density",
    "alpha_scan",
    "angles",
    "ccdf",
    "early_stopping_against_density",
    "layer",
    "layer_density",
    "learning_curves",
    "overview",
    "pair_angles",
    "spectrum",
]
