"""The pruning core with JAX, in a process of its own: the backend is chosen when Keras is imported."""

SCRIPT = """
import keras, numpy as np
import tfredundancy as tfr
from keras import layers as L
from keras.ops import convert_to_numpy as array
assert keras.backend.backend() == "jax"
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(16, 5)).astype("float32"), rng.normal(size=(16, 3)).astype("float32")

def build(optimizer):
    layers = [L.Dense(4, name="first", kernel_regularizer="l2"), L.BatchNormalization(name="bn"), L.ReLU(),
              L.Dense(8, activation="tanh", name="hidden"), L.Dropout(0.5, seed=1, name="drop"), L.Dense(3, name="logits")]
    model = keras.Sequential([keras.Input((5,)), *layers])
    model.compile(optimizer, "mse")
    return model

def fit(model, *callbacks):
    return model.fit(X, Y, batch_size=4, shuffle=False, verbose=0, callbacks=list(callbacks)).history["loss"]

class Look(keras.callbacks.Callback):
    looked = 0
    def on_train_batch_end(self, batch, logs=None):
        masks, model = tfr.masks(self.model), self.model  # self.model synchronises what JAX keeps aside
        if "first" in masks:
            x = model.get_layer("bn")(model.get_layer("first")(X), training=False)
            assert not array(x)[..., ~masks["first"]].any() and array(x)[..., masks["first"]].any()
        else:
            layer, mask = model.get_layer("logits"), masks["logits/kernel"]
            rest = array(layer(np.zeros((1, 8), "float32")))
            effective = array(layer(np.eye(8, dtype="float32"))) - rest
            assert not effective[~mask].any() and effective[mask].any()
        self.looked += 1

class PruneInTraining(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if batch == 1:
            tfr.set_masks(self.model, tfr.choose_masks(self.model, 0.25))

for optimizer, prune in ((keras.optimizers.AdamW(0.05), tfr.prune_units), (keras.optimizers.Muon(0.05), tfr.prune_weights)):
    model = build(optimizer)
    take = tfr.callbacks.TakeTicket(2)
    fit(model, take)
    assert take.ticket.step == 2 and "drop/seed_generator_state" in take.ticket.variables
    alone = prune(model, 0.5)
    fit(alone)
    assert np.isfinite(fit(model)).all()  # JAX gives buffers away in training: a copy must have its own
    take.ticket.rewind(model)
    fit(model)
    pruned = prune(model, 0.5)
    assert pruned.compiled and int(pruned.optimizer.iterations) == 6
    take.ticket.rewind(pruned)
    look = Look()
    first = fit(pruned, look)
    assert look.looked == 4 and int(pruned.optimizer.iterations) == 6
    take.ticket.rewind(pruned)
    assert fit(pruned) == first  # law 4
    stripped = tfr.strip_pruning(pruned)
    assert np.allclose(array(stripped(X)), array(pruned(X)), atol=1e-5)
    before = tfr.masks(pruned)
    assert (array(stripped.get_layer("first").kernel) == 0).any()
    fit(pruned, PruneInTraining())
    after = tfr.masks(pruned)
    assert sum(m.sum() for m in after.values()) < sum(m.sum() for m in before.values())
    assert not any((after[path] & ~before[path]).any() for path in after)
    assert np.isfinite(fit(model)).all()

plain = keras.Sequential([keras.Input((5,)), L.Dense(3, kernel_constraint=keras.constraints.MaxNorm(0.5), name="one")])
plain.compile("adam", "mse")
constrained = tfr.prune_weights(plain, 0.5)
fit(constrained)
tfr.set_masks(constrained, tfr.choose_masks(constrained, 0.25))
fit(constrained)
kernel = array(constrained.get_layer("one").layer.kernel)
assert not kernel[~tfr.masks(constrained)["one/kernel"]].any() and np.linalg.norm(kernel, axis=0).max() < 0.501

import jax
layer = tfr.layers.PruneUnits(L.Dense(2), mask=np.array([True, False]))
layer.build((None, 3))
values = [[v.value for v in variables] for variables in (layer.trainable_variables, layer.non_trainable_variables)]
y, _ = jax.jit(layer.stateless_call)(*values, np.ones((1, 3)))
assert array(y)[0, 1] == 0 and array(y)[0, 0] != 0
fresh = tfr.lottery.ticket.Ticket.take(model)
from tfredundancy.lottery.controls import reinitialised
assert not (reinitialised(model, fresh, 1).variables["first/kernel"] == fresh.variables["first/kernel"]).any()
assert len(tfr.find_groups(model)) == 2
print("done")
"""


def test_the_pruning_core_runs_with_jax(run_with_jax):
    assert run_with_jax(SCRIPT).endswith("done\n")
