"""update_projection.py end to end at toy size: what is kept decides the accuracy, and a second call repeats nothing."""

import json

import numpy as np
import pandas as pd
import pytest

WORDS = "--seeds 2 --depth 2 --width 24 --epochs 6 --ranks 0,1,4,24 --image-size 8"


@pytest.fixture(scope="module")
def run(script, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs")
    done = script("update_projection", WORDS, out)
    assert done.code is None
    done.out = out
    return done


@pytest.fixture(scope="module")
def results(run):
    return pd.read_csv(run.folder / "results.csv")


def accuracy(results, arm, rank):
    rows = results[(results.arm == arm) & (results["rank"] == rank)].sort_values("seed")
    return rows.test_accuracy.to_numpy()


def test_all_directions_are_the_trained_net_and_none_the_initial_one(run, results):
    summary = json.loads((run.folder / "summary.json").read_text())
    for arm in ("top", "random"):
        assert accuracy(results, arm, 24).mean() == pytest.approx(summary["trained"]["test_accuracy"]["mean"])
        assert accuracy(results, arm, 0).mean() == pytest.approx(summary["initial"]["test_accuracy"]["mean"])
    np.testing.assert_array_equal(accuracy(results, "bottom", 0), accuracy(results, "top", 24))
    np.testing.assert_array_equal(accuracy(results, "bottom", 24), accuracy(results, "top", 0))
    assert accuracy(results, "top", 24).mean() > accuracy(results, "top", 0).mean() + 0.3


def test_directions_are_those_of_the_update(run):
    found = pd.read_csv(run.folder / "directions.csv")
    hidden = found[found.layer.str.startswith("hidden")].sort_values(["seed", "layer", "rank"])
    for _, rows in hidden.groupby(["seed", "layer"]):
        assert (rows.energy.diff().dropna() >= -1e-9).all() and (rows.residual.diff().dropna() <= 1e-9).all()
    ends = hidden[hidden["rank"] == 24]
    np.testing.assert_allclose(ends.energy, 1, atol=1e-6)


def test_everything_is_written(run):
    names = {path.name for path in run.folder.rglob("*") if path.is_file()}
    assert names >= {"config.json", "results.csv", "directions.csv", "curves.csv", "timings.csv", "summary.json"}
    assert names >= {"accuracy_against_rank.png", "residual_and_energy.svg", "seed0.npz", "seed1.npz"}
    summary = json.loads((run.folder / "summary.json").read_text())
    assert summary["claims"] == [] and "the paper has 5 × 1024" in summary["note"]  # rank 16 was not asked for


def test_the_same_command_again_repeats_nothing(run, script, bytes_of):
    before = bytes_of(run.folder)
    times = {path: path.stat().st_mtime_ns for path in (run.folder / "checkpoints").iterdir()}
    assert script("update_projection", WORDS, run.out).folders == [run.folder]
    assert {path: path.stat().st_mtime_ns for path in times} == times
    after = bytes_of(run.folder)
    assert {name for name in before if before[name] != after[name]} <= {"config.json"}


def test_the_page_of_findings_takes_it(run, tmp_path, monkeypatch):
    import importlib.util
    import shutil
    import sys
    from pathlib import Path

    shutil.copytree(
        run.folder, tmp_path / "results" / "update_projection" / "toy", ignore=shutil.ignore_patterns("*.npz")
    )
    file = Path(__file__).parents[2] / "experiments" / "findings.py"
    spec = importlib.util.spec_from_file_location("findings", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(
        sys, "argv", ["findings", "--results", str(tmp_path / "results"), "--page", str(tmp_path / "page.md")]
    )
    module.main()
    page = (tmp_path / "page.md").read_text()
    assert "## update_projection: toy" in page and "|24|" in page and "Verdict:" not in page
    assert module.verdict({"verdict": "wide errs less: as claimed (k = 4)."})[0].startswith("Verdict: wide errs less")
    assert "(results/update_projection/toy/figures/accuracy_against_rank.png)" in page


def test_refused_arguments_end_in_one_line_before_anything_is_written(script, tmp_path):
    ended = script("update_projection", "--batch-size 5000", tmp_path / "out")
    assert ended.code == "error: `batch_size` must lie in [1, n=1197]. Received: batch_size=5000"
    assert not (tmp_path / "out").exists()
