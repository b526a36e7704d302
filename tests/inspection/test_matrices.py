"""Every kernel of a model is analysed or has a reason; what the records hold, against the layers' own arrays and answers."""

import importlib.util
import inspect
import os
import re
import subprocess
import sys
import tracemalloc
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers as L
from keras.ops import convert_to_numpy as array

from tfredundancy.inspection import matrices
from tfredundancy.inspection.matrices import (
    DEFAULT_SIZE,
    VIEWS,
    Kernel,
    matching_initial,
    register_rule,
    weight_matrices,
)
from tfredundancy.layers import PruneUnits, PruneWeights
from tfredundancy.paths import variable_arrays, variable_paths

FAMILIES = {  # smallest input, and analysed matrices without the top
    "ConvNeXtTiny": (32, 58),
    "MobileNet": (32, 27),
    "MobileNetV2": (32, 52),
    "MobileNetV3Small": (32, 52),
    "ResNet50": (32, 53),
    "ResNet50V2": (32, 53),
    "VGG16": (32, 13),
    "VGG19": (32, 16),
    "Xception": (71, 74),
}
LARGE_FAMILIES = {
    "DenseNet121": (32, 120),
    "EfficientNetB0": (32, 81),
    "EfficientNetV2B0": (32, 91),
    "InceptionResNetV2": (75, 244),
    "InceptionV3": (75, 94),
    "NASNetMobile": (32, 356),
}


def sequential(*stack, shape):
    return keras.Sequential([keras.Input(shape), *stack], name="model")


def listed(model, view="taps"):
    """(path, kind, shape of the unit matrix or reason) of each record."""
    return [(m.path, m.kind, m.reason or m.units().shape) for m in weight_matrices(model, view)]


def by_path(model, view="taps"):
    found = list(weight_matrices(model, view))
    assert len({m.path for m in found}) == len(found)
    return {m.path: m for m in found}


def check_coverage(model, analysed):
    """Nothing is missing and nothing is counted twice; `analysed` is the number of matrices that no other one holds."""
    found = list(weight_matrices(model))
    whole = [m for m in found if m.reason is None and m.part_of is None]
    assert len({m.path for m in found}) == len(found) and len(whole) == analysed
    kernels = {p: v for p, v in variable_paths(model).items() if v.trainable and len(v.shape) > 1 and v.name != "bias"}
    kernels = {path: v for path, v in kernels.items() if not _is_explained(path, found)}
    assert {m.path.partition("[")[0] for m in whole} == set(kernels)
    assert sum(m.units().size for m in whole) == sum(int(np.prod(v.shape)) for v in kernels.values())
    holders = {path.rpartition("/")[0] for path in variable_paths(model) if not path.endswith("seed_generator_state")}
    assert holders <= {m.layer for m in found}


def _is_explained(path, found):
    return any(m.reason is not None and path.startswith(m.path) for m in found)


def check_family(name, size, analysed):
    model = getattr(keras.applications, name)(weights=None, include_top=False, input_shape=(size, size, 3))
    check_coverage(model, analysed)
    reasons = {m.reason for m in weight_matrices(model)} - {None}
    assert all(reason.startswith("no kernel: ") for reason in reasons), reasons
    keras.backend.clear_session()


@pytest.mark.parametrize("name", FAMILIES)
def test_every_kernel_of_the_families_of_applications(name):
    check_family(name, *FAMILIES[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE_FAMILIES)
def test_every_kernel_of_the_large_families_of_applications(name):
    check_family(name, *LARGE_FAMILIES[name])


def test_no_family_of_applications_is_left_out():
    def plain(name):
        return re.sub(r"[\d_]", "", name.lower())

    folders = [name for name, value in vars(keras.applications).items() if inspect.ismodule(value)]
    names = [plain(name) for name in FAMILIES | LARGE_FAMILIES]
    left = {folder for folder in folders if not any(name.startswith(plain(folder)) for name in names)}
    assert left <= {"imagenet_utils", "src"} and len(folders) > 10


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


def test_a_transformer_block():
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


def test_heads_are_parts_of_the_fused_matrix(randomise):
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
    kernels = {path: v for path, v in variable_paths(model).items() if "kernel" in path or "embeddings" in path}
    assert sum(m.units().size for m in weight_matrices(model)) == sum(int(np.prod(v.shape)) for v in kernels.values())


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


def test_convolutions_of_all_kinds(randomise):
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
def test_convolutions_of_all_ranks(rank, randomise):
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


def test_nested_and_shared_layers_have_one_record_under_their_path():
    inner = sequential(L.Dense(4, name="dense"), L.Dense(4, name="twice"), shape=(4,))
    inner.name = "encoder"
    shared = L.Dense(4, name="shared")
    x = inputs = keras.Input((4,))
    for _ in range(2):
        x = shared(inner(x))
    model = keras.Model(inputs, L.TimeDistributed(L.Dense(2, name="dense"), name="each")(L.Reshape((2, 2))(x)))
    assert [path for path, *_ in listed(model)] == [
        "encoder/dense/kernel",
        "encoder/twice/kernel",
        "shared/kernel",
        "each/dense/kernel",
    ]
    check_coverage(model, 4)


class Tied(L.Dense):
    """Computes with the kernel of another layer."""

    def __init__(self, other, **kwargs):
        super().__init__(other.units, **kwargs)
        self.borrow = lambda: other.kernel  # not as a sublayer

    def build(self, shape):
        self._kernel, self.bias = self.borrow(), self.add_weight(shape=(self.units,), name="bias")


class Towers(keras.Model):
    """A subclassed model with a weight of its own, layers in a list, a tied kernel and a layer that is never called."""

    def __init__(self):
        super().__init__(name="towers")
        first = L.Dense(3, name="a")
        self.towers = [first, Tied(first, name="b")]
        self.unused = L.Dense(5, name="unused")

    def build(self, shape):
        self.mix = self.add_weight(shape=(3, 2), name="mix")
        self.gain = self.add_weight(shape=(2,), name="gain")

    def call(self, x):
        return sum(tower(x) for tower in self.towers) @ self.mix * self.gain


def test_a_subclassed_model():
    model = Towers()
    model(np.ones((1, 4)))
    assert listed(model) == [
        ("mix", "Towers", "unknown layer class Towers: add a kernel rule for 'mix' with register_rule"),
        ("a/kernel", "dense", (3, 4)),
        ("b", "Tied", "its kernel is 'a/kernel'"),
        ("unused", "Dense", "not built: no call of the model has reached it"),
    ]


def test_wrappers_of_keras():
    stack = [L.SpectralNormalization(L.Conv2D(2, 3, name="conv"), name="normalised")]
    assert listed(sequential(*stack, shape=(8, 8, 3))) == [
        ("normalised", "SpectralNormalization", "no kernel: vector_u only"),
        ("normalised/conv/kernel", "conv2d", (2, 27)),
    ]


def test_embeddings_and_spectrograms(randomise):
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


# Layers without a kernel, and layers that nobody has told us of.


@pytest.mark.parametrize(
    "layer, shape, reason",
    [
        (L.BatchNormalization(center=False), (4,), "gamma, moving_mean and moving_variance"),
        (L.LayerNormalization(axis=(1, 2)), (3, 4), "gamma and beta"),
        (L.GroupNormalization(2), (3, 4), "gamma and beta"),
        (L.RMSNormalization(), (3, 4), "scale"),
        (L.PReLU(), (3, 4, 5), "alpha"),
        (L.Normalization(), (4,), "mean, variance and count"),
    ],
)
def test_a_layer_without_a_kernel_says_what_it_has(layer, shape, reason):
    (record,) = weight_matrices(sequential(layer, shape=shape))
    assert (record.path, record.layer, record.kind) == (layer.name, layer.name, type(layer).__name__)
    assert record.reason.replace("adapt_", "") == f"no kernel: {reason} only"
    assert record.units is record.slices is record.mask is record.singular_values is record.view is None


def test_layers_without_weights_are_not_listed():
    stack = [L.Rescaling(2.0), L.ReLU(), L.Dropout(0.5, seed=1), L.Flatten(), L.GaussianNoise(0.1)]
    assert listed(sequential(*stack, shape=(4, 2))) == []


def test_the_states_of_a_recurrent_layer_are_no_weights():
    inputs = keras.Input(batch_shape=(2, 5, 3))
    model = keras.Model(inputs, L.LSTM(2, stateful=True, name="lstm")(inputs))
    assert len(listed(model)) == 8 and all(path.startswith("lstm/lstm_cell/") for path, *_ in listed(model))


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
    monkeypatch.setattr(matrices, "_RULES", dict(matrices._RULES))
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
    monkeypatch.setattr(matrices, "_RULES", dict(matrices._RULES))
    register_rule(Normalised, lambda layer: [Kernel(layer, "unit_v"), Kernel(layer, "unit_u")])
    model = randomise(sequential(Normalised(name="n"), shape=(3,)))
    kernels = array(model.layers[0].v), array(model.layers[0].u)
    found = list(weight_matrices(model))
    assert [m.path for m in found] == ["n/unit_v", "n/unit_u"]
    for matrix, kernel in zip(found, kernels, strict=True):
        assert np.allclose(matrix.units(), (kernel / np.linalg.norm(kernel, axis=0)).T, rtol=1e-5)
    ones = matching_initial(model, {path: np.ones((3, 2)) for path in variable_paths(model)})
    assert np.allclose(ones["n/unit_v"].units(), 3**-0.5)
    wrapper = PruneWeights(Normalised(name="n"))
    pruned = randomise(sequential(wrapper, shape=(3,)))
    wrapper.mask = {"v_kernel": np.arange(6).reshape(3, 2) != 3, "u_kernel": np.ones((3, 2), bool)}
    kernel = np.where(np.arange(6).reshape(3, 2) != 3, kernels[0], 0)
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
    without = {cls.__name__ for cls in makers if not any(c in matrices._RULES for c in cls.__mro__)}
    assert without <= foreign


# What the numbers are.


def test_numbers_are_read_when_asked_for_without_a_copy(randomise):
    layer = L.Dense(500, name="dense")
    model = randomise(sequential(layer, shape=(1000,)))
    tracemalloc.start()
    found = list(weight_matrices(model))
    units, (matrix,) = found[0].units(), found[0].slices()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.shares_memory(units, matrix) and peak < 500 * 1000 * 4 / 4
    with pytest.raises(ValueError, match="read-only"):
        units[0, 0] = 1
    before = units.copy()
    layer.kernel.assign(array(layer.kernel) + 1)
    assert np.array_equal(units, before) and np.array_equal(found[0].units(), array(layer.kernel).T)


@pytest.mark.parametrize(
    "dtype, expected", [("float16", "float32"), ("bfloat16", "float32"), ("float32", "float32"), ("float64", "float64")]
)
def test_floats_of_all_widths_keep_their_values(dtype, expected, randomise):
    layer = L.Conv2D(3, 2, dtype=dtype)
    (matrix,) = weight_matrices(randomise(sequential(layer, shape=(4, 4, 2))))
    assert matrix.units().dtype == expected and all(s.dtype == expected for s in matrix.slices())
    assert np.array_equal(matrix.units(), array(layer.kernel).astype("float64").reshape(8, 3).T)


class Counts(L.Layer):
    def build(self, shape):
        self.small = self.add_weight(shape=(2, 2), name="small", dtype="int8", trainable=False)
        self.large = self.add_weight(shape=(2, 2), name="large", dtype="int32", trainable=False)

    def call(self, x):
        return x


def test_integers_keep_their_values(monkeypatch):
    monkeypatch.setattr(matrices, "_RULES", dict(matrices._RULES))
    register_rule(Counts, lambda layer: [Kernel(layer, "small"), Kernel(layer, "large")])
    model = sequential(Counts(), shape=(2,))
    model.layers[0].small.assign([[1, 2], [3, -128]])
    model.layers[0].large.assign([[1, 2], [3, 2**24 + 1]])
    small, large = weight_matrices(model)
    assert small.units().dtype == "float32" and small.units().tolist() == [[1, 3], [2, -128]]
    assert large.units().dtype == "float64" and large.units().tolist() == [[1, 3], [2, 2**24 + 1]]


def test_with_lora_the_kernel_is_the_one_that_the_layer_computes_with(randomise):
    layers = [
        L.Dense(4, use_bias=False, name="dense"),
        L.EinsumDense("ab,bc->ac", 3, name="einsum"),
        L.Dense(2, name="rest"),
    ]
    model = sequential(*layers, shape=(5,))
    for layer in layers[:2]:
        layer.enable_lora(2)
    randomise(model)
    found = by_path(model)
    assert np.allclose(found["dense/kernel"].units().T, array(layers[0](np.eye(5))), rtol=1e-5, atol=1e-5)
    assert not np.allclose(found["dense/kernel"].units().T, array(variable_paths(model)["dense/kernel"]))
    factors = [m for m in found.values() if m.reason is not None]
    assert [m.path for m in factors] == [f"{name}/lora_kernel_{f}" for name in ("dense", "einsum") for f in "ab"]
    assert {m.reason for m in factors} == {"a low-rank factor of LoRA: the product is part of the layer's kernel"}
    check_coverage_of = {m.path for m in found.values() if m.reason is None}
    assert check_coverage_of == {"dense/kernel", "einsum/kernel", "rest/kernel"}


def test_int8_kernels_are_read_by_their_scales_and_others_have_a_reason(randomise):
    def build():
        stack = [
            L.Embedding(7, 6, name="words"),
            L.Dense(4, name="dense"),
            L.EinsumDense("abc,cd->abd", (5, 3), name="einsum"),
        ]
        return randomise(sequential(*stack, shape=(5,)))

    plain, model = by_path(build()), build()
    for layer in model.layers:
        layer.quantize("int8")
    found = by_path(model)
    for path in ("words/embeddings", "dense/kernel"):
        largest = np.abs(plain[path].units()).max()
        assert np.abs(found[path].units() - plain[path].units()).max() <= 0.51 * largest / 127
    assert found["einsum/kernel"].reason == "quantised to int8: analyse the model before it is quantised"
    assert len(found) == 3


def test_other_quantised_layers_have_a_reason():
    model = sequential(L.Dense(4, name="dense"), shape=(6,))
    model.layers[0].quantize("int4")
    assert listed(model) == [("dense/kernel", "dense", "quantised to int4: analyse the model before it is quantised")]
    model = sequential(L.Dense(4, name="dense"), shape=(6,))
    model.layers[0].quantize("int8")
    model.layers[0].enable_lora(2)
    reason = "quantised to int8 and adapted by LoRA: analyse the model before it is quantised"
    assert listed(model)[0] == ("dense/kernel", "dense", reason)


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


def test_an_unknown_view_raises_at_once():
    model = sequential(L.Dense(3), shape=(4,))
    for call in (weight_matrices, lambda model, view: matching_initial(model, model, view)):
        with pytest.raises(ValueError, match="`view` must be one of taps, filters, operator. Received: view='fft'"):
            call(model, "fft")


def test_a_model_that_is_not_built_raises_at_once():
    with pytest.raises(ValueError, match="`model` must be built.*Received: 'raw'"):
        weight_matrices(keras.Sequential([L.Dense(3)], name="raw"))


def test_a_model_without_weights_has_no_records():
    assert listed(sequential(L.ReLU(), shape=(4,))) == []


# Pruned layers.


def test_pruned_units_are_zero_rows(randomise):
    kept = np.array([True, False, True])
    stack = [PruneUnits(L.Conv2D(3, 2, name="conv"), mask=kept), PruneUnits(L.BatchNormalization(name="bn"), mask=kept)]
    model = randomise(sequential(*stack, shape=(4, 4, 2)))
    conv, bn = weight_matrices(model)
    assert conv.mask().shape == conv.units().shape == (3, 8) and np.array_equal(conv.mask().all(axis=1), kept)
    assert np.array_equal(conv.mask().any(axis=1), kept)
    kernel = array(model.layers[0].layer.kernel).reshape(8, 3).T
    assert np.array_equal(conv.units(), np.where(conv.mask(), kernel, 0)) and kernel[1].any()
    assert all(not s[:, 1].any() and s[:, 0].any() for s in conv.slices())
    assert bn.reason.startswith("no kernel") and (conv.path, bn.path) == ("conv/kernel", "bn")


def test_pruned_weights_are_zero_in_all_views(randomise, rng):
    layer = PruneWeights(L.Conv2D(3, 2, name="conv"))
    model = randomise(sequential(layer, shape=(4, 4, 2)))
    found = {view: next(weight_matrices(model, view)) for view in VIEWS}
    assert all(m.mask().all() for m in found.values())
    kept = rng.random(layer.layer.kernel.shape) < 0.5
    layer.mask = kept
    randomise(model)  # whatever is stored in pruned places
    kernel = np.where(kept, array(layer.layer.kernel), 0)
    assert np.array_equal(found["taps"].mask(), kept.reshape(8, 3).T)
    assert np.array_equal(found["taps"].units(), kernel.reshape(8, 3).T)
    assert np.array_equal(np.stack(found["taps"].slices()), kernel.reshape(4, 2, 3))
    assert np.isclose((found["operator"].singular_values() ** 2).sum(), 16 * (kernel**2).sum(), rtol=1e-5)


def test_masks_of_parts(randomise, rng):
    inputs = keras.Input((6, 5))
    heads = PruneUnits(L.MultiHeadAttention(3, 4, name="attention"), mask=np.array([True, False, True]))
    both = PruneWeights(L.Bidirectional(L.LSTM(2, name="lstm"), name="both"))
    each = PruneWeights(L.EinsumDense("abc,bcd->abd", (6, 3), name="each"))
    separable = PruneUnits(L.SeparableConv1D(3, 2, name="separable"))
    outputs = [heads(inputs, inputs), both(inputs), each(inputs), separable(inputs)]
    model = randomise(keras.Model(inputs, outputs))
    for wrapper in (both, each):
        wrapper.mask = {n: rng.random(m.shape) < 0.5 for n, m in wrapper.masks.items()}
    found = by_path(model)
    assert [found[f"attention/query/kernel[head {i}]"].mask().all() for i in range(3)] == [True, False, True]
    assert found["attention/query/kernel"].mask().sum() == found["attention/attention_output/kernel"].mask().sum() == 40
    assert not found["attention/attention_output/kernel[head 1]"].units().any()
    masks = dict(both.masks)
    name = next(name for name in masks if "forward" in name and name.endswith("recurrent_kernel"))
    gate = found["both/forward_lstm/lstm_cell/recurrent_kernel[cell]"]
    assert np.array_equal(gate.mask(), masks[name][:, 4:6].T)
    assert np.array_equal(found["each/kernel"].mask(), each.mask.swapaxes(1, 2).reshape(18, 5))
    assert found["separable/depthwise_kernel"].mask is None and found["separable/pointwise_kernel"].mask().all()
    for matrix in found.values():
        assert matrix.mask is None or not matrix.units()[~matrix.mask()].any()


# The initial copy.


def unnamed():
    return keras.Sequential([keras.Input((6, 6, 2)), L.Conv2D(4, 3), L.BatchNormalization(), L.Flatten(), L.Dense(3)])


def named(filters=4, last="logits"):
    stack = [L.Conv2D(filters, 3, name="conv"), L.BatchNormalization(name="bn"), L.Flatten(), L.Dense(3, name=last)]
    return sequential(*stack, shape=(6, 6, 2))


def check_pairs(model, initial, kernels):
    """`kernels`: {path: the initial kernel as it is expected}."""
    paired = matching_initial(model, initial)
    here = {m.path: m for m in weight_matrices(model) if m.reason is None}
    assert list(paired) == list(here) == list(kernels)
    for path, matrix in paired.items():
        assert np.array_equal(matrix.units(), kernels[path].reshape(-1, kernels[path].shape[-1]).T)
        assert (matrix.kind, matrix.view, matrix.layer) == (here[path].kind, here[path].view, here[path].layer)
        assert [s.shape for s in matrix.slices()] == [s.shape for s in here[path].slices()]


def kernels_of(model, paths=("conv/kernel", "logits/kernel")):
    arrays = [value for path, value in variable_arrays(model).items() if path.endswith("kernel")]
    return dict(zip(paths, arrays, strict=True))


def test_the_initial_copy_is_a_model_or_its_arrays_or_a_ticket(randomise):
    model, initial = randomise(named(), 1), randomise(named(), 2)
    arrays = variable_arrays(initial)
    for given in (initial, arrays, SimpleNamespace(variables=arrays), kernels_of(initial)):
        check_pairs(model, given, kernels_of(initial))
        with pytest.raises(ValueError, match="read-only"):
            matching_initial(model, given)["logits/kernel"].units()[:] = 0


def test_layers_that_keras_numbered_on_are_found_by_their_order(randomise):
    model, initial = randomise(unnamed(), 1), randomise(unnamed(), 2)
    here = [m.path for m in weight_matrices(model) if m.reason is None]
    assert here[0] not in variable_paths(initial)
    check_pairs(model, initial, kernels_of(initial, here))


def test_layers_of_the_same_names_are_found_by_them(randomise):
    stacks = [[L.Dense(3, name=name) for name in names] for names in (("a", "b"), ("b", "a"))]
    model, initial = (randomise(sequential(*stack, shape=(3,)), i) for i, stack in enumerate(stacks))
    paired = matching_initial(model, initial)
    assert np.array_equal(paired["a/kernel"].units(), array(initial.get_layer("a").kernel).T)


def test_the_initial_weights_of_a_pruned_model_are_pruned_too(randomise):
    kept = np.array([True, False, True, True])
    conv = PruneUnits(L.Conv2D(4, 3, name="conv"), mask=kept)
    model = randomise(sequential(conv, L.Flatten(), L.Dense(3, name="logits"), shape=(6, 6, 2)), 1)
    stack = [L.Conv2D(4, 3, name="conv"), L.Flatten(), L.Dense(3, name="logits")]
    plain = randomise(sequential(*stack, shape=(6, 6, 2)), 2)
    pruned = kernels_of(plain)
    pruned["conv/kernel"] = np.where(kept, pruned["conv/kernel"], 0)
    for given in (plain, variable_arrays(plain)):
        check_pairs(model, given, pruned)
    assert np.array_equal(matching_initial(model, plain)["conv/kernel"].mask().all(axis=1), kept)
    check_pairs(plain, model, kernels_of(model) | {"conv/kernel": np.where(kept, array(conv.layer.kernel), 0)})


def test_with_lora_the_initial_kernel_is_computed_too(randomise):
    def build(seed):
        model = sequential(L.Dense(4, use_bias=False, name="dense"), shape=(5,))
        model.layers[0].enable_lora(2)
        return randomise(model, seed)

    model, initial = build(1), build(2)
    answer = array(initial(np.eye(5)))
    for given in (initial, variable_arrays(initial)):
        units = matching_initial(model, given)["dense/kernel"].units()
        assert np.allclose(units.T, answer, rtol=1e-5, atol=1e-5)
    assert not np.allclose(array(model(np.eye(5))), answer)


@pytest.mark.parametrize(
    "initial, message",
    [
        (lambda: named(filters=5), r"conv2d 'conv/kernel' of shape \(3, 3, 2, 5\) in place of conv2d 'conv/kernel' of"),
        (
            lambda: sequential(L.Dense(3, name="x"), shape=(4,)),
            "dense 'x/kernel' of shape .* in place of conv2d 'conv/ke",
        ),
        (lambda: sequential(*named().layers[:2], shape=(6, 6, 2)), "nothing in place of dense 'logits/kernel'"),
        (
            lambda: sequential(*named().layers, L.Dense(2, name="more"), shape=(6, 6, 2)),
            "'more/kernel' .* place of nothing",
        ),
        (
            lambda: variable_arrays(named(filters=5)),
            r"'conv/kernel' has shape \(3, 3, 2, 5\), in `model` shape \(3, 3, 2, 4\)",
        ),
        (lambda: {"conv/kernel": np.zeros((3, 3, 2, 4))}, "'logits/kernel' has no array, in `model` shape"),
        (
            lambda: variable_arrays(named()) | {"more/kernel": np.zeros(2)},
            r"'more/kernel' has shape \(2,\), in `model` no such",
        ),
        (lambda: variable_arrays(named(last="other")), "'logits/kernel' has no array"),
    ],
)
def test_another_architecture_raises_and_names_the_first_path_that_differs(initial, message):
    with pytest.raises(ValueError, match=f"`initial` must have the architecture of `model`. Received: .*{message}"):
        matching_initial(named(), initial())


@pytest.mark.parametrize("initial", [3, [np.zeros(2)], "init.keras"])
def test_what_is_no_initial_copy_raises(initial):
    with pytest.raises(ValueError, match="`initial` must be a model, {variable path: array} or a Ticket. Received: "):
        matching_initial(named(), initial)


JAX = """
import keras, numpy as np
from keras import layers as L
from keras.ops import convert_to_numpy as array
from tfredundancy.inspection.matrices import matching_initial, weight_matrices
from tfredundancy.layers import PruneUnits, PruneWeights
from tfredundancy.paths import variable_arrays
assert keras.backend.backend() == "jax"
conv = PruneUnits(L.Conv1D(6, 3, padding="same", name="conv"), mask=np.arange(6) < 4)
model = keras.Sequential([keras.Input((8, 4)), conv, PruneWeights(L.Dense(1, name="logit"))])
model.compile("sgd", "mse")
initial = variable_arrays(model)
seen = []

class Look(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        seen.append({m.path: m.units() for m in weight_matrices(self.model)})  # views of buffers that JAX gives away

model.fit(np.ones((8, 8, 4)), np.ones((8, 8, 1)), batch_size=4, verbose=0, callbacks=[Look()])
assert len(seen) == 2 and (seen[0]["logit/kernel"] != seen[1]["logit/kernel"]).any()
found = {m.path: m for m in weight_matrices(model)}
assert np.array_equal(seen[1]["logit/kernel"], array(model.layers[1].layer.kernel).T)
assert np.array_equal(seen[1]["conv/kernel"], found["conv/kernel"].units()) and not found["conv/kernel"].units()[4:].any()
assert found["conv/kernel"].mask().all(axis=1).tolist() == [True] * 4 + [False] * 2
operator = {m.path: m for m in weight_matrices(model, "operator")}["conv/kernel"].singular_values()
assert np.isclose((operator**2).sum(), 8 * (found["conv/kernel"].units() ** 2).sum(), rtol=1e-5)
assert np.array_equal(matching_initial(model, initial)["logit/kernel"].units(), initial["logit/kernel"].T)

attention, both = L.MultiHeadAttention(2, 3, dtype="bfloat16", name="attention"), L.Bidirectional(L.LSTM(2), name="both")
attention.build((None, 8, 4), (None, 8, 4))
both.build((None, 8, 4))
inputs = keras.Input((8, 4))
model = keras.Model(inputs, both(attention(inputs, inputs)))
found = {m.path: m for m in weight_matrices(model)}
assert len(found) == 4 * 3 + 16 and found["attention/key/kernel"].units().dtype == "float32"
key = array(attention.key_dense.kernel).astype("float32")
assert np.array_equal(found["attention/key/kernel[head 1]"].units(), key[:, 1].T)
print("done")
"""


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX is not installed")
def test_it_all_works_with_jax():
    environment = os.environ | {"KERAS_BACKEND": "jax"}
    done = subprocess.run([sys.executable, "-c", JAX], env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.endswith("done\n"), done.stdout + done.stderr
