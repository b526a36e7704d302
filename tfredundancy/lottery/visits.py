"""One training that is looked at: it stops at chosen steps to be measured, and goes on where it was killed.

    start (a ticket) → steps → visit → rows → steps → visit → rows → … → Visited(rows, the trained net)

One file remembers a training: its last checkpoint while it runs, its rows and its net when it is over. Everything that a step
needs is a function of (seed, step), so a killed training ends with the rows of an uninterrupted one.
"""

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tfredundancy.files import plain, read_arrays, write_arrays
from tfredundancy.lottery.ticket import Ticket, pack, unpack
from tfredundancy.lottery.training import Trainer

Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Visited:
    """A finished training.

    Attributes:
        rows: what the visits returned, in order, each with its step; numbers that are not finite are None.
        steps: steps trained; fewer than planned where `until` ended it.
        net: {path: array}, all variables of the trained net, or None where they were not kept.
        seconds: clock time of the training and its visits, of all its processes together; no result.
    """

    rows: tuple[Row, ...]
    steps: int
    net: dict[str, np.ndarray] | None
    seconds: float


def train_and_visit(
    trainer: Trainer,
    start: Ticket,
    visit: Callable[[int, float | None], Sequence[Row]],
    *,
    at: Sequence[int],
    seed: int,
    rate: Callable[[np.ndarray], np.ndarray],
    file: str | os.PathLike,
    until: Callable[[Sequence[Row]], bool] = lambda rows: False,
    keep_net: bool = True,
    checkpoint_every: float = 30.0,
    advance: Callable[[int], None] = lambda steps: None,
) -> Visited:
    """Train from `start` and call `visit` at the steps `at`; read the result where the training is finished already.

    Args:
        trainer: its model is trained in place, and is at the visited step when `visit` is called.
        start: variables and optimizer at step 0.
        visit: (step, mean training loss since the last visit, None before the first step) → rows of numbers and text.
        at: steps to stop at, increasing; 0 is before the first step, the last is the end of the training.
        seed: of the data order and the augmentation.
        rate: array of steps → learning rates.
        file: where the training is remembered, `.npz`; its folder is made. It belongs to one training.
        until: all rows so far → whether the training is over before its last step; asked after each visit.
        keep_net: whether the trained net is kept in the file.
        checkpoint_every: seconds between checkpoints.
        advance: is told how many steps were done, read, or turned out not to be needed: `at[-1]` in all.

    Returns:
        What the visits found.

    Raises:
        ValueError: `at` is not what is said above, or the file holds another training.
    """
    plan = {"at": _checked(at), "seed": int(seed)}
    training = _read(file, plan, trainer) or _begun(start, plan, trainer)
    advance(training.step)
    if not training.finished:
        _run(training, trainer, visit, rate, file, until, checkpoint_every, advance)
        training.finished = True
        training.net = Ticket.take(trainer.model).variables if keep_net else None
        write_arrays(file, _packed(training))
    advance(training.plan["at"][-1] - training.step)
    return Visited(tuple(training.rows), training.step, training.net, training.seconds)


def log_spaced(last: int, count: int) -> list[int]:
    """About `count` whole numbers from 1 to `last` at even ratios, without repetition, and 0 before them.

    Args:
        last: greatest number, at least 1.
        count: numbers from 1 to `last`, at least 2: both are among them; fewer where they fall together.

    Returns:
        Increasing list.

    Raises:
        ValueError: `last` is less than 1 or `count` less than 2.

    Example:
        >>> log_spaced(1000, 4)
        [0, 1, 10, 100, 1000]
    """
    if last < 1 or count < 2:
        raise ValueError(f"`last` must be at least 1, `count` at least 2. Received: last={last}, count={count}")
    return [0, *sorted({last, *np.rint(np.geomspace(1, last, count)).astype(int).tolist()})]


@dataclass
class _Training:
    """Where a training is, and what it found so far."""

    plan: dict[str, Any]
    step: int = 0
    visits: int = 0
    rows: list[Row] = field(default_factory=list)
    loss_sum: float = 0.0
    loss_steps: int = 0
    seconds: float = 0.0
    finished: bool = False
    net: dict[str, np.ndarray] | None = None

    def train(self, trainer: Trainer, stop: int, rate) -> None:
        self.loss_sum += trainer.run(self.step, stop, self.plan["seed"], rate) * (stop - self.step)
        self.loss_steps += stop - self.step
        self.step = stop

    def look(self, visit) -> None:
        loss = self.loss_sum / self.loss_steps if self.loss_steps else None
        found = [{"step": self.step, **row} for row in visit(self.step, loss)]
        self.rows += json.loads(json.dumps(plain(found)))  # as they will be read
        self.loss_sum, self.loss_steps, self.visits = 0.0, 0, self.visits + 1


def _run(training: _Training, trainer: Trainer, visit, rate, file, until, checkpoint_every: float, advance) -> None:
    clock = time.monotonic()

    def save_if_due():
        nonlocal clock
        now = time.monotonic()
        if now - clock > checkpoint_every:
            training.seconds, clock = training.seconds + now - clock, now
            write_arrays(file, _packed(training, trainer))

    for stop in training.plan["at"][training.visits :]:
        while training.step < stop:
            before = training.step
            training.train(trainer, min(stop, before + trainer.chunk), rate)
            advance(training.step - before)
            save_if_due()
        training.look(visit)
        if until(training.rows):
            break
        save_if_due()
    training.seconds += time.monotonic() - clock


def _begun(start: Ticket, plan: dict[str, Any], trainer: Trainer) -> _Training:
    start.rewind(trainer.model)
    return _Training(plan)


def _read(file: str | os.PathLike, plan: dict[str, Any], trainer: Trainer) -> _Training | None:
    """The training that the file remembers; its checkpoint, if it is one, is assigned to the model."""
    if not Path(file).exists():
        return None
    arrays = read_arrays(file)
    about = json.loads(arrays["training"].tobytes().decode())
    if about["plan"] != plan:
        raise ValueError(f"`file` holds a training of other steps or another seed. Received: {os.fspath(file)}")
    training = _Training(**about)
    if not training.finished:
        unpack(arrays, "now/").rewind(trainer.model)
    elif "net/ticket" in arrays:
        training.net = unpack(arrays, "net/").variables
    return training


def _packed(training: _Training, trainer: Trainer | None = None) -> dict[str, np.ndarray]:
    """Arrays for the file: a checkpoint where the trainer is given, else the end."""
    about = json.dumps({**asdict(training), "net": None})
    arrays = {"training": np.frombuffer(about.encode(), np.uint8)}
    if trainer is not None:
        return arrays | pack(Ticket.take(trainer.model), "now/")
    return arrays if training.net is None else arrays | pack(Ticket(training.net, None), "net/")


def _checked(at: Sequence[int]) -> list[int]:
    steps = [int(step) for step in at]
    if not steps or steps[0] < 0 or any(b <= a for a, b in zip(steps, steps[1:], strict=False)):
        raise ValueError(f"`at` must be increasing steps from 0 on, at least one. Received: at={list(at)}")
    return steps
