"""How a weight ticket spreads over units: counts of surviving weights against their null models.

mask:   bool array (fan_in, units), True where the weight survived; a dense kernel's mask as it is, a convolution's
        (…taps, in, out) reshaped to (taps · in, out). For one layer at its own count: condition on the survivors of each layer.
F, U:   fan_in and units; N = F·U weights, of which m survive, n_u of them in unit u; r_i survive of input i.

Null models: "hypergeometric", every set of m weights alike; or row-stratified, every set alike that keeps r_i of input i. The
second is the one to use where inputs are dead (the border of MNIST's images): these make counts spread less than the first
expects, and its test conservative. All null means and standard deviations are exact but `gini_sd` and the χ² distribution.

What is not defined is NaN: `dispersion` and `p_value` where the null has no spread (no or all weights survive, one unit, or only
full and empty rows); `conditional` and what follows from it without survivors or with one input; `lift` where its null is 0 (one
survivor); `icc` where its null is 1 (all survive); `gini` without survivors.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import perm

import numpy as np
from scipy import stats
from scipy.special import betaln


@dataclass(frozen=True)
class Concentration:
    """How unevenly the survivors spread over units.

    Attributes:
        counts: array (U,) of int, survivors of each unit.
        mean, sd: of a count under the null.
        dispersion: X² = (1 − 1/U) Σ(n_u − mean)²/sd², whose null mean is exactly U − 1.
        p_value: P(χ²_{U−1} ≥ X²): small if the survivors concentrate in some units. Under the row-stratified null the variance of
            X² is that of χ² times 1 − Σa_i²/(Σa_i)², a_i = r_i(U − r_i): trust it where many inputs contribute.
        conditional: P(another weight of the unit survives | one survives) = Σ n_u(n_u − 1) / (m(F − 1)).
        null: its null mean; (m − 1)/(N − 1) for the hypergeometric.
        lift: conditional / null.
        lift_sd: standard deviation of the lift under the null, around 1.
        icc: (conditional − null) / (1 − null), the moment estimate of the intra-class correlation ρ of a beta-binomial.
        dead, dead_null: number of units without a survivor, and the null mean of it.
        gini: Σ_uv |n_u − n_v| / (2 U² · mean) of the counts, to be read beside the two that follow, never beside 0.
        gini_null, gini_sd: its null mean, exact, and standard deviation, as of normal counts (good where mean and U exceed 5).
        row_stratified: which null.
    """

    counts: np.ndarray
    mean: float
    sd: float
    dispersion: float
    p_value: float
    conditional: float
    null: float
    lift: float
    lift_sd: float
    icc: float
    dead: int
    dead_null: float
    gini: float
    gini_null: float
    gini_sd: float
    row_stratified: bool


@dataclass(frozen=True)
class _Null:
    """Null moments: variance of a count, mean and variance of S = Σ n_u(n_u − 1), E|n_u − n_v|, dead units."""

    variance: float
    pairs_mean: float
    pairs_variance: float
    difference: float
    dead: float


def concentration(mask: np.ndarray, row_stratified: bool = False) -> Concentration:
    """Counts of survivors per unit against chance: X² = (1 − 1/U) Σ(n_u − Fp)² / Var(n_u), p = m/N.

    Var(n_u) is Fp(1 − p)(N − F)/(N − 1), or row-stratified Σ_i (r_i/U)(1 − r_i/U).

    Args:
        mask: bool array (fan_in, units).
        row_stratified: whether the null keeps the number of survivors of each input.

    Returns:
        A `Concentration`.

    Raises:
        ValueError: not a bool matrix with at least one row and one column.

    Example:
        >>> found = concentration(np.array([[True, False], [True, False]]))  # both survivors in one unit
        >>> found.counts, found.dispersion, found.conditional, found.null, found.lift
        (array([2, 0]), 3.0, 1.0, 0.3333333333333333, 3.0)

    Reference:
        Frankle & Carbin 2019, The lottery ticket hypothesis, arXiv:1803.03635 (tickets; the test is ours); Johnson, Kotz &
        Balakrishnan 1997, Discrete multivariate distributions, ch. 39 (multivariate hypergeometric).
    """
    mask = _checked(mask)
    fan_in, units = mask.shape
    counts, m = mask.sum(axis=0), int(mask.sum())
    null = _row_stratified(mask.sum(axis=1), units) if row_stratified else _hypergeometric(fan_in, units, m)
    mean, sd, spread = m / units, float(np.sqrt(null.variance)), (1 - 1 / units) * float(np.var(counts)) * units
    dispersion = _ratio(spread, null.variance)
    possible = m * (fan_in - 1)  # ordered couples of a survivor and another weight of its unit
    conditional = _ratio(int((counts * (counts - 1)).sum()), possible)
    chance = _ratio(null.pairs_mean, possible)
    return Concentration(
        counts=counts,
        mean=mean,
        sd=sd,
        dispersion=dispersion,
        p_value=float(stats.chi2.sf(dispersion, units - 1)),
        conditional=conditional,
        null=chance,
        lift=_ratio(conditional, chance),
        lift_sd=_ratio(float(np.sqrt(null.pairs_variance)), null.pairs_mean),
        icc=_ratio(conditional - chance, 1 - chance),
        dead=int((counts == 0).sum()),
        dead_null=null.dead,
        gini=_gini(counts),
        gini_null=_ratio((1 - 1 / units) * null.difference, 2 * mean),
        gini_sd=_ratio(sd * _mean_difference_sd(units), 2 * mean),
        row_stratified=row_stratified,
    )


def inputs(mask: np.ndarray, row_stratified: bool = False) -> Concentration:
    """The same for inputs: `concentration(maskᵀ)`, whether the survivors gather in some rows.

    Args:
        mask: bool array (fan_in, units). For the channels of a convolution's mask (…taps, in, out) pass
            `np.moveaxis(mask, -2, 0).reshape(channels, -1)`, a row for each channel.
        row_stratified: whether the null keeps the number of survivors of each unit.

    Returns:
        A `Concentration` whose counts are (fan_in,).

    Raises:
        ValueError: as `concentration`.

    Example:
        >>> inputs(np.array([[True, True], [False, False]])).counts
        array([2, 0])
    """
    return concentration(_checked(mask).T, row_stratified)


def _hypergeometric(fan_in: int, units: int, m: int) -> _Null:
    """Null of all sets of m of the N weights: factorial moments are those of draws without replacement."""
    size = fan_in * units

    def survive(k: int) -> Fraction:  # probability that k given weights all survive; exact, for the variance cancels
        return Fraction(perm(m, k), perm(size, k)) if k <= m else Fraction(0)

    def couples(k: int) -> int:  # ordered choices of k weights of one unit
        return perm(fan_in, k)

    density = m / size
    variance = fan_in * density * (1 - density) * (size - fan_in) / (size - 1) if size > 1 else 0.0
    pairs_mean = units * couples(2) * survive(2)
    within = couples(4) * survive(4) + 4 * couples(3) * survive(3) + 2 * couples(2) * survive(2)  # E[(n(n−1))²]
    square = units * within + units * (units - 1) * couples(2) ** 2 * survive(4)
    steps = np.arange(fan_in)
    # C(N−F, m)/C(N, m), factor by factor
    dead = units * float(np.prod((size - m - steps) / (size - steps))) if m <= size - fan_in else 0.0
    difference = _hypergeometric_difference(fan_in, units, m)
    return _Null(variance, float(pairs_mean), float(square - pairs_mean**2), difference, dead)


def _row_stratified(rows: np.ndarray, units: int) -> _Null:
    """Null of all sets that keep r_i weights of row i: rows are independent, and so, in pairs, are their overlaps.

    S = 2 Σ_{i<j} T_ij, the number of units that rows i and j share, hypergeometric with mean r_i r_j / U.
    """
    free = rows * (units - rows) / units  # a_i / U
    variance = float(free.sum()) / units
    pairs_mean = float(rows.sum() ** 2 - (rows**2).sum()) / units
    pairs_variance = 2 * float(free.sum() ** 2 - (free**2).sum()) / (units - 1) if units > 1 else 0.0
    dead = units * float(np.prod(1 - rows / units))
    return _Null(variance, pairs_mean, pairs_variance, _row_stratified_difference(rows, units), dead)


def _hypergeometric_difference(fan_in: int, units: int, m: int) -> float:
    """E|n_u − n_v|: the s survivors of the two units split as n ~ Hypergeometric(2F, F, s), and E|2n − s| has a closed form.

    k(F−s+k)P(k) − (k+1)(F−s+k+1)P(k+1) = 2F(k − s/2)P(k), so with c = ⌈s/2⌉ the sum telescopes to E|2n − s| = 2c(F−s+c)P(c)/F.
    """
    if units < 2:
        return 0.0
    size = fan_in * units
    both = np.arange(max(0, m - size + 2 * fan_in), min(2 * fan_in, m) + 1)
    half = (both + 1) // 2
    split = _hypergeometric_pmf(half, 2 * fan_in, fan_in, both)
    distance = 2 * half * (fan_in - both + half) * split / fan_in
    return float(distance @ _hypergeometric_pmf(both, size, 2 * fan_in, m))


def _row_stratified_difference(rows: np.ndarray, units: int) -> float:
    """E|n_u − n_v| by characteristic function: a sum of independent steps −1, 0, 1, P(±1) = h_i = r_i(U−r_i)/(U(U−1)).

    E|D| = (1/π)∫_0^π (1 − φ(ω))/(1 − cos ω) dω, φ(ω) = Π_i (1 − 2h_i(1 − cos ω)): a cosine polynomial of degree below F, for
    which the midpoint rule with ⌊F/2⌋ + 1 nodes is exact.
    """
    if units < 2:
        return 0.0
    margins, multiplicity = np.unique(rows, return_counts=True)
    step = margins * (units - margins) / (units * (units - 1))
    nodes = len(rows) // 2 + 1
    depth = 2 * np.sin(np.pi * (np.arange(nodes) + 0.5) / (2 * nodes)) ** 2  # 1 − cos ω
    phi = np.prod((1 - 2 * step * depth[:, None]) ** multiplicity, axis=1)
    return float(((1 - phi) / depth).mean())


def _hypergeometric_pmf(k: np.ndarray, size: int, good: int, draws: np.ndarray | int) -> np.ndarray:
    """P(k of `draws` out of `size` are among the `good`), k within its range."""

    def log_choose(n, j):
        return -np.log1p(n) - betaln(n - j + 1, j + 1)

    return np.exp(log_choose(good, k) + log_choose(size - good, draws - k) - log_choose(size, draws))


def _gini(counts: np.ndarray) -> float:
    units = len(counts)
    ranks = 2 * np.arange(1, units + 1) - units - 1
    return _ratio(float(ranks @ np.sort(counts)), units * float(counts.sum()))


def _mean_difference_sd(units: int) -> float:
    """Standard deviation of Σ_uv |x_u − x_v| / U² for normal counts of variance 1 and fixed sum (Nair 1936, Biometrika 28)."""
    if units < 2:
        return 0.0
    bracket = (units + 1) / 3 + (2 * np.sqrt(3) * (units - 2) - 2 * (2 * units - 3)) / np.pi
    independent = 4 / (units * (units - 1)) * bracket  # variance for independent x, mean over couples u ≠ v
    fixed_sum = units / (units - 1)  # a fixed sum takes the common part away, which differences do not see
    return float(np.sqrt(independent * fixed_sum) * (1 - 1 / units))


def _ratio(numerator: float, denominator: float) -> float:
    return float(numerator / denominator) if denominator != 0 else np.nan


def _checked(mask: np.ndarray) -> np.ndarray:
    array = np.asarray(mask)
    if array.ndim != 2 or 0 in array.shape or array.dtype != bool:
        raise ValueError(
            f"`mask` must be a bool matrix (fan_in, units), not empty. Received: {array.dtype} of shape {array.shape}"
        )
    return array
