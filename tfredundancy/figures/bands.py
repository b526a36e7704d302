"""A line for a mean over seeds with a band from the least to the greatest seed, which several figures are made of."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure


def draw_band(axes: Axes, table: pd.DataFrame, x: str, y: str, *, colour: Any, label: str, marker: str = "o", **line):
    """Draw the mean of column `y` for each value of column `x`, in a band from the least to the greatest; NaN are left out."""
    spread = table.dropna(subset=[y]).groupby(x)[y].agg(["mean", "min", "max"])
    axes.plot(spread.index, spread["mean"], color=colour, marker=marker, label=label, zorder=3, **line)
    if (spread["min"] < spread["max"]).any():
        axes.fill_between(spread.index, spread["min"], spread["max"], color=colour, alpha=0.15, linewidth=0)


def legend_below(figure: Figure, columns: int = 4) -> None:
    """One legend for all axes below them, each label once."""
    entries = dict[str, Any]()
    for axes in figure.axes:
        entries |= {label: handle for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(entries.values(), entries.keys(), loc="outside lower center", ncols=min(columns, len(entries)))


def require_columns(table: pd.DataFrame, name: str, columns: tuple[str, ...]) -> None:
    """Raise a ValueError that names the table where a column is missing or there is no row."""
    missing = [column for column in columns if column not in table.columns]
    if missing or table.empty:
        found = f"none named {', '.join(missing)}" if missing else "no row"
        raise ValueError(f"`{name}` must have columns {', '.join(columns)} and a row. Received: {found}")
