"""Data drawn == data given, read back from the figures."""

import numpy as np
import pandas as pd
import pytest

from tfredundancy.datasets import xor
from tfredundancy.figures import detectors
from tfredundancy.numerics.intervals import paired_difference, proportion

WIDTHS = [2, 10, 120]


@pytest.fixture
def results():
    rng = np.random.default_rng(0)
    rows = [
        {"points": points, "width": width, "seed": seed}
        | {name: int(rng.random() < 0.7) for name in ("zero_loss", "zero_error", "explored")}
        | {name: rng.random() for name in ("test_error", "angle", "initial_angle", "clusters", "initial_clusters")}
        for points in xor.SETS
        for width in WIDTHS
        for seed in range(20)
    ]
    return pd.DataFrame(rows)


def drawn(axes, label):
    (bars,) = (bars for bars in axes.containers if bars.get_label() == label)
    line, _, (segments,) = bars.lines
    return line.get_xdata(), line.get_ydata(), np.array([segment[:, 1] for segment in segments.get_segments()])


def test_every_kind_of_points_has_a_label():
    assert set(detectors.POINTS) == set(xor.SETS)


def test_rates_and_means_with_their_intervals(results):
    figure = detectors.detection_against_width(results)
    training, test, fitted, explored, _, _ = figure.axes
    for points, rows in results.groupby("points"):
        label, *_, shift = detectors.POINTS[points]
        x, means, bars = drawn(training, label)
        np.testing.assert_allclose(x, np.array(WIDTHS) * shift)
        expected = [proportion(int(r.zero_error.sum()), 20) for _, r in rows.groupby("width")]
        np.testing.assert_allclose(means, [each.mean for each in expected])
        np.testing.assert_allclose(bars, [[each.low, each.high] for each in expected])
        _, means, bars = drawn(test, label)
        expected = [paired_difference(r.test_error, np.zeros(20)) for _, r in rows.groupby("width")]
        np.testing.assert_allclose(bars, [[each.low, each.high] for each in expected])
        _, means, _ = drawn(fitted, label)
        np.testing.assert_allclose(means, rows[rows.zero_error == 1].groupby("width").test_error.mean())
    _, means, _ = drawn(explored, "initial filters")
    np.testing.assert_allclose(means, results[results.points == "diverse"].groupby("width").explored.mean())


def test_the_filters_are_arrows_of_their_length():
    filters = np.array([[[1.0, 0.0], [0.0, -2.0]], [[0.3, 0.3], [0.0, 0.0]]])
    axes = detectors.filters_in_the_plane({2: [filters, 5 * filters]}, ["initial", "trained"]).axes
    for panel in axes:
        ends = [line.get_xydata()[-1] for line in panel.lines if line.get_marker() == "o"]
        np.testing.assert_allclose(ends, [[0.5, 0], [0, -1], [2**-0.5, 2**-0.5], [0, 0]])
    assert axes[0].get_title() == "k = 2" and axes[1].get_ylabel() == "trained"


def test_exploration_has_its_closed_form():
    best = np.random.default_rng(0).integers(0, 4, (20_000, 2, 5))  # the pattern nearest to each filter is uniform
    found = [(w == 0).any() and (w == 1).any() and (u == 2).any() and (u == 3).any() for w, u in best]
    p = float(detectors.exploration(5))
    assert abs(np.mean(found) - p) < 4 * np.sqrt(p * (1 - p) / 20_000)


def test_what_is_missing_is_named(results):
    with pytest.raises(ValueError, match="`results` must .* Received: none named angle"):
        detectors.detection_against_width(results.drop(columns="angle"))
    with pytest.raises(ValueError, match=r"`nets` must hold 2 arrays for each width. Received: \[1\]"):
        detectors.filters_in_the_plane({2: [np.ones((2, 2, 2))]}, ["initial", "trained"])
