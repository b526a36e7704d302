"""XOR detectors on paper: tidy tables in, a Matplotlib `Figure` out.

    results  points, width, zero_loss, test_error, …   a row for each network; lines are means over networks, bars 95 % intervals
    filters  array (2, k, 2) of one network: w and u, drawn as arrows in the plane of a pattern

Rates are fractions in the tables, per cent on paper.
"""

from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter, ScalarFormatter

from tfredundancy.figures.bands import legend_below, require_columns
from tfredundancy.figures.style import STYLE
from tfredundancy.numerics.intervals import paired_difference, proportion

# training points → label, colour (Okabe and Ito's), marker, shift that keeps bars apart
POINTS = {
    "diverse": ("diverse points", "#0072B2", "o", 0.97),
    "drawn": ("points as drawn", "#E69F00", "s", 1.0),
    "nondiverse": ("non-diverse points", "#009E73", "^", 1.03),
}
W, U, LAW = "#0072B2", "#D55E00", "#7F7F7F"
COLUMNS = ("points", "width", "zero_loss", "zero_error", "test_error", "explored", "angle", "initial_angle", "clusters",
           "initial_clusters")  # fmt: skip


def detection_against_width(results: pd.DataFrame) -> Figure:
    """Training, generalisation, exploration, angles and clusters against the width k, a line for each kind of training points.

    Args:
        results: table with `COLUMNS`: two flags of training, the test error, whether the initial filters explored, and mean
            angles and numbers of clusters after and before training.

    Returns:
        A `Figure` with six panels.

    Raises:
        ValueError: a column is missing, or there is no row.

    Example:

    >>> row = {name: 1.0 for name in COLUMNS} | {"points": "drawn", "width": [2, 10]}
    >>> detection_against_width(pd.DataFrame(row)).axes[2].get_ylabel()
    'test error of those (%)'
    """
    require_columns(results, "results", COLUMNS)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9.6, 5.6), layout="constrained")
        training, test, fitted, explored, angle, clusters = figure.subplots(2, 3).flat
        for points, rows in results.groupby("points", sort=False):
            _draw_rate(training, rows, "zero_error", points)
            _draw_mean(test, rows, "test_error", points)
            _draw_mean(fitted, rows[rows["zero_error"] == 1], "test_error", points)
            _draw_mean(angle, rows, "angle", points)
            _draw_mean(clusters, rows, "clusters", points)
        first = results[
            results["points"] == results["points"].iloc[0]
        ]  # the initial networks are the same for all points
        _draw_rate(explored, first, "explored", None)
        widths = np.geomspace(results["width"].min(), results["width"].max(), 100)
        explored.plot(widths, exploration(widths), color=LAW, linestyle="--", label="closed form")
        _draw_mean(angle, first, "initial_angle", None)
        _draw_mean(clusters, first, "initial_clusters", None)
        angle.axhline(45, color=LAW, linestyle="--", linewidth=1)
        angle.set_ylim(0, 50)
        clusters.set_ylim(bottom=0)
        _name(training, "nets with no training error (%)", rate=True)
        for axes, name in ((test, "test error (%)"), (fitted, "test error of those (%)")):
            _name(axes, name)
            axes.set_yscale("symlog", linthresh=1e-3)
            axes.set_ylim(bottom=0)
            axes.yaxis.set_major_locator(FixedLocator([0, 1e-3, 1e-2, 1e-1]))
            axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=None))
        _name(explored, "nets whose initial filters\nexplore all patterns (%)", rate=True)
        _name(angle, "angle to the class's patterns (°)")
        _name(clusters, "directions of the filters of a sign")
        for axes in figure.axes:
            _width_axis(axes, results["width"].unique())
        legend_below(figure, columns=5)
    return figure


def filters_in_the_plane(nets: Mapping[int, Sequence[np.ndarray]], times: Sequence[str]) -> Figure:
    """Small multiples: the filters of a network of each width, at several times of its training.

    Args:
        nets: {width k: arrays (2, k, 2), one for each time}.
        times: what to call them.

    Returns:
        A `Figure`: a column for each width, a row for each time; w and u each by the longest of a panel.

    Raises:
        ValueError: another number of arrays than of times.

    Example:

    >>> filters_in_the_plane({1: [np.ones((2, 1, 2))]}, ["trained"]).axes[0].get_title()
    'k = 1'
    """
    if not nets or any(len(arrays) != len(times) for arrays in nets.values()):
        raise ValueError(f"`nets` must hold {len(times)} arrays for each width. Received: {[*map(len, nets.values())]}")
    with matplotlib.rc_context(STYLE):
        size = (0.5 + 1.8 * len(nets), 0.6 + 1.8 * len(times))
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(len(times), len(nets), squeeze=False)
        for column, (width, arrays) in zip(panels.T, nets.items(), strict=True):
            for axes, filters in zip(column, arrays, strict=True):
                _draw_filters(axes, filters)
            column[0].set_title(f"k = {width}")
        for line, time in zip(panels, times, strict=True):
            line[0].set_ylabel(time)
        legend_below(figure)
    return figure


def exploration(width: np.ndarray) -> np.ndarray:
    """Probability that some w starts nearest to each of its two patterns, and some u to each of its: (1 − 2(3/4)^k + (1/2)^k)².

    Example:

    >>> float(exploration(np.array(1))), float(exploration(np.array(2)))
    (0.0, 0.015625)
    """
    k = np.asarray(width, np.float64)
    return (1 - 2 * 0.75**k + 0.5**k) ** 2


def _draw_rate(axes: Axes, rows: pd.DataFrame, column: str, points: str | None) -> None:
    found = {k: proportion(int(of_k.sum()), len(of_k)) for k, of_k in rows.groupby("width")[column]}
    _draw_intervals(axes, found, points)


def _draw_mean(axes: Axes, rows: pd.DataFrame, column: str, points: str | None) -> None:
    groups = rows.dropna(subset=[column]).groupby("width")[column]
    _draw_intervals(axes, {k: paired_difference(of_k, np.zeros(len(of_k))) for k, of_k in groups}, points)


def _draw_intervals(axes: Axes, found: Mapping, points: str | None) -> None:
    label, colour, marker, shift = POINTS[points] if points else ("initial filters", "black", "D", 1.0)
    means = np.array([each.mean for each in found.values()])
    bars = np.abs([[each.low for each in found.values()], [each.high for each in found.values()]] - means)
    x = np.array(list(found), float) * shift
    axes.errorbar(x, means, bars, color=colour, marker=marker, label=label, markersize=4, linewidth=1, elinewidth=1)


def _draw_filters(axes: Axes, filters: np.ndarray) -> None:
    filters = filters / max(np.abs(filters).max(), np.finfo(float).tiny)  # such great ones can not be squared
    longest = np.linalg.norm(filters, axis=-1).max(axis=1)
    for sign, colour, label in ((0, W, "w"), (1, U, "u")):
        direction = np.array([1, 1]) if sign == 0 else np.array([1, -1])
        for end in (direction, -direction):
            axes.plot(*zip((0, 0), end, strict=True), color=colour, linestyle=":", linewidth=1, alpha=0.6)
        for number, (x, y) in enumerate(filters[sign] / max(longest[sign], np.finfo(float).tiny)):
            axes.plot([0, x], [0, y], color=colour, linewidth=0.8, alpha=0.7, zorder=3)
            axes.plot([x], [y], "o", color=colour, markersize=3, zorder=4, label=label if number == 0 else None)
    axes.set(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), aspect="equal", xticks=[], yticks=[])
    axes.grid(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)


def _name(axes: Axes, name: str, rate: bool = False) -> None:
    axes.set_ylabel(name)
    if rate:
        axes.set_ylim(-0.03, 1.05)
        axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=None))


def _width_axis(axes: Axes, widths: np.ndarray) -> None:
    axes.set_xscale("log")
    ticks = [k for k in (1, 2, 4, 10, 30, 120, 400) if widths.min() <= k <= widths.max()] or [int(widths.min())]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.set_xlabel("width k")
