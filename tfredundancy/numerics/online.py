"""Online SGD of many committee machines at once: the steps whose limit `committee.ode` is.

    y(x) = φ*(x) + σζ,    δ = y − φ,    w_k ← w_k + (η/√N) v_k g′(λ_k) δ x,    v_k ← v_k + (η_v/N) g(λ_k) δ

weights (runs, nets, K, N): nets of one run see the same examples, which are standard normal, and each of them once.

Saad and Solla 1995, Phys. Rev. E 52; Goldt et al. 2019, arXiv:1906.08632.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from tfredundancy.numerics.averages import ERF, Activation
from tfredundancy.numerics.overlaps import (
    LIMIT,
    Course,
    check_rates,
    checked_times,
    generalisation_error,
    order_parameters,
)

_BLOCK = 64  # steps whose inputs are multiplied with each other at once


def simulate(
    weights: ArrayLike,
    v: ArrayLike,
    teacher: ArrayLike,
    v_teacher: ArrayLike,
    *,
    rate: ArrayLike,
    noise: ArrayLike,
    times: ArrayLike,
    draw: Callable[[int, int], tuple[np.ndarray, np.ndarray]],
    readout_rate: ArrayLike = 0.0,
    activation: Activation = ERF,
    start: int = 0,
    diverged_at: ArrayLike | None = None,
) -> tuple[Course, np.ndarray, np.ndarray]:
    """Online SGD of many nets at once, those of a run on the same examples, with the order parameters at given times.

    Nets of different widths go together: a unit of zero weights and readout stays so and adds nothing, in student and teacher.

    Args:
        weights: array (runs, nets, K, N), students before step `start`.
        v: array (runs, nets, K).
        teacher: array (runs, nets, M, N).
        v_teacher: array (runs, nets, M).
        rate: η > 0, a number or an array that broadcasts to (runs, nets).
        noise: σ ≥ 0, the same.
        times: increasing, from start/N on: step round(t·N) is looked at.
        draw: (start, stop) → standard normal inputs (runs, stop − start, N) and noise (runs, stop − start) of these steps.
        readout_rate: η_v ≥ 0, as `rate`; 0 trains the first layer only.
        activation: of the units.
        start: steps done before.
        diverged_at: array (runs, nets), what the `Course` before said where this one goes on from it.

    Returns:
        A `Course` with axes (runs, nets), and weights and readouts at the end, 0 for a net that diverged.

    Raises:
        ValueError: shapes that do not fit, a rate or noise out of range, times that do not increase from start/N on.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> nets = dict(weights=rng.normal(size=(2, 1, 1, 200)), v=np.ones((2, 1, 1)))
        >>> teachers = dict(teacher=rng.normal(size=(2, 1, 1, 200)), v_teacher=np.ones((2, 1, 1)))
        >>> draw = lambda start, stop: (rng.normal(size=(2, stop - start, 200)), rng.normal(size=(2, stop - start)))
        >>> course, _, _ = simulate(**nets, **teachers, rate=0.5, noise=0.0, times=[0, 50], draw=draw)
        >>> course.r.shape, bool((course.error[1] < 1e-3).all())
        ((2, 2, 1, 1, 1), True)
    """
    w, v, teacher, v_teacher = (np.array(a, np.float64) for a in (weights, v, teacher, v_teacher))
    _check_nets(w, v, teacher, v_teacher)
    size, nets = w.shape[-1], w.shape[:2]
    rate, readout_rate, noise = (np.broadcast_to(np.asarray(a, np.float64), nets) for a in (rate, readout_rate, noise))
    check_rates(rate, readout_rate, noise)
    times = checked_times(times)
    steps = np.rint(times * size).astype(int)
    if steps[0] < start:
        raise ValueError(f"`times` must not lie before step {start}. Received: step {steps[0]} first")
    diverged_at = np.full(nets, np.nan) if diverged_at is None else np.array(diverged_at, np.float64)
    seen, done = [], start
    for time, stop in zip(times, steps, strict=True):
        while done < stop:
            end = min(stop, done // _BLOCK * _BLOCK + _BLOCK)
            w, v = sgd(w, v, teacher, v_teacher, *draw(done, end), rate, noise, readout_rate, activation)
            done = end
        lost = _beyond(*order_parameters(w, teacher)[:2], v)
        diverged_at[lost], w[lost], v[lost] = time, 0.0, 0.0
        seen.append([_where(np.isnan(diverged_at), a) for a in (*order_parameters(w, teacher)[:2], v)])
    q, r, v_seen = (np.stack(part) for part in zip(*seen, strict=True))
    t = order_parameters(w, teacher)[2]
    error = generalisation_error(q, r, t, v_seen, v_teacher, activation)
    return Course(times, q, r, t, v_seen, error, diverged_at), w, v


def sgd(w, v, teacher, v_teacher, inputs, noises, rate, noise, readout_rate, activation: Activation = ERF):
    """Some steps of online SGD: as `simulate`, with the examples of these steps given; returns the new weights and readouts.

    The inputs of the steps are multiplied with each other beforehand: with G_st = x_s·x_t/N a step changes later λ by
    Δλ_t = d_s G_st, d_s = η v g′(λ_s) δ_s, so that the loop over steps never touches an array of N entries.

    Args:
        w: array (runs, nets, K, N).
        v: array (runs, nets, K).
        teacher: array (runs, nets, M, N).
        v_teacher: array (runs, nets, M).
        inputs: array (runs, steps, N).
        noises: array (runs, steps).
        rate, noise, readout_rate: arrays (runs, nets).
        activation: of the units.

    Returns:
        Weights and readouts, new arrays.
    """
    (runs, nets, units, size), steps = w.shape, inputs.shape[1]
    fields, flat = _fields(w, inputs), (runs, 1, nets * units)
    target = (v_teacher * activation.value(_fields(teacher, inputs))).sum(-1) + noise * noises.T[:, :, None]
    gram = inputs @ inputs.swapaxes(1, 2) / size
    moves, v, rate = np.empty((runs, steps, nets * units)), v.copy(), rate[..., None]
    pace = readout_rate[..., None] / size
    with np.errstate(over="ignore", invalid="ignore"):  # a net on its way to infinity, which `simulate` reports
        for step in range(steps):
            field = fields[step] + (gram[:, None, step, :step] @ moves[:, :step]).reshape(v.shape)
            answers = activation.value(field)
            error = (target[step] - (v * answers).sum(-1))[..., None]
            moves[:, step, None] = (rate * v * activation.slope(field) * error).reshape(flat)
            v += pace * answers * error
        change = moves.swapaxes(1, 2) @ inputs / np.sqrt(size)
        return w + change.reshape(w.shape), v


def _fields(w: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """w·x/√N of each unit at each step: (steps, runs, nets, units)."""
    runs, nets, units, size = w.shape
    fields = inputs @ w.reshape(runs, nets * units, size).swapaxes(1, 2) / np.sqrt(size)
    return np.ascontiguousarray(fields.swapaxes(0, 1)).reshape(-1, runs, nets, units)


def _beyond(*arrays: np.ndarray) -> np.ndarray:
    """(runs, nets): whether an entry is not finite or greater than the limit."""
    return np.any([~(np.abs(a) <= LIMIT).reshape(*a.shape[:2], -1).all(axis=-1) for a in arrays], axis=0)


def _where(nets: np.ndarray, array: np.ndarray) -> np.ndarray:
    """The array (runs, nets, …), NaN but for some nets."""
    return np.where(nets.reshape(*nets.shape, *[1] * (array.ndim - 2)), array, np.nan)


def _check_nets(w, v, teacher, v_teacher) -> None:
    for (name, array), (name_v, array_v) in (
        (("weights", w), ("v", v)),
        (("teacher", teacher), ("v_teacher", v_teacher)),
    ):
        if array.ndim != 4 or 0 in array.shape or array.shape[:2] != w.shape[:2] or array.shape[-1] != w.shape[-1]:
            raise ValueError(f"`{name}` must be (runs, nets, units, N). Received: {name}.shape={array.shape}")
        if array_v.shape != array.shape[:-1]:
            raise ValueError(f"`{name_v}` must be {array.shape[:-1]}. Received: {name_v}.shape={array_v.shape}")
