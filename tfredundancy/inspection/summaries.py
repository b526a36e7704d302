"""Records → TensorBoard event files.

    (step, {tag: scalar}) and series as schema.py defines them  →  one event per step with all of its tags

so that a killed process leaves a step whole or not at all. Neither TensorFlow nor Keras is imported.
"""

import errno
import os
import struct
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.compat.tensorflow_stub import errors
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import PyRecordReader_New
from tensorboard.plugins.scalar.summary_v2 import scalar_pb
from tensorboard.util.tensor_util import make_tensor_proto
from tensorboard_plugin_redundancy import schema
from tensorboard_plugin_redundancy.checksums import masked_crc32c


@dataclass(frozen=True, eq=False)
class Series:
    """What the plugin draws of one layer at one step: a kind of schema.py with its header scalars and data.

    Attributes:
        kind: a key of `schema.HEADERS`.
        layer: path of the layer, or of one matrix of it.
        shape: (units, fan_in) of the unit matrix.
        header: {name: number}.
        data: array of numbers.
        order: place of the matrix in the network, from 0 on, or None.
    """

    kind: str
    layer: str
    shape: tuple[int, int]
    header: Mapping[str, float]
    data: np.ndarray
    order: int | None = None

    @property
    def tag(self) -> str:
        """The tag that it is written under."""
        return schema.tag(self.layer, self.kind)


class EventLog:
    """The events of one TensorBoard run, written so that no step is repeated or lost however often it is killed.

    Args:
        directory: the run's directory; each process that writes begins a file of its own in it.

    Example:

    >>> import tempfile
    >>> history = [(100, {"loss": 0.5}), (200, {"loss": 0.25})]
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     EventLog(directory).catch_up(history[:1])
    ...     events = EventLog(directory)  # started again
    ...     events.catch_up(history)
    ...     print(read_steps(directory))
    [100, 200]
    """

    def __init__(self, directory: str | os.PathLike) -> None:
        """Reads which steps are on disk; writes nothing."""
        self.directory = Path(directory)
        self.last: int | None = max(read_steps(directory), default=None)
        self._file: Path | None = None
        self._introduced: set[str] = set()

    def catch_up(self, rows: Sequence[tuple[int, Mapping[str, float]]], series: Sequence[Series] = ()) -> None:
        """Writes the rows whose step is greater than the last on disk; they are on disk when it returns.

        Args:
            rows: (step, {tag: value}), the whole history or its end. NaN is written as NaN, values as float32, infinite where
                that can not hold them.
            series: what belongs to the last row's step.

        Raises:
            ValueError: the steps do not strictly increase.
            OSError: it could not be written; names the file, which holds what it held before.
        """
        steps = [step for step, _ in rows]
        for before, after in zip(steps, steps[1:], strict=False):
            if after <= before:
                raise ValueError(f"`rows` must have strictly increasing steps. Received: {after} after {before}")
        new = [(step, scalars) for step, scalars in rows if self.last is None or step > self.last]
        if new:
            events = [_scalar_event(step, scalars) for step, scalars in new]
            events[-1].summary.value.extend(map(self._value, series))
            self._append(events)
            self.last = new[-1][0]
            self._introduced |= {each.tag for each in series}

    def _value(self, series: Series) -> summary_pb2.Summary.Value:
        """TensorBoard reads the metadata of a tag's first event alone, so the others do without."""
        tensor = make_tensor_proto(schema.encode(series.kind, series.header, series.data))
        value = summary_pb2.Summary.Value(tag=series.tag, tensor=tensor)
        if series.tag not in self._introduced:
            value.metadata.data_class = summary_pb2.DATA_CLASS_TENSOR
            value.metadata.plugin_data.plugin_name = schema.PLUGIN_NAME
            value.metadata.plugin_data.content = schema.content(series.kind, series.layer, series.shape, series.order)
        return value

    def _append(self, events: Iterable[event_pb2.Event]) -> None:
        if self._file is None:
            self._file = _begin_file(self.directory)
        append_whole(self._file, _records(events))


def read_steps(directory: str | os.PathLike) -> list[int]:
    """The steps of all whole events in the directory, in the order they were written."""
    files = sorted(Path(directory).glob("*tfevents*"))
    return [event.step for file in files for event in _read(file) if event.HasField("summary")]


def _read(file: Path) -> Iterator[event_pb2.Event]:
    """The whole events of a file; ends where TensorBoard's own loader does, at the end or a record cut short."""
    reader = PyRecordReader_New(os.fspath(file))
    with reader.file_handle:
        while True:
            try:
                reader.GetNext()
            except (errors.OutOfRangeError, errors.DataLossError):
                return
            yield event_pb2.Event.FromString(reader.record())


def _scalar_event(step: int, scalars: Mapping[str, float]) -> event_pb2.Event:
    with np.errstate(over="ignore"):
        values = [value for tag, scalar in scalars.items() for value in scalar_pb(tag, scalar).value]
    return event_pb2.Event(wall_time=time.time(), step=step, summary=summary_pb2.Summary(value=values))


def _begin_file(directory: Path) -> Path:
    """A file that sorts behind all there are, because TensorBoard reads them in the order of their names."""
    directory.mkdir(parents=True, exist_ok=True)
    number = len(list(directory.glob("*tfevents*")))
    file = directory / f"events.out.tfevents.{int(time.time()):010d}.{number:06d}"
    version = event_pb2.Event(wall_time=time.time(), file_version="brain.Event:2")
    append_whole(file, _records([version]))
    return file


def _records(events: Iterable[event_pb2.Event]) -> bytes:
    return b"".join(_record(event.SerializeToString()) for event in events)


def _record(data: bytes) -> bytes:
    """Length, its checksum, data, their checksum; TensorBoard's RecordWriter takes most of its time for the checksums."""
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", masked_crc32c(length)) + data + struct.pack("<I", masked_crc32c(data))


def append_whole(file: Path, data: bytes) -> None:
    """Appends all of the data; where that fails, the file ends where it did.

    Raises:
        OSError: it could not be written; names the file.
    """
    with open(file, "ab", buffering=0) as stream:
        end = stream.tell()
        try:
            written = stream.write(data)
            if written != len(data):  # a disk that fills up takes what it can, and says nothing
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            stream.truncate(end)
            raise OSError(error.errno, f"{error.strerror}; events not written", os.fspath(file)) from error
