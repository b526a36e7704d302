"""Late rewinding of ResNet-20 end to end at toy size, and the protocol that its presets stand for."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tfredundancy import datasets, runs

WORDS = "--levels 1 --steps 4 --rewind-to 1 --evaluate-every 2 --seeds 1 --batch-size 4 --keep 0.3"
ARMS = ["rewind", "reinit", "lr_rewind", "finetune"]


@pytest.fixture(scope="module")
def run(script, tmp_path_factory):
    """Return one finished run."""
    out = tmp_path_factory.mktemp("runs")
    ended = script("lth_resnet", WORDS, out)
    assert ended.code is None
    ended.out = out
    return ended


def test_every_arm_is_trained_and_counted(run):
    results = pd.read_csv(run.folder / "results.csv")
    assert list(zip(results.arm, results.steps, results.total_steps, strict=True)) == [
        ("dense", 4, 4),
        ("rewind", 3, 7),
        ("reinit", 4, 8),
        ("lr_rewind", 3, 7),
        ("finetune", 3, 7),
    ]
    curves = pd.read_csv(run.folder / "curves.csv").groupby("arm", sort=False).step.agg(list).to_dict()
    assert curves == {
        "dense": [0, 2, 4],
        "rewind": [1, 2, 4],
        "reinit": [0, 2, 4],
        "lr_rewind": [1, 2, 4],
        "finetune": [4, 6, 7],
    }


def test_convolutions_are_pruned_but_not_shortcuts_nor_the_classifier(run):
    layers = pd.read_csv(run.folder / "layers.csv")
    names = layers.layer.unique()
    assert len(names) == 19 and not [name for name in names if "shortcut" in name or "classifier" in name]
    kernels = 9 * 16 + 6 * 9 * 16**2 + 9 * 16 * 32 + 5 * 9 * 32**2 + 9 * 32 * 64 + 5 * 9 * 64**2
    results = pd.read_csv(run.folder / "results.csv").set_index("arm")
    assert set(results.density.drop("dense")) == {np.floor(0.3 * kernels + 0.5) / kernels}


def test_a_run_says_what_it_is(run, told_steps, events_of):
    found = json.loads((run.folder / "summary.json").read_text())
    assert found["note"] == "reduced run (4 steps on digits): no verdict on the paper's claim"
    assert (
        found["command"].startswith("python experiments/lth_resnet.py --")
        and "1912.05671" in found["paper"]["reference"]
    )
    assert {path.name for path in run.folder.iterdir()} == {
        *("config.json", "results.csv", "curves.csv", "layers.csv", "timings.csv", "summary.json"),
        *("checkpoints", "events", "figures"),
    }
    for arm in ARMS:
        events = events_of(run.folder / "events" / f"seed0-{arm}")
        assert [step for step, _ in events["validation_loss"]] == list(told_steps(run.folder, 0, arm))
        looks = [0, 4, 5, 8 if arm == "reinit" else 7]  # of 4 steps, then 4 or 3
        kernels = [tag for tag in events if tag.endswith("/esd")]
        assert len(kernels) == 22 and all([step for step, _ in events[tag]] == looks for tag in kernels)
        survival = [tag for tag in events if tag.endswith("/survival")]
        assert len(survival) == 19 and {step for tag in survival for step, _ in events[tag]} == set(looks[2:])


def test_the_same_command_again_repeats_nothing(run, script, bytes_of, monkeypatch):
    before = bytes_of(run.folder)
    monkeypatch.setattr("tfredundancy.lottery.Trainer.run", None)
    assert script("lth_resnet", WORDS, run.out).code is None
    assert bytes_of(run.folder) == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--granularity filters", "argument --granularity: expected one of weights, units. Received: filters"),
        ("--keep 1.3", "argument --keep: expected a number in [0, 1]. Received: 1.3"),
        ("--keep most", "argument --keep: expected a number in [0, 1]. Received: most"),
        ("--shortcut none", "argument --shortcut: expected one of projection, identity_pad. Received: none"),
        ("--strategy tpu", "argument --strategy: expected none or mirrored, because masks and tickets are assigned"),
    ],
)
def test_bad_flags_end_in_one_line(script, tmp_path, capsys, words, message):
    assert script("lth_resnet", words, tmp_path / "out").code == 2
    assert message in capsys.readouterr().err.strip().splitlines()[-1] and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--steps 4", "`rewind_to` must lie in [0, steps). Received: rewind_to=10, steps=4"),
        ("--rewind-to -1", "`rewind_to` must lie in [0, steps). Received: rewind_to=-1, steps=100"),
        ("--keep 0", "`keep` must lie in (0, 1]. Received: keep=0.0"),
    ],
)
def test_refused_arguments_end_in_one_line_before_anything_is_written(script, tmp_path, words, message):
    assert script("lth_resnet", words, tmp_path / "out").code == f"error: {message}"
    assert not (tmp_path / "out").exists()


def test_a_net_that_diverges_ends_in_one_line_that_names_it(script, tmp_path):
    words = "--learning-rate 1e30 --levels 1 --steps 4 --rewind-to 1 --seeds 1 --batch-size 4 --arms rewind"
    ended = script("lth_resnet", words, tmp_path / "out")
    assert ended.code.startswith("error: The training of seed 0, level 0, dense diverged: ")


def test_the_paper_s_protocol(run):
    module = run.module
    args = runs.parse(module.Args, module.PRESETS, ["--preset", "paper"])
    assert (args.dataset, args.steps, args.rewind_to, args.batch_size, args.keep) == ("cifar10", 56_160, 500, 128, 0.8)
    assert module.reduction(args) == ""
    shorter = runs.parse(module.Args, module.PRESETS, ["--preset", "paper", "--steps", "700"])
    assert module.reduction(shorter) == "reduced run (700 steps on cifar10): no verdict on the paper's claim"
    optimizer = module.compiled_resnet(args, datasets.load("digits")).optimizer
    rates = [float(optimizer._learning_rate(step)) for step in (0, 28_080, 28_081, 42_120, 42_121, 56_159)]
    np.testing.assert_allclose(rates, [0.1, 0.1, 0.01, 0.01, 0.001, 0.001], rtol=1e-6)
    assert optimizer.momentum == 0.9


MIRRORED = """
import sys
import keras, numpy as np, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy()
tf.distribute.MirroredStrategy = lambda: strategy  # a second one in the same process is more than TensorFlow can do

from tfredundancy import datasets, masks, prune_weights, runs, set_masks
from tfredundancy.lottery import Ticket, Trainer

digits = datasets.load("digits")
augmentation = datasets.Augmentation(flip=True, pad=1)
data = datasets.Splits.from_arrays(digits.train, digits.validation, digits.test, augmentation=augmentation)

def pruned():
    layers = [
        keras.Input((8, 8, 1)),
        keras.layers.Conv2D(4, 3, activation="relu", name="conv"),
        keras.layers.Flatten(),
        keras.layers.Dense(10, kernel_regularizer=keras.regularizers.L2(0.01), name="logits"),
    ]
    model = keras.Sequential(layers)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), loss)
    return prune_weights(model, 0.5)

def trained(model, ticket, kept):
    set_masks(model, kept)
    ticket.rewind(model)
    trainer = Trainer(model, data, batch_size=20)
    loss = trainer.run(0, 10, 0, lambda steps: np.full(len(steps), 0.05))
    assert trainer.traces == 1
    return loss, trainer.evaluate("test"), Ticket.take(model)

alone = pruned()
ticket, kept = Ticket.take(alone), masks(alone)
loss, test, end = trained(alone, ticket, kept)
with runs.strategy_scope("mirrored"):
    assert tf.distribute.get_strategy().num_replicas_in_sync == 2
    model = pruned()
    its_loss, its_test, its_end = trained(model, ticket, kept)
    np.testing.assert_allclose([its_loss, its_test.loss, its_test.accuracy], [loss, test.loss, test.accuracy], rtol=1e-5)
    for path, value in end.variables.items():
        assert np.abs(value - ticket.variables[path]).max() > 1e-3
        np.testing.assert_allclose(its_end.variables[path], value, rtol=0, atol=1e-6)
    assert all(not its_end.variables[path][~mask].any() for path, mask in kept.items())
    try:
        Trainer(model, data, batch_size=21).run(0, 1, 0, lambda steps: np.zeros(len(steps)))
    except ValueError as error:
        assert "`batch_size` must be a multiple of the 2 replicas. Received: batch_size=21" in str(error)
    else:
        raise AssertionError

import importlib.util
spec = importlib.util.spec_from_file_location("experiment", sys.argv.pop(1))
experiment = sys.modules["experiment"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(experiment)
runs.run_script(experiment.main)
"""


def test_two_replicas_train_what_one_does(run, tmp_path):
    lenet = Path(run.module.__file__).with_name("lth_lenet.py")
    words = "--strategy mirrored --levels 1 --steps 3 --evaluate-every 2 --seeds 1 --arms rewind,reinit,finetune"
    command = [sys.executable, "-c", MIRRORED, lenet, *words.split(), "--out", tmp_path]
    done = subprocess.run(command, env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    (results,) = tmp_path.glob("lth_lenet/*/results.csv")
    assert pd.read_csv(results).arm.tolist() == ["dense", "rewind", "reinit", "finetune"]
