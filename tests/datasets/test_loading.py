import os

import numpy as np
import pytest
from sklearn.datasets import load_digits

from tfredundancy.datasets import Augmentation, load, prepared

PARTS = ("train", "validation", "test")
REAL = {  # sizes, shape, augmentation
    "mnist": ((55_000, 5_000, 10_000), (28, 28, 1), None),
    "fashion_mnist": ((55_000, 5_000, 10_000), (28, 28, 1), None),
    "cifar10": ((45_000, 5_000, 10_000), (32, 32, 3), Augmentation(flip=True, pad=4)),
}


def sizes(splits):
    return tuple(len(getattr(splits, part)[1]) for part in PARTS)


def test_digits_are_all_there_once_with_their_labels():
    splits = load("digits")
    assert sizes(splits) == (1197, 300, 300)
    data = load_digits()
    original = {
        (image * 255 / 16).round().astype(np.uint8).tobytes(): label
        for image, label in zip(data.images, data.target, strict=True)
    }
    images = np.concatenate([getattr(splits, part)[0] for part in PARTS])
    labels = np.concatenate([getattr(splits, part)[1] for part in PARTS])
    assert len({image.tobytes() for image in images}) == len(original)
    assert all(original[image.tobytes()] == label for image, label in zip(images, labels, strict=True))


@pytest.mark.parametrize("part", PARTS)
def test_digits_are_balanced_in_every_part(part):
    counts = np.bincount(getattr(load("digits"), part)[1])
    shares = np.bincount(load_digits().target) / 1797
    assert abs(counts - shares * counts.sum()).max() < 2


def test_arguments_choose_sizes_and_leave_the_test_split_alone():
    whole = load("digits")
    splits = load("digits", validation=100, train_examples=64, image_size=32, seed=3)
    assert sizes(splits) == (64, 100, 300) and splits.input_shape == (32, 32, 1)
    assert np.array_equal(splits.test[0][:, ::4, ::4], whole.test[0])
    assert not np.array_equal(load("digits", seed=1).validation[0], whole.validation[0])


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="`name` must be one of digits, mnist.*Received: name='imagenet'"):
        load("imagenet")


@pytest.fixture(scope="module", params=REAL)
def real(request):
    """The name of a real data set and its splits, decoded once."""
    folder = os.environ.get("TFDS_DATA_DIR")
    if folder is None or prepared.find(request.param, folder) is None:
        pytest.skip(f"{request.param} is not prepared in the folder that TFDS_DATA_DIR names")
    return request.param, load(request.param)


def test_real_data_have_their_sizes_balance_and_statistics(real):
    name, splits = real
    expected_sizes, shape, augmentation = REAL[name]
    assert sizes(splits) == expected_sizes and splits.input_shape == shape
    assert splits.augmentation == augmentation and splits.classes == 10
    images = splits.train[0][::50] / 255
    np.testing.assert_allclose(images.mean((0, 1, 2)), splits.mean, atol=0.02)
    shares = np.bincount(splits.train[1]) / expected_sizes[0]
    assert abs(np.bincount(splits.validation[1]) - shares * 5000).max() < 2
    if name != "mnist":
        assert np.bincount(splits.test[1]).tolist() == [1000] * 10
        assert np.bincount(splits.validation[1]).tolist() == [500] * 10


def test_real_images_are_the_file_s_own(real):
    name, splits = real
    import tensorflow_datasets as tfds

    builder = tfds.builder_from_directory(prepared.find(name, os.environ["TFDS_DATA_DIR"]))
    lookup = {image.tobytes(): label for image, label in zip(*splits.train, strict=True)}
    lookup |= {image.tobytes(): label for image, label in zip(*splits.validation, strict=True)}
    for example in tfds.as_numpy(builder.as_dataset(split="train[:50]")):
        assert lookup[example["image"].tobytes()] == example["label"]
    (first,) = tfds.as_numpy(builder.as_dataset(split="test[:1]"))
    assert np.array_equal(splits.test[0][0], first["image"]) and splits.test[1][0] == first["label"]
