import numpy as np
import pytest

from tfredundancy.models import conv_2, conv_4, conv_6

BUILDERS = {2: conv_2, 4: conv_4, 6: conv_6}
CONVOLUTIONS = {2: 38_720, 4: 260_160, 6: 1_145_408}  # the paper's 38K, 260K, 1.1M
TOTAL = {2: 4_301_642, 4: 2_425_930, 6: 2_262_602}  # the paper's 4.3M, 2.4M; its 1.7M for Conv-6 does not add up


@pytest.mark.parametrize("depth", BUILDERS)
def test_parameters_are_the_paper_s(depth, trainable):
    model = BUILDERS[depth]()
    convolutions = sum(int(np.prod(v.shape)) for v in model.trainable_variables if v.path.startswith("pair"))
    pairs = depth // 2
    flat = (32 // 2**pairs) ** 2 * 32 * 2**pairs
    assert convolutions == CONVOLUTIONS[depth]
    assert trainable(model) == convolutions + (flat + 1) * 256 + 257 * 256 + 257 * 10 == TOTAL[depth]


def test_logits_follow_the_naive_twin(randomise, convolve):
    model = conv_2((4, 6, 2), classes=3)
    randomise(model)
    images = np.random.default_rng(1).normal(size=(2, 4, 6, 2)).astype(np.float32)
    k1, b1, k2, b2, w1, c1, w2, c2, w3, c3 = (np.array(variable, np.float64) for variable in model.variables)
    x = np.maximum(convolve(images, k1, 1, 1) + b1, 0)
    x = np.maximum(convolve(x, k2, 1, 1) + b2, 0)
    x = x.reshape(2, 2, 2, 3, 2, 64).max((2, 4)).reshape(2, -1)
    expected = np.maximum(np.maximum(x @ w1 + c1, 0) @ w2 + c2, 0) @ w3 + c3
    np.testing.assert_allclose(model(images), expected, rtol=1e-4, atol=1e-4 * expected.std())


def test_dropout_follows_the_hidden_layers_and_is_seeded():
    first, second = (conv_2((4, 4, 1), dropout=0.5, seed=1) for _ in range(2))
    images = np.ones((3, 4, 4, 1), np.float32)
    assert [layer.name for layer in first.layers if "dropout" in layer.name] == ["hidden1_dropout", "hidden2_dropout"]
    assert np.array_equal(first(images, training=True), second(images, training=True))
    assert not np.array_equal(first(images, training=True), first(images))
    assert not [layer for layer in conv_2((4, 4, 1)).layers if "dropout" in layer.name]


@pytest.mark.parametrize("depth, side", [(2, 1), (4, 3), (6, 7)])
def test_an_image_too_small_for_the_poolings_is_refused(depth, side):
    with pytest.raises(ValueError, match=f"`input_shape` must be at least {side + 1} × {side + 1}.*{side}, 9, 3"):
        BUILDERS[depth]((side, 9, 3))


def test_the_smallest_image_passes():
    assert tuple(conv_6((8, 8, 1), 3)(np.ones((2, 8, 8, 1))).shape) == (2, 3)
