"""What does gradual pruning cost, and are the weights zero when you look?

ResNet-20 (projection shortcuts, no weight decay) at batch 128, all kernels pruned layer by layer on the same PolynomialDecay of
tfmot's: `PruneOnSchedule` on a Keras 3 model with `PruneWeights`, and tfmot's `prune_low_magnitude` with its UpdatePruningStep
on the tf_keras twin, each beside its own dense net. All live in one process and take turns, a step each, in an order that
rotates; what counts is the CPU time of the process, the callbacks' included, and of each round the ratio to the dense net of
the same Keras. After every step the stored kernels are read: how many of their entries are zero, and how many do the masks
exclude? At the end, in the middle of an epoch, each model is saved, loaded and stripped. Peak memory is of own processes.

    python benchmarks/gradual.py             200 rounds, about 15 minutes on one core
    python benchmarks/gradual.py --quick     a smoke test of a few minutes, of no use as a measurement

Targets: the upper end of the interval at most 1.04 × dense, the first step at most 1.3 ×, every excluded entry zero after every
step and in the checkpoint. Expected of tfmot: 1.00–1.09 ×, 4–10 ×, and about 2 % of the weights zero in place of 50 %.
Needs tf-keras and tensorflow-model-optimization.
"""

import argparse
import gc
import multiprocessing
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
import tensorflow_model_optimization as tfmot
import tf_keras
from _timing import Ratio, print_table, print_targets, ratio, rotated, summary, write
from train_step import BATCH, compiled, cpu_seconds, dense, sizes, tf_keras_dense

import tfredundancy as tfr

SPARSITY, FREQUENCY = 0.5, 10
OURS, THEIRS = "PruneOnSchedule", "tfmot"
REFERENCE = {"dense again": "dense", OURS: "dense", THEIRS: "tf_keras dense"}
ARMS = ("dense", "dense again", OURS, "tf_keras dense", THEIRS)


@dataclass
class Arm:
    """A model, its step with whatever callback it takes, and what its kernels held after each step."""

    model: object
    step: Callable[[], None]
    zeros: list[float] = field(default_factory=list)
    excluded: list[float] = field(default_factory=list)


def schedule(steps: int):
    end = steps // FREQUENCY * FREQUENCY
    return tfmot.sparsity.keras.PolynomialDecay(0.0, SPARSITY, 0, end, frequency=FREQUENCY)


def make(name: str, steps: int, x, y) -> Arm:
    return {OURS: ours, THEIRS: theirs}.get(name, plain)(name, steps, x, y)


def plain(name: str, steps: int, x, y) -> Arm:
    model = compiled(tf_keras_dense()) if name.startswith("tf_keras") else dense()
    return Arm(model, lambda: model.train_on_batch(x, y))


def ours(name: str, steps: int, x, y) -> Arm:
    model = tfr.prune_weights(dense(), 1.0)
    callback = tfr.callbacks.PruneOnSchedule(schedule(steps), scope="layer")
    callback.set_params({"epochs": 1, "steps": steps})
    callback.set_model(model)
    callback.on_train_begin()
    batches = iter(range(steps))

    def step():
        batch = next(batches)
        if batch == 0:
            callback.on_epoch_begin(0)
        model.train_on_batch(x, y)
        callback.on_train_batch_end(batch)

    return Arm(model, step)


def theirs(name: str, steps: int, x, y) -> Arm:
    model = compiled(tfmot.sparsity.keras.prune_low_magnitude(tf_keras_dense(), schedule(steps)))
    callback = tfmot.sparsity.keras.UpdatePruningStep()
    callback.set_model(model)
    callback.on_train_begin()

    def step():
        callback.on_train_batch_begin(-1)
        model.train_on_batch(x, y)

    return Arm(model, step)


def kernels(name: str, model) -> list[tuple[np.ndarray, np.ndarray]]:
    """(stored kernel, what the mask keeps) of every pruned layer."""
    if name == OURS:
        wrapped = [layer for layer in model.layers if isinstance(layer, tfr.layers.PruneWeights)]
        return [(keras.ops.convert_to_numpy(layer.layer.kernel), layer.mask) for layer in wrapped]
    wrapped = [layer for layer in model.layers if hasattr(layer, "pruning_vars") and layer.pruning_vars]
    return [(w.numpy(), m.numpy() != 0) for layer in wrapped for w, m, _ in layer.pruning_vars]


def note(name: str, arm: Arm) -> None:
    """Share of the stored weights that are zero, and share that the masks exclude."""
    if name in (OURS, THEIRS):
        found = kernels(name, arm.model)
        size = sum(kernel.size for kernel, _ in found)
        arm.zeros.append(sum(int((kernel == 0).sum()) for kernel, _ in found) / size)
        arm.excluded.append(sum(int((~kept).sum()) for _, kept in found) / size)


def checkpoint(name: str, model) -> float:
    """Share of zeros in the kernels of the model that is saved now, loaded, and stripped of its masks."""
    with tempfile.TemporaryDirectory() as folder:
        if name == OURS:
            model.save(f"{folder}/model.keras")
            stripped = tfr.strip_pruning(keras.models.load_model(f"{folder}/model.keras"))
        else:
            model.save(f"{folder}/model.h5")
            with tfmot.sparsity.keras.prune_scope():
                stripped = tfmot.sparsity.keras.strip_pruning(tf_keras.models.load_model(f"{folder}/model.h5"))
    values = [layer.get_weights()[0] for layer in stripped.layers if hasattr(layer, "kernel")]
    return sum(int((kernel == 0).sum()) for kernel in values) / sum(kernel.size for kernel in values)


def first_steps(x, y, repetitions: int) -> dict[str, list[float]]:
    """CPU seconds of the first step of fresh models, callbacks included; an earlier one has paid what a process pays once."""
    for name in ("dense", "tf_keras dense"):
        make(name, FREQUENCY, x, y).step()
    seconds = {name: [] for name in ARMS}
    for repetition in range(repetitions):
        for name in rotated(ARMS, repetition):
            seconds[name].append(cpu_seconds(make(name, FREQUENCY, x, y).step))
            gc.collect()
    return seconds


def steps(arms: dict[str, Arm], rounds: int, warm_up: int) -> dict[str, list[float]]:
    """CPU seconds of single steps, the arms taking turns; zeros are counted in between."""
    for name, arm in arms.items():
        for _ in range(warm_up):
            arm.step()
            note(name, arm)
    gc.collect()
    gc.freeze()  # else a collection walks through five graphs in somebody's step
    seconds = {name: [] for name in arms}
    for number in range(rounds):
        for name in rotated(arms, number):
            seconds[name].append(cpu_seconds(arms[name].step))
            note(name, arms[name])
    return seconds


def peak_memory(name: str) -> float:
    """Most MiB that a process of its own holds in three steps."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_peak, (name,))


def _peak(name: str) -> float:
    tf.get_logger().setLevel("ERROR")
    arm = make(name, FREQUENCY, *batch())
    for _ in range(3):
        arm.step()
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) / 1024


def batch():
    draw = np.random.default_rng(0)
    x = tf.constant(draw.standard_normal((BATCH, 32, 32, 3)), tf.float32)
    return x, tf.constant(draw.integers(0, 10, BATCH), tf.int32)


def ratios(seconds: dict[str, list[float]], rows=slice(None)) -> dict[str, Ratio]:
    found = {name: np.asarray(values)[rows] for name, values in seconds.items()}
    return {name: ratio(found[name], found[reference]) for name, reference in REFERENCE.items()}


def report(step, first, updates: np.ndarray, arms: dict[str, Arm], saved, size, peak) -> dict[str, bool]:
    """Print the table; return the targets, met or not."""
    of_steps, of_updates, of_firsts = ratios(step), ratios(step, updates), ratios(first)
    rows = []
    for name in ARMS:
        row = [
            name,
            f"{1000 * np.median(step[name]):.1f}",
            "",
            "",
            f"{np.median(first[name]):.1f}",
            "",
            f"{peak[name]:.0f}",
        ]
        row.append(f"{size[name]['model'] / size['dense']['model']:.3f}")
        if name in REFERENCE:
            row[2:4] = str(of_steps[name]), str(of_updates[name])
            row[5] = str(of_firsts[name])
        rows.append(row)
    header = [
        "arm",
        "ms a step",
        "÷ dense, 95 %",
        "in rounds with an update",
        "first step, s",
        "÷ dense",
        "peak MiB",
        "bytes",
    ]
    print_table(header, rows)
    for name in (OURS, THEIRS):
        arm = arms[name]
        print(
            f"{name}: excluded at the end {arm.excluded[-1]:.4f}, zero {arm.zeros[-1]:.4f}, in the checkpoint {saved[name]:.4f}"
        )
    exact = arms[OURS].zeros == arms[OURS].excluded
    return {
        f"a step at most 1.04 × dense, upper end: {of_steps[OURS].high:.3f}": of_steps[OURS].high <= 1.04,
        f"the first step at most 1.3 × dense: {of_firsts[OURS].mean:.3f}": of_firsts[OURS].mean <= 1.3,
        "every excluded weight zero after every step": exact,
        f"in the checkpoint: {saved[OURS]:.4f}": saved[OURS] == arms[OURS].excluded[-1],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=200, help="rounds of one step of each arm")
    parser.add_argument("--firsts", type=int, default=5, help="fresh models of each arm whose first step is timed")
    parser.add_argument("--warm-up", type=int, default=8, help="steps of each arm that do not count")
    parser.add_argument("--threads", type=int, default=1, help="TensorFlow's")
    parser.add_argument("--out", default="runs/benchmarks", help="folder for gradual.json")
    parser.add_argument("--quick", action="store_true", help="fifteen rounds, to see that it runs")
    args = parser.parse_args()
    if args.quick:
        args.steps, args.firsts, args.warm_up = 15, 1, 1
    peak = {name: peak_memory(name) for name in ARMS}
    tf.get_logger().setLevel("ERROR")  # it would advise against tracing so many models
    tf.config.threading.set_intra_op_parallelism_threads(args.threads)
    tf.config.threading.set_inter_op_parallelism_threads(args.threads)
    x, y = batch()
    first = first_steps(x, y, args.firsts)
    total = args.warm_up + args.steps
    arms = {name: make(name, total, x, y) for name in ARMS}
    step = steps(arms, args.steps, args.warm_up)
    saved = {name: checkpoint(name, arms[name].model) for name in (OURS, THEIRS)}
    size = {name: sizes(arm.model) for name, arm in arms.items()}
    taken = args.warm_up + 1 + np.arange(args.steps)  # steps behind each round
    updates = (taken % FREQUENCY == 0) | (taken % FREQUENCY == 1)  # ours update after a step, tfmot's before it
    targets = report(step, first, updates, arms, saved, size, peak)
    print_targets(targets)
    counted = {
        name: {
            "excluded": summary(arms[name].excluded),
            "zero": summary(arms[name].zeros),
            "last": {"excluded": arms[name].excluded[-1], "zero": arms[name].zeros[-1], "checkpoint": saved[name]},
        }
        for name in (OURS, THEIRS)
    }
    record = {
        "question": "CPU time of gradual pruning and zeros in the weights, ResNet-20, batch 128",
        "arguments": {name: value for name, value in vars(args).items() if name != "out"},
        "schedule": {"final_sparsity": SPARSITY, "frequency": FREQUENCY, "end_step": total // FREQUENCY * FREQUENCY},
        "step_seconds": {name: summary(values) for name, values in step.items()},
        "first_step_seconds": {name: summary(values) for name, values in first.items()},
        "step_ratios": ratios(step),
        "update_ratios": ratios(step, updates),
        "first_step_ratios": ratios(first),
        "zeros": counted,
        "bytes": size,
        "peak_mib": peak,
        "targets": targets,
    }
    write(args.out, "gradual", record)


if __name__ == "__main__":
    main()
