import numpy as np
import pytest

from tfredundancy.models import shallow_conv


def test_logits_follow_the_naive_twin(randomise, convolve):
    model = shallow_conv((9, 9, 2), classes=3, filters=4, size=4, pool=3)
    randomise(model)
    images = np.random.default_rng(1).normal(size=(3, 9, 9, 2)).astype(np.float32)
    conv, classifier = model.get_layer("conv"), model.get_layer("classifier")
    x = np.maximum(convolve(images, np.array(conv.kernel, np.float64)) + np.array(conv.bias), 0)
    x = x.reshape(3, 2, 3, 2, 3, 4).max((2, 4)).reshape(3, -1)
    expected = x @ np.array(classifier.kernel, np.float64) + np.array(classifier.bias)
    np.testing.assert_allclose(model(images), expected, rtol=1e-4, atol=1e-4 * expected.std())


def test_the_paper_s_widths():
    assert shallow_conv().get_layer("conv").kernel.shape == (5, 5, 1, 120)
    assert shallow_conv(filters=4).get_layer("conv").kernel.shape == (5, 5, 1, 4)


@pytest.mark.parametrize("settings", [{"input_shape": (5, 5, 1)}, {"classes": 0}, {"seed": -1}, {"filters": 0}])
def test_bad_settings_are_refused(settings):
    with pytest.raises(ValueError, match="Received"):
        shallow_conv(**settings)
