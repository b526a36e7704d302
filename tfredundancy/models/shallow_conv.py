"""One convolution, max pooling, logits: the network in which filters of a wide and of a narrow layer are compared."""

import keras

from tfredundancy.models.recipe import Recipe, image_input


def shallow_conv(
    input_shape=(28, 28, 1),
    classes=10,
    *,
    filters=120,
    size=5,
    pool=2,
    initializer="glorot_normal",
    weight_decay=0.0,
    seed=None,
    name=None,
):
    """Return `logits = W maxpool(relu(K ∗ x + b₁)) + b₂`, convolution without padding.

    Args:
        input_shape: (height, width, channels) of the images.
        classes: number of logits.
        filters: filters of the convolution: 120 in the paper's wide network, 4 in its narrow one.
        size: height and width of a filter.
        pool: height and width of the pooling windows.
        initializer: Keras initialiser of the kernels; biases start at zero.
        weight_decay: `wd` in the gradient's `wd · w`, on kernels and biases (Keras's L2 factor is `wd / 2`).
        seed: integer for reproducible initial weights, a seed of its own for each layer; None for fresh ones.
        name: name of the model, "shallow_conv" by default.

    Returns:
        `keras.Model`, (batch, height, width, channels) → logits (batch, classes).

    Raises:
        ValueError: if an argument is not what is said above.

    Example:
        >>> shallow_conv(filters=4).count_params()  # 4 · 25 + 4, and 12² · 4 · 10 + 10
        5874

    Reference:
        Brutzkus and Globerson 2019, Why do larger models generalize better?, arXiv:1810.03037, section on MNIST.
    """
    recipe = Recipe(initializer, weight_decay=weight_decay, seed=seed)
    image = image_input(input_shape, smallest=size + pool - 1)
    x = recipe.conv(filters, size, "conv", padding="valid", use_bias=True, activation="relu")(image)
    x = keras.layers.MaxPooling2D(pool, data_format="channels_last", name="pool")(x)
    x = keras.layers.Flatten(data_format="channels_last", name="flatten")(x)
    return keras.Model(image, recipe.classifier(classes)(x), name=name or "shallow_conv")
