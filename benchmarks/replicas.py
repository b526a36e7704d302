"""How much faster do many small trainings go at once than one after the other?

R networks of the XOR detection problem, each with filters and a training set of its own, gradient descent on the whole set, a
number of steps that all of them need:

    at once              `numerics.detection.train`, all R in one call
    one after the other  the same function, one network a call
    torch                a plain PyTorch loop: one network after the other, autograd and SGD, kinds of points as we have them
    torch, points        the same on the points themselves, as PyTorch users would write it

    python benchmarks/replicas.py             7 rounds in turn of 2 widths: about 5 minutes on a core
    python benchmarks/replicas.py --quick     a smoke test of half a minute, of no use as a measurement

CPU seconds, one thread; those that take one network after the other train a tenth of them and are multiplied. Each round checks
that all arms end with the same filters. Targets: at k = 4 at least 5 times as fast as one after the other and 10 times as fast as
either PyTorch loop; at k = 120, where arithmetic counts for more than calls, at least 2 and 5 times. Needs torch.
"""

import argparse
import os
import time

import numpy as np
from _timing import print_table, print_targets, ratio, rotated, summary, write
from threadpoolctl import threadpool_limits

from tfredundancy.datasets import xor
from tfredundancy.numerics import detection

MARGIN, RATE, DIMENSION, EXAMPLES = 8.0, 1 / 410, 20, 20
KINDS = (xor.PATTERNS, xor.KINDS, xor.LABELS)
SHARE = 10  # one network of so many is trained where they go one after the other
TOLERANCE = 1e-9


class Problem:
    """Initial filters and training sets of R networks of a width."""

    def __init__(self, width: int, replicas: int, steps: int):
        self.width, self.steps = width, steps
        self.start = detection.initial_filters(range(replicas), width, RATE / (16 * width**1.5))
        draws = [xor.draw(EXAMPLES, DIMENSION, np.random.default_rng(seed)) for seed in range(replicas)]
        self.points, self.labels = (np.stack(parts) for parts in zip(*draws, strict=True))
        self.counts = np.array([xor.counts_of(points) for points in self.points])

    def train(self, rows: slice) -> np.ndarray:
        settings = dict(margin=MARGIN, rate=RATE / self.width, steps=self.steps)
        return detection.train(self.start[rows], *KINDS, self.counts[rows], **settings).filters


def at_once(problem: Problem) -> np.ndarray:
    return problem.train(slice(None))


def one_after_the_other(problem: Problem) -> np.ndarray:
    return np.concatenate([problem.train(slice(i, i + 1)) for i in range(len(problem.start) // SHARE)])


def torch_kinds(problem: Problem) -> np.ndarray:
    """Kinds of points: the pattern that a kind does not hold answers −∞ before the maximum."""
    import torch

    patterns = torch.tensor(xor.PATTERNS, dtype=torch.float64)

    def examples(i):
        occurring = np.flatnonzero(problem.counts[i])
        missing = torch.tensor(~xor.KINDS[occurring])[:, :, None]
        share = torch.tensor(problem.counts[i, occurring] / EXAMPLES)
        return lambda kernel: (patterns @ kernel)[None].masked_fill(missing, -torch.inf), xor.LABELS[occurring], share

    return _torch_loop(problem, examples)


def torch_points(problem: Problem) -> np.ndarray:
    """The points themselves."""
    import torch

    def examples(i):
        points = torch.tensor(problem.points[i], dtype=torch.float64)
        return (
            lambda kernel: points @ kernel,
            problem.labels[i],
            torch.full((EXAMPLES,), 1 / EXAMPLES, dtype=torch.float64),
        )

    return _torch_loop(problem, examples)


def _torch_loop(problem: Problem, examples) -> np.ndarray:
    """A tenth of the networks, one after the other → (networks, 2, k, 2)."""
    import torch

    found, width = [], problem.width
    for i in range(len(problem.start) // SHARE):
        responses, labels, share = examples(i)
        positive = torch.tensor(labels > 0)
        kernel = torch.nn.Parameter(torch.tensor(np.concatenate(list(problem.start[i])).T.copy()))
        optimizer = torch.optim.SGD([kernel], lr=RATE / width)
        for _ in range(problem.steps):
            optimizer.zero_grad()
            pooled = torch.relu(responses(kernel)).amax(1)
            value = pooled[:, :width].sum(1) - pooled[:, width:].sum(1)
            loss = (share * torch.relu(torch.where(positive, MARGIN - value, 1 + value))).sum()
            loss.backward()
            optimizer.step()
        found.append(kernel.detach().numpy().T.reshape(2, width, 2))
    return np.array(found)


ARMS = {
    "at once": (at_once, 1),
    "one after the other": (one_after_the_other, SHARE),
    "torch": (torch_kinds, SHARE),
    "torch, points": (torch_points, SHARE),
}


def measure(problem: Problem, rounds: int) -> dict[str, list[float]]:
    """CPU seconds of each arm for all networks, round by round; one more round warms up."""
    seconds = {arm: [] for arm in ARMS}
    for number in range(-1, rounds):
        ends = {}
        for arm in rotated(ARMS, number):
            train, share = ARMS[arm]
            clock = time.process_time()
            ends[arm] = train(problem)
            if number >= 0:
                seconds[arm].append(share * (time.process_time() - clock))
        check(ends)
    return seconds


def check(ends: dict[str, np.ndarray]) -> None:
    """All arms must have trained the same networks."""
    for arm, filters in ends.items():
        off = np.abs(filters - ends["at once"][: len(filters)]).max()
        if not off <= TOLERANCE:
            raise AssertionError(f"{arm} ended with filters that are {off:.2g} off, more than {TOLERANCE:g}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="rounds that count; one more warms up")
    parser.add_argument("--replicas", type=int, default=100, help="networks R, a multiple of 10")
    parser.add_argument("--steps", type=int, default=300, help="steps of a training")
    parser.add_argument("--widths", type=int, nargs="+", default=[4, 120], help="filters of each sign")
    parser.add_argument("--out", default="runs/benchmarks", help="folder for replicas.json")
    parser.add_argument("--quick", action="store_true", help="one short round, to see that it runs")
    args = parser.parse_args()
    if args.replicas % SHARE:
        parser.error(f"--replicas must be a multiple of {SHARE}. Received: {args.replicas}")
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import torch

    torch.set_num_threads(1)
    threadpool_limits(1)
    rounds, steps, replicas = (1, 20, 20) if args.quick else (args.rounds, args.steps, args.replicas)
    record, targets = {}, {}
    for width in args.widths:
        seconds = measure(Problem(width, replicas, steps), rounds)
        ratios = {arm: ratio(values, seconds["at once"]) for arm, values in seconds.items() if arm != "at once"}
        print(f"\nk = {width}: {replicas} networks, {steps} steps, the same filters within {TOLERANCE:g}")
        rows = [
            [
                arm,
                f"{np.median(values):.3f}",
                f"{1e6 * np.median(values) / replicas / steps:.1f}",
                str(ratios.get(arm, "")),
            ]
            for arm, values in seconds.items()
        ]
        print_table(["arm", "CPU s", "µs a step and network", "÷ at once, 95 %"], rows)
        record[f"k={width}"] = {
            "cpu_seconds": {arm: summary(values) for arm, values in seconds.items()},
            "ratios": ratios,
        }
        alone, torches = (5, 10) if width <= 10 else (2, 5)
        least = {"one after the other": alone, "torch": torches, "torch, points": torches}
        targets |= {
            f"k = {width}: at least {factor} × {arm}: {ratios[arm].mean:.1f}": ratios[arm].mean >= factor
            for arm, factor in least.items()
        }
    print_targets(targets)
    question = "CPU seconds of many small trainings at once, one after the other, and in plain PyTorch loops"
    arguments = {"rounds": rounds, "replicas": replicas, "steps": steps, "widths": args.widths, "quick": args.quick}
    write(args.out, "replicas", {"question": question, "arguments": arguments, **record, "targets": targets})


if __name__ == "__main__":
    main()
