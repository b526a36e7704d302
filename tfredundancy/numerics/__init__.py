"""Floor 0: pure functions on NumPy arrays; no Keras, no TensorFlow, no state."""

from tfredundancy.numerics import (
    averages,
    capacity,
    collapse,
    committee,
    criteria,
    geometry,
    intervals,
    masks,
    online,
    overlaps,
    powerlaw,
    random_matrices,
    responses,
    spectra,
    survival,
    units,
)

__all__ = [
    "averages",
    "capacity",
    "collapse",
    "committee",
    "criteria",
    "geometry",
    "intervals",
    "masks",
    "online",
    "overlaps",
    "powerlaw",
    "random_matrices",
    "responses",
    "spectra",
    "survival",
    "units",
]
