"""Scores of weights and units: a higher score is kept longer.

Weight criteria take a kernel and return scores of its shape. Unit criteria take a unit matrix (units, fan_in), rows are
units, and return scores (units,). Both are looked up by name in `WEIGHTS` and `UNITS`; a function of one's own serves as
well.
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
UNITS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"l1": l1, "l2": l2}
