"""Fresh weights and shuffled masks: nothing of the ticket is left but what is meant to be."""

import keras
import numpy as np
import pytest
from keras import layers as L

import tfredundancy as tfr
from tfredundancy import Ticket
from tfredundancy.lottery.controls import derived_seed, reinitialised, shuffled


def seeded(seed=7):
    """Return a net whose initialisers all have the same fixed seed, with a frozen and an adapted layer."""
    he = keras.initializers.HeNormal(seed=seed)
    normalise = L.Normalization(name="normalise")
    normalise.adapt(np.random.default_rng(0).normal(3, 2, size=(50, 40)))
    model = keras.Sequential(
        [
            keras.Input((40,)),
            normalise,
            L.Dense(200, kernel_initializer=he, name="a"),
            L.BatchNormalization(name="bn"),
            L.Dense(200, kernel_initializer=he, name="b"),
            L.Dropout(0.5, seed=1, name="drop"),
            L.Dense(10, name="frozen", trainable=False),
            L.Dense(3, bias_initializer=keras.initializers.RandomUniform(1, 2, seed=seed), name="out"),
        ]
    )
    model.compile("adam", "mse")
    return model


@pytest.fixture(scope="module")
def model():
    return seeded()


@pytest.fixture(scope="module")
def ticket(model):
    taken = Ticket.take(model)
    for path in ("bn/moving_mean", "bn/gamma", "bn/beta"):
        taken.variables[path] += 5  # as if trained
    return taken


def test_every_weight_is_drawn_anew_though_the_seeds_are_fixed(model, ticket):
    fresh = reinitialised(model, ticket, seed=1)
    for path in ("a/kernel", "b/kernel", "out/kernel", "out/bias"):
        assert not (fresh.variables[path] == ticket.variables[path]).any()
    assert (fresh.variables["bn/gamma"] == 1).all() and not fresh.variables["bn/beta"].any()


def test_the_distribution_is_the_initialiser_s(model, ticket):
    fresh = reinitialised(model, ticket, seed=1).variables
    for path, fan_in in (("a/kernel", 40), ("b/kernel", 200)):
        assert fresh[path].std() == pytest.approx(np.sqrt(2 / fan_in), rel=0.03) and abs(fresh[path].mean()) < 0.01
    assert (fresh["out/bias"] >= 1).all() and (fresh["out/bias"] <= 2).all()


def test_two_layers_and_two_seeds_get_different_weights_and_one_seed_the_same(model, ticket):
    first, again, other = (reinitialised(model, ticket, seed).variables for seed in (1, 1, 2))
    assert all(np.array_equal(first[path], again[path]) for path in first)
    assert not (first["a/kernel"] == other["a/kernel"]).any()
    assert not (first["b/kernel"][:40] == first["a/kernel"]).any()


def test_what_does_not_train_stays(model, ticket):
    fresh = reinitialised(model, ticket, seed=1)
    kept = ["frozen/kernel", "frozen/bias", "bn/moving_mean", "bn/moving_variance", "drop/seed_generator_state"]
    kept += [path for path in ticket.variables if path.startswith("normalise/")]
    assert len(kept) == 8
    assert all(np.array_equal(fresh.variables[path], ticket.variables[path]) for path in kept)
    assert fresh.optimizer is ticket.optimizer and fresh.step == ticket.step


def test_the_model_is_left_alone_and_a_pruned_copy_draws_the_same(model, ticket):
    before = [keras.ops.convert_to_numpy(v) for v in model.variables]
    fresh = reinitialised(model, ticket, seed=1).variables
    assert all(np.array_equal(a, keras.ops.convert_to_numpy(b)) for a, b in zip(before, model.variables, strict=True))
    pruned = reinitialised(tfr.prune_weights(model, 0.5), ticket, seed=1).variables
    assert all(np.array_equal(fresh[path], pruned[path]) for path in fresh)


def test_nested_shared_and_recurrent_layers_are_drawn_too():
    shared = L.Dense(4, name="shared")
    inner = keras.Sequential([keras.Input((4,)), L.Dense(4, name="dense"), shared], name="inner")
    inputs = keras.Input((4,))
    y = L.LSTM(3, name="lstm")(L.Reshape((2, 2))(shared(inner(inputs))))
    model = keras.Model(inputs, L.Dense(2, name="out")(y))
    ticket = Ticket.take(model)
    fresh = reinitialised(model, ticket, seed=0)
    kernels = [path for path in fresh.variables if path.endswith("kernel")]
    assert len(kernels) == 5 and not any((fresh.variables[path] == ticket.variables[path]).any() for path in kernels)
    fresh.rewind(model)


def test_a_layer_that_cannot_be_made_again_raises():
    class Odd(L.Layer):
        def __init__(self, function):
            super().__init__(name="odd")
            self.function, self.scale = function, self.add_weight(shape=(), name="scale")

        def call(self, x):
            return x * self.scale

    model = keras.Sequential([keras.Input((2,)), Odd(object())])
    with pytest.raises(
        ValueError, match=r"weights in '/?odd' \(Odd\) that can not be drawn again: the layer needs get_config"
    ):
        reinitialised(model, Ticket.take(model), seed=0)


def test_shuffled_weights_keep_each_layer_s_count(model):
    pruned = tfr.prune_weights(model, 0.3)
    masks = tfr.masks(pruned)
    new, again, other = (shuffled(pruned, masks, seed) for seed in (1, 1, 2))
    for path, mask in masks.items():
        assert new[path].shape == mask.shape and new[path].sum() == mask.sum() and new[path].dtype == bool
        assert np.array_equal(new[path], again[path])
    assert not all(np.array_equal(new[path], masks[path]) for path in masks)
    assert not all(np.array_equal(new[path], other[path]) for path in masks)
    tfr.set_masks(pruned, new)


def test_shuffled_units_stay_alike_within_a_group(chain):
    inputs = keras.Input((8,))
    x = L.BatchNormalization(name="bn")(L.Dense(30, name="a")(inputs))
    model = keras.Model(inputs, L.Dense(2, name="out")(L.Add()([x, L.Dense(30, name="b")(inputs)])))
    pruned = tfr.prune_units(model, 0.4)
    masks = tfr.masks(pruned)
    new = shuffled(pruned, masks, seed=1)
    assert set(new) == {"a", "bn", "b"} and all(np.array_equal(new[path], new["a"]) for path in new)
    assert new["a"].sum() == 12 and not np.array_equal(new["a"], masks["a"])
    assert np.array_equal(masks["a"], tfr.masks(pruned)["a"])  # those that were passed are left alone


def test_shuffling_is_uniform():
    model = tfr.prune_weights(keras.Sequential([keras.Input((4,)), L.Dense(1, name="a")]), 0.25)
    kept = {"a/kernel": np.array([[False], [True], [False], [False]])}  # not the model's, which its initialiser decides
    draws = np.stack([shuffled(model, kept, seed)["a/kernel"].ravel() for seed in range(400)])
    assert abs(draws.mean(axis=0) - 0.25).max() < 0.1  # 4.6 standard errors


def test_seeds_depend_on_the_text_alone():
    assert derived_seed("1:/a/seed") == derived_seed("1:/a/seed") != derived_seed("2:/a/seed")
    assert all(0 <= derived_seed(str(i)) < 2**31 for i in range(100))
