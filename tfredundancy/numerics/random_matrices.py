"""Laws of random matrices: what the spectrum of pure noise looks like, and what a signal adds to it.

W: array (N, M), N ≥ M, independent entries of mean 0 and variance σ². X = WᵀW/N has M eigenvalues λ. q = N/M ≥ 1, γ = 1/q.
Because N ≥ M, the Marchenko–Pastur law has no mass at 0: its density integrates to 1 over [λ₋, λ₊], λ± = σ²(1 ± √γ)².

Three scales: the bulk (Marchenko–Pastur), the fluctuation of the largest eigenvalue about λ₊ (Tracy–Widom, β = 1, real
entries), and the eigenvalues that a signal of low rank pushes out of the bulk (Baik, Ben Arous & Péché). Definitions:
docs/definitions.md.
"""

import functools

import numpy as np
from scipy import optimize, special

# --- the bulk: Marchenko and Pastur ---


def marchenko_pastur_edges(q: float, sigma2: float = 1.0) -> tuple[float, float]:
    """Ends of the bulk: λ± = σ²(1 ± 1/√q)².

    Args:
        q: N/M, at least 1.
        sigma2: variance of the entries, above 0.

    Returns:
        (λ₋, λ₊).

    Raises:
        ValueError: q < 1, sigma2 ≤ 0, or one of them not finite.

    Example:
        >>> marchenko_pastur_edges(4.0), marchenko_pastur_edges(1.0, 2.0)
        ((0.25, 2.25), (0.0, 8.0))

    Reference:
        Marchenko & Pastur 1967, Distribution of eigenvalues for some sets of random matrices, Math. USSR Sbornik 1.
    """
    check_q(q)
    _check_variance(sigma2)
    root = 1 / np.sqrt(q)
    return float(sigma2 * (1 - root) ** 2), float(sigma2 * (1 + root) ** 2)


def marchenko_pastur_pdf(x: np.ndarray, q: float, sigma2: float = 1.0) -> np.ndarray:
    """Density of an eigenvalue of noise: ρ(λ) = q·√((λ₊ − λ)(λ − λ₋)) / (2πσ²λ), 0 outside [λ₋, λ₊].

    Args:
        x: array of numbers, any shape.
        q: N/M, at least 1.
        sigma2: variance of the entries, above 0.

    Returns:
        Array of the shape of `x`; infinite at 0 for q = 1, where the density diverges as 1/√λ.

    Raises:
        ValueError: as `marchenko_pastur_edges`.

    Example:
        >>> (marchenko_pastur_pdf(np.array([0.0, 2.0, 4.0, 5.0]), 1.0) * 2 * np.pi).round(9)
        array([inf,  1.,  0.,  0.])

    Reference:
        Marchenko & Pastur 1967, Distribution of eigenvalues for some sets of random matrices, Math. USSR Sbornik 1.
    """
    lo, hi = marchenko_pastur_edges(q, sigma2)
    x = np.asarray(x, np.float64)
    root = np.sqrt(np.maximum(hi - x, 0)) * np.sqrt(np.maximum(x - lo, 0))
    density = np.divide(q * root, 2 * np.pi * sigma2 * x, out=np.zeros_like(x), where=x != 0)
    return np.where(x == 0, np.inf if lo == 0 else 0.0, density)


def marchenko_pastur_cdf(x: np.ndarray, q: float, sigma2: float = 1.0) -> np.ndarray:
    """Probability that an eigenvalue of noise is at most x, in closed form.

    With σ² = 1, R = √((λ₊ − x)(x − λ₋)) and φ = 2·atan √((λ₊ − x)/(x − λ₋)):
    F(x) = 1 − φ/π + [q·R/2 − (q − 1)·atan2(R, x + 1 − 1/q)] / π on [λ₋, λ₊], 0 below, 1 above.

    Written with one angle less than usual, so that its error stays near 1e-16·√q where q is large.

    Args:
        x: array of numbers, any shape.
        q: N/M, at least 1.
        sigma2: variance of the entries, above 0.

    Returns:
        Array of the shape of `x`, in [0, 1].

    Raises:
        ValueError: as `marchenko_pastur_edges`.

    Example:
        >>> marchenko_pastur_cdf(np.array([-1.0, 0.0, 2.0, 4.0]), 1.0).round(6)  # in the middle 1/2 + 1/π
        array([0.     , 0.     , 0.81831, 1.     ])

    Reference:
        Marchenko & Pastur 1967, Distribution of eigenvalues for some sets of random matrices, Math. USSR Sbornik 1.
    """
    lo, hi = marchenko_pastur_edges(q)
    _check_variance(sigma2)
    x = np.clip(np.asarray(x, np.float64) / sigma2, lo, hi)  # the formula holds at both ends: 0 and 1
    up, down = np.sqrt(hi - x), np.sqrt(x - lo)
    root = up * down
    bent = q * root / 2 - (q - 1) * np.arctan2(root, x + 1 - 1 / q)
    return 1 + (bent - 2 * np.arctan2(up, down)) / np.pi


def marchenko_pastur_quantile(p: np.ndarray, q: float, sigma2: float = 1.0) -> np.ndarray:
    """The x at which the Marchenko–Pastur distribution reaches p, by Newton's method between neighbours of a grid.

    Args:
        p: array of probabilities in [0, 1], any shape.
        q: N/M, at least 1.
        sigma2: variance of the entries, above 0.

    Returns:
        Array of the shape of `p`, in [λ₋, λ₊]; there the distribution is within 2e-15·√q of p.

    Raises:
        ValueError: as `marchenko_pastur_edges`, or p outside [0, 1].

    Example:
        >>> float(marchenko_pastur_quantile(0.5, 1.0).round(6)), float(marchenko_pastur_quantile(0.5, 2.0).round(6))
        (0.652776, 0.830466)
    """
    p = np.asarray(p, np.float64)
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"`p` must lie in [0, 1]. Received: p={p}")
    _check_variance(sigma2)
    least, most = marchenko_pastur_edges(q)
    grid = np.append(least + (most - least) * np.sin(np.linspace(0, np.pi / 2, 256, endpoint=False)) ** 2, most)
    reached = marchenko_pastur_cdf(grid, q)
    right = np.clip(np.searchsorted(reached, p), 1, 256)
    lo, hi = grid[right - 1], grid[right]
    x = lo + (hi - lo) * (p - reached[right - 1]) / (reached[right] - reached[right - 1])
    for _ in range(60):  # three do, but where p is very near to 0 or 1
        beyond = marchenko_pastur_cdf(x, q) - p
        off = np.abs(beyond) > 2e-15 * np.sqrt(q)
        if not off.any():
            break
        lo, hi = np.where(beyond < 0, x, lo), np.where(beyond < 0, hi, x)
        step = np.divide(beyond, marchenko_pastur_pdf(x, q), out=np.zeros_like(x), where=off)
        inside = (lo < x - step) & (x - step < hi)
        x = np.where(off, np.where(inside, x - step, (lo + hi) / 2), x)
    return sigma2 * x


@functools.lru_cache(maxsize=1024)
def marchenko_pastur_median(q: float) -> float:
    """Median of the Marchenko–Pastur law with σ² = 1; a model has few shapes, so the values are remembered.

    Args:
        q: N/M, at least 1.

    Returns:
        A number below 1, which is the mean.

    Raises:
        ValueError: as `marchenko_pastur_edges`.

    Example:
        >>> round(marchenko_pastur_median(10.0), 6)
        0.966565
    """
    return float(optimize.brentq(lambda x: marchenko_pastur_cdf(x, q) - 0.5, *marchenko_pastur_edges(q), xtol=1e-15))


# --- the edge: Tracy and Widom ---


def tracy_widom_cdf(s: np.ndarray) -> np.ndarray:
    """Distribution of the largest eigenvalue of real noise, centred and scaled: F₁(s) = det(1 − Ai(x + y + s)) on x, y > 0.

    The determinant is Fredholm's, taken on Gauss–Legendre nodes; mean −1.2065, variance 1.6078.

    Args:
        s: array of numbers, any shape.

    Returns:
        Array of the shape of `s`, absolute error below 1e-13; exactly 0 below −10, where F₁ < 1e-18.

    Example:
        >>> tracy_widom_cdf(np.array([0.979316, 2.023449, 3.272196])).round(6)
        array([0.95 , 0.99 , 0.999])

    Reference:
        Ferrari & Spohn 2005, A determinantal formula for the GOE Tracy–Widom distribution, arXiv:math-ph/0505012;
        Bornemann 2010, On the numerical evaluation of Fredholm determinants, arXiv:0804.2543.
    """
    s = np.asarray(s, np.float64)
    return np.array([_fredholm(value) for value in s.ravel()]).reshape(s.shape)


def _fredholm(s: float) -> float:
    if s < -10:
        return 0.0
    nodes, weights = _gauss_legendre(48)
    length = max(16.0 - s, 1.0)  # Ai(16) < 1e-19
    x, root = length * (1 + nodes) / 2, np.sqrt(length * weights / 2)
    kernel = root[:, None] * special.airy(x[:, None] + x + s)[0] * root
    return float(np.linalg.det(np.eye(len(x)) - kernel))


@functools.cache
def _gauss_legendre(count: int) -> tuple[np.ndarray, np.ndarray]:
    return np.polynomial.legendre.leggauss(count)


@functools.lru_cache(maxsize=1024)
def tracy_widom_quantile(p: float) -> float:
    """The s at which F₁(s) = p; 0.979 at 95 %, 2.023 at 99 %, 3.272 at 99.9 %. Values are remembered.

    Args:
        p: probability in (0, 1); above 1 − 1e-12 the distribution cannot be told from 1.

    Returns:
        A number in (−10, 16).

    Raises:
        ValueError: p outside [1e-12, 1 − 1e-12].

    Example:
        >>> [round(tracy_widom_quantile(p), 4) for p in (0.95, 0.99, 0.999)]
        [0.9793, 2.0234, 3.2722]

    Reference:
        Tracy & Widom 1996, On orthogonal and symplectic matrix ensembles, arXiv:solv-int/9509007; where the search begins:
        Chiani 2014, Distribution of the largest eigenvalue for real Wishart and Gaussian random matrices, arXiv:1209.3394.
    """
    if not 1e-12 <= p <= 1 - 1e-12:
        raise ValueError(f"`p` must lie in [1e-12, 1 - 1e-12]. Received: p={p!r}")
    near = 0.186054 * special.gammaincinv(46.446, p) - 9.84801  # Chiani's gamma law
    for low, high in ((near - 0.1, near + 0.1), (-10.0, 16.0)):
        if _fredholm(low) <= p <= _fredholm(high):
            break
    return float(optimize.brentq(lambda s: _fredholm(s) - p, low, high, xtol=1e-10))


def edge_scaling(n: int, m: int) -> tuple[float, float]:
    """Centre μ and scale s of the largest eigenvalue of noise with σ² = 1: (λ_max − μ)/s follows Tracy and Widom's law.

    With a = √(n − ½), b = √(m − ½): μ = (a + b)²/n, s = (a + b)(1/a + 1/b)^⅓ / n; the halves make it accurate to O(m^(−2/3)).

    Args:
        n, m: shape of the matrix, each at least 1.

    Returns:
        (μ, s).

    Raises:
        ValueError: n or m below 1.

    Example:
        >>> [round(value, 4) for value in edge_scaling(1000, 500)]  # λ₊ = (1 + √½)² = 2.9142
        [2.9122, 0.0229]

    Reference:
        Johnstone 2001, On the distribution of the largest eigenvalue in principal components analysis, Ann. Statist. 29;
        Ma 2012, Accuracy of the Tracy–Widom limits for the extreme eigenvalues in white Wishart matrices, arXiv:1203.0839.
    """
    if not (n >= 1 and m >= 1):
        raise ValueError(f"`n` and `m` must be at least 1. Received: n={n!r}, m={m!r}")
    a, b = np.sqrt(n - 0.5), np.sqrt(m - 0.5)
    return float((a + b) ** 2 / n), float((a + b) * np.cbrt(1 / a + 1 / b) / n)


def noise_edge(n: int, m: int, level: float = 0.99, pooled: int = 1, kurtosis: float = 3.0) -> float:
    """What the largest eigenvalue of noise stays below with probability `level`, σ² = 1: μ + F₁⁻¹(level^(1/pooled))·s + shift.

    Entries that are not normal shift the edge by (kurtosis − 3)/n · (1 + √γ)²/√γ, γ = m/n, to first order: it matters where most
    entries are 0. Beyond a shift of a tenth of the edge single rows and columns stand out, and noise has spikes.

    Args:
        n, m: shape of the matrix.
        level: probability, in [0.9, 1): below, the edge would fall into the bulk.
        pooled: number of independent matrices whose largest eigenvalues all stay below.
        kurtosis: mean w⁴/(mean w²)² of the entries: 3 if they are normal, 3/p if a random share p of them is left.

    Returns:
        A number; times σ² it is the bulk edge.

    Raises:
        ValueError: a shape, a level, a number of matrices or a kurtosis out of range.

    Example:
        >>> round(noise_edge(1000, 500), 4), round(noise_edge(1000, 500, pooled=9), 4)
        (2.9585, 2.9858)
        >>> round(
        ...     noise_edge(1000, 500, kurtosis=15.0) - noise_edge(1000, 500), 4
        ... )  # a fifth of the entries: 0.012 · 2.914 · √2
        0.0495

    Reference:
        Hwang, Lee & Schnelli 2019, Local law and Tracy–Widom limit for sparse sample covariance matrices, arXiv:1806.03186.
    """
    if not 0.9 <= level < 1:
        raise ValueError(f"`level` must lie in [0.9, 1). Received: level={level!r}")
    if isinstance(pooled, bool) or pooled < 1 or int(pooled) != pooled:
        raise ValueError(f"`pooled` must be an integer of at least 1. Received: pooled={pooled!r}")
    if not 1 <= kurtosis < np.inf:
        raise ValueError(f"`kurtosis` must be a number of at least 1. Received: kurtosis={kurtosis!r}")
    centre, scale = edge_scaling(n, m)
    root = np.sqrt(m / n)
    shift = (kurtosis - 3) / n * (1 + root) ** 2 / root
    return float(centre + tracy_widom_quantile(level ** (1 / pooled)) * scale + shift)


# --- beyond the edge: Baik, Ben Arous and Péché ---


def bbp_threshold(q: float) -> float:
    """Least strength θ at which a signal θ·uvᵀ in noise of variance 1/N leaves the bulk: θ_c = q^(−1/4).

    Args:
        q: N/M, at least 1.

    Returns:
        θ_c, at most 1.

    Raises:
        ValueError: q < 1.

    Example:
        >>> bbp_threshold(1.0), bbp_threshold(16.0)
        (1.0, 0.5)

    Reference:
        Baik, Ben Arous & Péché 2005, arXiv:math/0403022; Benaych-Georges & Nadakuditi 2012, arXiv:1103.2221.
    """
    check_q(q)
    return float(q**-0.25)


def bbp_eigenvalue(theta: np.ndarray, q: float) -> np.ndarray:
    """Where the eigenvalue of a signal of strength θ lies: λ = (1 + θ²)(1/q + θ²)/θ² for θ > q^(−1/4), else at the edge λ₊.

    Args:
        theta: array of strengths, in units of the noise: W/√N = noise of variance 1/N + Σ θᵢuᵢvᵢᵀ; at least 0.
        q: N/M, at least 1.

    Returns:
        Array of the shape of `theta`, in units of σ².

    Raises:
        ValueError: q < 1 or negative strengths.

    Example:
        >>> bbp_eigenvalue(np.array([0.5, 1.0, 2.0]), 1.0)
        array([4.  , 4.  , 6.25])

    Reference:
        Benaych-Georges & Nadakuditi 2012, The singular values and vectors of low rank perturbations, arXiv:1103.2221.
    """
    strengths = np.asarray(theta, np.float64)
    if not (strengths >= 0).all():
        raise ValueError(f"`theta` must not be negative. Received: theta={theta}")
    squares = np.maximum(strengths, bbp_threshold(q)) ** 2
    return (1 + squares) * (1 / q + squares) / squares


def bbp_strength(eigenvalue: np.ndarray, q: float) -> np.ndarray:
    """Strength of the signal behind a spike, the inverse of `bbp_eigenvalue`: θ² = (a + √(a² − 4/q))/2, a = λ − 1 − 1/q.

    Args:
        eigenvalue: array of eigenvalues in units of σ², at or above λ₊.
        q: N/M, at least 1.

    Returns:
        Array of the shape of `eigenvalue`: strengths θ in units of the noise, at least q^(−1/4).

    Raises:
        ValueError: q < 1, or an eigenvalue inside the bulk, which says nothing of a strength.

    Example:
        >>> bbp_strength(np.array([4.0, 6.25]), 1.0)
        array([1., 2.])

    Reference:
        Benaych-Georges & Nadakuditi 2012, The singular values and vectors of low rank perturbations, arXiv:1103.2221.
    """
    edge = marchenko_pastur_edges(q)[1]
    values = np.asarray(eigenvalue, np.float64)
    if not (values >= edge).all():
        raise ValueError(f"`eigenvalue` must lie at or above the edge {edge:.6g} of the bulk. Received: {eigenvalue}")
    a = values - 1 - 1 / q
    return np.sqrt((a + np.sqrt(np.maximum(a**2 - 4 / q, 0))) / 2)  # at the edge itself rounding may reach below 0


def bbp_overlaps(theta: np.ndarray, q: float) -> tuple[np.ndarray, np.ndarray]:
    """How much of a spike's singular vectors is signal: cos² of the angle to the true one, on either side; 0 below the threshold.

    cos²(v, M side) = 1 − γ(1 + θ²)/(θ²(θ² + γ)), cos²(u, N side) = 1 − (γ + θ²)/(θ²(θ² + 1)), γ = 1/q.

    Args:
        theta: array of strengths in units of the noise, at least 0.
        q: N/M, at least 1.

    Returns:
        Two arrays of the shape of `theta`, in [0, 1]: M side (right singular vectors of the N × M matrix), N side.

    Raises:
        ValueError: q < 1 or negative strengths.

    Example:
        >>> bbp_overlaps(np.array([1.0, 2.0]), 1.0)
        (array([0.  , 0.75]), array([0.  , 0.75]))

    Reference:
        Benaych-Georges & Nadakuditi 2012, The singular values and vectors of low rank perturbations, arXiv:1103.2221.
    """
    strengths = np.asarray(theta, np.float64)
    if not (strengths >= 0).all():
        raise ValueError(f"`theta` must not be negative. Received: theta={theta}")
    squares, gamma = np.maximum(strengths, bbp_threshold(q)) ** 2, 1 / q
    seen = strengths > bbp_threshold(q)
    v = np.where(seen, 1 - gamma * (1 + squares) / (squares * (squares + gamma)), 0.0)
    u = np.where(seen, 1 - (gamma + squares) / (squares * (squares + 1)), 0.0)
    return v, u


def check_q(q: float) -> None:
    """Raise a ValueError unless q is a finite number of at least 1."""
    if not 1 <= q < np.inf:  # NaN fails the comparison
        raise ValueError(f"`q` must be a number N/M of at least 1. Received: q={q!r}")


def _check_variance(sigma2: float) -> None:
    if not 0 < sigma2 < np.inf:
        raise ValueError(f"`sigma2` must be a number above 0. Received: sigma2={sigma2!r}")
