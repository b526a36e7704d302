import numpy as np
import pytest

from tfredundancy.models import lenet_300_100, mlp


def test_parameters_are_the_paper_s(trainable):
    assert trainable(mlp()) == 784 * 1024 + 4 * 1024**2 + 1024 * 10 + 5 * 1024 + 10 == 5_012_490
    assert trainable(mlp(use_bias=False)) == 784 * 1024 + 4 * 1024**2 + 1024 * 10 == 5_007_360


def test_lenet_300_100_is_one_of_them():
    ours, lenet = mlp(hidden=(300, 100)), lenet_300_100()
    assert [(v.path, v.shape) for v in ours.variables] == [(v.path, v.shape) for v in lenet.variables]


@pytest.mark.parametrize("use_bias", [True, False])
def test_logits_follow_the_naive_twin(randomise, use_bias):
    model = mlp((4, 3, 2), classes=5, hidden=(7, 6, 8), activation="tanh", use_bias=use_bias)
    randomise(model)
    images = np.random.default_rng(1).normal(size=(3, 4, 3, 2)).astype(np.float32)
    x, names = images.reshape(3, -1).astype(np.float64), ["hidden1", "hidden2", "hidden3", "classifier"]
    assert [layer.name for layer in model.layers[2:]] == names
    for name in names:
        layer = model.get_layer(name)
        x = x @ np.array(layer.kernel, np.float64) + (np.array(layer.bias) if use_bias else 0)
        x = x if name == "classifier" else np.tanh(x)
    np.testing.assert_allclose(model(images), x, rtol=1e-4, atol=1e-4 * x.std())
    assert len(model.variables) == (8 if use_bias else 4)


def test_no_hidden_layer_is_a_linear_map():
    assert mlp((2, 2, 1), classes=3, hidden=()).count_params() == 15


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("settings", [{"classes": 0}, {"hidden": (4, 0)}, {"weight_decay": -1.0}, {"seed": -1}])
def test_bad_settings_are_refused(settings, use_bias):
    with pytest.raises(ValueError, match="Received"):
        mlp((2, 2, 1), **{"hidden": (3,), "use_bias": use_bias, **settings})
