"""A lottery-ticket experiment from its arguments to its run directory: the loop, results, events, figures, a summary.

    levels(…) → results.csv · curves.csv · layers.csv · timings.csv · events/ · figures/ · summary.json · the table on the screen

Everything but timings.csv is a function of the configuration and the machine, however often the study was stopped.

    events/seed0-rewind  ←  the scalars of every evaluation, and what was measured of the net (spectra, angles, masks, survival)
                            before the first step, after the first step of every later level, at the end of every level

The net that a level begins with has the step of the last level's end; one step later is the nearest that has a step of its own.
"""

import functools
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import pandas as pd
from tqdm import tqdm

from tfredundancy import figures
from tfredundancy.datasets.splits import Splits
from tfredundancy.files import read_csv, save_figure, write_csv, write_json
from tfredundancy.inspection import Settings, records
from tfredundancy.inspection.logs import write_records
from tfredundancy.inspection.summaries import EventLog
from tfredundancy.lottery.arms import DENSE
from tfredundancy.lottery.loop import Observer, Record, Rows, levels, steps_in_all
from tfredundancy.lottery.reports import difference, shown, spread, text_table
from tfredundancy.runs import RunDirectory

MONITORED = Settings(measures=("spectrum", "tail", "geometry", "survival"), replicates=100)


def study(
    run: RunDirectory,
    model: keras.Model,
    data: Splits,
    *,
    seeds: int,
    paper: Mapping[str, Any],
    command: str,
    note: str = "",
    monitor: bool = True,
    **plan,
) -> pd.DataFrame:
    """Run `levels` for seeds 0 … seeds − 1 and write all of it to the run directory; print the table.

    Args:
        run: the open run directory; a run that was stopped goes on.
        model: as for `levels`.
        data: as for `levels`.
        seeds: how many.
        paper: the paper's claim and figures, for summary.json.
        command: the command line of the study, for summary.json.
        note: a sentence for summary.json and the table, such as that the run is a reduced one.
        monitor: whether spectra, angles, masks and survival are measured at both ends of every level, for TensorBoard.
        **plan: the other arguments of `levels`.

    Returns:
        The results, a row for each seed, level and arm.
    """
    found: list[Record] = []
    known = _rows_of(run / "results.csv")
    lengths = {name: plan[name] for name in ("steps", "levels", "arms")}
    total = seeds * steps_in_all(**lengths, rewind_to=plan.get("rewind_to", 0), one_shot=plan.get("one_shot", False))
    with _Progress(run, total, plan["arms"], monitor) as progress:
        chosen = levels(model, data, seed=range(seeds), directory=run / "checkpoints", observer=progress, **plan)
        for record in chosen:
            found.append(record)
            if len(found) > known:  # what is finished is read again, and must not shorten the file for a while
                write_csv(run / "results.csv", [each.row() for each in found])
    results = pd.DataFrame([record.row() for record in found])
    curves, layers = _tidy(found)
    write_csv(run / "curves.csv", curves)
    write_csv(run / "layers.csv", layers)
    write_csv(run / "timings.csv", [{**_key(record), "seconds": record.seconds} for record in found])
    _write_figures(run, results, curves, layers)
    head = {"experiment": run.path.parent.name, "command": command, "paper": dict(paper), "note": note}
    write_json(run / "summary.json", head | summary(results))
    print(table(results))
    print(f"\n{note}\n" if note else "", end="")
    print(f"results, figures, summary and events: {run.path}")
    return results


def summary(results: pd.DataFrame) -> dict[str, Any]:
    """The headline figures: each arm at each level, and the ticket's difference to the others with interval and verdict.

    Intervals are those of the paired difference over seeds: 95 % t-interval from 5 seeds on, the range below, which gives no
    verdict. What overlaps zero is not ranked.
    """
    dense = results[results.level == 0]
    found = [_level_summary(int(level), rows, dense) for level, rows in results[results.level > 0].groupby("level")]
    return {"seeds": len(dense), "dense": _arm_summary(dense), "levels": found}


def table(results: pd.DataFrame) -> str:
    """Accuracy (mean, min–max over seeds) at the end and at the best validation loss, and the step of that, per arm."""
    header = ["level", "density", "arm", "test accuracy %", "at early stopping %", "early step", "steps", "all steps"]
    lines = []
    for (level, arm), rows in results.groupby(["level", "arm"], sort=False):
        accuracies = [shown(rows[name], 2, 100) for name in ("test_accuracy", "early_test_accuracy")]
        counts = [shown(rows.early_step, 0), str(rows.steps.iloc[0]), str(rows.total_steps.iloc[0])]
        lines.append([str(level), f"{rows.density.mean():.2%}", arm, *accuracies, *counts])
    return text_table(header, lines)


class _Progress(Observer):
    """A progress bar over all steps, and the event files of every seed and arm."""

    def __init__(self, run: RunDirectory, total: int, arms: Sequence[str], monitor: bool):
        self._run, self._arms, self._monitor = run, arms, monitor
        self._bar = tqdm(total=total, unit="step", smoothing=0.05, dynamic_ncols=True)
        self._events = functools.cache(EventLog)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._bar.close()

    def advance(self, steps: int, text: str) -> None:
        self._bar.set_description(text, refresh=False)
        self._bar.update(steps)

    def history(self, seed: int, arm: str, rows: Rows) -> None:
        self._log(seed, arm).catch_up(rows)

    def looks(self, level: int, begin: int, end: int) -> Collection[int]:
        return {begin if level == 0 else begin + 1, end} if self._monitor else ()

    def look(self, seed: int, arm: str, rows: Rows, model: keras.Model) -> None:
        """Measure the net, unless that is on disk already; the dense one is the beginning of every arm."""
        logs = [self._log(seed, name) for name in ([arm, *self._arms] if arm == DENSE.name else [arm])]
        behind = [log for log in logs if log.last is None or log.last < rows[-1][0]]
        if behind:
            measured = list(records(model, settings=MONITORED))
            for log in behind:
                write_records(log, rows, measured)

    def _log(self, seed: int, arm: str) -> EventLog:
        return self._events(self._run / "events" / f"seed{seed}-{arm}")


def _rows_of(file: Path) -> int:
    """How many rows a table has; 0 where it is not there or damaged, for it is written anew."""
    try:
        return len(read_csv(file))
    except (FileNotFoundError, ValueError):
        return 0


def _tidy(records: Sequence[Record]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A row for each evaluation, and a row for each layer."""
    curves = [{**_key(record), **row} for record in records for row in record.curve]
    layers = [(record, path, kept) for record in records for path, kept in record.layers.items()]
    densities = [{**_key(record), "layer": path, "density": kept} for record, path, kept in layers]
    return pd.DataFrame(curves), pd.DataFrame(densities)


def _write_figures(run: RunDirectory, results: pd.DataFrame, curves: pd.DataFrame, layers: pd.DataFrame) -> None:
    drawn = {
        "accuracy": figures.accuracy_against_density(results),
        "accuracy_early": figures.accuracy_against_density(results, column="early_test_accuracy"),
        "early_stopping": figures.early_stopping_against_density(results),
        "learning_curves": figures.learning_curves(curves),
    }
    if "rewind" in set(results.arm):
        drawn["layer_density"] = figures.layer_density(layers, "rewind")
    for name, figure in drawn.items():
        save_figure(run / "figures" / name, figure)


def _key(record: Record) -> dict[str, Any]:
    return {"seed": record.seed, "level": record.level, "arm": record.arm}


def _level_summary(level: int, rows: pd.DataFrame, dense: pd.DataFrame) -> dict[str, Any]:
    arms = {arm: _arm_summary(each) for arm, each in rows.groupby("arm", sort=False)}
    others = [arm for arm in arms if arm != "rewind" and "rewind" in arms]
    columns = ("test_accuracy", "early_test_accuracy", "early_step")
    with_dense = pd.concat([rows, dense])
    return {
        "level": level,
        "arms": arms,
        "rewind_minus": {arm: {column: _difference(rows, arm, column) for column in columns} for arm in others},
        "minus_dense": {arm: _difference(with_dense, DENSE.name, "early_test_accuracy", arm) for arm in arms},
    }


def _arm_summary(rows: pd.DataFrame) -> dict[str, Any]:
    found: dict[str, Any] = {"density": float(rows.density.mean())}
    for column in ("test_accuracy", "early_test_accuracy", "early_step"):
        found[column] = spread(rows[column])
    return found | {"steps": int(rows.steps.iloc[0]), "total_steps": int(rows.total_steps.iloc[0])}


def _difference(rows: pd.DataFrame, subtracted: str, column: str, arm: str = "rewind") -> dict[str, Any]:
    pairs = rows.pivot(index="seed", columns="arm", values=column)
    return difference(pairs[arm], pairs[subtracted])
