"""The summary and the table of results that are made up: closed forms, and when there is a verdict."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tfredundancy.lottery import study as module
from tfredundancy.lottery.study import summary, table


def made_up(seeds, differences, arms=("rewind", "reinit")):
    """Results in which `rewind` is better than `reinit` by the differences, and equal to the dense net."""
    rows = []
    for seed in range(seeds):
        accuracy = 0.9 + 0.01 * seed
        rows.append(row(seed, 0, "dense", 1.0, accuracy, 100))
        for level in (1, 2):
            rows.append(row(seed, level, "rewind", 0.5**level, accuracy, 60 - seed))
            if "reinit" in arms:
                rows.append(row(seed, level, "reinit", 0.5**level, accuracy - differences[seed], 80))
    return pd.DataFrame(rows)


def row(seed, level, arm, density, accuracy, early):
    steps = {"dense": 100, "rewind": 90, "reinit": 100}[arm]
    return {
        "seed": seed,
        "level": level,
        "arm": arm,
        "density": density,
        "steps": steps,
        "total_steps": 100 * (level + 1),
        "test_accuracy": accuracy,
        "early_test_accuracy": accuracy - 0.05,
        "early_step": early,
    }


def test_five_seeds_have_a_t_interval_and_a_verdict():
    differences = [0.02, 0.03, 0.02, 0.04, 0.03]
    for level in summary(made_up(5, differences))["levels"]:
        found = level["rewind_minus"]["reinit"]["test_accuracy"]
        margin = stats.t.ppf(0.975, 4) * np.std(differences, ddof=1) / np.sqrt(5)
        assert found["mean"] == pytest.approx(0.028)
        assert (found["low"], found["high"]) == (pytest.approx(0.028 - margin), pytest.approx(0.028 + margin))
        assert (found["n"], found["kind"], found["verdict"]) == (5, "t", "above")
        assert level["rewind_minus"]["reinit"]["early_step"]["verdict"] == "below"
        assert level["minus_dense"]["rewind"]["verdict"] == "overlaps"
        assert level["minus_dense"]["reinit"]["verdict"] == "below"
        assert level["minus_dense"]["reinit"]["mean"] == pytest.approx(-0.028)


def test_what_overlaps_is_not_ranked():
    level = summary(made_up(5, [0.02, -0.03, 0.02, -0.01, 0.01]))["levels"][0]
    assert level["rewind_minus"]["reinit"]["test_accuracy"]["verdict"] == "overlaps"


@pytest.mark.parametrize("seeds", [1, 2, 4])
def test_below_five_seeds_there_is_no_verdict_however_clear(seeds):
    found = summary(made_up(seeds, [0.5, 0.6, 0.7, 0.8]))
    assert found["seeds"] == seeds
    for level in found["levels"]:
        difference = level["rewind_minus"]["reinit"]["test_accuracy"]
        assert (difference["kind"], difference["verdict"]) == ("range", "too few seeds")
        assert (difference["low"], difference["high"]) == (pytest.approx(0.5), pytest.approx(0.4 + 0.1 * seeds))


def test_arms_are_described_by_mean_and_range():
    found = summary(made_up(3, [0.1, 0.2, 0.3]))
    assert found["dense"]["test_accuracy"] == {"mean": pytest.approx(0.91), "min": 0.9, "max": pytest.approx(0.92)}
    level = found["levels"][1]
    assert (level["level"], list(level["arms"])) == (2, ["rewind", "reinit"])
    rewind = level["arms"]["rewind"]
    assert (rewind["density"], rewind["steps"], rewind["total_steps"]) == (0.25, 90, 300)
    assert rewind["early_step"] == {"mean": 59.0, "min": 58.0, "max": 60.0}


def test_a_ticket_alone_is_compared_with_the_dense_net_only():
    level = summary(made_up(2, [], arms=("rewind",)))["levels"][0]
    assert level["rewind_minus"] == {} and list(level["minus_dense"]) == ["rewind"]


def test_no_ticket_nothing_to_compare_it_with():
    results = made_up(2, [0.1, 0.1])
    level = summary(results[results.arm != "rewind"])["levels"][0]
    assert level["rewind_minus"] == {} and list(level["minus_dense"]) == ["reinit"]


def test_the_dense_net_alone():
    results = made_up(2, [0.1, 0.1])
    assert summary(results[results.level == 0])["levels"] == []


def test_the_table_has_a_line_for_every_level_and_arm():
    head, *lines = table(made_up(2, [0.1, 0.2])).splitlines()
    cells = [line.split() for line in lines]
    assert head.split()[:3] == ["level", "density", "arm"]
    assert [cell[:3] for cell in cells] == [
        ["0", "100.00%", "dense"],
        ["1", "50.00%", "rewind"],
        ["1", "50.00%", "reinit"],
        ["2", "25.00%", "rewind"],
        ["2", "25.00%", "reinit"],
    ]
    assert cells[2][3:] == ["75.50", "(71.00–80.00)", "70.50", "(66.00–75.00)", "80", "100", "200"]
    assert len({len(line) for line in (head, *lines)}) == 1


def test_events_of_every_seed_and_arm_go_to_a_run_of_their_own(tmp_path):
    told = {}

    class Events:
        def __init__(self, place):
            told[place.name] = self.rows = []

        def catch_up(self, rows, series=()):
            self.rows.extend(rows)

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(module, "EventLog", Events)
        with module._Progress(tmp_path, 10, ["rewind"], monitor=False) as progress:
            progress.advance(3, "seed 0 level 0 dense")
            assert not progress.looks(0, 0, 10)
            progress.history(0, "rewind", [(1, {"loss": 0.5})])
            progress.history(1, "rewind", [(1, {"loss": 0.25})])
            progress.history(0, "rewind", [(2, {"loss": 0.125})])
    assert told == {"seed0-rewind": [(1, {"loss": 0.5}), (2, {"loss": 0.125})], "seed1-rewind": [(1, {"loss": 0.25})]}
