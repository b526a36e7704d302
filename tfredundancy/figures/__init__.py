"""Everything that is drawn on paper: tables and records in, a Matplotlib `Figure` out.

No pyplot, no global state; `files.save_figure` writes what is returned here.
"""

from tfredundancy.figures.tickets import (
    accuracy_against_density,
    early_stopping_against_density,
    layer_density,
    learning_curves,
)

__all__ = ["accuracy_against_density", "early_stopping_against_density", "layer_density", "learning_curves"]
