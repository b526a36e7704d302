"""A data set as three pairs of arrays, checked once, with what it takes to normalise it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfredundancy.datasets.batches import Augmentation


@dataclass(frozen=True, eq=False)
class Splits:
    """Training, validation and test examples, each a tuple (images, labels).

    `Splits.from_arrays` fills in the class count and the statistics for arrays of your own.

    Args:
        name: what the data set is called.
        train: images (n, height, width, channels), uint8 or floating, or floating vectors (n, features); integer
            labels (n,).
        validation: the same.
        test: the same.
        mean: float32 (channels,) in units of pixel / 255, or None: images are used as they are.
        std: float32 (channels,) in units of pixel / 255, or None.
        augmentation: `Augmentation`, or None.
        classes: number of classes; labels lie in [0, classes).

    Raises:
        ValueError: if a split is empty, has more images than labels or fewer, another shape or type than said above, or
            labels out of range; it names the split.
    """

    name: str
    train: tuple[np.ndarray, np.ndarray]
    validation: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]
    mean: np.ndarray | None
    std: np.ndarray | None
    augmentation: Augmentation | None
    classes: int

    def __post_init__(self):
        """Check the fields."""
        for split in ("train", "validation", "test"):
            images, labels = (np.asarray(array) for array in getattr(self, split))
            _check(split, images, labels, self.classes)
            if images.shape[1:] != np.shape(self.train[0])[1:]:
                raise ValueError(
                    f"`{split}` must have images of the training images' shape {np.shape(self.train[0])[1:]}. "
                    f"Received: images.shape={images.shape}"
                )
            object.__setattr__(self, split, (images, labels.astype(np.int32)))
        _check_statistics(self.mean, self.std, self.input_shape[-1])
        if self.augmentation is not None and len(self.input_shape) != 3:
            raise ValueError(f"`augmentation` needs images. Received: examples of shape {self.input_shape}")

    @classmethod
    def from_arrays(cls, train, validation, test, *, name="arrays", classes=None, augmentation=None):
        """Return the splits of your own NumPy arrays.

        uint8 images are normalised by the training images' statistics, floats are used as they are.

        Args:
            train: tuple (images, labels), as in `Splits`.
            validation: the same.
            test: the same.
            name: what the data set is called.
            classes: number of classes; by default one more than the largest label of all three splits.
            augmentation: `Augmentation`, or None.

        Returns:
            `Splits`.

        Raises:
            ValueError: as `Splits`; also if a channel of the training images is constant.

        Example:
            >>> import numpy as np
            >>> images, labels = np.array([0, 51, 204, 255], np.uint8).reshape(4, 1, 1, 1), np.array([0, 0, 1, 1])
            >>> splits = Splits.from_arrays((images, labels), (images, labels), (images, labels))
            >>> splits.classes, splits.input_shape, splits.mean.tolist()
            (2, (1, 1, 1), [0.5])
        """
        if classes is None:
            classes = 1 + max(int(np.max(labels, initial=0)) for _, labels in (train, validation, test))
        mean, std = _statistics(np.asarray(train[0]))
        return cls(name, train, validation, test, mean, std, augmentation, classes)

    @property
    def input_shape(self):
        """Shape of one example."""
        return self.train[0].shape[1:]

    def normalise(self, images):
        """Return `(images / 255 − mean) / std` as float32, or the images as float32 where there is no mean.

        Args:
            images: array (…, channels).

        Returns:
            float32 array of the same shape.
        """
        images = np.asarray(images, np.float32)
        return images if self.mean is None else (images / np.float32(255) - self.mean) / self.std


def _statistics(images):
    """Mean and standard deviation of each channel, exact, from the counts of the 256 values; None for floats."""
    if images.dtype != np.uint8 or images.size == 0:
        return None, None
    channels = images.reshape(-1, images.shape[-1])
    shares = np.stack([np.bincount(channel, minlength=256) for channel in channels.T]) / len(channels)
    values = np.arange(256) / 255
    mean = shares @ values
    return mean.astype(np.float32), np.sqrt((shares * (values - mean[:, None]) ** 2).sum(1)).astype(np.float32)


def _check_statistics(mean, std, channels):
    if (mean is None) != (std is None):
        raise ValueError(f"`mean` and `std` must be given together. Received: mean={mean}, std={std}")
    if mean is None:
        return
    if np.shape(mean) != (channels,) or np.shape(std) != (channels,):
        raise ValueError(f"`mean` and `std` must have one entry per channel ({channels}). Received: {mean=}, {std=}")
    if not np.all(std > 0):
        raise ValueError(f"`std` must be positive: a channel that is constant cannot be normalised. Received: {std=}")


def _check(split, images, labels, classes):
    allowed = (2, 4) if np.issubdtype(images.dtype, np.floating) else (4,)
    if images.ndim not in allowed or not (images.dtype == np.uint8 or np.issubdtype(images.dtype, np.floating)):
        raise ValueError(
            f"`{split}` must hold uint8 or floating images (n, height, width, channels) or floating vectors "
            f"(n, features). Received: images.shape={images.shape}, dtype={images.dtype}"
        )
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f"`{split}` must hold integer labels (n,). Received: labels.shape={labels.shape}, dtype={labels.dtype}"
        )
    if len(images) != len(labels) or len(images) == 0:
        raise ValueError(
            f"`{split}` must hold as many images as labels, at least one. "
            f"Received: {len(images)} images, {len(labels)} labels"
        )
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(
            f"`{split}` must have labels in [0, {classes}). Received: from {labels.min()} to {labels.max()}"
        )
