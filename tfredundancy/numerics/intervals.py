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
        low, high: a t-interval of the mean (kind "t"), or the least and the greatest difference (kind "range").
        n: number of pairs.
        kind: "t" from five pairs on, "range" below.
    """

    mean: float
    low: float
    high: float
    n: int
    kind: Literal["t", "range"]


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
