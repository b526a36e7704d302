import numpy as np
import pytest

from tfredundancy.datasets.dividing import divide, stratified_order

LABELS = np.random.default_rng(0).choice(5, 503, p=[0.5, 0.2, 0.15, 0.1, 0.05])


def test_every_beginning_has_the_classes_in_proportion():
    order = stratified_order(LABELS, seed=0)
    assert np.array_equal(np.sort(order), np.arange(503))
    shares = np.bincount(LABELS) / 503
    for k in range(1, 504):
        assert abs(np.bincount(LABELS[order[:k]], minlength=5) - k * shares).max() <= 1.5


def test_the_order_is_random_and_a_function_of_the_seed():
    order = stratified_order(LABELS, seed=0)
    assert np.array_equal(stratified_order(LABELS, seed=0), order)
    assert not np.array_equal(stratified_order(LABELS, seed=1), order)
    members = order[LABELS[order] == 0]
    assert abs(np.corrcoef(members, np.arange(len(members)))[0, 1]) < 0.3  # not the order of the file


def test_the_parts_are_disjoint_and_images_stay_with_their_labels():
    images = np.arange(503)
    (kept, kept_labels), (held_out, held_out_labels) = divide(images, LABELS, 100, None, 0)
    assert np.array_equal(np.sort(np.concatenate([kept, held_out])), images) and len(held_out) == 100
    assert np.array_equal(LABELS[kept], kept_labels) and np.array_equal(LABELS[held_out], held_out_labels)


def test_fewer_training_examples_are_a_part_of_more_and_leave_validation_alone():
    images = np.arange(503)
    (all_of_them, _), (held_out, _) = divide(images, LABELS, 100, None, 0)
    (some, _), (same, _) = divide(images, LABELS, 100, 50, 0)
    assert set(some) < set(all_of_them) and len(some) == 50 and np.array_equal(same, held_out)


def test_the_classes_do_not_take_turns_in_a_part():
    labels = np.arange(500) % 10
    for _, part in divide(np.arange(500), labels, 100, None, 0):
        assert any(len(set(part[first : first + 10])) < 10 for first in range(0, len(part), 10))


@pytest.mark.parametrize(
    "validation, train_examples, seed, message",
    [
        (0, None, 0, "`validation` must lie in .1, 502.. Received: validation=0"),
        (503, None, 0, "`validation`.*validation=503"),
        (100, 0, 0, "`train_examples` must lie in .1, 403.. Received: train_examples=0"),
        (100, 404, 0, "`train_examples`.*train_examples=404"),
        (100, None, -1, "`seed`.*seed=-1"),
    ],
)
def test_impossible_parts_are_refused(validation, train_examples, seed, message):
    with pytest.raises(ValueError, match=message):
        divide(np.arange(503), LABELS, validation, train_examples, seed)
