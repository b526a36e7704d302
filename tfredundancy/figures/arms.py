"""Arms side by side on paper: a tidy table in, a Matplotlib `Figure` out.

results     seed, arm, test_accuracy, steps, total_steps        a row for each seed and arm
"""

import matplotlib
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from tfredundancy.figures.bands import require_columns
from tfredundancy.figures.style import STYLE

# arm → label, colour (Okabe and Ito's)
LABELS = {
    "dense": ("whole net", "#7F7F7F"),
    "pruned": ("pruned, not trained on", "#000000"),
    "finetune": ("fine-tuned", "#E69F00"),
    "lr_rewind": ("learning rate rewound", "#0072B2"),
    "reinit": ("from scratch", "#D55E00"),
    "reinit_total": ("from scratch, for all steps", "#CC79A7"),
    "dense_total": ("whole net, for all steps", "#7F7F7F"),
}
FALLBACK = "#56B4E9"


def accuracy_of_arms(results: pd.DataFrame, title: str = "") -> Figure:
    """Test accuracy of each arm: a dot for each seed, a line at the mean; the dashed line is the first arm's mean.

    Args:
        results: table with seed, arm, test_accuracy (a fraction), steps and total_steps; arms from top to bottom.
        title: above the axes.

    Returns:
        A `Figure`.

    Raises:
        ValueError: a column is missing, or there is no row.

    Example:

    >>> row = {"seed": [0, 1], "arm": "reinit", "test_accuracy": [0.5, 0.7], "steps": 10, "total_steps": 20}
    >>> accuracy_of_arms(pd.DataFrame(row)).axes[0].get_yticklabels()[0].get_text()
    'from scratch\\n10 steps, 20 in all'
    """
    require_columns(results, "results", ("seed", "arm", "test_accuracy", "steps", "total_steps"))
    groups = list(results.groupby("arm", sort=False))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 1.0 + 0.5 * len(groups)), layout="constrained")
        axes = figure.subplots()
        axes.axvline(groups[0][1].test_accuracy.mean(), color="#7F7F7F", linestyle="--", linewidth=0.9, zorder=1)
        for place, (arm, rows) in enumerate(groups):
            colour = LABELS.get(arm, (arm, FALLBACK))[1]
            axes.plot(
                rows.test_accuracy, [place] * len(rows), "o", color=colour, alpha=0.6, markeredgewidth=0, zorder=3
            )
            mean = rows.test_accuracy.mean()
            axes.plot([mean, mean], [place - 0.25, place + 0.25], color=colour, linewidth=2, zorder=4)
        axes.set_yticks(range(len(groups)), [_label(arm, rows) for arm, rows in groups])
        axes.set_ylim(len(groups) - 0.5, -0.5)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel("test accuracy (%)")
        axes.xaxis.set_major_formatter(PercentFormatter(1, symbol=None))
        axes.set_title(title, loc="left")
    return figure


def _label(arm: str, rows: pd.DataFrame) -> str:
    steps, total = rows.steps.iloc[0], rows.total_steps.iloc[0]
    return f"{LABELS.get(arm, (arm, FALLBACK))[0]}\n{steps:,} steps, {total:,} in all"
