"""Every kernel of a model is analysed or has a reason; what the records hold, against the layers' own arrays and answers."""

import inspect
import re
import tracemalloc
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers as L
from keras.ops import convert_to_numpy as array

from tfredundancy.inspection import kernels
from tfredundancy.inspection.kernels import Kernel, register_rule
from tfredundancy.inspection.matrices import VIEWS, matching_initial, weight_matrices
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


def check_family(name, size, analysed, check_coverage):
    model = getattr(keras.applications, name)(weights=None, include_top=False, input_shape=(size, size, 3))
    check_coverage(model, analysed)
    reasons = {m.reason for m in weight_matrices(model)} - {None}
    assert all(reason.startswith("no kernel: ") for reason in reasons), reasons
    keras.backend.clear_session()


@pytest.mark.parametrize("name", FAMILIES)
def test_every_kernel_of_the_families_of_applications(name, check_coverage):
    check_family(name, *FAMILIES[name], check_coverage)


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE_FAMILIES)
def test_every_kernel_of_the_large_families_of_applications(name, check_coverage):
    check_family(name, *LARGE_FAMILIES[name], check_coverage)


def test_no_family_of_applications_is_left_out():
    def plain(name):
        return re.sub(r"[\d_]", "", name.lower())

    folders = [name for name, value in vars(keras.applications).items() if inspect.ismodule(value)]
    names = [plain(name) for name in FAMILIES | LARGE_FAMILIES]
    left = {folder for folder in folders if not any(name.startswith(plain(folder)) for name in names)}
    assert left <= {"imagenet_utils", "src"} and len(folders) > 10


# Models within models, layers that share.


def test_nested_and_shared_layers_have_one_record_under_their_path(check_coverage):
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


# Layers without a kernel.


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
    monkeypatch.setattr(kernels, "_RULES", dict(kernels._RULES))
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


# What is asked for.


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


def check_pairs(model, initial, expected):
    """`expected`: {path: the initial kernel}."""
    paired = matching_initial(model, initial)
    here = {m.path: m for m in weight_matrices(model) if m.reason is None}
    assert list(paired) == list(here) == list(expected)
    for path, matrix in paired.items():
        assert np.array_equal(matrix.units(), expected[path].reshape(-1, expected[path].shape[-1]).T)
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


def test_it_all_works_with_jax(run_with_jax):
    assert run_with_jax(JAX).endswith("done\n")
