"""The gradient of a compiled model's loss, batch by batch, at rest: no dropout, BatchNorm with its moving statistics."""

from collections.abc import Callable, Iterator

import keras
import numpy as np
from keras import ops

from tfredundancy.paths import variable_paths
from tfredundancy.pruning.rebuilding import rebuild
from tfredundancy.samples import check_inputs, examples


def batch_gradients(model: keras.Model, data, batch_size: int = 128) -> Iterator[dict[str, np.ndarray]]:
    """Yield {path of a variable that could be trained: gradient of the loss on a batch}, layers that are frozen too.

    The loss is the compiled one with its regularisers; a copy computes it, and the model stays what it was.

    Args:
        model: compiled Sequential or functional model.
        data: tuple (inputs, labels) or (inputs, labels, weights), or a tf.data.Dataset of batches of one of these.
        batch_size: of arrays.

    Raises:
        ValueError: a model without a loss, data without labels or of another shape, a backend other than tensorflow and jax.
    """
    if not getattr(model, "compiled", False) or model.loss is None:
        raise ValueError(f"`model` must be compiled with a loss: its gradients are needed. Received: '{model.name}'")
    backend = keras.backend.backend()
    if backend not in _DIFFERENTIATE:
        raise ValueError(f"Gradients are taken with tensorflow and jax. Received: KERAS_BACKEND={backend}")
    copy = rebuild(model, _unfrozen)
    paths = {id(variable): path for path, variable in variable_paths(copy).items()}
    gradients = None
    for inputs, labels, weights in examples(data, batch_size):
        if labels is None:
            raise ValueError(
                "`data` must bring labels, as (inputs, labels): the loss needs them. Received: inputs alone"
            )
        check_inputs(copy, inputs)
        gradients = gradients or _DIFFERENTIATE[backend](copy, inputs, labels, weights)
        found = gradients(inputs, labels, weights)
        yield {
            paths[id(variable)]: np.asarray(ops.convert_to_numpy(gradient), np.float64)
            for variable, gradient in zip(copy.trainable_variables, found, strict=True)
        }


def _unfrozen(layer, copy):
    """The copy, not built yet, whose variables will all be trainable."""
    del layer
    copy.trainable = True
    return copy


def _with_tensorflow(model, *_) -> Callable:
    import tensorflow as tf

    def gradients(inputs, labels, weights):
        with tf.GradientTape() as tape:
            prediction = model(inputs, training=False)
            loss = model.compute_loss(x=inputs, y=labels, y_pred=prediction, sample_weight=weights, training=False)
        variables = model.trainable_variables
        found = tape.gradient(loss, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return [tf.convert_to_tensor(gradient) for gradient in found]  # those of embeddings are sparse

    return gradients


def _with_jax(model, inputs, labels, weights) -> Callable:
    import jax

    prediction = model(inputs, training=False)
    model.compute_loss(x=inputs, y=labels, y_pred=prediction, sample_weight=weights)  # makes its metrics, once

    def loss(trainable, *rest):
        return model.compute_loss_and_updates(trainable, *rest, training=False)

    differentiated = jax.jit(jax.grad(loss, has_aux=True))

    def gradients(inputs, labels, weights):
        groups = (model.trainable_variables, model.non_trainable_variables, model.metrics_variables)
        values = ([variable.value for variable in group] for group in groups)
        return differentiated(*values, inputs, labels, weights)[0]

    return gradients


_DIFFERENTIATE = {"tensorflow": _with_tensorflow, "jax": _with_jax}
