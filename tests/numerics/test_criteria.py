"""Scores in closed form."""

import numpy as np

from tfredundancy.numerics import criteria


def test_closed_forms():
    units = np.array([[3.0, -4.0], [0.0, 0.0], [-1.0, 1.0]])
    assert criteria.magnitude(units).tolist() == [[3, 4], [0, 0], [1, 1]]
    assert criteria.l1(units).tolist() == [7, 0, 2]
    assert criteria.l2(units).tolist() == [5, 0, np.sqrt(2)]


def test_l1_and_l2_rank_differently():
    units = np.array([[3.0, 0.0], [2.0, 2.0]])
    assert criteria.l1(units).argmax() == 1 and criteria.l2(units).argmax() == 0


def test_random_is_a_function_of_the_generator():
    first, again, other = (criteria.random((3, 2), np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert first.shape == (3, 2) and (first >= 0).all() and (first < 1).all()


def test_names():
    assert set(criteria.WEIGHTS) == {"magnitude"} and set(criteria.UNITS) == {"l1", "l2", "geometric_median", "similarity"}
