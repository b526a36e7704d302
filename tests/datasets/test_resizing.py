import keras
import numpy as np
import pytest

from tfredundancy.datasets.resizing import resize

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 6, 4, 2)).astype(np.uint8)


def test_a_whole_multiple_repeats_pixels():
    assert np.array_equal(resize(IMAGES, 12), np.kron(IMAGES, np.ones((1, 2, 3, 1), np.uint8)))
    assert np.array_equal(resize(IMAGES[:, :4], 4), IMAGES[:, :4])


@pytest.mark.parametrize("size", [3, 5, 7, 15])
def test_other_sizes_are_bilinear_as_keras_has_it(size):
    expected = keras.ops.image.resize(IMAGES.astype(np.float32), (size, size), data_format="channels_last")
    resized = resize(IMAGES, size)
    assert resized.dtype == np.uint8
    assert abs(resized - keras.ops.convert_to_numpy(expected)).max() <= 0.5 + 1e-3


@pytest.mark.parametrize("size", [0, 2.5])
def test_size_is_a_positive_integer(size):
    with pytest.raises(ValueError, match=f"`image_size`.*image_size={size}"):
        resize(IMAGES, size)
