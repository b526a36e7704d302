"""Filters around few directions, on paper: tidy tables in, a Matplotlib `Figure` out.

    angles  seed, state, angle                              a row for each filter: trained, untrained, or a uniform direction
    arms    seed, arm, step, test_accuracy                  a row for each visit to a narrow net
    layers  seed, network, layer, step, gap, frame_excess   a row for each visit and layer

`gap` is how many degrees nearer units lie to their centres than uniform directions do to theirs after the same clustering. A line
is the mean over seeds, its band reaches from the least to the greatest seed; accuracies are fractions in the tables, per cent on
paper.
"""

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator, PercentFormatter, ScalarFormatter

from tfredundancy.figures.bands import draw_band, legend_below, require_columns
from tfredundancy.figures.style import STYLE

# label, colour (Okabe and Ito's), marker
STATES = {
    "trained": ("trained", "#0072B2"),
    "untrained": ("untrained", "#E69F00"),
    "sphere": ("uniform directions", "#7F7F7F"),
}
ARMS = {
    "centres": ("centres of the trained filters", "#0072B2", "o"),
    "picked": ("trained filters at random", "#009E73", "^"),
    "untrained": ("centres of the untrained filters", "#E69F00", "s"),
    "random": ("random", "#D55E00", "v"),
}
MOST_BANDS = 8


def alignment_and_narrow_nets(angles: pd.DataFrame, arms: pd.DataFrame) -> Figure:
    """Angles of the wide layer's filters to their centres beside their nulls; accuracies of narrow nets by where they start.

    Args:
        angles: table with seed, state (of `STATES`) and angle.
        arms: table with seed, arm (of `ARMS`), step and test_accuracy.

    Returns:
        A `Figure` with three panels: the third is the second's difference to the random start.

    Raises:
        ValueError: a column is missing, or there is no row.

    Example:

    >>> angles = pd.DataFrame({"seed": 0, "state": "trained", "angle": [40.0, 50.0]})
    >>> arms = pd.DataFrame({"seed": 0, "arm": "random", "step": [0, 10], "test_accuracy": [0.1, 0.9]})
    >>> alignment_and_narrow_nets(angles, arms).axes[0].get_xlabel()
    'angle to the nearest of the centres (°)'

    Reference:
        Brutzkus and Globerson 2019, arXiv:1810.03037.
    """
    require_columns(angles, "angles", ("seed", "state", "angle"))
    require_columns(arms, "arms", ("seed", "arm", "step", "test_accuracy"))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(10.0, 3.5), layout="constrained")
        left, middle, right = figure.subplots(1, 3)
        bins = np.arange(0, 95, 5)
        for state, rows in angles.groupby("state", sort=False):
            label, colour = STATES[state]
            density, _ = np.histogram(rows["angle"], bins, density=True)
            left.stairs(density, bins, color=colour, linewidth=1.5, label=label)
            left.axvline(rows["angle"].mean(), color=colour, linestyle=":", linewidth=1)
        left.set_xlabel("angle to the nearest of the centres (°)")
        left.set_ylabel("density per degree")
        ahead = arms.join(arms[arms["arm"] == "random"].set_index(["seed", "step"])["test_accuracy"].rename("random"),
                          on=["seed", "step"])  # fmt: skip
        ahead = ahead.assign(ahead=ahead["test_accuracy"] - ahead["random"])
        for arm, (label, colour, marker) in ARMS.items():
            for axes, column in ((middle, "test_accuracy"), (right, "ahead")):
                of_arm = ahead[ahead["arm"] == arm]
                if not of_arm.empty and not (axes is right and arm == "random"):
                    draw_band(axes, of_arm, "step", column, colour=colour, marker=marker, label=label, markersize=3.5)
        right.axhline(0, color=ARMS["random"][1], linewidth=1)
        middle.set_ylabel("test accuracy of narrow nets (%)")
        right.set_ylabel("ahead of the random start (points)")
        for axes in (middle, right):
            _step_axis(axes, arms["step"].max())
            axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=None))
        legend_below(figure, columns=4)
    return figure


def filters_by_cluster(kernel: np.ndarray, centres: np.ndarray, labels: np.ndarray, angles: np.ndarray) -> Figure:
    """The centres and the filters nearest to each, as pictures of one scale each, centres first.

    Args:
        kernel: array (height, width, filters), one input channel.
        centres: array (k, height · width).
        labels: array (filters,), the number of each one's centre.
        angles: array (filters,), degrees to it.

    Returns:
        A `Figure`: a row for each centre; above each filter its angle.
    """
    shape, columns = kernel.shape[:2], 9
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(0.85 * columns, 1.0 * len(centres)), layout="constrained")
        panels = figure.subplots(len(centres), columns, squeeze=False)
        for number, (line, centre) in enumerate(zip(panels, centres, strict=True)):
            nearest = [i for i in np.argsort(angles) if labels[i] == number][: columns - 1]
            pictures = [(centre.reshape(shape), f"{(labels == number).sum()} filters")]
            pictures += [(kernel[..., i], f"{angles[i]:.0f}°") for i in nearest]
            for axes in line:
                axes.set_axis_off()
            for axes, (picture, title) in zip(line, pictures, strict=False):
                limit = np.abs(picture).max()
                axes.imshow(picture, cmap="RdBu_r", vmin=-limit, vmax=limit)
                axes.set_title(title)
    return figure


def layers_while_training(layers: pd.DataFrame) -> Figure:
    """Alignment of every layer: while it trains, from layer to layer, and beside the frame potential; a row for each network.

    Args:
        layers: table with seed, network, layer, step, gap (degrees) and frame_excess.

    Returns:
        A `Figure`.

    Raises:
        ValueError: a column is missing, or there is no row.

    Example:

    >>> row = {
    ...     "seed": 0,
    ...     "network": "net",
    ...     "layer": "conv",
    ...     "step": [0, 10],
    ...     "gap": [0.0, 3.0],
    ...     "frame_excess": [0.1, 0.2],
    ... }
    >>> layers_while_training(pd.DataFrame(row)).axes[0].lines[0].get_ydata().tolist()
    [0.0, 3.0]
    """
    require_columns(layers, "layers", ("seed", "network", "layer", "step", "gap", "frame_excess"))
    networks = list(dict.fromkeys(layers["network"]))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(10.5, 0.6 + 3.4 * len(networks)), layout="constrained")
        for line, network in zip(figure.subplots(len(networks), 3, squeeze=False), networks, strict=True):
            rows = layers[layers["network"] == network]
            names = list(dict.fromkeys(rows["layer"]))
            colours = dict(zip(names, matplotlib.colormaps["viridis"](np.linspace(0, 0.9, len(names))), strict=True))
            _draw_growth(line[0], rows, colours)
            _draw_profile(line[1], rows, names)
            _draw_frames(line[2], rows, colours)
            line[0].set_title(f"{network}, from the first layer (dark) to the last (light)")
    return figure


def _draw_growth(axes: Axes, rows: pd.DataFrame, colours: dict) -> None:
    if len(colours) > MOST_BANDS:  # which would hide each other
        rows = rows.groupby(["layer", "step"], as_index=False)["gap"].mean()
    for layer, colour in colours.items():
        of_layer = rows[rows["layer"] == layer]
        draw_band(axes, of_layer, "step", "gap", colour=colour, label=layer, markersize=2.5, linewidth=1)
    axes.axhline(0, color="#7F7F7F", linewidth=1)
    _step_axis(axes, rows["step"].max())
    axes.set_ylabel("nearer to centres than the null (°)")


def _draw_profile(axes: Axes, rows: pd.DataFrame, names: list[str]) -> None:
    """First and last visit, layers from the input on; bars from the least to the greatest seed."""
    places = {name: place for place, name in enumerate(names)}
    for step, colour, label in ((0, "#E69F00", "initial"), (rows["step"].max(), "#0072B2", "trained")):
        at = rows[rows["step"] == step]
        draw_band(
            axes, at.assign(place=at["layer"].map(places)), "place", "gap", colour=colour, label=label, markersize=3
        )
    axes.axhline(0, color="#7F7F7F", linewidth=1)
    step = max(1, len(names) // 8)
    axes.set_xticks(range(0, len(names), step), names[::step], rotation=60, ha="right", fontsize=6)
    axes.set_ylabel("nearer to centres than the null (°)")
    axes.legend(loc="upper left")


def _draw_frames(axes: Axes, rows: pd.DataFrame, colours: dict) -> None:
    """One point for each layer and seed at the end; a line from its beginning."""
    for (layer, _), of_net in rows.groupby(["layer", "seed"], sort=False):
        ends = of_net.sort_values("step").iloc[[0, -1]]
        axes.plot(ends["frame_excess"], ends["gap"], color=colours[layer], linewidth=0.6, alpha=0.6)
        axes.plot(ends["frame_excess"].iloc[-1:], ends["gap"].iloc[-1:], "o", color=colours[layer], markersize=3.5)
    axes.axhline(0, color="#7F7F7F", linewidth=1)
    axes.set_xlabel("excess frame potential")
    axes.set_ylabel("nearer to centres than the null (°)")
    axes.xaxis.set_major_locator(MaxNLocator(5))


def _step_axis(axes: Axes, last: int) -> None:
    """Logarithmic from 1 on, with 0 before it."""
    axes.set_xscale("symlog", linthresh=1)
    axes.set_xlim(0, 1.1 * last)
    axes.xaxis.set_major_locator(FixedLocator([0, *(10**power for power in range(7) if 10**power <= last)]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.set_xlabel("steps")
