"""The table of the arms, literally, and which arms may be chosen."""

import re

import pytest

from tfredundancy.lottery import arms
from tfredundancy.lottery.arms import ARMS, DENSE, Steps, chosen_arms

# arm: masks, select, start, begins, ends, total steps; T = 1000, k = 100, R = T − k, L is the level
TABLE = {
    "rewind": ("own", "smallest", "rewind", "k", "T", "T + L * R"),
    "rewind0": ("own", "smallest", "zero", "0", "T", "T + L * T"),
    "lr_rewind": ("own", "smallest", "last", "k", "T", "T + L * R"),
    "finetune": ("own", "smallest", "last", "T + (L - 1) * R", "T + L * R", "T + L * R"),
    "reinit": ("ticket", "smallest", "fresh", "0", "T", "T + (L - 1) * R + T"),
    "reinit_total": ("ticket", "smallest", "fresh", "0", "T + L * R", "2 * T + (2 * L - 1) * R"),
    "shuffle": ("shuffled", "smallest", "rewind", "k", "T", "T + L * R"),
    "random": ("shuffled", "smallest", "fresh", "0", "T", "T + (L - 1) * R + T"),
    "inverted": ("own", "largest", "rewind", "k", "T", "T + L * R"),
}


def numbers(name, level, plan):
    """The last three cells of a row of the table at a level."""
    lengths = {"T": plan.steps, "k": plan.rewind_to, "R": plan.steps - plan.rewind_to, "L": level}
    return tuple(eval(cell, lengths) for cell in TABLE[name][3:])


def of_code(arm, level, plan):
    return arm.begins(level, plan), arm.ends(level, plan), arm.total_steps(level, plan)


@pytest.mark.parametrize("name", ARMS)
@pytest.mark.parametrize("rewind_to", [0, 100, 999])
def test_steps_follow_the_table(name, rewind_to):
    plan = Steps(1000, rewind_to)
    for level in range(1, 5):
        assert of_code(ARMS[name], level, plan) == numbers(name, level, plan)


@pytest.mark.parametrize("name", ARMS)
def test_in_one_shot_every_level_costs_what_the_first_does(name):
    plan = Steps(1000, 100, one_shot=True)
    assert {of_code(ARMS[name], level, plan) for level in (1, 2, 7)} == {numbers(name, 1, plan)}


def test_masks_and_starting_points_follow_the_table():
    assert {arm.name: (arm.masks, arm.select, arm.start) for arm in ARMS.values()} == {
        name: row[:3] for name, row in TABLE.items()
    }


def test_the_docstring_says_the_same():
    plan, level = Steps(1000, 100), 3
    rows = [
        re.split(r" {2,}", line.strip()) for line in arms.__doc__.splitlines() if "T − k" in line or "  T  " in line
    ]
    said = {row[0]: tuple(evaluated(cell, plan, level) for cell in row[-2:]) for row in rows}
    assert said == {
        name: (arm.ends(level, plan) - arm.begins(level, plan), arm.total_steps(level, plan))
        for name, arm in ARMS.items()
    }


def evaluated(cell, plan, level):
    """A formula as the docstring writes it."""
    cell = re.sub(r"(?<=[\dTL)]) ?(?=[TL(])", " * ", cell.replace("−", "-"))
    return eval(cell, {"T": plan.steps, "k": plan.rewind_to, "L": level})


def test_only_equal_totals_stretch_the_schedule():
    plan = Steps(1000, 100)
    assert {name for name, arm in ARMS.items() if arm.stretch(2, plan) != 1} == {"reinit_total"}
    assert ARMS["reinit_total"].stretch(2, plan) == 2.8  # (T + 2 R) / T


def test_arms_with_masks_of_their_own_are_handed_on_from_level_to_level():
    lineage = {name for name, arm in ARMS.items() if arm.has_lineage}
    assert lineage == {"rewind", "rewind0", "lr_rewind", "finetune", "inverted"}
    assert DENSE.has_lineage and of_code(DENSE, 0, Steps(1000, 100)) == (0, 1000, 1000)


def test_rewind_comes_first_and_the_others_stay_in_order():
    names = ["random", "finetune", "rewind", "inverted"]
    assert [arm.name for arm in chosen_arms(names)] == ["rewind", "random", "finetune", "inverted"]


def test_arms_of_their_own_masks_need_no_ticket():
    assert [arm.name for arm in chosen_arms(["rewind0", "finetune"])] == ["rewind0", "finetune"]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], "`arms` must be different ones of rewind, .*Received: none"),
        (["rewind", "rewound"], "`arms` must be different ones of .*Received: rewind, rewound"),
        (["rewind", "rewind"], "`arms` must be different ones of .*Received: rewind, rewind"),
        (
            ["finetune", "reinit", "random"],
            "must include 'rewind', whose masks reinit, random take. Received: finetune, ",
        ),
    ],
)
def test_bad_choices(names, words):
    with pytest.raises(ValueError, match=words):
        chosen_arms(names)
