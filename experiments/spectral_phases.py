"""Does a smaller batch drive the spectra of weights from random-like to heavy-tailed, or is it that it takes more steps?

Martin & Mahoney 2018 (arXiv:1810.01075): MiniAlexNet on CIFAR-10, SGD with momentum 0.9 at a constant rate, nothing changed
but the batch size. From 500 down to 2 the dense layers go through random-like, bleeding-out, bulk and spikes, bulk-decay and
heavy-tailed. An epoch of small batches has more steps, so that here each net is looked at twice: after equal epochs, and after
equal steps. It is one training, whose rate is constant: the shorter budget is the beginning of the longer.

    python experiments/spectral_phases.py                               digits, 3 batch sizes, 2 seeds: about a minute on 2 cores
    python experiments/spectral_phases.py --preset subset               10,000 images of CIFAR-10, fewer filters, 5 seeds: an hour
    python experiments/spectral_phases.py --preset subset --rate-of 32  the control: learning rates in proportion to batch sizes
    python experiments/spectral_phases.py --preset paper                CIFAR-10, the authors' network and batch sizes: for a GPU

Convolutions are taken by their filters; matrices of fewer than 50 eigenvalues are left out, which have no phase to speak of.
The same command again continues a run that was stopped. `tensorboard --logdir runs` shows all layers while it runs.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import keras
import numpy as np
import pandas as pd
from tqdm import tqdm

from tfredundancy import datasets, models, runs
from tfredundancy.figures import phases
from tfredundancy.files import save_figure, write_csv, write_json
from tfredundancy.inspection import Record, Settings, records
from tfredundancy.inspection.logs import write_records
from tfredundancy.inspection.summaries import EventLog
from tfredundancy.lottery import Ticket, Trainer
from tfredundancy.lottery.controls import derived_seed, reinitialised
from tfredundancy.lottery.reports import difference, shown, spread, text_table
from tfredundancy.lottery.visits import Row, log_spaced, train_and_visit
from tfredundancy.numerics import spectra
from tfredundancy.runs import Monitored, RunDirectory, flag, positive

PRESETS = {
    "quick": dict(dataset="digits", image_size=16, train_examples=None, filters=(16, 64), batch_sizes=(4, 32, 256), epochs=20,
                  steps=300, seeds=2, visits=6),
    "subset": dict(dataset="cifar10", image_size=None, train_examples=10_000, filters=(32, 64), batch_sizes=(2, 8, 32, 128, 500),
                   epochs=12, steps=1500, seeds=5, visits=7),
    "paper": dict(dataset="cifar10", image_size=None, train_examples=None, filters=(96, 256), epochs=100, steps=140_000,
                  batch_sizes=(2, 4, 8, 16, 32, 50, 100, 150, 250, 500, 1000), seeds=5, visits=12),
}  # fmt: skip
PAPER = {
    "claim": "As the batch size falls from 500 to 2, the spectra of MiniAlexNet's dense layers go from random-like over "
    "bleeding-out, bulk and spikes, and bulk-decay to heavy-tailed. The first dense layer has about 0, 5, 9, 18, 33 and 52 "
    "spikes at batch sizes 250, 150, 32, 16, 8 and 4, read by eye from ten nets together in the authors' notebook.",
    "reference": "Martin & Mahoney 2018, arXiv:1810.01075",
}
FEWEST = 50  # eigenvalues
TRAIN_EXAMPLES_EVALUATED = 2000
COLUMNS = (
    "n", "m", "q", "phase", "spikes", "sigma2", "bulk_edge", "mp_ks", "mp_soft_rank", "stable_rank", "spectral_norm", "frobenius",
    "alpha", "alpha_sd", "n_tail", "alpha_p", "alpha_noise", "xmin", "ks", "tail", "reason",
)  # fmt: skip
VERDICTS = {"above": "as claimed", "below": "the opposite", "overlaps": "not told apart"}


@dataclass(frozen=True, kw_only=True)
class Args(Monitored):
    """The flags; what is not given comes from the preset."""

    dataset: str = flag(None, "The data set to train on.", choices=datasets.NAMES)
    train_examples: int | None = flag(None, "Training examples; all where not given.", parse=positive)
    image_size: int | None = flag(None, "Resize images to this many pixels.", parse=positive)
    filters: tuple[int, ...] = flag(None, "Filters of the convolutions.", parse=positive)
    batch_sizes: tuple[int, ...] = flag(None, "Batch sizes to compare.", parse=positive)
    epochs: int = flag(None, "Epochs of the budget of equal epochs.", parse=positive)
    steps: int = flag(None, "Steps of the budget of equal steps.", parse=positive)
    visits: int = flag(None, "How often a training is looked at, at even ratios of its steps.", parse=positive)
    learning_rate: float = flag(0.01, "The learning rate, constant in training.")
    rate_of: int | None = flag(
        None,
        "The batch size that has this learning rate, the others in proportion; all have it where not given.",
        parse=positive,
    )
    momentum: float = flag(0.9, "The momentum.")
    batch_norm: bool = flag(True, "BatchNorm after each pooling, as in the authors' networks.")
    replicates: int = flag(200, "Replicates of the bootstrap behind the trust in alpha.", parse=positive)


def main() -> None:
    """Parse the flags; train, look, write what was found."""
    args = runs.parse(Args, PRESETS, description=__doc__)
    runs.deterministic()
    size = dict(image_size=args.image_size, train_examples=args.train_examples)
    with runs.checking_arguments():
        data = datasets.load(args.dataset, data_dir=args.data_dir, **size)
        for batch_size in args.batch_sizes:
            datasets.steps_per_epoch(len(data.train[1]), batch_size)
        compiled(args, data)
    few = tuple(array[:TRAIN_EXAMPLES_EVALUATED] for array in data.train)
    data = replace(
        data, validation=few, augmentation=None
    )  # what is evaluated beside the test examples is training accuracy
    prefix = f"{args.preset}-{args.dataset}"
    with (
        RunDirectory.open(args.out, "spectral_phases", runs.settings(args), prefix=prefix, fresh=args.fresh) as run,
        runs.strategy_scope(args.strategy),
    ):
        rows, timings = train(run, args, data)
        curves = pd.DataFrame(rows)
        results = at_budgets(curves, args, len(data.train[1]))
        for name, table in {"curves": curves, "results": results}.items():
            write_csv(run / f"{name}.csv", table.drop(columns="eigenvalues"))
        write_csv(run / "timings.csv", timings)
        report(run, args, results, curves)


def budgets(args: Args, examples: int, batch_size: int) -> dict[str, int]:
    """Steps of each budget."""
    return {"epochs": args.epochs * datasets.steps_per_epoch(examples, batch_size), "steps": args.steps}


def train(run: RunDirectory, args: Args, data: datasets.Splits) -> tuple[list[Row], list[Row]]:
    """Train a net for each batch size and seed, for the longer of its budgets → rows of curves.csv and clock times."""
    rows, timings = [], []
    ends = {size: budgets(args, len(data.train[1]), size).values() for size in args.batch_sizes}
    with tqdm(total=args.seeds * sum(map(max, ends.values())), unit="step", smoothing=0.05, dynamic_ncols=True) as bar:
        for batch_size in args.batch_sizes:
            trainer = Trainer(compiled(args, data), data, batch_size=batch_size)
            first = Ticket.take(trainer.model)
            for seed in range(args.seeds):
                bar.set_description(f"batch size {batch_size}, seed {seed}")
                name = f"batch{batch_size}-seed{seed}"
                log = EventLog(run / "events" / name) if args.monitor else None
                visited = train_and_visit(
                    trainer,
                    reinitialised(trainer.model, first, derived_seed(f"initial {seed}")),
                    partial(visit, args, trainer, ends[batch_size], seed, log),
                    at=sorted({*log_spaced(max(ends[batch_size]), args.visits), *ends[batch_size]}),
                    seed=seed,
                    rate=partial(np.full_like, fill_value=learning_rate(args, batch_size), dtype=np.float64),
                    keep_net=False,
                    file=run / "checkpoints" / f"{name}.npz",
                    checkpoint_every=args.checkpoint_seconds,
                    advance=bar.update,
                )
                rows += [{"seed": seed, "batch_size": batch_size, **row} for row in visited.rows]
                timings.append({"seed": seed, "batch_size": batch_size, "seconds": visited.seconds})
    return rows, timings


def learning_rate(args: Args, batch_size: int) -> float:
    """The learning rate of a batch size: the paper's is the same for all, which leaves small batches the noisier steps."""
    return args.learning_rate * (batch_size / args.rate_of if args.rate_of else 1.0)


def compiled(args: Args, data: datasets.Splits) -> keras.Model:
    """MiniAlexNet with plain SGD and momentum."""
    shape = dict(filters=args.filters, batch_norm=args.batch_norm)
    model = models.mini_alexnet(data.input_shape, data.classes, **shape)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(args.learning_rate, momentum=args.momentum), loss)
    return model


def visit(
    args: Args, trainer: Trainer, ends: list[int], seed: int, log: EventLog | None, step: int, loss: float | None
) -> list[Row]:
    """How good the net is, and the spectrum of each of its matrices; with a log, angles too, and all of it for TensorBoard."""
    train, test = trainer.evaluate("validation"), trainer.evaluate("test")
    epoch = step / datasets.steps_per_epoch(len(trainer.data.train[1]), trainer.batch_size)
    accuracies = dict(train_accuracy=train.accuracy, test_accuracy=test.accuracy, test_loss=test.loss)
    net = dict(epoch=epoch, train_loss=loss, **accuracies)
    measures = ("spectrum", "tail") if log is None else ("spectrum", "tail", "geometry")
    settings = Settings(measures=measures, replicates=args.replicates, seed=seed)
    found = list(records(trainer.model, spectra="filters", settings=settings))
    if (
        log is not None
    ):  # before the checkpoint: a training that was killed in between measures and skips this step again
        write_records(log, [(step, {name: value for name, value in net.items() if value is not None})], found)
    large = (each for each in found if min(each.row.get(side, 0) for side in ("units", "fan_in")) >= FEWEST)
    return [net | spectral_row(record, seed == 0 and step in ends) for record in large]


def spectral_row(record: Record, keep_eigenvalues: bool) -> Row:
    """What is told of one matrix; a test's margin is its value over its limit, 1 on the border."""
    row = {"layer": record.row["layer"], **{name: record.row.get(name) for name in COLUMNS}, "eigenvalues": None}
    found = record.spectrum
    if found is None or found.bulk is None:
        return row
    phase = spectra.phase(found.eigenvalues, row["q"], bulk=found.bulk, tail=found.tail, tail_p=row["alpha_p"])
    margins = {f"margin_{test}": value / limit for test, (value, limit) in phase.margins.items()}
    return row | {"phase": phase.label, "eigenvalues": found.eigenvalues if keep_eigenvalues else None, **margins}


def at_budgets(curves: pd.DataFrame, args: Args, examples: int) -> pd.DataFrame:
    """Rows of results.csv: the curves where a budget ends."""
    found = []
    for batch_size, rows in curves.groupby("batch_size"):
        for budget, steps in budgets(args, examples, batch_size).items():
            found.append(rows[rows["step"] == steps].assign(budget=budget))
    results = pd.concat(found, ignore_index=True)
    return results[["seed", "budget", *(name for name in results if name not in ("seed", "budget"))]]


def report(run: RunDirectory, args: Args, results: pd.DataFrame, curves: pd.DataFrame) -> None:
    """Figures, summary.json, and the table on the screen."""
    drawn = {
        "phases": phases.phase_against_batch_size(results),
        "measures": phases.measures_against_batch_size(results),
        "accuracy": phases.accuracy_against_batch_size(results),
        "noise_against_rank": phases.noise_against_rank(curves),
    }
    for layer, rows in results[results["eigenvalues"].notna()].groupby("layer"):
        drawn[f"spectra_{layer}"] = phases.spectra_against_batch_size(rows, title=f"{layer}, seed 0")
    for name, figure in drawn.items():
        save_figure(run / "figures" / name, figure)
    header, rows = overview(results)
    summary = {
        "experiment": "spectral_phases",
        "command": runs.command("experiments/spectral_phases.py", args, PRESETS),
        "paper": PAPER,
        "note": reduction(args),
        "seeds": args.seeds,
        "claims": claims(results),
        "layers": [per_net(key, of_net) for key, of_net in results.groupby(["budget", "layer", "batch_size"])],
        "table": {"header": header, "rows": rows},
        "picture": "figures/phases.png",
    }
    write_json(run / "summary.json", summary)
    print(text_table(header, rows))
    print(f"results, figures and summary: {run.path}")


def reduction(args: Args) -> str:
    """What is less here than in the paper, where something is."""
    paper, names = PRESETS["paper"], ("dataset", "train_examples", "filters", "epochs")
    if not args.rate_of and all(getattr(args, name) == paper[name] for name in names):
        return ""
    images = f"{args.train_examples:,} images of " if args.train_examples else ""
    scaled = (
        f"learning rates in proportion to batch sizes, {args.learning_rate} for {args.rate_of}; "
        if args.rate_of
        else ""
    )
    return (
        f"{scaled}{images}{args.dataset}, {' and '.join(map(str, args.filters))} filters, {args.epochs} epochs or "
        f"{args.steps} steps; the paper has 96 and 256 filters and 100 epochs of CIFAR-10"
    )


def claims(results: pd.DataFrame) -> list[dict[str, Any]]:
    """For each dense layer and budget: is the smallest batch's spectrum further along than the greatest one's?

    And does it fit the training examples as well? A net that has not learned has another reason for its spectrum.
    """
    small, great = results["batch_size"].min(), results["batch_size"].max()
    results = results.assign(place=results["phase"].map({phase: i for i, phase in enumerate(phases.PHASES)}))
    dense, found = results[results["layer"].str.startswith("hidden")], []
    for (layer, budget), rows in dense.groupby(["layer", "budget"]):
        for column, words in (("spikes", "spikes"), ("place", "phases")):
            table = rows.pivot(index="seed", columns="batch_size", values=column)
            change = difference(table[small], table[great])
            if change is not None:
                claim = f"{layer}, equal {budget}: {words} that batch size {small} is ahead of {great}"
                verdict = VERDICTS.get(change["verdict"], change["verdict"])
                found.append({"claim": claim, "ours": change, "verdict": verdict})
    for budget, rows in dense.groupby("budget"):
        table = rows.groupby(["seed", "batch_size"])["train_accuracy"].first().unstack()
        change = difference(table[small], table[great])
        if change is not None:
            claim = f"equal {budget}: training accuracy of batch size {small} minus that of {great}"
            verdict = {"above": "fits better", "below": "fits worse"}.get(change["verdict"], change["verdict"])
            found.append({"claim": claim, "ours": change, "verdict": VERDICTS.get(verdict, verdict)})
    return found


def per_net(key: tuple, rows: pd.DataFrame) -> dict[str, Any]:
    """A layer at a batch size and a budget, over seeds."""
    measures = (*phases.MEASURES, "alpha_noise", "alpha_p", "train_accuracy", "test_accuracy")
    return {
        **dict(zip(("budget", "layer", "batch_size"), key, strict=True)),
        "steps": int(rows["step"].iloc[0]),
        "phases": rows["phase"].fillna("diverged").value_counts().to_dict(),
        "tails": rows["tail"].fillna("none").value_counts().to_dict(),
        **{name: spread(rows[name]) for name in measures},
    }


def overview(results: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    """The table of the screen and of the page of findings: a row for each budget, dense layer and batch size."""
    header = ["budget", "layer", "batch", "steps", "train %", "test %", "phase", "spikes", "soft rank", "stable rank",
              "σ² × 1000", "alpha (on noise)", "tail"]  # fmt: skip
    dense, lines = results[results["layer"].str.startswith("hidden")], []
    for (budget, layer, batch_size), rows in dense.groupby(["budget", "layer", "batch_size"]):
        accuracies = [shown(rows[f"{split}_accuracy"], 1, 100) for split in ("train", "test")]
        measures = [shown(rows["spikes"], 0), shown(rows["mp_soft_rank"], 2), shown(rows["stable_rank"], 1)]
        alpha = f"{shown(rows['alpha'], 1)} ({shown([rows['alpha_noise'].mean()], 1)})"
        words = [counted(rows[name]) for name in ("phase", "tail")]
        key = [budget, layer, str(batch_size), str(rows["step"].iloc[0])]
        lines.append([*key, *accuracies, words[0], *measures, shown(rows["sigma2"], 2, 1000), alpha, words[1]])
    return header, lines


def counted(words: pd.Series) -> str:
    """Words over seeds, those that differ with their numbers: "bulk-decay", or "3 bulk-decay, 2 heavy-tailed"."""
    counts = words.fillna("none").value_counts()
    return counts.index[0] if len(counts) == 1 else ", ".join(f"{number} {word}" for word, number in counts.items())


if __name__ == "__main__":
    runs.run_script(main)
