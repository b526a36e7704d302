"""XOR detection end to end at toy size: exact errors, exploration, what diverges, and continuing it."""

import json

import numpy as np
import pandas as pd
import pytest

from tfredundancy import runs
from tfredundancy.datasets import xor
from tfredundancy.figures.detectors import exploration
from tfredundancy.files import read_arrays
from tfredundancy.lottery.controls import derived_seed
from tfredundancy.numerics import detection

WORDS = "--widths 2,12 --seeds 12 --steps 2500 --points diverse,nondiverse"


@pytest.fixture(scope="module")
def run(script, tmp_path_factory):
    """Return one finished run, and what it printed."""
    out, printed = tmp_path_factory.mktemp("runs"), []
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr("builtins.print", lambda *words, **_: printed.append(" ".join(map(str, words))))
        ended = script("xor_detection", WORDS, out)
    assert ended.code is None
    ended.out, ended.printed = out, "\n".join(printed).splitlines()
    return ended


@pytest.fixture(scope="module")
def results(run):
    return pd.read_csv(run.folder / "results.csv")


def test_a_row_for_each_network(results):
    key = ["points", "width", "seed"]
    expected = [(p, k, s) for p in ("diverse", "nondiverse") for k in (2, 12) for s in range(12)]
    assert list(results[key].itertuples(index=False, name=None)) == expected
    assert set(results.outcome) <= {"minimum", "stuck", "moving"} and (results.steps <= 2500).all()
    assert ((results.outcome == "minimum") == results.zero_loss.astype(bool)).all()


def test_test_errors_are_those_of_many_points(run, results):
    filters = read_arrays(run.folder / "checkpoints" / "diverse-2.npz")["filters"]
    points, labels = xor.draw(4000, 20, np.random.default_rng(0))
    values = detection.outputs(filters, xor.PATTERNS, xor.KINDS)[:, xor.kinds_of(points)]
    counted = detection.errors(values, labels).mean(axis=1)
    exact = results[(results.points == "diverse") & (results.width == 2)].test_error.to_numpy()
    np.testing.assert_allclose(counted, exact, atol=5 * 0.5 / np.sqrt(4000))
    assert exact.max() > 0.01


def test_a_network_is_the_one_that_trains_alone(run):
    args = runs.parse(run.module.Args, run.module.PRESETS, WORDS.split())
    filters = read_arrays(run.folder / "checkpoints" / "nondiverse-12.npz")["filters"]
    (counts,) = run.module.training_sets(args, "nondiverse")[[7]]
    points, _ = xor.draw(20, 20, np.random.default_rng(derived_seed("nondiverse points 7")), "nondiverse")
    assert counts.tolist() == xor.counts_of(points).tolist() and not counts[xor.DIVERSE].any()
    alone = detection.train(
        run.module.initial(args, [7], 12),
        *(xor.PATTERNS, xor.KINDS, xor.LABELS),
        counts[None],
        margin=8.0,
        rate=args.rate / 12,
        steps=2500,
    )
    assert np.array_equal(alone.filters[0], filters[7])


def test_wide_networks_generalise_from_diverse_points(results):
    error = results[results.points == "diverse"].groupby("width").test_error.mean()
    assert error[2] > 0.02 > error[12]
    first = results.initial_angle.groupby(results.width).mean()
    assert abs(first[12] - 45) < 5 and results[results.width == 12].angle.mean() < 10
    assert (results[results.width == 12].clusters < results[results.width == 12].initial_clusters).all()


def test_exploration_is_counted_and_has_a_closed_form(run):
    nets = detection.initial_filters(range(3000), 4, 1.0)
    found = np.mean([run.module.explores(net) for net in nets])
    p = float(exploration(4))
    assert abs(found - p) < 4 * np.sqrt(p * (1 - p) / 3000)


def test_shares_of_patterns(run):
    patterns = pd.read_csv(run.folder / "patterns.csv")
    assert len(patterns) == 2 * 2 * 2 * 4
    sums = patterns.groupby(["points", "width", "filters"])[["initial_share", "norm_share"]].sum()
    np.testing.assert_allclose(sums, 1)
    own = patterns[(patterns.width == 12) & (patterns.points == "diverse") & (patterns.filters == "w")]
    assert own[own.pattern.isin(["+1+1", "-1-1"])].norm_share.sum() > 0.95


def test_shape_of_filters(run):
    along = np.array([[[2.0, 2.0], [-1.0, -1.0], [0.0, 0.0]], [[1.0, -1.0], [1.0, -1.0], [0.01, 0.0]]])
    found = run.module.shape(along)
    assert found["clusters"] == 1.5 and found["angle"] == pytest.approx(
        45 * 0.01 / (3 * 2**0.5 + 2 * 2**0.5 + 0.01), 1e-3
    )
    assert np.isnan(list(run.module.shape(np.zeros((2, 3, 2))).values())).all()


def test_summary(run, results):
    found = json.loads((run.folder / "summary.json").read_text())
    assert found["seeds"] == 12 and "1810.03037" in found["paper"]["reference"]
    claims = {each["claim"]: each for each in found["claims"]}
    first = claims["diverse: test error of k = 2 minus that of k = 12"]
    errors = results[results.points == "diverse"].pivot(index="seed", columns="width", values="test_error")
    assert first["ours"]["mean"] == pytest.approx((errors[2] - errors[12]).mean())
    assert {each["verdict"] for each in found["claims"]} <= {
        "as claimed",
        "the opposite",
        "not told apart",
        "too few seeds",
    }
    assert found["verdict"].startswith(
        f"k = 2 errs more than k ≥ 10 from the same training sets: {first['verdict']} (diverse"
    )
    assert f"verdict: {found['verdict']}" in run.printed
    groups = {(each["points"], each["width"]): each for each in found["nets"]}
    assert len(groups) == 4 and groups["diverse", 2]["explored"]["kind"] == "wilson"
    assert sum(groups["diverse", 2]["outcomes"].values()) == 12
    table = found["table"]
    assert len(table["rows"]) == 4 and {len(row) for row in table["rows"]} == {len(table["header"])}
    assert run.printed[0].split()[:2] == ["points", "k"] and str(run.folder) in run.printed[-1]


def test_figures(run):
    found = {path.name for path in (run.folder / "figures").iterdir()}
    names = ("detection", "filters_diverse", "filters_nondiverse")
    assert found == {f"{name}.{ending}" for name in names for ending in ("png", "svg")}


def test_the_same_command_again_repeats_nothing(run, script, bytes_of, monkeypatch):
    before = bytes_of(run.folder)
    monkeypatch.setattr(run.module.detection, "train", alone_only(detection.train))
    assert script("xor_detection", WORDS, run.out).code is None
    after = bytes_of(run.folder)
    assert after == before


def alone_only(train):
    """Only the figures train, one network each."""

    def checked(filters, *args, **settings):
        assert len(filters) == 1
        return train(filters, *args, **settings)

    return checked


def test_a_fresh_run_that_is_stopped_and_continued_ends_alike(run, script, bytes_of):
    left, train = iter(range(2)), detection.train

    def stop(*args, **settings):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return train(*args, **settings)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(detection, "train", stop)
        stopped = script("xor_detection", f"{WORDS} --fresh", run.out)
    assert stopped.code == "stopped; the same command continues" and not (stopped.folder / "results.csv").exists()
    assert len(list((stopped.folder / "checkpoints").iterdir())) == 2
    assert script("xor_detection", WORDS, run.out).code is None
    expected, found = bytes_of(run.folder), bytes_of(stopped.folder)
    for name in ("results.csv", "patterns.csv", "summary.json", "figures/detection.svg"):
        assert found[name] == expected[name], name


def test_networks_that_diverge_are_an_outcome(script, tmp_path):
    words = "--widths 1 --seeds 5 --steps 60 --points drawn --rate 1e306 --spread 170"
    ended = script("xor_detection", words, tmp_path)
    assert ended.code is None
    results = pd.read_csv(ended.folder / "results.csv")
    assert "diverged" in set(results.outcome)
    lost = results[results.outcome == "diverged"]
    assert lost.train_loss.isna().all() and (lost.test_error > 0).all() and (lost.zero_loss == 0).all()
    summary = json.loads((ended.folder / "summary.json").read_text())
    assert f"{len(lost)} diverged" in summary["note"] and summary["nets"][0]["outcomes"]["diverged"] == len(lost)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--widths 4,0", "`width` must be an integer of at least 1. Received: width=0"),
        ("--widths 4,4", "`widths` must differ from each other. Received: widths=(4, 4)"),
        ("--points drawn,drawn", "`points` must differ from each other"),
        ("--dimension 9", "`dimension` must be an even number"),
        ("--dimension 6", "`dimension` must be at least 8 for diverse points"),
        ("--rate 0", "`rate` must be a positive number. Received: rate=0.0"),
        ("--margin -1", "`margin` must be a positive number"),
        (
            "--margin 8 --steps 100",
            "`margin` can not be met: 100 steps at rate 0.0244 bring an output to 4.88 at most.",
        ),
        ("--spread 0", "`spread` must be a positive number"),
    ],
)
def test_refused_arguments_end_in_one_line_before_anything_is_written(script, tmp_path, words, message):
    ended = script("xor_detection", words, tmp_path / "out")
    assert ended.code.startswith(f"error: {message}") and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--points all", "argument --points: expected one of diverse, drawn, nondiverse. Received: all"),
        ("--seeds 0", "argument --seeds: expected a whole number of at least 1. Received: 0"),
        ("--seeds 5 --seeds 6", "argument --seeds: given twice. Received: 6 after 5"),
    ],
)
def test_bad_flags_end_in_one_line(script, tmp_path, capsys, words, message):
    assert script("xor_detection", words, tmp_path / "out").code == 2
    assert message in capsys.readouterr().err.strip().splitlines()[-1] and not (tmp_path / "out").exists()


def test_presets(run):
    module = run.module
    paper = runs.parse(module.Args, module.PRESETS, ["--preset", "paper"])
    assert paper.seeds >= 50 and (min(paper.widths), max(paper.widths)) == (2, 120) and paper.points == xor.SETS
    assert (paper.margin, paper.dimension) == (8.0, 20)
