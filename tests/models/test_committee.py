"""The committee machine in Keras: its output, its order parameters, its SGD beside the NumPy simulation, save and load."""

import keras
import numpy as np
import pytest
from scipy.special import erf

from tfredundancy.lottery.online import OnlineTrainer
from tfredundancy.models import committee
from tfredundancy.models.committee import get_readout, get_units, measure, set_weights
from tfredundancy.numerics.committee import ERF, simulate

N, K, M = 30, 3, 2


@pytest.fixture(scope="module")
def model():
    return committee(N, K, train_readout=True, compile_rate=0.5, seed=0)


@pytest.fixture
def weights():
    rng = np.random.default_rng(0)
    return rng.normal(size=(K, N)), rng.normal(size=K), rng.normal(size=(M, N))


def test_the_output_is_the_formula(model, weights):
    w, v, _ = weights
    set_weights(model, w, v)
    x = np.random.default_rng(1).normal(size=(50, N))
    np.testing.assert_allclose(np.array(model(x))[:, 0], erf(x @ w.T / N**0.5 / 2**0.5) @ v, atol=1e-5)


def test_order_parameters_are_those_of_the_weights(model, weights):
    w, v, teacher = weights
    set_weights(model, w, v)
    np.testing.assert_allclose(get_units(model), w, rtol=1e-6)
    np.testing.assert_allclose(get_readout(model), v, rtol=1e-6)
    q, r, t, found = measure(model, teacher)
    for one, other in ((q, w @ w.T / N), (r, w @ teacher.T / N), (t, teacher @ teacher.T / N), (found, v)):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_sgd_in_keras_is_the_simulation(model, weights):
    w, v, teacher = weights
    rng = np.random.default_rng(2)
    x, zeta = rng.normal(size=(60, N)), rng.normal(size=60)
    y = ERF.value(x @ teacher.T / N**0.5).sum(-1) + 0.1 * zeta
    set_weights(model, w, v)
    trainer = OnlineTrainer(model, lambda seed, start, stop: (x[start:stop, None], y[start:stop, None, None]))
    for start, stop in ((0, 30), (30, 60)):
        trainer.run(start, stop, 0, lambda steps: np.full(len(steps), 0.25))
    course, _, _ = simulate(
        w[None, None], v[None, None], teacher[None, None], np.ones((1, 1, M)), rate=0.5, readout_rate=0.5, noise=0.1,
        times=[0, 2], draw=lambda start, stop: (x[None, start:stop], zeta[None, start:stop]),
    )  # fmt: skip
    q, r, _, readout = measure(model, teacher)
    np.testing.assert_allclose(q, course.q[1, 0, 0], atol=1e-5)
    np.testing.assert_allclose(r, course.r[1, 0, 0], atol=1e-5)
    np.testing.assert_allclose(readout, course.v[1, 0, 0], atol=1e-5)
    assert np.abs(course.v[1] - course.v[0]).max() > 1e-3


def test_it_is_saved_and_loaded(model, tmp_path):
    model.save(tmp_path / "committee.keras")
    loaded = keras.models.load_model(tmp_path / "committee.keras")
    x = np.random.default_rng(3).normal(size=(4, N))
    np.testing.assert_array_equal(np.array(loaded(x)), np.array(model(x)))


def test_the_first_layer_alone_is_trained_by_default():
    model = committee(4, 2, readout=3.0)
    assert [variable.path for variable in model.trainable_variables] == ["hidden/kernel"]
    np.testing.assert_allclose(get_readout(model), 3, rtol=1e-6)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (dict(inputs=0, units=1), "`inputs` must be at least 1. Received: inputs=0"),
        (dict(inputs=1, units=0), "`units` must be at least 1. Received: units=0"),
        (dict(inputs=1, units=1, compile_rate=0.0), "`compile_rate` must be positive. Received: compile_rate=0.0"),
    ],
)
def test_bad_settings_are_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        committee(**settings)


def test_too_many_steps_in_one_call_are_refused(model):
    with pytest.raises(ValueError, match=r"`stop` must lie in \(start, start \+ 5\]"):
        OnlineTrainer(model, None, chunk=5).run(0, 6, 0, None)
