"""`PruneOnSchedule`: what is pruned and when, with tfmot's schedules and functions; what raises before the first step."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.ops import convert_to_numpy as array

import tfredundancy as tfr
from tfredundancy.callbacks import PruneOnSchedule

tfmot = pytest.importorskip("tensorflow_model_optimization").sparsity.keras

X = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
Y = np.random.default_rng(1).normal(size=(32, 3)).astype("float32")


@pytest.fixture
def build(perceptron):
    """Return a function that builds the net Dense(6) → Dense(3), compiled and wrapped; 24 + 18 weights."""

    def make(wrap=tfr.prune_units, **settings):
        model = perceptron()
        model.compile(keras.optimizers.Adam(0.01), "mse", **settings)
        return wrap(model, 1.0)

    return make


class Densities(keras.callbacks.Callback):
    """Notes the density of the weights or units, and that of the stored numbers, after every step and at the beginning."""

    def __init__(self):
        super().__init__()
        self.seen, self.stored = [], []

    def note(self):
        masks = tfr.masks(self.model)
        self.seen.append(sum(int(mask.sum()) for mask in masks.values()) / sum(mask.size for mask in masks.values()))
        kernels = [array(layer.layer.kernel) for layer in self.model.layers if hasattr(layer, "masks")]
        self.stored.append(np.mean(np.concatenate([kernel.ravel() for kernel in kernels]) != 0))

    def on_train_batch_begin(self, batch, logs=None):
        if not self.seen:
            self.note()

    def on_train_batch_end(self, batch, logs=None):
        self.note()


def fit(model, *callbacks, epochs=2, data=None, **options):
    inputs = (X, Y) if data is None else (data,)
    batch = {} if data is not None else {"batch_size": 4}
    return model.fit(*inputs, **batch, epochs=epochs, shuffle=False, verbose=0, callbacks=list(callbacks), **options)


def test_polynomial_decay_of_weights_step_by_step(build):
    schedule, look = tfmot.PolynomialDecay(0.0, 0.75, 2, 10, frequency=2), Densities()
    fit(build(tfr.prune_weights), PruneOnSchedule(schedule), look)
    expected, kept = [], 42
    for step in range(17):
        now, sparsity = schedule(step)
        if bool(now):
            kept = min(kept, int(42 * (1 - float(sparsity)) + 0.5))
        expected.append(kept / 42)
    np.testing.assert_allclose(look.seen, expected)
    np.testing.assert_allclose(look.stored[1:], expected[1:])  # exact zeros after every step, those of every batch
    assert expected[-1] == 11 / 42 and len(set(expected)) == 4  # 0.25 · 42 = 10.5, halves up


def test_constant_sparsity_of_units(build):
    look, model = Densities(), build()
    fit(model, PruneOnSchedule(tfmot.ConstantSparsity(0.5, begin_step=3, frequency=5)), look)
    assert look.seen == [1.0] * 3 + [0.5] * 14 and tfr.density(model) == {"hidden": 0.5}


@pytest.mark.parametrize("begin", [0, 16])
def test_a_function_may_prune_before_the_first_step_and_after_the_last(build, begin):
    look, model = Densities(), build()
    fit(model, PruneOnSchedule(lambda step: (step == begin, 0.5)), look)
    assert (look.seen[0], look.seen[-2]) == ((0.5, 0.5) if begin == 0 else (1.0, 1.0)) and look.seen[-1] == 0.5
    assert tfr.density(model) == {"hidden": 0.5}


def test_options_go_to_choose_masks(build):
    model = build()

    def schedule(step):
        return step == 16, 0.7

    fit(model, PruneOnSchedule(schedule, criterion="taylor", data=(X, Y), select="largest", round_to=2, min_units=2))
    assert tfr.density(model) == {"hidden": pytest.approx(1 / 3)}
    excluded = build(tfr.prune_weights)
    fit(excluded, PruneOnSchedule(schedule, exclude=["logits"]))
    assert tfr.density(excluded)["logits/kernel"] == 1 and tfr.density(excluded)["hidden/kernel"] < 1


def test_random_draws_are_a_function_of_seed_and_step(build):
    masks = []
    for seed in (1, 1, 2):
        model = build(tfr.prune_weights)
        fit(model, PruneOnSchedule(lambda step: (step % 4 == 0, step / 20 if step < 16 else 0.75), "random", seed=seed))
        masks.append(np.concatenate([mask.ravel() for mask in tfr.masks(model).values()]))
    assert np.array_equal(masks[0], masks[1]) and not np.array_equal(masks[0], masks[2])


def test_several_steps_in_one_call_miss_none(build):
    model, look = build(steps_per_execution=3), Densities()
    fit(model, PruneOnSchedule(lambda step: (step in (4, 16), 0.5)), look)
    assert tfr.density(model) == {"hidden": 0.5} and look.seen[1] == 1.0 and look.seen[2] == 0.5


def test_a_training_that_goes_on_goes_on_in_the_schedule(build):
    schedule = tfmot.PolynomialDecay(0.0, 0.5, 0, 30, frequency=5)
    once, twice = build(tfr.prune_weights), build(tfr.prune_weights)
    twice.set_weights(once.get_weights())
    fit(once, PruneOnSchedule(schedule), epochs=4)
    first = PruneOnSchedule(
        lambda step: (bool(schedule(step)[0]), min(float(schedule(step)[1]), schedule_at(schedule, 15)))
    )
    fit(twice, first, epochs=2)
    fit(twice, PruneOnSchedule(schedule), epochs=4, initial_epoch=2)
    assert all(np.array_equal(mask, tfr.masks(twice)[path]) for path, mask in tfr.masks(once).items())
    assert sum(int(mask.sum()) for mask in tfr.masks(once).values()) == 21
    fit(twice, PruneOnSchedule(schedule), epochs=1)  # beyond the end of the schedule: nothing is left to do
    assert sum(int(mask.sum()) for mask in tfr.masks(twice).values()) == 21


def schedule_at(schedule, step):
    return float(schedule(step)[1])


def test_backup_and_restore_goes_on_in_the_schedule(build, tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    reference = build(tfr.prune_weights)
    model = build(tfr.prune_weights)
    model.set_weights(reference.get_weights())

    def final(step):
        return step % 4 == 0, min(step, 24) / 32

    fit(reference, PruneOnSchedule(final), epochs=3)
    backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
    with pytest.raises(KeyboardInterrupt):
        fit(model, PruneOnSchedule(final), backup, Stop(), epochs=3)
    again = build(tfr.prune_weights)
    fit(again, PruneOnSchedule(final), keras.callbacks.BackupAndRestore(tmp_path / "backup"), epochs=3)
    assert all(np.array_equal(mask, tfr.masks(again)[path]) for path, mask in tfr.masks(reference).items())
    assert sum(int(mask.sum()) for mask in tfr.masks(again).values()) == 11


def test_what_was_pruned_stays_pruned(build):
    model = tfr.prune_units(build(), 0.5)
    look = Densities()
    fit(model, PruneOnSchedule(tfmot.PolynomialDecay(0.0, 4 / 6, 0, 16, frequency=4)), look)
    assert look.seen[0] == 0.5 and look.seen[7] == 0.5 and tfr.density(model) == {"hidden": pytest.approx(2 / 6)}
    assert sorted(look.seen, reverse=True) == look.seen


# --- before the first step -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "schedule, message",
    [
        # tfmot's own callback prunes nothing here, and says nothing
        (
            tfmot.PolynomialDecay(0.0, 0.8, 0, 40, frequency=100),
            r"would not prune to its final sparsity 0.8 within the training, which goes from step 0 to 16: .*"
            r"PolynomialDecay\(.*end_step=40, frequency=100",
        ),
        (tfmot.PolynomialDecay(0.0, 0.5, 0, 100, frequency=1), "final sparsity 0.5 within"),
        (tfmot.PolynomialDecay(0.0, 0.5, 0, 15, frequency=4), "final sparsity 0.5 within"),  # asked last at 12 of 15
        (tfmot.ConstantSparsity(0.5, begin_step=17), "final sparsity 0.5 within"),
        (lambda step: (False, 0.5), r"final sparsity 0.5 within.*Received: <lambda>"),
        (lambda step: (True, min(1, step / 17)), "final sparsity 1 within"),
        (lambda step: (True, 1.5), r"must give sparsities in \[0, 1\]. Received: 1.5 at step"),
    ],
)
def test_a_final_sparsity_out_of_reach_raises_before_training(build, schedule, message):
    model = build()
    before = array(model.get_layer("logits").kernel)
    with pytest.raises(ValueError, match=message):
        fit(model, PruneOnSchedule(schedule))
    assert int(model.optimizer.iterations) == 0 and np.array_equal(before, array(model.get_layer("logits").kernel))
    assert tfr.density(model) == {"hidden": 1.0}


@pytest.mark.parametrize("end", [16, -1])
def test_a_schedule_that_just_reaches_it_does_not(build, end):
    model = build()
    fit(model, PruneOnSchedule(tfmot.ConstantSparsity(0.5, begin_step=16, end_step=end, frequency=7)))
    assert tfr.density(model) == {"hidden": 0.5}


def test_an_unknown_length_names_steps_per_epoch(build):
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(4).filter(lambda x, y: True)
    schedule = tfmot.ConstantSparsity(0.5, begin_step=2)
    model = build()
    with pytest.raises(ValueError, match="pass `steps_per_epoch` to fit"):
        fit(model, PruneOnSchedule(schedule), data=data)
    assert int(model.optimizer.iterations) == 0
    fit(model, PruneOnSchedule(schedule), data=data.repeat(), steps_per_epoch=4, epochs=1)
    assert tfr.density(model) == {"hidden": 0.5}


def test_an_unwrapped_model_is_told_how_to_wrap_it(perceptron):
    model = perceptron()
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"tfr.prune_units\(model, 1.0\)"):
        fit(model, PruneOnSchedule(tfmot.ConstantSparsity(0.5, 0)))
    assert int(model.optimizer.iterations) == 0


@pytest.mark.parametrize(
    "options, message",
    [
        ({"criterion": "l7"}, "`criterion` must be one of"),
        ({"criterion": "taylor"}, "`data` with labels is what criterion 'taylor'"),
        ({"exclude": ["none"]}, "`exclude` has a pattern that matches no layer"),
    ],
)
def test_wrong_options_raise_before_the_first_step_though_the_schedule_begins_late(build, options, message):
    model = build()
    with pytest.raises(ValueError, match=message):
        fit(model, PruneOnSchedule(tfmot.ConstantSparsity(0.5, begin_step=16), **options))
    assert int(model.optimizer.iterations) == 0


def test_wrong_arguments_raise_at_once():
    with pytest.raises(ValueError, match="`pruning_schedule` must be a function step → .* Received: 0.5"):
        PruneOnSchedule(0.5)
    with pytest.raises(ValueError, match="`scope` must be one of global, layer"):
        PruneOnSchedule(tfmot.ConstantSparsity(0.5, 0), scope="model")


SCRIPT = """
import sys
import keras, numpy as np
import tfredundancy as tfr
assert keras.backend.backend() == "jax"
X, Y = np.random.default_rng(0).normal(size=(32, 4)).astype("float32"), np.arange(32) % 3
layers = [keras.layers.Dense(8, activation="relu", name="hidden"), keras.layers.Dense(3, name="logits")]
model = keras.Sequential([keras.Input((4,)), *layers])
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
model = tfr.prune_units(model, 1.0)
seen = []

class Look(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        kernel, mask = self.model.get_layer("hidden").layer.kernel, tfr.masks(self.model)["hidden"]
        assert not np.asarray(kernel)[:, ~mask].any()
        seen.append(int(mask.sum()))

prune = tfr.callbacks.PruneOnSchedule(lambda step: (step % 2 == 0, min(step / 8, 0.75)), "taylor", data=(X, Y))
model.fit(X, Y, batch_size=4, verbose=0, callbacks=[prune, Look()])
assert seen == [8, 6, 6, 4, 4, 2, 2, 2], seen
plain = keras.Sequential([keras.Input((4,)), *[type(l).from_config(l.get_config()) for l in layers]])
plain.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
for criterion in ("taylor", "apoz", "geometric_median", "similarity"):
    assert tfr.density(tfr.prune_units(plain, 0.5, criterion, data=(X, Y))) == {"hidden": 0.5}
from tfredundancy.pruning.scoring import Evidence, unit_scores
w, b, v, c = (np.asarray(x, "float64") for x in plain.get_weights())
hidden = np.maximum(X @ w + b, 0)
logits = hidden @ v + c
p = np.exp(logits - logits.max(1, keepdims=True)); p /= p.sum(1, keepdims=True)
delta = ((p - np.eye(3)[Y]) @ v.T) * (hidden > 0) / 32
products = (w * (X.T @ delta)).sum(0) + b * delta.sum(0)
found = unit_scores(plain, list(tfr.find_groups(plain)), "taylor", Evidence(data=(X, Y)))["hidden"]
np.testing.assert_allclose(found, products**2, rtol=1e-3)
table = tfr.sensitivity(plain, (X, Y), densities=(0.5, 0.25))
assert table.density.tolist() == [1.0, 0.5, 0.25] and "tensorflow_model_optimization" not in sys.modules
print("done")
"""


def test_it_runs_with_jax_and_without_tfmot(run_with_jax):
    assert run_with_jax(SCRIPT).endswith("done\n")
