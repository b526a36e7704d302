"""Kernels and unit matrices, unit by unit; the operator against the matrix that is written out entry by entry."""

import itertools

import numpy as np
import pytest

from tfredundancy.numerics import units
from tfredundancy.numerics.units import (
    KINDS,
    EinsumAxes,
    einsum_axes,
    einsum_blocks,
    einsum_matrix,
    gates,
    groups,
    heads,
    kernel_of,
    operator_singular_values,
    taps,
    unit_blocks,
    unit_matrix,
    unit_rows,
)

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


def circular(kernel, size, strides, dilation, count):
    """The map of a grouped circular convolution as a matrix: y[m, o] = Σ x[(s·m + g·t) mod n, i] K[t, i, o]."""
    *shape, inputs, outputs = kernel.shape
    grid = tuple(n // s for n, s in zip(size, strides, strict=True))
    matrix = np.zeros((*size, inputs * count, *grid, outputs))
    for to in itertools.product(*map(range, grid)):
        for tap in itertools.product(*map(range, shape)):
            at = tuple((s * m + g * t) % n for m, t, s, g, n in zip(to, tap, strides, dilation, size, strict=True))
            for group in range(count):
                rows = slice(group * inputs, (group + 1) * inputs)
                columns = slice(group * outputs // count, (group + 1) * outputs // count)
                matrix[(*at, rows, *to, columns)] += kernel[(*tap, slice(None), columns)]
    return matrix.reshape(int(np.prod(size)) * inputs * count, -1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("copy", [True, False])
def test_row_u_holds_the_weights_of_unit_u(kind, copy, rng):
    kernel = rng.normal(size=SHAPES[kind])
    matrix = unit_matrix(kernel, kind, copy)
    assert all(np.array_equal(matrix[index], unit(kernel, kind, index)) for index in range(len(matrix)))
    assert matrix.size == kernel.size


@pytest.mark.parametrize(
    "kind, ranks", [("dense", (2,)), ("conv", (3, 4, 5)), ("conv_transpose", (3, 4)), ("depthwise", (3, 4))]
)
def test_kernel_of_undoes_unit_matrix(kind, ranks, rng):
    for rank in ranks:
        kernel = rng.normal(size=tuple(range(2, 2 + rank)))
        assert np.array_equal(kernel_of(unit_matrix(kernel, kind), kind, kernel.shape), kernel)


def test_the_result_is_a_copy_unless_a_view_is_asked_for():
    kernel = np.zeros((2, 3, 4))
    unit_matrix(kernel, "conv")[:] = 1
    assert not kernel.any()
    assert np.shares_memory(unit_matrix(kernel, "conv", copy=False), kernel)
    assert np.shares_memory(einsum_matrix(kernel, "ab,bcd->acd", copy=False), kernel)


def test_rows_along_any_axes():
    array = np.arange(24).reshape(2, 3, 4)
    assert unit_rows(array, (1,)).tolist() == [array[:, i].ravel().tolist() for i in range(3)]
    assert unit_rows(array, (0, 2)).shape == (8, 3)
    assert unit_rows(np.zeros((0, 3)), (-1,)).shape == (3, 0) and unit_rows(np.zeros((3, 0)), (-1,)).shape == (0, 3)


def test_an_unknown_kind_and_too_few_axes_raise():
    with pytest.raises(ValueError, match="`kind` must be one of dense, conv.*Received: kind='lstm'"):
        unit_matrix(np.zeros((2, 2)), "lstm")
    with pytest.raises(ValueError, match="too few axes for kind='conv'"):
        unit_matrix(np.zeros((2, 2)), "conv")
    with pytest.raises(ValueError, match="`units` must hold as many numbers"):
        kernel_of(np.zeros((2, 2)), "dense", (3, 3))


@pytest.mark.parametrize("shape", [(3, 4), (5, 3, 4), (2, 3, 3, 4), (2, 1, 3, 2, 4)])
def test_taps_are_the_slices_of_the_kernel_in_row_major_order(shape, rng):
    kernel = rng.normal(size=shape)
    slices = [kernel[index] for index in np.ndindex(shape[:-2])]
    assert np.array_equal(taps(kernel), slices) and np.shares_memory(taps(kernel), kernel)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_groups_stacked_are_the_unit_matrix(count, rng):
    kernel = rng.normal(size=(3, 3, 2, 8))
    stacked = np.concatenate([unit_matrix(group, "conv") for group in groups(kernel, count)])
    assert np.array_equal(stacked, unit_matrix(kernel, "conv"))


def test_as_many_groups_as_inputs_are_a_depthwise_convolution(rng):
    depthwise = rng.normal(size=(3, 3, 4, 2))
    grouped = depthwise.reshape(3, 3, 1, 8)
    assert np.array_equal(unit_matrix(grouped, "conv"), unit_matrix(depthwise, "depthwise"))


def test_gates_side_by_side_are_the_kernel(rng):
    kernel = rng.normal(size=(2, 2, 3, 8))
    assert [gate.shape for gate in gates(kernel, 4)] == [(2, 2, 3, 2)] * 4
    assert np.array_equal(np.concatenate(gates(kernel, 4), axis=-1), kernel)


@pytest.mark.parametrize("part", [gates, groups])
@pytest.mark.parametrize("count", [0, 3, 9])
def test_parts_that_do_not_divide_the_last_axis_raise(part, count):
    with pytest.raises(ValueError, match=f"must divide its last axis. Received: {count} parts of shape=\\(2, 8\\)"):
        part(np.zeros((2, 8)), count)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_heads_are_the_slices_along_their_axis(axis, rng):
    kernel = rng.normal(size=(2, 3, 4))
    assert np.array_equal(np.stack(heads(kernel, axis), axis), kernel)


def test_no_such_axis_of_heads_raises():
    with pytest.raises(ValueError, match=r"`axis` must be an axis of `kernel`. Received: axis=3 for shape=\(2, 3, 4\)"):
        heads(np.zeros((2, 3, 4)), 3)


@pytest.mark.parametrize(
    "equation, shape, matrix",
    [
        ("ab,bc->ac", (3, 4), (4, 3)),
        ("...x,xy->...y", (3, 4), (4, 3)),
        ("ab...,bc->ac...", (3, 4), (4, 3)),
        ("abc,cde->abde", (5, 2, 3), (6, 5)),  # query, key and value of MultiHeadAttention
        ("abcd,cde->abe", (2, 3, 5), (5, 6)),  # its output
        ("bqm,muh->bquh", (5, 2, 3), (6, 5)),  # GroupedQueryAttention
        ("abc,dc->abd", (4, 3), (4, 3)),
        ("btd,edf->btfe", (2, 3, 4), (8, 3)),  # units in the order of the output
        ("bhc,hcd->bhd", (2, 3, 4), (8, 3)),  # a matrix for each h
        ("bhc,hcd->bdh", (2, 3, 4), (8, 3)),
        ("btc,t->bc", (3,), (1, 3)),  # no axis of units: a single one
    ],
)
def test_a_row_of_an_einsum_kernel_is_what_its_unit_answers_to_single_inputs(equation, shape, matrix, rng):
    kernel = rng.normal(size=shape)
    plain = equation.replace("...", "z")
    inputs, spec, _ = plain.replace("->", ",").split(",")
    x = tuple(dict(zip(spec, shape, strict=True)).get(axis, 1) for axis in inputs)
    single = np.eye(int(np.prod(x))).reshape(-1, *x)
    answers = np.stack([np.einsum(plain, one, kernel).ravel() for one in single], axis=1)  # (units, inputs)
    rows = einsum_matrix(kernel, equation)
    assert rows.shape == matrix
    assert np.allclose([row[row != 0] for row in answers], rows, rtol=1e-12)


def test_axes_in_input_and_output_make_blocks(rng):
    kernel = rng.normal(size=(2, 3, 4))
    blocks = einsum_blocks(kernel, "bhc,hcd->bhd")
    assert all(np.array_equal(block, kernel[h].T) for h, block in enumerate(blocks))
    assert np.array_equal(np.concatenate(blocks), einsum_matrix(kernel, "bhc,hcd->bhd"))
    assert [block.shape for block in einsum_blocks(kernel, "abcd,bcd->abcd")] == [(1, 1)] * 24  # a scale
    assert [block.shape for block in einsum_blocks(kernel, "ab,bcd->acd")] == [(12, 2)]
    assert np.array_equal(unit_blocks(kernel, (-3, -1), (-3,)), blocks)


def test_axes_by_equation():
    assert einsum_axes("abc,cde->abde") == EinsumAxes(units=(1, 2), blocks=(), inputs=(0,))
    assert einsum_axes(" b h c , h c d -> b d h ") == EinsumAxes(units=(2, 0), blocks=(0,), inputs=(1,))


@pytest.mark.parametrize("equation", ["ab,bc", "abbc->ac", "ab,->ac", "ab,...bc->ac", "a1,1c->ac", "ab,bc,cd->ad", ""])
def test_an_equation_of_another_form_raises(equation):
    with pytest.raises(ValueError, match="`equation` must be of the form 'ab,bc->ac'. Received: equation="):
        einsum_axes(equation)


@pytest.mark.parametrize("equation, axis", [("ab,bcz->ac", "z"), ("ab,bbc->ac", "b")])
def test_a_kernel_axis_that_is_repeated_or_summed_alone_raises(equation, axis):
    with pytest.raises(ValueError, match=f"each axis of the kernel once.*Received: axis '{axis}'"):
        einsum_axes(equation)


def test_a_kernel_of_other_axes_than_its_equation_s_raises():
    for read in (einsum_matrix, einsum_blocks):
        with pytest.raises(ValueError, match=r"`kernel` must have the axes 'bc'.*Received: shape=\(2, 3, 4\)"):
            read(np.zeros((2, 3, 4)), "ab,bc->ac")


@pytest.mark.parametrize(
    "shape, size, strides, dilation, count",
    [
        ((3, 2, 4), (7,), (1,), (1,), 1),
        ((3, 4, 2), (8,), (1,), (2,), 1),
        ((3, 3, 2, 3), (5, 5), (1, 1), (1, 1), 1),
        ((3, 2, 3, 2), (6, 4), (1, 1), (1, 2), 1),
        ((3, 3, 2, 3), (6, 4), (2, 2), (1, 1), 1),
        ((2, 3, 2, 4), (6, 9), (2, 3), (1, 1), 2),
        ((3, 3, 1, 6), (4, 5), (1, 1), (1, 1), 3),  # depthwise with two filters a channel
        ((3, 3, 2, 2), (2, 2), (1, 1), (1, 1), 1),  # smaller than the kernel: it meets itself
        ((2, 2), (1, 1), (1, 1), (1, 1), 1),
        ((2, 2, 2, 2, 3), (3, 4, 2), (1, 1, 1), (1, 1, 1), 1),
        ((3, 2, 2, 1, 2), (4, 4, 6), (2, 1, 3), (1, 2, 1), 1),
    ],
)
def test_the_operator_equals_the_matrix_written_out(shape, size, strides, dilation, count, rng):
    shape = shape if len(shape) > 2 else (1, 1, *shape)
    kernel = rng.normal(size=shape)
    explicit = np.linalg.svd(circular(kernel, size, strides, dilation, count), compute_uv=False)
    ours = operator_singular_values(kernel, size, strides, dilation, count)
    rank = len(ours)  # the written matrix has zeros beside, where groups or strides leave a block without them
    assert np.allclose(ours, explicit[:rank][::-1], rtol=0, atol=1e-10) and not explicit[rank:].round(10).any()
    assert rank == min(np.prod(size) * shape[-2], np.prod(size) // np.prod(strides) * shape[-1] // count) * count


def test_blocks_of_frequencies_change_nothing(rng, monkeypatch):
    kernel = rng.normal(size=(3, 3, 4, 5))
    whole = operator_singular_values(kernel, (6, 7))
    monkeypatch.setattr(units, "_BLOCK_BYTES", 1)
    assert np.allclose(operator_singular_values(kernel, (6, 7)), whole, rtol=1e-12)


@pytest.mark.parametrize("shape, size", [((3, 3, 8, 16), 10), ((5, 4, 6), 9), ((2, 3, 2, 4, 3), 5)])
def test_norms_of_operator_and_filters(shape, size, rng):
    kernel = rng.normal(size=shape)
    values = operator_singular_values(kernel, size)
    positions, count = size ** (len(shape) - 2), np.prod(shape[:-2])
    assert np.isclose((values**2).sum(), positions * (kernel**2).sum(), rtol=1e-12)
    norm = np.linalg.norm(unit_matrix(kernel, "conv"), 2)
    assert norm * (1 - 1e-12) <= values[-1] <= np.sqrt(count) * norm * (1 + 1e-12)


def test_the_bounds_of_the_operator_s_norm_are_reached():
    alone = np.zeros((3, 3, 2, 2))
    alone[1, 1] = np.eye(2)  # a single tap: the operator is as large as the filters
    alike = np.ones((3, 3, 1, 1))  # all taps alike: √taps times as large
    for kernel, factor in ((alone, 1), (alike, 3)):
        norm = np.linalg.norm(unit_matrix(kernel, "conv"), 2)
        assert np.isclose(operator_singular_values(kernel, 6)[-1], factor * norm, rtol=1e-12)


def test_a_kernel_of_one_tap_has_the_same_values_in_all_views(rng):
    kernel = rng.normal(size=(1, 1, 4, 3))
    values = np.linalg.svd(unit_matrix(kernel, "conv"), compute_uv=False)[::-1]
    assert np.allclose(np.linalg.svd(taps(kernel)[0], compute_uv=False)[::-1], values, rtol=1e-12)
    assert np.allclose(operator_singular_values(kernel, 5), np.repeat(values, 25), rtol=1e-12)


def test_a_transposed_convolution_has_the_values_of_the_convolution_that_it_turns_round(rng):
    kernel = rng.normal(size=(3, 3, 2, 4))  # (…taps, out, in) of the transposed one
    written = circular(kernel, (6, 4), (2, 2), (1, 1), 1)  # from its 6 × 4 outputs back to its inputs
    values = operator_singular_values(kernel, (6, 4), strides=2)
    assert np.allclose(np.linalg.svd(written.T, compute_uv=False)[::-1], values, rtol=0, atol=1e-10)


@pytest.mark.parametrize("dtype", ["float16", "float32", "int8"])
def test_the_operator_of_any_dtype_is_computed_in_float64(dtype):
    kernel = np.arange(-4, 4).reshape(2, 2, 2).astype(dtype)
    values = operator_singular_values(kernel, 3)
    assert values.dtype == np.float64
    assert np.array_equal(values, operator_singular_values(kernel.astype(np.float64), 3))


@pytest.mark.parametrize(
    "kernel, arguments, message",
    [
        (np.zeros((2, 2)), {"size": 4}, r"`kernel` must have at least 3 axes. Received: shape=\(2, 2\)"),
        (np.full((2, 2, 2), np.nan), {"size": 4}, "`kernel` must be finite. Received: 8 NaN or infinities among its 8"),
        (np.zeros((2, 0, 2)), {"size": 4}, r"`kernel` must not be empty. Received: shape=\(2, 0, 2\)"),
        (np.zeros((2, 2, 2)), {"size": 0}, "`size` must be a positive integer for each of 1 axes.*size=0"),
        (np.zeros((2, 2, 2)), {"size": 4.0}, "`size` must be a positive integer.*size=4.0"),
        (np.zeros((2, 2, 2)), {"size": (4, 4)}, r"`size` must be a positive integer for each of 1.*size=\(4, 4\)"),
        (np.zeros((2, 2, 2)), {"size": 4, "dilation": -1}, "`dilation` must be a positive integer.*dilation=-1"),
        (np.zeros((2, 2, 2)), {"size": 5, "strides": 2}, "`size` must be a multiple of `strides`.*size=5, strides=2"),
        (np.zeros((2, 2, 2)), {"size": 4, "groups": 3}, "must divide its last axis. Received: 3 parts"),
    ],
)
def test_bad_input_of_the_operator_raises(kernel, arguments, message):
    with pytest.raises(ValueError, match=message):
        operator_singular_values(kernel, **arguments)


def test_a_kernel_of_zeros_has_values_of_zero():
    assert np.array_equal(operator_singular_values(np.zeros((3, 2, 4)), 5), np.zeros(10))
