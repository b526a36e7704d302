"""The spectrum of a weight matrix, and what it would be if the weights were noise.

W: array (N, M) of weights, turned so that N ≥ M; q = N/M ≥ 1. The *ESD* are the M eigenvalues λ of WᵀW/N, ascending: squared
singular values over N. Because N ≥ M there is no mass at 0 but that of exact dependence. `pooled` matrices of one shape, such
as the taps of a convolution, may have their eigenvalues concatenated; N and M stay those of one of them.

    matrix → esd → fit_marchenko_pastur → bulk, edge, spikes → phase

The laws themselves are in random_matrices.py. Martin & Mahoney 2021, arXiv:1810.01075.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import linalg, special
from scipy.sparse.linalg import LinearOperator, eigsh

from tfredundancy.numerics import powerlaw
from tfredundancy.numerics.random_matrices import (
    bbp_overlaps,
    bbp_strength,
    check_q,
    marchenko_pastur_cdf,
    marchenko_pastur_edges,
    marchenko_pastur_median,
    marchenko_pastur_pdf,
    noise_edge,
)

__all__ = [
    "MarchenkoPastur",
    "PermutationNull",
    "Phase",
    "PorterThomas",
    "Spikes",
    "UpdateSpectrum",
    "effective_rank",
    "entropy",
    "esd",
    "fit_marchenko_pastur",
    "kurtosis",
    "level_spacing_ratio",
    "log_norms",
    "marchenko_pastur_cdf",
    "marchenko_pastur_pdf",
    "mp_soft_rank",
    "participation_ratio",
    "permutation_null",
    "phase",
    "porter_thomas",
    "project_update",
    "spikes",
    "stable_rank",
    "update_rank",
    "update_spectrum",
]

FEWEST = 10  # eigenvalues of a matrix whose bulk is fitted
BLOCK = 1 << 18  # entries that are turned to float64, or multiplied, at once: a cache holds them
ROWS = 512  # that are added to a Gram matrix at once, at least: each time all of it is read and written
SORTED = 1 << 22  # entries that are put in random order at once: 32 MB of keys
LANCZOS = 128  # from this side on the largest eigenvalue alone is cheaper than all


# --- eigenvalues and what is made of them alone ---


def esd(matrix: np.ndarray, precision: str = "float64") -> np.ndarray:
    """Empirical spectral density: the eigenvalues of WᵀW/N, N ≥ M, ascending.

    They are those of the Gram matrix, with an absolute error of about 1e-14·λ_max; with precision "float32" 1e-7·λ_max (1e-6
    where entries have one sign), so that there small eigenvalues, ranks and determinants are noise. What lies within √M·ε·λ_max
    of 0, several times the errors seen at 0, is set to exactly 0. Beside the matrix, memory is that of the M × M Gram matrix and
    of a block.

    Args:
        matrix: array (N, M) or (M, N) of real numbers.
        precision: "float64" or "float32", in which the Gram matrix is summed; its eigenvalues are computed in float64.

    Returns:
        Array (M,) of float64.

    Raises:
        ValueError: not a matrix of real numbers, empty, NaN or infinite, or another precision.

    Example:
        >>> esd(np.array([[3.0, 0.0], [0.0, 4.0], [0.0, 0.0]])) * 3
        array([ 9., 16.])
    """
    if precision not in ("float64", "float32"):
        raise ValueError(f"`precision` must be float64 or float32. Received: precision={precision!r}")
    tall = _tall(matrix)
    n, m = tall.shape
    scale = (
        1.0 if precision == "float64" else _largest_entry(tall)
    )  # in float32 the squares of small weights would be 0
    gram = _gram(tall, precision, scale).astype(np.float64, copy=False)
    values = linalg.eigvalsh(gram, overwrite_a=True, check_finite=False, driver="evd") * (scale**2 / n)
    values[values < np.sqrt(m) * np.finfo(precision).eps * values[-1]] = 0
    return values


def kurtosis(matrix: np.ndarray) -> float:
    """Mean w⁴/(mean w²)² of all entries, zeros included: 3 for normal ones, 3/p where a random share p of them is left.

    Args:
        matrix: array (N, M).

    Raises:
        ValueError: as `esd`, or all weights are 0.

    Example:
        >>> kurtosis(np.array([[1.0, -1.0], [0.0, 0.0]]))
        2.0
    """
    flat = _tall(matrix).ravel()
    scaled = flat / _largest_entry(flat)
    square = np.einsum("i,i->", scaled, scaled, dtype=np.float64)  # no arrays of powers
    if not square:
        raise ValueError("`matrix` must not be all 0. Received: zeros")
    return float(np.einsum("i,i,i,i->", scaled, scaled, scaled, scaled, dtype=np.float64) * flat.size / square**2)


def stable_rank(matrix: np.ndarray) -> float:
    """‖W‖²_F / ‖W‖₂², from 1 to M. Noise has M/(1 + 1/√q)².

    Args:
        matrix: array (N, M).

    Raises:
        ValueError: as `esd`, or all weights are 0.

    Example:
        >>> stable_rank(np.diag([2.0, 1.0, 1.0]))
        1.5

    Reference:
        Rudelson & Vershynin 2007, Sampling from large matrices, arXiv:math/0503442.
    """
    eigenvalues = esd(matrix)
    return float(_positive(eigenvalues).sum() / eigenvalues[-1])


def entropy(eigenvalues: np.ndarray) -> float:
    """Matrix entropy −Σ p ln p / ln rank, p = λ/Σλ, in [0, 1]; 0 for rank 1. Noise is near 1 (0.96 at q = 2).

    Args:
        eigenvalues: array (M,), not negative.

    Raises:
        ValueError: negative, NaN, or all 0.

    Example:
        >>> entropy(np.array([0.0, 2.0, 2.0])), entropy(np.array([0.0, 1.0]))
        (1.0, 0.0)
    """
    positive = _positive(eigenvalues)
    return float(_shannon(positive) / np.log(len(positive))) if len(positive) > 1 else 0.0


def effective_rank(eigenvalues: np.ndarray) -> float:
    """exp(−Σ p ln p), p = λ/Σλ: as many equal eigenvalues would have this entropy.

    Args:
        eigenvalues: array (M,), not negative.

    Raises:
        ValueError: negative, NaN, or all 0.

    Example:
        >>> round(effective_rank(np.array([0.0, 2.0, 2.0])), 9)
        2.0

    Reference:
        Roy & Vetterli 2007, The effective rank, EUSIPCO.
    """
    return float(np.exp(_shannon(_positive(eigenvalues))))


def participation_ratio(eigenvalues: np.ndarray) -> float:
    """(Σλ)²/Σλ², from 1 to M.

    Args:
        eigenvalues: array (M,), not negative.

    Raises:
        ValueError: negative, NaN, or all 0.

    Example:
        >>> participation_ratio(np.array([0.0, 2.0, 2.0]))
        2.0
    """
    positive = _positive(eigenvalues)
    return float(positive.sum() ** 2 / np.square(positive).sum())


def log_norms(eigenvalues: np.ndarray, n: int, alpha: float) -> dict[str, float]:
    """Base-10 logarithms of norms of WᵀW, not of WᵀW/N: they depend on the normalisation, so it is said here.

    Args:
        eigenvalues: array (M,), of WᵀW/N.
        n: N.
        alpha: exponent of the spectrum's tail.

    Returns:
        log_norm: log ‖W‖²_F; log_spectral_norm: log λ_max; alpha_weighted: alpha·log λ_max; log_alpha_norm: log Σ λ^alpha.

    Raises:
        ValueError: negative, NaN, or all 0.

    Example:
        >>> log_norms(np.array([0.0, 5.0]), n=2, alpha=2.0)
        {'log_norm': 1.0, 'log_spectral_norm': 1.0, 'alpha_weighted': 2.0, 'log_alpha_norm': 2.0}

    Reference:
        Martin, Peng & Mahoney 2021, Predicting trends in the quality of neural networks, arXiv:2002.06716.
    """
    logs = np.log10(_positive(eigenvalues) * n)
    top = float(logs.max())
    return {
        "log_norm": float(np.log10(np.sum(10**logs))),
        "log_spectral_norm": top,
        "alpha_weighted": alpha * top,
        "log_alpha_norm": float(alpha * top + np.log10(np.sum(10 ** (alpha * (logs - top))))),
    }


def level_spacing_ratio(eigenvalues: np.ndarray) -> float:
    """Mean of min/max over neighbouring gaps: 0.53 where eigenvalues repel each other as in noise, 0.39 where they do not.

    Args:
        eigenvalues: array (M,), any order; equal ones have gaps of 0.

    Raises:
        ValueError: fewer than 3 different eigenvalues.

    Example:
        >>> level_spacing_ratio(np.array([0.0, 1.0, 3.0]))
        0.5

    Reference:
        Atas et al. 2013, Distribution of the ratio of consecutive level spacings, arXiv:1212.5611.
    """
    gaps = np.diff(np.sort(np.asarray(eigenvalues, np.float64)))
    pairs = np.stack([gaps[:-1], gaps[1:]])
    wide = pairs.max(axis=0) > 0 if pairs.size else np.zeros(0, bool)
    if not wide.any():
        raise ValueError(f"`eigenvalues` must hold 3 different numbers. Received: {len(gaps) + 1}")
    return float((pairs.min(axis=0)[wide] / pairs.max(axis=0)[wide]).mean())


# --- the bulk ---


@dataclass(frozen=True)
class MarchenkoPastur:
    """The Marchenko–Pastur law of a spectrum's bulk.

    Attributes:
        q: N/M.
        sigma2: variance of the entries of the bulk. Of a matrix whose entries are zero but for a random share p, that is p times
            the variance of those that are left.
        bulk_lo, bulk_hi: the law's ends, σ²(1 ∓ 1/√q)².
        bulk_edge: what the largest eigenvalue of noise stays below with the probability that was asked for.
        spikes: number of eigenvalues above `bulk_edge`.
        ks: Kolmogorov–Smirnov distance of the other eigenvalues to the law.
        ks_m: ks times the number of them in one matrix. Eigenvalues of noise are rigid, so this hardly grows with M: of 2,000
            draws the median was 2.0 (64 × 64) to 2.8 (1000 × 500), 95 % stayed below 2.6 to 3.4 and 99 % below 2.9 to 3.8. Of
            9 pooled matrices it is a third of that. Where most entries are 0 the law itself is only close: the median is 3.4
            and 4.6 where magnitude left 10 % and 5 % of 400 × 200 entries.
        n: eigenvalues of one matrix, M.
        pooled: number of matrices.
    """

    q: float
    sigma2: float
    bulk_lo: float
    bulk_hi: float
    bulk_edge: float
    spikes: int
    ks: float
    ks_m: float
    n: int
    pooled: int = 1


def fit_marchenko_pastur(
    eigenvalues: np.ndarray, q: float, pooled: int = 1, level: float = 0.99, *, kurtosis: float = 3.0
) -> MarchenkoPastur:
    """Fit σ² to the bulk, and count what lies above its edge.

    σ² starts from the median; then k = #{λ > edge(σ²)} and σ² = mean of the others · N/(N − k/pooled), until k stays. The factor
    makes up for the energy that k signal directions take out of the bulk. The others are compared with the law of a matrix
    that is smaller by the k directions.

    Pruned matrices need their kurtosis: zeros shift the edge (`noise_edge`). With it 400 × 200 entries of noise have spikes, at
    the 1 % level, in 1 to 3 % of draws where magnitude left 10 % or more, in 5 % where it left 5 % (without it in 24 % and 86 %),
    and in 2 to 5 % where chance left 20 % or more. Sparser ones have spikes without any signal: compare with `permutation_null`.

    Args:
        eigenvalues: array (pooled·M,), of WᵀW/N, not negative, any order.
        q: N/M, at least 1.
        pooled: number of matrices of one shape whose eigenvalues they are.
        level: probability that noise has no spike, all matrices together.
        kurtosis: of the entries of a pruned matrix, as the function `kurtosis` has it; 3 otherwise, even if entries have heavy
            tails: what these do to the edge is for `permutation_null` to say.

    Returns:
        A `MarchenkoPastur`.

    Raises:
        ValueError: fewer than 10 eigenvalues a matrix, negative ones or NaN, no bulk because half of them are 0, q < 1.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> noise = rng.normal(size=(1000, 500))
        >>> noise[:, 0] += 4 * rng.normal(size=1000)
        >>> found = fit_marchenko_pastur(esd(noise), q=2.0)
        >>> found.spikes, round(found.sigma2, 2)
        (1, 1.0)

    Reference:
        Johnstone 2001, Ann. Statist. 29, for the edge; Ke, Ma & Lin 2023, Estimation of the number of spiked eigenvalues in a
        covariance matrix by bulk eigenvalue matching analysis, arXiv:2006.00436, for estimating σ² from the bulk.
    """
    check_q(q)
    values = np.sort(_checked(eigenvalues))
    m, left_over = divmod(len(values), pooled)
    if m < FEWEST or left_over:
        raise ValueError(
            f"`eigenvalues` must be at least {FEWEST} of each matrix. Received: {len(values)} of {pooled} matrices"
        )
    sigma2 = np.median(values) / marchenko_pastur_median(q)
    if sigma2 <= 0:
        raise ValueError("`eigenvalues` must have a bulk. Received: half of them or more are 0")
    edge = noise_edge(round(q * m), m, level, pooled, kurtosis)
    sigma2, k = _bulk_variance(values, q * m, sigma2, edge, pooled)
    lo, hi = marchenko_pastur_edges(q, sigma2)
    ks, ks_m = _bulk_distance(values[: len(values) - k], q * m, m, k / pooled, sigma2)
    return MarchenkoPastur(float(q), float(sigma2), lo, hi, float(sigma2 * edge), k, ks, ks_m, m, pooled)


def mp_soft_rank(eigenvalues: np.ndarray, bulk: MarchenkoPastur) -> float:
    """λ₊/λ_max: about 1 for noise, small where signal rises far above the bulk.

    Args:
        eigenvalues: array (M,).
        bulk: their fit.

    Example:
        >>> bulk = MarchenkoPastur(1.0, 1.0, 0.0, 4.0, 4.2, 1, 0.1, 1.0, 10)
        >>> mp_soft_rank(np.array([1.0, 8.0]), bulk)
        0.5

    Reference:
        Martin & Mahoney 2021, arXiv:1810.01075.
    """
    return bulk.bulk_hi / float(np.max(eigenvalues))


@dataclass(frozen=True, eq=False)
class Spikes:
    """The signal behind eigenvalues above the bulk edge, as low-rank signal in noise explains them.

    Attributes:
        eigenvalues: array (k,), ascending.
        strengths: array (k,), singular values θ of the signal in units of the noise: W/(σ√N) = noise of variance 1/N + Σ θuvᵀ.
        overlap_m: array (k,), cos² between a spike's singular vector and the signal's on the side of M.
        overlap_n: array (k,), the same on the side of N.
    """

    eigenvalues: np.ndarray
    strengths: np.ndarray
    overlap_m: np.ndarray
    overlap_n: np.ndarray


def spikes(eigenvalues: np.ndarray, bulk: MarchenkoPastur) -> Spikes:
    """The spikes of a spectrum with the strength of their signal and how much of their singular vectors is signal.

    Args:
        eigenvalues: array (M,).
        bulk: their fit.

    Returns:
        A `Spikes`.

    Example:
        >>> bulk = MarchenkoPastur(1.0, 1.0, 0.0, 4.0, 4.2, 1, 0.1, 1.0, 10)
        >>> found = spikes(np.array([1.0, 6.25]), bulk)
        >>> found.strengths, found.overlap_m
        (array([2.]), array([0.75]))

    Reference:
        Benaych-Georges & Nadakuditi 2012, arXiv:1103.2221.
    """
    values = np.sort(_checked(eigenvalues))
    values = values[values > bulk.bulk_edge]
    strengths = bbp_strength(values / bulk.sigma2, bulk.q)
    return Spikes(values, strengths, *bbp_overlaps(strengths, bulk.q))


# --- other nulls ---


@dataclass(frozen=True, eq=False)
class PermutationNull:
    """What is left of a spectrum when the entries are put in random order.

    Attributes:
        largest: largest eigenvalue.
        eigenvalues: array (M,), all of them, or None.
        spikes: number of them above the edge of their own bulk, or None.
    """

    largest: float
    eigenvalues: np.ndarray | None = None
    spikes: int | None = None


def permutation_null(matrix: np.ndarray, rng: np.random.Generator, spectrum: bool = False) -> PermutationNull:
    """The spectrum of the same entries in random order: what stays of spikes comes from their sizes, not their arrangement.

    Entries are rounded to float32. The largest eigenvalue alone is found by Lanczos' method, which approaches it from below to
    within 1e-5, a fraction of its own fluctuation. Beside the matrix, memory is that of its copy in float32, of a
    block and of the Gram matrix.

    Args:
        matrix: array (N, M).
        rng: generator of the order.
        spectrum: whether all eigenvalues, and the number of spikes among them, are wanted.

    Returns:
        A `PermutationNull`.

    Raises:
        ValueError: as `esd`; with `spectrum` also as `fit_marchenko_pastur`.

    Example:
        >>> permutation_null(np.ones((4, 2)), np.random.default_rng(0)).largest  # order does not matter here
        2.0

    Reference:
        Martin & Mahoney 2021, arXiv:1810.01075; Buja & Eyuboglu 1992, Remarks on parallel analysis, Multivariate Behav. Res. 27.
    """
    tall = _tall(matrix)
    n, m = tall.shape
    scale = _largest_entry(tall)
    entries = _in_random_order(tall, scale, rng)
    if spectrum:
        eigenvalues = esd(entries) * scale**2
        return PermutationNull(float(eigenvalues[-1]), eigenvalues, fit_marchenko_pastur(eigenvalues, n / m).spikes)
    largest = float(esd(entries, "float32")[-1]) if m < LANCZOS else _largest(entries, rng)
    return PermutationNull(largest * scale**2)


@dataclass(frozen=True, eq=False)
class PorterThomas:
    """Whether singular vectors look like random directions.

    Attributes:
        p_values: array (k,), of the Kolmogorov–Smirnov test of √M·v against the normal law; uniform for random directions.
        rejected: fraction of them below 0.05; 0.05 for random directions.
        ipr: array (k,), M·Σv⁴: 3 for random directions, M for a single entry.
    """

    p_values: np.ndarray
    rejected: float
    ipr: np.ndarray


def porter_thomas(vectors: np.ndarray) -> PorterThomas:
    """Test whether the entries of unit vectors are those of random directions: √M·v_i ~ N(0, 1).

    With the distance D to the normal law, p = K((√M + 0.12 + 0.11/√M)·D + 0.04), K Kolmogorov's limit and the factor Stephens'
    correction for small M. Entries of length 1 lie closer to the law than independent ones; 0.04 makes up for it: of 100,000
    random directions of 10 to 3,000 entries each, 5.1 to 5.6 % have p < 0.05 and 1.0 to 1.1 % p < 0.01.

    Args:
        vectors: array (k, M), a unit vector a row.

    Returns:
        A `PorterThomas`.

    Raises:
        ValueError: not rows of length 1, or fewer than 10 entries.

    Example:
        >>> found = porter_thomas(np.eye(100)[:1])
        >>> bool(found.p_values[0] < 1e-6), float(found.ipr[0])
        (True, 100.0)

    Reference:
        Thamm, Staats & Rosenow 2022, Random matrix analysis of deep neural network weight matrices, arXiv:2203.14661;
        Stephens 1970, Use of the Kolmogorov–Smirnov statistics without extensive tables, J. R. Stat. Soc. B 32.
    """
    rows = np.asarray(vectors, np.float64)
    if rows.ndim != 2 or rows.shape[1] < FEWEST or not np.allclose(np.square(rows).sum(axis=1), 1, atol=1e-6):
        raise ValueError(f"`vectors` must be rows of length 1 with at least {FEWEST} entries. Received: {rows.shape}")
    root = np.sqrt(rows.shape[1])
    scaled = np.sort(rows * root, axis=1)
    distances = _ks_distance(special.ndtr(scaled))
    p_values = special.kolmogorov((root + 0.12 + 0.11 / root) * distances + 0.04)
    return PorterThomas(p_values, float((p_values < 0.05).mean()), np.mean(scaled**4, axis=1))


# --- phases ---


@dataclass(frozen=True)
class Phase:
    """One of the 5 + 1 phases of a spectrum, with what decided.

    Attributes:
        label: "random-like", "bleeding-out", "bulk and spikes", "bulk-decay", "heavy-tailed" or "rank-collapse".
        margins: {test: (value, limit)} of every test, those of the tail only where it was looked at.
    """

    label: str
    margins: Mapping[str, tuple[float, float]]


def phase(
    eigenvalues: np.ndarray,
    q: float,
    pooled: int = 1,
    *,
    bulk: MarchenkoPastur | None = None,
    tail: powerlaw.PowerLaw | None = None,
    tail_p: float | None = None,
    rng: np.random.Generator | None = None,
    replicates: int = 200,
) -> Phase:
    """Tell the phase of a spectrum by tests in this order.

        more than 5 % of the eigenvalues (20 % where q < 1.11) below a thousandth of the typical one   rank-collapse
        the bulk fits (ks_m ≤ limit), no spike                                                         random-like
        it fits, spikes ≤ M/10, λ_max < 1.5 edge                                                       bleeding-out
        it fits, spikes ≤ M/10                                                                         bulk and spikes
        power law: bootstrap p > 0.1, tail ≥ max(30, M/10), alpha ≤ 4                                  heavy-tailed
        else                                                                                           bulk-decay

    The typical eigenvalue is the mean of the lower nine tenths: where tails are heavy, the mean of all is that of a few. The
    limit of `ks_m`, (1.25 + 0.44 ln M)/√pooled + 0.25, was exceeded by 0 to 0.2 % of noise, M from 16 to 1000, 1 to 25 pooled.
    Of 40 matrices of each phase, 600 × 300, as bulk-decay with entries of Student's t with 3 degrees of freedom, 236 of 240 were
    told right.

    Args:
        eigenvalues: array (pooled·M,).
        q: N/M.
        pooled: number of matrices.
        bulk: their fit, if it is known.
        tail: their power law, if it is known.
        tail_p: its bootstrap p, if it is known.
        rng: generator of that bootstrap; default: one of seed 0.
        replicates: of that bootstrap.

    Returns:
        A `Phase`.

    Raises:
        ValueError: as `fit_marchenko_pastur`.

    Example:
        >>> noise = np.random.default_rng(0).normal(size=(600, 300))
        >>> phase(esd(noise), q=2.0).label
        'random-like'

    Reference:
        Martin & Mahoney 2021, arXiv:1810.01075, section 4, whose definitions are in words; the limits are ours.
    """
    _positive(eigenvalues)  # raises where all are 0
    values = np.sort(_checked(eigenvalues))
    typical = values[: -(-9 * len(values) // 10)].mean()
    empty, most_empty = float((values <= 1e-3 * typical).mean()), 0.2 if q < 1 / 0.9 else 0.05
    margins = {"rank_collapse": (empty, most_empty)}
    if empty > most_empty:
        return Phase("rank-collapse", margins)
    bulk = bulk or fit_marchenko_pastur(values, q, pooled)
    gap = float(values.max()) / bulk.bulk_edge
    most_ks = float((1.25 + 0.44 * np.log(bulk.n)) / np.sqrt(pooled) + 0.25)
    margins |= {"bulk_ks": (bulk.ks_m, most_ks), "spikes": (bulk.spikes, 0.1 * len(values)), "gap": (gap, 1.5)}
    if bulk.ks_m <= most_ks and bulk.spikes <= 0.1 * len(values):
        label = "random-like" if not bulk.spikes else "bleeding-out" if gap < 1.5 else "bulk and spikes"
        return Phase(label, margins)
    tail = tail or powerlaw.fit(values)
    if tail_p is None:
        tail_p = powerlaw.goodness(values, tail, rng or np.random.default_rng(0), replicates)
    needed = max(30, 0.1 * len(values))
    margins |= {"tail_p": (tail_p, 0.1), "n_tail": (tail.n_tail, needed), "alpha": (tail.alpha, 4.0)}
    heavy = tail_p > 0.1 and tail.n_tail >= needed and tail.alpha <= 4
    return Phase("heavy-tailed" if heavy else "bulk-decay", margins)


# --- what training changed ---


@dataclass(frozen=True, eq=False)
class UpdateSpectrum:
    """The singular values of what training changed, Δ = W − Z.

    Attributes:
        singular_values: array (M,), descending.
        energy: array (M,), share of ‖Δ‖²_F in the first k = 1 … M directions.
        residual: array (M,), spectral norm of what k directions leave, over that of Δ: s_{k+1}/s_1; 0 for the last.
    """

    singular_values: np.ndarray
    energy: np.ndarray
    residual: np.ndarray


def update_spectrum(final: np.ndarray, initial: np.ndarray) -> UpdateSpectrum:
    """Singular values of W − Z, and what the first k of them hold and leave.

    Args:
        final: array (N, M), W.
        initial: array of the same shape, Z.

    Returns:
        An `UpdateSpectrum`.

    Raises:
        ValueError: other shapes, NaN, or no change at all.

    Example:
        >>> update_spectrum(np.diag([4.0, 3.0]), np.zeros((2, 2))).energy
        array([0.64, 1.  ])

    Reference:
        Nagarajan & Kolter 2019, arXiv:1902.04742.
    """
    values = np.linalg.svd(_update(final, initial), compute_uv=False)
    if not values[0]:
        raise ValueError("`final` must differ from `initial`. Received: equal matrices")
    energy = np.cumsum(values**2) / np.square(values).sum()
    return UpdateSpectrum(values, energy, np.append(values[1:], 0) / values[0])


def update_rank(final: np.ndarray, initial: np.ndarray, energy: float = 0.9) -> int:
    """Number of singular directions of W − Z that hold a share of its energy ‖W − Z‖²_F; 0 where nothing changed.

    Args:
        final: array (N, M), W.
        initial: array of the same shape, Z.
        energy: the share, in (0, 1].

    Raises:
        ValueError: other shapes, NaN, or a share outside (0, 1].

    Example:
        >>> update_rank(np.diag([4.0, 3.0]), np.zeros((2, 2))), update_rank(np.diag([4.0, 3.0]), np.zeros((2, 2)), 0.6)
        (2, 1)
    """
    if not 0 < energy <= 1:
        raise ValueError(f"`energy` must lie in (0, 1]. Received: energy={energy!r}")
    eigenvalues = esd(_update(final, initial))[::-1]
    if not eigenvalues[0]:
        return 0
    held = np.cumsum(eigenvalues)
    return int(np.searchsorted(held, energy * held[-1] * (1 - 1e-12)) + 1)


def project_update(final: np.ndarray, initial: np.ndarray, rank: int) -> np.ndarray:
    """W_k = Z + U_k S_k V_kᵀ: the initial weights and the `rank` largest singular directions of the update W − Z.

    Args:
        final: array (N, M), W.
        initial: array of the same shape, Z.
        rank: k, from 0 (the initial weights) to M (the final ones).

    Returns:
        Array (N, M) of float64.

    Raises:
        ValueError: other shapes, NaN, or a rank out of range.

    Example:
        >>> project_update(np.diag([4.0, 3.0]), np.zeros((2, 2)), rank=1)
        array([[4., 0.],
               [0., 0.]])

    Reference:
        Nagarajan & Kolter 2019, arXiv:1902.04742.
    """
    update = _update(final, initial)
    if not 0 <= rank <= min(update.shape):
        raise ValueError(f"`rank` must lie in [0, {min(update.shape)}]. Received: rank={rank!r}")
    u, s, vt = np.linalg.svd(update, full_matrices=False)
    return np.asarray(initial, np.float64) + (u[:, :rank] * s[:rank]) @ vt[:rank]


def _tall(matrix: np.ndarray) -> np.ndarray:
    array = np.asarray(matrix)
    if array.ndim != 2 or not array.size or array.dtype.kind not in "fiub":
        raise ValueError(
            f"`matrix` must be a matrix of real numbers, not empty. Received: {array.dtype} of shape {array.shape}"
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"`matrix` must be finite. Received: {np.count_nonzero(~np.isfinite(array))} NaN or infinite")
    return array if array.shape[0] >= array.shape[1] else array.T


def _largest_entry(array: np.ndarray) -> float:
    """The largest absolute value, or 1 where all are 0, without a copy of absolute values."""
    return max(float(array.max()), -float(array.min())) or 1.0


def _gram(tall: np.ndarray, precision: str, scale: float) -> np.ndarray:
    """WᵀW/scale², its lower triangle, summed over blocks of rows."""
    n, m = tall.shape
    rank_update = linalg.blas.dsyrk if precision == "float64" else linalg.blas.ssyrk
    rows = max(ROWS, BLOCK // m)
    if n <= rows:
        whole = np.asarray(tall if scale == 1 else tall / scale, precision)
        return whole.T @ whole
    gram = np.zeros((m, m), precision, order="F")
    for start in range(0, n, rows):
        block = tall[start : start + rows]
        block = np.ascontiguousarray(block if scale == 1 else block / scale, precision)
        gram = rank_update(1.0, block.T, beta=1.0, c=gram, lower=True, overwrite_c=True)
    return gram


def _in_random_order(tall: np.ndarray, scale: float, rng: np.random.Generator) -> np.ndarray:
    """The entries over `scale` in float32, in random order.

    What is too large to be sorted at once is sorted in blocks of rows, then in blocks of columns: every entry may come to
    every place.
    """
    entries = np.empty(tall.shape, np.float32)
    np.divide(tall, scale, out=entries, casting="same_kind")
    blocks = -(-tall.size // SORTED)
    for axis in (0, 1) if blocks > 1 else (0,):
        for part in np.array_split(entries, min(blocks, tall.shape[axis]), axis=axis):
            part[...] = _sorted_by_random_keys(part, rng)
    return entries


def _sorted_by_random_keys(part: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The entries in random order; half the time of `rng.shuffle`, which jumps about in memory.

    A number of 64 bits holds 32 random ones and, in its lower half, the entry itself. Entries with equal keys, one in 1,000 of
    4 million, are in their own order.
    """
    keys = rng.integers(0, 1 << 64, part.size, dtype=np.uint64)
    lower = keys.view(np.float32)[0 if sys.byteorder == "little" else 1 :: 2].reshape(part.shape)
    lower[...] = part
    keys.sort()
    return lower


def _largest(tall: np.ndarray, rng: np.random.Generator) -> float:
    """The largest eigenvalue of WᵀW/N alone; tall matrices are squared first, which then costs less than to multiply by them.

    Others are multiplied by in blocks of rows, each of which is still in the cache when its transpose comes.
    """
    n, m = tall.shape
    blocks = [tall.T @ tall] if n >= 2 * m else np.array_split(tall, -(-tall.size // BLOCK))
    times = (lambda x: blocks[0] @ x) if n >= 2 * m else (lambda x: sum(block.T @ (block @ x) for block in blocks))
    square = LinearOperator((m, m), matvec=times, dtype=np.float32)
    start = rng.standard_normal(m, dtype=np.float32)
    return float(eigsh(square, 1, which="LA", v0=start, ncv=20, tol=1e-3, return_eigenvectors=False)[0] / n)


def _bulk_variance(values: np.ndarray, n: float, sigma2: float, edge: float, pooled: int) -> tuple[float, int]:
    """σ² and the number of spikes k, iterated until k stays.

    It ends: taking out values above the edge lowers σ², which lowers the edge, so that k never falls again once it rose.
    """
    sums, k = np.concatenate([[0.0], np.cumsum(values)]), -1
    while (found := len(values) - int(np.searchsorted(values, sigma2 * edge, side="right"))) != k:
        k = found
        sigma2 = sums[len(values) - k] / (len(values) - k) * n / (n - k / pooled)
    return sigma2, k


def _bulk_distance(rest: np.ndarray, n: float, m: int, k: float, sigma2: float) -> tuple[float, float]:
    """KS distance of the bulk to the law of a matrix (n − k, m − k), and the same times m − k."""
    law = marchenko_pastur_cdf(rest * n / (n - k), (n - k) / (m - k), sigma2)
    ks = float(_ks_distance(law))
    return ks, ks * (m - k)


def _ks_distance(law: np.ndarray) -> np.ndarray:
    """Kolmogorov–Smirnov distances over the last axis, along which the law's probabilities of a sample ascend."""
    steps = np.arange(law.shape[-1] + 1) / law.shape[-1]
    return np.maximum((law - steps[:-1]).max(axis=-1), (steps[1:] - law).max(axis=-1))


def _update(final: np.ndarray, initial: np.ndarray) -> np.ndarray:
    final, initial = np.asarray(final, np.float64), np.asarray(initial, np.float64)
    if final.ndim != 2 or final.shape != initial.shape:
        raise ValueError(
            f"`final` and `initial` must be matrices of one shape. Received: {final.shape} and {initial.shape}"
        )
    if not (np.isfinite(final).all() and np.isfinite(initial).all()):
        raise ValueError("`final` and `initial` must be finite. Received: NaN or infinite weights")
    return final - initial


def _checked(eigenvalues: np.ndarray) -> np.ndarray:
    values = np.asarray(eigenvalues, np.float64)
    if values.ndim != 1 or not values.size or not (values >= 0).all() or not np.isfinite(values).all():
        raise ValueError(f"`eigenvalues` must be numbers of at least 0. Received: {values}")
    return values


def _positive(eigenvalues: np.ndarray) -> np.ndarray:
    values = _checked(eigenvalues)
    if not values.any():
        raise ValueError("`eigenvalues` must not all be 0. Received: zeros")
    return values[values > 0]


def _shannon(positive: np.ndarray) -> float:
    p = positive / positive.sum()
    return float(-(p * np.log(p)).sum())
