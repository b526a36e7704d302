"""Deep ReLU students: a student made of its teacher's units matches them all; what diverged is told."""

import keras
import numpy as np
import pandas as pd
import pytest

from tfredundancy import models
from tfredundancy.datasets.teacher import relu_layers
from tfredundancy.lottery import Ticket, student_claims, students

WIDTHS, OUTPUTS = (3, 4), 5


@pytest.fixture(scope="module")
def student():
    model = models.mlp((1, 1, students.INPUT_SIZE), OUTPUTS, hidden=tuple(2 * width for width in WIDTHS))
    model.compile(keras.optimizers.SGD(0.1), "mean_squared_error")
    return model


@pytest.fixture(scope="module")
def layers():
    return relu_layers(0, students.INPUT_SIZE, WIDTHS, OUTPUTS)


@pytest.fixture(scope="module")
def start(student):
    return students.initial_student(Ticket.take(student), seed=1)


def assign(student, pairs):
    variables = [variable for variable in student.variables if variable.path in Ticket.take(student).variables]
    for variable, value in zip(variables, [array for pair in pairs for array in pair], strict=True):
        variable.assign(value)


def doubled(layers):
    """The teacher with every hidden unit twice, each with half of the outgoing weights."""
    found, before = [], 1
    for place, (kernel, bias) in enumerate(layers):
        after = 1 if place == len(layers) - 1 else 2
        found.append((np.tile(kernel / before, (before, after)), np.tile(bias, after)))
        before = after
    return found


def test_the_labels_are_those_of_the_net(student, layers):
    assign(student, doubled(layers))
    inputs, targets = students.labelled(layers, seed=0, start=2, stop=4)
    assert inputs.shape == (2, students.BATCH, 1, 1, students.INPUT_SIZE) and targets.shape == (
        2,
        students.BATCH,
        OUTPUTS,
    )
    np.testing.assert_allclose(np.array(student(inputs[1])), targets[1], rtol=1e-3, atol=1e-3)
    assert inputs.std() == pytest.approx(students.INPUT_STD, rel=0.05)


def test_a_student_of_doubled_units_matches_them_all(student, layers, start):
    assign(student, doubled(layers))
    rows = students.look_at_layers(layers, student, start, 7, 7, 0.5)
    probes = students.INPUT_STD * np.random.default_rng(0).normal(size=(2000, students.INPUT_SIZE))
    alive = [int((responses.std(axis=0) > 0).sum()) for responses in students.forward(layers, probes)[:-1]]
    for row in (row for row in rows if row["table"] == "layers"):
        assert row["correlation"] == pytest.approx(1, abs=1e-5) and row["relative_error"] < 1e-8
        assert row["units"] == 2 * WIDTHS[row["layer"] - 1]
        assert row["matched_units"] == 2 * alive[row["layer"] - 1]
        assert row["fan_out_unmatched"] is None and row["fan_out_matched"] > 0
    assert sum(row["table"] == "nodes" for row in rows) == 2 * sum(alive)
    assert not [row for row in students.look_at_layers(layers, student, start, 8, 7, 0.5) if row["table"] == "nodes"]


def test_a_student_that_has_not_moved_is_as_it_was(student, layers, start):
    start.rewind(student)
    for row in students.look_at_layers(layers, student, start, 9, 0, None):
        assert row["lucky"] == 1
        assert row["fan_out_unmatched"] == pytest.approx(1)


def test_divergence_is_told(student, layers, start):
    broken = doubled(layers)
    broken[1] = (np.full_like(broken[1][0], np.nan), broken[1][1])
    assign(student, broken)
    rows = students.look_at_layers(layers, student, start, 9, 9, np.nan)
    assert [row["outcome"] for row in rows] == ["diverged by step 9"] * 2


def test_initial_students_are_drawn_from_their_seed(student):
    fresh = Ticket.take(student)
    one, again, other = (students.initial_student(fresh, seed).variables for seed in (0, 0, 1))
    for path, value in one.items():
        np.testing.assert_array_equal(value, again[path])
        if value.ndim == 2:
            assert np.abs(value).max() <= len(value) ** -0.5 and (value != other[path]).any()


def test_the_asymptote_claim_holds():
    claim = student_claims.asymptote_claim()
    assert claim["verdict"] == "holds: in [1, 1.03] for 6 of 6 (M, K)"
    assert 1 <= claim["ours"]["min"] <= claim["ours"]["max"] <= 1.03


def test_a_mean_of_errors_is_of_all_seeds_only_where_none_is_in_its_exit():
    rows = [
        dict(setting="1x1:0", head_start=0.0, seed=seed, time=time, source=source, error=error, in_exit=inside)
        for seed, time, inside, errors in (
            (0, 1.0, False, (1.0, 1.02)),
            (1, 1.0, False, (1.0, 1.04)),
            (0, 2.0, False, (1.0, 1.5)),
            (1, 2.0, True, (1.0, 9.0)),
        )
        for source, error in zip(("ode", "simulation"), errors, strict=True)
    ]
    selected, whole = (student_claims._error_ratios(pd.DataFrame(rows), 0.0, whole) for whole in (False, True))
    assert selected["1x1:0"] == pytest.approx(0.5) and whole["1x1:0"] == pytest.approx(0.03)
