"""What experiments say about their seeds: spreads and differences for summary.json, tables for the screen and for findings."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tfredundancy.numerics.intervals import paired_difference, verdict


def spread(values: ArrayLike) -> dict[str, float | None]:
    """Mean, least and greatest of the values that are numbers; None where there is none.

    Example:
        >>> spread([1.0, 2.0, float("nan"), 6.0])
        {'mean': 3.0, 'min': 1.0, 'max': 6.0}
    """
    numbers = _numbers(values)
    if not len(numbers):
        return {"mean": None, "min": None, "max": None}
    return {"mean": float(numbers.mean()), "min": float(numbers.min()), "max": float(numbers.max())}


def difference(a: ArrayLike, b: ArrayLike) -> dict[str, Any] | None:
    """The paired difference a − b over seeds with its interval and verdict; None where a seed lacks a number.

    Args:
        a: array (seeds,).
        b: array (seeds,), the same seeds in the same order.

    Returns:
        mean, low, high, n, kind and verdict, as `numerics.intervals` defines them.

    Example:
        >>> difference([2.0, 4.0], [1.0, 1.0])["mean"], difference([2.0, 4.0], [1.0, float("nan")])
        (2.0, None)
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return None
    interval = paired_difference(a, b)
    return {**asdict(interval), "verdict": verdict(interval)}


def shown(values: ArrayLike, digits: int, factor: float = 1.0) -> str:
    """Mean and, where the values differ, their range as text; "–" where there is no number.

    Example:
        >>> shown([0.5, 0.7], digits=1, factor=100), shown([3, 3], digits=0), shown([float("nan")], digits=1)
        ('60.0 (50.0–70.0)', '3', '–')
    """
    numbers = factor * _numbers(values)
    if not len(numbers):
        return "–"
    mean, low, high = (f"{number:.{digits}f}" for number in (numbers.mean(), numbers.min(), numbers.max()))
    return mean if low == high else f"{mean} ({low}–{high})"


def verdict_sentence(claims: Sequence[dict[str, Any]]) -> str:
    """One sentence of what claims amount to: of each topic, which verdict holds in which cases.

    Args:
        claims: with `verdict` and, where they belong into the sentence, `topic` and `case`.

    Returns:
        Topics in their order, "topic: verdict (case, case), verdict (case)", and nothing where no claim has a topic.

    Example:
        >>> claim = dict(topic="wide nets err less", verdict="as claimed")
        >>> verdict_sentence([claim | {"case": "k = 4"}, claim | {"case": "k = 8"}])
        'wide nets err less: as claimed (k = 4, k = 8).'
    """
    topics: dict[str, dict[str, list[str]]] = {}
    for each in claims:
        if "topic" in each:
            topics.setdefault(each["topic"], {}).setdefault(each["verdict"], []).append(each["case"])
    parts = [
        f"{topic}: " + ", ".join(f"{verdict} ({', '.join(dict.fromkeys(cases))})" for verdict, cases in found.items())
        for topic, found in topics.items()
    ]
    return f"{'; '.join(parts)}." if parts else ""


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns side by side, aligned to the right.

    Example:
        >>> print(text_table(["k", "accuracy"], [["0", "9.8"], ["16", "97.5"]]))
         k  accuracy
         0       9.8
        16      97.5
    """
    lines = [header, *rows]
    widths = [max(len(str(line[i])) for line in lines) for i in range(len(header))]
    return "\n".join("  ".join(f"{cell:>{width}}" for cell, width in zip(line, widths, strict=True)) for line in lines)


def _numbers(values: ArrayLike) -> np.ndarray:
    numbers = np.asarray(values, np.float64).ravel()
    return numbers[np.isfinite(numbers)]
