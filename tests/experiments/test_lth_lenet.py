"""The original experiment end to end at toy size: every file of a run, continuing it, and how it ends when it cannot run."""

import json
import os
import re
import shutil
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow_datasets as tfds

from tfredundancy import runs
from tfredundancy.datasets import prepared
from tfredundancy.lottery import Record

WORDS = "--levels 2 --steps 12 --evaluate-every 5 --seeds 2 --arms rewind,reinit,finetune"
ARMS = ["rewind", "reinit", "finetune"]


@pytest.fixture(scope="module")
def run(script, tmp_path_factory):
    """Return one finished run, its files as they were then, and what it printed."""
    out, printed = tmp_path_factory.mktemp("runs"), []
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr("builtins.print", lambda *words, **_: printed.append(" ".join(map(str, words))))
        ended = script("lth_lenet", WORDS, out)
    assert ended.code is None
    ended.out, ended.printed = out, "\n".join(printed)
    return ended


def test_results_have_a_row_for_every_training(run):
    results = pd.read_csv(run.folder / "results.csv")
    fields = [name for name in Record.__annotations__ if name not in ("curve", "layers", "seconds")]
    assert list(results) == fields and results.notna().all(axis=None)
    expected = [(0, "dense"), *((level, arm) for level in (1, 2) for arm in ARMS)]
    assert list(zip(results.seed, results.level, results.arm, strict=True)) == [
        (s, *e) for s in (0, 1) for e in expected
    ]
    assert set(results[results.arm == "finetune"].total_steps) == {24, 36}
    pixels = {"hidden1": 64 * 300, "hidden2": 300 * 100, "classifier": 1000}
    for level, density in results.groupby("level").density:
        kept = sum(np.floor((0.9 if name == "classifier" else 0.8) ** level * n + 0.5) for name, n in pixels.items())
        assert set(density) == {kept / sum(pixels.values())}


def test_curves_layers_and_timings(run):
    results = pd.read_csv(run.folder / "results.csv")
    curves, layers, timings = (pd.read_csv(run.folder / f"{name}.csv") for name in ("curves", "layers", "timings"))
    key = ["seed", "level", "arm"]
    assert list(curves) == [*key, "step", "train_loss", "validation_loss", "validation_accuracy"]
    assert list(layers) == [*key, "layer", "density"] and list(timings) == [*key, "seconds"]
    assert timings[key].equals(results[key]) and (timings.seconds > 0).all()
    ends = curves.groupby(key, sort=False).tail(1)
    for column in ("train_loss", "validation_loss", "validation_accuracy"):
        np.testing.assert_array_equal(ends[column], results[column])
    begins = curves.groupby(key, sort=False).head(1)
    assert begins.train_loss.isna().all() and curves.train_loss.isna().sum() == len(results)
    assert set(curves[(curves.level == 0)].step) == {0, 5, 10, 12}
    assert list(dict.fromkeys(layers.layer)) == ["hidden1/kernel", "hidden2/kernel", "classifier/kernel"]


def test_summary(run):
    found = json.loads((run.folder / "summary.json").read_text())
    results = pd.read_csv(run.folder / "results.csv")
    assert found["experiment"] == "lth_lenet" and found["seeds"] == 2
    assert (
        found["command"]
        == "python experiments/lth_lenet.py --arms rewind,reinit,finetune --levels 2 --steps 12 --evaluate-every 5"
    )
    assert found["note"] == "12 steps a training on digits; the paper has 50000 on mnist"
    assert "1803.03635" in found["paper"]["reference"] and "3.6 %" in found["paper"]["claim"]
    assert [level["level"] for level in found["levels"]] == [1, 2]
    for level in found["levels"]:
        rows = results[results.level == level["level"]].pivot(index="seed", columns="arm")
        assert list(level["arms"]) == ARMS and list(level["rewind_minus"]) == ["reinit", "finetune"]
        difference = (rows.test_accuracy.rewind - rows.test_accuracy.reinit).to_numpy()
        assert level["rewind_minus"]["reinit"]["test_accuracy"] == {
            "mean": pytest.approx(difference.mean(), abs=1e-12),
            "low": pytest.approx(difference.min(), abs=1e-12),
            "high": pytest.approx(difference.max(), abs=1e-12),
            "n": 2,
            "kind": "range",
            "verdict": "too few seeds",
        }
        assert {each["verdict"] for each in level["minus_dense"].values()} == {"too few seeds"}


def test_event_files_are_the_curves(run, told_steps, events_of):
    folders = sorted(path.name for path in (run.folder / "events").iterdir())
    assert folders == sorted(f"seed{seed}-{arm}" for seed in (0, 1) for arm in ["dense", *ARMS])
    for name in folders:
        seed, arm = int(name[4]), name[6:]
        told, events = told_steps(run.folder, seed, arm), events_of(run.folder / "events" / name)
        curves = ("train_loss", "validation_loss", "validation_accuracy")
        assert {tag for tag in events if "/" not in tag} == {*curves, "level", "density"}
        assert list(told) == sorted(told)
        for tag in curves:
            rows = {step: row for step, row in told.items() if tag != "train_loss" or step > 0}
            assert [step for step, _ in events[tag]] == list(rows)
            np.testing.assert_array_equal([v for _, v in events[tag]], np.float32([row[tag] for row in rows.values()]))
        levels = dict(events["level"])  # also where the net was measured between evaluations
        assert {step: levels[step] for step in told} == {step: row["level"] for step, row in told.items()}
        measured = [step for step, _ in events["hidden1/kernel/esd"]]
        assert set(levels) == {*told, *measured} and 0 in measured and max(told) in measured


def test_figures(run):
    names = {"accuracy", "accuracy_early", "early_stopping", "learning_curves", "layer_density"}
    found = {path.name for path in (run.folder / "figures").iterdir()}
    assert found == {f"{name}.{ending}" for name in names for ending in ("png", "svg")}


def test_the_table_is_printed(run):
    lines = run.printed.splitlines()
    assert (
        lines[0].split() == "level density arm test accuracy % at early stopping % early step steps all steps".split()
    )
    assert [line.split()[2] for line in lines[1:8]] == ["dense", *ARMS, *ARMS]
    results = pd.read_csv(run.folder / "results.csv")
    dense = 100 * results[results.level == 0].test_accuracy
    assert f"{dense.mean():.2f} ({dense.min():.2f}–{dense.max():.2f})" in lines[1]
    assert str(run.folder) in lines[-1]


def test_the_same_command_again_repeats_nothing(run, script, bytes_of, monkeypatch):
    before = bytes_of(run.folder)
    monkeypatch.setattr("tfredundancy.lottery.Trainer.run", None)  # training anything would fail
    assert script("lth_lenet", WORDS + " --checkpoint-seconds 1 --strategy none", run.out).code is None
    assert bytes_of(run.folder) == before


@pytest.mark.parametrize("name", ["checkpoints/plan.json", "checkpoints/seed1/level-01-rewind.npz"])
def test_a_damaged_run_ends_in_one_line_that_names_the_file(run, script, tmp_path, name):
    shutil.copytree(run.out, tmp_path / "out")
    file = tmp_path / "out" / "lth_lenet" / run.folder.name / name
    file.write_bytes(file.read_bytes()[:50])
    ended = script("lth_lenet", WORDS, tmp_path / "out")
    assert ended.code.startswith("error: `path` must be a whole ") and "\n" not in ended.code
    assert str(file) in ended.code and ended.code.endswith("delete the file and start again, or use --fresh")
    file.unlink()
    assert script("lth_lenet", WORDS, tmp_path / "out").code is None
    for table in ("results.csv", "curves.csv", "summary.json"):
        assert (file.parents[len(Path(name).parents) - 1] / table).read_bytes() == (run.folder / table).read_bytes()


def test_damaged_tables_are_written_again(run, script, bytes_of, tmp_path, monkeypatch):
    shutil.copytree(run.out, tmp_path / "out")
    folder = tmp_path / "out" / "lth_lenet" / run.folder.name
    (folder / "results.csv").write_text("")
    monkeypatch.setattr("tfredundancy.lottery.Trainer.run", None)
    assert script("lth_lenet", WORDS, tmp_path / "out").code is None
    assert bytes_of(folder) == bytes_of(run.folder)


def test_a_fresh_run_that_is_stopped_and_continued_ends_alike(run, script, bytes_of, monkeypatch):
    left = iter(range(8))

    def stop(self, steps, text):
        if next(left, None) is None:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("tfredundancy.lottery.study._Progress.advance", stop)
        stopped = script("lth_lenet", WORDS + " --fresh", run.out)
    assert stopped.code == "stopped; the same command continues"
    assert stopped.folder.name == f"{run.folder.name}-2"
    assert script("lth_lenet", WORDS, run.out).folders == [run.folder, stopped.folder]
    expected, found = bytes_of(run.folder), bytes_of(stopped.folder)
    for name in ("results.csv", "curves.csv", "layers.csv", "summary.json", "figures/accuracy.svg"):
        assert found[name] == expected[name], name


def test_one_shot_and_convolutions(script, tmp_path):
    words = "--network conv_2 --one-shot --levels 2 --steps 2 --evaluate-every 2 --seeds 1 --batch-size 4 --arms rewind"
    ended = script("lth_lenet", words, tmp_path)
    results = pd.read_csv(ended.folder / "results.csv")
    assert results.total_steps.tolist() == [2, 4, 4]
    layers = pd.read_csv(ended.folder / "layers.csv")
    at_2 = layers[layers.level == 2].set_index("layer").density.round(2).to_dict()
    assert at_2 == {
        f"{name}/kernel": kept
        for name, kept in (
            ("pair1_conv1", 0.81),
            ("pair1_conv2", 0.81),
            ("hidden1", 0.64),
            ("hidden2", 0.64),
            ("classifier", 0.81),
        )
    }
    assert ended.folder.name.startswith("quick-digits-conv_2-")


# how it ends when it can not run


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            "--network conv_8",
            "argument --network: expected one of lenet_300_100, conv_2, conv_4, conv_6. Received: conv_8",
        ),
        ("--arms rewind,lucky", "argument --arms: expected one of rewind, "),
        ("--dataset imagenet", "argument --dataset: expected one of digits, mnist, .*Received: imagenet"),
        ("--steps none", "argument --steps: expected a whole number of at least 1. Received: none"),
        ("--levels 0", "argument --levels: expected a whole number of at least 1. Received: 0"),
        ("--strategy tpu", "argument --strategy: expected none or mirrored, because .*Received: tpu"),
        ("--preset full", "argument --preset: expected one of quick, paper. Received: full"),
    ],
)
def test_bad_flags_end_in_one_line_before_anything_is_written(script, tmp_path, capsys, words, message):
    ended = script("lth_lenet", words, tmp_path / "out")
    assert ended.code == 2 and not (tmp_path / "out").exists()
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert re.search(message, error) and "Traceback" not in error


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--image-size 0", "`image_size` must be a positive integer. Received: image_size=0"),
        ("--batch-size 5000", "`batch_size` must lie in [1, n=1197]. Received: batch_size=5000"),
        ("--arms reinit", "`arms` must include 'rewind', whose masks reinit take. Received: reinit"),
        ("--network conv_6 --image-size 4 --dataset digits", "`input_shape` must be at least 8 × 8 pixels"),
    ],
)
def test_refused_arguments_end_in_one_line_before_anything_is_written(script, tmp_path, words, message):
    ended = script("lth_lenet", words, tmp_path / "out")
    assert ended.code.startswith(f"error: {message}") and "\n" not in ended.code and not (tmp_path / "out").exists()


def test_missing_data_end_in_one_line(script, tmp_path, monkeypatch):
    def unreachable(name, data_dir):
        raise ConnectionError("no network")

    monkeypatch.setattr(prepared, "_reach", lambda host: None)
    monkeypatch.setattr(tfds, "builder", unreachable)
    ended = script("lth_lenet", f"--preset paper --data-dir {tmp_path / 'data'}", tmp_path / "out")
    assert ended.code.startswith(f"error: Data set 'mnist' is not in {tmp_path / 'data'} and could not be downloaded")
    assert "\n" not in ended.code and not (tmp_path / "out").exists()


def test_an_output_folder_that_can_not_be_written(script, tmp_path):
    (tmp_path / "out").write_text("a file")
    began = time.monotonic()
    ended = script("lth_lenet", WORDS, tmp_path / "out")
    assert ended.code.startswith("error: cannot write a run directory (") and ended.code.count("--out") == 1
    assert str(tmp_path / "out") in ended.code and "\n" not in ended.code and time.monotonic() - began < 30


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_output_folder(script, tmp_path):
    tmp_path.chmod(0o500)
    assert "Permission denied" in script("lth_lenet", WORDS, tmp_path / "out").code


def test_a_run_of_another_process(run, script):
    config = json.loads((run.folder / "config.json").read_text())["config"]
    with runs.RunDirectory.open(run.out, "lth_lenet", config, prefix="quick-digits-lenet_300_100") as held:
        ended = script("lth_lenet", WORDS, run.out)
    assert ended.code == f"error: another process is writing this run; wait for it, or use --fresh: {held.path}"


def test_the_paper_s_protocol(run):
    parsed = runs.parse(run.module.Args, run.module.PRESETS, ["--preset", "paper"])
    assert (parsed.batch_size, parsed.levels, parsed.arms, parsed.dataset) == (60, 16, ("rewind", "reinit"), None)
    networks = run.module.NETWORKS
    assert networks["lenet_300_100"] == {
        "learning_rate": 1.2e-3,
        "steps": 50_000,
        "keep": {"classifier": 0.9, "hidden*": 0.8},
    }
    assert {name: (n["learning_rate"], n["steps"], n["keep"].get("pair*")) for name, n in networks.items()} == {
        "lenet_300_100": (1.2e-3, 50_000, None),
        "conv_2": (2e-4, 20_000, 0.9),
        "conv_4": (3e-4, 25_000, 0.9),
        "conv_6": (3e-4, 30_000, 0.85),
    }
    assert run.module.reduction("lenet_300_100", "mnist", 50_000) == ""
    assert "50000 on mnist" in run.module.reduction("lenet_300_100", "digits", 50_000)
    assert Path(run.module.__file__).name in run.module.__doc__
