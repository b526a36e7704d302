"""Courses of committee machines: resumed ones, plateaus of known shape, distances up to the order of units."""

import numpy as np
import pytest

from tfredundancy.files import read_arrays
from tfredundancy.lottery import courses
from tfredundancy.lottery.courses import Net, distances, nearest_order, plateau_exit, simulated, theory
from tfredundancy.numerics.committee import Course, order_parameters

NETS = [Net(1, 2, 0.1), Net(2, 3, 0.0, head_start=0.5, both=True)]
SETTINGS = dict(seeds=2, size=20, rate=0.5, times=np.array([0.0, 1.0, 4.0, 8.0]))


def test_a_killed_simulation_ends_as_one_that_was_not(tmp_path, monkeypatch):
    whole, _ = simulated(NETS, file=tmp_path / "whole.npz", **SETTINGS)
    simulate, calls = courses.committee.simulate, []

    def killed(*args, **settings):
        calls.append(settings["start"])
        if len(calls) == 3:
            raise KeyboardInterrupt
        return simulate(*args, **settings)

    with monkeypatch.context() as patch:
        patch.setattr(courses.committee, "simulate", killed)
        with pytest.raises(KeyboardInterrupt):
            simulated(NETS, file=tmp_path / "killed.npz", checkpoint_every=0, **SETTINGS)
    assert int(read_arrays(tmp_path / "killed.npz")["looks"]) == 2
    steps = []
    again, _ = simulated(NETS, file=tmp_path / "killed.npz", advance=steps.append, **SETTINGS)
    assert steps == [20, 60, 80]
    for name in ("q", "r", "v", "error", "diverged_at"):
        np.testing.assert_array_equal(getattr(again, name), getattr(whole, name))


def test_a_net_does_not_depend_on_the_others(tmp_path):
    both, _ = simulated(NETS, file=tmp_path / "both.npz", **SETTINGS)
    alone, _ = simulated(NETS[:1], file=tmp_path / "alone.npz", **SETTINGS)
    for seed in (0, 1):
        one, other = (courses.one_net(course, seed, 0, NETS[0]) for course in (both, alone))
        np.testing.assert_allclose(one.q, other.q, atol=1e-12)
        assert one.r.shape == (4, 2, 1) and one.t.shape == (1, 1)
    np.testing.assert_allclose(both.error[:, :, 0], alone.error[:, :, 0], atol=1e-12)


def test_the_head_start_and_the_theory(tmp_path):
    found, _ = simulated(NETS, file=tmp_path / "nets.npz", **SETTINGS | {"size": 400})
    net = courses.one_net(found, 0, 1, NETS[1])
    np.testing.assert_allclose(np.diag(net.r[0]), 0.5, atol=0.2)
    ode = theory(net, NETS[1], 0.5)
    np.testing.assert_allclose(ode.r, net.r, atol=5 / 400**0.5)
    np.testing.assert_allclose(ode.v, net.v, atol=5 / 400**0.5)
    assert (np.abs(ode.v[-1] - 1) > 1e-3).all()


def test_a_plateau_of_known_shape():
    times = np.geomspace(0.1, 1000, 60)
    error = np.exp(-times) + 0.1 / (1 + (times / 100) ** 4) + 1e-4
    found = plateau_exit(times, error)
    assert 30 < found.begin < 100 < found.half < found.end
    assert error[times == found.half] <= error[times == found.begin] / 2
    assert error[times == found.end] <= 2 * max(error[-1], 5e-4)


def test_no_plateau_where_it_falls_all_along_or_never():
    times = np.geomspace(0.5, 300, 50)
    assert plateau_exit(times, np.exp(-times / 5) + 1e-3) is None
    assert plateau_exit(times, np.full(50, 0.1)) is None
    assert plateau_exit(times, np.where(times > 20, np.nan, 0.1)) is None


def course(w, teacher):
    q, r, t = (array[None] for array in order_parameters(w, teacher))
    return Course(np.zeros(1), q, r, t[0], np.ones((1, len(w))), np.zeros(1), np.array(np.nan))


def test_distances_up_to_the_order_of_units():
    rng = np.random.default_rng(0)
    w, teacher, order = rng.normal(size=(3, 9)), rng.normal(size=(2, 9)), [2, 0, 1]
    theirs, ours = course(w, teacher), course(w[order], teacher)
    assert max(*distances(ours, theirs)) > 0.1
    best = nearest_order(ours, theirs)
    assert [order[i] for i in best] == [0, 1, 2]
    assert max(*distances(ours, theirs, best)) < 1e-12


def test_outcomes_of_a_comparison():
    rng = np.random.default_rng(0)
    w, teacher, order = rng.normal(size=(3, 9)), rng.normal(size=(2, 9)), [2, 0, 1]
    theirs = course(w, teacher)
    far = course(rng.normal(size=(3, 9)), teacher)
    found = [courses.compared(ours, theirs, 0.05)["outcome"] for ours in (theirs, course(w[order], teacher), far)]
    assert found == ["same units", "other units", "elsewhere"]


def test_phases_are_those_of_both_exits():
    leaving = [courses.Exit(2.0, 3.0, 5.0), courses.Exit(3.0, 4.0, 6.0)]
    before, during, after = courses.phases(np.arange(8.0), leaving)
    assert [np.flatnonzero(part).tolist() for part in (before, during, after)] == [[0, 1, 2], [3, 4, 5], [6, 7]]
    before, during, after = courses.phases(np.arange(8.0), [None, None])
    assert before.all() and not during.any() and not after.any()
    assert courses.phases(np.arange(8.0), [leaving[0], None])[1].sum() == 5  # not settled which of them is right
