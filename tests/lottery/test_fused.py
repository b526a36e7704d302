"""`fused_normalisation`: the same numbers as Keras's own BatchNormalization, and the model is left as it was."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfredundancy.layers import PruneUnits
from tfredundancy.lottery.fused import fused_normalisation

X = np.random.default_rng(0).normal(2.0, 3.0, (6, 5, 5, 4)).astype("float32")


def net(**settings):
    normalise = keras.layers.BatchNormalization(momentum=0.7, name="bn", **settings)
    return keras.Sequential([keras.Input((5, 5, 4)), PruneUnits(normalise, mask=np.array([True, True, False, True]))])


def step(model, fused):
    """Outputs, gradients of Σ sin(y), and the moving statistics after one training call."""
    run = tf.function(lambda x: _gradients(model, x, fused), autograph=False)
    outputs, gradients = run(X)
    state = [keras.ops.convert_to_numpy(v) for v in model.non_trainable_variables]
    return [keras.ops.convert_to_numpy(value) for value in (outputs, *gradients)] + state


def _gradients(model, x, fused):
    with tf.GradientTape() as tape:
        if fused:
            with fused_normalisation(model):
                outputs = model(x, training=True)
        else:
            outputs = model(x, training=True)
        loss = tf.reduce_sum(tf.sin(outputs))
    return outputs, tape.gradient(loss, model.trainable_variables)


@pytest.mark.parametrize("settings", [{}, {"epsilon": 0.1}, {"scale": False}, {"center": False}])
def test_same_outputs_gradients_and_statistics(settings):
    plain, fused = net(**settings), net(**settings)
    for ours, theirs in zip(step(fused, True), step(plain, False), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=2e-5)


def test_the_kernel_is_used_and_the_layer_is_itself_again():
    model = net()
    layer = model.get_layer("bn").layer
    with fused_normalisation(model):
        graph = tf.function(lambda x: model(x, training=True)).get_concrete_function(X).graph
        assert "call" in vars(layer)
    assert "FusedBatchNormV3" in {operation.type for operation in graph.get_operations()}
    assert "call" not in vars(layer)


def test_inference_and_vectors_keep_keras_formula():
    model = keras.Sequential([keras.Input((4,)), keras.layers.BatchNormalization()])
    with fused_normalisation(model):
        graph = tf.function(lambda x: model(x, training=True)).get_concrete_function(X[:, 0, 0]).graph
    assert "FusedBatchNormV3" not in {operation.type for operation in graph.get_operations()}
