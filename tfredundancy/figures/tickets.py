"""Lottery tickets on paper: tidy tables in, a Matplotlib `Figure` out.

A line is the mean over seeds, its band reaches from the least to the greatest seed. Densities and accuracies are fractions in
the tables, per cent on paper.

    results  seed, arm, level, density, test_accuracy, early_step, …   a row for each training
    curves   seed, arm, level, step, validation_accuracy, …            a row for each evaluation
    layers   seed, arm, level, layer, density                          a row for each layer of each training
"""

from collections.abc import Iterable, Sequence

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator, PercentFormatter

from tfredundancy.figures.style import STYLE

# arm → label, colour (Okabe and Ito's, the yellow darkened for white paper, and two more), marker
ARMS = {
    "dense": ("dense network", "#7F7F7F", "o"),
    "rewind": ("ticket", "#0072B2", "o"),
    "rewind0": ("ticket, rewound to 0", "#56B4E9", "s"),
    "lr_rewind": ("learning-rate rewinding", "#009E73", "^"),
    "finetune": ("fine-tuning", "#C9B400", "v"),
    "reinit": ("re-initialised", "#D55E00", "D"),
    "reinit_total": ("re-initialised, equal total steps", "#E69F00", "P"),
    "shuffle": ("mask shuffled in layers", "#CC79A7", "X"),
    "random": ("random ticket", "#000000", "<"),
    "inverted": ("largest pruned first", "#882255", "p"),
}
OTHER_COLOURS = ("#332288", "#44AA99", "#999933", "#AA4499", "#117733")  # arms of other names, in order of appearance
MOST_PANELS = 6
MOST_LAYER_LABELS = 25
MOST_LEVEL_LABELS = 16


def accuracy_against_density(results: pd.DataFrame, column: str = "test_accuracy", title: str | None = None) -> Figure:
    """Accuracy of each arm against the density of its weights, dense on the left, beside the dense network's.

    Args:
        results: table with seed, arm, level, density and the column; level 0 is the dense network, an arm's line shows
            the rows that bear its name.
        column: the accuracy to draw, a fraction.
        title: above the axes.

    Returns:
        A `Figure`.

    Raises:
        ValueError: a column is missing, or there is no number in it.

    Example:

    >>> rows = [(0, "dense", 0, 1.0, 0.97), (0, "rewind", 1, 0.8, 0.98), (0, "rewind", 2, 0.64, 0.97)]
    >>> results = pd.DataFrame(rows, columns=["seed", "arm", "level", "density", "test_accuracy"])
    >>> accuracy_against_density(results).axes[0].lines[0].get_xdata().tolist()
    [0.8, 0.64]

    Reference:
        Frankle and Carbin, "The Lottery Ticket Hypothesis", ICLR 2019, figures 4 and 5.
    """
    figure, axes = _against_density(results, column, title)
    axes.set_ylabel(f"{_named(column)} (%)")
    axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=None))
    return figure


def early_stopping_against_density(results: pd.DataFrame, title: str | None = None) -> Figure:
    """Steps to the best validation loss, a measure of how fast an arm learns, against the density of its weights.

    Args:
        results: table with seed, arm, level, density and early_step.
        title: above the axes.

    Returns:
        A `Figure`.

    Raises:
        ValueError: a column is missing, or there is no number in it.

    Example:

    >>> rows = [(0, "dense", 0, 1.0, 700), (0, "rewind", 1, 0.8, 500)]
    >>> results = pd.DataFrame(rows, columns=["seed", "arm", "level", "density", "early_step"])
    >>> early_stopping_against_density(results).axes[0].get_ylabel()
    'steps to best validation loss'
    """
    figure, axes = _against_density(results, "early_step", title)
    axes.set_ylabel("steps to best validation loss")
    axes.set_ylim(bottom=0)
    return figure


def learning_curves(
    curves: pd.DataFrame, levels: Sequence[int] | None = None, column: str = "validation_accuracy"
) -> Figure:
    """Validation accuracy while training, a panel for each level and a line for each arm.

    Args:
        curves: table with seed, arm, level, step and the column.
        levels: which levels to draw; `None` for all, or six at even distances where there are more.
        column: the accuracy to draw, a fraction.

    Returns:
        A `Figure`.

    Raises:
        ValueError: a column is missing, there is no number in it, or a level that was asked for is not there.

    Example:

    >>> rows = [(0, "rewind", level, step, 0.9) for level in range(9) for step in (0, 100)]
    >>> curves = pd.DataFrame(rows, columns=["seed", "arm", "level", "step", "validation_accuracy"])
    >>> [axes.get_title() for axes in learning_curves(curves).axes]
    ['level 0', 'level 2', 'level 3', 'level 5', 'level 6', 'level 8']
    """
    curves = _numbers(curves, "curves", ("seed", "arm", "level", "step", column), column)
    levels = _chosen_levels(curves, levels)
    styles = _styles(curves["arm"])
    columns = min(3, len(levels))
    rows = -(-len(levels) // columns)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(max(5.0, 2.6 * columns), 2.1 * rows + 0.8), layout="constrained")
        panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
        for axes, level in zip(panels, levels, strict=False):
            at_level = curves[curves["level"] == level]
            for arm, rows_of_arm in at_level.groupby("arm", sort=False):
                _draw_mean_and_band(axes, _over_seeds(rows_of_arm, "step", column), styles[arm], markers=False)
            axes.set_title(f"level {level}")
            axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=None))
            axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        for axes in panels[len(levels) :]:
            axes.remove()
        for axes in panels[: len(levels)][-columns:]:  # nothing below them
            axes.tick_params(labelbottom=True)
            axes.set_xlabel("training steps")
        drawn = curves.loc[curves["level"].isin(levels), column]
        # the first steps come from chance level and would press everything that follows into one line
        span = 1.5 * (drawn.max() - drawn.quantile(0.05)) + 0.01
        panels[0].set_ylim(max(0, drawn.max() - span), drawn.max() + 0.08 * span)
        figure.supylabel(f"{_named(column)} (%)", fontsize=9)
        _legend_below(figure)
    return figure


def layer_density(layers: pd.DataFrame, arm: str) -> Figure:
    """Density of each layer in the order of the network, a line for each level, mean over seeds.

    A layer that was emptied, which a logarithm can not show, is a cross at the lower edge.

    Args:
        layers: table with seed, arm, level, layer and density; layers in the order of the network.
        arm: the arm to draw.

    Returns:
        A `Figure`.

    Raises:
        ValueError: a column is missing, or there is no number for this arm.

    Example:

    >>> rows = [(0, "rewind", 1, "conv1", 0.9), (0, "rewind", 1, "conv2", 0.7)]
    >>> layers = pd.DataFrame(rows, columns=["seed", "arm", "level", "layer", "density"])
    >>> layer_density(layers, "rewind").axes[0].lines[0].get_ydata().tolist()
    [0.9, 0.7]
    """
    layers = _numbers(layers, "layers", ("seed", "arm", "level", "layer", "density"), "density")
    names = list(dict.fromkeys(layers["layer"]))
    layers = layers[layers["arm"] == arm]
    if layers.empty:
        raise ValueError(f"`arm` must be an arm of `layers`. Received: arm={arm!r}")
    table = layers.pivot_table(index="layer", columns="level", values="density", aggfunc="mean").reindex(names)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(min(9.0, max(5.0, 1.8 + 0.3 * len(names))), 4.2), layout="constrained")
        axes = figure.subplots()
        _draw_levels(axes, table)
        axes.set_title(ARMS.get(arm, (arm,))[0])
        axes.set_ylabel("kept (%)")
        _name_layers(axes, names)
        figure.legend(loc="outside right upper")
    return figure


# ---------------------------------------------------------------------------------------------------------------- parts


def _numbers(table: pd.DataFrame, name: str, columns: Sequence[str], column: str) -> pd.DataFrame:
    """The rows of the table that have a number in the column."""
    missing = [c for c in columns if c not in table.columns]
    if missing:
        raise ValueError(f"`{name}` must have columns {', '.join(columns)}. Received: none named {', '.join(missing)}")
    table = table[table[column].notna()]
    if table.empty:
        raise ValueError(f"`{name}` must hold at least one number in {column}. Received: none")
    return table


def _against_density(results: pd.DataFrame, column: str, title: str | None) -> tuple[Figure, Axes]:
    results = _numbers(results, "results", ("seed", "arm", "level", "density", column), column)
    styles = _styles(results["arm"])
    results = results[results["density"] > 0]  # an emptied net has no place on a logarithmic axis
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 4.4), layout="constrained")
        axes = figure.subplots()
        for arm, rows in results.groupby("arm", sort=False):
            if arm != "dense":
                by_level = _over_seeds(rows, "level", column).set_axis(rows.groupby("level")["density"].mean())
                _draw_mean_and_band(axes, by_level, styles[arm])
        _draw_dense(axes, results.loc[results["level"] == 0].groupby("seed")[column].mean())
        _density_axis(axes, results["density"].unique())
        axes.set_title(title or "")
        _legend_below(figure)
    return figure, axes


def _styles(arms: Iterable[str]) -> dict[str, tuple[str, str, str]]:
    others = [arm for arm in dict.fromkeys(arms) if arm not in ARMS]
    return ARMS | {arm: (arm, OTHER_COLOURS[i % len(OTHER_COLOURS)], "h") for i, arm in enumerate(others)}


def _over_seeds(rows: pd.DataFrame, by: str, column: str) -> pd.DataFrame:
    return rows.groupby(by)[column].agg(["mean", "min", "max"])


def _draw_mean_and_band(axes: Axes, table: pd.DataFrame, style: tuple[str, str, str], markers: bool = True) -> None:
    """The table's index is x; its columns mean, min and max."""
    label, colour, marker = style
    alone = markers or len(table) == 1  # a single point has no line
    axes.plot(table.index, table["mean"], color=colour, marker=marker if alone else None, label=label, zorder=3)
    if (table["min"] < table["max"]).any():
        axes.fill_between(table.index, table["min"], table["max"], color=colour, alpha=0.15, linewidth=0)


def _draw_dense(axes: Axes, values: pd.Series) -> None:
    if values.empty:
        return
    label, colour, _ = ARMS["dense"]
    axes.axhline(values.mean(), color=colour, linestyle=":", label=label, zorder=2)
    if values.min() < values.max():
        axes.axhspan(values.min(), values.max(), color=colour, alpha=0.12, linewidth=0)
    axes.autoscale_view(scalex=False)  # a line across the axes does not make them fit by itself


def _density_axis(axes: Axes, densities: Sequence[float]) -> None:
    """Logarithmic, the densest on the left, ticks at the densities as far as there is room for them."""
    densities = np.sort(densities)[::-1]
    margin = max(0.03 * np.log(densities[0] / densities[-1]), 0.05)
    axes.set_xscale("log")
    axes.set_xlim(densities[0] * np.exp(margin), densities[-1] * np.exp(-margin))
    axes.xaxis.set_major_locator(FixedLocator(_thinned(densities)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(_percent))
    axes.set_xlabel("weights kept (%)")


def _thinned(densities: np.ndarray, apart: float = 0.08) -> list[float]:
    """Descending densities without those nearer than a part of the axis to one that stays; both ends stay."""
    least = apart * np.log(densities[0] / densities[-1])
    kept = [densities[0]]
    for density in densities[1:-1]:
        if min(np.log(kept[-1] / density), np.log(density / densities[-1])) >= least:
            kept.append(density)
    return kept + list(densities[1:][-1:])


def _percent(fraction: float, _position: int | None = None) -> str:
    return f"{100 * fraction:.3g}" if fraction < 1 else f"{100 * fraction:.0f}"


def _legend_below(figure: Figure) -> None:
    """One legend for all axes, in the order of `ARMS`, below them."""
    entries = dict[str, object]()
    for axes in figure.axes:
        entries |= {label: handle for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    order = [label for label, *_ in ARMS.values()]
    labels = sorted(entries, key=lambda label: order.index(label) if label in order else len(order))
    columns = min(3, len(labels))
    figure.legend([entries[label] for label in labels], labels, loc="outside lower center", ncols=columns)


def _chosen_levels(curves: pd.DataFrame, levels: Sequence[int] | None) -> list[int]:
    there = sorted(curves["level"].unique().tolist())
    if levels is None:
        places = np.linspace(0, len(there) - 1, min(MOST_PANELS, len(there)))
        return [there[int(place + 0.5)] for place in places]
    if not levels or not set(levels) <= set(there):
        raise ValueError(f"`levels` must be some of {there}. Received: levels={list(levels)}")
    return list(levels)


def _draw_levels(axes: Axes, table: pd.DataFrame) -> None:
    """The table: a row for each layer, a column for each level."""
    places = np.arange(len(table))
    colours = matplotlib.colormaps["viridis"](np.linspace(0, 0.9, table.shape[1]))
    floor = table.where(table > 0).min().min() / 2
    every = -(-table.shape[1] // MOST_LEVEL_LABELS)
    for i, (level, densities) in enumerate(table.items()):
        shown, emptied = densities.where(densities > 0).to_numpy(), (densities == 0).to_numpy()
        label = f"level {level}" if i % every == 0 else "_"
        axes.plot(places, shown, color=colours[i], marker="o", markersize=3, linewidth=1, label=label)
        axes.plot(places[emptied], np.full(emptied.sum(), floor), "x", color=colours[i])
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)) if floor < 0.2 else MaxNLocator(6))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(_percent))


def _name_layers(axes: Axes, names: Sequence[str]) -> None:
    every = -(-len(names) // MOST_LAYER_LABELS)
    axes.set_xticks(range(0, len(names), every), names[::every], rotation=90, fontsize=7)
    axes.set_xlim(-0.5, len(names) - 0.5)


def _named(column: str) -> str:
    """Column → words: early_test_accuracy → test accuracy at early stopping."""
    words = column.replace("_", " ")
    return f"{words.removeprefix('early ')} at early stopping" if words.startswith("early ") else words
