import keras
import numpy as np
import pytest
import tensorflow as tf

from tfredundancy.datasets import Augmentation, Splits, augment, batch_indices, dataset, draws, steps_per_epoch

MIRRORED = Augmentation(flip=True, pad=2)


def naive_augment(images, drawn, pad):
    result = np.zeros_like(images)
    _, height, width, _ = images.shape
    for b, (row, column, flip) in enumerate(drawn):
        for i in range(height):
            for j in range(width):
                source = (i + row - pad, (width - 1 - j if flip else j) + column - pad)
                if 0 <= source[0] < height and 0 <= source[1] < width:
                    result[b, i, j] = images[b, *source]
    return result


def small_splits(augmentation=MIRRORED, n=10):
    images = np.random.default_rng(0).integers(0, 256, (n, 3, 4, 2)).astype(np.uint8)
    pair = (images, np.arange(n))
    return Splits.from_arrays(pair, pair, pair, augmentation=augmentation)


def expected_batch(splits, batch_size, seed, step):
    images, labels = splits.train
    (rows,) = batch_indices(seed, step, step + 1, len(labels), batch_size)
    if splits.augmentation is None:
        return splits.normalise(images[rows]), labels[rows]
    (drawn,) = draws(seed, step, step + 1, batch_size, splits.augmentation)
    return splits.normalise(naive_augment(images[rows], drawn, splits.augmentation.pad)), labels[rows]


@pytest.mark.parametrize("n, batch_size, steps", [(10, 3, 3), (10, 10, 1), (10, 1, 10), (55_000, 60, 916)])
def test_an_epoch_drops_the_remainder(n, batch_size, steps):
    assert steps_per_epoch(n, batch_size) == steps


@pytest.mark.parametrize("batch_size", [0, 11])
def test_a_batch_size_outside_the_data_is_refused(batch_size):
    with pytest.raises(ValueError, match=f"`batch_size` must lie in .1, n=10.. Received: batch_size={batch_size}"):
        batch_indices(0, 0, 1, 10, batch_size)


def test_any_chunking_gives_the_same_rows():
    whole = batch_indices(3, 0, 20, 17, 4)
    rng = np.random.default_rng(0)
    for _ in range(20):
        cuts = [0, *np.sort(rng.integers(0, 21, 5)), 20]
        chunks = [batch_indices(3, a, b, 17, 4) for a, b in zip(cuts, cuts[1:], strict=False)]
        assert np.array_equal(np.concatenate(chunks), whole)
    assert whole.dtype == np.int32 and whole.shape == (20, 4)


def test_an_epoch_shows_no_example_twice_and_each_epoch_is_another_permutation():
    epochs = batch_indices(0, 0, 4 * 100, 17, 4).reshape(100, 16)
    assert all(len(set(epoch)) == 16 for epoch in epochs.tolist())
    assert len({tuple(epoch) for epoch in epochs.tolist()}) == 100
    left_out = 17 * 16 // 2 - epochs.sum(1)
    assert set(left_out.tolist()) == set(range(17))  # what is dropped changes: nothing is starved


def test_every_example_comes_first_equally_often():
    first = np.concatenate([batch_indices(seed, 0, 1, 5, 1)[0] for seed in range(1000)])
    assert abs(np.bincount(first, minlength=5) - 200).max() < 5 * np.sqrt(1000 * 0.2 * 0.8)


def test_the_rows_of_all_versions_and_machines():
    assert batch_indices(0, 0, 4, 7, 3).tolist() == [[0, 3, 5], [1, 2, 6], [4, 5, 3], [0, 6, 2]]
    assert draws(0, 0, 1, 3, MIRRORED).tolist() == [[[3, 2, 0], [1, 1, 1], [2, 1, 0]]]


def test_global_random_state_is_neither_used_nor_touched():
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    first = batch_indices(0, 0, 2, 10, 2), draws(0, 0, 2, 2, MIRRORED)
    assert np.array_equal(np.random.get_state()[1], before)
    np.random.seed(1)
    again = batch_indices(0, 0, 2, 10, 2), draws(0, 0, 2, 2, MIRRORED)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


def test_a_caller_can_write_into_rows_without_changing_the_next_answer():
    rows = batch_indices(0, 0, 2, 10, 5)
    expected = rows.copy()
    rows[:] = 0
    assert np.array_equal(batch_indices(0, 0, 2, 10, 5), expected)


@pytest.mark.parametrize("function", [lambda *a: batch_indices(*a, 10, 2), lambda *a: draws(*a, 2, MIRRORED)])
def test_bad_steps_and_seeds_are_named(function):
    with pytest.raises(ValueError, match="`start` must lie in .0, stop=2.. Received: start=3"):
        function(0, 3, 2)
    with pytest.raises(ValueError, match="`start`.*start=-1"):
        function(0, -1, 2)
    with pytest.raises(ValueError, match="`seed`.*seed=-1"):
        function(-1, 0, 2)


def test_draws_depend_on_seed_and_step_alone():
    whole = draws(7, 0, 6, 5, MIRRORED)
    assert whole.dtype == np.int32 and whole.shape == (6, 5, 3)
    assert all(np.array_equal(draws(7, step, step + 1, 5, MIRRORED)[0], whole[step]) for step in range(6))
    assert len({step.tobytes() for step in whole}) == 6
    assert not np.array_equal(draws(8, 0, 6, 5, MIRRORED), whole)
    assert draws(7, 2, 2, 5, MIRRORED).shape == (0, 5, 3)


def test_offsets_and_flips_are_uniform_and_images_have_their_own():
    drawn = draws(0, 0, 100, 50, MIRRORED).reshape(-1, 3)
    for column, values in enumerate((5, 5, 2)):
        counts = np.bincount(drawn[:, column], minlength=values)
        assert len(counts) == values
        assert abs(counts - 5000 / values).max() < 5 * np.sqrt(5000 / values)
    assert abs(np.corrcoef(drawn.T) - np.eye(3)).max() < 5 / np.sqrt(5000)


def test_without_flip_the_offsets_stay_and_without_pad_they_are_zero():
    both = draws(0, 0, 5, 4, MIRRORED)
    shifted = draws(0, 0, 5, 4, Augmentation(flip=False, pad=2))
    assert np.array_equal(shifted[..., :2], both[..., :2]) and (shifted[..., 2] == 0).all()
    mirrored = draws(0, 0, 5, 4, Augmentation(flip=True, pad=0))
    assert (mirrored[..., :2] == 0).all() and np.array_equal(mirrored[..., 2], both[..., 2])


@pytest.mark.parametrize("pad", [-1, 1.5])
def test_pad_is_a_non_negative_integer(pad):
    with pytest.raises(ValueError, match=f"`pad`.*pad={pad}"):
        Augmentation(flip=True, pad=pad)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("jit", [None, False, True], ids=["eager", "graph", "XLA"])
def test_augment_follows_the_naive_twin(dtype, jit):
    images = np.random.default_rng(0).integers(1, 256, (20, 5, 7, 3)).astype(dtype)
    (drawn,) = draws(0, 0, 1, 20, MIRRORED)
    function = augment if jit is None else tf.function(augment, jit_compile=jit)
    result = keras.ops.convert_to_numpy(function(images, drawn, 2))
    assert result.dtype == dtype
    assert np.array_equal(result, naive_augment(images, drawn, 2))


def test_augment_in_the_middle_leaves_an_image_as_it_is():
    images = np.arange(12, dtype=np.uint8).reshape(1, 3, 4, 1)
    assert np.array_equal(augment(images, np.array([[2, 2, 0]]), 2), images)


@pytest.mark.parametrize("augmentation", [MIRRORED, None])
@pytest.mark.parametrize("start", [0, 2, 5])
def test_dataset_gives_the_batches_of_the_functions_from_any_start(augmentation, start):
    splits = small_splits(augmentation)
    batches = list(dataset(splits, 4, seed=1, start=start, epochs=4))
    assert len(batches) == 8 - start
    endless = dataset(splits, 4, seed=1, start=start).take(len(batches)).as_numpy_iterator()
    assert [labels.tolist() for _, labels in endless] == [labels.numpy().tolist() for _, labels in batches]
    for step, (images, labels) in enumerate(batches, start=start):
        expected_images, expected_labels = expected_batch(splits, 4, 1, step)
        np.testing.assert_allclose(images, expected_images, rtol=1e-6)
        assert np.array_equal(labels, expected_labels)


def test_dataset_knows_its_length_and_refuses_an_impossible_one():
    splits = small_splits()
    assert int(dataset(splits, 4, 0, start=1, epochs=3).cardinality()) == 5
    assert int(dataset(splits, 4, 0).cardinality()) == tf.data.INFINITE_CARDINALITY
    with pytest.raises(ValueError, match="`start` must lie in .0, stop=2.. Received: start=3"):
        dataset(splits, 4, 0, start=3, epochs=1)
    with pytest.raises(ValueError, match="`batch_size`.*batch_size=11"):
        dataset(splits, 11, 0)
    with pytest.raises(ValueError, match="`seed`.*seed=-1"):
        dataset(splits, 4, -1)


def test_fit_goes_through_an_endless_dataset_once():
    splits = small_splits()
    seen = []

    def record(images, labels):
        tf.py_function(lambda rows: seen.append(rows.numpy().tolist()), [labels], [])
        return images, labels

    data = dataset(splits, 5, seed=0).map(record)
    model = keras.Sequential([keras.Input((3, 4, 2)), keras.layers.Flatten(), keras.layers.Dense(10)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(data, epochs=3, steps_per_epoch=2, shuffle=False, verbose=0)
    assert seen[:6] == batch_indices(0, 0, 6, 10, 5).tolist()
