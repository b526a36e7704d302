"""MiniAlexNet, the small AlexNet for CIFAR-10 on which Martin and Mahoney turned the knob of the batch size.

    image → [5×5 convolution, ReLU → 3×3 max pooling at stride 3 → BatchNorm] twice, 96 and 256 filters → 384 → 192 → logits

All padding is "same", so that any image passes; at 28×28 and at 32×32 the first dense kernel is 4096 × 384, the second 384 × 192.
The net that it descends from (Zhang et al. 2017) has local response normalisation where BatchNorm stands here.
"""

import keras

from tfredundancy.models.recipe import Recipe, image_input


def mini_alexnet(
    input_shape=(32, 32, 3),
    classes=10,
    *,
    filters=(96, 256),
    hidden=(384, 192),
    batch_norm=True,
    initializer="glorot_uniform",
    weight_decay=0.0,
    seed=None,
    name=None,
):
    """Return MiniAlexNet.

    Args:
        input_shape: (height, width, channels) of the images, of any size.
        classes: number of logits.
        filters: of each convolution; one block for each.
        hidden: units of each dense layer before the classifier.
        batch_norm: whether BatchNorm follows each pooling, as in the networks that the authors trained.
        initializer: Keras initialiser of the kernels; biases start at zero.
        weight_decay: `wd` in the gradient's `wd · w`, on kernels, biases, gamma and beta (Keras's L2 factor: `wd / 2`).
        seed: integer for reproducible initial weights, a seed of its own for each layer; None for fresh ones.
        name: name of the model, "mini_alexnet" by default.

    Returns:
        `keras.Model`, (batch, height, width, channels) → logits (batch, classes).

    Raises:
        ValueError: if an argument is not what is said above.

    Example:
        >>> model = mini_alexnet()
        >>> model.count_params(), tuple(model.get_layer("hidden1").kernel.shape)
        (2272458, (4096, 384))

    Reference:
        Martin and Mahoney, Implicit Self-Regularization in Deep Neural Networks, JMLR 2021 (arXiv:1810.01075), and the layers
        printed in their notebooks; Zhang et al., Understanding Deep Learning Requires Rethinking Generalization, ICLR 2017.
    """
    recipe = Recipe(initializer, weight_decay=weight_decay, seed=seed)
    x = image = image_input(input_shape)
    for block, width in enumerate(filters, start=1):
        x = recipe.conv(width, 5, f"conv{block}", use_bias=True, activation="relu")(x)
        x = keras.layers.MaxPooling2D(3, padding="same", data_format="channels_last", name=f"conv{block}_pool")(x)
        x = recipe.batch_norm(f"conv{block}_bn")(x) if batch_norm else x
    x = keras.layers.Flatten(data_format="channels_last", name="flatten")(x)
    for number, units in enumerate(hidden, start=1):
        x = recipe.dense(units, f"hidden{number}", activation="relu")(x)
    return keras.Model(image, recipe.classifier(classes)(x), name=name or "mini_alexnet")
