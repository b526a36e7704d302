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
    assert set(criteria.WEIGHTS) == {"magnitude"} and set(criteria.UNITS) == {
        "l1",
        "l2",
        "geometric_median",
        "similarity",
    }


def test_geometric_median_is_the_sum_of_distances(rng):
    units = rng.normal(size=(7, 5))
    twin = [sum(np.linalg.norm(one - other) for other in units) for one in units]
    np.testing.assert_allclose(criteria.geometric_median(units), twin, rtol=1e-12)
    assert criteria.geometric_median(np.ones((3, 2), "float32")).tolist() == [0, 0, 0]


def naive_similarity(units):
    """Every time the whole table of the units that are left."""
    scores, left = np.full(len(units), 2.0), list(range(len(units)))
    norms = np.linalg.norm(units, axis=1)
    while len(left) > 1:
        pairs = [(1 - units[i] @ units[j] / norms[i] / norms[j], i, j) for i in left for j in left if i < j]
        closest, i, j = min(pairs)
        gone = j if norms[j] <= norms[i] else i
        scores[gone] = closest
        left.remove(gone)
    return scores


def test_similarity_against_the_naive_twin(rng):
    for _ in range(20):
        units = rng.normal(size=(rng.integers(1, 12), 3))
        np.testing.assert_allclose(criteria.similarity(units), naive_similarity(units), atol=1e-12)


def test_similarity_takes_one_of_two_copies_and_keeps_the_greater():
    units = np.array([[1.0, 0.0], [3.0, 0.0], [0.0, 2.0], [-5.0, 0.0]])
    scores = criteria.similarity(units)
    assert scores[0] == 0 and scores[1:].min() >= 1
    assert criteria.similarity(np.array([[0.0, 0.0], [1.0, 1.0]])).tolist() == [0, 2]  # without weights: like any other
    assert criteria.similarity(np.ones((3, 2))).tolist() == [2, 0, 0] and criteria.similarity(np.ones((1, 2))) == [2]
    assert np.isnan(criteria.similarity(np.array([[np.nan, 1.0], [1.0, 0.0]]))).any()


def test_nonzeros_taylor_and_distance_in_closed_form():
    assert criteria.nonzeros(np.array([0, 4, 1]), 4).tolist() == [1, 0, 0.75]
    assert criteria.taylor(np.array([[1.0, -3.0], [-1.0, 1.0]])).tolist() == [1, 5]
    assert criteria.distance(np.array([[3.0, 4.0]]), np.array([[0.0, 0.0]])).tolist() == [5]
