"""The width of each layer before and after pruning: a tidy table in, a Matplotlib `Figure` out.

table     layer, before, after      a row for each layer: units, in the order of the model
"""

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tfredundancy.figures.bands import require_columns
from tfredundancy.figures.style import STYLE

KEPT, GONE = "#0072B2", "#C9DDEA"
MOST_NAMES = 40  # layers whose names and numbers have room


def widths_by_layer(table: pd.DataFrame, title: str = "") -> Figure:
    """Units of each layer: kept ones dark, and light those that are gone.

    Args:
        table: columns layer, before and after.
        title: above the axes.

    Returns:
        A `Figure`; with more than 40 layers their numbers in the model stand in place of their names.

    Raises:
        ValueError: a column is missing, or there is no row.

    Example:

    >>> table = pd.DataFrame({"layer": ["a", "b"], "before": [4, 8], "after": [2, 8]})
    >>> [int(bar.get_width()) for bar in widths_by_layer(table).axes[0].patches]
    [4, 8, 2, 8]
    """
    require_columns(table, "table", ("layer", "before", "after"))
    with matplotlib.rc_context(STYLE):
        named = len(table) <= MOST_NAMES
        figure = Figure(figsize=(6.4, 1.1 + 0.2 * len(table)) if named else (6.4, 7.5), layout="constrained")
        axes = figure.subplots()
        places, height = np.arange(len(table)), 0.75 if named else 1.0
        axes.barh(places, table["before"], height=height, color=GONE, label="taken away", zorder=2)
        axes.barh(places, table["after"], height=height, color=KEPT, label="kept", zorder=3)
        axes.set_ylim(len(table) - 0.4, -0.6)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel("units")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        _name(axes, table) if named else axes.set_ylabel("layer, counted from the input")
        axes.set_title(title, loc="left")
        figure.legend(loc="outside lower center", ncols=2)
    return figure


def _name(axes: Axes, table: pd.DataFrame) -> None:
    axes.set_yticks(range(len(table)), table["layer"])
    axes.tick_params(axis="y", length=0)
    for place, row in enumerate(table.itertuples()):
        text = f"{row.after:g} of {row.before:g}" if row.after < row.before else f"{row.before:g}"
        axes.annotate(text, (row.before, place), (3, 0), textcoords="offset points", va="center", fontsize=7)
    axes.set_xlim(0, table["before"].max() * 1.16)
