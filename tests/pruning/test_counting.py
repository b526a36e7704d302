"""Counts against hand counts, Keras, and TensorFlow's profiler."""

import keras
import numpy as np
import pytest

import tfredundancy as tfr
from tfredundancy import models

L = keras.layers


def of(layer, *shapes, **kwargs):
    """Return the model of one layer."""
    inputs = [keras.Input(shape) for shape in shapes]
    called = layer(inputs[0] if len(inputs) == 1 else inputs, **kwargs)
    return keras.Model(inputs, called)


def called(layer, *shapes):
    """Return the model of a layer that takes its tensors one by one."""
    inputs = [keras.Input(shape) for shape in shapes]
    return keras.Model(inputs, layer(*inputs))


# layer, shape of one example, multiply–adds counted by hand
KERNELS = {
    "dense": (L.Dense(7), (5,), 5 * 7),
    "dense on rank 4": (L.Dense(7), (2, 3, 5), 2 * 3 * 5 * 7),
    "einsum with an ellipsis": (L.EinsumDense("...x,xy->...y", 7), (4, 5), 4 * 5 * 7),
    "einsum with two units": (L.EinsumDense("abc,cde->abde", (None, 3, 2)), (4, 5), 4 * 5 * 3 * 2),
    "einsum over two axes": (L.EinsumDense("abcd,cde->abe", (None, 7)), (4, 3, 5), 4 * 3 * 5 * 7),
    "einsum of every position": (L.EinsumDense("abc,bcd->abd", (4, 7)), (4, 5), 4 * 5 * 7),
    "einsum, the ellipsis last": (L.EinsumDense("ax...,xy->ay...", (7, 4)), (5, 4), 4 * 5 * 7),
    "conv 1-D": (L.Conv1D(7, 3), (10, 5), 8 * 3 * 5 * 7),
    "conv 2-D, same": (L.Conv2D(7, 3, padding="same"), (6, 8, 5), 6 * 8 * 9 * 5 * 7),
    "conv 2-D, strides": (L.Conv2D(7, 3, strides=2), (9, 7, 5), 4 * 3 * 9 * 5 * 7),
    "conv 2-D, dilated": (L.Conv2D(7, 3, dilation_rate=2), (9, 7, 5), 5 * 3 * 9 * 5 * 7),
    "conv 2-D, grouped": (L.Conv2D(8, 3, groups=4), (6, 6, 12), 4 * 4 * 9 * (12 // 4) * 8),
    "conv 3-D": (L.Conv3D(3, 2), (4, 5, 6, 2), 3 * 4 * 5 * 8 * 2 * 3),
    "transposed 1-D": (L.Conv1DTranspose(7, 4, strides=2), (6, 5), 6 * 4 * 5 * 7),
    "transposed 2-D": (L.Conv2DTranspose(7, 3, strides=2, padding="same"), (4, 6, 5), 4 * 6 * 9 * 5 * 7),
    "transposed 3-D": (L.Conv3DTranspose(3, 2), (2, 3, 4, 5), 2 * 3 * 4 * 8 * 5 * 3),
    "depthwise 1-D": (L.DepthwiseConv1D(3, depth_multiplier=2), (10, 5), 8 * 3 * 5 * 2),
    "depthwise 2-D": (L.DepthwiseConv2D(3), (6, 6, 5), 4 * 4 * 9 * 5),
    "separable 1-D": (L.SeparableConv1D(7, 3), (10, 5), 8 * (3 * 5 + 5 * 7)),
    "separable 2-D": (L.SeparableConv2D(7, 3, depth_multiplier=2), (6, 6, 5), 16 * (9 * 10 + 10 * 7)),
    "simple RNN": (L.SimpleRNN(4), (6, 3), 6 * (3 * 4 + 4 * 4)),
    "GRU": (L.GRU(4), (6, 3), 6 * 3 * (3 * 4 + 4 * 4)),
    "LSTM": (L.LSTM(4, return_sequences=True), (6, 3), 6 * 4 * (3 * 4 + 4 * 4)),
    "stacked cells": (L.RNN([L.LSTMCell(4), L.GRUCell(2)]), (6, 3), 6 * (4 * (12 + 16) + 3 * (8 + 4))),
    "both directions": (L.Bidirectional(L.LSTM(4)), (6, 3), 2 * 6 * 4 * (3 * 4 + 4 * 4)),
    "convolutional LSTM": (L.ConvLSTM2D(2, 3), (5, 6, 6, 3), 5 * 16 * 9 * 4 * (3 * 2 + 2 * 2)),
    "convolutional LSTM, 1-D": (L.ConvLSTM1D(2, 3, return_sequences=True), (5, 6, 3), 5 * 4 * 3 * 4 * (6 + 4)),
    "each step": (L.TimeDistributed(L.Dense(7)), (6, 5), 6 * 5 * 7),
    "normalisation": (L.BatchNormalization(), (6, 5), 0),
    "PReLU": (L.PReLU(), (6, 5), 0),
    "lookup": (L.Embedding(10, 4), (6,), 0),
}


@pytest.mark.parametrize("kind", KERNELS)
def test_every_kernel_by_hand(kind):
    layer, shape, expected = KERNELS[kind]
    found = tfr.count(of(layer, shape))
    assert found.macs == expected and not found.unknown


def test_channels_first_counts_the_same_pixels():
    channels_first = of(L.Conv2D(7, 3, data_format="channels_first"), (5, 6, 8))
    transposed = of(L.Conv2DTranspose(7, 3, data_format="channels_first"), (5, 6, 8))
    assert tfr.count(channels_first).macs == 4 * 6 * 9 * 5 * 7
    assert tfr.count(transposed).macs == 6 * 8 * 9 * 5 * 7


def test_attention_has_four_projections_and_two_products():
    query, value = (4, 10), (6, 12)
    model = called(L.MultiHeadAttention(num_heads=2, key_dim=5, value_dim=3), query, value)
    projections = 4 * 10 * 2 * 5 + 6 * 12 * 2 * 5 + 6 * 12 * 2 * 3 + 4 * 2 * 3 * 10
    assert tfr.count(model).macs == projections + 2 * 4 * 6 * 5 + 2 * 4 * 6 * 3
    with_keys = called(L.MultiHeadAttention(num_heads=2, key_dim=5), query, value, (6, 7))
    projections = 4 * 10 * 10 + 6 * 7 * 10 + 6 * 12 * 10 + 4 * 10 * 10
    assert tfr.count(with_keys).macs == projections + 2 * (2 * 4 * 6 * 5)


def test_attention_over_one_of_two_axes():
    model = called(L.MultiHeadAttention(2, 5, attention_axes=2), (3, 4, 10), (3, 6, 10))
    projections = 3 * 4 * 10 * 10 + 2 * (3 * 6 * 10 * 10) + 3 * 4 * 10 * 10
    assert tfr.count(model).macs == projections + 2 * (3 * 2 * 4 * 6 * 5)


def test_attention_of_grouped_queries():
    model = called(L.GroupQueryAttention(head_dim=5, num_query_heads=4, num_key_value_heads=2), (6, 10), (8, 10))
    projections = 6 * 10 * 20 + 2 * (8 * 10 * 10) + 6 * 20 * 10
    assert tfr.count(model).macs == projections + 2 * (4 * 6 * 8 * 5)


@pytest.mark.parametrize("kind", [L.Attention, L.AdditiveAttention])
def test_attention_without_projections(kind):
    assert tfr.count(of(kind(), (4, 5), (6, 5))).macs == 4 * 6 * 5 + 4 * 6 * 5
    assert tfr.count(of(kind(), (4, 5), (6, 3), (6, 5))).macs == 4 * 6 * 5 + 4 * 6 * 3


def test_dot_sums_over_its_axis():
    assert tfr.count(of(L.Dot(axes=(2, 1)), (4, 5), (5, 6))).macs == 4 * 5 * 6


def test_a_reversible_embedding_multiplies_in_reverse_only():
    embedding = L.ReversibleEmbedding(10, 4)
    tokens = keras.Input((6,), dtype="int32")
    model = keras.Model(tokens, embedding(L.Dense(4)(embedding(tokens)), reverse=True))
    assert tfr.count(model).macs == 6 * 4 * 4 + 6 * 4 * 10
    assert tfr.count(model).parameters == model.count_params() == 10 * 4 + 4 * 4 + 4


def test_a_layer_called_twice_counts_twice_but_its_weights_once():
    shared = L.Dense(4, name="shared")
    inputs = keras.Input((4,))
    found = tfr.count(keras.Model(inputs, shared(shared(inputs))))
    (row,) = [each for each in found.layers if each.path == "shared"]
    assert (row.calls, row.macs, row.parameters) == (2, 2 * 16, 20)
    assert (found.macs, found.parameters) == (2 * 16, 20)


def test_nested_models_are_looked_into_each_time_they_are_called():
    block = keras.Sequential([keras.Input((None, 4)), L.Dense(4, name="dense"), L.LayerNormalization()], name="block")
    inputs = keras.Input((3, 4))
    model = keras.Model(inputs, L.Dense(2, name="logits")(block(block(inputs))))
    found = {row.path: row for row in tfr.count(model).layers}
    assert found["block/dense"].macs == 2 * 3 * 16 and found["logits"].macs == 3 * 8
    assert sum(row.parameters for row in found.values()) == model.count_params()


def test_parameters_are_those_of_keras():
    model = models.resnet(8, (8, 8, 3), width=4)
    model.get_layer("stem_conv").trainable = False
    found = tfr.count(model)
    assert found.parameters == model.count_params()
    assert found.trainable == sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)
    assert found.bytes == 4 * found.parameters
    for name in ("parameters", "trainable", "nonzero", "macs", "bytes"):
        assert getattr(found, name) == sum(getattr(row, name) for row in found.layers)


def test_random_states_and_metrics_are_no_parameters():
    layers = [keras.Input((4,)), L.Dense(3), L.Dropout(0.5), L.GaussianNoise(0.1), L.Dense(2)]
    model = keras.Sequential(layers)
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(np.zeros((4, 4)), np.zeros((4, 2)), verbose=0)
    assert tfr.count(model).parameters == model.count_params() == 15 + 8


def test_bytes_follow_the_dtype():
    for dtype, size in (("float64", 8), ("bfloat16", 2), ("mixed_float16", 4)):
        model = keras.Sequential([keras.Input((4,)), L.Dense(3, dtype=dtype)])
        assert tfr.count(model).bytes == size * 15


def test_masks_take_away_nonzeros_only(chain, randomise):
    model = randomise(chain())
    pruned = tfr.prune_units(model, 0.5)
    whole, masked = tfr.count(model), tfr.count(pruned)
    for name in ("parameters", "trainable", "macs", "bytes"):
        assert getattr(whole, name) == getattr(masked, name)
    plain = tfr.strip_pruning(pruned)
    assert masked.nonzero == sum(int(np.count_nonzero(v)) for v in plain.weights) < whole.nonzero == whole.parameters
    half = tfr.prune_weights(model, 0.5)
    kernels = sum(int(np.prod(v.shape)) for v in model.weights if v.name == "kernel")
    assert tfr.count(half).nonzero == whole.parameters - kernels // 2
    assert [row.kind for row in masked.layers] == [row.kind for row in whole.layers]


def test_what_is_stored_under_a_mask_does_not_count(chain, randomise):
    pruned = tfr.prune_units(randomise(chain()), 0.5)
    expected = tfr.count(pruned).nonzero
    for variable in pruned.weights:
        if variable.dtype != "bool":
            variable.assign(np.ones(variable.shape))
    assert tfr.count(pruned).nonzero == expected


def test_attention_is_one_row_also_under_a_mask():
    model = called(L.MultiHeadAttention(4, 3, name="attention"), (5, 8), (5, 8))
    for one in (model, tfr.prune_weights(model, 0.5)):
        (row,) = [row for row in tfr.count(one).layers if row.parameters]
        assert row.path == "attention" and row.kind == "MultiHeadAttention" and row.parameters == model.count_params()


def test_open_sizes_are_asked_for():
    model = of(L.Conv2D(7, 3, name="conv"), (None, None, 5))
    with pytest.raises(
        ValueError, match=r"`input_shape` of count .* open\. Received: input_shape=None.*\(None, None, 5\)"
    ):
        tfr.count(model)
    assert tfr.count(model, (6, 8, 5)).macs == 4 * 6 * 9 * 5 * 7
    assert model.get_layer("conv").output.shape == (None, None, None, 7)


def test_the_shape_of_each_of_several_inputs():
    inputs = {"a": keras.Input((None, 4), name="a"), "b": keras.Input((None, 6), name="b")}
    model = keras.Model(inputs, [L.Dense(2)(inputs["a"]), L.Dense(3)(inputs["b"])])
    assert tfr.count(model, {"b": (7, 6), "a": (5, 4)}).macs == 5 * 4 * 2 + 7 * 6 * 3
    listed = keras.Model(list(inputs.values()), model.outputs)
    assert tfr.count(listed, [(5, 4), (7, 6)]).macs == 5 * 4 * 2 + 7 * 6 * 3


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((6, 8, 4), r"must be \(None, None, 5\), any size where it is None. Received: input_shape=\(6, 8, 4\)"),
        ((6, 5), r"must be \(None, None, 5\), any"),
        (7, "must be a shape without the batch axis, or several of them. Received: input_shape=7"),
        ("abc", "must be a shape without the batch axis"),
        ((None, 8, 5), r"must be given where the model's is open. Received: input_shape=\(None, 8, 5\)"),
    ],
)
def test_shapes_that_do_not_fit_are_named(shape, message):
    with pytest.raises(ValueError, match=message):
        tfr.count(of(L.Conv2D(7, 3), (None, None, 5)), shape)


def test_several_inputs_want_several_shapes():
    a, b = keras.Input((None, 4), name="a"), keras.Input((None, 4), name="b")
    one = keras.Model([a, b], L.Add()([a, b]))
    with pytest.raises(ValueError, match=r"a shape for each of its 2 inputs. Received: input_shape=\(3, 4\)"):
        tfr.count(one, (3, 4))
    with pytest.raises(ValueError, match="a shape for each of its 2 inputs"):
        tfr.count(one, [(3, 4)])
    named = keras.Model({"a": a, "b": b}, one.output)
    with pytest.raises(ValueError, match="a dictionary with the keys a, b"):
        tfr.count(named, {"a": (3, 4)})


def test_a_fixed_batch_counts_as_one_example():
    inputs = keras.Input(batch_shape=(8, 6, 3))
    model = keras.Model(inputs, L.LSTM(4, stateful=True)(inputs))
    assert tfr.count(model).macs == 6 * 4 * (3 * 4 + 4 * 4)


class Twin(keras.Model):
    """A subclassed model: no graph, layers in a list."""

    def __init__(self):
        super().__init__(name="twin")
        self.blocks = [L.Dense(4, name="a"), L.Dense(2, name="b")]
        self.scale = self.add_weight(shape=(), initializer="ones", name="scale")

    def call(self, x):
        return self.blocks[1](self.blocks[0](x)) * self.scale


def test_a_subclassed_model_is_run_on_shapes():
    model = Twin()
    with pytest.raises(ValueError, match="`model` of count must be built.*'twin'"):
        tfr.count(model)
    model(np.zeros((1, 3)))
    with pytest.raises(ValueError, match="`input_shape` of count must be given: 'twin' does not say what it takes"):
        tfr.count(model)
    found = tfr.count(model, (3,))
    assert found.macs == 3 * 4 + 4 * 2 and found.parameters == model.count_params() == 16 + 10 + 1
    assert found.layers[0].path == "twin" and found.layers[0].parameters == 1


class Own(L.Layer):
    """A layer with a matrix that nobody knows the use of."""

    def build(self, shape):
        self.matrix = self.add_weight(shape=(shape[-1], 3), name="matrix")

    def call(self, x):
        return x @ self.matrix


class Scaled(L.Dense):
    """A dense layer that computes something else."""

    def call(self, x):
        return 2 * super().call(x)


def test_layers_without_a_rule_are_named_and_not_guessed():
    inputs = keras.Input((5,))
    model = keras.Model(inputs, L.Dense(2, name="logits")(Scaled(3, name="scaled")(Own(name="own")(inputs))))
    found = tfr.count(model)
    assert found.macs == 3 * 2 and found.parameters == model.count_params()
    assert found.unknown == {
        "own": "no rule for the MACs of a Own",
        "scaled": "no rule for the MACs of a Scaled",
    }
    assert str(found).splitlines()[-1] == "not counted: scaled: no rule for the MACs of a Scaled"


def test_products_without_a_layer_are_named_too():
    inputs = keras.Input((4, 5))
    scores = keras.ops.matmul(inputs, keras.ops.transpose(inputs, (0, 2, 1)))
    inner = keras.Model(inputs, keras.ops.einsum("bij,bjk->bik", scores, inputs), name="inner")
    outer = keras.Input((4, 5))
    found = tfr.count(keras.Model(outer, L.Dense(2)(keras.ops.relu(inner(outer)))))
    assert found.macs == 4 * 5 * 2
    assert set(found.unknown.values()) == {"a product by keras.ops"} and len(found.unknown) == 2
    assert all(path.startswith("inner/") for path in found.unknown)


def test_a_layer_of_layers_is_looked_into():
    class Block(L.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.inner = L.Dense(4, name="inner")

        def build(self, shape):
            self.inner.build(shape)
            self.vector = self.add_weight(shape=(4,), name="vector")

        def call(self, x):
            return self.inner(x) + self.vector

    found = tfr.count(of(Block(name="block"), (3,)))
    rows = {row.path: (row.parameters, row.macs) for row in found.layers if row.parameters}
    assert rows == {"block": (4, 0), "block/inner": (16, 12)} and not found.unknown


def test_the_model_is_not_touched(chain):
    model = chain()
    before = {layer.name: dict(vars(layer)) for layer in model.layers}
    nodes = [len(layer._inbound_nodes) for layer in model.layers]
    tfr.count(model)
    assert nodes == [len(layer._inbound_nodes) for layer in model.layers]
    assert all("call" not in vars(layer) and set(vars(layer)) == set(before[layer.name]) for layer in model.layers)


def test_what_is_no_model_is_refused():
    with pytest.raises(ValueError, match="`model` of count must be a Keras model. Received: Dense"):
        tfr.count(L.Dense(3))


# Li et al. 2016, table 1: FLOPs of the nets, which are multiply–adds, and parameters (BatchNorm statistics left out)
LI = {"vgg_16": (3.13e8, 1.5e7), "resnet_56": (1.25e8, 8.5e5), "resnet_110": (2.53e8, 1.72e6)}


@pytest.mark.parametrize("name", LI)
def test_the_papers_count_the_same_way(name):
    settings = {"hidden": (512,), "pool": "max"} if name == "vgg_16" else {"shortcut": "identity_pad"}
    found = tfr.count(getattr(models, name)(**settings))
    np.testing.assert_allclose((found.macs, found.trainable), LI[name], rtol=6e-3)


# multiply–adds of a forward pass, as the papers give them, in units of 10⁹
PAPERS = {
    "MobileNetV2": (0.300, 0.01),  # Sandler et al. 2018, table 4
    "ResNet50": (3.8, 0.02),  # He et al. 2016, table 1
    "EfficientNetB0": (0.39, 0.02),  # Tan & Le 2019, table 2
    "DenseNet121": (2.83, 0.02),  # Huang et al. 2017, by their code
    "Xception": (8.4, 0.02),  # Chollet 2017; counted in Bianco et al. 2018
    "ConvNeXtTiny": (4.5, 0.02),  # Liu et al. 2022, table 9
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PAPERS)
def test_architectures_of_keras_have_the_counts_of_their_papers(name):
    model = getattr(keras.applications, name)(weights=None)
    found, (billions, tolerance) = tfr.count(model), PAPERS[name]
    assert found.parameters == model.count_params() and not found.unknown
    assert found.macs / 1e9 == pytest.approx(billions, rel=tolerance)


@pytest.mark.parametrize("build", [lambda: models.resnet(8, (8, 8, 3)), lambda: models.vgg(11, (16, 16, 3)), None])
def test_the_profiler_counts_two_operations_for_each(build):
    """TensorFlow's profiler knows the operations of kernels; everything else that it counts is left out here."""
    import tensorflow as tf
    from tensorflow.python.profiler.model_analyzer import profile
    from tensorflow.python.profiler.option_builder import ProfileOptionBuilder

    model = build() if build else mixed()
    concrete = tf.function(lambda x: model(x, training=False)).get_concrete_function(
        tf.TensorSpec((1, *model.input_shape[1:]))
    )
    kernels = "Conv2D|DepthwiseConv2dNative|Conv2DBackpropInput|MatMul"
    options = ProfileOptionBuilder(ProfileOptionBuilder.float_operation()).with_empty_output()
    options = options.with_node_names(show_name_regexes=[".*"]).build()
    with concrete.graph.as_default():
        found = profile(concrete.graph, options=options)
    counted = _floats(found, {op.name for op in concrete.graph.get_operations() if op.type in kernels.split("|")})
    assert counted == 2 * tfr.count(model).macs


def _floats(node, names) -> int:
    own = node.total_float_ops - sum(child.total_float_ops for child in node.children)
    return (own if node.name in names else 0) + sum(_floats(child, names) for child in node.children)


def mixed():
    """Return a net of the other kinds that the profiler knows."""
    layers = [
        L.DepthwiseConv2D(3),
        L.Conv2DTranspose(4, 2, strides=2),
        L.SeparableConv2D(5, 3),
        L.Flatten(),
        L.Dense(3),
    ]
    return keras.Sequential([keras.Input((8, 8, 3)), *layers])
