"""Scalars in event files: written == read, whenever the writer was killed."""

import math
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tfredundancy.inspection import summaries
from tfredundancy.inspection.summaries import EventLog, read_steps

HISTORY = [(100 * i, {"loss": 1 / (i + 1), "accuracy": i / 10}) for i in range(1, 9)]


def tensorboard_sees(directory):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(os.fspath(directory), size_guidance={"tensors": 0}).Reload()
    tags = accumulator.Tags()["tensors"]
    return {tag: [(e.step, float(e.tensor_proto.float_val[0])) for e in accumulator.Tensors(tag)] for tag in tags}


def expected(history):
    tags = {tag for _, scalars in history for tag in scalars}
    return {tag: [(step, float(np.float32(s[tag]))) for step, s in history if tag in s] for tag in tags}


def files(directory):
    return sorted(Path(directory).iterdir())


def test_written_is_what_tensorboard_reads(tmp_path):
    EventLog(tmp_path / "new" / "run").catch_up(HISTORY)
    assert tensorboard_sees(tmp_path / "new" / "run") == expected(HISTORY)


def test_catching_up_twice_writes_nothing(tmp_path):
    EventLog(tmp_path).catch_up(HISTORY)
    before = files(tmp_path)[0].read_bytes()
    for events in (EventLog(tmp_path), EventLog(tmp_path)):
        events.catch_up(HISTORY)
        events.catch_up(HISTORY[:3])
    assert [file.read_bytes() for file in files(tmp_path)] == [before]


def test_a_growing_history(tmp_path):
    events = EventLog(tmp_path)
    for n in range(len(HISTORY) + 1):
        events.catch_up(HISTORY[:n])
        assert read_steps(tmp_path) == [step for step, _ in HISTORY[:n]]
    assert len(files(tmp_path)) == 1


@pytest.mark.parametrize("lost", [1, 4, 12, 40, 70])
def test_a_tail_cut_short(tmp_path, lost):
    EventLog(tmp_path).catch_up(HISTORY[:4])
    with open(files(tmp_path)[0], "r+b") as file:
        file.truncate(os.path.getsize(file.name) - lost)
    assert len(read_steps(tmp_path)) == 3
    EventLog(tmp_path).catch_up(HISTORY)
    assert tensorboard_sees(tmp_path) == expected(HISTORY)


def test_tags_that_come_later_and_step_zero(tmp_path):
    history = [(0, {"loss": 2.0}), (1, {}), (2, {"loss": 1.0, "late": 3.0})]
    EventLog(tmp_path).catch_up(history[:1])
    EventLog(tmp_path).catch_up(history)
    assert tensorboard_sees(tmp_path) == expected(history)


def test_nan_is_written_as_nan(tmp_path):
    EventLog(tmp_path).catch_up([(1, {"loss": np.float32("nan")})])
    ((step, value),) = tensorboard_sees(tmp_path)["loss"]
    assert step == 1 and math.isnan(value)


def test_values_beyond_float32_are_infinite(tmp_path):
    EventLog(tmp_path).catch_up([(1, {"loss": 1e60})])
    assert tensorboard_sees(tmp_path)["loss"] == [(1, math.inf)]


@pytest.mark.parametrize("steps", [[1, 1], [1, 3, 2]])
def test_steps_that_do_not_increase(tmp_path, steps):
    with pytest.raises(ValueError, match=f"strictly increasing.*Received: {steps[-1]} after {steps[-2]}"):
        EventLog(tmp_path).catch_up([(step, {"loss": 0.0}) for step in steps])
    assert files(tmp_path) == []


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch):
    events = EventLog(tmp_path)
    events.catch_up(HISTORY[:2])
    whole = files(tmp_path)[0].read_bytes()

    class Full:
        def __init__(self, stream):
            self.stream = stream

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.stream.close()

        def tell(self):
            return self.stream.tell()

        def truncate(self, size):
            return self.stream.truncate(size)

        def write(self, data):
            return self.stream.write(data[:10])

    with monkeypatch.context() as patch:
        patch.setattr(summaries, "open", lambda *a, **k: Full(open(*a, **k)), raising=False)
        with pytest.raises(OSError, match="events not written.*tfevents"):
            events.catch_up(HISTORY)
    assert files(tmp_path)[0].read_bytes() == whole
    events.catch_up(HISTORY)
    assert tensorboard_sees(tmp_path) == expected(HISTORY)


def test_killed_while_it_writes(tmp_path):
    writer = (
        "import runpy, sys\n"
        "events = runpy.run_path(sys.argv[1])['EventLog'](sys.argv[2])\n"  # alone, without the package above it
        "history = [(i, {'loss': float(i)}) for i in range(1, 100_001)]\n"
        "for i in range(len(history)):\n"
        "    events.catch_up(history[i : i + 1])\n"
        "    assert 'tensorflow' not in sys.modules\n"
    )
    for _ in range(3):
        steps = len(read_steps(tmp_path))
        command = [sys.executable, "-c", writer, summaries.__file__, os.fspath(tmp_path)]
        process = subprocess.Popen(command, stderr=subprocess.PIPE)
        while len(read_steps(tmp_path)) < steps + 20 and process.poll() is None:
            time.sleep(0.02)
        process.kill()
        assert process.communicate()[1] == b""
    steps = read_steps(tmp_path)
    assert steps == list(range(1, len(steps) + 1)) and len(files(tmp_path)) == 3
