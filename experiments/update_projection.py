"""How many singular directions of what training changed does a network need?

Nagarajan & Kolter 2019 (arXiv:1902.04742): of the update W − Z of each layer, trained weights minus initial ones, the 16
largest of 1024 singular directions, kept in all layers at once, keep the accuracy; what they leave out has no small spectral
norm. Here beside what could refute it: all the other directions, as many at random, the largest of W itself. An MLP of ReLU
layers without biases on pixels in [0, 1], plain SGD until 99 % of the training examples have margin 10, as in the authors'
code; only their loss is a sigmoid cross-entropy, and ours the softmax one.

    python experiments/update_projection.py                             digits, 4 × 1024, 2 seeds: about 2 minutes on 2 cores
    python experiments/update_projection.py --preset paper              4096 examples of MNIST, 5 × 1024, 5 seeds

The same command again continues a run that was stopped.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import keras
import numpy as np
import pandas as pd
from keras import ops
from tqdm import tqdm

from tfredundancy import datasets, models, runs
from tfredundancy.figures.projections import LABELS, accuracy_against_rank, residual_and_energy
from tfredundancy.files import save_figure, write_csv, write_json
from tfredundancy.lottery import Ticket, Trainer
from tfredundancy.lottery.controls import derived_seed, reinitialised
from tfredundancy.lottery.projection import ARMS, Projections
from tfredundancy.lottery.reports import difference, shown, spread, text_table
from tfredundancy.lottery.visits import Row, train_and_visit
from tfredundancy.numerics import spectra
from tfredundancy.numerics.capacity import margins
from tfredundancy.runs import Common, RunDirectory, flag, fraction, positive

PRESETS = {
    "quick": dict(dataset="digits", seeds=2, depth=4, width=1024, train_examples=None, epochs=60),
    "paper": dict(dataset="mnist", seeds=5, depth=5, width=1024, train_examples=4096, epochs=300),
}
PAPER = {
    "claim": "The 16 largest of 1024 singular directions of the update, kept in all layers at once, keep the test accuracy; the "
    "spectral norm of what they leave out is not small.",
    "reference": "Nagarajan & Kolter 2019, arXiv:1902.04742",
}
CLAIMED = 16  # directions
TOLERANCE = 0.005  # the accuracy is kept where the interval of its change lies above minus half a point
TABLES = ("curves", "results", "directions", "layers")


@dataclass(frozen=True, kw_only=True)
class Args(Common):
    """The flags; what is not given comes from the preset."""

    dataset: str = flag(None, "The data set to train on.", choices=datasets.NAMES)
    train_examples: int | None = flag(None, "Training examples; all where not given.", parse=positive)
    image_size: int | None = flag(None, "Resize images to this many pixels.", parse=positive)
    depth: int = flag(None, "Hidden layers.", parse=positive)
    width: int = flag(None, "Units of a hidden layer.", parse=positive)
    learning_rate: float = flag(0.1, "The learning rate of plain SGD.")
    batch_size: int = flag(64, "Examples a step.", parse=positive)
    epochs: int = flag(None, "Most epochs; training ends before, where the margins are reached.", parse=positive)
    margin: float = flag(10.0, "The margin that ends the training.")
    threshold: float = flag(0.99, "The fraction of the training examples that must have it.", parse=fraction)
    ranks: tuple[int, ...] = flag(
        (0, 1, 2, 4, 8, 10, 16, 32, 64, 128, 256, 512, 1024), "Numbers of directions, as far as there are as many."
    )
    arms: tuple[str, ...] = flag(ARMS, "Which directions are kept.", choices=ARMS)


def main() -> None:
    """Parse the flags; train, project, write what was found."""
    args = runs.parse(Args, PRESETS, description=__doc__)
    runs.deterministic()
    size = dict(image_size=args.image_size, train_examples=args.train_examples)
    with runs.checking_arguments():
        data = datasets.load(args.dataset, data_dir=args.data_dir, **size)
        datasets.steps_per_epoch(len(data.train[1]), args.batch_size)
    data = replace(data, mean=np.zeros_like(data.mean), std=np.ones_like(data.std))  # pixels in [0, 1]
    prefix = f"{args.preset}-{args.dataset}-{args.depth}x{args.width}"
    with (
        RunDirectory.open(args.out, "update_projection", runs.settings(args), prefix=prefix, fresh=args.fresh) as run,
        runs.strategy_scope(args.strategy),
    ):
        model = models.mlp(data.input_shape, data.classes, hidden=(args.width,) * args.depth, use_bias=False)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(args.learning_rate), loss)
        rows, timings = train(run, args, Trainer(model, data, batch_size=args.batch_size))
        tables = {name: pd.DataFrame([row for table, row in rows if table == name]) for name in TABLES}
        for name, table in tables.items():
            write_csv(run / f"{name}.csv", table)
        write_csv(run / "timings.csv", timings)
        report(run, args, tables)


def train(run: RunDirectory, args: Args, trainer: Trainer) -> tuple[list[tuple[str, Row]], list[Row]]:
    """Train and project a net for each seed → (table, row)s and clock times."""
    first = Ticket.take(trainer.model)
    epoch = datasets.steps_per_epoch(len(trainer.data.train[1]), args.batch_size)
    at = range(0, args.epochs * epoch + 1, epoch)
    rows, timings = [], []
    with tqdm(total=args.seeds * at[-1], unit="step", smoothing=0.05, dynamic_ncols=True) as bar:
        for seed in range(args.seeds):
            start = reinitialised(trainer.model, first, derived_seed(f"initial {seed}"))
            visited = train_and_visit(
                trainer,
                start,
                partial(visit, args, trainer, start, seed, at[-1]),
                at=at,
                seed=seed,
                rate=lambda steps: np.full(len(steps), args.learning_rate),
                until=lambda found: found[-1]["table"] != "curves",
                keep_net=False,
                file=run / "checkpoints" / f"seed{seed}.npz",
                checkpoint_every=args.checkpoint_seconds,
                advance=bar.update,
            )
            rows += [
                (row["table"], {"seed": seed} | {k: v for k, v in row.items() if k != "table"}) for row in visited.rows
            ]
            timings.append({"seed": seed, "seconds": visited.seconds})
    return rows, timings


def visit(
    args: Args, trainer: Trainer, start: Ticket, seed: int, last: int, step: int, loss: float | None
) -> list[Row]:
    """How far the training is; where it is over, also what becomes of the net when its update is projected."""
    test = trainer.evaluate("test")
    reached = float(np.mean(margins(train_logits(trainer), trainer.data.train[1]) >= args.margin))
    row = dict(train_loss=loss, margin_reached=reached, test_loss=test.loss, test_accuracy=test.accuracy)
    over = step == last or (step > 0 and reached >= args.threshold)
    return [{"table": "curves", **row}, *(projections(args, trainer, start, seed) if over else [])]


def train_logits(trainer: Trainer, batch: int = 500) -> np.ndarray:
    """The net's logits for the training examples."""
    images = trainer.data.train[0]
    parts = [trainer.data.normalise(images[i : i + batch]) for i in range(0, len(images), batch)]
    return np.concatenate([ops.convert_to_numpy(trainer.model(part, training=False)) for part in parts])


def projections(args: Args, trainer: Trainer, start: Ticket, seed: int) -> Iterator[Row]:
    """Rows of results.csv, directions.csv and layers.csv. The trained net is there again at the end."""
    trained = Ticket.take(trainer.model)
    nets = Projections(trained.variables, start.variables, seed=seed)
    ranks = sorted({rank for rank in args.ranks if rank < nets.most} | {nets.most})
    for arm in args.arms:
        for rank in ranks:
            replace(trained, variables=nets.net(arm, rank)).rewind(trainer.model)
            test = trainer.evaluate("test")
            yield dict(table="results", arm=arm, rank=rank, test_accuracy=test.accuracy, test_loss=test.loss)
    trained.rewind(trainer.model)
    for path, kernel in trained.variables.items():
        yield from left_out(path.removesuffix("/kernel"), kernel, start.variables[path], ranks)


def left_out(layer: str, kernel: np.ndarray, initial: np.ndarray, ranks: list[int]) -> Iterator[Row]:
    """s_{k+1}/s₁ and energy of one layer's update for each k, and the norms that they are to be compared with."""
    update = spectra.update_spectrum(kernel, initial)
    residual, energy = np.append(1.0, update.residual), np.append(0.0, update.energy)
    for rank in ranks:
        k = min(rank, len(update.energy))
        yield dict(table="directions", layer=layer, rank=rank, residual=residual[k], energy=energy[k])
    norms = {"weights": kernel, "initial": initial, "update": kernel - initial}
    yield {
        "table": "layers",
        "layer": layer,
        **dict(zip(("fan_in", "units"), kernel.shape, strict=True)),
        **{f"{name}_norm": np.linalg.norm(matrix, 2) for name, matrix in norms.items()},
        "update_stable_rank": spectra.stable_rank(kernel - initial),
    }


def report(run: RunDirectory, args: Args, tables: dict[str, pd.DataFrame]) -> None:
    """Figures, summary.json, and the table on the screen."""
    results, directions = tables["results"], tables["directions"]
    begins, ends = (tables["curves"].groupby("seed").nth(place).set_index("seed") for place in (0, -1))
    trained, initial = ends["test_accuracy"], begins["test_accuracy"]
    save_figure(run / "figures" / "accuracy_against_rank", accuracy_against_rank(results, trained, initial))
    save_figure(run / "figures" / "residual_and_energy", residual_and_energy(directions))
    header, rows = overview(results, directions)
    note = reduction(args, ends["margin_reached"])
    summary = {
        "experiment": "update_projection",
        "command": runs.command("experiments/update_projection.py", args, PRESETS),
        "paper": PAPER,
        "note": note,
        "seeds": args.seeds,
        "initial": {"test_accuracy": spread(initial)},
        "trained": {name: spread(ends[name]) for name in ("test_accuracy", "step", "margin_reached")},
        "claims": claims(results, directions, trained),
        "arms": {arm: by_rank(of_arm, trained) for arm, of_arm in results.groupby("arm", sort=False)},
        "table": {"header": header, "rows": rows},
        "picture": "figures/accuracy_against_rank.png",
    }
    write_json(run / "summary.json", summary)
    print(text_table(header, rows))
    print(
        f"trained: test accuracy {shown(trained, 2, 100)} % after {shown(ends['step'], 0)} steps"
        + f"\n{note}" * bool(note)
    )
    print(f"results, figures and summary: {run.path}")


def reduction(args: Args, reached: pd.Series) -> str:
    """What is less here than in the paper, where something is."""
    paper, notes = PRESETS["paper"], []
    if any(getattr(args, name) != paper[name] for name in ("dataset", "depth", "width", "train_examples")):
        notes.append(f"{args.depth} × {args.width} on {args.dataset}; the paper has 5 × 1024 on 4096 examples of MNIST")
    short = int((reached < args.threshold).sum())
    return "; ".join(notes + [f"{short} of {len(reached)} nets ended before the margins were reached"] * bool(short))


def claims(results: pd.DataFrame, directions: pd.DataFrame, trained: pd.Series) -> list[dict[str, Any]]:
    """The paper's two claims, each with what was found and a verdict."""
    top = results[(results["arm"] == "top") & (results["rank"] == CLAIMED)].set_index("seed")["test_accuracy"]
    if top.empty:
        return []
    left = directions[(directions["rank"] == CLAIMED) & directions["layer"].str.startswith("hidden")]
    change = difference(top, trained)
    return [
        {"claim": "the 16 largest directions keep the test accuracy", "ours": change, "verdict": keeps(change)},
        {
            "claim": "s₁₇/s₁, the spectral norm that they leave out of a hidden layer's update, is not small",
            "ours": spread(left["residual"]),
            "verdict": "the paper gives no figure to compare with",
        },
    ]


def keeps(change: dict[str, Any]) -> str:
    """Whether a change of accuracy is at most half a point to the worse: "holds", "fails", "undecided", "too few seeds"."""
    if change["kind"] == "range":
        return "too few seeds"
    if change["low"] > -TOLERANCE:
        return "holds"
    return "fails" if change["high"] < -TOLERANCE else "undecided"


def by_rank(results: pd.DataFrame, trained: pd.Series) -> list[dict[str, Any]]:
    """The accuracy of one arm for each k, and its difference to the trained net's."""
    ranks = {rank: rows.set_index("seed")["test_accuracy"] for rank, rows in results.groupby("rank")}
    return [
        {"rank": rank, "test_accuracy": spread(accuracy), "minus_trained": difference(accuracy, trained)}
        for rank, accuracy in ranks.items()
    ]


def overview(results: pd.DataFrame, directions: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    """The table of the screen and of the page of findings: accuracies per k and arm, and what hidden layers leave out."""
    arms = list(dict.fromkeys(results["arm"]))
    hidden = directions[directions["layer"].str.startswith("hidden")]
    header = ["k", *(f"{LABELS[arm][0]}, %" for arm in arms), "s_k+1/s_1, %", "energy, %"]
    rows = []
    for rank, of_rank in results.groupby("rank"):
        left = hidden[hidden["rank"] == rank]
        accuracies = [shown(of_rank[of_rank["arm"] == arm]["test_accuracy"], 2, 100) for arm in arms]
        rows.append([str(rank), *accuracies, shown(left["residual"], 1, 100), shown(left["energy"], 1, 100)])
    return header, rows


if __name__ == "__main__":
    runs.run_script(main)
