"""Data sets by name: how many examples go where, and how they may be augmented."""

from __future__ import annotations

from tfredundancy.datasets import digits, prepared
from tfredundancy.datasets.batches import Augmentation
from tfredundancy.datasets.dividing import divide
from tfredundancy.datasets.resizing import resize
from tfredundancy.datasets.splits import Splits

_MIRRORED = Augmentation(flip=True, pad=4)
_AUGMENTATIONS = {
    "digits": None,
    "mnist": None,
    "fashion_mnist": None,
    "cifar10": _MIRRORED,
    "cifar100": _MIRRORED,
    "svhn_cropped": None,
}
NAMES = tuple(_AUGMENTATIONS)


def load(name, *, data_dir=None, validation=None, train_examples=None, image_size=None, seed=0):
    """Return a data set's training, validation and test images.

    The training file is shuffled once, evenly over the classes, and cut in two: which examples are kept for validation
    is a pure function of the labels and `seed`.

    | name | train / validation / test | image | augmentation |
    |---|---|---|---|
    | digits (scikit-learn, embedded) | 1197 / 300 / 300 | 8×8×1 | none |
    | mnist, fashion_mnist | 55,000 / 5,000 / 10,000 | 28×28×1 | none |
    | cifar10, cifar100 | 45,000 / 5,000 / 10,000 | 32×32×3 | mirror, pad 4 and crop |
    | svhn_cropped | 68,257 / 5,000 / 26,032 | 32×32×3 | none |

    Args:
        name: one of the names above. All but "digits" come from TensorFlow Datasets, downloaded if they are not there.
        data_dir: TFDS folder; by default the environment variable TFDS_DATA_DIR, else `~/tensorflow_datasets`.
        validation: number of validation examples, taken from the training file; by default the table's.
        train_examples: keep only so many training examples, evenly over the classes; by default all that remain.
        image_size: height and width to which all images are resized (pixels repeated if a multiple, else bilinear).
        seed: non-negative integer, which examples are kept for validation. Leave it at 0 where arms are compared.

    Returns:
        `Splits` of uint8 images, with the mean and standard deviation of the training examples.

    Raises:
        ValueError: if an argument is not what is said above.
        DatasetNotFoundError: if the data are neither prepared nor to be had.

    Example:
        >>> splits = load("digits", image_size=16)
        >>> splits.train[0].shape, len(splits.validation[1]), len(splits.test[1])
        ((1197, 16, 16, 1), 300, 300)
    """
    if name not in _AUGMENTATIONS:
        raise ValueError(f"`name` must be one of {', '.join(_AUGMENTATIONS)}. Received: name={name!r}")
    source = digits.read() if name == "digits" else prepared.read(name, data_dir)
    default = 300 if name == "digits" else 5000
    validation = default if validation is None else validation
    parts = [*divide(*source.train, validation, train_examples, seed), source.test]
    if image_size is not None:
        parts = [(resize(images, image_size), labels) for images, labels in parts]
    return Splits.from_arrays(*parts, name=name, classes=source.classes, augmentation=_AUGMENTATIONS[name])
