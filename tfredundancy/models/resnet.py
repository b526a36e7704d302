"""ResNet for small images: 3×3 convolutions in three stages of width w, 2w and 4w, normalised, ReLU after the sum.

`depth = 6n + 2`: a stem, three stages of n blocks of two convolutions, a classifier.
"""

from types import MappingProxyType

import keras

from tfredundancy.models.recipe import Recipe, check_filters, check_shortcut, image_input, relu


def resnet(
    depth,
    input_shape=(32, 32, 3),
    classes=10,
    *,
    width=16,
    shortcut="projection",
    filters=MappingProxyType({}),
    initializer="he_normal",
    gamma="ones",
    weight_decay=0.0,
    seed=None,
    name=None,
):
    """Return a residual network: block(x) = `relu(shortcut(x) + bn(conv(relu(bn(conv(x))))))`.

    Stages two and three begin with stride 2; such a convolution pads one pixel on every side, as in PyTorch, so that it
    is centred on the pixels that the shortcut takes (Keras's "same" is shifted by one).

    Args:
        depth: 6n + 2: 8, 14, 20, 32, 44, 56, 110…
        input_shape: (height, width, channels) of the images, of any size.
        classes: number of logits.
        width: filters of the first stage; doubled in the second and again in the third.
        shortcut: where the shape changes, "projection" (1×1 convolution and BatchNorm; the lottery-ticket papers) or
            "identity_pad" (every second pixel, new channels zero, no parameters; He et al.'s option A, Li et al.).
        filters: {name of a block's first convolution: its filters}, in place of the stage's, such as
            `li2016.NETS["resnet_56_b"].kept`; the other convolutions are bound to each other by the sums.
        initializer: Keras initialiser of the kernels; biases start at zero.
        gamma: BatchNorm scales start at "ones", or "uniform" in [0, 1] (as open_lth's do).
        weight_decay: `wd` in the gradient's `wd · w`, on kernels, biases, gamma and beta (Keras's L2 factor: `wd / 2`).
        seed: integer for reproducible initial weights, a seed of its own for each layer; None for fresh ones.
        name: name of the model, "resnet_<depth>" by default.

    Returns:
        `keras.Model`, (batch, height, width, channels) → logits (batch, classes).

    Raises:
        ValueError: if an argument is not what is said above.

    Example:
        >>> model = resnet(8, (8, 8, 1), width=4, seed=0)
        >>> tuple(model.get_layer("stage2_block1_conv1").kernel.shape)
        (3, 3, 4, 8)

    Reference:
        He, Zhang, Ren and Sun, Deep Residual Learning for Image Recognition, CVPR 2016, section 4.2.
    """
    if depth < 8 or depth % 6 != 2:
        raise ValueError(f"`depth` must be 6n + 2 with n ≥ 1 (8, 14, 20, 32…). Received: depth={depth}")
    check_shortcut(shortcut)
    blocks = [(stage, block) for stage in range(3) for block in range((depth - 2) // 6)]
    check_filters(filters, [f"stage{stage + 1}_block{block + 1}_conv1" for stage, block in blocks])
    recipe = Recipe(initializer, gamma, weight_decay, seed)
    image = image_input(input_shape)
    x = recipe.conv(width, 3, "stem_conv")(image)
    x = relu("stem_relu")(recipe.batch_norm("stem_bn")(x))
    for stage, block in blocks:
        strides = 2 if stage > 0 and block == 0 else 1
        prefix = f"stage{stage + 1}_block{block + 1}"
        inner = filters.get(f"{prefix}_conv1", width * 2**stage)
        x = _block(recipe, x, width * 2**stage, inner, strides, shortcut, prefix)
    x = keras.layers.GlobalAveragePooling2D(data_format="channels_last", name="pool")(x)
    return keras.Model(image, recipe.classifier(classes)(x), name=name or f"resnet_{depth}")


def resnet_20(input_shape=(32, 32, 3), classes=10, **settings):
    """Return `resnet(20, …)`, with the same arguments."""
    return resnet(20, input_shape, classes, **settings)


def resnet_32(input_shape=(32, 32, 3), classes=10, **settings):
    """Return `resnet(32, …)`, with the same arguments."""
    return resnet(32, input_shape, classes, **settings)


def resnet_44(input_shape=(32, 32, 3), classes=10, **settings):
    """Return `resnet(44, …)`, with the same arguments."""
    return resnet(44, input_shape, classes, **settings)


def resnet_56(input_shape=(32, 32, 3), classes=10, **settings):
    """Return `resnet(56, …)`, with the same arguments."""
    return resnet(56, input_shape, classes, **settings)


def resnet_110(input_shape=(32, 32, 3), classes=10, **settings):
    """Return `resnet(110, …)`, with the same arguments."""
    return resnet(110, input_shape, classes, **settings)


def _block(recipe, x, filters, inner, strides, shortcut, prefix):
    y = recipe.conv3x3(x, inner, f"{prefix}_conv1", strides)
    y = relu(f"{prefix}_relu1")(recipe.batch_norm(f"{prefix}_bn1")(y))
    y = recipe.conv3x3(y, filters, f"{prefix}_conv2")
    y = recipe.batch_norm(f"{prefix}_bn2")(y)
    if strides > 1 or x.shape[-1] != filters:
        bridge = _projection if shortcut == "projection" else Recipe.identity_pad
        x = bridge(recipe, x, filters, strides, prefix)
    return relu(f"{prefix}_relu2")(keras.layers.Add(name=f"{prefix}_add")([y, x]))


def _projection(recipe, x, filters, strides, prefix):
    x = recipe.conv(filters, 1, f"{prefix}_shortcut_conv", strides=strides)(x)
    return recipe.batch_norm(f"{prefix}_shortcut_bn")(x)
