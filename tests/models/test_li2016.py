"""The paper's counts, from nets that are built narrow by hand."""

import numpy as np
import pytest

import tfredundancy as tfr
from tfredundancy.models import resnet, vgg
from tfredundancy.models.li2016 import NETS, kept_filters

# parameters that training changes and multiply–adds, in per cent of the whole net's
EXACT = {
    "vgg_16_a": (-63.99, -34.19),
    "resnet_56_a": (-9.34, -10.40),
    "resnet_56_b": (-13.75, -27.56),
    "resnet_110_a": (-2.28, -15.86),
    "resnet_110_b": (-32.38, -38.66),
}


@pytest.mark.parametrize("name", EXACT)
def test_narrow_nets_have_the_counts_of_table_1(name):
    net = NETS[name]
    whole, narrow = tfr.count(net.build()), tfr.count(net.build(filters=net.kept))
    change = (narrow.trainable / whole.trainable - 1, narrow.macs / whole.macs - 1)
    np.testing.assert_allclose(change, np.divide(EXACT[name], 100), atol=5e-5)
    np.testing.assert_allclose(change, (net.parameters, net.flops), atol=1e-3)


SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in NETS if name.startswith("resnet")]


@pytest.mark.parametrize("name", ["vgg_16_a", *SLOW])
def test_pruned_and_shrunk_they_have_them_too(name):
    net = NETS[name]
    whole = net.build()
    small = tfr.shrink(tfr.prune_units(whole, net.kept, criterion="l1"))
    narrow = net.build(filters=net.kept)
    assert [(v.path, v.shape) for v in small.weights] == [(v.path, v.shape) for v in narrow.weights]
    assert tfr.count(small).macs == tfr.count(narrow).macs


def test_the_whole_nets_are_the_paper_s():
    assert tfr.count(NETS["resnet_56_a"].build()).trainable == 853_018
    assert tfr.count(NETS["vgg_16_a"].build()).trainable == 14_987_210


def test_only_first_convolutions_of_blocks_that_are_not_skipped():
    kept = NETS["resnet_56_b"].kept
    assert len(kept) == 27 - 6 and all(path.endswith("conv1") for path in kept)
    # 16 and 18 are the blocks 8 and 9 of stage 1; 20, 34 the blocks 1 and 8 of stage 2; 38, 54 1 and 9 of stage 3
    whole = {(1, 8), (1, 9), (2, 1), (2, 8), (3, 1), (3, 9)}
    assert not set(kept) & {f"stage{stage}_block{block}_conv1" for stage, block in whole}
    assert set(kept.values()) == {16 - 10, 32 - 10, 64 - 7}
    assert len(NETS["resnet_110_a"].kept) == 17 and set(NETS["resnet_110_a"].kept.values()) == {8}


def test_ceilings_are_not_upset_by_rounding():
    assert 0.14 * 50 > 7
    assert list(kept_filters(8, (0.14, 0.14, 0.14), width=50).values()) == [50 - 7, 100 - 14, 200 - 28]


def test_widths_by_name():
    net = vgg(11, (16, 16, 3), filters={"stage1_conv1": 5})
    assert net.get_layer("stage1_conv1").filters == 5 and net.get_layer("stage2_conv1").filters == 128
    net = resnet(8, (8, 8, 3), filters={"stage2_block1_conv1": 3})
    assert tuple(net.get_layer("stage2_block1_conv2").kernel.shape) == (3, 3, 3, 32)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kept_filters(20, (0.5, 0.5)), r"`fractions` .*Received: fractions=\(0.5, 0.5\)"),
        (lambda: kept_filters(20, (0.5, 0.5, 2)), "`fractions` must be three numbers"),
        (
            lambda: kept_filters(20, (0.5, 0.5, 0.5), (3,)),
            r"`skipped` must be even and lie in \[2, 18\]. Received: \[3\]",
        ),
        (lambda: resnet(8, filters={"stem_conv": 3}), "`filters` must name .*stage1_block1_conv1.*'stem_conv'"),
        (lambda: vgg(11, filters={"stage1_conv1": 0}), "`filters` must hold positive.*'stage1_conv1': 0"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
