"""Conv-2, Conv-4 and Conv-6: pairs of 3×3 convolutions, each pair followed by 2×2 max pooling, then 256 → 256 → logits.

A scaled-down VGG for CIFAR-10; the pairs have 64, 128 and 256 filters.
"""

import keras

from tfredundancy.models.recipe import Recipe, image_input


def conv_2(input_shape=(32, 32, 3), classes=10, **settings):
    """Return Conv-2: one pair of convolutions, 64 filters; arguments as for `conv_6`."""
    return _conv((64,), input_shape, classes, **settings)


def conv_4(input_shape=(32, 32, 3), classes=10, **settings):
    """Return Conv-4: two pairs of convolutions, 64 and 128 filters; arguments as for `conv_6`."""
    return _conv((64, 128), input_shape, classes, **settings)


def conv_6(input_shape=(32, 32, 3), classes=10, **settings):
    """Return Conv-6: three pairs of convolutions, 64, 128 and 256 filters.

    The paper's table gives 1.7M weights for Conv-6; its layers, at 32×32, have the 2.26M counted below.

    Args:
        input_shape: (height, width, channels) of the images, at least 2 × 2 pixels for Conv-2, 4 × 4 for Conv-4, 8 × 8
            for Conv-6.
        classes: number of logits.
        **settings: any of
            `initializer="glorot_normal"`, Keras initialiser of the kernels (biases start at zero);
            `dropout=0.0`, rate after each of the two hidden dense layers (0.5 in the paper's section 5);
            `weight_decay=0.0`, `wd` in the gradient's `wd · w`, on kernels and biases (Keras's L2 factor is `wd / 2`);
            `seed=None`, integer for reproducible initial weights, a seed of its own for each layer;
            `name=None`, name of the model, "conv_6" by default.

    Returns:
        `keras.Model`, (batch, height, width, channels) → logits (batch, classes).

    Raises:
        ValueError: if an argument is not what is said above.

    Example:
        >>> conv_2().count_params(), conv_4().count_params(), conv_6().count_params()
        (4301642, 2425930, 2262602)

    Reference:
        Frankle and Carbin, The Lottery Ticket Hypothesis, ICLR 2019, Figure 2.
    """
    return _conv((64, 128, 256), input_shape, classes, **settings)


def _conv(
    widths,
    input_shape,
    classes,
    *,
    initializer="glorot_normal",
    dropout=0.0,
    weight_decay=0.0,
    seed=None,
    name=None,
):
    recipe = Recipe(initializer, weight_decay=weight_decay, seed=seed)
    x = image = image_input(input_shape, smallest=2 ** len(widths))
    for pair, filters in enumerate(widths, start=1):
        x = recipe.conv(filters, 3, f"pair{pair}_conv1", use_bias=True, activation="relu")(x)
        x = recipe.conv(filters, 3, f"pair{pair}_conv2", use_bias=True, activation="relu")(x)
        x = keras.layers.MaxPooling2D(2, data_format="channels_last", name=f"pair{pair}_pool")(x)
    x = keras.layers.Flatten(data_format="channels_last", name="flatten")(x)
    for hidden in ("hidden1", "hidden2"):
        x = recipe.dense(256, hidden, activation="relu")(x)
        x = recipe.dropout(dropout, f"{hidden}_dropout")(x) if dropout else x
    return keras.Model(image, recipe.classifier(classes)(x), name=name or f"conv_{2 * len(widths)}")
