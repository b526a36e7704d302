"""Does a dense net contain a subnetwork that, from the same initial weights, trains as well and faster?

The original lottery-ticket experiment, Frankle & Carbin 2019 (arXiv:1803.03635): LeNet-300-100 on MNIST and Conv-2/4/6 on
CIFAR-10, iterative magnitude pruning in each layer, the ticket rewound to step 0 against random re-initialisation of the same
mask, both read at the step with the lowest validation loss. Expected for LeNet: the ticket is at or above the dense accuracy
down to about 3.6 % of the weights, the re-initialised net falls below it from about 21 % on.

    python experiments/lth_lenet.py                                     digits, 2 seeds, 6 levels: about a minute on 2 cores
    python experiments/lth_lenet.py --preset paper                      MNIST, 5 seeds, 50,000 steps a level
    python experiments/lth_lenet.py --preset paper --network conv_2     CIFAR-10; conv_4 and conv_6 likewise
    python experiments/lth_lenet.py --preset paper --one-shot           prune the dense net at once to each density

The same command again continues a run that was stopped. `tensorboard --logdir runs` shows it while it runs.
"""

from dataclasses import dataclass

import keras

from tfredundancy import datasets, models, runs
from tfredundancy.lottery import ARMS, check_plan
from tfredundancy.lottery.study import study
from tfredundancy.runs import Monitored, RunDirectory, flag, positive

# The paper's Figure 2: learning rate, steps, and the fraction kept per level; the output layer is pruned at half the rate.
NETWORKS = {
    "lenet_300_100": dict(learning_rate=1.2e-3, steps=50_000, keep={"classifier": 0.9, "hidden*": 0.8}),
    "conv_2": dict(learning_rate=2e-4, steps=20_000, keep={"classifier": 0.9, "hidden*": 0.8, "pair*": 0.9}),
    "conv_4": dict(learning_rate=3e-4, steps=25_000, keep={"classifier": 0.9, "hidden*": 0.8, "pair*": 0.9}),
    "conv_6": dict(learning_rate=3e-4, steps=30_000, keep={"classifier": 0.9, "hidden*": 0.8, "pair*": 0.85}),
}
DATASETS = {"lenet_300_100": "mnist", "conv_2": "cifar10", "conv_4": "cifar10", "conv_6": "cifar10"}
PRESETS = {
    "quick": dict(dataset="digits", seeds=2, levels=6, steps=600, evaluate_every=20, image_size=8),
    "paper": dict(dataset=None, seeds=5, levels=16, steps=None, evaluate_every=100, image_size=None),
}
PAPER = {
    "lenet_300_100": {
        "claim": "The ticket is at or above dense accuracy down to 3.6 % of the weights; the re-initialised net falls below it "
        "from 21.1 %. At 21 % the ticket's early stopping is 2.51 times as fast and 0.5 points better.",
    },
    "conv_2": {"claim": "Early stopping up to 3.5 times as fast (8.8 %), accuracy up to 3.4 points better (4.6 %)."},
    "conv_4": {"claim": "Early stopping up to 3.5 times as fast (9.2 %), accuracy up to 3.5 points better (11.1 %)."},
    "conv_6": {"claim": "Early stopping up to 2.5 times as fast (15.1 %), accuracy up to 3.3 points better (26.4 %)."},
}


@dataclass(frozen=True, kw_only=True)
class Args(Monitored):
    """The flags; what is not given comes from the preset and the network."""

    dataset: str | None = flag(None, "The data set; the paper's where not given.", choices=datasets.NAMES)
    network: str = flag("lenet_300_100", "The network.", choices=tuple(NETWORKS))
    arms: tuple[str, ...] = flag(("rewind", "reinit"), "The arms.", choices=tuple(ARMS))
    levels: int = flag(None, "How often the net is pruned.", parse=positive)
    steps: int | None = flag(None, "Steps of a training; the paper's for the network where not given.", parse=positive)
    evaluate_every: int = flag(None, "Steps between evaluations.", parse=positive)
    batch_size: int = flag(60, "Examples a step.", parse=positive)
    one_shot: bool = flag(False, "Prune the dense net to each density at once.")
    image_size: int | None = flag(None, "Resize images to this many pixels; digits have 8.")


def reduction(network: str, dataset: str, steps: int) -> str:
    """What is less here than in the paper, where something is."""
    paper, its_steps = DATASETS[network], NETWORKS[network]["steps"]
    if dataset == paper and steps >= its_steps:
        return ""
    return f"{steps} steps a training on {dataset}; the paper has {its_steps} on {paper}"


def main() -> None:
    """Parse the flags, run the study in its directory."""
    args = runs.parse(Args, PRESETS, description=__doc__)
    protocol = NETWORKS[args.network]
    runs.deterministic()
    dataset = args.dataset or DATASETS[args.network]
    plan = dict(
        **dict(steps=args.steps or protocol["steps"], levels=args.levels, keep=protocol["keep"], arms=args.arms),
        **dict(batch_size=args.batch_size, evaluate_every=args.evaluate_every),
    )
    with runs.checking_arguments():
        data = datasets.load(dataset, data_dir=args.data_dir, image_size=args.image_size)
        check_plan(data, **plan)
        getattr(models, args.network)(data.input_shape, data.classes)  # images may be too small for it
    prefix = f"{args.preset}-{dataset}-{args.network}"
    with (
        RunDirectory.open(args.out, "lth_lenet", runs.settings(args), prefix=prefix, fresh=args.fresh) as run,
        runs.strategy_scope(args.strategy),
    ):
        model = getattr(models, args.network)(data.input_shape, data.classes)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(protocol["learning_rate"]), loss)
        study(
            run,
            model,
            data,
            seeds=args.seeds,
            paper={"reference": "Frankle & Carbin 2019, arXiv:1803.03635", **PAPER[args.network]},
            command=runs.command("experiments/lth_lenet.py", args, PRESETS),
            note=reduction(args.network, dataset, plan["steps"]),
            **plan,
            scope="layer",
            monitor=args.monitor,
            checkpoint_every=args.checkpoint_seconds,
            one_shot=args.one_shot,
        )


if __name__ == "__main__":
    runs.run_script(main)
