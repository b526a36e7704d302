"""The loop where TensorFlow can not be imported: levels, kill and resume, law 4, mixed precision."""

SCRIPT = """
import sys
sys.modules["tensorflow"] = None  # importing it fails
import keras, numpy as np
from tfredundancy import prune_weights
from tfredundancy.datasets import Augmentation, Splits, load
from tfredundancy.lottery import Observer, Trainer, levels

digits = load("digits")
train = tuple(array[:200] for array in digits.train)
augmentation = Augmentation(flip=True, pad=1)
data = Splits.from_arrays(train, digits.validation, digits.test, augmentation=augmentation)

def net(optimizer, dtype=None):
    layers = [
        keras.Input((8, 8, 1)),
        keras.layers.Flatten(),
        keras.layers.Dense(6, activation="relu", name="hidden", dtype=dtype),
        keras.layers.BatchNormalization(name="bn", dtype=dtype),
        keras.layers.Dropout(0.2, name="dropout"),
        keras.layers.Dense(10, name="logits", dtype=dtype),
    ]
    model = keras.Sequential(layers)
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model

class Mortal(Observer):
    def __init__(self, moments):
        self.left = moments

    def advance(self, steps, text):
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt

plan = dict(steps=16, keep=0.5, rewind_to=4, batch_size=20, evaluate_every=8)
model = net("adam")
whole = list(levels(model, data, levels=2, arms=["rewind", "reinit", "finetune"], **plan))
assert [record.density for record in whole[1::3]] == [0.5, 0.25]
for moments in (11, 10**6):
    try:
        run = levels(
            model, data, levels=2, arms=["rewind", "reinit", "finetune"], directory=sys.argv[1],
            checkpoint_every=0.0, observer=Mortal(moments), **plan,
        )
        again = list(run)
    except KeyboardInterrupt:
        assert moments < 10**6
assert again == whole

dense, rewound = levels(model, data, levels=1, arms=["rewind"], **plan | {"keep": 1.0})
assert rewound.curve[2:] == dense.curve[2:] and rewound.test_accuracy == dense.test_accuracy
assert rewound.validation_loss == dense.validation_loss

ends = []
for dtype, optimizer in (
    ("float32", keras.optimizers.SGD(0.1)),
    ("mixed_float16", keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1), initial_scale=256.0)),
):
    keras.utils.set_random_seed(0)
    trainer = Trainer(prune_weights(net(optimizer, dtype), 0.5), data, batch_size=20)
    start = np.array(trainer.model.trainable_variables[0])
    trainer.run(0, 20, 0, lambda steps: np.full(len(steps), 0.01))
    assert trainer.traces == 1
    ends.append(np.array(trainer.model.trainable_variables[0]) - start)
assert np.abs(ends[0]).max() > 1e-3
np.testing.assert_allclose(ends[1], ends[0], atol=0.1 * np.abs(ends[0]).max())
"""


def test_the_loop_runs_with_jax(run_with_jax, tmp_path):
    run_with_jax(SCRIPT, tmp_path)
