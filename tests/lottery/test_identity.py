"""What a loop depends on: equal for equal things in every process, another for other things."""

import functools
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers as L

from tfredundancy import prune_weights
from tfredundancy.lottery.identity import described, described_model
from tfredundancy.pruning import masks

SCRIPT = """
import json, numpy as np
from tests.lottery.test_identity import net
from tfredundancy.lottery.identity import described
print(json.dumps([net(), described({"array": np.arange(3), "function": abs, "criterion": lambda w: w ** 2})]))
"""


def net(units=4, connected=True, rate=0.1, activation=None):
    """Describe a net whose layers mostly have automatic names, which count what the process has made before."""
    inputs = keras.Input((3,))
    x = L.Dense(units, activation=activation or "relu", name="first")(inputs)
    x = L.Dropout(0.5)(L.ReLU()(x))
    x = keras.Sequential([keras.Input((units,)), L.Dense(units), L.GaussianNoise(0.1)])(x)
    y = L.Dense(units, kernel_initializer=keras.initializers.HeNormal())(x)
    x = x + y if connected else x - y
    model = keras.Model(inputs, L.Dense(2)(x))
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    return described_model(model, {"first/kernel": np.ones((3, units), bool)})


def test_equal_nets_are_described_alike_in_this_process_and_in_another():
    import json

    environment = os.environ | {"PYTHONPATH": os.getcwd()}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    other_net, other_things = json.loads(done.stdout.splitlines()[-1])
    assert net() == net() == other_net
    assert other_things["array"] == described(np.arange(3)) and other_things["function"] == "builtins.abs"
    code = described(lambda w: w**2)[1:]
    assert other_things["criterion"][1:] == code


@pytest.mark.parametrize(
    ("other", "where"),
    [
        ({"units": 5}, {"masks", "layers"}),
        ({"connected": False}, {"layers"}),
        ({"rate": 0.2}, {"optimizer"}),
        ({"activation": lambda x: x}, {"layers"}),
        ({"activation": "tanh"}, {"layers"}),
    ],
)
def test_other_nets_are_described_otherwise(other, where):
    one, another = net(), net(**other)
    assert {name for name in one if one[name] != another[name]} == where


def test_two_functions_of_one_name_differ_by_their_code_and_by_what_they_hold():
    def power(exponent):
        return lambda x: x**exponent

    assert described(power(2)) == described(power(2)) != described(power(3))
    assert described(lambda x: x + 1) != described(lambda x: x + 2)
    assert described(lambda x: abs(x)) != described(lambda x: hash(x))
    assert described(functools.partial(np.clip, a_min=0)) != described(functools.partial(np.clip, a_min=1))


def test_objects_without_a_configuration_are_told_apart_by_their_attributes():
    class Criterion:
        def __init__(self, order):
            self.order = order

        def __call__(self, kernel):
            return abs(kernel) ** self.order

    assert described(Criterion(1)) == described(Criterion(1)) != described(Criterion(2))
    assert described(keras.losses.Huber(1.0)) != described(keras.losses.Huber(2.0))


def test_what_an_optimizer_excludes_from_weight_decay_belongs_to_it(perceptron):
    found = []
    for names in ([], ["bias"]):
        model, optimizer = perceptron(), keras.optimizers.AdamW(0.1)
        optimizer.exclude_from_weight_decay(var_names=names)
        model.compile(optimizer, "mse")
        found.append(described_model(model, masks(prune_weights(model, 1.0)))["optimizer"])
    assert found[0] != found[1]


def test_functions_of_lambda_layers_belong_to_the_net():
    def lambda_net(function):
        model = keras.Sequential([keras.Input((4,)), L.Dense(3, name="a"), L.Lambda(function), L.Dense(2, name="b")])
        model.compile("sgd", "sparse_categorical_crossentropy")
        return described_model(model, masks(prune_weights(model, 1.0)))["layers"]

    assert lambda_net(lambda x: 2 * x) == lambda_net(lambda x: 2 * x) != lambda_net(lambda x: 3 * x)
