"""Do the filters of wide layers gather around few directions, and are these directions what makes wide layers better?

Brutzkus & Globerson 2019 (arXiv:1810.03037) on MNIST: of 120 filters of a convolution, trained ones lie nearer to one of four
centres than untrained ones; a layer of only four filters that starts at the centres does better than one that starts at random.
Fitting centres selects, so that the angles stand here beside the same clustering of uniform directions too, and the four centres
beside four of the trained filters picked at random and beside the centres of the untrained filters. Then beyond the paper: is
the alignment there in every layer of Conv-4 and ResNet-20, does it grow, is it stronger in the last layers, and does the frame
potential say the same?

    python experiments/filter_alignment.py                    digits, 2 seeds: about 2 minutes on 2 cores
    python experiments/filter_alignment.py --preset paper     MNIST, the wide and the narrow net, 10 seeds: about 10 minutes
    python experiments/filter_alignment.py --preset subset    CIFAR-10, Conv-4 and ResNet-20, 5 seeds, 200 steps: 10 minutes
    python experiments/filter_alignment.py --preset beyond    the same trained to the end: for a GPU

The same command again continues a run that was stopped.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import keras
import numpy as np
import pandas as pd
from scipy.stats import spearmanr, t
from tqdm import tqdm

from tfredundancy import datasets, models, runs
from tfredundancy.figures import alignment
from tfredundancy.files import save_figure, write_csv, write_json
from tfredundancy.inspection import Settings, records
from tfredundancy.lottery import Ticket, Trainer
from tfredundancy.lottery.controls import derived_seed, reinitialised
from tfredundancy.lottery.reports import difference, shown, spread, text_table, verdict_sentence
from tfredundancy.lottery.visits import Row, Visited, log_spaced, train_and_visit
from tfredundancy.numerics import geometry
from tfredundancy.runs import Common, RunDirectory, flag, positive

NETWORKS = ("wide", "conv_4", "resnet_20")
CIFAR = dict(dataset="cifar10", image_size=None, networks=("conv_4", "resnet_20"), seeds=5)
PRESETS = {
    "quick": dict(dataset="digits", image_size=16, networks=NETWORKS, seeds=2, steps=100, batch_size=32, visits=5),
    "paper": dict(dataset="mnist", image_size=None, networks=("wide",), seeds=10, steps=1000, batch_size=32, visits=6),
    "subset": CIFAR | dict(steps=200, batch_size=32, visits=6, test_examples=2000),
    "beyond": CIFAR | dict(steps=30_000, batch_size=128, visits=12),
}
PAPER = {
    "claim": "Trained filters of a wide convolution (120) lie nearer to four centres than untrained ones; a narrow one (4) that "
    "starts at the centres does better than one that starts at random. Whether that holds in deep networks is not in the paper.",
    "reference": "Brutzkus & Globerson 2019, arXiv:1810.03037",
}
KERNEL = "conv/kernel"
ARMS = tuple(alignment.ARMS)


@dataclass(frozen=True, kw_only=True)
class Args(Common):
    """The flags; what is not given comes from the preset."""

    dataset: str = flag(None, "The data set to train on.", choices=datasets.NAMES)
    train_examples: int | None = flag(None, "Training examples; all where not given.", parse=positive)
    test_examples: int | None = flag(None, "Test examples; all where not given.", parse=positive)
    image_size: int | None = flag(None, "Resize images to this many pixels.", parse=positive)
    networks: tuple[str, ...] = flag(None, "The networks whose layers are looked at.", choices=NETWORKS)
    filters: int = flag(120, "Filters of the wide convolution.", parse=positive)
    centres: int = flag(
        4, "Centres that directions are gathered around, and filters of the narrow convolution.", parse=positive
    )
    steps: int = flag(None, "Steps of a training.", parse=positive)
    batch_size: int = flag(None, "Examples a step.", parse=positive)
    learning_rate: float = flag(0.01, "The learning rate, constant in training.")
    momentum: float = flag(0.9, "The momentum.")
    visits: int = flag(None, "How often a training is looked at, at even ratios of its steps.")
    draws: int = flag(20, "Clusterings of uniform directions behind each null.", parse=positive)


def main() -> None:
    """Parse the flags; train, look, write what was found."""
    args = runs.parse(Args, PRESETS, description=__doc__)
    runs.deterministic()
    with runs.checking_arguments():
        check(args)
        data = datasets.load(
            args.dataset, data_dir=args.data_dir, image_size=args.image_size, train_examples=args.train_examples
        )
        datasets.steps_per_epoch(len(data.train[1]), args.batch_size)
        for network in args.networks:
            compiled(args, data, network)
    few = tuple(array[: args.test_examples] for array in data.test)
    data = replace(data, test=few, validation=few)  # nothing is chosen by validation
    with (
        RunDirectory.open(
            args.out, "filter_alignment", runs.settings(args), prefix=f"{args.preset}-{args.dataset}", fresh=args.fresh
        ) as run,
        runs.strategy_scope(args.strategy),
    ):
        tables = train(run, args, data)
        for name, table in tables.items():
            write_csv(run / f"{name}.csv", table)
        report(run, args, tables)


def check(args: Args) -> None:
    """Raise a ValueError for arguments that would fail, or mean nothing, after hours."""
    if not 0 < args.learning_rate < np.inf:
        raise ValueError(f"`learning_rate` must be a positive number. Received: learning_rate={args.learning_rate}")
    if not 0 <= args.momentum < 1:
        raise ValueError(f"`momentum` must lie in [0, 1). Received: momentum={args.momentum}")
    if args.centres >= args.filters:
        raise ValueError(
            f"`centres` must be fewer than the {args.filters} filters of the wide net. Received: centres={args.centres}"
        )
    if len(set(args.networks)) < len(args.networks):
        raise ValueError(f"`networks` must differ from each other. Received: networks={args.networks}")
    log_spaced(args.steps, args.visits)


def compiled(args: Args, data: datasets.Splits, network: str, filters: int | None = None) -> keras.Model:
    """A network with SGD and momentum."""
    build = {"conv_4": models.conv_4, "resnet_20": models.resnet_20}
    build["wide"] = build["narrow"] = partial(models.shallow_conv, filters=filters or args.filters)
    model = build[network](data.input_shape, data.classes)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(args.learning_rate, momentum=args.momentum), loss)
    return model


def train(run: RunDirectory, args: Args, data: datasets.Splits) -> dict[str, pd.DataFrame]:
    """Train all networks → {name of the table: rows}; "arms" and "angles" only where the wide net is among them."""
    found: dict[str, list[Row]] = {"layers": [], "arms": [], "angles": [], "timings": []}
    trainings = args.seeds * (len(args.networks) + (len(ARMS) if "wide" in args.networks else 0))
    with tqdm(total=trainings * args.steps, unit="step", smoothing=0.05, dynamic_ncols=True) as bar:
        for network in args.networks:
            trainer = Trainer(compiled(args, data, network), data, batch_size=args.batch_size)
            first, wide = Ticket.take(trainer.model), {}
            for seed in range(args.seeds):
                bar.set_description(f"{network}, seed {seed}")
                start = reinitialised(trainer.model, first, derived_seed(f"initial {seed}"))
                visited = trained(run, args, trainer, start, f"{network}-seed{seed}", seed, layers, bar)
                found["layers"] += [{"seed": seed, "network": network, **row} for row in visited.rows]
                found["timings"].append({"seed": seed, "network": network, "seconds": visited.seconds})
                wide[seed] = (start.variables, visited.net)
            if network == "wide":
                narrow(run, args, data, wide, found, bar)
    return {name: pd.DataFrame(rows) for name, rows in found.items() if rows}


def trained(
    run: RunDirectory, args: Args, trainer: Trainer, start: Ticket, name: str, seed: int, visit, bar
) -> Visited:
    """One training of a network."""
    return train_and_visit(
        trainer,
        start,
        partial(visit, args, trainer),
        at=log_spaced(args.steps, args.visits),
        seed=seed,
        rate=partial(np.full_like, fill_value=args.learning_rate, dtype=np.float64),
        file=run / "checkpoints" / f"{name}.npz",
        checkpoint_every=args.checkpoint_seconds,
        advance=bar.update,
    )


def layers(args: Args, trainer: Trainer, step: int, loss: float | None) -> Iterator[Row]:
    """The directions of the units of each layer; at the end also how good the net is."""
    accuracy = trainer.evaluate("test").accuracy if step == args.steps else None
    settings = Settings(measures=("geometry",), clusters=args.centres, draws=args.draws, seed=0)
    for record in records(trainer.model, settings=settings):
        if "units" in record.row:  # a matrix
            columns = ("layer", "units", "fan_in", "frame_excess", "frame_z", "coherence", "reason")
            row = {name: record.row.get(name) for name in columns} | {"train_loss": loss, "test_accuracy": accuracy}
            yield row | (alignment_of(record.angles) if record.angles else {})


def alignment_of(angles) -> Row:
    """Angles to the centres beside those of the null: gap in degrees, effect in standard deviations of an angle, z and p."""
    test = geometry.angle_test(angles.clusters.angles, angles.null)
    deviation = np.sqrt((np.nanvar(angles.clusters.angles) + np.nanvar(angles.null)) / 2)
    gap = test.null_mean - test.mean
    effect = gap / deviation if deviation else np.nan
    return {
        "angle": test.mean,
        "null_angle": test.null_mean,
        "gap": gap,
        "effect": effect,
        "z": test.z,
        "p": test.p_value,
    }


def accuracy(args: Args, trainer: Trainer, step: int, loss: float | None) -> list[Row]:
    """How good a narrow net is."""
    return [{"train_loss": loss, "test_accuracy": trainer.evaluate("test").accuracy}]


def narrow(run: RunDirectory, args: Args, data: datasets.Splits, wide: dict, found: dict[str, list[Row]], bar) -> None:
    """Train the narrow net from each start, and measure the wide one's filters: rows of arms.csv and angles.csv."""
    trainer = Trainer(compiled(args, data, "narrow", args.centres), data, batch_size=args.batch_size)
    first = Ticket.take(trainer.model)
    draw_filters(run, args, wide[0][1][KERNEL])
    for seed, (initial, net) in wide.items():
        start = reinitialised(trainer.model, first, derived_seed(f"initial {seed}"))
        found["angles"] += [{"seed": seed, **row} for row in angles(args, initial[KERNEL], net[KERNEL], seed)]
        for arm, ticket in starts(args, start, initial[KERNEL], net[KERNEL], seed):
            bar.set_description(f"narrow from {arm}, seed {seed}")
            visited = trained(run, args, trainer, ticket, f"narrow-{arm}-seed{seed}", seed, accuracy, bar)
            found["arms"] += [{"seed": seed, "arm": arm, **row} for row in visited.rows]
            found["timings"].append({"seed": seed, "network": f"narrow, {arm}", "seconds": visited.seconds})


def starts(
    args: Args, start: Ticket, untrained: np.ndarray, trained: np.ndarray, seed: int
) -> Iterator[tuple[str, Ticket]]:
    """The narrow net's beginnings: they differ in the directions of its filters alone, whose norms are the random ones'."""
    norms = np.linalg.norm(unit_rows(start.variables[KERNEL]), axis=1, keepdims=True)
    picked = np.random.default_rng([seed, 1]).choice(trained.shape[-1], args.centres, replace=False)
    directions = {"random": lambda: unit_rows(start.variables[KERNEL])}
    if np.isfinite(trained).all():  # else the wide net diverged, and has no directions
        directions |= {
            "centres": lambda: clustered(args, trained).centres,
            "picked": lambda: unit_rows(trained)[picked],
            "untrained": lambda: clustered(args, untrained).centres,
        }
    for arm in ARMS:
        if arm in directions:
            rows = directions[arm]()
            rows = norms * rows / np.linalg.norm(rows, axis=1, keepdims=True)
            kernel = rows.T.reshape(start.variables[KERNEL].shape).astype(np.float32)
            yield arm, replace(start, variables=start.variables | {KERNEL: kernel})


def unit_rows(kernel: np.ndarray) -> np.ndarray:
    """Kernel of a convolution → unit matrix (filters, fan_in)."""
    return kernel.reshape(-1, kernel.shape[-1]).T


def clustered(args: Args, kernel: np.ndarray) -> geometry.Clusters:
    """Spherical k-means of the filters."""
    return geometry.cluster(unit_rows(kernel), args.centres, seed=0)


def draw_filters(run: RunDirectory, args: Args, kernel: np.ndarray) -> None:
    """The trained filters of one net beside their centres, where filters are pictures."""
    if kernel.shape[2] == 1 and np.isfinite(kernel).all():
        found = clustered(args, kernel)
        figure = alignment.filters_by_cluster(kernel[:, :, 0], found.centres, found.labels, found.angles)
        save_figure(run / "figures" / "filters", figure)


def angles(args: Args, untrained: np.ndarray, trained: np.ndarray, seed: int) -> Iterator[Row]:
    """Rows of angles.csv: the wide filters' angles to their centres, and one null draw's of the same shape for each filter."""
    rows = unit_rows(untrained)
    null = geometry.angle_null(*rows.shape, args.centres, seed=seed, draws=1)[0]
    states = {"trained": trained, "untrained": untrained} if np.isfinite(trained).all() else {"untrained": untrained}
    for state, kernel in states.items():
        yield from ({"state": state, "angle": angle} for angle in clustered(args, kernel).angles)
    yield from ({"state": "sphere", "angle": angle} for angle in null)


def report(run: RunDirectory, args: Args, tables: dict[str, pd.DataFrame]) -> None:
    """Figures, results.csv, summary.json, and the table on the screen."""
    layers = tables["layers"]
    results = layers[layers["step"] == args.steps]
    write_csv(run / "results.csv", results)
    drawn = {"layers": alignment.layers_while_training(layers)} if "gap" in layers else {}
    if "arms" in tables:
        drawn["wide_and_narrow"] = alignment.alignment_and_narrow_nets(tables["angles"], tables["arms"])
    for name, figure in drawn.items():
        save_figure(run / "figures" / name, figure)
    header, rows = overview(args, layers, tables.get("arms"))
    found = [*deep_claims(args, layers), *(narrow_claims(args, tables["arms"]) if "arms" in tables else [])]
    summary = {
        "experiment": "filter_alignment",
        "command": runs.command("experiments/filter_alignment.py", args, PRESETS),
        "paper": PAPER,
        "note": note(args, results),
        "seeds": args.seeds,
        "verdict": verdict_sentence(found),
        "claims": found,
        "layers": [per_layer(key, rows) for key, rows in results.groupby(["network", "layer"], sort=False)],
        "table": {"header": header, "rows": rows},
        "picture": f"figures/{'wide_and_narrow' if args.networks == ('wide',) else 'layers'}.png",
    }
    write_json(run / "summary.json", summary)
    print(text_table(header, rows))
    print(f"verdict: {summary['verdict']}")
    print(f"results, figures and summary: {run.path}")


def note(args: Args, results: pd.DataFrame) -> str:
    """What was trained, that the wide net's filters cost its training, and how many nets diverged."""
    images = f"{args.train_examples:,} images of " if args.train_examples else ""
    rate = f"learning rate {args.learning_rate:g}, momentum {args.momentum:g}"
    trained = f"{images}{args.dataset}, {args.steps} steps of {args.batch_size}, {rate}"
    narrow = (
        f"; every narrow net trains {args.steps} steps, and those that begin at trained filters cost {args.steps} steps of the "
        "wide net before"
    )
    short = args.dataset == "cifar10" and args.steps < PRESETS["beyond"]["steps"]
    lost = (
        results[results["reason"].fillna("").str.contains("NaN")].groupby(["network", "seed"]).ngroups
        if len(results)
        else 0
    )
    return (
        trained
        + narrow * ("wide" in args.networks)
        + "; a beginning of training only" * short
        + f"; {lost} of {args.seeds * len(args.networks)} nets diverged" * bool(lost)
    )


def ends(args: Args, rows: pd.DataFrame, column: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A column at the first and at the last visit: tables (seeds, layers)."""
    tables = (
        rows[rows["step"] == step].pivot(index="seed", columns="layer", values=column) for step in (0, args.steps)
    )
    return tuple(table[[name for name in dict.fromkeys(rows["layer"]) if name in table]] for table in tables)


def deep_claims(args: Args, layers: pd.DataFrame) -> list[dict[str, Any]]:
    """For each network: does alignment grow, in how many layers, is it stronger at the end, does the frame potential agree?"""
    found = []
    for network, rows in layers.groupby("network", sort=False):
        if "gap" not in rows or not rows["gap"].notna().any():
            continue
        (first, last), (before, after) = ends(args, rows, "gap"), ends(args, rows, "frame_excess")
        *body, head = last.columns
        for words, topic, a, b in growth(network, first, last, body):
            found.append(claim(words, difference(a, b), ("nearer", "farther"), topic, network))
        if len(body) > 1:
            for name, others, topic in (
                (head, body, "growth in the classifier beside all layers before"),
                (body[-1], body[:-1], "growth in the last layer before the classifier beside those before"),
            ):
                ours = difference((last - first)[name], (last - first)[others].mean(axis=1))
                words = (
                    f"{network}: growth in {name} minus that in the {len(others)} layers before, in the mean, degrees"
                )
                found.append(claim(words, ours, ("stronger", "weaker"), topic, network))
            ours = difference(*agreement(last - first, after - before))
            words = (
                f"{network}: rank correlation over layers of the growth of alignment with that of the frame potential"
            )
            topic = "what alignment and frame potential tell over layers"
            found.append(claim(words, ours, ("the same story", "the opposite"), topic, network))
    return [each for each in found if each["ours"] is not None]


def growth(network: str, first: pd.DataFrame, last: pd.DataFrame, body: list[str]) -> Iterator[tuple]:
    """What is compared: initial units with uniform directions, trained ones with both; of the wide net the convolution alone."""
    layers, words = (body, body[0]) if len(body) == 1 else (list(first), "mean over layers")
    untrained, trained = (table[layers].mean(axis=1) for table in (first, last))
    zero = np.zeros(len(first))
    for units, others, a, b in (
        ("untrained", "uniform directions", untrained, zero),
        ("trained", "uniform directions", trained, zero),
        ("trained", "untrained ones", trained, untrained),
    ):
        claimed = f"{network}, {words}: {units} units nearer to their centres than {others}, degrees"
        yield claimed, f"{units} units to their centres beside {others}", a, b


def agreement(gaps: pd.DataFrame, frames: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Spearman's correlation over the layers of each seed, and zeros to compare it with."""
    found = [spearmanr(gaps.loc[seed], frames.loc[seed], nan_policy="omit").statistic for seed in gaps.index]
    return np.array(found, float), np.zeros(len(found))


def narrow_claims(args: Args, arms: pd.DataFrame) -> list[dict[str, Any]]:
    """Test accuracy of narrow nets that start at the centres minus that of the others, early and at the end."""
    found = []
    steps = sorted(arms["step"].unique())
    for step in dict.fromkeys((steps[min(len(steps) // 2, len(steps) - 1)], steps[-1])):
        table = arms[arms["step"] == step].pivot(index="seed", columns="arm", values="test_accuracy")
        for arm in ("random", "picked", "untrained"):
            if {"centres", arm} <= set(table):
                words = f"narrow nets after {step} steps: test accuracy from the centres minus that from {alignment.ARMS[arm][0]}"
                topic = f"narrow nets from the centres after {step} steps beside others"
                ours = difference(table["centres"], table[arm])
                found.append(claim(words, ours, ("better", "worse"), topic, f"from {alignment.ARMS[arm][0]}"))
    return [each for each in found if each["ours"] is not None]


def claim(words: str, ours: dict[str, Any] | None, sides: tuple[str, str], topic: str, case: str) -> dict[str, Any]:
    """A claim with its difference and the word for the side that the interval is on; topic and case are the sentence's."""
    names = {"above": sides[0], "below": sides[1], "overlaps": "not told apart"}
    verdict = ours and names.get(ours["verdict"], ours["verdict"])
    if ours and ours["kind"] == "t":  # the effect size: the mean difference in its standard deviations over seeds
        half = ours["high"] - ours["mean"]
        ours = ours | {"effect": ours["mean"] * t_factor(ours["n"]) / half if half else None}
    return {"claim": words, "ours": ours, "verdict": verdict, "topic": topic, "case": case}


def t_factor(n: int) -> float:
    """Half a 95 % t-interval in standard deviations of a difference."""
    return float(t.ppf(0.975, n - 1) / np.sqrt(n))


def per_layer(key: tuple, rows: pd.DataFrame) -> dict[str, Any]:
    """A layer at the end of training, over seeds."""
    names = ("angle", "null_angle", "gap", "effect", "z", "p", "frame_excess", "frame_z", "coherence", "test_accuracy")
    return dict(zip(("network", "layer"), key, strict=True)) | {
        name: spread(rows[name]) for name in names if name in rows
    }


def overview(args: Args, layers: pd.DataFrame, arms: pd.DataFrame | None) -> tuple[list[str], list[list[str]]]:
    """The table of the screen and of the page of findings: a row for each layer, and for each start of the narrow net."""
    header = ["network", "layer", "units × fan-in", "angle, °", "of the null, °", "nearer than the null, °",
              "than untrained, °", "effect", "z", "excess frame potential", "at first", "test %"]  # fmt: skip
    lines, layers = (
        [],
        layers.reindex(columns=[*layers, *({"angle", "null_angle", "gap", "effect", "z"} - set(layers))]),
    )
    for (network, layer), rows in layers.groupby(["network", "layer"], sort=False):
        first, last = (rows[rows["step"] == step] for step in (0, args.steps))
        shape = f"{first['units'].iloc[0]} × {first['fan_in'].iloc[0]}"
        cells = [shown(last["angle"], 1), shown(last["null_angle"], 1), shown(last["gap"], 1)]
        cells += [ahead(difference(last["gap"], first["gap"])), shown(last["effect"], 2), shown(last["z"], 1)]
        cells += [shown(some["frame_excess"], 3) for some in (last, first)]
        lines.append([network, layer, shape, *cells, shown(last["test_accuracy"], 1, 100)])
    if arms is not None:
        last = arms[arms["step"] == args.steps]
        for arm, rows in last.groupby("arm", sort=False):
            name = f"narrow, from {alignment.ARMS[arm][0]}"
            lines.append([name, *[""] * (len(header) - 2), shown(rows["test_accuracy"], 2, 100)])
    return header, lines


def ahead(found: dict[str, Any] | None) -> str:
    """A difference with its interval, or range."""
    return "–" if found is None else f"{found['mean']:+.2f} [{found['low']:+.2f}, {found['high']:+.2f}]"


if __name__ == "__main__":
    runs.run_script(main)
