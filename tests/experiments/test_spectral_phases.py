"""Batch size against spectra end to end at toy size: both budgets, what diverges, and continuing it."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tfredundancy import runs
from tfredundancy.lottery import Trainer

WORDS = "--filters 3,16 --batch-sizes 16,200 --epochs 2 --steps 20 --visits 3 --seeds 2 --replicates 20"
STEPS = {16: (148, 20), 200: (10, 20)}  # of 2 epochs of 1197 digits; equal ones
LAYERS = ["hidden1", "hidden2"]  # conv1, conv2 and the classifier have fewer than 50 eigenvalues


@pytest.fixture(scope="module")
def run(script, tmp_path_factory):
    """Return one finished run, and what it printed."""
    out, printed = tmp_path_factory.mktemp("runs"), []
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr("builtins.print", lambda *words, **_: printed.append(" ".join(map(str, words))))
        ended = script("spectral_phases", WORDS, out)
    assert ended.code is None
    ended.out, ended.printed = out, "\n".join(printed).splitlines()
    return ended


@pytest.fixture(scope="module")
def curves(run):
    return pd.read_csv(run.folder / "curves.csv")


@pytest.fixture(scope="module")
def results(run):
    return pd.read_csv(run.folder / "results.csv")


def test_each_net_is_looked_at_while_it_trains(curves):
    visits = {16: [0, 1, 12, 20, 148], 200: [0, 1, 4, 10, 20]}
    key = ["batch_size", "seed", "step", "layer"]
    expected = [(b, s, t, layer) for b in visits for s in (0, 1) for t in visits[b] for layer in LAYERS]
    assert list(curves[key].itertuples(index=False, name=None)) == expected
    assert curves.groupby("batch_size").epoch.max().tolist() == [2.0, 4.0]
    assert (curves.train_loss.isna() == (curves.step == 0)).all() and "eigenvalues" not in curves


def test_results_are_the_curves_where_the_budgets_end(curves, results):
    for (budget, batch_size), rows in results.groupby(["budget", "batch_size"]):
        step = STEPS[batch_size][budget == "steps"]
        expected = curves[(curves.batch_size == batch_size) & (curves.step == step)].reset_index(drop=True)
        pd.testing.assert_frame_equal(rows.drop(columns="budget").reset_index(drop=True)[list(curves)], expected)
    assert len(results) == 2 * 2 * 2 * len(LAYERS)


def test_initial_weights_are_noise_of_their_variance(curves):
    first = curves[curves.step == 0]
    assert set(first.phase) == {"random-like"} and first.alpha_noise.notna().all()
    for layer, (n, m) in {"hidden1": (384, 64), "hidden2": (384, 192)}.items():
        rows = first[first.layer == layer]
        assert set(rows.n) == {n} and set(rows.m) == {m}
        np.testing.assert_allclose(rows.sigma2, 2 / (n + m), rtol=0.03)  # Glorot's; the same nets for every batch size
        assert rows.groupby("seed").sigma2.nunique().tolist() == [1, 1] and rows.sigma2.nunique() == 2


def test_events_have_every_net_and_every_visit(run, curves, events_of):
    for (batch_size, seed), rows in curves.groupby(["batch_size", "seed"]):
        events = events_of(run.folder / "events" / f"batch{batch_size}-seed{seed}")
        visits = rows.step.drop_duplicates().tolist()
        for layer in ("conv2", *LAYERS, "classifier"):
            for kind in ("esd", "angles", "angles_null", "pair_angles"):
                assert [step for step, _ in events[f"{layer}/kernel/{kind}"]] == visits, (layer, kind)
        for layer in LAYERS:
            told = rows[rows.layer == layer]
            np.testing.assert_allclose([x for _, x in events[f"alpha/{layer}/kernel"]], told.alpha, rtol=1e-6)
        np.testing.assert_allclose([x for _, x in events["test_accuracy"]], told.test_accuracy, rtol=1e-6)
        assert [step for step, _ in events["train_loss"]] == visits[1:]


def test_margins_are_values_over_limits(curves):
    noise = curves[curves.phase.isin(["random-like", "bleeding-out", "bulk and spikes"])]
    assert len(noise) and (noise.margin_bulk_ks <= 1).all() and (noise.margin_rank_collapse <= 1).all()
    limits = (curves.mp_ks / curves.margin_bulk_ks).groupby(curves.layer).agg(["min", "max"])  # by the shape alone
    assert np.allclose(limits["min"], limits["max"], rtol=1e-9) and limits["min"].between(2, 8).all()
    np.testing.assert_allclose(curves.margin_spikes, curves.spikes / (0.1 * curves.m), rtol=1e-9)
    gap = curves.spectral_norm**2 / curves.n / curves.bulk_edge
    np.testing.assert_allclose(curves.margin_gap, gap / 1.5, rtol=1e-6)


def test_nets_learn(curves):
    ends = curves[(curves.batch_size == 16) & (curves.step == 148)]
    assert ends.test_accuracy.min() > 0.5 and (ends.train_accuracy > ends.test_accuracy - 0.1).all()


def test_summary(run, results):
    found = json.loads((run.folder / "summary.json").read_text())
    assert found["seeds"] == 2 and "1810.01075" in found["paper"]["reference"]
    assert "the paper has 96 and 256 filters" in found["note"]
    assert [each["claim"] for each in found["claims"][:2]] == [
        f"hidden1, equal epochs: {words} that batch size 16 is ahead of 200" for words in ("spikes", "phases")
    ]
    assert len(found["claims"]) == 10 and {each["verdict"] for each in found["claims"]} == {"too few seeds"}
    rows = results[(results.layer == "hidden1") & (results.budget == "epochs")]
    rows = rows.pivot(index="seed", columns="batch_size")
    assert found["claims"][0]["ours"]["mean"] == (rows.spikes[16] - rows.spikes[200]).mean()
    nets = {(each["budget"], each["layer"], each["batch_size"]): each for each in found["layers"]}
    assert len(nets) == 8 and nets["steps", "hidden2", 200]["steps"] == 20
    assert sum(nets["epochs", "hidden1", 16]["phases"].values()) == 2
    table = found["table"]
    assert len(table["rows"]) == 8 and {len(row) for row in table["rows"]} == {len(table["header"])}
    assert run.printed[0].split()[:4] == ["budget", "layer", "batch", "steps"]
    assert str(run.folder) in run.printed[-1]


def test_figures(run):
    names = {"phases", "measures", "accuracy", "noise_against_rank", "spectra_hidden1", "spectra_hidden2"}
    found = {path.name for path in (run.folder / "figures").iterdir()}
    assert found == {f"{name}.{ending}" for name in names for ending in ("png", "svg")}


def test_the_same_command_again_repeats_nothing(run, script, bytes_of, monkeypatch):
    before = bytes_of(run.folder)
    monkeypatch.setattr(Trainer, "run", None)  # training anything would fail
    assert script("spectral_phases", WORDS + " --checkpoint-seconds 1", run.out).code is None
    assert bytes_of(run.folder) == before


def test_a_fresh_run_that_is_stopped_and_continued_ends_alike(run, script, bytes_of, events_of, monkeypatch):
    left, train = iter(range(20)), Trainer.run

    def stop(self, *args):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return train(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "run", stop)
        stopped = script("spectral_phases", WORDS + " --fresh --checkpoint-seconds 0", run.out)
    assert stopped.code == "stopped; the same command continues" and stopped.folder.name == f"{run.folder.name}-2"
    assert list((stopped.folder / "checkpoints").iterdir()) and not (stopped.folder / "curves.csv").exists()
    assert script("spectral_phases", WORDS, run.out).folders == [run.folder, stopped.folder]
    expected, found = bytes_of(run.folder), bytes_of(stopped.folder)
    for name in ("results.csv", "curves.csv", "summary.json", "figures/phases.svg", "figures/spectra_hidden1.png"):
        assert found[name] == expected[name], name
    nets = [path.name for path in (run.folder / "events").iterdir()]
    for name in nets:
        assert events_of(stopped.folder / "events" / name) == events_of(run.folder / "events" / name), name
    assert len(nets) == 4


def test_rates_in_proportion_to_batch_sizes(script, run, tmp_path):
    words = "--filters 3,16 --batch-sizes 16,200 --epochs 1 --steps 2 --visits 2 --seeds 1"
    same, scaled = (script("spectral_phases", f"{words} {more}", tmp_path) for more in ("", "--rate-of 16"))
    norms = [
        pd.read_csv(each.folder / "results.csv").query("budget == 'steps'").groupby("batch_size").frobenius.first()
        for each in (same, scaled)
    ]
    assert norms[0][16] == norms[1][16] and norms[0][200] != norms[1][200]
    args = SimpleNamespace(learning_rate=0.1, rate_of=16)
    assert [run.module.learning_rate(args, size) for size in (4, 16, 200)] == [0.025, 0.1, 1.25]
    note = json.loads((scaled.folder / "summary.json").read_text())["note"]
    assert note.startswith("learning rates in proportion to batch sizes, 0.01 for 16; ")


def test_nets_that_diverge_are_told_and_drawn(script, tmp_path):
    words = "--filters 3,16 --batch-sizes 16,200 --epochs 1 --steps 6 --visits 2 --seeds 1 --learning-rate 1e20"
    ended = script("spectral_phases", words, tmp_path)
    assert ended.code is None
    results = pd.read_csv(ended.folder / "results.csv")
    assert results.phase.isna().all() and results.reason.str.contains("NaN or infinite").all()
    summary = json.loads((ended.folder / "summary.json").read_text())
    assert all("training accuracy" in each["claim"] for each in summary["claims"]) and len(summary["claims"]) == 2
    assert summary["layers"][0]["phases"] == {"diverged": 1}
    assert summary["layers"][0]["spikes"] == {"mean": None, "min": None, "max": None}
    assert (ended.folder / "figures" / "phases.png").exists()


def test_measuring_for_tensorboard_changes_no_result(script, tmp_path):
    words = "--filters 3,16 --batch-sizes 16,200 --epochs 1 --steps 2 --visits 2 --seeds 1 --replicates 5"
    with_it, without = (script("spectral_phases", f"{words} {more}", tmp_path).folder for more in ("", "--no-monitor"))
    assert with_it != without and not (without / "events").exists()
    assert (with_it / "curves.csv").read_bytes() == (without / "curves.csv").read_bytes()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--batch-sizes 4,5000", "`batch_size` must lie in [1, n=1197]. Received: batch_size=5000"),
        ("--train-examples 2000", "`train_examples` must"),
    ],
)
def test_refused_arguments_end_in_one_line_before_anything_is_written(script, tmp_path, words, message):
    ended = script("spectral_phases", words, tmp_path / "out")
    assert ended.code.startswith(f"error: {message}") and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--batch-sizes 4,0", "argument --batch-sizes: expected a whole number of at least 1. Received: 0"),
        ("--steps none", "argument --steps: expected a whole number of at least 1. Received: none"),
    ],
)
def test_bad_flags_end_in_one_line(script, tmp_path, capsys, words, message):
    assert script("spectral_phases", words, tmp_path / "out").code == 2
    assert message in capsys.readouterr().err.strip().splitlines()[-1] and not (tmp_path / "out").exists()


def test_presets(run):
    module = run.module
    paper = runs.parse(module.Args, module.PRESETS, ["--preset", "paper"])
    assert (paper.filters, paper.learning_rate, paper.momentum, paper.batch_norm) == ((96, 256), 0.01, 0.9, True)
    assert paper.batch_sizes == (2, 4, 8, 16, 32, 50, 100, 150, 250, 500, 1000) and module.reduction(paper) == ""
    subset = runs.parse(module.Args, module.PRESETS, ["--preset", "subset"])
    assert (subset.dataset, subset.train_examples, subset.seeds) == ("cifar10", 10_000, 5)
    assert module.budgets(subset, 10_000, 8) == {"epochs": 15_000, "steps": 1500}
    assert module.reduction(subset).startswith("10,000 images of cifar10, 32 and 64 filters, 12 epochs or 1500 steps;")
