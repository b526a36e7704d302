"""A fully connected network of any depth and width: image → hidden layers → logits."""

import keras

from tfredundancy.models.recipe import Recipe, image_input


def mlp(
    input_shape=(28, 28, 1),
    classes=10,
    *,
    hidden=(1024,) * 5,
    activation="relu",
    use_bias=True,
    initializer="glorot_uniform",
    weight_decay=0.0,
    seed=None,
    name=None,
):
    """Return `logits = W_{L+1} φ(… φ(W₁ x + b₁) …) + b_{L+1}`.

    As it stands, and without biases, it is the network of Nagarajan and Kolter.

    Args:
        input_shape: (height, width, channels) of the images, which are flattened.
        classes: number of logits.
        hidden: units of each hidden layer.
        activation: φ, a Keras activation.
        use_bias: whether layers have biases, the classifier too; they start at zero.
        initializer: Keras initialiser of the kernels.
        weight_decay: `wd` in the gradient's `wd · w`, on kernels and biases (Keras's L2 factor is `wd / 2`).
        seed: integer for reproducible initial weights, a seed of its own for each layer; None for fresh ones.
        name: name of the model, "mlp" by default.

    Returns:
        `keras.Model`, (batch, height, width, channels) → logits (batch, classes).

    Raises:
        ValueError: if an argument is not what is said above.

    Example:
        >>> mlp(hidden=(300, 100)).count_params()  # LeNet-300-100
        266610

    Reference:
        Nagarajan and Kolter, Uniform Convergence May Be Unable to Explain Generalization in Deep Learning, NeurIPS 2019
        (arXiv:1902.04742), and the code published with it.
    """
    recipe = Recipe(initializer, weight_decay=weight_decay, seed=seed)
    image = image_input(input_shape)
    x = keras.layers.Flatten(data_format="channels_last", name="flatten")(image)
    for number, units in enumerate(hidden, start=1):
        x = recipe.dense(units, f"hidden{number}", use_bias=use_bias, activation=activation)(x)
    classifier = recipe.classifier(classes) if use_bias else recipe.dense(classes, "classifier", use_bias=False)
    return keras.Model(image, classifier(x), name=name or "mlp")
