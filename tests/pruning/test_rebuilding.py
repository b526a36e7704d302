"""A model that comes back is compiled as the one that was passed, which is left alone."""

import keras
import numpy as np
import pytest
from keras import layers as L
from keras.ops import convert_to_numpy as array

import tfredundancy as tfr
from tfredundancy.layers import PruneWeights

X = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
Y = np.random.default_rng(1).normal(size=(8, 3)).astype("float32")
PRUNE = {"prune_weights": tfr.prune_weights, "prune_units": tfr.prune_units}
both = pytest.mark.parametrize("prune", PRUNE.values(), ids=PRUNE)


def twice_the_error(y, predicted):
    """Return a loss that nobody registered with Keras."""
    return 2 * keras.ops.mean((y - predicted) ** 2, axis=-1)


class Halving(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule that nobody registered with Keras."""

    def __init__(self, start):
        self.start = start

    def __call__(self, step):
        return self.start * 0.5 ** keras.ops.cast(step, "float32")

    def get_config(self):
        return {"start": self.start}


class Largest(keras.metrics.Metric):
    """A metric that nobody registered with Keras."""

    def __init__(self, name="largest", **kwargs):
        super().__init__(name=name, **kwargs)
        self.value = self.add_weight(name="value", initializer="zeros")

    def update_state(self, y, predicted, sample_weight=None):
        self.value.assign(keras.ops.maximum(self.value, keras.ops.max(predicted)))

    def result(self):
        return self.value


@both
def test_functions_classes_and_schedules_that_nobody_registered_survive(prune, perceptron):
    model, twin = perceptron(), perceptron()
    twin.set_weights(model.get_weights())
    for each in (model, twin):
        optimizer = keras.optimizers.SGD(Halving(0.1), momentum=0.9)
        metrics = ["mae", twice_the_error, Largest(), keras.metrics.MeanSquaredError(name="mse")]
        each.compile(optimizer, twice_the_error, metrics=metrics, steps_per_execution=2)
        each.fit(X, Y, batch_size=4, verbose=0, shuffle=False)
    pruned = prune(model, 1.0)
    assert pruned.loss is twice_the_error and pruned.steps_per_execution == 2
    assert float(array(pruned.optimizer.learning_rate)) == pytest.approx(0.025)
    histories = [each.fit(X, Y, batch_size=4, verbose=0, shuffle=False).history for each in (pruned, twin)]
    assert list(histories[0]) == ["largest", "loss", "mae", "mse", "twice_the_error"]
    for name, values in histories[0].items():
        np.testing.assert_allclose(values, histories[1][name], rtol=1e-5)
    for one, other in zip(pruned.trainable_variables, twin.trainable_variables, strict=True):
        np.testing.assert_allclose(array(one), array(other), rtol=1e-5)


def test_the_metrics_are_the_copy_s_own(perceptron):
    model, metric = perceptron(), keras.metrics.MeanAbsoluteError(name="mae")
    model.compile("sgd", "mse", metrics=[metric])
    model.train_on_batch(X, Y)
    before = float(metric.result())
    pruned = tfr.prune_weights(model, 0.5)
    pruned.train_on_batch(X + 1, Y)
    assert float(metric.result()) == before and metric not in pruned.metrics


@both
def test_several_outputs_losses_and_weights(prune):
    inputs = keras.Input((4,))
    hidden = L.Dense(5, activation="relu", name="hidden")(inputs)
    model = keras.Model(inputs, {"a": L.Dense(1, name="a")(hidden), "b": L.Dense(1, name="b")(hidden)})
    settings = {
        "loss": {"a": "mse", "b": twice_the_error},
        "loss_weights": {"a": 0.25, "b": 3.0},
        "metrics": {"b": ["mae"]},
    }
    model.compile("sgd", **settings)
    pruned = prune(model, 1.0)
    targets = {"a": Y[:, :1], "b": Y[:, 1:2]}
    results = [each.evaluate(X, targets, verbose=0, return_dict=True) for each in (model, pruned)]
    assert results[0] == pytest.approx(results[1], rel=1e-5) and "b_mae" in results[0]
    y = model(X)
    expected = 0.25 * np.mean((array(y["a"]) - targets["a"]) ** 2) + 6 * np.mean((array(y["b"]) - targets["b"]) ** 2)
    assert results[1]["loss"] == pytest.approx(expected, rel=1e-5)


@both
def test_not_compiled_stays_not_compiled(prune, perceptron):
    pruned = prune(perceptron(), 0.5)
    assert not pruned.compiled and not tfr.strip_pruning(pruned).compiled


@both
def test_an_optimizer_that_has_not_begun_stays_so(prune, perceptron):
    model = perceptron()
    model.compile(keras.optimizers.Adam(0.02), "mse")
    pruned = prune(model, 0.5)
    assert not pruned.optimizer.built and float(array(pruned.optimizer.learning_rate)) == pytest.approx(0.02)


@both
def test_the_model_that_is_passed_is_left_alone(prune, perceptron):
    model = perceptron()
    model.compile(keras.optimizers.Adam(0.1), "mse", metrics=["mae"])
    model.train_on_batch(X, Y)
    before = [array(v) for v in model.variables + model.optimizer.variables]
    layers, nodes = list(model.layers), [len(layer._inbound_nodes) for layer in model.layers]
    optimizer, settings = model.optimizer, model._compile_config.config
    pruned = prune(model, 0.5)
    pruned.train_on_batch(X, Y)
    stripped = tfr.strip_pruning(pruned)
    assert all(
        np.array_equal(a, array(b)) for a, b in zip(before, model.variables + model.optimizer.variables, strict=True)
    )
    assert model.layers == layers and [len(layer._inbound_nodes) for layer in model.layers] == nodes
    assert model.optimizer is optimizer and model._compile_config.config is settings
    assert keras.Model(model.input, model.get_layer("hidden").output)(X).shape == (8, 6)
    shared = {id(v) for v in model.variables} & {id(v) for v in pruned.variables + stripped.variables}
    assert not shared and not set(pruned.layers) & set(layers)


def test_a_layer_frozen_after_compiling_keeps_its_slots(perceptron):
    model = perceptron()
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
    model.train_on_batch(X, Y)
    model.get_layer("logits").trainable = False
    pruned = tfr.prune_weights(model, 0.5)
    assert len(pruned.optimizer.variables) == len(model.optimizer.variables)
    assert [v.path for v in pruned.trainable_variables] == [
        v.path for v in pruned.get_layer("hidden").trainable_variables
    ]


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_models_come_back_as_they_were(policy):
    layers = [
        keras.Input((4,)),
        L.Dense(6, activation="relu", name="a", dtype=policy),
        L.Dense(3, name="b", dtype=policy),
    ]
    keras.config.set_dtype_policy(policy)
    try:
        model = keras.Sequential(layers)
        model.compile(keras.optimizers.Adam(0.01), "mse")
    finally:
        keras.config.set_dtype_policy("float32")
    model.train_on_batch(X, Y)
    pruned = tfr.prune_weights(model, 0.5)
    assert type(pruned.optimizer) is type(model.optimizer)
    assert isinstance(pruned.optimizer, keras.optimizers.LossScaleOptimizer) == (policy == "mixed_float16")
    assert len(pruned.optimizer.variables) == len(model.optimizer.variables)
    pruned.train_on_batch(X, Y)
    assert pruned.get_layer("a").compute_dtype == policy.removeprefix("mixed_")
    assert not array(pruned.get_layer("a").layer.kernel)[~pruned.get_layer("a").mask].any()


class Own(keras.Model):
    """A functional model with a step of its own."""

    def train_step(self, data):
        return {"own": keras.ops.ones(())}


@both
def test_a_functional_model_with_its_own_train_step_keeps_it(prune):
    inputs = keras.Input((4,))
    model = Own(inputs, L.Dense(3, name="logits")(L.Dense(6, name="hidden")(inputs)), name="own")
    model.compile("sgd", "mse")
    pruned = prune(model, 0.5)
    assert type(pruned) is Own and pruned.name == "own"
    assert pruned.fit(X, Y, verbose=0).history["own"] == [1.0]


@both
def test_what_is_excluded_from_weight_decay_stays_so(prune, perceptron):
    model, optimizer = perceptron(), keras.optimizers.LossScaleOptimizer(keras.optimizers.AdamW(0.1, weight_decay=0.5))
    optimizer.inner_optimizer.exclude_from_weight_decay(var_list=[model.layers[1].bias], var_names=["nothing"])
    model.compile(optimizer, "mse")
    pruned = prune(model, 1.0)
    for copy in (pruned, tfr.strip_pruning(pruned)):
        excluded = [copy.optimizer.inner_optimizer._use_weight_decay(variable) for variable in copy.trainable_variables]
        assert excluded == [True, False, True, True]


@both
def test_lambdas_in_layers_are_shared(prune):
    double, none = (lambda x: 2 * x), (lambda kernel: 0.0)
    layer = L.Dense(6, activation=double, kernel_regularizer=none, name="hidden")
    model = keras.Sequential([keras.Input((4,)), layer, L.Dense(3, name="logits")])
    pruned = prune(model, 1.0)
    for copy in (pruned.layers[0].layer, prune(pruned, 1.0).layers[0].layer, tfr.strip_pruning(pruned).layers[0]):
        assert copy.activation is double and copy.kernel_regularizer is none
    np.testing.assert_array_equal(pruned(X), model(X))


class Scaling(L.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.function = lambda x: x * self.factor

    def build(self, shape):
        self.factor = self.add_weight(name="factor", initializer="ones")

    def call(self, x):
        return self.function(x)


@both
def test_a_lambda_that_uses_its_layer_is_the_copy_s_own(prune):
    model = keras.Sequential([keras.Input((4,)), Scaling(name="scaling"), L.Dense(6, name="hidden"), L.Dense(3)])
    pruned = prune(model, 1.0)
    before = array(pruned(X))
    model.get_layer("scaling").factor.assign(0.0)
    np.testing.assert_array_equal(pruned(X), before)
    pruned.get_layer("scaling").factor.assign(2.0)
    assert not np.array_equal(array(pruned(X)), before)


class OwnCompile(keras.Model):
    def compile(self, rate):
        super().compile(keras.optimizers.AdamW(rate, weight_decay=0.5), "mse")

    def get_compile_config(self):
        return {"rate": 0.1}


class Configured(OwnCompile):
    def compile_from_config(self, config):
        self.compile(**config)
        self.optimizer.build(self.trainable_variables)


@both
def test_models_that_compile_themselves(prune):
    for kind in (OwnCompile, Configured):
        inputs = keras.Input((4,))
        model = kind(inputs, L.Dense(3, name="logits")(L.Dense(6, name="hidden")(inputs)))
        model.compile(0.1)
        model.optimizer.exclude_from_weight_decay(var_names=["bias"])
        if kind is OwnCompile:  # Keras says that it can not compile the copy
            with pytest.warns(UserWarning, match="compile_from_config"):
                assert not prune(model, 1.0).compiled
            continue
        copy = prune(model, 1.0)
        assert [copy.optimizer._use_weight_decay(v) for v in copy.trainable_variables] == [True, False, True, False]


@both
def test_nested_shared_and_odd_layers_are_copied(prune, rng, randomise):
    inner = keras.Sequential(
        [keras.Input((4,)), L.Dense(4, activation="relu", name="dense"), L.BatchNormalization(name="bn")], name="inner"
    )
    inputs = keras.Input((4,), name="x")
    once = inner(inputs)
    odd = L.Lambda(lambda t: keras.ops.flip(t, -1) * SCALE, name="odd")(L.Dense(4, name="free")(once))
    rest = keras.ops.relu(keras.ops.concatenate([inner(odd), odd], axis=-1))
    model = randomise(keras.Model(inputs, L.Dense(3, name="logits")(L.Dense(2, name="more")(rest))))
    pruned = prune(model, 1.0)
    np.testing.assert_array_equal(pruned(X), model(X))
    assert [layer.name for layer in pruned.layers] == [layer.name for layer in model.layers]
    np.testing.assert_array_equal(tfr.strip_pruning(pruned)(X), model(X))


SCALE = 2.0


@pytest.mark.parametrize("structure", ["list", "dict"])
def test_inputs_of_any_structure(structure):
    a, b = keras.Input((2,), name="a"), keras.Input((3,), name="b", dtype="int32")
    y = L.Dense(2, name="logits")(L.Concatenate()([L.Dense(4, name="hidden")(a), keras.ops.cast(b, "float32")]))
    model = keras.Model([a, b] if structure == "list" else {"a": a, "b": b}, y)
    data = [np.ones((1, 2), "float32"), np.ones((1, 3), "int32")]
    data = data if structure == "list" else dict(zip("ab", data, strict=True))
    pruned = tfr.prune_weights(model, 1.0)
    np.testing.assert_array_equal(pruned(data), model(data))


def test_a_sequential_model_without_an_input_layer_is_copied_once_it_is_built():
    model = keras.Sequential([L.Dense(6, name="a"), L.Dense(2, name="b")])
    y = array(model(X))
    np.testing.assert_array_equal(tfr.prune_weights(model, 1.0)(X), y)


def test_sequence_masks_and_random_seeds_go_along():
    layers = [
        L.Embedding(5, 4, mask_zero=True, name="embedding"),
        L.LSTM(3, name="lstm"),
        L.Dropout(0.5, seed=1, name="drop"),
        L.Dense(2, name="b"),
    ]
    model = keras.Sequential([keras.Input((None,), dtype="int32"), *layers])
    tokens = np.array([[1, 2, 0, 0]])
    model(tokens, training=True)  # moves the seed
    pruned = tfr.prune_weights(model, 1.0)
    assert isinstance(pruned.get_layer("lstm"), PruneWeights) and not isinstance(
        pruned.get_layer("embedding"), PruneWeights
    )
    np.testing.assert_array_equal(pruned(tokens), model(tokens[:, :2]))
    np.testing.assert_array_equal(pruned(tokens, training=True), model(tokens, training=True))


def test_strip_takes_the_wrappers_away_and_leaves_zeros(chain, randomise, rng, tmp_path):
    pruned = tfr.prune_units(randomise(chain()), 0.5)
    for layer in ("conv", "bn"):
        variable = pruned.get_layer(layer).layer.variables[0]
        variable.assign(np.ones(variable.shape))  # as an optimizer that mixes entries may leave it
    stripped = tfr.strip_pruning(pruned)
    assert {type(layer).__module__.partition(".")[0] for layer in stripped.layers} == {"keras"}
    x = rng.normal(size=(2, 6, 6, 2)).astype("float32")
    np.testing.assert_allclose(stripped(x), pruned(x), rtol=1e-5, atol=1e-6)
    mask = tfr.masks(pruned)["conv"]
    conv, bn = stripped.get_layer("conv"), stripped.get_layer("bn")
    assert all(
        not array(v)[..., ~mask].any() and array(v)[..., mask].all()
        for v in (conv.kernel, conv.bias, bn.gamma, bn.beta)
    )
    stripped.save(tmp_path / "plain.keras")
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "plain.keras")(x), stripped(x))


def test_stripping_a_plain_model_copies_it(perceptron):
    model = perceptron()
    copy = tfr.strip_pruning(model)
    assert copy is not model
    np.testing.assert_array_equal(copy(X), model(X))
