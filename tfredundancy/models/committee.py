"""The soft committee machine as a Keras model, scaled such that plain SGD is the online SGD of its theory.

    φ(x) = (1/√N) Σ_k u_k g(w_k·x/√N),  v = u/√N

With ½(y − φ)² as the loss and one example a step, SGD of rate η changes w_k by (η/√N) v_k g′ δ x and v_k by (η/N) g δ: the
scaling of `numerics.committee`, with η_v = η where the readout is trained. Kernels are (N, K) and (K, 1); what comes in and goes
out of the functions below are units (K, N) and readouts v (K,).
"""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from tfredundancy.numerics.committee import order_parameters

HALF_LOSS_RATE = 0.5  # Keras's mean squared error is (y − φ)²: SGD of rate η/2 on it is SGD of rate η on ½(y − φ)²


@keras.saving.register_keras_serializable("tfredundancy")
def scaled_erf(x):
    """`erf(x/√2)`, the sigmoid of the theory."""
    return ops.erf(x * float(np.sqrt(0.5)))


def committee(
    inputs, units, *, readout=1.0, train_readout=False, activation=scaled_erf, seed=None, name=None, compile_rate=None
):
    """Return φ(x) = Σ_k v_k g(w_k·x/√N), initial weights standard normal, v_k all the same.

    Args:
        inputs: N, numbers in an input.
        units: K.
        readout: v_k at first.
        train_readout: whether v is trained; fixed otherwise.
        activation: g, a Keras activation; "linear" for linear units.
        seed: integer for reproducible initial weights; None for fresh ones.
        name: name of the model, "committee" by default.
        compile_rate: η of plain SGD to compile the model with; None leaves it uncompiled.

    Returns:
        `keras.Model`, (batch, N) → (batch, 1).

    Raises:
        ValueError: inputs or units less than 1, or a rate that is not positive.

    Example:
        >>> model = committee(8, 3)
        >>> [(v.path, tuple(v.shape)) for v in model.trainable_variables]
        [('hidden/kernel', (8, 3))]
        >>> get_readout(model).round(6)
        array([1., 1., 1.], dtype=float32)

    Reference:
        Saad and Solla 1995, Phys. Rev. E 52; Goldt et al. 2019, arXiv:1906.08632.
    """
    for what, number in (("inputs", inputs), ("units", units)):
        if number < 1:
            raise ValueError(f"`{what}` must be at least 1. Received: {what}={number}")
    scale = float(inputs) ** -0.5
    x = keras.Input((inputs,), name="inputs")
    fields = keras.layers.Rescaling(scale, name="fields")(x)
    hidden = keras.layers.Dense(
        units,
        activation,
        use_bias=False,
        kernel_initializer=keras.initializers.RandomNormal(0.0, 1.0, seed),
        name="hidden",
    )(fields)
    last = keras.layers.Dense(
        1, use_bias=False, kernel_initializer=keras.initializers.Constant(readout / scale), name="readout"
    )
    last.trainable = train_readout
    model = keras.Model(x, keras.layers.Rescaling(scale, name="output")(last(hidden)), name=name or "committee")
    if compile_rate is not None:
        if not compile_rate > 0:
            raise ValueError(f"`compile_rate` must be positive. Received: compile_rate={compile_rate}")
        model.compile(
            keras.optimizers.SGD(HALF_LOSS_RATE * compile_rate),
            "mean_squared_error",
            steps_per_execution=50,  # a step of one example is too short to be called alone
            jit_compile=False,
        )
    return model


def get_units(model):
    """Return w, an array (K, N)."""
    return ops.convert_to_numpy(model.get_layer("hidden").kernel).T


def get_readout(model):
    """Return v, an array (K,)."""
    kernel = ops.convert_to_numpy(model.get_layer("readout").kernel)[:, 0]
    return kernel * kernel.dtype.type(_scale(model))


def set_weights(model, units, readout):
    """Assign w (K, N) and v (K,) in place."""
    model.get_layer("hidden").kernel.assign(np.asarray(units).T)
    model.get_layer("readout").kernel.assign(np.asarray(readout)[:, None] / _scale(model))


def measure(model, teacher):
    """Return (Q, R, T, v) of a committee machine beside a teacher.

    Args:
        model: what `committee` returned.
        teacher: array (M, N), the teacher's units.

    Returns:
        Q (K, K), R (K, M), T (M, M) and v (K,).

    Example:
        >>> q, r, t, v = measure(committee(100, 3), np.ones((2, 100)))
        >>> q.shape, r.shape, t.tolist(), v.shape
        ((3, 3), (3, 2), [[1.0, 1.0], [1.0, 1.0]], (3,))
    """
    return (*order_parameters(get_units(model), teacher), get_readout(model))


def _scale(model):
    return model.get_layer("output").scale
