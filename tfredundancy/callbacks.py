"""Callbacks for `fit`: each decides when, and calls what does it."""

import keras

from tfredundancy.lottery.ticket import Ticket


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
            self._take_at(self._steps_taken())

    def on_train_batch_end(self, batch, logs=None):
        if self.ticket is None:
            self._take_at(self._steps_taken())

    def _take_at(self, step: int) -> None:
        if step == self.step:
            self.ticket = Ticket.take(self.model)
        elif step > self.step:
            raise ValueError(
                f"`step` must be one that training comes by: it is at {step} "
                f"(steps_per_execution={self.model.steps_per_execution}). "
                f"Received: step={self.step}"
            )

    def _steps_taken(self) -> int:
        return int(keras.ops.convert_to_numpy(self.model.optimizer.iterations))
