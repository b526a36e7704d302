"""The compiled loop of steps against a naive twin, and what it promises: one trace, any chunking, padded evaluation."""

from contextlib import contextmanager

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfredundancy import masks, prune_weights, set_masks
from tfredundancy.datasets import batch_indices, draws
from tfredundancy.lottery import Ticket, Trainer

BATCH = 20
L2 = 1e-2
OPTIMIZERS = {
    "sgd": lambda **options: keras.optimizers.SGD(0.1, momentum=0.9, **options),
    "adam": lambda **options: keras.optimizers.Adam(0.01, **options),
}


def falling(steps):
    return 0.05 / (1 + steps / 10)


def pruned_net(digits_net, name="sgd", **settings):
    keras.utils.set_random_seed(0)
    return prune_weights(digits_net(OPTIMIZERS[name](), **settings), 0.6)


# the naive twin: NumPy and plain TensorFlow, one step after the other


def naive_batch(data, seed, step):
    """Pad, crop and mirror by slices, one image after the other."""
    images, labels = data.train
    rows = batch_indices(seed, step, step + 1, len(labels), BATCH)[0]
    pad, batch = data.augmentation.pad, []
    for image, (row, column, flip) in zip(
        images[rows], draws(seed, step, step + 1, BATCH, data.augmentation)[0], strict=True
    ):
        crop = np.pad(image, ((pad, pad), (pad, pad), (0, 0)))[row : row + 8, column : column + 8]
        batch.append(crop[:, ::-1] if flip else crop)
    return data.normalise(np.stack(batch)), labels[rows]


def naive_logits(weights, x, kept):
    hidden = tf.nn.relu(
        tf.reshape(x, (len(x), -1)) @ (weights["hidden/kernel"] * kept["hidden/kernel"]) + weights["hidden/bias"]
    )
    return hidden @ (weights["logits/kernel"] * kept["logits/kernel"]) + weights["logits/bias"]


def naive_crossentropy(logits, y):
    return -tf.reduce_mean(tf.gather(tf.nn.log_softmax(logits), y, batch_dims=1))


def naive_loss(weights, x, y, kept):
    return naive_crossentropy(naive_logits(weights, x, kept), y) + L2 * tf.reduce_sum(weights["hidden/kernel"] ** 2)


def momentum(step, w, g, rate, slots):
    slots["v"] = 0.9 * slots.get("v", 0) - rate * g
    return w + slots["v"]


def adam(step, w, g, rate, slots):
    slots["m"] = 0.9 * slots.get("m", 0) + 0.1 * g
    slots["v"] = 0.999 * slots.get("v", 0) + 0.001 * g**2
    rate = rate * np.sqrt(1 - 0.999 ** (step + 1)) / (1 - 0.9 ** (step + 1))
    return w - rate * slots["m"] / (np.sqrt(slots["v"]) + 1e-7)


def naive_training(weights, kept, data, seed, steps, rate, update):
    weights, slots, losses = dict(weights), {name: {} for name in weights}, []
    for step in range(steps):
        x, y = naive_batch(data, seed, step)
        variables = {name: tf.Variable(value) for name, value in weights.items()}
        with tf.GradientTape() as tape:
            loss = naive_loss(variables, x, y, kept)
        gradients = tape.gradient(loss, variables)
        for name in weights:
            weights[name] = np.float32(update(step, weights[name], gradients[name].numpy(), rate(step), slots[name]))
        losses.append(float(loss))
    return weights, losses


@pytest.mark.parametrize(("name", "update", "jit"), [("sgd", momentum, False), ("adam", adam, True)])
def test_many_steps_in_one_call_follow_the_naive_twin(few_digits, digits_net, name, update, jit):
    model = pruned_net(digits_net, name, noisy=False, regulariser=keras.regularizers.L2(L2))
    start, kept = Ticket.take(model).variables, masks(model)
    trainer = Trainer(model, few_digits, batch_size=BATCH, chunk=12, jit=jit)
    found = [trainer.run(0, 12, 3, falling), trainer.run(12, 17, 3, falling)]
    expected, losses = naive_training(start, kept, few_digits, 3, 17, falling, update)
    np.testing.assert_allclose(found, [np.mean(losses[:12]), np.mean(losses[12:])], rtol=1e-5)
    end = Ticket.take(model)
    assert end.step == 17
    for path, value in expected.items():
        np.testing.assert_allclose(end.variables[path], value, rtol=1e-4, atol=2e-5, err_msg=path)
        assert np.abs(value - start[path]).max() > 1e-2


@pytest.mark.parametrize("jit", [False, True])
def test_any_chunking_gives_the_same_bits(few_digits, digits_net, equal_arrays, jit):
    ends = []
    for chunk, divisions in ((50, [(50,), (17, 50)]), (13, [(13, 26, 39, 50)])):
        trainer = Trainer(pruned_net(digits_net, "adam"), few_digits, batch_size=BATCH, chunk=chunk, jit=jit)
        begin = Ticket.take(trainer.model)  # with BatchNorm's statistics and dropout's seeds
        for stops in divisions:
            begin.rewind(trainer.model)
            for start, stop in zip((0, *stops), stops, strict=False):
                trainer.run(start, stop, 0, falling)
            ends.append(Ticket.take(trainer.model))
    for end in ends[1:]:
        assert equal_arrays(end.variables, ends[0].variables)
        assert all(np.array_equal(a, b) for a, b in zip(end.optimizer, ends[0].optimizer, strict=True))
    assert not any(np.array_equal(begin.variables[path], value) for path, value in ends[0].variables.items())


@pytest.fixture(scope="module")
def trainer(few_digits, digits_net):
    """Return one trainer, which tests rewind and train further."""
    return Trainer(pruned_net(digits_net, "adam"), few_digits, batch_size=BATCH, chunk=10, jit=False)


def test_one_trace_serves_masks_tickets_seeds_and_lengths(trainer):
    ticket, before = Ticket.take(trainer.model), masks(trainer.model)
    for seed, length in ((0, 10), (1, 3), (7, 10)):
        set_masks(trainer.model, {path: np.roll(mask, seed) for path, mask in before.items()})
        ticket.rewind(trainer.model)
        trainer.run(100 * seed, 100 * seed + length, seed, falling)
        trainer.evaluate("validation")
    assert trainer.traces == 1


def test_pruned_weights_stay_zero_and_kept_ones_train(trainer):
    start = Ticket.take(trainer.model).variables
    trainer.run(0, 10, 0, falling)
    end = Ticket.take(trainer.model).variables
    for path, kept in masks(trainer.model).items():
        assert not end[path][~kept].any()
        assert (end[path] != start[path])[kept].mean() > 0.5  # border pixels are mostly blank


def test_the_step_decides_the_batch_the_draws_and_the_rate(trainer, equal_arrays):
    ticket, ends = Ticket.take(trainer.model), []
    for start, seed, rate in (
        (0, 0, falling),
        (0, 0, falling),
        (5, 0, falling),
        (0, 1, falling),
        (0, 0, np.zeros_like),
    ):
        ticket.rewind(trainer.model)
        trainer.run(start, start + 5, seed, rate)
        ends.append(Ticket.take(trainer.model).variables)
    assert equal_arrays(ends[0], ends[1])
    kernels = [end["hidden/kernel"] for end in ends] + [ticket.variables["hidden/kernel"]]
    assert not any(np.array_equal(kernels[0], kernel) for kernel in kernels[2:])
    np.testing.assert_array_equal(kernels[4], kernels[5])


def test_the_last_rate_is_left_in_the_optimizer(trainer):
    trainer.run(20, 24, 0, lambda steps: steps / 1000)
    assert float(trainer.model.optimizer.learning_rate) == np.float32(0.023)


@pytest.mark.parametrize(("start", "stop"), [(0, 11), (5, 5), (5, 4)])
def test_a_call_has_between_one_step_and_a_chunk(trainer, start, stop):
    with pytest.raises(ValueError, match=rf"`stop` must lie in .*Received: start={start}, stop={stop}"):
        trainer.run(start, stop, 0, falling)


# evaluation


def naive_evaluation(model, images, labels, data, from_logits):
    """Weights in NumPy: Dense → relu → BatchNorm with its moving statistics → Dense."""
    v, kept = Ticket.take(model).variables, masks(model)
    x = data.normalise(images).reshape(len(images), -1).astype(np.float64)
    hidden = np.maximum(x @ (v["hidden/kernel"] * kept["hidden/kernel"]) + v["hidden/bias"], 0)
    hidden = (hidden - v["bn/moving_mean"]) / np.sqrt(v["bn/moving_variance"] + 1e-3) * v["bn/gamma"] + v["bn/beta"]
    logits = hidden @ (v["logits/kernel"] * kept["logits/kernel"]) + v["logits/bias"]
    chances = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return -np.log(chances[np.arange(len(labels)), labels]).mean(), (logits.argmax(1) == labels).mean()


@pytest.mark.parametrize("split", ["validation", "test"])
def test_evaluation_follows_the_naive_twin(trainer, few_digits, split):
    trainer.run(0, 10, 0, falling)
    images, labels = getattr(few_digits, split)
    assert split == "test" or len(labels) == 501  # two batches of 251: the last holds a padded row
    loss, accuracy = naive_evaluation(trainer.model, images, labels, few_digits, True)
    found = trainer.evaluate(split)
    assert found.loss == pytest.approx(loss, rel=1e-5) and found.accuracy == accuracy


@pytest.mark.parametrize(
    "loss",
    [
        "sparse_categorical_crossentropy",
        keras.losses.sparse_categorical_crossentropy,
        keras.losses.SparseCategoricalCrossentropy(),
    ],
)
def test_a_loss_by_name_or_function_is_the_mean_too(few_digits, digits_net, loss):
    model = pruned_net(digits_net, "sgd", noisy=False, loss=loss, output="softmax")
    start, kept = Ticket.take(model).variables, masks(model)
    trainer = Trainer(model, few_digits, batch_size=BATCH, chunk=3, jit=False)
    images, labels = few_digits.test
    expected = naive_crossentropy(naive_logits(start, few_digits.normalise(images), kept), labels)
    assert trainer.evaluate("test").loss == pytest.approx(float(expected), rel=1e-5)
    batches = [naive_batch(few_digits, 0, step) for step in range(3)]
    expected = [float(naive_crossentropy(naive_logits(start, x, kept), y)) for x, y in batches]
    assert trainer.run(0, 3, 0, np.zeros_like) == pytest.approx(np.mean(expected), rel=1e-5)


def test_the_moving_average_becomes_the_weights_at_the_end(few_digits, digits_net):
    keras.utils.set_random_seed(0)
    optimizer = keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5)
    model = prune_weights(digits_net(optimizer), 0.6)
    trainer = Trainer(model, few_digits, batch_size=BATCH, chunk=1, jit=False)
    weights = []
    for step in range(4):
        trainer.run(step, step + 1, 0, falling)
        weights.append(Ticket.take(model).variables["logits/kernel"])
    average = weights[0]
    for value in weights[1:]:
        average = 0.5 * average + 0.5 * value
    trainer.finish()
    end = Ticket.take(model).variables["logits/kernel"]
    np.testing.assert_allclose(end, average, rtol=1e-5, atol=1e-7)
    assert not np.allclose(end, weights[-1], atol=1e-4)


@contextmanager
def dtype_policy(name):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    yield
    keras.config.set_dtype_policy(before)


def test_mixed_precision_scales_its_loss_and_the_gradients_back(few_digits, digits_net):
    moved = []
    for policy in ("float32", "mixed_float16"):
        with dtype_policy(policy):
            optimizer = keras.optimizers.SGD(0.1)
            if policy != "float32":
                optimizer = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=256.0)
            keras.utils.set_random_seed(0)
            model = prune_weights(digits_net(optimizer, noisy=False), 0.6)
        start = Ticket.take(model).variables["hidden/kernel"]
        Trainer(model, few_digits, batch_size=BATCH, chunk=20, jit=False).run(0, 20, 0, falling)
        moved.append(Ticket.take(model).variables["hidden/kernel"] - start)
    assert np.abs(moved[0]).max() > 0.01
    np.testing.assert_allclose(moved[1], moved[0], atol=0.1 * np.abs(moved[0]).max())


# which models, which defaults


def test_xla_unless_it_convolves_on_a_cpu(few_digits, digits_net):
    assert Trainer(pruned_net(digits_net), few_digits, batch_size=BATCH).chunk == 100
    layers = [keras.Input((8, 8, 1)), keras.layers.Conv2D(2, 3), keras.layers.Flatten(), keras.layers.Dense(10)]
    model = keras.Sequential(layers)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    convolves_well = bool(tf.config.list_logical_devices("GPU"))
    assert Trainer(prune_weights(model, 1.0), few_digits, batch_size=BATCH).chunk == (100 if convolves_well else 10)


def test_a_model_that_is_not_compiled(few_digits):
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10)], name="raw")
    with pytest.raises(ValueError, match="`model` must be compiled .*Received: 'raw'"):
        Trainer(model, few_digits, batch_size=BATCH)


@pytest.mark.parametrize("loss", ["mse", keras.losses.CategoricalCrossentropy()])
def test_another_loss(few_digits, digits_net, loss):
    with pytest.raises(
        ValueError, match="`model` must be compiled with a sparse categorical cross-entropy. Received: loss="
    ):
        Trainer(digits_net(loss=loss), few_digits, batch_size=BATCH)


def test_a_schedule_in_the_optimizer(few_digits, digits_net):
    optimizer = keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5))
    with pytest.raises(ValueError, match="learning rate is a number; .*Received: a schedule in SGD"):
        Trainer(digits_net(optimizer), few_digits, batch_size=BATCH)


def test_a_batch_larger_than_the_data(few_digits, digits_net):
    trainer = Trainer(digits_net(), few_digits, batch_size=201)
    with pytest.raises(ValueError, match="`batch_size` must lie in .*Received: batch_size=201"):
        trainer.run(0, 1, 0, falling)
