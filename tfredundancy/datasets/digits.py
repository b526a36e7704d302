"""Scikit-learn's digits: 1797 images of 8×8 pixels in 10 classes, embedded in the package, no download."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits

from tfredundancy.datasets.dividing import Source, divide

_TEST_EXAMPLES = 300


def read():
    """Return the digits as a `Source`: 1497 training and 300 test images, uint8 (n, 8, 8, 1).

    The 17 grey levels are spread over 0 … 255.

    Example:
        >>> read().train[0].shape
        (1497, 8, 8, 1)
    """
    data = load_digits()
    images = np.rint(data.images[..., None] * (255 / 16)).astype(np.uint8)
    train, test = divide(images, data.target.astype(np.int32), _TEST_EXAMPLES, None, seed=0)
    return Source(train, test, classes=10)
