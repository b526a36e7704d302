"""Naive NumPy twins of the layers that the networks are made of."""

import numpy as np
import pytest


def _convolve(images, kernel, stride=1, pad=0):
    size = kernel.shape[0]
    images = np.pad(images, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    starts = [range(0, images.shape[axis] - size + 1, stride) for axis in (1, 2)]
    return np.stack(
        [
            np.stack([np.tensordot(images[:, i : i + size, j : j + size], kernel, 3) for j in starts[1]], axis=1)
            for i in starts[0]
        ],
        axis=1,
    )


@pytest.fixture
def convolve():
    """Return the convolution `convolve(images, kernel, stride, pad)`, written with loops."""
    return _convolve


@pytest.fixture
def normalise():
    """Return BatchNorm at inference, `normalise(x, layer)`."""

    def apply(x, layer):
        gamma, beta, mean, variance = (
            np.array(v, np.float64) for v in (layer.gamma, layer.beta, layer.moving_mean, layer.moving_variance)
        )
        return gamma * (x - mean) / np.sqrt(variance + 1e-5) + beta

    return apply


@pytest.fixture
def randomise():
    """Return a function that gives every variable of a model, statistics included, positive random values."""

    def apply(model):
        rng = np.random.default_rng(0)
        for variable in model.weights:
            values = (
                rng.normal(size=variable.shape) if "kernel" in variable.path else rng.uniform(0.5, 1.5, variable.shape)
            )
            variable.assign(values)

    return apply


@pytest.fixture
def trainable():
    """Return a function that counts a model's trainable parameters."""
    return lambda model: sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)
