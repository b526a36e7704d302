"""What the benchmarks share: paired ratios with their intervals, tables, and the file that is written."""

import dataclasses
import importlib.metadata
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from tfredundancy import runs
from tfredundancy.files import write_json
from tfredundancy.numerics.intervals import paired_difference

_PEERS = ("torch", "torch-pruning", "tf-keras", "tensorflow-model-optimization")


@dataclasses.dataclass(frozen=True)
class Ratio:
    """Paired ratios a/b: geometric mean with its 95 % t-interval (below five pairs: the least and the greatest), and median."""

    mean: float
    low: float
    high: float
    median: float
    pairs: int

    def __str__(self):
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}] median {self.median:.3f}"


def ratio(a: Sequence[float], b: Sequence[float]) -> Ratio:
    """The ratio of two arms' times, round by round."""
    a, b = np.asarray(a), np.asarray(b)
    found = paired_difference(np.log(a), np.log(b))
    return Ratio(*map(math.exp, (found.mean, found.low, found.high)), float(np.median(a / b)), found.n)


def rotated(names: Iterable[str], round_number: int) -> list[str]:
    """The arms in this round's order: each comes first, second… equally often."""
    names = list(names)
    start = round_number % len(names)
    return names[start:] + names[:start]


def summary(samples: Sequence[float]) -> dict[str, float]:
    """Count, median, quartiles, minimum and maximum."""
    low, median, high = np.quantile(samples, (0.25, 0.5, 0.75))
    return {
        "n": len(samples), "median": median, "lower_quartile": low, "upper_quartile": high,
        "minimum": np.min(samples), "maximum": np.max(samples),
    }  # fmt: skip


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as their widest cell."""
    table = [header, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(header))]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def print_targets(targets: Mapping[str, bool]) -> None:
    """One line a target: met, or not."""
    for text, met in targets.items():
        print(f"{'met    ' if met else 'NOT MET'}  {text}")


def write(out: str, name: str, record: Mapping) -> None:
    """The record, with the machine and all versions, to `out/name.json`."""
    machine = runs.machine()
    machine["packages"] |= {package: importlib.metadata.version(package) for package in _PEERS if _installed(package)}
    path = Path(out) / f"{name}.json"
    write_json(path, {"machine": machine, **record})
    print(f"written: {path}")


def _installed(package: str) -> bool:
    return any(True for _ in importlib.metadata.distributions(name=package))
