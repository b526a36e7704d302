"""The shrunk model computes what the masked one does, without the masked units; a wrong one would be seen."""

import subprocess
import sys
import warnings
from pathlib import Path

import hypothesis
import keras
import numpy as np
import pytest
from hypothesis import strategies as st
from keras import layers as L

import tfredundancy as tfr
from tfredundancy.layers import PruneUnits
from tfredundancy.paths import layer_paths
from tfredundancy.pruning.rebuilding import rebuild

from .zoo import ZOO


@pytest.fixture(autouse=True)
def float64():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy(before)


def randomised(model, seed=0):
    """Every variable drawn: kernels as He's, the rest so that it matters; NumPy, in place."""
    rng = np.random.default_rng(seed)
    for layer in [model, *layer_paths(model).values()]:
        for variable in layer.variables:
            if "seed" in variable.name or "count" in variable.name:
                continue
            scale = np.sqrt(2 / max(1, np.prod(variable.shape[:-1]))) if len(variable.shape) > 1 else 0.5
            values = rng.normal(0, scale, variable.shape)
            if "gamma" in variable.name or "scale" in variable.name or "variance" in variable.name:
                values = 1 + 0.4 * np.abs(values)
            variable.assign(values)
        if isinstance(layer, L.Normalization):
            layer.finalize_state()
    return model


def masked(model, seed=0, density=0.5):
    """The model with random masks over half of each group."""
    rng = np.random.default_rng(seed)
    found = tfr.find_groups(model)
    members = {path for group in found for path in group.members}
    layers = layer_paths(model)
    ids = {id(layers[path]) for path in members}
    pruned = rebuild(model, lambda layer, copy: PruneUnits(copy) if id(layer) in ids else copy)
    masks = tfr.masks(pruned)
    for group in found:
        keep = rng.permutation(group.size) < max(1, round(density * group.size))
        for path in group.members:
            masks[path][group.positions[path]] = keep[:, None]
    tfr.set_masks(pruned, masks)
    return pruned


def inputs_of(model, seed=1, batch=5):
    rng = np.random.default_rng(seed)
    shapes = [(batch, *x.shape[1:]) for x in model.inputs]
    drawn = [
        rng.integers(0, 11, shape) if "int" in x.dtype else rng.normal(size=shape)
        for x, shape in zip(model.inputs, shapes, strict=True)
    ]
    return drawn[0] if len(drawn) == 1 else drawn


def outputs(model, x):
    return np.concatenate(
        [keras.ops.convert_to_numpy(y).reshape(len(y), -1) for y in keras.tree.flatten(model(x, training=False))],
        axis=1,
    )


def distance(one, other):
    """Largest difference over the spread of the outputs over inputs."""
    return np.abs(one - other).max() / one.std(0).mean()


def assert_same(pruned, small, tolerance=1e-9):
    x = inputs_of(pruned)
    assert distance(outputs(pruned, x), outputs(small, x)) < tolerance


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the shrunk models of the zoo are saved, to be read by a process that does not know us."""
    return tmp_path_factory.mktemp("zoo")


FUNCTIONS = ("activations_that_look_at_other_entries", "functions_of_ones_own")  # no other process knows them


@pytest.mark.parametrize("name", list(ZOO))
def test_masked_is_shrunk_and_a_wrong_one_is_not(name, folder):
    model = randomised(ZOO[name]())
    pruned = masked(model)
    x = inputs_of(model)
    small = tfr.shrink(pruned)
    y = outputs(pruned, x)
    assert small.count_params() < model.count_params()
    assert distance(y, outputs(small, x)) < 1e-9
    assert distance(y, outputs(tfr.shrink(masked(model, seed=1)), x)) > 1e-3
    if name in FUNCTIONS:
        return
    small.save(folder / f"{name}.keras")
    np.savez(folder / f"{name}.npz", y, *(x if isinstance(x, list) else [x]))


WITHOUT_US = """
import pathlib, sys
sys.modules["tfredundancy"] = None
import keras, numpy as np
for file in sorted(pathlib.Path(sys.argv[1]).glob("*.keras")):
    y, *x = np.load(file.with_suffix(".npz")).values()
    model = keras.saving.load_model(file, compile=False)
    found = keras.tree.flatten(model(x if len(x) > 1 else x[0], training=False))
    found = np.concatenate([keras.ops.convert_to_numpy(each).reshape(len(each), -1) for each in found], axis=1)
    error = np.abs(found - y).max() / y.std(0).mean()
    print(file.stem, error)
    assert error < 1e-9, (file.stem, error)
"""


def test_what_is_saved_is_read_without_us(folder):
    saved = list(folder.glob("*.keras"))
    if not saved:
        pytest.skip("no model was saved: run this file as a whole")
    done = subprocess.run([sys.executable, "-c", WITHOUT_US, str(folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    assert len(done.stdout.splitlines()) == len(saved)


STEPS = (
    "conv",
    "pointwise",
    "valid",
    "depthwise",
    "norm",
    "layernorm",
    "groupnorm",
    "activation",
    "add",
    "gate",
    "concat",
)
step = st.tuples(st.sampled_from(STEPS), st.integers(0, 9), st.integers(0, 9), st.integers(2, 6))


def drawn_graph(steps):
    """A model of steps (what, an earlier tensor, another, a number)."""
    inputs = keras.Input((6, 6, 3))
    tensors = [L.Conv2D(4, 3, padding="same")(inputs)]
    for what, i, j, number in steps:
        x, other = tensors[i % len(tensors)], tensors[j % len(tensors)]
        activation = ("relu", "sigmoid", "tanh", "softplus", None)[number % 5]
        match what:
            case "conv":
                y = L.Conv2D(number, 3, padding="same", activation=activation, use_bias=number % 2 == 0)(x)
            case "pointwise":
                y = L.Conv2D(number, 1, activation=activation, use_bias=number % 2 == 0)(x)
            case "valid":
                y = L.ZeroPadding2D(1)(L.Conv2D(number, 3, activation="relu")(x))
            case "depthwise":
                y = L.DepthwiseConv2D(3, padding="same", depth_multiplier=1 + number % 2)(x)
            case "norm":
                y = L.BatchNormalization(scale=number != 3)(x)
            case "layernorm":
                y = L.LayerNormalization()(x)
            case "groupnorm":
                y = L.GroupNormalization(2 if x.shape[-1] % 2 == 0 else 1)(x)
            case "activation":
                y = L.Activation(activation or "silu")(x)
            case "add":
                y = L.Add()([x, other if other.shape == x.shape else L.Conv2D(x.shape[-1], 1)(other)])
            case "gate":
                y = L.Multiply()([x, L.Dense(x.shape[-1], "sigmoid")(L.GlobalAveragePooling2D(keepdims=True)(other))])
            case "concat":
                y = L.Concatenate()([x, other]) if x.shape[-1] + other.shape[-1] < 16 else x
        tensors.append(y)
    last = L.GlobalAveragePooling2D()(tensors[-1])
    return keras.Model(inputs, L.Dense(3)(L.Concatenate()([last, L.Flatten()(tensors[len(tensors) // 2])])))


@hypothesis.settings(max_examples=25, deadline=None, derandomize=True, database=None)
@hypothesis.given(st.lists(step, min_size=1, max_size=8), st.integers(0, 99))
def test_masked_is_shrunk_for_any_graph(steps, seed):
    model = randomised(drawn_graph(steps), seed)
    pruned = masked(model, seed, density=0.6)
    assert_same(pruned, tfr.shrink(pruned))


def small_net():
    x = keras.Input((8, 8, 3))
    y = L.Conv2D(6, 3, name="conv", use_bias=False)(x)
    y = L.Activation("sigmoid")(L.BatchNormalization(name="bn")(y))
    y = L.Conv2D(5, 3, name="second", use_bias=False, activation="relu")(y)
    return randomised(keras.Model(x, L.Dense(3, name="logits")(L.Flatten()(y)), name="net"))


def test_names_dtypes_statistics_and_settings_stay_and_the_model_is_not_touched():
    model = small_net()
    pruned = masked(model)
    before = [keras.ops.convert_to_numpy(v) for v in pruned.variables]
    pruned.compile(keras.optimizers.SGD(0.3, momentum=0.9), "mse", metrics=["mae"])
    small = tfr.shrink(pruned)
    assert [layer.name for layer in small.layers] == [layer.name for layer in model.layers] and small.name == "net"
    keep = tfr.masks(pruned)["bn"]
    statistics = keras.ops.convert_to_numpy(model.get_layer("bn").moving_variance)[keep]
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(small.get_layer("bn").moving_variance), statistics)
    assert (
        small.compiled
        and float(small.optimizer.learning_rate) == pytest.approx(0.3)
        and small.optimizer.momentum == 0.9
    )
    assert small.get_layer("second").use_bias  # sigmoid(0) = 1/2 of what has gone
    for variable, value in zip(pruned.variables, before, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(variable), value)
    small.fit(np.zeros((4, 8, 8, 3)), np.zeros((4, 3)), verbose=0)


def test_shrinking_twice_is_shrinking_once_and_a_plain_model_is_copied():
    pruned = masked(small_net())
    small = tfr.shrink(pruned)
    again = tfr.shrink(small)
    assert again is not small and again.count_params() == small.count_params()
    assert_same(small, again, 1e-15)


def test_what_an_unmasked_normalisation_makes_of_a_pruned_filter_goes_into_the_bias():
    """Wrapped by hand: the filter is masked, the normalisation after it is not."""
    model = small_net()
    keep = np.array([True, False, True, True, False, True])
    pruned = rebuild(model, lambda layer, copy: PruneUnits(copy, keep) if layer.name == "conv" else copy)
    small = tfr.shrink(pruned)
    assert small.get_layer("conv").filters == 4 and small.get_layer("bn").gamma.shape == (4,)
    assert_same(pruned, small)


def test_a_unit_that_one_maker_keeps_stays():
    x = keras.Input((5,))
    y = L.Add()([L.Dense(4, name="a")(x), L.Dense(4, name="b")(x)])
    model = randomised(keras.Model(x, L.Dense(2)(L.ReLU()(y))))
    masks = {"a": np.array([True, False, False, True]), "b": np.array([True, True, False, False])}
    pruned = rebuild(model, lambda layer, copy: PruneUnits(copy, masks[layer.name]) if layer.name in masks else copy)
    small = tfr.shrink(pruned)
    assert small.get_layer("a").units == small.get_layer("b").units == 3
    assert_same(pruned, small)


def test_an_emptied_layer_keeps_a_masked_unit():
    model = small_net()
    pruned = masked(model)
    tfr.set_masks(pruned, {name: np.zeros_like(mask) for name, mask in tfr.masks(pruned).items()})
    small = tfr.shrink(pruned)
    assert small.get_layer("conv").filters == small.get_layer("second").filters == 1
    x = inputs_of(model)
    np.testing.assert_allclose(outputs(pruned, x), outputs(small, x), rtol=1e-12)


def test_statistics_over_units_that_stay_are_refused():
    x = keras.Input((5,))
    model = keras.Model(x, L.Dense(2)(L.LayerNormalization(name="ln")(L.Dense(4, name="a")(x))))
    masks = {"ln": np.array([True, False, True, True])}
    pruned = rebuild(model, lambda layer, copy: PruneUnits(copy, masks[layer.name]) if layer.name in masks else copy)
    with pytest.raises(
        ValueError, match=r"masks units of 'ln' \(LayerNormalization\) that other layers of their group keep"
    ):
        tfr.shrink(pruned)


def test_masks_of_weights_become_zeros():
    pruned = tfr.prune_weights(small_net(), 0.3)
    small = tfr.shrink(pruned)
    assert_same(pruned, small, 1e-12)
    assert (keras.ops.convert_to_numpy(small.get_layer("conv").kernel) == 0).any()
    assert not any(isinstance(layer, PruneUnits | tfr.layers.PruneWeights) for layer in small.layers)


def test_lambda_and_unknown_layers_stay_as_they_are():
    class Odd(L.Layer):
        def call(self, x):
            return keras.ops.flip(x, -1)

    x = keras.Input((5,))
    y = L.Lambda(lambda t: t * 2)(L.Dense(6, "relu")(L.Dense(8, "relu", name="free")(x)))
    model = randomised(keras.Model(x, L.Dense(2)(L.Dense(7, "relu", name="last")(Odd()(y)))))
    pruned = masked(model)
    small = tfr.shrink(pruned)
    assert small.get_layer("free").units == 4 and small.get_layer("last").units == 4
    assert_same(pruned, small)


def test_a_layer_of_ones_own_is_taught():
    class Offset(L.Layer):
        def __init__(self, channels, **kwargs):
            super().__init__(**kwargs)
            self.channels = channels

        def build(self, shape):
            self.offset = self.add_weight(name="offset", shape=(1, self.channels), initializer="ones")

        def call(self, x):
            return x + self.offset

        def get_config(self):
            return {**super().get_config(), "channels": self.channels}

    x = keras.Input((5,))

    def build():
        return keras.Model(x, L.Dense(2)(Offset(8)(L.Dense(8, "relu", name="free")(x))))

    def constant(layer, values):
        return values + keras.ops.convert_to_numpy(layer.offset)[0]

    assert "barrier: 'offset" in tfr.find_groups(build()).kept_out["free"]
    tfr.register_units(Offset, channels={"offset": 1}, size="channels", constant=constant)
    pruned = masked(randomised(build()))
    small = tfr.shrink(pruned)
    assert small.get_layer("free").units == 4
    assert_same(pruned, small)
    with pytest.raises(ValueError, match="`kind` must be a class of Keras layers. Received: kind=3"):
        tfr.register_units(3)
    with pytest.raises(ValueError, match="must be a class of your own. Received: Dense"):
        tfr.register_units(L.Dense)


def test_a_wrapper_inside_a_composite_layer_is_refused():
    model = keras.Sequential([keras.Input((4, 3)), L.TimeDistributed(PruneUnits(L.Dense(5))), L.Dense(2)], name="net")
    with pytest.raises(ValueError, match="a pruning wrapper inside another layer, 'time_distributed.*Received: 'net'"):
        tfr.shrink(model)


@pytest.mark.parametrize("policy, tolerance", [("float32", 1e-4), ("mixed_bfloat16", 0.1)])
def test_precision(policy, tolerance):
    keras.config.set_dtype_policy(policy)
    pruned = masked(randomised(ZOO["residual"]()))
    small = tfr.shrink(pruned)
    assert {layer.dtype_policy.name for layer in small.layers if layer.weights} == {policy}
    assert_same(pruned, small, tolerance)


def test_exported_files_compute_the_same(tmp_path):
    import tensorflow as tf

    keras.config.set_dtype_policy("float32")
    pruned = masked(randomised(ZOO["squeeze_and_excitation"]()))
    small, x = tfr.shrink(pruned), inputs_of(pruned).astype("float32")
    y = outputs(pruned, x)
    small.export(tmp_path / "saved", verbose=False)
    saved = tf.saved_model.load(str(tmp_path / "saved"))
    assert distance(y, np.asarray(saved.serve(x))) < 1e-4
    content = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path / "saved")).convert()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tf.lite.Interpreter announces its own end
        lite = tf.lite.Interpreter(model_content=content)
    (entry,), (leaving,) = lite.get_input_details(), lite.get_output_details()
    lite.resize_tensor_input(entry["index"], x.shape)
    lite.allocate_tensors()
    lite.set_tensor(entry["index"], x)
    lite.invoke()
    assert distance(y, lite.get_tensor(leaving["index"])) < 1e-4


WITH_JAX = """
import sys
sys.path.insert(0, sys.argv[1])
import keras
from pruning.test_shrinking import assert_same, masked, randomised
from pruning.zoo import ZOO
import tfredundancy as tfr
assert keras.backend.backend() == "jax"
for name in ("residual", "layer_normalisation", "sigmoid_before_dense"):
    pruned = masked(randomised(ZOO[name]()))
    assert_same(pruned, tfr.shrink(pruned), 1e-4)
"""


def test_with_jax(run_with_jax):
    run_with_jax(WITH_JAX, Path(__file__).parents[1])


def test_regularisers_of_ours_do_not_go_along():
    model = tfr.pruning.sparse_learning(small_net(), group_lasso=0.1)
    small = tfr.shrink(masked(model))
    assert model.get_layer("conv").kernel_regularizer is not None and small.get_layer("conv").kernel_regularizer is None


def test_a_net_with_masked_statistics_is_shrunk_and_not_stripped():
    pruned = masked(randomised(ZOO["layer_normalisation"]()))
    with pytest.raises(ValueError, match="statistics of 'layer_norm.* over its kept units.*tfr.shrink"):
        tfr.strip_pruning(pruned)
    whole = masked(randomised(ZOO["layer_normalisation"]()), density=1.0)
    assert_same(whole, tfr.strip_pruning(whole))


def test_prune_units_and_shrink():
    """The public way: half of the filters by their norm, in a net whose groups overlap."""
    model = randomised(ZOO["dense_blocks"]())
    pruned = tfr.prune_units(model, 0.5)
    small = tfr.shrink(pruned)
    assert_same(pruned, small)
    assert [group.size for group in tfr.find_groups(small)] == [
        max(1, int(group.size / 2 + 0.5)) for group in tfr.find_groups(model)
    ]


def net_without_scale(activation):
    x = keras.Input((5,))
    y = L.BatchNormalization(scale=False, name="bn")(L.Dense(6, activation, name="a")(x))
    return randomised(keras.Model(x, L.Dense(2)(L.ReLU()(y))))


@pytest.mark.parametrize("copy", [tfr.shrink, tfr.strip_pruning])
def test_a_normalisation_without_scale_takes_off_the_constant_that_comes(copy):
    pruned = masked(net_without_scale("sigmoid"))
    assert_same(pruned, copy(pruned))
    tfr.set_masks(pruned, {name: np.zeros_like(mask) for name, mask in tfr.masks(pruned).items()})
    x = inputs_of(pruned)
    np.testing.assert_allclose(outputs(pruned, x), outputs(copy(pruned), x), atol=1e-12)


@pytest.mark.parametrize("copy", [tfr.shrink, tfr.strip_pruning])
def test_a_normalisation_without_scale_that_alone_is_masked_is_refused(copy):
    keep = np.array([True, False, True, True, False, True])
    model = net_without_scale("relu")
    pruned = rebuild(model, lambda layer, copy: PruneUnits(copy, keep) if layer.name == "bn" else copy)
    with pytest.raises(
        ValueError, match="masks units of 'bn', a BatchNormalization without scale, that the layer before"
    ):
        copy(pruned)


def test_a_model_with_a_call_of_its_own_is_a_barrier_inside_and_refused_outside():
    @keras.saving.register_keras_serializable("tests")
    class Flipped(keras.Model):
        def call(self, x):
            return 2 * keras.ops.flip(super().call(x), -1)

    x, y = keras.Input((5,)), keras.Input((8,))
    inner = Flipped(y, L.Dense(8)(y))
    model = randomised(keras.Model(x, L.Dense(2)(inner(L.Dense(8, name="a")(x)))))
    assert "(Flipped)" in tfr.find_groups(model).kept_out["a"]
    with pytest.raises(ValueError, match="a subclassed model has no graph"):
        tfr.find_groups(inner)


def test_vocabularies_optional_inputs_and_frozen_variables_go_along():
    words = keras.Input((1,), dtype="string")
    x = L.Flatten()(L.Embedding(5, 6)(L.StringLookup(vocabulary=["a", "b", "c"])(words)))
    model = keras.Model(words, L.Dense(2)(L.Dense(8, "relu", name="a")(x)))
    model.get_layer("a").kernel.trainable = False
    small = tfr.shrink(masked(model))
    assert small.get_layer("a").units == 4 and not small.get_layer("a").kernel.trainable
    import tensorflow as tf

    some = tf.constant([["b"], ["c"]])
    assert outputs(small, some).shape == (2, 2)
    x = keras.Input((3,), optional=True)
    optional = keras.Model(x, L.Dense(2)(L.Dense(4)(x)))
    assert tfr.shrink(masked(optional)).inputs[0]._keras_history.operation.optional


def test_float8_layers_are_copied():
    model = small_net()
    model.get_layer("logits").quantize("float8")
    pruned = masked(model)
    assert_same(pruned, tfr.shrink(pruned), 1e-6)
