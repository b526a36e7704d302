"""Weights on paper: the records of `tfredundancy.inspection` in, a Matplotlib `Figure` out.

Grey is what is measured, orange the law of noise, blue the power law, dashed the other nulls. A fit that is not to be
trusted is drawn thin and says so.
"""

import textwrap
from collections.abc import Callable, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tfredundancy.figures.style import STYLE
from tfredundancy.inspection.records import Record
from tfredundancy.numerics import geometry, powerlaw, spectra

MEASURED, NOISE, TAIL, INITIAL, ALERT = "#9A9A9A", "#D55E00", "#0072B2", "#009E73", "#CC3311"
MOST_LABELS = 40


def spectrum(record: Record, bins: int | None = None, log: bool = False) -> Figure:
    """The ESD of a matrix with the Marchenko–Pastur law of its bulk, the bulk edge, spikes and the power law of its tail.

    Args:
        record: of one matrix.
        bins: number of bins; default: by Freedman and Diaconis, 20 to 120.
        log: both axes logarithmic.

    Returns:
        A `Figure` with one pair of axes.

    Raises:
        ValueError: the record has no spectrum; says why.
    """
    return _alone(_draw_spectrum, record, bins=bins, log=log)


def ccdf(record: Record) -> Figure:
    """The fraction of eigenvalues of at least λ, both axes logarithmic, with the power law from xmin on.

    Args, Returns, Raises: as for `spectrum`.
    """
    return _alone(_draw_ccdf, record)


def alpha_scan(record: Record) -> Figure:
    """Alpha of the power law for every possible xmin, with the Kolmogorov–Smirnov distance that chooses among them.

    A tail that is a power law shows a plateau. Args, Returns, Raises: as for `spectrum`.
    """
    return _alone(_draw_alpha_scan, record)


def angles(record: Record) -> Figure:
    """Angles of the units to their cluster centres: trained, initial where it is known, and the null.

    The null is the same clustering of uniform-sphere draws. Args, Returns, Raises: as for `spectrum`.
    """
    return _alone(_draw_angles, record)


def pair_angles(record: Record) -> Figure:
    """Angles between each two units with the density of uniform directions, ∝ sin^(d−2).

    Args, Returns, Raises: as for `spectrum`.
    """
    return _alone(_draw_pair_angles, record)


def layer(record: Record) -> Figure:
    """A page of one matrix: spectrum, CCDF, alpha(xmin), angles to centres and between units; what is not there says why.

    Args:
        record: of one matrix.

    Returns:
        A `Figure` with six panels.
    """
    panels = (_draw_spectrum, _draw_ccdf, _draw_alpha_scan, _draw_angles, _draw_pair_angles, _write_numbers)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(11, 6.4), layout="constrained")
        for axes, draw in zip(figure.subplots(2, 3).flat, panels, strict=True):
            _panel(axes, draw, record)
        figure.suptitle(_headline(record), fontsize=10)
    return figure


def overview(records: Sequence[Record], title: str | None = None) -> Figure:
    """One page of a model: its matrices in order from left to right, a panel for each measure beside its null.

    Args:
        records: of all matrices, in the model's order.
        title: above the panels.

    Returns:
        A `Figure`.

    Raises:
        ValueError: no record has numbers.
    """
    measured = [record for record in records if record.spectrum is not None or record.angles is not None]
    if not measured:
        raise ValueError(f"`records` must hold one that was measured. Received: {len(records)} without numbers")
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(min(6 + 0.16 * len(measured), 16), 10.5), layout="constrained")
        panels = figure.subplots(len(_OVERVIEW), 1, sharex=True)
        for axes, (label, draw) in zip(panels, _OVERVIEW.items(), strict=True):
            draw(axes, measured)
            axes.set_ylabel(label, fontsize=8)
            axes.set_xlim(-0.6, len(measured) - 0.4)
        _name_matrices(panels[-1], [record.path for record in measured])
        figure.suptitle(title or f"{len(measured)} of {len(records)} matrices measured", fontsize=10)
    return figure


def _alone(draw: Callable, record: Record, **options) -> Figure:
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(5, 3.4), layout="constrained")
        axes = figure.subplots()
        draw(axes, record, **options)
        axes.set_title(_headline(record))
    return figure


def _panel(axes: Axes, draw: Callable, record: Record) -> None:
    """Draw, or write on empty axes why there is nothing to draw."""
    try:
        draw(axes, record)
    except _NothingToDraw as nothing:
        axes.set_axis_off()
        axes.text(0.5, 0.5, _wrapped(str(nothing), 44), ha="center", va="center", fontsize=8, color="#555555")


class _NothingToDraw(ValueError):
    """A record without what a panel draws; the message says why."""


def _require(value, record: Record, what: str):
    if value is None:
        reason = record.row.get("reason") or "it was not measured"
        raise _NothingToDraw(f"`record` of '{record.path}' has no {what}: {reason}")
    return value


def _draw_spectrum(axes: Axes, record: Record, bins: int | None = None, log: bool = False) -> None:
    found = _require(record.spectrum, record, "spectrum")
    values = found.eigenvalues[found.eigenvalues > 0] if log else found.eigenvalues
    edges = _bins(values, bins, log)
    axes.hist(values, edges, density=True, color=MEASURED, label=f"{len(values)} eigenvalues")
    if found.bulk is not None:
        _draw_bulk(axes, found, values, edges)
    if found.tail is not None and log:
        _draw_tail_density(axes, record, values)
    if log:
        axes.set(xscale="log", yscale="log")
    axes.set(xlabel="eigenvalue λ of WᵀW/N", ylabel="density")
    axes.legend()


def _draw_bulk(axes: Axes, found, values: np.ndarray, edges: np.ndarray) -> None:
    bulk = found.bulk
    x = np.linspace(bulk.bulk_lo, bulk.bulk_hi, 400)[1:-1]
    share = 1 - bulk.spikes / len(found.eigenvalues)
    law = share * spectra.marchenko_pastur_pdf(x, bulk.q, bulk.sigma2)
    axes.plot(x, law, color=NOISE, label=f"Marchenko–Pastur, σ² = {bulk.sigma2:.3g}")
    axes.axvline(bulk.bulk_edge, color=NOISE, linestyle=":", label=f"bulk edge; {bulk.spikes} above it")
    spikes = values[values > bulk.bulk_edge]
    if len(spikes):  # an unclipped line without points lies at the corner of the figure
        axes.plot(spikes, np.zeros(len(spikes)), "|", color=ALERT, markersize=8, clip_on=False)
    heights = np.histogram(values, edges, density=True)[0]
    axes.set_ylim(0, 1.25 * max(np.sort(heights)[-2:].mean(), min(law.max(), 2 * heights.max())))


def _draw_tail_density(axes: Axes, record: Record, values: np.ndarray) -> None:
    tail = record.spectrum.tail
    x = np.geomspace(tail.xmin, values[-1], 100)
    density = tail.n_tail / len(values) * (tail.alpha - 1) / tail.xmin * (x / tail.xmin) ** -tail.alpha
    axes.plot(x, density, color=TAIL, **_trust(record), label=_tail_label(record))


def _draw_ccdf(axes: Axes, record: Record) -> None:
    found = _require(record.spectrum, record, "spectrum")
    values = found.eigenvalues[found.eigenvalues > 0]
    share = np.arange(len(values), 0, -1) / len(values)
    axes.loglog(values, share, ".", color=MEASURED, markersize=3, label="eigenvalues")
    if found.tail is not None:
        tail = found.tail
        x = np.geomspace(tail.xmin, values[-1], 100)
        law = tail.n_tail / len(values) * (x / tail.xmin) ** (1 - tail.alpha)
        axes.loglog(x, law, color=TAIL, **_trust(record), label=_tail_label(record))
        axes.axvline(tail.xmin, color=TAIL, linestyle=":", label="xmin")
    if found.bulk is not None:
        x = np.geomspace(max(found.bulk.bulk_lo, values[0]), found.bulk.bulk_hi, 300)[:-1]
        above = 1 - spectra.marchenko_pastur_cdf(x, found.bulk.q, found.bulk.sigma2)
        axes.loglog(x, above, color=NOISE, linestyle="--", label="Marchenko–Pastur")
    axes.set(xlabel="eigenvalue λ of WᵀW/N", ylabel="fraction ≥ λ", ylim=(0.5 / len(values), 1.5))
    axes.legend(loc="lower left")


def _draw_alpha_scan(axes: Axes, record: Record) -> None:
    found = _require(record.spectrum, record, "spectrum")
    tail = _require(found.tail, record, "power law")
    scan = powerlaw.scan(found.eigenvalues)
    axes.semilogx(scan.xmin, scan.alpha, color=TAIL, label="alpha")
    axes.set(xlabel="xmin", ylabel="alpha", ylim=(1, min(3 * tail.alpha, 1.1 * scan.alpha.max())))
    axes.plot(tail.xmin, tail.alpha, "o", color=TAIL, label=f"chosen: {tail.alpha:.2f}")
    axes.plot([], [], color=MEASURED, label="KS distance")
    other = axes.twinx()
    other.semilogx(scan.xmin, scan.ks, color=MEASURED, linewidth=1)
    other.set(ylabel="KS distance", ylim=(0, None))
    other.grid(False)
    other.spines["right"].set_visible(True)
    axes.set_zorder(other.get_zorder() + 1)
    axes.patch.set_visible(False)
    axes.legend()


def _draw_angles(axes: Axes, record: Record) -> None:
    found = _require(record.angles, record, "angles")
    trained = found.clusters.angles[np.isfinite(found.clusters.angles)]
    everything = [trained, found.null.ravel(), *([] if found.initial is None else [found.initial])]
    edges = np.linspace(0, np.ceil(max(np.nanmax(values) for values in everything)) + 1, 40)
    axes.hist(trained, edges, density=True, color=MEASURED, label=f"weights, mean {trained.mean():.1f}°")
    if found.initial is not None:
        initial = found.initial[np.isfinite(found.initial)]
        label = f"initial weights, {initial.mean():.1f}°"
        axes.hist(initial, edges, density=True, histtype="step", color=INITIAL, label=label, linewidth=1.5)
    label = f"uniform directions, {np.nanmean(found.null):.1f}°"
    null = found.null[np.isfinite(found.null)]
    axes.hist(null, edges, density=True, histtype="step", color=NOISE, linestyle="--", label=label, linewidth=1.5)
    centres = len(found.clusters.centres)
    axes.set(xlabel=f"angle to the nearest of {centres} cluster centres (°)", ylabel="density")
    axes.set_ylim(0, 1.35 * axes.get_ylim()[1])
    axes.legend(loc="upper left")


def _draw_pair_angles(axes: Axes, record: Record) -> None:
    found = _require(record.angles, record, "angles")
    total = found.pairs.sum()
    if not total:
        raise _NothingToDraw(f"`record` of '{record.path}' has no two units")
    axes.stairs(found.pairs / total, np.arange(181), fill=True, color=MEASURED, label=f"{int(total)} pairs of units")
    dimension = record.row["fan_in"]
    if dimension > 1:
        x = np.linspace(0, 180, 721)
        axes.plot(x, geometry.angle_pdf(x, dimension), color=NOISE, linestyle="--", label="uniform directions")
    present = np.flatnonzero(found.pairs)
    axes.set(xlim=(max(0, min(present[0], 60) - 5), min(180, max(present[-1], 120) + 5)))
    axes.set(xlabel="angle between two units (°)", ylabel="density per degree")
    axes.set_ylim(0, 1.35 * axes.get_ylim()[1])  # room for the legend
    axes.legend(loc="upper left")


def _write_numbers(axes: Axes, record: Record) -> None:
    """The row of `analyze`, in two columns of text."""
    axes.set_axis_off()
    shown = {name: value for name, value in record.row.items() if name not in ("layer", "matrix", "kind", "reason")}
    lines = [f"{name:<20}{_short(value)}" for name, value in shown.items()]
    half = -(-len(lines) // 2)
    for x, part in ((0.0, lines[:half]), (0.55, lines[half:])):
        axes.text(x, 1, "\n".join(part), va="top", family="monospace", fontsize=5.6, transform=axes.transAxes)
    if record.row.get("reason"):
        axes.text(0, 0, _wrapped(record.row["reason"], 70), va="bottom", fontsize=6, color=ALERT)
    for text in axes.texts:
        text.set_in_layout(False)


def _short(value) -> str:
    return f"{value:.4g}" if isinstance(value, float | np.floating) else str(value)


def _trust(record: Record) -> dict[str, float]:
    return {"linewidth": 1.8 if record.row.get("tail") == "power law" else 0.8}


def _tail_label(record: Record) -> str:
    row = record.row
    p = f", p = {row['alpha_p']:.2f}" if row.get("alpha_p") is not None else ""
    doubt = "" if row.get("tail") == "power law" else f" ({row.get('tail', 'not tested')})"
    return f"alpha = {row['alpha']:.2f} ± {row['alpha_sd']:.2f}{p}{doubt}"


def _headline(record: Record) -> str:
    row = record.row
    return f"{record.path}  ({row['kind']}, {row.get('units', '–')} units × {row.get('fan_in', '–')})"


def _bins(values: np.ndarray, bins: int | None, log: bool) -> np.ndarray:
    if not len(values):
        return np.array([0.0, 1.0])
    if bins is None:
        quartiles = np.quantile(values, [0.25, 0.75])
        width = 2 * (quartiles[1] - quartiles[0]) / len(values) ** (1 / 3)
        bins = int(np.clip(np.ptp(values) / width, 20, 120)) if width > 0 else 20
    if log:
        return np.geomspace(values[0], values[-1] * (1 + 1e-9), bins + 1)
    return np.linspace(min(0.0, values[0]), values[-1] * (1 + 1e-9) + 1e-30, bins + 1)


def _wrapped(text: str, width: int) -> str:
    return "\n".join(textwrap.wrap(text, width))


def _column(records: Sequence[Record], name: str) -> np.ndarray:
    values = [record.row.get(name) for record in records]
    return np.array([np.nan if value is None else value for value in values], float)


def _draw_alpha_of_all(axes: Axes, records: Sequence[Record]) -> None:
    x, alpha = np.arange(len(records)), _column(records, "alpha")
    trusted = np.array([record.row.get("tail") == "power law" for record in records])
    axes.plot(x, _column(records, "alpha_noise"), "_", color=NOISE, markersize=9, label="noise of the same shape")
    axes.errorbar(x, alpha, _column(records, "alpha_sd"), fmt="none", ecolor=TAIL, elinewidth=0.8)
    axes.plot(x[trusted], alpha[trusted], "o", color=TAIL, label="alpha")
    axes.plot(x[~trusted], alpha[~trusted], "o", color=TAIL, fillstyle="none", label="no power law")
    top = np.nanmax([10.0, *alpha[np.isfinite(alpha)]]) if np.isfinite(alpha).any() else 10
    axes.set_ylim(1, 1.35 * min(top, 20))
    axes.legend(ncols=3, loc="upper right", fontsize=7)


def _draw_share(numerator: str, denominator: str) -> Callable:
    def draw(axes: Axes, records: Sequence[Record]) -> None:
        share = _column(records, numerator) / _column(records, denominator)
        axes.plot(np.arange(len(records)), share, "o", color=TAIL)
        axes.set_ylim(0, None)

    return draw


def _draw_stable_rank(axes: Axes, records: Sequence[Record]) -> None:
    m, q = _column(records, "m"), _column(records, "q")
    axes.plot(np.arange(len(records)), _column(records, "stable_rank") / m, "o", color=TAIL)
    axes.plot(np.arange(len(records)), 1 / (1 + 1 / np.sqrt(q)) ** 2, "_", color=NOISE, markersize=9, label="noise")
    axes.set_ylim(0, 1)
    axes.legend(loc="upper right", fontsize=7)


def _draw_against(name: str, null: str | None) -> Callable:
    def draw(axes: Axes, records: Sequence[Record]) -> None:
        x = np.arange(len(records))
        axes.plot(x, _column(records, name), "o", color=TAIL)
        if null is not None:
            axes.plot(x, _column(records, null), "_", color=NOISE, markersize=9, label="uniform directions")
            axes.legend(loc="lower right", fontsize=7)
        axes.set_ylim(0, None)
        axes.margins(y=0.1)
        axes.yaxis.set_major_locator(MaxNLocator(4))

    return draw


_OVERVIEW: dict[str, Callable] = {
    "alpha": _draw_alpha_of_all,
    "stable rank\n÷ rank": _draw_stable_rank,
    "spikes": _draw_against("spikes", None),
    "frame-potential\nexcess": _draw_against("frame_excess", None),
    "mean angle to\ncentre (°)": _draw_against("mean_angle", "null_angle"),
    "directions\n÷ units": _draw_share("clusters", "units"),
}


def _name_matrices(axes: Axes, paths: Sequence[str]) -> None:
    every = -(-len(paths) // MOST_LABELS)
    axes.set_xticks(range(0, len(paths), every), paths[::every], rotation=60, ha="right", fontsize=6)
