"""`python -m tfredundancy analyze`: what a user gets on the screen, in the folder, and when something is wrong."""

import os
import subprocess
import sys

import keras
import numpy as np
import pandas as pd
import pytest

import tfredundancy as tfr
from tfredundancy.__main__ import main

L = keras.layers


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    keras.utils.set_random_seed(0)
    layers = [L.Dense(20, name="hidden"), L.BatchNormalization(name="bn"), L.Dense(3, name="logits")]
    path = tmp_path_factory.mktemp("models") / "net.keras"
    keras.Sequential([keras.Input((30,)), *layers]).save(path)
    return path


def test_the_command_prints_a_table_and_writes_csv_and_figures(file, tmp_path):
    command = [
        sys.executable,
        "-m",
        "tfredundancy",
        "analyze",
        str(file),
        "--out",
        str(tmp_path / "out"),
        "--replicates",
        "10",
    ]
    env = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run([*command, "--initial", str(file)], capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    assert (
        "hidden" in done.stdout
        and "bn : no kernel" not in done.stdout
        and "bn: no kernel: gamma" in done.stdout.replace("bn nan", "bn")
    )
    written = pd.read_csv(tmp_path / "out" / "analysis.csv")
    expected = tfr.analyze(keras.models.load_model(file), keras.models.load_model(file), replicates=10)
    np.testing.assert_allclose(written.alpha.astype(float), expected.alpha.astype(float))
    assert written.distance_to_init.tolist()[0] == 0
    names = sorted(path.name for path in (tmp_path / "out").rglob("*.png"))
    assert names == ["hidden.kernel.png", "logits.kernel.png", "overview.png"]


def error(capsys, *words):
    assert main(["analyze", *map(str, words)]) == 1
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    return captured.err


def test_files_that_are_no_models_end_in_a_line(file, tmp_path, capsys):
    (tmp_path / "text.keras").write_text("no")
    with open(tmp_path / "half.keras", "wb") as half:
        half.write(file.read_bytes()[:2000])
    assert "missing.keras, which is not there" in error(capsys, tmp_path / "missing.keras")
    assert "text.keras, which is none" in error(capsys, tmp_path / "text.keras")
    assert "half.keras, which is none" in error(capsys, tmp_path / "half.keras")


def test_a_lambda_is_not_run_without_the_users_word(tmp_path, capsys):
    model = keras.Sequential([keras.Input((4,)), L.Dense(12, name="hidden"), L.Lambda(lambda x: x + 1)])
    model.save(tmp_path / "net.keras")
    assert "carries a Lambda layer, code that --unsafe would run" in error(capsys, tmp_path / "net.keras")
    assert main(["analyze", str(tmp_path / "net.keras"), "--replicates", "0", "--unsafe"]) == 0


def test_a_folder_that_can_not_be_written_is_known_before_any_work(file, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert "file" in error(capsys, file, "--out", tmp_path / "file" / "out")


def test_an_initial_model_of_another_architecture(file, tmp_path, capsys):
    keras.Sequential([keras.Input((30,)), L.Dense(21, name="hidden")]).save(tmp_path / "other.keras")
    assert "hidden/kernel" in error(capsys, file, "--initial", tmp_path / "other.keras")


def test_unknown_measures(file, capsys):
    assert "`measures` must be some of" in error(capsys, file, "--measures", "alpha")
