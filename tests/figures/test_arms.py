"""Data drawn == data given, read back from the figure."""

import numpy as np
import pandas as pd
import pytest

from tfredundancy.figures.arms import LABELS, accuracy_of_arms


@pytest.fixture
def results():
    draw = np.random.default_rng(0)
    rows = [(seed, arm, draw.random(), 100, 200) for arm in LABELS for seed in range(3)]
    return pd.DataFrame(rows, columns=["seed", "arm", "test_accuracy", "steps", "total_steps"])


def test_a_dot_for_each_seed_and_a_line_at_the_mean(results):
    (axes,) = accuracy_of_arms(results, title="net").axes
    whole, *lines = axes.lines
    assert whole.get_xdata()[0] == results[results.arm == "dense"].test_accuracy.mean()
    for (arm, rows), dots, mean in zip(results.groupby("arm", sort=False), lines[::2], lines[1::2], strict=True):
        assert list(dots.get_xdata()) == list(rows.test_accuracy), arm
        assert set(mean.get_xdata()) == {rows.test_accuracy.mean()}
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == [f"{label}\n100 steps, 200 in all" for label, _ in LABELS.values()]


def test_what_is_missing_is_named(results):
    with pytest.raises(ValueError, match="`results` must have columns .*none named steps"):
        accuracy_of_arms(results.drop(columns="steps"))
