"""Every architecture of keras.applications, half of the units of every group: masked is shrunk.

Logits, not class probabilities: a softmax of an untrained net hardly depends on its input, and a wrong net would pass. Kernels
are those of He, BatchNormalization is calibrated on the images, and differences are divided by the spread of the logits.
"""

import gc
import inspect

import keras
import numpy as np
import pytest

import tfredundancy as tfr

from .test_shrinking import distance, masked

# Large ones of a family take minutes each on two cores; the smallest has every kind of block that they have.
SMALLEST = {
    **dict.fromkeys(("ConvNeXtSmall", "ConvNeXtBase", "ConvNeXtLarge", "ConvNeXtXLarge"), "ConvNeXtTiny"),
    **dict.fromkeys([f"EfficientNetB{i}" for i in range(2, 8)], "EfficientNetB1"),
    **dict.fromkeys(("EfficientNetV2S", "EfficientNetV2M", "EfficientNetV2L"), "EfficientNetV2B3"),
    "NASNetLarge": "NASNetMobile",
}
NAMES = [name for name, value in vars(keras.applications).items() if inspect.isfunction(value)]
TESTED = [name for name in NAMES if name not in SMALLEST]
ONE_OF_EACH = [
    "ConvNeXtTiny",
    "DenseNet121",
    "EfficientNetB0",
    "EfficientNetV2B0",
    "InceptionResNetV2",
    "InceptionV3",
] + [*("MobileNet", "MobileNetV2", "MobileNetV3Small", "NASNetMobile", "ResNet50", "ResNet50V2", "VGG16", "Xception")]


def test_every_architecture_is_tested_or_stands_behind_a_smaller_one():
    assert len(NAMES) >= 38 and set(SMALLEST) <= set(NAMES)
    assert set(SMALLEST.values()) | set(ONE_OF_EACH) <= set(TESTED)


def built(name):
    size = 96 if name in ("InceptionV3", "InceptionResNetV2", "Xception", "NASNetMobile") else 64
    build = getattr(keras.applications, name)
    return build(weights=None, classifier_activation=None, input_shape=(size, size, 3))


def draw_weights(model, rng):
    """He's kernels; biases, beta and gamma so that they matter."""
    for variable in model.variables:
        if variable.name.endswith("kernel"):
            fan_in = np.prod(variable.shape[:2] if "depthwise" in variable.path else variable.shape[:-1])
            variable.assign(rng.normal(0, np.sqrt(2 / fan_in), variable.shape))
        elif variable.name in ("bias", "beta"):
            variable.assign(rng.normal(0, 0.2, variable.shape))
        elif variable.name == "gamma":
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))


def images(model, rng, batch=8):
    """Coarse random patterns of different brightness: images that differ, unlike white noise, in what pooling leaves."""
    size = model.input_shape[1]
    coarse = np.kron(rng.uniform(0, 255, (batch, 4, 4, 3)), np.ones((1, size // 4, size // 4, 1)))
    return coarse * rng.uniform(0.2, 1, (batch, 1, 1, 1))


def calibrate(model, x):
    """Let the moving statistics be those of x."""
    layers = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.BatchNormalization)]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0
    if layers:
        model(x, training=True)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum


def check(name, tolerance):
    rng = np.random.default_rng(0)
    model = built(name)
    draw_weights(model, rng)
    x = images(model, rng)

    def logits(net):
        return keras.ops.convert_to_numpy(net(x, training=False)).astype(np.float64)

    def pruned_with(seed):
        pruned = masked(model, seed)
        calibrate(pruned, x)
        return pruned

    found = tfr.find_groups(model)
    assert set(found.kept_out.values()) == {"output of the model"}  # everything else can be pruned
    pruned = pruned_with(0)
    small, y = tfr.shrink(pruned), logits(pruned)
    assert small.count_params() < 0.45 * model.count_params()
    error, wrong = distance(y, logits(small)), distance(y, logits(tfr.shrink(pruned_with(1))))
    print(f"{name}: error {error:.1e}, a wrong one {wrong:.2g}, {model.count_params():,} → {small.count_params():,}")
    assert error < tolerance < 0.1 < wrong


@pytest.fixture
def clean():
    before = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(before)
    keras.backend.clear_session()
    gc.collect()


@pytest.mark.slow
@pytest.mark.parametrize("name", TESTED)
def test_masked_is_shrunk_in_float64(name, clean):
    keras.config.set_dtype_policy("float64")
    check(name, 1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_masked_is_shrunk_in_float32(name, clean):
    keras.config.set_dtype_policy("float32")
    check(name, 1e-4)
