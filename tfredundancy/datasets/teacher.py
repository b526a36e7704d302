"""Endless examples of a teacher network: Gaussian inputs, of which each is seen once, and networks that label them.

What a step sees is a pure function of (seed, step): inputs and noise are drawn in blocks of 64 steps, each from a generator of
its own. So any chunking of the steps gives the same examples, and a resumed run continues exactly.
"""

from __future__ import annotations

import functools

import numpy as np

BLOCK = 64  # steps
_EXAMPLES, _TEACHER, _STUDENT = 0, 1, 2  # streams of one seed


def examples(seed, start, stop, size):
    """Return standard normal inputs and noise of steps `start … stop − 1`.

    Args:
        seed: non-negative integer.
        start: first step.
        stop: step after the last one.
        size: numbers in an input.

    Returns:
        float64 arrays (stop − start, size) and (stop − start,).

    Raises:
        ValueError: if `start` does not lie in [0, stop], `seed` is negative or `size` less than 1.

    Example:
        >>> inputs, noise = examples(seed=0, start=0, stop=100, size=8)
        >>> inputs.shape, noise.shape
        ((100, 8), (100,))
        >>> bool((examples(0, 70, 80, 8)[0] == inputs[70:80]).all())
        True
    """
    _check(seed, size)
    if not 0 <= start <= stop:
        raise ValueError(f"`start` must lie in [0, stop]. Received: start={start}, stop={stop}")
    first = start // BLOCK
    blocks = [_block(seed, block, size) for block in range(first, -(-max(stop, first * BLOCK + 1) // BLOCK))]
    rows = np.concatenate(blocks)[start - first * BLOCK : stop - first * BLOCK]
    return rows[:, :size], rows[:, size]


def committee(seed, units, size, *, teacher=False):
    """Return the units of a committee machine, standard normal entries.

    Args:
        seed: non-negative integer.
        units: number of units; the first ones of a larger number are the same.
        size: entries of a unit.
        teacher: whether they are the teacher's, or the student's at the beginning.

    Returns:
        float64 array (units, size).

    Raises:
        ValueError: if `units` or `size` is less than 1, or `seed` negative.

    Example:
        >>> bool((committee(0, 2, 5) == committee(0, 3, 5)[:2]).all())
        True
    """
    _check(seed, size)
    if units < 1:
        raise ValueError(f"`units` must be at least 1. Received: units={units}")
    return _generator(seed, _TEACHER if teacher else _STUDENT).standard_normal((units, size))


def relu_layers(seed, size, widths, outputs):
    """Return kernels and biases of a deep ReLU teacher whose units are apart from each other.

    The weights of a unit are drawn from {−½, −¼, 0, ¼, ½}, its bias from U[−½, ½]; then both are divided by the norm of the
    weights. No two units of a layer are parallel.

    Args:
        seed: non-negative integer.
        size: numbers in an input.
        widths: units of each hidden layer.
        outputs: numbers in an output.

    Returns:
        A list of (kernel (fan-in, units), bias (units,)), float32, the output layer last.

    Raises:
        ValueError: if a width is less than 1 or `seed` negative, or there are not as many directions as a layer should have.

    Example:
        >>> layers = relu_layers(0, size=20, widths=(10, 15), outputs=100)
        >>> [kernel.shape for kernel, _ in layers]
        [(20, 10), (10, 15), (15, 100)]

    Reference:
        Tian, Jiang, Gong and Morcos 2019, arXiv:1905.13405, and the code published with it.
    """
    _check(seed, size)
    sizes = (size, *widths, outputs)
    if min(sizes) < 1:
        raise ValueError(f"`widths` and `outputs` must be at least 1. Received: widths={widths}, outputs={outputs}")
    rng = _generator(seed, _TEACHER)
    layers = []
    for fan_in, units in zip(sizes, sizes[1:], strict=False):
        kernel = _separate_units(rng, units, fan_in)
        bias = rng.uniform(-0.5, 0.5, units)
        norms = np.linalg.norm(kernel, axis=1)
        layers.append(((kernel / norms[:, None]).T.astype(np.float32), (bias / norms).astype(np.float32)))
    return layers


def _separate_units(rng, units, fan_in, tries=1000):
    """Units (units, fan_in) of which no two are parallel, drawn one by one."""
    found = []
    for _ in range(tries * units):
        unit = rng.choice([-0.5, -0.25, 0.0, 0.25, 0.5], fan_in)
        if unit.any() and all(unit @ other < (1 - 1e-9) * _norms(unit, other) for other in found):
            found.append(unit)
        if len(found) == units:
            return np.array(found)
    raise ValueError(
        f"`widths` must leave as many directions of {fan_in} weights as a layer has units. Received: {units} units"
    )


def _norms(a, b):
    return np.linalg.norm(a) * np.linalg.norm(b)


@functools.lru_cache(maxsize=64)
def _block(seed, block, size):
    rows = _generator(seed, _EXAMPLES, block).standard_normal((BLOCK, size + 1))
    rows.flags.writeable = False  # it is shared
    return rows


def _generator(seed, *stream):
    return np.random.Generator(np.random.SFC64([seed, *stream]))


def _check(seed, size):
    if seed < 0:
        raise ValueError(f"`seed` must be a non-negative integer. Received: seed={seed}")
    if size < 1:
        raise ValueError(f"`size` must be at least 1. Received: size={size}")
