"""What does it cost to measure redundancy while a model trains?

ResNet-20 on CIFAR-10 (random images of its shape where the data set is not there), batch 128, Keras `fit` with
`RedundancyMonitor`: the time inside the callback, by the clock, over the time outside it. A measurement takes the same time
whatever the interval, so one run of `--steps` steps gives both: every 100 steps, and every epoch of 351 steps.

    python benchmarks/monitor.py            about 3 minutes on 2 cores

Targets: at most 1 % every epoch, at most 3 % every 100 steps.
"""

import argparse
import os
import tempfile
import time

import numpy as np

EPOCH = 351  # steps: 45,000 images in batches of 128


def timed_monitor():
    """A RedundancyMonitor that keeps how long each measurement took."""
    from tfredundancy.callbacks import RedundancyMonitor

    class Timed(RedundancyMonitor):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            self.seconds = []

        def _measure(self):
            clock = time.perf_counter()
            super()._measure()
            self.seconds.append(time.perf_counter() - clock)

    return Timed


def measure(steps: int, data_dir: str | None) -> dict:
    """Train `steps` steps with a measurement every 20th; seconds of a measurement and of a step."""
    import keras

    import tfredundancy as tfr

    try:
        data = tfr.datasets.load("cifar10", data_dir=data_dir)
        images, labels, told = data.train[0][: 128 * steps], data.train[1][: 128 * steps], "cifar10"
    except tfr.datasets.DatasetNotFoundError as error:
        print(error)
        draw = np.random.default_rng(0)
        images, labels = draw.integers(0, 256, (128 * steps, 32, 32, 3), np.uint8), draw.integers(0, 10, 128 * steps)
        told = "random images of its shape"
    model = tfr.models.resnet_20()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.01, momentum=0.9), loss)
    inputs = (images / 255).astype(np.float32)
    model.fit(inputs[:1280], labels[:1280], batch_size=128, verbose=0)  # compiled
    with tempfile.TemporaryDirectory() as folder:
        monitor = timed_monitor()(folder, every=20)
        clock = time.perf_counter()
        model.fit(inputs, labels, batch_size=128, verbose=0, callbacks=[monitor])
        seconds = time.perf_counter() - clock
    step = (seconds - sum(monitor.seconds)) / steps
    return {"data": told, "step_seconds": step, "first": monitor.seconds[0], "measurements": monitor.seconds[1:]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=200, help="steps to train, one measurement every 20")
    parser.add_argument("--data-dir", help="folder of prepared TensorFlow Datasets; TFDS_DATA_DIR where not given")
    parser.add_argument("--out", default="runs/benchmarks", help="folder for monitor.json")
    args = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from _timing import print_targets, write

    found = measure(args.steps, args.data_dir)
    one, step = float(np.mean(found["measurements"])), found["step_seconds"]
    print(
        f"{found['data']}: a step {1000 * step:.0f} ms; a measurement {1000 * one:.0f} ms, the first {found['first']:.1f} s"
    )
    costs = {"every epoch": (one / (EPOCH * step), 0.01), "every 100 steps": (one / (100 * step), 0.03)}
    targets = {
        f"{name}: {cost:.2%} of training, at most {most:.0%}": cost <= most for name, (cost, most) in costs.items()
    }
    print_targets(targets)
    record = {"question": "time in RedundancyMonitor over the time of training", **found, "targets": targets}
    write(args.out, "monitor", record)


if __name__ == "__main__":
    main()
