"""A training that is looked at: what visits see, and that a killed one ends like one that was left alone."""

import json

import keras
import numpy as np
import pytest

from tfredundancy.files import read_arrays
from tfredundancy.lottery import Ticket, Trainer
from tfredundancy.lottery.visits import log_spaced, train_and_visit


def steady(steps):
    return np.full(len(steps), 0.05)


@pytest.fixture(scope="module")
def trainer(few_digits, digits_net):
    keras.utils.set_random_seed(0)
    return Trainer(digits_net("adam"), few_digits, batch_size=20, chunk=4)


@pytest.fixture(scope="module")
def start(trainer):
    return Ticket.take(trainer.model)


def kernel(trainer):
    return float(np.abs(keras.ops.convert_to_numpy(trainer.model.get_layer("hidden").kernel)).sum())


def visitor(trainer, seen=None):
    """Two rows a visit: what the loss was, and what the weights are."""

    def visit(step, loss):
        if seen is not None:
            seen.append(step)
        return [{"what": "loss", "value": loss}, {"what": "weights", "value": np.float64(kernel(trainer))}]

    return visit


@pytest.fixture(scope="module")
def whole(trainer, start, tmp_path_factory):
    file = tmp_path_factory.mktemp("visits") / "deep" / "whole.npz"
    return train_and_visit(trainer, start, visitor(trainer), at=[0, 3, 10, 17], seed=5, rate=steady, file=file), file


def test_visits_see_the_net_at_their_step_and_the_loss_since_the_last(trainer, start, whole):
    visited, _ = whole
    assert [(row["step"], row["what"]) for row in visited.rows[::2]] == [(step, "loss") for step in (0, 3, 10, 17)]
    start.rewind(trainer.model)
    losses, weights, done = [None], [kernel(trainer)], 0
    for stop, chunks in ((3, [3]), (10, [7, 10]), (17, [14, 17])):
        total, begin = 0.0, done
        for chunk in chunks:
            total += trainer.run(done, chunk, 5, steady) * (chunk - done)
            done = chunk
        losses.append(total / (stop - begin))
        weights.append(kernel(trainer))
    assert [row["value"] for row in visited.rows[::2]] == losses
    assert [row["value"] for row in visited.rows[1::2]] == weights and len(set(weights)) == 4
    end = Ticket.take(trainer.model).variables
    assert visited.steps == 17 and visited.net.keys() == end.keys()
    assert all(np.array_equal(visited.net[path], value) for path, value in end.items())


def test_what_is_finished_is_read(trainer, start, whole, equal_arrays, monkeypatch):
    visited, file = whole
    monkeypatch.setattr(Trainer, "run", None)
    done, seen = [], []
    again = train_and_visit(
        trainer, start, visitor(trainer, seen), at=(0, 3, 10, 17), seed=5, rate=steady, file=file, advance=done.append
    )
    assert again.rows == visited.rows and equal_arrays(again.net, visited.net)
    assert (again.steps, again.seconds, seen, sum(done)) == (17, visited.seconds, [], 17)


@pytest.mark.parametrize("kill_at", range(1, 10))
def test_killed_anywhere_it_ends_alike(trainer, start, whole, tmp_path, equal_arrays, kill_at):
    """The chunks end at 3, 7, 10, 14, 17 and the visits are at 0, 3, 10, 17: nine moments, each followed by a checkpoint."""
    visited, _ = whole
    file, left, seen, done = tmp_path / "killed.npz", iter(range(kill_at - 1)), [], []

    def die(*_):
        if next(left, None) is None:
            raise KeyboardInterrupt

    def visit(step, loss):
        rows = visitor(trainer)(step, loss)
        die()
        return rows

    plan = dict(at=[0, 3, 10, 17], seed=5, rate=steady, file=file, checkpoint_every=-1.0)
    with pytest.raises(KeyboardInterrupt):
        train_and_visit(trainer, start, visit, advance=lambda steps: steps and die(), **plan)
    start.rewind(trainer.model)  # another process knows nothing
    again = train_and_visit(trainer, start, visitor(trainer, seen), advance=done.append, **plan)
    assert again.rows == visited.rows and equal_arrays(again.net, visited.net)
    assert sum(done) == 17 and len(seen) == len(set(seen)) <= 4


def test_until_ends_it_early(trainer, start, whole, tmp_path):
    done, asked = [], []

    def until(rows):
        asked.append(len(rows))
        return rows[-1]["step"] == 10

    plan = dict(at=[0, 3, 10, 17], seed=5, rate=steady, file=tmp_path / "early.npz", until=until, advance=done.append)
    early = train_and_visit(trainer, start, visitor(trainer), keep_net=False, **plan)
    assert early.rows == whole[0].rows[:6] and (early.steps, early.net) == (10, None)
    assert asked == [2, 4, 6] and sum(done) == 17
    assert list(read_arrays(tmp_path / "early.npz")) == ["training"]
    again = train_and_visit(trainer, start, visitor(trainer), **plan)
    assert (again.rows, again.steps, again.net, sum(done)) == (early.rows, 10, None, 34)


def test_killed_when_until_is_asked_it_still_ends_early(trainer, start, whole, tmp_path):
    kill = iter([True])

    def until(rows):
        if rows[-1]["step"] == 10 and next(kill, False):
            raise KeyboardInterrupt
        return rows[-1]["step"] == 10

    plan = dict(at=[0, 3, 10, 17], seed=5, rate=steady, file=tmp_path / "early.npz", until=until, checkpoint_every=-1.0)
    with pytest.raises(KeyboardInterrupt):
        train_and_visit(trainer, start, visitor(trainer), **plan)
    start.rewind(trainer.model)
    assert train_and_visit(trainer, start, visitor(trainer), **plan).rows == whole[0].rows[:6]


def test_rows_are_what_json_holds(trainer, start, tmp_path):
    def visit(step, loss):
        return [
            {"nan": np.nan, "infinite": np.float32(np.inf), "count": np.int64(3), "list": np.arange(2.0), "text": "a"}
        ]

    visited = train_and_visit(trainer, start, visit, at=[0], seed=0, rate=steady, file=tmp_path / "rows.npz")
    assert visited.rows == ({"step": 0, "nan": None, "infinite": None, "count": 3, "list": [0.0, 1.0], "text": "a"},)
    assert json.dumps(visited.rows) and visited.steps == 0


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"at": []}, r"`at` must be increasing .*Received: at=\[\]"),
        ({"at": [3, 3]}, r"Received: at=\[3, 3\]"),
        ({"at": [-1, 3]}, r"Received: at=\[-1, 3\]"),
        ({"seed": 6}, "`file` holds a training of other steps or another seed. Received: .*whole.npz"),
        ({"at": [0, 17]}, "`file` holds a training"),
    ],
)
def test_bad_arguments_are_named(trainer, start, whole, changed, message):
    plan = dict(at=[0, 3, 10, 17], seed=5, rate=steady, file=whole[1]) | changed
    with pytest.raises(ValueError, match=message):
        train_and_visit(trainer, start, visitor(trainer), **plan)


def test_log_spaced_steps_increase_and_reach_the_last():
    assert log_spaced(1, 5) == [0, 1] and log_spaced(7, 2) == [0, 1, 7] and log_spaced(100, 3) == [0, 1, 10, 100]
    steps = log_spaced(12_345, 20)
    ratios = np.diff(np.log(steps[8:]))
    assert steps[-1] == 12_345 and np.all(np.diff(steps) > 0) and ratios.max() / ratios.min() < 1.3
    for bad in ((0, 3), (3, 1)):
        with pytest.raises(ValueError, match="`last` must be at least 1, `count` at least 2"):
            log_spaced(*bad)
