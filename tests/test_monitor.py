"""`RedundancyMonitor`: which steps it measures, what it writes, and that a training that goes on is one training."""

import os
import subprocess
import sys

import keras
import numpy as np
import pandas as pd
import pytest
from tensorboard_plugin_redundancy import schema

import tfredundancy as tfr
from tfredundancy.callbacks import RedundancyMonitor
from tfredundancy.inspection.analysis import records, table
from tfredundancy.inspection.logs import RecordLog
from tfredundancy.inspection.records import Settings

FAST = {"replicates": 0, "measures": ("spectrum", "tail", "geometry", "change", "survival")}


def compiled(seed=0):
    keras.utils.set_random_seed(seed)
    layers = [keras.Input((24,)), keras.layers.Dense(16, "relu", name="hidden"), keras.layers.Dense(3, name="logits")]
    model = keras.Sequential(layers)
    model.compile(
        keras.optimizers.SGD(0.05, momentum=0.9), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    return model


def data(n=40):
    draw = np.random.default_rng(0)
    return draw.normal(size=(n, 24)).astype("float32"), draw.integers(0, 3, n)


def fit(model, *callbacks, epochs=1, **options):
    settings = {"batch_size": 4, "shuffle": False, "verbose": 0} | options
    return model.fit(*data(), epochs=epochs, callbacks=list(callbacks), **settings)


def steps(folder):
    return sorted(set(pd.read_csv(folder / "monitor.csv").step))


def series(folder):
    """{tag: [(step, header, data)]} of the plugin's series, as TensorBoard reads them; scalars under "" as steps alone."""
    from tensorboard.backend.event_processing.event_accumulator import TENSORS, EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    accumulator, found = EventAccumulator(os.fspath(folder), size_guidance={TENSORS: 0}).Reload(), {}
    for tag in accumulator.Tags()["tensors"]:
        plugin = accumulator.SummaryMetadata(tag).plugin_data
        events = [(event.step, make_ndarray(event.tensor_proto)) for event in accumulator.Tensors(tag)]
        if plugin.plugin_name == schema.PLUGIN_NAME:
            kind = schema.read_content(plugin.content).kind
            events = [(step, *schema.decode(kind, vector)) for step, vector in events]
        found[tag] = events
    return found


@pytest.mark.parametrize(
    "every, options, expected",
    [
        ("epoch", {}, [0, 10, 20]),
        (4, {}, [0, 4, 8, 12, 16, 20]),
        (7, {}, [0, 7, 14, 20]),
        (1000, {}, [0, 20]),
        ("log", {}, [0, 1, 2, 4, 8, 16, 20]),
        (4, {"steps_per_execution": 3}, [0, 6, 9, 13, 16, 20]),
    ],
)
def test_which_steps_are_measured(every, options, expected, tmp_path):
    model = compiled()
    if options:
        model.compile("sgd", model.loss, **options)
    fit(model, RedundancyMonitor(tmp_path, every, **FAST), epochs=2)
    assert steps(tmp_path) == expected
    assert [step for step, *_ in series(tmp_path)["hidden/kernel/esd"]] == expected


def test_what_is_written_is_what_analyze_says(tmp_path):
    model = compiled()
    before = tfr.Ticket.take(model).variables
    fit(model, RedundancyMonitor(tmp_path, **FAST))
    settings = RedundancyMonitor(tmp_path / "other", **FAST).settings
    found = list(records(model, before, settings=settings))
    written = pd.read_csv(tmp_path / "monitor.csv").query("step == 10").drop(columns=["step", "iterations"])
    expected = table(found)
    for name in expected:
        left, right = written[name].to_numpy(), expected[name].to_numpy(dtype=object, na_value=np.nan)
        assert [a == b or (pd.isna(a) and pd.isna(b)) for a, b in zip(left, right, strict=True)] == [True] * 2, name
    drawn, hidden = series(tmp_path), found[0]
    step, header, eigenvalues = drawn["hidden/kernel/esd"][-1]
    assert step == 10 and header["n_total"] == 16 and header["alpha"] == np.float32(hidden.row["alpha"])
    np.testing.assert_array_equal(eigenvalues, hidden.spectrum.eigenvalues.astype(np.float32))
    _, header, (angles, clusters) = drawn["hidden/kernel/angles"][-1]
    np.testing.assert_array_equal(angles, hidden.angles.clusters.angles.astype(np.float32))
    assert clusters.max() < header["clusters"] == 4
    assert drawn["alpha/hidden/kernel"][-1] == (10, np.float32(hidden.row["alpha"]))
    assert drawn["hidden/kernel/pair_angles"][-1][2].sum() == 16 * 15 / 2


def test_series_say_their_place_in_the_network(tmp_path):
    """TensorBoard sorts tags by name."""
    from tensorboard.backend.event_processing.event_accumulator import TENSORS, EventAccumulator

    model = keras.Sequential([keras.Input((9,)), *(keras.layers.Dense(8, name=name) for name in ("z", "m", "a"))])
    RecordLog(tmp_path).write(1, 1, list(records(model, settings=Settings(measures=("spectrum",)))))
    accumulator = EventAccumulator(os.fspath(tmp_path), size_guidance={TENSORS: 0}).Reload()
    contents = accumulator.PluginTagToContent(schema.PLUGIN_NAME)
    places = {tag: schema.read_content(content).order for tag, content in contents.items()}
    assert places == {"z/kernel/esd": 0, "m/kernel/esd": 1, "a/kernel/esd": 2}


def test_masks_and_survival_of_a_pruned_model(tmp_path):
    pruned = tfr.prune_weights(compiled(), {"hidden": 0.25})
    units = tfr.prune_units(compiled(), 0.5)
    fit(pruned, RedundancyMonitor(tmp_path / "weights", **FAST))
    fit(units, RedundancyMonitor(tmp_path / "units", **FAST))
    counts = series(tmp_path / "weights")["hidden/kernel/survival"][-1]
    assert counts[1]["kept"] == counts[2].sum() == 96
    assert series(tmp_path / "units")["hidden/kernel/mask"][-1][2].tolist() == tfr.masks(units)["hidden"].tolist()


def test_two_calls_of_fit_are_one_training(tmp_path):
    model, monitor = compiled(), RedundancyMonitor(tmp_path, 5, **FAST)
    ticket = tfr.Ticket.take(model)
    fit(model, monitor)
    ticket.rewind(model)
    fit(model, monitor)
    assert steps(tmp_path) == [0, 5, 10, 15, 20]


def test_a_resumed_training_is_one_that_was_never_stopped(tmp_path):
    def callbacks(name):
        backup = keras.callbacks.BackupAndRestore(tmp_path / f"backup-{name}", delete_checkpoint=False)
        return backup, RedundancyMonitor(tmp_path / name, 4, **FAST)

    class Killed(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if self.params["epochs"] == 3 and int(self.model.optimizer.iterations) == 17:
                raise KeyboardInterrupt

    fit(compiled(), *callbacks("whole"), epochs=3)
    with pytest.raises(KeyboardInterrupt):
        fit(compiled(), *callbacks("killed"), Killed(), epochs=3)
    assert steps(tmp_path / "killed") == [0, 4, 8, 12, 16]
    fit(compiled(seed=1), *callbacks("killed"), epochs=3)
    whole, killed = ((tmp_path / name / "monitor.csv").read_bytes() for name in ("whole", "killed"))
    assert whole == killed
    assert steps(tmp_path / "whole") == [0, 4, 8, 12, 16, 20, 24, 28, 30]
    assert {tag: [step for step, *_ in events] for tag, events in series(tmp_path / "killed").items()} == {
        tag: [step for step, *_ in events] for tag, events in series(tmp_path / "whole").items()
    }


def test_a_table_cut_short_is_continued(tmp_path):
    model, monitor = compiled(), RedundancyMonitor(tmp_path, 5, **FAST)
    fit(model, monitor)
    whole = (tmp_path / "monitor.csv").read_bytes()
    with open(tmp_path / "monitor.csv", "ab") as file:
        file.write(b"15,15,hidden,kernel\n15,15,log")  # killed before the event was written
    assert RedundancyMonitor(tmp_path).log.last == (10, 10)
    assert (tmp_path / "monitor.csv").read_bytes() == whole


def test_a_folder_of_another_training_is_refused(tmp_path):
    fit(compiled(), RedundancyMonitor(tmp_path, **FAST))
    before = (tmp_path / "monitor.csv").read_bytes()
    with pytest.raises(ValueError, match="`log_dir` holds a training of 10 steps.*Received: log_dir="):
        fit(compiled(), RedundancyMonitor(tmp_path, **FAST))
    assert (tmp_path / "monitor.csv").read_bytes() == before


@pytest.mark.parametrize("every", [0, -1, True, 2.5, "step"])
def test_a_wrong_interval_is_refused(every, tmp_path):
    with pytest.raises(ValueError, match="`every` must be 'epoch', 'log' or a number of steps. Received: every="):
        RedundancyMonitor(tmp_path, every)


def test_nan_weights_are_reported_and_training_goes_on(tmp_path):
    class Breaks(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            kernel = self.model.get_layer("hidden").kernel
            kernel.assign(np.full(kernel.shape, np.nan))

    fit(compiled(), Breaks(), RedundancyMonitor(tmp_path, **FAST), epochs=2)
    rows = pd.read_csv(tmp_path / "monitor.csv").query("layer == 'hidden'")
    assert rows.nonfinite.tolist() == [0, 384, 384]
    assert rows.reason.iloc[1] == "384 of 384 weights are NaN or infinite" and rows.alpha.isna().tolist() == [0, 1, 1]
    drawn = series(tmp_path)
    assert np.isnan([value for _, value in drawn["alpha/hidden/kernel"]]).tolist() == [False, True, True]
    assert np.isnan(drawn["hidden/kernel/esd"][-1][1]["sigma2"])


CHILD = """
import sys
sys.path.insert(0, {tests!r})
import keras, numpy as np
{setup}
import test_monitor as t
with scope():
    model = t.tfr.prune_weights(t.compiled(), 0.5)
t.fit(model, t.RedundancyMonitor({folder!r}, 5, **t.FAST))
"""


@pytest.mark.parametrize(
    "backend, setup",
    [
        ("jax", "from contextlib import nullcontext as scope"),
        (
            "tensorflow",
            "import tensorflow as tf\n"
            "cpus = tf.config.list_physical_devices('CPU')\n"
            "tf.config.set_logical_device_configuration(cpus[0], [tf.config.LogicalDeviceConfiguration()] * 2)\n"
            "scope = tf.distribute.MirroredStrategy(['CPU:0', 'CPU:1']).scope",
        ),
    ],
    ids=["jax", "mirrored"],
)
def test_other_backends_and_strategies(backend, setup, tmp_path):
    code = CHILD.format(tests=os.path.dirname(__file__), setup=setup, folder=os.fspath(tmp_path / "run"))
    env = os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr[-3000:]
    fit(tfr.prune_weights(compiled(), 0.5), RedundancyMonitor(tmp_path / "here", 5, **FAST))
    here, there = (pd.read_csv(tmp_path / name / "monitor.csv") for name in ("here", "run"))
    assert here.step.tolist() == there.step.tolist() == [0, 0, 5, 5, 10, 10]
    if backend == "tensorflow":  # JAX draws other initial weights
        np.testing.assert_allclose(here.alpha, there.alpha, rtol=1e-4)
        np.testing.assert_allclose(here.mean_angle, there.mean_angle, rtol=1e-3)
    assert np.isfinite(there.query("layer == 'hidden'").stable_rank).all()
