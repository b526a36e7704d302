"""What do the surplus units of a student do that learns from a smaller teacher, and does theory know?

(1) Goldt et al. 2019 (arXiv:1906.08632): a soft committee machine of K erf units learns from one of M ≤ K, an example at a time.
Its order parameters Q, R are followed in a simulation and in a Keras model, beside the ODE that starts from the same Q, R, T.
From random weights chance decides on the plateau which unit takes which teacher unit, and so when and where to the net leaves
it; with a head start, an overlap of 0.3 with a teacher unit of its own, the ODE knows.
(2) The same paper: what the noise of labels leaves of the error grows with the surplus L = K − M where only the first layer is
trained, ε* = ησ²/2π · (L + M/√3) for small η, and does not where both are: units that share a teacher unit average the noise.
(3) Tian et al. 2019 (arXiv:1905.13405): the units of a deep ReLU student, several times as wide, come to respond as teacher units
do, the lowest layer first. Do the lucky ones at initialisation win, and do outgoing weights of those that match nothing vanish?

    python experiments/teacher_student.py                    N = 300, 5 seeds: about 3 minutes on 2 idle cores
    python experiments/teacher_student.py --preset paper     N = 784, 10 seeds, Tian's widths: about 2 hours on 2 cores

The same command again continues a run that was stopped.
"""

import argparse
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from tqdm import tqdm

from tfredundancy import models, runs
from tfredundancy.datasets import teacher as teachers
from tfredundancy.figures import teachers as figures
from tfredundancy.files import read_json, save_figure, write_csv, write_json
from tfredundancy.lottery import Ticket, courses
from tfredundancy.lottery.courses import Net
from tfredundancy.lottery.online import OnlineTrainer
from tfredundancy.lottery.reports import difference, shown, spread, text_table
from tfredundancy.lottery.visits import Row, log_spaced, train_and_visit
from tfredundancy.models.committee import HALF_LOSS_RATE, measure, set_weights
from tfredundancy.numerics import committee, responses
from tfredundancy.runs import Common, RunDirectory, flag, positive

SETTINGS = ("1x1:0.1", "1x2:0.1", "2x2:0", "2x2:0.1", "2x3:0.1", "2x4:0.1", "3x3:0", "3x4:0.1")
PRESETS = {
    "quick": dict(dataset="gaussian", seeds=5, inputs=300, duration=300.0, keras_duration=120.0, final_inputs=100,
                  final_duration=1500.0, surplus=(0, 1, 2, 4), widths=(5, 8, 10, 12), multiple=5, outputs=50, steps=2000),
    "paper": dict(dataset="gaussian", seeds=10, inputs=784, duration=1000.0, keras_duration=400.0, final_inputs=500,
                  final_duration=4000.0, surplus=(0, 1, 2, 3, 4, 6), widths=(10, 15, 20, 25), multiple=10, outputs=100,
                  steps=62_500),
}  # fmt: skip
PAPER = {
    "claim": "Online SGD of a committee machine follows its ODE. With label noise the final error grows by ησ²/2π for each "
    "surplus unit when only the first layer is trained, and is constant or falls when both are. Units of a deep ReLU student "
    "come to respond as the teacher's (0.999 in the lowest layer, about 0.95 in the second); lucky ones at initialisation win, "
    "and the outgoing weights of those that match nothing go to zero.",
    "reference": "Goldt et al. 2019, arXiv:1906.08632; Tian et al. 2019, arXiv:1905.13405",
}
LOOKS, LAST_LOOKS = 50, 10  # at a course; those at its end that a final error is the mean of
ASYMPTOTE_RATE, ASYMPTOTE_NETS = 0.02, ((1, 1), (1, 2), (1, 4), (2, 2), (2, 3), (2, 4))
BATCH, INPUT_SIZE, INPUT_STD, PROBES = 64, 20, 10.0, 2000  # of the deep student, the first three as in Tian's code
MATCHED = 0.95  # correlation
FAN_OUTS = ("fan_out_matched", "fan_out_unmatched")
TABLES = ("results", "courses", "overlaps", "final", "units", "layers", "nodes")


def setting(text: str) -> str:
    """`MxK:σ`, a teacher of M units, a student of K ≥ M, noise σ, for `flag(..., parse=setting)`."""
    found = re.fullmatch(r"(\d+)x(\d+):(\d*\.?\d+)", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise argparse.ArgumentTypeError(
            "expected MxK:σ: teacher units, at least as many student units (who must be able to become the teacher), noise ≥ 0. "
            f"Received: {text}"
        )
    return Net(int(found[1]), int(found[2]), float(found[3])).name


def above_zero(text: str) -> float:
    """A number greater than 0, for `flag(..., parse=above_zero)`."""
    return _number(text, lambda value: value > 0, "greater than 0")


def not_negative(text: str) -> float:
    """A number of at least 0, for `flag(..., parse=not_negative)`."""
    return _number(text, lambda value: value >= 0, "of at least 0")


def whole(text: str) -> int:
    """A whole number of at least 0, for `flag(..., parse=whole)`."""
    return int(_number(text, lambda value: value >= 0 and value == int(value), "whole and of at least 0"))


def _number(text: str, allowed, words: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not (np.isfinite(value) and allowed(value)):
        raise argparse.ArgumentTypeError(f"expected a number {words}. Received: {text}")
    return value


@dataclass(frozen=True, kw_only=True)
class Args(Common):
    """The flags; what is not given comes from the preset."""

    dataset: str = flag(None, "Where examples come from.", choices=("gaussian",))
    settings: tuple[str, ...] = flag(
        SETTINGS, "Committee machines MxK:σ whose ODE and simulation are compared.", parse=setting
    )
    head_starts: tuple[float, ...] = flag(
        (0.0, 0.3), "Overlaps of M student units with a teacher unit, at first.", parse=not_negative
    )
    inputs: int = flag(None, "N, numbers in an input.", parse=positive)
    rate: float = flag(1.0, "The learning rate η.", parse=above_zero)
    duration: float = flag(None, "How long is followed, in steps / N.", parse=above_zero)
    keras_setting: str = flag(
        "2x3:0.1", "The committee machine that is trained in Keras too, with the last head start.", parse=setting
    )
    keras_duration: float = flag(None, "How long.", parse=above_zero)
    surplus: tuple[int, ...] = flag(None, "Surplus units L whose final errors are compared.", parse=whole)
    final_teacher: int = flag(2, "Teacher units M there.", parse=positive)
    final_inputs: int = flag(None, "N there.", parse=positive)
    final_rate: float = flag(0.2, "η there.", parse=above_zero)
    final_noise: float = flag(0.1, "σ there, beside 0.", parse=above_zero)
    final_duration: float = flag(None, "How long, in steps / N.", parse=above_zero)
    widths: tuple[int, ...] = flag(None, "Units of the deep teacher's layers.", parse=positive)
    multiple: int = flag(None, "How many times as wide its student is.", parse=positive)
    outputs: int = flag(None, "Outputs of both.", parse=positive)
    steps: int = flag(None, "Steps of the deep student, 64 examples each.", parse=positive)
    deep_rate: float = flag(0.05, "Its learning rate.", parse=above_zero)


def main() -> None:
    """Parse the flags; simulate, integrate, train, write what was found."""
    args = runs.parse(Args, PRESETS, description=__doc__)
    runs.deterministic()
    with runs.checking_arguments():
        check(args)
    with (
        RunDirectory.open(
            args.out, "teacher_student", runs.settings(args), prefix=args.preset, fresh=args.fresh
        ) as run,
        runs.strategy_scope(args.strategy),
    ):
        rows, timings = [], []
        for part in (follow, in_keras, final_errors, deep):
            found, seconds = remembered(run / "checkpoints" / f"{part.__name__}.json", partial(part, run, args))
            rows += found
            timings.append({"part": part.__name__, "seconds": seconds})
        tables = {name: pd.DataFrame([row for table, row in rows if table == name]) for name in TABLES}
        for name, table in tables.items():
            write_csv(run / f"{name}.csv", table)
        write_csv(run / "timings.csv", timings)
        report(run, args, tables)


def remembered(file: Path, find: Callable[[], tuple[list[tuple[str, Row]], float]]) -> tuple[list, float]:
    """A finished part's (table, row)s and seconds, from its file where it is there."""
    if not file.exists():
        write_json(file, find())
    return read_json(file)


def check(args: Args) -> None:
    """Refuse what can not be run before a directory is made."""
    for name in ("settings", "head_starts", "surplus"):
        values = getattr(args, name)
        if len(set(values)) < len(values):
            raise ValueError(f"`{name}` must not name anything twice. Received: {', '.join(map(str, values))}")
    for name in ("duration", "keras_duration", "final_duration"):
        if getattr(args, name) < 2:
            raise ValueError(f"`{name}` must be at least 2. Received: {name}={getattr(args, name)}")
    if args.keras_duration > args.duration or args.keras_setting not in args.settings:
        raise ValueError(
            "`keras_setting` must be one of `settings`, followed no longer than `duration`. "
            f"Received: {args.keras_setting}, {args.keras_duration}"
        )
    teachers.relu_layers(0, INPUT_SIZE, args.widths, args.outputs)


# --- ODE and simulation ---


def follow(run: RunDirectory, args: Args) -> tuple[list[tuple[str, Row]], float]:
    """Simulate every setting and start, integrate each seed's ODE → rows of results, courses and overlaps, and seconds."""
    nets = nets_to_follow(args)
    times = looks(args.duration, args.inputs)
    with progress("simulation", times[-1] * args.inputs) as bar:
        found, seconds = courses.simulated(
            nets, seeds=args.seeds, size=args.inputs, rate=args.rate, times=times, advance=bar.update,
            file=run / "checkpoints" / "simulation.npz", checkpoint_every=args.checkpoint_seconds,
        )  # fmt: skip
    rows, began = [], time.monotonic()
    for place, net in enumerate(tqdm(nets, desc="ODE", dynamic_ncols=True)):
        for seed in range(args.seeds):
            ours = courses.one_net(found, seed, place, net)
            theirs = courses.theory(ours, net, args.rate)
            key = {"setting": net.name, "head_start": net.head_start, "seed": seed}
            rows.append(("results", key | compared(ours, theirs, 5 / args.inputs**0.5)))
            rows += course_rows(key, {"ode": theirs, "simulation": ours})
            if net.name == args.keras_setting and net.head_start == args.head_starts[-1] and seed == 0:
                rows += [
                    row
                    for name, course in (("ode", theirs), ("simulation", ours))
                    for row in overlap_rows(name, course)
                ]
    return rows, seconds + time.monotonic() - began


def nets_to_follow(args: Args) -> list[Net]:
    """A net for each setting and head start."""
    named = [re.split("[x:]", text) for text in args.settings]
    return [Net(int(m), int(k), float(noise), start) for start in args.head_starts for m, k, noise in named]


def looks(duration: float, size: int) -> np.ndarray:
    """Times of 0 and whole steps at even ratios."""
    first = max(1, round(size / 2))
    return np.unique(np.rint([0, *np.geomspace(first, duration * size, LOOKS)])) / size


def progress(what: str, steps: float) -> tqdm:
    """A bar of steps."""
    return tqdm(total=round(steps), desc=what, unit="step", smoothing=0.05, dynamic_ncols=True)


def compared(ours: committee.Course, theirs: committee.Course, bound: float) -> Row:
    """What one seed's simulation and its ODE have to do with each other."""
    at = {"ode": float(theirs.diverged_at), "simulation": float(ours.diverged_at)}
    lost = [f"{name} diverged at t = {when:.3g}" for name, when in at.items() if np.isfinite(when)]
    if lost:
        return {"outcome": ", ".join(lost)}
    leaving = [courses.plateau_exit(course.times, course.error) for course in (theirs, ours)]
    before, during, after = phases(ours.times, leaving)
    order = courses.nearest_order(ours, theirs)
    raw, sorted_ = (np.maximum(*courses.distances(ours, theirs, which)) for which in (None, order))
    dr, dq = courses.distances(ours, theirs)
    outcome = "other units" if sorted_[-1] <= bound else "elsewhere"
    row = {"outcome": "same units" if raw[-1] <= bound else outcome, "bound": bound}
    for name, where in (("before", before), ("during", during), ("after", after)):
        row |= {f"d{what}_{name}": d[where].max() if where.any() else None for what, d in (("r", dr), ("q", dq))}
    row["distance_end_any_order"] = sorted_[-1]
    for name, exit_ in zip(("ode", "simulation"), leaving, strict=True):
        row |= {f"exit_{name}": exit_.half if exit_ else None}
    return row | {"error_ode": theirs.error[-1], "error_simulation": ours.error[-1]}


def phases(times: np.ndarray, leaving: Sequence[courses.Exit | None]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which looks are before, in and after the exit from the plateau, of ODE and simulation together."""
    begin = min((each.begin for each in leaving if each), default=np.inf)
    end = max((each.end if each else np.inf for each in leaving), default=np.inf) if np.isfinite(begin) else np.inf
    return times <= begin, (times > begin) & (times < end), times >= end


def course_rows(key: Row, found: dict[str, committee.Course]) -> list[tuple[str, Row]]:
    """Rows of courses.csv; each says whether it is in the exit from the plateau."""
    leaving = [courses.plateau_exit(course.times, course.error) for course in found.values()]
    rows = []
    for source, course in found.items():
        during = phases(course.times, leaving)[1]
        for time_, error, inside in zip(course.times, course.error, during, strict=True):
            error = None if np.isnan(error) else error
            rows.append(("courses", key | {"source": source, "time": time_, "error": error, "in_exit": bool(inside)}))
    return rows


def overlap_rows(source: str, course: Any) -> list[tuple[str, Row]]:
    """Rows of overlaps.csv: every R_in and every Q_ik with i ≤ k."""
    rows = []
    for time_, q, r in zip(course.times, course.q, course.r, strict=True):
        entries = [("R", i, n, r[i, n]) for i, n in np.ndindex(r.shape)]
        entries += [("Q", i, k, q[i, k]) for i, k in np.ndindex(q.shape) if i <= k]
        rows += [
            (
                "overlaps",
                {"source": source, "time": time_, "kind": kind, "name": f"{kind}{i + 1}{j + 1}", "value": value},
            )
            for kind, i, j, value in entries
        ]
    return rows


def in_keras(run: RunDirectory, args: Args) -> tuple[list[tuple[str, Row]], float]:
    """Train one setting of seed 0 in Keras, its order parameters measured on the way → rows of overlaps, and seconds."""
    m, k, noise = re.split("[x:]", args.keras_setting)
    net = Net(int(m), int(k), float(noise), args.head_starts[-1])
    first = courses.initial([net], 1, args.inputs)
    theirs, scale = first["teacher"][0, 0], args.inputs**-0.5

    def draw(seed, start, stop):
        x, zeta = teachers.examples(seed, start, stop, args.inputs)
        y = committee.ERF.value(x @ theirs.T * scale).sum(-1) + net.noise * zeta
        return x[:, None], y[:, None, None]

    def visit(step, loss):
        q, r, _, v = measure(model, theirs)
        return [{"q": q.tolist(), "r": r.tolist(), "v": v.tolist(), "loss": loss}]

    model = models.committee(args.inputs, net.units, compile_rate=args.rate)
    set_weights(model, first["weights"][0, 0], first["v"][0, 0])
    times = looks(args.duration, args.inputs)
    steps = np.rint(times[times <= args.keras_duration][::3] * args.inputs).astype(int)
    with progress("Keras", steps[-1]) as bar:
        found = train_and_visit(
            OnlineTrainer(model, draw, chunk=2000), Ticket.take(model), visit, at=steps, seed=0,
            rate=partial(np.full_like, fill_value=HALF_LOSS_RATE * args.rate, dtype=np.float64),
            file=run / "checkpoints" / "keras.npz", checkpoint_every=args.checkpoint_seconds, advance=bar.update, keep_net=False,
        )  # fmt: skip
    q, r = (np.array([row[name] for row in found.rows]) for name in ("q", "r"))
    course = committee.Course(steps / args.inputs, q, r, *[np.empty(0)] * 4)
    return overlap_rows("keras", course), found.seconds


# --- what is left of the error ---


def final_errors(run: RunDirectory, args: Args) -> tuple[list[tuple[str, Row]], float]:
    """Final errors against the surplus, of first-layer and both-layer training → rows of final and units, and seconds."""
    nets = [
        Net(args.final_teacher, args.final_teacher + surplus, noise, args.head_starts[-1], both)
        for both in (False, True) for noise in (args.final_noise, 0.0) for surplus in args.surplus
    ]  # fmt: skip
    early = looks(0.8 * args.final_duration, args.final_inputs)
    late = (
        np.rint(np.linspace(0.8, 1, LAST_LOOKS + 1)[1:] * args.final_duration * args.final_inputs) / args.final_inputs
    )
    times = np.concatenate([early, late])
    with progress("final errors", times[-1] * args.final_inputs) as bar:
        found, seconds = courses.simulated(
            nets, seeds=args.seeds, size=args.final_inputs, rate=args.final_rate, times=times, advance=bar.update,
            file=run / "checkpoints" / "final.npz", checkpoint_every=args.checkpoint_seconds,
        )  # fmt: skip
    rows, began = [], time.monotonic()
    for place, net in enumerate(tqdm(nets, desc="ODE", dynamic_ncols=True)):
        for seed in range(args.seeds):
            ours = courses.one_net(found, seed, place, net)
            rows += final_rows(args, net, seed, ours, courses.theory(ours, net, args.final_rate))
    return rows, seconds + time.monotonic() - began


def final_rows(
    args: Args, net: Net, seed: int, ours: committee.Course, theirs: committee.Course
) -> list[tuple[str, Row]]:
    """One row of final.csv and, for each unit, one of units.csv."""
    key = {
        "layers": "both" if net.both else "first",
        "noise": net.noise,
        "surplus": net.units - net.teacher_units,
        "seed": seed,
    }
    row = key | {
        "outcome": "finished",
        "scale": args.final_rate * net.noise**2 if net.noise else 1.0,
        "asymptote": None,
    }
    if not net.both:
        row["asymptote"] = committee.asymptotic_error(
            args.final_rate, net.noise, units=net.units, teacher_units=net.teacher_units
        )
    if np.isfinite([ours.diverged_at, theirs.diverged_at]).any():
        when = np.nanmin([ours.diverged_at, theirs.diverged_at])
        return [
            ("final", row | {"outcome": f"diverged at t = {when:.3g}", "error": None, "ode": None, "ode_change": None})
        ]
    last = theirs.error[-LAST_LOOKS:]
    row |= {"error": ours.error[-LAST_LOOKS:].mean(), "ode": last.mean(), "ode_change": last[-1] / last[0] - 1}
    alike = committee.unit_correlations(ours.q[-1], ours.r[-1], ours.t)
    best = np.abs(alike).argmax(axis=1)
    size = committee.ERF.i2(*[np.diagonal(ours.q[-1])] * 3) / np.mean(committee.ERF.i2(*[np.diagonal(ours.t)] * 3))
    units = [
        ("units", key | {"unit": i, "teacher": n, "correlation": alike[i, n], "v": ours.v[-1][i],
                         "strength": abs(ours.v[-1][i]) * size[i] ** 0.5})
        for i, n in enumerate(best)
    ]  # fmt: skip
    return [("final", row), *units]


# --- the deep student ---


def deep(run: RunDirectory, args: Args) -> tuple[list[tuple[str, Row]], float]:
    """Train a deep ReLU student for each seed, with a teacher of its own → rows of layers and nodes, and seconds."""
    rows, seconds, at = [], 0.0, log_spaced(args.steps, 12)
    student = models.mlp(
        (1, 1, INPUT_SIZE), args.outputs, hidden=tuple(args.multiple * width for width in args.widths),
        initializer=keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform"),
    )  # fmt: skip
    student.compile(
        keras.optimizers.SGD(args.deep_rate), "mean_squared_error", steps_per_execution=50, jit_compile=False
    )
    fresh = Ticket.take(student)
    with progress("deep students", args.seeds * args.steps) as bar:
        for seed in range(args.seeds):
            layers = teachers.relu_layers(seed, INPUT_SIZE, args.widths, args.outputs)
            start = initial_student(fresh, seed)
            found = train_and_visit(
                OnlineTrainer(student, partial(labelled, layers)), start, partial(look, layers, student, start, at[-1]), at=at,
                seed=seed, rate=partial(np.full_like, fill_value=args.deep_rate, dtype=np.float64), keep_net=False,
                file=run / "checkpoints" / f"deep{seed}.npz", checkpoint_every=args.checkpoint_seconds, advance=bar.update,
            )  # fmt: skip
            rows += [
                (row["table"], {"seed": seed} | {k: v for k, v in row.items() if k != "table"}) for row in found.rows
            ]
            seconds += found.seconds
    return rows, seconds


def initial_student(fresh: Ticket, seed: int) -> Ticket:
    """Kernels drawn from ±1/√fan-in, as PyTorch's layers begin; biases 0."""
    rng = np.random.default_rng([seed, 3])
    variables = {}
    for path, value in fresh.variables.items():
        limit = len(value) ** -0.5 if value.ndim == 2 else 0.0
        variables[path] = rng.uniform(-limit, limit, value.shape).astype(value.dtype) if value.ndim == 2 else value
    return replace(fresh, variables=variables)


def labelled(layers: Sequence, seed: int, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (steps, batch, 1, 1, size) and the teacher's outputs (steps, batch, outputs)."""
    x = INPUT_STD * teachers.examples(seed, start * BATCH, stop * BATCH, INPUT_SIZE)[0]
    y = forward(layers, x)[-1]
    return x.reshape(-1, BATCH, 1, 1, INPUT_SIZE), y.reshape(-1, BATCH, y.shape[-1])


def forward(layers: Sequence, x: np.ndarray) -> list[np.ndarray]:
    """Responses of each hidden layer, and the outputs."""
    found = [x]
    for kernel, bias in layers[:-1]:
        found.append(np.maximum(found[-1] @ kernel + bias, 0))
    return [*found[1:], found[-1] @ layers[-1][0] + layers[-1][1]]


def look(layers: Sequence, student: keras.Model, start: Ticket, last: int, step: int, loss: float | None) -> list[Row]:
    """How alike the units of teacher and student are, layer by layer; at the end also unit by unit."""
    x = INPUT_STD * teachers.examples(2**32, 0, PROBES, INPUT_SIZE)[0]  # no seed's
    ours, initial = (paired(variables) for variables in (Ticket.take(student).variables, start.variables))
    theirs, now, before = (forward(each, x) for each in (layers, ours, initial))
    error = np.square(now[-1] - theirs[-1]).mean() / theirs[-1].var()
    rows = []
    for place, (a, b, c) in enumerate(zip(theirs[:-1], now[:-1], before[:-1], strict=True)):
        varying = a.std(axis=0) > 0
        alive = (b.std(axis=0) > 0) & (c.std(axis=0) > 0)
        if not alive.any():
            rows.append({"table": "layers", "layer": place + 1, "outcome": "no unit responds", "relative_error": error})
            continue
        found = responses.match(a[:, varying], b, c)
        fan_out, fan_out_initial = (np.linalg.norm(net[place + 1][0], axis=1) for net in (ours, initial))
        alike = np.corrcoef(a[:, varying].T, b[:, alive].T)[: varying.sum(), varying.sum() :].max(axis=0)
        matched, units = alike >= MATCHED, np.flatnonzero(alive)
        rows.append({
            "table": "layers", "layer": place + 1, "outcome": "trained", "relative_error": error, "loss": loss,
            "correlation": found.mean, "lucky": float(np.mean(found.initial_rank == 0)), "chance": 1 / b.shape[1],
            "matched_units": int(matched.sum()), "units": b.shape[1],
            **{f"fan_out_{name}": ratio(fan_out, fan_out_initial, units[which])
               for name, which in (("matched", matched), ("unmatched", ~matched))},
        })  # fmt: skip
        if step == last:
            numbers = zip(units, alike, fan_out[units], fan_out_initial[units], strict=True)
            rows += [
                {
                    "table": "nodes",
                    "layer": place + 1,
                    "unit": int(u),
                    "correlation": r,
                    "fan_out": f,
                    "fan_out_initial": f0,
                }
                for u, r, f, f0 in numbers
            ]
    return rows


def paired(variables: dict[str, np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    """(kernel, bias) of each layer, in order."""
    arrays = list(variables.values())
    kernels, biases = ([a for a in arrays if a.ndim == n] for n in (2, 1))
    return list(zip(kernels, biases, strict=True))


def ratio(now: np.ndarray, initial: np.ndarray, units: np.ndarray) -> float | None:
    """Mean norm of outgoing weights over some units, by the initial; None where there is no unit."""
    return float(now[units].mean() / initial[units].mean()) if len(units) else None


# --- what it amounts to ---


def report(run: RunDirectory, args: Args, tables: dict[str, pd.DataFrame]) -> None:
    """Figures, summary.json, and the table on the screen."""
    last = args.head_starts[-1]
    drawn = {
        "errors": figures.errors_against_time(tables["courses"]),
        "overlaps": figures.overlaps_against_time(
            tables["overlaps"], f"{args.keras_setting}, head start {last:g}, seed 0: lines ODE, ○ simulation, × Keras"
        ),
        "final_errors": figures.final_errors(tables["final"]),
        "unit_states": figures.unit_states(tables["units"]),
        "deep_students": figures.deep_students(tables["layers"], tables["nodes"]),
    }
    for name, figure in drawn.items():
        save_figure(run / "figures" / name, figure)
    header, rows = overview(tables["results"])
    found = [
        *follow_claims(args, tables),
        asymptote_claim(),
        *final_claims(tables["final"], tables["units"]),
        *deep_claims(tables["layers"]),
    ]
    summary = {
        "experiment": "teacher_student",
        "command": runs.command("experiments/teacher_student.py", args, PRESETS),
        "paper": PAPER,
        "note": reduction(args),
        "seeds": args.seeds,
        "claims": found,
        "final": [
            dict(zip(("layers", "noise", "surplus"), key, strict=True))
            | {name: spread(of[name]) for name in ("error", "ode", "ode_change", "asymptote")}
            for key, of in tables["final"].groupby(["layers", "noise", "surplus"])
        ],
        "deep": [
            {"layer": layer} | {name: spread(of[name]) for name in ("correlation", "lucky", *FAN_OUTS)}
            for layer, of in at_the_end(tables["layers"]).groupby("layer")
        ],
        "table": {"header": header, "rows": rows},
        "picture": "figures/errors.png",
    }  # fmt: skip
    write_json(run / "summary.json", summary)
    print(text_table(header, rows))
    print("\n".join(f"- {each['claim']}: {each['verdict']}" for each in found))
    print(f"results, figures and summary: {run.path}")


def reduction(args: Args) -> str:
    """What is less here than in the papers, where something is."""
    paper = PRESETS["paper"]
    if all(getattr(args, name) == paper[name] for name in ("inputs", "widths", "multiple", "steps")):
        return ""
    widths = ", ".join(map(str, args.widths))
    return (
        f"N = {args.inputs}; deep teachers of {widths} units, students {args.multiple} times as wide, {args.steps:,} steps; the "
        "papers have N = 784, and 10, 15, 20, 25 units, 10 times as wide, 62,500 steps"
    )


def at_the_end(layers: pd.DataFrame) -> pd.DataFrame:
    """The rows of the last step of nets whose layer responds."""
    return layers[(layers["step"] == layers["step"].max()) & (layers["outcome"] == "trained")]


def follow_claims(args: Args, tables: dict[str, pd.DataFrame]) -> list[dict[str, Any]]:
    """For each head start: order parameters, errors, exits; and the Keras model beside the ODE."""
    found, results = [], tables["results"]
    for start in args.head_starts:
        here = results[
            (results["head_start"] == start) & results["outcome"].isin(["same units", "other units", "elsewhere"])
        ]
        if here.empty:
            continue
        words = f"head start {start:g}"
        for when in ("before", "after"):
            farthest = here[[f"{name}_{when}" for name in ("dr", "dq")]].max(axis=1) / here["bound"]
            if farthest.notna().any():
                found.append(
                    within(farthest.dropna(), 1.0, f"{words}, {when} the exit: greatest |ΔR|, |ΔQ| by 5/√N", "runs")
                )
        ratios = error_ratios(tables["courses"], start)
        found.append(
            within(
                ratios,
                0.1,
                f"{words}: greatest difference of mean errors above 0.001, relative, outside exits",
                "settings",
            )
        )
        both = here.dropna(subset=["exit_ode", "exit_simulation"])
        if len(both):
            claim = f"{words}: exit time of the simulation by the ODE's"
            same = (here["outcome"] == "same units").sum()
            verdict = f"{same} of {len(here)} end in the same units, {len(both)} have a plateau and left it"
            found.append(
                {"claim": claim, "ours": spread(both["exit_simulation"] / both["exit_ode"]), "verdict": verdict}
            )
    return [*found, keras_claim(args, tables["overlaps"])]


def within(values: pd.Series, bound: float, claim: str, what: str) -> dict[str, Any]:
    """A claim that each of some values is at most a bound."""
    inside = int((values <= bound).sum())
    verdict = "holds" if inside == len(values) else "fails in some"
    return {
        "claim": claim,
        "ours": spread(values),
        "verdict": f"{verdict}: at most {bound:g} in {inside} of {len(values)} {what}",
    }


def error_ratios(table: pd.DataFrame, start: float) -> pd.Series:
    """Per setting max |mean simulation / mean ODE − 1| over looks with a mean above 0.001, of seeds outside their exits."""
    here = table[(table["head_start"] == start) & ~table["in_exit"]]
    means = here.groupby(["setting", "time", "source"])["error"].mean().unstack()
    means = means[means["ode"] > 1e-3]
    return (means["simulation"] / means["ode"] - 1).abs().groupby("setting").max()


def keras_claim(args: Args, overlaps: pd.DataFrame) -> dict[str, Any]:
    """How far the Keras model's order parameters are from the ODE's, by 5/√N."""
    values = overlaps.pivot_table(index=["time", "name"], columns="source", values="value").dropna()
    far = (values["keras"] - values["ode"]).abs().groupby("time").max() / (5 / args.inputs**0.5)
    return within(far, 1.0, f"Keras model {args.keras_setting}: greatest |ΔR|, |ΔQ| to the ODE by 5/√N", "looks")


def asymptote_claim() -> dict[str, Any]:
    """The ODE's fixed point by ησ²/2π · (L + M/√3), at a small rate."""
    ratios = []
    for m, k in ASYMPTOTE_NETS:
        q, r = 0.01 * np.eye(k), np.eye(k, m)
        q[:m, :m] = np.eye(m)
        times = [0, 4000 / ASYMPTOTE_RATE]
        found = committee.ode(q, r, np.eye(m), np.ones(k), np.ones(m), rate=ASYMPTOTE_RATE, noise=0.1, times=times)
        ratios.append(found.error[-1] / committee.asymptotic_error(ASYMPTOTE_RATE, 0.1, units=k, teacher_units=m))
    inside = sum(1 <= ratio <= 1.03 for ratio in ratios)
    verdict = (
        f"{'holds' if inside == len(ratios) else 'fails in some'}: in [1, 1.03] for {inside} of {len(ratios)} (M, K)"
    )
    return {
        "claim": f"ODE's fixed point by the asymptote, η = {ASYMPTOTE_RATE}",
        "ours": spread(ratios),
        "verdict": verdict,
    }


def final_claims(final: pd.DataFrame, units: pd.DataFrame) -> list[dict[str, Any]]:
    """How the final error with noise changes from the least surplus to the greatest, and how many units share a teacher unit."""
    few, many, found = final["surplus"].min(), final["surplus"].max(), []
    if few == many:
        return []
    expected = {"first": ("above", "grows, as claimed"), "both": ("below", "falls, as claimed")}
    for layers, rows in final[final["noise"] > 0].groupby("layers", sort=False):
        table = (rows["error"] / rows["scale"]).groupby([rows["seed"], rows["surplus"]]).first().unstack()
        change = difference(table[many], table[few])
        if change is not None:
            side, words = expected[layers]
            verdict = {side: words, "overlaps": "not told from constant"}.get(change["verdict"], change["verdict"])
            claim = f"{figures.LAYERS[layers][0]}: final error / ησ² with L = {many} minus that with L = {few}"
            found.append({"claim": claim, "ours": change, "verdict": verdict})
    most = units[(units["surplus"] == many) & (units["noise"] > 0)]
    kinds = [figures.state(*pair) for pair in zip(most["correlation"], most["strength"], strict=True)]
    sharing = (
        most.assign(matches=[kind in ("match", "opposite") for kind in kinds])
        .groupby(["seed", "layers"])["matches"]
        .sum()
        .unstack()
    )
    if {"first", "both"} <= set(sharing):
        change = difference(sharing["both"], sharing["first"])
        verdict = {"above": "more units share a teacher unit", "overlaps": "not told apart"}.get(
            change["verdict"], change["verdict"]
        )
        claim = f"L = {many}: units that match a teacher unit, both layers trained minus first only"
        found.append({"claim": claim, "ours": change, "verdict": verdict})
    return found


def deep_claims(layers: pd.DataFrame) -> list[dict[str, Any]]:
    """For each layer: correlation, luck against chance, and what became of the outgoing weights of units that match nothing."""
    end, found = at_the_end(layers), []
    for layer, rows in end.groupby("layer"):
        rows = rows.set_index("seed")
        paper = {1: "the paper's is 0.999", 2: "the paper's is about 0.95"}.get(layer, "the paper gives no figure")
        found.append(
            {
                "claim": f"layer {layer}: correlation with the teacher's units",
                "ours": spread(rows["correlation"]),
                "verdict": paper,
            }
        )
        luck = difference(rows["lucky"], rows["chance"])
        verdict = {"above": "luck matters", "overlaps": "not told from chance"}.get(luck["verdict"], luck["verdict"])
        found.append(
            {
                "claim": f"layer {layer}: winners that led at initialisation, minus chance",
                "ours": luck,
                "verdict": verdict,
            }
        )
        weights = rows.dropna(subset=list(FAN_OUTS))
        if len(weights):
            change = difference(weights["fan_out_unmatched"], weights["fan_out_matched"])
            ours = spread(weights["fan_out_unmatched"])
            verdict = {"below": "less than those that match", "overlaps": "not told from those that match"}
            size = "not zero" if ours["min"] > 0.1 else "near zero"
            found.append({
                "claim": f"layer {layer}: outgoing weights of units that match nothing, by the initial ones", "ours": ours,
                "minus_matched": change, "verdict": f"{size}; {verdict.get(change['verdict'], change['verdict'])}",
            })  # fmt: skip
    return found


def overview(results: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    """The table of the screen and of the page of findings: a row for each head start and setting."""
    header = [
        "head start",
        "M×K:σ",
        "|ΔR|, |ΔQ| before",
        "in",
        "after exit",
        "of allowed",
        "exit: ODE",
        "simulation",
        "outcome",
    ]
    rows = []
    for (start, name), here in results.groupby(["head_start", "setting"], sort=False):
        here = here.reindex(columns=[*results.columns.union(["bound", "exit_ode", "exit_simulation"])])
        far = [
            shown(here.reindex(columns=[f"dr_{when}", f"dq_{when}"]).max(axis=1), 3)
            for when in ("before", "during", "after")
        ]
        exits = [shown(here[f"exit_{source}"], 0) for source in ("ode", "simulation")]
        counts = here["outcome"].value_counts()
        outcome = ", ".join(f"{number} {word}" for word, number in counts.items())
        rows.append([f"{start:g}", name, *far, shown(here["bound"], 3), *exits, outcome])
    return header, rows


if __name__ == "__main__":
    runs.run_script(main)
