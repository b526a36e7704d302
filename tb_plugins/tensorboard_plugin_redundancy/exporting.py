"""A series → a file for other programs.

CSV: a row for each value, `step` first, then what the kind's data are; floats in as many digits as float32 needs. What belongs
to the whole series or to a step are comment lines, a JSON object each: the first names the series, one before the rows of each
step has its wall time and header scalars, null where they are NaN. `pandas.read_csv(file, comment="#")` reads the rows.

    esd          step, eigenvalue, count      the number of eigenvalues that it stands for: 1, more for a quantile
    angles       step, unit, angle, cluster
    angles_null  step, from, to, count        degrees
    pair_angles  step, from, to, count
    mask         step, unit, kept
    survival     step, unit, kept
    scalar       step, value

NPZ: `steps` and `wall_times` (n,); `header` (n, number of header scalars); `values` (n, …, longest), padded with NaN, for angles
(n, 2, longest); `lengths` (n,) of their last axis before that; `meta`, a JSON as text with the names of all.
"""

import io
import json
import math
from collections.abc import Iterable

import numpy as np

from tensorboard_plugin_redundancy import schema
from tensorboard_plugin_redundancy.framing import Block

COLUMNS = {
    "esd": ("eigenvalue", "count"),
    "angles": ("unit", "angle", "cluster"),
    "angles_null": ("from", "to", "count"),
    "pair_angles": ("from", "to", "count"),
    "mask": ("unit", "kept"),
    "survival": ("unit", "kept"),
    "scalar": ("value",),
}


def csv(block: Block) -> str:
    """The series as CSV.

    >>> vector = schema.encode("mask", {"units": 2, "kept": 1}, np.array([1, 0]))
    >>> print(csv(Block("run", "a/mask", "mask", "a", ("units", "kept"), [7], [0.5], [vector])), end="")
    # {"run": "run", "tag": "a/mask", "kind": "mask", "layer": "a"}
    step,unit,kept
    # {"step": 7, "wall_time": 0.5, "units": 2.0, "kept": 1.0}
    7,0,1.0
    7,1,0.0
    """
    lines = [_comment(_names(block)), ",".join(("step", *COLUMNS[block.kind]))]
    for step, time, vector in zip(block.steps, block.wall_times, block.vectors, strict=True):
        header, data = _decoded(block.kind, vector)
        lines.append(_comment({"step": step, "wall_time": time} | header))
        lines += (f"{step},{row}" for row in _rows(block.kind, header, data))
    return "\n".join(lines) + "\n"


def npz(block: Block) -> bytes:
    """The series as NPZ."""
    decoded = [_decoded(block.kind, vector) for vector in block.vectors]
    data = [each for _, each in decoded]
    lengths = [each.shape[-1] for each in data]
    values = np.full((len(data), *data[0].shape[:-1], max(lengths)), np.nan, np.float32)
    for row, each in zip(values, data, strict=True):
        row[..., : each.shape[-1]] = each
    file = io.BytesIO()
    np.savez_compressed(
        file,
        steps=np.array(block.steps, np.int64),
        wall_times=np.array(block.wall_times, np.float64),
        header=np.array([list(header.values()) for header, _ in decoded], np.float32),
        values=values,
        lengths=np.array(lengths, np.int64),
        meta=np.array(json.dumps(_names(block) | {"header": list(block.header), "columns": COLUMNS[block.kind]})),
    )
    return file.getvalue()


def _decoded(kind: str, vector: np.ndarray) -> tuple[dict[str, float], np.ndarray]:
    return ({}, vector) if kind == "scalar" else schema.decode(kind, vector)


def _rows(kind: str, header: dict[str, float], data: np.ndarray) -> Iterable[str]:
    numbers = range(data.shape[-1])
    columns = {
        "esd": lambda: (data, _counts(header["n_total"], len(data))),
        "angles": lambda: (numbers, data[0], data[1]),
        "angles_null": lambda: (schema.GRID[:-1], schema.GRID[1:], data),
        "pair_angles": lambda: (schema.GRID[:-1], schema.GRID[1:], data),
        "scalar": lambda: (data,),
    }.get(kind, lambda: (numbers, data))()
    return map(",".join, zip(*(map(str, column) for column in columns), strict=True))


def _counts(total: float, stored: int) -> np.ndarray:
    """How many eigenvalues each that is stored stands for."""
    counts = np.ones(stored)
    if total > stored == schema.MOST_EIGENVALUES:
        counts[: schema.QUANTILES] = (total - schema.TOP) / schema.QUANTILES
    return counts


def _names(block: Block) -> dict[str, str]:
    return {"run": block.run, "tag": block.tag, "kind": block.kind, "layer": block.layer}


def _comment(fields: dict) -> str:
    plain = {
        name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in fields.items()
    }
    return f"# {json.dumps(plain)}"
