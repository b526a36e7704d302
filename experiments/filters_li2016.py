"""Do the filters that pruning keeps, or their weights, make a narrow net good?

Li et al. 2016 (arXiv:1608.08710) take the filters of least L1 norm out of trained nets and fine-tune what is left: the accuracy
returns, and the narrow net trained from scratch stays below it. Liu et al. 2019 (arXiv:1810.05270): with as many steps as the
pruned net had, training from scratch does as well. Renda et al. 2020 (arXiv:2003.02389): after a long retraining rewinding the
learning rate does best. Here the nets are pruned by the paper's counts, made smaller for real, and trained on in four ways.

    python experiments/filters_li2016.py                            ResNet-20 on digits, 2 seeds: about 2 minutes on 2 cores
    python experiments/filters_li2016.py --preset reduced           CIFAR-10 at 16 × 16 pixels, 500 steps, 3 seeds: an hour
    python experiments/filters_li2016.py --preset paper             ResNet-56-B on CIFAR-10, 160 epochs, 5 seeds: for a GPU
    python experiments/filters_li2016.py --preset paper --net vgg_16_a      VGG-16-A: for a GPU
    python experiments/filters_li2016.py --preset paper --retrain-steps 28120 --arms finetune    40 epochs, as Li et al. fine-tune

    arm            starts from               learning rate                     steps   all steps
    pruned         the kept weights          –                                 0       T
    finetune       the kept weights          the last one                      R       T + R
    lr_rewind      the kept weights          the schedule, from step T − R     R       T + R
    reinit         fresh weights             the schedule                      T       T
    reinit_total   fresh weights             the schedule, stretched           T + R   T + R
    dense_total    the whole net, fresh      the schedule, stretched           T + R   T + R

The same command again continues a run that was stopped.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import keras
import numpy as np
import pandas as pd
from tqdm import tqdm

import tfredundancy as tfr
from tfredundancy import datasets, models, runs
from tfredundancy.figures.arms import accuracy_of_arms
from tfredundancy.files import save_figure, write_csv, write_json
from tfredundancy.lottery import Ticket, Trainer
from tfredundancy.lottery.controls import derived_seed, reinitialised
from tfredundancy.lottery.reports import difference, shown, spread, text_table
from tfredundancy.lottery.visits import Row, train_and_visit
from tfredundancy.models.li2016 import NETS, PrunedNet, kept_filters
from tfredundancy.pruning.comparing import outputs_difference
from tfredundancy.runs import Common, RunDirectory, flag, positive

PRESETS = {
    "quick": dict(dataset="digits", image_size=None, net="resnet_20_b", seeds=2, steps=150, batch_size=64, evaluate_every=30,
                  learning_rate=0.05),
    "reduced": dict(dataset="cifar10", image_size=16, net="resnet_20_b", seeds=3, steps=500, batch_size=128,
                    evaluate_every=100, learning_rate=0.1),
    "paper": dict(dataset="cifar10", image_size=None, net="resnet_56_b", seeds=5, steps=112_480, batch_size=64,
                  evaluate_every=703, learning_rate=0.1),
}  # fmt: skip
PAPER = {
    "claim": "ResNet-56-B: 93.06 % fine-tuned, 93.04 % before pruning, 91.31 % from scratch; VGG-16-A: 93.40, 93.25 and 93.12 %. "
    "Liu et al. 2019 find 93.05 ± 0.18 % from scratch for ResNet-56-B at an equal number of multiply–adds.",
    "reference": "Li et al. 2016, arXiv:1608.08710, table 1; Liu et al. 2019, arXiv:1810.05270",
}
# not a net of the paper: the fractions of ResNet-56-B, the blocks where the width changes left whole
RESNET_20_B = PrunedNet(
    partial(models.resnet, 20, shortcut="identity_pad"),
    kept_filters(20, (0.6, 0.3, 0.1), (8, 14)),
    parameters=-0.135,
    flops=-0.316,
)
ALL_NETS = {**NETS, "resnet_20_b": RESNET_20_B}
ARMS = ("finetune", "lr_rewind", "reinit", "reinit_total", "dense_total")
WHOLE = ("dense", "dense_total")  # the others train the narrow net
CLAIMS = (  # claim, arm, the arm that it is compared with
    ("fine-tuned, the narrow net is as good as the whole one", "finetune", "dense"),
    ("the kept weights, fine-tuned, do better than fresh ones trained as long", "finetune", "reinit"),
    (
        "the kept weights, the learning rate rewound, do better than fresh ones at all steps",
        "lr_rewind",
        "reinit_total",
    ),
    ("rewinding the learning rate does better than fine-tuning", "lr_rewind", "finetune"),
    ("trained for all steps, the fresh narrow net is as good as the whole one", "reinit_total", "dense_total"),
)


@dataclass(frozen=True, kw_only=True)
class Args(Common):
    """The flags; what is not given comes from the preset."""

    dataset: str = flag(None, "The data set to train on.", choices=datasets.NAMES)
    net: str = flag(None, "The net and how it is pruned.", choices=tuple(ALL_NETS))
    criterion: str = flag("l1", "The score of a filter.", choices=("l1", "l2", "random"))
    arms: tuple[str, ...] = flag(ARMS, "What is trained beside the dense net.", choices=ARMS)
    steps: int = flag(None, "T, steps of a full training.", parse=positive)
    retrain_steps: int | None = flag(None, "R, steps of a retraining; T where not given.", parse=positive)
    batch_size: int = flag(None, "Examples a step.", parse=positive)
    evaluate_every: int = flag(None, "Steps between evaluations.", parse=positive)
    learning_rate: float = flag(None, "The first learning rate; it is divided by 10 at 1/2 and 3/4 of the steps.")
    weight_decay: float = flag(1e-4, "L2, as PyTorch counts it.")
    image_size: int | None = flag(None, "Resize images to this many pixels; digits have 8.", parse=positive)

    @property
    def retraining(self) -> int:
        """R."""
        return self.retrain_steps or self.steps


def main() -> None:
    """Parse the flags; train, prune, shrink, train on, write what was found."""
    args = runs.parse(Args, PRESETS, description=__doc__)
    runs.deterministic()
    with runs.checking_arguments():
        data = loaded(args)
        whole = compiled(args, data)
        datasets.steps_per_epoch(len(data.train[1]), args.batch_size)
        if args.retraining > args.steps:
            raise ValueError(f"`retrain_steps` must not exceed steps={args.steps}. Received: {args.retrain_steps}")
    prefix = f"{args.preset}-{args.dataset}-{args.net}"
    with (
        RunDirectory.open(args.out, "filters_li2016", runs.settings(args), prefix=prefix, fresh=args.fresh) as run,
        runs.strategy_scope(args.strategy),
    ):
        narrow = compiled(args, data, filters=ALL_NETS[args.net].kept)
        trainers = {"whole": Trainer(whole, data, batch_size=args.batch_size)}
        trainers["narrow"] = Trainer(narrow, data, batch_size=args.batch_size)
        curves, timings, checks = train(run, args, trainers)
        report(run, args, trainers, curves, timings, checks)


def loaded(args: Args) -> datasets.Splits:
    """The data; where images are resized, the crops shift them by as large a part of their width."""
    data = datasets.load(args.dataset, data_dir=args.data_dir, image_size=args.image_size)
    if args.image_size is None or data.augmentation is None:
        return data
    pad = max(1, round(data.augmentation.pad * args.image_size / 32))
    return replace(data, augmentation=replace(data.augmentation, pad=pad))


def compiled(args: Args, data: datasets.Splits, **settings) -> keras.Model:
    """The net, SGD with momentum 0.9; the learning rate comes step by step."""
    settings |= dict(input_shape=data.input_shape, classes=data.classes, weight_decay=args.weight_decay)
    model = ALL_NETS[args.net].build(**settings)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(args.learning_rate, momentum=0.9), loss)
    return model


def train(run: RunDirectory, args: Args, trainers: dict[str, Trainer]) -> tuple[list[Row], list[Row], list[Row]]:
    """Train, prune, shrink and train on, seed after seed → rows of curves.csv, of timings.csv, and checks of the shrinking."""
    first = {name: Ticket.take(trainer.model) for name, trainer in trainers.items()}
    curves, timings, checks = [], [], []
    lengths = {arm: length(args, arm) for arm in ("dense", *args.arms)}
    with tqdm(total=args.seeds * sum(lengths.values()), unit="step", smoothing=0.05, dynamic_ncols=True) as bar:
        for seed in range(args.seeds):
            kept = None
            for arm, steps in lengths.items():
                which = "whole" if arm in WHOLE else "narrow"
                trainer = trainers[which]
                fresh = partial(reinitialised, trainer.model, seed=derived_seed(f"initial {seed} {arm}"))
                start = kept if arm in ("finetune", "lr_rewind") else fresh(first[which])
                bar.set_description(f"seed {seed} {arm}", refresh=False)
                visited = train_and_visit(
                    trainer,
                    start,
                    partial(visit, trainer, steps),
                    at=[*range(0, steps, args.evaluate_every), steps],
                    seed=derived_seed(f"data {seed} {arm}"),
                    rate=rate(args, arm),
                    keep_net=arm == "dense",
                    file=run / "checkpoints" / f"seed{seed}-{arm}.npz",
                    checkpoint_every=args.checkpoint_seconds,
                    advance=bar.update,
                )
                curves += [{"seed": seed, "arm": arm, **row} for row in visited.rows]
                timings.append({"seed": seed, "arm": arm, "seconds": visited.seconds})
                if arm == "dense":
                    kept, check = shrunk(args, trainers, first, seed, visited.net)
                    checks.append({"seed": seed, **check})
    return curves, timings, checks


def length(args: Args, arm: str) -> int:
    """Steps of this training."""
    if arm.endswith("_total"):
        return args.steps + args.retraining
    return args.steps if arm in ("dense", "reinit") else args.retraining


def rate(args: Args, arm: str) -> Callable[[np.ndarray], np.ndarray]:
    """Steps of this training → learning rates."""
    whole, last = args.steps, args.steps - 1
    at = {
        "finetune": lambda steps: np.full(len(steps), last),
        "lr_rewind": lambda steps: whole - args.retraining + steps,
        "dense": lambda steps: steps,
        "reinit": lambda steps: steps,
    }.get(arm, lambda steps: steps * whole // (whole + args.retraining))

    def rates(steps):
        divisions = np.int64(at(steps) >= whole // 2) + (at(steps) >= whole * 3 // 4)
        return args.learning_rate * 0.1**divisions

    return rates


def visit(trainer: Trainer, last: int, step: int, loss: float | None) -> list[Row]:
    """How far the training is; the test images are looked at in the beginning and at the end only."""
    found = trainer.evaluate("validation")
    row = dict(train_loss=loss, validation_loss=found.loss, validation_accuracy=found.accuracy)
    return [row | {"test_accuracy": trainer.evaluate("test").accuracy if step in (0, last) else None}]


def shrunk(args: Args, trainers, first: dict[str, Ticket], seed: int, net: dict[str, np.ndarray]) -> tuple[Ticket, Row]:
    """The trained net without the filters of least norm, as a starting point of the narrow one; and that it is the masked one."""
    model = trainers["whole"].model
    replace(first["whole"], variables=net).rewind(model)
    pruned = tfr.prune_units(model, ALL_NETS[args.net].kept, criterion=args.criterion, seed=seed)
    small = tfr.shrink(pruned)
    images = trainers["whole"].data.normalise(trainers["whole"].data.test[0][:200])
    apart = outputs_difference(pruned, small, images)
    return replace(first["narrow"], variables=Ticket.take(small).variables), {"masked_minus_shrunk": apart.relative}


def report(run: RunDirectory, args: Args, trainers, curves: list[Row], timings: list[Row], checks: list[Row]) -> None:
    """Tables, figure, summary.json, and the table on the screen."""
    counts = {name: tfr.count(trainer.model) for name, trainer in trainers.items()}
    results = pd.DataFrame(result_rows(args, pd.DataFrame(curves), counts))
    for name, rows in (("curves", curves), ("results", results), ("timings", timings)):
        write_csv(run / f"{name}.csv", rows)
    save_figure(run / "figures" / "accuracy_of_arms", accuracy_of_arms(results))
    header, rows = overview(results)
    change = {
        name: getattr(counts["narrow"], name) / getattr(counts["whole"], name) - 1 for name in ("trainable", "macs")
    }
    summary = {
        "experiment": "filters_li2016",
        "command": runs.command("experiments/filters_li2016.py", args, PRESETS),
        "paper": PAPER,
        "note": note(args, change),
        "seeds": args.seeds,
        "counts": {name: {"trainable": each.trainable, "macs": each.macs} for name, each in counts.items()},
        "change": change,
        "checks": checks,
        "claims": list(claims(results)),
        "arms": {arm: spread(each["test_accuracy"]) for arm, each in results.groupby("arm", sort=False)},
        "table": {"header": header, "rows": rows},
        "picture": "figures/accuracy_of_arms.png",
    }
    write_json(run / "summary.json", summary)
    print(text_table(header, rows))
    print(f"{summary['note']}\nresults, figure and summary: {run.path}")


def result_rows(args: Args, curves: pd.DataFrame, counts) -> Iterator[Row]:
    """A row for each seed and arm; `pruned` is the narrow net before it is trained on."""
    for (seed, arm), rows in curves.groupby(["seed", "arm"], sort=False):
        steps = length(args, arm)
        total = args.steps + steps if arm in ("finetune", "lr_rewind") else steps
        of = counts["whole" if arm in WHOLE else "narrow"]
        about = dict(parameters=of.trainable, macs=of.macs)
        first, last = rows.iloc[0], rows.iloc[-1]
        if arm == args.arms[0] and arm in ("finetune", "lr_rewind"):
            yield result(seed, "pruned", 0, args.steps, first) | about
        yield result(seed, arm, steps, total, last) | about


def result(seed: int, arm: str, steps: int, total: int, row: pd.Series) -> Row:
    """One row of results.csv."""
    names = ("test_accuracy", "validation_accuracy", "validation_loss", "train_loss")
    return dict(seed=seed, arm=arm, steps=steps, total_steps=total) | {name: row[name] for name in names}


def claims(results: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """What the papers claim, what was found, and a verdict."""
    accuracy = results.pivot(index="seed", columns="arm", values="test_accuracy")
    for claim, arm, other in CLAIMS:
        if {arm, other} <= set(accuracy.columns):
            found = difference(accuracy[arm], accuracy[other])
            yield {"claim": f"{claim} ({arm} − {other})", "ours": found, "verdict": found["verdict"]}


def note(args: Args, change: dict[str, float]) -> str:
    """What was pruned, and what is less here than in the paper, where something is."""
    text = f"{args.net}: {change['trainable']:+.1%} parameters, {change['macs']:+.1%} multiply–adds."
    paper = PRESETS["paper"]
    if args.dataset == paper["dataset"] and args.steps >= paper["steps"] and args.net in NETS and not args.image_size:
        return text
    size = f" at {args.image_size} × {args.image_size} pixels" if args.image_size else ""
    return f"{text} Reduced run ({args.net}, {args.steps} steps on {args.dataset}{size}): no verdict on the papers' claims."


def overview(results: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    """The table of the screen and of the page of findings."""
    header = [
        "net",
        "parameters",
        "multiply–adds",
        "steps",
        "all steps",
        "test accuracy, % (min–max)",
        "minus dense, points",
    ]
    dense = results[results.arm == "dense"].set_index("seed").test_accuracy
    rows = []
    for arm, each in results.groupby("arm", sort=False):
        accuracy, one = each.set_index("seed").test_accuracy, each.iloc[0]
        counts = [f"{one[name]:,}" for name in ("parameters", "macs", "steps", "total_steps")]
        rows.append([arm, *counts, shown(accuracy, 2, 100), "" if arm == "dense" else shown(accuracy - dense, 2, 100)])
    return header, rows


if __name__ == "__main__":
    runs.run_script(main)
