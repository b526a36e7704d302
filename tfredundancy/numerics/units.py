"""Kernels ↔ unit matrices: which axis of a kernel is a unit.

kernel:      array as Keras stores it; (in, out) for a dense kernel, (…taps, in, out) for a convolution, (…taps, out, in) for a
             transposed one, (…taps, in, multiplier) for a depthwise one.
unit matrix: array (units, fan_in); rows are units. Row u holds every weight that enters unit u.

Kinds: "dense", "conv", "conv_transpose", "depthwise". Ranks are read off the kernel.
"""

import numpy as np

UNIT_AXES = {"dense": (-1,), "conv": (-1,), "conv_transpose": (-2,), "depthwise": (-2, -1)}
KINDS = tuple(UNIT_AXES)


def unit_matrix(kernel: np.ndarray, kind: str) -> np.ndarray:
    """Kernel → array (units, fan_in), rows are units.

    Args:
        kernel: array (…, in, out); for "conv_transpose" (…, out, in); for "depthwise" (…, in, multiplier), whose unit
            i · multiplier + m is the m-th filter of input channel i, the order of the layer's output channels.
        kind: one of `KINDS`.

    Returns:
        Array (units, fan_in), a copy; the taps and inputs of a unit are in the kernel's row-major order.

    Raises:
        ValueError: unknown kind, or a kernel with fewer than two axes.

    Example:
        >>> unit_matrix(np.array([[1, 2, 3], [4, 5, 6]]), "dense")
        array([[1, 4],
               [2, 5],
               [3, 6]])
        >>> unit_matrix(np.zeros((3, 3, 16, 32)), "conv").shape
        (32, 144)
        >>> unit_matrix(np.zeros((3, 3, 16, 2)), "depthwise").shape
        (32, 9)
    """
    array = np.asarray(kernel)
    _check(array.shape, kind)
    return unit_rows(array, UNIT_AXES[kind])


def unit_rows(array: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """Array → (units, the rest): the axes that number the units come first, all others follow in row-major order.

    Args:
        array: array of any shape.
        axes: the axes that together number the units.

    Returns:
        Array (units, entries of a unit), a copy.

    Example:
        >>> unit_rows(np.arange(6).reshape(3, 2), (-1,))
        array([[0, 2, 4],
               [1, 3, 5]])
    """
    front = np.moveaxis(np.asarray(array), axes, range(len(axes)))
    size = int(np.prod(front.shape[: len(axes)]))
    return front.reshape(size, -1).copy()


def kernel_of(units: np.ndarray, kind: str, shape: tuple[int, ...]) -> np.ndarray:
    """Unit matrix → kernel of `shape`: the inverse of `unit_matrix`.

    Args:
        units: array (units, fan_in).
        kind: one of `KINDS`.
        shape: shape of the kernel.

    Returns:
        Array of `shape`.

    Raises:
        ValueError: unknown kind, or sizes that do not agree.

    Example:
        >>> kernel = np.arange(24.0).reshape(2, 3, 4)
        >>> bool((kernel_of(unit_matrix(kernel, "conv_transpose"), "conv_transpose", (2, 3, 4)) == kernel).all())
        True
    """
    _check(shape, kind)
    array = np.asarray(units)
    if array.size != int(np.prod(shape)):
        raise ValueError(f"`units` must hold as many numbers as `shape`. Received: {array.shape} and shape={shape}")
    if kind == "conv_transpose":
        swapped = (*shape[:-2], shape[-1], shape[-2])
        return np.moveaxis(array.T.reshape(swapped), -1, -2).copy()
    return array.T.reshape(shape).copy()


def _check(shape: tuple[int, ...], kind: str) -> None:
    if kind not in KINDS:
        raise ValueError(f"`kind` must be one of {', '.join(KINDS)}. Received: kind={kind!r}")
    if len(shape) < 2 or (kind != "dense" and len(shape) < 3):
        raise ValueError(f"`kernel` has too few axes for kind={kind!r}. Received: shape={tuple(shape)}")
