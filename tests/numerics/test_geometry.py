"""Directions of units: closed forms, naive twins, laws of uniform directions."""

import itertools

import ml_dtypes
import numpy as np
import pytest
from scipy import integrate, optimize, stats

from tfredundancy.numerics import geometry
from tfredundancy.numerics.criteria import l2

MERCEDES_BENZ = np.array([[0, 1], [np.sqrt(3) / 2, -0.5], [-np.sqrt(3) / 2, -0.5]])
GOLDEN = (1 + np.sqrt(5)) / 2
ICOSAHEDRON = np.array(
    [[0, 1, GOLDEN], [0, 1, -GOLDEN], [1, GOLDEN, 0], [1, -GOLDEN, 0], [GOLDEN, 0, 1], [-GOLDEN, 0, 1]]
)


def uniform(n, d, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def naive_angle(v, w):
    return np.degrees(np.arccos(v @ w / np.sqrt((v @ v) * (w @ w))))


def planted(centres, copies, noise, seed=0):
    """`copies` noisy units around each centre, of random lengths, and their true labels."""
    rng = np.random.default_rng(seed)
    truth = np.repeat(np.arange(len(centres)), copies)
    units = centres[truth] / l2(centres)[truth, None] + noise * rng.normal(size=(len(truth), centres.shape[1]))
    return units * rng.uniform(0.1, 10, (len(truth), 1)), truth


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(geometry, "_BLOCK_ROWS", 7)


# --- uniform directions ---


def test_angles_on_the_circle_and_the_sphere():
    theta = np.linspace(0, 180, 19)
    np.testing.assert_allclose(geometry.angle_cdf(theta, 2), theta / 180, atol=1e-14)
    np.testing.assert_allclose(geometry.angle_cdf(theta, 3), (1 - np.cos(np.radians(theta))) / 2, atol=1e-14)
    np.testing.assert_allclose(geometry.angle_pdf(theta, 2), 1 / 180, rtol=1e-14)
    np.testing.assert_allclose(geometry.angle_pdf(theta, 3), np.sin(np.radians(theta)) / 2 * np.pi / 180, atol=1e-17)


@pytest.mark.parametrize("d", [2, 3, 10, 4608])
def test_the_density_integrates_to_the_distribution(d):
    for theta in (45.0, 89.0, 91.0, 180.0):
        mass = integrate.quad(geometry.angle_pdf, 0, theta, (d,), points=[min(theta, 90.0)], epsabs=1e-12, limit=500)[0]
        assert abs(mass - geometry.angle_cdf(theta, d)) < 1e-9


@pytest.mark.parametrize("d", [2, 3, 25])
def test_the_cosine_is_a_beta_variable_and_the_angle_its_arc(d):
    cosine = np.linspace(-1, 1, 21)
    expected = stats.beta.cdf((cosine + 1) / 2, (d - 1) / 2, (d - 1) / 2)
    np.testing.assert_allclose(geometry.cosine_cdf(cosine, d), expected, atol=1e-12)
    np.testing.assert_allclose(geometry.angle_cdf(np.degrees(np.arccos(cosine)), d), 1 - expected, atol=1e-7)


@pytest.mark.parametrize("d", [2, 5, 25])
def test_uniform_directions_follow_both_laws_and_no_other_dimension(d):
    left, right = uniform(2000, d), uniform(2000, d, 1)
    theta = np.array([naive_angle(v, w) for v, w in zip(left, right, strict=True)])
    assert stats.kstest(theta, lambda x: geometry.angle_cdf(x, d)).pvalue > 0.01
    assert stats.kstest(np.cos(np.radians(theta)), lambda x: geometry.cosine_cdf(x, d)).pvalue > 0.01
    assert stats.kstest(theta, lambda x: geometry.angle_cdf(x, 2 * d)).pvalue < 1e-4


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: geometry.angle_pdf(10.0, 1), "`d` must be at least 2.*d=1"),
        (lambda: geometry.angle_cdf(181.0, 3), r"`theta` must lie in \[0, 180\].*181"),
        (lambda: geometry.angle_cdf(np.nan, 3), "`theta`.*nan"),
        (lambda: geometry.cosine_cdf(1.1, 3), r"`cosine` must lie in \[-1, 1\].*1.1"),
        (lambda: geometry.cosine_cdf(0.0, 1), "`d` must be at least 2"),
    ],
)
def test_laws_refuse_what_lies_outside(call, words):
    with pytest.raises(ValueError, match=words):
        call()


# --- pairs ---


def test_angles_equal_the_naive_twin_in_condensed_order(small_blocks):
    units = uniform(30, 5) * np.linspace(0.01, 100, 30)[:, None]
    expected = [naive_angle(v, w) for v, w in itertools.combinations(units, 2)]
    np.testing.assert_allclose(geometry.angles(units), expected, rtol=1e-10)


def test_a_dead_unit_has_no_angles(small_blocks):
    units = uniform(20, 4)
    units[[3, 11]] = 0
    theta, couples = geometry.angles(units), list(itertools.combinations(range(20), 2))
    dead = np.array([bool({3, 11} & set(couple)) for couple in couples])
    assert (np.isnan(theta) == dead).all()
    alive = geometry.angles(np.delete(units, [3, 11], axis=0))
    np.testing.assert_allclose(theta[~dead], alive, rtol=1e-12)


def test_one_unit_has_no_pairs():
    assert geometry.angles(np.ones((1, 3))).shape == (0,)
    found = geometry.pairs(np.ones((1, 3)))
    assert found.counts.sum() == 0 and np.isnan([found.mean, found.coherence]).all()
    assert (found.duplicates.repeated, found.duplicates.pairs, found.duplicates.null_pairs) == (0, 0, 0)
    assert found.frame.value == found.frame.bound == 1 and np.isnan([found.frame.z, found.frame.excess]).all()


@pytest.mark.parametrize("shape", [(50, 8), (8, 50), (25, 1)])
def test_one_pass_gives_what_each_function_gives(small_blocks, shape):
    units = uniform(*shape)
    units[4] = 0
    found, theta = geometry.pairs(units), geometry.angles(units)
    theta = theta[~np.isnan(theta)]
    assert (found.counts == np.histogram(theta, geometry.GRID)[0]).all()
    assert found.alive.tolist() == [row != 4 for row in range(len(units))]
    np.testing.assert_allclose(found.mean, theta.mean(), rtol=1e-12)
    np.testing.assert_allclose(found.coherence, np.abs(np.cos(np.radians(theta))).max(), rtol=1e-9)
    assert geometry.coherence(units) == found.coherence
    ours, other = geometry.frame(units), found.frame
    np.testing.assert_allclose([ours.value, ours.z, ours.excess], [other.value, other.z, other.excess], rtol=1e-9)
    assert (ours.n, ours.d) == (other.n, other.d) == (shape[0] - 1, shape[1])


def test_opposite_units_are_counted_in_the_last_degree_and_equal_ones_in_the_first():
    counts = geometry.pairs(np.array([[1.0, 2.0], [2.0, 4.0], [-3.0, -6.0]])).counts
    assert (counts[0], counts[179], counts.sum()) == (1, 2, 3)


def test_counts_of_uniform_units_follow_the_density():
    """Pairs are pairwise independent, so that each count has the mean and the variance of a binomial."""
    n, d = 600, 6
    counts = geometry.pairs(uniform(n, d)).counts
    number, mass = n * (n - 1) / 2, np.diff(geometry.angle_cdf(geometry.GRID, d))
    likely = number * mass > 5
    z = (counts - number * mass)[likely] / np.sqrt(number * mass * (1 - mass))[likely]
    assert likely.sum() > 100 and np.abs(z).max() < 4.5 and 0.7 < z.std() < 1.3


@pytest.mark.parametrize("dtype", ["float16", "float32", "int8", "longdouble", ml_dtypes.bfloat16])
def test_weights_of_any_real_dtype(dtype):
    units = np.array([[1, 0], [2, 2], [0, 3]]).astype(dtype)
    np.testing.assert_allclose(geometry.angles(units), [45, 90, 45], rtol=1e-12)
    assert geometry.cluster(units, 2, 0).angles.shape == (3,)
    np.testing.assert_allclose(geometry.frame_potential(units), 3 + 2 * 2 * 0.5, rtol=1e-12)


# --- twins ---


def test_twins_of_either_sign():
    v, w = np.array([1.0, 2.0, 3.0]), np.array([3.0, 0.0, -1.0])
    units = np.array([v, w, 2 * v, -v, np.zeros(3), [0, 1, 0]])
    either, signed = geometry.duplicates(units), geometry.duplicates(units, signed=True)
    assert (either.pairs, either.repeated, either.twin.tolist()) == (3, 3 / 5, [True, False, True, True, False, False])
    assert (signed.pairs, signed.repeated) == (1, 2 / 5)
    assert either.groups.tolist() == [0, 1, 0, 0, 2, 3] and signed.groups.tolist() == [0, 1, 0, 2, 3, 4]


def test_twins_chain_into_groups():
    fan = np.radians([0, 15, 30, 45, 90])  # cos 15° > 0.95 > cos 30°
    found = geometry.duplicates(np.stack([np.cos(fan), np.sin(fan)], axis=1))
    assert found.pairs == 3 and found.groups.tolist() == [0, 0, 0, 0, 1] and found.repeated == 0.8


def test_twins_equal_the_naive_twin_across_blocks(small_blocks):
    units = uniform(40, 3)
    cosines = {
        (i, j): np.cos(np.radians(naive_angle(units[i], units[j]))) for i, j in itertools.combinations(range(40), 2)
    }
    for signed in (False, True):
        linked = [pair for pair, c in cosines.items() if (c if signed else abs(c)) >= 0.9]
        found = geometry.duplicates(units, 0.9, signed)
        assert found.pairs == len(linked) > 10
        assert set(np.flatnonzero(found.twin)) == {unit for pair in linked for unit in pair}
        assert all(found.groups[i] == found.groups[j] for i, j in linked)


def test_exact_copies_reach_a_threshold_of_1():
    row = uniform(1, 100)
    found = geometry.duplicates(np.concatenate([row * scale for scale in (1, 3, 0.7, 1e-6)]), threshold=1)
    assert found.pairs == 6 and found.repeated == 1


@pytest.mark.parametrize("signed", [False, True])
def test_as_many_twins_by_chance_as_the_null_says(signed):
    found = [geometry.duplicates(uniform(60, 4, seed), 0.9, signed) for seed in range(200)]
    expected = found[0].null_pairs  # pairwise independent: the variance of the count is below its mean
    assert abs(np.mean([f.pairs for f in found]) - expected) < 4 * np.sqrt(expected / 200)


def test_on_a_line_all_units_are_twins():
    line = np.array([[1.0], [2.0], [-1.0]])
    either, signed = geometry.duplicates(line), geometry.duplicates(line, signed=True)
    assert (either.pairs, either.null_pairs) == (3, 3) and (signed.pairs, signed.null_pairs) == (1, 1.5)


@pytest.mark.parametrize("threshold", [0, -0.5, 1.01, np.nan])
def test_a_threshold_outside_0_and_1(threshold):
    with pytest.raises(ValueError, match=r"`threshold` must lie in \(0, 1\]. Received"):
        geometry.duplicates(np.eye(2), threshold)


# --- coherence and frame potential ---


@pytest.mark.parametrize(("units", "value"), [(MERCEDES_BENZ, 0.5), (ICOSAHEDRON, 1 / np.sqrt(5)), (np.eye(5), 0)])
def test_equiangular_tight_frames_reach_welch_s_bound(units, value):
    n, d = units.shape
    np.testing.assert_allclose([geometry.coherence(units), geometry.welch_bound(n, d)], value, atol=1e-12)
    found = geometry.frame(units)
    np.testing.assert_allclose([found.value, found.bound, found.excess], [n**2 / d, n**2 / d, 0], atol=1e-12)


@pytest.mark.parametrize(("n", "d"), [(3, 2), (10, 3), (40, 8), (9, 8)])
def test_no_units_fall_below_the_bounds(n, d):
    for seed in range(20):
        units = uniform(n, d, seed)
        assert geometry.coherence(units) >= geometry.welch_bound(n, d)
        assert geometry.frame_potential(units) >= n**2 / d


@pytest.mark.parametrize(("n", "d"), [(1, 3), (0, 3), (3, 0)])
def test_welch_s_bound_needs_two_directions(n, d):
    with pytest.raises(ValueError, match="`n` must be at least 2 and `d` at least 1"):
        geometry.welch_bound(n, d)


def test_coherence_needs_two_directions():
    with pytest.raises(ValueError, match="at least two non-zero rows. Received: 1"):
        geometry.coherence(np.array([[1.0, 0.0], [0.0, 0.0]]))


@pytest.mark.parametrize("copies", [1, 2, 4])
def test_copies_of_an_orthonormal_basis_are_tight_but_coherent(copies):
    d = 6
    basis = np.linalg.qr(uniform(d, d))[0]
    units = np.concatenate([basis * scale for scale in range(1, copies + 1)])
    found = geometry.frame(units)
    np.testing.assert_allclose([found.value, found.bound], (copies * d) ** 2 / d, rtol=1e-12)
    assert abs(found.excess) < 1e-12
    np.testing.assert_allclose(geometry.coherence(units), 0 if copies == 1 else 1, atol=1e-12)


def test_fewer_units_than_inputs_are_best_at_right_angles():
    found = geometry.frame(3 * np.eye(4)[:3])
    assert (found.value, found.bound, found.excess) == (3, 3, 0) and found.null_mean == 3 + 3 * 2 / 4


@pytest.mark.parametrize("shape", [(5, 3), (3, 5)])
def test_parallel_units_have_the_greatest_potential(shape):
    found = geometry.frame(
        np.outer(np.arange(1, shape[0] + 1), np.ones(shape[1])) * (-1) ** np.arange(shape[0])[:, None]
    )
    np.testing.assert_allclose([found.value, found.excess], [shape[0] ** 2, 1], rtol=1e-12)


@pytest.mark.parametrize("normalise", [True, False])
@pytest.mark.parametrize("shape", [(30, 4), (4, 30), (9, 9)])
def test_frame_potential_equals_the_naive_twin(small_blocks, shape, normalise):
    units = uniform(*shape)
    units[2] = 0
    phi = units[l2(units) > 0]
    if normalise:
        phi = phi / l2(phi)[:, None]
    expected = sum((v @ w) ** 2 for v in phi for w in phi)
    np.testing.assert_allclose(geometry.frame_potential(units, normalise), expected, rtol=1e-12)
    np.testing.assert_allclose(geometry.frame(units, normalise).value, expected, rtol=1e-12)


@pytest.mark.parametrize(
    "norms", [[1, 1, 1, 1, 1], [3, 1, 1, 1], [2, 2, 1, 0.5, 0.1], [1.2, 1, 1, 0.9, 0.8, 0.1], [2, 1]]
)
def test_the_bound_for_given_norms_is_the_least_potential_that_a_search_finds(norms):
    norms, d = np.array(norms, float), 3

    def potential(flat):
        units = flat.reshape(-1, d)
        return geometry.frame_potential(units / l2(units)[:, None] * norms[:, None], normalise=False)

    starts = (uniform(len(norms), d, seed).ravel() for seed in range(5))
    least = min(optimize.minimize(potential, start, tol=1e-12).fun for start in starts)
    np.testing.assert_allclose(least, geometry.frame_bound(norms, d), rtol=1e-6)


@pytest.mark.parametrize("normalise", [True, False])
@pytest.mark.parametrize(("n", "d"), [(6, 4), (4, 9), (2, 2)])
def test_mean_and_variance_of_the_null_by_simulation(n, d, normalise):
    lengths, draws = np.linspace(0.5, 2, n)[:, None], 4000
    directions = (units / l2(units)[:, None] for units in (uniform(n, d, seed) for seed in range(draws)))
    values = np.array([geometry.frame_potential(units * lengths, normalise) for units in directions])
    null = geometry.frame(uniform(n, d) / l2(uniform(n, d))[:, None] * lengths, normalise)
    assert abs(values.mean() - null.null_mean) < 4 * null.null_sd / np.sqrt(draws)
    spread = np.square(values - null.null_mean)
    assert abs(spread.mean() - null.null_sd**2) < 4 * spread.std() / np.sqrt(draws)


def test_the_null_of_a_square_layer_is_that_of_the_reference():
    found = geometry.frame(uniform(64, 64))
    assert found.null_mean == 64 + 63 and abs(found.null_sd - 1.939) < 5e-4 and abs(found.z) < 3


@pytest.mark.parametrize("units", [np.ones((1, 4)), np.array([[1.0], [-2.0], [3.0]])])
def test_where_the_null_has_no_spread_z_and_excess_are_nan(units):
    for normalise in (True, False):
        found = geometry.frame(1.7 * units, normalise)
        assert found.null_sd == 0 and np.isnan([found.z, found.excess]).all()
        np.testing.assert_allclose(found.value, found.bound, rtol=1e-12)


# --- clusters ---


def test_planted_directions_are_found():
    centres = uniform(4, 20)
    units, truth = planted(centres, 25, noise=0.03)
    found = geometry.cluster(units, 4, seed=0)
    match = [np.bincount(found.labels[truth == c], minlength=4).argmax() for c in range(4)]
    assert sorted(match) == [0, 1, 2, 3] and (found.labels == np.array(match)[truth]).all()
    assert max(naive_angle(found.centres[match[c]], centres[c]) for c in range(4)) < 4  # 0.03 · √20 / √25 rad is 1.5°
    np.testing.assert_allclose(l2(found.centres), 1, rtol=1e-12)


def test_each_unit_goes_to_the_nearest_centre_by_angle(small_blocks):
    units = uniform(60, 5) * np.linspace(0.01, 9, 60)[:, None]
    units[7] = 0
    found = geometry.cluster(units, 6, seed=3)
    theta = np.array([[naive_angle(unit, centre) for centre in found.centres] for unit in np.delete(units, 7, axis=0)])
    alive = np.arange(60) != 7
    assert (found.alive == alive).all() and found.labels[7] == 6 and np.isnan(found.angles[7])
    assert (found.labels[alive] == theta.argmin(axis=1)).all()
    np.testing.assert_allclose(found.angles[alive], theta.min(axis=1), rtol=1e-9)


def test_only_directions_and_the_seed_matter():
    units = uniform(40, 4)
    one, again, scaled = (
        geometry.cluster(u, 3, seed=1) for u in (units, units, units * 2.0 ** np.arange(-20, 20)[:, None])
    )
    assert np.array_equal(one.angles, again.angles) and np.array_equal(one.labels, again.labels)
    np.testing.assert_allclose(scaled.angles, one.angles, rtol=1e-12)


def test_opposite_units_are_different_directions():
    found = geometry.cluster(np.array([[1.0, 0.0], [-1.0, 0.0], [2.0, 0.0]]), 2, seed=0)
    assert found.labels[0] == found.labels[2] != found.labels[1] and found.angles.tolist() == [0, 0, 0]


def test_as_many_clusters_as_units_leave_no_angle():
    assert geometry.cluster(uniform(6, 3), 6, seed=0).angles.max() < 1e-5


def test_weights_draw_the_centre():
    found = geometry.cluster(np.array([[1.0, 0.0], [0.0, 1.0]]), 1, seed=0, weights=np.array([3.0, 1.0]))
    np.testing.assert_allclose(found.centres, np.array([[3, 1]]) / np.sqrt(10), rtol=1e-6)
    np.testing.assert_allclose(found.angles, np.degrees(np.arctan([1 / 3, 3])), rtol=1e-6)


@pytest.mark.parametrize(
    ("units", "arguments", "words"),
    [
        (np.eye(3), {"k": 4}, r"`k` must be an integer in \[1, 3\].*k=4"),
        (np.eye(3), {"k": 0}, r"`k` must be an integer in \[1, 3\].*k=0"),
        (np.eye(3), {"k": 1.5}, "`k` must be an integer"),
        (np.array([[1.0, 0.0], [0.0, 0.0]]), {"k": 2}, r"`k` must be an integer in \[1, 1\]"),
        (np.ones((5, 3)), {"k": 2}, "`k` must be at most the number of different directions. Received: k=2"),
        (np.array([[1.0, 2.0], [-1.0, -2.0]]), {"k": 1}, "cancel out.*k=1"),
        (np.eye(2), {"k": 1, "weights": np.ones(3)}, "`weights` must be 2 finite numbers"),
        (np.eye(2), {"k": 1, "weights": np.array([1.0, -1.0])}, "`weights`.*-1"),
        (np.eye(2), {"k": 1, "weights": np.array([1.0, np.nan])}, "`weights`.*nan"),
        (np.array([[1.0, 0.0], [0.0, 0.0]]), {"k": 1, "weights": np.array([0.0, 1.0])}, "`weights`.*living"),
    ],
)
def test_bad_clusterings_are_named(units, arguments, words):
    with pytest.raises(ValueError, match=words):
        geometry.cluster(units, seed=0, **arguments)


# --- the null of angles to the centre ---


def test_the_null_is_a_function_of_its_seed():
    first, again, other = (geometry.angle_null(10, 4, 2, seed, draws=3) for seed in (0, 0, 1))
    assert np.array_equal(first, again) and not np.array_equal(first, other) and first.shape == (3, 10)
    assert len({row.tobytes() for row in first}) == 3


@pytest.mark.parametrize("arguments", [(0, 4, 1, 0, 3), (4, 0, 1, 0, 3), (4, 4, 1, 0, 0)])
def test_a_null_of_nothing_is_refused(arguments):
    with pytest.raises(ValueError, match="`n`, `d` and `draws` must be at least 1"):
        geometry.angle_null(*arguments)


def test_what_stands_for_long_units_has_their_angles():
    """The Bartlett factor in place of n Gaussian rows: one pair of each draw against the law of a cosine in R^40."""
    rng, d = np.random.default_rng(0), 40
    drawn = [geometry._uniform_units(8, d, rng) for _ in range(1500)]
    assert drawn[0].shape == (8, 8)
    for pair in ([0, 1], [0, 7], [6, 7]):
        cosines = [np.cos(np.radians(geometry.angles(units[pair])[0])) for units in drawn]
        assert stats.kstest(cosines, lambda x: geometry.cosine_cdf(x, d)).pvalue > 0.01
    squares = [(units[7] ** 2).sum() for units in drawn]
    assert stats.kstest(squares, stats.chi2(d).cdf).pvalue > 0.01


def test_the_null_equals_in_law_the_clustering_of_gaussian_rows():
    n, d, k = 12, 60, 3
    null = geometry.angle_null(n, d, k, seed=0, draws=200, n_init=2).mean(axis=1)
    direct = [geometry.cluster(uniform(n, d, seed), k, seed, n_init=2).angles.mean() for seed in range(200)]
    assert stats.ks_2samp(null, direct).pvalue > 0.01


def test_p_values_of_uniform_units_are_uniform_and_fitted_centres_do_not_look_clustered():
    n, d, k = 30, 5, 3
    draws = geometry.angle_null(n, d, k, seed=0, draws=500, n_init=2)
    null, fresh = draws[:250], draws[250:]
    tests = [geometry.angle_test(row, null) for row in fresh]
    # each p is the rank of one mean among shared ones: the two-sample comparison is the exact test of uniformity
    assert stats.ks_2samp(null.mean(axis=1), fresh.mean(axis=1)).pvalue > 0.01
    p, z = np.array([t.p_value for t in tests]), np.array([t.z for t in tests])
    assert np.abs(np.sort(p) - (np.arange(250) + 0.5) / 250).max() < 1.63 * np.sqrt(2 / 250)  # KS at 1 %
    assert abs(z.mean()) < 0.35 and 0.8 < z.std() < 1.2
    assert np.mean([t.ks_p < 0.05 for t in tests]) <= 0.05  # conservative
    assert null.mean() < 60  # a null of 90° would call every layer clustered


def test_planted_clusters_are_told_from_the_null():
    units, _ = planted(uniform(3, 12), 20, noise=0.15)
    found = geometry.cluster(units, 3, seed=0)
    test = geometry.angle_test(found.angles, geometry.angle_null(60, 12, 3, seed=0, draws=19, n_init=3))
    assert test.z < -10 and test.p_value == 1 / 20 and test.ks_p < 1e-6 and test.mean < test.null_mean - 10


def test_initial_weights_serve_as_a_null_of_one_draw():
    units, _ = planted(uniform(3, 12), 20, noise=0.15)
    start = geometry.cluster(uniform(60, 12, 5), 3, seed=0).angles
    test = geometry.angle_test(geometry.cluster(units, 3, seed=0).angles, start[None])
    assert test.null_mean == start.mean() and np.isnan([test.null_sd, test.z]).all()
    assert test.p_value == 0.5 and test.ks_p < 1e-6


def test_the_record_of_a_test_in_closed_form():
    theta = np.array([10.0, np.nan, 40.0, 90.0])
    null = np.array([[50.0, 50.0, 50.0, 50.0], [70.0, 70.0, 70.0, 70.0]])
    weights = np.array([2.0, 9.0, 1.0, 1.0])
    plain, weighted = geometry.angle_test(theta, null), geometry.angle_test(theta, null, weights)
    np.testing.assert_allclose([plain.mean, plain.null_mean, plain.null_sd], [140 / 3, 60, np.sqrt(200)])
    np.testing.assert_allclose([plain.z, plain.p_value, plain.ks], [-(40 / 3) / np.sqrt(200), 1 / 3, 2 / 3])
    assert weighted.mean == 37.5 and weighted.null_mean == 60


@pytest.mark.parametrize(
    ("theta", "null"),
    [
        ([np.nan], [[1.0]]),
        ([1.0], [[np.nan]]),
        ([1.0], [1.0]),
        ([[1.0]], [[1.0]]),
        ([], [[1.0]]),
        ([1.0], np.zeros((0, 3))),
    ],
)
def test_angles_without_a_living_unit_are_refused(theta, null):
    with pytest.raises(ValueError, match="`angles` must be"):
        geometry.angle_test(np.array(theta), np.array(null))


# --- number of directions ---


def naive_complete_linkage(units, within):
    groups = [[i] for i in range(len(units))]
    while len(groups) > 1:
        apart = {
            (a, b): max(naive_angle(units[i], units[j]) for i in groups[a] for j in groups[b])
            for a, b in itertools.combinations(range(len(groups)), 2)
        }
        (a, b), least = min(apart.items(), key=lambda item: item[1])
        if least > within:
            break
        groups[a] += groups.pop(b)
    return len(groups)


@pytest.mark.parametrize("within", [10.0, 45.0, 120.0])
def test_number_of_directions_equals_the_naive_twin(within):
    units = uniform(25, 3) * np.linspace(0.1, 10, 25)[:, None]
    assert geometry.count_clusters(units, within) == naive_complete_linkage(units, within)


def test_number_of_directions_in_closed_form():
    fan = np.radians([0, 20, 41, 60, 180, 200])
    units = np.stack([np.cos(fan), np.sin(fan)], axis=1)
    assert [geometry.count_clusters(units, within) for within in (0, 21, 180)] == [6, 3, 1]
    assert geometry.count_clusters(planted(uniform(5, 50), 10, noise=0.02)[0]) == 5
    assert geometry.count_clusters(uniform(40, 2000)) == 40  # all near 90°


def test_dead_units_are_no_direction():
    units = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 0.0], [2.0, 0.1], [0.0, 1.0]])
    assert geometry.count_clusters(units) == 2
    assert geometry.count_clusters(units[:2]) == 1 and geometry.count_clusters(units[:1]) == 0


def test_too_many_units_for_n2_numbers_are_refused(monkeypatch):
    monkeypatch.setattr(geometry, "MOST_LINKED_UNITS", 4)
    units = uniform(5, 3)
    with pytest.raises(ValueError, match="at most 4 living units: complete linkage keeps all n² angles.*Received: 5"):
        geometry.count_clusters(units)
    units[0] = 0
    assert geometry.count_clusters(units) > 0


@pytest.mark.parametrize("within", [-1, 181, np.nan])
def test_within_is_an_angle(within):
    with pytest.raises(ValueError, match=r"`within` must lie in \[0, 180\]"):
        geometry.count_clusters(np.eye(2), within)


# --- beside the initial weights ---


def test_alignment_in_closed_form(small_blocks):
    initial = uniform(20, 3)
    units = initial * np.where(np.arange(20) < 10, 2.0, -0.5)[:, None]
    units[4], initial[15] = 0, 0
    found = geometry.init_alignment(units, initial)
    expected = np.where(np.arange(20) < 10, 1.0, -1.0)
    expected[[4, 15]] = np.nan
    np.testing.assert_allclose(found.cosines, expected, rtol=1e-12)
    np.testing.assert_allclose([found.mean, found.null_sd], [0, 1 / np.sqrt(3)], atol=1e-12)


def test_alignment_by_chance_has_the_mean_and_spread_that_it_says():
    z = [geometry.init_alignment(uniform(15, 7, seed), uniform(15, 7, 10_000 + seed)).z for seed in range(1000)]
    assert stats.kstest(z, "norm").pvalue > 0.01
    cosines = geometry.init_alignment(uniform(4000, 7), uniform(4000, 7, 1)).cosines
    assert stats.kstest(cosines, lambda x: geometry.cosine_cdf(x, 7)).pvalue > 0.01
    assert abs(cosines.std() * np.sqrt(7) - 1) < 0.04  # four standard errors: 1/√(2n)


def test_without_living_units_there_is_no_alignment():
    found = geometry.init_alignment(np.zeros((2, 3)), np.ones((2, 3)))
    assert np.isnan(found.cosines).all() and np.isnan([found.mean, found.z]).all()


def test_distance_to_init_in_closed_form(small_blocks):
    initial = uniform(30, 40)
    assert geometry.distance_to_init(initial, initial) == 0
    np.testing.assert_allclose(geometry.distance_to_init(3 * initial, initial), 2, rtol=1e-12)
    np.testing.assert_allclose(geometry.distance_to_init(np.zeros((30, 40)), initial), 1, rtol=1e-12)
    other = uniform(30, 40, 1)
    expected = np.linalg.norm(other - initial) / np.linalg.norm(initial)
    np.testing.assert_allclose(geometry.distance_to_init(other, initial), expected, rtol=1e-12)
    assert abs(expected - np.sqrt(2)) < 0.1


def test_distance_from_zero_weights_is_refused():
    with pytest.raises(ValueError, match="`initial` must not be all zero"):
        geometry.distance_to_init(np.ones((2, 2)), np.zeros((2, 2)))


@pytest.mark.parametrize("function", [geometry.init_alignment, geometry.distance_to_init])
def test_initial_weights_of_another_shape_or_kind_are_named(function):
    with pytest.raises(
        ValueError, match=r"`initial` must have the shape of `units`, \(2, 3\). Received: shape \(3, 2\)"
    ):
        function(np.ones((2, 3)), np.ones((3, 2)))
    with pytest.raises(ValueError, match="`initial` must be finite"):
        function(np.ones((1, 2)), np.array([[np.nan, 1.0]]))
    with pytest.raises(ValueError, match="`units` must be finite"):
        function(np.array([[np.inf, 1.0]]), np.ones((1, 2)))


# --- bad units ---

OF_UNITS = {
    "angles": geometry.angles,
    "pairs": geometry.pairs,
    "duplicates": geometry.duplicates,
    "coherence": geometry.coherence,
    "frame_potential": geometry.frame_potential,
    "frame": geometry.frame,
    "cluster": lambda units: geometry.cluster(units, 1, 0),
    "count_clusters": geometry.count_clusters,
}


@pytest.mark.parametrize("function", OF_UNITS.values(), ids=OF_UNITS)
@pytest.mark.parametrize(
    ("units", "words"),
    [
        (np.zeros((0, 3)), r"`units` must be a matrix.*not empty.*\(0, 3\)"),
        (np.zeros((3, 0)), r"`units` must be a matrix.*\(3, 0\)"),
        (np.ones(3), r"`units` must be a matrix.*\(3,\)"),
        (np.ones((2, 2, 2)), r"`units` must be a matrix.*\(2, 2, 2\)"),
        (np.array([[1.0, np.nan], [1.0, 2.0]]), "`units` must be finite. Received: 1 of 2 rows"),
        (np.array([[1.0, -np.inf], [1.0, np.inf]]), "`units` must be finite. Received: 2 of 2 rows"),
        (np.ones((2, 2), complex), "`units` must hold real numbers. Received: dtype complex128"),
        (np.array([["a", "b"]]), "`units` must hold real numbers"),
    ],
)
def test_bad_units_are_named(function, units, words):
    with pytest.raises(ValueError, match=words):
        function(units)


@pytest.mark.parametrize("name", ["pairs", "duplicates", "coherence", "frame_potential", "frame", "cluster"])
def test_without_directions_there_is_nothing_to_measure(name):
    with pytest.raises(ValueError, match="`units` must have a non-zero row. Received: 3 rows of zeros"):
        OF_UNITS[name](np.zeros((3, 2)))


def test_constant_units_all_point_one_way():
    found = geometry.pairs(np.full((4, 9), 0.3, np.float32))
    assert found.counts[0] == 6 and found.duplicates.repeated == 1
    np.testing.assert_allclose([found.coherence, found.frame.excess], 1, rtol=1e-12)
    assert geometry.count_clusters(np.full((4, 9), 0.3)) == 1


@pytest.mark.parametrize("name", OF_UNITS)
def test_the_units_are_left_alone(name):
    for dtype in (np.float32, np.float64):
        units = uniform(9, 4).astype(dtype)
        before = units.copy()
        OF_UNITS[name](units)
        assert np.array_equal(units, before)
