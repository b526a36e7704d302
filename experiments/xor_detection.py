"""Why does a wider network generalise better from the same points? It explores more patterns, and then its filters cluster.

Brutzkus & Globerson 2019 (arXiv:1810.03037): does a row of pairs of ±1 hold (1, 1) or (−1, −1)? A network of 2k filters with max
pooling and a fixed output, hinge loss with margin γ, gradient descent from small Gaussian filters. From points that hold every
pattern of their class, "diverse" ones, a small network learns its training set and misses patterns that it never started near;
a wide one starts near all of them, and its filters end around the few directions that matter. Max pooling sees which of four
patterns a point holds, so that there are 15 kinds of points, and the test error here is exact, no estimate.

    python experiments/xor_detection.py                     7 widths, 50 seeds: about a minute on 2 cores
    python experiments/xor_detection.py --preset paper      10 widths, three kinds of training points: a few minutes

The learning rate is ten times the greatest of the theorem, which changes nothing but the time; the control has the theorem's:

    python experiments/xor_detection.py --preset paper --points diverse --rate 0.00243902 --steps 60000

All networks of a width and a kind of training set train at once. The same command again continues a run that was stopped.
"""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from tfredundancy import runs
from tfredundancy.datasets import xor
from tfredundancy.figures.detectors import detection_against_width, exploration, filters_in_the_plane
from tfredundancy.files import read_arrays, save_figure, write_arrays, write_csv, write_json
from tfredundancy.lottery.controls import derived_seed
from tfredundancy.lottery.reports import difference, text_table, verdict_sentence
from tfredundancy.numerics import detection, geometry
from tfredundancy.numerics.intervals import proportion
from tfredundancy.runs import Common, RunDirectory, flag, positive

PRESETS = {
    "quick": dict(seeds=50, widths=(2, 3, 4, 6, 10, 30, 120), points=("diverse", "drawn"), steps=6000),
    "paper": dict(seeds=50, widths=(2, 3, 4, 6, 8, 10, 20, 40, 80, 120), points=xor.SETS, steps=20_000),
}
PAPER = {
    "claim": "A wide network (k ≥ 120) explores all patterns at initialisation, clusters around few directions and reaches zero "
    "test error with high probability; a small one (k = 2) reaches zero training error and generalises badly from the same "
    "points.",
    "reference": "Brutzkus & Globerson 2019, arXiv:1810.03037",
}
WIDE = 10  # filters of each sign: what is compared with the least width
DIRECTIONS = np.array([[1, 1], [1, -1]]) / np.sqrt(2)  # of the patterns of w and of u, up to their sign
WITHIN, FAINT = (
    20.0,
    0.1,
)  # degrees of one direction; filters shorter than that part of the longest have no say in their number
VERDICTS = {"above": "as claimed", "below": "the opposite", "overlaps": "not told apart"}
SHOWN = ("2", "4", "10", "120")  # widths of the small multiples, as far as they are there


@dataclass(frozen=True, kw_only=True)
class Args(Common):
    """The flags; what is not given comes from the preset."""

    dataset: str = flag("xor", "The problem.", choices=("xor",))
    points: tuple[str, ...] = flag(None, "The kinds of training points.", choices=xor.SETS)
    dimension: int = flag(20, "Coordinates of a point, pairs of which are patterns.")
    examples: int = flag(20, "Training points, half of them positive.", parse=positive)
    widths: tuple[int, ...] = flag(None, "The widths k: filters of each sign.")
    margin: float = flag(8.0, "The margin of positive points.")
    rate: float = flag(1 / 41, "The learning rate times the width.")
    steps: int = flag(None, "Most steps of a training.", parse=positive)
    spread: float = flag(1 / 16, "Standard deviation of the initial filters, times k^1.5 / rate.")


def main() -> None:
    """Parse the flags; train, look, write what was found."""
    args = runs.parse(Args, PRESETS, description=__doc__)
    with runs.checking_arguments():
        check(args)
    with RunDirectory.open(
        args.out, "xor_detection", runs.settings(args), prefix=f"{args.preset}-d{args.dimension}", fresh=args.fresh
    ) as run:
        results, patterns, timings = train(run, args)
        for name, table in {"results": results, "patterns": patterns, "timings": timings}.items():
            write_csv(run / f"{name}.csv", table)
        report(run, args, results)


def check(args: Args) -> None:
    """Raise a ValueError for arguments that the problem, the networks or their training refuse."""
    for name, values in {"widths": args.widths, "points": args.points}.items():
        if len(set(values)) < len(values):
            raise ValueError(f"`{name}` must differ from each other. Received: {name}={values}")
    for name in ("rate", "margin", "spread"):
        if not 0 < getattr(args, name) < np.inf:
            raise ValueError(f"`{name}` must be a positive number. Received: {name}={getattr(args, name)}")
    for points in args.points:
        xor.probabilities(args.dimension, 1, points)
    for width in args.widths:
        if width < 1:
            raise ValueError(f"`width` must be an integer of at least 1. Received: width={width}")
        reach = detection.reachable_margin(initial(args, [0], width), xor.PATTERNS, args.rate / width, args.steps)
        if args.margin > reach:
            raise ValueError(
                f"`margin` can not be met: {args.steps} steps at rate {args.rate:.3g} bring an output to {reach:.3g} at most. "
                f"Received: margin={args.margin}"
            )


def initial(args: Args, seeds, width: int) -> np.ndarray:
    """Initial filters, one network a seed."""
    return detection.initial_filters(seeds, width, args.spread * args.rate / width**1.5)


def training_sets(args: Args, points: str) -> np.ndarray:
    """How many points of each kind are in each seed's training set, the same for all widths."""
    draws = (np.random.default_rng(derived_seed(f"{points} points {seed}")) for seed in range(args.seeds))
    return np.array([xor.counts_of(xor.draw(args.examples, args.dimension, rng, points)[0]) for rng in draws])


def train(run: RunDirectory, args: Args) -> tuple[pd.DataFrame, pd.DataFrame, list[dict[str, Any]]]:
    """All networks → rows of results.csv, of patterns.csv, and clock times."""
    rows, patterns, timings = [], [], []
    plan = [(points, width) for points in args.points for width in args.widths]
    for points, width in tqdm(plan, unit="group", dynamic_ncols=True):
        file = run / "checkpoints" / f"{points}-{width}.npz"
        if not file.exists():
            write_arrays(file, trained(args, points, width))
        found = read_arrays(file)
        key = {"points": points, "width": width}
        rows += [key | row for row in nets(args, points, width, found)]
        patterns += [key | row for row in detected(initial(args, range(args.seeds), width), found["filters"])]
        timings.append({**key, "seconds": float(found["seconds"])})
    results = pd.DataFrame(rows)
    return results[["seed", *(name for name in results if name != "seed")]], pd.DataFrame(patterns), timings


def trained(args: Args, points: str, width: int, seeds=None, steps: int | None = None) -> dict[str, np.ndarray]:
    """Train the networks of a width, one for each seed, on its training set of the kind."""
    seeds, clock = range(args.seeds) if seeds is None else seeds, time.monotonic()
    done = detection.train(
        initial(args, seeds, width),
        xor.PATTERNS,
        xor.KINDS,
        xor.LABELS,
        training_sets(args, points)[list(seeds)],
        margin=args.margin,
        rate=args.rate / width,
        steps=steps or args.steps,
    )
    return {name: getattr(done, name) for name in ("filters", "steps", "loss", "outcome")} | {
        "seconds": np.array(time.monotonic() - clock)
    }


def nets(args: Args, points: str, width: int, found: dict[str, np.ndarray]) -> Iterator[dict[str, Any]]:
    """Rows of results.csv: how each network of a group trained, what it gets wrong, where its filters point."""
    counts = training_sets(args, points)
    chances = sum(xor.probabilities(args.dimension, label) for label in (1, -1)) / 2
    wrong = detection.errors(detection.outputs(found["filters"], xor.PATTERNS, xor.KINDS), xor.LABELS)
    first, filters = scaled(initial(args, range(args.seeds), width)), scaled(found["filters"])
    alone = xor.KINDS.sum(axis=1) == 1
    for seed in range(args.seeds):
        train_error = float((wrong[seed] * counts[seed]).sum() / counts[seed].sum())
        yield {
            "seed": seed,
            "steps": int(found["steps"][seed]),
            "outcome": str(found["outcome"][seed]),
            "train_loss": found["loss"][seed],
            "zero_loss": int(found["outcome"][seed] == detection.MINIMUM),
            "train_error": train_error,
            "zero_error": int(train_error == 0),
            "test_error": float(wrong[seed] @ chances),
            "found": int((~wrong[seed, alone]).sum()),
            "explored": int(explores(first[seed])),
            **{f"initial_{name}": value for name, value in shape(first[seed]).items()},
            **shape(filters[seed]),
        }


def scaled(filters: np.ndarray) -> np.ndarray:
    """Filters by the greatest entry of their network, which may be too great to be squared; NaN for networks without one."""
    with np.errstate(invalid="ignore"):
        return filters / np.abs(filters).max(axis=(1, 2, 3), keepdims=True)


def explores(filters: np.ndarray) -> bool:
    """Whether some w detects each of its two patterns, and some u each of its two."""
    best = detection.best_patterns(filters, xor.PATTERNS)
    return {0, 1} <= set(best[0].tolist()) and {2, 3} <= set(best[1].tolist())


def shape(filters: np.ndarray) -> dict[str, float]:
    """Mean angle, by norm, of filters to the nearest of their class's two patterns, and the number of their directions."""
    if not np.isfinite(filters).all() or not filters.any(axis=(1, 2)).all():
        return {"angle": np.nan, "clusters": np.nan}
    norms = np.linalg.norm(filters, axis=-1)
    cosines = np.abs(np.einsum("skd,sd->sk", filters, DIRECTIONS))[norms > 0] / norms[norms > 0]
    angles = np.degrees(np.arccos(np.clip(cosines, 0, 1)))
    strong = [some[length >= FAINT * length.max()] for some, length in zip(filters, norms, strict=True)]
    clusters = np.mean([geometry.count_clusters(some, WITHIN) for some in strong])
    return {"angle": float(np.average(angles, weights=norms[norms > 0])), "clusters": float(clusters)}


def detected(first: np.ndarray, filters: np.ndarray) -> Iterator[dict[str, Any]]:
    """Rows of patterns.csv: the share of the filters of each sign, and of their norm, that detects each pattern."""
    first, filters = scaled(first), scaled(filters)
    alive = np.isfinite(filters).all(axis=(1, 2, 3))
    before, after = (detection.best_patterns(some[alive], xor.PATTERNS) for some in (first, filters))
    norms = np.linalg.norm(filters[alive], axis=-1)
    for sign, name in enumerate("wu"):
        total = norms[:, sign].sum()
        for number, pattern in enumerate(xor.PATTERNS.astype(int)):
            hit = after[:, sign] == number
            yield {
                "filters": name,
                "pattern": f"{pattern[0]:+d}{pattern[1]:+d}",
                "initial_share": (before[:, sign] == number).mean() if alive.any() else np.nan,
                "share": hit.mean() if alive.any() else np.nan,
                "norm_share": norms[:, sign][hit].sum() / total if total else np.nan,
            }


def report(run: RunDirectory, args: Args, results: pd.DataFrame) -> None:
    """Figures, summary.json, and the table on the screen."""
    save_figure(run / "figures" / "detection", detection_against_width(results))
    widths = [width for width in args.widths if str(width) in SHOWN] or list(args.widths)
    times = {"initial": 0, "after 20 steps": 20, "trained": args.steps}
    for points in args.points:
        nets = {width: snapshots(args, points, width, times.values()) for width in widths}
        save_figure(run / "figures" / f"filters_{points}", filters_in_the_plane(nets, list(times)))
    header, rows = overview(results)
    found = claims(results)
    summary = {
        "experiment": "xor_detection",
        "command": runs.command("experiments/xor_detection.py", args, PRESETS),
        "paper": PAPER,
        "note": note(args, results),
        "seeds": args.seeds,
        "verdict": verdict_sentence(found),
        "claims": found,
        "nets": [per_group(key, rows) for key, rows in results.groupby(["points", "width"], sort=False)],
        "table": {"header": header, "rows": rows},
        "picture": "figures/detection.png",
    }
    write_json(run / "summary.json", summary)
    print(text_table(header, rows))
    print(f"verdict: {summary['verdict']}")
    print(f"results, figures and summary: {run.path}")


def snapshots(args: Args, points: str, width: int, times) -> list[np.ndarray]:
    """The filters of seed 0 at some steps."""
    return [
        trained(args, points, width, [0], step)["filters"][0] if step else initial(args, [0], width)[0]
        for step in times
    ]


def note(args: Args, results: pd.DataFrame) -> str:
    """What a reader must know of these networks: the problem's size, and how many had not come to rest."""
    moving = int((results["outcome"] == detection.MOVING).sum())
    diverged = int((results["outcome"] == detection.DIVERGED).sum())
    return (
        f"{args.examples} training points of {args.dimension // 2} patterns, margin {args.margin:g}, learning rate "
        f"{args.rate:.3g}/k, initial deviation {args.spread * args.rate:.2g}/k^1.5 (the theorem's: at most 0.00244/k and "
        f"0.000152/k^1.5). Test errors are exact. {moving} of {len(results)} networks still moved after {args.steps} steps, "
        f"{diverged} diverged"
    )


def claims(results: pd.DataFrame) -> list[dict[str, Any]]:
    """For each kind of training points: what the least width misses, and what the widest one does otherwise."""
    found, small = [], results["width"].min()
    for points, rows in results.groupby("points", sort=False):
        tables = {name: rows.pivot(index="seed", columns="width", values=name) for name in rows.columns[3:]}
        wide = [width for width in tables["test_error"] if width >= WIDE and width > small]
        errors = tables["test_error"]
        topic = f"k = {small} errs more than k ≥ {WIDE} from the same training sets"
        compared = [
            _claim(
                f"{points}: test error of k = {small} minus that of k = {width}",
                difference(errors[small], errors[width]), "above", topic, f"{points}, k = {width}",
            )
            for width in wide
        ]  # fmt: skip
        if len({each["verdict"] for each in compared}) == 1:
            compared = [each | {"case": points} for each in compared]
        found += compared
        fitted = errors[small][tables["zero_error"][small] == 1]
        ours = difference(fitted, np.zeros(len(fitted))) if len(fitted) else None
        words = f"{points}: test error of the {len(fitted)} nets of k = {small} without training error"
        found.append(_claim(words, ours, "above", f"nets of k = {small} without training error still err", points))
        if wide:
            last = wide[-1]
            for name, words, topic in (
                ("angle", "angle to the class's patterns, degrees", "turn to the patterns of their class"),
                ("clusters", "directions of a sign", "gather around fewer directions"),
            ):
                ours = difference(tables[name][last], tables[f"initial_{name}"][last])
                words = f"{points}, k = {last}: {words}, trained minus initial"
                found.append(_claim(words, ours, "below", f"filters of k = {last} {topic}", points))
    return [claim for claim in found if claim["ours"] is not None]


def _claim(claim: str, ours: dict[str, Any] | None, expected: str, topic: str, case: str) -> dict[str, Any]:
    side = ours and ours["verdict"]
    verdict = "as claimed" if side == expected else VERDICTS["below"] if side in ("above", "below") else side
    return {"claim": claim, "ours": ours, "verdict": VERDICTS.get(verdict, verdict), "topic": topic, "case": case}


def per_group(key: tuple, rows: pd.DataFrame) -> dict[str, Any]:
    """The networks of a width and a kind of training points, over seeds, with intervals."""
    rates = {
        name: asdict(proportion(int(rows[name].sum()), len(rows))) for name in ("zero_loss", "zero_error", "explored")
    }
    means = ("test_error", "initial_angle", "angle", "initial_clusters", "clusters", "found")
    return {
        **dict(zip(("points", "width"), key, strict=True)),
        "outcomes": rows["outcome"].value_counts().to_dict(),
        **rates,
        "explored_in_theory": float(exploration(key[1])),
        **{name: difference(rows[name], np.zeros(len(rows))) for name in means},
    }


def overview(results: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    """The table of the screen and of the page of findings: a row for each kind of training points and width."""
    header = ["points", "k", "no training loss, %", "no training error, %", "test error, %", "test error of those, %",
              "explored, % (in theory)", "angle, ° (initial)", "directions (initial)"]  # fmt: skip
    lines = []
    for (points, width), rows in results.groupby(["points", "width"], sort=False):
        rates = [_rate(rows[name]) for name in ("zero_loss", "zero_error")]
        errors = [_mean(some, 2, 100) for some in (rows["test_error"], rows[rows["zero_error"] == 1]["test_error"])]
        explored = f"{100 * rows['explored'].mean():.0f} ({100 * exploration(width):.0f})"
        shapes = [f"{rows[name].mean():.1f} ({rows[f'initial_{name}'].mean():.1f})" for name in ("angle", "clusters")]
        lines.append([points, str(width), *rates, *errors, explored, *shapes])
    return header, lines


def _rate(flags: pd.Series) -> str:
    found = proportion(int(flags.sum()), len(flags))
    return f"{100 * found.mean:.0f} [{100 * found.low:.0f}, {100 * found.high:.0f}]"


def _mean(values: pd.Series, digits: int, factor: float = 1.0) -> str:
    found = difference(values, np.zeros(len(values))) if len(values) else None
    if found is None:
        return "–"
    mean, low, high = (f"{factor * found[name]:.{digits}f}" for name in ("mean", "low", "high"))
    return f"{mean} [{low}, {high}]"


if __name__ == "__main__":
    runs.run_script(main)
