"""`TakeTicket`: the ticket of exactly one step, or an error."""

import keras
import numpy as np
import pytest
from keras.ops import convert_to_numpy as array

import tfredundancy as tfr
from tfredundancy.callbacks import TakeTicket

X = np.random.default_rng(0).normal(size=(16, 4)).astype("float32")
Y = np.random.default_rng(1).normal(size=(16, 3)).astype("float32")


def fit(model, *callbacks, epochs=1):
    return model.fit(X, Y, batch_size=4, epochs=epochs, shuffle=False, verbose=0, callbacks=list(callbacks))


@pytest.fixture
def model(perceptron):
    built = perceptron()
    built.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
    return built


def test_step_0_is_what_the_model_was_before(model):
    before = array(model.get_layer("hidden").kernel)
    take = TakeTicket(0)
    fit(model, take)
    assert take.ticket.step == 0 and np.array_equal(take.ticket.variables["hidden/kernel"], before)
    assert not np.array_equal(array(model.get_layer("hidden").kernel), before)


@pytest.mark.parametrize("step", [1, 4, 6])
def test_the_ticket_of_step_k_is_what_k_steps_leave(model, step, perceptron):
    twin = perceptron()
    twin.set_weights(model.get_weights())
    twin.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
    for i in range(step):
        rows = slice(4 * (i % 4), 4 * (i % 4) + 4)
        twin.train_on_batch(X[rows], Y[rows])
    take = TakeTicket(step)
    fit(model, take, epochs=2)
    assert take.ticket.step == step
    for path, value in tfr.Ticket.take(twin).variables.items():
        np.testing.assert_allclose(take.ticket.variables[path], value, rtol=1e-5, atol=1e-7)


def test_training_that_goes_on_counts_on(model):
    fit(model)
    first, later = TakeTicket(6), TakeTicket(4)
    fit(model, first, later)
    assert first.ticket.step == 6 and later.ticket.step == 4


def test_a_ticket_is_taken_once(model):
    take = TakeTicket(2)
    fit(model, take)
    ticket = take.ticket
    fit(model, take)
    assert take.ticket is ticket


def test_a_ticket_that_training_does_not_reach_is_none(model):
    take = TakeTicket(100)
    fit(model, take)
    assert take.ticket is None


def test_it_can_be_rewound_to_in_a_pruned_copy(model):
    take = TakeTicket(2)
    fit(model, take)
    pruned = tfr.prune_weights(model, 0.5)
    take.ticket.rewind(pruned)
    mask = tfr.masks(pruned)["hidden/kernel"]
    assert np.array_equal(array(pruned.get_layer("hidden").layer.kernel), take.ticket.variables["hidden/kernel"] * mask)


def test_several_steps_in_one_call_may_jump_over_it(model):
    model.compile("sgd", "mse", steps_per_execution=2)
    with pytest.raises(ValueError, match=r"it is at 2 \(steps_per_execution=2\). Received: step=1"):
        fit(model, TakeTicket(1))


def test_a_step_that_is_past_raises_before_training(model):
    fit(model)
    before = array(model.get_layer("hidden").kernel)
    with pytest.raises(ValueError, match="`step` must be one that training comes by: it is at 4 .*Received: step=3"):
        fit(model, TakeTicket(3))
    assert np.array_equal(array(model.get_layer("hidden").kernel), before)


@pytest.mark.parametrize("step", [-1, -100])
def test_a_negative_step_is_refused(step):
    with pytest.raises(ValueError, match=f"`step` must be at least 0. Received: step={step}"):
        TakeTicket(step)
