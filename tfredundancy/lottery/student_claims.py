"""What the tables of `experiments/teacher_student.py` amount to: claims with what was found over seeds and a verdict each."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tfredundancy.lottery.reports import difference, spread
from tfredundancy.numerics import committee
from tfredundancy.numerics.overlaps import unit_state

LAYERS = {"first": "first layer trained", "both": "both layers trained"}
FAN_OUTS = ("fan_out_matched", "fan_out_unmatched")
ASYMPTOTE_RATE, ASYMPTOTE_NETS = 0.02, ((1, 1), (1, 2), (1, 4), (2, 2), (2, 3), (2, 4))


def at_the_end(layers: pd.DataFrame) -> pd.DataFrame:
    """The rows of the last step of nets whose layer responds."""
    return layers[(layers["step"] == layers["step"].max()) & (layers["outcome"] == "trained")]


def follow_claims(head_starts: Sequence[float], tables: dict[str, pd.DataFrame]) -> list[dict[str, Any]]:
    """For each head start: order parameters, errors, exits; and the Keras model beside the ODE."""
    found, results = [], tables["results"]
    for start in head_starts:
        here = results[
            (results["head_start"] == start) & results["outcome"].isin(["same units", "other units", "elsewhere"])
        ]
        if here.empty:
            continue
        words = f"head start {start:g}"
        for when in ("before", "after"):
            farthest = here[[f"{name}_{when}" for name in ("dr", "dq")]].max(axis=1) / here["bound"]
            if farthest.notna().any():
                claim = f"{words}, {when} the exit: greatest |ΔR|, |ΔQ| by 5/√N"
                topic = f"|ΔR| and |ΔQ| within 5/√N {when} the exit from the plateau"
                found.append(_within(farthest.dropna(), 1.0, claim, "runs") | {"topic": topic, "case": words})
        found.append(_end_in_any_order(here, words))
        for whole, where in ((False, "of seeds outside their exits"), (True, "where no seed is in its exit")):
            ratios = _error_ratios(tables["courses"], start, whole).dropna()
            claim = f"{words}: greatest difference of mean errors above 0.001, relative, {where}"
            topic = f"mean errors above 0.001, {where}, within 10 %"
            found.append(_within(ratios, 0.1, claim, "settings") | {"topic": topic, "case": words})
        both = here.dropna(subset=["exit_ode", "exit_simulation"])
        if len(both):
            claim = f"{words}: exit time of the simulation by the ODE's"
            same = (here["outcome"] == "same units").sum()
            verdict = f"{same} of {len(here)} end in the same units, {len(both)} have a plateau and left it"
            found.append(
                {"claim": claim, "ours": spread(both["exit_simulation"] / both["exit_ode"]), "verdict": verdict}
            )
    return found


def _end_in_any_order(here: pd.DataFrame, words: str) -> dict[str, Any]:
    """How far runs end from their ODE, with the student's units in the order that is nearest to the ODE's.

    All v are equal and the first weights of units without a head start are drawn alike, so that a permutation of the student's
    units gives a course that the ODE, from permuted Q and R, has too: chance on the plateau chooses among them.
    """
    claim = f"{words}, at the end, units in the nearest order: greatest |ΔR|, |ΔQ| by 5/√N"
    topic = "|ΔR| and |ΔQ| within 5/√N at the end, up to a permutation of the student's units"
    return _within(here["distance_end_any_order"] / here["bound"], 1.0, claim, "runs") | {
        "topic": topic,
        "case": words,
    }


def _within(values: pd.Series, bound: float, claim: str, what: str) -> dict[str, Any]:
    """A claim that each of some values is at most a bound."""
    inside = int((values <= bound).sum())
    verdict = ("holds" if inside == len(values) else "fails in some") if len(values) else "nothing is left to compare"
    return {
        "claim": claim,
        "ours": spread(values),
        "verdict": f"{verdict}: at most {bound:g} in {inside} of {len(values)} {what}",
    }


def _error_ratios(table: pd.DataFrame, start: float, whole: bool = False) -> pd.Series:
    """Per setting max |mean simulation / mean ODE − 1| over looks with a mean above 0.001, of seeds outside their exits.

    A look at which some seeds are in their exits has a mean over the others alone, a selection: early leavers or late ones. With
    `whole` only the looks at which no seed is in its exit count.
    """
    here = table[table["head_start"] == start]
    inside = here["in_exit"]
    if whole:
        inside = inside.groupby([here["setting"], here["time"]]).transform("any")
    here = here[~inside]
    means = here.groupby(["setting", "time", "source"])["error"].mean().unstack()
    means = means[means["ode"] > 1e-3]
    return (means["simulation"] / means["ode"] - 1).abs().groupby("setting").max()


def keras_claim(name: str, inputs: int, overlaps: pd.DataFrame) -> dict[str, Any]:
    """How far the Keras model's order parameters are from the ODE's, by 5/√N."""
    values = overlaps.pivot_table(index=["time", "name"], columns="source", values="value").dropna()
    far = (values["keras"] - values["ode"]).abs().groupby("time").max() / (5 / inputs**0.5)
    return _within(far, 1.0, f"Keras model {name}: greatest |ΔR|, |ΔQ| to the ODE by 5/√N", "looks")


def asymptote_claim() -> dict[str, Any]:
    """The ODE's fixed point by ησ²/2π · (L + M/√3), at a small rate."""
    ratios = []
    for m, k in ASYMPTOTE_NETS:
        q, r = 0.01 * np.eye(k), np.eye(k, m)
        q[:m, :m] = np.eye(m)
        times = [0, 4000 / ASYMPTOTE_RATE]
        found = committee.ode(q, r, np.eye(m), np.ones(k), np.ones(m), rate=ASYMPTOTE_RATE, noise=0.1, times=times)
        ratios.append(found.error[-1] / committee.asymptotic_error(ASYMPTOTE_RATE, 0.1, units=k, teacher_units=m))
    inside = sum(1 <= ratio <= 1.03 for ratio in ratios)
    verdict = (
        f"{'holds' if inside == len(ratios) else 'fails in some'}: in [1, 1.03] for {inside} of {len(ratios)} (M, K)"
    )
    return {
        "claim": f"ODE's fixed point by the asymptote, η = {ASYMPTOTE_RATE}",
        "ours": spread(ratios),
        "verdict": verdict,
        "topic": "ODE's fixed point beside ησ²/2π · (L + M/√3)",
        "case": f"η = {ASYMPTOTE_RATE}",
    }


def final_claims(final: pd.DataFrame, units: pd.DataFrame) -> list[dict[str, Any]]:
    """How the final error with noise changes from the least surplus to the greatest, and how many units share a teacher unit."""
    final = final[final["outcome"] == "finished"]
    few, many, found = final["surplus"].min(), final["surplus"].max(), []
    if final.empty or few == many:
        return []
    final = final.astype({"error": float, "ode_later": float, "asymptote": float})
    expected = {"first": ("above", "grows, as claimed"), "both": ("below", "falls, as claimed")}
    columns = {"error": "final error of the simulation", "ode_later": "the ODE's error 20 times as late"}
    for (layers, rows), column in itertools.product(final[final["noise"] > 0].groupby("layers", sort=False), columns):
        table = (rows[column] / rows["scale"]).groupby([rows["seed"], rows["surplus"]]).first().unstack()
        change = difference(table[many], table[few])
        if change is not None:
            side, words = expected[layers]
            opposite = {
                "above": "grows, not as claimed",
                "below": "falls, not as claimed",
                "overlaps": "not told from constant",
            }
            verdict = {**opposite, side: words}.get(change["verdict"], change["verdict"])
            claim = f"{LAYERS[layers]}, with noise: {columns[column]}, by ησ², L = {many} minus L = {few}"
            topic = f"with noise, from {few} to {many} surplus units, {LAYERS[layers]}, the final error"
            case = columns[column].removeprefix("final error of the ")
            found.append({"claim": claim, "ours": change, "verdict": verdict, "topic": topic, "case": case})
    law = final[(final["layers"] == "first") & (final["noise"] > 0)]
    for surplus in (few, many):
        here = law[law["surplus"] == surplus]
        ratios = here["ode_later"] / here["asymptote"]
        verdict = "not below" if ratios.min() >= 1 else "below" if ratios.max() < 1 else "on either side"
        claim = f"first layer trained: the ODE's error 20 times as late by the asymptote, L = {surplus}"
        found.append({"claim": claim, "ours": spread(ratios), "verdict": f"{verdict} the law"})
    return [*found, *sharing_claims(units[(units["surplus"] == many) & (units["noise"] > 0)], many)]


def sharing_claims(units: pd.DataFrame, surplus: int) -> list[dict[str, Any]]:
    """How many more units match a teacher unit, in either sign, when both layers are trained."""
    kinds = [unit_state(*pair) for pair in zip(units["correlation"], units["strength"], strict=True)]
    units, found = units.assign(matches=[kind in ("match", "opposite") for kind in kinds]), []
    for source, words in (("simulation", "of the simulation"), ("ode_later", "of the ODE 20 times as late")):
        here = units[units["source"] == source].groupby(["seed", "layers"])["matches"].sum().unstack()
        if {"first", "both"} <= set(here):
            change = difference(here["both"], here["first"])
            verdicts = {"above": "more units share a teacher unit", "overlaps": "not told apart"}
            claim = f"L = {surplus}: units {words} that match a teacher unit, both layers trained minus first only"
            found.append(
                {
                    "claim": claim,
                    "ours": change,
                    "verdict": verdicts.get(change["verdict"], change["verdict"]),
                    "topic": "with both layers trained",
                    "case": words.removeprefix("of the "),
                }
            )
    return found


def deep_claims(layers: pd.DataFrame) -> list[dict[str, Any]]:
    """For each layer: correlation, luck against chance, and what became of the outgoing weights of units that match nothing."""
    end, found = at_the_end(layers), []
    for layer, rows in end.groupby("layer"):
        rows = rows.set_index("seed")
        paper = {1: "the paper's is 0.999", 2: "the paper's is about 0.95"}.get(layer, "the paper gives no figure")
        found.append(
            {
                "claim": f"layer {layer}: correlation with the teacher's units",
                "ours": spread(rows["correlation"]),
                "verdict": paper,
            }
        )
        luck = difference(rows["lucky"], rows["chance"])
        verdict = {"above": "luck matters", "overlaps": "not told from chance"}.get(luck["verdict"], luck["verdict"])
        found.append(
            {
                "claim": f"layer {layer}: winners that led at initialisation, minus chance",
                "ours": luck,
                "verdict": verdict,
                "topic": "winners that led at initialisation",
                "case": f"layer {layer}",
            }
        )
        weights = rows.dropna(subset=list(FAN_OUTS))
        if len(weights):
            change = difference(weights["fan_out_unmatched"], weights["fan_out_matched"])
            ours = spread(weights["fan_out_unmatched"])
            verdict = {"below": "less than those that match", "overlaps": "not told from those that match"}
            size = "not zero" if ours["min"] > 0.1 else "near zero"
            found.append({
                "claim": f"layer {layer}: outgoing weights of units that match nothing, by the initial ones", "ours": ours,
                "minus_matched": change, "verdict": f"{size}, {verdict.get(change['verdict'], change['verdict'])}",
                "topic": "outgoing weights of units that match nothing", "case": f"layer {layer}",
            })  # fmt: skip
    return found
