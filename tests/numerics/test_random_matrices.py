"""Laws of random matrices against quadrature, simulation and published values."""

import numpy as np
import pytest
from scipy import integrate

from tfredundancy.numerics import random_matrices as law
from tfredundancy.numerics.powerlaw import noise_spectrum

QS = [1.0, 1.1, 2.0, 10.0]


@pytest.mark.parametrize("q", QS)
@pytest.mark.parametrize("sigma2", [1.0, 0.3])
def test_the_cdf_is_the_integral_of_the_pdf(q, sigma2):
    lo, hi = law.marchenko_pastur_edges(q, sigma2)
    for x in np.linspace(lo, hi, 9)[1:]:
        # λ = lo + (hi − lo) t² takes away the root at the lower edge, and 1/√λ at q = 1
        def f(t):
            return law.marchenko_pastur_pdf(lo + (hi - lo) * t**2, q, sigma2) * 2 * t * (hi - lo)

        area = integrate.quad(f, 0, np.sqrt((x - lo) / (hi - lo)), epsabs=1e-13, limit=200)[0]
        assert law.marchenko_pastur_cdf(x, q, sigma2) == pytest.approx(area, abs=1e-9)


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


def test_tracy_widom_against_published_values():
    np.testing.assert_allclose(
        [law.tracy_widom_quantile(p) for p in (0.95, 0.99, 0.999)], [0.9793, 2.0234, 3.2722], atol=1e-4
    )
    s = np.linspace(-9, 9, 1801)
    pdf = np.gradient(law.tracy_widom_cdf(s), s)
    mean = integrate.trapezoid(s * pdf, s)
    np.testing.assert_allclose(
        [mean, integrate.trapezoid((s - mean) ** 2 * pdf, s)], [-1.2065336, 1.6077810], atol=2e-3
    )


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
        (lambda: law.edge_scaling(0, 5), "`n` and `m` must be at least 1"),
        (lambda: law.bbp_eigenvalue(-1.0, 2.0), "`theta` must not be negative"),
        (lambda: law.bbp_strength(1.0, 2.0), "`eigenvalue` must lie at or above the edge"),
    ],
)
def test_bad_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
