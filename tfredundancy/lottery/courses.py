"""Courses of committee machines: many nets simulated together and resumed, and what is read off a course beside its ODE.

A net is a setting (M, K, σ, head start, layers trained); every seed gives it a teacher, initial weights and a stream of examples,
the same for all nets of the seed. The teacher's readouts are 1, the student's begin at 1, also where they are trained.
"""

import itertools
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from tfredundancy.datasets import teacher as teachers
from tfredundancy.files import read_arrays, write_arrays
from tfredundancy.numerics import committee
from tfredundancy.numerics.committee import Course

FLAT = 0.5  # a plateau is where −d ln ε / d ln t stays below this …
LENGTH = 2.0  # … while t grows by this factor at least
RESOLUTION = 1e-6  # errors below the integrator's tolerance are rounding, of either sign


@dataclass(frozen=True)
class Net:
    """A setting of student and teacher.

    Attributes:
        teacher_units: M.
        units: K ≥ M.
        noise: σ of the labels.
        head_start: overlap of the first M student units with a teacher unit of their own, at first.
        both: whether the readout is trained too.
    """

    teacher_units: int
    units: int
    noise: float
    head_start: float = 0.0
    both: bool = False

    @property
    def name(self) -> str:
        """The setting as it is told on the command line, `2x3:0.1`."""
        return f"{self.teacher_units}x{self.units}:{self.noise:g}"


def initial(nets: Sequence[Net], seeds: int, size: int) -> dict[str, np.ndarray]:
    """Students and teachers at first, nets filled up with units of zeros to the widest.

    Returns:
        weights (seeds, nets, K, N), v (seeds, nets, K), teacher (seeds, nets, M, N) and v_teacher (seeds, nets, M).
    """
    k, m = max(net.units for net in nets), max(net.teacher_units for net in nets)
    weights, teacher = (np.zeros((seeds, len(nets), width, size)) for width in (k, m))
    for seed, (place, net) in itertools.product(range(seeds), enumerate(nets)):
        theirs = teachers.committee(seed, m, size, teacher=True)[: net.teacher_units]
        ours = teachers.committee(seed, k, size)[: net.units]
        ours[: net.teacher_units] += net.head_start * theirs
        weights[seed, place, : net.units], teacher[seed, place, : net.teacher_units] = ours, theirs
    return dict(weights=weights, v=weights.any(-1) * 1.0, teacher=teacher, v_teacher=teacher.any(-1) * 1.0)


def simulated(
    nets: Sequence[Net],
    *,
    seeds: int,
    size: int,
    rate: float,
    times: np.ndarray,
    file: str | os.PathLike,
    checkpoint_every: float = 30.0,
    advance: Callable[[int], None] = lambda steps: None,
) -> tuple[Course, float]:
    """Simulate all nets and seeds at once, from where the file left off.

    Args:
        nets: the settings.
        seeds: their number, from 0 on.
        size: N.
        rate: η, of the readouts too where both layers are trained.
        times: when to look.
        file: where the course is remembered, `.npz`.
        checkpoint_every: seconds between checkpoints.
        advance: is told how many steps were done or read.

    Returns:
        A `Course` with axes (seeds, nets), and the seconds that it took, of all processes together.
    """
    fixed = initial(nets, seeds, size)
    state = _begun(fixed, len(times)) if not Path(file).exists() else read_arrays(file)
    teacher, v_teacher = fixed["teacher"], fixed["v_teacher"]
    steps = np.rint(np.asarray(times) * size).astype(int)
    noise, both = (np.array([getattr(net, what) for net in nets], float) for what in ("noise", "both"))
    settings = dict(rate=rate, noise=noise, readout_rate=rate * both, draw=_draw(seeds, size))
    seen, clock = int(state["looks"]), time.monotonic()
    advance(int(steps[seen - 1]) if seen else 0)
    for look in range(seen, len(times)):
        start = int(steps[look - 1]) if look else 0
        course, state["weights"], state["v"] = committee.simulate(
            state["weights"],
            state["v"],
            teacher,
            v_teacher,
            times=times[look : look + 1],
            start=start,
            diverged_at=state["diverged_at"],
            **settings,
        )
        for name in ("q", "r"):
            state[name][look] = getattr(course, name)[0]
        state["readouts"][look], state["diverged_at"], state["looks"] = (
            course.v[0],
            course.diverged_at,
            np.array(look + 1),
        )
        advance(int(steps[look]) - start)
        if look + 1 == len(times) or time.monotonic() - clock > checkpoint_every:
            state["seconds"], clock = state["seconds"] + time.monotonic() - clock, time.monotonic()
            write_arrays(file, state)
    t = committee.order_parameters(teacher, teacher)[2]
    error = committee.generalisation_error(state["q"], state["r"], t, state["readouts"], v_teacher)
    course = Course(np.asarray(times), state["q"], state["r"], t, state["readouts"], error, state["diverged_at"])
    return course, float(state["seconds"])


def _begun(fixed: dict[str, np.ndarray], looks: int) -> dict[str, np.ndarray]:
    shape, k, m = fixed["v"].shape[:2], fixed["v"].shape[-1], fixed["v_teacher"].shape[-1]
    return dict(
        weights=fixed["weights"],
        v=fixed["v"],
        q=np.full((looks, *shape, k, k), np.nan),
        r=np.full((looks, *shape, k, m), np.nan),
        readouts=np.full((looks, *shape, k), np.nan),
        diverged_at=np.full(shape, np.nan),
        looks=np.array(0),
        seconds=np.array(0.0),
    )


def _draw(seeds: int, size: int):
    def draw(start: int, stop: int):
        parts = [teachers.examples(seed, start, stop, size) for seed in range(seeds)]
        return tuple(np.stack(part) for part in zip(*parts, strict=True))

    return draw


def one_net(course: Course, seed: int, place: int, net: Net) -> Course:
    """The course of one net, without the units that it does not have."""
    k, m, at = net.units, net.teacher_units, (slice(None), seed, place)
    return Course(
        course.times,
        course.q[at][:, :k, :k],
        course.r[at][:, :k, :m],
        course.t[seed, place][:m, :m],
        course.v[at][:, :k],
        course.error[at],
        course.diverged_at[seed, place],
    )


def theory(course: Course, net: Net, rate: float, later: Sequence[float] = ()) -> Course:
    """The ODE's course from the first look of a simulation's, at its looks and `later`."""
    v_teacher, readout_rate = np.ones(net.teacher_units), rate * net.both
    begin = (course.q[0], course.r[0], course.t, course.v[0], v_teacher)
    times = np.concatenate([course.times, later])
    return committee.ode(*begin, rate=rate, noise=net.noise, times=times, readout_rate=readout_rate)


@dataclass(frozen=True)
class Exit:
    """When an error leaves its plateau: it begins to fall, is half the plateau's, and is at most twice what it ends at."""

    begin: float
    half: float
    end: float


def plateau_exit(times: np.ndarray, error: np.ndarray) -> Exit | None:
    """Find the exit from the longest plateau of an error, if there is one that was left.

    On a plateau −d ln ε/d ln t, taken over three looks, is below 0.5 while t doubles at least, from t = 1 on, and ε is less than
    half of its first and more than twice its last value. The exit begins where the last three such looks do.

    Args:
        times: array (n,), increasing.
        error: array (n,), positive.

    Returns:
        An `Exit`, or None: there is no plateau, or it was not left.

    Example:
        >>> times = np.geomspace(0.1, 1000, 41)
        >>> found = plateau_exit(times, np.exp(-times) + 0.1 / (1 + (times / 100) ** 4) + 1e-4)
        >>> round(found.half), plateau_exit(times, np.exp(-times / 5) + 1e-3)
        (126, None)
    """
    first = error[0]
    times, error = (np.asarray(a, float)[np.asarray(times) >= 1] for a in (times, error))
    if len(times) < 5 or not np.isfinite(error).all():
        return None
    error = np.maximum(error, RESOLUTION)
    slope = -np.log(error[3:] / error[:-3]) / np.log(times[3:] / times[:-3])
    flat = (slope < FLAT) & (error[:-3] < first / 2) & (error[3:] > 2 * error[-1])
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flat, [0]])))
    runs = [(times[stop + 2] / times[start], stop - 1) for start, stop in edges.reshape(-1, 2)]
    length, last = max(runs, default=(0.0, 0))
    if length < LENGTH:
        return None
    level, later = error[last], np.arange(len(error)) >= last
    half = np.flatnonzero(later & (error <= level / 2))[0]
    end = np.flatnonzero(later & (error <= 2 * max(error[-1], 5e-4)))[0]
    return Exit(float(times[last]), float(times[half]), float(times[max(end, half)]))


def distances(ours: Course, theirs: Course, order: Sequence[int] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """max |ΔR| and max |ΔQ| at each look; `order` rearranges the units of `ours` first."""
    units = np.arange(ours.r.shape[1]) if order is None else np.asarray(order)
    dr = np.abs(ours.r[:, units] - theirs.r).max(axis=(1, 2))
    return dr, np.abs(ours.q[:, units][:, :, units] - theirs.q).max(axis=(1, 2))


def nearest_order(ours: Course, theirs: Course) -> np.ndarray:
    """The order of our units that is nearest to theirs at the last look: the least sum of squares of ΔR and of ΔQ_ii."""
    about = [np.column_stack([course.r[-1], np.diagonal(course.q[-1])]) for course in (theirs, ours)]
    return linear_sum_assignment(np.square(about[0][:, None] - about[1][None]).sum(axis=-1))[1]


def compared(ours: Course, theirs: Course, bound: float) -> dict[str, Any]:
    """What one seed's simulation and its ODE have to do with each other."""
    at = {"ode": float(theirs.diverged_at), "simulation": float(ours.diverged_at)}
    lost = [f"{name} diverged at t = {when:.3g}" for name, when in at.items() if np.isfinite(when)]
    if lost:
        return {"outcome": ", ".join(lost)}
    leaving = [plateau_exit(course.times, course.error) for course in (theirs, ours)]
    before, during, after = phases(ours.times, leaving)
    order = nearest_order(ours, theirs)
    raw, sorted_ = (np.maximum(*distances(ours, theirs, which)) for which in (None, order))
    dr, dq = distances(ours, theirs)
    outcome = "other units" if sorted_[-1] <= bound else "elsewhere"
    row = {"outcome": "same units" if raw[-1] <= bound else outcome, "bound": bound}
    for name, where in (("before", before), ("during", during), ("after", after)):
        row |= {f"d{what}_{name}": d[where].max() if where.any() else None for what, d in (("r", dr), ("q", dq))}
    row["distance_end_any_order"] = sorted_[-1]
    for name, exit_ in zip(("ode", "simulation"), leaving, strict=True):
        row |= {f"exit_{name}": exit_.half if exit_ else None}
    return row | {"error_ode": theirs.error[-1], "error_simulation": ours.error[-1]}


def phases(times: np.ndarray, leaving: Sequence[Exit | None]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which looks are before, in and after the exit from the plateau, of ODE and simulation together."""
    begin = min((each.begin for each in leaving if each), default=np.inf)
    end = max((each.end if each else np.inf for each in leaving), default=np.inf) if np.isfinite(begin) else np.inf
    return times <= begin, (times > begin) & (times < end), times >= end
