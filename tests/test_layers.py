"""`PruneUnits` and `PruneWeights`: what a masked layer computes, against a plain twin or a smaller net built by hand."""

import keras
import numpy as np
import pytest
from keras import layers as L
from keras.ops import convert_to_numpy as array

from tfredundancy.layers import PruneUnits, PruneWeights, unit_variables, weight_variables

SIGMOID = {"activation": "sigmoid"}
UNIT_LAYERS = {  # a layer whose masked units are sigmoid(0) = 1/2, its input, axis of the units
    "Dense": (lambda: L.Dense(5, **SIGMOID), (3,)),
    "Dense on images": (lambda: L.Dense(5, **SIGMOID), (4, 4, 3)),
    "Dense without bias": (lambda: L.Dense(5, use_bias=False, **SIGMOID), (3,)),
    "EinsumDense": (lambda: L.EinsumDense("abc,cd->abd", (None, 5), bias_axes="d", **SIGMOID), (4, 3)),
    "EinsumDense, two input axes": (lambda: L.EinsumDense("abc,bcd->ad", 5, bias_axes="d", **SIGMOID), (4, 3)),
    "EinsumDense, kernel turned": (lambda: L.EinsumDense("ab,cb->ac", 5, **SIGMOID), (3,)),
    "Conv1D": (lambda: L.Conv1D(5, 2, **SIGMOID), (4, 3)),
    "Conv2D": (lambda: L.Conv2D(5, 2, padding="same", **SIGMOID), (4, 4, 3)),
    "Conv2D, strided": (lambda: L.Conv2D(5, 2, strides=2, use_bias=False, **SIGMOID), (4, 4, 3)),
    "Conv2D, grouped": (lambda: L.Conv2D(4, 2, groups=2, **SIGMOID), (4, 4, 6)),
    "Conv3D": (lambda: L.Conv3D(5, 2, **SIGMOID), (3, 3, 3, 2)),
    "Conv1DTranspose": (lambda: L.Conv1DTranspose(5, 2, **SIGMOID), (4, 3)),
    "Conv2DTranspose": (lambda: L.Conv2DTranspose(5, 2, strides=2, **SIGMOID), (3, 3, 2)),
    "Conv3DTranspose": (lambda: L.Conv3DTranspose(5, 2, **SIGMOID), (2, 2, 2, 2)),
    "DepthwiseConv1D": (lambda: L.DepthwiseConv1D(2, depth_multiplier=2, **SIGMOID), (4, 3)),
    "DepthwiseConv2D": (lambda: L.DepthwiseConv2D(2, **SIGMOID), (4, 4, 3)),
    "DepthwiseConv2D, multiplied": (lambda: L.DepthwiseConv2D(2, depth_multiplier=2, **SIGMOID), (4, 4, 3)),
    "SeparableConv1D": (lambda: L.SeparableConv1D(5, 2, **SIGMOID), (4, 3)),
    "SeparableConv2D": (lambda: L.SeparableConv2D(5, 2, depth_multiplier=2, **SIGMOID), (4, 4, 3)),
    "one unit": (lambda: L.Dense(1, **SIGMOID), (3,)),
}
WEIGHT_LAYERS = {
    "Dense": (lambda: L.Dense(5), (3,), ["kernel"]),
    "EinsumDense": (lambda: L.EinsumDense("abc,cde->abde", (None, 2, 5)), (4, 3), ["kernel"]),
    "Conv1D": (lambda: L.Conv1D(5, 2), (4, 3), ["kernel"]),
    "Conv2D, grouped": (lambda: L.Conv2D(4, 2, groups=2), (4, 4, 6), ["kernel"]),
    "Conv3D": (lambda: L.Conv3D(2, 2), (3, 3, 3, 2), ["kernel"]),
    "Conv2DTranspose": (lambda: L.Conv2DTranspose(5, 2), (3, 3, 2), ["kernel"]),
    "DepthwiseConv2D": (lambda: L.DepthwiseConv2D(2, depth_multiplier=2), (4, 4, 3), ["kernel"]),
    "SeparableConv2D": (lambda: L.SeparableConv2D(5, 2), (4, 4, 3), ["depthwise_kernel", "pointwise_kernel"]),
    "SimpleRNN": (lambda: L.SimpleRNN(3), (4, 2), ["simple_rnn_cell/kernel", "simple_rnn_cell/recurrent_kernel"]),
    "LSTM": (lambda: L.LSTM(3), (4, 2), ["lstm_cell/kernel", "lstm_cell/recurrent_kernel"]),
    "GRU": (lambda: L.GRU(3, return_sequences=True), (4, 2), ["gru_cell/kernel", "gru_cell/recurrent_kernel"]),
    "Bidirectional": (
        lambda: L.Bidirectional(L.LSTM(2, name="rnn")),
        (4, 2),
        [f"{way}_rnn/lstm_cell/{name}" for way in ("forward", "backward") for name in ("kernel", "recurrent_kernel")],
    ),
    "TimeDistributed": (lambda: L.TimeDistributed(L.Dense(3, name="dense")), (4, 2), ["dense/kernel"]),
}


def drawn(rng, *shape):
    return rng.normal(size=(2, *shape)).astype("float32")


def half(rng, *shape):
    """Return a mask with at least one entry pruned and, where there are two or more, one kept."""
    mask = rng.random(shape) < 0.5
    mask.flat[-1], mask.flat[0] = True, False
    return mask


def wrapped(wrapper, make, x, randomise):
    """Return (wrapper around a built layer, plain layer with the same random values)."""
    plain, layer = make(), wrapper(make())
    plain(x), layer(x)
    randomise(plain)
    for source, target in zip(plain.variables, layer.layer.variables, strict=True):
        target.assign(source)
    return layer, plain


def stored(layer):
    return [array(variable) for variable in layer.variables]


def put_back(layer, values):
    """Give the stored numbers of pruned entries any value: as an optimizer may do between two steps."""
    for variable, value in zip(layer.layer.variables, values, strict=True):
        variable.assign(value)


# --- what a masked layer computes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("make, shape", list(UNIT_LAYERS.values()), ids=list(UNIT_LAYERS))
def test_a_masked_unit_is_activation_of_0_and_the_others_are_what_they_were(make, shape, rng, randomise):
    x = drawn(rng, *shape)
    layer, plain = wrapped(PruneUnits, make, x, randomise)
    full = array(plain(x))
    np.testing.assert_array_equal(layer(x), full)  # nothing is masked yet
    mask = half(rng, full.shape[-1])
    layer.mask = mask
    put_back(layer, stored(plain))
    for training in (False, True):
        y = array(layer(x, training=training))
        assert (y[..., ~mask] == 0.5).all()
        np.testing.assert_allclose(y[..., mask], full[..., mask], rtol=1e-6)
    assert not np.isclose(full[..., ~mask], 0.5).all()  # the plain layer says something there


@pytest.mark.parametrize("make, shape, names", list(WEIGHT_LAYERS.values()), ids=list(WEIGHT_LAYERS))
def test_masked_weights_act_as_zero(make, shape, names, rng, randomise):
    x = drawn(rng, *shape)
    layer, plain = wrapped(PruneWeights, make, x, randomise)
    np.testing.assert_array_equal(layer(x), plain(x))
    assert list(layer.masks) == names
    masks = {name: half(rng, *mask.shape) for name, mask in layer.masks.items()}
    full = stored(plain)
    layer.mask = masks if len(masks) > 1 else masks[names[0]]
    put_back(layer, full)
    before = array(plain(x))
    for name, kernel in weight_variables(plain).items():
        kernel.assign(array(kernel) * masks[name])
    np.testing.assert_allclose(layer(x), plain(x), rtol=1e-6, atol=1e-7)
    assert not np.allclose(before, plain(x))


@pytest.mark.parametrize(
    "settings", [{}, {"scale": False}, {"center": False}, {"scale": False, "center": False}], ids=str
)
@pytest.mark.parametrize("training", [False, True])
def test_a_masked_normalisation_unit_is_0_whatever_its_statistics(settings, training, rng, randomise):
    x = drawn(rng, 3, 3, 4) + 5
    layer, plain = wrapped(PruneUnits, lambda: L.BatchNormalization(**settings), x, randomise)
    mask = np.array([True, False, True, False])
    layer.mask = mask
    put_back(layer, stored(plain))  # a stale moving mean, a beta
    y, full = array(layer(x, training=training)), array(plain(x, training=training))
    assert (y[..., ~mask] == 0).all()
    np.testing.assert_allclose(y[..., mask], full[..., mask], rtol=1e-5, atol=1e-6)
    for variable, twin in zip(layer.layer.variables, plain.variables, strict=True):
        np.testing.assert_allclose(array(variable)[mask], array(twin)[mask], rtol=1e-5)  # statistics move alike


def test_a_masked_normalisation_stays_silent_after_a_masked_convolution(rng, randomise):
    model = keras.Sequential(
        [keras.Input((4, 4, 2)), PruneUnits(L.Conv2D(4, 3, activation="softplus")), PruneUnits(L.BatchNormalization())]
    )
    randomise(model)
    mask = np.array([True, False, True, False])
    for layer in model.layers:
        layer.mask = mask
    for training in (True, False, True, False):
        assert (array(model(drawn(rng, 4, 4, 2), training=training))[..., ~mask] == 0).all()


def smaller_chain(layers, mask, hidden):
    """Return conv → bn → relu → flatten → dense → dense over the kept units alone, with loops of NumPy."""
    conv, bn, dense, logits = (layer.layer if hasattr(layer, "layer") else layer for layer in layers)
    kernel, bias = (array(v)[..., mask] for v in (conv.kernel, conv.bias))
    gamma, beta, mean, variance = (array(v)[mask] for v in (bn.gamma, bn.beta, bn.moving_mean, bn.moving_variance))
    tiles = np.tile(mask, 16)

    def run(x):
        patches = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))  # (batch, 4, 4, in, 3, 3)
        y = np.einsum("bhwcij,ijcu->bhwu", patches, kernel) + bias
        y = np.maximum(gamma * (y - mean) / np.sqrt(variance + bn.epsilon) + beta, 0).reshape(len(x), -1)
        y = np.tanh(y @ array(dense.kernel)[tiles][:, hidden] + array(dense.bias)[hidden])
        return y @ array(logits.kernel)[hidden] + array(logits.bias)

    return run


def test_a_masked_net_computes_what_a_smaller_net_does(chain, rng, randomise):
    plain = randomise(chain(dtype="float64"))
    wraps = ("conv", "bn", "hidden")
    model = keras.Sequential(
        [plain.inputs[0], *(PruneUnits(layer) if layer.name in wraps else layer for layer in plain.layers)]
    )
    conv, hidden = np.array([True, False, True, False]), np.array([True, True, False, True, False])
    for name, mask in zip(wraps, (conv, conv, hidden), strict=True):
        model.get_layer(name).mask = mask
    x = rng.normal(size=(7, 6, 6, 2))
    y = array(model(x))
    layers = [model.get_layer(name) for name in ("conv", "bn", "hidden", "logits")]

    def distance(mask, units):
        return np.abs(y - smaller_chain(layers, mask, units)(x)).max() / y.std()

    assert distance(conv, hidden) < 1e-9
    assert distance(np.roll(conv, 1), hidden) > 1e-3 and distance(conv, np.roll(hidden, 1)) > 1e-3


def attention(heads, **settings):
    return L.MultiHeadAttention(heads, 2, name="mha", **settings)


def keep_heads(layer, source, mask):
    """Give `layer`, which has as many heads as `mask` keeps, those heads of `source`."""
    for name in ("query_dense", "key_dense", "value_dense"):
        getattr(layer, name).kernel.assign(array(getattr(source, name).kernel)[:, mask])
        getattr(layer, name).bias.assign(array(getattr(source, name).bias)[mask])
    layer.output_dense.kernel.assign(array(source.output_dense.kernel)[mask])
    layer.output_dense.bias.assign(source.output_dense.bias)


@pytest.mark.parametrize("causal", [False, True])
def test_a_masked_head_is_a_head_less(causal, rng, randomise):
    query, value = drawn(rng, 4, 6), drawn(rng, 5, 3)
    options = {"attention_mask": rng.random((2, 4, 5)) < 0.7, "use_causal_mask": causal}
    layer, small = PruneUnits(attention(4)), attention(2)
    layer(query, value, **options), small(query, value)
    randomise(layer.layer)
    full, values = array(layer(query, value, **options)), stored(layer.layer)
    mask = np.array([False, True, False, True])
    keep_heads(small, layer.layer, mask)
    layer.mask = mask
    put_back(layer, values)
    y = layer(query, value, **options)
    np.testing.assert_allclose(y, small(query, value, **options), rtol=1e-5, atol=1e-5)
    assert not np.allclose(y, full) and not np.allclose(y, layer(query, value))
    _, scores = layer(query, value, return_attention_scores=True)
    assert scores.shape == (2, 4, 4, 5)


def test_attention_by_weights(rng):
    layer = PruneWeights(attention(2))
    x = drawn(rng, 4, 6)
    layer(x, x)
    assert list(layer.masks) == ["query/kernel", "key/kernel", "value/kernel", "attention_output/kernel"]
    layer.mask = {"attention_output/kernel": np.zeros((2, 2, 6), bool)}  # the others keep theirs
    assert not array(layer(x, x)).any() and layer.masks["query/kernel"].all()


# --- what passes through the wrapper ---------------------------------------------------------------------------------


class Block(L.Layer):
    """A layer of layers without a `build`, with Dropout and BatchNorm inside."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense, self.twin = L.Dense(4, name="dense"), L.Dense(4, name="dense")
        self.bn, self.dropout = L.BatchNormalization(), L.Dropout(0.5, seed=1)

    def call(self, x, training=None):
        return self.dropout(self.bn(self.twin(self.dense(x))), training=training)


class WithTraining(keras.Model):
    def __init__(self, layer):
        super().__init__()
        self.layer, self.out = layer, L.Dense(1, name="out")

    def call(self, x, training=None):
        return self.out(self.layer(x, training=training))


class WithoutTraining(WithTraining):
    def call(self, x):
        return self.out(self.layer(x))


def functional(layer):
    inputs = keras.Input((3,))
    return keras.Model(inputs, L.Dense(1, name="out")(layer(inputs)))


MODELS = {
    "Sequential": lambda layer: keras.Sequential([keras.Input((3,)), layer, L.Dense(1, name="out")]),
    "functional": functional,
    "nested": lambda layer: functional(keras.Sequential([keras.Input((3,)), layer])),
    "subclassed": WithTraining,
    "subclassed, call without training": WithoutTraining,
}


def twins(build, wrapper, make, randomise):
    """Return (model around a wrapped layer, the same around the plain one), with the same random values."""
    x = np.ones((1, 3), "float32")
    models = build(wrapper(make())), build(make())
    for model in models:
        model(x)
    randomise(models[1])
    sources = [variable for variable in models[1].variables]
    targets = [variable for variable in models[0].variables if variable.dtype != "bool"]
    for source, target in zip(sources, targets, strict=True):
        target.assign(source)
    return models


@pytest.mark.parametrize("build", list(MODELS.values()), ids=list(MODELS))
@pytest.mark.parametrize(
    "wrapper, make", [(PruneWeights, Block), (PruneUnits, L.BatchNormalization)], ids=["weights", "units"]
)
def test_the_training_flag_arrives(build, wrapper, make, rng, randomise):
    pruned, plain = twins(build, wrapper, make, randomise)
    x = drawn(rng, 3)
    for training in (True, False, None, True):
        np.testing.assert_allclose(pruned(x, training=training), plain(x, training=training), rtol=1e-5, atol=1e-6)
    statistics = [[array(v) for v in model.variables if v.name == "moving_mean"] for model in (pruned, plain)]
    np.testing.assert_allclose(*statistics, rtol=1e-5)
    assert not np.allclose(pruned(x, training=True), pruned(x, training=False))


def test_fit_trains_the_statistics_inside(rng):
    model = MODELS["Sequential"](PruneUnits(L.BatchNormalization(name="bn")))
    model.compile("sgd", "mse")
    model.fit(drawn(rng, 3) + 3, np.zeros((2, 1)), verbose=0)
    assert (array(model.get_layer("bn").layer.moving_mean) != 0).all()


def test_a_direct_call_takes_the_training_flag(rng):
    x = drawn(rng, 4)
    layer = PruneUnits(L.BatchNormalization())
    assert abs(array(layer(x, training=True)).mean(axis=0)).max() < 1e-5
    np.testing.assert_allclose(
        layer(x), (x - array(layer.layer.moving_mean)) / np.sqrt(array(layer.layer.moving_variance) + 1e-3), rtol=1e-5
    )
    assert array(layer(x, training=False)).tolist() == array(layer(x)).tolist()


def test_dropout_draws_anew_with_each_call_and_its_seed_is_saved(rng):
    x = drawn(rng, 4, 3)
    layer = PruneWeights(L.LSTM(8, dropout=0.5, seed=1))
    first, second = array(layer(x, training=True)), array(layer(x, training=True))
    assert not np.allclose(first, second) and np.array_equal(layer(x), layer(x))


@pytest.mark.parametrize("wrap", [lambda layer: layer, PruneWeights], ids=["plain", "pruned"])
def test_sequence_masks_pass(wrap, rng):
    tokens = np.array([[1, 2, 3, 0, 0], [4, 1, 0, 0, 0]])
    keras.utils.set_random_seed(0)
    layers = [
        L.Embedding(6, 3, mask_zero=True),
        wrap(L.Dense(4)),
        wrap(L.LSTM(2, return_sequences=True)),
        wrap(L.LSTM(2)),
    ]
    model = keras.Sequential([keras.Input((None,), dtype="int32"), *layers])
    y = array(model(tokens))
    np.testing.assert_allclose(y[:1], model(tokens[:1, :3]), rtol=1e-5)  # padding changes nothing
    np.testing.assert_allclose(y[1:], model(tokens[1:, :2]), rtol=1e-5)


@pytest.mark.parametrize("wrapper", [PruneUnits, PruneWeights])
def test_losses_count_once(wrapper, rng):
    settings = {"kernel_regularizer": keras.regularizers.L2(0.1), "activity_regularizer": keras.regularizers.L2(0.2)}
    x = drawn(rng, 3)
    shared = wrapper(L.Dense(4, bias_regularizer="l1", **settings))
    inputs = keras.Input((3,))
    model = keras.Model(inputs, L.Add()([shared(inputs), shared(2 * inputs)]))
    y = [array(shared.layer(x)), array(shared.layer(2 * x))]
    model(x)
    expected = 0.1 * (array(shared.layer.kernel) ** 2).sum() + sum(0.2 * (a**2).sum() / 2 for a in y)
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-5)
    model.compile("sgd", "mse")
    target = np.zeros((2, 4))
    loss = expected + ((y[0] + y[1]) ** 2).mean()
    assert float(model.train_on_batch(x, target)) == pytest.approx(loss, rel=1e-5)


def test_a_shared_wrapper_has_one_mask_and_one_kernel(rng):
    shared, inputs = PruneWeights(L.Dense(3)), keras.Input((3,))
    model = keras.Model(inputs, shared(shared(inputs)))
    assert len(model.trainable_variables) == 2 and len(model.non_trainable_variables) == 1
    shared.mask = np.eye(3, dtype=bool)
    kernel, bias = np.diag(np.diag(array(shared.layer.kernel))), array(shared.layer.bias)
    x = drawn(rng, 3)
    np.testing.assert_allclose(model(x), (x @ kernel + bias) @ kernel + bias, rtol=1e-5)


@pytest.mark.parametrize("freeze", ["before", "after", "the wrapper"])
def test_a_frozen_layer_does_not_train(freeze, rng):
    dense = L.Dense(3, name="dense", trainable=freeze != "before")
    layer = PruneWeights(dense)
    model = keras.Sequential([keras.Input((3,)), layer, L.Dense(1)])
    if freeze == "after":
        dense.trainable = False
    if freeze == "the wrapper":
        layer.trainable = False
    model.compile("sgd", "mse")
    before = array(dense.kernel)
    model.train_on_batch(drawn(rng, 3), np.ones((2, 1)))
    assert np.array_equal(dense.kernel, before) and len(model.trainable_variables) == 2


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float64", "bfloat16"])
@pytest.mark.parametrize(
    "make, wrapper",
    [
        (lambda p: L.Conv2D(4, 2, dtype=p), PruneUnits),
        (lambda p: L.BatchNormalization(dtype=p), PruneUnits),
        (lambda p: L.LSTM(4, recurrent_initializer="ones", dtype=p), PruneWeights),
    ],
    ids=["Conv2D", "BatchNormalization", "LSTM"],
)
def test_every_dtype_policy(policy, make, wrapper, rng, randomise):
    shape = (4, 4, 3) if wrapper is PruneUnits else (4, 3)
    x = drawn(rng, *shape).astype("float64" if policy == "float64" else "float32")
    layer, plain = wrapped(wrapper, lambda: make(policy), x, randomise)
    assert layer.compute_dtype == plain.compute_dtype and layer.variable_dtype == plain.variable_dtype
    for training in (False, True):
        y, expected = layer(x, training=training), plain(x, training=training)
        assert y.dtype == expected.dtype
        np.testing.assert_array_equal(array(y).astype("float64"), array(expected).astype("float64"))
    if wrapper is PruneUnits:
        layer.mask = np.arange(np.shape(y)[-1]) > 0
        y = array(layer(x)).astype("float64")
        assert (y[..., 0] == 0).all() and (y[..., 1:] != 0).any()


@pytest.mark.parametrize("wrapper", [PruneUnits, PruneWeights])
def test_the_gradient_of_what_is_pruned_is_0_even_beside_infinity(wrapper):
    import tensorflow as tf

    layer = wrapper(L.Dense(2, use_bias=False, kernel_initializer="ones"))
    layer.build((None, 1))
    layer.mask = np.array([True, False]) if wrapper is PruneUnits else np.array([[True, False]])
    with tf.GradientTape() as tape:
        y = layer(np.array([[3.0]], "float32"))
        loss = tf.reduce_sum(y * tf.constant([[1.0, float("inf")]]))
    assert array(tape.gradient(loss, layer.layer.kernel.value)).tolist() == [[3.0, 0.0]]


def test_a_mask_costs_one_byte_an_entry_and_is_not_trained():
    layer = PruneWeights(L.Dense(7))
    layer.build((None, 5))
    mask = layer.non_trainable_variables[0]
    assert mask.dtype == "bool" and not mask.trainable and mask.shape == (5, 7)
    assert array(mask).nbytes == 35 and len(layer.trainable_variables) == 2


def test_two_kernels_of_one_name_are_two_masks(rng):
    layer = PruneWeights(Block(name="block"))
    layer(drawn(rng, 3))
    assert {name: mask.shape for name, mask in layer.masks.items()} == {
        "dense/kernel": (3, 4),
        "dense#2/kernel": (4, 4),
    }


def test_a_layer_called_kernel():
    layer = PruneWeights(L.Dense(2, name="kernel"))
    layer.build((None, 3))
    assert list(layer.masks) == ["kernel"]


# --- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "mask, message",
    [
        (np.ones(3, bool), r"`mask` of 'dense' must be a bool array of shape \(2,\). Received: bool of shape \(3,\)"),
        (np.ones(2), "Received: float64 of shape"),
        ([1, 0], "Received: int64 of shape"),
        (np.ones((1, 2), bool), r"Received: bool of shape \(1, 2\)"),
        ({"kernel": np.ones(2, bool)}, r"has the keys \[''\]. Received: \['kernel'\]"),
    ],
)
def test_a_wrong_mask_is_refused_at_construction_and_later(mask, message):
    with pytest.raises(ValueError, match=message):
        PruneUnits(L.Dense(2, name="dense"), mask=mask).build((None, 3))
    layer = PruneUnits(L.Dense(2, name="dense"))
    layer.build((None, 3))
    with pytest.raises(ValueError, match=message):
        layer.mask = mask
    assert layer.mask.all()


def test_of_several_masks_one_wrong_one_leaves_all_as_they_were():
    layer = PruneWeights(L.SeparableConv2D(3, 2, name="conv"))
    layer.build((None, 4, 4, 2))
    depthwise = np.zeros((2, 2, 2, 1), bool)
    with pytest.raises(ValueError, match="'conv/pointwise_kernel' must be"):
        layer.mask = {"depthwise_kernel": depthwise, "pointwise_kernel": np.ones(3, bool)}
    assert all(mask.all() for mask in layer.masks.values())
    with pytest.raises(ValueError, match="must be a dictionary with the keys"):
        layer.mask = depthwise


@pytest.mark.parametrize(
    "layer", [L.ReLU(), L.UnitNormalization(), L.LSTM(2), L.RMSNormalization()], ids=lambda layer: layer.name
)
def test_units_of_unknown_layers_are_refused(layer):
    with pytest.raises(
        ValueError, match=f"`layer` must be one whose units are known: Dense, .*Received: {type(layer).__name__}"
    ):
        PruneUnits(layer)


@pytest.mark.parametrize("shape", [(3, 6), (3, 4, 6), (2, 4, 5, 6)])
@pytest.mark.parametrize("groups", [None, 1, 2, 3])
def test_statistics_go_over_the_kept_units(shape, groups, rng, randomise):
    """Masked, Layer- and GroupNormalization are those of the kept units alone."""
    make = L.LayerNormalization if groups is None else lambda: L.GroupNormalization(groups)
    keep = np.array([True, False, True, True, True, False] if groups == 2 else [True, False, True, False, False, True])
    keep = np.array([True, False] * 3) if groups == 3 else keep
    layer, small = PruneUnits(make(), mask=keep), make()
    x = rng.normal(size=shape).astype("float32")
    layer(x), small(x[..., keep])
    randomise(layer)
    for wide, narrow in zip(layer.layer.variables, small.variables, strict=True):
        narrow.assign(keras.ops.convert_to_numpy(wide)[keep])
    y = keras.ops.convert_to_numpy(layer(x))
    np.testing.assert_allclose(y[..., keep], keras.ops.convert_to_numpy(small(x[..., keep])), atol=2e-6)
    assert not y[..., ~keep].any()


def test_a_normalisation_over_several_axes_has_no_units():
    with pytest.raises(ValueError, match="must have a gamma or a beta with one entry each. Received: axis=\\[1, 2\\]"):
        PruneUnits(L.LayerNormalization([1, 2])).build((None, 3, 4))
    with pytest.raises(ValueError, match="must have a gamma or a beta .* scale=False, center=False"):
        PruneUnits(L.LayerNormalization(scale=False, center=False)).build((None, 3))


def test_entries_of_an_embedding_are_units():
    layer = PruneUnits(L.Embedding(5, 3), mask=np.array([True, False, True]))
    y = keras.ops.convert_to_numpy(layer(np.array([[0, 4]])))
    assert (y[..., 1] == 0).all() and (y[..., [0, 2]] != 0).all()


def built(layer, shape):
    layer.build(shape)
    return layer


@pytest.mark.parametrize(
    "equation, output, bias_axes", [("abc,cd->adb", (5, 4), None), ("abc,cde->abde", (4, 2, 5), "d")]
)
def test_an_einsum_without_a_unit_axis_is_refused(equation, output, bias_axes):
    layer = built(L.EinsumDense(equation, output, bias_axes=bias_axes), (None, 4, 3))
    with pytest.raises(ValueError, match="must be an axis of its kernel and bias. Received: equation="):
        unit_variables(layer)


def test_a_layer_without_a_kernel_a_layer_twice_and_lora_are_refused():
    with pytest.raises(ValueError, match="`layer` must have a kernel. Received: ReLU"):
        PruneWeights(L.ReLU()).build((None, 2))
    with pytest.raises(ValueError, match="wrapped already. Received: PruneUnits 'dense' for PruneWeights"):
        PruneWeights(PruneUnits(L.Dense(2, name="dense")))
    dense = built(L.Dense(2), (None, 3))
    dense.enable_lora(1)
    with pytest.raises(ValueError, match="neither quantised nor adapted by LoRA: prune first"):
        PruneUnits(dense)


def test_there_is_no_mask_before_the_layer_is_built():
    with pytest.raises(ValueError, match="Layer 'dense' has no mask before it is built"):
        PruneUnits(L.Dense(2, name="dense")).mask  # noqa: B018
