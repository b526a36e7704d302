"""Spectra: against the singular values, closed forms and simulation; noise is noise, signals are found."""

import tracemalloc

import numpy as np
import pytest
from scipy import stats

from tfredundancy.numerics import powerlaw, spectra
from tfredundancy.numerics.powerlaw import noise_spectrum
from tfredundancy.numerics.random_matrices import bbp_threshold, marchenko_pastur_cdf, noise_edge


def with_signal(rng, n, m, strengths):
    """Return noise of variance 1 and signals of these strengths, in units of the noise."""
    noise = rng.normal(size=(n, m))
    u, v = (np.linalg.qr(rng.normal(size=(size, max(1, len(strengths)))))[0] for size in (n, m))
    return noise + np.sqrt(n) * (u[:, : len(strengths)] * strengths) @ v[:, : len(strengths)].T


# --- eigenvalues -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(7, 3), (3, 7), (40, 40), (900, 20), (1, 5), (5, 1)])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_esd_is_the_squared_singular_values(shape, dtype, rng):
    matrix = rng.normal(size=shape).astype(dtype)
    found = spectra.esd(matrix)
    expected = np.sort(np.linalg.svd(np.float64(matrix), compute_uv=False) ** 2) / max(shape)
    np.testing.assert_allclose(found, expected, atol=1e-13 * expected[-1])
    assert found.dtype == np.float64 and (np.diff(found) >= 0).all()


def test_blocks_make_no_difference(rng, monkeypatch):
    matrix = rng.normal(size=(101, 13))
    whole = spectra.esd(matrix)
    monkeypatch.setattr(spectra, "BLOCK", 40)  # 3 rows at a time
    monkeypatch.setattr(spectra, "ROWS", 1)
    np.testing.assert_allclose(spectra.esd(matrix), whole, rtol=1e-12)
    np.testing.assert_allclose(spectra.esd(matrix.T), whole, rtol=1e-12)


@pytest.mark.parametrize("block", [1 << 22, 1000])
def test_the_largest_eigenvalue_is_found_in_blocks_too(block, rng, monkeypatch):
    matrix = rng.normal(size=(200, 150))
    monkeypatch.setattr(spectra, "BLOCK", block)  # 6 rows at a time
    alone, among_all = (spectra.permutation_null(matrix, np.random.default_rng(3), each) for each in (False, True))
    assert alone.largest == pytest.approx(among_all.largest, rel=1e-5)


def test_rounding_noise_of_a_low_rank_is_exactly_zero(rng):
    matrix = rng.normal(size=(300, 5)) @ rng.normal(size=(5, 200))
    assert [np.count_nonzero(spectra.esd(matrix, precision)) for precision in ("float64", "float32")] == [5, 5]


def test_float32_is_as_exact_as_it_says(rng):
    matrix = rng.normal(size=(500, 250))
    exact, rough = spectra.esd(matrix), spectra.esd(matrix, "float32")
    assert 0 < np.abs(rough - exact).max() < 3e-7 * exact[-1]
    square = spectra.esd(rng.normal(size=(512, 512)), "float32")
    assert np.count_nonzero(square) >= 509  # small ones stay: the law has one in 512 below √512·ε·λ_max


@pytest.mark.parametrize("size", [1e-30, 1e-15, 1e25])
def test_the_size_of_weights_does_not_matter(size, rng):
    matrix = rng.normal(size=(40, 30))
    small = (matrix * size).astype(np.float32)
    expected = spectra.esd(matrix)
    for precision in ("float64", "float32"):
        found = spectra.esd(small, precision) / size**2
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6 * expected[-1])
    null = [spectra.permutation_null(each, np.random.default_rng(0)).largest for each in (matrix, small)]
    assert null[1] == pytest.approx(null[0] * size**2, rel=1e-5)


@pytest.mark.parametrize("precision, most", [("float64", 26), ("float32", 12)])
def test_no_copy_of_a_large_matrix_is_made(precision, most):
    """MB: a block of 2²¹ entries and the Gram matrix beside 20 MB of weights, whose float64 copy would be 41."""
    matrix = np.random.default_rng(0).standard_normal((20_000, 256), dtype=np.float32)
    spectra.esd(matrix[:300], precision)
    tracemalloc.start()
    spectra.esd(matrix, precision)
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    assert peak < most


def test_kurtosis(rng):
    assert spectra.kurtosis(rng.normal(size=(600, 500))) == pytest.approx(3, abs=0.05)
    left = rng.normal(size=(600, 500)) * (rng.random((600, 500)) < 0.25)
    assert spectra.kurtosis(left) == pytest.approx(12, rel=0.03)
    assert spectra.kurtosis(np.full((2, 3), 1e-30, np.float32)) == pytest.approx(1)


def test_the_matrix_is_left_alone(rng):
    matrix = rng.normal(size=(30, 20)).astype(np.float32)
    before = matrix.copy()
    spectra.esd(matrix), spectra.permutation_null(matrix, rng)
    np.testing.assert_array_equal(matrix, before)


def test_ranks_of_equal_eigenvalues():
    values = np.array([0.0, 0.0, 3.0, 3.0, 3.0, 3.0])
    assert spectra.entropy(values) == pytest.approx(1) and spectra.effective_rank(values) == pytest.approx(4)
    assert spectra.participation_ratio(values) == pytest.approx(4) and spectra.stable_rank(np.eye(4)) == pytest.approx(
        4
    )


def test_ranks_of_noise(rng):
    noise = rng.normal(size=(1000, 500))
    assert spectra.stable_rank(noise) == pytest.approx(500 / (1 + np.sqrt(0.5)) ** 2, rel=0.03)
    assert spectra.entropy(spectra.esd(noise)) == pytest.approx(0.960, abs=0.003)
    assert spectra.mp_soft_rank(
        spectra.esd(noise), spectra.fit_marchenko_pastur(spectra.esd(noise), 2.0)
    ) == pytest.approx(1, abs=0.03)


def test_log_norms(rng):
    matrix = rng.normal(size=(30, 20))
    found = spectra.log_norms(spectra.esd(matrix), 30, 3.0)
    squares = np.linalg.svd(matrix, compute_uv=False) ** 2
    expected = [
        np.log10(squares.sum()),
        np.log10(squares.max()),
        3 * np.log10(squares.max()),
        np.log10((squares**3).sum()),
    ]
    np.testing.assert_allclose(list(found.values()), expected, rtol=1e-10)


def test_level_spacing_tells_repulsion_from_independence(rng):
    repelling = np.mean([spectra.level_spacing_ratio(noise_spectrum(300, 2.0, rng)) for _ in range(10)])
    independent = np.mean([spectra.level_spacing_ratio(rng.random(3000)) for _ in range(10)])
    assert repelling == pytest.approx(0.5307, abs=0.02) and independent == pytest.approx(0.3863, abs=0.01)


# --- the bulk --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 5, 20, 50])
def test_the_variance_of_the_bulk_does_not_depend_on_the_signals(count, rng):
    theta = 3 * bbp_threshold(2.0)
    fits = [
        spectra.fit_marchenko_pastur(spectra.esd(with_signal(rng, 1000, 500, [theta] * count)), 2.0) for _ in range(3)
    ]
    assert [fit.spikes for fit in fits] == [count] * 3
    assert np.mean([fit.sigma2 for fit in fits]) == pytest.approx(
        1, abs=0.012
    )  # without the factor N/(N − k): 6 % off at 50


def test_the_fit_scales_with_the_weights(rng):
    values = spectra.esd(with_signal(rng, 400, 200, [2.0]))
    one, other = spectra.fit_marchenko_pastur(values, 2.0), spectra.fit_marchenko_pastur(9 * values, 2.0)
    assert other.sigma2 == pytest.approx(9 * one.sigma2) and other.bulk_edge == pytest.approx(9 * one.bulk_edge)
    assert (other.spikes, other.ks) == (one.spikes, pytest.approx(one.ks))


NO_NOISE = {
    "signals": lambda rng: spectra.esd(with_signal(rng, 400, 200, rng.uniform(1, 9, 40))),
    "heavy": lambda rng: spectra.esd(rng.standard_cauchy(size=(400, 200))),
    "lognormal": lambda rng: np.exp(3 * rng.normal(size=200)),
    "equal": lambda rng: np.ones(200),
}


@pytest.mark.parametrize("kind", NO_NOISE)
@pytest.mark.parametrize("pooled", [1, 2])
def test_the_fit_is_a_fixed_point_whatever_the_spectrum(kind, pooled, rng):
    for _ in range(10):
        values = np.sort(NO_NOISE[kind](rng))
        fit = spectra.fit_marchenko_pastur(values, 2.0, pooled)
        m, k = 200 // pooled, fit.spikes / pooled
        rest, share = values[: 200 - fit.spikes], 1 - k / (2 * m)
        assert fit.sigma2 * share == pytest.approx(rest.mean(), rel=1e-12)
        assert fit.bulk_edge == pytest.approx(fit.sigma2 * noise_edge(2 * m, m, pooled=pooled), rel=1e-12)
        assert fit.spikes == (values > fit.bulk_edge).sum()
        q = (2 * m - k) / (m - k)
        twin = stats.kstest(rest / (fit.sigma2 * share), lambda x, q=q: marchenko_pastur_cdf(x, q))
        assert fit.ks == pytest.approx(twin.statistic, rel=1e-9) and fit.ks_m == pytest.approx(fit.ks * (m - k))


def test_the_order_of_eigenvalues_does_not_matter(rng):
    values = spectra.esd(rng.normal(size=(100, 50)))
    assert spectra.fit_marchenko_pastur(rng.permutation(values), 2.0) == spectra.fit_marchenko_pastur(values, 2.0)


def pruned(rng, n, m, density):
    """Return noise of which magnitude left a share, and its kurtosis."""
    matrix = rng.normal(size=(n, m))
    matrix *= np.abs(matrix) > np.quantile(np.abs(matrix), 1 - density)
    return matrix, spectra.kurtosis(matrix)


def test_the_variance_of_pruned_noise_counts_its_zeros(rng):
    matrix = 2 * rng.normal(size=(600, 300)) * (rng.random((600, 300)) < 0.3)
    fit = spectra.fit_marchenko_pastur(spectra.esd(matrix), 2.0, kurtosis=spectra.kurtosis(matrix))
    assert fit.sigma2 / 0.3 == pytest.approx(4, rel=0.03) and fit.spikes == 0


def test_pruned_noise_has_no_spikes(rng):
    false = {"with": 0, "without": 0}
    for _ in range(60):
        matrix, kurtosis = pruned(rng, 200, 100, 0.1)
        values = spectra.esd(matrix)
        false["with"] += spectra.fit_marchenko_pastur(values, 2.0, kurtosis=kurtosis).spikes > 0
        false["without"] += spectra.fit_marchenko_pastur(values, 2.0).spikes > 0
    assert false["with"] <= 5 and false["without"] >= 12


@pytest.mark.slow
@pytest.mark.parametrize("density", [0.5, 0.2, 0.1, 0.05])
def test_false_positives_in_pruned_noise(density):
    """400 × 200, 500 draws each at the 1 % level: 0.8, 2.6, 2.6 and 5.4 %."""
    rng, false = np.random.default_rng(2), 0
    for _ in range(500):
        matrix, kurtosis = pruned(rng, 400, 200, density)
        false += spectra.fit_marchenko_pastur(spectra.esd(matrix), 2.0, kurtosis=kurtosis).spikes > 0
    assert false / 500 <= (0.04 if density > 0.05 else 0.08)


def test_weak_spikes_are_found(rng):
    """1.25 times the threshold in 1000 × 500: 93 of 100 draws were found."""
    theta, found = 1.25 * bbp_threshold(2.0), 0
    for _ in range(10):
        found += spectra.fit_marchenko_pastur(spectra.esd(with_signal(rng, 1000, 500, [theta])), 2.0).spikes == 1
    assert found >= 9


@pytest.mark.parametrize("shape, draws", [((500, 250), 400), ((64, 64), 1000), ((300, 300), 400)])
def test_noise_has_spikes_as_rarely_as_the_level_says(shape, draws, rng):
    n, m = shape
    false = sum(spectra.fit_marchenko_pastur(noise_spectrum(m, n / m, rng), n / m).spikes > 0 for _ in range(draws))
    assert false / draws <= 0.025 + 3 * np.sqrt(0.02 / draws)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(500, 250), (1000, 500), (64, 64), (300, 300)])
def test_false_positives_at_the_1_percent_level(shape):
    """2,000 draws each: 1.7 %, 1.3 %, and of the small squares 2.4 % (64) and 1.5 % (300)."""
    (n, m), rng = shape, np.random.default_rng(1)
    false = sum(spectra.fit_marchenko_pastur(noise_spectrum(m, n / m, rng), n / m).spikes > 0 for _ in range(2000))
    assert false / 2000 <= 0.025


def test_pooled_matrices_have_one_chance_of_a_false_spike(rng):
    false = 0
    for _ in range(300):
        values = np.concatenate([noise_spectrum(50, 2.0, rng) for _ in range(9)])
        false += spectra.fit_marchenko_pastur(values, 2.0, pooled=9).spikes > 0
    assert false / 300 < 0.04


def test_the_distance_of_noise_to_its_law(rng):
    distances = [spectra.fit_marchenko_pastur(noise_spectrum(250, 2.0, rng), 2.0).ks_m for _ in range(200)]
    assert 2.3 < np.median(distances) < 2.9 and np.quantile(distances, 0.95) < 3.6
    uniform = spectra.fit_marchenko_pastur(np.linspace(0.1, 2.5, 250), 2.0)
    assert uniform.ks_m > 10


def test_strengths_and_overlaps_of_spikes(rng):
    theta = np.array([1.5, 3.0])
    values = spectra.esd(with_signal(rng, 2000, 500, theta))
    found = spectra.spikes(values, spectra.fit_marchenko_pastur(values, 4.0))
    np.testing.assert_allclose(found.strengths, theta, rtol=0.06)
    assert (np.diff(found.overlap_m) > 0).all() and (found.overlap_n < 1).all()


# --- other nulls -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(200, 100), (100, 200), (500, 150), (900, 800)])
def test_the_permutation_null(shape, rng):
    matrix = with_signal(rng, *shape, [6.0])
    found = [spectra.permutation_null(matrix, np.random.default_rng(3), spectrum=each) for each in (False, True)]
    assert found[0].largest == pytest.approx(found[1].largest, rel=1e-5) and found[0].eigenvalues is None
    assert (found[0].spikes, found[1].spikes) == (None, 0)
    assert found[1].eigenvalues.sum() == pytest.approx(spectra.esd(matrix).sum(), rel=1e-5)  # the same entries
    assert found[1].largest < 0.5 * spectra.esd(matrix)[-1]  # the signal was in their arrangement


@pytest.mark.parametrize("limit", [1 << 22, 64, 7])
def test_a_random_order_has_the_same_entries(limit, rng, monkeypatch):
    monkeypatch.setattr(spectra, "SORTED", limit)
    matrix = rng.normal(size=(31, 9)).astype(np.float32)
    orders = [spectra._in_random_order(matrix, 1.0, np.random.default_rng(seed)) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(orders[0], orders[1])
    assert (orders[0] != orders[2]).any() and orders[0].shape == matrix.shape
    np.testing.assert_array_equal(np.sort(orders[0].ravel()), np.sort(matrix.ravel()))


@pytest.mark.parametrize("limit", [1 << 22, 16])
def test_every_entry_comes_to_every_place_equally_often(limit, rng, monkeypatch):
    monkeypatch.setattr(spectra, "SORTED", limit)
    matrix = np.arange(1.0, 49.0).reshape(8, 6)
    counts = np.zeros((48, 48))
    for _ in range(4800):
        order = spectra._in_random_order(matrix, 1.0, rng).astype(int).ravel() - 1
        counts[np.arange(48), order] += 1
    chi_square = ((counts - 100) ** 2 / 100).sum()  # rows and columns sum to 4800: 47² degrees of freedom
    assert 0.0005 < stats.chi2.cdf(chi_square, 47**2) < 0.9995


def test_heavy_tailed_entries_keep_their_edge_when_permuted(rng):
    matrix = rng.standard_t(2.5, size=(400, 200))
    assert (
        spectra.permutation_null(matrix, rng).largest > spectra.fit_marchenko_pastur(spectra.esd(matrix), 2.0).bulk_edge
    )


def test_porter_thomas_accepts_noise_and_rejects_localised_vectors(rng):
    vectors = np.linalg.svd(rng.normal(size=(600, 300)))[2]
    found = spectra.porter_thomas(vectors)
    assert 0.01 < found.rejected < 0.09 and found.ipr.mean() == pytest.approx(3, abs=0.1)
    np.testing.assert_allclose(spectra.porter_thomas(-vectors).p_values, found.p_values, rtol=1e-9)
    spread = np.zeros(300)
    spread[:25] = 0.2
    assert spectra.porter_thomas(spread[None]).p_values[0] < 1e-10


@pytest.mark.parametrize("size", [12, 50, 400])
def test_porter_thomas_p_values_of_random_directions_are_uniform(size, rng):
    directions = rng.normal(size=(4000, size))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    found = spectra.porter_thomas(directions)
    assert (
        stats.kstest(found.p_values, "uniform").statistic < 0.04
    )  # noise 0.02, the formula 0.015; 0.06 to 0.1 without 0.04
    assert found.rejected == pytest.approx(0.053, abs=0.012)


# --- phases ----------------------------------------------------------------------------------------------------------


def heavy(rng):
    return rng.pareto(1.2, size=(600, 300)) * rng.choice([-1, 1], size=(600, 300))


PHASES = {
    "random-like": lambda rng: rng.normal(size=(600, 300)),
    "bleeding-out": lambda rng: with_signal(rng, 600, 300, [1.3 * bbp_threshold(2.0)] * 4),
    "bulk and spikes": lambda rng: with_signal(rng, 600, 300, np.linspace(2.5, 6, rng.integers(1, 15))),
    "bulk-decay": lambda rng: rng.standard_t(3, size=(600, 300)),
    "heavy-tailed": heavy,
    "rank-collapse": lambda rng: low_rank(rng, rng.choice([20, 100, 250])),
}


def low_rank(rng, rank):
    return rng.normal(size=(600, rank)) @ rng.normal(size=(rank, 300))


@pytest.mark.parametrize("label", PHASES)
def test_constructed_phases_are_told_apart(label, rng):
    found = [spectra.phase(spectra.esd(PHASES[label](rng)), 2.0) for _ in range(6)]
    assert [each.label for each in found].count(label) >= 5
    assert all(set(each.margins) >= {"rank_collapse"} for each in found)


@pytest.mark.slow
def test_phases_are_told_right_in_19_of_20():
    """18 draws of each: 105 of 108 in the reference, 104 here; the bootstrap rejects a tenth of true tails."""
    rng = np.random.default_rng(3)
    right = [
        spectra.phase(spectra.esd(draw(rng)), 2.0).label == label for label, draw in PHASES.items() for _ in range(18)
    ]
    assert np.mean(right) >= 0.95


def test_pooled_matrices_have_the_phase_of_one(rng):
    spectrum = {
        "random-like": [noise_spectrum(64, 2.0, rng) for _ in range(9)],
        "bulk and spikes": [spectra.esd(with_signal(rng, 128, 64, [4.0])) for _ in range(9)],
    }
    for label, parts in spectrum.items():
        assert spectra.phase(np.concatenate(parts), 2.0, pooled=9).label == label


def test_one_huge_eigenvalue_does_not_make_the_others_vanish(rng):
    found = spectra.phase(np.append(noise_spectrum(99, 2.0, rng), 1e6), 2.0)
    assert found.label == "bulk and spikes" and found.margins["rank_collapse"] == (0, 0.05)


def test_the_limit_of_the_bulk_s_distance(rng):
    values = np.concatenate([noise_spectrum(100, 2.0, rng) for _ in range(4)])
    limit = (1.25 + 0.44 * np.log(100)) / 2 + 0.25
    assert spectra.phase(values, 2.0, pooled=4).margins["bulk_ks"][1] == pytest.approx(limit)


def test_what_is_known_is_not_computed_again(rng, monkeypatch):
    values = spectra.esd(heavy(rng))
    bulk, tail = spectra.fit_marchenko_pastur(values, 2.0), powerlaw.fit(values)
    monkeypatch.setattr(powerlaw, "fit", None)
    monkeypatch.setattr(powerlaw, "goodness", None)
    monkeypatch.setattr(spectra, "fit_marchenko_pastur", None)
    found = spectra.phase(values, 2.0, bulk=bulk, tail=tail, tail_p=0.05)
    assert found.label == "bulk-decay" and found.margins["tail_p"] == (0.05, 0.1)


# --- updates ---------------------------------------------------------------------------------------------------------


def test_projected_updates(rng):
    initial, update = rng.normal(size=(12, 8)), rng.normal(size=(12, 3)) @ rng.normal(size=(3, 8))
    final = initial + update
    np.testing.assert_allclose(spectra.project_update(final, initial, 0), initial)
    for rank in (3, 8):
        np.testing.assert_allclose(spectra.project_update(final, initial, rank), final, atol=1e-12)
    found = spectra.update_spectrum(final, initial)
    one = spectra.project_update(final, initial, 1) - initial
    assert np.linalg.matrix_rank(one) == 1
    assert np.linalg.norm(update - one, 2) / np.linalg.norm(update, 2) == pytest.approx(found.residual[0])
    assert np.linalg.norm(one) ** 2 / np.linalg.norm(update) ** 2 == pytest.approx(found.energy[0])
    assert spectra.update_rank(final, initial, 1.0) == 3 and spectra.update_rank(initial, initial) == 0
    shares = [found.energy[spectra.update_rank(final, initial, share) - 1] for share in (0.5, 0.9)]
    assert shares[0] >= 0.5 and shares[1] >= 0.9


# --- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: spectra.esd(np.zeros((0, 3))), "`matrix` must be a matrix of real numbers, not empty. Received: float64"),
        (lambda: spectra.esd(np.zeros(3)), "`matrix` must be"),
        (lambda: spectra.esd(np.zeros((2, 2), complex)), "complex128"),
        (lambda: spectra.esd(np.array([[1.0, np.nan]])), "`matrix` must be finite. Received: 1 NaN or infinite"),
        (lambda: spectra.esd(np.eye(2), "float16"), "`precision` must be float64 or float32. Received: precision='float16'"),
        (lambda: spectra.stable_rank(np.zeros((3, 3))), "must not all be 0"),
        (lambda: spectra.kurtosis(np.zeros((3, 3))), "`matrix` must not be all 0"),
        (lambda: spectra.phase(np.zeros(20), 1.0), "must not all be 0"),
        (lambda: spectra.esd(np.full((2, 2), np.inf), "float32"), "`matrix` must be finite. Received: 4 NaN or infinite"),
        (lambda: spectra.permutation_null(np.zeros((0, 2)), np.random.default_rng(0)), "`matrix` must be"),
        (lambda: spectra.permutation_null(np.ones((20, 12)), np.random.default_rng(0), True), "must have a bulk"),
        (lambda: spectra.fit_marchenko_pastur(np.full(20, np.nan), 1.0), "`eigenvalues` must be numbers of at least 0"),
        (lambda: spectra.fit_marchenko_pastur(np.ones(20), 1.0, kurtosis=np.nan), "`kurtosis` must be"),
        (lambda: spectra.entropy(np.array([-1.0, 1.0])), "`eigenvalues` must be numbers of at least 0"),
        (lambda: spectra.entropy(np.array([])), "`eigenvalues` must be numbers of at least 0"),
        (lambda: spectra.fit_marchenko_pastur(np.ones(9), 1.0), "must be at least 10 of each matrix. Received: 9 of 1"),
        (lambda: spectra.fit_marchenko_pastur(np.ones(25), 1.0, pooled=2), "Received: 25 of 2 matrices"),
        (lambda: spectra.fit_marchenko_pastur(np.zeros(20), 1.0), "must have a bulk. Received: half of them or more are 0"),
        (lambda: spectra.fit_marchenko_pastur(np.ones(20), 0.9), "`q` must be a number N/M of at least 1. Received: q=0.9"),
        (lambda: spectra.level_spacing_ratio(np.ones(5)), "`eigenvalues` must hold 3 different numbers"),
        (lambda: spectra.porter_thomas(np.ones((1, 20))), "`vectors` must be rows of length 1"),
        (lambda: spectra.project_update(np.eye(2), np.eye(3), 1), "`final` and `initial` must be matrices of one shape"),
        (lambda: spectra.project_update(np.eye(2), np.eye(2), 3), r"`rank` must lie in \[0, 2\]. Received: rank=3"),
        (lambda: spectra.update_spectrum(np.eye(2), np.eye(2)), "`final` must differ from `initial`"),
        (lambda: spectra.update_rank(np.eye(2), np.eye(2), 0.0), r"`energy` must lie in \(0, 1\]"),
    ],
)  # fmt: skip
def test_bad_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
