"""Resize uint8 images: pixels repeated for a whole multiple, bilinear otherwise."""

from __future__ import annotations

import numpy as np


def resize(images, size):
    """Return the images with `size` rows and columns.

    Bilinear with half-pixel centres and without antialiasing: row i of the result lies at
    `(i + 1/2) · height / size − 1/2`.

    Args:
        images: uint8 array (n, height, width, channels).
        size: height and width of the result.

    Returns:
        uint8 array (n, size, size, channels).

    Raises:
        ValueError: if `size` is not a positive integer.

    Example:
        >>> import numpy as np
        >>> resize(np.array([[[[0], [200]]]], np.uint8), 3)[0, 0, :, 0].tolist()
        [0, 100, 200]
    """
    if not isinstance(size, (int, np.integer)) or size < 1:
        raise ValueError(f"`image_size` must be a positive integer. Received: image_size={size!r}")
    height, width = images.shape[1:3]
    if size % height == 0 and size % width == 0:
        return images.repeat(size // height, axis=1).repeat(size // width, axis=2)
    rows, columns = _weights(height, size), _weights(width, size)
    resized = np.einsum("ih,nhwc,jw->nijc", rows, images.astype(np.float32), columns, optimize=True)
    return np.rint(resized).astype(np.uint8)


def _weights(length, size):
    """Matrix (size, length) that interpolates linearly between the two nearest pixels, the edges repeated."""
    centre = np.clip((np.arange(size) + 0.5) * length / size - 0.5, 0, length - 1)
    return np.maximum(0, 1 - abs(centre[:, None] - np.arange(length))).astype(np.float32)
