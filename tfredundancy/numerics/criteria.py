"""Scores of weights and units: a higher score is kept longer.

Weight criteria take a kernel and return scores of its shape. Unit criteria take a unit matrix (units, fan_in), rows are
units, and return scores (units,). Both are looked up by name in `WEIGHTS` and `UNITS`; a function of one's own serves as
well. `nonzeros`, `taylor` and `distance` score what more than the weights is needed for: data, gradients, initial weights.
"""

from collections.abc import Callable

import numpy as np


def magnitude(weights: np.ndarray) -> np.ndarray:
    """Score of a weight: |w|.

    Args:
        weights: array of any shape.

    Returns:
        Array of the same shape.

    Example:
        >>> magnitude(np.array([-2.0, 1.0]))
        array([2., 1.])

    Reference:
        Han et al. 2015, Learning both weights and connections for efficient neural networks, arXiv:1506.02626.
    """
    return np.abs(weights)


def l1(units: np.ndarray) -> np.ndarray:
    """Score of a unit: Σ|w|, the sum over its incoming weights.

    Args:
        units: array (units, fan_in).

    Returns:
        Array (units,).

    Example:
        >>> l1(np.array([[3.0, -4.0], [1.0, 0.0]]))
        array([7., 1.])

    Reference:
        Li et al. 2016, Pruning filters for efficient ConvNets, arXiv:1608.08710.
    """
    return np.abs(units).sum(axis=1)


def l2(units: np.ndarray) -> np.ndarray:
    """Score of a unit: √Σw², the norm of its incoming weights.

    Args:
        units: array (units, fan_in).

    Returns:
        Array (units,).

    Example:
        >>> l2(np.array([[3.0, -4.0], [1.0, 0.0]]))
        array([5., 1.])

    Reference:
        Li et al. 2016, Pruning filters for efficient ConvNets, arXiv:1608.08710, §3.2 (compares the norms).
    """
    return np.sqrt(np.square(units).sum(axis=1))


def geometric_median(units: np.ndarray) -> np.ndarray:
    """Score of a unit: Σⱼ‖wᵢ − wⱼ‖, its distance to all others; those nearest to their geometric median go.

    Args:
        units: array (units, fan_in).

    Returns:
        Array (units,).

    Example:
        >>> geometric_median(np.array([[0.0], [1.0], [5.0]]))
        array([6., 5., 9.])

    Reference:
        He et al. 2019, Filter pruning via geometric median for deep neural networks acceleration, arXiv:1811.00250.
    """
    return _distances(np.asarray(units, np.float64)).sum(axis=1)


def similarity(units: np.ndarray) -> np.ndarray:
    """Score of a unit: how unlike the others it is, 1 − cos of the angle to the most similar one that is left.

    The two most similar units are found, the one of smaller norm goes (of equal ones the later) with 1 − cos as its score, and
    so on among those that are left: of a pair of copies one scores 0 and the other is judged by the rest. The last one scores
    2, the greatest distance that there is. A unit without weights is like any other and scores 0.

    Args:
        units: array (units, fan_in).

    Returns:
        Array (units,), in [0, 2].

    Example:
        >>> similarity(np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]])).round(9).tolist()
        [0.0, 2.0, 1.0]

    Reference:
        The idea of removing the more redundant of a pair: Srinivas & Babu 2015, Data-free parameter pruning for deep neural
        networks, arXiv:1507.06149.
    """
    units = np.asarray(units, np.float64)
    norms = np.sqrt(np.square(units).sum(axis=1))
    scores = np.full(len(units), 2.0)
    scores[norms == 0] = 0
    places = np.flatnonzero(norms != 0)  # NaN is not 0: it shows in the scores
    rows = units[places] / norms[places, None]
    scores[places] = _by_removal(np.square(_distances(rows)) / 2, norms[places])  # |u − v|²/2 is 1 − cos
    return scores


def nonzeros(zeros: np.ndarray, count: int) -> np.ndarray:
    """Score of a unit: 1 − APoZ, the share of its responses that are not zero.

    Args:
        zeros: array (units,), how many responses of each unit were zero.
        count: responses of each unit.

    Returns:
        Array (units,), in [0, 1].

    Example:
        >>> nonzeros(np.array([3, 0]), 4)
        array([0.25, 1.  ])

    Reference:
        Hu et al. 2016, Network trimming: a data-driven neuron pruning approach, arXiv:1607.03250.
    """
    return 1 - np.asarray(zeros) / count


def taylor(products: np.ndarray) -> np.ndarray:
    """Score of a unit: the mean over batches of (Σ g·w)², the loss's first-order change without it, squared.

    Args:
        products: array (batches, units), Σ g·w over the variables of each unit, where g is the gradient of a batch's loss.

    Returns:
        Array (units,).

    Example:
        >>> taylor(np.array([[1.0, -2.0], [3.0, 0.0]]))
        array([5., 2.])

    Reference:
        Molchanov et al. 2019, Importance estimation for neural network pruning, arXiv:1906.10771.
    """
    return np.square(products).mean(axis=0)


def distance(units: np.ndarray, initial: np.ndarray) -> np.ndarray:
    """Score of a unit: ‖w − w₀‖, how far training has moved it.

    Args:
        units: array (units, fan_in).
        initial: array of the same shape, before training.

    Returns:
        Array (units,).

    Example:
        >>> distance(np.array([[3.0, 4.0], [1.0, 1.0]]), np.array([[0.0, 0.0], [1.0, 1.0]]))
        array([5., 0.])

    Reference:
        Zhou et al. 2019, Deconstructing lottery tickets, arXiv:1905.01067 (weights; here a unit's norm).
    """
    return l2(np.asarray(units, np.float64) - initial)


def random(shape: int | tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Scores drawn uniformly from [0, 1): every set of entries is equally likely to stay.

    Args:
        shape: shape of the scores.
        rng: source of the randomness.

    Returns:
        Array of `shape`.

    Example:
        >>> random(3, np.random.default_rng(0)).shape
        (3,)
    """
    return rng.random(shape)


WEIGHTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"magnitude": magnitude}
UNITS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "l1": l1,
    "l2": l2,
    "geometric_median": geometric_median,
    "similarity": similarity,
}


def _distances(units: np.ndarray) -> np.ndarray:
    """Array (units, units) of Euclidean distances, row by row: exact for equal units, and never units² · fan_in in memory."""
    rows = [np.sqrt(np.square(units - unit).sum(axis=1)) for unit in units]
    return np.array(rows).reshape(len(units), len(units))


def _by_removal(apart: np.ndarray, norms: np.ndarray) -> np.ndarray:
    """Distance of each unit to the nearest that is left when it is removed; `apart` is symmetric. The last one: 2."""
    apart, scores = apart.copy(), np.full(len(apart), 2.0)
    np.fill_diagonal(apart, np.inf)
    nearest = apart.min(axis=1, initial=np.inf)
    for _ in range(len(apart) - 1):
        first = int(nearest.argmin())
        second = int(apart[first].argmin())
        gone = second if norms[second] <= norms[first] else first
        scores[gone] = nearest[gone]
        touched = np.flatnonzero(apart[:, gone] <= nearest)
        apart[gone], apart[:, gone] = np.inf, np.inf
        nearest[touched] = apart[touched].min(axis=1)
        nearest[gone] = np.inf
    return scores
