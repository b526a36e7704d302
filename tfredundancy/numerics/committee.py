"""Soft committee machines that learn from a teacher: order parameters, generalisation error, and both accounts of its course.

    φ(x) = Σ_k v_k g(λ_k), λ_k = w_k·x/√N        the student, K units
    y(x) = Σ_m v*_m g(ρ_m) + σζ, ρ_m = w*_m·x/√N  the teacher, M units, and its noise
    Q = w wᵀ/N (K, K)    R = w w*ᵀ/N (K, M)    T = w* w*ᵀ/N (M, M)

x and ζ are standard normal, each example is seen once. Online SGD, a step for each example, t = steps/N the time:

    w_k ← w_k + (η/√N) v_k g′(λ_k) δ x,    v_k ← v_k + (η_v/N) g(λ_k) δ,    δ = y − φ

`simulate` does these steps; `ode` solves what they become as N → ∞, a closed system for Q, R and v. η_v = 0 trains the first
layer only. Generalisation errors are ½⟨(φ − φ*)²⟩, without the noise.

Saad and Solla 1995, Phys. Rev. E 52; Goldt et al. 2019, arXiv:1906.08632.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp

from tfredundancy.numerics.averages import ERF, LINEAR, Activation
from tfredundancy.numerics.online import sgd, simulate
from tfredundancy.numerics.overlaps import (
    LIMIT,
    Course,
    asymptotic_error,
    check_rates,
    checked_times,
    covariance,
    generalisation_error,
    order_parameters,
    signed_readouts,
    unit_correlations,
)

__all__ = [
    "ERF",
    "LINEAR",
    "Activation",
    "Course",
    "asymptotic_error",
    "generalisation_error",
    "ode",
    "order_parameters",
    "sgd",
    "simulate",
    "unit_correlations",
]


def ode(
    q: ArrayLike,
    r: ArrayLike,
    t: ArrayLike,
    v: ArrayLike,
    v_teacher: ArrayLike,
    *,
    rate: float,
    noise: float,
    times: ArrayLike,
    readout_rate: float = 0.0,
    activation: Activation = ERF,
) -> Course:
    """Online SGD in the limit N → ∞: what Q, R and v are at given times.

    With c = (v, −v*) over the units a, b of student and teacher, i and k units of the student, n one of the teacher:

        dR_in/dt = −η v_i Σ_a c_a I3(i, n, a)
        dQ_ik/dt = −η v_i Σ_a c_a I3(i, k, a) − η v_k Σ_a c_a I3(k, i, a) + η² v_i v_k [Σ_ab c_a c_b I4(i, k, a, b) + σ² J2(i, k)]
        dv_i/dt  = −η_v Σ_a c_a I2(i, a)

    Args:
        q: array (K, K), at time 0.
        r: array (K, M), at time 0.
        t: array (M, M).
        v: array (K,), at time 0.
        v_teacher: array (M,).
        rate: η > 0.
        noise: σ ≥ 0.
        times: increasing, from 0 on.
        readout_rate: η_v ≥ 0; 0 trains the first layer only.
        activation: of the units.

    Returns:
        A `Course` without axes before those of the order parameters.

    Raises:
        ValueError: shapes that do not fit, a rate or noise out of range, times that do not increase from 0 on.
        RuntimeError: the integrator gave up where nothing diverged.

    Example:
        >>> found = ode([[0.2]], [[0.1]], [[1.0]], [1.0], [1.0], rate=1.0, noise=0.0, times=[0, 100])
        >>> found.r[:, 0, 0].round(3), found.error[-1] < 1e-6
        (array([0.1, 1. ]), np.True_)

    Reference:
        Goldt et al. 2019, arXiv:1906.08632.
    """
    q, r, t, v, v_teacher = (np.asarray(array, np.float64) for array in (q, r, t, v, v_teacher))
    _check_shapes(q, r, t, v, v_teacher)
    check_rates(rate, readout_rate, noise)
    times = checked_times(times)
    shapes = (q.shape, r.shape, v.shape)
    ends = np.cumsum([np.prod(shape, dtype=int) for shape in shapes])

    def parts(state):
        return (part.reshape(shape) for part, shape in zip(np.split(state, ends[:-1]), shapes, strict=True))

    def change(_, state):
        now_q, now_r, now_v = parts(state)
        rates = _change(now_q, now_r, t, now_v, v_teacher, rate, readout_rate, noise, activation)
        return np.concatenate([part.ravel() for part in rates])

    def beyond(_, state):
        return LIMIT - np.abs(state).max()

    beyond.terminal = True
    start = np.concatenate([q.ravel(), r.ravel(), v.ravel()])
    with np.errstate(over="ignore", invalid="ignore"):  # of trial steps towards a divergence
        found = solve_ivp(
            change, (0.0, max(times[-1], 1e-9)), start, "LSODA", times, events=beyond, rtol=1e-6, atol=1e-8
        )
    if found.status < 0 and np.abs(found.y[:, -1]).max() < np.sqrt(LIMIT):
        raise RuntimeError(f"the integrator stopped at t = {found.t[-1]}: {found.message}")
    return _course(found, times, parts, t, v_teacher, activation)


def _course(found, times, parts, t, v_teacher, activation: Activation) -> Course:
    """The solution as a `Course`, NaN from where it diverged on."""
    states = np.full((len(times), len(found.y)), np.nan)
    states[: found.y.shape[1]] = found.y.T
    lost = np.logical_or.accumulate(~(np.abs(states) <= LIMIT).all(axis=1))
    states[lost] = np.nan
    diverged_at = times[lost.argmax()] if lost.any() else np.nan
    if found.status == 1:
        diverged_at = float(found.t_events[0][0])
    q, r, v = (np.stack(part) for part in zip(*map(parts, states), strict=True))
    error = generalisation_error(q, r, t, v, v_teacher, activation)
    return Course(times, q, r, t, v, error, np.asarray(diverged_at))


def _change(q, r, t, v, v_teacher, rate, readout_rate, noise, g: Activation):
    """(dQ/dt, dR/dt, dv/dt): see `ode`."""
    k = len(q)
    c, signs = covariance(q, r, t), signed_readouts(v, v_teacher)
    var, own = np.diagonal(c), np.diagonal(c)[:k]
    pull = -g.i3(own[:, None, None], c[:k, :, None], c[:k, None, :], c[None], var[None, None, :]) @ signs  # (K, K + M)
    drift = rate * v[:, None] * pull
    two = slice(None), slice(None), None, None
    i, j = (slice(None), None, slice(None), None), (slice(None), None, None, slice(None))
    m, n = (None, slice(None), slice(None), None), (None, slice(None), None, slice(None))
    i4 = g.i4(
        own[:, None, None, None], c[:k, :k][two], c[:k][i], c[:k][j], own[None, :, None, None], c[:k][m], c[:k][n],
        var[None, None, :, None], c[None, None], var[None, None, None, :],
    )  # fmt: skip
    jitter = (i4 @ signs) @ signs + noise**2 * g.j2(own[:, None], c[:k, :k], own)
    dq = drift[:, :k] + drift[:, :k].T + rate**2 * np.outer(v, v) * jitter
    dv = -readout_rate * (g.i2(own[:, None], c[:k], var) @ signs)
    return dq, drift[:, k:], dv


def _check_shapes(q, r, t, v, v_teacher) -> None:
    k, m = v.size, v_teacher.size
    expected = {"q": (k, k), "r": (k, m), "t": (m, m), "v": (k,), "v_teacher": (m,)}
    for name, array in {"q": q, "r": r, "t": t, "v": v, "v_teacher": v_teacher}.items():
        if array.shape != expected[name] or not array.size or not np.isfinite(array).all():
            raise ValueError(f"`{name}` must be finite, of shape {expected[name]}. Received: {array.tolist()}")
