"""Images to train on: five public data sets and scikit-learn's embedded digits. `xor` draws points of the XOR detection problem.

What a training step sees of them is a pure function of (seed, step).
"""

from tfredundancy.datasets import xor
from tfredundancy.datasets.batches import Augmentation, augment, batch_indices, dataset, draws, steps_per_epoch
from tfredundancy.datasets.loading import NAMES, load
from tfredundancy.datasets.prepared import DatasetNotFoundError
from tfredundancy.datasets.splits import Splits

__all__ = [
    "NAMES",
    "Augmentation",
    "DatasetNotFoundError",
    "Splits",
    "augment",
    "batch_indices",
    "dataset",
    "draws",
    "load",
    "steps_per_epoch",
    "xor",
]
