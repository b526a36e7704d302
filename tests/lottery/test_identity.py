"""What a loop depends on: equal for equal things in every process, another for other things."""

import functools
import os
import subprocess
import sys
import threading

import keras
import numpy as np
import pytest
from keras import layers as L

from tfredundancy import prune_weights
from tfredundancy.lottery.identity import described, described_model
from tfredundancy.pruning import masks

SCRIPT = """
import json
from tests.lottery.test_identity import net, things
from tfredundancy.lottery.identity import described
print(json.dumps([net(), described(things())]))
"""


def things():
    """Return a value of every kind that could look different in another process."""
    letters, lock = {"a", "b", "c"}, threading.Lock()

    def criterion(kernel, *, power=2):
        return kernel**power if lock in (None, "a") or str(kernel) in {"a", "b", "c"} else later(letters)

    def later(found):
        return found

    return {"array": np.arange(3), "function": abs, "criterion": criterion, "letters": letters, lock: object()}


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

    environment = os.environ | {"PYTHONPATH": os.getcwd(), "PYTHONHASHSEED": "12345"}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    other_net, other_things = json.loads(done.stdout.splitlines()[-1])
    assert net() == net() == other_net
    assert other_things == described(things()) and other_things["function"] == "builtins.abs"


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


def test_functions_are_told_apart_by_all_that_they_hold():
    layers = [L.Dense(2, kernel_initializer=start) for start in ("ones", "zeros")]
    for layer in layers:
        layer.build((None, 3))
    teachers = [described(lambda x, layer=layer: layer(x)) for layer in layers]
    assert teachers[0] != teachers[1]

    def held(layer):
        return lambda x: layer(x)

    assert described(held(layers[0])) == described(held(layers[0])) != described(held(layers[1]))

    def keyword(power):
        def criterion(kernel, *, power=power):
            return kernel**power

        return criterion

    assert described(keyword(2)) != described(keyword(3))
    tensors = [keras.ops.convert_to_tensor([1, 2, last]) for last in (3, 4)]
    assert described(tensors[0]) != described(tensors[1]) == described(np.array([1, 2, 4], "int32"))

    class Criterion:
        def __init__(self, order):
            self.order = order

        def of(self, kernel):
            return abs(kernel) ** self.order

    assert described(Criterion(1).of) == described(Criterion(1).of) != described(Criterion(2).of)


def test_an_operation_without_a_configuration_is_its_class():
    """As keras.ops.clip between arrays, which Keras can not write."""
    inputs = keras.Input((3,))
    bounds = np.array([0.0, 1.0, 2.0])
    model = keras.Model(inputs, keras.ops.clip(inputs, -bounds, bounds))
    model.compile("sgd", "mse")
    plain = keras.Model(inputs, keras.ops.relu(inputs))
    plain.compile("sgd", "mse")
    assert described_model(model, {})["layers"] != described_model(plain, {})["layers"]
