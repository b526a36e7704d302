"""Many training steps in one compiled call.

A step is the same for every backend: gather a batch from the arrays on the device, augment and normalise it, take the
gradient, let the optimizer apply it. What a step needs besides the model comes as data: the rows of its batch, the random
draws of its augmentation, its learning rate. So one compiled function serves every level, arm and seed of an experiment,
and a step is a pure function of (variables, seed, step).

    rows (chunk, batch) · draws (chunk, batch, 3) · rates (chunk,)  →  sum of the losses of the first n steps of the chunk

The drivers differ in how a loop of steps is compiled: tf.function with XLA (off for convolutions on a CPU, where it halves
the speed), or jax.jit.
"""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from tfredundancy.datasets.batches import augment, batch_indices, draws
from tfredundancy.datasets.splits import Splits
from tfredundancy.lottery.fused import fused_normalisation


@dataclass(frozen=True)
class Evaluation:
    """Mean cross-entropy (nats) and accuracy (a fraction) over a split."""

    loss: float
    accuracy: float


class Trainer:
    """Trains a compiled classifier on a data set by step number.

    Args:
        model: compiled with a sparse categorical cross-entropy and an optimizer whose learning rate is a number; it is
            trained in place.
        data: the examples.
        batch_size: examples a step.
        chunk: steps in one compiled call, at most; None: 100 in an XLA loop, 10 otherwise, where a call costs little.
        jit: whether XLA compiles the loop; None: yes, but not for convolutions on a CPU nor under tf.distribute.

    Raises:
        ValueError: a model that is not compiled, another loss, a learning-rate schedule in the optimizer, another backend
            than tensorflow and jax.
    """

    def __init__(
        self, model: keras.Model, data: Splits, *, batch_size: int, chunk: int | None = None, jit: bool | None = None
    ):
        _check_model(model)
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        jit = _use_jit(model, jit)
        self.model, self.data, self.batch_size = model, data, batch_size
        self.chunk = (100 if jit else 10) if chunk is None else chunk
        self._loss = _mean_loss(model)
        self._from_logits = bool(getattr(self._loss, "from_logits", False))
        drivers = {"tensorflow": _TensorFlowDriver, "jax": _JaxDriver}
        if keras.backend.backend() not in drivers:
            raise ValueError(
                f"Lottery loops run on tensorflow and jax. Received: KERAS_BACKEND={keras.backend.backend()}"
            )
        self._driver = drivers[keras.backend.backend()](model, self._batch, self._objective, self._measure, jit)
        self._train_arrays = self._driver.place(*data.train)
        self._evaluations = {name: self._evaluation_arrays(*getattr(data, name)) for name in ("validation", "test")}

    @property
    def traces(self) -> int:
        """How often the training loop has been compiled: once, however many levels and arms it served."""
        return self._driver.traces

    def run(self, start: int, stop: int, seed: int, rate: Callable[[np.ndarray], np.ndarray]) -> float:
        """Train steps start … stop − 1; return their mean loss (with regularisers).

        Args:
            start: first step; it decides the batch, the augmentation and the learning rate.
            stop: step after the last one, at most `chunk` later.
            seed: of the data order and the augmentation.
            rate: function of an integer array of steps → learning rates.
        """
        count = stop - start
        if not 0 < count <= self.chunk:
            raise ValueError(f"`stop` must lie in (start, start + {self.chunk}]. Received: start={start}, stop={stop}")
        rows = batch_indices(seed, start, stop, len(self.data.train[1]), self.batch_size)
        rates = np.asarray(rate(np.arange(start, stop)), np.float32)
        padding = ((0, self.chunk - count),)
        chunk = [np.pad(rows, (*padding, (0, 0))), np.pad(rates, padding)]
        if self.data.augmentation is not None:
            chosen = draws(seed, start, stop, self.batch_size, self.data.augmentation)
            chunk.append(np.pad(chosen, (*padding, (0, 0), (0, 0))))
        return float(self._driver.train(self._train_arrays, count, *chunk)) / count

    def evaluate(self, split: str) -> Evaluation:
        """Cross-entropy and accuracy of the model in inference mode on "validation" or "test"."""
        arrays, rows, weights, size = self._evaluations[split]
        loss, correct = self._driver.evaluate(arrays, rows, weights)
        return Evaluation(float(loss) / size, float(correct) / size)

    def finish(self) -> None:
        """What Keras does at the end of training: an optimizer with a moving average writes it to the weights."""
        self.model.optimizer.finalize_variable_values(self.model.trainable_variables)

    def _batch(self, images, labels, rows, draw=None):
        batch = ops.take(images, rows, axis=0)
        if draw is not None:
            batch = augment(batch, draw, self.data.augmentation.pad)
        return self._normalised(batch), ops.take(labels, rows, axis=0)

    def _normalised(self, images):
        images = ops.cast(images, "float32")
        if self.data.mean is None:
            return images
        return (images - 255 * self.data.mean) / (255 * self.data.std)

    def _objective(self, y, prediction):
        return self._loss(y, prediction)

    def _measure(self, predict, images, labels, rows, weights):
        """(summed cross-entropy, number of hits) of one batch; weights are 0 where the last batch is padded."""
        x, y = self._batch(images, labels, rows)
        prediction = ops.cast(predict(x), "float32")
        losses = keras.losses.sparse_categorical_crossentropy(y, prediction, from_logits=self._from_logits)
        hits = ops.cast(ops.equal(ops.argmax(prediction, axis=-1), ops.cast(y, "int32")), "float32")
        return ops.sum(losses * weights), ops.sum(hits * weights)

    def _evaluation_arrays(self, images, labels, batch: int = 500):
        size = len(labels)
        batches = -(-size // min(batch, size))
        width = -(-size // batches)
        rows = np.arange(batches * width, dtype=np.int32)
        weights = (rows < size).astype(np.float32)
        shape = (batches, width)
        return (
            self._driver.place(images, labels),
            np.minimum(rows, size - 1).reshape(shape),
            weights.reshape(shape),
            size,
        )


class _TensorFlowDriver:
    """tf.function around a while loop; under a tf.distribute strategy one step a call, each replica its part of the batch."""

    def __init__(self, model, batch, objective, measure, jit: bool):
        import tensorflow as tf

        self._tf, self._model, self._batch, self._objective, self._measure = tf, model, batch, objective, measure
        self._strategy = tf.distribute.get_strategy() if tf.distribute.has_strategy() else None
        self.traces = 0
        if self._strategy is None:
            self._train = tf.function(self._loop, jit_compile=jit, autograph=False)
        else:
            self._train = tf.function(self._distributed_step, autograph=False)
        self._evaluate = tf.function(self._sum, jit_compile=jit, autograph=False)

    def place(self, images, labels):
        return self._tf.constant(images), self._tf.constant(labels)

    def train(self, arrays, count: int, *chunk):
        tf = self._tf
        if self._strategy is None:
            return self._train(*arrays, tf.constant(count), *map(tf.constant, chunk))
        total = 0.0
        for i in range(count):
            total += float(self._train(*arrays, *(tf.constant(part[i]) for part in chunk)))
        return total

    def evaluate(self, arrays, rows, weights):
        return self._evaluate(*arrays, self._tf.constant(rows), self._tf.constant(weights))

    def _loop(self, images, labels, count, *chunk):
        self.traces += 1  # runs while tracing only
        tf = self._tf

        def body(i, total):
            loss = self._step(images, labels, *(part[i] for part in chunk))
            return i + 1, total + loss

        return tf.while_loop(lambda i, _: i < count, body, (tf.constant(0), tf.constant(0.0)), parallel_iterations=1)[1]

    def _step(self, images, labels, rows, rate, *draw, share: float = 1.0):
        """One step; `share` is that of one replica, by which Keras scales its losses, but not what layers add to them."""
        model, optimizer = self._model, self._model.optimizer
        x, y = self._batch(images, labels, rows, *draw)
        with self._tf.GradientTape() as tape:
            with fused_normalisation(model):
                prediction = model(x, training=True)
            loss = self._objective(y, prediction) + share * sum(ops.cast(term, "float32") for term in model.losses)
            scaled = optimizer.scale_loss(loss)
        trainable = model.trainable_variables
        gradients = tape.gradient(scaled, trainable)
        optimizer.learning_rate.assign(rate)
        optimizer.apply(gradients, trainable)
        return self._tf.cast(loss, self._tf.float32)

    def _distributed_step(self, images, labels, rows, rate, *draw):
        self.traces += 1
        strategy = self._strategy
        replicas = strategy.num_replicas_in_sync
        if rows.shape[0] % replicas:
            raise ValueError(
                f"`batch_size` must be a multiple of the {replicas} replicas. Received: batch_size={rows.shape[0]}"
            )

        def on_replica():
            part = rows.shape[0] // replicas
            begin = self._tf.distribute.get_replica_context().replica_id_in_sync_group * part
            mine = [array[begin : begin + part] for array in (rows, *draw)]
            return self._step(images, labels, mine[0], rate, *mine[1:], share=1.0 / replicas)

        return strategy.reduce(self._tf.distribute.ReduceOp.SUM, strategy.run(on_replica), axis=None)

    def _sum(self, images, labels, rows, weights):
        tf = self._tf

        def body(i, loss, hits):
            new = self._measure(lambda x: self._model(x, training=False), images, labels, rows[i], weights[i])
            return i + 1, loss + new[0], hits + new[1]

        start = (tf.constant(0), tf.constant(0.0), tf.constant(0.0))
        return tf.while_loop(lambda i, *_: i < rows.shape[0], body, start, parallel_iterations=1)[1:]


class _JaxDriver:
    """jax.jit around a loop over the values of all variables, which are written back when the call returns."""

    def __init__(self, model, batch, objective, measure, jit: bool):
        del jit  # JAX always compiles
        import jax

        self._jax, self._model, self._batch, self._objective, self._measure = jax, model, batch, objective, measure
        self.traces = 0
        self._train = jax.jit(self._loop)
        self._evaluate = jax.jit(self._sum)

    def place(self, images, labels):
        return self._jax.numpy.asarray(images), self._jax.numpy.asarray(labels)

    def train(self, arrays, count: int, *chunk):
        variables = self._variables()
        state, total = self._train([[v.value for v in group] for group in variables], *arrays, count, *chunk)
        for group, values in zip(variables, state, strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.assign(value)
        return total

    def evaluate(self, arrays, rows, weights):
        values = [[v.value for v in group] for group in self._variables()[:2]]
        return self._evaluate(values, *arrays, rows, weights)

    def _variables(self):
        model = self._model
        return model.trainable_variables, model.non_trainable_variables, model.optimizer.variables

    def _loop(self, state, images, labels, count, *chunk):
        self.traces += 1  # runs while tracing only

        def body(i, carry):
            state, total = carry
            state, loss = self._step(state, images, labels, *(part[i] for part in chunk))
            return state, total + loss

        return self._jax.lax.fori_loop(0, count, body, (state, 0.0))

    def _step(self, state, images, labels, rows, rate, *draw):
        trainable, fixed, slots = state
        optimizer = self._model.optimizer
        named = zip(optimizer.variables, slots, strict=True)
        slots = [rate.astype(slot.dtype) if variable is optimizer.learning_rate else slot for variable, slot in named]
        x, y = self._batch(images, labels, rows, *draw)

        def objective(trainable):
            prediction, new, losses = self._model.stateless_call(trainable, fixed, x, training=True, return_losses=True)
            loss = self._objective(y, prediction) + sum(ops.cast(term, "float32") for term in losses)
            with keras.StatelessScope(list(zip(optimizer.variables, slots, strict=True))):
                return optimizer.scale_loss(loss), (loss, new)

        (_, (loss, fixed)), gradients = self._jax.value_and_grad(objective, has_aux=True)(trainable)
        trainable, slots = optimizer.stateless_apply(slots, gradients, trainable)
        return [list(trainable), list(fixed), list(slots)], loss

    def _sum(self, values, images, labels, rows, weights):
        def predict(x):
            return self._model.stateless_call(*values, x, training=False)[0]

        def body(i, carry):
            new = self._measure(predict, images, labels, rows[i], weights[i])
            return carry[0] + new[0], carry[1] + new[1]

        return self._jax.lax.fori_loop(0, rows.shape[0], body, (0.0, 0.0))


def _check_model(model: keras.Model) -> None:
    if not getattr(model, "compiled", False):
        raise ValueError(f"`model` must be compiled with a loss and an optimizer. Received: '{model.name}'")
    loss = keras.losses.get(model.loss)
    names = (getattr(loss, "name", None), getattr(loss, "__name__", None))
    if "sparse_categorical_crossentropy" not in names:
        raise ValueError(
            f"`model` must be compiled with a sparse categorical cross-entropy. Received: loss={model.loss!r}"
        )
    rate = getattr(model.optimizer, "learning_rate", None)  # MultiOptimizer has none
    if not isinstance(rate, keras.Variable):
        raise ValueError(
            "`model` must have an optimizer whose learning rate is a number; pass a schedule by `rate`. "
            f"Received: {'several rates' if rate is None else 'a schedule'} in {type(model.optimizer).__name__}"
        )


def _mean_loss(model: keras.Model) -> keras.losses.Loss:
    """The loss that the model is compiled with; a name or a function, which gives one number per example, as the mean."""
    loss = keras.losses.get(model.loss)
    return loss if isinstance(loss, keras.losses.Loss) else keras.losses.SparseCategoricalCrossentropy()


def _use_jit(model: keras.Model, jit: bool | None) -> bool:
    if jit is not None:
        return jit
    if keras.backend.backend() != "tensorflow":
        return True
    import tensorflow as tf

    convolves = any(
        "conv" in type(getattr(layer, "layer", layer)).__name__.lower() for layer in model._flatten_layers()
    )
    return not tf.distribute.has_strategy() and not (convolves and not tf.config.list_logical_devices("GPU"))
