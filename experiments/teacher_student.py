"""What do the surplus units of a student do that learns from a smaller teacher, and does theory know?

(1) Goldt et al. 2019 (arXiv:1906.08632): a soft committee machine of K erf units learns from one of M ≤ K, an example at a time.
Its order parameters Q, R are followed in a simulation and in a Keras model, beside the ODE that starts from the same Q, R, T.
From random weights chance decides on the plateau which unit takes which teacher unit, and so when and where to the net leaves
it; with a head start, an overlap of 0.3 with a teacher unit of its own, the ODE knows. Units without a head start may be
permuted: their weights are drawn alike and their v are equal, so that a permuted course is the ODE's from permuted Q and R. Ends
are compared up to the student's order too; but chance also decides how many units share a teacher unit, which no order mends.
(2) The same paper: what the noise of labels leaves of the error grows with the surplus L = K − M where only the first layer is
trained, ε* = ησ²/2π · (L + M/√3) for small η, and does not where both are: units that share a teacher unit average the noise.
(3) Tian et al. 2019 (arXiv:1905.13405): the units of a deep ReLU student, several times as wide, come to respond as teacher units
do, the lowest layer first. Do the lucky ones at initialisation win, and do outgoing weights of those that match nothing vanish?

    python experiments/teacher_student.py                    N = 1000, 5 seeds: about 3 minutes on 2 cores
    python experiments/teacher_student.py --preset paper     N = 784, 10 seeds, Tian's widths: by its steps over an hour

The same command again continues a run that was stopped.
"""

import argparse
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
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
from tfredundancy.lottery import Ticket, courses, students
from tfredundancy.lottery import student_claims as claims
from tfredundancy.lottery.courses import Net
from tfredundancy.lottery.online import OnlineTrainer
from tfredundancy.lottery.reports import shown, spread, text_table, verdict_sentence
from tfredundancy.lottery.visits import Row, log_spaced, train_and_visit
from tfredundancy.models.committee import HALF_LOSS_RATE, measure, set_weights
from tfredundancy.numerics import committee
from tfredundancy.runs import Common, RunDirectory, flag, positive

SETTINGS = ("1x1:0.1", "1x2:0.1", "2x2:0", "2x2:0.1", "2x3:0.1", "2x4:0.1", "3x3:0", "3x4:0.1")
PRESETS = {
    "quick": dict(dataset="gaussian", seeds=5, inputs=1000, duration=300.0, keras_duration=100.0, final_inputs=100,
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
LATER = 20  # how many times as long the ODE is followed, to where a simulation would take too long
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
            if not table.empty:  # where everything diverged there are no units to tell of
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
    teachers.relu_layers(0, students.INPUT_SIZE, args.widths, args.outputs)


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
            rows.append(("results", key | courses.compared(ours, theirs, 5 / args.inputs**0.5)))
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


def course_rows(key: Row, found: dict[str, committee.Course]) -> list[tuple[str, Row]]:
    """Rows of courses.csv; each says whether it is in the exit from the plateau."""
    leaving = [courses.plateau_exit(course.times, course.error) for course in found.values()]
    rows = []
    for source, course in found.items():
        during = courses.phases(course.times, leaving)[1]
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
    times, later = np.concatenate([early, late]), [LATER * args.final_duration]
    with progress("final errors", times[-1] * args.final_inputs) as bar:
        found, seconds = courses.simulated(
            nets, seeds=args.seeds, size=args.final_inputs, rate=args.final_rate, times=times, advance=bar.update,
            file=run / "checkpoints" / "final.npz", checkpoint_every=args.checkpoint_seconds,
        )  # fmt: skip
    rows, began = [], time.monotonic()
    for place, net in enumerate(tqdm(nets, desc="ODE", dynamic_ncols=True)):
        for seed in range(args.seeds):
            ours = courses.one_net(found, seed, place, net)
            rows += final_rows(args, net, seed, ours, courses.theory(ours, net, args.final_rate, later))
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
        lost = {"outcome": f"diverged at t = {when:.3g}", "error": None, "ode": None, "ode_later": None}
        return [("final", row | lost)]
    row |= {"error": ours.error[-LAST_LOOKS:].mean()}
    row |= {"ode": theirs.error[-1 - LAST_LOOKS : -1].mean(), "ode_later": theirs.error[-1]}
    sources = {"simulation": ours, "ode_later": theirs}
    return [
        ("final", row),
        *(row for source, course in sources.items() for row in unit_rows(key | {"source": source}, course)),
    ]


def unit_rows(key: Row, course: committee.Course) -> list[tuple[str, Row]]:
    """Rows of units.csv: what each student unit is like at the last look, and how much it adds."""
    alike = committee.unit_correlations(course.q[-1], course.r[-1], course.t)
    best = np.abs(alike).argmax(axis=1)
    own, theirs = (committee.ERF.i2(*[np.diagonal(overlaps)] * 3) for overlaps in (course.q[-1], course.t))
    strength = np.abs(course.v[-1]) * np.sqrt(
        np.maximum(own, 0) / theirs.mean()
    )  # the ODE's 0 may be rounding below it
    return [
        (
            "units",
            key | {"unit": i, "teacher": n, "correlation": alike[i, n], "v": course.v[-1][i], "strength": strength[i]},
        )
        for i, n in enumerate(best)
    ]


# --- the deep student ---


def deep(run: RunDirectory, args: Args) -> tuple[list[tuple[str, Row]], float]:
    """Train a deep ReLU student for each seed, with a teacher of its own → rows of layers and nodes, and seconds."""
    rows, seconds, at = [], 0.0, log_spaced(args.steps, 12)
    student = models.mlp(
        (1, 1, students.INPUT_SIZE), args.outputs, hidden=tuple(args.multiple * width for width in args.widths),
        initializer=keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform"),
    )  # fmt: skip
    student.compile(
        keras.optimizers.SGD(args.deep_rate), "mean_squared_error", steps_per_execution=50, jit_compile=False
    )
    fresh = Ticket.take(student)
    with progress("deep students", args.seeds * args.steps) as bar:
        for seed in range(args.seeds):
            layers = teachers.relu_layers(seed, students.INPUT_SIZE, args.widths, args.outputs)
            start = students.initial_student(fresh, seed)
            visit = partial(students.look_at_layers, layers, student, start, at[-1])
            found = train_and_visit(
                OnlineTrainer(student, partial(students.labelled, layers)), start, visit, at=at, seed=seed,
                rate=partial(np.full_like, fill_value=args.deep_rate, dtype=np.float64), keep_net=False,
                file=run / "checkpoints" / f"deep{seed}.npz", checkpoint_every=args.checkpoint_seconds, advance=bar.update,
            )  # fmt: skip
            rows += [
                (row["table"], {"seed": seed} | {k: v for k, v in row.items() if k != "table"}) for row in found.rows
            ]
            seconds += found.seconds
    return rows, seconds


# --- what it amounts to ---


def report(run: RunDirectory, args: Args, tables: dict[str, pd.DataFrame]) -> None:
    """Figures, summary.json, and the table on the screen."""
    last = args.head_starts[-1]
    units = tables["units"][tables["units"]["noise"] > 0] if not tables["units"].empty else tables["units"]
    title = f"{args.keras_setting}, head start {last:g}, seed 0: lines ODE, ○ simulation, × Keras"
    drawn = {"errors": figures.errors_against_time(tables["courses"])}
    drawn["overlaps"] = figures.overlaps_against_time(tables["overlaps"], title)
    if not units.empty:
        drawn["final_errors"] = figures.final_errors(tables["final"][tables["final"]["outcome"] == "finished"])
        drawn["unit_states"] = figures.unit_states(units)
    if not tables["nodes"].empty:
        drawn["deep_students"] = figures.deep_students(tables["layers"], tables["nodes"])
    for name, figure in drawn.items():
        save_figure(run / "figures" / name, figure)
    header, rows = overview(tables["results"])
    found = [
        *claims.follow_claims(args.head_starts, tables),
        claims.keras_claim(args.keras_setting, args.inputs, tables["overlaps"]),
        claims.asymptote_claim(),
        *claims.final_claims(tables["final"], tables["units"]),
        *claims.deep_claims(tables["layers"]),
    ]
    summary = {
        "experiment": "teacher_student",
        "command": runs.command("experiments/teacher_student.py", args, PRESETS),
        "paper": PAPER,
        "note": reduction(args),
        "seeds": args.seeds,
        "verdict": verdict_sentence(found),
        "claims": found,
        "final": [
            dict(zip(("layers", "noise", "surplus"), key, strict=True))
            | {name: spread(of[name]) for name in ("error", "ode", "ode_later", "asymptote")}
            for key, of in tables["final"].groupby(["layers", "noise", "surplus"])
        ],
        "deep": [
            {"layer": layer} | {name: spread(of[name]) for name in ("correlation", "lucky", *claims.FAN_OUTS)}
            for layer, of in claims.at_the_end(tables["layers"]).groupby("layer")
        ],
        "table": {"header": header, "rows": rows},
        "picture": "figures/errors.png",
    }  # fmt: skip
    write_json(run / "summary.json", summary)
    print(text_table(header, rows))
    print("\n".join(f"- {each['claim']}: {each['verdict']}" for each in found))
    print(f"verdict: {summary['verdict']}")
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


def overview(results: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    """The table of the screen and of the page of findings: a row for each head start and setting."""
    header = [
        "head start",
        "M×K:σ",
        "ΔR, ΔQ before",
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
