"""The two loops as a user of the library writes them: a pruned model, a `Trainer`, tickets to rewind to."""

import time

import keras
import numpy as np

import tfredundancy as tfr

DENSITY = 0.2


class OurLoop:
    """Trains and evaluates like the peers; counts steps itself, because a step's batch is a function of its number."""

    def __init__(self, arrays, network: str):
        make, self.rate, batch_size, exclude, augmentation = {
            "lenet": (_lenet, 1.2e-3, 60, (), None),
            "resnet": (_resnet, 0.01, 128, ("classifier", "*shortcut*"), tfr.datasets.Augmentation(flip=True, pad=4)),
        }[network]
        train, validation = (
            (arrays[f"{split}_images"], arrays[f"{split}_labels"]) for split in ("train", "validation")
        )
        data = tfr.datasets.Splits.from_arrays(train, validation, validation, classes=10, augmentation=augmentation)
        self.model = tfr.prune_weights(make(0), DENSITY, exclude=exclude)
        self.starts = [tfr.Ticket.take(self.model), tfr.Ticket.take(make(1))]
        self.trainer = tfr.lottery.Trainer(self.model, data, batch_size=batch_size)
        self.step = 0

    def run(self, steps: int) -> float:
        """Train; return the mean loss."""
        total, stop = 0.0, self.step + steps
        while self.step < stop:
            end = min(stop, self.step + self.trainer.chunk)
            total += self.trainer.run(self.step, end, seed=0, rate=self._rates) * (end - self.step)
            self.step = end
        return total / steps

    def evaluate(self) -> tuple[float, float]:
        """Cross-entropy and accuracy over the validation examples."""
        found = self.trainer.evaluate("validation")
        return found.loss, found.accuracy

    def levels(self, levels: int = 3) -> dict:
        """Seconds of a chunk in steady state, of changing to a new level or arm, and of the first chunk after that."""
        chunk = self.trainer.chunk
        steady = [_seconds(lambda: self.run(chunk)) for _ in range(2 * levels)]
        changes, firsts = [], []
        for level in range(1, levels + 1):
            masks = tfr.choose_masks(self.model, DENSITY * 0.8**level)
            for start in self.starts:
                changes.append(_seconds(lambda masks=masks, start=start: self._set_out(masks, start)))
                firsts.append(_seconds(lambda: self.run(chunk)))
        return {"steady": steady, "change": changes, "first": firsts, "steps": chunk, "traces": self.trainer.traces}

    def _set_out(self, masks, start: tfr.Ticket) -> None:
        tfr.set_masks(self.model, masks)
        start.rewind(self.model)

    def _rates(self, steps):
        return np.full(len(steps), self.rate)


def _lenet(seed: int) -> keras.Model:
    model = tfr.models.lenet_300_100(seed=seed)
    model.compile(keras.optimizers.Adam(1.2e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def _resnet(seed: int) -> keras.Model:
    model = tfr.models.resnet_20(weight_decay=1e-4, seed=seed)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.01, momentum=0.9), loss)
    return model


def _seconds(action) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start
