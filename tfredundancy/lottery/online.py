"""Training on examples that are made as they are needed, each seen once; any loss, any backend.

It is called as a `Trainer` is, so that `train_and_visit` looks at it and resumes it.
"""

from collections.abc import Callable

import keras
import numpy as np


class OnlineTrainer:
    """Trains a compiled model by step number.

    Args:
        model: compiled, with an optimizer whose learning rate is a number; it is trained in place.
        draw: (seed, start, stop) → inputs (steps, batch, …) and targets (steps, batch, …) of these steps, a pure function.
        chunk: steps in one call of `run`, at most.
    """

    def __init__(self, model: keras.Model, draw: Callable, *, chunk: int = 500):
        self.model, self.chunk, self._draw = model, chunk, draw

    def run(self, start: int, stop: int, seed: int, rate: Callable[[np.ndarray], np.ndarray]) -> float:
        """Train steps start … stop − 1 at the learning rate of the first; return their mean loss.

        Args:
            start: first step.
            stop: step after the last one, at most `chunk` later.
            seed: of the examples.
            rate: function of an integer array of steps → learning rates.
        """
        if not 0 < stop - start <= self.chunk:
            raise ValueError(f"`stop` must lie in (start, start + {self.chunk}]. Received: start={start}, stop={stop}")
        inputs, targets = self._draw(seed, start, stop)
        self.model.optimizer.learning_rate = float(rate(np.array([start]))[0])
        rows = [np.reshape(a, (-1, *a.shape[2:])).astype(np.float32) for a in (inputs, targets)]
        history = self.model.fit(*rows, batch_size=inputs.shape[1], shuffle=False, verbose=0)
        return float(history.history["loss"][0])
