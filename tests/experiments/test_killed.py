"""Law 5 for real: a preset killed at ten random moments and started again ends like one that was left alone."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

SCRIPT = Path(__file__).parents[2] / "experiments" / "lth_resnet.py"
FULL = os.environ.get("TFREDUNDANCY_FULL") == "1"
SHORT = "--levels 2 --steps 40 --rewind-to 6 --evaluate-every 10 --batch-size 16"
ATTEMPTS = 10


def command(out):
    words = "" if FULL else SHORT
    return [sys.executable, str(SCRIPT), *words.split(), "--checkpoint-seconds", "0.5", "--out", str(out)]


def run_until(out, seconds):
    """Run the experiment; kill it after some seconds. Return whether it came to its end."""
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    with subprocess.Popen(
        command(out), env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            printed, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            return False
    assert process.returncode == 0, printed[-3000:]
    return True


def trained(folder):
    """What would be lost: the bytes of checkpoints and of finished trainings, which grow while it trains."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("checkpoints/**/*.npz")}


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_killed_ten_times_and_never_killed(tmp_path, events_of, told_steps):
    began = time.monotonic()
    assert run_until(tmp_path / "whole", None)
    length = time.monotonic() - began
    (whole,) = (tmp_path / "whole").glob("lth_resnet/*")

    draw, kills, advanced, before = np.random.default_rng(), 0, 0, {}
    for _ in range(ATTEMPTS):  # importing and compiling take up to a half of the time
        kills += not run_until(tmp_path / "killed", draw.uniform(0.05, 0.7) * length)
        now = trained(tmp_path / "killed")
        advanced, before = advanced + (now != before), now
    assert run_until(tmp_path / "killed", None)
    (killed,) = (tmp_path / "killed").glob("lth_resnet/*")
    print(f"{length:.0f} s alone; {kills} kills, progress in {advanced} of them")
    assert kills >= 5 and advanced >= 3

    for name in ("results.csv", "curves.csv", "layers.csv", "summary.json"):
        assert (killed / name).read_bytes() == (whole / name).read_bytes(), name
    for name in (path.name for path in (whole / "figures").iterdir()):
        assert (killed / "figures" / name).read_bytes() == (whole / "figures" / name).read_bytes(), name
    runs = sorted(path.name for path in (whole / "events").iterdir())
    assert runs == sorted(path.name for path in (killed / "events").iterdir())
    for name in runs:
        events = events_of(killed / "events" / name)
        assert events == events_of(whole / "events" / name)
        told = told_steps(killed, int(name[4]), name[6:])
        assert [step for step, _ in events["validation_loss"]] == list(told) == sorted(told)
    assert pd.read_csv(killed / "timings.csv").seconds.sum() < 60 * length
