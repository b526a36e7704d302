"""Kernels ↔ unit matrices: which axis of a kernel is a unit; a kernel's slices, parts and operator.

kernel:      array as Keras stores it; (in, out) for a dense kernel, (…taps, in, out) for a convolution, (…taps, out, in) for a
             transposed one, (…taps, in, multiplier) for a depthwise one, (…taps, in/groups, out) for a grouped one.
unit matrix: array (units, fan_in); rows are units. Row u holds every weight that enters unit u.

Kinds: "dense", "conv", "conv_transpose", "depthwise". Ranks are read off the kernel. An EinsumDense kernel has an equation.

A convolution has three views: its unit matrix (`unit_matrix`, the filters), the in × out matrices of its taps (`taps`), and the
linear map that it is on an image with circular borders (`operator_singular_values`).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

UNIT_AXES = {"dense": (-1,), "conv": (-1,), "conv_transpose": (-2,), "depthwise": (-2, -1)}
KINDS = tuple(UNIT_AXES)

_BLOCK_BYTES = 64 * 2**20  # of the matrices at several frequencies that are held at a time


def unit_matrix(kernel: np.ndarray, kind: str, copy: bool = True) -> np.ndarray:
    """Kernel → array (units, fan_in), rows are units.

    A grouped convolution is of kind "conv": its matrix (out, taps · in/groups) stacks those of its `groups`, whose units see
    different inputs.

    Args:
        kernel: array (…, in, out); for "conv_transpose" (…, out, in); for "depthwise" (…, in, multiplier), whose unit
            i · multiplier + m is the m-th filter of input channel i, the order of the layer's output channels.
        kind: one of `KINDS`.
        copy: False for a view of the kernel where the order of its numbers allows one.

    Returns:
        Array (units, fan_in); the taps and inputs of a unit are in the kernel's row-major order.

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
    return unit_rows(array, UNIT_AXES[kind], copy)


def unit_rows(array: np.ndarray, axes: tuple[int, ...], copy: bool = True) -> np.ndarray:
    """Array → (units, the rest): the axes that number the units come first, all others follow in row-major order.

    Args:
        array: array of any shape.
        axes: the axes that together number the units.
        copy: False for a view where the order of the numbers allows one.

    Returns:
        Array (units, entries of a unit).

    Example:
        >>> unit_rows(np.arange(6).reshape(3, 2), (-1,))
        array([[0, 2, 4],
               [1, 3, 5]])
    """
    front = np.moveaxis(np.asarray(array), axes, range(len(axes)))
    rows = front.reshape(math.prod(front.shape[: len(axes)]), math.prod(front.shape[len(axes) :]))
    return rows.copy() if copy else rows


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


def taps(kernel: np.ndarray) -> np.ndarray:
    """The slices of a convolution kernel, one in × out matrix for each tap: K → (K_ab)_ab.

    Args:
        kernel: array (…taps, in, out), or (…taps, out, in) of a transposed convolution; a dense kernel has one tap.

    Returns:
        Array (taps, in, out), taps in row-major order; a view where the order of the numbers allows one.

    Raises:
        ValueError: fewer than two axes.

    Example:
        >>> taps(np.arange(12).reshape(3, 2, 2))[1]
        array([[4, 5],
               [6, 7]])
        >>> taps(np.zeros((3, 3, 16, 32))).shape
        (9, 16, 32)
    """
    array = _with_axes(kernel, 2)
    return array.reshape(math.prod(array.shape[:-2]), *array.shape[-2:])


def groups(kernel: np.ndarray, count: int) -> list[np.ndarray]:
    """The kernels of the `count` convolutions side by side that a grouped convolution is.

    Args:
        kernel: array (…taps, in/count, out); output o belongs to group o // (out/count).
        count: number of groups.

    Returns:
        `count` views (…taps, in/count, out/count).

    Raises:
        ValueError: `count` does not divide the number of outputs, or fewer than two axes.

    Example:
        >>> [group.shape for group in groups(np.zeros((3, 3, 4, 6)), 2)]
        [(3, 3, 4, 3), (3, 3, 4, 3)]
    """
    return _split(_with_axes(kernel, 2), count)


def gates(kernel: np.ndarray, count: int) -> list[np.ndarray]:
    """Fused recurrent kernel → one kernel for each gate, in the order in which Keras lays them out.

    LSTM and ConvLSTM: input, forget, cell, output; GRU: update, reset, candidate.

    Args:
        kernel: array (…, in, count · units), the kernel or the recurrent kernel.
        count: number of gates.

    Returns:
        `count` views (…, in, units).

    Raises:
        ValueError: `count` does not divide the last axis, or fewer than two axes.

    Example:
        >>> gates(np.arange(8).reshape(1, 8), 4)
        [array([[0, 1]]), array([[2, 3]]), array([[4, 5]]), array([[6, 7]])]
    """
    return _split(_with_axes(kernel, 2), count)


def heads(kernel: np.ndarray, axis: int) -> list[np.ndarray]:
    """Kernel of an attention projection → one kernel for each head.

    Args:
        kernel: array, (in, heads, size) of a query, key or value projection or (heads, size, out) of the output's.
        axis: the axis that numbers the heads.

    Returns:
        Views of the kernel without that axis.

    Raises:
        ValueError: no such axis.

    Example:
        >>> [head.tolist() for head in heads(np.arange(4).reshape(2, 2, 1), axis=1)]
        [[[0], [2]], [[1], [3]]]
    """
    array = np.asarray(kernel)
    if not -array.ndim <= axis < array.ndim:
        raise ValueError(f"`axis` must be an axis of `kernel`. Received: axis={axis} for shape={array.shape}")
    return list(np.moveaxis(array, axis, 0))


@dataclass(frozen=True)
class EinsumAxes:
    """What the axes of an EinsumDense kernel are.

    Attributes:
        units: axes in the equation's output, in its order; they number the units.
        blocks: those of `units` that stand in the input too: an index of theirs has a matrix of its own.
        inputs: the contracted axes, in the kernel's order.
    """

    units: tuple[int, ...]
    blocks: tuple[int, ...]
    inputs: tuple[int, ...]


def einsum_axes(equation: str) -> EinsumAxes:
    """What the axes of an EinsumDense kernel are, read off its equation "input,kernel->output".

    An axis of the kernel is a unit's if it stands in the output, contracted if it stands in the input alone. An axis in both (one
    matrix for each position or each head) numbers units as well, and the map is block diagonal along it. An ellipsis stands for
    axes that the kernel does not have.

    Args:
        equation: as keras.layers.EinsumDense takes it.

    Returns:
        `EinsumAxes`, axes counted from 0.

    Raises:
        ValueError: not of that form, or a kernel axis that is repeated or in neither the input nor the output.

    Example:
        >>> einsum_axes("abc,cde->abde")
        EinsumAxes(units=(1, 2), blocks=(), inputs=(0,))
        >>> einsum_axes("...hc,hcd->...hd")
        EinsumAxes(units=(0, 2), blocks=(0,), inputs=(1,))
    """
    inputs, kernel, output = _specs(equation)
    for axis in kernel:
        if kernel.count(axis) > 1 or axis not in inputs + output:
            raise ValueError(
                f"`equation` must have each axis of the kernel once, and in its input or output. "
                f"Received: axis '{axis}' of equation={equation!r}"
            )
    return EinsumAxes(
        units=tuple(kernel.index(axis) for axis in output if axis in kernel),
        blocks=tuple(kernel.index(axis) for axis in output if axis in kernel and axis in inputs),
        inputs=tuple(place for place, axis in enumerate(kernel) if axis not in output),
    )


def einsum_matrix(kernel: np.ndarray, equation: str, copy: bool = True) -> np.ndarray:
    """EinsumDense kernel → array (units, fan_in) by its equation: the axes in the output are units, the contracted ones fan-in.

    Along an axis in both input and output the matrices are stacked: each unit's row holds the weights that enter it, though units
    of different blocks see different inputs; `einsum_blocks` keeps them apart.

    Args:
        kernel: array with the axes that the equation gives it.
        equation: as keras.layers.EinsumDense takes it, "input,kernel->output".
        copy: False for a view where the order of the numbers allows one.

    Returns:
        Array (units, fan_in); the units in the order of the output's axes, the fan-in in that of the kernel's.

    Raises:
        ValueError: as `einsum_axes`, or a kernel of another number of axes.

    Example:
        >>> einsum_matrix(np.arange(4).reshape(2, 2), "ab,bc->ac")
        array([[0, 2],
               [1, 3]])
        >>> einsum_matrix(np.zeros((64, 8, 16)), "abc,cde->abde").shape  # a query projection of 8 heads
        (128, 64)
        >>> einsum_matrix(np.zeros((8, 16, 64)), "abcd,cde->abe").shape  # its output projection
        (64, 128)
    """
    array = _of_equation(kernel, equation)
    return unit_rows(array, einsum_axes(equation).units, copy)


def einsum_blocks(kernel: np.ndarray, equation: str) -> list[np.ndarray]:
    """EinsumDense kernel → its unit matrices, one for each index of the axes in both input and output; their diagonal is the map.

    Args:
        kernel: array with the axes that the equation gives it.
        equation: as keras.layers.EinsumDense takes it, "input,kernel->output".

    Returns:
        Arrays (units of a block, fan_in); a single one for most equations.

    Raises:
        ValueError: as `einsum_matrix`.

    Example:
        >>> [block.shape for block in einsum_blocks(np.zeros((4, 3, 5)), "bhc,hcd->bhd")]
        [(5, 3), (5, 3), (5, 3), (5, 3)]
    """
    array = _of_equation(kernel, equation)
    axes = einsum_axes(equation)
    return unit_blocks(array, axes.units, axes.blocks)


def unit_blocks(array: np.ndarray, axes: tuple[int, ...], blocks: tuple[int, ...]) -> list[np.ndarray]:
    """Array → unit matrices, one for each index of the axes `blocks`.

    Args:
        array: array of any shape.
        axes: the axes that number the units, from 0 or from the end.
        blocks: those of them that number the blocks.

    Returns:
        Arrays (units of a block, entries of a unit), views where the order of the numbers allows them.

    Example:
        >>> [block.tolist() for block in unit_blocks(np.arange(8).reshape(2, 2, 2), (0, 2), (0,))]
        [[[0, 2], [1, 3]], [[4, 6], [5, 7]]]
    """
    array = np.asarray(array)
    blocks = tuple(axis % array.ndim for axis in blocks)
    others = tuple(axis % array.ndim for axis in axes if axis % array.ndim not in blocks)
    front = np.moveaxis(array, (*blocks, *others), range(len(blocks) + len(others)))
    count = math.prod(front.shape[: len(blocks)])
    stacked = front.reshape(count, *front.shape[len(blocks) :])
    return [unit_rows(block, tuple(range(len(others))), copy=False) for block in stacked]


def operator_singular_values(
    kernel: np.ndarray,
    size: int | Sequence[int],
    strides: int | Sequence[int] = 1,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> np.ndarray:
    """Singular values of the linear map that a convolution is on an input of `size` with circular borders.

    The map is block diagonal in Fourier space: for each frequency p the in × out matrix

        K̂(p) = Σ_t K_t exp(−2πi Σ_j p_j t_j / n_j)

    A stride s leaves n/s frequencies, each the sum of the s that the coarser grid can not tell apart, over √s. K̂(−p) is the
    conjugate of K̂(p), so that half of the frequencies give all values. As taps are few, the transform is a product with the
    (frequencies × taps) Fourier matrix, block by block, so that the matrices of all frequencies are never held together. With ‖·‖
    the largest singular value and F the matrix of all filters, stride 1 and size ≥ taps:

        Σσ² = Π n_j · ‖K‖²_F        ‖F‖ ≤ ‖operator‖ ≤ √taps · ‖F‖

    Singular values are those of the transposed convolution of `size` · strides, too.

    Args:
        kernel: array (…taps, in/groups, out).
        size: of the input, a number for each axis of taps, or one for all; a multiple of the stride.
        strides, dilation: as of the layer, a number for each axis of taps, or one for all.
        groups: number of groups of a grouped convolution; a depthwise kernel is (…taps, 1, in · multiplier) in `in` groups.

    Returns:
        Array (groups · Π(n_j/s_j) · min(Πs_j · in/groups, out/groups),), float64, ascending.

    Raises:
        ValueError: a kernel without taps or with NaN or infinities, sizes that are not positive integers, a size that its stride
            does not divide, or outputs that the groups do not.

    Example:
        >>> operator_singular_values(np.array([[[1.0]], [[1.0]]]), 4).round(3)  # x_i + x_{i+1}: |1 + exp(−2πi p/4)|
        array([0.   , 1.414, 1.414, 2.   ])

    Reference:
        Sedghi, Gupta & Long 2019, The singular values of convolutional layers, arXiv:1805.10408.
    """
    array = _finite_kernel(kernel)
    sizes, steps, gaps = (
        _per_axis(value, array.ndim - 2, name)
        for value, name in ((size, "size"), (strides, "strides"), (dilation, "dilation"))
    )
    if any(n % step for n, step in zip(sizes, steps, strict=True)):
        raise ValueError(f"`size` must be a multiple of `strides`. Received: size={size}, strides={strides}")
    pieces = np.stack(_split(array, groups), axis=-3)  # (…taps, groups, in, out)
    stacked = pieces.reshape(-1, *pieces.shape[-3:]) / math.sqrt(math.prod(steps))
    phases = _phases(array.shape[:-2], sizes, steps, gaps)
    values = [
        np.repeat(np.linalg.svd(_at_frequencies(stacked, block), compute_uv=False).ravel(), times)
        for times, phase in phases
        for block in _blocks(phase, stacked[0].size)
    ]
    return np.sort(np.concatenate(values))


def _phases(
    shape: Sequence[int], sizes: Sequence[int], strides: Sequence[int], dilation: Sequence[int]
) -> Iterator[tuple[int, np.ndarray]]:
    """(how often, Fourier matrices (frequencies, aliases, taps)): those that are their own conjugate's once, the others twice."""
    axes = [
        _axis_phases(count, size, stride, gap)
        for count, size, stride, gap in zip(shape, sizes, strides, dilation, strict=True)
    ]
    last, grid = axes[-1], sizes[-1] // strides[-1]
    single = [p for p in range(grid // 2 + 1) if 2 * p % grid == 0]
    double = [p for p in range(grid // 2 + 1) if 2 * p % grid != 0]
    for times, chosen in ((1, single), (2, double)):
        product = np.ones((1, 1, 1))
        for axis in (*axes[:-1], last[chosen]):
            product = np.einsum("fat,gbu->fgabtu", product, axis)
            frequencies, new, aliases, more, entries, others = product.shape
            product = product.reshape(frequencies * new, aliases * more, entries * others)
        yield times, product


def _axis_phases(count: int, size: int, stride: int, gap: int) -> np.ndarray:
    """exp(−2πi p t/n) of one axis: array (n/stride frequencies, stride aliases, taps)."""
    grid = size // stride
    frequencies = np.arange(grid)[:, None] + grid * np.arange(stride)
    return np.exp(-2j * np.pi / size * (frequencies[..., None] * np.arange(count) * gap % size))


def _blocks(phases: np.ndarray, entries: int) -> Iterator[np.ndarray]:
    """Some frequencies at a time, so that their matrices fit into `_BLOCK_BYTES`."""
    step = max(1, _BLOCK_BYTES // (16 * entries * phases.shape[1]))
    return (phases[start : start + step] for start in range(0, len(phases), step))


def _at_frequencies(stacked: np.ndarray, phases: np.ndarray) -> np.ndarray:
    """(taps, groups, in, out) and (frequencies, aliases, taps) → (frequencies, groups, aliases · in, out)."""
    at = np.tensordot(phases, stacked, axes=1).swapaxes(1, 2)
    return at.reshape(*at.shape[:2], -1, at.shape[-1])


def _per_axis(value: int | Sequence[int], axes: int, name: str) -> tuple[int, ...]:
    values = (value,) * axes if np.ndim(value) == 0 else tuple(value)
    if len(values) != axes or not all(isinstance(n, int | np.integer) and n >= 1 for n in values):
        raise ValueError(
            f"`{name}` must be a positive integer for each of {axes} axes of taps. Received: {name}={value}"
        )
    return values


def _finite_kernel(kernel: np.ndarray) -> np.ndarray:
    array = np.asarray(_with_axes(kernel, 3), np.float64)
    if not np.isfinite(array).all():
        bad = int((~np.isfinite(array)).sum())
        raise ValueError(f"`kernel` must be finite. Received: {bad} NaN or infinities among its {array.size} numbers")
    if not array.size:
        raise ValueError(f"`kernel` must not be empty. Received: shape={array.shape}")
    return array


def _specs(equation: str) -> tuple[str, str, str]:
    """ "...ab,bc->...ac" → ("ab", "bc", "ac")."""
    left, arrow, output = equation.replace(" ", "").partition("->")
    inputs, comma, kernel = left.partition(",")
    inputs, output = inputs.replace("...", "", 1), output.replace("...", "", 1)
    if not (arrow and comma and all(spec.isalpha() for spec in (inputs, kernel, output))):
        raise ValueError(f"`equation` must be of the form 'ab,bc->ac'. Received: equation={equation!r}")
    return inputs, kernel, output


def _of_equation(kernel: np.ndarray, equation: str) -> np.ndarray:
    array, spec = np.asarray(kernel), _specs(equation)[1]
    if array.ndim != len(spec):
        raise ValueError(
            f"`kernel` must have the axes '{spec}' of its equation. Received: shape={array.shape}, equation={equation!r}"
        )
    return array


def _split(array: np.ndarray, count: int) -> list[np.ndarray]:
    size = array.shape[-1]
    if count < 1 or size % count:
        raise ValueError(
            f"The parts of `kernel` must divide its last axis. Received: {count} parts of shape={array.shape}"
        )
    return np.split(array, count, axis=-1)


def _with_axes(kernel: np.ndarray, least: int) -> np.ndarray:
    array = np.asarray(kernel)
    if array.ndim < least:
        raise ValueError(f"`kernel` must have at least {least} axes. Received: shape={array.shape}")
    return array


def _check(shape: tuple[int, ...], kind: str) -> None:
    if kind not in KINDS:
        raise ValueError(f"`kind` must be one of {', '.join(KINDS)}. Received: kind={kind!r}")
    if len(shape) < 2 or (kind != "dense" and len(shape) < 3):
        raise ValueError(f"`kernel` has too few axes for kind={kind!r}. Received: shape={tuple(shape)}")
