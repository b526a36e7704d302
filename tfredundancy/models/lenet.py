"""LeNet-300-100, the fully connected network of the first lottery tickets: image → 300 → 100 → logits."""

import keras

from tfredundancy.models.recipe import Recipe, image_input


def lenet_300_100(
    input_shape=(28, 28, 1), classes=10, *, initializer="glorot_normal", weight_decay=0.0, seed=None, name=None
):
    """Return LeNet-300-100: `logits = W₃ relu(W₂ relu(W₁ x + b₁) + b₂) + b₃`.

    Args:
        input_shape: (height, width, channels) of the images, which are flattened.
        classes: number of logits.
        initializer: Keras initialiser of the kernels; biases start at zero.
        weight_decay: `wd` in the gradient's `wd · w`, on kernels and biases (Keras's L2 factor is `wd / 2`).
        seed: integer for reproducible initial weights, a seed of its own for each layer; None for fresh ones.
        name: name of the model, "lenet_300_100" by default.

    Returns:
        `keras.Model`, (batch, height, width, channels) → logits (batch, classes).

    Raises:
        ValueError: if an argument is not what is said above.

    Example:
        >>> lenet_300_100().count_params()
        266610

    Reference:
        Frankle and Carbin, The Lottery Ticket Hypothesis, ICLR 2019, Figure 2; LeCun et al., 1998.
    """
    recipe = Recipe(initializer, weight_decay=weight_decay, seed=seed)
    image = image_input(input_shape)
    x = keras.layers.Flatten(data_format="channels_last", name="flatten")(image)
    x = recipe.dense(300, "hidden1", activation="relu")(x)
    x = recipe.dense(100, "hidden2", activation="relu")(x)
    return keras.Model(image, recipe.classifier(classes)(x), name=name or "lenet_300_100")
