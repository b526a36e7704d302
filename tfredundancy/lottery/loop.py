"""The lottery-ticket loop: train, prune, rewind, level after level; it continues where it was stopped.

    level 0:   initial weights → T steps → dense net; step 0 and step k are put aside
    level L:   for each arm: masks from the last level → starting weights → train → record

Each finished training is one file, written whole or not at all; a training under way has one more, its checkpoint. Which
files are there is the loop's only memory: a finished training is read, the one under way goes on from its checkpoint, and
everything that a step needs is a function of (seed, step). So a killed loop ends with the records of an uninterrupted one.
"""

import functools
import json
import os
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tfredundancy.datasets.batches import steps_per_epoch
from tfredundancy.datasets.splits import Splits
from tfredundancy.errors import DivergedError
from tfredundancy.files import plain, read_arrays, read_json, write_arrays, write_json
from tfredundancy.lottery.arms import DENSE, Arm, Steps, chosen_arms
from tfredundancy.lottery.controls import derived_seed, reinitialised, shuffled
from tfredundancy.lottery.identity import described, described_model, described_start
from tfredundancy.lottery.ticket import Ticket, pack, unpack
from tfredundancy.lottery.training import Trainer
from tfredundancy.paths import is_random_state
from tfredundancy.pruning.rebuilding import fresh_optimizer, keep_exclusions, optimizer_parts
from tfredundancy.pruning.selection import Density, Masks, choose_masks, masks, prune_units, prune_weights, set_masks

Rows = list[tuple[int, dict[str, float]]]


@dataclass(frozen=True)
class Record:
    """One trained net: a row of results.csv, with its learning curve and the densities of its layers.

    Attributes:
        seed: of initial weights, data order and augmentation.
        level: number of prunings; 0 is the dense net.
        arm: see `tfredundancy.lottery.arms`.
        density: kept fraction of everything that can be pruned.
        steps: steps of this training.
        total_steps: all steps that it took to obtain the net.
        train_loss: mean over the steps since the last evaluation but one, regularisers included.
        validation_loss, validation_accuracy, test_accuracy: at the end of training.
        early_step: step with the lowest validation loss, the first of equals; counted from 0, or from k where the training
            begins at step k or goes on from a trained net.
        early_validation_loss, early_validation_accuracy, early_test_accuracy: at that step.
        curve: a row for each evaluation: step, train_loss (None before the first step), validation_loss, validation_accuracy.
        layers: {path: kept fraction}.
        seconds: clock time of the training, of all its processes together; no result.
    """

    seed: int
    level: int
    arm: str
    density: float
    steps: int
    total_steps: int
    train_loss: float
    validation_loss: float
    validation_accuracy: float
    test_accuracy: float
    early_step: int
    early_validation_loss: float
    early_validation_accuracy: float
    early_test_accuracy: float
    curve: tuple[dict[str, float | None], ...] = field(repr=False)
    layers: dict[str, float] = field(repr=False)
    seconds: float = field(repr=False, compare=False)

    def row(self) -> dict[str, float]:
        """The scalar results."""
        names = (each.name for each in fields(self))
        return {name: getattr(self, name) for name in names if name not in ("curve", "layers", "seconds")}


class Observer:
    """What a loop tells while it runs; override what you want to hear.

    `advance(steps, text)` follows every compiled call and every training that is skipped because it is finished;
    `history(seed, arm, rows)` follows every checkpoint and every finished training with all scalars of this arm so far,
    [(step, {tag: value})], where step counts the steps trained in this arm since level 0. Level 0 is told as the arm
    "dense", and again as the beginning of every other arm.

    `looks(level, begin, end)` says at which steps the net itself is wanted; there, after the evaluation where it has one,
    `look(seed, arm, rows, model)` is called, with the scalars up to this very step, which is that of the last row. What it
    writes must be on disk when it returns: checkpoints and finished trainings are written afterwards, and a loop that was
    killed in between comes by the same step again, with the same net.
    """

    def advance(self, steps: int, text: str) -> None:
        """`steps` more are done; `text` says where."""

    def history(self, seed: int, arm: str, rows: Rows) -> None:
        """All scalars of an arm so far."""

    def looks(self, level: int, begin: int, end: int) -> Collection[int]:
        """Steps of a training from `begin` to `end`; `begin` itself at level 0 only: later, its count is the last level's end."""
        return ()

    def look(self, seed: int, arm: str, rows: Rows, model: keras.Model) -> None:
        """The net at a step that `looks` named; it must be left as it is."""


def levels(
    model: keras.Model,
    data: Splits,
    *,
    steps: int,
    levels: int,
    keep: Density = 0.8,
    rewind_to: int = 0,
    granularity: str = "weights",
    scope: str | None = None,
    arms: Sequence[str] = ("rewind", "reinit"),
    seed: int | Sequence[int] = 0,
    directory: str | os.PathLike | None = None,
    batch_size: int = 128,
    evaluate_every: int = 100,
    criterion=None,
    exclude: Sequence[str] = (),
    one_shot: bool = False,
    draw: bool = True,
    checkpoint_every: float = 30.0,
    observer: Observer | None = None,
) -> Iterator[Record]:
    """Run iterative pruning with rewinding and its controls; yield a record for each level and arm.

    At level L the fraction keep^L of the weights or units is left. One train function is compiled and serves every level,
    arm and seed.

    Args:
        model: compiled Sequential or functional classifier with a sparse categorical cross-entropy; not touched.
        data: training, validation and test examples.
        steps: T, the steps of a full training.
        levels: number of prunings; 0 trains the dense net only.
        keep: fraction of what is left that a level keeps, or {path pattern: fraction}.
        rewind_to: k, the step that tickets are rewound to; 0 is the original experiment.
        granularity: "weights" or "units".
        scope: "global" or "layer"; default: that of `prune_weights` or `prune_units`.
        arms: names from `tfredundancy.lottery.arms.ARMS`.
        seed: one or several; a seed draws the initial weights, the data order, the augmentation, what random layers such as
            dropout draw, and the controls.
        directory: where finished trainings and checkpoints go, and what a second call continues; None: nowhere.
        batch_size: examples a step.
        evaluate_every: steps between evaluations on the validation examples, which early stopping looks at.
        criterion: as in `prune_weights` or `prune_units`.
        exclude: path patterns of layers that are left whole.
        one_shot: prune the dense net to keep^L at once instead of level by level.
        draw: whether a seed draws the initial weights by the layers' initialisers, or the model's are used as they are.
        checkpoint_every: seconds between checkpoints.
        observer: is told of progress.

    Yields:
        `Record`s, level by level, the dense net first, seed after seed.

    Raises:
        ValueError: bad arguments, before anything is trained; a directory of other arguments.

    Reference:
        Frankle & Carbin 2019, The lottery ticket hypothesis, arXiv:1803.03635; Frankle et al. 2020, Linear mode connectivity
        and the lottery ticket hypothesis, arXiv:1912.05671; Renda et al. 2020, Comparing rewinding and fine-tuning,
        arXiv:2003.02389; Liu et al. 2019, Rethinking the value of network pruning, arXiv:1810.05270.
    """
    plan = Steps(steps, rewind_to, one_shot)
    check_plan(
        data,
        steps=steps,
        levels=levels,
        rewind_to=rewind_to,
        evaluate_every=evaluate_every,
        batch_size=batch_size,
        granularity=granularity,
        keep=keep,
        arms=arms,
    )
    chosen = chosen_arms(arms)
    seeds = [int(one) for one in np.atleast_1d(seed)]
    wrapped = _prepared(model, granularity, exclude)
    options = {"criterion": criterion, "scope": scope}
    choose_masks(wrapped, _at_level(keep, levels), **options)  # bad arguments end here, not after a level
    trainer = Trainer(wrapped, data, batch_size=batch_size)
    initial = Ticket.take(wrapped)
    if any(arm.start == "last" for arm in chosen):
        initial.with_step(0)  # raises where the optimizer has no step that could be set
    if directory is not None:  # nobody comes back to a temporary one
        settings = {
            **described_model(model, masks(wrapped)),
            "initial": described_start(wrapped, initial, draw),
            **described({"data": data, "criterion": criterion}),
            **dict(steps=steps, rewind_to=rewind_to, keep=keep, scope=scope, granularity=granularity),
            **dict(batch_size=batch_size, evaluate_every=evaluate_every, one_shot=one_shot, draw=draw),
            "exclude": list(exclude),
        }
        _claim(Path(directory), settings)
    place = nullcontext(directory) if directory is not None else tempfile.TemporaryDirectory()
    rate, observer = _rate(model, steps - 1), observer or Observer()
    with place as folder:
        for one in seeds:
            seed_folder = Path(folder) / f"seed{one}"
            run = _SeedRun(trainer, plan, rate, one, seed_folder, evaluate_every, checkpoint_every, observer)
            start = reinitialised(wrapped, initial, derived_seed(f"initial {one}")) if draw else initial
            yield from _seed_levels(run, wrapped, _layers_seeded(start, one), chosen, levels, keep, options)


def steps_in_all(steps: int, levels: int, rewind_to: int, arms: Sequence[str], one_shot: bool = False) -> int:
    """Training steps that `levels` takes for one seed.

    Example:
        >>> steps_in_all(steps=1000, levels=2, rewind_to=100, arms=["rewind", "reinit"])
        4800
    """
    plan = Steps(steps, rewind_to, one_shot)
    trainings = ((arm, level) for level in range(1, levels + 1) for arm in chosen_arms(arms))
    return steps + sum(arm.ends(level, plan) - arm.begins(level, plan) for arm, level in trainings)


def _seed_levels(run: "_SeedRun", model, start: Ticket, arms, levels, keep, options) -> Iterator[Record]:
    whole = {path: np.ones_like(mask) for path, mask in masks(model).items()}
    yield run.train(DENSE, 0, lambda: (whole, start))
    for level in range(1, levels + 1):
        for arm in arms:
            yield run.train(
                arm, level, lambda arm=arm, level=level: _setting_out(run, model, start, arm, level, keep, options)
            )


def _setting_out(run, model, start: Ticket, arm: Arm, level: int, keep, options) -> tuple[Masks, Ticket]:
    """The masks and the starting point of an arm at a level."""
    last_level = run.plan.rounds(level) - 1
    key = f"{run.seed} {level} {arm.name}"
    if arm.masks == "own":
        last, last_masks = run.finished(arm.name if last_level else DENSE.name, last_level)
        _check_finite(last, f"seed {run.seed}, level {last_level}, {arm.name if last_level else DENSE.name}")
        set_masks(model, last_masks)
        last.rewind(model)
        new = choose_masks(model, _at_level(keep, level), select=arm.select, seed=derived_seed(key), **options)
    else:
        last, new = None, run.masks_of("rewind", level)
        if arm.masks == "shuffled":
            new = shuffled(model, new, derived_seed(key))
    if arm.start == "last":
        return new, last.with_step(arm.begins(level, run.plan))
    if arm.start == "fresh":
        return new, reinitialised(model, start, derived_seed(key))
    return new, start if arm.start == "zero" else run.rewind_ticket()


@dataclass
class _SeedRun:
    """The trainings of one seed and the folder that remembers them."""

    trainer: Trainer
    plan: Steps
    rate: Callable[[np.ndarray], np.ndarray]
    seed: int
    folder: Path
    evaluate_every: int
    checkpoint_every: float
    observer: Observer

    def __post_init__(self):
        self._records: list[Record] = []

    def train(self, arm: Arm, level: int, set_out: Callable[[], tuple[Masks, Ticket]]) -> Record:
        """The record of an arm at a level: read, if it is finished; else trained, from its checkpoint if there is one."""
        begin, end = arm.begins(level, self.plan), arm.ends(level, self.plan)
        text = f"seed {self.seed} level {level} {arm.name}"
        file = self._file(arm.name, level)
        if file.exists():
            record = _read_record(file)
            self.observer.advance(end - begin, text)
        else:
            training = self._resumed(arm, level) or self._begun(arm, level, set_out)
            record = self._finish(training, arm, level, end, text)
        self._records.append(record)
        self._tell(arm.name, None)
        return record

    def finished(self, arm: str, level: int) -> tuple[Ticket, Masks]:
        """The trained net of a level and its masks."""
        arrays = read_arrays(self._file(arm, level))
        return unpack(arrays, "end/"), _masks_in(arrays)

    def masks_of(self, arm: str, level: int) -> Masks:
        return _masks_in(read_arrays(self._file(arm, level)))

    def rewind_ticket(self) -> Ticket:
        return Ticket.load(self.folder / "rewind.npz")

    def _file(self, arm: str, level: int) -> Path:
        return self.folder / f"level-{level:02d}-{arm}.npz"

    def _begun(self, arm: Arm, level: int, set_out) -> "_Training":
        new, ticket = set_out()
        set_masks(self.trainer.model, new)
        ticket.rewind(self.trainer.model)
        training = _Training(arm.name, level, arm.begins(level, self.plan))
        training.evaluate(self.trainer)
        if level == 0 and training.step in self._looks(arm, level):
            self._look(training)
        return training

    def _resumed(self, arm: Arm, level: int) -> "_Training | None":
        file = self.folder / "current.npz"
        if not file.exists():
            return None
        arrays = read_arrays(file)
        training = _Training.unpacked(arrays)
        if (training.arm, training.level) != (arm.name, level):
            return None
        set_masks(self.trainer.model, _masks_in(arrays))
        unpack(arrays, "now/").rewind(self.trainer.model)
        self.observer.advance(
            training.step - arm.begins(level, self.plan), f"seed {self.seed} level {level} {arm.name}"
        )
        return training

    def _finish(self, training: "_Training", arm: Arm, level: int, end: int, text: str) -> Record:
        rate = _stretched(self.rate, arm.stretch(level, self.plan))
        looks = self._looks(arm, level)
        clock = saved = time.monotonic()
        while training.step < end:
            if arm is DENSE and training.step == self.plan.rewind_to:
                Ticket.take(self.trainer.model).save(self.folder / "rewind.npz")
            start, stop = training.step, self._next_stop(training.step, end, looks, dense=arm is DENSE)
            training.advance(self.trainer, stop, self.seed, rate)
            self.observer.advance(stop - start, text)
            if stop == end:
                self.trainer.finish()
            if stop % self.evaluate_every == 0 or stop == end:
                training.evaluate(self.trainer)
            if stop in looks:
                self._look(training)
            now = time.monotonic()
            if now - saved > self.checkpoint_every and stop < end:
                training.seconds, clock, saved = training.seconds + now - clock, now, now
                write_arrays(self.folder / "current.npz", training.packed(self.trainer.model))
                self._tell(arm.name, training)
        training.seconds += time.monotonic() - clock
        return self._close(training, arm, level)

    def _looks(self, arm: Arm, level: int) -> frozenset[int]:
        return frozenset(self.observer.looks(level, arm.begins(level, self.plan), arm.ends(level, self.plan)))

    def _next_stop(self, step: int, end: int, looks: Collection[int], dense: bool) -> int:
        stops = [end, step + self.trainer.chunk, (step // self.evaluate_every + 1) * self.evaluate_every]
        stops += [look for look in looks if look > step]
        if dense and step < self.plan.rewind_to:
            stops.append(self.plan.rewind_to)
        return min(stops)

    def _close(self, training: "_Training", arm: Arm, level: int) -> Record:
        """Test the net at its end and at its best, and write both the record and what the next level needs."""
        trainer = self.trainer
        end = Ticket.take(trainer.model)
        test = trainer.evaluate("test")
        Ticket(training.best_variables, end.optimizer, end.step).rewind(trainer.model)
        early = trainer.evaluate("test")
        kept = masks(trainer.model)
        record = training.record(self.seed, arm, self.plan, test.accuracy, early.accuracy, kept)
        arrays = _pack_masks(kept) | {"record": _as_bytes(asdict(record))}
        if arm.has_lineage:
            arrays |= pack(end, "end/")
        write_arrays(self._file(arm.name, level), arrays)
        return record

    def _tell(self, arm: str, training: "_Training | None") -> None:
        """Hand the observer the whole history of an arm; level 0 is every arm's beginning and is told with it."""
        self.observer.history(self.seed, arm, self._history(arm, training))

    def _look(self, training: "_Training") -> None:
        """Show the observer the net, with a row for this step."""
        rows = self._history(training.arm, training)
        trained = sum(record.steps for record in self._of(training.arm))
        now = trained + training.step - training.curve[0]["step"]
        if rows[-1][0] < now:
            rows.append((now, {"level": training.level, "density": _density(masks(self.trainer.model))}))
        self.observer.look(self.seed, training.arm, rows, self.trainer.model)

    def _of(self, arm: str) -> list[Record]:
        """The finished trainings of an arm, level 0 first."""
        return [record for record in self._records if record.arm in (DENSE.name, arm)]

    def _history(self, arm: str, training: "_Training | None") -> Rows:
        rows, offset = [], 0
        curves = [(record.level, record.density, record.curve) for record in self._of(arm)]
        if training is not None:
            curves.append((training.level, _density(masks(self.trainer.model)), training.curve))
        for at, density, curve in curves:
            begin = curve[0]["step"]
            rows += [
                (offset + row["step"] - begin, _scalars(row, at, density))
                for row in curve
                if at == 0 or row["step"] > begin
            ]
            offset += curve[-1]["step"] - begin
        return rows


@dataclass
class _Training:
    """A training under way: where it is, its curve, and its best net so far by validation loss."""

    arm: str
    level: int
    step: int
    curve: list[dict[str, float]] = field(default_factory=list)
    loss_sum: float = 0.0
    loss_steps: int = 0
    best: int = -1  # index into the curve
    best_variables: dict[str, np.ndarray] = field(default_factory=dict)
    seconds: float = 0.0

    def advance(self, trainer: Trainer, stop: int, seed: int, rate) -> None:
        self.loss_sum += trainer.run(self.step, stop, seed, rate) * (stop - self.step)
        self.loss_steps += stop - self.step
        self.step = stop

    def evaluate(self, trainer: Trainer) -> None:
        found = trainer.evaluate("validation")
        train_loss = self.loss_sum / self.loss_steps if self.loss_steps else None
        self.loss_sum, self.loss_steps = 0.0, 0
        self.curve.append(
            {
                "step": self.step,
                "train_loss": train_loss,
                "validation_loss": found.loss,
                "validation_accuracy": found.accuracy,
            }
        )
        if self.best < 0 or found.loss < self.curve[self.best]["validation_loss"]:
            self.best, self.best_variables = len(self.curve) - 1, Ticket.take(trainer.model).variables

    def packed(self, model: keras.Model) -> dict[str, np.ndarray]:
        about = {name: getattr(self, name) for name in _PROGRESS}
        best = pack(Ticket(self.best_variables, None), "best/")
        return pack(Ticket.take(model), "now/") | best | _pack_masks(masks(model)) | {"training": _as_bytes(about)}

    @classmethod
    def unpacked(cls, arrays: Mapping[str, np.ndarray]) -> "_Training":
        return cls(**_from_bytes(arrays["training"]), best_variables=unpack(arrays, "best/").variables)

    def record(self, seed: int, arm: Arm, plan: Steps, test: float, early_test: float, kept: Masks) -> Record:
        last, best = self.curve[-1], self.curve[self.best]
        return Record(
            seed=seed,
            level=self.level,
            arm=self.arm,
            density=_density(kept),
            steps=arm.ends(self.level, plan) - arm.begins(self.level, plan),
            total_steps=plan.steps if arm is DENSE else arm.total_steps(self.level, plan),
            train_loss=last["train_loss"],
            validation_loss=last["validation_loss"],
            validation_accuracy=last["validation_accuracy"],
            test_accuracy=test,
            early_step=best["step"] - arm.begins(self.level, plan) + arm.counts_from(plan),
            early_validation_loss=best["validation_loss"],
            early_validation_accuracy=best["validation_accuracy"],
            early_test_accuracy=early_test,
            curve=tuple(self.curve),
            layers={path: float(mask.mean()) for path, mask in kept.items()},
            seconds=self.seconds,
        )


_PROGRESS = ("arm", "level", "step", "curve", "loss_sum", "loss_steps", "best", "seconds")


def _prepared(model: keras.Model, granularity: str, exclude: Sequence[str]) -> keras.Model:
    """The model wrapped, and its optimizer with a number for a learning rate: the loop feeds the schedule step by step."""
    wrapped = (prune_weights if granularity == "weights" else prune_units)(model, 1.0, exclude=exclude)
    if not wrapped.compiled:
        raise ValueError(f"`model` must be compiled with a loss and an optimizer. Received: '{model.name}'")
    optimizer = wrapped.optimizer
    if _schedule(optimizer) is not None:
        plain = fresh_optimizer(optimizer, learning_rate=_number(optimizer.learning_rate))
        keep_exclusions(optimizer, plain, [(variable, variable) for variable in wrapped.variables])
        wrapped.compile(optimizer=plain, loss=wrapped.loss, auto_scale_loss=False)
    return wrapped


def _schedule(optimizer):
    (part, *others) = optimizer_parts(optimizer)
    schedule = None if others else part._learning_rate
    return schedule if isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule) else None


def _rate(model: keras.Model, last: int) -> Callable[[np.ndarray], np.ndarray]:
    """Steps → learning rates; after the `last` step of the schedule its rate stays, which is what fine-tuning has."""
    schedule = _schedule(model.optimizer)
    if schedule is None:
        rate = _number(model.optimizer.learning_rate)
        return lambda steps: np.full(len(steps), rate)
    at = functools.cache(lambda step: _number(schedule(step)))  # a millisecond each, the same for every arm and seed
    return lambda steps: np.array([at(int(step)) for step in np.minimum(steps, last)])


def _number(scalar) -> float:
    return float(keras.ops.convert_to_numpy(scalar))  # also of a variable that is mirrored on several devices


def _stretched(rate, factor: float):
    return rate if factor == 1 else lambda steps: rate(np.floor(steps / factor).astype(int))


def _at_level(keep: Density, level: int) -> Density:
    """The densities of a level, as floats: an integer would be a count."""
    return {p: float(f) ** level for p, f in keep.items()} if isinstance(keep, Mapping) else float(keep) ** level


def _density(kept: Masks) -> float:
    return float(sum(mask.sum() for mask in kept.values()) / sum(mask.size for mask in kept.values()))


def _scalars(row: Mapping[str, float], level: int, density: float) -> dict[str, float]:
    told = {name: value for name, value in row.items() if name != "step" and value is not None}
    return told | {"level": level, "density": density}


def _layers_seeded(start: Ticket, seed: int) -> Ticket:
    """The ticket with random layers, such as dropout, that draw something else for each seed."""
    states = {path: value for path, value in start.variables.items() if is_random_state(path)}
    drawn = {path: np.array([derived_seed(f"{path} {seed}"), 0], value.dtype) for path, value in states.items()}
    return replace(start, variables=start.variables | drawn)


def _claim(folder: Path, settings: dict[str, Any]) -> None:
    """Write down whose folder it is, or make sure that it is ours. More seeds, levels and arms may come later."""
    file, ours = folder / "plan.json", plain(settings)
    if not file.exists():
        write_json(file, ours)
        return
    found = read_json(file)
    differing = [name for name in ours if found.get(name) != ours[name]]
    if differing:
        raise ValueError(
            f"`directory` holds a loop with other arguments ({', '.join(differing)}): choose another. "
            f"Received: {os.fspath(folder)}"
        )


def check_plan(
    data: Splits,
    *,
    steps: int,
    levels: int,
    rewind_to: int = 0,
    evaluate_every: int = 100,
    batch_size: int = 128,
    granularity: str = "weights",
    keep: Density = 0.8,
    arms: Sequence[str] = ("rewind", "reinit"),
) -> None:
    """Raise a ValueError where `levels` would refuse these arguments; it takes no time."""
    steps_per_epoch(len(data.train[1]), batch_size)
    chosen_arms(arms)
    if steps < 1 or levels < 0 or evaluate_every < 1:
        raise ValueError(
            "`steps` and `evaluate_every` must be at least 1, `levels` at least 0. "
            f"Received: steps={steps}, evaluate_every={evaluate_every}, levels={levels}"
        )
    if not 0 <= rewind_to < steps:
        raise ValueError(f"`rewind_to` must lie in [0, steps). Received: rewind_to={rewind_to}, steps={steps}")
    if granularity not in ("weights", "units"):
        raise ValueError(f"`granularity` must be weights or units. Received: granularity={granularity!r}")
    if not all(0 < fraction <= 1 for fraction in (keep.values() if isinstance(keep, Mapping) else [keep])):
        raise ValueError(f"`keep` must lie in (0, 1]. Received: keep={keep}")


def _check_finite(ticket: Ticket, whose: str) -> None:
    for path, value in ticket.variables.items():
        if value.dtype.kind not in "iub" and not np.isfinite(value.astype(np.float32)).all():
            raise DivergedError(f"The training of {whose} diverged: '{path}' is not finite; lower the learning rate.")


def _as_bytes(value: dict) -> np.ndarray:
    return np.frombuffer(json.dumps(value).encode(), np.uint8)


def _from_bytes(array: np.ndarray) -> dict:
    return json.loads(array.tobytes().decode())


def _read_record(file: Path) -> Record:
    found = _from_bytes(read_arrays(file)["record"])
    return Record(**{**found, "curve": tuple(found["curve"])})


def _pack_masks(kept: Masks) -> dict[str, np.ndarray]:
    return {f"masks/{path}": mask for path, mask in kept.items()}


def _masks_in(arrays: Mapping[str, np.ndarray]) -> Masks:
    return {key.removeprefix("masks/"): value for key, value in arrays.items() if key.startswith("masks/")}
