"""Many networks at once beside one network, point by point, in plain loops."""

import numpy as np
import pytest

from tfredundancy.numerics import detection

PATTERNS = np.array([[1, 1], [-1, -1], [1, -1], [-1, 1]], float)
HOLDS = np.array([[1, 1, 1, 1], [0, 0, 1, 1], [1, 0, 1, 0], [0, 0, 0, 1], [0, 1, 0, 0]], bool)
LABELS = np.array([1, -1, 1, -1, 1])
COUNTS = np.array([[3, 2, 1, 0, 2], [1, 1, 0, 0, 0], [0, 2, 2, 3, 1]])
SETTINGS = dict(patterns=PATTERNS, holds=HOLDS, labels=LABELS, margin=2.0, rate=0.02)


def naive_output(filters, point):
    total = 0.0
    for sign, rows in zip((1, -1), filters, strict=True):
        for row in rows:
            total += sign * max(max(0.0, float(row @ pattern)) for pattern in point)
    return total


def naive_step(filters, points, labels, margin, rate):
    """One step of gradient descent on one network."""
    new = filters.copy()
    for point, label in zip(points, labels, strict=True):
        value = naive_output(filters, point)
        if (label > 0 and value >= margin) or (label < 0 and value <= -1):
            continue
        for sign, rows, changed in zip((1, -1), filters, new, strict=True):
            for row, target in zip(rows, changed, strict=True):
                responses = [float(row @ pattern) for pattern in point]
                best = int(np.argmax(responses))
                if responses[best] > 0:
                    target += rate / len(points) * label * sign * point[best]
    return new


def naive_points(counts):
    kinds = np.repeat(np.arange(len(HOLDS)), counts)
    return [PATTERNS[HOLDS[kind]] for kind in kinds], LABELS[kinds]


@pytest.fixture
def start():
    return detection.initial_filters([0, 1, 2], width=4, deviation=0.3)


def test_outputs_are_those_of_loops(start):
    found = detection.outputs(start, PATTERNS, HOLDS)
    expected = [[naive_output(net, PATTERNS[kind]) for kind in HOLDS] for net in start]
    np.testing.assert_allclose(found, expected, atol=1e-14)


@pytest.mark.parametrize("steps", [1, 120])
def test_training_is_that_of_loops_one_network_after_the_other(start, steps):
    done = detection.train(start, counts=COUNTS, steps=steps, **SETTINGS)
    for net, counts, found in zip(start, COUNTS, done.filters, strict=True):
        expected, (points, labels) = net, naive_points(counts)
        for _ in range(steps):
            expected = naive_step(expected, points, labels, SETTINGS["margin"], SETTINGS["rate"])
        np.testing.assert_allclose(found, expected, atol=1e-10)
        assert not np.array_equal(found, net)


def test_each_network_trains_as_if_it_were_alone(start):
    together = detection.train(start, counts=COUNTS, steps=500, **SETTINGS)
    for i in range(3):
        alone = detection.train(start[i : i + 1], counts=COUNTS[i : i + 1], steps=500, **SETTINGS)
        assert np.array_equal(alone.filters[0], together.filters[i])
        assert (alone.steps[0], alone.outcome[0]) == (together.steps[i], together.outcome[i])


def test_stopping_and_going_on_is_training(start):
    whole = detection.train(start, counts=COUNTS, steps=130, **SETTINGS)
    half = detection.train(start, counts=COUNTS, steps=70, **SETTINGS)
    rest = detection.train(half.filters, counts=COUNTS, steps=60, **SETTINGS)
    assert np.array_equal(rest.filters, whole.filters)


def test_filters_of_zeros_pad_a_narrower_network(start):
    padded = np.concatenate([start, np.zeros((3, 2, 5, 2))], axis=2)
    done, whole = (detection.train(f, counts=COUNTS, steps=200, **SETTINGS) for f in (start, padded))
    assert not whole.filters[:, :, 4:].any()
    np.testing.assert_allclose(whole.filters[:, :, :4], done.filters, atol=1e-12)


def test_a_network_at_the_minimum_rests_and_its_loss_is_zero():
    filters = np.array([[[[1.0, 0.2], [-1.0, -0.3]], [[1.0, -1.0], [-1.0, 1.0]]]])
    done = detection.train(filters, counts=COUNTS[1:2], steps=2000, **SETTINGS)
    assert done.outcome[0] == "minimum" and done.loss[0] == 0 and done.steps[0] < 2000
    assert detection.train(done.filters, counts=COUNTS[1:2], steps=10, **SETTINGS).steps[0] == 0


def test_dead_filters_are_stuck():
    done = detection.train(np.zeros((1, 2, 3, 2)), counts=COUNTS[:1], steps=10, **SETTINGS)
    assert done.outcome[0] == "stuck" and done.steps[0] == 0
    np.testing.assert_allclose(done.loss[0], (6 * 2.0 + 2 * 1.0) / 8)  # N = 0 everywhere


def test_divergence_is_an_outcome_of_the_one_network(start):
    huge = start.copy()
    huge[1] = 1e308 * np.sign(start[1])
    done = detection.train(huge, counts=COUNTS, steps=60, **SETTINGS)
    alone = detection.train(start, counts=COUNTS, steps=60, **SETTINGS)
    assert done.outcome[1] == "diverged" and np.isnan(done.loss[1])
    for i in (0, 2):
        assert np.array_equal(done.filters[i], alone.filters[i]) and done.outcome[i] == alone.outcome[i] != "diverged"


def test_too_few_steps_are_told(start):
    assert set(detection.train(start, counts=COUNTS, steps=2, **SETTINGS).outcome) == {"moving"}


def test_the_reachable_margin_is_a_bound(start):
    settings = {**SETTINGS, "margin": 1e9}
    for steps in (1, 40, 400):
        done = detection.train(start, counts=COUNTS, steps=steps, **settings)
        largest = detection.outputs(done.filters, PATTERNS, HOLDS).max()
        assert largest <= detection.reachable_margin(start, PATTERNS, settings["rate"], steps)


def test_hinge_and_errors():
    values, labels = np.array([3.0, 0.0, -2.0, 0.5, np.nan]), np.array([1, 1, -1, -1, 1])
    np.testing.assert_array_equal(detection.hinge(values[:4], labels[:4], 2.0), [0, 2, 0, 1.5])
    assert detection.errors(values, labels).tolist() == [False, True, False, True, True]


def test_a_seed_s_network_does_not_depend_on_the_others():
    one, both = detection.initial_filters([7], 3, 0.5), detection.initial_filters([2, 7], 3, 0.5)
    assert np.array_equal(one[0], both[1]) and not np.array_equal(both[0], both[1])
    many = detection.initial_filters(range(400), 10, 0.5)
    assert abs(many.std() - 0.5) < 0.01 and abs(many.mean()) < 0.01


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 2, 1], 3, 0.1), "`seeds` must be different non-negative integers. Received: 1 twice"),
        (([-1], 3, 0.1), "`seeds` must be different non-negative integers. Received: -1$"),
        (([], 3, 0.1), "`seeds` must hold at least one seed"),
        (([1], 0, 0.1), "`width` must be an integer of at least 1. Received: width=0"),
        (([1], 3, 0.0), "`deviation` must be a positive number. Received: deviation=0.0"),
    ],
)
def test_initial_filters_that_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        detection.initial_filters(*arguments)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"rate": 0.0}, "`rate` must be a positive number. Received: rate=0.0"),
        ({"margin": -1.0}, "`margin` must be a positive number"),
        ({"margin": np.nan}, "`margin` must be a positive number"),
        ({"steps": 0}, "`steps` must be at least 1"),
        ({"counts": COUNTS / 8}, "`counts` must be integers"),
        ({"counts": COUNTS[:2]}, "`counts` must be integers"),
        ({"labels": np.array([0, 1, 1, 1, 1])}, "`labels` must be 5 numbers"),
        ({"holds": HOLDS.astype(int)}, "`holds` must be a bool array"),
        ({"patterns": PATTERNS[:, :1]}, "`patterns` must be"),
    ],
)
def test_trainings_that_are_refused(start, changed, message):
    with pytest.raises(ValueError, match=message):
        detection.train(start, **({"counts": COUNTS, "steps": 3} | SETTINGS | changed))
