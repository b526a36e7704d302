import json
import zipfile

import keras
import numpy as np
import pytest

from tfredundancy.models import resnet, resnet_20, resnet_32, resnet_44, resnet_56, resnet_110

TRAINABLE = {
    "identity_pad": {20: 269_722, 32: 464_154, 44: 658_586, 56: 853_018, 110: 1_727_962},
    "projection": {20: 272_474, 56: 855_770},
}


def count(depth, shortcut):
    """Kernels, gammas, betas and the classifier, stage by stage."""
    n = (depth - 2) // 6
    stem = 27 * 16 + 32
    first = 2 * n * (9 * 16 * 16 + 32)
    second = 9 * 16 * 32 + 64 + (2 * n - 1) * (9 * 32 * 32 + 64)
    third = 9 * 32 * 64 + 128 + (2 * n - 1) * (9 * 64 * 64 + 128)
    projections = 16 * 32 + 64 + 32 * 64 + 128 if shortcut == "projection" else 0
    return stem + first + second + third + projections + 65 * 10


def kernel(layer):
    return np.array(layer.kernel, np.float64)


@pytest.mark.parametrize("shortcut", TRAINABLE)
def test_the_closed_form_is_the_literature_s(shortcut):
    assert all(count(depth, shortcut) == expected for depth, expected in TRAINABLE[shortcut].items())


@pytest.mark.parametrize(
    "build, depth, shortcut",
    [
        (resnet_20, 20, "identity_pad"),
        (resnet_32, 32, "projection"),
        (resnet_44, 44, "identity_pad"),
        (resnet_56, 56, "projection"),
        (resnet_110, 110, "identity_pad"),
    ],
)
def test_parameters_are_the_closed_form(build, depth, shortcut, trainable):
    assert trainable(build((8, 8, 3), shortcut=shortcut)) == count(depth, shortcut)


def test_resnet_20_with_projections_and_batch_norm_statistics(trainable):
    model = resnet_20()
    assert trainable(model) == 272_474
    assert model.count_params() == 274_042


@pytest.mark.parametrize("shortcut", TRAINABLE)
@pytest.mark.parametrize("shape", [(6, 7, 2), (8, 8, 1)])
def test_logits_follow_the_naive_twin(shortcut, shape, randomise, convolve, normalise):
    model = resnet(8, shape, 3, width=4, shortcut=shortcut)
    randomise(model)
    images = np.random.default_rng(1).normal(size=(2, *shape)).astype(np.float32)

    def conv_bn(x, conv, bn, stride=1, pad=1):
        return normalise(convolve(x, kernel(model.get_layer(conv)), stride, pad), model.get_layer(bn))

    x = np.maximum(conv_bn(images, "stem_conv", "stem_bn"), 0)
    for stage, stride in ((1, 1), (2, 2), (3, 2)):
        prefix = f"stage{stage}_block1"
        y = np.maximum(conv_bn(x, f"{prefix}_conv1", f"{prefix}_bn1", stride), 0)
        y = conv_bn(y, f"{prefix}_conv2", f"{prefix}_bn2")
        if stride == 2 and shortcut == "projection":
            x = conv_bn(x, f"{prefix}_shortcut_conv", f"{prefix}_shortcut_bn", stride, 0)
        elif stride == 2:
            x = np.concatenate([x[:, ::2, ::2], np.zeros_like(x[:, ::2, ::2])], axis=3)
        x = np.maximum(x + y, 0)
    classifier = model.get_layer("classifier")
    expected = x.mean((1, 2)) @ kernel(classifier) + np.array(classifier.bias)
    np.testing.assert_allclose(model(images), expected, rtol=1e-4, atol=1e-4 * expected.std())


@pytest.mark.parametrize("shortcut", TRAINABLE)
def test_the_model_is_plain_keras_and_survives_a_round_trip(shortcut, tmp_path):
    model = resnet(8, (8, 8, 1), width=4, shortcut=shortcut, gamma="uniform", weight_decay=1e-4, seed=0)
    images = np.random.default_rng(0).normal(size=(2, 8, 8, 1)).astype(np.float32)
    model.save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        assert "tfredundancy" not in json.dumps(json.loads(archive.read("config.json")))
    again = keras.models.load_model(tmp_path / "model.keras")
    assert np.array_equal(again(images), model(images))
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]


def test_kernels_start_he_normal_and_layers_are_named():
    model = resnet_20((8, 8, 1), seed=0)
    for name, fan_in in (("stage1_block2_conv1", 9 * 16), ("stage3_block3_conv2", 9 * 64)):
        np.testing.assert_allclose(kernel(model.get_layer(name)).std(), np.sqrt(2 / fan_in), rtol=0.05)
    assert tuple(model(np.zeros((2, 8, 8, 1))).shape) == (2, 10)
    assert model.name == "resnet_20"


@pytest.mark.parametrize("depth", [2, 18, 21, 22])
def test_depth_is_6n_plus_2(depth):
    with pytest.raises(ValueError, match=f"`depth` must be 6n . 2.*depth={depth}"):
        resnet(depth)


def test_an_unknown_shortcut_is_refused():
    with pytest.raises(ValueError, match="`shortcut`.*shortcut='none'"):
        resnet(8, shortcut="none")
