"""Power laws in the tail of a spectrum: alpha and xmin by an exact scan, and what says whether to believe them.

eigenvalues: array (n,), any order, not negative. Zeros have no logarithm: they are left out of every function here, and
    n counts the positive ones. What is zero up to rounding must be set to zero before (`spectra.esd` says how).
density: p(x) = (α − 1)/xmin · (x/xmin)^−α on x ≥ xmin, α > 1; the tail are the n_tail eigenvalues ≥ xmin.
distance: D = max over the tail's distinct x_j of |n_j/n_tail − (x_j/xmin)^(1−α)|, where n_j eigenvalues are ≥ x_j: the
    Kolmogorov–Smirnov distance on the lower side of each step only, as the `powerlaw` package and WeightWatcher take it
    (the two-sided one is larger by at most 1/n_tail).

The fit always returns a number, on pure Marchenko–Pastur noise too (anything from 3 to over 100, by shape and draw). So
alpha is not to be shown alone: `goodness` gives a bootstrap p, `compare` three likelihood ratios, `noise_alpha` the alpha
of noise of the same shape, and `tail_kind` draws the conclusion and gives its reason.

Reference:
    Clauset, Shalizi, Newman, "Power-Law Distributions in Empirical Data", SIAM Review 51 (2009), arXiv:0706.1062.
    Alstott, Bullmore, Plenz, "powerlaw: A Python Package for Analysis of Heavy-Tailed Distributions", PLoS ONE 9 (2014).
    Martin, Mahoney, "Implicit Self-Regularization in Deep Neural Networks", JMLR 22 (2021), arXiv:1810.01075.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg, optimize, special

from tfredundancy.numerics.random_matrices import (
    check_q,
    marchenko_pastur_cdf,
    marchenko_pastur_edges,
    marchenko_pastur_median,
    marchenko_pastur_quantile,
)

# The two largest distinct eigenvalues start no tail, and a scan needs two candidates to choose from.
FEWEST_DISTINCT = 4
EXPECTED = 256  # eigenvalues of noise from which on they are taken at their expected places

_ROUNDING = 1e-12  # relative difference up to which eigenvalues are taken for equal when they are too few or all equal
_PROBES = (1 / 4, 3 / 4)  # where in its tail a candidate is looked at first, as a share of the tail
# Eigenvalues of all the replicates handled at once: enough to hide NumPy's overhead, few for the cache.
_CHUNK = 1 << 15
_LONGEST_CUT = 100.0  # standard deviations below xmin from where on a log-normal's tail is a power law to four digits
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(128)


@dataclass(frozen=True)
class PowerLaw:
    """A power-law tail.

    Attributes:
        alpha: exponent of the density, above 1.
        xmin: where the tail begins.
        ks: distance D between the tail and the fit.
        n_tail: eigenvalues ≥ xmin.
        alpha_sd: standard deviation of alpha at this xmin, (alpha − 1)/√n_tail.
        n: positive eigenvalues in all.
        xmin_given: the caller chose xmin; False where the scan did.
    """

    alpha: float
    xmin: float
    ks: float
    n_tail: int
    alpha_sd: float
    n: int
    xmin_given: bool = False


@dataclass(frozen=True)
class Scan:
    """Every tail that a fit chooses from, by ascending xmin.

    Attributes:
        xmin, alpha, ks: arrays (k,).
        n_tail: int array (k,).
    """

    xmin: np.ndarray
    alpha: np.ndarray
    ks: np.ndarray
    n_tail: np.ndarray


@dataclass(frozen=True)
class LikelihoodRatio:
    """A power law against another distribution of the same tail.

    Attributes:
        ratio: normalised log-likelihood ratio R/(√n_tail · sd); above 0 the power law is better, below 0 the other.
        p: probability of a ratio at least that far from 0 if both were equally good; small means that the sign counts.
        other: "exponential", "lognormal" or "truncated".
        log_ratio: R, the plain sum of the differences of the log-likelihoods.
        parameters: the other's maximum-likelihood parameters, in units of the eigenvalues.
    """

    ratio: float
    p: float
    other: str
    log_ratio: float
    parameters: Mapping[str, float]


@dataclass(frozen=True)
class Tail:
    """What a tail is, with all that led to it.

    Attributes:
        kind: "power law", "exponential", "lognormal", "truncated", "rejected" (not a power law, and none of the others
            is significantly better), or "undecided".
        reason: one sentence.
        alpha, n_tail: of the fit.
        n_needed: the shortest tail that is decided on.
        p: of the bootstrap, None if there was none.
        ratios: {other: (normalised ratio, p)}.
    """

    kind: Literal["power law", "exponential", "lognormal", "truncated", "rejected", "undecided"]
    reason: str
    alpha: float
    n_tail: int
    n_needed: int
    p: float | None
    ratios: Mapping[str, tuple[float, float]]


def fit(eigenvalues: ArrayLike, xmin: float | None = None) -> PowerLaw:
    """Alpha by maximum likelihood, α̂ = 1 + n_tail/Σ ln(xᵢ/xmin), at the xmin whose tail has the least distance D.

    The scan is exact: it returns the xmin that computing D for every candidate would. Candidates are the distinct
    eigenvalues except the two largest. Alpha is not bounded from above (the `powerlaw` package 2.0 stops at 3 unless
    told otherwise).

    Args:
        eigenvalues: array (n,), not negative, any order; zeros are left out.
        xmin: where the tail begins, above 0; no scan then.

    Returns:
        A `PowerLaw`.

    Raises:
        ValueError: NaN, infinite or negative eigenvalues; fewer than 4 distinct positive ones (2 from a given xmin on); an
            xmin that is not a positive number.

    Example:

    >>> tail = fit([0.5, 1, np.e, np.e**2, np.e**3], xmin=1)  # Σ ln x = 0 + 1 + 2 + 3
    >>> round(tail.alpha, 4), tail.n_tail, tail.n, round(tail.alpha_sd, 4)
    (1.6667, 4, 5, 0.3333)
    >>> fit([0, 1, 2, 4, 8, 16]).n
    5

    Reference:
        Clauset, Shalizi, Newman, sections 3.1 and 3.3.
    """
    values = _positive(eigenvalues)
    if xmin is not None:
        return _tail(values, _checked_xmin(values, xmin), given=True)
    log = np.log(_checked_scan(values))[None]
    at_least = _at_least(log)
    _, start = _least_distance(log, at_least, _rates(log, at_least))
    return _tail(values, values[start[0]], given=False)


def scan(eigenvalues: ArrayLike) -> Scan:
    """Alpha, D and the length of every tail that `fit` chooses from: what a plot of alpha against xmin shows.

    Args:
        eigenvalues: array (n,), not negative, any order; zeros are left out.

    Returns:
        A `Scan`, arrays (k,), one entry for each distinct positive eigenvalue except the two largest.

    Raises:
        ValueError: as `fit`.

    Example:

    >>> scan([1, 2, 4, 4, 8]).n_tail
    array([5, 4])

    Reference:
        Clauset, Shalizi, Newman, section 3.3.
    """
    values = _checked_scan(_positive(eigenvalues))
    tails = [_tail(values, start, given=False) for start in np.unique(values)[:-2]]
    return Scan(
        xmin=np.array([tail.xmin for tail in tails]),
        alpha=np.array([tail.alpha for tail in tails]),
        ks=np.array([tail.ks for tail in tails]),
        n_tail=np.array([tail.n_tail for tail in tails]),
    )


def goodness(eigenvalues: ArrayLike, fit: PowerLaw, rng: np.random.Generator, replicates: int = 1000) -> float:
    """Share of the spectra drawn from the fit that lie as far from their own fit as the data from theirs.

    p = #{D* ≥ D}/replicates. A replicate has n eigenvalues: each is a draw from the fitted power law with probability
    n_tail/n, else one of the eigenvalues below xmin, and its own xmin is scanned for. Only the sign of D* − D counts, so
    a replicate is settled by its first candidate with a distance below D, or by lower bounds ≥ D on all of them: p is
    what full scans would give. If xmin was given, n_tail draws from the fit are refitted at that xmin instead.

    p > 0.1 is Clauset's "plausible". Its standard error is √(p(1 − p)/replicates): at most 0.016 with 1,000 replicates,
    0.01 with 2,500. A replicate of fewer than three distinct values has no fit and counts as D* ≥ D.

    Args:
        eigenvalues: array (n,), those that were fitted.
        fit: their `PowerLaw`.
        rng: generator of the replicates.
        replicates: how many, at least 1.

    Returns:
        p in [0, 1].

    Raises:
        ValueError: the fit is not one of these eigenvalues, or replicates < 1.

    Example:

    >>> uniform = (np.arange(300) + 0.5) / 300
    >>> [goodness(x, fit(x), np.random.default_rng(0)) for x in (uniform**-0.5, uniform)]
    [1.0, 0.0]

    Reference:
        Clauset, Shalizi, Newman, section 4.1.
    """
    values = _fitted(eigenvalues, fit)
    if replicates < 1:
        raise ValueError(f"`replicates` must be at least 1. Received: replicates={replicates}")
    closer = _closer_refitted if fit.xmin_given else _closer_rescanned
    rows = max(1, _CHUNK // fit.n)
    sizes = [min(rows, replicates - done) for done in range(0, replicates, rows)]
    return (replicates - sum(closer(values, fit, rng, size) for size in sizes)) / replicates


def compare(
    eigenvalues: ArrayLike, fit: PowerLaw, other: Literal["exponential", "lognormal", "truncated"]
) -> LikelihoodRatio:
    """Vuong's test of the power law against another distribution on x ≥ xmin: R = Σ ln p(xᵢ) − ln p_other(xᵢ).

    - "exponential" ∝ e^−λx; parameter rate = λ.
    - "lognormal" ∝ e^−(ln x − μ)²/2σ²/x, cut at xmin; parameters mu, sigma.
    - "truncated" ∝ x^−α e^−λx with α ≥ 0, λ ≥ 0, normalised by λ^(1−α)/Γ(1−α, λ·xmin); parameters alpha, rate.

    With s the standard deviation of the differences, ratio = R/(s√n_tail) and p = erfc(|R|/(s√(2·n_tail))). A power law
    is a truncated one with λ = 0, so there p comes from 2|R| ~ χ²₁ (which is conservative: λ = 0 is an edge, and half of
    the true null's mass lies at R = 0).

    The power law is also the limit of log-normals with μ → −∞ and σ² ∝ −μ. Where the likelihood rises all the way to
    that limit, or to λ = 0, the best of the others is the power law itself: ratio 0, p 1, and mu = −inf, sigma = inf, or
    rate = 0. For log-normals that is where mean(y²) ≥ 2·mean(y)², y = ln(x/xmin); for the truncated law where α̂ > 2 and
    mean(x)/xmin ≥ (α̂ − 1)/(α̂ − 2), or where 1/λ would lie 10¹⁶ times beyond the largest eigenvalue.

    Args:
        eigenvalues: array (n,), those that were fitted.
        fit: their `PowerLaw`.
        other: what to compare with.

    Returns:
        A `LikelihoodRatio`; its ratio is above 0 where the power law is better.

    Raises:
        ValueError: the fit is not one of these eigenvalues, or `other` is none of the three.
        ArithmeticError: the optimum of the truncated law was not found (which no random tail has brought about yet).

    Example:

    >>> x = np.arange(100.0, 0, -1)
    >>> verdict = compare(x, fit(x, xmin=1), "exponential")
    >>> verdict.ratio < 0, round(verdict.parameters["rate"], 4)  # 1/(mean − xmin) = 1/49.5
    (True, 0.0202)

    Reference:
        Vuong, "Likelihood Ratio Tests for Model Selection and Non-Nested Hypotheses", Econometrica 57 (1989).
        Clauset, Shalizi, Newman, section 5 and appendix C.
    """
    if other not in _ALTERNATIVES:
        raise ValueError(f"`other` must be one of {', '.join(map(repr, _ALTERNATIVES))}. Received: other={other!r}")
    return _compared(_log_tail(eigenvalues, fit), fit, other)


def compare_all(eigenvalues: ArrayLike, fit: PowerLaw) -> list[LikelihoodRatio]:
    """`compare` with each of the others, in the order exponential, log-normal, truncated; the tail is looked up once.

    Args:
        eigenvalues: array (n,), those that were fitted.
        fit: their `PowerLaw`.

    Returns:
        Three `LikelihoodRatio`.

    Raises:
        ValueError, ArithmeticError: as `compare`.

    Example:

    >>> x = np.arange(100.0, 0, -1)
    >>> [ratio.other for ratio in compare_all(x, fit(x))]
    ['exponential', 'lognormal', 'truncated']

    Reference:
        Vuong (1989); Clauset, Shalizi, Newman, section 5 and appendix C.
    """
    log = _log_tail(eigenvalues, fit)
    return [_compared(log, fit, other) for other in _ALTERNATIVES]


def _compared(log: np.ndarray, fit: PowerLaw, other: str) -> LikelihoodRatio:
    """`compare`, with log = ln(x/xmin) of the tail."""
    alone = np.log(fit.alpha - 1) - fit.alpha * log  # ln p + ln xmin, as each alternative returns it
    likelihoods, parameters = _ALTERNATIVES[other](log, fit)
    differences = alone - likelihoods
    total = float(differences.sum())
    spread = float(differences.std() * np.sqrt(fit.n_tail))
    if spread == 0:  # the power law itself
        return LikelihoodRatio(0.0, 1.0, other, 0.0, parameters)
    p = special.chdtrc(1, abs(2 * total)) if other == "truncated" else special.erfc(abs(total) / spread / np.sqrt(2))
    return LikelihoodRatio(total / spread, float(p), other, total, parameters)


def tail_kind(
    fit: PowerLaw,
    p: float | None,
    comparisons: Iterable[LikelihoodRatio],
    *,
    min_tail: int = 50,
    min_share: float = 0.1,
    plausible: float = 0.1,
    significant: float = 0.05,
) -> Tail:
    """Whether to believe a fit: a power law if its tail is long enough, plausible, and no alternative is better.

    The first of these that holds:

    - an alternative's name: n_tail ≥ n_needed = max(min_tail, min_share·n), and it is significantly better (ratio < 0 and
      p < significant); among several, the one with the least AIC = 2·parameters − 2·log-likelihood;
    - "rejected": the bootstrap p ≤ plausible;
    - "undecided": n_tail < n_needed, or there is no bootstrap p;
    - "power law".

    Args:
        fit: the fit.
        p: its bootstrap p, None if none was computed.
        comparisons: its likelihood ratios, as many as were computed.
        min_tail, min_share: the shortest tail to decide on, as a number and as a share of the n eigenvalues.
        plausible: the bootstrap p above which a power law is plausible.
        significant: the p below which the sign of a likelihood ratio counts.

    Returns:
        A `Tail`.

    Raises:
        ValueError: p is not in [0, 1].

    Example:

    >>> tail_kind(PowerLaw(3.0, 1.0, 0.02, 100, 0.2, 500), 0.4, []).kind
    'power law'
    >>> tail_kind(PowerLaw(12.0, 1.0, 0.1, 20, 2.5, 500), 0.4, []).reason
    'the tail holds 20 of 500 eigenvalues, and at least 50 are needed'

    Reference:
        Clauset, Shalizi, Newman, sections 4 and 5.
    """
    if p is not None and not 0 <= p <= 1:
        raise ValueError(f"`p` must lie in [0, 1]. Received: p={p}")
    comparisons = list(comparisons)
    needed = int(max(min_tail, np.ceil(min_share * fit.n)))
    better = [ratio for ratio in comparisons if ratio.ratio < 0 and ratio.p < significant]
    if better and fit.n_tail >= needed:
        best = min(better, key=lambda ratio: 2 * (len(ratio.parameters) + ratio.log_ratio))  # AIC, but for a constant
        kind = best.other
        reason = f"{best.other} is significantly better: normalised ratio {best.ratio:.2f}, p = {best.p:.2g}"
    elif p is not None and p <= plausible:
        kind, reason = (
            "rejected",
            f"draws from the fit lie closer to a power law: bootstrap p = {p:.3g} ≤ {plausible:g}",
        )
    elif fit.n_tail < needed:
        kind = "undecided"
        reason = f"the tail holds {fit.n_tail} of {fit.n} eigenvalues, and at least {needed} are needed"
    elif p is None:
        kind, reason = "undecided", "no bootstrap p was computed"
    else:
        kind, reason = "power law", f"bootstrap p = {p:.3g} > {plausible:g}, and no alternative is significantly better"
    ratios = {ratio.other: (ratio.ratio, ratio.p) for ratio in comparisons}
    return Tail(kind, reason, fit.alpha, fit.n_tail, needed, p, ratios)


def noise_spectrum(n: int, q: float, rng: np.random.Generator) -> np.ndarray:
    """Eigenvalues of WᵀW/N for N × n Gaussian noise W of variance 1, N = round(q·n), without drawing the matrix.

    The eigenvalues are those of BBᵀ/N, B bidiagonal with independent chi-distributed entries: χ_N, χ_{N−1}, … on the
    diagonal, χ_{n−1}, …, χ₁ below. O(n²) time, O(n) memory.

    Args:
        n: number of eigenvalues, at least 1.
        q: aspect ratio N/n, at least 1.
        rng: generator.

    Returns:
        Array (n,), ascending.

    Raises:
        ValueError: n < 1 or q < 1.

    Example:

    >>> spectrum = noise_spectrum(400, 4.0, np.random.default_rng(0))
    >>> bool(0.24 < spectrum[0] < spectrum[-1] < 2.26)  # the bulk is (1 ∓ ½)²
    True

    Reference:
        Dumitriu, Edelman, "Matrix Models for Beta Ensembles", J. Math. Phys. 43 (2002), arXiv:math-ph/0206043.
    """
    check_q(q)
    if n < 1:
        raise ValueError(f"`n` must be at least 1. Received: n={n}")
    rows = round(q * n)
    diagonal, below = rng.chisquare(np.arange(rows, rows - n, -1)), rng.chisquare(np.arange(n - 1, 0, -1))
    beside = np.sqrt(diagonal[:-1] * below)
    diagonal[1:] += below
    if n == 1:
        return diagonal / rows
    return linalg.lapack.dsterf(diagonal / rows, beside / rows)[0]  # many small ones: SciPy's checks took as long


def noise_alpha(n: int, q: float, rng: np.random.Generator, pooled: int = 1, draws: int = 5) -> float:
    """The alpha that the same fit returns on pure noise of the same shape.

    Below 256 eigenvalues it is the median over some drawn spectra. From there on, where eigenvalues hardly leave their places but
    a fit still jumps from draw to draw (its median of five between 11 and 70 at 512 × 4608), it is that of the expected spectrum,
    the quantiles (i − ½)/n of the Marchenko–Pastur law: a value from the lower half of the draws', and the same every time.

    Args:
        n: eigenvalues of a matrix.
        q: aspect ratio N/n, at least 1.
        rng: generator of the noise.
        pooled: matrices of that shape whose eigenvalues are put together.
        draws: fits of which the median is taken, below 256 eigenvalues.

    Returns:
        An alpha. That of a matrix near it says that the fit saw the edge of the bulk.

    Raises:
        ValueError: as `noise_spectrum`; n·pooled is below 4; pooled < 1 or draws < 1.

    Example:

    >>> 4 < noise_alpha(200, 1.0, np.random.default_rng(0)) < 20  # a sharp edge, far from the 2 to 4 of heavy tails
    True

    Reference:
        Dumitriu, Edelman (2002); Clauset, Shalizi, Newman (2009).
    """
    if pooled < 1 or draws < 1:
        raise ValueError(f"`pooled` and `draws` must be at least 1. Received: pooled={pooled}, draws={draws}")
    if n >= EXPECTED:
        places = (np.arange(n * pooled) + 0.5) / (n * pooled)
        return fit(marchenko_pastur_quantile(places, q)).alpha
    spectra = [np.concatenate([noise_spectrum(n, q, rng) for _ in range(pooled)]) for _ in range(draws)]
    log = np.log([_checked_scan(_positive(spectrum)) for spectrum in spectra])
    at_least = _at_least(log)
    rate = _rates(log, at_least)
    _, start = _least_distance(log, at_least, rate)
    return float(1 + np.median(rate[np.arange(draws), start]))


def hill(eigenvalues: ArrayLike, k: int | None = None) -> float:
    """Hill's estimate of alpha from the k largest: α = 1 + k/Σᵢ ln(x₍ᵢ₎/x₍ₖ₊₁₎), x₍₁₎ the largest, k = ⌊n/2⌋ by default.

    With a k that is a fixed share of n it measures the aspect ratio of the matrix as much as its tail: read it beside
    `noise_hill`.

    Args:
        eigenvalues: array (n,), not negative, any order; zeros are left out.
        k: number of the largest eigenvalues, from 1 to n − 1.

    Returns:
        Alpha, the exponent of the density.

    Raises:
        ValueError: bad eigenvalues as in `fit`, k outside [1, n − 1], or the k + 1 largest are all equal.

    Example:

    >>> round(hill([1, 1, 1, np.e, np.e**3], k=2), 4)  # 1 + 2/(1 + 3)
    1.5

    Reference:
        Hill, "A Simple General Approach to Inference About the Tail of a Distribution", Ann. Stat. 3 (1975).
    """
    values = _positive(eigenvalues)
    k = len(values) // 2 if k is None else k
    if not 1 <= k < len(values):
        raise ValueError(f"`k` must lie in [1, {len(values) - 1}], n positive eigenvalues less 1. Received: k={k}")
    log = np.log(values[-k - 1 :])
    if log[-1] == log[0]:
        raise ValueError(f"the `k` + 1 largest eigenvalues must not be all equal. Received: {k + 1} times {values[-1]}")
    return float(1 + k / (log[1:] - log[0]).sum())


def noise_hill(q: float) -> float:
    """What `hill` with k = n/2 tends to on Marchenko–Pastur noise: 1/(α − 1) = 2∫ (1 − F(x)) dx/x from the median to λ₊.

    Args:
        q: aspect ratio N/M, at least 1.

    Returns:
        Alpha; 2.12 at q = 1, 2.71 at q = 2, 4.87 at q = 10.

    Raises:
        ValueError: q is below 1 or not finite.

    Example:

    >>> round(noise_hill(2.0), 1)
    2.7

    Reference:
        Hill (1975); Marchenko, Pastur, "Distribution of Eigenvalues for Some Sets of Random Matrices" (1967).
    """
    highest, median = marchenko_pastur_edges(q)[1], marchenko_pastur_median(q)
    half = np.log(highest / median) / 2
    above = 1 - marchenko_pastur_cdf(median * np.exp(half * (1 + _NODES)), q)
    return float(1 + 1 / (2 * half * _WEIGHTS @ above))


# --- the scan --------------------------------------------------------------------------------------------------------
# Many spectra at once, all in log space. log: (rows, n), ascending; at_least: (rows, n), how many of the row are ≥ it;
# rate: (rows, n), α − 1 of the tail that starts there. Equal eigenvalues agree in all three, so they need no care.


def _least_distance(
    log: np.ndarray, at_least: np.ndarray, rate: np.ndarray, limit: float = np.inf, enough: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """The least D of each row and the column where its tail starts; `limit` and 0 where none is below `limit`.

    A gap at any point of a tail bounds its D from below. So the tail of the lowest bound is evaluated at all points, and
    the point where its gap is widest bounds all the others of its row, until none could be better. Neighbouring tails
    share most points, so that a handful of rounds does. A row also ends as soon as its D is below `enough`.
    """
    bound = _lower_bounds(log, at_least, rate)
    least, winner, rows = np.full(len(log), limit), np.zeros(len(log), int), np.arange(len(log))
    while True:
        start = bound.argmin(axis=1)
        going = (bound[np.arange(len(rows)), start] < least[rows]) & (least[rows] >= enough)
        if not going.all():
            rows, start = rows[going], start[going]
            log, at_least, rate, bound = log[going], at_least[going], rate[going], bound[going]
        if not len(rows):
            return least, winner
        distance, widest = _distances(log, at_least, rate, start)
        closer = distance < least[rows]
        least[rows[closer]], winner[rows[closer]] = distance[closer], start[closer]
        at = np.arange(len(rows)), widest
        np.maximum(bound, _gap(log, at_least, rate, log[at][:, None], at_least[at][:, None]), out=bound)
        bound[np.arange(len(rows)), start] = np.inf  # known, and not to be looked at again


def _distances(
    log: np.ndarray, at_least: np.ndarray, rate: np.ndarray, start: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """D of one tail of each row, that from column `start` on, and the column where its gap is that wide."""
    tail = np.arange(len(log)), start
    gaps = _gap(log[tail][:, None], at_least[tail][:, None], rate[tail][:, None], log, at_least)
    widest = gaps.argmax(axis=1)
    return gaps[np.arange(len(log)), widest], widest


def _lower_bounds(log: np.ndarray, at_least: np.ndarray, rate: np.ndarray) -> np.ndarray:
    """The widest gap of each tail at a few of its points; infinite where no tail may start."""
    n = log.shape[1]
    start, bound = np.arange(n), np.where(rate > 0, 0.0, np.inf)
    for share in _PROBES:
        at = start + (share * (n - start)).astype(int)
        # not log[:, at], whose memory comes out transposed; "clip", as the check of "raise" costs a copy
        log_at, n_at = (np.take(array, at, axis=1, mode="clip") for array in (log, at_least))
        np.maximum(bound, _gap(log, at_least, rate, log_at, n_at), out=bound)
    return bound


def _gap(
    log_start: np.ndarray, n_start: np.ndarray, rate: np.ndarray, log_at: np.ndarray, n_at: np.ndarray
) -> np.ndarray:
    """|n_at/n_start − (x_at/x_start)^−rate|: how far a tail is from its fit at x_at; 0 where x_at lies below the tail."""
    gap = n_at / n_start  # in place from here: fresh arrays of this size cost more than the arithmetic
    np.minimum(gap, 1, out=gap)
    fitted = log_start - log_at
    np.minimum(fitted, 0, out=fitted)
    fitted *= rate
    np.exp(fitted, out=fitted)
    gap -= fitted
    return np.abs(gap, out=gap)


def _rates(log: np.ndarray, at_least: np.ndarray) -> np.ndarray:
    """α − 1 = n_tail/Σ ln(x_j/x_i), the sum from the steps between neighbours; 0 where no tail may start."""
    rows, n = log.shape
    steps = np.diff(log)
    steps *= np.arange(n - 1, 0, -1)
    sums = np.zeros_like(log)
    np.cumsum(steps[:, ::-1], axis=1, out=sums[:, -2::-1])
    second = log[np.arange(rows), n - 1 - at_least[:, -1].astype(int)]  # the greatest below the row's last
    return np.divide(at_least, sums, out=np.zeros_like(log), where=log < second[:, None])


def _at_least(log: np.ndarray) -> np.ndarray:
    """How many entries of its row are at least as great as each, for ascending rows (rows, n)."""
    n = log.shape[1]
    first = np.broadcast_to(np.arange(n, dtype=np.float64), log.shape).copy()
    first[:, 1:][log[:, 1:] == log[:, :-1]] = 0
    return n - np.maximum.accumulate(first, axis=1)


def _tail(values: np.ndarray, xmin: float, given: bool) -> PowerLaw:
    """The fit of the ascending positive `values` from xmin on."""
    tail = values[values >= xmin]
    n_tail, log = len(tail), np.log(tail) - np.log(xmin)
    rate = n_tail / log.sum()
    share = 1 - np.searchsorted(tail, tail) / n_tail
    ks = np.abs(share - np.exp(-rate * log)).max()
    sd = rate / np.sqrt(n_tail)
    return PowerLaw(float(1 + rate), float(xmin), float(ks), n_tail, float(sd), len(values), given)


# --- the bootstrap ---------------------------------------------------------------------------------------------------


def _closer_rescanned(values: np.ndarray, fit: PowerLaw, rng: np.random.Generator, rows: int) -> int:
    """How many of `rows` semiparametric replicates have a tail closer to its fit than the data.

    The tail of the data's own rank is looked at first: where p is small it settles nearly all of them.
    """
    log = _replicates(np.log(values), fit, rng, rows)
    at_least = _at_least(log)
    rate = _rates(log, at_least)
    distance, _ = _distances(log, at_least, rate, np.full(rows, fit.n - fit.n_tail))
    closer = (distance < fit.ks) & (rate[:, fit.n - fit.n_tail] > 0)
    least, _ = _least_distance(log[~closer], at_least[~closer], rate[~closer], limit=fit.ks, enough=fit.ks)
    return int(closer.sum() + (least < fit.ks).sum())


def _replicates(log: np.ndarray, fit: PowerLaw, rng: np.random.Generator, rows: int) -> np.ndarray:
    """Logarithms (rows, n), ascending, of draws from the data below xmin and the fit above: quantiles of sorted uniforms."""
    u = np.sort(rng.random((rows, fit.n)), axis=1)
    n_body = fit.n - fit.n_tail
    index = (u * fit.n).astype(int)
    in_tail = index >= n_body
    drawn = np.log(fit.xmin) - np.log((1 - u[in_tail]) * (fit.n / fit.n_tail)) / (fit.alpha - 1)
    replicates = log[np.minimum(index, n_body)]
    replicates[in_tail] = drawn
    return replicates


def _closer_refitted(values: np.ndarray, fit: PowerLaw, rng: np.random.Generator, rows: int) -> int:
    """How many of `rows` draws of n_tail eigenvalues from the fit, refitted at its xmin, are closer than the data."""
    log = np.sort(rng.standard_exponential((rows, fit.n_tail)), axis=1)  # ln(x/xmin) in units of 1/(α − 1)
    gaps = np.abs(1 - np.arange(fit.n_tail) / fit.n_tail - np.exp(-log / log.mean(axis=1, keepdims=True)))
    return int((gaps.max(axis=1) < fit.ks).sum())


# --- the alternatives ------------------------------------------------------------------------------------------------
# Each takes log = ln(x/xmin) of the tail and returns ln p(x) + ln xmin at its maximum likelihood, with its parameters.


def _exponential(log: np.ndarray, fit: PowerLaw) -> tuple[np.ndarray, dict[str, float]]:
    beyond = np.expm1(log)
    rate = 1 / beyond.mean()
    return np.log(rate) - rate * beyond, {"rate": float(rate / fit.xmin)}


def _lognormal(log: np.ndarray, fit: PowerLaw) -> tuple[np.ndarray, dict[str, float]]:
    """ln x is normal, cut at ln xmin, which lies h standard deviations above its mean.

    Its first two moments are sufficient, and mean(y²)/mean(y)² is a rising function of h alone, from 1 to 2: one root.
    """
    ratio = (log**2).mean() / log.mean() ** 2
    if ratio >= _moment_ratio(_LONGEST_CUT):
        return np.log(fit.alpha - 1) - fit.alpha * log, {"mu": -np.inf, "sigma": np.inf}
    lowest = -1 - 2 / np.sqrt(ratio - 1)  # far below xmin's cut the ratio is 1 + 1/h²
    h = optimize.brentq(lambda h: _moment_ratio(h) - ratio, lowest, _LONGEST_CUT, xtol=1e-10)
    sigma = log.mean() / (_hazard(h) - h)
    deviations = log / sigma + h
    likelihoods = -(deviations**2) / 2 - np.log(sigma * np.sqrt(2 * np.pi)) - log - special.log_ndtr(-h)
    return likelihoods, {"mu": float(np.log(fit.xmin) - h * sigma), "sigma": float(sigma)}


def _hazard(h: float) -> float:
    """φ(h)/(1 − Φ(h)): the mean of a standard normal above h."""
    return np.sqrt(2 / np.pi) / special.erfcx(h / np.sqrt(2))


def _moment_ratio(h: float) -> float:
    """E[y²]/E[y]² of y = z − h for a standard normal z above h."""
    mean = _hazard(h) - h
    return (1 - h * mean) / mean**2


def _truncated(log: np.ndarray, fit: PowerLaw) -> tuple[np.ndarray, dict[str, float]]:
    """x^−α e^−λ(x−1): an exponential family, so that its log-likelihood is concave and its edges can be tested.

    Written e^(−β·ln x − λ·c) with β = α + λ and c = x − 1 − ln x: in a narrow tail ln x and x are nearly the same statistic,
    and ln x and c are not.
    """
    beyond = np.expm1(log)
    bend = beyond - log
    means = np.array([log.mean(), bend.mean()])
    latest = np.exp(-log.max()) * 1e-16  # a rate that no eigenvalue feels
    if _truncated_moments(fit.alpha + latest, latest)[1][1] <= means[1]:
        return np.log(fit.alpha - 1) - fit.alpha * log, {"alpha": fit.alpha, "rate": 0.0}
    exponential = 1 / beyond.mean()
    excess = (
        _truncated_moments(exponential, exponential)[1] - means
    )  # opposite numbers: the smaller statistic has the digits
    if (excess[0] <= 0) if means[0] < means[1] else (excess[1] >= 0):
        return _exponential(log, fit)[0], {"alpha": 0.0, "rate": float(exponential / fit.xmin)}
    (beta, rate), norm = _truncated_fit(means, np.array([fit.alpha + exponential, exponential]) / 2)
    return -beta * log - rate * bend - norm, {"alpha": float(beta - rate), "rate": float(rate / fit.xmin)}


def _truncated_fit(means: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, float]:
    """(β, λ) at which E[ln x] and E[c] are `means`, and ln of the normaliser: Newton, a step halved until it climbs."""
    at = start
    norm, expected, covariance = _truncated_moments(*at)
    for _ in range(200):
        step = np.linalg.solve(covariance, expected - means)
        if step @ (expected - means) < 1e-12:  # twice what the log-likelihood of a point can still gain
            return at, norm
        while (at + step)[1] <= 0 or _truncated_moments(*(at + step))[0] + step @ means > norm:
            step /= 2
        at = at + step
        norm, expected, covariance = _truncated_moments(*at)
    raise ArithmeticError(f"the truncated power law did not converge. Received: E[ln x], E[x − 1 − ln x] = {means}")


def _truncated_moments(beta: float, rate: float) -> tuple[float, np.ndarray, np.ndarray]:
    """ln ∫₁^∞ x^−α e^−λ(x−1) dx = λ + ln λ^(α−1) Γ(1−α, λ), the means of (ln x, c) and their covariance; any β, λ > 0.

    Gauss–Legendre in s = ln x, where the integrand e^((1−α)s − λ(x−1)) is smooth, up to where it is e⁻⁴⁵ of its maximum.
    """
    alpha = beta - rate
    growth = max(1 - alpha, 0)
    end = np.log1p((45 + 5 * growth) / rate)
    if alpha > 1:
        end = min(end, 45 / (alpha - 1))
    s = end / 2 * (1 + _NODES)
    points = np.stack([s, np.expm1(s) - s])
    exponent = s - beta * s - rate * points[1]
    highest = exponent.max()
    density = np.exp(exponent - highest) * _WEIGHTS
    total = density.sum()
    expected = points @ density / total
    centred = points - expected[:, None]
    return float(np.log(total * end / 2) + highest), expected, (centred * density) @ centred.T / total


_ALTERNATIVES = {"exponential": _exponential, "lognormal": _lognormal, "truncated": _truncated}


# --- what is accepted ------------------------------------------------------------------------------------------------


def _positive(eigenvalues: ArrayLike) -> np.ndarray:
    """The positive eigenvalues, ascending, float64."""
    values = np.asarray(eigenvalues)
    if values.ndim != 1 or np.iscomplexobj(values):
        raise ValueError(
            f"`eigenvalues` must be a one-dimensional array of real numbers. Received: {values.dtype} of shape {values.shape}"
        )
    values = np.sort(values.astype(np.float64))
    bad = int((~np.isfinite(values)).sum())
    if bad:
        raise ValueError(f"`eigenvalues` must be finite. Received: {bad} NaN or infinite among {len(values)}")
    if len(values) and values[0] < 0:
        raise ValueError(f"`eigenvalues` must not be negative. Received: {values[0]}, the least of {len(values)}")
    return values[values > 0]


def _distinct(values: np.ndarray) -> int:
    """How many of the ascending positive `values` differ by more than rounding."""
    return min(len(values), 1) + int((np.diff(np.log(values)) > _ROUNDING).sum())


def _checked_scan(values: np.ndarray) -> np.ndarray:
    distinct = _distinct(values)
    if distinct < FEWEST_DISTINCT:
        raise ValueError(
            f"`eigenvalues` must hold at least {FEWEST_DISTINCT} distinct positive ones for a scan of xmin (distinct by "
            f"more than a relative {_ROUNDING:g}). Received: {len(values)} positive, {distinct} distinct"
        )
    return values


def _checked_xmin(values: np.ndarray, xmin: float) -> float:
    if not 0 < xmin < np.inf:
        raise ValueError(f"`xmin` must be positive and finite. Received: xmin={xmin}")
    distinct = _distinct(values[values >= xmin])
    if distinct < 2:
        raise ValueError(
            f"`xmin` must leave at least 2 distinct eigenvalues in the tail. Received: xmin={xmin}, which leaves {distinct}"
        )
    return xmin


def _log_tail(eigenvalues: ArrayLike, fit: PowerLaw) -> np.ndarray:
    """ln(x/xmin) of the eigenvalues that a fit calls its tail."""
    values = _fitted(eigenvalues, fit)
    return np.log(values[values >= fit.xmin]) - np.log(fit.xmin)


def _fitted(eigenvalues: ArrayLike, fit: PowerLaw) -> np.ndarray:
    values = _positive(eigenvalues)
    n_tail = int((values >= fit.xmin).sum())
    if (len(values), n_tail) != (fit.n, fit.n_tail):
        raise ValueError(
            f"`fit` must be a fit of these `eigenvalues`. Received: {len(values)} positive ones, {n_tail} of them "
            f"≥ xmin={fit.xmin}, and a fit of {fit.n} with {fit.n_tail}"
        )
    return values
