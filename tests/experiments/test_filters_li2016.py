"""filters_li2016.py end to end at toy size: pruned, shrunk, trained on in four ways, each counted at equal steps."""

import importlib.util
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tfredundancy as tfr
from tfredundancy import runs
from tfredundancy.lottery import Trainer

WORDS = "--seeds 1 --steps 4 --retrain-steps 3 --evaluate-every 2 --batch-size 8"


@pytest.fixture(scope="module")
def run(script, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs")
    done = script("filters_li2016", WORDS, out)
    assert done.code is None
    done.out = out
    return done


@pytest.fixture(scope="module")
def results(run):
    return pd.read_csv(run.folder / "results.csv").set_index("arm")


def test_steps_are_counted_both_ways(results, run):
    found = {arm: (row.steps, row.total_steps) for arm, row in results.iterrows()}
    assert found == {
        "dense": (4, 4),
        "pruned": (0, 4),
        "finetune": (3, 7),
        "lr_rewind": (3, 7),
        "reinit": (4, 4),
        "reinit_total": (7, 7),
        "dense_total": (7, 7),
    }
    curves = pd.read_csv(run.folder / "curves.csv").groupby("arm", sort=False).step.agg(list).to_dict()
    assert curves["reinit_total"] == [0, 2, 4, 6, 7] and curves["finetune"] == [0, 2, 3]


def test_pruned_is_where_retraining_begins(results, run):
    curves = pd.read_csv(run.folder / "curves.csv").set_index(["arm", "step"])
    for arm in ("finetune", "lr_rewind"):
        assert results.loc["pruned"].validation_loss == curves.loc[(arm, 0)].validation_loss
        assert results.loc["pruned"].test_accuracy == curves.loc[(arm, 0)].test_accuracy
    assert curves.loc[("reinit", 0)].validation_loss != curves.loc[("reinit_total", 0)].validation_loss


def test_the_narrow_net_is_the_shrunk_one(results, run):
    summary = json.loads((run.folder / "summary.json").read_text())
    assert [check["masked_minus_shrunk"] < 1e-4 for check in summary["checks"]] == [True]
    net = run.module.RESNET_20_B
    narrow = tfr.count(net.build(filters=net.kept, input_shape=(8, 8, 1)))
    of_narrow = results.drop(["dense", "dense_total"])
    assert set(of_narrow.parameters) == {narrow.trainable} and set(of_narrow.macs) == {narrow.macs}
    assert summary["note"].startswith("resnet_20_b: -13.5% parameters, -31.9% multiply–adds. Reduced run (")


def test_learning_rates(run):
    args = runs.parse(run.module.Args, run.module.PRESETS, ["--steps", "8", "--retrain-steps", "4"])
    expected = {  # of 8 steps the first 4 at 1, then two at 1/10, two at 1/100
        "dense": [1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01],
        "reinit": [1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01],
        "lr_rewind": [0.1, 0.1, 0.01, 0.01],
        "finetune": [0.01] * 4,
        "reinit_total": [1] * 6 + [0.1] * 3 + [0.01] * 3,
        "dense_total": [1] * 6 + [0.1] * 3 + [0.01] * 3,
    }
    for arm, rates in expected.items():
        found = run.module.rate(args, arm)(np.arange(len(rates)))
        np.testing.assert_allclose(found, 0.05 * np.array(rates), err_msg=arm)


def test_everything_is_written_and_a_second_call_repeats_nothing(run, script, bytes_of, monkeypatch):
    names = {path.name for path in run.folder.rglob("*") if path.is_file()}
    assert names >= {"config.json", "results.csv", "curves.csv", "timings.csv", "summary.json", "accuracy_of_arms.svg"}
    before = bytes_of(run.folder)
    monkeypatch.setattr("tfredundancy.lottery.Trainer.run", None)
    assert script("filters_li2016", WORDS, run.out).code is None
    assert bytes_of(run.folder) == before


def test_a_run_that_was_stopped_goes_on_to_the_same_results(run, script, tmp_path, monkeypatch):
    calls, whole = [], Trainer.run

    def stopping(*args):
        calls.append(args)
        if len(calls) == 4:  # in the midst of the retraining that comes first
            raise KeyboardInterrupt
        return whole(*args)

    monkeypatch.setattr("tfredundancy.lottery.Trainer.run", stopping)
    words = f"{WORDS} --checkpoint-seconds 0"
    assert script("filters_li2016", words, tmp_path).code == "stopped; the same command continues"
    done = script("filters_li2016", words, tmp_path)
    assert done.code is None and len(calls) == 16 + 1  # chunks of two steps or one, one of them begun twice
    for name in ("results.csv", "curves.csv", "summary.json"):
        assert (done.folder / name).read_bytes() == (run.folder / name).read_bytes(), name


def test_claims_are_compared_over_seeds(run):
    rows = [
        (seed, arm, 0.5 + 0.1 * seed + 0.01 * place)
        for seed in range(5)
        for place, arm in enumerate(("dense", "finetune"))
    ]
    found = list(run.module.claims(pd.DataFrame(rows, columns=["seed", "arm", "test_accuracy"])))
    assert [claim["claim"] for claim in found] == [
        "fine-tuned, the narrow net is as good as the whole one (finetune − dense)"
    ]
    assert found[0]["ours"]["mean"] == pytest.approx(0.01) and found[0]["verdict"] == "above"


def test_the_page_of_findings_takes_it(run, tmp_path, monkeypatch):
    target = tmp_path / "results" / "filters_li2016" / "toy"
    shutil.copytree(run.folder, target, ignore=shutil.ignore_patterns("*.npz"))
    file = Path(__file__).parents[2] / "experiments" / "findings.py"
    spec = importlib.util.spec_from_file_location("findings", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    words = ["findings", "--results", str(tmp_path / "results"), "--page", str(tmp_path / "page.md")]
    monkeypatch.setattr(sys, "argv", words)
    module.main()
    page = (tmp_path / "page.md").read_text()
    assert "## filters_li2016: toy" in page and "|lr_rewind|" in page and "(finetune − reinit)" in page


def test_the_paper_s_protocol(run):
    module = run.module
    args = runs.parse(module.Args, module.PRESETS, ["--preset", "paper"])
    assert (args.net, args.dataset, args.steps // 703, args.batch_size) == ("resnet_56_b", "cifar10", 160, 64)
    assert (
        module.note(args, {"trainable": -0.1375, "macs": -0.2756})
        == "resnet_56_b: -13.8% parameters, -27.6% multiply–adds."
    )
    small = runs.parse(module.Args, module.PRESETS, ["--preset", "reduced"])
    assert "500 steps on cifar10 at 16 × 16 pixels" in module.note(small, {"trainable": 0, "macs": 0})


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--retrain-steps 500", "`retrain_steps` must not exceed steps=150. Received: 500"),
        ("--batch-size 5000", "`batch_size` must lie in [1, n=1197]. Received: batch_size=5000"),
    ],
)
def test_refused_arguments_end_in_one_line_before_anything_is_written(script, tmp_path, words, message):
    ended = script("filters_li2016", words, tmp_path / "out")
    assert ended.code == f"error: {message}" and not (tmp_path / "out").exists()
