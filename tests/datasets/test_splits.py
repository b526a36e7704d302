import dataclasses

import numpy as np
import pytest

from tfredundancy.datasets import Augmentation, Splits

RNG = np.random.default_rng(0)
IMAGES, LABELS = RNG.integers(0, 256, (6, 4, 5, 3)).astype(np.uint8), np.array([0, 1, 2, 0, 1, 2])
GOOD = (IMAGES, LABELS)


def test_statistics_are_those_of_the_training_images_channel_by_channel():
    splits = Splits.from_arrays(GOOD, (IMAGES[:1], LABELS[:1]), (IMAGES[:2] // 2, LABELS[:2]))
    np.testing.assert_allclose(splits.mean, (IMAGES / 255).mean((0, 1, 2)), rtol=1e-6)
    np.testing.assert_allclose(splits.std, (IMAGES / 255).std((0, 1, 2)), rtol=1e-6)
    assert splits.mean.dtype == splits.std.dtype == np.float32


def test_normalise_is_pixel_over_255_minus_mean_over_std():
    splits = Splits.from_arrays(GOOD, GOOD, GOOD)
    normalised = splits.normalise(IMAGES)
    np.testing.assert_allclose(normalised, (IMAGES / 255 - splits.mean) / splits.std, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(normalised.mean((0, 1, 2)), 0, atol=1e-6)
    np.testing.assert_allclose(normalised.std((0, 1, 2)), 1, rtol=1e-5)
    assert normalised.dtype == np.float32


@pytest.mark.parametrize("shape", [(6, 4, 5, 3), (6, 7)])
def test_floats_are_used_as_they_are(shape):
    images = RNG.normal(size=shape)
    splits = Splits.from_arrays((images, LABELS), (images, LABELS), (images, LABELS))
    assert splits.mean is None and splits.std is None
    assert np.array_equal(splits.normalise(images), images.astype(np.float32))
    assert splits.input_shape == shape[1:]


def test_labels_become_int32_and_classes_are_counted_over_all_splits():
    splits = Splits.from_arrays(GOOD, (IMAGES[:1], [4]), GOOD)
    assert splits.classes == 5
    assert all(getattr(splits, split)[1].dtype == np.int32 for split in ("train", "validation", "test"))
    assert Splits.from_arrays(GOOD, GOOD, GOOD, classes=7).classes == 7


def test_a_record_is_frozen():
    splits = Splits.from_arrays(GOOD, GOOD, GOOD)
    with pytest.raises(dataclasses.FrozenInstanceError):
        splits.name = "other"


@pytest.mark.parametrize(
    "bad, message",
    [
        ((IMAGES, LABELS[:5]), "`test` must hold as many images as labels.*6 images, 5 labels"),
        ((IMAGES[:0], LABELS[:0]), "`test` must hold as many images as labels, at least one.*0 images"),
        ((IMAGES, LABELS - 1), "`test` must have labels in .0, 3.. Received: from -1 to 1"),
        ((IMAGES, LABELS.astype(float)), "`test` must hold integer labels.*float64"),
        ((IMAGES, LABELS[:, None]), r"`test` must hold integer labels.*\(6, 1\)"),
        ((IMAGES[..., 0], LABELS), r"`test` must hold uint8 or floating images.*\(6, 4, 5\)"),
        ((IMAGES.astype(int), LABELS), "`test` must hold uint8 or floating images.*int64"),
        ((IMAGES[:, :3], LABELS), r"`test` must have images of the training images' shape \(4, 5, 3\).*\(6, 3, 5, 3\)"),
    ],
)
def test_a_bad_split_is_named(bad, message):
    with pytest.raises(ValueError, match=message):
        Splits.from_arrays(GOOD, GOOD, bad, classes=3)


def test_labels_beyond_classes_are_refused():
    with pytest.raises(ValueError, match="`train` must have labels in .0, 2.. Received: from 0 to 2"):
        Splits.from_arrays(GOOD, GOOD, GOOD, classes=2)


def test_a_constant_channel_cannot_be_normalised():
    images = IMAGES.copy()
    images[..., 1] = 9
    with pytest.raises(ValueError, match="`std` must be positive"):
        Splits.from_arrays((images, LABELS), GOOD, GOOD)


@pytest.mark.parametrize(
    "mean, std, message",
    [
        (np.zeros(3), None, "given together"),
        (np.zeros(2), np.ones(2), "one entry per channel .3."),
        (np.zeros(3), np.zeros(3), "`std` must be positive"),
    ],
)
def test_bad_statistics_are_refused(mean, std, message):
    with pytest.raises(ValueError, match=message):
        Splits("mine", GOOD, GOOD, GOOD, mean, std, None, 3)


def test_vectors_cannot_be_augmented():
    vectors = (RNG.normal(size=(6, 7)), LABELS)
    with pytest.raises(ValueError, match="`augmentation` needs images"):
        Splits.from_arrays(vectors, vectors, vectors, augmentation=Augmentation(True, 1))
