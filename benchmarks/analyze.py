"""What does it cost to measure a model: ours, WeightWatcher, and the eigenvalues alone.

keras.applications' MobileNetV2, ResNet50 and VGG16 without trained weights, every second kernel drawn again from Student's t
with 3 degrees of freedom, so that half of the spectra have tails. CPU seconds and peak memory above the built model, one BLAS
thread, each arm in a process of its own, one after the other:

    WeightWatcher      analyze(mp_fit=True, randomize=True, detX=True)
    ours               analyze, taps: spectrum, Marchenko–Pastur fit, edge, permutation null, power law, likelihood ratios
    ours, bootstrap    the same with 1,000 bootstrap replicates of every power law
    eigenvalues        Gram matrix and eigvalsh of the same matrices, in float64: what no tool can do without

Then VGG16's largest layer alone, 25088 × 4096: peak memory with and without the permutation null.

    python benchmarks/analyze.py                    about 15 minutes on 2 cores
    python benchmarks/analyze.py --models MobileNetV2

Linux; the peer comes with `pip install -e '.[peers]'`.
"""

import argparse
import contextlib
import importlib
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

MODELS = ("MobileNetV2", "ResNet50", "VGG16")
ARMS = ("WeightWatcher", "ours", "ours, bootstrap", "eigenvalues")
FULL = ("spectrum", "tail", "null")
TARGETS = {"MobileNetV2": 117, "ResNet50": 46, "VGG16": 5.0}  # × WeightWatcher without bootstrap; with it 2
LARGEST = (25088, 4096)


def built(name: str):
    """The model, every second kernel heavy-tailed with the standard deviation that it had."""
    import keras

    keras.utils.set_random_seed(0)
    model = getattr(keras.applications, name)(weights=None)
    draw = np.random.default_rng(0)
    kernels = [v for v in model.trainable_variables if v.name.endswith("kernel")]
    for kernel in kernels[1::2]:
        values = draw.standard_t(3, kernel.shape).astype(np.float32)
        kernel.assign(values * (np.std(np.asarray(kernel.value)) / np.sqrt(3)))
    return model


def largest():
    """VGG16's largest layer alone."""
    import keras

    return keras.Sequential([keras.Input((LARGEST[0],)), keras.layers.Dense(LARGEST[1], name="fc1")])


def by_weightwatcher(model) -> int:
    import weightwatcher

    with contextlib.redirect_stdout(io.StringIO()):
        details = weightwatcher.WeightWatcher(model=model).analyze(mp_fit=True, randomize=True, detX=True)
    return len(details)


def by_us(model, replicates: int, measures=FULL) -> int:
    import tfredundancy as tfr

    table = tfr.analyze(model, measures=measures, replicates=replicates)
    return int(table.sigma2.notna().sum())


def by_eigenvalues(model) -> int:
    from tfredundancy.inspection.matrices import weight_matrices

    count = 0
    for matrix in weight_matrices(model):
        for piece in matrix.slices() if matrix.reason is None else ():
            wide = np.asarray(piece, np.float64)
            np.linalg.eigvalsh(wide.T @ wide if wide.shape[0] >= wide.shape[1] else wide @ wide.T)
        count += matrix.reason is None
    return count


WORK = {
    "WeightWatcher": by_weightwatcher,
    "ours": lambda model: by_us(model, 0),
    "ours, bootstrap": lambda model: by_us(model, 1000),
    "eigenvalues": by_eigenvalues,
    "without null": lambda model: by_us(model, 0, ("spectrum", "tail")),
    "with null": lambda model: by_us(model, 0),
}


def work(name: str, arm: str) -> dict:
    """In a process of its own: build, measure, report."""
    model = largest() if name == "largest" else built(name)
    imported(arm)
    before = held("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts here
    clock, cpu = time.perf_counter(), time.process_time()
    matrices = WORK[arm](model)
    seconds, cpu = time.perf_counter() - clock, time.process_time() - cpu
    return {"seconds": seconds, "cpu_seconds": cpu, "peak_mb": held("VmHWM") - before, "matrices": matrices}


def imported(arm: str) -> None:
    """Import what the arm works with, modules that it imports late too, so that none of that is counted."""
    import logging

    import keras

    import tfredundancy as tfr

    logging.disable(logging.CRITICAL)
    if arm == "WeightWatcher":
        importlib.import_module("weightwatcher")
    tfr.analyze(keras.Sequential([keras.Input((60,)), keras.layers.Dense(60)]), measures=FULL, replicates=10)


def held(field: str) -> float:
    """Memory of this process in MB (10⁶ bytes), from /proc."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status[field].split()[0]) * 1024 / 1e6


def asked(name: str, arm: str) -> dict:
    """What a worker found."""
    command = [sys.executable, __file__, "--work", name, arm]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def report(found: dict[str, dict[str, dict]], memory: dict[str, dict]) -> dict[str, bool]:
    """Print the tables; return the targets, met or not."""
    from _timing import print_table

    rows, targets = [], {}
    for name, arms in found.items():
        for arm, one in arms.items():
            ratio = arms["WeightWatcher"]["cpu_seconds"] / one["cpu_seconds"] if "WeightWatcher" in arms else np.nan
            cells = [f"{one['cpu_seconds']:.2f}", f"{ratio:.1f}", f"{one['peak_mb']:.0f}", str(one["matrices"])]
            rows.append([name, arm, *cells])
            least = {"ours": TARGETS.get(name), "ours, bootstrap": 2}.get(arm)
            if least and "WeightWatcher" in arms:
                targets[f"{name}, {arm}: more than {least} × WeightWatcher: {ratio:.1f}"] = ratio > least
    print_table(["model", "arm", "CPU s", "× WeightWatcher", "peak MB", "matrices"], rows)
    for arm, least in (("without null", 350), ("with null", 700)):
        peak = memory[arm]["peak_mb"]
        targets[f"{LARGEST[0]} × {LARGEST[1]} {arm}: under {least} MB: {peak:.0f}"] = peak < least
    return targets


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS), help="which models")
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS), help="which arms")
    parser.add_argument("--out", default="runs/benchmarks", help="folder for analyze.json")
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "MPLBACKEND": "Agg"}
    if args.work:
        print(json.dumps(work(*args.work)))
        return
    from _timing import print_targets, write

    found = {name: {arm: asked(name, arm) for arm in args.arms} for name in args.models}
    memory = {arm: asked("largest", arm) for arm in ("without null", "with null")}
    targets = report(found, memory)
    print_targets(targets)
    question = "CPU seconds and peak memory of measuring a model, ours and WeightWatcher's"
    write(args.out, "analyze", {"question": question, "models": found, "largest": memory, "targets": targets})


if __name__ == "__main__":
    main()
