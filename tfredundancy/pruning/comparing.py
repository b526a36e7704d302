"""Two models that should be the same one: how far their outputs are apart, and how long they take."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from tfredundancy.pruning.macs import input_specs


@dataclass(frozen=True)
class OutputsDifference:
    """How far the outputs of two models are apart.

    Attributes:
        largest: max |y − y'|.
        spread: σ(y) over examples: the root of the variance, averaged over the entries of an output.
        size: max |y|; where it is much greater than the spread, the outputs hardly depend on the input.
    """

    largest: float
    spread: float
    size: float

    @property
    def relative(self) -> float:
        """The largest difference in units of the spread: 0 where there is none, infinity where nothing spreads."""
        if self.largest == 0:
            return 0.0
        return self.largest / self.spread if self.spread > 0 else math.inf


def outputs_difference(model: keras.Model, other: keras.Model, inputs) -> OutputsDifference:
    """Compare the outputs of two models on the same inputs, in inference mode.

    Args:
        model: built model.
        other: built model with outputs of the same shapes.
        inputs: array (examples, …), or what else both models take, of at least two examples.

    Returns:
        The difference; of several outputs the one that is relatively greatest.

    Raises:
        ValueError: outputs of other shapes.

    Example:
        >>> model, other = (
        ...     keras.Sequential(
        ...         [keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones", bias_initializer=bias)]
        ...     )
        ...     for bias in ("zeros", "ones")
        ... )
        >>> outputs_difference(model, other, np.array([[0.0], [4.0]])).relative
        0.5
    """
    outputs = (keras.tree.flatten(each(inputs, training=False)) for each in (model, other))
    pairs = zip(*([np.float64(ops.convert_to_numpy(y)) for y in each] for each in outputs), strict=True)
    return max((_difference(*pair) for pair in pairs), key=lambda difference: difference.relative)


def _difference(y: np.ndarray, other: np.ndarray) -> OutputsDifference:
    if y.shape != other.shape:
        raise ValueError(f"`other` must have outputs of shape {y.shape}. Received: {other.shape}")
    return OutputsDifference(
        float(np.abs(y - other).max()), float(np.sqrt(y.var(axis=0).mean())), float(np.abs(y).max())
    )


def latencies(calls: Mapping[str, Callable[[], object]], rounds: int = 30, warm_up: int = 3) -> dict[str, list[float]]:
    """Seconds that each of several functions takes, measured in turns: what else the machine does falls on all alike.

    Args:
        calls: {name: function that returns when its work is done}.
        rounds: times that each is measured; in every other round in reverse order.
        warm_up: rounds before, not measured.

    Returns:
        {name: seconds, a number for each round}.
    """
    found = {name: [] for name in calls}
    for number in range(-warm_up, rounds):
        for name in list(calls) if number % 2 else reversed(calls):
            clock = time.perf_counter()
            calls[name]()
            if number >= 0:
                found[name].append(time.perf_counter() - clock)
    return found


def compiled(model: keras.Model) -> Callable[[object], object]:
    """The model in inference mode as one compiled function that returns when its outputs are there."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        function = tf.function(lambda x: model(x, training=False), autograph=False)
        return lambda x: keras.tree.map_structure(ops.convert_to_numpy, function(x))
    if keras.backend.backend() == "jax":
        import jax

        state = [
            [variable.value for variable in each] for each in (model.trainable_variables, model.non_trainable_variables)
        ]
        function = jax.jit(lambda state, x: model.stateless_call(*state, x, training=False)[0])
        return lambda x: keras.tree.map_structure(ops.convert_to_numpy, function(state, x))
    return lambda x: keras.tree.map_structure(ops.convert_to_numpy, model(x, training=False))


def random_inputs(model: keras.Model, examples: int, input_shape=None, seed: int = 0):
    """Inputs that the model takes: standard normal numbers; whole numbers that every Embedding of the model knows; bools.

    Args:
        model: built model.
        examples: how many; the model's own batch size where it has one.
        input_shape: as for `count`.
        seed: integer.

    Returns:
        Arrays, structured as the model's inputs.

    Raises:
        ValueError: as `count`.

    Example:
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        >>> tuple(random_inputs(model, 2).shape)
        (2, 3)
    """
    draw = np.random.default_rng(seed)
    words = [layer.input_dim for layer in model._flatten_layers() if isinstance(layer, keras.layers.Embedding)]
    specs, batch = input_specs(model, input_shape)

    def drawn(spec):
        shape = (examples if batch == 1 else batch, *spec.shape[1:])
        if spec.dtype == "bool":
            return draw.random(shape) < 0.5
        if "int" in spec.dtype:
            return draw.integers(0, min(words, default=2), shape).astype(spec.dtype)
        return ops.convert_to_tensor(draw.standard_normal(shape), spec.dtype)

    return keras.tree.map_structure(drawn, specs)
