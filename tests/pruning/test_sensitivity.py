"""The scan against pruning and evaluating by hand; the model that is passed stays as it is."""

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from keras import layers as L

import tfredundancy as tfr
from tfredundancy.pruning.sensitivity import densities_from, sensitivity

X = np.random.default_rng(0).normal(size=(40, 6, 6, 2)).astype("float32")
Y = np.random.default_rng(1).integers(0, 3, 40)
TRACES = []


@keras.saving.register_keras_serializable(package="tests")
class Counting(L.Identity):
    """Notes when it is traced."""

    def call(self, inputs):
        TRACES.append(1)
        return inputs


@pytest.fixture(scope="module")
def model(randomise):
    """Return a compiled net with the groups conv (4, with its BatchNormalization) and hidden (5)."""
    layers = [L.Conv2D(4, 3, name="conv"), L.BatchNormalization(name="bn"), L.ReLU(), L.GlobalAveragePooling2D()]
    layers += [Counting(), L.Dense(5, activation="relu", name="hidden"), L.Dense(3, name="logits")]
    built = randomise(keras.Sequential([keras.Input((6, 6, 2)), *layers]))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    built.compile(
        "adam", loss, metrics=["accuracy", keras.metrics.SparseCategoricalCrossentropy(from_logits=True, name="nats")]
    )
    return built


def test_each_row_is_what_pruning_that_group_alone_does(model):
    table = sensitivity(model, (X, Y), densities=(0.3, 0.6), metric="loss", exclude=[])
    assert list(table.columns) == ["group", "density", "metric", "drop"]
    assert table[["group", "density"]].values.tolist() == [
        ["conv", 1.0],
        ["conv", 0.6],
        ["conv", 0.3],
        ["hidden", 1.0],
        ["hidden", 0.6],
        ["hidden", 0.3],
    ]
    whole = model.evaluate(X, Y, verbose=0)[0]
    for row in table.itertuples():
        by_hand = tfr.prune_units(model, {row.group: row.density}).evaluate(X, Y, batch_size=128, verbose=0)[0]
        assert row.metric == pytest.approx(by_hand, rel=1e-6)
        assert row.drop == pytest.approx(by_hand - whole, abs=1e-5)


def test_the_default_metric_is_the_first_that_the_model_is_compiled_with(model):
    table = sensitivity(model, (X, Y), densities=(0.25,))
    accuracy = model.evaluate(X, Y, verbose=0, return_dict=True)["accuracy"]
    assert (table.metric[table.density == 1] == np.float64(np.float32(accuracy))).all()
    np.testing.assert_allclose(table["drop"], accuracy - table.metric, atol=1e-7)


def test_lower_is_better_where_keras_says_so_and_the_caller_may(model):
    up = sensitivity(model, (X, Y), (0.25,), metric="nats")
    np.testing.assert_allclose(up["drop"], up.metric - up.metric[0], atol=1e-6)
    down = sensitivity(model, (X, Y), (0.25,), metric="nats", better="higher")
    np.testing.assert_allclose(down["drop"], -up["drop"], atol=1e-6)


def test_a_dataset_a_function_and_a_criterion_of_data(model):
    dataset = tf.data.Dataset.from_tensor_slices((X, Y)).batch(8)
    seen = []

    def spread(masked):
        seen.append(masked)
        return float(np.std(masked.predict(X, verbose=0)))

    table = sensitivity(model, dataset, (0.5,), "taylor", spread, better="higher")
    assert len({id(one) for one in seen}) == 1 and seen[0] is not model and len(table) == 4
    best = tfr.masks(tfr.prune_units(model, {"hidden": 0.5}, "taylor", data=dataset))["hidden"]
    by_hand = tfr.prune_units(model, 1.0)
    tfr.set_masks(by_hand, {"hidden": best})
    assert table.metric[3] == pytest.approx(spread(by_hand), rel=1e-6)


def test_the_model_is_left_alone_and_nothing_is_traced_again(model):
    before = [np.array(v) for v in model.variables]
    TRACES.clear()
    sensitivity(model, (X, Y), densities=(0.8, 0.5, 0.25))
    few = len(TRACES)
    sensitivity(model, (X, Y), densities=(0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2))
    assert len(TRACES) == 2 * few <= 6 and not tfr.masks(model)
    assert all(np.array_equal(one, np.array(v)) for one, v in zip(before, model.variables, strict=True))


def test_a_pruned_model_is_scanned_from_where_it_is(model):
    pruned = tfr.prune_units(model, {"hidden": 0.6})
    table = sensitivity(pruned, (X, Y), densities=(0.8, 0.6, 0.4))
    assert table[table.group == "hidden"].density.tolist() == [0.6, 0.4]
    assert table[table.group == "conv"].density.tolist() == [1.0, 0.8, 0.6, 0.4]
    assert tfr.density(pruned)["hidden"] == 0.6


def test_densities_from_gives_what_prune_units_takes(model):
    table = pd.DataFrame(
        [("conv", 1.0, 0.9, 0.0), ("conv", 0.5, 0.88, 0.02), ("conv", 0.25, 0.5, 0.4), ("hidden", 1.0, 0.9, 0.0)]
        + [("hidden", 0.5, 0.7, 0.2), ("hidden", 0.2, 0.9, 0.0)],
        columns=["group", "density", "metric", "drop"],
    )
    assert densities_from(table, 0.02) == {"conv": 0.5, "hidden": 0.2}
    assert densities_from(table, 1) == {"conv": 0.25, "hidden": 0.2} and densities_from(table, 0)["conv"] == 1.0
    assert tfr.density(tfr.prune_units(model, densities_from(table, 0.02))) == {"conv": 0.5, "bn": 0.5, "hidden": 0.2}


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"metric": "f1"}, "`metric` must be one of accuracy, loss, nats, or a function. Received: metric='f1'"),
        ({"metric": lambda model: 1.0}, "`better` must say which result of the function is, 'higher' or 'lower'"),
        ({"better": "best"}, "`better` must be 'higher' or 'lower'. Received: better='best'"),
        ({"densities": (0.5, 1.5)}, r"`density` must lie in \[0, 1\]. Received: density=1.5"),
        ({"criterion": "l7"}, "`criterion` must be one of"),
        ({"exclude": ["*"]}, "`model` has no units to prune"),
    ],
)
def test_wrong_arguments(model, arguments, message):
    with pytest.raises(ValueError, match=message):
        sensitivity(model, (X, Y), **arguments)


@keras.saving.register_keras_serializable(package="tests")
def own(y, prediction):
    return prediction - y


def test_models_without_what_it_takes():
    plain = keras.Sequential([keras.Input((2,)), L.Dense(3, name="a"), L.Dense(1)])
    data = np.ones((4, 2)), np.ones((4, 1))
    with pytest.raises(ValueError, match="`model` must be compiled, or `metric` a function"):
        sensitivity(plain, data)
    table = sensitivity(plain, data, (0.4,), metric=lambda model: float(model(data[0])[0, 0]), better="lower")
    assert len(table) == 2
    plain.compile("sgd", "mse", metrics=[keras.metrics.MeanMetricWrapper(own, name="own")])
    with pytest.raises(ValueError, match="`better` must say what is better of 'own', 'higher' or 'lower'"):
        sensitivity(plain, data)
    with pytest.raises(ValueError, match="subclassed model has no graph"):
        sensitivity(type("Own", (keras.Model,), {})(), data)


@pytest.mark.parametrize("tolerance", [-0.1, float("nan")])
def test_wrong_tolerances(tolerance):
    with pytest.raises(ValueError, match="`tolerance` must be at least 0. Received: tolerance"):
        densities_from(pd.DataFrame({"group": ["a"], "density": [1.0], "drop": [0.0]}), tolerance)
    with pytest.raises(ValueError, match="`table` must be what tfr.sensitivity returned. Received: one without drop"):
        densities_from(pd.DataFrame({"group": ["a"], "density": [1.0]}), 0.1)
