"""`PruneUnits` and `PruneWeights` in models: compiled graphs, training loops, files, copies and names."""

import keras
import numpy as np
import pytest
from keras import layers as L
from keras.ops import convert_to_numpy as array

import tfredundancy as tfr
from tfredundancy.layers import PruneUnits, PruneWeights


def drawn(rng, *shape):
    return rng.normal(size=(2, *shape)).astype("float32")


def test_new_masks_need_no_new_trace(rng):
    import tensorflow as tf

    layer = PruneWeights(L.Dense(2))
    layer.build((None, 3))
    traces = []

    @tf.function
    def run(x):
        traces.append(1)
        return layer(x)

    x = drawn(rng, 3)
    full = array(run(x))
    layer.mask = np.zeros((3, 2), bool)
    assert full.any() and not array(run(x)).any() and len(traces) == 1


def test_a_training_loop_of_one_s_own_needs_nothing_else(rng):
    import tensorflow as tf

    model = keras.Sequential([keras.Input((3,)), PruneUnits(L.Dense(4, activation="relu")), PruneWeights(L.Dense(1))])
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9, weight_decay=0.1)
    optimizer.build(model.trainable_variables)
    traces = []

    @tf.function
    def step(x, y):
        traces.append(1)
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(x, training=True) - y) ** 2)
        optimizer.apply(tape.gradient(loss, model.trainable_variables))
        return loss

    x, y = drawn(rng, 3), np.ones((2, 1), "float32")
    losses = [float(step(x, y)) for _ in range(3)]
    units, weights = model.layers
    units.mask = np.array([True, True, True, False])
    weights.mask = np.array([[True], [True], [False], [False]])
    losses += [float(step(x, y)) for _ in range(20)]
    assert losses[-1] < losses[0] and len(traces) == 1
    assert not array(units(x))[:, 3].any()


def test_fit_with_xla(rng):
    model = keras.Sequential(
        [keras.Input((3,)), PruneUnits(L.Dense(4)), PruneUnits(L.BatchNormalization()), L.Dense(1)]
    )
    model.compile("adam", "mse", jit_compile=True)
    for layer in model.layers[:2]:
        layer.mask = np.array([True, False, True, False])
    before = array(model.layers[0].layer.kernel)
    model.fit(drawn(rng, 3), np.ones((2, 1)), verbose=0)
    after = array(model.layers[0].layer.kernel)
    assert not after[:, 1].any() and (after[:, 0] != before[:, 0]).any()
    assert not array(model.layers[1](model.layers[0](drawn(rng, 3))))[:, [1, 3]].any()


def masked_model(randomise, build=lambda layers: keras.Sequential([keras.Input((4, 4, 2)), *layers], name="net")):
    layers = [
        PruneUnits(L.Conv2D(4, 2, name="conv")),
        PruneUnits(L.BatchNormalization(name="bn")),
        L.GlobalAveragePooling2D(name="pool"),
        PruneWeights(L.Dense(3, name="dense")),
    ]
    model = build(layers)
    model(np.zeros((1, 4, 4, 2)))
    randomise(model)
    layers[0].mask = layers[1].mask = np.array([True, False, True, True])
    layers[3].mask = np.arange(12).reshape(4, 3) % 3 > 0
    return model


def masks_of(model):
    return [layer.mask.tolist() for layer in model.layers if hasattr(layer, "mask") and hasattr(layer, "layer")]


def test_keras_files_hold_masks_and_weights(rng, randomise, tmp_path):
    model, x = masked_model(randomise), drawn(rng, 4, 4, 2)
    model.save(tmp_path / "net.keras")
    loaded = keras.models.load_model(tmp_path / "net.keras")
    assert masks_of(loaded) == masks_of(model) and not all(all(np.ravel(mask)) for mask in masks_of(model))
    np.testing.assert_array_equal(loaded(x), model(x))
    assert type(loaded.get_layer("conv")) is PruneUnits


def test_weight_files_hold_masks_and_weights(rng, randomise, tmp_path):
    model, x = masked_model(randomise), drawn(rng, 4, 4, 2)
    model.save_weights(tmp_path / "net.weights.h5")
    other = masked_model(lambda model: randomise(model, seed=1))
    for layer in (other.layers[0], other.layers[1]):
        layer.mask = np.ones(4, bool)
    other.load_weights(tmp_path / "net.weights.h5")
    assert masks_of(other) == masks_of(model)
    np.testing.assert_array_equal(other(x), model(x))


def test_a_clone_has_the_masks(randomise):
    model = masked_model(randomise)
    clone = keras.models.clone_model(model)
    assert masks_of(clone) == masks_of(model)
    clone.set_weights(model.get_weights())
    x = np.ones((1, 4, 4, 2), "float32")
    np.testing.assert_array_equal(clone(x), model(x))
    clone.layers[0].mask = np.ones(4, bool)
    assert masks_of(clone) != masks_of(model)  # copies share nothing


COMPOSITES = {
    "time distributed": lambda: L.TimeDistributed(L.Dense(3, name="inner"), name="outer"),
    "bidirectional": lambda: L.Bidirectional(L.GRU(3, name="gru"), name="outer"),
    "cells": lambda: L.RNN([L.GRUCell(3, name="first"), L.GRUCell(2, name="second")], name="outer"),
    "attention": lambda: L.MultiHeadAttention(2, 2, name="outer"),
}


@pytest.mark.parametrize("build", COMPOSITES.values(), ids=COMPOSITES)
def test_layers_of_layers_keep_their_masks_in_files_and_clones(build, rng, tmp_path):
    def model_of(layer):
        inputs = keras.Input((6, 4))
        return keras.Model(
            inputs, layer(inputs, inputs) if "attention" in type(layer.layer).__name__.lower() else layer(inputs)
        )

    model, x = model_of(PruneWeights(build())), drawn(rng, 6, 4)
    tfr.set_masks(model, tfr.choose_masks(model, 0.5))
    assert set(tfr.masks(model)) < set(tfr.Ticket.take(model).variables)
    model.save(tmp_path / "net.keras")
    model.save_weights(tmp_path / "net.weights.h5")
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    twin = model_of(PruneWeights(build()))
    twin.load_weights(tmp_path / "net.weights.h5")
    for copy in (keras.models.load_model(tmp_path / "net.keras"), clone, twin):
        np.testing.assert_array_equal(copy(x), model(x))
        for path, mask in tfr.masks(model).items():
            np.testing.assert_array_equal(tfr.masks(copy)[path], mask)
        tfr.Ticket.take(model).rewind(copy)


@pytest.mark.parametrize("build", [COMPOSITES["bidirectional"], COMPOSITES["cells"]], ids=["bidirectional", "cells"])
def test_a_layer_of_layers_has_the_same_masks_wrapped_by_hand_and_in_a_copy(build):
    pruned = tfr.prune_weights(keras.Sequential([keras.Input((6, 4)), build()]), 0.5)
    by_hand = keras.Sequential([keras.Input((6, 4)), PruneWeights(build())])
    tfr.set_masks(by_hand, tfr.masks(pruned))
    assert tfr.density(by_hand) == tfr.density(pruned) and len(tfr.density(pruned)) == 4


@pytest.mark.parametrize(
    "mask", [None, np.array([True, False, True]), {"": np.array([True, False, True])}], ids=["none", "array", "dict"]
)
def test_the_configuration_makes_the_layer_again(mask, tmp_path):
    layer = PruneUnits(L.Dense(3, name="dense"), mask=mask, trainable=False)
    for build in (False, True):
        if build:
            layer.build((None, 2))
        copy = keras.layers.deserialize(keras.saving.serialize_keras_object(layer))
        if not build:
            copy.build((None, 2))
        assert copy.name == "dense" and not copy.trainable
        assert copy.mask.tolist() == ([True] * 3 if mask is None else [True, False, True])


def test_a_mask_given_at_construction_acts_from_the_first_call():
    layer = PruneWeights(L.Dense(2, kernel_initializer="ones", use_bias=False), mask=np.array([[True, False]]))
    assert array(layer(np.ones((1, 1), "float32"))).tolist() == [[1.0, 0.0]]
    assert array(layer.layer.kernel).tolist() == [[1.0, 0.0]]


def test_weights_of_a_plain_model_do_not_load_into_a_wrapped_one(tmp_path):
    plain = keras.Sequential([keras.Input((3,)), L.Dense(2, name="dense")])
    plain.save_weights(tmp_path / "plain.weights.h5")
    pruned = keras.Sequential([keras.Input((3,)), PruneUnits(L.Dense(2, name="dense"))])
    with pytest.raises(ValueError, match="load the weights into the plain model first, then prune it"):
        pruned.load_weights(tmp_path / "plain.weights.h5")


def test_subclassed_models_save_and_load(rng, tmp_path):
    models = [Own(PruneUnits(Dense4())) for _ in range(2)]
    x = drawn(rng, 3)
    for model in models:
        model(x)
    models[0].layer.mask = np.array([True, False, False, True])
    models[0].save_weights(tmp_path / "own.weights.h5")
    models[1].load_weights(tmp_path / "own.weights.h5")
    assert models[1].layer.mask.tolist() == [True, False, False, True]
    np.testing.assert_array_equal(models[0](x), models[1](x))


class Own(keras.Model):
    """A model without a graph."""

    def __init__(self, layer):
        super().__init__()
        self.layer, self.out = layer, L.Dense(1, name="out")

    def call(self, x):
        return self.out(self.layer(x))


class Dense4(L.Dense):
    """A subclass of a layer that is known is known."""

    def __init__(self, **kwargs):
        super().__init__(4, **kwargs)


def test_the_wrapper_bears_the_layer_s_name_and_the_variables_keep_their_paths():
    plain, pruned = (
        keras.Sequential([keras.Input((3,)), wrap(L.Dense(2, name="dense"))]) for wrap in (lambda x: x, PruneUnits)
    )
    assert pruned.get_layer("dense").layer.units == 2
    assert [v.path.split("/")[-2:] for v in pruned.trainable_variables] == [
        v.path.split("/")[-2:] for v in plain.trainable_variables
    ]
    assert PruneUnits(L.Dense(2), name="other").name == "other"
