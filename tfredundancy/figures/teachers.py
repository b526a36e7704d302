"""Students beside their teachers on paper: tidy tables in, a Matplotlib `Figure` out.

courses   setting, head_start, seed, source (ode, simulation), time, error            committee machines while they learn
overlaps  source (ode, simulation, keras), time, kind (R, Q), name, value             the order parameters of one of them
final     layers (first, both), noise, surplus, seed, error, ode, asymptote, scale    what is left of the error
units     layers, noise, surplus, seed, unit, correlation, strength                   what student units match at the end
layers    seed, step, layer, correlation                                              a deep student while it learns
nodes     seed, layer, correlation, fan_out, fan_out_initial                          its units at the end
"""

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tfredundancy.figures.bands import draw_band, legend_below, require_columns
from tfredundancy.figures.style import STYLE

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F", "#000000")
LAYERS = {"first": ("first layer trained", "#D55E00", "o"), "both": ("both layers trained", "#0072B2", "s")}
STATES = {
    "match": ("matches a teacher unit", "#0072B2"),
    "opposite": ("matches its opposite", "#56B4E9"),
    "mixture": ("a mixture", "#E69F00"),
    "idle": ("adds next to nothing", "#BBBBBB"),
}
MATCHES, IDLE = (
    0.9,
    0.05,
)  # |correlation| from which a unit matches; strength, by the teacher units', below which it is idle


def errors_against_time(courses: pd.DataFrame) -> Figure:
    """Generalisation errors of ODE (lines) and simulation (points), a panel for each setting, a colour for each head start.

    Args:
        courses: table with setting, head_start, seed, source, time and error; rows at time 0 are left out.

    Returns:
        A `Figure`.

    Raises:
        ValueError: a column is missing, or there is no row.
    """
    require_columns(courses, "courses", ("setting", "head_start", "seed", "source", "time", "error"))
    courses = courses[courses["time"] > 0]
    settings, starts = (list(dict.fromkeys(courses[name])) for name in ("setting", "head_start"))
    columns = min(4, len(settings))
    lines = -(-len(settings) // columns)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(0.6 + 2.1 * columns, 0.9 + 1.9 * lines), layout="constrained")
        panels = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
        for axes, setting in zip(panels.ravel(), settings, strict=False):
            for colour, start in zip(COLOURS, starts, strict=False):
                here = courses[(courses["setting"] == setting) & (courses["head_start"] == start)]
                _draw_courses(axes, here, colour, f"head start {start:g}")
            axes.set_title(_spelled(setting))
            axes.set_xscale("log")
            axes.set_yscale("log")
        for axes in panels.ravel()[len(settings) :]:
            axes.set_visible(False)
        panels[0, 0].set_ylim(max(courses["error"].min(), 1e-6), 2 * courses["error"].max())
        figure.supxlabel("time, steps / N", fontsize=9)
        figure.supylabel("generalisation error", fontsize=9)
        legend_below(figure)
    return figure


def overlaps_against_time(overlaps: pd.DataFrame, title: str | None = None) -> Figure:
    """R and Q of one student: the ODE's (lines), the simulation's (circles) and the Keras model's (crosses).

    Args:
        overlaps: table with source, time, kind, name and value; rows at time 0 are left out.
        title: above the panels.

    Returns:
        A `Figure` of two panels.

    Raises:
        ValueError: a column is missing, or there is no row.
    """
    require_columns(overlaps, "overlaps", ("source", "time", "kind", "name", "value"))
    overlaps = overlaps[overlaps["time"] > 0]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.4), layout="constrained")
        for axes, kind in zip(figure.subplots(1, 2), ("R", "Q"), strict=True):
            here = overlaps[overlaps["kind"] == kind]
            for colour, (name, rows) in zip(COLOURS, here.groupby("name", sort=False), strict=False):
                for source, rows_of in rows.groupby("source", sort=False):
                    marks = {"ode": dict(), "simulation": dict(ls="", marker="o", mfc="none", ms=4)}
                    style = marks.get(source, dict(ls="", marker="x", ms=4))
                    label = f"${name[0]}_{{{name[1:]}}}$" if source == "ode" else None
                    axes.plot(rows_of["time"], rows_of["value"], color=colour, label=label, **style)
            axes.set_xscale("log")
            axes.set_xlabel("time, steps / N")
            axes.set_title({"R": "R: student with teacher units", "Q": "Q: student units with each other"}[kind])
            axes.legend(ncols=2)
        figure.suptitle(title, fontsize=10)
    return figure


def final_errors(final: pd.DataFrame) -> Figure:
    """What is left of the error against the number of surplus units, with noise (by ησ²) and without.

    Args:
        final: table with layers, noise, surplus, seed, error, ode, asymptote and scale (ησ², what errors are divided by).

    Returns:
        A `Figure` of two panels.

    Raises:
        ValueError: a column is missing, or there is no row.
    """
    require_columns(final, "final", ("layers", "noise", "surplus", "seed", "error", "ode", "asymptote", "scale"))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.3), layout="constrained")
        for axes, noisy in zip(figure.subplots(1, 2), (True, False), strict=True):
            here = final[(final["noise"] > 0) == noisy]
            here = here.assign(
                **{name: here[name] / here["scale"] for name in ("error", "ode", "asymptote")} if noisy else {}
            )
            for layers, rows in here.groupby("layers", sort=False):
                label, colour, marker = LAYERS[layers]
                draw_band(
                    axes, rows, "surplus", "error", colour=colour, marker=marker, label=f"{label}, simulation", ls=""
                )
                ode = rows.groupby("surplus")["ode"].mean()
                axes.plot(ode.index, ode, color=colour, label=f"{label}, ODE", lw=1)
            law = here.dropna(subset=["asymptote"]).groupby("surplus")["asymptote"].first()
            if noisy and len(law):
                axes.plot(law.index, law, color="#000000", ls=":", label="(L + M/√3)/2π")
            axes.set_xlabel("surplus units L = K − M")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.set_title("with label noise" if noisy else "without label noise")
            axes.set_ylabel("final error / ησ²" if noisy else "final error")
            if noisy:
                axes.set_ylim(bottom=0)
            else:
                axes.set_yscale("log")
        legend_below(figure, columns=3)
    return figure


def state(correlation: float, strength: float) -> str:
    """What a student unit does: "match", "opposite", "mixture" or "idle".

    Args:
        correlation: of its response with that of the teacher unit that it is most like, in either sign.
        strength: |v| times the size of its response, by the same of the teacher's units.

    Example:
        >>> state(0.99, 1.0), state(-0.95, 0.3), state(0.5, 1.0), state(0.99, 0.01)
        ('match', 'opposite', 'mixture', 'idle')
    """
    if strength < IDLE:
        return "idle"
    if abs(correlation) < MATCHES:
        return "mixture"
    return "match" if correlation > 0 else "opposite"


def unit_states(units: pd.DataFrame) -> Figure:
    """What student units match at the end: the mean number in each state against the surplus, with noise and without.

    Args:
        units: table with layers, noise, surplus, seed, unit, correlation and strength.

    Returns:
        A `Figure`: a panel for each of layers and noise.

    Raises:
        ValueError: a column is missing, or there is no row.
    """
    require_columns(units, "units", ("layers", "noise", "surplus", "seed", "unit", "correlation", "strength"))
    kinds = [state(*pair) for pair in zip(units["correlation"], units["strength"], strict=True)]
    counted = units.assign(state=kinds).groupby(["layers", "noise", "surplus", "state"]).size()
    nets = units.groupby(["layers", "noise", "surplus"])["seed"].nunique()
    panels = list(dict.fromkeys(zip(units["layers"], units["noise"], strict=True)))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(0.8 + 1.8 * len(panels), 3.0), layout="constrained")
        for axes, (layers, noise) in zip(
            figure.subplots(1, len(panels), sharey=True, squeeze=False)[0], panels, strict=True
        ):
            surplus = np.array(sorted(units["surplus"].unique()))
            bottom = np.zeros(len(surplus))
            for name, (label, colour) in STATES.items():
                numbers = np.array([counted.get((layers, noise, s, name), 0) / nets[layers, noise, s] for s in surplus])
                axes.bar(surplus, numbers, bottom=bottom, color=colour, label=label, width=0.8)
                bottom += numbers
            axes.set_title(f"{LAYERS[layers][0]}\nσ = {noise:g}")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        figure.axes[0].set_ylabel("student units")
        figure.supxlabel("surplus units L = K − M", fontsize=9)
        legend_below(figure)
    return figure


def deep_students(layers: pd.DataFrame, nodes: pd.DataFrame) -> Figure:
    """A deep ReLU student: correlation with the teacher's units while it learns; outgoing weights of its units at the end.

    Args:
        layers: table with seed, step, layer and correlation.
        nodes: table with seed, layer, correlation, fan_out and fan_out_initial.

    Returns:
        A `Figure`: correlations on the left, then a panel for each layer.

    Raises:
        ValueError: a column is missing, or there is no row.
    """
    require_columns(layers, "layers", ("seed", "step", "layer", "correlation"))
    require_columns(nodes, "nodes", ("seed", "layer", "correlation", "fan_out", "fan_out_initial"))
    names = sorted(layers["layer"].unique())
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(3.2 + 1.7 * len(names), 3.2), layout="constrained")
        panels = figure.subplots(1, 1 + len(names), width_ratios=[1.7] + [1] * len(names))
        for colour, layer in zip(COLOURS, names, strict=False):
            rows = layers[(layers["layer"] == layer) & (layers["step"] > 0)]
            draw_band(panels[0], rows, "step", "correlation", colour=colour, label=f"layer {layer}")
        panels[0].set_xscale("log")
        panels[0].set_xlabel("step")
        panels[0].set_title("best correlation, mean over teacher units")
        panels[0].legend()
        for axes, colour, layer in zip(panels[1:], COLOURS, names, strict=False):
            rows = nodes[nodes["layer"] == layer]
            axes.plot(
                rows["correlation"], rows["fan_out"] / rows["fan_out_initial"], ".", color=colour, ms=3, alpha=0.5
            )
            axes.axhline(1, color="#7F7F7F", ls=":")
            axes.set_title(f"layer {layer}")
            axes.set_ylim(bottom=0)
        panels[1].set_ylabel("norm of outgoing weights, by the initial")
        panels[1 + len(names) // 2].set_xlabel("correlation of a student unit with its nearest teacher unit")
    return figure


def _draw_courses(axes: Axes, rows: pd.DataFrame, colour: str, label: str) -> None:
    """A line for the ODE of each seed, points for its simulation; only the first of each is named."""
    for source, style in (("ode", dict(lw=0.8)), ("simulation", dict(ls="", marker="o", ms=2, alpha=0.6))):
        named = f"{label}, {'ODE' if source == 'ode' else source}"
        for seed, of_seed in rows[rows["source"] == source].groupby("seed"):
            axes.plot(of_seed["time"], of_seed["error"], color=colour, label=named if seed == 0 else None, **style)


def _spelled(setting: str) -> str:
    sizes, noise = setting.split(":")
    teacher, student = sizes.split("x")
    return f"M = {teacher}, K = {student}, σ = {noise}"
