"""Kernels and unit matrices, unit by unit."""

import numpy as np
import pytest

from tfredundancy.numerics.units import KINDS, kernel_of, unit_matrix, unit_rows

SHAPES = {
    "dense": (3, 4),
    "conv": (2, 3, 4, 5),
    "conv_transpose": (2, 3, 4, 5),
    "depthwise": (2, 3, 4, 2),
}


def unit(kernel, kind, index):
    """Return the weights that enter one unit, by indexing."""
    if kind == "conv_transpose":
        return kernel[..., index, :].ravel()
    if kind == "depthwise":
        multiplier = kernel.shape[-1]
        return kernel[..., index // multiplier, index % multiplier].ravel()
    return kernel[..., index].ravel()


@pytest.mark.parametrize("kind", KINDS)
def test_row_u_holds_the_weights_of_unit_u(kind, rng):
    kernel = rng.normal(size=SHAPES[kind])
    matrix = unit_matrix(kernel, kind)
    assert all(np.array_equal(matrix[index], unit(kernel, kind, index)) for index in range(len(matrix)))
    assert matrix.size == kernel.size


@pytest.mark.parametrize(
    "kind, ranks", [("dense", (2,)), ("conv", (3, 4, 5)), ("conv_transpose", (3, 4)), ("depthwise", (3, 4))]
)
def test_kernel_of_undoes_unit_matrix(kind, ranks, rng):
    for rank in ranks:
        kernel = rng.normal(size=tuple(range(2, 2 + rank)))
        assert np.array_equal(kernel_of(unit_matrix(kernel, kind), kind, kernel.shape), kernel)


def test_the_result_is_a_copy():
    kernel = np.zeros((2, 3))
    unit_matrix(kernel, "dense")[:] = 1
    assert not kernel.any()


def test_rows_along_any_axes():
    array = np.arange(24).reshape(2, 3, 4)
    assert unit_rows(array, (1,)).tolist() == [array[:, i].ravel().tolist() for i in range(3)]
    assert unit_rows(array, (0, 2)).shape == (8, 3)


def test_an_unknown_kind_and_too_few_axes_raise():
    with pytest.raises(ValueError, match="`kind` must be one of dense, conv.*Received: kind='lstm'"):
        unit_matrix(np.zeros((2, 2)), "lstm")
    with pytest.raises(ValueError, match="too few axes for kind='conv'"):
        unit_matrix(np.zeros((2, 2)), "conv")
    with pytest.raises(ValueError, match="`units` must hold as many numbers"):
        kernel_of(np.zeros((2, 2)), "dense", (3, 3))
