import numpy as np
import pytest

from tfredundancy.models import wide_resnet


def count(n, k, projection=True):
    """Kernels of n blocks a stage; BatchNorm before each of them; the classifier."""
    widths = [16 * k, 32 * k, 64 * k]
    total = 27 * 16
    for fan_in, units in zip([16, *widths], widths, strict=False):
        total += 9 * fan_in * units + (2 * n - 1) * 9 * units**2
        total += fan_in * units if projection and fan_in != units else 0
        total += 2 * fan_in + (2 * n - 1) * 2 * units
    return total + 2 * widths[-1] + (widths[-1] + 1) * 10


def test_the_closed_form_is_the_paper_s_36_5_and_11_million():
    assert round(count(4, 10) / 1e6, 1) == 36.5
    assert round(count(2, 8) / 1e6, 1) == 11.0


@pytest.mark.parametrize("depth, width, n", [(28, 10, 4), (16, 8, 2), (10, 1, 1), (32, 2, 5)])
def test_parameters_are_the_closed_form(depth, width, n, trainable):
    assert trainable(wide_resnet(depth, width, (8, 8, 3))) == count(n, width)
    assert trainable(wide_resnet(depth, width, (8, 8, 3), shortcut="identity_pad")) == count(n, width, projection=False)


@pytest.mark.parametrize("shortcut", ["projection", "identity_pad"])
@pytest.mark.parametrize("width", [1, 2])
def test_logits_follow_the_naive_twin(width, shortcut, randomise, convolve, normalise):
    model = wide_resnet(10, width, (6, 6, 1), 3, shortcut=shortcut)
    randomise(model)
    images = np.random.default_rng(1).normal(size=(2, 6, 6, 1)).astype(np.float32)

    def conv(x, name, stride=1, pad=1):
        return convolve(x, np.array(model.get_layer(name).kernel, np.float64), stride, pad)

    def active(x, name):
        return np.maximum(normalise(x, model.get_layer(name)), 0)

    x = conv(images, "stem_conv")
    for stage, stride in ((1, 1), (2, 2), (3, 2)):
        prefix = f"stage{stage}_block1"
        y = active(x, f"{prefix}_bn1")
        changes = stage > 1 or width > 1
        if changes and shortcut == "identity_pad":
            x = np.pad(
                x[:, ::stride, ::stride], ((0, 0), (0, 0), (0, 0), (0, 16 * width * 2 ** (stage - 1) - x.shape[-1]))
            )
        elif changes:
            x = conv(y, f"{prefix}_shortcut_conv", stride, 0)
        x = x + conv(active(conv(y, f"{prefix}_conv1", stride), f"{prefix}_bn2"), f"{prefix}_conv2")
    classifier = model.get_layer("classifier")
    expected = active(x, "final_bn").mean((1, 2)) @ np.array(classifier.kernel, np.float64) + np.array(classifier.bias)
    np.testing.assert_allclose(model(images), expected, rtol=1e-4, atol=1e-4 * expected.std())


def test_dropout_lies_between_the_convolutions():
    names = [layer.name for layer in wide_resnet(10, 1, (8, 8, 1), dropout=0.3).layers]
    start = names.index("stage1_block1_bn2")
    assert names[start : start + 4] == [f"stage1_block1_{name}" for name in ("bn2", "relu2", "dropout", "conv2")]


@pytest.mark.parametrize("depth, width, name", [(4, 2, "depth=4"), (29, 2, "depth=29"), (16, 0, "width=0")])
def test_bad_arguments_are_named(depth, width, name):
    with pytest.raises(ValueError, match=name):
        wide_resnet(depth, width)


def test_an_unknown_shortcut_is_named():
    with pytest.raises(ValueError, match="`shortcut` must be identity_pad or projection. Received: shortcut='none'"):
        wide_resnet(10, 1, shortcut="none")
