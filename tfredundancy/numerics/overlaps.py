"""Order parameters of a student and a teacher committee machine, and what follows from them alone.

    φ(x) = Σ_k v_k g(λ_k), λ_k = w_k·x/√N     φ*(x) = Σ_m v*_m g(ρ_m), ρ_m = w*_m·x/√N     x standard normal
    Q = w wᵀ/N (K, K)    R = w w*ᵀ/N (K, M)    T = w* w*ᵀ/N (M, M): the covariance of the fields λ and ρ

Generalisation errors are ½⟨(φ − φ*)²⟩, without the noise of the labels.

Saad and Solla 1995, Phys. Rev. E 52; Goldt et al. 2019, arXiv:1906.08632.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from tfredundancy.numerics.averages import ERF, Activation

LIMIT = 1e6  # of an order parameter: what exceeds it has diverged
MATCHES = 0.9  # |correlation| from which a unit matches another
IDLE = 0.05  # strength, by that of the teacher's units, below which a unit is idle


@dataclass(frozen=True, eq=False)
class Course:
    """Order parameters at some times; before them the axes of what was followed: none, or (runs, nets).

    Attributes:
        times: array (n,).
        q: array (n, …, K, K).
        r: array (n, …, K, M).
        t: array (…, M, M), which stays as it is.
        v: array (n, …, K).
        error: array (n, …), the generalisation error.
        diverged_at: array (…), the time at which an order parameter was seen beyond 10⁶ or not finite, NaN where none was; from
            then on there are NaNs in the arrays above.
    """

    times: np.ndarray
    q: np.ndarray
    r: np.ndarray
    t: np.ndarray
    v: np.ndarray
    error: np.ndarray
    diverged_at: np.ndarray


def order_parameters(weights: ArrayLike, teacher: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Overlaps of the units of student and teacher: Q = w wᵀ/N, R = w w*ᵀ/N, T = w* w*ᵀ/N.

    Args:
        weights: array (…, K, N), the student's units.
        teacher: array (…, M, N), the teacher's units.

    Returns:
        Q (…, K, K), R (…, K, M), T (…, M, M).

    Raises:
        ValueError: units of different lengths.

    Example:
        >>> q, r, t = order_parameters([[2.0, 0.0]], [[1.0, 1.0]])
        >>> q.item(), r.item(), t.item()
        (2.0, 1.0, 1.0)
    """
    w, teacher = np.asarray(weights, np.float64), np.asarray(teacher, np.float64)
    if w.ndim < 2 or teacher.ndim < 2 or w.shape[-1] != teacher.shape[-1]:
        raise ValueError(
            "`weights` must be (…, K, N) and `teacher` (…, M, N). "
            f"Received: weights.shape={w.shape}, teacher.shape={teacher.shape}"
        )
    n, w_t, teacher_t = w.shape[-1], np.swapaxes(w, -1, -2), np.swapaxes(teacher, -1, -2)
    return w @ w_t / n, w @ teacher_t / n, teacher @ teacher_t / n


def generalisation_error(
    q: ArrayLike, r: ArrayLike, t: ArrayLike, v: ArrayLike, v_teacher: ArrayLike, activation: Activation = ERF
) -> np.ndarray:
    """ε = ½⟨(φ − φ*)²⟩ = ½ Σ_ab c_a c_b I2(a, b), c = (v, −v*) over the units of student and teacher.

    Args:
        q: array (…, K, K).
        r: array (…, K, M).
        t: array (…, M, M).
        v: array (…, K).
        v_teacher: array (…, M).
        activation: of the units.

    Returns:
        Array (…).

    Example:
        >>> one = np.eye(1)
        >>> float(generalisation_error(one, one, one, [1.0], [1.0]))  # the student is the teacher
        0.0
        >>> round(float(generalisation_error(0 * one, 0 * one, one, [1.0], [1.0])), 9)  # it says 0: ½⟨φ*²⟩ = asin(½)/π
        0.166666667
    """
    c, signs = covariance(q, r, t), signed_readouts(v, v_teacher)
    variance = np.diagonal(c, axis1=-2, axis2=-1)
    return 0.5 * np.einsum(
        "...a,...b,...ab",
        signs,
        signs,
        activation.i2(variance[..., :, None], c, variance[..., None, :]),
    )


def unit_correlations(q: ArrayLike, r: ArrayLike, t: ArrayLike, activation: Activation = ERF) -> np.ndarray:
    """How alike the responses of student and teacher units are: r_in = ⟨g(λ_i) g(ρ_n)⟩ / √(⟨g(λ_i)²⟩ ⟨g(ρ_n)²⟩).

    Args:
        q: array (…, K, K).
        r: array (…, K, M).
        t: array (…, M, M).
        activation: of the units, an odd function, whose mean response is 0.

    Returns:
        Array (…, K, M) in [−1, 1]; 0 for a unit without weights.

    Example:
        >>> unit_correlations(
        ...     np.diag([1.0, 0.0]), [[-1.0], [0.0]], [[1.0]]
        ... ).tolist()  # the opposite, and a unit that is silent
        [[-1.0], [0.0]]
    """
    r = np.asarray(r, np.float64)
    own, theirs = (np.diagonal(np.asarray(a, np.float64), axis1=-2, axis2=-1) for a in (q, t))
    common = activation.i2(own[..., :, None], r, theirs[..., None, :])
    squares = activation.i2(own, own, own)[..., :, None] * activation.i2(theirs, theirs, theirs)[..., None, :]
    alive = squares > 0  # a unit that dies out has Q_ii = 0 up to the integrator's rounding, of either sign
    return np.divide(common, np.sqrt(np.where(alive, squares, 1.0)), out=np.zeros(common.shape), where=alive)


def unit_state(correlation: float, strength: float) -> str:
    """What a student unit does: "match", "opposite", "mixture" or "idle".

    Args:
        correlation: of its response with that of the teacher unit that it is most like, in either sign.
        strength: |v| times the size of its response, by the same of the teacher's units.

    Example:
        >>> unit_state(0.99, 1.0), unit_state(-0.95, 0.3), unit_state(0.5, 1.0), unit_state(0.99, 0.01)
        ('match', 'opposite', 'mixture', 'idle')
    """
    if strength < IDLE:
        return "idle"
    if abs(correlation) < MATCHES:
        return "mixture"
    return "match" if correlation > 0 else "opposite"


def asymptotic_error(rate: float, noise: float, *, units: int, teacher_units: int) -> float:
    """What the noise leaves of the error when only the first layer is trained: ε* = ησ²/2π · (L + M/√3), L = K − M.

    To first order in η, for erf units, v = v* = 1 and orthonormal teacher units: each unit too many costs √3 times as much as
    one that is needed. It is the fixed point at which surplus units have no weights; two or more of them can do better and cancel
    each other.

    Args:
        rate: η.
        noise: σ.
        units: K.
        teacher_units: M.

    Returns:
        ε*.

    Raises:
        ValueError: M > K, where the student can not become the teacher and no such law holds; or a number out of range.

    Example:
        >>> round(asymptotic_error(0.2, 0.1, units=3, teacher_units=2) * 2 * np.pi / 0.002, 6)  # 1 + 2/√3
        2.154701
    """
    check_rate(rate)
    check_noise(noise)
    if not 1 <= teacher_units <= units:
        raise ValueError(
            "`teacher_units` must lie in [1, units], for a student that can become the teacher. "
            f"Received: teacher_units={teacher_units}, units={units}"
        )
    return float(rate * noise**2 / (2 * np.pi) * (units - teacher_units + teacher_units / np.sqrt(3)))


def covariance(q: ArrayLike, r: ArrayLike, t: ArrayLike) -> np.ndarray:
    """Covariance (…, K + M, K + M) of the fields (λ, ρ)."""
    q, r, t = (np.asarray(array, np.float64) for array in (q, r, t))
    t = np.broadcast_to(t, (*q.shape[:-2], *t.shape[-2:]))
    upper, lower = np.concatenate([q, r], axis=-1), np.concatenate([np.swapaxes(r, -1, -2), t], axis=-1)
    return np.concatenate([upper, lower], axis=-2)


def signed_readouts(v: ArrayLike, v_teacher: ArrayLike) -> np.ndarray:
    """(v, −v*): array (…, K + M), with which φ − φ* is a sum over all units."""
    v, v_teacher = np.asarray(v, np.float64), np.asarray(v_teacher, np.float64)
    return np.concatenate([v, -np.broadcast_to(v_teacher, (*v.shape[:-1], v_teacher.shape[-1]))], axis=-1)


def checked_times(times: ArrayLike) -> np.ndarray:
    """The times as an array, or a ValueError."""
    array = np.asarray(times, np.float64)
    if array.ndim != 1 or not array.size or not np.isfinite(array).all() or array[0] < 0 or (np.diff(array) <= 0).any():
        raise ValueError(f"`times` must increase from 0 on. Received: {times}")
    return array


def check_rate(rate: ArrayLike) -> None:
    """A ValueError where a learning rate is not positive."""
    if not ((np.asarray(rate) > 0) & np.isfinite(rate)).all():
        raise ValueError(f"`rate` must be positive. Received: rate={rate}")


def check_noise(noise: ArrayLike) -> None:
    """A ValueError where a noise is negative."""
    if not ((np.asarray(noise) >= 0) & np.isfinite(noise)).all():
        raise ValueError(f"`noise` must not be negative. Received: noise={noise}")


def check_rates(rate: ArrayLike, readout_rate: ArrayLike, noise: ArrayLike) -> None:
    """A ValueError where a rate or a noise is out of range; a readout may have rate 0."""
    check_rate(rate)
    check_noise(noise)
    if not ((np.asarray(readout_rate) >= 0) & np.isfinite(readout_rate)).all():
        raise ValueError(f"`readout_rate` must not be negative. Received: readout_rate={readout_rate}")
