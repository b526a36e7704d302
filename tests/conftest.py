"""What the tests share: a quiet TensorFlow, tiny models, random values."""

import importlib.util
import os
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pytest


@pytest.fixture
def rng():
    """Return a NumPy generator with a fixed seed."""
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def randomise():
    """Return a function that gives every variable of a layer or model random values, scales and variances positive ones."""

    def apply(layer, seed=0):
        draw = np.random.default_rng(seed)
        for variable in layer.variables:
            if variable.dtype == "bool" or not keras.backend.is_float_dtype(variable.dtype):
                continue
            positive = variable.name in ("gamma", "moving_variance")
            values = draw.uniform(0.5, 1.5, variable.shape) if positive else draw.normal(size=variable.shape)
            variable.assign(values)
        return layer

    return apply


@pytest.fixture(scope="session")
def chain():
    """Return a function that builds conv → BatchNorm → relu → Flatten → Dense → Dense, not compiled."""

    def build(name="chain", dropout=0.0, **settings):
        layers = [
            keras.Input((6, 6, 2), dtype=settings.get("dtype")),
            keras.layers.Conv2D(4, 3, name="conv", **settings),
            keras.layers.BatchNormalization(name="bn", **settings),
            keras.layers.ReLU(name="relu", **settings),
            keras.layers.Flatten(name="flatten", **settings),
            keras.layers.Dense(5, activation="tanh", name="hidden", **settings),
            *([keras.layers.Dropout(dropout, seed=3, name="dropout", **settings)] if dropout else []),
            keras.layers.Dense(3, name="logits", **settings),
        ]
        return keras.Sequential(layers, name=name)

    return build


@pytest.fixture(scope="session")
def perceptron():
    """Return a function that builds Dense(6, relu) → Dense(3), inputs of 4 numbers, not compiled."""

    def build(name="perceptron", **settings):
        inputs = keras.Input((4,), name="inputs", dtype=settings.get("dtype"))
        hidden = keras.layers.Dense(6, activation="relu", name="hidden", **settings)(inputs)
        return keras.Model(inputs, keras.layers.Dense(3, name="logits", **settings)(hidden), name=name)

    return build


@pytest.fixture(scope="session")
def run_with_jax():
    """Return a function that runs a script with JAX, in a process of its own: the backend is chosen when Keras is imported."""
    if importlib.util.find_spec("jax") is None:
        pytest.skip("JAX is not installed")

    def run(script, *words):
        environment = os.environ | {"KERAS_BACKEND": "jax"}
        command = [sys.executable, "-c", script, *map(str, words)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr[-3000:]
        return done.stdout

    return run
