"""Projected updates on paper: tidy tables in, a Matplotlib `Figure` out.

A line is the mean over seeds, its band reaches from the least to the greatest seed.

    results     seed, arm, rank, test_accuracy                      a row for each projection
    directions  seed, layer, rank, residual, energy                 a row for each layer and rank
"""

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter, ScalarFormatter

from tfredundancy.figures.bands import draw_band, legend_below, require_columns
from tfredundancy.figures.style import STYLE

# arm → label, colour (Okabe and Ito's), marker
LABELS = {
    "top": ("largest k", "#0072B2", "o"),
    "top_hidden": ("largest k, classifier whole", "#56B4E9", "s"),
    "weights": ("largest k of the weights themselves", "#009E73", "^"),
    "random": ("k at random", "#E69F00", "D"),
    "bottom": ("all but the largest k", "#D55E00", "v"),
}
WHOLE = "#7F7F7F"


def accuracy_against_rank(results: pd.DataFrame, trained: pd.Series, initial: pd.Series) -> Figure:
    """Test accuracy of nets whose updates keep some singular directions, against their number k; 0 is the initial net.

    Args:
        results: table with seed, arm, rank and test_accuracy (a fraction).
        trained: test accuracy of the trained nets, a value for each seed.
        initial: the same of the nets before training.

    Returns:
        A `Figure`.

    Raises:
        ValueError: a column is missing, or there is no row.

    Example:

    >>> results = pd.DataFrame({"seed": 0, "arm": "top", "rank": [0, 1, 2], "test_accuracy": [0.1, 0.4, 0.8]})
    >>> figure = accuracy_against_rank(results, pd.Series([0.9]), pd.Series([0.1]))
    >>> figure.axes[0].lines[0].get_xdata().tolist()
    [0, 1, 2]

    Reference:
        Nagarajan and Kolter 2019, arXiv:1902.04742.
    """
    require_columns(results, "results", ("seed", "arm", "rank", "test_accuracy"))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 4.4), layout="constrained")
        axes = figure.subplots()
        for arm, rows in results.groupby("arm", sort=False):
            label, colour, marker = LABELS[arm]
            draw_band(axes, rows, "rank", "test_accuracy", colour=colour, marker=marker, label=label)
        for values, line, label in ((trained, "-", "trained"), (initial, ":", "initial")):
            axes.axhline(values.mean(), color=WHOLE, linestyle=line, linewidth=1, label=label, zorder=2)
        _rank_axis(axes, results["rank"])
        axes.set_ylabel("test accuracy (%)")
        axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=None))
        legend_below(figure, columns=3)
    return figure


def residual_and_energy(directions: pd.DataFrame) -> Figure:
    """What the k largest directions of each layer's update leave out: spectral norm s_{k+1}/s₁, and energy.

    Args:
        directions: table with seed, layer, rank, residual (s_{k+1}/s₁) and energy (Σ_{i≤k} s² / Σ s²).

    Returns:
        A `Figure`.

    Raises:
        ValueError: a column is missing, or there is no row.

    Example:

    >>> row = {"seed": 0, "layer": "hidden1", "rank": [0, 1], "residual": [1.0, 0.5], "energy": [0.0, 0.8]}
    >>> residual_and_energy(pd.DataFrame(row)).axes[1].get_ylabel()
    'energy left out (%)'
    """
    require_columns(directions, "directions", ("seed", "layer", "rank", "residual", "energy"))
    directions = directions.assign(lost=1 - directions["energy"])
    layers = list(dict.fromkeys(directions["layer"]))
    colours = matplotlib.colormaps["viridis"](np.linspace(0, 0.9, len(layers)))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8.0, 3.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        for layer, colour in zip(layers, colours, strict=True):
            rows = directions[directions["layer"] == layer]
            for axes, column in ((left, "residual"), (right, "lost")):
                draw_band(axes, rows, "rank", column, colour=colour, label=layer, markersize=3)
        for axes in (left, right):
            _rank_axis(axes, directions["rank"], every=2)
            axes.set_ylim(0, 1.03)
            axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=None))
        left.set_ylabel("spectral norm left out, of the largest (%)")
        right.set_ylabel("energy left out (%)")
        legend_below(figure, columns=6)
    return figure


def _rank_axis(axes: Axes, ranks: pd.Series, every: int = 1) -> None:
    """Logarithmic from 1 on, with 0 at a distance of one doubling before it; ticks at powers of two, or every so many."""
    axes.set_xscale("symlog", base=2, linthresh=1, linscale=1)
    powers = 2.0 ** np.arange(0, np.floor(np.log2(max(ranks.max(), 1))) + 1, every)
    axes.xaxis.set_major_locator(FixedLocator([0, *powers]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.set_xlim(-0.3, max(ranks.max(), 1) * 1.25)
    axes.set_xlabel("singular directions k")
