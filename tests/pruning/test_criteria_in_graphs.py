"""Every criterion on every kind of graph: exact counts, one mask for all members of a group, and shrink takes what it leaves."""

import keras
import numpy as np
import pytest

import tfredundancy as tfr
from tfredundancy.numerics.masks import kept_count
from tfredundancy.pruning.choosing import kept_units, nearest_multiple
from tfredundancy.pruning.scoring import Evidence, unit_scores

from .zoo import ZOO


@pytest.mark.parametrize("name", ZOO)
def test_each_group_is_pruned_in_all_its_layers_to_the_count_that_was_asked_for(name):
    model = ZOO[name]()
    groups = list(tfr.find_groups(model))
    initial = tfr.Ticket.take(model)
    for criterion in ("geometric_median", "similarity", "distance_to_init"):
        found = unit_scores(model, groups, criterion, Evidence(initial=initial))
        assert all(found[group.name].shape == (group.size,) for group in groups)
    for options in ({"criterion": "similarity"}, {"select": "random", "seed": 1}, {"round_to": 2}):
        masks = tfr.masks(tfr.prune_units(model, 0.5, **options))
        for group in groups:
            count, step = kept_count(0.5, group.size), options.get("round_to")
            count = count if step is None else nearest_multiple(count, step, group.size)
            kept = kept_units(group, masks)
            assert kept.sum() == count
            assert all((masks[path][group.positions[path]] == kept[:, None]).all() for path in group.members)


def test_channels_of_densenet_s_concatenations_are_heard_and_scaled_where_they_lie(randomise):
    """Each group's units lie elsewhere in the normalisations that follow."""
    model = randomise(ZOO["dense_blocks"]())
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(size=(6, *model.input.shape[1:])).astype("float32")
    y = np.zeros((6, *model.output.shape[1:]), "float32")
    groups = list(tfr.find_groups(model))
    shared = [path for path in {p for g in groups for p in g.members} if sum(path in g.members for g in groups) > 1]
    assert shared
    scores = unit_scores(model, groups, "bn_scale", Evidence())
    for group in groups:
        normalisations = [path for path in group.members if "batch_normalization" in path or "bn" in path]
        gammas = [np.abs(keras.ops.convert_to_numpy(model.get_layer(path).gamma)) for path in normalisations]
        twin = [gamma[group.positions[p]].mean(axis=1) for p, gamma in zip(normalisations, gammas, strict=True)]
        np.testing.assert_allclose(scores[group.name], np.mean(twin, axis=0), rtol=1e-6)
    for criterion in ("bn_scale", "apoz", "taylor"):
        pruned = tfr.prune_units(model, 0.5, criterion, data=(x, y))
        small = tfr.shrink(pruned)
        assert small.count_params() < model.count_params()
        np.testing.assert_allclose(small.predict(x, verbose=0), pruned.predict(x, verbose=0), rtol=1e-4, atol=1e-4)


def test_a_shuffled_mask_of_units_is_one_mask_for_every_layer_of_a_group():
    pruned = tfr.prune_units(ZOO["dense_blocks"](), 0.5)
    before = tfr.masks(pruned)
    after = tfr.lottery.controls.shuffled(pruned, before, seed=0)
    for group in tfr.find_groups(pruned):
        kept = kept_units(group, after)
        assert kept.sum() == kept_units(group, before).sum()
        assert all((after[path][group.positions[path]] == kept[:, None]).all() for path in group.members)
    assert any(not np.array_equal(before[path], after[path]) for path in before)
