"""Points of the XOR detection problem: labels, diversity, and probabilities beside enumeration and counting."""

import itertools

import numpy as np
import pytest

from tfredundancy.datasets import xor


def label_by_definition(point):
    return 1 if any(tuple(pattern) in ((1, 1), (-1, -1)) for pattern in point.tolist()) else -1


def diverse_by_definition(point):
    return len({tuple(pattern) for pattern in point.tolist()}) == (4 if label_by_definition(point) == 1 else 2)


@pytest.mark.parametrize("kind", xor.SETS)
@pytest.mark.parametrize("dimension", [8, 20])
def test_points_are_what_was_asked_for(kind, dimension):
    points, labels = xor.draw(41, dimension, np.random.default_rng(0), kind)
    assert points.shape == (41, dimension // 2, 2) and set(np.unique(points)) == {-1, 1}
    assert labels.tolist() == [label_by_definition(point) for point in points] and labels.sum() == 1
    diverse = [diverse_by_definition(point) for point in points]
    assert {"drawn": 0 < sum(diverse) < 41, "diverse": all(diverse), "nondiverse": not any(diverse)}[kind]


def test_the_same_generator_gives_the_same_points():
    (first, _), (second, _), (third, _) = (xor.draw(8, 20, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert np.array_equal(first, second) and not np.array_equal(first, third)


@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_probabilities_are_those_of_all_points(m):
    everything = np.array(list(itertools.product(xor.PATTERNS, repeat=m)))
    labels = np.array([label_by_definition(point) for point in everything])
    for label in (1, -1):
        counts = xor.counts_of(everything[labels == label])
        np.testing.assert_allclose(xor.probabilities(2 * m, label), counts / counts.sum(), atol=1e-12)


def test_conditional_probabilities():
    for label in (1, -1):
        drawn, diverse, others = (xor.probabilities(20, label, kind) for kind in ("drawn", "diverse", "nondiverse"))
        share = drawn[xor.DIVERSE].sum()
        np.testing.assert_allclose(share * diverse + (1 - share) * others, drawn, atol=1e-12)
        assert diverse.max() == 1


def test_frequencies_are_the_probabilities():
    points, labels = xor.draw(4000, 12, np.random.default_rng(0))
    for label in (1, -1):
        p = xor.probabilities(12, label)
        counts = xor.counts_of(points[labels == label])
        assert (np.abs(counts - 2000 * p) <= 4 * np.sqrt(2000 * p * (1 - p)) + 1e-9).all()


def test_within_a_kind_all_points_are_equally_likely():
    points, labels = xor.draw(4000, 4, np.random.default_rng(0), "nondiverse")
    positive = points[labels == 1]  # of two patterns, not both negative: 16 − 4
    names, counts = np.unique(positive.reshape(len(positive), -1), axis=0, return_counts=True)
    assert len(names) == 12 and np.abs(counts - len(positive) / 12).max() < 4 * np.sqrt(len(positive) / 12)


def test_kinds_of_points():
    assert len(xor.KINDS) == 15 and (xor.LABELS < 0).sum() == 3 and xor.DIVERSE.sum() == 2
    points, _ = xor.draw(50, 10, np.random.default_rng(0))
    for point, kind in zip(points, xor.kinds_of(points), strict=True):
        held = {tuple(pattern) for pattern in point.tolist()}
        assert held == {tuple(pattern) for pattern in xor.PATTERNS[xor.KINDS[kind]].tolist()}


@pytest.mark.parametrize(
    ("n", "dimension", "kind", "message"),
    [
        (4, 9, "drawn", "`dimension` must be an even number .* Received: dimension=9"),
        (4, 0, "drawn", "`dimension` must be an even number"),
        (4, 6, "diverse", "`dimension` must be at least 8 for diverse points.* Received: dimension=6"),
        (0, 8, "drawn", "`n` must be at least 1"),
        (4, 8, "all", "`points` must be one of diverse, drawn, nondiverse"),
    ],
)
def test_what_is_refused(n, dimension, kind, message):
    with pytest.raises(ValueError, match=message):
        xor.draw(n, dimension, np.random.default_rng(0), kind)
