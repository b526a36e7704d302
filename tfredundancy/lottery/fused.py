"""BatchNormalization of images by TensorFlow's one kernel, while a training loop is traced; the model stays what it is.

Keras computes y = γ (x − mean)/√(variance + ε) + β with a dozen operations, and a dozen more for its gradient; each reads
and writes a whole activation. On a CPU that is half of a ResNet's step. TensorFlow has a kernel for all of it. Here the layers'
`call` is exchanged for one that uses the kernel, for as long as a `with` block lasts, and only where both compute the same: four
axes, the channels last, float32, γ and β, training, no mask, no renormalisation, no synchronisation.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import keras


@contextmanager
def fused_normalisation(model: keras.Model) -> Iterator[None]:
    """Within the block, the model's BatchNormalization layers compute by the fused kernel in training."""
    layers = [layer for layer in model._flatten_layers() if type(layer) is keras.layers.BatchNormalization]
    for layer in layers:
        object.__setattr__(layer, "call", partial(_call, layer))
    try:
        yield
    finally:
        for layer in layers:
            object.__delattr__(layer, "call")


def _call(layer, inputs, training=None, mask=None):
    if not training or mask is not None or not _suits(layer, inputs):
        return type(layer).call(layer, inputs, training=training, mask=mask)
    import tensorflow as tf

    outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=inputs,
        scale=tf.convert_to_tensor(layer.gamma),
        offset=tf.convert_to_tensor(layer.beta),
        mean=tf.zeros((0,)),
        variance=tf.zeros((0,)),
        epsilon=layer.epsilon,
    )
    n = tf.cast(tf.size(inputs) // inputs.shape[-1], "float32")
    for average, value in ((layer.moving_mean, mean), (layer.moving_variance, variance * (n - 1) / n)):
        average.assign(average * layer.momentum + value * (1 - layer.momentum))
    return outputs


def _suits(layer, inputs) -> bool:
    plain = (
        layer.trainable
        and layer.scale
        and layer.center
        and not getattr(layer, "renorm", False)
        and not layer.synchronized
    )
    return (
        plain and len(inputs.shape) == 4 and layer.axis in (-1, 3) and inputs.dtype == layer.compute_dtype == "float32"
    )
