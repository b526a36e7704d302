"""`python -m tfredundancy shrink`: what a user gets on the screen, in the file and in the folder, and when something is wrong."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pandas as pd
import pytest

import tfredundancy as tfr
from tfredundancy.__main__ import main
from tfredundancy.commands.shrink import densities

L = keras.layers
LOAD = """
import sys, json, keras, numpy as np
model = keras.models.load_model(sys.argv[1])
assert not any(name.partition(".")[0] == "tfredundancy" for name in sys.modules)
print(json.dumps(np.asarray(model(np.ones((2, 8, 8, 3)))).tolist()))
"""


@pytest.fixture(scope="module")
def model(randomise):
    layers = [
        L.Conv2D(8, 3, name="conv"),
        L.BatchNormalization(name="bn"),
        L.ReLU(name="relu"),
        L.GlobalAveragePooling2D(name="pool"),
        L.Dense(6, activation="sigmoid", name="hidden"),
        L.Dense(3, name="logits"),
    ]
    return randomise(keras.Sequential([keras.Input((8, 8, 3)), *layers], name="net"))


@pytest.fixture(scope="module")
def file(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "net.keras"
    model.save(path)
    return path


def command(file, out, *words):
    return main(["shrink", str(file), "--out", str(out), "--rounds", "2", *map(str, words)])


def test_a_smaller_file_that_computes_what_the_masked_model_does(model, file, tmp_path):
    out, report = tmp_path / "small.keras", tmp_path / "report"
    words = ["--density", "0.5", "--criterion", "l1", "--rounds", "2", "--out", out, "--report", report]
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    run = [sys.executable, "-m", "tfredundancy", "shrink", file, *words]
    done = subprocess.run(list(map(str, run)), capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    pruned = tfr.prune_units(model, 0.5, criterion="l1")
    small = keras.models.load_model(out)
    assert (small.get_layer("conv").filters, small.get_layer("hidden").units) == (4, 3)
    loaded = subprocess.run([sys.executable, "-c", LOAD, out], capture_output=True, text=True, env=environment)
    np.testing.assert_allclose(json.loads(loaded.stdout), pruned(np.ones((2, 8, 8, 3))), rtol=1e-4, atol=1e-5)

    parameters = 27 * 4 + 4 + 16 + 4 * 3 + 3 + 3 * 3 + 3
    macs = 36 * 27 * 4 + 4 * 3 + 3 * 3
    before = tfr.count(model)
    lines = {line.split("  ")[0]: line.split()[-3:] for line in done.stdout.splitlines()}
    assert lines["parameters"] == [f"{before.parameters:,}", str(parameters), f"{parameters / before.parameters:.3f}"]
    assert lines["multiply–accumulates"] == [f"{before.macs:,}", f"{macs:,}", f"{macs / before.macs:.3f}"]
    assert lines["file, bytes"][1] == f"{out.stat().st_size:,}"
    assert {"latency, batch 1, ms", "latency, batch 32, ms"} <= set(lines)

    written = json.loads((report / "report.json").read_text())
    assert written["difference"]["relative"] < 1e-5 and written["table"][1]["after"] == macs
    layers = pd.read_csv(report / "layers.csv")
    assert layers[layers.model == "after"].parameters.sum() == parameters
    assert {path.name for path in report.iterdir()} == {"report.json", "layers.csv", "widths.png", "widths.svg"}


def test_options_reach_prune_units(file, tmp_path, capsys):
    words = ["--density", "conv=0.25,hidden=4", "--exclude", "logits", "--criterion", "random", "--seed", "3"]
    assert command(file, tmp_path / "small.keras", *words) == 0
    small = keras.models.load_model(tmp_path / "small.keras")
    assert (small.get_layer("conv").filters, small.get_layer("hidden").units) == (2, 4)
    assert command(file, tmp_path / "round.keras", "--density", "0.6", "--round-to", "4") == 0
    assert keras.models.load_model(tmp_path / "round.keras").get_layer("conv").filters == 4


def test_masks_of_the_file_are_taken(model, tmp_path, capsys):
    pruned = tfr.prune_units(model, 0.5, seed=0)
    pruned.save(tmp_path / "masked.keras")
    assert command(tmp_path / "masked.keras", tmp_path / "small.keras") == 0
    small = keras.models.load_model(tmp_path / "small.keras")
    x = np.random.default_rng(0).normal(size=(5, 8, 8, 3))
    np.testing.assert_allclose(small(x), pruned(x), rtol=1e-4, atol=1e-5)
    assert command(tmp_path / "masked.keras", tmp_path / "smaller.keras", "--density", "0.25") == 0
    assert keras.models.load_model(tmp_path / "smaller.keras").get_layer("conv").filters == 2


def test_nothing_is_overwritten_without_the_users_word(file, tmp_path, capsys):
    out = tmp_path / "small.keras"
    out.write_text("mine")
    assert "`--out` is there already; --overwrite replaces it" in error(capsys, file, out, "--density", "0.5")
    assert out.read_text() == "mine"
    assert command(file, out, "--density", "0.5", "--overwrite") == 0
    assert keras.models.load_model(out).get_layer("conv").filters == 4
    assert [path.name for path in tmp_path.iterdir()] == ["small.keras"]


def test_outputs_that_hardly_depend_on_the_input_are_told(tmp_path, capsys):
    layers = [L.Dense(8, name="hidden"), L.Dense(3, bias_initializer="ones", activation="softmax", name="classes")]
    model = keras.Sequential([keras.Input((4,)), *layers])
    model.get_layer("classes").kernel.assign(1e-6 * np.ones((8, 3)))
    model.save(tmp_path / "flat.keras")
    assert command(tmp_path / "flat.keras", tmp_path / "small.keras", "--density", "0.5") == 0
    assert "which says little here" in capsys.readouterr().out


def test_open_sizes_are_asked_for(tmp_path, capsys):
    layers = [L.Conv2D(4, 3, name="conv"), L.GlobalMaxPooling2D(), L.Dense(2, name="logits")]
    keras.Sequential([keras.Input((None, None, 3)), *layers]).save(tmp_path / "open.keras")
    assert "`input_shape` of count must be given" in error(
        capsys, tmp_path / "open.keras", tmp_path / "out.keras", "--density", "0.5"
    )
    assert command(tmp_path / "open.keras", tmp_path / "out.keras", "--density", "0.5", "--input-shape", "8,8,3") == 0
    assert "conv" not in capsys.readouterr().err


def test_words_go_in_where_the_model_embeds_them(tmp_path):
    inputs = keras.Input((5,), dtype="int32")
    x = L.GlobalAveragePooling1D()(L.Embedding(7, 4, name="words")(inputs))
    keras.Model(inputs, L.Dense(2, name="logits")(L.Dense(6, name="hidden")(x))).save(tmp_path / "words.keras")
    words = ["--density", "0.5", "--exclude", "words"]
    assert command(tmp_path / "words.keras", tmp_path / "small.keras", *words) == 0


def error(capsys, file, out, *words):
    assert command(file, out, *words) == 1
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1 and captured.err.startswith("tfredundancy: ")
    return captured.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "`--density` must be given, for the model has no masks"),
        (["--density", "1.5"], "1.5"),
        (["--density", "nothing=0.5"], "nothing"),
        (["--density", "0.5", "--criterion", "unknown"], "`criterion` must be"),
        (["--density", "0.5", "--exclude", "*"], "`model` has no units to prune"),
        (["--density", "0.5", "--rounds", "0"], "`--rounds` must be at least 1"),
    ],
)
def test_what_is_wrong_ends_in_a_line_and_writes_nothing(file, tmp_path, capsys, words, message):
    assert message in error(capsys, file, tmp_path / "small.keras", *words)
    assert not list(tmp_path.iterdir())


def test_files_that_can_not_be_read_or_written(file, tmp_path, capsys):
    assert "missing.keras, which is not there" in error(capsys, tmp_path / "missing.keras", tmp_path / "out.keras")
    assert "must be a file that ends with .keras" in error(capsys, file, tmp_path / "out.h5", "--density", "0.5")
    (tmp_path / "file").write_text("")
    assert "file" in error(capsys, file, tmp_path / "file" / "out.keras", "--density", "0.5")


def test_a_lambda_is_not_run_without_the_users_word(tmp_path, capsys):
    layers = [L.Dense(12, name="hidden"), L.Lambda(lambda x: x + 1, name="own"), L.Dense(2, name="logits")]
    keras.Sequential([keras.Input((4,)), *layers]).save(tmp_path / "net.keras")
    words = [tmp_path / "net.keras", tmp_path / "small.keras", "--density", "0.5"]
    assert "carries a Lambda layer, code that --unsafe would run" in error(capsys, *words)


def test_densities_that_are_no_numbers_are_refused_by_the_parser(capsys):
    with pytest.raises(SystemExit):
        main(["shrink", "net.keras", "--out", "out.keras", "--density", "half"])
    assert "argument --density: invalid densities value: 'half'" in capsys.readouterr().err
    assert densities("a=0.5,b=1") == {"a": 0.5, "b": 1.0}
