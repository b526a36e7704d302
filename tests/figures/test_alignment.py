"""Data drawn == data given, read back from the figures."""

import numpy as np
import pandas as pd
import pytest

from tfredundancy.figures import alignment


@pytest.fixture
def layers():
    rng = np.random.default_rng(0)
    key = [(s, n, layer, t) for s in (0, 1) for n in ("a", "b") for layer in ("x", "y", "z") for t in (0, 1, 100)]
    table = pd.DataFrame(key, columns=["seed", "network", "layer", "step"])
    return table.assign(gap=rng.normal(size=len(table)), frame_excess=rng.random(len(table)))


def test_growth_and_profile_are_means_over_seeds(layers):
    figure = alignment.layers_while_training(layers)
    assert len(figure.axes) == 6
    of_b = layers[layers.network == "b"]
    growth, profile, frames = figure.axes[3:]
    lines = {line.get_label(): line for line in growth.lines}
    for layer, rows in of_b.groupby("layer"):
        np.testing.assert_allclose(lines[layer].get_ydata(), rows.groupby("step").gap.mean())
    lines = {line.get_label(): line for line in profile.lines}
    for step, label in ((0, "initial"), (100, "trained")):
        np.testing.assert_allclose(lines[label].get_ydata(), of_b[of_b.step == step].groupby("layer").gap.mean())
    ends = [line.get_xydata()[0] for line in frames.lines if line.get_marker() == "o"]
    expected = of_b[of_b.step == 100].sort_values(["layer", "seed"])[["frame_excess", "gap"]]
    np.testing.assert_allclose(sorted(map(tuple, ends)), sorted(map(tuple, expected.to_numpy())))


def test_angles_and_narrow_nets():
    rng = np.random.default_rng(0)
    angles = pd.DataFrame({"seed": 0, "state": np.repeat(["trained", "untrained", "sphere"], 50)})
    angles["angle"] = rng.uniform(0, 90, 150)
    key = [(s, arm, t) for s in (0, 1) for arm in alignment.ARMS for t in (0, 10, 100)]
    arms = pd.DataFrame(key, columns=["seed", "arm", "step"]).assign(test_accuracy=rng.random(len(key)))
    left, middle, right = alignment.alignment_and_narrow_nets(angles, arms).axes
    assert [each.get_label() for each in left.patches] == [label for label, _ in alignment.STATES.values()]
    for stairs in left.patches:
        values, edges, _ = stairs.get_data()
        assert (values * np.diff(edges)).sum() == pytest.approx(1)
    means = arms.groupby(["arm", "step"]).test_accuracy.mean()
    drawn = {line.get_label(): line for line in middle.lines}
    for arm, (label, *_) in alignment.ARMS.items():
        np.testing.assert_allclose(drawn[label].get_ydata(), means[arm])
    ahead = {line.get_label(): line for line in right.lines}
    np.testing.assert_allclose(ahead[alignment.ARMS["centres"][0]].get_ydata(), means["centres"] - means["random"])
    assert alignment.ARMS["random"][0] not in ahead


def test_filters_stand_beside_their_centres():
    kernel = np.random.default_rng(0).normal(size=(3, 3, 6))
    centres, labels, angles = np.eye(9)[:2], np.array([0, 1, 0, 0, 1, 0]), np.array([5.0, 4, 3, 2, 1, 0])
    figure = alignment.filters_by_cluster(kernel, centres, labels, angles)
    rows = np.array(figure.axes).reshape(2, 9)
    for number, line in enumerate(rows):
        np.testing.assert_array_equal(line[0].images[0].get_array(), centres[number].reshape(3, 3))
        chosen = [i for i in np.argsort(angles) if labels[i] == number]
        for axes, i in zip(line[1:], chosen, strict=False):
            np.testing.assert_array_equal(axes.images[0].get_array(), kernel[..., i])
            assert axes.get_title() == f"{angles[i]:.0f}°"
        assert line[0].get_title() == f"{len(chosen)} filters" and not line[1 + len(chosen)].images


def test_what_is_missing_is_named(layers):
    with pytest.raises(ValueError, match="`layers` must .* Received: none named gap"):
        alignment.layers_while_training(layers.drop(columns="gap"))
