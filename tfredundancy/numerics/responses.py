"""What units answer to data: dead, repeated and removable units, compressibility, selectivity, CKA, chunks, a teacher's units.

activations: array (samples, units), a row for each sample; any real dtype, computed in float64. Those of a convolution,
             (samples, height, width, units), become rows by `flatten`, one for each position: these are not independent.
constant:    a unit whose response is the same for every sample. Its correlations are not defined: it is left out of the means and
             counted, and what belongs to it alone is NaN.

A correlation is Pearson's r over samples. Independent responses to n samples correlate by about 1/√n, so that every share of
"repeated" units is to be read beside its null.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigvalsh
from scipy.sparse import csr_array
from scipy.special import betainc

_BLOCK_NUMBERS, _BLOCK_UNITS = 2**23, 2**11  # at most 64 MB of responses and 32 MB of correlations at a time
_ROUNDING = 1e-12


def flatten(activations: np.ndarray) -> np.ndarray:
    """(samples, …positions, units) → (samples · positions, units): every position counts as a sample.

    Args:
        activations: array with the samples on the first and the units on the last axis.

    Returns:
        Array (samples · positions, units), row i · positions + p for position p of sample i: labels and the like are
        repeated by `np.repeat(labels, positions)`.

    Raises:
        ValueError: fewer than two axes.

    Example:
        >>> flatten(np.zeros((10, 4, 4, 32))).shape
        (160, 32)
    """
    array = np.asarray(activations)
    if array.ndim < 2:
        raise ValueError(f"`activations` must be (samples, …, units). Received: shape {array.shape}")
    return array.reshape(int(np.prod(array.shape[:-1])), array.shape[-1])


# --- dead and repeated units ---


@dataclass(frozen=True)
class Dead:
    """Units that say nothing about their input.

    Attributes:
        silent: bool array (units,), response 0 to every sample: a ReLU unit that is never active.
        constant: bool array (units,), the same response to every sample, 0 or not, as that of a masked unit after any activation.
        fraction: share of constant units.
    """

    silent: np.ndarray
    constant: np.ndarray
    fraction: float


def dead(activations: np.ndarray) -> Dead:
    """Units that are never active, and units whose response never changes: max_s a_su = min_s a_su, exactly.

    Args:
        activations: array (samples, units), at least two samples.

    Returns:
        A `Dead`.

    Raises:
        ValueError: not a real, finite matrix, or too few samples.

    Example:
        >>> found = dead(np.array([[0.0, 3.0, 0.0], [0.0, 3.0, 1.0]]))
        >>> found.silent, found.constant
        (array([ True, False, False]), array([ True,  True, False]))

    Reference:
        Lu et al. 2020, Dying ReLU and initialization: theory and numerical examples, arXiv:1903.06733.
    """
    array = _checked(activations, "activations", 2)
    constant = ~_varies(array)
    return Dead(constant & (array[0] == 0), constant, float(constant.mean()))


@dataclass(frozen=True)
class Repeated:
    """How many others respond alike.

    Attributes:
        counts: array (units,), number of other units with |r| ≥ threshold; NaN for a constant unit.
        fraction: share of the varying units with at least one such other; NaN if none varies.
        mean: mean of the counts of varying units; NaN if none varies.
        null: the mean that independent normal responses to as many independent samples have: (varying − 1) · P(|r| ≥ threshold).
        constant: number of constant units, left out.
        threshold: the least |r|.
    """

    counts: np.ndarray
    fraction: float
    mean: float
    null: float
    constant: int
    threshold: float


def repeated(activations: np.ndarray, threshold: float = 0.5) -> Repeated:
    """Per unit, the number of others whose responses correlate with it: #{v ≠ u: |r_uv| ≥ threshold}.

    Works through blocks of units; no units × units array is made.

    Args:
        activations: array (samples, units), at least three samples.
        threshold: least |r|, in (0, 1].

    Returns:
        A `Repeated`.

    Raises:
        ValueError: not a real, finite matrix, too few samples, or a threshold outside (0, 1].

    Example:
        >>> found = repeated(np.array([[1.0, -2.0, 0.0, 7.0], [0.0, 0.0, 1.0, 7.0], [-1.0, 2.0, 0.0, 7.0]]))
        >>> found.counts, found.constant
        (array([ 1.,  1.,  0., nan]), 1)

    Reference:
        Casper et al. 2021, Frivolous units: wider networks are not really that wide, arXiv:1912.04783.
    """
    array = _checked(activations, "activations", 3)
    if not 0 < threshold <= 1:
        raise ValueError(f"`threshold` must lie in (0, 1]. Received: threshold={threshold!r}")
    varying = np.flatnonzero(_varies(array))
    similar = _count_similar(array, varying, threshold)
    counts = np.full(array.shape[1], np.nan)
    counts[varying] = similar
    beyond = betainc((len(array) - 2) / 2, 0.5, 1 - threshold**2)  # r²~Beta(1/2, (n−2)/2)
    return Repeated(
        counts=counts,
        fraction=float((similar > 0).mean()) if varying.size else np.nan,
        mean=float(similar.mean()) if varying.size else np.nan,
        null=float((varying.size - 1) * beyond) if varying.size else np.nan,
        constant=array.shape[1] - varying.size,
        threshold=threshold,
    )


def _count_similar(array: np.ndarray, units: np.ndarray, threshold: float) -> np.ndarray:
    """For each of `units`, how many others of them correlate with it; pairs of blocks are visited once."""
    size = max(1, min(_BLOCK_UNITS, _BLOCK_NUMBERS // len(array)))
    blocks = [slice(start, start + size) for start in range(0, len(units), size)]
    counts = np.full(len(units), -1)  # every unit will find itself
    for number, rows in enumerate(blocks):
        left = _standardised(array[:, units[rows]])
        for columns in blocks[number:]:
            right = left if columns is rows else _standardised(array[:, units[columns]])
            hits = np.abs(left.T @ right) >= threshold - _ROUNDING  # equal responses correlate by 1 up to rounding
            counts[rows] += hits.sum(axis=1)
            if columns is not rows:
                counts[columns] += hits.sum(axis=0)
    return counts


# --- removable units ---


def unchanged_labels(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Fraction of predicted labels that a perturbation leaves as they were: mean_s [after_s = before_s].

    It is not the accuracy: labels that were wrong and stay as wrong count as unchanged.

    Args:
        before: array (samples,), labels of the intact net.
        after: array (…, samples), labels after each perturbation.

    Returns:
        Array (…,) of numbers in [0, 1].

    Raises:
        ValueError: no samples, or shapes that do not agree.

    Example:
        >>> unchanged_labels(np.array([0, 1, 2, 2]), np.array([[0, 1, 2, 2], [0, 0, 0, 2]]))
        array([1. , 0.5])

    Reference:
        Casper et al. 2021, Frivolous units: wider networks are not really that wide, arXiv:1912.04783.
    """
    before, after = np.asarray(before), np.asarray(after)
    if before.ndim != 1 or not before.size or after.shape[-1:] != before.shape:
        raise ValueError(
            "`before` must be (samples,), not empty, and `after` (…, samples). "
            f"Received: shapes {before.shape} and {after.shape}"
        )
    return (after == before).mean(axis=-1)


def removable(unchanged: np.ndarray, fractions: np.ndarray, threshold: float = 0.8) -> float:
    """Fraction of units that can be knocked out until fewer than `threshold` of the labels are unchanged.

    The mean curve over repeats is interpolated linearly; where it crosses more than once, the first time counts.

    Args:
        unchanged: array (repeats, n) or (n,), fraction of unchanged labels with each fraction of the units knocked out.
        fractions: array (n,), increasing from 0 to 1.
        threshold: share of unchanged labels, in (0, 1].

    Returns:
        A number in (0, 1]: 1 where the curve never falls below the threshold, as that of a net that says one label to all.

    Raises:
        ValueError: shapes that do not agree, unchanged shares outside [0, 1], fractions that do not increase from 0 to 1, or a
            curve that is below the threshold where nothing is knocked out.

    Example:
        >>> round(removable(np.array([1.0, 0.9, 0.7, 0.1]), np.array([0.0, 0.25, 0.5, 1.0])), 9)
        0.375
        >>> removable(np.ones((3, 2)), np.array([0.0, 1.0]))
        1.0

    Reference:
        Casper et al. 2021, Frivolous units: wider networks are not really that wide, arXiv:1912.04783.
    """
    at, curves = np.asarray(fractions, np.float64), np.asarray(unchanged, np.float64)
    if at.ndim != 1 or at.size < 2 or at[0] != 0 or at[-1] != 1 or not (np.diff(at) > 0).all():
        raise ValueError(f"`fractions` must increase from 0 to 1. Received: {at}")
    if curves.ndim not in (1, 2) or curves.shape[-1] != at.size or not curves.size:
        raise ValueError(f"`unchanged` must be (repeats, {at.size}) or ({at.size},). Received: shape {curves.shape}")
    if not ((curves >= 0) & (curves <= 1)).all():
        raise ValueError(f"`unchanged` must lie in [0, 1]. Received: {curves}")
    if not 0 < threshold <= 1:
        raise ValueError(f"`threshold` must lie in (0, 1]. Received: threshold={threshold!r}")
    mean = np.atleast_2d(curves).mean(axis=0)
    below = np.flatnonzero(mean < threshold)
    if not below.size:
        return 1.0
    if below[0] == 0:
        raise ValueError(
            f"`unchanged` must be at least {threshold} where no unit is knocked out. Received: {mean[0]} at fraction 0"
        )
    before, after = below[0] - 1, below[0]
    way = (mean[before] - threshold) / (mean[before] - mean[after])
    return float(at[before] + way * (at[after] - at[before]))


# --- principal components and selectivity ---


@dataclass(frozen=True)
class Compressibility:
    """How few directions hold the variance of the responses.

    Attributes:
        components_95, components_80: least number of principal components with 95 % and 80 % of the variance; 0 without variance.
        compressible: 1 − components_95 / units, the share of components that may go.
        variances: array (min(samples, units),), descending; those of the components, with 1/(samples − 1).
        units: number of units.
    """

    components_95: int
    components_80: int
    compressible: float
    variances: np.ndarray
    units: int


def compressibility(activations: np.ndarray) -> Compressibility:
    """Number of principal components for 95 % and 80 % of the variance: min{k: Σ_{i≤k} λ_i ≥ 0.95 Σ λ_i}.

    Args:
        activations: array (samples, units), at least two samples. There are at most samples − 1 components: with fewer
            samples than units the numbers say more about the samples.

    Returns:
        A `Compressibility`.

    Raises:
        ValueError: not a real, finite matrix, or too few samples.

    Example:
        >>> found = compressibility(
        ...     np.array([[3.0, 0.0], [-3.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
        ... )  # variances 6 and 2/3: 90 %
        >>> found.components_95, found.components_80, found.compressible
        (2, 1, 0.0)

    Reference:
        Casper et al. 2021, Frivolous units: wider networks are not really that wide, arXiv:1912.04783.
    """
    centred = _centred(_checked(activations, "activations", 2))
    samples, units = centred.shape
    gram = centred @ centred.T if samples < units else centred.T @ centred
    variances = eigvalsh(gram)[::-1] / (samples - 1)
    reached = np.cumsum(variances)
    many, few = (_components(reached, share) for share in (0.95, 0.8))
    return Compressibility(many, few, 1 - many / units, variances, units)


def _components(reached: np.ndarray, share: float) -> int:
    if reached[-1] == 0:
        return 0
    return int(np.searchsorted(reached, share * reached[-1] * (1 - _ROUNDING))) + 1


def selectivity(activations: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Class selectivity of each unit: (μ_c − μ_¬c) / (μ_c + μ_¬c), c the class with the greatest mean response.

    μ_¬c is the mean over all samples of other classes. 0: all classes alike; 1: silent for all but one.

    Args:
        activations: array (samples, units), not negative: responses after a ReLU.
        labels: array (samples,) of at least two classes.

    Returns:
        Array (units,) of numbers in [0, 1]; NaN for a unit that never responds, and for one with a negative response, for which
        the quotient means nothing.

    Raises:
        ValueError: not a real, finite matrix, or labels that do not fit.

    Example:
        >>> selectivity(np.array([[3.0, 1.0, 0.0], [1.0, 1.0, 0.0]]), np.array([0, 1]))
        array([0.5, 0. , nan])

    Reference:
        Morcos et al. 2018, On the importance of single directions for generalization, arXiv:1803.06959.
    """
    array = _checked(activations, "activations", 2).astype(np.float64)
    classes, sizes, sums = _sums(_checked_labels(labels, len(array)), array)
    if len(classes) < 2:
        raise ValueError(f"`labels` must hold at least two classes. Received: {classes}")
    sizes = sizes[:, None]
    means, others = sums / sizes, (sums.sum(axis=0) - sums) / (len(array) - sizes)
    best, units = means.argmax(axis=0), np.arange(array.shape[1])
    own, rest = means[best, units], others[best, units]
    defined = (array >= 0).all(axis=0) & (own > 0)
    return np.divide(own - rest, own + rest, out=np.full(len(units), np.nan), where=defined)


# --- similarity of two layers ---


def cka(x: np.ndarray, y: np.ndarray, debiased: bool = True) -> float:
    """Linear centred kernel alignment: HSIC(K, L) / √(HSIC(K, K) HSIC(L, L)), K = XXᵀ, L = YYᵀ.

    Biased: HSIC = ‖YᵀX‖²_F of centred features, which independent features raise to (d/n)/(1 + d/n): 0.11 for 64 units and 500
    samples. Debiased: with k, l the diagonals of the centred K and L, HSIC ∝ ‖YᵀX‖²_F − n/(n−2) k·l + Σk Σl / ((n−1)(n−2)), the
    unbiased estimate; 0 on average for independent features. Both are the same whether units are rotated or scaled all alike.

    Args:
        x: array (samples, units of x).
        y: array (samples, units of y), responses to the same samples.
        debiased: whether HSIC is estimated without bias; it needs four samples, the biased one two.

    Returns:
        A number: in [0, 1] biased, in [−1, 1] debiased; 1 for equal responses.

    Raises:
        ValueError: not real, finite matrices with as many rows, too few samples, responses that do not vary, or (debiased)
            samples that are all equally far from each other: there is nothing to align with.

    Example:
        >>> x = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
        >>> round(cka(x, 3 * x[:, ::-1]), 9)
        1.0
        >>> round(cka(x, x[:, :1], debiased=False) ** 2, 9)  # ‖YᵀX‖² = 4, ‖XᵀX‖ = √8, ‖YᵀY‖ = 2
        0.5

    Reference:
        Kornblith et al. 2019, Similarity of neural network representations revisited, arXiv:1905.00414; Song et al. 2012, Feature
        selection via dependence maximization, JMLR 13; Nguyen, Raghu & Kornblith 2021, arXiv:2010.15327.
    """
    x, y = _checked_responses(x, "x", debiased), _checked_responses(y, "y", debiased)
    if len(x) != len(y):
        raise ValueError(f"`x` and `y` must have the same samples. Received: {len(x)} and {len(y)} rows")
    hsic = _debiased_hsic if debiased else _squared_product
    return float(hsic(x, y) / np.sqrt(hsic(x, x) * hsic(y, y)))


def _checked_responses(activations: np.ndarray, name: str, debiased: bool) -> np.ndarray:
    """Centred, and scaled to a greatest entry of 1, which no CKA sees and no square overflows at."""
    centred = _centred(_checked(activations, name, 4 if debiased else 2))
    greatest = np.abs(centred).max()
    if greatest == 0:
        raise ValueError(f"`{name}` must vary over samples. Received: {centred.shape[1]} constant units")
    scaled = centred / greatest
    if debiased and _debiased_hsic(scaled, scaled) <= _ROUNDING * _squared_product(scaled, scaled):
        raise ValueError(
            f"`{name}` must not place all samples equally far from each other. Received: {len(scaled)} samples that do so"
        )
    return scaled


def _squared_product(x: np.ndarray, y: np.ndarray) -> float:
    """‖YᵀX‖²_F = tr(XXᵀYYᵀ), from whichever of the two takes less memory."""
    if x.shape[1] * y.shape[1] <= len(x) ** 2:
        return float(np.square(x.T @ y).sum())
    return float(np.vdot(x @ x.T, y @ y.T))


def _debiased_hsic(x: np.ndarray, y: np.ndarray) -> float:
    """n(n−3) times Song's HSIC₁. Its K̃ is K without diagonal k; where X is centred K1 = 0, so K̃1 = −k."""
    n, of_x, of_y = len(x), np.square(x).sum(axis=1), np.square(y).sum(axis=1)  # the two diagonals
    return _squared_product(x, y) - n / (n - 2) * (of_x @ of_y) + of_x.sum() * of_y.sum() / ((n - 1) * (n - 2))


# --- random chunks ---


@dataclass(frozen=True)
class Chunks:
    """What random chunks of a layer tell about all of it.

    Attributes:
        r2: array (draws,), share of the layer's variance that a linear map of the chunk gives.
        residual_correlation: array (draws,), mean |correlation| of what is left, over all pairs of units.
        accuracy: array (draws,), of the layer's classifier on the chunk alone; None without a classifier.
        size: units of a chunk.
    """

    r2: np.ndarray
    residual_correlation: np.ndarray
    accuracy: np.ndarray | None
    size: int


def chunk_read_out(
    activations: np.ndarray,
    size: int,
    rng: np.random.Generator,
    draws: int = 40,
    classifier: np.ndarray | None = None,
    bias: np.ndarray | None = None,
    labels: np.ndarray | None = None,
) -> Chunks:
    """How much of a layer random chunks of w units hold: ridge regression (λ = 1e-8) chunk → layer, and the chunk's own accuracy.

        R² = 1 − Σ residual² / Σ (a − mean a)²        C_ij = cov_ij / (√(cov_ii cov_jj) + 1e-8) of the residuals

    A layer is redundant if R² ≈ 1 and the residuals are uncorrelated, so that the chunk lacks nothing but noise; the accuracy's
    deficit then falls like 1/√w. The chunk's own units have no residual: their pairs count as 0 in the mean |C_ij|.

    Args:
        activations: array (samples, units), at least three samples and two units; more samples than w, or R² is 1 by itself.
        size: w, units of a chunk, in [1, units].
        rng: draws the chunks.
        draws: number of chunks.
        classifier: array (classes, units), weights of the linear classifier that reads the layer.
        bias: array (classes,) of it, 0 if None.
        labels: array (samples,) of int, true classes; goes with `classifier`.

    Returns:
        A `Chunks`.

    Raises:
        ValueError: not a real, finite matrix, responses that do not vary, a size out of range, or a classifier that does not fit.

    Example:
        >>> wave = np.arange(8.0)[:, None]
        >>> found = chunk_read_out(
        ...     wave * [1.0, -2.0], 1, np.random.default_rng(0), draws=2
        ... )  # each unit tells the other
        >>> found.r2.round(6), found.accuracy
        (array([1., 1.]), None)

    Reference:
        Doimo et al. 2022, Redundant representations help generalization in wide neural networks, arXiv:2106.03485.
    """
    array = _checked(activations, "activations", 3).astype(np.float64)
    centred = _centred(array)
    _check_chunks(centred, size, draws)
    read = _reader(array, classifier, bias, labels)
    chunks = [rng.choice(array.shape[1], size, replace=False) for _ in range(draws)]
    residuals = (_ridge_residual(centred, chunk) for chunk in chunks)
    total = np.square(centred).sum()
    found = np.array([(1 - np.square(left).sum() / total, _mean_correlation(left)) for left in residuals])
    accuracy = None if read is None else np.array([read(chunk) for chunk in chunks])
    return Chunks(found[:, 0], found[:, 1], accuracy, size)


def _ridge_residual(centred: np.ndarray, chunk: np.ndarray, penalty: float = 1e-8) -> np.ndarray:
    """What ridge regression of all units on the chunk leaves; by SVD, which does not mind units that repeat each other."""
    left, values, _ = np.linalg.svd(centred[:, chunk], full_matrices=False)
    shrunk = values**2 / (values**2 + penalty)
    return centred - left @ (shrunk[:, None] * (left.T @ centred))


def _mean_correlation(residual: np.ndarray) -> float:
    covariance = residual.T @ residual / (len(residual) - 1)
    spread = np.sqrt(np.diag(covariance))
    correlation = np.abs(covariance) / (np.outer(spread, spread) + 1e-8)
    units = len(spread)
    return float((correlation.sum() - np.trace(correlation)) / (units * (units - 1)))


def _reader(
    array: np.ndarray, classifier: np.ndarray | None, bias: np.ndarray | None, labels: np.ndarray | None
) -> Callable[[np.ndarray], float] | None:
    """Chunk → accuracy of the classifier that sees only the chunk; None without a classifier."""
    if classifier is None and bias is None and labels is None:
        return None
    if classifier is None or labels is None:
        raise ValueError("`classifier` and `labels` go together. Received: only one of them, or a bias alone")
    weights, true = _checked(classifier, "classifier", 1).astype(np.float64), _checked_labels(labels, len(array))
    if weights.shape[1] != array.shape[1]:
        raise ValueError(f"`classifier` must be (classes, {array.shape[1]}). Received: shape {weights.shape}")
    offset = np.zeros(len(weights)) if bias is None else np.asarray(bias, np.float64)
    if offset.shape != (len(weights),):
        raise ValueError(f"`bias` must be ({len(weights)},). Received: shape {offset.shape}")
    return lambda chunk: ((array[:, chunk] @ weights[:, chunk].T + offset).argmax(axis=1) == true).mean()


def _check_chunks(centred: np.ndarray, size: int, draws: int) -> None:
    units = centred.shape[1]
    if units < 2:
        raise ValueError(f"`activations` must have at least two units. Received: {units}")
    if not 1 <= size <= units:
        raise ValueError(f"`size` must lie in [1, {units}]. Received: size={size!r}")
    if draws < 1:
        raise ValueError(f"`draws` must be at least 1. Received: draws={draws!r}")
    if not centred.any():
        raise ValueError(f"`activations` must vary over samples. Received: {units} constant units")


# --- matching to a teacher ---


@dataclass(frozen=True)
class Matching:
    """For each teacher unit the student unit that is most like it.

    Attributes:
        teacher: array (t,) of int, the teacher's varying units; the other arrays are in this order.
        best: array (t,) of int, the student unit with the greatest r.
        correlation: array (t,), its r.
        mean: mean of the correlations.
        initial_rank: array (t,), how many student units were more like the teacher unit before training than `best` was: 0 if the
            winner led from the start; NaN if it was constant then; None without initial activations.
        constant_teacher, constant_student: numbers of constant units, left out.
    """

    teacher: np.ndarray
    best: np.ndarray
    correlation: np.ndarray
    mean: float
    initial_rank: np.ndarray | None
    constant_teacher: int
    constant_student: int


def match(teacher: np.ndarray, student: np.ndarray, initial: np.ndarray | None = None) -> Matching:
    """Best student unit for each teacher unit, by signed correlation: best_t = argmax_s r_ts.

    Student units may serve several teacher units.

    Args:
        teacher: array (samples, units of the teacher), at least three samples.
        student: array (samples, units of the student), responses to the same samples.
        initial: array of the shape of `student`, its responses before training.

    Returns:
        A `Matching`.

    Raises:
        ValueError: not real, finite matrices with as many rows, too few samples, or no unit that varies in one of them.

    Example:
        >>> teacher = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
        >>> found = match(teacher, np.array([[0.0, 5.0, 1.0], [2.0, 0.0, 1.0], [0.0, 0.0, 1.0]]))
        >>> found.best, found.correlation.round(9), found.constant_student
        (array([1, 0]), array([1., 1.]), 1)

    Reference:
        Tian, Jiang, Gong & Morcos 2019, Luck matters: understanding training dynamics of deep ReLU networks, arXiv:1905.13405.
    """
    theirs, ours = _checked(teacher, "teacher", 3), _checked(student, "student", 3)
    if len(theirs) != len(ours):
        raise ValueError(f"`teacher` and `student` must have the same samples. Received: {len(theirs)} and {len(ours)}")
    targets = np.flatnonzero(_varies(theirs))
    if not targets.size or not _varies(ours).any():
        raise ValueError("`teacher` and `student` must each have a unit that varies. Received: constant units only")
    goal = _standardised(theirs[:, targets])
    likeness = _likeness(goal, ours)
    best = np.nanargmax(likeness, axis=1)
    correlation = likeness[np.arange(len(best)), best]
    rank = None if initial is None else _initial_rank(goal, _checked_initial(initial, ours), best)
    return Matching(
        teacher=targets,
        best=best,
        correlation=correlation,
        mean=float(correlation.mean()),
        initial_rank=rank,
        constant_teacher=theirs.shape[1] - targets.size,
        constant_student=int((~_varies(ours)).sum()),
    )


def _likeness(goal: np.ndarray, student: np.ndarray) -> np.ndarray:
    """Correlations (teacher units, student units), NaN for constant student units."""
    varies = _varies(student)
    likeness = np.full((goal.shape[1], student.shape[1]), np.nan)
    likeness[:, varies] = goal.T @ _standardised(student[:, varies])
    return likeness


def _initial_rank(goal: np.ndarray, initial: np.ndarray, best: np.ndarray) -> np.ndarray:
    likeness = _likeness(goal, initial)
    own = likeness[np.arange(len(best)), best]
    return np.where(np.isnan(own), np.nan, (likeness > own[:, None]).sum(axis=1))


def _checked_initial(initial: np.ndarray, student: np.ndarray) -> np.ndarray:
    if np.shape(initial) != student.shape:
        raise ValueError(f"`initial` must have the shape of `student`, {student.shape}. Received: {np.shape(initial)}")
    return _checked(initial, "initial", 3)


# --- groups of twins ---


@dataclass(frozen=True)
class Merged:
    """Groups of units that respond alike, each as one unit.

    Attributes:
        groups: array (g,), the groups' numbers.
        sizes: array (g,) of int, units in each.
        outgoing: array (g, outputs), Σ of their outgoing weights: those of the one unit that replaces them.
        left: array (g,), ‖Σ a_i‖ / Σ‖a_i‖: 1 if all pull the same way, 0 if they cancel; NaN if all a_i are 0.
        zero: bool array (g,), zero-type groups: left ≤ tolerance, or all a_i are 0.
    """

    groups: np.ndarray
    sizes: np.ndarray
    outgoing: np.ndarray
    left: np.ndarray
    zero: np.ndarray


def merge(groups: np.ndarray, outgoing: np.ndarray, tolerance: float = 0.05) -> Merged:
    """Outgoing weights of each group of equal units, A_g = Σ_{i∈g} a_i: a group whose A_g is about 0 does nothing and may go.

    Args:
        groups: array (units,), equal for units that respond alike, for example `geometry.duplicates(units, signed=True).groups`.
        outgoing: array (units, outputs), a_i; of ReLU units that agree in direction, times the norm of their incoming weights.
        tolerance: share of Σ‖a_i‖ up to which A_g counts as zero, in [0, 1].

    Returns:
        A `Merged`.

    Raises:
        ValueError: outgoing weights that are not real and finite or not of as many units, or a tolerance outside [0, 1].

    Example:
        >>> found = merge(np.array([0, 1, 0]), np.array([[3.0], [1.0], [-3.0]]))
        >>> found.outgoing.ravel(), found.sizes, found.zero
        (array([0., 1.]), array([2, 1]), array([ True, False]))

    Reference:
        Şimşek et al. 2021, Geometry of the loss landscape in overparameterized neural networks, arXiv:2105.12221; Martinelli et
        al. 2023, Expand-and-cluster, arXiv:2304.12794.
    """
    array = _checked(outgoing, "outgoing", 1).astype(np.float64)
    if not 0 <= tolerance <= 1:
        raise ValueError(f"`tolerance` must lie in [0, 1]. Received: tolerance={tolerance!r}")
    numbers = _checked_labels(groups, len(array), "groups")
    names, sizes, sums = _sums(numbers, array)
    lengths = _sums(numbers, np.linalg.norm(array, axis=1))[2]
    left = np.divide(np.linalg.norm(sums, axis=1), lengths, out=np.full(len(names), np.nan), where=lengths > 0)
    return Merged(names, sizes, sums, left, ~(left > tolerance))


# --- helpers ---


def _sums(numbers: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The different numbers, how many rows bear each, and the sums of these rows."""
    names, places, sizes = np.unique(numbers, return_inverse=True, return_counts=True)
    members = csr_array((np.ones(len(places)), (places, np.arange(len(places)))))
    return names, sizes, members @ rows


def _varies(array: np.ndarray) -> np.ndarray:
    return array.max(axis=0) > array.min(axis=0)


def _centred(array: np.ndarray) -> np.ndarray:
    """Columns in float64 minus their means; minus the first row before, so that constant ones become exactly 0."""
    wide = array.astype(np.float64)
    wide -= wide[0].copy()
    return wide - wide.mean(axis=0)


def _standardised(array: np.ndarray) -> np.ndarray:
    """Varying columns, centred, of Euclidean norm 1: products of two are correlations."""
    centred = _centred(array)
    centred /= np.abs(centred).max(axis=0)  # squares of tiny responses would vanish
    return centred / np.linalg.norm(centred, axis=0)


def _checked(activations: np.ndarray, name: str, least: int) -> np.ndarray:
    array = np.asarray(activations)
    if array.ndim != 2 or 0 in array.shape or len(array) < least:
        raise ValueError(
            f"`{name}` must be a matrix of at least {least} rows, not empty. Received: shape {array.shape}"
        )
    if not np.can_cast(array.dtype, np.float64, "same_kind"):
        raise ValueError(f"`{name}` must hold real numbers. Received: dtype {array.dtype}")
    bad = int((~np.isfinite(array)).sum())
    if bad:
        raise ValueError(f"`{name}` must be finite. Received: {bad} of {array.size} entries NaN or infinite")
    return array


def _checked_labels(labels: np.ndarray, samples: int, name: str = "labels") -> np.ndarray:
    array = np.asarray(labels)
    if array.shape != (samples,) or array.dtype.kind not in "iu":
        raise ValueError(
            f"`{name}` must be integers of shape ({samples},). Received: {array.dtype} of shape {array.shape}"
        )
    return array
