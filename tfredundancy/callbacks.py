"""Callbacks for `fit`: each decides when, and calls what does it."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tfredundancy.files import read_arrays, write_arrays
from tfredundancy.inspection.analysis import records
from tfredundancy.inspection.logs import RecordLog
from tfredundancy.inspection.records import MEASURES, Settings
from tfredundancy.lottery.ticket import Ticket
from tfredundancy.paths import variable_arrays


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


def _steps_taken(model: keras.Model) -> int:
    return int(keras.ops.convert_to_numpy(model.optimizer.iterations))
