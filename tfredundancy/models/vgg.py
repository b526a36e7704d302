"""VGG for small images: 3×3 convolutions with BatchNorm and ReLU in five stages of 64, 128, 256, 512 and 512 filters.

2×2 max pooling stands between the stages, a global pooling after the last; then hidden layers, if any, and logits.
"""

from types import MappingProxyType

import keras

from tfredundancy.models.recipe import Recipe, check_filters, image_input, relu

_FILTERS = (64, 128, 256, 512, 512)
_CONVOLUTIONS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
_POOLINGS = {"average": keras.layers.GlobalAveragePooling2D, "max": keras.layers.GlobalMaxPooling2D}


def vgg(
    depth,
    input_shape=(32, 32, 3),
    classes=10,
    *,
    hidden=(),
    pool="average",
    filters=MappingProxyType({}),
    initializer="he_normal",
    gamma="ones",
    weight_decay=0.0,
    seed=None,
    name=None,
):
    """Return a VGG with batch normalisation; the depth counts VGG's three dense layers, whatever `hidden` is.

    As it stands it is the network of the lottery-ticket papers, whose last 2×2 average pooling is global at 32×32.
    `vgg(16, hidden=(512,), pool="max")` is the one of Li et al., whose fifth 2×2 max pooling is global at 32×32.

    Args:
        depth: 11, 13, 16 or 19.
        input_shape: (height, width, channels) of the images, at least 16 × 16 pixels.
        classes: number of logits.
        hidden: units of dense layers with BatchNorm and ReLU before the classifier.
        pool: global pooling, "average" or "max".
        filters: {name of a convolution: its filters}, in place of the usual ones, such as `li2016.NETS["vgg_16_a"].kept`.
        initializer: Keras initialiser of the kernels; biases start at zero.
        gamma: BatchNorm scales start at "ones", or "uniform" in [0, 1] (as open_lth's do).
        weight_decay: `wd` in the gradient's `wd · w`, on kernels, biases, gamma and beta (Keras's L2 factor: `wd / 2`).
        seed: integer for reproducible initial weights, a seed of its own for each layer; None for fresh ones.
        name: name of the model, "vgg_<depth>" by default.

    Returns:
        `keras.Model`, (batch, height, width, channels) → logits (batch, classes).

    Raises:
        ValueError: if an argument is not what is said above.

    Example:
        >>> tuple(vgg(11, (16, 16, 1), classes=3).get_layer("stage3_conv2").kernel.shape)
        (3, 3, 256, 256)

    Reference:
        Simonyan and Zisserman, Very Deep Convolutional Networks, ICLR 2015; Frankle and Carbin, The Lottery Ticket
        Hypothesis, ICLR 2019; Li et al., Pruning Filters for Efficient ConvNets, ICLR 2017.
    """
    if depth not in _CONVOLUTIONS:
        raise ValueError(f"`depth` must be one of {tuple(_CONVOLUTIONS)}. Received: depth={depth}")
    if pool not in _POOLINGS:
        raise ValueError(f"`pool` must be one of {tuple(_POOLINGS)}. Received: pool={pool!r}")
    check_filters(filters, [f"stage{stage}_conv{i}" for stage, i, _ in _layers(depth)])
    recipe = Recipe(initializer, gamma, weight_decay, seed)
    x = image = image_input(input_shape, smallest=2 ** (len(_FILTERS) - 1))
    for stage, number, usual in _layers(depth):
        if stage > 1 and number == 1:
            x = keras.layers.MaxPooling2D(2, data_format="channels_last", name=f"stage{stage - 1}_pool")(x)
        name = f"stage{stage}_conv{number}"
        x = recipe.conv(filters.get(name, usual), 3, name)(x)
        x = relu(f"stage{stage}_relu{number}")(recipe.batch_norm(f"stage{stage}_bn{number}")(x))
    x = _POOLINGS[pool](data_format="channels_last", name="pool")(x)
    for number, units in enumerate(hidden, start=1):
        x = recipe.dense(units, f"hidden{number}", use_bias=False)(x)
        x = relu(f"hidden{number}_relu")(recipe.batch_norm(f"hidden{number}_bn")(x))
    return keras.Model(image, recipe.classifier(classes)(x), name=name or f"vgg_{depth}")


def _layers(depth):
    """(stage, number in the stage, usual filters) of each convolution."""
    stages = enumerate(zip(_FILTERS, _CONVOLUTIONS[depth], strict=True), start=1)
    return [(stage, number, filters) for stage, (filters, count) in stages for number in range(1, count + 1)]


def vgg_11(input_shape=(32, 32, 3), classes=10, **settings):
    """Return `vgg(11, …)`, with the same arguments."""
    return vgg(11, input_shape, classes, **settings)


def vgg_16(input_shape=(32, 32, 3), classes=10, **settings):
    """Return `vgg(16, …)`, with the same arguments."""
    return vgg(16, input_shape, classes, **settings)


def vgg_19(input_shape=(32, 32, 3), classes=10, **settings):
    """Return `vgg(19, …)`, with the same arguments."""
    return vgg(19, input_shape, classes, **settings)
