import numpy as np
import pytest

from tfredundancy.models import vgg, vgg_11, vgg_16, vgg_19

# Simonyan and Zisserman's table 1, written out
TABLE = {
    11: [64, 128, 256, 256, 512, 512, 512, 512],
    16: [64] * 2 + [128] * 2 + [256] * 3 + [512] * 6,
    19: [64] * 2 + [128] * 2 + [256] * 4 + [512] * 8,
}


def convolutions(depth):
    """Kernels, gammas and betas."""
    widths = TABLE[depth]
    return sum(9 * fan_in * units + 2 * units for fan_in, units in zip([3, *widths], widths, strict=False))


@pytest.mark.parametrize("build, depth", [(vgg_11, 11), (vgg_16, 16), (vgg_19, 19)])
def test_parameters_are_the_table_s(build, depth, trainable):
    assert trainable(build((16, 16, 3))) == convolutions(depth) + 513 * 10


def test_vgg_19_has_the_paper_s_20_million(trainable):
    assert convolutions(19) + 513 * 10 == 20_035_018


def test_a_hidden_layer_is_dense_batch_norm_relu(trainable):
    model = vgg(16, (16, 16, 3), hidden=(512,), pool="max")
    assert trainable(model) == convolutions(16) + 512 * 512 + 2 * 512 + 513 * 10
    assert [layer.name for layer in model.layers][-5:] == [
        "pool",
        "hidden1",
        "hidden1_bn",
        "hidden1_relu",
        "classifier",
    ]


@pytest.mark.parametrize("pool, reduce", [("average", np.mean), ("max", np.max)])
def test_the_last_pooling_is_global(pool, reduce):
    model = vgg(11, (32, 32, 1), 3, pool=pool, seed=0)
    images = np.random.default_rng(0).normal(size=(2, 32, 32, 1)).astype(np.float32)
    features = type(model)(model.input, model.get_layer("stage5_relu2").output)(images)
    assert tuple(features.shape) == (2, 2, 2, 512)
    classifier = model.get_layer("classifier")
    expected = reduce(np.array(features), axis=(1, 2)) @ np.array(classifier.kernel) + np.array(classifier.bias)
    np.testing.assert_allclose(model(images), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"depth": 12}, "`depth`.*depth=12"),
        ({"depth": 11, "pool": "none"}, "`pool`.*pool='none'"),
        ({"depth": 11, "input_shape": (8, 8, 1)}, "`input_shape` must be at least 16 × 16.*8, 8, 1"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        vgg(**arguments)
