"""Tiny data and nets that the tests of the lottery loop share."""

import keras
import numpy as np
import pytest

from tfredundancy.datasets import Augmentation, Splits, load


@pytest.fixture(scope="session")
def few_digits():
    """Return 200 / 501 / 60 augmented digits: 501 validation examples leave the last batch of an evaluation padded."""
    data = load("digits", validation=501)
    images, labels = data.train
    test = tuple(array[:60] for array in data.test)
    return Splits.from_arrays(
        (images[:200], labels[:200]), data.validation, test, classes=10, augmentation=Augmentation(flip=True, pad=1)
    )


@pytest.fixture(scope="session")
def digits_net():
    """Return a function that builds and compiles Flatten → Dense(12) → [BatchNorm → Dropout] → Dense(10)."""

    def build(optimizer="sgd", noisy=True, loss=None, regulariser=None, output=None, activation="relu"):
        between = [keras.layers.BatchNormalization(name="bn"), keras.layers.Dropout(0.3, name="dropout")]
        layers = [
            keras.Input((8, 8, 1)),
            keras.layers.Flatten(name="flatten"),
            keras.layers.Dense(12, activation=activation, kernel_regularizer=regulariser, name="hidden"),
            *(between if noisy else []),
            keras.layers.Dense(10, activation=output, name="logits"),
        ]
        model = keras.Sequential(layers, name="net")
        model.compile(optimizer, loss or keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        return model

    return build


@pytest.fixture(scope="session")
def equal_arrays():
    """Return a function that says whether two dictionaries of arrays are equal bit for bit."""

    def equal(a, b):
        return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)

    return equal
