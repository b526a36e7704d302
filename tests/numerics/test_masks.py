"""Exact counts by rank, against a twin written with sorted tuples."""

import numpy as np
import pytest

from tfredundancy.numerics.masks import keep, keep_globally, kept_count


def brute_force(scores, count, within, min_units):
    """(array number, index) of what stays: the `min_units` best of each array first, then the best of the rest."""
    ranked = [
        sorted(
            (-value, number, index) for index, value in enumerate(np.ravel(values)) if np.ravel(within[number])[index]
        )
        for number, values in enumerate(scores)
    ]
    kept = {(number, index) for best in ranked for _, number, index in best[:min_units]}
    for _, number, index in sorted(entry for best in ranked for entry in best):
        if len(kept) >= count:
            break
        kept.add((number, index))
    return kept


@pytest.mark.parametrize(
    "density, size, count",
    [(0, 7, 0), (1, 7, 7), (0.5, 5, 3), (0.35, 10, 4), (0.145, 100, 15), (0.1, 4, 0), (0.3, 0, 0)],
)
def test_the_count_is_the_density_s_share_rounded_halves_up(density, size, count):
    assert kept_count(density, size) == count


@pytest.mark.parametrize("size", [1, 2, 3, 10, 64, 235_200])
def test_the_count_of_every_fraction_of_n_is_its_numerator(size):
    wanted = np.unique(np.linspace(0, size, 50, dtype=int))
    assert [kept_count(n / size, size) for n in wanted] == wanted.tolist()


@pytest.mark.parametrize("density", [-0.01, 1.01, float("nan"), True, float("inf")])
def test_a_density_outside_0_and_1_is_refused_with_its_value(density):
    with pytest.raises(ValueError, match=r"`density` must lie in \[0, 1\]. Received: density="):
        kept_count(density, 4)


def test_the_highest_scores_stay():
    assert keep(np.array([[3.0, 1.0], [2.0, 9.0]]), 0.5).tolist() == [[True, False], [False, True]]


def test_density_0_keeps_nothing_and_1_everything():
    scores = np.array([1.0, 1.0, 2.0])
    assert not keep(scores, 0).any() and keep(scores, 1).all()


@pytest.mark.parametrize("count", range(6))
def test_on_ties_the_lower_indices_stay(count):
    assert keep(np.ones((5,)), count / 5).tolist() == [index < count for index in range(5)]


@pytest.mark.parametrize("density, kept", [(0.0, False), (0.49, False), (0.5, True), (1.0, True)])
def test_one_unit(density, kept):
    assert keep(np.array([2.0]), density).tolist() == [kept]


def test_min_units_stay_however_small_the_density():
    assert keep(np.array([1.0, 5.0, 3.0]), 0.0, min_units=2).tolist() == [False, True, True]
    assert keep(np.array([1.0, 5.0]), 0.0, min_units=9).all()


def test_infinite_scores_are_ranked_like_others():
    assert keep(np.array([np.inf, -np.inf, 0.0]), count=2).tolist() == [True, False, True]


@pytest.mark.parametrize("dtype", ["float16", "float32", "int8", "uint8", "bool"])
def test_scores_of_any_numeric_dtype(dtype):
    assert keep(np.array([1, 0, 1]).astype(dtype), count=2).tolist() == [True, False, True]


def test_what_was_pruned_stays_pruned():
    within = np.array([False, True, True, True])
    assert keep(np.array([9.0, 1.0, 3.0, 2.0]), 0.5, within).tolist() == [False, False, True, True]


def test_asking_for_more_than_was_kept_before_raises():
    with pytest.raises(ValueError, match="3 of 4 entries, but only 2 were kept before.*density=0.75"):
        keep(np.ones(4), 0.75, np.array([True, False, True, False]))


@pytest.mark.parametrize("seed", range(40))
def test_equals_the_brute_force_twin(seed):
    rng = np.random.default_rng(seed)
    shapes = [tuple(rng.integers(1, 4, rng.integers(1, 3))) for _ in range(rng.integers(1, 4))]
    scores = [rng.integers(0, 4, shape).astype(float) for shape in shapes]  # few values: many ties
    within = [rng.random(shape) < 0.8 for shape in shapes]
    min_units = int(rng.integers(0, 3))
    size, available = sum(s.size for s in scores), sum(int(w.sum()) for w in within)
    density = rng.integers(0, available + 1) / size
    floor = sum(min(min_units, int(w.sum())) for w in within)
    kept = keep_globally(
        {str(i): s for i, s in enumerate(scores)}, density, {str(i): w for i, w in enumerate(within)}, min_units
    )
    expected = brute_force(scores, max(round(density * size), floor), within, min_units)
    assert {(int(name), i) for name, mask in kept.items() for i in np.flatnonzero(mask)} == expected
    assert sum(int(mask.sum()) for mask in kept.values()) == max(round(density * size), floor)
    assert all(mask.shape == shape and mask.dtype == bool for mask, shape in zip(kept.values(), shapes, strict=True))


def test_a_global_rank_may_empty_an_array_unless_min_units_holds_it():
    scores = {"a": np.array([5.0, 4.0, 3.0]), "b": np.array([1.0])}
    assert {name: int(mask.sum()) for name, mask in keep_globally(scores, 0.5).items()} == {"a": 2, "b": 0}
    assert {name: int(mask.sum()) for name, mask in keep_globally(scores, 0.5, min_units=1).items()} == {"a": 1, "b": 1}


def test_no_arrays_at_all_give_no_masks():
    assert keep_globally({}, 0.5) == {}


def test_nan_scores_raise_with_their_number_and_name():
    with pytest.raises(ValueError, match="2 NaN among the 3 of 'b'"):
        keep_globally({"a": np.ones(2), "b": np.array([np.nan, 1.0, np.nan])}, 0.5)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({}, "either `density` or `count`"),
        ({"density": 0.5, "count": 1}, "either `density` or `count`"),
        ({"count": 4}, r"`count` must be an integer in \[0, 3\]. Received: count=4"),
        ({"count": -1}, "`count` must be an integer"),
        ({"count": 1.5}, "`count` must be an integer"),
        ({"density": 2}, "`density` must lie in"),
        ({"density": 0.5, "within": np.ones(3)}, r"`within` must be a bool array of shape \(3,\).*float64"),
        ({"density": 0.5, "within": np.ones(2, bool)}, r"`within` must be a bool array of shape \(3,\).*\(2,\)"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        keep(np.ones(3), **arguments)


def test_the_inputs_are_left_alone():
    scores, within = np.array([3.0, 1.0, 2.0]), np.array([True, True, False])
    keep(scores, 1 / 3, within)
    assert scores.tolist() == [3.0, 1.0, 2.0] and within.tolist() == [True, True, False]
