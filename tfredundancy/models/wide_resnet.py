"""Wide ResNet for small images: three stages of 16k, 32k and 64k filters, BatchNorm and ReLU before each convolution.

`depth = 6n + 4` (or `6n + 2`, where the projections are not counted): a stem, three stages of n blocks, a classifier.
"""

import keras

from tfredundancy.models.recipe import Recipe, check_shortcut, image_input, relu


def wide_resnet(
    depth,
    width,
    input_shape=(32, 32, 3),
    classes=10,
    *,
    shortcut="projection",
    dropout=0.0,
    initializer="he_normal",
    gamma="ones",
    weight_decay=0.0,
    seed=None,
    name=None,
):
    """Return a pre-activation network: block(x) = `shortcut + conv(relu(bn(conv(relu(bn(x))))))`.

    The shortcut is x where the shape does not change. Convolutions of stride 2 pad one pixel on every side, as in PyTorch.

    Args:
        depth: 6n + 4 (10, 16, 22, 28, 40…, Zagoruyko and Komodakis's count), or 6n + 2 (8, 14, 20, 32…) for the same n.
        width: the factor k, an integer: WRN-28-10 is `wide_resnet(28, 10)`.
        input_shape: (height, width, channels) of the images, of any size.
        classes: number of logits.
        shortcut: where the shape changes, "projection" (1×1 convolution of `relu(bn(x))`, the paper's) or "identity_pad"
            (every second pixel of x, new channels zero, no parameters).
        dropout: rate between the two convolutions of a block.
        initializer: Keras initialiser of the kernels; biases start at zero.
        gamma: BatchNorm scales start at "ones", or "uniform" in [0, 1] (as open_lth's do).
        weight_decay: `wd` in the gradient's `wd · w`, on kernels, biases, gamma and beta (Keras's L2 factor: `wd / 2`).
        seed: integer for reproducible initial weights, a seed of its own for each layer; None for fresh ones.
        name: name of the model, "wide_resnet_<depth>_<width>" by default.

    Returns:
        `keras.Model`, (batch, height, width, channels) → logits (batch, classes).

    Raises:
        ValueError: if an argument is not what is said above.

    Example:
        >>> tuple(wide_resnet(10, 1, (8, 8, 1)).get_layer("stage3_block1_conv2").kernel.shape)
        (3, 3, 64, 64)

    Reference:
        Zagoruyko and Komodakis, Wide Residual Networks, BMVC 2016.
    """
    if depth < 8 or depth % 6 not in (2, 4):
        raise ValueError(f"`depth` must be 6n + 4 or 6n + 2 with n ≥ 1 (10, 16, 28, 32…). Received: depth={depth}")
    if width < 1:
        raise ValueError(f"`width` must be a positive integer. Received: width={width}")
    check_shortcut(shortcut)
    recipe = Recipe(initializer, gamma, weight_decay, seed)
    image = image_input(input_shape)
    x = recipe.conv(16, 3, "stem_conv")(image)
    for stage in range(3):
        for block in range((depth - 2) // 6):
            strides = 2 if stage > 0 and block == 0 else 1
            prefix = f"stage{stage + 1}_block{block + 1}"
            x = _block(recipe, x, 16 * width * 2**stage, strides, shortcut, dropout, prefix)
    x = relu("final_relu")(recipe.batch_norm("final_bn")(x))
    x = keras.layers.GlobalAveragePooling2D(data_format="channels_last", name="pool")(x)
    return keras.Model(image, recipe.classifier(classes)(x), name=name or f"wide_resnet_{depth}_{width}")


def _block(recipe, x, filters, strides, shortcut, dropout, prefix):
    y = relu(f"{prefix}_relu1")(recipe.batch_norm(f"{prefix}_bn1")(x))
    if strides > 1 or x.shape[-1] != filters:
        if shortcut == "projection":
            x = recipe.conv(filters, 1, f"{prefix}_shortcut_conv", strides=strides)(y)
        else:
            x = recipe.identity_pad(x, filters, strides, prefix)
    y = recipe.conv3x3(y, filters, f"{prefix}_conv1", strides)
    y = relu(f"{prefix}_relu2")(recipe.batch_norm(f"{prefix}_bn2")(y))
    y = recipe.dropout(dropout, f"{prefix}_dropout")(y) if dropout else y
    return keras.layers.Add(name=f"{prefix}_add")([recipe.conv3x3(y, filters, f"{prefix}_conv2"), x])
