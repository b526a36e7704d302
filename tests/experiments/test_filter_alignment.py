"""Filters around directions end to end at toy size: angles and their nulls, where narrow nets start, and continuing it."""

import json

import numpy as np
import pandas as pd
import pytest

from tfredundancy import runs
from tfredundancy.figures.alignment import ARMS
from tfredundancy.files import read_arrays
from tfredundancy.lottery import Trainer
from tfredundancy.lottery.ticket import unpack
from tfredundancy.numerics import geometry

WORDS = "--networks wide,conv_4 --image-size 8 --filters 8 --centres 3 --steps 12 --visits 3 --seeds 2 --draws 4 --batch-size 16"
VISITS = [0, 1, 3, 12]


@pytest.fixture(scope="module")
def run(script, tmp_path_factory):
    """Return one finished run, and what it printed."""
    out, printed = tmp_path_factory.mktemp("runs"), []
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr("builtins.print", lambda *words, **_: printed.append(" ".join(map(str, words))))
        ended = script("filter_alignment", WORDS, out)
    assert ended.code is None
    ended.out, ended.printed = out, "\n".join(printed).splitlines()
    return ended


@pytest.fixture(scope="module")
def layers(run):
    return pd.read_csv(run.folder / "layers.csv")


@pytest.fixture(scope="module")
def args(run):
    return runs.parse(run.module.Args, run.module.PRESETS, WORDS.split())


def trained_kernel(run, seed=0):
    net = unpack(read_arrays(run.folder / "checkpoints" / f"wide-seed{seed}.npz"), "net/")
    return net.variables["conv/kernel"]


def test_every_layer_is_looked_at_while_it_trains(run, layers):
    names = {"wide": ["conv", "classifier"]}
    names["conv_4"] = [*(f"pair{p}_conv{c}" for p in (1, 2) for c in (1, 2)), "hidden1", "hidden2", "classifier"]
    expected = [(n, s, v, layer) for n in names for s in (0, 1) for v in VISITS for layer in names[n]]
    assert list(layers[["network", "seed", "step", "layer"]].itertuples(index=False, name=None)) == expected
    assert (layers.test_accuracy.notna() == (layers.step == 12)).all()
    results = pd.read_csv(run.folder / "results.csv")
    pd.testing.assert_frame_equal(results, layers[layers.step == 12].reset_index(drop=True))


def test_angles_are_those_of_the_trained_filters(run, layers):
    rows = trained_kernel(run).reshape(25, 8).T
    null = geometry.angle_null(8, 25, 3, 0, 4)
    angles = geometry.cluster(rows, 3, 0).angles
    found = layers[
        (layers.network == "wide") & (layers.seed == 0) & (layers.step == 12) & (layers.layer == "conv")
    ].iloc[0]
    assert found.angle == pytest.approx(angles.mean()) and found.null_angle == pytest.approx(null.mean())
    assert found.gap == pytest.approx(null.mean() - angles.mean())
    assert found.frame_excess == pytest.approx(geometry.frame(rows).excess)
    drawn = pd.read_csv(run.folder / "angles.csv")
    np.testing.assert_allclose(drawn[(drawn.seed == 0) & (drawn.state == "trained")].angle, angles)
    assert drawn.groupby(["seed", "state"]).size().tolist() == [8] * 6
    sphere = drawn[drawn.state == "sphere"].pivot(columns="seed", values="angle")
    assert set(sphere[0].dropna()) != set(sphere[1].dropna())


def test_narrow_nets_start_where_they_should(run, args):
    start = unpack(
        read_arrays(run.folder / "checkpoints" / "narrow-random-seed0.npz"), "net/"
    )  # of its shape, any values
    untrained = np.random.default_rng(0).normal(size=(5, 5, 1, 8))
    trained = trained_kernel(run)
    found = dict(run.module.starts(args, start, untrained, trained, seed=0))
    assert set(found) == set(ARMS)
    norms = np.linalg.norm(start.variables["conv/kernel"].reshape(25, 3), axis=0)
    for arm, ticket in found.items():
        kernel = ticket.variables["conv/kernel"].reshape(25, 3)
        np.testing.assert_allclose(np.linalg.norm(kernel, axis=0), norms, rtol=1e-5)
        same = {path for path, value in ticket.variables.items() if np.array_equal(value, start.variables[path])}
        assert set(start.variables) - same <= {"conv/kernel"}
        rows = {"centres": trained, "untrained": untrained}.get(arm)
        if rows is not None:
            centres = geometry.cluster(rows.reshape(25, 8).T, 3, 0).centres
            np.testing.assert_allclose(kernel / norms, centres.T, atol=1e-5)
    picked = found["picked"].variables["conv/kernel"].reshape(25, 3) / norms
    cosines = picked.T @ (trained.reshape(25, 8) / np.linalg.norm(trained.reshape(25, 8), axis=0))
    assert np.allclose(cosines.max(axis=1), 1, atol=1e-5) and len(set(cosines.argmax(axis=1))) == 3


def test_a_wide_net_that_diverged_leaves_the_random_start_alone(run, args):
    start = unpack(read_arrays(run.folder / "checkpoints" / "narrow-random-seed0.npz"), "net/")
    lost = np.full((5, 5, 1, 8), np.nan)
    assert [arm for arm, _ in run.module.starts(args, start, lost, lost, seed=0)] == ["random"]


def test_narrow_nets_see_the_same_training(run):
    arms = pd.read_csv(run.folder / "arms.csv")
    assert list(arms.groupby(["seed", "arm"]).step.apply(list).map(tuple).unique()) == [tuple(VISITS)]
    assert set(arms.arm) == set(ARMS)
    timings = pd.read_csv(run.folder / "timings.csv")
    assert len(timings) == 2 * (2 + len(ARMS))


def test_summary(run, layers):
    found = json.loads((run.folder / "summary.json").read_text())
    assert found["seeds"] == 2 and "1810.03037" in found["paper"]["reference"]
    claims = {each["claim"]: each for each in found["claims"]}
    assert {each["verdict"] for each in claims.values()} == {"too few seeds"}
    told = "trained units to their centres beside untrained ones: too few seeds (wide, conv_4)"
    assert told in found["verdict"] and found["verdict"].endswith(".")
    gaps = layers[layers.network == "wide"].pivot(index=["seed", "step"], columns="layer", values="gap").conv.unstack()
    assert claims["wide, conv: trained units nearer to their centres than untrained ones, degrees"]["ours"][
        "mean"
    ] == pytest.approx((gaps[12] - gaps[0]).mean())
    assert any(each.startswith("conv_4: growth in hidden2 minus that in the 5 layers before") for each in claims)
    assert sum("narrow nets after 12 steps" in each for each in claims) == 3
    table = found["table"]
    assert len(table["rows"]) == 9 + len(ARMS) and {len(row) for row in table["rows"]} == {len(table["header"])}
    assert len(found["layers"]) == 9 and str(run.folder) in run.printed[-1]


def test_claims_name_what_was_found(run, args):
    rng, rows = np.random.default_rng(0), []
    for seed in range(6):
        for step, growth in ((0, 0.0), (12, 1.0)):
            for place, layer in enumerate(("first", "second", "last", "classifier")):
                gap = growth * (place + 1) + 0.01 * rng.normal()
                frame = growth * (place + 1) / 10
                rows.append(dict(seed=seed, network="net", step=step, layer=layer, gap=gap, frame_excess=frame))
    found = {each["claim"]: each for each in run.module.deep_claims(args, pd.DataFrame(rows))}
    assert (
        found["net, mean over layers: trained units nearer to their centres than untrained ones, degrees"]["verdict"]
        == "nearer"
    )
    stronger = found["net: growth in classifier minus that in the 3 layers before, in the mean, degrees"]
    assert stronger["verdict"] == "stronger" and stronger["ours"]["mean"] == pytest.approx(2, abs=0.05)
    differences = stronger["ours"]
    assert differences["effect"] == pytest.approx(differences["mean"] / sd_of(differences), rel=1e-6)
    same = found["net: rank correlation over layers of the growth of alignment with that of the frame potential"]
    assert same["ours"]["mean"] == 1 and same["verdict"] == "the same story"


def sd_of(interval):
    from scipy import stats

    return (interval["high"] - interval["mean"]) * np.sqrt(interval["n"]) / stats.t.ppf(0.975, interval["n"] - 1)


def test_figures(run):
    found = {path.name for path in (run.folder / "figures").iterdir()}
    assert found == {
        f"{name}.{ending}" for name in ("layers", "wide_and_narrow", "filters") for ending in ("png", "svg")
    }


def test_the_same_command_again_repeats_nothing(run, script, bytes_of, monkeypatch):
    before = bytes_of(run.folder)
    monkeypatch.setattr(Trainer, "run", None)  # training anything would fail
    assert script("filter_alignment", WORDS + " --checkpoint-seconds 1", run.out).code is None
    assert bytes_of(run.folder) == before


def test_a_run_that_is_stopped_and_continued_ends_alike(script, tmp_path, bytes_of, monkeypatch):
    words = WORDS.replace("wide,conv_4", "wide")
    whole = script("filter_alignment", words, tmp_path)
    left, train = iter(range(8)), Trainer.run

    def stop(self, *args):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return train(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "run", stop)
        stopped = script("filter_alignment", words + " --fresh --checkpoint-seconds 0", tmp_path)
    assert stopped.code == "stopped; the same command continues" and not (stopped.folder / "results.csv").exists()
    assert script("filter_alignment", words, tmp_path).code is None
    expected, found = bytes_of(whole.folder), bytes_of(stopped.folder)
    for name in ("results.csv", "layers.csv", "arms.csv", "angles.csv", "summary.json", "figures/wide_and_narrow.svg"):
        assert found[name] == expected[name], name


def test_nets_that_diverge_are_told(script, tmp_path):
    words = "--networks wide --image-size 8 --filters 6 --centres 2 --steps 3 --visits 2 --seeds 1 --draws 2 --learning-rate 1e30"
    ended = script("filter_alignment", words, tmp_path)
    assert ended.code is None
    layers = pd.read_csv(ended.folder / "layers.csv")
    last = layers[layers.step == 3]
    assert last.gap.isna().all() and last.reason.str.contains("NaN or infinite").all()
    assert set(pd.read_csv(ended.folder / "arms.csv").arm) == {"random"}
    summary = json.loads((ended.folder / "summary.json").read_text())
    assert "1 of 1 nets diverged" in summary["note"] and "NaN" not in (ended.folder / "summary.json").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--learning-rate 0", "`learning_rate` must be a positive number. Received: learning_rate=0.0"),
        ("--momentum nan", "`momentum` must lie in [0, 1). Received: momentum=nan"),
        ("--momentum 1", "`momentum` must lie in [0, 1). Received: momentum=1.0"),
        ("--filters 4 --centres 4", "`centres` must be fewer than the 4 filters of the wide net. Received: centres=4"),
        ("--networks wide,wide", "`networks` must differ from each other"),
        ("--visits 1", "`last` must be at least 1, `count` at least 2"),
        ("--batch-size 5000", "`batch_size` must lie in [1, n=1197]"),
        ("--image-size 4", "`input_shape` must be at least 6 × 6 pixels"),
    ],
)
def test_refused_arguments_end_in_one_line_before_anything_is_written(script, tmp_path, words, message):
    ended = script("filter_alignment", words, tmp_path / "out")
    assert ended.code.startswith(f"error: {message}") and not (tmp_path / "out").exists()


def test_presets(run):
    module = run.module
    paper = runs.parse(module.Args, module.PRESETS, ["--preset", "paper"])
    assert (paper.dataset, paper.filters, paper.centres, paper.networks) == ("mnist", 120, 4, ("wide",))
    assert paper.seeds >= 10 and "a beginning" not in module.note(paper, pd.DataFrame({"reason": []}))
    subset = runs.parse(module.Args, module.PRESETS, ["--preset", "subset"])
    assert (subset.dataset, subset.networks) == ("cifar10", ("conv_4", "resnet_20"))
    assert "a beginning of training only" in module.note(subset, pd.DataFrame({"reason": []}))
