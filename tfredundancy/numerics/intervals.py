"""Intervals of paired differences over seeds, and what may be said from them.

Two arms of the same seed share the dense network and the batches, so their difference is taken seed by seed:
`a, b: array (n,)`, d = a − b.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

FEWEST_SEEDS = 5


@dataclass(frozen=True)
class Interval:
    """A mean difference and how far it may be off.

    Attributes:
        mean: mean of the n differences.
        low, high: a t-interval of the mean (kind "t"), the least and the greatest difference (kind "range"), or the interval of
            a share (kind "wilson").
        n: number of pairs.
        kind: "t" from five pairs on, "range" below; "wilson" for shares.
    """

    mean: float
    low: float
    high: float
    n: int
    kind: Literal["t", "range", "wilson"]


def paired_difference(a: ArrayLike, b: ArrayLike, confidence: float = 0.95) -> Interval:
    """The mean of d = a − b with its interval: mean ± t₍ₙ₋₁₎ · s / √n for n ≥ 5, below that min(d) and max(d).

    Args:
        a: array (n,), a value for each seed.
        b: array (n,), the values to compare with, same seeds in the same order.
        confidence: probability that the t-interval covers the mean of normal differences.

    Returns:
        An `Interval`.

    Raises:
        ValueError: the arrays are empty, of unequal or more than one dimension's shape, or hold NaN or infinities;
            or the confidence does not lie in (0, 1).

    Example:

    >>> paired_difference([3.0, 5.0], [2.0, 2.0])
    Interval(mean=2.0, low=1.0, high=3.0, n=2, kind='range')
    >>> paired_difference([1.0, 2.0, 3.0, 4.0, 5.0], [0.0, 1.0, 2.0, 3.0, 4.0]).kind
    't'

    Reference:
        Student, "The Probable Error of a Mean", Biometrika 6 (1908).
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.ndim != 1 or a.shape != b.shape or a.size == 0:
        raise ValueError(
            f"`a` and `b` must be one-dimensional, of equal length, not empty. Received: shapes {a.shape} and {b.shape}"
        )
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError(f"`a` and `b` must be finite. Received: a={a}, b={b}")
    if not 0 < confidence < 1:
        raise ValueError(f"`confidence` must lie in (0, 1). Received: confidence={confidence}")
    differences = a - b
    n, mean = len(differences), float(differences.mean())
    if n < FEWEST_SEEDS:
        return Interval(mean, float(differences.min()), float(differences.max()), n, "range")
    margin = float(stats.t.ppf((1 + confidence) / 2, n - 1) * differences.std(ddof=1) / np.sqrt(n))
    return Interval(mean, mean - margin, mean + margin, n, "t")


def proportion(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """A share of n trials with its interval, Wilson's: (p + z²/2n ± z√(p(1−p)/n + z²/4n²)) / (1 + z²/n).

    Unlike a t-interval of zeros and ones it has a width where all trials end alike.

    Args:
        successes: number of trials that succeeded.
        n: number of trials.
        confidence: probability that the interval covers the true share, about.

    Returns:
        An `Interval` of kind "wilson", with the share itself as its mean.

    Raises:
        ValueError: successes outside [0, n], no trial, or a confidence outside (0, 1).

    Example:

    >>> found = proportion(0, 50)
    >>> found.mean, found.low, round(found.high, 4)
    (0.0, 0.0, 0.0713)

    Reference:
        Wilson 1927, Probable inference, the law of succession, and statistical inference, JASA 22.
    """
    if not 0 <= successes <= n or n < 1:
        raise ValueError(f"`successes` must lie in [0, n], `n` be at least 1. Received: {successes=}, {n=}")
    if not 0 < confidence < 1:
        raise ValueError(f"`confidence` must lie in (0, 1). Received: confidence={confidence}")
    p, z2 = successes / n, float(stats.norm.ppf((1 + confidence) / 2)) ** 2
    centre, margin = p + z2 / (2 * n), np.sqrt(z2 * p * (1 - p) / n + z2**2 / (4 * n**2))
    low, high = (float(np.clip((centre + sign * margin) / (1 + z2 / n), 0, 1)) for sign in (-1, 1))
    return Interval(p, low, high, n, "wilson")


def verdict(interval: Interval) -> Literal["above", "below", "overlaps", "too few seeds"]:
    """What a difference shows: on which side of zero its interval lies, if on one, and if there are seeds enough.

    Args:
        interval: of a difference.

    Returns:
        "above" or "below" where zero lies outside, "overlaps" where it lies inside or on the edge, "too few seeds"
        for fewer than five pairs, whatever their values.

    Example:

    >>> verdict(Interval(0.02, 0.01, 0.03, 5, "t")), verdict(Interval(0.02, 0.01, 0.03, 3, "range"))
    ('above', 'too few seeds')
    """
    if interval.kind == "range":
        return "too few seeds"
    if interval.low > 0:
        return "above"
    return "below" if interval.high < 0 else "overlaps"
