import numpy as np
import pandas as pd
import pytest

from tfredundancy.lottery.reports import difference, shown, spread, text_table, verdict_sentence


def test_spread_leaves_out_what_is_no_number():
    assert spread(pd.Series([3, None, 5, np.inf])) == {"mean": 4.0, "min": 3.0, "max": 5.0}
    assert spread([]) == spread([np.nan]) == spread(pd.Series([None, None])) == {"mean": None, "min": None, "max": None}


def test_difference_has_a_verdict_from_five_seeds_on():
    few = difference([1.0, 2.0, 3.0], [0.5, 0.5, 0.5])
    assert few == {"mean": 1.5, "low": 0.5, "high": 2.5, "n": 3, "kind": "range", "verdict": "too few seeds"}
    many = difference(np.arange(5) + 1.0, np.arange(5) - np.array([0.1, 0, 0, 0, 0.1]))
    assert (many["kind"], many["n"], many["verdict"]) == ("t", 5, "above") and many["mean"] == pytest.approx(1.04)
    assert difference([1.0], pd.Series([None])) is None


def test_shown_gives_a_range_only_where_there_is_one():
    assert shown([0.123, 0.127], 1, factor=100) == "12.5 (12.3–12.7)"
    assert shown([0.4, 0.3], 0) == "0"
    assert shown([7], 0) == "7" and shown([], 2) == "–"


def test_text_table_is_aligned():
    lines = text_table(["k", "a longer one"], [["1024", "x"], ["2", "some words here"]]).splitlines()
    assert lines == ["   k     a longer one", "1024                x", "   2  some words here"]
    assert text_table(["alone"], []) == "alone"


def test_a_verdict_sentence_groups_cases_by_verdict():
    claims = [
        dict(topic="wide errs less", verdict="as claimed", case="diverse"),
        dict(topic="wide errs less", verdict="not told apart", case="drawn"),
        dict(verdict="has no place in the sentence"),
        dict(topic="filters gather", verdict="the opposite", case="drawn"),
        dict(topic="wide errs less", verdict="as claimed", case="nondiverse"),
        dict(topic="wide errs less", verdict="as claimed", case="diverse"),
    ]
    told = "wide errs less: as claimed (diverse, nondiverse), not told apart (drawn); filters gather: the opposite (drawn)."
    assert verdict_sentence(claims) == told
    assert verdict_sentence(claims[2:3]) == ""
