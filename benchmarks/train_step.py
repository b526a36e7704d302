"""What do masks cost in a training step?

One step of ResNet-20 (projection shortcuts, no weight decay) at batch 128: the plain Keras model, the same again as a
control, `PruneUnits` around every convolution and BatchNormalization (half of the units), `PruneWeights` around every
convolution (a fifth of the weights), and tfmot's `prune_low_magnitude` against the tf_keras twin that it wraps. All live in
one process and take turns, a step each, in an order that rotates; what counts is the CPU time of the process, and of each
round the ratio to the dense net of the same Keras. The first step of a fresh model, tracing included, is timed the same way.

    python benchmarks/train_step.py             200 rounds, about 20 minutes on one core
    python benchmarks/train_step.py --quick     a smoke test of a few minutes, of no use as a measurement

Targets: the upper end of the interval at most 1.04 × dense for both wrappers, the first step at most 1.3 ×, the model's
variables at most 1.26 × as many bytes. Expected of tfmot: 1.00–1.09 ×, 4–10 ×, 1.99 ×.
Needs tf-keras and tensorflow-model-optimization.
"""

import argparse
import gc
import os
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
import tensorflow_model_optimization as tfmot
import tf_keras
from _timing import Ratio, print_table, print_targets, ratio, rotated, summary, write

import tfredundancy as tfr

BATCH, RATE, MOMENTUM = 128, 0.01, 0.9
OURS = ("PruneUnits", "PruneWeights")
REFERENCE = {"dense again": "dense", "PruneUnits": "dense", "PruneWeights": "dense", "tfmot": "tf_keras dense"}


def dense() -> keras.Model:
    model = tfr.models.resnet_20(seed=0)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(RATE, MOMENTUM), loss, jit_compile=False)
    return model


def tf_keras_dense():
    """The same net layer by layer: tfmot wraps tf_keras models only."""
    image = tf_keras.Input((32, 32, 3))
    x = _tf_keras_conv(image, 16)
    for width in (16, 32, 64):
        for _ in range(3):
            stride = 2 if width > x.shape[-1] else 1
            y = _tf_keras_conv(_tf_keras_conv(x, width, 3, stride), width, relu=False)
            x = x if stride == 1 else _tf_keras_conv(x, width, 1, stride, relu=False)
            x = tf_keras.layers.ReLU()(tf_keras.layers.Add()([y, x]))
    logits = tf_keras.layers.Dense(10)(tf_keras.layers.GlobalAveragePooling2D()(x))
    return tf_keras.Model(image, logits)


def _tf_keras_conv(x, filters, size=3, stride=1, relu=True):
    layers = tf_keras.layers
    padded = layers.ZeroPadding2D(1)(x) if stride == 2 and size == 3 else x
    padding = "same" if padded is x else "valid"
    x = layers.Conv2D(filters, size, stride, padding, use_bias=False, kernel_initializer="he_normal")(padded)
    x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
    return layers.ReLU()(x) if relu else x


def compiled(model):
    loss = tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(tf_keras.optimizers.SGD(RATE, MOMENTUM), loss, jit_compile=False)
    return model


def tfmot_pruned():
    schedule = tfmot.sparsity.keras.ConstantSparsity(0.8, begin_step=0, frequency=100)
    return compiled(tfmot.sparsity.keras.prune_low_magnitude(tf_keras_dense(), schedule))


MODELS: dict[str, Callable] = {
    "dense": dense,
    "dense again": dense,
    "PruneUnits": lambda: tfr.prune_units(dense(), 0.5),
    "PruneWeights": lambda: tfr.prune_weights(dense(), 0.2, exclude=["classifier"]),
    "tf_keras dense": lambda: compiled(tf_keras_dense()),
    "tfmot": tfmot_pruned,
}


def stepper(name: str, model, x, y) -> Callable[[], None]:
    """A function that takes one training step, with the callback that tfmot demands."""
    if name != "tfmot":
        return lambda: model.train_on_batch(x, y)
    callback = tfmot.sparsity.keras.UpdatePruningStep()
    callback.set_model(model)
    callback.on_train_begin()

    def step():
        callback.on_train_batch_begin(-1)
        model.train_on_batch(x, y)

    return step


def cpu_seconds(action: Callable[[], None]) -> float:
    start = time.process_time()
    action()
    return time.process_time() - start


def first_steps(x, y, repetitions: int) -> dict[str, list[float]]:
    """CPU seconds of the first step of fresh models; an earlier one has paid what a process pays once."""
    for name in ("dense", "tf_keras dense"):
        stepper(name, MODELS[name](), x, y)()
    seconds = {name: [] for name in MODELS}
    for repetition in range(repetitions):
        for name in rotated(MODELS, repetition):
            seconds[name].append(cpu_seconds(stepper(name, MODELS[name](), x, y)))
            gc.collect()
    return seconds


def steps(models: dict, x, y, rounds: int, warm_up: int) -> dict[str, list[float]]:
    """CPU seconds of single steps, the arms taking turns."""
    steppers = {name: stepper(name, model, x, y) for name, model in models.items()}
    for step in [step for step in steppers.values() for _ in range(warm_up)]:
        step()
    gc.collect()
    gc.freeze()  # else a collection walks through six graphs in somebody's step
    seconds = {name: [] for name in steppers}
    for number in range(rounds):
        for name in rotated(steppers, number):
            seconds[name].append(cpu_seconds(steppers[name]))
    return seconds


def variable_bytes(variables) -> int:
    sizes = (int(np.prod(v.shape)) * tf.as_dtype(v.dtype).size for v in variables)
    return sum(sizes)


def sizes(model) -> dict[str, int]:
    optimizer = model.optimizer.variables
    optimizer = optimizer() if callable(optimizer) else optimizer
    model_bytes = variable_bytes(model.variables)
    return {"model": model_bytes, "model and optimizer": model_bytes + variable_bytes(optimizer)}


def ratios(seconds: dict[str, list[float]]) -> dict[str, Ratio]:
    return {name: ratio(seconds[name], seconds[reference]) for name, reference in REFERENCE.items()}


def report(step, first, size) -> dict[str, bool]:
    """Print the table; return the targets, met or not."""
    of_steps, of_firsts = ratios(step), ratios(first)
    of_sizes = {
        name: {kind: size[name][kind] / size[reference][kind] for kind in size[name]}
        for name, reference in REFERENCE.items()
    }
    rows = []
    for name in MODELS:
        row = [name, f"{1000 * np.median(step[name]):.1f}", "", f"{np.median(first[name]):.1f}", "", ""]
        if name in REFERENCE:
            row[2], row[4] = str(of_steps[name]), str(of_firsts[name])
            row[5] = " / ".join(f"{value:.3f}" for value in of_sizes[name].values())
        rows.append(row)
    print_table(
        ["arm", "ms a step", "÷ dense, 95 %", "first step, s", "÷ dense, 95 %", "bytes: model / + optimizer"], rows
    )
    step_high = max(of_steps[name].high for name in OURS)
    first_mean = max(of_firsts[name].mean for name in OURS)
    bytes_most = max(of_sizes[name]["model"] for name in OURS)
    return {
        f"a step at most 1.04 × dense, upper ends of the intervals: {step_high:.3f}": step_high <= 1.04,
        f"the first step at most 1.3 × dense: {first_mean:.3f}": first_mean <= 1.3,
        f"variables at most 1.26 × the bytes: {bytes_most:.3f}": bytes_most <= 1.26,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=200, help="rounds of one step of each arm")
    parser.add_argument("--firsts", type=int, default=5, help="fresh models of each arm whose first step is timed")
    parser.add_argument("--warm-up", type=int, default=8, help="steps of each arm that do not count")
    parser.add_argument(
        "--threads", type=int, default=1, help="TensorFlow's; more spin while they wait, which is CPU time too"
    )
    parser.add_argument("--out", default="runs/benchmarks", help="folder for train_step.json")
    parser.add_argument("--quick", action="store_true", help="three rounds, to see that it runs")
    args = parser.parse_args()
    if args.quick:
        args.steps, args.firsts, args.warm_up = 3, 1, 1
    tf.get_logger().setLevel("ERROR")  # it would advise against tracing so many models
    tf.config.threading.set_intra_op_parallelism_threads(args.threads)
    tf.config.threading.set_inter_op_parallelism_threads(args.threads)
    draw = np.random.default_rng(0)
    x = tf.constant(draw.standard_normal((BATCH, 32, 32, 3)), tf.float32)
    y = tf.constant(draw.integers(0, 10, BATCH), tf.int32)

    first = first_steps(x, y, args.firsts)
    models = {name: make() for name, make in MODELS.items()}
    step = steps(models, x, y, args.steps, args.warm_up)
    size = {name: sizes(model) for name, model in models.items()}
    targets = report(step, first, size)
    print_targets(targets)
    record = {
        "question": "CPU time of a training step of ResNet-20, batch 128",
        "arguments": {name: value for name, value in vars(args).items() if name != "out"},
        "step_seconds": {name: summary(values) for name, values in step.items()},
        "first_step_seconds": {name: summary(values) for name, values in first.items()},
        "step_ratios": ratios(step),
        "first_step_ratios": ratios(first),
        "bytes": size,
        "targets": targets,
    }
    write(args.out, "train_step", record)


if __name__ == "__main__":
    main()
