"""The XOR detector: 2k filters on pairs of coordinates, max pooling over the pairs, a fixed output of +1 and −1.

N(x) = Σ_{i≤k} max_j relu(w_i·x_j) − Σ_{i≤k} max_j relu(u_i·x_j)
"""

import keras
import numpy as np
from keras import ops

from tfredundancy.models.recipe import Recipe


def xor_detector(dimension=20, width=4, *, initializer="glorot_normal", seed=None, name=None):
    """Return the network above: its 2k filters train, its output does not.

    Args:
        dimension: coordinates of a point, an even number: patterns are pairs of them.
        width: k, filters of each sign; the first k of "filters" are the w, the others the u.
        initializer: Keras initialiser of the filters.
        seed: integer for reproducible initial filters; None for fresh ones.
        name: name of the model, "xor_detector" by default.

    Returns:
        `keras.Model`, (batch, dimension / 2, 2) → N (batch, 1). A point is called positive where N > 0.

    Raises:
        ValueError: an odd dimension, or a width below 1.

    Example:
        >>> model = xor_detector(dimension=6, width=3, seed=0)
        >>> tuple(model.get_layer("filters").kernel.shape), len(model.trainable_variables)
        ((2, 6), 1)

    Reference:
        Brutzkus and Globerson 2019, Why do larger models generalize better?, arXiv:1810.03037.
    """
    if int(dimension) != dimension or dimension < 2 or dimension % 2:
        raise ValueError(f"`dimension` must be an even number of at least 2. Received: dimension={dimension!r}")
    if int(width) != width or width < 1:
        raise ValueError(f"`width` must be an integer of at least 1. Received: width={width!r}")
    point = keras.Input((dimension // 2, 2), name="point")
    filters = Recipe(initializer, seed=seed).dense(2 * width, "filters", use_bias=False, activation="relu")
    x = keras.layers.GlobalMaxPooling1D(data_format="channels_last", name="pool")(filters(point))
    output = keras.layers.Dense(1, use_bias=False, trainable=False, name="output")
    model = keras.Model(point, output(x), name=name or "xor_detector")
    output.kernel.assign(np.repeat([[1.0], [-1.0]], width, axis=0))
    return model


@keras.saving.register_keras_serializable("tfredundancy")
class MarginHinge(keras.losses.Loss):
    """Hinge loss with a margin for positive points: max(0, γ − N) for the label +1, max(0, 1 + N) for −1.

    Args:
        margin: γ, positive.
        name: name of the loss.
        **kwargs: of `keras.losses.Loss`.

    Raises:
        ValueError: a margin that is not positive.

    Example:
        >>> float(MarginHinge(8.0)(np.array([[1.0], [-1.0]]), np.array([[3.0], [-0.5]])))
        2.75

    Reference:
        Brutzkus and Globerson 2019, arXiv:1810.03037.
    """

    def __init__(self, margin, name="margin_hinge", **kwargs):
        if not 0 < margin < np.inf:
            raise ValueError(f"`margin` must be a positive number. Received: margin={margin!r}")
        super().__init__(name=name, **kwargs)
        self.margin = margin

    def call(self, y_true, y_pred):
        y_true = ops.cast(y_true, y_pred.dtype)
        return ops.mean(ops.relu(ops.where(y_true > 0, self.margin - y_pred, 1 + y_pred)), axis=-1)

    def get_config(self):
        return {**super().get_config(), "margin": self.margin}
