import numpy as np
import pytest

from tfredundancy.models import mini_alexnet


def shapes(model):
    return {layer.name: tuple(layer.kernel.shape) for layer in model.layers if hasattr(layer, "kernel")}


@pytest.mark.parametrize("size", [28, 32])
def test_parameters_and_kernels_are_those_that_the_authors_printed(size, trainable):
    model = mini_alexnet((size, size, 3))
    assert (model.count_params(), trainable(model)) == (2_272_458, 2_271_754)
    assert shapes(model) == {
        "conv1": (5, 5, 3, 96),
        "conv2": (5, 5, 96, 256),
        "hidden1": (4096, 384),
        "hidden2": (384, 192),
        "classifier": (192, 10),
    }


def test_logits_follow_the_naive_twin(randomise, convolve, normalise):
    model = mini_alexnet((7, 5, 2), classes=3, filters=(3, 4), hidden=(6, 5))
    randomise(model)
    images = np.random.default_rng(1).normal(size=(2, 7, 5, 2)).astype(np.float32)
    x = images.astype(np.float64)
    for block, rows in ((1, (1, 1)), (2, (0, 0))):  # "same" at stride 3: 7 × 5 → 9 × 6, then 3 × 2 → 3 × 3
        layer = model.get_layer(f"conv{block}")
        x = np.maximum(convolve(x, np.array(layer.kernel, np.float64), 1, 2) + np.array(layer.bias), 0)
        x = np.pad(x, ((0, 0), rows, (0, 1), (0, 0)), constant_values=-np.inf)
        x = x.reshape(2, x.shape[1] // 3, 3, x.shape[2] // 3, 3, -1).max((2, 4))
        x = normalise(x, model.get_layer(f"conv{block}_bn"))
    x = x.reshape(2, -1)
    for name in ("hidden1", "hidden2", "classifier"):
        layer = model.get_layer(name)
        x = x @ np.array(layer.kernel, np.float64) + np.array(layer.bias)
        x = x if name == "classifier" else np.maximum(x, 0)
    np.testing.assert_allclose(model(images), x, rtol=1e-4, atol=1e-4 * x.std())


@pytest.mark.parametrize("shape, flat", [((1, 1, 1), 256), ((8, 8, 1), 256), ((31, 9, 4), 1024), ((64, 64, 3), 16384)])
def test_images_of_any_size_pass(shape, flat):
    model = mini_alexnet(shape, 3)
    assert shapes(model)["hidden1"] == (flat, 384)
    assert tuple(model(np.ones((2, *shape), np.float32)).shape) == (2, 3)


def test_without_batch_norm(trainable):
    model = mini_alexnet(batch_norm=False)
    assert model.count_params() == trainable(model) == 2_272_458 - 4 * (96 + 256)
    assert not [layer for layer in model.layers if "bn" in layer.name]


def test_weights_start_glorot_uniform_and_biases_at_zero():
    model = mini_alexnet(seed=0)
    kernel = np.array(model.get_layer("hidden1").kernel)
    bound = np.sqrt(6 / (4096 + 384))
    assert 0.999 * bound < np.abs(kernel).max() <= bound
    np.testing.assert_allclose(kernel.std(), bound / np.sqrt(3), rtol=0.005)
    assert all((np.array(layer.bias) == 0).all() for layer in model.layers if hasattr(layer, "bias"))
