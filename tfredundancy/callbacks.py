"""Callbacks for `fit`: each decides when, and calls what does it."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tfredundancy.files import read_arrays, write_arrays
from tfredundancy.inspection.analysis import records
from tfredundancy.inspection.logs import RecordLog
from tfredundancy.inspection.records import MEASURES, Settings
from tfredundancy.lottery.ticket import Ticket
from tfredundancy.paths import variable_arrays, wrappers
from tfredundancy.pruning.choosing import Exclude, Masks, Options, excluded, next_masks
from tfredundancy.pruning.groups import UnitGroup
from tfredundancy.pruning.scoring import Criterion
from tfredundancy.pruning.selection import masks, set_masks

Schedule = Callable[[int], tuple[bool, float]]


class TakeTicket(keras.callbacks.Callback):
    """Take a ticket at a training step, to rewind to later.

    Args:
        step: number of optimizer steps after which the ticket is taken; 0 takes it before the first.

    Attributes:
        ticket: the `Ticket`, None until it is taken.

    Raises:
        ValueError: `step` is negative; or training has passed it already, or jumps over it, as `steps_per_execution` can.

    Example:
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> take = TakeTicket(step=2)
        >>> history = model.fit(np.ones((8, 2)), np.ones((8, 1)), batch_size=2, verbose=0, callbacks=[take])
        >>> take.ticket
        Ticket(step 2, 2 variables, 2 of the optimizer)
    """

    def __init__(self, step: int):
        super().__init__()
        if step < 0:
            raise ValueError(f"`step` must be at least 0. Received: step={step}")
        self.step = step
        self.ticket: Ticket | None = None

    def on_train_begin(self, logs=None):
        if self.ticket is None:
            self._take_at(_steps_taken(self.model))

    def on_train_batch_end(self, batch, logs=None):
        if self.ticket is None:
            self._take_at(_steps_taken(self.model))

    def _take_at(self, step: int) -> None:
        if step == self.step:
            self.ticket = Ticket.take(self.model)
        elif step > self.step:
            raise ValueError(
                f"`step` must be one that training comes by: it is at {step} "
                f"(steps_per_execution={self.model.steps_per_execution}). "
                f"Received: step={self.step}"
            )


class PruneOnSchedule(keras.callbacks.Callback):
    """Prune a wrapped model while it trains, as much and as often as a schedule says.

    After n steps, n = 0 before the first, the schedule is asked at n; where it says so, the next masks are chosen, within the
    present ones, and set. In between nothing is needed: the wrappers hold the zeros after every step and in every checkpoint.
    A step is a trained batch; the count begins with the optimizer's, so a training that goes on, with BackupAndRestore too,
    goes on in the schedule. What was pruned stays pruned: a schedule that asks for less than that changes nothing.

    Args:
        pruning_schedule: tfmot's `ConstantSparsity`, `PolynomialDecay` or another `PruningSchedule`, or any function step →
            (whether to prune now, sparsity).
        criterion: as in `choose_masks`, like the other options.
        scope: likewise.
        select: likewise.
        exclude: likewise.
        groups: likewise.
        min_units: likewise.
        round_to: likewise.
        data: likewise.
        seed: of "random"; each step draws its own.
        initial: likewise.

    Raises:
        ValueError: before the first step: a model without pruning wrappers; a run of unknown length; a schedule whose final
            sparsity (its `final_sparsity` or `target_sparsity`, or what it answers for step 2³¹ − 1) it would not prune to within
            the run; wrong options.

    Example:
        >>> from tfredundancy.pruning import density, prune_units
        >>> net = keras.Sequential([keras.Input((2,)), keras.layers.Dense(8, name="hidden"), keras.layers.Dense(1)])
        >>> net.compile("sgd", "mse")
        >>> net = prune_units(net, 1.0)
        >>> prune = PruneOnSchedule(lambda step: (step % 2 == 0, min(step / 4, 0.75)))
        >>> history = net.fit(np.ones((8, 2)), np.ones((8, 1)), batch_size=2, verbose=0, callbacks=[prune])
        >>> density(net)
        {'hidden': 0.25}

    Reference:
        Zhu & Gupta 2017, To prune, or not to prune, arXiv:1710.01878.
    """

    def __init__(
        self,
        pruning_schedule: Schedule,
        criterion: Criterion | None = None,
        scope: str | None = None,
        select: str = "smallest",
        exclude: Exclude = (),
        groups: Iterable[UnitGroup] | None = None,
        min_units: int = 1,
        round_to: int | None = None,
        data: Any = None,
        seed: int | None = None,
        initial: Any = None,
    ):
        super().__init__()
        if not callable(pruning_schedule):
            raise ValueError(
                "`pruning_schedule` must be a function step → (whether to prune, sparsity), such as tfmot's PolynomialDecay. "
                f"Received: {pruning_schedule!r}"
            )
        self.schedule, self.exclude = pruning_schedule, exclude
        self.groups, self.seed = groups if groups is None else tuple(groups), seed
        self.options = Options(criterion, scope, select, min_units, round_to, data, initial, seed, capped=True)
        self._step: int | None = None  # trained batches so far; known once training begins
        self._batch = -1

    def on_train_begin(self, logs=None):
        self._step = None

    def on_epoch_begin(self, epoch, logs=None):
        self._batch = -1
        if self._step is None:  # not at the beginning of training, when BackupAndRestore may not have restored yet
            self._step = _steps_taken(self.model)
            self._check(self.params["epochs"] - epoch)
            self._prune_if_due(self._step, self._step)

    def on_train_batch_end(self, batch, logs=None):
        batch = min(batch, self.params["steps"] - 1)  # Keras counts steps_per_execution past the last batch
        before, self._step, self._batch = self._step, self._step + batch - self._batch, batch
        self._prune_if_due(before + 1, self._step)

    def _prune_if_due(self, first: int, last: int) -> None:
        """Ask the schedule at these steps, several where one call trains several; prune as at the last that is due."""
        due = [(step, sparsity) for step in range(first, last + 1) for now, sparsity in [self._answer(step)] if now]
        if due:
            set_masks(self.model, self._masks(*due[-1]))

    def _masks(self, step: int, sparsity: float) -> Masks:
        model = self.model
        left = excluded(self.exclude, wrappers(model))
        options = replace(self.options, seed=None if self.seed is None else (self.seed, step))
        return next_masks(
            model, [path for path in wrappers(model) if path not in left], 1 - sparsity, options, self.groups
        )

    def _answer(self, step: int) -> tuple[bool, float]:
        answer = self.schedule(step)
        if not (isinstance(answer, Sequence) and len(answer) == 2):
            raise ValueError(
                f"`pruning_schedule` must give (whether to prune, sparsity). Received: {answer!r} at step {step}"
            )
        now, sparsity = answer
        sparsity = float(sparsity)
        if not 0 <= sparsity <= 1:
            raise ValueError(
                f"`pruning_schedule` must give sparsities in [0, 1]. Received: {sparsity!r} at step {step}"
            )
        named = self._named_sparsity()
        exact = named is not None and abs(sparsity - named) < 1e-6  # tfmot computes in float32
        return bool(now), named if exact else sparsity

    def _named_sparsity(self) -> float | None:
        """The final sparsity as a schedule of tfmot names it."""
        named = (getattr(self.schedule, name, None) for name in ("final_sparsity", "target_sparsity"))
        return next((float(value) for value in named if value is not None), None)

    def _check(self, epochs: int) -> None:
        """Raise before the first step where something is wrong, rather than after the last."""
        model, steps = self.model, self.params.get("steps")
        if not wrappers(model):
            raise ValueError(
                "`model` must have pruning wrappers around its layers: tfr.prune_units(model, 1.0) or "
                f"tfr.prune_weights(model, 1.0) gives such a copy. Received: '{model.name}'"
            )
        if steps is None:
            raise ValueError(
                "The length of the training must be known, for the schedule to be reached: pass `steps_per_epoch` to fit. "
                "Received: data of unknown length"
            )
        end, final = self._step + epochs * steps, self._named_sparsity()
        final = self._answer(2**31 - 1)[1] if final is None else final
        present, last = masks(model), self._masks(self._step, final)
        if all(np.array_equal(mask, present[path]) for path, mask in last.items()):
            return  # a training that goes on after its schedule has ended
        answers = map(self._answer, self._candidates(self._step, end))
        if not any(now and sparsity >= final for now, sparsity in answers):
            raise ValueError(
                f"`pruning_schedule` would not prune to its final sparsity {final:g} within the training, which goes from step "
                f"{self._step} to {end}: train longer, or end the schedule sooner or prune more often. "
                f"Received: {_described(self.schedule)}"
            )

    def _candidates(self, start: int, end: int) -> Iterable[int]:
        """Steps of the training at which the final sparsity may be pruned to, the last first."""
        schedule = self.schedule
        begin, stop, frequency = (getattr(schedule, name, None) for name in ("begin_step", "end_step", "frequency"))
        if None in (begin, stop, frequency):
            return range(end, start - 1, -1)
        last = end if stop < 0 else min(stop, end)
        return range(last - (last - begin) % frequency, max(begin, start) - 1, -frequency)


class RedundancyMonitor(keras.callbacks.Callback):
    """Measure the redundancy of a model while it trains: event files for TensorBoard and a table, `monitor.csv`.

    Scalars go to the Time Series tab, spectra, angles, masks and survival counts to the plugin; the table has the columns of
    `tfr.analyze` and the step. The first and the last step are always measured. Weights that are NaN are reported, not fatal.

    A step is a trained batch, counted from the first `fit` on; it goes on in later calls of `fit`, whatever rewinding does to
    the optimizer's own count. A process that finds a folder with steps in it continues them: where the optimizer's count says
    that it trains some of them again, after a crash and from a checkpoint, these are not written twice.

    Args:
        log_dir: folder of one training, usually below what `tensorboard --logdir` watches.
        every: "epoch", a number of steps, or "log": steps 1, 2, 4, 8 ….
        measures: some of those of `tfr.analyze`.
        data: inputs, or (inputs, labels), for the responses of units; they cost a few passes over them each time.
        initial: as for `tfr.analyze`; default: the weights at the first step, which are kept in `initial.npz`.
        spectra: as for `tfr.analyze`.
        replicates: of the bootstrap behind `alpha_p`.
        seed: of everything random.

    Raises:
        ValueError: `every` is none of these; the folder holds a training, and the model has not trained a step; the model
            has no weights.

    Example:
        >>> import tempfile
        >>> import pandas as pd
        >>> model = keras.Sequential([keras.Input((16,)), keras.layers.Dense(12, name="hidden"), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     monitor = RedundancyMonitor(folder)
        ...     history = model.fit(np.ones((8, 16)), np.ones((8, 1)), batch_size=2, verbose=0, callbacks=[monitor])
        ...     print(sorted(set(pd.read_csv(folder + "/monitor.csv").step)))
        [0, 4]

    Reference:
        Martin & Mahoney 2021, Implicit self-regularization in deep neural networks, arXiv:1810.01075.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike,
        every: str | int = "epoch",
        *,
        measures: Sequence[str] = MEASURES,
        data: Any = None,
        initial: keras.Model | Mapping[str, np.ndarray] | None = None,
        spectra: str = "taps",
        replicates: int = 100,
        seed: int = 0,
    ):
        super().__init__()
        if isinstance(every, bool) or not (every in ("epoch", "log") or (isinstance(every, int) and every >= 1)):
            raise ValueError(f"`every` must be 'epoch', 'log' or a number of steps. Received: every={every!r}")
        self.every, self.data, self.initial, self.spectra = every, data, initial, spectra
        self.settings = Settings(measures=tuple(measures), replicates=replicates, seed=seed)
        self.log = RecordLog(log_dir)
        self._step: int | None = None  # trained batches so far; known once training begins
        self._next = 0
        self._batch = -1

    def on_epoch_begin(self, epoch, logs=None):
        self._batch = -1
        if self._step is None:  # not at the beginning of training, when BackupAndRestore may not have restored yet
            self._step = self._first_step()
            self._measure()

    def on_train_batch_end(self, batch, logs=None):
        last = self.params.get("steps")
        batch = batch if last is None else min(batch, last - 1)  # Keras counts steps_per_execution past the last batch
        self._step, self._batch = self._step + batch - self._batch, batch
        if self.every != "epoch" and self._step >= self._next:
            self._measure()

    def on_epoch_end(self, epoch, logs=None):
        if self.every == "epoch":
            self._measure()

    def on_train_end(self, logs=None):
        if self._step is not None:
            self._measure()

    def _first_step(self) -> int:
        if self.log.last is None:
            return 0
        step, then = self.log.last
        iterations = _steps_taken(self.model)
        if iterations == 0:
            raise ValueError(
                f"`log_dir` holds a training of {step} steps, and the model has not trained one: choose another folder, or "
                f"restore the checkpoint that training is to go on from. Received: log_dir={os.fspath(self.log.directory)!r}"
            )
        return max(0, step - (then - iterations))

    def _measure(self) -> None:
        self._next = 2 * max(self._step, 0.5) if self.every == "log" else self._next_multiple()
        if self.log.last is None or self._step > self.log.last[0]:
            found = list(records(self.model, self._first_weights(), self.data, self.spectra, settings=self.settings))
            self.log.write(self._step, _steps_taken(self.model), found)

    def _next_multiple(self) -> float:
        return (self._step // self.every + 1) * self.every if isinstance(self.every, int) else np.inf

    def _first_weights(self):
        """What training began with: given, or kept in the folder since its first step."""
        if self.initial is None:
            file = Path(self.log.directory) / "initial.npz"
            if self.log.last is None:
                write_arrays(file, variable_arrays(self.model))
            self.initial = read_arrays(file)
        return self.initial


def _described(schedule) -> str:
    """The class of a schedule with its numbers, or the function's name."""
    numbers = [f"{name}={value!r}" for name, value in getattr(schedule, "__dict__", {}).items() if not callable(value)]
    name = getattr(schedule, "__name__", type(schedule).__name__)
    return f"{name}({', '.join(numbers)})" if numbers else name


def _steps_taken(model: keras.Model) -> int:
    return int(keras.ops.convert_to_numpy(model.optimizer.iterations))
