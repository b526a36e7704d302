"""Floor 0: pure functions on NumPy arrays; no Keras, no TensorFlow, no state."""

from tfredundancy.numerics import criteria, intervals, masks, units

__all__ = ["criteria", "intervals", "masks", "units"]
