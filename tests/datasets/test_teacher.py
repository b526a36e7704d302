"""Examples of a teacher: a pure function of (seed, step), standard normal; teachers whose units are apart."""

import numpy as np
import pytest

from tfredundancy.datasets.teacher import committee, examples, relu_layers


@pytest.mark.parametrize("cuts", [(0, 300), (0, 1, 63, 64, 65, 128, 300), (0, 150, 300)])
def test_any_chunking_gives_the_same_examples(cuts):
    whole = examples(3, 0, 300, 5)
    parts = [examples(3, start, stop, 5) for start, stop in zip(cuts, cuts[1:], strict=False)]
    for one, several in zip(whole, zip(*parts, strict=True), strict=True):
        np.testing.assert_array_equal(one, np.concatenate(several))


def test_no_step_gives_no_example():
    inputs, noise = examples(0, 70, 70, 5)
    assert inputs.shape == (0, 5) and noise.shape == (0,)


def test_seeds_and_steps_are_independent():
    inputs, noise = examples(0, 0, 20_000, 3)
    other, _ = examples(1, 0, 20_000, 3)
    columns = np.column_stack([inputs, noise, other, np.roll(inputs, 64, axis=0)])
    np.testing.assert_allclose(np.cov(columns.T), np.eye(10), atol=0.05)
    np.testing.assert_allclose(columns.mean(axis=0), 0, atol=0.03)


def test_what_is_drawn_can_not_be_spoilt():
    inputs, _ = examples(0, 0, 5, 3)
    inputs[:] = 7
    assert (examples(0, 0, 5, 3)[0] != 7).all()


def test_student_and_teacher_are_two_draws():
    ours, theirs = committee(0, 2, 2000), committee(0, 2, 2000, teacher=True)
    np.testing.assert_allclose(
        np.concatenate([ours, theirs]) @ np.concatenate([ours, theirs]).T / 2000, np.eye(4), atol=0.1
    )


def test_units_of_the_deep_teacher_are_unit_vectors_apart():
    for kernel, bias in relu_layers(5, 20, (10, 15), 100):
        np.testing.assert_allclose(np.linalg.norm(kernel, axis=0), 1, rtol=1e-6)
        cosines = kernel.T @ kernel - 2 * np.eye(kernel.shape[1])
        assert cosines.max() < 1 - 1e-6
        ratios = np.round(kernel / np.abs(kernel[kernel != 0]).min(), 4)
        assert set(np.unique(np.abs(bias) < 2)) == {True} and ratios.shape == kernel.shape
    again = relu_layers(5, 20, (10, 15), 100)
    np.testing.assert_array_equal(again[0][0], relu_layers(5, 20, (10, 15), 100)[0][0])
    assert (again[0][0] != relu_layers(6, 20, (10, 15), 100)[0][0]).any()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: examples(-1, 0, 1, 1), "`seed` must be a non-negative integer. Received: seed=-1"),
        (lambda: examples(0, 2, 1, 1), r"`start` must lie in \[0, stop\]"),
        (lambda: examples(0, -1, 1, 1), "`start`"),
        (lambda: examples(0, 0, 1, 0), "`size` must be at least 1. Received: size=0"),
        (lambda: committee(0, 0, 5), "`units` must be at least 1"),
        (lambda: relu_layers(0, 5, (0,), 2), "`widths` and `outputs` must be at least 1"),
        (lambda: relu_layers(0, 1, (5,), 2), "`widths` must leave as many directions of 1 weights.*5 units"),
    ],
)
def test_bad_arguments(call, words):
    with pytest.raises(ValueError, match=words):
        call()
