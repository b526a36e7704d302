"""Students beside their teachers on paper: tidy tables in, a Matplotlib `Figure` out.

Lines are the ODE's, marks what was simulated or trained. A band reaches from the least to the greatest seed.

    courses   setting, head_start, seed, source (ode, simulation), time, error            committee machines while they learn
    overlaps  source (ode, simulation, keras), time, kind (R, Q), name, value             the order parameters of one of them
    final     layers (first, both), noise, surplus, seed, error, ode, ode_later, asymptote, scale   what is left of the error
    units     source (simulation, ode_later), layers, surplus, seed, unit, correlation, strength    what student units match
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
from tfredundancy.numerics.overlaps import unit_state

ROUNDING = 1e-8  # what an integrator leaves where nothing is left
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F", "#000000")
LAYERS = {"first": ("first layer trained", "#D55E00", "o"), "both": ("both layers trained", "#0072B2", "s")}
STATES = {
    "match": ("matches a teacher unit", "#0072B2"),
    "opposite": ("matches its opposite", "#56B4E9"),
    "mixture": ("a mixture", "#E69F00"),
    "idle": ("adds next to nothing", "#BBBBBB"),
}


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
        for axes in panels[:, 0]:
            axes.set_ylabel("generalisation error")
        for axes in panels[-1]:
            axes.set_xlabel("time, steps / N")
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
        figure = Figure(figsize=(7.2, 3.8), layout="constrained")
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
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=4)
        figure.suptitle(title, fontsize=10)
    return figure


def final_errors(final: pd.DataFrame) -> Figure:
    """What is left of the error against the number of surplus units, with noise (by ησ²) and without.

    Args:
        final: table with layers, noise, surplus, seed, error, ode, ode_later, asymptote and scale, which is ησ² or 1.

    Returns:
        A `Figure` of two panels.

    Raises:
        ValueError: a column is missing, or there is no row.
    """
    require_columns(
        final, "final", ("layers", "noise", "surplus", "seed", "error", "ode", "ode_later", "asymptote", "scale")
    )
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.3), layout="constrained")
        for axes, noisy in zip(figure.subplots(1, 2), (True, False), strict=True):
            here = final[(final["noise"] > 0) == noisy]
            here = here.assign(
                **{name: here[name] / here["scale"] for name in ("error", "ode", "ode_later", "asymptote")}
                if noisy
                else {}
            )
            for layers, rows in here.groupby("layers", sort=False):
                label, colour, marker = LAYERS[layers]
                draw_band(
                    axes, rows, "surplus", "error", colour=colour, marker=marker, label=f"{label}, simulation", ls=""
                )
                ode = rows.groupby("surplus")[["ode", "ode_later"]].mean()
                ode = ode.where(ode > ROUNDING)
                axes.plot(ode.index, ode["ode"], color=colour, label=f"{label}, ODE", lw=1)
                if noisy:  # without noise there is nothing left but rounding
                    axes.plot(ode.index, ode["ode_later"], color=colour, label="ODE, 20 times as late", lw=1, ls="--")
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


def unit_states(units: pd.DataFrame) -> Figure:
    """What student units match: the mean number in each state against the surplus, at the end and by the ODE much later.

    Args:
        units: table with source, layers, surplus, seed, unit, correlation and strength, of one noise.

    Returns:
        A `Figure`: a panel for each of layers and source.

    Raises:
        ValueError: a column is missing, or there is no row.
    """
    key = ["layers", "source", "surplus"]
    require_columns(units, "units", (*key, "seed", "unit", "correlation", "strength"))
    kinds = [unit_state(*pair) for pair in zip(units["correlation"], units["strength"], strict=True)]
    counted = units.assign(state=kinds).groupby([*key, "state"]).size()
    nets = units.groupby(key)["seed"].nunique()
    panels = list(dict.fromkeys(zip(units["layers"], units["source"], strict=True)))
    words = {"simulation": "simulation", "ode_later": "ODE, 20 times as late"}
    surplus = np.array(sorted(units["surplus"].unique()))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(0.8 + 1.8 * len(panels), 3.0), layout="constrained")
        for axes, (layers, source) in zip(
            figure.subplots(1, len(panels), sharey=True, squeeze=False)[0], panels, strict=True
        ):
            bottom = np.zeros(len(surplus))
            for name, (label, colour) in STATES.items():
                numbers = np.array(
                    [counted.get((layers, source, s, name), 0) / nets[layers, source, s] for s in surplus]
                )
                axes.bar(surplus, numbers, bottom=bottom, color=colour, label=label, width=0.8)
                bottom += numbers
            axes.set_title(f"{LAYERS[layers][0]}\n{words[source]}")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.set_xlabel("surplus units L")
        figure.axes[0].set_ylabel("student units")
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
        panels[0].set_title("correlation of the nearest student unit")
        panels[0].legend()
        for axes, colour, layer in zip(panels[1:], COLOURS, names, strict=False):
            rows = nodes[nodes["layer"] == layer]
            axes.plot(
                rows["correlation"], rows["fan_out"] / rows["fan_out_initial"], ".", color=colour, ms=3, alpha=0.5
            )
            axes.axhline(1, color="#7F7F7F", ls=":")
            axes.set_title(f"layer {layer}")
            axes.set_ylim(bottom=0)
            axes.set_xlabel("correlation with the\nnearest teacher unit")
        panels[1].set_ylabel("outgoing weights, by the initial norm")
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
