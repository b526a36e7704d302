"""Data drawn == data given, read back from the figures."""

import numpy as np
import pandas as pd
import pytest

from tfredundancy.figures import teachers


def test_courses_are_drawn_by_setting_and_head_start():
    rows = [
        (setting, start, seed, source, t, (1 + seed) / t)
        for setting in ("1x1:0", "2x3:0.1") for start in (0.0, 0.3) for seed in (0, 1)
        for source in ("ode", "simulation") for t in (1.0, 10.0)
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["setting", "head_start", "seed", "source", "time", "error"])
    figure = teachers.errors_against_time(table)
    assert [axes.get_title() for axes in figure.axes] == ["M = 1, K = 1, σ = 0", "M = 2, K = 3, σ = 0.1"]
    assert len(figure.axes[0].lines) == 8
    assert figure.axes[1].lines[1].get_ydata().tolist() == [2.0, 0.2]


def test_overlaps_of_three_sources_have_one_colour_for_a_name():
    rows = [
        (source, t, kind, f"{kind}11", t)
        for source in ("ode", "simulation", "keras")
        for t in (1.0, 2.0)
        for kind in "RQ"
    ]
    figure = teachers.overlaps_against_time(pd.DataFrame(rows, columns=["source", "time", "kind", "name", "value"]))
    for axes in figure.axes:
        assert len(axes.lines) == 3 and len({line.get_color() for line in axes.lines}) == 1


def test_final_errors_are_divided_by_the_scale_where_there_is_noise():
    rows = [
        (layers, noise, surplus, seed, 0.1 + seed, 0.2, 0.15, 0.3 if layers == "first" else None, 0.5 if noise else 1.0)
        for layers in ("first", "both") for noise in (0.1, 0.0) for surplus in (0, 1) for seed in (0, 1)
    ]  # fmt: skip
    columns = ["layers", "noise", "surplus", "seed", "error", "ode", "ode_later", "asymptote", "scale"]
    noisy, clean = teachers.final_errors(pd.DataFrame(rows, columns=columns)).axes
    np.testing.assert_allclose(noisy.lines[0].get_ydata(), 0.6 / 0.5)
    np.testing.assert_allclose(noisy.lines[-1].get_ydata(), 0.3 / 0.5)
    np.testing.assert_allclose(clean.lines[0].get_ydata(), 0.6)


def test_states_are_counted():
    kinds = ((0.99, 1), (0.5, 1), (0.9, 0.01))
    rows = [("simulation", "first", 1, seed, unit, *kind) for seed in (0, 1) for unit, kind in enumerate(kinds)]
    columns = ["source", "layers", "surplus", "seed", "unit", "correlation", "strength"]
    axes = teachers.unit_states(pd.DataFrame(rows, columns=columns)).axes[0]
    heights = {bars.get_label(): [bar.get_height() for bar in bars] for bars in axes.containers}
    assert list(heights.values()) == [[1], [0], [1], [1]]


def test_deep_students():
    layers = pd.DataFrame(
        [(0, s, n, n / 10) for s in (0, 1, 10) for n in (1, 2)], columns=["seed", "step", "layer", "correlation"]
    )
    nodes = pd.DataFrame({"seed": 0, "layer": [1, 1, 2], "correlation": [0.1, 0.9, 0.5], "fan_out": [1.0, 2.0, 3.0],
                          "fan_out_initial": 2.0})  # fmt: skip
    left, first, second = teachers.deep_students(layers, nodes).axes
    assert left.lines[1].get_ydata().tolist() == [0.2, 0.2]
    assert first.lines[0].get_ydata().tolist() == [0.5, 1.0] and second.lines[0].get_ydata().tolist() == [1.5]


def test_what_is_missing_is_named():
    with pytest.raises(ValueError, match="`courses` must have columns setting, .*Received: none named setting"):
        teachers.errors_against_time(pd.DataFrame({"time": [1]}))
