"""Data drawn == data given, read back from the figures."""

import numpy as np
import pandas as pd
import pytest

from tfredundancy.figures.projections import LABELS, accuracy_against_rank, residual_and_energy
from tfredundancy.lottery.projection import ARMS

RANKS = [0, 1, 4, 16, 64, 1024]


@pytest.fixture
def results():
    rng = np.random.default_rng(0)
    rows = [(s, arm, rank, rng.random()) for s in (0, 1) for arm in ARMS for rank in RANKS]
    return pd.DataFrame(rows, columns=["seed", "arm", "rank", "test_accuracy"])


def test_every_arm_has_a_label():
    assert set(LABELS) == set(ARMS)


def test_accuracies_are_means_over_seeds_beside_the_whole_nets(results):
    figure = accuracy_against_rank(results, pd.Series([0.9, 0.8]), pd.Series([0.1, 0.2]))
    drawn = {line.get_label(): line for line in figure.axes[0].lines}
    for arm, rows in results.groupby("arm"):
        line = drawn[LABELS[arm][0]]
        assert line.get_xdata().tolist() == RANKS
        np.testing.assert_allclose(line.get_ydata(), rows.groupby("rank").test_accuracy.mean())
    np.testing.assert_allclose(drawn["trained"].get_ydata(), 0.85)
    np.testing.assert_allclose(drawn["initial"].get_ydata(), 0.15)


def test_what_is_left_out_of_each_layer():
    rows = [(s, layer, rank, 1 / (1 + rank), rank / 1024) for s in (0, 1) for layer in ("a", "b") for rank in RANKS]
    directions = pd.DataFrame(rows, columns=["seed", "layer", "rank", "residual", "energy"])
    left, right = residual_and_energy(directions).axes
    np.testing.assert_allclose(left.lines[1].get_ydata(), [1 / (1 + rank) for rank in RANKS])
    np.testing.assert_allclose(right.lines[0].get_ydata(), [1 - rank / 1024 for rank in RANKS])


def test_labels_of_ranks_do_not_overlap(results):
    rows = [(0, "a", rank, 0.5, 0.5) for rank in RANKS]
    directions = pd.DataFrame(rows, columns=["seed", "layer", "rank", "residual", "energy"])
    figures = (accuracy_against_rank(results, pd.Series([0.9]), pd.Series([0.1])), residual_and_energy(directions))
    for figure in figures:
        figure.canvas.draw()
        for axes in figure.axes:
            boxes = sorted((t.get_window_extent() for t in axes.get_xticklabels() if t.get_text()), key=lambda b: b.x0)
            assert len(boxes) > 5 and all(a.x1 < b.x0 for a, b in zip(boxes, boxes[1:], strict=False))


def test_what_is_missing_is_named(results):
    with pytest.raises(ValueError, match="`results` must have columns seed, arm, .*Received: none named arm"):
        accuracy_against_rank(results.drop(columns="arm"), pd.Series([0.9]), pd.Series([0.1]))
    with pytest.raises(ValueError, match="`directions` must .*Received: no row"):
        residual_and_energy(pd.DataFrame(columns=["seed", "layer", "rank", "residual", "energy"]))
