"""Data drawn == data given, read back from the figures."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from tfredundancy.figures import tickets
from tfredundancy.figures.tickets import (
    accuracy_against_density,
    early_stopping_against_density,
    layer_density,
    learning_curves,
)


def results(levels=3, seeds=3, arms=("rewind", "reinit"), dense="dense"):
    rng = np.random.default_rng(0)
    rows = [(seed, dense, 0, 1.0, rng.random(), rng.integers(1000)) for seed in range(seeds)]
    for seed in range(seeds):
        for arm in arms:
            rows += [(seed, arm, level, 0.8**level, rng.random(), rng.integers(1000)) for level in range(1, levels + 1)]
    return pd.DataFrame(rows, columns=["seed", "arm", "level", "density", "test_accuracy", "early_step"])


def curves(levels, arms=("rewind",), seeds=2):
    rng = np.random.default_rng(0)
    rows = [
        (s, arm, level, step, rng.random())
        for s in range(seeds)
        for arm in arms
        for level in levels
        for step in (0, 50, 100)
    ]
    return pd.DataFrame(rows, columns=["seed", "arm", "level", "step", "validation_accuracy"])


def layers(levels, names=("stem", "block", "classifier"), seeds=2):
    rng = np.random.default_rng(0)
    rows = [(s, "rewind", level, name, rng.uniform(0.1, 1)) for s in range(seeds) for level in levels for name in names]
    return pd.DataFrame(rows, columns=["seed", "arm", "level", "layer", "density"])


def lines(axes):
    return {line.get_label(): line for line in axes.lines if not line.get_label().startswith("_")}


def band(collection):
    """(least, greatest) at each x of a filled band."""
    vertices = pd.DataFrame(collection.get_paths()[0].vertices, columns=["x", "y"]).groupby("x")["y"]
    return np.stack([vertices.min(), vertices.max()])


def overlaps(texts, figure):
    boxes = sorted((text.get_window_extent() for text in texts if text.get_text()), key=lambda box: box.x0)
    assert figure is not None and len(boxes) > 1
    return any(left.x1 > right.x0 for left, right in zip(boxes, boxes[1:], strict=False))


@pytest.mark.parametrize(
    ("draw", "column"), [(accuracy_against_density, "test_accuracy"), (early_stopping_against_density, "early_step")]
)
def test_lines_are_means_and_bands_are_extremes(draw, column):
    table = results()
    (axes,) = draw(table).axes
    drawn = lines(axes)
    assert set(drawn) == {"dense network", "ticket", "re-initialised"}
    for i, arm in enumerate(("rewind", "reinit")):
        by_seed = table[table["arm"] == arm].pivot(index="level", columns="seed", values=column)
        line = drawn[tickets.ARMS[arm][0]]
        np.testing.assert_allclose(line.get_xdata(), [0.8, 0.64, 0.512])
        np.testing.assert_allclose(line.get_ydata(), by_seed.mean(axis=1))
        assert to_hex(line.get_color()) == tickets.ARMS[arm][1].lower()
        extremes = np.stack([by_seed.min(axis=1), by_seed.max(axis=1)])[:, ::-1]  # x ascending
        np.testing.assert_allclose(band(axes.collections[i]), extremes)
    dense = table.loc[table["level"] == 0, column]
    np.testing.assert_allclose(drawn["dense network"].get_ydata(), dense.mean())
    (span,) = axes.patches
    np.testing.assert_allclose([span.get_y(), span.get_y() + span.get_height()], [dense.min(), dense.max()])


def test_the_axis_runs_from_dense_to_sparse_with_ticks_at_levels():
    figure = accuracy_against_density(results(levels=4))
    (axes,) = figure.axes
    left, right = axes.get_xlim()
    assert axes.get_xscale() == "log" and left > 1 > 0.4096 > right
    figure.draw_without_rendering()
    assert [label.get_text() for label in axes.get_xticklabels()] == ["100", "80", "64", "51.2", "41"]


@pytest.mark.parametrize("levels", [4, 10, 16, 22, 40])
def test_tick_labels_do_not_overlap_and_both_ends_have_one(levels):
    figure = accuracy_against_density(results(levels=levels))
    figure.draw_without_rendering()
    (axes,) = figure.axes
    assert not overlaps(axes.get_xticklabels(), figure)
    np.testing.assert_allclose(axes.get_xticks()[[0, -1]], [1.0, 0.8**levels])


def test_level_zero_may_bear_the_arms_names():
    table = results()
    named = pd.concat([table[table["level"] > 0]] + [table[table["level"] == 0].assign(arm=a) for a in ("rewind", "x")])
    drawn = lines(accuracy_against_density(named).axes[0])
    assert drawn["ticket"].get_xdata().tolist() == pytest.approx([1.0, 0.8, 0.64, 0.512])
    expected = table.loc[table["level"] == 0, "test_accuracy"].mean()
    np.testing.assert_allclose(drawn["dense network"].get_ydata(), expected)


def test_an_emptied_net_has_no_place_on_the_axis():
    table = results(levels=3)
    table.loc[table["level"] == 3, "density"] = 0.0
    figure = accuracy_against_density(table)
    figure.draw_without_rendering()
    assert lines(figure.axes[0])["ticket"].get_xdata().tolist() == pytest.approx([0.8, 0.64])


def test_an_arm_trained_at_some_densities_only():
    table = results(levels=4)
    table = table[(table["arm"] != "reinit") | (table["level"] % 2 == 0)]
    table.loc[(table["arm"] == "rewind") & (table["level"] == 3), "test_accuracy"] = np.nan
    drawn = lines(accuracy_against_density(table).axes[0])
    np.testing.assert_allclose(drawn["re-initialised"].get_xdata(), [0.64, 0.4096])
    np.testing.assert_allclose(drawn["ticket"].get_xdata(), [0.8, 0.64, 0.4096])


def test_one_seed_and_one_level():
    table = results(levels=1, seeds=1, arms=("rewind",))
    (axes,) = accuracy_against_density(table).axes
    assert len(axes.collections) == len(axes.patches) == 0  # no bands
    low, high = axes.get_ylim()
    values = table["test_accuracy"]
    assert values.min() - values.max() + values.min() < low < values.min() < values.max() < high < 2 * values.max()
    accuracy_against_density(results(levels=0, seeds=1)).draw_without_rendering()


def test_every_known_arm_looks_different_and_others_are_drawn():
    styles = list(tickets.ARMS.values())
    assert len({label for label, *_ in styles}) == len({colour for _, colour, _ in styles}) == len(styles)
    drawn = lines(accuracy_against_density(results(arms=("mine", "rewind", "yours"))).axes[0])
    assert drawn["mine"].get_color() != drawn["yours"].get_color()


def test_legend_is_outside_and_in_a_fixed_order():
    figure = accuracy_against_density(results(arms=("mine", "reinit", "rewind")))
    figure.draw_without_rendering()
    (legend,) = figure.legends
    names = [text.get_text() for text in legend.get_texts()]
    assert names == ["dense network", "ticket", "re-initialised", "mine"]
    assert legend.get_window_extent().y1 <= figure.axes[0].get_tightbbox().y0


def test_learning_curves_draw_what_they_are_given():
    table = curves(levels=(0, 1), arms=("rewind", "reinit"))
    figure = learning_curves(table)
    assert [axes.get_title() for axes in figure.axes] == ["level 0", "level 1"]
    for level, axes in enumerate(figure.axes):
        for i, arm in enumerate(("rewind", "reinit")):
            rows = table[(table["arm"] == arm) & (table["level"] == level)]
            by_seed = rows.pivot(index="step", columns="seed", values="validation_accuracy")
            line = lines(axes)[tickets.ARMS[arm][0]]
            assert line.get_xdata().tolist() == [0, 50, 100]
            np.testing.assert_allclose(line.get_ydata(), by_seed.mean(axis=1))
            np.testing.assert_allclose(band(axes.collections[i]), [by_seed.min(axis=1), by_seed.max(axis=1)])


@pytest.mark.parametrize(
    ("there", "asked", "drawn"),
    [
        (range(17), None, [0, 3, 6, 10, 13, 16]),
        (range(5), None, range(5)),
        (range(9), [8, 2], [8, 2]),
        ([3], None, [3]),
    ],
)
def test_panels(there, asked, drawn):
    figure = learning_curves(curves(there), levels=asked)
    assert [axes.get_title() for axes in figure.axes] == [f"level {level}" for level in drawn]
    figure.draw_without_rendering()
    (legend,) = figure.legends
    assert legend.get_window_extent().y1 <= min(axes.get_tightbbox().y0 for axes in figure.axes)


def test_layers_keep_their_order_and_values():
    table = layers(levels=(1, 2), names=("stem", "block", "a_classifier"))
    (axes,) = layer_density(table, "rewind").axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["stem", "block", "a_classifier"]
    for level in (1, 2):
        mean = table[table["level"] == level].groupby("layer", sort=False)["density"].mean()
        np.testing.assert_allclose(lines(axes)[f"level {level}"].get_ydata(), mean)
    assert axes.get_yscale() == "log"


@pytest.mark.parametrize(("count", "labelled"), [(25, 25), (26, 13), (60, 20)])
def test_layer_names_fit(count, labelled):
    figure = layer_density(layers((1,), [f"stage1_block{i}_conv" for i in range(count)]), "rewind")
    figure.draw_without_rendering()
    labels = figure.axes[0].get_xticklabels()
    assert len(labels) == labelled and labels[1].get_text() == f"stage1_block{-(-count // 25)}_conv"
    assert not overlaps(labels, figure)


def test_an_emptied_layer_is_a_cross_at_the_edge():
    table = layers(levels=(1,))
    table.loc[table["layer"] == "block", "density"] = 0
    (axes,) = layer_density(table, "rewind").axes
    line, cross = axes.lines
    assert np.isnan(line.get_ydata()).tolist() == [False, True, False]
    assert cross.get_marker() == "x" and cross.get_xdata().tolist() == [1]
    assert cross.get_ydata()[0] < np.nanmin(line.get_ydata())


def test_bad_tables():
    with pytest.raises(ValueError, match="`results` must have columns.*none named density, test_accuracy"):
        accuracy_against_density(results().drop(columns=["density", "test_accuracy"]))
    with pytest.raises(ValueError, match="at least one number in early_step"):
        early_stopping_against_density(results().assign(early_step=np.nan))
    with pytest.raises(ValueError, match=r"`levels` must be some of \[0, 1\]. Received: levels=\[2\]"):
        learning_curves(curves((0, 1)), levels=[2])
    with pytest.raises(ValueError, match="`arm`.*Received: arm='reinit'"):
        layer_density(layers((1,)), "reinit")
