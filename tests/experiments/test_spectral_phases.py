"""spectral_phases.py end to end at toy size: two budgets, their rows, and a second call that repeats nothing."""

import json

import pandas as pd
import pytest

WORDS = (
    "--seeds 2 --batch-sizes 16,64 --epochs 1 --steps 3 --visits 2 --filters 4,8 --image-size 12 "
    "--train-examples 128 --replicates 5"
)


@pytest.fixture(scope="module")
def run(script, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs")
    done = script("spectral_phases", WORDS, out)
    assert done.code is None
    done.out = out
    return done


def test_each_net_is_looked_at_after_equal_epochs_and_after_equal_steps(run):
    results = pd.read_csv(run.folder / "results.csv")
    steps = results.groupby(["budget", "batch_size"]).step.unique().map(list).to_dict()
    assert steps == {("epochs", 16): [8], ("epochs", 64): [2], ("steps", 16): [3], ("steps", 64): [3]}
    curves = pd.read_csv(run.folder / "curves.csv")
    keys = ["seed", "batch_size", "layer", "step"]
    both = results.merge(curves, on=keys, suffixes=("", "_curve"))
    assert len(both) == len(results) and (both.sigma2 == both.sigma2_curve).all() and (results.sigma2 > 0).all()


def test_everything_is_written(run):
    names = {path.name for path in run.folder.rglob("*") if path.is_file()}
    assert names >= {
        "config.json",
        "results.csv",
        "curves.csv",
        "timings.csv",
        "summary.json",
        "phases.png",
        "noise_against_rank.svg",
    }
    summary = json.loads((run.folder / "summary.json").read_text())
    assert summary["seeds"] == 2 and all(each["verdict"] == "too few seeds" for each in summary["claims"])


def test_the_same_command_again_repeats_nothing(run, script, bytes_of):
    before = bytes_of(run.folder)
    assert script("spectral_phases", WORDS, run.out).folders == [run.folder]
    after = bytes_of(run.folder)
    assert {name for name in before if before[name] != after[name]} <= {"config.json"}
