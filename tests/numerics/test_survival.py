"""Survivors per unit: every mask of a small layer enumerated, laws of the null by simulation, figures of the reference."""

import itertools

import numpy as np
import pytest
from scipy import stats

from tfredundancy.numerics.survival import concentration, inputs


def all_masks(fan_in, units, m):
    for chosen in itertools.combinations(range(fan_in * units), m):
        mask = np.zeros(fan_in * units, bool)
        mask[list(chosen)] = True
        yield mask.reshape(fan_in, units)


def all_masks_with_rows(rows, units):
    for chosen in itertools.product(*[itertools.combinations(range(units), r) for r in rows]):
        mask = np.zeros((len(rows), units), bool)
        for i, kept in enumerate(chosen):
            mask[i, list(kept)] = True
        yield mask


def random_mask(fan_in, units, m, rng):
    mask = np.zeros(fan_in * units, bool)
    mask[rng.choice(mask.size, m, replace=False)] = True
    return mask.reshape(fan_in, units)


def random_rows(rows, units, rng):
    """Row i keeps rows[i] units, any of them alike."""
    order = rng.random((len(rows), units)).argsort(axis=1)
    return order < np.asarray(rows)[:, None]


def dead_border(fan_in, units, m, rng):
    """A mask whose inputs survive unequally, a third of them never, as on the border of MNIST's images."""
    share = np.sort(rng.gamma(1.0, size=fan_in)) * (np.arange(fan_in) >= fan_in // 3)
    return np.minimum(np.round(share / share.sum() * m), units).astype(int)


def records(masks, row_stratified=False):
    found = [concentration(mask, row_stratified) for mask in masks]
    return found, lambda name: np.array([getattr(record, name) for record in found])


def check_exact_moments(masks, row_stratified):
    """Over all masks of the null each statistic has the mean, and the count and lift the deviation, that the record states."""
    found, column = records(masks, row_stratified)
    null, units = found[0], len(found[0].counts)
    np.testing.assert_allclose(column("counts").mean(axis=0), null.mean, rtol=1e-12)
    np.testing.assert_allclose(column("counts").std(axis=0), null.sd, rtol=1e-12)
    np.testing.assert_allclose(column("dispersion").mean(), units - 1, rtol=1e-12)
    np.testing.assert_allclose(column("conditional").mean(), null.null, rtol=1e-12)
    np.testing.assert_allclose(column("lift").mean(), 1, rtol=1e-12)
    np.testing.assert_allclose(column("lift").std(), null.lift_sd, rtol=1e-9)
    np.testing.assert_allclose(column("icc").mean(), 0, atol=1e-12)
    np.testing.assert_allclose(column("dead").mean(), null.dead_null, rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(column("gini").mean(), null.gini_null, rtol=1e-9)


@pytest.mark.parametrize(
    ("fan_in", "units", "m"), [(3, 3, 4), (4, 2, 3), (2, 5, 4), (3, 4, 9), (2, 2, 3), (5, 2, 5), (2, 4, 2)]
)
def test_exact_moments_over_all_masks(fan_in, units, m):
    check_exact_moments(all_masks(fan_in, units, m), row_stratified=False)


@pytest.mark.parametrize(
    ("rows", "units"), [((1, 2, 0, 3), 4), ((2, 2, 1), 3), ((1, 1, 1, 1, 1), 3), ((1, 0, 1, 2, 1), 2), ((3, 3, 2), 5)]
)
def test_exact_moments_over_all_masks_with_the_same_rows(rows, units):
    check_exact_moments(all_masks_with_rows(rows, units), row_stratified=True)


def test_the_variance_of_the_stratified_dispersion_is_that_of_chi_square_times_what_the_record_says():
    rows, units = np.array([1, 2, 0, 3, 2]), 4
    _, column = records(all_masks_with_rows(rows, units), row_stratified=True)
    a = rows * (units - rows)
    np.testing.assert_allclose(
        column("dispersion").var(), 2 * (units - 1) * (1 - (a**2).sum() / a.sum() ** 2), rtol=1e-9
    )


def test_a_record_in_closed_form():
    """3 inputs, 4 units, counts 3, 1, 0, 0: m = 4, N = 12, p = 1/3, mean 1, Var = 3 · 1/3 · 2/3 · 9/11 = 6/11."""
    mask = np.array([[1, 1, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0]], bool)
    found = concentration(mask)
    assert found.counts.tolist() == [3, 1, 0, 0] and found.mean == 1 and found.dead == 2 and not found.row_stratified
    np.testing.assert_allclose(found.sd**2, 6 / 11)
    np.testing.assert_allclose(found.dispersion, 0.75 * (4 + 0 + 1 + 1) * 11 / 6)
    np.testing.assert_allclose(found.p_value, stats.chi2.sf(8.25, 3))
    np.testing.assert_allclose([found.conditional, found.null, found.lift], [6 / 8, 3 / 11, 2.75])
    np.testing.assert_allclose(found.icc, (6 / 8 - 3 / 11) / (8 / 11))
    np.testing.assert_allclose(found.dead_null, 4 * 126 / 495)  # C(9, 4) / C(12, 4)
    np.testing.assert_allclose(found.gini, 2 * (2 + 3 + 3 + 1 + 1 + 0) / (2 * 4 * 4))


def naive_gini(counts):
    return sum(abs(a - b) for a in counts for b in counts) / (2 * len(counts) * sum(counts))


@pytest.mark.parametrize("seed", range(5))
def test_gini_equals_the_naive_twin(seed):
    rng = np.random.default_rng(seed)
    found = concentration(rng.random((9, 13)) < rng.uniform(0.05, 0.9))
    np.testing.assert_allclose(found.gini, naive_gini(found.counts.tolist()), rtol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_the_conditional_is_the_chance_of_another_survivor_and_the_identity_with_the_variance_holds(seed):
    rng = np.random.default_rng(seed)
    mask = rng.random((6, 7)) < 0.4
    found, m = concentration(mask), int(mask.sum())
    survivors = [(i, u) for i, u in itertools.product(range(6), range(7)) if mask[i, u]]
    others = [mask[j, u] for i, u in survivors for j in range(6) if j != i]
    np.testing.assert_allclose(found.conditional, np.mean(others), rtol=1e-12)
    identity = (7 * found.counts.var() + m**2 / 7 - m) / (m * 5)
    np.testing.assert_allclose(found.conditional, identity, rtol=1e-12)
    np.testing.assert_allclose(found.null, (m - 1) / 41, rtol=1e-12)


def test_only_the_counts_matter_and_rows_only_to_the_stratified_null():
    rng = np.random.default_rng(0)
    mask = rng.random((8, 6)) < 0.3
    moved = rng.permuted(mask, axis=0)  # within each unit
    plain, other = concentration(mask), concentration(moved)
    assert plain.dispersion == other.dispersion and plain.lift == other.lift and plain.gini == other.gini
    shuffled = mask[rng.permutation(8)][:, rng.permutation(6)]
    one, same = concentration(mask, row_stratified=True), concentration(shuffled, row_stratified=True)
    np.testing.assert_allclose([one.dispersion, one.lift, one.gini_null], [same.dispersion, same.lift, same.gini_null])


def test_inputs_are_the_units_of_the_transpose():
    mask = np.random.default_rng(0).random((9, 4)) < 0.3
    for row_stratified in (False, True):
        ours, theirs = inputs(mask, row_stratified), concentration(mask.T, row_stratified)
        assert (
            (ours.counts == mask.sum(axis=1)).all()
            and ours.dispersion == theirs.dispersion
            and ours.null == theirs.null
        )


# --- the figures of the reference ---


def test_figures_of_a_mnist_layer():
    found = concentration(random_mask(784, 300, round(0.036 * 235200), np.random.default_rng(0)))
    assert abs(found.lift_sd - 0.0027) < 1e-4  # 0.00279; the reference simulated it
    assert abs(found.gini_null - 0.104) < 5e-4 and abs(found.gini_sd - 0.004) < 5e-4
    assert abs(found.gini - found.gini_null) < 3 * found.gini_sd and abs(found.lift - 1) < 3 * found.lift_sd


def test_dead_units_of_the_reference():
    rng = np.random.default_rng(0)
    found, column = records(random_mask(25, 20, 60, rng) for _ in range(2000))
    assert abs(found[0].dead_null - 0.752) < 5e-4
    assert abs(column("dead").mean() - found[0].dead_null) < 4 * column("dead").std() / np.sqrt(2000)


@pytest.mark.parametrize("shape", [(100, 60, 0.05), (60, 100, 0.3), (25, 20, 0.12)])
def test_p_values_are_uniform_under_the_null(shape):
    fan_in, units, density = shape
    rng = np.random.default_rng(0)
    found, column = records(random_mask(fan_in, units, round(density * fan_in * units), rng) for _ in range(600))
    assert stats.kstest(column("p_value"), "uniform").pvalue > 0.01
    assert abs(column("dispersion").mean() - (units - 1)) < 4 * np.sqrt(2 * (units - 1) / 600)
    assert abs(column("lift").std() / found[0].lift_sd - 1) < 4 / np.sqrt(2 * 600)


def test_dead_inputs_make_the_plain_test_conservative_and_the_stratified_one_uniform():
    """E X² is U − 1 with the rows' variance; with the hypergeometric one it shrinks by the ratio of the two."""
    units, rng = 120, np.random.default_rng(0)
    rows = dead_border(300, units, 2000, rng)
    masks = [random_rows(rows, units, rng) for _ in range(600)]
    stratified, strict = records(masks, row_stratified=True)
    plain, loose = records(masks)
    error = 4 * np.sqrt(2 * (units - 1) / 600)
    assert abs(strict("dispersion").mean() - (units - 1)) < error
    expected = (units - 1) * stratified[0].sd ** 2 / plain[0].sd ** 2
    assert expected < units - 1 - 5 and abs(loose("dispersion").mean() - expected) < error
    assert stats.kstest(strict("p_value"), "uniform").pvalue > 0.01
    assert stats.kstest(loose("p_value"), "uniform").pvalue < 1e-4 and loose("p_value").mean() > 0.55
    assert abs(strict("lift").std() / stratified[0].lift_sd - 1) < 4 / np.sqrt(2 * 600)
    assert abs(strict("gini").mean() - stratified[0].gini_null) < 4 * strict("gini").std() / np.sqrt(600)


@pytest.mark.slow
def test_dead_inputs_at_the_size_of_the_reference():
    rng = np.random.default_rng(0)
    rows = dead_border(784, 300, 8467, rng)
    masks = [random_rows(rows, 300, rng) for _ in range(1000)]
    _, strict = records(masks, row_stratified=True)
    _, loose = records(masks)
    assert abs(strict("dispersion").mean() - 299) < 4 * np.sqrt(2 * 299 / 1000)
    assert loose("dispersion").mean() < 297 and stats.kstest(strict("p_value"), "uniform").pvalue > 0.01


@pytest.mark.parametrize("row_stratified", [False, True])
def test_units_that_survive_unequally_are_found(row_stratified):
    """Beta-binomial units with ρ = 0.002 at p = 0.036: lift 1 + ρ(1 − p)/p = 1.0536, found always, ρ estimated without bias."""
    p, rho, draws, rng = 0.036, 0.002, 60, np.random.default_rng(0)
    shares = stats.beta.rvs(p * (1 - rho) / rho, (1 - p) * (1 - rho) / rho, size=(draws, 300), random_state=rng)
    found, column = records((rng.random((784, 300)) < share for share in shares), row_stratified)
    assert (column("p_value") < 0.01).mean() > 0.95
    for name, expected in (("lift", 1 + rho * (1 - p) / p), ("icc", rho)):
        values = column(name)
        assert abs(values.mean() - expected) < 4 * values.std() / np.sqrt(draws)
    assert (column("gini") > found[0].gini_null + 3 * found[0].gini_sd).mean() > 0.95


@pytest.mark.parametrize(("fan_in", "units", "m"), [(200, 60, 600), (50, 10, 60), (100, 200, 1000)])
def test_deviation_of_gini_under_the_null(fan_in, units, m):
    rng = np.random.default_rng(0)
    found, column = records(random_mask(fan_in, units, m, rng) for _ in range(1500))
    assert abs(column("gini").mean() - found[0].gini_null) < 4 * column("gini").std() / np.sqrt(1500)
    assert abs(column("gini").std() / found[0].gini_sd - 1) < 0.1  # normal counts: an approximation


# --- edges ---


def test_nothing_survives():
    found = concentration(np.zeros((3, 4), bool))
    assert (found.mean, found.sd, found.dead, found.dead_null) == (0, 0, 4, 4)
    undefined = [
        found.dispersion,
        found.p_value,
        found.conditional,
        found.null,
        found.lift,
        found.lift_sd,
        found.icc,
        found.gini,
    ]
    assert np.isnan([*undefined, found.gini_null, found.gini_sd]).all()


@pytest.mark.parametrize("row_stratified", [False, True])
@pytest.mark.parametrize("shape", [(3, 4), (50, 70), (2, 1)])
def test_everything_survives(shape, row_stratified):
    found = concentration(np.ones(shape, bool), row_stratified)
    assert (found.mean, found.sd, found.dead, found.dead_null) == (shape[0], 0, 0, 0)
    assert (found.conditional, found.null, found.lift, found.lift_sd) == (1, 1, 1, 0)
    assert np.isnan([found.dispersion, found.p_value, found.icc]).all()
    np.testing.assert_allclose([found.gini, found.gini_null, found.gini_sd], 0, atol=1e-15)


@pytest.mark.parametrize("row_stratified", [False, True])
def test_one_unit_has_nothing_to_be_compared_with(row_stratified):
    found = concentration(np.array([[True], [True], [False]]), row_stratified)
    assert found.counts.tolist() == [2] and found.sd == 0 and np.isnan([found.dispersion, found.p_value]).all()
    assert (found.conditional, found.lift, found.lift_sd, found.gini, found.gini_null) == (0.5, 1, 0, 0, 0)


@pytest.mark.parametrize("row_stratified", [False, True])
def test_one_input_leaves_no_other_weight(row_stratified):
    found = concentration(np.array([[True, False, True]]), row_stratified)
    assert np.isnan([found.conditional, found.null, found.lift, found.lift_sd, found.icc]).all()
    np.testing.assert_allclose([found.dispersion, found.mean, found.dead_null], [2, 2 / 3, 1])


def test_one_survivor_has_no_other():
    found = concentration(np.array([[True, False], [False, False]]))
    assert (found.conditional, found.null, found.dead_null) == (0, 0, 1) and np.isnan([found.lift, found.lift_sd]).all()
    np.testing.assert_allclose([found.dispersion, found.gini, found.gini_null], [1, 0.5, 0.5], rtol=1e-12)


def test_a_single_weight():
    for value in (False, True):
        assert concentration(np.array([[value]])).counts.tolist() == [int(value)]


def test_dead_units_need_room():
    """Five survivors of 2 × 3 leave no unit empty; four may leave one, in C(4, 4) of C(6, 4) = 15 masks each."""
    none = concentration(np.array([[1, 1, 1], [1, 1, 0]], bool)).dead_null
    assert none == 0 and not np.signbit(none)
    np.testing.assert_allclose(concentration(np.array([[1, 1, 1], [1, 0, 0]], bool)).dead_null, 3 / 15)


def test_large_layers_keep_their_precision():
    found = concentration(np.random.default_rng(0).random((4608, 512)) < 0.05)
    m, size = int(found.counts.sum()), 4608 * 512
    normal = np.sqrt(found.sd**2 * (1 - 1 / 512) / np.pi) / found.mean  # E|n_u − n_v| of normal counts
    np.testing.assert_allclose(found.gini_null, normal, rtol=1e-3)
    np.testing.assert_allclose(found.null, (m - 1) / (size - 1), rtol=1e-12)
    np.testing.assert_allclose(
        found.lift_sd, np.sqrt(2 / 511) * found.sd**2 * 512 / (m * (found.mean - 1)) * 511 / 512, rtol=0.02
    )


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (np.zeros((0, 3), bool), r"`mask` must be a bool matrix \(fan_in, units\), not empty.*\(0, 3\)"),
        (np.zeros((3, 0), bool), "`mask`.*not empty"),
        (np.ones((2, 2)), "`mask` must be a bool matrix.*Received: float64"),
        (np.ones((2, 2), int), "`mask` must be a bool matrix.*Received: int64"),
        (np.ones(3, bool), r"`mask`.*\(3,\)"),
        (np.ones((3, 3, 2, 2), bool), r"`mask`.*\(3, 3, 2, 2\)"),
    ],
)
def test_bad_masks_are_named(mask, words):
    for function in (concentration, inputs):
        with pytest.raises(ValueError, match=words):
            function(mask)
