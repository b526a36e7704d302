"""Floor 0: pure functions on NumPy arrays; no Keras, no TensorFlow, no state."""

from tfredundancy.numerics import (
    capacity,
    collapse,
    criteria,
    detection,
    geometry,
    intervals,
    masks,
    powerlaw,
    random_matrices,
    responses,
    spectra,
    survival,
    units,
)

__all__ = [
    "capacity",
    "collapse",
    "criteria",
    "detection",
    "geometry",
    "intervals",
    "masks",
    "powerlaw",
    "random_matrices",
    "responses",
    "spectra",
    "survival",
    "units",
]
