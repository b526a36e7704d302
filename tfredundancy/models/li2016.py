"""The pruned nets of Li et al. 2016: which net, and how many filters of which layers it keeps.

A stage of ResNet-56 or 110 loses the fraction p of the filters of the first convolution of each block, rounded up:
pruned = ⌈p·n⌉, the blocks that the paper skips as sensitive none. VGG-16 loses half of its first and its last six convolutions.

    net             p per stage      skipped layers            parameters   FLOPs
    vgg_16_a        –                –                         −64.0 %      −34.2 %
    resnet_56_a     .1, .1, .1       16 20 38 54                −9.4 %      −10.4 %
    resnet_56_b     .6, .3, .1       16 18 20 34 38 54         −13.7 %      −27.6 %
    resnet_110_a    .5, 0, 0         36                         −2.3 %      −15.9 %
    resnet_110_b    .5, .4, .3       36 38 74                  −32.4 %      −38.6 %

The paper numbers convolutions from 1, the stem, shortcuts left out: the first ones of blocks are 2, 4, 6 … Its FLOPs are
multiply–adds and its shortcuts have no parameters. Its table 1 is what the two columns on the right repeat.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import keras

from tfredundancy.models.resnet import resnet
from tfredundancy.models.vgg import vgg


@dataclass(frozen=True)
class PrunedNet:
    """A net of the paper, whole and pruned.

    Attributes:
        build: makes the whole net for 32 × 32 images in 10 classes; takes the settings of `models.resnet` or `models.vgg`.
        kept: {path of a convolution: filters that stay}; the others keep all.
        parameters: what the paper says became of the number of parameters, −0.094 for 9.4 % less.
        flops: likewise of multiply–adds.
    """

    build: Callable[..., keras.Model]
    kept: Mapping[str, int]
    parameters: float
    flops: float


def kept_filters(
    depth: int, fractions: Sequence[float], skipped: Collection[int] = (), width: int = 16
) -> dict[str, int]:
    """How many filters of the first convolution of each block a residual net keeps, where a stage loses a fraction.

    Args:
        depth: 6n + 2.
        fractions: p of each of the three stages; ⌈p·n⌉ of n filters go.
        skipped: numbers of convolutions that stay whole; 2 is the first one of the first block.
        width: filters of the first stage.

    Returns:
        {path in `models.resnet`: kept filters}.

    Raises:
        ValueError: a number that is not that of a block's first convolution, or other than three fractions in [0, 1].

    Example:
        >>> kept_filters(8, (0.6, 0.3, 0.1))
        {'stage1_block1_conv1': 6, 'stage2_block1_conv1': 22, 'stage3_block1_conv1': 57}
    """
    if len(fractions) != 3 or not all(0 <= fraction <= 1 for fraction in fractions):
        raise ValueError(f"`fractions` must be three numbers in [0, 1]. Received: fractions={fractions}")
    unknown = set(skipped) - set(range(2, depth, 2))
    if unknown:
        raise ValueError(f"`skipped` must be even and lie in [2, {depth - 2}]. Received: {sorted(unknown)}")
    blocks = (depth - 2) // 6
    kept = {}
    for stage, fraction in enumerate(fractions):
        filters = width * 2**stage
        pruned = math.ceil(round(fraction * filters, 9))  # 0.14 · 50 is a little more than 7
        for block in range(blocks):
            if pruned and 2 + 2 * (stage * blocks + block) not in skipped:
                kept[f"stage{stage + 1}_block{block + 1}_conv1"] = filters - pruned
    return kept


_VGG_A = {"stage1_conv1": 32} | {f"stage{stage}_conv{number}": 256 for stage in (4, 5) for number in (1, 2, 3)}
_VGG = partial(vgg, 16, hidden=(512,), pool="max")
_RESNET_56 = partial(resnet, 56, shortcut="identity_pad")
_RESNET_110 = partial(resnet, 110, shortcut="identity_pad")

NETS = {
    "vgg_16_a": PrunedNet(_VGG, _VGG_A, -0.640, -0.342),
    "resnet_56_a": PrunedNet(_RESNET_56, kept_filters(56, (0.1, 0.1, 0.1), (16, 20, 38, 54)), -0.094, -0.104),
    "resnet_56_b": PrunedNet(_RESNET_56, kept_filters(56, (0.6, 0.3, 0.1), (16, 18, 20, 34, 38, 54)), -0.137, -0.276),
    "resnet_110_a": PrunedNet(_RESNET_110, kept_filters(110, (0.5, 0.0, 0.0), (36,)), -0.023, -0.159),
    "resnet_110_b": PrunedNet(_RESNET_110, kept_filters(110, (0.5, 0.4, 0.3), (36, 38, 74)), -0.324, -0.386),
}
