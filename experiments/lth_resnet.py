"""Do sparse subnetworks of a residual net train as well as the net, if they are rewound to an early step?

Iterative pruning with late rewinding on ResNet-20, by weights or by filters. Frankle et al. 2020 (arXiv:1912.05671): tickets
of ResNet-20 rewound to step 500 match the dense net down to about 13 % of the weights, re-initialised and shuffled ones do
not. Renda et al. 2020 (arXiv:2003.02389): rewinding the learning rate does as well as rewinding the weights. For filters
their tables, and Liu et al. 2019 (arXiv:1810.05270), say otherwise: at equal training, re-initialised nets do as well.

    python experiments/lth_resnet.py                                    digits, 2 seeds, 4 levels: about 3 minutes on 2 cores
    python experiments/lth_resnet.py --granularity units                the same by filters
    python experiments/lth_resnet.py --preset paper                     CIFAR-10, the paper's protocol: for a GPU
    python experiments/lth_resnet.py --preset paper --arms rewind,rewind0,reinit,shuffle,random,inverted,lr_rewind,finetune

The same command again continues a run that was stopped. `tensorboard --logdir runs` shows it while it runs.
"""

from dataclasses import dataclass

import keras

from tfredundancy import datasets, models, runs
from tfredundancy.lottery import ARMS, check_plan
from tfredundancy.lottery.study import study
from tfredundancy.runs import Monitored, RunDirectory, flag, fraction, positive

PRESETS = {
    "quick": dict(dataset="digits", image_size=8, seeds=2, levels=4, keep=0.5, steps=100, rewind_to=10, batch_size=64,
                  evaluate_every=20, learning_rate=0.05),
    "paper": dict(dataset="cifar10", image_size=None, seeds=5, levels=10, keep=0.8, steps=56_160, rewind_to=500, batch_size=128,
                  evaluate_every=351, learning_rate=0.1),
}  # fmt: skip

PAPER = {
    "weights": {
        "claim": "Tickets rewound to step 500 match the dense ResNet-20 (8.3 % error) between 51.2 % and 13.4 % of the weights, "
        "where re-initialised and shuffled ones do not.",
        "reference": "Frankle et al. 2020, arXiv:1912.05671",
    },
    "units": {
        "claim": "Over 30 structured cells, weight rewinding is best in none, re-initialisation in 29 at short and learning-rate "
        "rewinding in 27 at long retraining.",
        "reference": "Renda et al. 2020, arXiv:2003.02389, published result tables",
    },
}


@dataclass(frozen=True, kw_only=True)
class Args(Monitored):
    """The flags; what is not given comes from the preset."""

    dataset: str = flag(None, "The data set to train on.", choices=datasets.NAMES)
    granularity: str = flag(
        "weights", "What is pruned: weights, or units, which are filters.", choices=("weights", "units")
    )
    arms: tuple[str, ...] = flag(("rewind", "reinit", "lr_rewind", "finetune"), "The arms.", choices=tuple(ARMS))
    levels: int = flag(None, "How often the net is pruned.", parse=positive)
    keep: float = flag(None, "The fraction of what is left that a level keeps.", parse=fraction)
    steps: int = flag(None, "Steps of a full training.", parse=positive)
    rewind_to: int = flag(None, "The step that tickets are rewound to.")
    batch_size: int = flag(None, "Examples a step.", parse=positive)
    evaluate_every: int = flag(None, "Steps between evaluations.", parse=positive)
    learning_rate: float = flag(None, "The first learning rate; it is divided by 10 at 1/2 and 3/4 of the steps.")
    weight_decay: float = flag(1e-4, "L2, as PyTorch counts it.")
    shortcut: str = flag("projection", "The shortcuts where the width changes.", choices=("projection", "identity_pad"))
    image_size: int | None = flag(None, "Resize images to this many pixels; digits have 8.")


def compiled_resnet(args: Args, data: datasets.Splits) -> keras.Model:
    """ResNet-20 with SGD, momentum 0.9 and the step schedule, gamma drawn from U[0, 1] as in the paper."""
    model = models.resnet_20(
        data.input_shape, data.classes, shortcut=args.shortcut, gamma="uniform", weight_decay=args.weight_decay
    )
    rate = keras.optimizers.schedules.PiecewiseConstantDecay(
        [args.steps // 2, args.steps * 3 // 4], [args.learning_rate * factor for factor in (1.0, 0.1, 0.01)]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(rate, momentum=0.9), loss)
    return model


def reduction(args: Args) -> str:
    """What is less here than in the paper, where something is."""
    paper = PRESETS["paper"]
    if args.dataset == paper["dataset"] and args.steps >= paper["steps"]:
        return ""
    return f"reduced run ({args.steps} steps on {args.dataset}): no verdict on the paper's claim"


def main() -> None:
    """Parse the flags, run the study in its directory."""
    args = runs.parse(Args, PRESETS, description=__doc__)
    runs.deterministic()
    plan = dict(
        **dict(steps=args.steps, levels=args.levels, keep=args.keep, rewind_to=args.rewind_to, arms=args.arms),
        **dict(granularity=args.granularity, batch_size=args.batch_size, evaluate_every=args.evaluate_every),
    )
    with runs.checking_arguments():
        data = datasets.load(args.dataset, data_dir=args.data_dir, image_size=args.image_size)
        check_plan(data, **plan)
    prefix = f"{args.preset}-{args.dataset}-{args.granularity}"
    with (
        RunDirectory.open(args.out, "lth_resnet", runs.settings(args), prefix=prefix, fresh=args.fresh) as run,
        runs.strategy_scope(args.strategy),
    ):
        study(
            run,
            compiled_resnet(args, data),
            data,
            seeds=args.seeds,
            paper=PAPER[args.granularity],
            command=runs.command("experiments/lth_resnet.py", args, PRESETS),
            note=reduction(args),
            **plan,
            monitor=args.monitor,
            checkpoint_every=args.checkpoint_seconds,
            exclude=("classifier", "*shortcut*")
            if args.granularity == "weights" and args.shortcut == "projection"
            else ("classifier",),
        )


if __name__ == "__main__":
    runs.run_script(main)
