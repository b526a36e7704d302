"""Spectra against the batch size on paper: tidy tables in, a Matplotlib `Figure` out.

A line is the mean over seeds, its band reaches from the least to the greatest seed; accuracies are fractions in the tables,
per cent on paper. Batch sizes fall from left to right, in the direction in which spectra are said to become heavier.

    results  seed, budget, batch_size, layer, phase, spikes, …       a row for each net, budget and layer
    curves   seed, batch_size, step, layer, spikes, sigma2, …        a row for each visit and layer
    spectra  budget, batch_size, eigenvalues, q, sigma2, …           a row for each net of one layer
"""

from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator, PercentFormatter, ScalarFormatter

from tfredundancy.figures.bands import draw_band, legend_below, require_columns
from tfredundancy.figures.style import STYLE
from tfredundancy.numerics.spectra import marchenko_pastur_pdf

PHASES = ("random-like", "bleeding-out", "bulk and spikes", "bulk-decay", "heavy-tailed", "rank-collapse")
BUDGETS = {"epochs": ("equal epochs", "#0072B2", "o"), "steps": ("equal steps", "#D55E00", "s")}
MEASURES = {
    "spikes": "spikes",
    "mp_soft_rank": "MP soft rank",
    "stable_rank": "stable rank",
    "sigma2": "variance of the bulk",
    "alpha": "alpha",
}
MEASURED, NOISE = "#9A9A9A", "#7F7F7F"
BINS = 50


def phase_against_batch_size(results: pd.DataFrame) -> Figure:
    """Which phase each layer's spectrum is in: a panel for each layer and budget, a circle's area the number of seeds.

    Args:
        results: table with seed, budget, batch_size, layer and phase; nets whose phase is missing, because they diverged, are
            drawn in a row of their own.

    Returns:
        A `Figure`.

    Raises:
        ValueError: a column is missing, or there is no row.

    Example:

    >>> row = {"seed": 0, "budget": "epochs", "batch_size": [4, 64], "layer": "hidden1", "phase": list(PHASES[4:2:-1])}
    >>> phase_against_batch_size(pd.DataFrame(row)).axes[0].get_title()
    'hidden1, equal epochs'

    Reference:
        Martin and Mahoney 2021, arXiv:1810.01075.
    """
    require_columns(results, "results", ("seed", "budget", "batch_size", "layer", "phase"))
    results = results.assign(phase=results["phase"].fillna("none: diverged"))
    rows_of_axis = [*PHASES, *(["none: diverged"] if "none: diverged" in set(results["phase"]) else [])]
    layers, budgets = (list(dict.fromkeys(results[name])) for name in ("layer", "budget"))
    seeds = results["seed"].nunique()
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(1.6 + 2.4 * len(budgets), 0.8 + 2.0 * len(layers)), layout="constrained")
        panels = figure.subplots(len(layers), len(budgets), sharex=True, sharey=True, squeeze=False)
        for line, layer in zip(panels, layers, strict=True):
            for axes, budget in zip(line, budgets, strict=True):
                here = results[(results["layer"] == layer) & (results["budget"] == budget)]
                counts = here.groupby(["batch_size", "phase"]).size().reset_index(name="nets")
                heights = [rows_of_axis.index(phase) for phase in counts["phase"]]
                colour = BUDGETS[budget][1]
                axes.scatter(counts["batch_size"], heights, s=90 * counts["nets"] / seeds, color=colour, zorder=3)
                axes.set_title(f"{layer}, {BUDGETS[budget][0]}")
                axes.set_yticks(range(len(rows_of_axis)), rows_of_axis)
                axes.set_ylim(-0.6, len(rows_of_axis) - 0.4)
        _batch_axes(panels, results["batch_size"])
    return figure


def measures_against_batch_size(results: pd.DataFrame) -> Figure:
    """Spikes, MP soft rank, stable rank, bulk variance and alpha of each layer, with alpha on noise of the same shape.

    Args:
        results: table with seed, budget, batch_size, layer, alpha_noise and the measures of `MEASURES`.

    Returns:
        A `Figure`: a column of panels for each layer.

    Raises:
        ValueError: a column is missing, or there is no row.
    """
    require_columns(results, "results", ("seed", "budget", "batch_size", "layer", "alpha_noise", *MEASURES))
    layers = list(dict.fromkeys(results["layer"]))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(1.0 + 2.5 * len(layers), 0.7 + 1.6 * len(MEASURES)), layout="constrained")
        panels = figure.subplots(len(MEASURES), len(layers), sharex=True, squeeze=False)
        for line, (measure, name) in zip(panels, MEASURES.items(), strict=True):
            for axes, layer in zip(line, layers, strict=True):
                here = results[results["layer"] == layer]
                _draw_budgets(axes, here, measure)
                axes.set_ylim(bottom=0)
                axes.yaxis.set_major_locator(MaxNLocator(4))
                if measure == "alpha":
                    axes.axhline(
                        here["alpha_noise"].mean(), color=NOISE, linestyle=":", label="alpha on noise of this shape"
                    )
            line[0].set_ylabel(name)
        for axes, layer in zip(panels[0], layers, strict=True):
            axes.set_title(layer)
        _batch_axes(panels, results["batch_size"])
        legend_below(figure)
    return figure


def accuracy_against_batch_size(results: pd.DataFrame) -> Figure:
    """Training and test accuracy at the end of each budget.

    Args:
        results: table with seed, budget, batch_size, train_accuracy and test_accuracy; several rows of a net count once.

    Returns:
        A `Figure` with two panels.

    Raises:
        ValueError: a column is missing, or there is no row.
    """
    require_columns(results, "results", ("seed", "budget", "batch_size", "train_accuracy", "test_accuracy"))
    nets = results.drop_duplicates(["seed", "budget", "batch_size"])
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.8, 3.2), layout="constrained")
        panels = figure.subplots(1, 2, squeeze=False)
        for axes, split in zip(panels[0], ("train", "test"), strict=True):
            _draw_budgets(axes, nets, f"{split}_accuracy")
            axes.set_ylabel(f"{split}ing accuracy (%)" if split == "train" else "test accuracy (%)")
            axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=None))
        _batch_axes(panels, nets["batch_size"])
        legend_below(figure)
    return figure


def noise_against_rank(curves: pd.DataFrame) -> Figure:
    """The bulk's variance against the number of spikes while nets train: noise against signal, from the initial weights on.

    Args:
        curves: table with seed, batch_size, step, layer, spikes and sigma2.

    Returns:
        A `Figure`: a panel for each layer, a line for each batch size through the means over seeds at each visit.

    Raises:
        ValueError: a column is missing, or there is no row.

    Example:

    >>> row = {"seed": 0, "batch_size": 4, "step": [0, 10], "layer": "hidden1", "spikes": [0, 3], "sigma2": [0.2, 0.1]}
    >>> noise_against_rank(pd.DataFrame(row)).axes[0].lines[0].get_ydata().tolist()
    [1.0, 0.5]
    """
    require_columns(curves, "curves", ("seed", "batch_size", "step", "layer", "spikes", "sigma2"))
    layers, batches = list(dict.fromkeys(curves["layer"])), sorted(curves["batch_size"].unique())
    colours = matplotlib.colormaps["viridis"](np.linspace(0, 0.9, len(batches)))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(1.0 + 2.9 * len(layers), 3.6), layout="constrained")
        for axes, layer in zip(figure.subplots(1, len(layers), squeeze=False)[0], layers, strict=True):
            of_layer = curves[curves["layer"] == layer]
            for batch, colour in zip(batches, colours, strict=True):
                at = of_layer[of_layer["batch_size"] == batch].groupby("step")[["spikes", "sigma2"]].mean()
                label = f"batch size {batch}"
                axes.plot(
                    at["spikes"], at["sigma2"] / at["sigma2"].iloc[0], "-", color=colour, marker="o", ms=3, label=label
                )
                axes.plot(
                    at["spikes"].iloc[-1:], at["sigma2"].iloc[-1:] / at["sigma2"].iloc[0], "o", color=colour, ms=7
                )
            axes.set_title(layer)
            axes.set_xlabel("signal rank (spikes)")
            axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        figure.axes[0].set_ylabel("noise: variance of the bulk,\nby that of the initial weights")
        legend_below(figure, columns=6)
    return figure


def spectra_against_batch_size(spectra: pd.DataFrame, title: str | None = None) -> Figure:
    """Densities of the eigenvalues of one layer with the Marchenko–Pastur law of the bulk; eigenvalues by its edge.

    Args:
        spectra: table with budget, batch_size, eigenvalues (of WᵀW/N), q, sigma2, bulk_edge, spikes and phase, a row for each
            panel; one that is missing stands for a net that diverged.
        title: above the panels.

    Returns:
        A `Figure`: a line of panels for each budget, batch sizes falling from left to right.

    Raises:
        ValueError: a column is missing, or there is no row.
    """
    columns = ("budget", "batch_size", "eigenvalues", "q", "sigma2", "bulk_edge", "spikes", "phase")
    require_columns(spectra, "spectra", columns)
    budgets, batches = list(dict.fromkeys(spectra["budget"])), sorted(spectra["batch_size"].unique())[::-1]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(0.6 + 1.75 * len(batches), 0.7 + 1.9 * len(budgets)), layout="constrained")
        panels = figure.subplots(len(budgets), len(batches), sharex=True, sharey=True, squeeze=False)
        for line, budget in zip(panels, budgets, strict=True):
            for axes, batch in zip(line, batches, strict=True):
                here = spectra[(spectra["budget"] == budget) & (spectra["batch_size"] == batch)]
                _draw_spectrum(axes, None if here.empty else here.iloc[0])
            line[0].set_ylabel(f"{BUDGETS[budget][0]}\ndensity per decade")
        for axes, batch in zip(panels[0], batches, strict=True):
            axes.set_title(f"batch size {batch}\n{axes.get_title()}")
        figure.supxlabel("eigenvalue, by the bulk's edge", fontsize=9)
        figure.suptitle(title, fontsize=10)
    return figure


def _draw_budgets(axes: Axes, rows: pd.DataFrame, column: str) -> None:
    for budget, of_budget in rows.groupby("budget", sort=False):
        label, colour, marker = BUDGETS[budget]
        draw_band(axes, of_budget, "batch_size", column, colour=colour, marker=marker, label=label)


def _draw_spectrum(axes: Axes, row: Any) -> None:
    """One net's eigenvalues, per decade, on a logarithmic axis from a hundredth of the edge on; None has diverged."""
    axes.set_title("diverged" if row is None else row["phase"])
    axes.set_xscale("log")
    if row is None:
        return
    eigenvalues = np.asarray(row["eigenvalues"], np.float64) / row["bulk_edge"]
    edges = np.geomspace(1e-2, max(eigenvalues.max(), 1.0) * 1.1, BINS)
    counts, _ = np.histogram(eigenvalues, edges)
    axes.stairs(counts / len(eigenvalues) / np.diff(np.log10(edges)), edges, fill=True, color=MEASURED)
    x = np.geomspace(1e-2, 1.1, 400)
    law = marchenko_pastur_pdf(x * row["bulk_edge"], row["q"], row["sigma2"]) * row["bulk_edge"] * x * np.log(10)
    axes.plot(x, law * (1 - row["spikes"] / len(eigenvalues)), color="#D55E00", linewidth=1)
    axes.axvline(1, color="#D55E00", linestyle=":", linewidth=1)


def _batch_axes(panels: np.ndarray, batches: pd.Series) -> None:
    """Logarithmic, the greatest batch on the left; a tick for each where there is room."""
    values = np.sort(batches.unique())
    ratio = (values[-1] / values[0]) ** 0.08 if len(values) > 1 else 1.5
    for axes in panels.ravel():
        axes.set_xscale("log")
        axes.set_xlim(values[-1] * ratio, values[0] / ratio)
        axes.xaxis.set_major_locator(FixedLocator(_apart(values, ratio**2)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(ScalarFormatter())
    for axes in panels[-1]:
        axes.set_xlabel("batch size")


def _apart(values: np.ndarray, ratio: float) -> list[float]:
    """Ascending values without those that are nearer to the one before than a ratio."""
    kept = [values[0]]
    for value in values[1:]:
        if value >= kept[-1] * ratio:
            kept.append(value)
    return kept
