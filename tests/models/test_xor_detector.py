"""The XOR detector beside its formula, and trained by Keras beside the training of many networks at once."""

import keras
import numpy as np
import pytest

from tfredundancy.datasets import xor
from tfredundancy.models import MarginHinge, xor_detector
from tfredundancy.numerics import detection


def as_kernel(filters):
    """(2, k, 2) → the Keras layer's (2, 2k)."""
    return np.concatenate(list(filters)).T.astype(np.float32)


def test_outputs_are_the_formula_s():
    points, _ = xor.draw(30, 12, np.random.default_rng(0))
    filters = detection.initial_filters([0], width=5, deviation=1.0)
    model = xor_detector(dimension=12, width=5)
    model.get_layer("filters").kernel.assign(as_kernel(filters[0]))
    expected = detection.outputs(filters, xor.PATTERNS, xor.KINDS)[0, xor.kinds_of(points)]
    np.testing.assert_allclose(np.array(model(points))[:, 0], expected, rtol=1e-5, atol=1e-5)
    assert [v.path.split("/")[0] for v in model.trainable_variables] == ["filters"]


def test_keras_trains_it_as_many_at_once_do():
    seeds, rate, margin, steps = [0, 1], 0.05, 2.0, 40
    sets = [xor.draw(12, 12, np.random.default_rng(seed)) for seed in seeds]
    start = detection.initial_filters(seeds, width=3, deviation=0.1)
    counts = np.array([xor.counts_of(points) for points, _ in sets])
    kinds = (xor.PATTERNS, xor.KINDS, xor.LABELS)
    done = detection.train(start, *kinds, counts, margin=margin, rate=rate, steps=steps)
    model = xor_detector(dimension=12, width=3)
    model.compile(keras.optimizers.SGD(rate), MarginHinge(margin))
    for (points, labels), first, expected in zip(sets, start, done.filters, strict=True):
        model.get_layer("filters").kernel.assign(as_kernel(first))
        for _ in range(steps):
            model.train_on_batch(points, labels[:, None])
        np.testing.assert_allclose(model.get_layer("filters").kernel, as_kernel(expected), atol=2e-5)
    np.testing.assert_array_equal(np.array(model.get_layer("output").kernel)[:, 0], [1, 1, 1, -1, -1, -1])


def test_the_loss_is_that_of_the_numerics():
    values, labels = np.array([3.0, 0.0, -2.0, 0.5]), np.array([1, 1, -1, -1])
    found = MarginHinge(2.0)(labels[:, None], values[:, None].astype(np.float32))
    np.testing.assert_allclose(found, detection.hinge(values, labels, 2.0).mean())


def test_a_saved_model_has_its_loss(tmp_path):
    model = xor_detector(dimension=8, width=2, seed=0)
    model.compile("sgd", MarginHinge(3.0))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.loss.margin == 3.0
    points, _ = xor.draw(4, 8, np.random.default_rng(0))
    np.testing.assert_array_equal(model(points), again(points))


def test_the_seed_decides_the_filters():
    one, same, other = (np.array(xor_detector(8, 2, seed=seed).get_layer("filters").kernel) for seed in (1, 1, 2))
    assert np.array_equal(one, same) and not np.array_equal(one, other)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: xor_detector(dimension=7), "`dimension` must be an even number of at least 2. Received: dimension=7"),
        (lambda: xor_detector(width=0), "`width` must be an integer of at least 1. Received: width=0"),
        (lambda: MarginHinge(0.0), "`margin` must be a positive number. Received: margin=0.0"),
        (lambda: MarginHinge(np.inf), "`margin` must be a positive number"),
    ],
)
def test_what_is_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()
