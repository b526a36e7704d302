"""Paths of layers and variables, alike in a plain model and in its pruned copy."""

import keras
import numpy as np
import pytest
from keras import layers as L
from keras.ops import convert_to_numpy as array

import tfredundancy as tfr
from tfredundancy.layers import PruneUnits
from tfredundancy.paths import joined, layer_paths, matching, variable_paths, without_input_layers, wrappers


def nested():
    inner = keras.Sequential(
        [keras.Input((4,)), L.Dense(3, name="dense"), L.Dropout(0.5, seed=1, name="drop")], name="encoder"
    )
    inputs = keras.Input((4,), name="inputs")
    return keras.Model(inputs, L.Dense(2, name="dense")(inner(inputs)), name="outer")


def test_layers_of_nested_models_have_the_models_in_their_path():
    paths = without_input_layers(layer_paths(nested()))
    assert list(paths) == ["encoder", "encoder/dense", "encoder/drop", "dense"]


def test_variables_have_the_same_paths_in_the_pruned_copy():
    model = nested()
    paths = variable_paths(model)
    assert set(paths) == {
        "encoder/dense/kernel",
        "encoder/dense/bias",
        "encoder/drop/seed_generator_state",
        "dense/kernel",
        "dense/bias",
    }
    assert {path: v.shape for path, v in variable_paths(tfr.prune_weights(model, 1.0)).items()} == {
        p: v.shape for p, v in paths.items()
    }
    assert {path: v.shape for path, v in variable_paths(tfr.prune_units(model, 1.0)).items()} == {
        p: v.shape for p, v in paths.items()
    }


def test_paths_do_not_depend_on_where_a_model_was_built():
    inner = keras.Sequential([L.Dense(3, name="dense")], name="encoder")
    alone = keras.Sequential([keras.Input((4,)), inner], name="one")
    assert list(variable_paths(alone)) == ["encoder/dense/kernel", "encoder/dense/bias"]
    assert variable_paths(inner).keys() == {"dense/kernel", "dense/bias"}


def test_masks_and_metrics_are_no_variables_of_a_ticket():
    model = tfr.prune_weights(nested(), 0.5)
    model.compile("adam", "mse", metrics=["mae"])
    model.train_on_batch(np.ones((2, 4)), np.ones((2, 2)))
    assert len(variable_paths(model)) == 5


class Own(keras.Model):
    def __init__(self):
        super().__init__()
        self.first = PruneUnits(L.Dense(3, name="dense"))
        self.second = PruneUnits(L.Dense(3, name="dense"))
        self.again = self.first

    def call(self, x):
        return self.again(self.second(self.first(x)))


def test_equal_names_in_a_subclassed_model_are_numbered_and_shared_layers_count_once():
    model = Own()
    model(np.ones((1, 3)))
    assert list(wrappers(model)) == ["dense", "dense#2"]
    assert sorted(variable_paths(model)) == ["dense#2/bias", "dense#2/kernel", "dense/bias", "dense/kernel"]
    tfr.set_masks(model, {"dense#2": np.zeros(3, bool)})
    assert model.first.mask.all() and not model.second.mask.any()


class TwoOfAName(keras.layers.Layer):
    def build(self, shape):
        self.scale = self.add_weight(shape=(1,), name="w", initializer="ones")
        self.shift = self.add_weight(shape=(1,), name="w", initializer="zeros")
        self.noise = [keras.random.SeedGenerator(1), keras.random.SeedGenerator(2)]

    def call(self, x):
        return x * self.scale + self.shift


def test_equal_names_in_a_layer_are_numbered_and_a_ticket_has_them_all():
    model = keras.Sequential([keras.Input((2,)), TwoOfAName(name="two")])
    states = ["two/seed_generator_state", "two/seed_generator_state#2"]
    assert sorted(variable_paths(model)) == sorted(["two/w", "two/w#2", *states])
    ticket = tfr.Ticket.take(model)
    for variable in model.variables:
        variable.assign(np.full(variable.shape, 7))
    ticket.rewind(model)
    np.testing.assert_array_equal(model(np.ones((1, 2))), [[1, 1]])
    assert not any((array(variable) == 7).any() for variable in model.variables)


def test_patterns_are_fnmatch_and_the_first_match_wins():
    assert matching(["b1/*", "*"], ["b1/conv", "b2/conv"], "density") == {"b1/conv": "b1/*", "b2/conv": "*"}
    assert matching(["conv[12]"], ["conv1", "conv2", "conv3"], "exclude") == {"conv1": "conv[12]", "conv2": "conv[12]"}
    assert matching([], ["a"], "exclude") == {}


def test_a_pattern_without_a_match_is_an_error_that_lists_the_layers():
    with pytest.raises(
        ValueError, match="`exclude` has a pattern that matches no layer. Received: 'Conv1'; layers: conv1, fc$"
    ):
        matching(["conv1", "Conv1"], ["conv1", "fc"], "exclude")
    with pytest.raises(ValueError, match=r"layers: 0, .*11, … \(30 in all\)"):
        matching(["x"], [str(i) for i in range(30)], "density")


def test_joined():
    assert joined("", "a") == "a" and joined("a", "b") == "a/b"
