"""The arms of a lottery-ticket experiment: which mask, which starting weights, which steps.

Training steps are counted twice: `steps` are those of the training that ends in the net, `total_steps` all that it took to
obtain it, masks included. With T steps a full training, k the rewinding step and level L:

    arm            mask             starts from               steps            total_steps
    rewind         its own nets'    step k                    T − k            T + L (T − k)
    rewind0        its own nets'    step 0                    T                T + L T
    lr_rewind      its own nets'    its last net, rate of k   T − k            T + L (T − k)
    finetune       its own nets'    its last net, last rate   T − k            T + L (T − k)
    inverted       its own nets', the largest go; step k      T − k            T + L (T − k)
    reinit         rewind's         fresh weights             T                T + (L − 1)(T − k) + T
    reinit_total   rewind's         fresh weights             T + L (T − k)    2 T + (2 L − 1)(T − k)
    shuffle        rewind's, shuffled in each layer; step k   T − k            T + L (T − k)
    random         as many in each layer, at random; fresh    T                T + (L − 1)(T − k) + T

A rewound net has T steps behind its weights, k of them shared: that is what `reinit` gets. `reinit_total` gets as many as
went into the ticket altogether, its learning-rate schedule stretched. In one shot every level is pruned from the dense net,
and L counts as 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Arm:
    """How an arm obtains its net at a level.

    Attributes:
        name: what results call it.
        start: "rewind" (step k), "zero" (step 0), "last" (the arm's last net), "fresh" (new weights).
        masks: "own" (chosen from the arm's last net), "ticket" (those of `rewind`), "shuffled" (those, permuted).
        select: which scores are pruned, where the masks are its own.
        rewinds_rate: whether the learning rate and the data start again at k; else they go on.
        total: whether it trains for all the steps that the ticket took.
    """

    name: str
    start: str
    masks: str = "own"
    select: str = "smallest"
    rewinds_rate: bool = True
    total: bool = False

    @property
    def has_lineage(self) -> bool:
        """Whether the next level needs this arm's trained net."""
        return self.masks == "own"

    def begins(self, level: int, plan: "Steps") -> int:
        """Step number of the first training step: what data order and learning rate begin with."""
        if self.start in ("zero", "fresh"):
            return 0
        if self.rewinds_rate:
            return plan.rewind_to
        return plan.total(level) - plan.retraining

    def counts_from(self, plan: "Steps") -> int:
        """What early stopping counts its steps from, the same for all arms that train T − k steps."""
        return 0 if self.start in ("zero", "fresh") else plan.rewind_to

    def ends(self, level: int, plan: "Steps") -> int:
        """Step number after the last training step."""
        if self.total:
            return plan.total(level)
        if self.start in ("zero", "fresh"):
            return plan.steps
        return self.begins(level, plan) + plan.retraining

    def stretch(self, level: int, plan: "Steps") -> float:
        """By how much the learning-rate schedule is stretched."""
        return plan.total(level) / plan.steps if self.total else 1.0

    def total_steps(self, level: int, plan: "Steps") -> int:
        """All training steps that it took to obtain the net of `level`, those behind its mask included."""
        own = self.ends(level, plan) - self.begins(level, plan)
        if self.masks == "own":
            return plan.steps + plan.rounds(level) * own
        return plan.total(level) - plan.retraining + own


@dataclass(frozen=True)
class Steps:
    """The lengths of an experiment: T steps a full training, rewinding to step k, level by level or in one shot.

    Example:
        >>> plan = Steps(steps=1000, rewind_to=100)
        >>> [ARMS[name].total_steps(2, plan) for name in ("rewind", "reinit", "reinit_total")]
        [2800, 2900, 4700]
    """

    steps: int
    rewind_to: int
    one_shot: bool = False

    @property
    def retraining(self) -> int:
        """Steps from k to T."""
        return self.steps - self.rewind_to

    def rounds(self, level: int) -> int:
        """How often a ticket of `level` was trained after the dense net."""
        return min(level, 1) if self.one_shot else level

    def total(self, level: int) -> int:
        """Steps behind the ticket of `level`, all its trainings together."""
        return self.steps + self.rounds(level) * self.retraining


ARMS = {
    arm.name: arm
    for arm in (
        Arm("rewind", "rewind"),
        Arm("rewind0", "zero"),
        Arm("lr_rewind", "last"),
        Arm("finetune", "last", rewinds_rate=False),
        Arm("reinit", "fresh", masks="ticket"),
        Arm("reinit_total", "fresh", masks="ticket", total=True),
        Arm("shuffle", "rewind", masks="shuffled"),
        Arm("random", "fresh", masks="shuffled"),
        Arm("inverted", "rewind", select="largest"),
    )
}
DENSE = Arm("dense", "zero")


def chosen_arms(names: Sequence[str]) -> tuple[Arm, ...]:
    """The arms of these names, `rewind` first, since others borrow its masks.

    Raises:
        ValueError: an unknown name, a name twice, or an arm that needs the masks of `rewind` without it.

    Example:
        >>> [arm.name for arm in chosen_arms(["reinit", "rewind"])]
        ['rewind', 'reinit']
    """
    unknown = [name for name in names if name not in ARMS]
    if unknown or not names or len(set(names)) != len(names):
        raise ValueError(f"`arms` must be different ones of {', '.join(ARMS)}. Received: {', '.join(names) or 'none'}")
    borrowing = [name for name in names if not ARMS[name].has_lineage]
    if borrowing and "rewind" not in names:
        raise ValueError(
            f"`arms` must include 'rewind', whose masks {', '.join(borrowing)} take. Received: {', '.join(names)}"
        )
    return tuple(sorted((ARMS[name] for name in names), key=lambda arm: arm.name != "rewind"))
