"""Scores → mask, by rank: `keep` keeps an exact number of entries.

scores: array of any shape, one number for each weight or unit; higher is kept first.
mask:   array of bool of the same shape, True where the entry is kept.

Ties go to the lower (row-major) index. Nothing is decided by a threshold, so that neither ties nor rounding can prune
one entry too many or all of them.
"""

from collections.abc import Mapping, Sequence

import numpy as np


def kept_count(density: float, size: int) -> int:
    """Number of entries that `density` keeps of `size`: round(density · size), halves up.

    Args:
        density: fraction of `size` to keep, in [0, 1].
        size: number of entries, at least 0.

    Returns:
        An integer in [0, size].

    Raises:
        ValueError: `density` is not a number in [0, 1].

    Example:
        >>> [kept_count(density, 5) for density in (0, 0.1, 0.5, 1)]
        [0, 1, 3, 5]
    """
    if isinstance(density, bool) or not 0 <= density <= 1:  # NaN fails the comparison
        raise ValueError(f"`density` must lie in [0, 1]. Received: density={density!r}")
    return int(np.floor(round(density * size, 9) + 0.5))  # 0.145 · 100 is 14.5, not 14.499999999999998


def keep(
    scores: np.ndarray,
    density: float | None = None,
    within: np.ndarray | None = None,
    min_units: int = 0,
    *,
    count: int | None = None,
) -> np.ndarray:
    """Keep exactly max(min_units, round(density · n)) of the n entries: those with the highest scores.

    Args:
        scores: array of n numbers, any shape.
        density: fraction of all n entries to keep, in [0, 1].
        within: bool array of the same shape; only its True entries may be kept.
        min_units: keep at least so many, however small the density.
        count: the number to keep, in place of `density` (papers that prune ceil(p · n) need it).

    Returns:
        Bool array of the shape of `scores`.

    Raises:
        ValueError: NaN scores, density outside [0, 1], wrong shape, or more asked for than `within` holds.

    Example:
        >>> keep(np.array([3.0, 1.0, 2.0, 1.0]), 0.75)
        array([ True,  True,  True, False])
        >>> keep(np.ones(4), 0.5)  # ties: the lower index stays
        array([ True,  True, False, False])
    """
    return keep_globally(
        {"scores": scores}, density, None if within is None else {"scores": within}, min_units, count=count
    )["scores"]


def keep_globally(
    scores: Mapping[str, np.ndarray],
    density: float | None = None,
    within: Mapping[str, np.ndarray] | None = None,
    min_units: int = 0,
    *,
    count: int | None = None,
) -> dict[str, np.ndarray]:
    """Rank several arrays against each other and keep exactly round(density · N) of their N entries in all.

    The `min_units` best entries of each array come first; the rest of the count goes by score. Ties go to the earlier
    array, then to the lower index. If `min_units` alone exceeds the count, `min_units` of each array are kept.

    Args:
        scores: {name: array of numbers}.
        density: fraction of all N entries to keep, in [0, 1].
        within: {name: bool array}; only True entries may be kept.
        min_units: entries of each array that stay in any case.
        count: the number to keep in all, in place of `density`.

    Returns:
        {name: bool array of the shape of its scores}.

    Raises:
        ValueError: as `keep`.

    Example:
        >>> keep_globally({"a": np.array([5.0, 4.0]), "b": np.array([1.0, 2.0])}, 0.5, min_units=1)
        {'a': array([ True, False]), 'b': array([False,  True])}
    """
    flat = {name: _checked_scores(name, values) for name, values in scores.items()}
    allowed = {name: _checked_within(name, scores[name], within) for name in scores}
    size = sum(values.size for values in flat.values())
    wanted = _wanted(density, count, size)
    floor = sum(min(min_units, int(ok.sum())) for ok in allowed.values())
    available = sum(int(ok.sum()) for ok in allowed.values())
    if wanted > available:
        raise ValueError(
            f"`density` asks for {wanted} of {size} entries, but only {available} were kept before: "
            f"what was pruned does not come back. Received: density={density!r}, count={count!r}"
        )
    return _split(_select(list(flat.values()), list(allowed.values()), max(wanted, floor), min_units), scores)


def _select(scores: Sequence[np.ndarray], allowed: Sequence[np.ndarray], wanted: int, min_units: int) -> np.ndarray:
    """Flat bool array over all arrays: the `min_units` best of each, then the best of what is left."""
    protected = [_best(values, ok, min(min_units, int(ok.sum()))) for values, ok in zip(scores, allowed, strict=True)]
    kept = np.concatenate(protected) if protected else np.zeros(0, bool)
    if not kept.size:
        return kept
    rest = np.concatenate(allowed) & ~kept
    return kept | _best(np.concatenate(scores), rest, wanted - int(kept.sum()))


def _best(scores: np.ndarray, allowed: np.ndarray, count: int) -> np.ndarray:
    """Mask of the `count` highest allowed scores; a stable sort puts the lower index first among ties."""
    mask = np.zeros(scores.size, bool)
    candidates = np.flatnonzero(allowed)
    order = np.argsort(-scores[candidates], kind="stable")
    mask[candidates[order[:count]]] = True
    return mask


def _wanted(density: float | None, count: int | None, size: int) -> int:
    if (density is None) == (count is None):
        raise ValueError(f"Pass either `density` or `count`. Received: density={density!r}, count={count!r}")
    if count is None:
        return kept_count(density, size)
    if isinstance(count, bool) or int(count) != count or not 0 <= count <= size:
        raise ValueError(f"`count` must be an integer in [0, {size}]. Received: count={count!r}")
    return int(count)


def _checked_scores(name: str, values: np.ndarray) -> np.ndarray:
    flat = np.asarray(values).ravel()
    if flat.dtype == bool or flat.dtype.kind in "iu":
        flat = flat.astype(np.float64)
    bad = int(np.isnan(flat).sum())
    if bad:
        raise ValueError(f"`scores` must be numbers. Received: {bad} NaN among the {flat.size} of '{name}'")
    return flat


def _checked_within(name: str, values: np.ndarray, within: Mapping[str, np.ndarray] | None) -> np.ndarray:
    shape = np.shape(values)
    if within is None:
        return np.ones(int(np.prod(shape)), bool)
    mask = np.asarray(within[name])
    if mask.shape != shape or mask.dtype != bool:
        raise ValueError(
            f"`within` must be a bool array of shape {shape} for '{name}'. Received: {mask.dtype} of shape {mask.shape}"
        )
    return mask.ravel()


def _split(flat: np.ndarray, scores: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    masks, start = {}, 0
    for name, values in scores.items():
        shape = np.shape(values)
        stop = start + int(np.prod(shape))
        masks[name] = flat[start:stop].reshape(shape)
        start = stop
    return masks
