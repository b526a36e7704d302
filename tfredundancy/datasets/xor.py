"""The XOR detection problem: does a point hold one of the patterns (1, 1) and (−1, −1)?

A point is a row of patterns, pairs of ±1: x = (x₁, …, x_m), its dimension 2m. Its label is +1 where some x_i is (1, 1) or
(−1, −1), and −1 where all are (1, −1) or (−1, 1). For one pattern that is XOR, its sign turned.

    points (n, m, 2) float32 · labels (n,) int32 of +1 and −1

A point is *diverse* that holds all patterns that its class may hold: all four, or both negative ones. There are only 15 kinds of
points, the non-empty sets of four patterns, for a network that pools over patterns; their probabilities have a closed form.

Reference: Brutzkus & Globerson 2019, Why do larger models generalize better?, arXiv:1810.03037.
"""

from __future__ import annotations

import itertools

import numpy as np

PATTERNS = np.array([[1, 1], [-1, -1], [1, -1], [-1, 1]], np.float32)  # two positive ones, two negative ones
KINDS = np.array([s for s in itertools.product((False, True), repeat=4) if any(s)])  # bool (15, 4): the patterns held
LABELS = np.where(KINDS[:, :2].any(axis=1), 1, -1).astype(np.int32)  # of each kind
DIVERSE = KINDS.sum(axis=1) == np.where(LABELS > 0, 4, 2)  # bool (15,)
SETS = ("diverse", "drawn", "nondiverse")


def draw(n, dimension, rng, points="drawn"):
    """Return points and labels, as many positive ones as negative ones (one more, where n is odd).

    Given its label and what `points` demands, a point is uniform over all that fit.

    Args:
        n: number of points.
        dimension: 2m, an even number: that of the coordinates of a point.
        rng: `np.random.Generator`.
        points: "drawn", all points; "diverse", only those that hold all patterns of their class; "nondiverse", only others.

    Returns:
        Tuple (float32 array (n, m, 2), int32 array (n,) of +1 and −1, alternating).

    Raises:
        ValueError: an odd dimension or n < 1; a dimension too small for diverse points (8), or for non-diverse ones of another
            word.

    Example:
        >>> points, labels = draw(4, 20, np.random.default_rng(0))
        >>> points.shape, labels.tolist()
        ((4, 10, 2), [1, -1, 1, -1])

    Reference:
        Brutzkus & Globerson 2019, arXiv:1810.03037.
    """
    if n < 1:
        raise ValueError(f"`n` must be at least 1. Received: n={n!r}")
    chances = {label: probabilities(dimension, label, points) for label in (1, -1)}
    labels = np.where(np.arange(n) % 2 == 0, 1, -1).astype(np.int32)
    kinds = [rng.choice(len(KINDS), p=chances[label]) for label in labels]
    return np.stack([_point(np.flatnonzero(KINDS[kind]), dimension // 2, rng) for kind in kinds]), labels


def probabilities(dimension, label, points="drawn"):
    """Return the probability of each kind among the points of a label: sequences onto its patterns, over all that fit.

    P(a uniform point holds exactly S) = Σ_{T ⊆ S} (−1)^{|S|−|T|} (|T|/4)^m, divided by the sum over the kinds allowed.

    Args:
        dimension: 2m.
        label: +1 or −1.
        points: as for `draw`.

    Returns:
        float64 array (15,), of sum 1.

    Raises:
        ValueError: as `draw`.

    Example:
        >>> probabilities(4, -1)[LABELS < 0].tolist()  # two patterns: one, the other, or both
        [0.25, 0.25, 0.5]
    """
    m = _checked_patterns(dimension, points)
    chances = np.array([_onto(int(kind.sum()), m) for kind in KINDS])
    fits = {"drawn": True, "diverse": DIVERSE, "nondiverse": ~DIVERSE}[points]
    chances = np.where((label == LABELS) & fits, chances, 0.0)
    return chances / chances.sum()


def kinds_of(points):
    """Return the kind of each point, a row of `KINDS`.

    Args:
        points: array (n, m, 2) of ±1.

    Returns:
        Integer array (n,).

    Example:
        >>> kind = kinds_of(np.array([[[1, 1], [1, -1], [1, 1]]]))
        >>> KINDS[kind].tolist(), LABELS[kind].tolist()
        ([[True, False, True, False]], [1])
    """
    held = (np.asarray(points)[:, :, None] == PATTERNS).all(axis=-1).any(axis=1)
    return (held @ np.array([8, 4, 2, 1])) - 1


def counts_of(points):
    """Return how many points are of each kind: all that a network that pools over patterns sees of a training set.

    Args:
        points: array (n, m, 2) of ±1.

    Returns:
        Integer array (15,), of sum n.

    Example:
        >>> counts_of(np.array([[[1, -1], [1, -1]], [[1, 1], [-1, 1]]])).sum()
        np.int64(2)
    """
    return np.bincount(kinds_of(points), minlength=len(KINDS))


def _point(patterns, m, rng):
    """A uniform sequence of m patterns in which each occurs: drawn until it is one (in the worst case 1 of 11 is)."""
    while True:
        chosen = rng.choice(patterns, m)
        if len(set(chosen.tolist())) == len(patterns):
            return PATTERNS[chosen]


def _onto(size, m):
    """Share of the 4^m sequences of patterns that hold exactly `size` given ones."""
    counts = {1: (1,), 2: (-2, 1), 3: (3, -3, 1), 4: (-4, 6, -4, 1)}[size]
    return sum(count * (t / 4) ** m for t, count in enumerate(counts, start=1))


def _checked_patterns(dimension, points):
    if int(dimension) != dimension or dimension < 2 or dimension % 2:
        raise ValueError(
            "`dimension` must be an even number of at least 2: patterns are pairs of coordinates. "
            f"Received: dimension={dimension!r}"
        )
    if points not in SETS:
        raise ValueError(f"`points` must be one of {', '.join(SETS)}. Received: points={points!r}")
    if points == "diverse" and dimension < 8:
        raise ValueError(
            "`dimension` must be at least 8 for diverse points, which hold four different pairs. "
            f"Received: dimension={dimension}"
        )
    return dimension // 2
