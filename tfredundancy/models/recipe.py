"""What every network here shares: how its layers are initialised, decayed and named.

In: the four settings of a paper. Out: Keras layers, channels last, whose initialisers are independent of one another.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import keras
import numpy as np

_BATCH_NORM = {"momentum": 0.9, "epsilon": 1e-5}  # PyTorch's defaults, in Keras's convention of momentum


@dataclass(frozen=True)
class Recipe:
    """The settings that all layers of one network share.

    With weight decay `wd` the loss gains `wd/2 · ‖w‖²`, so that the gradient gains `wd · w`.

    Args:
        initializer: a Keras initialiser (name, configuration or instance) for the kernels. Biases start at zero.
        gamma: "ones", or "uniform" for BatchNorm scales drawn from U[0, 1].
        weight_decay: float `wd` ≥ 0, on kernels, biases, gamma and beta.
        seed: integer, from which each initialiser's own seed is derived by its layer's name; None for fresh draws.

    Raises:
        ValueError: if `gamma` is another word, or `weight_decay` or `seed` is negative.
    """

    initializer: object
    gamma: str = "ones"
    weight_decay: float = 0.0
    seed: int | None = None

    def __post_init__(self):
        """Check the fields."""
        if self.gamma not in ("ones", "uniform"):
            raise ValueError(f'`gamma` must be "ones" or "uniform". Received: gamma={self.gamma!r}')
        if not self.weight_decay >= 0:
            raise ValueError(f"`weight_decay` must not be negative. Received: weight_decay={self.weight_decay}")
        if self.seed is not None and self.seed < 0:
            raise ValueError(f"`seed` must be a non-negative integer or None. Received: seed={self.seed}")

    def conv(self, filters, size, name, *, strides=1, padding="same", use_bias=False, activation=None):
        """Return a 2-D convolution."""
        return keras.layers.Conv2D(
            filters,
            size,
            strides=strides,
            padding=padding,
            data_format="channels_last",
            use_bias=use_bias,
            activation=activation,
            kernel_initializer=self._seeded(self.initializer, name),
            kernel_regularizer=self._decay(),
            bias_regularizer=self._decay() if use_bias else None,
            name=name,
        )

    def dense(self, units, name, *, use_bias=True, activation=None):
        """Return a fully connected layer."""
        return keras.layers.Dense(
            units,
            use_bias=use_bias,
            activation=activation,
            kernel_initializer=self._seeded(self.initializer, name),
            kernel_regularizer=self._decay(),
            bias_regularizer=self._decay() if use_bias else None,
            name=name,
        )

    def conv3x3(self, x, filters, name, strides=1):
        """Convolve 3×3 without bias, one pixel of padding on every side, which at stride 2 takes a layer of its own."""
        if strides == 1:
            return self.conv(filters, 3, name)(x)
        pad = keras.layers.ZeroPadding2D(1, data_format="channels_last", name=f"{name}_pad")
        return self.conv(filters, 3, name, strides=strides, padding="valid")(pad(x))

    def identity_pad(self, x, filters, strides, prefix):
        """Shortcut without parameters: keep every second pixel where `strides` is 2, and append channels of zeros."""
        name = f"{prefix}_shortcut_pool"
        subsample = keras.layers.AveragePooling2D(1, strides=strides, data_format="channels_last", name=name)
        return keras.ops.pad(subsample(x), ((0, 0), (0, 0), (0, 0), (0, filters - x.shape[-1])))

    def classifier(self, classes):
        """Return the layer of logits.

        Raises:
            ValueError: if `classes` is not a positive integer.
        """
        if not isinstance(classes, (int, np.integer)) or classes < 1:
            raise ValueError(f"`classes` must be a positive integer. Received: classes={classes!r}")
        return self.dense(classes, "classifier")

    def batch_norm(self, name):
        """Return a batch normalisation over the last axis."""
        uniform = keras.initializers.RandomUniform(0.0, 1.0)
        return keras.layers.BatchNormalization(
            gamma_initializer=self._seeded(uniform, name) if self.gamma == "uniform" else "ones",
            gamma_regularizer=self._decay(),
            beta_regularizer=self._decay(),
            name=name,
            **_BATCH_NORM,
        )

    def dropout(self, rate, name):
        """Return a dropout layer."""
        return keras.layers.Dropout(rate, seed=None if self.seed is None else derive_seed(self.seed, name), name=name)

    def _seeded(self, initializer, name):
        """Copy the initialiser: one instance in two layers of a shape would give both the same values."""
        initializer = keras.initializers.get(initializer)
        config = initializer.get_config()
        base = config.get("seed") if self.seed is None else self.seed
        if isinstance(base, (int, np.integer)) and "seed" in config:
            config["seed"] = derive_seed(base, name)
        return type(initializer).from_config(config)

    def _decay(self):
        return keras.regularizers.L2(self.weight_decay / 2) if self.weight_decay else None


def check_filters(filters, names):
    """Raise a ValueError unless `filters` is a dictionary from some of `names` to positive integers."""
    unknown = [name for name in filters if name not in names]
    if unknown:
        raise ValueError(f"`filters` must name convolutions like {names[0]} … {names[-1]}. Received: {unknown[0]!r}")
    for name, count in filters.items():
        if not isinstance(count, (int, np.integer)) or count < 1:
            raise ValueError(f"`filters` must hold positive integers. Received: {name!r}: {count!r}")


def check_shortcut(shortcut):
    """Raise a ValueError unless `shortcut` is one that residual networks have where the shape changes."""
    if shortcut not in ("identity_pad", "projection"):
        raise ValueError(f"`shortcut` must be identity_pad or projection. Received: shortcut={shortcut!r}")


def derive_seed(seed, name):
    """Return the 31-bit integer seed that belongs to a layer's name, the same on every machine.

    Example:
        >>> derive_seed(0, "stem_conv") == derive_seed(0, "stem_conv") != derive_seed(0, "classifier")
        True
    """
    words = np.random.SeedSequence((seed, zlib.crc32(name.encode()))).generate_state(1)
    return int(words[0] >> 1)


def relu(name):
    """Return a rectifier as a layer of its own."""
    return keras.layers.Activation("relu", name=name)


def image_input(input_shape, *, smallest=1):
    """Return the input node of a network for images.

    Args:
        input_shape: (height, width, channels), known integers.
        smallest: height and width that the network needs at least.

    Raises:
        ValueError: if `input_shape` is anything else, or the image is too small.
    """
    shape = tuple(input_shape)
    if len(shape) != 3 or not all(isinstance(size, (int, np.integer)) and size > 0 for size in shape):
        raise ValueError(
            f"`input_shape` must be (height, width, channels), three positive integers. Received: {input_shape=}"
        )
    if min(shape[:2]) < smallest:
        raise ValueError(
            f"`input_shape` must be at least {smallest} × {smallest} pixels for this network. Received: {input_shape=}"
        )
    return keras.Input(shape, name="image")
