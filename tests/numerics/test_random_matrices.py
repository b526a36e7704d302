"""Laws of random matrices against quadrature, simulation and published values."""

import numpy as np
import pytest
from scipy import integrate, special

from tfredundancy.numerics import random_matrices as law
from tfredundancy.numerics.powerlaw import noise_spectrum

QS = [1.0, 1.1, 2.0, 10.0]


@pytest.mark.parametrize("q", QS)
@pytest.mark.parametrize("sigma2", [1.0, 0.3])
def test_the_cdf_is_the_integral_of_the_pdf(q, sigma2):
    lo, hi = law.marchenko_pastur_edges(q, sigma2)
    for share in (1e-6, 0.01, 0.1, 0.3, 0.5, 0.8, 0.99, 1.0):
        # λ = lo + (hi − lo) sin² t takes away the roots at both edges, and 1/√λ at q = 1
        def f(t):
            return law.marchenko_pastur_pdf(lo + (hi - lo) * np.sin(t) ** 2, q, sigma2) * (hi - lo) * np.sin(2 * t)

        area = integrate.quad(f, 0, np.arcsin(np.sqrt(share)), epsabs=1e-14, epsrel=1e-13, limit=200)[0]
        assert law.marchenko_pastur_cdf(lo + (hi - lo) * share, q, sigma2) == pytest.approx(area, abs=1e-12)


def test_the_cdf_is_exact_for_very_tall_matrices():
    """For q → ∞ the law is a semicircle about 1 of radius 2/√q, but for a skewness of order 1/√q."""
    q, x = 1e10, np.linspace(-0.9, 0.9, 7)
    semicircle = 0.5 + (x * np.sqrt(1 - x**2) + np.arcsin(x)) / np.pi
    np.testing.assert_allclose(law.marchenko_pastur_cdf(1 + 2 * x / np.sqrt(q), q), semicircle, atol=2e-5)
    steps = np.diff(law.marchenko_pastur_cdf(np.linspace(*law.marchenko_pastur_edges(q), 20_001), q))
    assert (steps >= 0).all()  # no rounding noise


@pytest.mark.parametrize("q", QS)
def test_moments(q):
    gamma, lo, hi = 1 / q, *law.marchenko_pastur_edges(q, 2.0)

    def f(t, k):
        x = lo + (hi - lo) * t**2
        return x**k * law.marchenko_pastur_pdf(x, q, 2.0) * 2 * t * (hi - lo)

    moments = [integrate.quad(f, 0, 1, args=(k,), limit=200)[0] for k in range(4)]
    np.testing.assert_allclose(moments, [1, 2, 4 * (1 + gamma), 8 * (1 + 3 * gamma + gamma**2)], rtol=1e-8)


def test_outside_the_bulk_there_is_nothing():
    lo, hi = law.marchenko_pastur_edges(4.0)
    assert law.marchenko_pastur_pdf(np.array([lo - 1e-6, hi + 1e-6, -1.0, 99.0]), 4.0).tolist() == [0, 0, 0, 0]
    assert law.marchenko_pastur_cdf(np.array([-1.0, lo, hi, 99.0]), 4.0) == pytest.approx([0, 0, 1, 1], abs=1e-12)


def test_medians_and_quantiles():
    found = [law.marchenko_pastur_median(q) for q in (1.0, 2.0, 10.0)]
    np.testing.assert_allclose(found, [0.652776, 0.830466, 0.966565], atol=1e-6)
    p = np.linspace(0.01, 0.99, 9)
    np.testing.assert_allclose(
        law.marchenko_pastur_cdf(law.marchenko_pastur_quantile(p, 3.0, 2.0), 3.0, 2.0), p, atol=1e-12
    )


@pytest.mark.parametrize("q", [1.0, 1.0 + 1e-9, 1.28, 4.0, 78.0])
def test_quantiles_are_those_of_halving(q):
    p = np.concatenate([[0, 1e-12, 1e-6], (np.arange(300) + 0.5) / 300, [1 - 1e-9, 1]])
    lo, hi = (np.full(p.shape, edge) for edge in law.marchenko_pastur_edges(q))
    for _ in range(60):
        middle = (lo + hi) / 2
        below = law.marchenko_pastur_cdf(middle, q) < p
        lo, hi = np.where(below, middle, lo), np.where(below, hi, middle)
    found = law.marchenko_pastur_quantile(p, q)
    np.testing.assert_allclose(found[3:-2], lo[3:-2], rtol=1e-12)
    assert np.abs(law.marchenko_pastur_cdf(found, q) - p).max() <= 2e-15 * np.sqrt(q)


def test_tracy_widom_against_published_values():
    np.testing.assert_allclose(
        [law.tracy_widom_quantile(p) for p in (0.95, 0.99, 0.999)], [0.9793, 2.0234, 3.2722], atol=1e-4
    )
    s = np.linspace(-10, 10, 401)
    cdf = law.tracy_widom_cdf(s)
    mean, square = 10 - integrate.simpson(cdf, x=s), 100 - integrate.simpson(2 * s * cdf, x=s)  # by parts
    np.testing.assert_allclose([mean, square - mean**2], [-1.2065335746, 1.6077810346], atol=1e-6)
    assert law.tracy_widom_cdf(np.array([-11.0, 20.0])).tolist() == [0, 1]


def test_tracy_widom_against_painleve():
    """F₁(s) = exp(−½ ∫ₛ^∞ [u + (x − s)u²] dx), u'' = su + 2u³, u ~ Ai: another road to the same law."""

    def step(s, y):  # u, u', ∫u, ∫u², ∫(x − s)u²
        return [y[1], s * y[0] + 2 * y[0] ** 3, -y[0], -(y[0] ** 2), -y[3]]

    ai, slope = special.airy(8.0)[:2]
    start = [ai, slope, integrate.quad(lambda x: special.airy(x)[0], 8, 20, epsabs=1e-18)[0], 0.0, 0.0]
    points = np.array([4.0, 3.2722, 2.0, 0.0, -1.0, -2.5, -4.0])
    found = integrate.solve_ivp(step, (8.0, -4.0), start, "DOP853", points, rtol=1e-12, atol=1e-16).y
    np.testing.assert_allclose(law.tracy_widom_cdf(points), np.exp(-(found[2] + found[4]) / 2), atol=1e-8)


def test_the_largest_eigenvalue_of_noise_follows_tracy_and_widom(rng):
    centre, scale = law.edge_scaling(200, 100)
    largest = np.array([noise_spectrum(100, 2.0, rng).max() for _ in range(1500)])
    standard = (largest - centre) / scale
    below = [(standard < law.tracy_widom_quantile(p)).mean() for p in (0.5, 0.9, 0.95, 0.99)]
    np.testing.assert_allclose(below, [0.5, 0.9, 0.95, 0.99], atol=4 * np.sqrt(0.25 / 1500))


def test_the_edge_of_several_matrices_is_that_of_the_largest_of_all():
    one, nine = law.noise_edge(100, 50), law.noise_edge(100, 50, pooled=9)
    centre, scale = law.edge_scaling(100, 50)
    assert law.tracy_widom_cdf((nine - centre) / scale) ** 9 == pytest.approx(0.99, abs=1e-9) and nine > one


@pytest.mark.parametrize("n, m", [(400, 200), (300, 300)])
def test_entries_that_are_not_normal_shift_the_edge(n, m, rng):
    """The mean of the largest eigenvalue of 60 draws, of normal entries a fifth of which is left and of entries of one size."""
    centre, scale = law.edge_scaling(n, m)
    for draw, kurtosis in (
        (lambda: rng.normal(size=(n, m)) * (rng.random((n, m)) < 0.2), 15.0),
        (lambda: rng.choice([-1.0, 1.0], size=(n, m)), 1.0),
    ):
        shift = law.noise_edge(n, m, kurtosis=kurtosis) - law.noise_edge(n, m)
        largest = []
        for _ in range(60):
            matrix = draw()
            matrix /= matrix.std()
            largest.append(np.linalg.eigvalsh(matrix.T @ matrix)[-1] / n)
        assert np.mean(largest) == pytest.approx(centre - 1.2065 * scale + shift, abs=0.7 * scale)
        assert abs(np.mean(largest) - (centre - 1.2065 * scale)) > 0.3 * abs(shift)


@pytest.mark.parametrize("q", [1.0, 2.0, 5.0])
@pytest.mark.parametrize("strength", [1.3, 2.0])
def test_a_signal_s_eigenvalue_and_overlaps(q, strength, rng):
    n = 600
    m, theta = round(n / q), strength * law.bbp_threshold(q)
    eigenvalues, overlaps = [], []
    for _ in range(8):
        u, v = rng.normal(size=n), rng.normal(size=m)
        u, v = u / np.linalg.norm(u), v / np.linalg.norm(v)
        left, s, right = np.linalg.svd(
            rng.normal(size=(n, m)) / np.sqrt(n) + theta * np.outer(u, v), full_matrices=False
        )
        eigenvalues.append(s[0] ** 2)
        overlaps.append([(right[0] @ v) ** 2, (left[:, 0] @ u) ** 2])
    assert np.mean(eigenvalues) == pytest.approx(float(law.bbp_eigenvalue(theta, q)), rel=0.04)
    np.testing.assert_allclose(np.mean(overlaps, axis=0), np.stack(law.bbp_overlaps(theta, q)), atol=0.12)
    assert law.bbp_strength(law.bbp_eigenvalue(theta, q), q) == pytest.approx(theta)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: law.marchenko_pastur_pdf(1.0, 0.5), "`q` must be a number N/M of at least 1. Received: q=0.5"),
        (lambda: law.marchenko_pastur_cdf(1.0, np.nan), "`q` must be"),
        (lambda: law.marchenko_pastur_edges(2.0, 0.0), "`sigma2` must be a number above 0. Received: sigma2=0.0"),
        (lambda: law.marchenko_pastur_quantile(1.5, 2.0), r"`p` must lie in \[0, 1\]"),
        (lambda: law.tracy_widom_quantile(1.0), "`p` must lie in"),
        (lambda: law.noise_edge(10, 5, level=0.5), r"`level` must lie in \[0.9, 1\). Received: level=0.5"),
        (lambda: law.noise_edge(10, 5, pooled=0), "`pooled` must be an integer of at least 1. Received: pooled=0"),
        (
            lambda: law.noise_edge(10, 5, kurtosis=0.5),
            "`kurtosis` must be a number of at least 1. Received: kurtosis=0.5",
        ),
        (lambda: law.edge_scaling(0, 5), "`n` and `m` must be at least 1"),
        (lambda: law.bbp_eigenvalue(-1.0, 2.0), "`theta` must not be negative"),
        (lambda: law.bbp_strength(1.0, 2.0), "`eigenvalue` must lie at or above the edge"),
    ],
)
def test_bad_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
