import numpy as np
import pytest

from tfredundancy.lottery.projection import ARMS, Projections
from tfredundancy.numerics import spectra

SHAPES = {"hidden1/kernel": (5, 8), "hidden2/kernel": (8, 8), "classifier/kernel": (8, 3)}
RANKS = range(9)


@pytest.fixture(scope="module")
def nets():
    rng = np.random.default_rng(0)
    initial = {path: rng.normal(size=shape).astype(np.float32) for path, shape in SHAPES.items()}
    return {
        path: kernel + rng.normal(size=kernel.shape).astype(np.float32) for path, kernel in initial.items()
    }, initial


@pytest.fixture(scope="module")
def projections(nets):
    return Projections(*nets, seed=3)


def close(net, expected):
    assert net.keys() == expected.keys() and all(kernel.dtype == np.float32 for kernel in net.values())
    for path, kernel in net.items():
        np.testing.assert_allclose(kernel, expected[path], rtol=0, atol=2e-6)


def of_rank(update):
    return np.linalg.matrix_rank(update, tol=1e-4)


@pytest.mark.parametrize("rank", RANKS)
def test_top_is_what_project_update_gives(nets, projections, rank):
    final, initial = nets
    at = {path: min(rank, *kernel.shape) for path, kernel in final.items()}
    close(projections.net("top", rank), {p: spectra.project_update(w, initial[p], at[p]) for p, w in final.items()})
    close(projections.net("weights", rank), {p: spectra.project_update(w, 0 * w, at[p]) for p, w in final.items()})


@pytest.mark.parametrize("rank", RANKS)
def test_top_and_bottom_together_are_the_whole_update(nets, projections, rank):
    final, initial = nets
    top, bottom = projections.net("top", rank), projections.net("bottom", rank)
    close({path: top[path] + bottom[path] - initial[path] for path in final}, final)


def test_none_is_the_initial_net_and_all_the_trained_one(nets, projections):
    final, initial = nets
    assert projections.most == 8
    for arm in ("top", "random"):
        close(projections.net(arm, 0), initial)
    for arm in set(ARMS) - {"bottom"}:
        close(projections.net(arm, 8), final)
    close(projections.net("bottom", 8), initial)
    close(projections.net("bottom", 0), final)
    close(projections.net("weights", 0), {path: 0 * kernel for path, kernel in final.items()})


@pytest.mark.parametrize("rank", RANKS)
def test_the_classifier_is_left_whole(nets, projections, rank):
    top, whole = projections.net("top", rank), projections.net("top_hidden", rank)
    close(whole, top | {"classifier/kernel": nets[0]["classifier/kernel"]})


def test_random_directions_are_orthogonal_nested_and_seeded(nets, projections):
    final, initial = nets
    updates = [
        {p: k - initial[p] for p, k in projections.net("random", rank).items()}["hidden2/kernel"] for rank in RANKS
    ]
    whole = np.linalg.svd(final["hidden2/kernel"] - initial["hidden2/kernel"], compute_uv=False)
    for rank, update in enumerate(updates):
        assert of_rank(update) == rank
        kept = np.linalg.svd(update, compute_uv=False)[:rank]
        assert all(np.abs(whole - value).min() < 1e-5 for value in kept)  # singular directions of the update itself
    steps = np.diff(updates, axis=0)
    assert [of_rank(step) for step in steps] == [1] * 8
    first, other = projections.net("random", 2), Projections(final, initial, seed=4).net("random", 2)
    assert any(not np.allclose(first[path], other[path], atol=1e-3) for path in first)
    close(Projections(final, initial, seed=3).net("random", 2), first)


def test_bad_arguments_are_named(nets, projections):
    final, initial = nets
    with pytest.raises(ValueError, match=r"`arm` must be one of top, .*Received: arm='best', rank=1"):
        projections.net("best", 1)
    with pytest.raises(ValueError, match="rank=-1"):
        projections.net("top", -1)
    with pytest.raises(ValueError, match=r"`final` must hold matrices only. Received: 'hidden1/bias' of shape \(8,\)"):
        Projections(final | {"hidden1/bias": np.zeros(8)}, initial | {"hidden1/bias": np.zeros(8)})
    for other in ({}, initial | {"hidden1/kernel": np.zeros((8, 5))}):
        with pytest.raises(ValueError, match="`initial` must have the paths and shapes of `final`"):
            Projections(final, other)
