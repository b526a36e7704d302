"""Records over training → event files and a table, in one folder.

    records of a step → monitor.csv, a row for each matrix → one event with all of its scalars and series

The table is written before the event, so that an event stands for a whole step: what a killed process left behind it is cut
off when the folder is opened again. Steps strictly increase; a step that is there is not written again.
"""

import csv
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from tensorboard_plugin_redundancy import schema

from tfredundancy.files import cell
from tfredundancy.inspection.records import COLUMNS, Record
from tfredundancy.inspection.summaries import EventLog, Series, append_whole

TABLE = "monitor.csv"
HEAD = ("step", "iterations", *COLUMNS)


class RecordLog:
    """The folder of one training.

    Args:
        directory: the folder; one that exists is continued.

    Attributes:
        directory: the folder.
        last: (step, optimizer's iterations) of the last step written, None where there is none.
    """

    def __init__(self, directory: str | os.PathLike) -> None:
        self.directory = Path(directory)
        self._table = self.directory / TABLE
        self._events = EventLog(directory)
        self.last = _cut_off(self._table, self._events.last)

    def write(self, step: int, iterations: int, records: Sequence[Record]) -> None:
        """Writes a step, unless it is there already.

        Args:
            step: steps trained so far.
            iterations: the optimizer's count, which rewinding sets back: what a resumed training is recognised by.
            records: of all matrices.
        """
        if self.last is not None and step <= self.last[0]:
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        append_whole(self._table, _lines(step, iterations, records, head=not self._table.exists()))
        write_records(self._events, [(step, {})], records)
        self.last = (step, iterations)


def write_records(events: EventLog, rows: Sequence[tuple[int, Mapping[str, float]]], records: Sequence[Record]) -> None:
    """Write rows as `EventLog.catch_up` does, and with the last of them what was measured at its step.

    Args:
        events: of one TensorBoard run.
        rows: (step, {tag: value}), the whole history or its end.
        records: of all matrices at the last row's step.
    """
    *before, (step, told) = rows
    values = {tag: value for record in records for tag, value in record_scalars(record).items()}
    drawn = [each for order, record in enumerate(records) for each in series(record, order)]
    events.catch_up([*before, (step, {**told, **values})], drawn)


def record_scalars(record: Record) -> dict[str, float]:
    """{`measure/matrix`: value} for the Time Series tab; NaN throughout where weights are NaN or infinite."""
    broken = bool(record.row.get("nonfinite"))
    values = {name: np.nan if broken else record.row.get(name) for name in schema.SCALARS}
    return {f"{name}/{record.path}": float(value) for name, value in values.items() if value is not None}


def series(record: Record, order: int | None = None) -> list[Series]:
    """What the plugin draws of a record, whose matrix is the network's `order`-th."""
    found = [_esd(record), *_angles(record)]
    if record.kept is not None:
        header = {"units": record.kept.size, "kept": int(record.kept.sum())}
        found.append(_series(record, "mask", header, record.kept))
    if record.survival is not None:
        found.append(_survival(record))
    return [replace(each, order=order) for each in found if each is not None]


def _series(record: Record, kind: str, header: Mapping[str, float], data: np.ndarray) -> Series:
    return Series(kind, record.path, (record.row["units"], record.row["fan_in"]), header, data)


def _esd(record: Record) -> Series | None:
    spectrum, row = record.spectrum, record.row
    if spectrum is None and not row.get("nonfinite"):
        return None
    header = {name: row.get(name, np.nan) for name in schema.HEADERS["esd"]}
    if spectrum is None:
        return _series(record, "esd", header, np.zeros(0))
    eigenvalues = spectrum.eigenvalues
    header |= {"n_total": len(eigenvalues), "n_zero": int((eigenvalues == 0).sum()), "q": spectrum.n / spectrum.m}
    if spectrum.bulk is not None:
        header |= {"bulk_lo": spectrum.bulk.bulk_lo, "sigma2": spectrum.bulk.sigma2}  # of the law that is drawn
    return _series(record, "esd", header, schema.thinned(eigenvalues))


def _angles(record: Record) -> list[Series]:
    if record.angles is None:
        return []
    clusters, null, pairs = record.angles.clusters, record.angles.null, record.angles.pairs
    units, fan_in = record.row["units"], record.row["fan_in"]
    means = null.mean(axis=1)
    header = {"units": units, "clusters": len(clusters.centres), "mean": np.nanmean(clusters.angles)}
    header |= {"null_mean": means.mean(), "null_sd": means.std(ddof=1) if len(means) > 1 else np.nan}
    counts = np.histogram(null, schema.GRID)[0]
    return [
        _series(record, "angles", header, np.stack([clusters.angles, clusters.labels])),
        _series(
            record,
            "angles_null",
            {"units": units, "fan_in": fan_in, "draws": len(null), "mean": means.mean()},
            counts,
        ),
        _series(record, "pair_angles", {"units": units, "fan_in": fan_in}, pairs),
    ]


def _survival(record: Record) -> Series:
    found = record.survival
    header = {
        "fan_in": record.row["fan_in"],
        "kept": int(found.counts.sum()),
        "null_mean": found.mean,
        "null_sd": found.sd,
        "p_value": found.p_value,
        "lift": found.lift,
    }
    return _series(record, "survival", header, found.counts)


def _lines(step: int, iterations: int, records: Sequence[Record], head: bool) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, HEAD, lineterminator="\n", restval="")
    if head:
        writer.writeheader()
    for record in records:
        writer.writerow({"step": step, "iterations": iterations} | {k: cell(v) for k, v in record.row.items()})
    return text.getvalue().encode()


def _cut_off(table: Path, last: int | None) -> tuple[int, int] | None:
    """Remove the rows behind the last whole step; return (that step, its iterations)."""
    if not table.exists():
        if last is not None:
            raise ValueError(f"`directory` must hold {TABLE} beside its events. Received: {table.parent}")
        return None
    found, end = None, 0
    with open(table, "rb") as file:
        for line in file:
            cells = line.split(b",", 2)
            if cells[0] != b"step":
                if not line.endswith(b"\n") or last is None or int(cells[0]) > last:
                    break
                found = int(cells[0]), int(cells[1])
            end += len(line)
    os.truncate(table, end)
    return found
