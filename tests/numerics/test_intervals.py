"""Intervals against the textbook, and their laws."""

import numpy as np
import pytest
from scipy import stats

from tfredundancy.numerics.intervals import Interval, paired_difference, proportion, verdict


def test_closed_form_of_five_differences():
    interval = paired_difference([1.0, 2.0, 3.0, 4.0, 5.0], np.zeros(5))
    margin = 2.7764451051977987 * np.sqrt(2.5) / np.sqrt(5)  # t(0.975, 4 degrees of freedom) · s / √n
    assert (interval.mean, interval.n, interval.kind) == (3.0, 5, "t")
    np.testing.assert_allclose([interval.low, interval.high], [3 - margin, 3 + margin], rtol=1e-12)


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.99])
def test_equals_scipys_paired_test(confidence):
    a, b = np.random.default_rng(0).normal(size=(2, 9))
    interval = paired_difference(a, b, confidence)
    expected = stats.ttest_rel(a, b).confidence_interval(confidence)
    np.testing.assert_allclose([interval.low, interval.high], expected, rtol=1e-10)


def test_below_five_seeds_the_range():
    assert paired_difference([0.5, 0.75, 1.0], [0.25, 0.25, 0.25]) == Interval(0.5, 0.25, 0.75, 3, "range")


def test_swapping_the_sides_mirrors_the_interval():
    a, b = np.random.default_rng(1).normal(size=(2, 6))
    one, other = paired_difference(a, b), paired_difference(b, a)
    np.testing.assert_allclose([one.mean, one.low, one.high], [-other.mean, -other.high, -other.low])


def test_the_interval_covers_the_mean_as_often_as_it_says():
    draws = np.random.default_rng(2).normal(1.0, 2.0, size=(2000, 5))
    intervals = [paired_difference(row, np.zeros(5)) for row in draws]
    assert abs(np.mean([i.low <= 1.0 <= i.high for i in intervals]) - 0.95) < 0.015  # three standard errors


@pytest.mark.parametrize(
    ("low", "high", "kind", "expected"),
    [
        (0.1, 0.2, "t", "above"),
        (-0.2, -0.1, "t", "below"),
        (-0.1, 0.1, "t", "overlaps"),
        (0.0, 0.1, "t", "overlaps"),
        (0.1, 0.2, "range", "too few seeds"),
    ],
)
def test_verdict(low, high, kind, expected):
    assert verdict(Interval((low + high) / 2, low, high, 5 if kind == "t" else 4, kind)) == expected


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        ([], [], "not empty"),
        ([1.0, 2.0], [1.0], r"equal length.*\(2,\) and \(1,\)"),
        ([[1.0]], [[1.0]], "one-dimensional"),
        ([1.0, np.nan], [1.0, 1.0], "finite.*nan"),
        ([1.0, 1.0], [np.inf, 1.0], "finite.*inf"),
    ],
)
def test_bad_values(a, b, words):
    with pytest.raises(ValueError, match=words):
        paired_difference(a, b)


@pytest.mark.parametrize("confidence", [0, 1, 95, float("nan")])
def test_bad_confidence(confidence):
    with pytest.raises(ValueError, match="`confidence`"):
        paired_difference([1.0], [1.0], confidence)


@pytest.mark.parametrize(("successes", "n"), [(0, 10), (3, 10), (50, 50), (17, 400)])
def test_a_share_has_wilsons_interval(successes, n):
    found = proportion(successes, n, 0.9)
    expected = stats.binomtest(successes, n).proportion_ci(0.9, method="wilson")
    assert (found.mean, found.n, found.kind) == (successes / n, n, "wilson")
    np.testing.assert_allclose([found.low, found.high], [expected.low, expected.high], atol=1e-12)


@pytest.mark.parametrize(("successes", "n", "confidence"), [(-1, 5, 0.95), (6, 5, 0.95), (0, 0, 0.95), (1, 5, 1.0)])
def test_shares_that_are_refused(successes, n, confidence):
    with pytest.raises(ValueError, match="Received"):
        proportion(successes, n, confidence)
