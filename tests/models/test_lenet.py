import numpy as np

from tfredundancy.models import lenet_300_100


def test_parameters_are_the_paper_s(trainable):
    assert trainable(lenet_300_100()) == 266_610


def test_logits_are_three_affine_maps_with_two_rectifiers(randomise):
    model = lenet_300_100((8, 8, 1), classes=7)
    randomise(model)
    images = np.random.default_rng(1).normal(size=(5, 8, 8, 1)).astype(np.float32)
    w1, b1, w2, b2, w3, b3 = (np.array(variable, np.float64) for variable in model.variables)
    hidden = np.maximum(images.reshape(5, 64) @ w1 + b1, 0)
    expected = np.maximum(hidden @ w2 + b2, 0) @ w3 + b3
    np.testing.assert_allclose(model(images), expected, rtol=1e-4, atol=1e-4 * expected.std())


def test_weights_start_glorot_normal_and_biases_at_zero():
    model = lenet_300_100(seed=0)
    kernel = np.array(model.get_layer("hidden1").kernel)
    np.testing.assert_allclose(kernel.std(), np.sqrt(2 / (784 + 300)), rtol=0.01)
    np.testing.assert_allclose(np.array(model.get_layer("hidden2").kernel).std(), np.sqrt(2 / 400), rtol=0.03)
    assert all((np.array(layer.bias) == 0).all() for layer in model.layers if hasattr(layer, "bias"))
