"""Law 2: pruned entries have no effect after any step of any optimizer, in any checkpoint, at any strip."""

import zipfile

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers as L
from keras import optimizers as O
from keras.ops import convert_to_numpy as array

import tfredundancy as tfr
from tfredundancy.layers import PruneUnits, PruneWeights

OPTIMIZERS = {
    "SGD": lambda: O.SGD(0.1),
    "momentum": lambda: O.SGD(0.1, momentum=0.9, weight_decay=0.1),
    "Nesterov": lambda: O.SGD(0.1, momentum=0.9, nesterov=True, clipnorm=0.5),
    "Adadelta": lambda: O.Adadelta(1.0),
    "Adafactor": lambda: O.Adafactor(0.1, weight_decay=0.1),
    "Adagrad": lambda: O.Adagrad(0.1),
    "Adam": lambda: O.Adam(0.1),
    "Adam, amsgrad": lambda: O.Adam(0.1, amsgrad=True, global_clipnorm=1.0, clipvalue=None),
    "AdamW": lambda: O.AdamW(0.1, weight_decay=0.1),
    "Adamax": lambda: O.Adamax(0.1),
    "Ftrl": lambda: O.Ftrl(0.1),
    "Ftrl, regularised": lambda: O.Ftrl(0.1, l2_shrinkage_regularization_strength=0.01, beta=0.1),
    "Lamb": lambda: O.Lamb(0.1, weight_decay=0.1),
    "Lion": lambda: O.Lion(0.01, weight_decay=0.1),
    "Muon": lambda: O.Muon(0.1),
    "Nadam": lambda: O.Nadam(0.1),
    "RMSprop": lambda: O.RMSprop(0.1, momentum=0.9, centered=True),
    "ScheduleFreeAdamW": lambda: O.ScheduleFreeAdamW(0.1),
    "LossScaleOptimizer": lambda: O.LossScaleOptimizer(O.Adam(0.1), dynamic_growth_steps=3),
    "MultiOptimizer": lambda: O.MultiOptimizer(O.OptimizerMap(O.SGD(0.1, momentum=0.9), {".*kernel": O.Adam(0.1)})),
    "average": lambda: O.SGD(0.1, momentum=0.9, use_ema=True, ema_momentum=0.5),
    "average, overwriting": lambda: O.Adam(0.1, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=2),
    "accumulation": lambda: O.SGD(0.1, momentum=0.9, gradient_accumulation_steps=2),
    "Muon, average, accumulation": lambda: O.Muon(
        0.1, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=2, gradient_accumulation_steps=2
    ),
}
MIXING = {"Muon", "Muon, average, accumulation"}  # the entries of a kernel influence one another
SCALES = ("Adafactor", "Ftrl", "Ftrl, regularised")  # some of their slots divide gradients, and are not zero
X = np.random.default_rng(0).normal(size=(8, 5)).astype("float32")
Y = np.random.default_rng(1).normal(size=(8, 3)).astype("float32")
UNITS = np.array([True, False, True, False])
WEIGHTS = np.array([[1, 0, 1], [1, 1, 0], [0, 1, 1], [1, 1, 1]], bool)
MASKS = {"units": UNITS, "bn": UNITS, "weights/kernel": WEIGHTS}


def build(optimizer):
    """Return a net of 39 weights: units and a normalisation pruned by units, then a layer pruned by weights."""
    model = keras.Sequential(
        [
            keras.Input((5,)),
            PruneUnits(L.Dense(4, name="units", bias_initializer="ones")),
            PruneUnits(L.BatchNormalization(name="bn", beta_initializer="ones")),
            L.Activation("tanh"),
            PruneWeights(L.Dense(3, name="weights")),
        ]
    )
    model.compile(optimizer, "mse")
    return model


def step(model):
    """Take one step, eagerly: tracing 24 optimizers would take minutes."""
    with tf.GradientTape() as tape:
        loss = model.optimizer.scale_loss(tf.reduce_mean((model(X, training=True) - Y) ** 2))
    gradients = tape.gradient(loss, [variable.value for variable in model.trainable_variables])
    model.optimizer.apply(gradients, model.trainable_variables)


def assert_without_effect(model):
    """What the layers compute, whatever is stored."""
    units, bn, _, weights = model.layers
    assert not array(units(X))[:, ~UNITS].any()
    for training in (False, True):
        assert not array(bn(units(X), training=training))[:, ~UNITS].any()
    rest = array(weights(np.zeros((1, 4), "float32")))
    assert not (array(weights(np.eye(4, dtype="float32"))) - rest)[~WEIGHTS].any()


def pruned_entries(model):
    units, bn, _, weights = (getattr(layer, "layer", layer) for layer in model.layers)
    masked = [array(units.kernel)[:, ~UNITS], array(weights.kernel)[~WEIGHTS]]
    masked += [array(variable)[~UNITS] for variable in (units.bias, bn.gamma, bn.beta)]
    return np.concatenate([entries.ravel() for entries in masked])


def pruned_slots(name, model):
    """Entries of optimizer variables, found by their shapes: (5, 4), (4, 3), (4,) occur with one meaning each."""
    masks = {(5, 4): np.broadcast_to(UNITS, (5, 4)), (4, 3): WEIGHTS, (4,): UNITS}
    slots = [] if name in SCALES else [v for v in model.optimizer.variables if tuple(v.shape) in masks]
    return np.concatenate([np.zeros(0), *(array(v)[~masks[tuple(v.shape)]] for v in slots)])


def stored_kernels(file):
    """Return every kernel of a weights file by its shape."""
    kernels = {}

    def visit(path, entry):
        if isinstance(entry, h5py.Dataset) and path.startswith("layers") and entry.dtype != bool and entry.ndim == 2:
            kernels[entry.shape] = entry[()]

    with h5py.File(file) as opened:
        opened.visititems(visit)
    return kernels


def assert_file_holds_zeros(file):
    kernels = stored_kernels(file)
    assert not kernels[5, 4][:, ~UNITS].any() and kernels[5, 4][:, UNITS].all()
    assert not kernels[4, 3][~WEIGHTS].any() and kernels[4, 3][WEIGHTS].all()


def test_every_optimizer_of_keras_is_here():
    classes = {
        name
        for name, value in vars(O).items()
        if isinstance(value, type) and issubclass(value, O.Optimizer) and value is not O.Optimizer
    }
    assert classes == {type(make()).__name__ for make in OPTIMIZERS.values()}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_pruned_entries_have_no_effect_after_every_step(name, tmp_path):
    model = build(OPTIMIZERS[name]())
    for _ in range(3):
        step(model)
    if name not in ("SGD", *SCALES):
        assert pruned_slots(name, model).any()  # there is a momentum that could move the weights
    assert pruned_entries(model).all()
    tfr.set_masks(model, MASKS)
    assert not pruned_entries(model).any() and not pruned_slots(name, model).any()
    kept = array(model.layers[0].layer.kernel)
    for _ in range(4):
        step(model)
        assert_without_effect(model)
        if name not in MIXING:
            assert not pruned_entries(model).any() and not pruned_slots(name, model).any()
    assert np.isfinite(kept).all() and (array(model.layers[0].layer.kernel)[:, UNITS] != kept[:, UNITS]).any()
    model.optimizer.finalize_variable_values(model.trainable_variables)
    assert_without_effect(model)

    stripped = tfr.strip_pruning(model)
    assert not pruned_entries(stripped).any() and not [layer for layer in stripped.layers if hasattr(layer, "mask")]
    model.save_weights(tmp_path / "net.weights.h5")
    assert_without_effect(model)
    assert_file_holds_zeros(tmp_path / "net.weights.h5")


def test_muon_really_moves_the_stored_numbers_and_files_hold_zeros(tmp_path):
    model = build(O.Muon(0.1))
    tfr.set_masks(model, MASKS)
    for _ in range(3):
        step(model)
    assert pruned_entries(model).any()
    assert_without_effect(model)
    assert not pruned_entries(tfr.strip_pruning(model)).any()
    model.save(tmp_path / "net.keras")
    with zipfile.ZipFile(tmp_path / "net.keras") as archive:
        archive.extract("model.weights.h5", tmp_path)
    assert_file_holds_zeros(tmp_path / "model.weights.h5")
    loaded = keras.models.load_model(tmp_path / "net.keras")
    assert not pruned_entries(loaded).any()
    step(loaded)
    assert_without_effect(loaded)


LOOKING_AT_STORED_NUMBERS = {
    "L2": {"kernel_regularizer": keras.regularizers.L2(0.1), "bias_regularizer": "l1"},
    "orthogonal": {"kernel_regularizer": keras.regularizers.OrthogonalRegularizer(0.1)},
    "norm": {"kernel_constraint": keras.constraints.MaxNorm(0.5), "bias_constraint": keras.constraints.UnitNorm()},
}


@pytest.mark.parametrize("looking", LOOKING_AT_STORED_NUMBERS)
@pytest.mark.parametrize(
    "wrapper, mask",
    [(PruneUnits, [True, False, True]), (PruneWeights, np.arange(15).reshape(5, 3) % 2 > 0)],
    ids=["units", "weights"],
)
def test_regularisers_and_constraints_see_pruned_entries_as_zero(looking, wrapper, mask):
    def trained(stored):
        layer = wrapper(L.Dense(3, **LOOKING_AT_STORED_NUMBERS[looking]), mask=np.array(mask))
        model = keras.Sequential([keras.Input((5,)), layer])
        model.compile(O.SGD(0.1), "mse")
        draw = np.random.default_rng(0)
        for variable, kept in layer.kept():
            variable.assign(np.where(kept, draw.normal(size=variable.shape), stored))
        losses = [float(sum(model.losses, 0.0))]
        for _ in range(2):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((model(X, training=True) - Y) ** 2) + sum(model.losses)
            gradients = tape.gradient(loss, [variable.value for variable in model.trainable_variables])
            model.optimizer.apply(gradients, model.trainable_variables)
            losses.append(float(loss))
        return losses, [np.where(kept, array(variable), 0) for variable, kept in layer.kept()]

    losses, kernels = trained(stored=0.0)
    others, other_kernels = trained(stored=3.0)
    assert losses == others and (looking == "norm" or losses[0] > 0)
    for kernel, other in zip(kernels, other_kernels, strict=True):
        np.testing.assert_array_equal(kernel, other)


@pytest.mark.parametrize("name", ["Muon, average, accumulation", "LossScaleOptimizer"])
def test_the_same_in_fit(name):
    class Look(keras.callbacks.Callback):
        looked = 0

        def on_train_batch_end(self, batch, logs=None):
            assert_without_effect(self.model)
            self.looked += 1

    model = build(OPTIMIZERS[name]())
    model.fit(X, Y, batch_size=4, verbose=0)
    tfr.set_masks(model, MASKS)
    look = Look()
    model.fit(X, Y, batch_size=4, epochs=2, verbose=0, callbacks=[look])
    assert_without_effect(model)
    assert look.looked == 4


@pytest.mark.parametrize("prune", [tfr.prune_weights, tfr.prune_units])
@pytest.mark.parametrize(
    "name",
    ["Adam", "average, overwriting", "accumulation", "LossScaleOptimizer", "MultiOptimizer", "ScheduleFreeAdamW"],
)
def test_a_pruned_copy_takes_the_optimizer_along_zero_where_masked(prune, name, perceptron):
    model = perceptron()
    model.compile(OPTIMIZERS[name](), "mse")
    x = np.ones((8, 4), "float32")
    gradients = [0.1 * np.ones(variable.shape, "float32") for variable in model.trainable_variables]
    for _ in range(3):
        model.optimizer.apply(gradients, model.trainable_variables)
    pruned = prune(model, 0.5)
    pairs = list(zip(model.optimizer.variables, pruned.optimizer.variables, strict=True))
    hidden = pruned.get_layer("hidden")
    mask = np.broadcast_to(hidden.mask, (4, 6))
    seen = 0
    for source, copy in pairs:
        if tuple(source.shape) == (4, 6):
            assert array(source)[~mask].any() and np.array_equal(array(copy), array(source) * mask)
            seen += 1
        elif tuple(source.shape) in ((), (3,)):
            assert np.array_equal(array(source), array(copy))
    assert seen and int(pruned.optimizer.iterations) == int(model.optimizer.iterations) > 0
    assert type(pruned.optimizer) is type(model.optimizer) and pruned.optimizer is not model.optimizer
    pruned.train_on_batch(x, np.ones((8, 3)))
    assert not array(hidden.layer.kernel)[~mask].any()
