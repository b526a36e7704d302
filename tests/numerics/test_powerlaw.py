"""Power-law tails against the `powerlaw` package, naive twins, closed forms and simulated noise."""

import functools
import warnings

import numpy as np
import pytest
from scipy import integrate, special, stats

from tfredundancy.numerics import powerlaw as pl
from tfredundancy.numerics.random_matrices import marchenko_pastur_quantile


def pareto(rng, n, alpha=3.0):
    return rng.random(n) ** (-1 / (alpha - 1))


def half_bulk(rng, n):
    return np.concatenate([rng.random(n // 2), pareto(rng, n - n // 2)])


def marchenko_pastur(rng, n):
    return pl.noise_spectrum(n, 2.0, rng)


def square_noise(rng, n):
    return pl.noise_spectrum(n, 1.0, rng)


def student(rng, n):
    weights = rng.standard_t(3, (2 * n, n))
    return np.linalg.eigvalsh(weights.T @ weights / (2 * n))


def ties(rng, n):
    return np.round(pareto(rng, n, 2.2), 1)


def few_values(rng, n):
    return np.concatenate([[1.0, 2, 3, 5], rng.choice([1.0, 2, 3, 5, 8, 13, 40], n - 4)])


KINDS = [pareto, half_bulk, marchenko_pastur, square_noise, student, ties, few_values]


def naive_candidates(values):
    """(xmin, alpha, D, n_tail) of every candidate, as the definition says."""
    values = np.sort(values[values > 0])
    found = []
    for xmin in np.unique(values)[:-2]:
        tail = values[values >= xmin]
        alpha = 1 + len(tail) / sum(np.log(x / xmin) for x in tail)
        gaps = [abs(1 - (x / xmin) ** (1 - alpha) - np.sum(tail < x) / len(tail)) for x in set(tail)]
        found.append((xmin, alpha, max(gaps), len(tail)))
    return found


def naive_fit(values):
    return min(naive_candidates(values), key=lambda candidate: candidate[2])


def agrees(fit, alpha, xmin, ks, n_tail, tolerance=1e-9):
    assert fit.alpha == pytest.approx(alpha, rel=tolerance)
    assert fit.xmin == xmin and fit.n_tail == n_tail
    assert fit.ks == pytest.approx(ks, abs=tolerance)


# --- the fit ---------------------------------------------------------------------------------------------------------


def oracle(values, **arguments):
    """The package's fit, with its default bound of 3 on alpha lifted, and the power law of its tail."""
    package = pytest.importorskip("powerlaw")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = package.Fit(values, verbose=0, parameter_ranges={"alpha": [0, None]}, **arguments)
        return fitted, fitted.power_law


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [6, 9, 16, 33, 64])
@pytest.mark.parametrize("seed", [0, 1])
def test_alpha_xmin_and_distance_are_those_of_the_powerlaw_package(kind, n, seed):
    values = kind(np.random.default_rng(seed), n)
    theirs, _ = oracle(values)
    agrees(pl.fit(values), theirs.alpha, theirs.xmin, theirs.D, theirs.n_tail)


@pytest.mark.parametrize("kind", [pareto, marchenko_pastur, ties])
def test_larger_spectra_agree_with_the_package_too(kind):
    values = kind(np.random.default_rng(2), 300)
    theirs, _ = oracle(values)
    agrees(pl.fit(values), theirs.alpha, theirs.xmin, theirs.D, theirs.n_tail)


@pytest.mark.parametrize("top", [[6.0], [6.0, 6.0]])
def test_the_two_largest_distinct_eigenvalues_start_no_tail(top):
    values = np.array([1.0, 2.0, 3.0, *[5.0] * 38, *top])  # from 5 on D would be 1/20, the least
    theirs, _ = oracle(values + 1 / 8)
    agrees(pl.fit(values + 1 / 8), theirs.alpha, theirs.xmin, theirs.D, theirs.n_tail)
    assert pl.fit(values).xmin < 5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("xmin", [0.9, 1.0, 1.25])
def test_a_given_xmin_agrees_with_the_package(kind, xmin):
    values = kind(np.random.default_rng(3), 80)
    (theirs, law), ours = oracle(values, xmin=xmin), pl.fit(values, xmin=xmin)
    agrees(ours, law.alpha, xmin, law.D, theirs.n_tail)
    assert ours.xmin_given


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(12))
def test_the_scan_finds_what_computing_every_candidate_finds(kind, seed):
    rng = np.random.default_rng(seed)
    values = kind(rng, int(rng.integers(5, 90))) * 10.0 ** rng.integers(-9, 9)
    xmin, alpha, ks, n_tail = naive_fit(values)
    agrees(pl.fit(values), alpha, xmin, ks, n_tail)


@pytest.mark.parametrize("kind", KINDS)
def test_long_scans_find_the_least_of_all_candidates(kind):
    values = kind(np.random.default_rng(7), 1500)
    every = pl.scan(values)
    best = every.ks.argmin()
    agrees(pl.fit(values), every.alpha[best], every.xmin[best], every.ks[best], every.n_tail[best], 1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_candidates_are_those_of_the_definition(kind):
    values = kind(np.random.default_rng(4), 40)
    every = pl.scan(values)
    xmin, alpha, ks, n_tail = np.array(naive_candidates(values)).T
    assert every.xmin.tolist() == xmin.tolist() and every.n_tail.tolist() == n_tail.tolist()
    np.testing.assert_allclose(every.alpha, alpha, rtol=1e-10)
    np.testing.assert_allclose(every.ks, ks, atol=1e-12)


@pytest.mark.parametrize("alpha", [2.0, 3.0, 4.0])
def test_alpha_of_pareto_samples_has_the_mean_and_spread_that_theory_gives(alpha):
    n, samples = 200, 400
    rng = np.random.default_rng(5)
    fits = [pl.fit(pareto(rng, n, alpha), xmin=1.0) for _ in range(samples)]
    alphas = np.array([fit.alpha for fit in fits])
    mean, sd = 1 + (alpha - 1) * n / (n - 1), (alpha - 1) * n / (n - 1) / np.sqrt(n - 2)  # an inverse gamma variable
    assert alphas.mean() == pytest.approx(mean, abs=4 * sd / np.sqrt(samples))
    assert alphas.std(ddof=1) == pytest.approx(sd, rel=4 / np.sqrt(2 * samples))
    assert fits[0].alpha_sd == pytest.approx((fits[0].alpha - 1) / np.sqrt(n), rel=1e-14)


@pytest.mark.parametrize("alpha, sd", [(2.0, 0.07), (3.0, 0.16), (4.0, 0.22)])
def test_the_scan_recovers_the_alpha_of_pareto_samples(alpha, sd):
    rng = np.random.default_rng(6)
    alphas = [pl.fit(pareto(rng, 500, alpha)).alpha for _ in range(60)]
    assert np.median(alphas) == pytest.approx(alpha, abs=sd / 2)
    assert np.mean(np.abs(np.array(alphas) - alpha) < 4 * sd) > 0.9


def test_the_deviation_of_alpha_is_that_of_the_tail():
    fit = pl.fit([1.0, 1.1, 2, 4, 8, 16, 32], xmin=2.0)
    assert fit.alpha_sd == pytest.approx((fit.alpha - 1) / np.sqrt(5), rel=1e-14)


def test_scale_and_order_do_not_matter():
    rng = np.random.default_rng(8)
    values = half_bulk(rng, 100)
    fit, scaled = pl.fit(values), pl.fit(rng.permutation(values) * 2.0**-40)
    agrees(scaled, fit.alpha, fit.xmin * 2.0**-40, fit.ks, fit.n_tail, 1e-12)


def test_zeros_are_left_out_and_not_counted():
    values = pareto(np.random.default_rng(9), 50)
    assert pl.fit(np.concatenate([np.zeros(30), values])) == pl.fit(values)
    assert pl.fit(values).n == 50


@pytest.mark.parametrize("dtype", ["float16", "float32", "int64"])
def test_other_numeric_types_are_fitted_as_their_float64_values(dtype):
    values = np.array([1, 2, 3, 4, 6, 9, 16, 40]).astype(dtype)
    assert pl.fit(values) == pl.fit(values.astype(np.float64))


def test_the_eigenvalues_are_left_alone():
    values = np.array([3.0, 0.0, 1.0, 2.0, 9.0, 5.0])
    fit = pl.fit(values)
    pl.goodness(values, fit, np.random.default_rng(0), 10)
    pl.compare(values, fit, "truncated")
    assert values.tolist() == [3.0, 0.0, 1.0, 2.0, 9.0, 5.0]


@pytest.mark.parametrize(
    "values, message",
    [
        ([], "at least 4 distinct positive ones.*Received: 0 positive, 0 distinct"),
        ([2.0], "Received: 1 positive, 1 distinct"),
        ([1.0, 2.0, 3.0, 0.0, 0.0], "Received: 3 positive, 3 distinct"),
        (np.zeros(50), "Received: 0 positive, 0 distinct"),
        (np.full(50, 7.0), "Received: 50 positive, 1 distinct"),
        (1 + 1e-15 * np.arange(50), "Received: 50 positive, 1 distinct"),  # an orthogonal matrix
        ([1.0, 2.0, 3.0, 4.0, np.nan, np.inf], "must be finite. Received: 2 NaN or infinite among 6"),
        ([1.0, 2.0, 3.0, 4.0, -1e-3], "must not be negative. Received: -0.001, the least of 5"),
        (np.ones((3, 3)), r"one-dimensional.*Received: float64 of shape \(3, 3\)"),
        (np.ones(9, complex), "one-dimensional array of real numbers. Received: complex128"),
    ],
)
@pytest.mark.parametrize("function", [pl.fit, pl.scan])
def test_spectra_that_cannot_be_scanned_raise_with_what_is_missing(function, values, message):
    with pytest.raises(ValueError, match=message):
        function(values)


@pytest.mark.parametrize(
    "xmin, message",
    [
        (0.0, "`xmin` must be positive and finite. Received: xmin=0.0"),
        (-1.0, "`xmin` must be positive"),
        (np.nan, "`xmin` must be positive"),
        (np.inf, "`xmin` must be positive"),
        (5.0, "`xmin` must leave at least 2 distinct eigenvalues in the tail. Received: xmin=5.0, which leaves 1"),
        (9.0, "which leaves 0"),
    ],
)
def test_an_xmin_that_leaves_no_tail_raises(xmin, message):
    with pytest.raises(ValueError, match=message):
        pl.fit([1.0, 2.0, 5.0, 5.0], xmin=xmin)


# --- the bootstrap ---------------------------------------------------------------------------------------------------


def naive_goodness(values, fit, rng, replicates):
    """Draw, scan every replicate in full, count: from the same stream of uniforms."""
    body = np.sort(values)[: fit.n - fit.n_tail]
    farther = 0
    for _ in range(replicates):
        draws = [
            body[int(u * fit.n)]
            if u < len(body) / fit.n
            else fit.xmin * ((1 - u) * fit.n / fit.n_tail) ** (-1 / (fit.alpha - 1))
            for u in rng.random(fit.n)
        ]
        farther += min((found[2] for found in naive_candidates(np.array(draws))), default=np.inf) >= fit.ks
    return farther / replicates


@pytest.mark.parametrize("kind", KINDS)
def test_p_is_that_of_full_scans_of_the_same_draws(kind):
    values = kind(np.random.default_rng(10), 35)
    fit = pl.fit(values)
    p = pl.goodness(values, fit, np.random.default_rng(11), 40)
    assert p == naive_goodness(values, fit, np.random.default_rng(11), 40)


@pytest.mark.parametrize("seed", range(6))
def test_replicates_too_small_for_a_fit_count_as_no_closer(seed):
    values = np.array([1.0, 1.1, 1.2, 5.0, 6.5, 9.0]) ** (1 + seed % 2)
    fit = pl.fit(values)
    p = pl.goodness(values, fit, np.random.default_rng(seed), 300)
    assert p == naive_goodness(values, fit, np.random.default_rng(seed), 300)


@pytest.mark.parametrize("kind", KINDS)
def test_p_is_the_share_of_replicates_whose_fit_has_no_smaller_distance(kind):
    values = kind(np.random.default_rng(12), 250)
    fit = pl.fit(values)
    log = pl._replicates(np.log(np.sort(values)), fit, np.random.default_rng(13), 120)
    farther = [pl.fit(np.exp(row)).ks >= fit.ks for row in log]
    assert pl.goodness(values, fit, np.random.default_rng(13), 120) == np.mean(farther)


def test_p_does_not_depend_on_how_many_replicates_are_handled_at_once(monkeypatch):
    values = half_bulk(np.random.default_rng(14), 60)
    fit = pl.fit(values)
    p = pl.goodness(values, fit, np.random.default_rng(15), 300)
    for chunk in (1, 700, 10**6):
        monkeypatch.setattr(pl, "_CHUNK", chunk)
        assert pl.goodness(values, fit, np.random.default_rng(15), 300) == p
    assert 0 < p < 1


def test_replicates_follow_the_data_below_xmin_and_the_fit_above():
    values = np.sort(half_bulk(np.random.default_rng(16), 200))
    fit = pl.fit(values)
    drawn = np.exp(pl._replicates(np.log(values), fit, np.random.default_rng(17), 300))
    assert (np.diff(drawn) >= 0).all()
    tail, body = drawn[drawn >= fit.xmin * (1 - 1e-12)], drawn[drawn < fit.xmin * (1 - 1e-12)]
    share, draws = fit.n_tail / fit.n, drawn.size
    assert len(tail) / draws == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / draws))
    assert stats.kstest((tail / fit.xmin) ** (1 - fit.alpha), "uniform").pvalue > 0.001
    _, counts = np.unique(np.round(body, 12), return_counts=True)
    assert len(counts) == fit.n - fit.n_tail and stats.chisquare(counts).pvalue > 0.001


def test_at_a_given_xmin_p_is_the_share_of_refitted_draws_that_are_no_closer():
    values = pareto(np.random.default_rng(18), 40)
    fit = pl.fit(values, xmin=1.0)
    draws = np.random.default_rng(19).standard_exponential((100, 40))
    farther = [pl.fit(np.exp(row), xmin=1.0).ks >= fit.ks for row in draws]
    assert pl.goodness(values, fit, np.random.default_rng(19), 100) == np.mean(farther)


def test_at_a_given_xmin_p_is_uniform_for_power_laws():
    rng = np.random.default_rng(20)
    p = []
    for _ in range(300):
        values = pareto(rng, 40, 2.5)
        p.append(pl.goodness(values, pl.fit(values, xmin=1.0), rng, 200))
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_p_is_nearly_uniform_for_power_laws_whose_xmin_is_scanned():
    rng = np.random.default_rng(21)
    p = []
    for _ in range(200):
        values = pareto(rng, 100, 2.5)
        p.append(pl.goodness(values, pl.fit(values), rng, 200))
    assert stats.kstest(p, "uniform").pvalue > 0.01
    assert np.mean(np.array(p) > 0.1) > 0.83


def noise_kinds(rng, n, count):
    """Bootstrap p and kind of `count` noise spectra, a third for each of q = 1, 2, 4."""
    found = []
    for index in range(count):
        values = pl.noise_spectrum(n, (1.0, 2.0, 4.0)[index % 3], rng)
        fit = pl.fit(values)
        p = pl.goodness(values, fit, rng, 200)
        found.append((p, pl.tail_kind(fit, p, [pl.compare(values, fit, other) for other in PACKAGE_NAMES]).kind))
    return found


def test_hardly_any_noise_bulk_is_called_a_power_law():
    kinds = [kind for _, kind in noise_kinds(np.random.default_rng(22), 400, 60)]
    assert kinds.count("power law") <= 1


@pytest.mark.slow
def test_most_noise_bulks_are_rejected():
    found = noise_kinds(np.random.default_rng(23), 1000, 450)
    assert np.mean([p <= 0.1 for p, _ in found]) >= 0.8
    assert np.mean([kind == "power law" for _, kind in found]) <= 0.02


def test_goodness_refuses_what_it_cannot_use():
    values = pareto(np.random.default_rng(23), 20)
    fit = pl.fit(values)
    with pytest.raises(ValueError, match="`replicates` must be at least 1. Received: replicates=0"):
        pl.goodness(values, fit, np.random.default_rng(0), 0)
    with pytest.raises(ValueError, match="`fit` must be a fit of these `eigenvalues`. Received: 19 positive"):
        pl.goodness(values[1:], fit, np.random.default_rng(0))


# --- the alternatives ------------------------------------------------------------------------------------------------


def truncated_draws(rng, n, alpha, rate):
    x = 1 + rng.exponential(1 / rate, 60 * n)
    return x[rng.random(len(x)) < x**-alpha][:n]


def lognormal_draws(rng, n, mu, sigma):
    x = np.exp(rng.normal(mu, sigma, 60 * n))
    return x[x > 1][:n]


SAMPLES = {
    "power law": lambda rng: pareto(rng, 400, 2.5),
    "exponential": lambda rng: 1 + rng.exponential(2.0, 400),
    "lognormal": lambda rng: lognormal_draws(rng, 400, 0.3, 0.8),
    "lognormal far": lambda rng: lognormal_draws(rng, 400, -1.0, 1.0),
    "truncated": lambda rng: truncated_draws(rng, 400, 1.8, 0.2),
    "truncated late": lambda rng: truncated_draws(rng, 400, 2.5, 0.05),
}
PACKAGE_NAMES = {"exponential": "exponential", "lognormal": "lognormal", "truncated": "truncated_power_law"}


def is_edge(parameters):
    return parameters.get("alpha") == 0 or parameters.get("rate") == 0 or parameters.get("sigma") == np.inf


@pytest.mark.parametrize("other", PACKAGE_NAMES)
@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("seed", [0, 1])
def test_ratios_agree_with_the_package_as_far_as_its_optimiser_goes(sample, other, seed):
    values = SAMPLES[sample](np.random.default_rng(seed))
    (theirs, law), ours = oracle(values, xmin=1.0), pl.compare(values, pl.fit(values, xmin=1.0), other)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ratio, p = theirs.distribution_compare("power_law", PACKAGE_NAMES[other], normalized_ratio=True)
        gain = law.loglikelihoods(values).sum() - ours.log_ratio
        gain -= getattr(theirs, PACKAGE_NAMES[other]).loglikelihoods(values).sum()
    if is_edge(ours.parameters):  # there the package ends anywhere, log-normals in numbers of 1e-318
        return
    assert -1e-7 < gain < 1e-4  # our maximum is at least as high
    assert ours.ratio == pytest.approx(ratio, abs=2e-3)
    assert ours.p == pytest.approx(p, rel=2e-3, abs=1e-12)


@pytest.mark.parametrize("other", PACKAGE_NAMES)
def test_the_distribution_that_drew_the_sample_is_significantly_better(other):
    rng = np.random.default_rng(30)
    for _ in range(10):
        values = SAMPLES[other](rng)
        verdict = pl.compare(values, pl.fit(values, xmin=1.0), other)
        assert verdict.ratio < 0 and verdict.p < 0.01


def test_a_power_law_beats_the_exponential_and_ties_with_what_contains_it():
    rng = np.random.default_rng(31)
    for _ in range(10):
        values = pareto(rng, 1000, 2.5)
        fit = pl.fit(values, xmin=1.0)
        verdict = pl.compare(values, fit, "exponential")
        assert verdict.ratio > 0 and verdict.p < 0.01
        assert pl.compare(values, fit, "truncated").p > 0.01
        assert pl.compare(values, fit, "lognormal").p > 0.01


def unnormalised_log_density(other, x, parameters):
    """ln p of the alternatives up to a constant."""
    if other == "exponential":
        return -parameters["rate"] * x
    if other == "lognormal":
        return -np.log(x) - (np.log(x) - parameters["mu"]) ** 2 / 2 / parameters["sigma"] ** 2
    return -parameters["alpha"] * np.log(x) - parameters["rate"] * x


def log_density(other, x, xmin, parameters):
    """ln p of the alternatives on x ≥ xmin, normalised by quadrature."""
    raw = functools.partial(unnormalised_log_density, other, parameters=parameters)
    top = raw(xmin)
    norm = integrate.quad(lambda s: np.exp(raw(xmin * np.exp(s)) - top + s), 0, 12, epsabs=0, epsrel=1e-11, limit=300)
    return raw(x) - top - np.log(norm[0] * xmin)


@pytest.mark.parametrize("other", PACKAGE_NAMES)
@pytest.mark.parametrize("sample", ["exponential", "lognormal", "truncated", "lognormal far"])
@pytest.mark.parametrize("xmin", [1.0, 1e-3])
def test_the_log_ratio_is_that_of_the_stated_densities_and_no_other_parameters_do_better(sample, other, xmin):
    values = xmin * SAMPLES[sample](np.random.default_rng(32))
    fit = pl.fit(values, xmin=xmin)
    verdict = pl.compare(values, fit, other)
    alone = np.log((fit.alpha - 1) / xmin) - fit.alpha * np.log(values / xmin)
    differences = alone - log_density(other, values, xmin, verdict.parameters)
    assert verdict.log_ratio == pytest.approx(differences.sum(), abs=1e-6)
    assert verdict.ratio == pytest.approx(differences.sum() / np.sqrt(len(values)) / differences.std(), abs=1e-6)
    for name, value in verdict.parameters.items():
        for shifted in (value * 1.02 + 1e-3 * (value == 0), value * 0.98):
            worse = alone - log_density(other, values, xmin, {**verdict.parameters, name: shifted})
            assert worse.sum() >= verdict.log_ratio - 1e-6


def test_the_vuong_p_of_two_equally_wrong_laws_is_its_normal_tail():
    values = SAMPLES["lognormal far"](np.random.default_rng(33))
    verdict = pl.compare(values, pl.fit(values, xmin=1.0), "exponential")
    assert verdict.p == pytest.approx(2 * stats.norm.sf(abs(verdict.ratio)), rel=1e-12)
    nested = pl.compare(values, pl.fit(values, xmin=1.0), "truncated")
    assert nested.p == pytest.approx(stats.chi2.sf(-2 * nested.log_ratio, 1), rel=1e-12)


def test_where_the_power_law_is_the_others_best_the_ratio_is_0():
    values = np.exp(np.array([0.0, 0.0, 0.1, 0.1, 0.2, 5.0]))  # mean(y²) = 4.2, mean(y)² = 0.81, and mean(x) = 25.6
    fit = pl.fit(values, xmin=1.0)
    lognormal, truncated = (pl.compare(values, fit, other) for other in ("lognormal", "truncated"))
    assert (lognormal.ratio, lognormal.log_ratio, lognormal.p) == (truncated.ratio, truncated.log_ratio, truncated.p)
    assert (lognormal.ratio, lognormal.p) == (0, 1)
    assert lognormal.parameters == {"mu": -np.inf, "sigma": np.inf}
    assert truncated.parameters == {"alpha": fit.alpha, "rate": 0}


def test_the_power_law_is_the_limit_of_long_cut_lognormals():
    """Where the log-normal is given up for the power law, the two have long been the same."""
    y = stats.expon.ppf((np.arange(1000) + 0.5) / 1000)
    tilted = y * (1 - 3e-4 * y)
    values = np.exp(tilted - tilted[0])
    verdict = pl.compare(values, pl.fit(values, xmin=1.0), "lognormal")
    assert verdict.parameters["sigma"] < np.inf and -0.05 < verdict.log_ratio <= 0


@pytest.mark.parametrize("alpha", [-40.0, -3.0, -0.5, 0.0, 0.4, 0.99])
@pytest.mark.parametrize("rate", [1e-6, 1e-2, 1.0, 30.0, 600.0])
def test_the_truncated_normaliser_below_alpha_1_is_the_incomplete_gamma_function(alpha, rate):
    expected = (alpha - 1) * np.log(rate) + special.gammaln(1 - alpha) + np.log(special.gammaincc(1 - alpha, rate))
    assert pl._truncated_moments(alpha + rate, rate)[0] == pytest.approx(expected + rate, rel=1e-12, abs=1e-11)


@pytest.mark.parametrize("alpha", [1, 2, 3, 5, 12])
@pytest.mark.parametrize("rate", [1e-9, 1e-6, 1e-2, 1.0, 30.0, 600.0])
def test_the_truncated_normaliser_at_integers_is_the_exponential_integral(alpha, rate):
    norm, means, covariance = pl._truncated_moments(alpha + rate, rate)
    assert norm == pytest.approx(np.log(special.expn(alpha, rate)) + rate, rel=1e-12, abs=1e-11)
    assert 1 + means.sum() == pytest.approx(special.expn(alpha - 1, rate) / special.expn(alpha, rate), rel=1e-10)
    below, above = (pl._truncated_moments(alpha + rate + shift, rate)[0] for shift in (-1e-4, 1e-4))
    assert means[0] == pytest.approx((below - above) / 2e-4, rel=1e-6)
    assert np.linalg.eigvalsh(covariance)[0] > 0


@pytest.mark.parametrize("seed", range(20))
def test_extreme_tails_are_compared_and_the_truncated_law_is_never_worse_than_what_it_contains(seed):
    rng = np.random.default_rng(seed)
    for n in (2, 3, 10, 100):
        y = rng.gamma(rng.uniform(0.1, 5), 10 ** rng.uniform(-8, 1), n)
        values = np.exp(y - y.min()) * 10 ** rng.uniform(-8, 8)
        fit = pl.fit(values, xmin=values.min())
        ratios = {other: pl.compare(values, fit, other) for other in PACKAGE_NAMES}
        assert ratios["truncated"].log_ratio <= min(ratios["exponential"].log_ratio, 0) + 1e-8 * n
        assert ratios["lognormal"].log_ratio <= 1e-6 * n
        assert all(0 <= ratio.p <= 1 and np.isfinite(ratio.ratio) for ratio in ratios.values())


def test_all_comparisons_are_those_one_by_one():
    values = pareto(np.random.default_rng(30), 200)
    fit = pl.fit(values)
    assert pl.compare_all(values, fit) == [pl.compare(values, fit, other) for other in PACKAGE_NAMES]
    with pytest.raises(ValueError, match="`fit` must be a fit of these"):
        pl.compare_all(values * 2, fit)


@pytest.mark.parametrize("seed", range(10))
def test_tails_over_tens_of_decades_are_no_exponentials(seed):
    y = np.random.default_rng(seed).exponential(20.0, 50)
    values = np.exp(y - y.min())
    fit = pl.fit(values, xmin=1.0)
    truncated = pl.compare(values, fit, "truncated")
    assert truncated.parameters["alpha"] > 1 and -50 < truncated.log_ratio <= 0


def test_an_unknown_alternative_and_a_foreign_fit_are_named():
    values = pareto(np.random.default_rng(34), 20)
    fit = pl.fit(values)
    with pytest.raises(
        ValueError, match="`other` must be one of 'exponential', 'lognormal', 'truncated'.*other='gamma'"
    ):
        pl.compare(values, fit, "gamma")
    with pytest.raises(ValueError, match="`fit` must be a fit of these `eigenvalues`"):
        pl.compare(values * 2, fit, "exponential")


# --- the conclusion --------------------------------------------------------------------------------------------------


def verdict(p, n_tail=100, n=500, **ratios):
    comparisons = [
        pl.LikelihoodRatio(ratio, q, other, log_ratio, dict.fromkeys("ab" if other != "exponential" else "a", 1.0))
        for other, (ratio, q, log_ratio) in ratios.items()
    ]
    return pl.tail_kind(pl.PowerLaw(3.0, 1.0, 0.02, n_tail, 0.2, n), p, comparisons)


@pytest.mark.parametrize(
    "arguments, kind, reason",
    [
        ({"p": 0.4}, "power law", "bootstrap p = 0.4 > 0.1, and no alternative is significantly better"),
        ({"p": 0.1}, "rejected", "bootstrap p = 0.1 ≤ 0.1"),
        ({"p": 0.4, "n_tail": 49}, "undecided", "49 of 500 eigenvalues, and at least 50"),
        ({"p": 0.4, "n_tail": 100, "n": 1001}, "undecided", "100 of 1001 eigenvalues, and at least 101"),
        ({"p": 0.02, "n_tail": 20}, "rejected", "bootstrap p = 0.02"),
        ({"p": None}, "undecided", "no bootstrap p"),
        ({"p": 0.4, "lognormal": (-3, 0.01, -9)}, "lognormal", "normalised ratio -3.00, p = 0.01"),
        ({"p": 0.01, "lognormal": (-3, 0.01, -9)}, "lognormal", "significantly better"),
        ({"p": None, "lognormal": (-3, 0.01, -9)}, "lognormal", "significantly better"),
        ({"p": 0.4, "lognormal": (-3, 0.06, -9)}, "power law", ""),
        ({"p": 0.4, "lognormal": (3, 0.01, 9)}, "power law", ""),
        ({"p": 0.4, "n_tail": 20, "lognormal": (-3, 0.01, -9)}, "undecided", "20 of 500"),
        (
            {"p": 0.4, "exponential": (-3, 0.01, -9), "truncated": (-3, 0.01, -9.9)},
            "exponential",
            "",
        ),  # a parameter less
        ({"p": 0.4, "exponential": (-3, 0.01, -9), "truncated": (-3, 0.01, -10.1)}, "truncated", ""),
    ],
)
def test_a_tail_is_what_the_first_rule_that_holds_says(arguments, kind, reason):
    tail = verdict(**arguments)
    assert tail.kind == kind and reason in tail.reason


def test_a_tail_carries_the_numbers_that_led_to_it():
    tail = verdict(0.4, lognormal=(-3, 0.01, -9), exponential=(2, 0.04, 6))
    assert (tail.alpha, tail.n_tail, tail.n_needed, tail.p) == (3.0, 100, 50, 0.4)
    assert tail.ratios == {"lognormal": (-3, 0.01), "exponential": (2, 0.04)}


@pytest.mark.parametrize("p", [-0.1, 1.1, np.nan])
def test_a_p_that_is_none_is_refused(p):
    with pytest.raises(ValueError, match=r"`p` must lie in \[0, 1\]. Received: p="):
        verdict(p)


@pytest.mark.parametrize("sample, kinds", [("power law", {"power law"}), ("exponential", {"exponential", "truncated"})])
def test_the_whole_chain_names_samples_by_what_drew_them(sample, kinds):
    rng = np.random.default_rng(35)
    named = []
    for _ in range(20):
        values = SAMPLES[sample](rng)
        fit = pl.fit(values, xmin=1.0)
        p = pl.goodness(values, fit, rng, 200)
        named.append(pl.tail_kind(fit, p, [pl.compare(values, fit, other) for other in PACKAGE_NAMES]).kind)
    assert np.mean([kind in kinds for kind in named]) >= 0.75


# --- noise -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n, q", [(40, 1.0), (40, 2.5), (1, 3.0)])
def test_noise_spectra_are_distributed_as_those_of_gaussian_matrices(n, q):
    rng = np.random.default_rng(40)
    rows = round(n * q)
    ours = np.array([pl.noise_spectrum(n, q, rng) for _ in range(300)])
    matrices = rng.standard_normal((300, rows, n))
    theirs = np.linalg.eigvalsh(matrices.transpose(0, 2, 1) @ matrices / rows)
    assert (np.diff(ours) >= 0).all() and ours.shape == theirs.shape
    for column in (0, n // 2, n - 1):
        assert stats.ks_2samp(ours[:, column], theirs[:, column]).pvalue > 0.001
    # E tr S = n, E tr S² = n(1 + (n + 1)/rows)
    assert ours.sum(1).mean() == pytest.approx(n, abs=4 * np.sqrt(2 * n / rows / 300))
    squares = (ours**2).sum(1)
    assert squares.mean() == pytest.approx(n * (1 + (n + 1) / rows), abs=4 * squares.std() / np.sqrt(300))


def test_the_alpha_of_noise_is_that_of_fits_of_gaussian_matrices():
    rng = np.random.default_rng(41)
    ours = [pl.noise_alpha(30, 2.0, rng, draws=1) for _ in range(300)]
    matrices = rng.standard_normal((300, 60, 30))
    theirs = [pl.fit(spectrum).alpha for spectrum in np.linalg.eigvalsh(matrices.transpose(0, 2, 1) @ matrices)]
    assert stats.ks_2samp(ours, theirs).pvalue > 0.01


def test_the_alpha_of_noise_is_a_median_and_pools_matrices():
    alphas = [pl.noise_alpha(50, 2.0, np.random.default_rng(42), draws=k) for k in (1, 2, 3)]
    rng = np.random.default_rng(42)
    single = [pl.fit(pl.noise_spectrum(50, 2.0, rng)).alpha for _ in range(3)]
    assert alphas == pytest.approx([np.median(single[:k]) for k in (1, 2, 3)], rel=1e-12)
    rng = np.random.default_rng(43)
    pool = np.concatenate([pl.noise_spectrum(3, 2.0, rng) for _ in range(9)])
    alone = pl.noise_alpha(3, 2.0, np.random.default_rng(43), pooled=9, draws=1)
    assert alone == pytest.approx(pl.fit(pool).alpha, rel=1e-12)


@pytest.mark.parametrize(("n", "q", "pooled"), [(256, 1.0, 1), (400, 3.0, 1), (256, 2.0, 4)])
def test_the_alpha_of_much_noise_is_that_of_expected_eigenvalues_and_among_those_drawn(n, q, pooled):
    draws = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        draws.append(pl.fit(np.concatenate([pl.noise_spectrum(n, q, rng) for _ in range(pooled)])).alpha)
    found = {pl.noise_alpha(n, q, np.random.default_rng(seed), pooled=pooled) for seed in range(2)}
    (alpha,) = found
    places = [marchenko_pastur_quantile(np.array((i - 0.5) / (n * pooled)), q) for i in range(1, n * pooled + 1)]
    assert alpha == pytest.approx(pl.fit(np.array(places)).alpha, rel=1e-9)
    assert min(draws) < alpha < np.quantile(draws, 0.75)


@pytest.mark.parametrize("n, q, name", [(0, 2.0, "n"), (5, 0.9, "q"), (5, np.nan, "q"), (5, np.inf, "q")])
def test_noise_of_no_shape_is_refused(n, q, name):
    with pytest.raises(ValueError, match=f"`{name}` must be .*at least 1. Received: {name}="):
        pl.noise_spectrum(n, q, np.random.default_rng(0))


def test_the_alpha_of_too_little_noise_is_refused():
    with pytest.raises(ValueError, match="Received: 3 positive, 3 distinct"):
        pl.noise_alpha(3, 2.0, np.random.default_rng(0))
    with pytest.raises(ValueError, match="`pooled` and `draws` must be at least 1. Received: pooled=0, draws=5"):
        pl.noise_alpha(9, 2.0, np.random.default_rng(0), pooled=0)


@pytest.mark.parametrize("alpha", [2.0, 3.0])
def test_hill_recovers_alpha_of_pareto_samples(alpha):
    values = pareto(np.random.default_rng(44), 20_000, alpha)
    assert pl.hill(values) == pytest.approx(alpha, abs=4 * (alpha - 1) / 100)
    assert pl.hill(np.append(values, np.zeros(99)), k=2500) == pytest.approx(alpha, abs=4 * (alpha - 1) / 50)


def test_hill_at_an_order_statistic_is_the_fit_without_that_point():
    values = np.sort(pareto(np.random.default_rng(45), 40))
    assert pl.hill(values) == pytest.approx(1 + 20 / np.log(values[20:] / values[19]).sum(), rel=1e-12)


@pytest.mark.parametrize(
    "values, k, message",
    [
        ([1.0, 2.0], 0, r"`k` must lie in \[1, 1\].*Received: k=0"),
        ([1.0, 2.0], 2, r"`k` must lie in \[1, 1\].*Received: k=2"),
        ([1.0], None, "`k` must lie in"),
        ([1.0, 2.0, 2.0, 2.0], 2, r"must not be all equal. Received: 3 times 2.0"),
        ([1.0, -2.0], 1, "must not be negative"),
    ],
)
def test_hill_refuses_what_has_no_slope(values, k, message):
    with pytest.raises(ValueError, match=message):
        pl.hill(values, k)


@pytest.mark.parametrize("q, expected", [(1.0, 2.1217), (2.0, 2.7058), (10.0, 4.8731)])
def test_hill_on_noise_is_a_function_of_the_aspect_ratio(q, expected):
    assert pl.noise_hill(q) == pytest.approx(expected, abs=5e-5)
    quantiles = marchenko_pastur_quantile((np.arange(20_000) + 0.5) / 20_000, q)
    assert pl.noise_hill(q) == pytest.approx(1 + 1 / np.log(quantiles[10_000:] / np.median(quantiles)).mean(), rel=1e-5)
    simulated = pl.hill(pl.noise_spectrum(1000, q, np.random.default_rng(46)))
    assert pl.noise_hill(q) == pytest.approx(simulated, rel=0.01)


def test_noise_hill_refuses_an_aspect_ratio_below_1():
    with pytest.raises(ValueError, match="`q` must be .* at least 1. Received: q=0.5"):
        pl.noise_hill(0.5)
