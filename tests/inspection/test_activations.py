"""Responses of units: against sub-models, duplicated and dead units, knock-outs by hand, and with JAX."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfredundancy.inspection import activations
from tfredundancy.inspection.activations import knock_out, measure_responses, responses
from tfredundancy.layers import PruneUnits, PruneWeights
from tfredundancy.numerics.responses import cka

L = keras.layers
ALL = 10_000  # positions: more than any layer here has


@pytest.fixture(autouse=True)
def _seed():
    keras.utils.set_random_seed(0)


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def outputs(model, name, x):
    """The naive twin: the output of a layer of a functional model, (rows, units)."""
    y = keras.Model(model.inputs, model.get_layer(name).output)([x])
    return np.asarray(y).reshape(-1, y.shape[-1])


def in_order(parts):
    """Rows of several arrays, in the order of their first unit."""
    rows = np.concatenate([np.atleast_2d(part) for part in parts])
    return rows[np.argsort(rows[:, 0])]


def as_it_was(model):
    """No layer's `call` is exchanged."""
    return not any("call" in vars(layer) for layer in model._flatten_layers())


class OwnCode(keras.Model):
    """Dense, BatchNormalization, Dense in code of its own; raises when told to."""

    def __init__(self):
        super().__init__()
        self.hidden = L.Dense(4, name="hidden")
        self.normalise = L.BatchNormalization(name="bn")
        self.logits = L.Dense(3, name="logits")
        self.unused = L.Dense(2, name="unused")
        self.unused.build((None, 3))
        self.raises = False

    def call(self, inputs):
        y = self.normalise(self.hidden(inputs))
        if self.raises:
            raise RuntimeError("told to")
        return self.logits(y)


# Where responses are taken.


def test_responses_are_taken_after_what_follows_one_for_one(chain, randomise):
    model, x = randomise(chain(dropout=0.5)), draw(7, 6, 6, 2)
    got = responses(model, x, batch_size=3, most_positions=ALL)
    assert list(got) == ["conv", "hidden", "logits"]
    for layer, last in (("conv", "relu"), ("hidden", "dropout"), ("logits", "logits")):
        np.testing.assert_allclose(got[layer], outputs(model, last, x), rtol=1e-5, atol=1e-5)
    assert as_it_was(model)


@pytest.mark.parametrize(
    ("follower", "followed"),
    [
        (lambda: L.Activation("tanh"), True),
        (lambda: L.LeakyReLU(), True),
        (lambda: L.PReLU(alpha_initializer="ones"), True),
        (lambda: L.ELU(), True),
        (lambda: L.SpatialDropout1D(0.5), True),
        (lambda: keras.ops.relu, True),
        (lambda: keras.activations.gelu, True),
        (lambda: PruneUnits(L.BatchNormalization(name="last")), True),
        (lambda: L.Activation("softmax"), False),
        (lambda: L.Softmax(), False),
        (lambda: L.LayerNormalization(), False),
        (lambda: keras.ops.softmax, False),
        (lambda: keras.ops.exp, False),
        (lambda: L.Lambda(lambda y: y[:, ::-1]), False),
    ],
)
def test_what_follows_one_for_one(follower, followed):
    inputs = keras.Input((3, 5))
    hidden = L.Dense(4, name="hidden")(inputs)
    last = follower()(hidden)
    model, x = keras.Model(inputs, L.Flatten()(last)), draw(6, 3, 5)
    for variable in model.variables:
        if variable.name == "moving_mean":
            variable.assign([1.0, 2.0, 3.0, 4.0])
    expected = keras.Model(inputs, last if followed else hidden)(x)
    np.testing.assert_allclose(
        responses(model, x, most_positions=ALL)["hidden"], np.asarray(expected).reshape(-1, 4), rtol=1e-5
    )


def test_with_several_readers_it_is_the_layers_own_output(randomise):
    inputs = keras.Input((4,))
    first = L.Dense(4, name="first")(inputs)
    active = L.ReLU(name="relu")(first)
    second = L.Dense(4, name="second")(active)
    summed = L.Add()([first, second])  # reads `first` beside the ReLU
    model = randomise(keras.Model(inputs, [L.ReLU(name="last")(summed), second]))
    x, got = draw(5, 4), responses(model, draw(5, 4))
    for name in ("first", "second"):
        np.testing.assert_allclose(got[name], outputs(model, name, x), rtol=1e-6)


def test_one_activation_layer_behind_several_layers(randomise):
    inputs, relu = keras.Input((4,)), L.ReLU(name="relu")
    first = relu(L.Dense(5, name="first")(inputs))
    second = relu(L.Dense(6, name="second")(first))
    model, x = randomise(keras.Model(inputs, L.Dense(2, name="logits")(second))), draw(9, 4)
    got = responses(model, x)
    for name, active in (("first", first), ("second", second)):
        np.testing.assert_allclose(got[name], keras.Model(inputs, active)(x), rtol=1e-6)


def test_nested_and_shared_models_pool_their_calls(randomise):
    inner_inputs = keras.Input((4,))
    inner = keras.Model(inner_inputs, L.BatchNormalization()(L.Dense(4, name="dense")(inner_inputs)), name="inner")
    shared, left, right = L.Dense(3, activation="tanh", name="shared"), keras.Input((4,)), keras.Input((4,))
    one, two = L.ReLU(name="relu")(inner(left)), inner(inner(right))
    model = randomise(keras.Model([left, right], L.Add()([shared(one), shared(two)])))
    x = [draw(5, 4), draw(5, 4, seed=1)]
    got = responses(model, x)
    once, thrice = inner(x[0]), (inner(x[1]), inner(inner(x[1])))
    relu = np.maximum(
        once, 0
    )  # this call of the nested model is followed by a ReLU of the model around it, the others are not
    np.testing.assert_allclose(in_order(got["inner/dense"]), in_order([relu, *thrice]), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        in_order(got["shared"]), in_order([shared(relu), shared(thrice[1])]), rtol=1e-5, atol=1e-6
    )


def test_code_of_ones_own_at_the_layers_own_output(randomise):
    model, x = OwnCode(), draw(6, 5)
    model(x)
    randomise(model)
    got = responses(model, x)
    np.testing.assert_allclose(got["hidden"], model.hidden(x), rtol=1e-6)
    assert list(got) == ["hidden", "logits"]
    assert measure_responses(model, x)["unused"] == {"reason": "never called on these data"}


def test_what_code_calls_too_is_not_taken_by_the_number_of_its_calls():
    hidden, relu = L.Dense(3, name="hidden"), L.ReLU(name="relu")

    class Again(L.Layer):
        def __init__(self, name, **parts):
            super().__init__(name=name)
            for part, layer in parts.items():
                setattr(self, part, layer)

        def call(self, inputs):
            return self.relu(self.hidden(inputs))

    inputs, x = keras.Input((4,)), draw(5, 4)
    both = Again("both", hidden=hidden, relu=relu)
    model = keras.Model(inputs, L.Add()([relu(hidden(inputs)), both(inputs)]))
    np.testing.assert_allclose(responses(model, x)["hidden"], np.concatenate([hidden(x)] * 2), rtol=1e-6)

    first, last = L.Dense(3, name="first"), L.Dense(3, name="last")
    activation = Again("activation", hidden=L.Identity(), relu=relu)
    model = keras.Model(
        inputs, relu(last(activation(first(inputs))))
    )  # the graph's only call of `relu` is its second one
    got = responses(model, x)
    np.testing.assert_allclose(got["first"], first(x), rtol=1e-6)
    np.testing.assert_allclose(got["last"], last(np.maximum(first(x), 0)), rtol=1e-5)


@pytest.mark.parametrize("wrap", [PruneUnits, PruneWeights])
def test_pruned_models(wrap, randomise):
    mask = np.array([True, False, True, False])
    first = L.Conv2D(4, 3, name="conv")
    wrapped = wrap(first, mask=mask if wrap is PruneUnits else np.broadcast_to(mask, (3, 3, 2, 4)))
    layers = [wrapped, PruneUnits(L.BatchNormalization(name="bn"), mask=mask), L.ReLU(name="relu"), L.Flatten()]
    model = randomise(keras.Sequential([keras.Input((6, 6, 2)), *layers, L.Dense(3, name="logits")]))
    wrapped.mask = wrapped.mask
    x = draw(8, 6, 6, 2)
    got = responses(model, x, most_positions=ALL)
    np.testing.assert_allclose(got["conv"], outputs(model, "relu", x), rtol=1e-5, atol=1e-6)
    assert not got["conv"][:, ~mask].any()
    assert measure_responses(model, x, repeats=0)["conv"]["dead"] >= 0.5


def test_attention_inside_a_wrapper_and_outside(randomise):
    inputs = keras.Input((5, 6))
    attention = L.MultiHeadAttention(2, 3, name="attention")
    model = randomise(keras.Model(inputs, attention(inputs, inputs)))
    wrapped = keras.Model(inputs, PruneUnits(attention, mask=np.array([False, True]))(inputs, inputs))
    x = draw(4, 5, 6)
    plain, masked = (responses(m, x, most_positions=ALL) for m in (model, wrapped))
    assert (
        list(plain) == list(masked) == [f"attention/{name}" for name in ("query", "key", "value", "attention_output")]
    )
    assert {path: rows.shape for path, rows in plain.items()} == {path: (20, 6) for path in plain}
    np.testing.assert_allclose(plain["attention/query"], np.asarray(attention.query_dense(x)).reshape(20, 6), rtol=1e-5)
    assert (
        not masked["attention/query"][:, :3].any()
        and (masked["attention/query"][:, 3:] == plain["attention/query"][:, 3:]).all()
    )


# Every kind of layer with a kernel.

KINDS = {
    "conv1d": (L.Conv1D(5, 2), (6, 2), (5, 5)),
    "conv3d": (L.Conv3D(5, 2), (3, 3, 3, 2), (8, 5)),
    "channels first": (L.Conv2D(5, 2, data_format="channels_first"), (2, 4, 4), (9, 5)),
    "strided": (L.Conv2D(5, 3, strides=2), (7, 7, 2), (9, 5)),
    "grouped": (L.Conv2D(4, 3, groups=2), (4, 4, 2), (4, 4)),
    "transposed": (L.Conv2DTranspose(5, 2), (3, 3, 2), (16, 5)),
    "depthwise": (L.DepthwiseConv2D(3, depth_multiplier=2), (4, 4, 3), (4, 6)),
    "separable": (L.SeparableConv2D(5, 3), (4, 4, 3), (4, 5)),
    "dense on sequences": (L.Dense(5), (4, 3), (4, 5)),
    "einsum": (L.EinsumDense("abc,cde->abde", output_shape=(None, 2, 3)), (4, 3), (4, 6)),
    "einsum with dots": (L.EinsumDense("...x,xy->...y", output_shape=5), (4, 3), (4, 5)),
    "einsum, units first": (L.EinsumDense("abc,cd->adb", output_shape=(5, None)), (4, 3), (4, 5)),
    "embedding": (L.Embedding(7, 5), (4,), (4, 5)),
    "lstm": (L.LSTM(5), (4, 3), (1, 5)),
    "gru": (L.GRU(5, return_sequences=True), (4, 3), (4, 5)),
    "rnn": (L.RNN([L.SimpleRNNCell(4), L.SimpleRNNCell(5)], return_sequences=True), (4, 3), (4, 5)),
    "convlstm": (L.ConvLSTM2D(5, 2, return_sequences=True), (3, 4, 4, 2), (27, 5)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_layer(kind):
    layer, shape, (positions, units) = KINDS[kind]
    inputs = keras.Input(shape, dtype="int32" if kind == "embedding" else "float32")
    model = keras.Model(inputs, L.Flatten()(layer(inputs)))
    x = np.random.default_rng(0).integers(0, 7, (6, *shape)) if kind == "embedding" else draw(6, *shape)
    got = responses(model, x, batch_size=4, most_positions=ALL)
    y = np.asarray(layer(x))
    expected = np.moveaxis(y, 1, -1) if kind in ("einsum, units first", "channels first") else y
    assert {rows.shape for rows in got.values()} == {(6 * positions, units)}
    np.testing.assert_allclose(next(iter(got.values())), expected.reshape(-1, units), rtol=1e-5, atol=1e-6)
    rows = measure_responses(model, x, repeats=0)
    assert layer.name in rows and "reason" not in rows[layer.name]


def test_the_last_cell_bears_the_responses_of_its_loop():
    model = keras.Sequential(
        [keras.Input((4, 3)), L.RNN([L.GRUCell(4, name="low"), L.GRUCell(5, name="top")], name="rnn")]
    )
    rows = measure_responses(model, draw(6, 4, 3), repeats=0)
    cells = [path for path in rows if path.startswith("rnn/")]
    assert rows["rnn"] is rows[next(path for path in cells if path.endswith("top"))]
    assert rows[next(path for path in cells if path.endswith("low"))] == {
        "reason": "only the last cell's responses leave the loop of 'rnn'"
    }


def test_bidirectional_and_time_distributed():
    inputs = keras.Input((4, 3))
    both = L.Bidirectional(L.LSTM(5, return_sequences=True, return_state=True, name="lstm"), name="both")(inputs)[0]
    model = keras.Model(inputs, L.TimeDistributed(L.Dense(2, name="dense"), name="steps")(both))
    got = responses(model, draw(6, 4, 3), most_positions=ALL)
    assert {path: rows.shape for path, rows in got.items() if "cell" not in path} == {
        "both/forward_lstm": (24, 5), "both/backward_lstm": (24, 5), "steps/dense": (24, 2)
    }  # fmt: skip


def test_a_loop_of_ones_own_has_a_reason():
    class Loop(L.Layer):
        def __init__(self):
            super().__init__(name="loop")
            self.dense = L.Dense(2, name="dense")

        def build(self, shape):
            self.dense.build((None, shape[-1]))

        def call(self, inputs):
            return keras.ops.vectorized_map(lambda row: self.dense(row[None])[0], inputs)

    model = keras.Sequential([keras.Input((3,)), Loop(), L.Dense(2, name="logits")])
    rows = measure_responses(model, draw(8, 3))
    assert rows["loop/dense"]["reason"].startswith("its output is not at hand") and "removable" in rows["logits"]


def test_layers_without_units_have_a_reason():
    inputs = keras.Input((3, 2))
    mixed = L.EinsumDense("abc,bc->a", output_shape=(), name="mixed")
    model = keras.Model(inputs, L.Dense(2, name="logits")(mixed(inputs)[:, None]))
    assert measure_responses(model, draw(8, 3, 2), repeats=0)["mixed"] == {"reason": "its output has no axis of units"}
    with (
        pytest.raises(ValueError, match="'mixed': its output has no axis of units; layers:"),
        knock_out(model, {"mixed": [0]}),
    ):
        pass


# What is kept.


def test_positions_are_kept_on_an_even_grid():
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), L.Conv2D(1, 1, use_bias=False, kernel_initializer="ones", name="conv")]
    )
    places = np.arange(64, dtype="float32").reshape(1, 8, 8, 1)
    got = responses(model, np.concatenate([places, places + 64]), most_positions=5)["conv"]
    assert got.ravel().tolist() == [18, 22, 50, 54, 82, 86, 114, 118]  # rows and columns 2 and 6


@pytest.mark.parametrize(
    ("sizes", "most", "counts"),
    [
        ((32, 32), 9, (3, 3)),
        ((1, 100), 16, (1, 16)),
        ((4, 4, 4), 64, (4, 4, 4)),
        ((2, 50), 16, (2, 8)),
        ((7,), 9, (7,)),
        ((), 9, ()),
    ],
)
def test_the_grid_has_as_many_positions_as_may_be(sizes, most, counts):
    grid = activations._grid(sizes, most)
    assert tuple(len(kept) for kept in grid) == counts
    for kept, size in zip(grid, sizes, strict=True):
        assert (np.diff(kept) > 0).all() and 0 <= kept[0] and kept[-1] < size
        assert abs(kept[0] - (size - 1 - kept[-1])) <= 1  # as far from one end as from the other


def test_a_unit_that_responds_at_one_position_is_not_dead():
    kernel = np.ones((1, 1, 1, 3), "float32")
    conv = L.Conv2D(3, 1, activation="relu", name="conv")
    model = keras.Sequential([keras.Input((8, 8, 1)), conv])
    conv.set_weights([kernel, np.array([0, -5, -1e3], "float32")])
    x = np.zeros((4, 8, 8, 1), "float32")
    x[2, 0, 0] = 9
    row = measure_responses(model, x, repeats=0)["conv"]
    assert row["dead"] == row["silent"] == pytest.approx(1 / 3)
    assert not responses(model, x)["conv"].any()  # the pixel is not on the grid


def test_a_batch_or_all_at_once(chain, randomise):
    model, x = randomise(chain()), draw(9, 6, 6, 2)
    once, batched = responses(model, x), responses(model, x, batch_size=2)
    for path in once:
        np.testing.assert_allclose(once[path], batched[path], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("dtype", "expected"), [("mixed_float16", "float32"), ("bfloat16", "float32"), ("float64", "float64")]
)
def test_other_precisions(dtype, expected):
    layers = [L.Dense(6, activation="relu", dtype=dtype, name="hidden"), L.Dense(3, dtype=dtype, name="logits")]
    model, x = keras.Sequential([keras.Input((4,), dtype="float64"), *layers]), draw(40, 4)
    assert responses(model, x)["hidden"].dtype == expected
    assert 0 < measure_responses(model, x)["hidden"]["removable"] < 1


# Data.


def test_forms_of_data(perceptron, randomise):
    model, x, y = randomise(perceptron()), draw(11, 4), np.arange(11) % 3
    expected = measure_responses(model, x, y)
    pairs = tf.data.Dataset.from_tensor_slices((x, y))
    forms = [
        (x, y),
        (x, np.eye(3)[y]),
        (x, y[:, None], np.ones(11)),
        pairs.batch(4),
        tf.constant(x),
    ]
    for form in forms:
        got = measure_responses(model, form)
        assert got.keys() == expected.keys()
        for path, row in got.items():
            for column, value in row.items():
                np.testing.assert_allclose(value, expected[path][column], rtol=1e-5)
            assert ("selectivity" in row) == (isinstance(form, tuple) or form is forms[3])


def test_only_the_first_samples_are_used(perceptron):
    model, x = perceptron(), draw(20, 4)
    dataset = tf.data.Dataset.from_tensor_slices(x).batch(4).repeat()  # has no end
    for data in (x, dataset):
        np.testing.assert_allclose(
            responses(model, data, most_samples=10)["hidden"], responses(model, x[:10])["hidden"], rtol=1e-6
        )


def test_several_inputs(randomise):
    left, right = keras.Input((3,), name="left"), keras.Input((2,), name="right")
    hidden = L.Dense(4, name="hidden")(L.Concatenate()([left, right]))
    x = {"left": draw(6, 3), "right": draw(6, 2, seed=1)}
    for inputs in ([left, right], {"left": left, "right": right}):
        model = randomise(keras.Model(inputs, L.Dense(3)(hidden)))
        data = [x["left"], x["right"]] if isinstance(inputs, list) else x
        hidden_responses = responses(model, data)["hidden"]
        np.testing.assert_allclose(hidden_responses, keras.Model(inputs, hidden)(data), rtol=1e-6)
        assert "removable" in measure_responses(model, data)["hidden"]
    pairs = tf.data.Dataset.from_tensor_slices(((x["left"], x["right"]), np.zeros(6))).batch(3)
    model = keras.Model([left, right], hidden)
    assert responses(model, pairs)["hidden"].shape == (6, 4)


@pytest.mark.parametrize(
    ("data", "settings", "message"),
    [
        (np.zeros((0, 4)), {}, "`data` must be arrays of one number of samples"),
        (np.float32(1), {}, "`data` must be arrays of one number of samples"),
        ([np.zeros((3, 4)), np.zeros((2, 4))], {}, "`data` must be arrays of one number of samples"),
        ((draw(3, 4), np.zeros(2)), {}, "`labels` must be one for each of the 3 samples"),
        ((draw(3, 4), np.zeros(3)), {"labels": np.zeros(3)}, "`labels` must be left out"),
        (tuple(draw(4, 3, 4)), {}, "`data` as a tuple must be"),
        (draw(3, 4), {"labels": np.array([0.5, 1.5, 2])}, "`labels` must be class numbers"),
        (draw(3, 4), {"most_samples": 0}, "`most_samples` must be at least 1. Received: most_samples=0"),
        (draw(3, 4), {"batch_size": 0}, "`batch_size` must be at least 1"),
        (draw(3, 4), {"most_positions": 0}, "`most_positions` must be at least 1"),
        (draw(3, 4), {"fractions": (0, 0.5)}, "`fractions` must increase from 0 to 1"),
        (draw(3, 4), {"fractions": (0, 0.5, 0.5, 1)}, "`fractions` must increase from 0 to 1"),
    ],
)
def test_bad_data_is_refused(perceptron, data, settings, message):
    with pytest.raises(ValueError, match=message):
        measure_responses(perceptron(), data, **settings)


def test_an_empty_dataset_and_a_model_that_is_not_built_are_refused(perceptron):
    with pytest.raises(ValueError, match="`data` must hold samples"):
        responses(perceptron(), tf.data.Dataset.from_tensor_slices(draw(4, 4)).batch(2).take(0))
    with pytest.raises(ValueError, match="`model` must be a Keras model that is built"):
        responses(keras.Sequential([L.Dense(2)]), draw(4, 4))


# Knock-outs.


def test_a_knock_out_is_what_the_rest_of_the_model_makes_of_zeros(chain, randomise):
    model, x = randomise(chain()), draw(8, 6, 6, 2)
    middle = keras.Input((4, 4, 4))
    y = middle
    for layer in model.layers[3:]:
        y = layer(y)
    silent = keras.Model(model.inputs, model.get_layer("relu").output)([x]) * np.array([1, 0, 0, 1], "float32")
    expected, intact = keras.Model(middle, y)(silent), model.predict(x, verbose=0)
    function = model.predict_function
    with knock_out(model, {"conv": [1, 2]}):
        np.testing.assert_allclose(model(x), expected, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-5, atol=1e-6)
        assert not responses(model, x)["conv"][:, 1:3].any()
        with knock_out(model, {"hidden": np.arange(5)}):
            np.testing.assert_allclose(model(x), np.broadcast_to(model.get_layer("logits").bias, (8, 3)), rtol=1e-6)
        np.testing.assert_allclose(model(x), expected, rtol=1e-5, atol=1e-6)
    assert model.predict_function is function and as_it_was(model)
    np.testing.assert_array_equal(model.predict(x, verbose=0), intact)
    assert np.abs(intact - expected).max() > 0.1


def test_heads_and_steps_of_a_sequence_fall_silent():
    inputs = keras.Input((5, 6))
    attention = L.MultiHeadAttention(2, 3, name="attention")
    lstm = L.LSTM(4, return_sequences=True, return_state=True, name="lstm")
    model = keras.Model(inputs, [attention(inputs, inputs), lstm(inputs)[0]])
    x = draw(4, 5, 6)
    with knock_out(model, {"attention/value": [0, 1, 2], "lstm": [3]}):
        attended, sequence = (np.asarray(y) for y in model(x))
    assert not sequence[..., 3].any() and sequence[..., :3].all()
    mask = np.array([False, True])
    wrapped = PruneUnits(attention, mask=mask)  # zeroes the head's value as well
    np.testing.assert_allclose(attended, wrapped(x, x), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("units", "message"),
    [
        ({"relu": [0]}, "`units` must name layers with units. Received: 'relu'"),
        ({"conv": [4]}, r"`units` of 'conv' must lie in \[0, 4\). Received: 4"),
        ({"conv": [-1]}, "`units` of 'conv' must be indices, at least 0"),
        ({"conv": [True, False, True, True]}, "`units` of 'conv' must be indices, at least 0"),
    ],
)
def test_units_that_are_not_there_are_refused(chain, units, message):
    model = chain()
    with pytest.raises(ValueError, match=message), knock_out(model, units):
        model(draw(2, 6, 6, 2))
    assert as_it_was(model)


def test_the_model_is_itself_again_after_an_error(randomise):
    model, x = OwnCode(), draw(6, 5)
    model(x)
    before, model.raises = [np.array(v) for v in model.variables], True
    for use in (responses, measure_responses):
        with pytest.raises(RuntimeError, match="told to"):
            use(model, x)
        assert as_it_was(model)
    with pytest.raises(RuntimeError, match="told to"), knock_out(model, {"hidden": [0]}):
        model(x)
    model.raises = False
    assert as_it_was(model) and not keras.src.backend.in_stateless_scope()
    assert all((np.array(v) == old).all() for v, old in zip(model.variables, before, strict=True))


def test_nothing_of_the_model_moves(randomise):
    inputs = keras.Input((4, 3), batch_size=6)
    y = L.Dropout(0.5, seed=1)(inputs, training=True)
    y = L.LSTM(5, stateful=True, name="lstm")(y)
    model = randomise(keras.Model(inputs, L.Dense(3, activity_regularizer="l2", name="logits")(y)))
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    before = [np.array(v) for v in [*model.variables, *model.optimizer.variables]]
    states = [np.array(keras.ops.convert_to_numpy(state)) for state in model.get_layer("lstm").states]
    losses = len(model.losses)
    assert "removable" in measure_responses(model, draw(6, 4, 3))["lstm"]
    after = [np.array(v) for v in [*model.variables, *model.optimizer.variables]]
    for state, before_it in zip(model.get_layer("lstm").states, states, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(state), before_it)
    assert all((old == new).all() for old, new in zip(before, after, strict=True)) and len(model.losses) == losses


# Measures.


def test_duplicated_units_are_repeated():
    layer = L.Dense(6, name="hidden")
    model = keras.Sequential([keras.Input((3,)), layer])
    layer.set_weights(
        [np.concatenate([np.eye(3), -2 * np.eye(3)], axis=1).astype("float32"), np.arange(6, dtype="float32")]
    )
    row = measure_responses(model, draw(400, 3), repeats=0)["hidden"]
    assert row["repeated_responses"] == row["repeated_share"] == 1.0
    assert row["components_95"] == 3 and row["compressible"] == 0.5 and row["dead"] == 0


def test_selectivity_of_units_that_know_a_class():
    layer = L.Dense(3, activation="relu", name="hidden")
    model = keras.Sequential([keras.Input((3,)), layer])
    layer.set_weights([np.eye(3, dtype="float32"), np.zeros(3, "float32")])
    x = np.repeat(np.eye(3, dtype="float32"), 2, axis=0)
    assert measure_responses(model, (x, [0, 0, 1, 1, 2, 2]), repeats=0)["hidden"].get("selectivity") is None
    y = np.array([0, 0, 1, 1, 2, 2])
    assert measure_responses(model, (x, y), repeats=0)["hidden"]["selectivity"] == 1.0
    mixed = np.array([0, 1, 2, 0, 1, 2])  # each unit responds to one of two samples of two classes, to no third
    assert measure_responses(model, x, mixed, repeats=0)["hidden"]["selectivity"] == pytest.approx(
        (0.5 - 0.25) / (0.5 + 0.25)
    )
    assert np.isnan(measure_responses(model, x, 0 * y, repeats=0)["hidden"]["selectivity"])


def test_selectivity_and_cka_by_positions(chain, randomise):
    model, x, y = randomise(chain()), draw(12, 6, 6, 2), np.arange(12) % 2
    one = measure_responses(model, x, y, repeats=0, other=model, batch_size=5)
    assert all(row["cka"] == pytest.approx(1) for row in one.values())
    conv = outputs(model, "relu", x).reshape(12, 16, 4)
    means = np.stack([conv[y == label].mean((0, 1)) for label in (0, 1)])
    high, rest = means.max(0), means.min(0)
    spoken = conv.any((0, 1))
    all_positions = measure_responses(model, x, y, repeats=0, most_positions=ALL)
    assert all_positions["conv"]["selectivity"] == pytest.approx(
        ((high - rest) / (high + rest))[spoken].mean(), rel=1e-4
    )
    other = measure_responses(model, x, repeats=0, other=randomise(chain(), seed=1))
    assert -1 <= other["conv"]["cka"] < 0.9 and "selectivity" not in other["conv"]
    assert np.isnan(measure_responses(model, x[:3], repeats=0, other=model)["conv"]["cka"])


def test_cka_takes_all_calls_of_a_shared_layer_as_one_response(randomise):
    x, models = [draw(9, 4), draw(9, 4, seed=1)], []
    for seed in (0, 1):
        shared, left, right = L.Dense(3, name="shared"), keras.Input((4,)), keras.Input((4,))
        models.append(randomise(keras.Model([left, right], L.Add()([shared(left), shared(right)])), seed))
    one, two = (np.concatenate([model.get_layer("shared")(part) for part in x], axis=1) for model in models)
    row = measure_responses(models[0], x, repeats=0, other=models[1], batch_size=4)["shared"]
    assert row["cka"] == pytest.approx(cka(one, two), rel=1e-5)


def test_rows_that_are_no_samples_have_no_labels():
    inputs = keras.Input((4, 3))
    rows = L.Dense(5, name="hidden")(keras.ops.reshape(inputs, (-1, 3)))  # samples and steps on one axis
    model, x, y = keras.Model(inputs, keras.ops.reshape(rows, (-1, 20))), draw(6, 4, 3), np.arange(6) % 2
    row = measure_responses(model, x, y, repeats=0, other=model)["hidden"]
    assert responses(model, x)["hidden"].shape == (24, 5) and row["dead"] == 0
    assert np.isnan(row["selectivity"]) and row["selectivity_reason"] == "its rows are not the data's samples"
    assert np.isnan(row["cka"]) and row["cka_reason"].startswith("its rows are not the data's samples")


def readout(used, units=12):
    """Hidden ReLU units, of which a linear readout hears the first `used`."""
    hidden, logits = L.Dense(units, activation="relu", name="hidden"), L.Dense(3, name="logits")
    model = keras.Sequential([keras.Input((5,)), hidden, L.Dropout(0.9), logits])
    hidden.set_weights([draw(5, units), draw(units, seed=1)])
    weights = draw(units, 3, seed=2)
    weights[used:] = 0
    logits.set_weights([weights, np.zeros(3, "float32")])
    return model


def test_units_that_nobody_hears_change_nothing():
    model, x = readout(6), draw(256, 5, seed=3)
    with knock_out(model, {"hidden": np.arange(6, 12)}):
        silent = np.asarray(model(x))
    np.testing.assert_array_equal(silent, model(x))
    with knock_out(model, {"hidden": [0]}):
        assert np.abs(np.asarray(model(x)) - silent).max() > 0.1


def test_half_of_the_units_ignored_is_half_removable():
    layer, logits = L.Dense(12, name="hidden"), L.Dense(2, name="logits")
    model = keras.Sequential([keras.Input((1,)), layer, logits])
    layer.set_weights([np.ones((1, 12), "float32"), np.zeros(12, "float32")])  # units that all say the same …
    weights = np.zeros((12, 2), "float32")
    weights[:6, 0] = 1  # … and a readout that hears six of them: one of these is enough
    logits.set_weights([weights, np.zeros(2, "float32")])
    assert measure_responses(model, draw(100, 1), repeats=5)["hidden"]["removable"] >= 0.5


@pytest.mark.parametrize("nested", [False, True])
def test_curves_are_those_of_knock_outs_by_hand(nested):
    model, x = readout(12), draw(100, 5, seed=4)
    if nested:
        model = keras.Sequential([keras.Input((5,)), model])
    labels = np.asarray(model(x)).argmax(-1)
    rows = measure_responses(model, x, seed=7, repeats=2, batch_size=32)
    for (path, row), units in zip(rows.items(), (12, 3), strict=True):
        draws = np.random.default_rng([7, *path.encode()])
        orders = [draws.permutation(units) for _ in range(2)]
        for fraction, unchanged in zip(np.linspace(0, 1, 7), row["unchanged"], strict=True):
            shares = []
            for order in orders:
                with knock_out(model, {path: order[: int(units * fraction + 0.5)]}):
                    shares.append((np.asarray(model(x)).argmax(-1) == labels).mean())
            assert np.isnan(unchanged) or unchanged == pytest.approx(np.mean(shares))
        below = np.flatnonzero(row["unchanged"] < 0.8)
        assert len(below) == 1 and np.isnan(row["unchanged"][below[0] + 1 :]).all() and 0 < row["removable"] < 1


def test_a_seed_gives_the_same_numbers_and_layers_do_not_disturb_each_other(chain, randomise):
    model, x = randomise(chain()), draw(40, 6, 6, 2)
    one, two, three = (measure_responses(model, x, seed=seed) for seed in (0, 0, 1))
    curves = [{path: rows[path]["unchanged"].tolist() for path in rows} for rows in (one, two, three)]
    assert str(curves[0]) == str(curves[1]) != str(curves[2])


def test_single_scores_have_a_border(randomise):
    x = draw(200, 3)
    for activation in ("sigmoid", None):
        hidden, last = L.Dense(4, name="hidden"), L.Dense(1, activation=activation, name="score")
        model = randomise(keras.Sequential([keras.Input((3,)), hidden, last]))
        rows = measure_responses(model, x, repeats=2, fractions=(0, 1))
        border = 0.5 if activation else 0.0
        intact = np.asarray(model(x))[:, 0] > border
        with knock_out(model, {"hidden": range(4)}):
            silent = np.asarray(model(x))[:, 0] > border
        assert 0.1 < intact.mean() < 0.9
        assert rows["hidden"]["unchanged"].tolist() == [1, pytest.approx((intact == silent).mean())]


def test_labels_that_say_nothing_have_a_reason(perceptron):
    model, x = perceptron(), draw(20, 4)
    model.get_layer("logits").set_weights([np.zeros((6, 3)), np.array([0, 1, 0])])
    row = measure_responses(model, x)["hidden"]
    assert np.isnan(row["removable"]) and row["removable_reason"] == "the model predicts one label for all samples"
    assert row["dead"] < 1
    model.get_layer("logits").set_weights([np.full((6, 3), np.nan), np.zeros(3)])
    rows = measure_responses(model, x)
    assert rows["logits"] == {"reason": "the responses of 3 of its 3 units are not finite"}
    assert rows["hidden"]["removable_reason"] == "the model's outputs are not finite"
    model.get_layer("logits").set_weights([np.zeros((6, 3)), np.array([0, np.inf, -np.inf])])
    assert measure_responses(model, x)["logits"] == {"reason": "the responses of 2 of its 3 units are not finite"}


def test_two_samples_have_a_reason(perceptron):
    assert measure_responses(perceptron(), draw(2, 4))["hidden"] == {
        "reason": "three rows of responses are needed, there are 2"
    }


def test_what_is_compiled_is_traced_once_and_progress_is_shown(randomise):
    class Counting(L.Layer):
        calls = 0

        def call(self, inputs):
            Counting.calls += 1
            return inputs + 0

    model = randomise(
        keras.Sequential([keras.Input((4,)), L.Dense(6, name="hidden"), Counting(), L.Dense(3, name="logits")])
    )
    seen = []
    Counting.calls = 0
    measure_responses(model, draw(64, 4), batch_size=16, progress=lambda paths: (seen.append(p) or p for p in paths))
    assert seen == ["hidden", "logits"]
    assert Counting.calls <= 4 + 2  # eager: four batches; compiled: once, and not for each of dozens of knock-outs


SCRIPT = """
import keras, numpy as np
from keras import layers as L
from tfredundancy.inspection.activations import knock_out, measure_responses, responses
from tfredundancy.layers import PruneUnits
assert keras.backend.backend() == "jax"
keras.utils.set_random_seed(0)
x = np.random.default_rng(0).normal(size=(40, 4, 3)).astype("float32")
inputs = keras.Input((4, 3))
y = L.ReLU(name="relu")(PruneUnits(L.Dense(4, name="dense"))(inputs))
y = L.Dropout(0.5, seed=1)(L.LSTM(5, name="lstm")(y), training=True)
model = keras.Model(inputs, L.Dense(3, name="logits")(y))
before = [keras.ops.convert_to_numpy(v).copy() for v in model.variables]
twin = np.maximum(keras.ops.convert_to_numpy(model.get_layer("dense")(x)), 0).reshape(-1, 4)
assert np.allclose(responses(model, x)["dense"], twin, atol=1e-5)
rows = measure_responses(model, (x, np.arange(40) % 3), batch_size=20)
assert list(rows) == ["dense", "lstm", "lstm/lstm_cell", "logits"] and not any("reason" in row for row in rows.values())
assert all(0 < row["removable"] <= 1 and row["dead"] == 0 for row in rows.values()), rows
assert all((keras.ops.convert_to_numpy(v) == old).all() for v, old in zip(model.variables, before))
with knock_out(model, {"lstm": range(5)}):
    assert np.allclose(model.predict(x, verbose=0), keras.ops.convert_to_numpy(model.get_layer("logits").bias))
assert not any("call" in vars(layer) for layer in model._flatten_layers())
print("done")
"""


def test_the_same_with_jax(run_with_jax):
    assert run_with_jax(SCRIPT).endswith("done\n")
