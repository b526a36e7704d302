"""The kernels of each layer class, its parts and views, counted by hand and against Keras's own answers; rules of one's own."""

import keras
import numpy as np
import pytest
from keras import layers as L
from keras.ops import convert_to_numpy as array

from tfredundancy.inspection import kernels
from tfredundancy.inspection.kernels import DEFAULT_SIZE, Kernel, register_rule
from tfredundancy.inspection.matrices import VIEWS, matching_initial, weight_matrices
from tfredundancy.layers import PruneWeights
from tfredundancy.paths import variable_paths


def sequential(*stack, shape):
    return keras.Sequential([keras.Input(shape), *stack], name="model")


def listed(model, view="taps"):
    """(path, kind, shape of the unit matrix or reason) of each record."""
    return [(m.path, m.kind, m.reason or m.units().shape) for m in weight_matrices(model, view)]


def by_path(model, view="taps"):
    found = list(weight_matrices(model, view))
    assert len({m.path for m in found}) == len(found)
    return {m.path: m for m in found}


# Counts of small models, by hand.


def transformer():
    tokens = keras.Input((6,), dtype="int32")
    x = L.Embedding(11, 8, name="tokens")(tokens)
    y = L.LayerNormalization(name="norm1")(x)
    x = L.Add()([x, L.MultiHeadAttention(2, 4, dropout=0.1, name="attention")(y, y)])
    y = L.LayerNormalization(name="norm2")(x)
    y = L.Dense(16, activation="gelu", name="wide")(y)
    x = L.Add()([x, L.Dropout(0.1)(L.EinsumDense("abc,cd->abd", (6, 8), bias_axes="d", name="narrow")(y))])
    return keras.Model(tokens, x)


def test_a_transformer_block(check_coverage):
    model = transformer()
    projections = [
        (f"attention/{name}/kernel{part}", f"attention {name.removeprefix('attention_')}{kind}", shape)
        for name in ("query", "key", "value", "attention_output")
        for part, kind, shape in (
            ("", "", (8, 8)),
            ("[head 0]", " head", (8, 4) if name == "attention_output" else (4, 8)),
            ("[head 1]", " head", (8, 4) if name == "attention_output" else (4, 8)),
        )
    ]
    assert listed(model) == [
        ("tokens/embeddings", "embedding", (8, 11)),
        ("norm1", "LayerNormalization", "no kernel: gamma and beta only"),
        *projections,
        ("norm2", "LayerNormalization", "no kernel: gamma and beta only"),
        ("wide/kernel", "dense", (16, 8)),
        ("narrow/kernel", "einsum", (8, 16)),
    ]
    check_coverage(model, 7)
    parts = [m for m in weight_matrices(model) if m.part_of is not None]
    assert all(m.part_of == m.path.partition("[")[0] and m.layer == m.part_of.rpartition("/")[0] for m in parts)
    assert len(parts) == 8


def test_heads_are_parts_of_the_fused_matrix(randomise, check_coverage):
    inputs = keras.Input((6, 5))
    attention = L.MultiHeadAttention(3, 4, value_dim=2, name="attention")
    grouped = L.GroupQueryAttention(4, 4, 2, use_gate=True, name="grouped")
    model = randomise(keras.Model(inputs, [attention(inputs, inputs), grouped(inputs, inputs)]))
    found = by_path(model)
    sizes = {"attention": (3, 3, 3), "grouped": (4, 2, 2)}
    for layer, (queries, keys, values) in sizes.items():
        counts = {"query": queries, "key": keys, "value": values}
        for name, count in (counts | ({"gate": queries} if layer == "grouped" else {})).items():
            path = f"{layer}/{name}/kernel"
            rows = [found[f"{path}[head {i}]"].units() for i in range(count)]
            assert np.array_equal(np.concatenate(rows), found[path].units())
        path = f"{layer}/attention_output/kernel"
        columns = [found[f"{path}[head {i}]"].units() for i in range(queries)]
        assert np.array_equal(np.concatenate(columns, axis=1), found[path].units())
    query = array(attention.query_dense.kernel)
    assert np.array_equal(found["attention/query/kernel[head 1]"].units(), query[:, 1].T)
    assert np.array_equal(found["attention/query/kernel"].units(), query.reshape(5, 12).T)
    output = array(attention.output_dense.kernel)
    assert np.array_equal(found["attention/attention_output/kernel[head 2]"].units(), output[2].T)
    check_coverage(model, 4 + 5)


def test_attention_with_an_output_of_several_axes(randomise):
    inputs = keras.Input((6, 5))
    layer = L.MultiHeadAttention(2, 4, output_shape=(3, 7), name="attention")
    found = by_path(randomise(keras.Model(inputs, layer(inputs, inputs))))
    assert found["attention/attention_output/kernel"].units().shape == (21, 8)
    head = found["attention/attention_output/kernel[head 1]"].units()
    assert np.array_equal(head, array(layer.output_dense.kernel)[1].reshape(4, 21).T)


def test_a_bidirectional_lstm(randomise):
    stack = [
        L.Embedding(7, 5, name="words"),
        L.Bidirectional(L.LSTM(3, name="lstm"), name="both"),
        L.Dense(1, name="logit"),
    ]
    model = randomise(sequential(*stack, shape=(4,)))
    gates = ("input", "forget", "cell", "output")
    cells = [f"both/{way}_lstm/lstm_cell" for way in ("forward", "backward")]
    assert listed(model) == [
        ("words/embeddings", "embedding", (5, 7)),
        *[
            (f"{cell}/{kernel}[{gate}]", "recurrent gate", (3, fan_in))
            for cell in cells
            for kernel, fan_in in (("kernel", 5), ("recurrent_kernel", 3))
            for gate in gates
        ],
        ("logit/kernel", "dense", (1, 6)),
    ]
    kernel = array(variable_paths(model)[f"{cells[1]}/recurrent_kernel"])
    for index, gate in enumerate(gates):
        matrix = by_path(model)[f"{cells[1]}/recurrent_kernel[{gate}]"]
        assert np.array_equal(matrix.units(), kernel[:, 3 * index : 3 * index + 3].T)
        assert matrix.layer == cells[1] and matrix.part_of is None
    whole = {path: v for path, v in variable_paths(model).items() if "kernel" in path or "embeddings" in path}
    assert sum(m.units().size for m in weight_matrices(model)) == sum(int(np.prod(v.shape)) for v in whole.values())


def test_other_recurrent_layers():
    cells = L.StackedRNNCells([L.LSTMCell(2, name="a"), L.SimpleRNNCell(3, name="b")], name="cells")
    stack = [L.GRU(4, return_sequences=True, name="gru"), L.RNN(cells, name="rnn")]
    model = sequential(*stack, shape=(5, 3))
    gru = [
        (f"gru/gru_cell/{kernel}[{gate}]", "recurrent gate", (4, fan_in))
        for kernel, fan_in in (("kernel", 3), ("recurrent_kernel", 4))
        for gate in ("update", "reset", "candidate")
    ]
    assert listed(model) == [
        *gru,
        *[
            (f"rnn/cells/a/{kernel}[{gate}]", "recurrent gate", (2, fan_in))
            for kernel, fan_in in (("kernel", 4), ("recurrent_kernel", 2))
            for gate in ("input", "forget", "cell", "output")
        ],
        ("rnn/cells/b/kernel", "recurrent", (3, 2)),
        ("rnn/cells/b/recurrent_kernel", "recurrent", (3, 3)),
    ]


def test_a_convolutional_lstm(randomise):
    layer = L.ConvLSTM2D(4, 3, strides=2, padding="same", name="conv_lstm")
    model = randomise(sequential(layer, shape=(5, 8, 6, 2)))
    found = by_path(model)
    assert len(found) == 8 and {m.kind for m in found.values()} == {"recurrent gate"}
    cell = found["conv_lstm/conv_lstm_cell/kernel[forget]"].layer
    kernel, recurrent = array(layer.cell.kernel), array(layer.cell.recurrent_kernel)
    assert cell == "conv_lstm/conv_lstm_cell"
    assert np.array_equal(found[f"{cell}/kernel[forget]"].units(), kernel[..., 4:8].reshape(18, 4).T)
    assert np.array_equal(found[f"{cell}/recurrent_kernel[output]"].units(), recurrent[..., 12:].reshape(36, 4).T)
    assert [s.shape for s in found[f"{cell}/kernel[cell]"].slices()] == [(2, 4)] * 9
    operator = by_path(model, "operator")
    assert operator[f"{cell}/kernel[input]"].block == (2 * 2 * 2, 4)
    assert len(operator[f"{cell}/recurrent_kernel[input]"].singular_values()) == 4 * 3 * 4


def test_convolutions_of_all_kinds(randomise, check_coverage):
    stack = [
        L.Conv2D(4, (3, 2), name="plain"),
        L.Conv2D(6, 3, groups=2, name="grouped"),
        L.Conv2D(12, 3, groups=6, padding="same", name="channelwise"),
        L.DepthwiseConv2D(3, depth_multiplier=2, name="depthwise"),
        L.SeparableConv2D(5, 3, name="separable"),
        L.Conv2DTranspose(3, 3, strides=2, name="transposed"),
        L.BatchNormalization(name="bn"),
    ]
    model = randomise(sequential(*stack, shape=(12, 12, 2)))
    assert listed(model) == [
        ("plain/kernel", "conv2d", (4, 12)),
        ("grouped/kernel", "grouped conv2d", (6, 18)),
        ("channelwise/kernel", "depthwise", (12, 9)),
        ("depthwise/kernel", "depthwise", (24, 9)),
        ("separable/depthwise_kernel", "separable depthwise", (24, 9)),
        ("separable/pointwise_kernel", "separable pointwise", (5, 24)),
        ("transposed/kernel", "conv2d transpose", (3, 45)),
        ("bn", "BatchNormalization", "no kernel: gamma, beta, moving_mean and moving_variance only"),
    ]
    check_coverage(model, 7)
    shapes = {
        view: [[s.shape for s in m.slices()] for m in weight_matrices(model, view) if m.reason is None]
        for view in ("taps", "filters")
    }
    assert shapes["taps"] == [
        [(2, 4)] * 6,
        [(2, 3)] * 18,  # 9 taps of each of 2 groups
        [(12, 9)],
        [(24, 9)],
        [(24, 9)],
        [(24, 5)],
        [(3, 5)] * 9,
    ]
    assert shapes["filters"] == [[(4, 12)], [(3, 18)] * 2, [(12, 9)], [(24, 9)], [(24, 9)], [(5, 24)], [(3, 45)]]
    done = [m.view for m in weight_matrices(model, "taps")]
    assert done == ["taps", "taps", "filters", "filters", "filters", "taps", "taps", None]


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_convolutions_of_all_ranks(rank, randomise, check_coverage):
    names = [f"Conv{rank}D", f"Conv{rank}DTranspose"] + (
        [f"SeparableConv{rank}D", f"DepthwiseConv{rank}D"] if rank < 3 else []
    )
    x = inputs = keras.Input((6,) * rank + (2,))
    for name in names:
        x = getattr(L, name)(**({"filters": 3} if "Depthwise" not in name else {}), kernel_size=2)(x)
    model = randomise(keras.Model(inputs, x))
    check_coverage(model, len(names) + (rank < 3))
    first = next(weight_matrices(model))
    assert first.kind == f"conv{rank}d"
    kernel = array(model.layers[1].kernel)
    assert np.array_equal(first.units(), kernel.reshape(-1, 3).T)
    assert np.array_equal(np.stack(first.slices()), kernel.reshape(-1, 2, 3))


def test_a_single_input_channel_has_no_taps(randomise):
    model = randomise(sequential(L.Conv2D(6, 5, name="conv1"), shape=(28, 28, 1)))  # LeNet's first layer
    (matrix,) = weight_matrices(model, "taps")
    assert matrix.view == "filters" and [s.shape for s in matrix.slices()] == [(6, 25)]


def test_einsum_layers(randomise):
    inputs = keras.Input((5, 4))
    layers = [
        L.EinsumDense("...x,xy->...y", 3, name="ellipsis"),
        L.EinsumDense("abc,cde->abde", (5, 2, 3), name="two"),
        L.EinsumDense("abc,bcd->abd", (5, 3), name="each"),  # a matrix for each of 5 positions
    ]
    found = by_path(randomise(keras.Model(inputs, [layer(inputs) for layer in layers])))
    assert {path: (m.units().shape, [s.shape for s in m.slices()]) for path, m in found.items()} == {
        "ellipsis/kernel": ((3, 4), [(3, 4)]),
        "two/kernel": ((6, 4), [(6, 4)]),
        "each/kernel": ((15, 4), [(3, 4)] * 5),
    }
    assert np.array_equal(found["two/kernel"].units(), array(layers[1].kernel).reshape(4, 6).T)
    assert np.array_equal(np.stack(found["each/kernel"].slices()), array(layers[2].kernel).swapaxes(1, 2))


def test_embeddings_and_spectrograms(randomise, check_coverage):
    tokens, wave = keras.Input((5,), dtype="int32"), keras.Input((64, 1))
    words = L.ReversibleEmbedding(7, 3, tie_weights=False, name="words")
    sound = L.STFTSpectrogram(frame_length=16, frame_step=8, mode="real", name="sound")
    model = randomise(keras.Model([tokens, wave], [words(words(tokens), reverse=True), sound(wave)]))
    assert listed(model) == [
        ("words/embeddings", "embedding", (3, 7)),
        ("words/reverse_embeddings", "reverse embedding", (7, 3)),
        ("sound/real_kernel", "conv1d", (9, 16)),
    ]
    check_coverage(model, 3)


# Layers that nobody has told us of.


class Scale(L.Layer):
    def build(self, shape):
        self.gain = self.add_weight(shape=(shape[-1],))  # without a name of its own

    def call(self, x):
        return x * self.gain


class Rotate(L.Layer):
    def build(self, shape):
        self.turn = self.add_weight(shape=(shape[-1], shape[-1]))
        self.shift = self.add_weight(shape=(shape[-1],), name="shift")

    def call(self, x):
        return x @ self.turn + self.shift


class Gated(L.Dense):
    def build(self, shape):
        super().build(shape)
        self.gate = self.add_weight(shape=(shape[-1], self.units), name="gate")


class MyGRUCell(L.GRUCell):
    """The bias of a GRU has two axes."""


def test_an_unknown_layer_has_a_reason_for_each_weight_that_may_be_a_kernel():
    assert listed(sequential(Scale(name="scale"), shape=(3,))) == [("scale", "Scale", "no kernel: gain only")]
    ((path, kind, reason),) = listed(sequential(Rotate(name="rotate"), shape=(3,)))
    assert kind == "Rotate" and path.startswith("rotate/")
    assert reason == "unknown layer class Rotate: add a kernel rule for 'turn' with register_rule"


def test_a_subclass_of_a_known_layer_has_its_kernels_and_reasons_for_what_is_new():
    assert listed(sequential(Gated(2, name="gated"), shape=(3,))) == [
        ("gated/kernel", "dense", (2, 3)),
        ("gated/gate", "Gated", "unknown layer class Gated: add a kernel rule for 'gate' with register_rule"),
    ]
    assert len(listed(sequential(L.RNN(MyGRUCell(2)), shape=(4, 3)))) == 6


def test_a_rule_teaches_the_kernels_of_a_class(monkeypatch, randomise):
    monkeypatch.setattr(kernels, "_RULES", dict(kernels._RULES))
    register_rule(Rotate, lambda layer: [Kernel(layer, "turn", "rotation")])
    register_rule(Gated, lambda layer: [Kernel(layer), Kernel(layer, "gate")])
    model = randomise(sequential(Rotate(name="rotate"), Gated(2, name="gated"), shape=(3,)))
    rotate, kernel, gate = weight_matrices(model)
    assert rotate.kind == "rotation" and np.array_equal(rotate.units(), array(model.layers[0].turn).T)
    assert (kernel.path, gate.path) == ("gated/kernel", "gated/gate")
    assert np.array_equal(gate.units(), array(model.layers[1].gate).T)
    register_rule(Rotate, lambda layer: [])
    assert listed(model)[0][2] == "no kernel: turn and shift only"


class Normalised(L.Layer):
    """Computes with kernels of length 1, which no variable holds."""

    def build(self, shape):
        self.v = self.add_weight(shape=(shape[-1], 2), name="v_kernel")
        self.u = self.add_weight(shape=(shape[-1], 2), name="u_kernel")

    unit_v = property(lambda self: self.v / keras.ops.norm(self.v, axis=0))
    unit_u = property(lambda self: self.u / keras.ops.norm(self.u, axis=0))

    def call(self, x):
        return x @ self.unit_v + x @ self.unit_u


def test_a_kernel_may_be_what_a_layer_computes(monkeypatch, randomise, rng):
    monkeypatch.setattr(kernels, "_RULES", dict(kernels._RULES))
    register_rule(Normalised, lambda layer: [Kernel(layer, "unit_v"), Kernel(layer, "unit_u")])
    model = randomise(sequential(Normalised(name="n"), shape=(3,)))
    stored = array(model.layers[0].v), array(model.layers[0].u)
    found = list(weight_matrices(model))
    assert [m.path for m in found] == ["n/unit_v", "n/unit_u"]
    for matrix, kernel in zip(found, stored, strict=True):
        assert np.allclose(matrix.units(), (kernel / np.linalg.norm(kernel, axis=0)).T, rtol=1e-5)
    ones = matching_initial(model, {path: np.ones((3, 2)) for path in variable_paths(model)})
    assert np.allclose(ones["n/unit_v"].units(), 3**-0.5)
    wrapper = PruneWeights(Normalised(name="n"))
    pruned = randomise(sequential(wrapper, shape=(3,)))
    wrapper.mask = {"v_kernel": np.arange(6).reshape(3, 2) != 3, "u_kernel": np.ones((3, 2), bool)}
    kernel = np.where(np.arange(6).reshape(3, 2) != 3, stored[0], 0)
    units = next(weight_matrices(pruned)).units()
    assert np.allclose(units, (kernel / np.linalg.norm(kernel, axis=0)).T, rtol=1e-5)


def test_a_rule_for_what_is_no_layer_class_raises():
    with pytest.raises(ValueError, match="`cls` must be a layer class. Received: <class 'int'>"):
        register_rule(int, lambda layer: [])


def test_every_layer_class_of_keras_that_makes_weights_has_a_rule():
    foreign = {"FlaxLayer", "JaxLayer", "TFSMLayer", "TorchModuleWrapper"}  # other libraries' weights, unknown to us
    classes = [value for value in vars(L).values() if isinstance(value, type) and issubclass(value, L.Layer)]
    makers = [cls for cls in classes if "add_weight" in cls.build.__code__.co_names]
    assert len(makers) > 30
    without = {cls.__name__ for cls in makers if not any(c in kernels._RULES for c in cls.__mro__)}
    assert without <= foreign


# Views of convolutions.


@pytest.mark.parametrize("view", ["taps", "filters"])
def test_slices_hold_every_weight_once(view, randomise):
    stack = [
        L.Conv2D(4, 3, groups=2),
        L.DepthwiseConv2D(2),
        L.SeparableConv2D(3, 2),
        L.Conv2DTranspose(5, 2),
        L.Conv2D(2, 1),
    ]
    for matrix in weight_matrices(randomise(sequential(*stack, shape=(8, 8, 2))), view):
        slices = np.concatenate([s.ravel() for s in matrix.slices()])
        assert np.array_equal(np.sort(slices), np.sort(matrix.units().ravel()))
        assert matrix.singular_values is None and matrix.block is None


def circular(layer, size, channels):
    """The matrix of a layer with padding "valid" on inputs that go on periodically."""
    inputs = np.eye(int(np.prod(size)) * channels, dtype="float32").reshape(-1, *size, channels)
    more = [(0, (k - 1) * d) for k, d in zip(layer.kernel_size, layer.dilation_rate, strict=True)]
    padded = np.pad(inputs, [(0, 0), *more, (0, 0)], mode="wrap")
    return array(layer(padded)).reshape(len(inputs), -1)


@pytest.mark.parametrize(
    "layer, channels",
    [
        (L.Conv2D(3, 3, use_bias=False), 2),
        (L.Conv2D(2, (3, 2), strides=2, use_bias=False), 3),
        (L.Conv2D(4, 2, dilation_rate=2, groups=2, use_bias=False), 4),
        (L.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False), 2),
        (L.DepthwiseConv2D(2, strides=2, use_bias=False), 2),
    ],
)
def test_the_operator_is_keras_s_own_convolution_on_a_periodic_input(layer, channels, randomise):
    size = (6, 4)
    layer.build((None, *size, channels))
    randomise(layer)
    written = np.linalg.svd(circular(layer, size, channels), compute_uv=False)
    layer.built = False  # as part of a model it is built again, for inputs of this size
    model = randomise(sequential(type(layer).from_config(layer.get_config()), shape=(*size, channels)))
    (matrix,) = weight_matrices(model, "operator")
    values = matrix.singular_values()
    assert matrix.view == "operator" and matrix.slices is None and len(values) % min(matrix.block) == 0
    rank = len(values)
    assert (
        np.allclose(values, written[:rank][::-1], rtol=1e-5, atol=1e-5) and np.abs(written[rank:]).max(initial=0) < 1e-5
    )


def test_padding_with_zeros_does_not_exceed_the_circular_operator(randomise):
    layer = L.Conv2D(3, 3, padding="same", use_bias=False)
    model = randomise(sequential(layer, shape=(6, 5, 2)))
    basis = np.eye(60, dtype="float32").reshape(-1, 6, 5, 2)
    (matrix,) = weight_matrices(model, "operator")
    norm = np.linalg.norm(array(layer(basis)).reshape(60, -1), 2)
    assert norm <= matrix.singular_values()[-1] <= 3 * np.linalg.norm(matrix.units(), 2) * (1 + 1e-6)


@pytest.mark.parametrize(
    "layer, shape, count, block",
    [
        (L.Conv2D(3, 2), (5, 7, 2), 5 * 7 * 2, (2, 3)),
        (L.Conv2D(3, 2, strides=2), (5, 7, 2), 3 * 4 * 3, (8, 3)),  # sizes rounded up to 6 × 8
        (L.Conv2D(3, 2), (None, 7, 2), DEFAULT_SIZE * 7 * 2, (2, 3)),
        (L.Conv1D(3, 2, data_format="channels_first"), (2, 9), 9 * 2, (2, 3)),
        (L.Conv2DTranspose(3, 2, strides=2), (5, 7, 2), 5 * 7 * 2, (12, 2)),
        (L.SeparableConv1D(3, 2, strides=2), (9, 4), 5 * 4, (2, 1)),
        (L.Conv3D(2, 2), (3, 4, 5, 2), 60 * 2, (2, 2)),
    ],
)
def test_the_operator_is_that_on_the_input_which_the_layer_was_built_for(layer, shape, count, block, randomise):
    matrix = next(weight_matrices(randomise(sequential(layer, shape=shape)), "operator"))
    values = matrix.singular_values()
    assert (len(values), matrix.block) == (count, block)
    assert np.array_equal(values, np.sort(values))


def test_what_is_no_convolution_is_the_same_in_all_views(randomise):
    model = randomise(sequential(L.Dense(3), shape=(4,)))
    found = [next(weight_matrices(model, view)) for view in VIEWS]
    assert all(np.array_equal(m.slices()[0], found[0].units()) and m.singular_values is None for m in found)
