"""Networks that detect patterns, many of them trained at once: filters, max pooling over patterns, a fixed output.

    N(x) = Σ_i max_j relu(w_i·x_j) − Σ_i max_j relu(u_i·x_j)

Max pooling sees which patterns a point holds, not where nor how often. So points that hold the same patterns are one kind of
point, and a training set is the share that each kind has in it.

    filters   array (replicas, 2, k, d): [:, 0] are the w, [:, 1] the u of each network. A filter of zeros answers 0 and stays
              zero, so that networks of several widths may be padded to one.
    patterns  array (p, d)
    holds     bool array (kinds, p): which patterns a point of a kind holds
    labels    array (kinds,) of +1 and −1
    counts    array (replicas, kinds) of integers ≥ 0: the training set of each network

Reference: Brutzkus & Globerson 2019, Why do larger models generalize better?, arXiv:1810.03037.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MINIMUM, STUCK, MOVING, DIVERGED = "minimum", "stuck", "moving", "diverged"
_MOST_PATTERNS = 8  # their sets are counted
_CHECK_EVERY = 50  # steps after which finished networks are left out


def initial_filters(seeds: Sequence[int], width: int, deviation: float, d: int = 2) -> np.ndarray:
    """Gaussian filters, a network for each seed: the same for a seed whatever other seeds stand beside it.

    Args:
        seeds: different non-negative integers.
        width: k, filters of each sign.
        deviation: standard deviation of the entries, positive.
        d: length of a pattern.

    Returns:
        Array (seeds, 2, width, d).

    Raises:
        ValueError: a seed that is given twice, or an argument that is not what is said above.

    Example:
        >>> initial_filters([0, 1], width=3, deviation=0.1).shape
        (2, 2, 3, 2)
    """
    _check_seeds(seeds)
    if int(width) != width or width < 1:
        raise ValueError(f"`width` must be an integer of at least 1. Received: width={width!r}")
    _check_positive(deviation=deviation)
    return np.array([np.random.default_rng([seed, width]).normal(0, deviation, (2, width, d)) for seed in seeds])


def outputs(filters: np.ndarray, patterns: np.ndarray, holds: np.ndarray) -> np.ndarray:
    """N of every network on a point of every kind.

    Args:
        filters: array (replicas, 2, k, d).
        patterns: array (p, d).
        holds: bool array (kinds, p).

    Returns:
        Array (replicas, kinds).

    Raises:
        ValueError: shapes do not agree, or a kind holds no pattern.

    Example:
        >>> filters = np.array([[[[1.0, 0.0]], [[0.0, 2.0]]]])  # one w, one u
        >>> outputs(filters, np.eye(2), np.array([[True, False], [True, True]]))
        array([[ 1., -1.]])
    """
    filters, patterns, holds = _checked(filters, patterns, holds)
    with np.errstate(over="ignore", invalid="ignore"):  # of networks that diverged: infinite, or no number
        responses, places = _standings(filters, patterns)
        return _outputs(responses, places, _wins(holds))


def hinge(values: np.ndarray, labels: np.ndarray, margin: float) -> np.ndarray:
    """Loss of each output: max(0, γ − N) where the label is +1, max(0, 1 + N) where it is −1.

    Args:
        values: array (…, kinds), N.
        labels: array (kinds,) of +1 and −1.
        margin: γ.

    Returns:
        Array of the shape of `values`.

    Example:
        >>> hinge(np.array([[3.0, -0.5], [9.0, -2.0]]), np.array([1, -1]), margin=8.0)
        array([[5. , 0.5],
               [0. , 0. ]])
    """
    return np.maximum(0, np.where(labels > 0, margin - values, 1 + values))


def errors(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Which outputs are wrong: a point is called positive where N > 0; an output that is no number is wrong.

    Args:
        values: array (…, kinds), N.
        labels: array (kinds,) of +1 and −1.

    Returns:
        Bool array of the shape of `values`.

    Example:
        >>> errors(np.array([2.0, 0.0, 0.0]), np.array([1, 1, -1]))
        array([False,  True, False])
    """
    return ((values > 0) != (labels > 0)) | ~np.isfinite(values)


@dataclass(frozen=True, eq=False)
class Trained:
    """What became of the networks.

    Attributes:
        filters: array (replicas, 2, k, d).
        steps: array (replicas,) of int, steps that changed a filter.
        loss: array (replicas,), mean hinge loss over the training set; NaN for a network that diverged.
        outcome: array (replicas,) of text: "minimum", the loss is 0; "stuck", it is not and its gradient is 0; "moving", the
            steps were not enough; "diverged", a filter or an output is not finite.
    """

    filters: np.ndarray
    steps: np.ndarray
    loss: np.ndarray
    outcome: np.ndarray


def train(
    filters: np.ndarray,
    patterns: np.ndarray,
    holds: np.ndarray,
    labels: np.ndarray,
    counts: np.ndarray,
    *,
    margin: float,
    rate: float,
    steps: int,
) -> Trained:
    """Gradient descent on the mean hinge loss, all networks at once: w ← w − η ∂/∂w Σ_kinds count/n · hinge(N).

    Only the pattern with the greatest response, if that is positive, moves a filter; of equal ones the first. A network at a
    zero gradient stays where it is, so it is left out of the work from then on.

    Args:
        filters: array (replicas, 2, k, d), not changed.
        patterns: array (p, d).
        holds: bool array (kinds, p).
        labels: array (kinds,) of +1 and −1.
        counts: array (replicas, kinds) of integers ≥ 0, one in each row positive.
        margin: γ, what positive points must reach; negative ones must reach −1.
        rate: η.
        steps: the most steps.

    Returns:
        A `Trained`.

    Raises:
        ValueError: shapes do not agree, or a margin or rate that is not positive, or no step.

    Example:
        >>> kinds = dict(patterns=np.eye(2), holds=np.array([[True, False], [False, True]]), labels=np.array([1, -1]))
        >>> start = np.array([[[[1.0, 0.0]], [[0.0, 2.0]]]])
        >>> done = train(start, **kinds, counts=np.array([[1, 1]]), margin=2.0, rate=0.5, steps=10)
        >>> done.filters[0, 0], done.outcome[0], int(done.steps[0])
        (array([[2., 0.]]), np.str_('minimum'), 4)
    """
    filters, patterns, holds = _checked(filters, patterns, holds)
    counts, labels = np.asarray(counts), np.asarray(labels)
    _check_training(filters, holds, labels, counts, margin, rate, steps)
    trained, taken, active = filters.copy(), np.zeros(len(filters), int), np.arange(len(filters))
    occurring = counts.any(axis=0)
    kinds = (patterns, holds[occurring], labels[occurring])
    for begin in range(0, steps, _CHECK_EVERY):
        some, part = trained[active], counts[np.ix_(active, occurring)]
        with np.errstate(over="ignore", invalid="ignore"):
            moving, moved = _some_steps(some, *kinds, part, margin, rate, min(_CHECK_EVERY, steps - begin))
        trained[active] = some
        taken[active] += moved
        active = active[moving & np.isfinite(some).all(axis=(1, 2, 3))]
        if not len(active):
            break
    with np.errstate(over="ignore", invalid="ignore"):
        loss, outcome = _ends(trained, *kinds, counts[:, occurring], margin)
    return Trained(trained, taken, loss, outcome)


def reachable_margin(filters: np.ndarray, patterns: np.ndarray, rate: float, steps: int) -> float:
    """No output exceeds k · max‖x‖ · (max‖w₀‖ + steps · η · max‖x‖): a step moves a filter by at most η · max‖x‖.

    Args:
        filters: array (replicas, 2, k, d), the initial ones.
        patterns: array (p, d).
        rate: η.
        steps: number of steps.

    Returns:
        A number; a greater margin can not be met.

    Example:
        >>> reachable_margin(np.zeros((1, 2, 3, 2)), np.array([[1.0, 1.0], [1.0, -1.0]]), rate=0.01, steps=10).round(9)
        np.float64(0.6)
    """
    longest = np.linalg.norm(patterns, axis=1).max()
    with np.errstate(over="ignore"):  # of filters that are too great an infinite bound
        return filters.shape[2] * longest * (np.linalg.norm(filters, axis=-1).max() + steps * rate * longest)


def best_patterns(filters: np.ndarray, patterns: np.ndarray) -> np.ndarray:
    """The pattern that each filter detects: that of its greatest response, −1 where no response is positive.

    Args:
        filters: array (…, d).
        patterns: array (p, d).

    Returns:
        Integer array (…).

    Example:
        >>> best_patterns(np.array([[0.0, 3.0], [1.0, 0.5], [-1.0, -1.0]]), np.eye(2))
        array([ 1,  0, -1])
    """
    responses = np.asarray(filters) @ np.asarray(patterns, np.float64).T
    return np.where(responses.max(axis=-1) > 0, responses.argmax(axis=-1), -1)


# A pattern wins at a filter, among those that a point holds, if the point holds none that is better there. So what a filter
# does is told by its standings, the set of better patterns for each pattern: 2^p places for each. Sums over filters of a place
# give the outputs of all kinds, and what all kinds pull at a place is the same for every filter there.


def _some_steps(filters, patterns, holds, labels, counts, margin, rate, steps):
    """Steps in place; → whether each network moved in the last of them, and how many of them moved it."""
    moved, wins = np.zeros(len(filters), int), _wins(holds)
    rates = (rate / counts.sum(axis=1))[:, None, None, None]
    for _ in range(steps):
        pulls = _pulls(filters, patterns, wins, labels, counts, margin)
        moving = pulls.any(axis=(1, 2, 3))
        if not moving.any():
            break
        moved += moving
        filters += rates * pulls
    return moving, moved


def _pulls(filters, patterns, wins, labels, counts, margin):
    """What gradient descent adds to the filters, by η/n: for each kind whose margin is not met ± its pattern that won.

    Patterns times counts are whole numbers, whose sums are exact: a network is at rest where they cancel, to the last bit.
    """
    responses, places = _standings(filters, patterns)
    values = _outputs(responses, places, wins)
    unmet = np.where(labels > 0, values < margin, values > -1)
    at_place = np.einsum("rk,kw->rw", np.where(unmet, counts * labels, 0), wins)
    pulls = at_place.ravel()[places] * (responses > 0)
    pulls[:, :, 1] *= -1  # the output subtracts the responses of u
    return np.einsum("prsk,pd->rskd", pulls, patterns)


def _standings(filters, patterns):
    """Responses (p, replicas, 2, k), and for each the number of (replica, pattern, set of better patterns); ties: the first.

    No BLAS, whose sums depend on its threads.
    """
    responses = np.einsum("rskd,pd->prsk", filters, patterns)
    p, replicas = responses.shape[:2]
    better = np.zeros(responses.shape, np.uint8)  # a bit for each pattern
    for one, other in itertools.permutations(range(p), 2):
        beats = np.greater_equal if other < one else np.greater
        better[one] |= beats(responses[other], responses[one]).view(np.uint8) << np.uint8(other)
    first = (np.arange(replicas) * p + np.arange(p)[:, None]) << p  # (p, replicas)
    return responses, first[..., None, None] + better


def _wins(holds):
    """Array (kinds, p · 2^p) of 0 and 1: whether a pattern wins among those that a kind holds, given the set of better ones."""
    kinds, p = holds.shape
    better = np.arange(2**p)[:, None] >> np.arange(p) & 1  # (sets, p)
    beaten = holds @ better.T > 0  # (kinds, sets): the kind holds one of the better patterns
    return (holds[:, :, None] & ~beaten[:, None]).reshape(kinds, -1).astype(np.float64)


def _outputs(responses, places, wins):
    """N (replicas, kinds): the positive responses summed place by place, and the places where a pattern wins."""
    signed = np.maximum(responses, 0)
    signed[:, :, 1] *= -1
    replicas, width = responses.shape[1], wins.shape[1]
    sums = np.bincount(places.ravel(), signed.ravel(), replicas * width).reshape(replicas, width)
    return np.einsum("rw,kw->rk", sums, wins)


def _ends(filters, patterns, holds, labels, counts, margin):
    """Loss and outcome of each network."""
    values = outputs(filters, patterns, holds)
    losses = counts * hinge(values, labels, margin)
    finite = np.isfinite(filters).all(axis=(1, 2, 3)) & np.isfinite(values).all(axis=1)
    loss = np.where(finite, losses.sum(axis=1) / counts.sum(axis=1), np.nan)
    moving = _pulls(filters, patterns, _wins(holds), labels, counts, margin).any(axis=(1, 2, 3))
    outcome = np.select([~finite, loss == 0, ~moving], [DIVERGED, MINIMUM, STUCK], MOVING)
    return loss, outcome


def _checked(filters, patterns, holds):
    filters, patterns = np.asarray(filters, np.float64), np.asarray(patterns, np.float64)
    holds = np.asarray(holds)
    if filters.ndim != 4 or filters.shape[1] != 2 or 0 in filters.shape:
        raise ValueError(f"`filters` must be (replicas, 2, k, d), k at least 1. Received: shape {filters.shape}")
    if patterns.ndim != 2 or patterns.shape[1] != filters.shape[3] or not 1 <= len(patterns) <= _MOST_PATTERNS:
        raise ValueError(
            f"`patterns` must be (p, d={filters.shape[3]}), p at most {_MOST_PATTERNS}. Received: shape {patterns.shape}"
        )
    if holds.dtype != bool or holds.shape[1:] != (len(patterns),) or not holds.any(axis=1).all():
        raise ValueError(
            f"`holds` must be a bool array (kinds, p={len(patterns)}), a pattern in each row. "
            f"Received: shape {holds.shape}, dtype {holds.dtype}"
        )
    return filters, patterns, holds


def _check_training(filters, holds, labels, counts, margin, rate, steps):
    if labels.shape != (len(holds),) or not np.isin(labels, (-1, 1)).all():
        raise ValueError(f"`labels` must be {len(holds)} numbers of +1 and -1. Received: {labels}")
    whole = np.issubdtype(counts.dtype, np.integer)
    if counts.shape != (len(filters), len(holds)) or not whole or (counts < 0).any() or not counts.any(axis=1).all():
        raise ValueError(
            f"`counts` must be integers ≥ 0 (replicas={len(filters)}, kinds={len(holds)}), one in each row positive. "
            f"Received: shape {counts.shape}, dtype {counts.dtype}"
        )
    _check_positive(margin=margin, rate=rate)
    if steps < 1:
        raise ValueError(f"`steps` must be at least 1. Received: steps={steps!r}")


def _check_positive(**values: float) -> None:
    for name, value in values.items():
        if not 0 < value < np.inf:
            raise ValueError(f"`{name}` must be a positive number. Received: {name}={value!r}")


def _check_seeds(seeds: Sequence[int]) -> None:
    seen: set[int] = set()
    for seed in seeds:
        if seed in seen or seed < 0:
            raise ValueError(
                f"`seeds` must be different non-negative integers. Received: {seed}" + " twice" * (seed in seen)
            )
        seen.add(seed)
    if not seen:
        raise ValueError("`seeds` must hold at least one seed. Received: none")
