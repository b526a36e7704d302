"""teacher_student.py end to end at toy size: what is followed, what is left, what is refused, and that nothing is done twice."""

import json

import numpy as np
import pandas as pd
import pytest

WORDS = (
    "--seeds 2 --settings 1x1:0.1,2x3:0 --keras-setting 2x3:0 --inputs 60 --duration 12 --keras-duration 3 --surplus 0,1 "
    "--final-inputs 30 --final-duration 40 --widths 3,4 --multiple 3 --outputs 10 --steps 40 --deep-rate 0.01"
)


@pytest.fixture(scope="module")
def run(script, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs")
    done = script("teacher_student", WORDS, out)
    assert done.code is None
    done.out = out
    done.tables = {path.stem: pd.read_csv(path) for path in done.folder.glob("*.csv")}
    done.summary = json.loads((done.folder / "summary.json").read_text())
    return done


def test_everything_is_written(run):
    names = {path.name for path in run.folder.rglob("*") if path.is_file()}
    assert names >= {
        "config.json",
        "summary.json",
        "timings.csv",
        "simulation.npz",
        "final.npz",
        "keras.npz",
        "deep1.npz",
    }
    assert set(run.tables) >= set(run.module.TABLES)
    pictures = ("errors", "overlaps", "final_errors", "unit_states", "deep_students")
    assert names >= {f"{name}.{kind}" for name in pictures for kind in ("png", "svg")}
    assert "the papers have N = 784" in run.summary["note"] and run.summary["seeds"] == 2


def test_the_ode_begins_where_the_simulation_does(run):
    courses = run.tables["courses"].pivot_table(
        index=["setting", "head_start", "seed", "time"], columns="source", values="error"
    )
    first = courses.xs(0.0, level="time")
    assert len(first) == 2 * 2 * 2
    np.testing.assert_allclose(first["ode"], first["simulation"], rtol=1e-9)


def test_the_simulation_stays_near_the_ode(run):
    results = run.tables["results"]
    assert len(results) == 2 * 2 * 2 and (results["bound"] == 5 / 60**0.5).all()
    assert (results[["dr_before", "dq_before"]].max(axis=1) <= results["bound"]).all()
    assert (results["outcome"] == "same units").all()


def test_keras_measures_what_the_simulation_has(run):
    values = run.tables["overlaps"].pivot_table(index=["time", "name"], columns="source", values="value").dropna()
    assert len(values) > 3 * 10 and values.index.get_level_values("time").max() > 1
    np.testing.assert_allclose(values["keras"], values["simulation"], atol=1e-4)


def test_final_errors_and_units(run):
    final, units = run.tables["final"], run.tables["units"]
    assert len(final) == 2 * 2 * 2 * 2 and (final["outcome"] == "finished").all()
    law = final[(final["layers"] == "first") & (final["noise"] > 0) & (final["surplus"] == 1)]["asymptote"]
    np.testing.assert_allclose(law, 0.2 * 0.01 / (2 * np.pi) * (1 + 2 / 3**0.5))
    assert final[final["layers"] == "both"]["asymptote"].isna().all()
    assert len(units) == 2 * 2 * 2 * 2 * (2 + 3) and units["correlation"].abs().max() <= 1


def test_the_deep_student_learns(run):
    layers = run.tables["layers"]
    error = layers[layers["layer"] == 1].groupby("step")["relative_error"].mean()
    assert error.iloc[-1] < 0.5 * error.iloc[0]
    assert set(run.tables["nodes"]["layer"]) == {1, 2}
    assert (layers[layers["step"] == 0]["lucky"] == 1).all()  # the best at step 0 leads at step 0


def test_claims_of_too_few_seeds_are_not_ranked(run):
    verdicts = {each["claim"]: each["verdict"] for each in run.summary["claims"]}
    assert verdicts["ODE's fixed point by the asymptote, η = 0.02"].startswith("holds: in [1, 1.03] for 6 of 6")
    assert [v for c, v in verdicts.items() if "by ησ²" in c] == ["too few seeds"] * 4
    assert all(np.isfinite(each["ours"]["mean"]) for each in run.summary["claims"])
    order = "head start 0, at the end, units in the nearest order: greatest |ΔR|, |ΔQ| by 5/√N"
    assert verdicts[order] == "holds: at most 1 in 4 of 4 runs"
    assert "|ΔR| and |ΔQ| within 5/√N before the exit from the plateau: holds" in run.summary["verdict"]


def test_the_same_command_again_repeats_nothing(run, script, bytes_of):
    before = bytes_of(run.folder)
    times = {path: path.stat().st_mtime_ns for path in (run.folder / "checkpoints").iterdir()}
    assert script("teacher_student", WORDS, run.out).folders == [run.folder]
    assert {path: path.stat().st_mtime_ns for path in times} == times
    after = bytes_of(run.folder)
    assert {name for name in before if before[name] != after[name]} <= {"config.json"}


def test_divergence_is_an_outcome(run):
    courses = run.module.courses
    net = courses.Net(1, 1, 0.1)
    one = np.eye(1)[None]
    lost = run.module.committee.Course(np.zeros(1), one, one, one[0], one[0], np.ones(1), np.array(3.0))
    assert courses.compared(lost, lost, 1.0) == {"outcome": "ode diverged at t = 3, simulation diverged at t = 3"}
    args = run.module.Args(final_rate=0.2)
    row = run.module.final_rows(args, net, 0, lost, lost)[0][1]
    assert row["outcome"] == "diverged at t = 3" and row["error"] is None and row["ode_later"] is None


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--settings 3x2:0.1", "at least as many student units"),
        ("--settings 0x2:0.1", "expected MxK:σ"),
        ("--settings 2x2:-0.1", "expected MxK:σ"),
        ("--rate 0", "expected a number greater than 0. Received: 0"),
        ("--final-rate nan", "expected a number greater than 0. Received: nan"),
        ("--inputs 0", "expected a whole number of at least 1. Received: 0"),
        ("--head-starts -0.1", "expected a number of at least 0"),
        ("--surplus 1.5", "expected a number whole and of at least 0"),
        ("--widths 0", "expected a whole number of at least 1"),
    ],
)
def test_bad_values_end_in_argparse_s_line(script, tmp_path, capsys, words, told):
    flag, value = words.split()
    ended = script("teacher_student", f"{flag}={value}", tmp_path / "out")
    assert ended.code == 2 and told in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--settings 2x3:0.1,2x3:0.1", "`settings` must not name anything twice. Received: 2x3:0.1, 2x3:0.1"),
        ("--settings 2x3:0.1,2x3:0.10", "`settings` must not name anything twice"),
        ("--head-starts 0.3,0.3", "`head_starts` must not name anything twice"),
        ("--surplus 1,1", "`surplus` must not name anything twice"),
        ("--settings 1x1:0", "`keras_setting` must be one of `settings`"),
        ("--duration 1", "`duration` must be at least 2"),
        ("--keras-duration 1000", "`keras_setting` must be"),
    ],
)
def test_what_does_not_go_together_ends_in_one_line(script, tmp_path, words, told):
    ended = script("teacher_student", words, tmp_path / "out")
    assert ended.code.startswith("error: ") and told in ended.code and "\n" not in ended.code
    assert not (tmp_path / "out").exists()
