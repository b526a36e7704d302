"""How fast does the lottery loop train, and what does a new level cost?

Steps per second, by the clock, of `tfredundancy.lottery.Trainer` against plain PyTorch loops of the same protocol, masks on
at 20 %, the loss logged, 5000 validation images evaluated every 100 steps (of a shorter round, as large a part of them):

    LeNet-300-100, MNIST, batch 60, Adam 1.2e-3             torch · torch, fused Adam · torch, DataLoader
    ResNet-20, CIFAR-10, batch 128, SGD momentum 0.9,       torch, NCHW · torch, channels_last
    weight decay 1e-4, mirrored and cropped

Each arm lives in a process of its own, waits on a pipe, and trains a round when it is its turn; the order rotates. Then our
arm goes through three levels × two arms: masks set, rewound, the first chunk, against a chunk in steady state.

    TFDS_DATA_DIR=… python benchmarks/lottery_loop.py       15 rounds, about 15 minutes on 2 cores
    python benchmarks/lottery_loop.py --quick               a smoke test of a few minutes, of no use as a measurement

Targets on 2 threads: LeNet ≥ 2.0 × plain PyTorch (aim 2.5), ResNet-20 ≥ 0.9 × PyTorch's faster memory format (aim 1.0), the
loop compiled once. Linux; needs torch. Without the real data sets it runs on random ones of their shape, and says so.
"""

import argparse
import multiprocessing
import os
import tempfile
import time
from pathlib import Path

import numpy as np

# A worker imports this file as well: what is imported here must be light, and each framework is imported by its own workers.

ARMS = {
    "lenet": {"ours": {}, "torch": {}, "torch, fused Adam": {"fused": True}, "torch, DataLoader": {"loader": True}},
    "resnet": {"ours": {}, "torch, NCHW": {}, "torch, channels_last": {"channels_last": True}},
}
DATA = {"lenet": "mnist", "resnet": "cifar10"}
SHAPES = {"mnist": (55_000, 28, 28, 1), "cifar10": (45_000, 32, 32, 3)}
TARGETS = {"lenet": (["torch"], 2.0), "resnet": (["torch, NCHW", "torch, channels_last"], 0.9)}


def make_loop(network: str, arm: str, arrays, threads: int):
    if arm == "ours":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
        from _our_loops import OurLoop

        return OurLoop(arrays, network)
    import torch

    torch.set_num_threads(threads)
    from _torch_loops import LeNetLoop, ResNetLoop

    return (LeNetLoop if network == "lenet" else ResNetLoop)(arrays, **ARMS[network][arm])


def work(connection, network: str, arm: str, file: str, threads: int) -> None:
    """A worker: answer each (steps, blocks) with a round, "levels" with the cost of levels, None with the peak memory."""
    loop = make_loop(network, arm, dict(np.load(file)), threads)
    connection.send("ready")
    for order in iter(connection.recv, None):
        connection.send(loop.levels() if order == "levels" else timed_round(loop, *order))
    connection.send(peak_mib())


def timed_round(loop, steps: int, blocks: int) -> dict[str, float]:
    """Train `blocks` times `steps` steps, each followed by an evaluation."""
    clock, cpu = time.perf_counter(), time.process_time()
    for _ in range(blocks):
        train_loss = loop.run(steps)
        loss, accuracy = loop.evaluate()
    seconds, cpu = time.perf_counter() - clock, time.process_time() - cpu
    logged = {"train_loss": train_loss, "validation_loss": loss, "validation_accuracy": accuracy}
    return {"seconds": seconds, "cpu_seconds": cpu, "steps": steps * blocks, **logged}


def peak_mib() -> float:
    """Most memory that this process has held; `ru_maxrss` would count its parent's, which it was forked from."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) / 1024


class Worker:
    """The parent's end of an arm."""

    def __init__(self, *arguments):
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self.process = context.Process(target=work, args=(other, *arguments), daemon=True)
        self.process.start()
        other.close()
        self.connection.recv()

    def ask(self, order):
        self.connection.send(order)
        return self.connection.recv()


def measure(network: str, rounds: int, steps: int, blocks: int, threads: int, data_dir, quick: bool) -> dict:
    """All arms of a network: rounds, levels, peak memory."""
    from _timing import rotated

    data, told = load(DATA[network], data_dir, quick)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "data.npz"
        save(file, data, validation=5000 * steps // 100)
        workers = {arm: Worker(network, arm, str(file), threads) for arm in ARMS[network]}
    found = {arm: [] for arm in workers}
    for number in range(-1, rounds):  # the first one warms up
        for arm in rotated(workers, number):
            outcome = workers[arm].ask((steps, blocks))
            if number >= 0:
                found[arm].append(outcome)
    levels = workers["ours"].ask("levels")
    memory = {arm: worker.ask(None) for arm, worker in workers.items()}
    return {"data": told, "rounds": found, "levels": levels, "peak_mib": memory}


def load(name: str, data_dir: str | None, quick: bool):
    """The data set, or random images of its shape; and which."""
    from tfredundancy import datasets

    if not quick:
        try:
            return datasets.load(name, data_dir=data_dir), name
        except datasets.DatasetNotFoundError as error:
            print(error)
    draw, (n, *shape) = np.random.default_rng(0), SHAPES[name]
    train, validation = (
        (draw.integers(0, 256, (size, *shape), np.uint8), draw.integers(0, 10, size)) for size in (n, 5000)
    )
    return datasets.Splits.from_arrays(train, validation, validation, classes=10), f"random images of {name}'s shape"


def save(file: Path, data, validation: int) -> None:
    """Write what the workers need, so that none of them imports another one's framework."""
    images, labels = data.validation
    held_out = {"validation_images": images[:validation], "validation_labels": labels[:validation]}
    np.savez(file, train_images=data.train[0], train_labels=data.train[1], mean=data.mean, std=data.std, **held_out)


def report(network: str, found: dict) -> tuple[dict, dict[str, bool]]:
    """Print the table of a network; return what is written and the targets, met or not."""
    from _timing import print_table, ratio, summary

    speeds = {arm: [r["steps"] / r["seconds"] for r in rounds] for arm, rounds in found["rounds"].items()}
    ratios = {arm: ratio(speeds["ours"], speeds[arm]) for arm in speeds if arm != "ours"}
    rows = []
    for arm, rounds in found["rounds"].items():
        cpu = 1000 * np.median([r["cpu_seconds"] / r["steps"] for r in rounds])
        rows.append(
            [arm, f"{np.median(speeds[arm]):.1f}", str(ratios.get(arm, "")), f"{cpu:.2f}",
             f"{found['peak_mib'][arm]:.0f}", f"{rounds[-1]['validation_accuracy']:.3f}"]
        )  # fmt: skip
    print(f"\n{network}: {found['data']}")
    print_table(["arm", "steps/s", "ours ÷ arm, 95 %", "CPU ms a step", "peak MiB", "accuracy"], rows)
    levels = found["levels"]
    cost = {name: float(np.median(levels[name])) for name in ("steady", "change", "first")}
    print(
        f"a chunk of {levels['steps']} steps {cost['steady']:.3f} s; set_masks and rewind {cost['change']:.3f} s, "
        f"the first chunk after it {cost['first']:.3f} s; compiled {levels['traces']} × for 3 levels × 2 arms"
    )
    peers, least = TARGETS[network]
    fastest = max(peers, key=lambda arm: np.median(speeds[arm]))
    found_ratio = ratios[fastest].mean
    targets = {
        f"{network}: at least {least} × {fastest}: {found_ratio:.2f}": found_ratio >= least,
        f"{network}: compiled once: {levels['traces']}": levels["traces"] == 1,
    }
    last = {arm: rounds[-1] for arm, rounds in found["rounds"].items()}
    record = {
        "data": found["data"],
        "steps_per_second": {arm: summary(values) for arm, values in speeds.items()},
        "ratios": ratios,
        "last_round": last,
        "levels": levels,
        "peak_mib": found["peak_mib"],
    }
    return record, targets


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="rounds of each arm that count; one more warms up")
    parser.add_argument("--networks", nargs="+", choices=ARMS, default=list(ARMS), help="which loops")
    parser.add_argument("--threads", type=int, default=2, help="of each framework")
    parser.add_argument("--data-dir", help="folder of prepared TensorFlow Datasets; TFDS_DATA_DIR where not given")
    parser.add_argument("--out", default="runs/benchmarks", help="folder for lottery_loop.json")
    parser.add_argument("--quick", action="store_true", help="two short rounds on random images, to see that it runs")
    args = parser.parse_args()
    os.environ |= {"OMP_WAIT_POLICY": "PASSIVE", "TF_CPP_MIN_LOG_LEVEL": "3"}  # idle workers must not spin
    from _timing import print_targets, write

    sizes = {"lenet": (100, 10), "resnet": (20, 1)} if not args.quick else {"lenet": (100, 1), "resnet": (2, 1)}
    rounds = 2 if args.quick else args.rounds
    record, targets = {}, {}
    for network in args.networks:
        found = measure(network, rounds, *sizes[network], args.threads, args.data_dir, args.quick)
        record[network], met = report(network, found)
        targets |= met
    print_targets(targets)
    arguments = {"rounds": rounds, "threads": args.threads, "quick": args.quick}
    question = "steps per second of the lottery loop, ours and PyTorch's"
    write(args.out, "lottery_loop", {"question": question, "arguments": arguments, **record, "targets": targets})


if __name__ == "__main__":
    main()
