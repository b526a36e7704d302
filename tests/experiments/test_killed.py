"""Law 5 for real: a preset killed at ten random moments and started again ends like one that was left alone."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "experiments" / "lth_resnet.py"
FULL = os.environ.get("TFREDUNDANCY_FULL") == "1"
WORDS = "" if FULL else "--levels 2 --steps 40 --rewind-to 6 --evaluate-every 10 --batch-size 16"
KILLS = 10
MOST_WRITES = 20 if FULL else 4  # between two kills, so that ten of them leave some of the 18 trainings to the end


def started(out):
    """Start the experiment; its output goes to a file, which need not be read while it runs."""
    command = [sys.executable, str(SCRIPT), *WORDS.split(), "--checkpoint-seconds", "0.5", "--out", str(out)]
    with open(out.with_suffix(".log"), "ab") as log:
        return subprocess.Popen(command, env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}, stdout=log, stderr=log)


def finished(out):
    """Run the experiment to its end; return its directory."""
    assert started(out).wait() == 0, out.with_suffix(".log").read_text()[-3000:]
    (folder,) = out.glob("lth_resnet/*")
    return folder


def state(out):
    """When each checkpoint and each finished training was written."""
    times = {}
    for path in out.glob("lth_resnet/*/checkpoints/seed*/[!.]*.npz"):
        times[path] = path.stat().st_mtime_ns
    return times


def killed(process, out, writes, seconds):
    """Wait until the process has written so often, and for a while more; kill it. Return whether it was still running."""
    before = state(out)
    while writes > 0 and process.poll() is None:
        time.sleep(0.02)
        now = state(out)
        writes, before = writes - (now != before), now
    time.sleep(seconds)
    running = process.poll() is None
    process.kill()
    process.wait()
    return running


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_killed_ten_times_is_never_killed(tmp_path, events_of, told_steps):
    draw, out, kills = np.random.default_rng(), tmp_path / "killed", 0
    for attempt in range(KILLS):
        if attempt % 3 == 0:  # while it starts, or reads what is finished
            kills += killed(started(out), out, 0, draw.uniform(0, 12))
        else:
            kills += killed(started(out), out, draw.integers(1, MOST_WRITES + 1), draw.uniform(0, 0.5))
    there = len(state(out))
    assert kills == KILLS and 1 < there, f"{kills} kills, {there} files"
    ours, whole = finished(out), finished(tmp_path / "whole")

    names = ["results.csv", "curves.csv", "layers.csv", "summary.json"]
    for name in [*names, *(f"figures/{path.name}" for path in (whole / "figures").iterdir())]:
        assert (ours / name).read_bytes() == (whole / name).read_bytes(), name
    arms = sorted(path.name for path in (whole / "events").iterdir())
    assert arms == sorted(path.name for path in (ours / "events").iterdir())
    for name in arms:
        events = events_of(ours / "events" / name)
        assert events == events_of(whole / "events" / name)
        told = told_steps(ours, int(name[4]), name[6:])
        assert [step for step, _ in events["validation_loss"]] == list(told) == sorted(told)
