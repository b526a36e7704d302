"""Where the units of a layer point: pairwise angles, clusters of directions, frame potential, coherence, twins.

units: array (n_units, fan_in), rows are units; any real dtype, computed in float64. Angles are in degrees, 0–180, and signed
       directions: a ReLU tells v from −v, so opposite units are 180° apart.
n, d:  the number of units that have a direction, and fan_in.

A dead unit, a row of norm 0, has no direction: wherever a value belongs to a unit or to a pair of units it is NaN there, and
counts, means and bounds are over the n units that are alive. Work on pairs goes block by block (at most 2 · 64 MB of rows and
2²⁰ pairs at a time), so that only `angles` and `count_clusters` hold n² numbers.

Each statistic has a null, uniform directions on the sphere; where the trained weights are to be compared with the initial ones,
pass these to the same function. Definitions: docs/definitions.md.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import stats
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.special import betainc, betaln, xlogy
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import ThreadpoolController

GRID = np.linspace(0.0, 180.0, 181)  # edges of the bins in which angles are counted, degrees
MOST_LINKED_UNITS = 5000  # complete linkage holds 2 · n²/2 float64: 200 MB
_BLOCK_NUMBERS, _BLOCK_ROWS = 2**23, 2**10


# --- directions of the uniform sphere ---


def angle_pdf(theta: np.ndarray, d: int) -> np.ndarray:
    """Density, per degree, of the angle between uniform directions: sin^(d−2) θ / B((d−1)/2, 1/2) · π/180.

    Args:
        theta: array of angles in degrees, any shape.
        d: dimension, at least 2.

    Returns:
        Array of the shape of `theta`.

    Raises:
        ValueError: angles outside [0, 180] or d < 2 (on a line there are only 0° and 180°).

    Example:
        >>> (angle_pdf(np.array([0.0, 90.0]), 2) * 180).round(9)  # flat on the circle
        array([1., 1.])
        >>> (angle_pdf(np.array([0.0, 90.0]), 3) * 180 / np.pi).round(9)  # sin θ / 2 per radian on the sphere
        array([0. , 0.5])

    Reference:
        Cai, Fan & Jiang 2013, Distributions of angles in random packing on spheres, JMLR 14.
    """
    radians = _checked_angles(theta, d)
    return np.exp(xlogy(d - 2, np.sin(radians)) - betaln((d - 1) / 2, 0.5)) * np.pi / 180


def angle_cdf(theta: np.ndarray, d: int) -> np.ndarray:
    """Probability that two uniform directions are at most θ apart: I_{sin²(θ/2)}((d−1)/2, (d−1)/2).

    The mean is 90°, the standard deviation about 1/√(d−2) rad.

    Args:
        theta: array of angles in degrees, any shape.
        d: dimension, at least 2.

    Returns:
        Array of the shape of `theta`.

    Raises:
        ValueError: as `angle_pdf`.

    Example:
        >>> angle_cdf(np.array([0.0, 45.0, 180.0]), 2)
        array([0.  , 0.25, 1.  ])

    Reference:
        Cai, Fan & Jiang 2013, Distributions of angles in random packing on spheres, JMLR 14.
    """
    return betainc((d - 1) / 2, (d - 1) / 2, np.sin(_checked_angles(theta, d) / 2) ** 2)


def cosine_cdf(cosine: np.ndarray, d: int) -> np.ndarray:
    """Distribution of the cosine of uniform directions: (cos θ + 1)/2 ~ Beta((d−1)/2, (d−1)/2).

    Args:
        cosine: array of numbers in [−1, 1].
        d: dimension, at least 2.

    Returns:
        Array of the shape of `cosine`: the probability of a cosine at most so large.

    Raises:
        ValueError: cosines outside [−1, 1], or d < 2.

    Example:
        >>> cosine_cdf(np.array([-1.0, 0.0, 0.5, 1.0]), 3)  # uniform on [−1, 1]: Archimedes' hat-box
        array([0.  , 0.5 , 0.75, 1.  ])

    Reference:
        Cai, Fan & Jiang 2013, Distributions of angles in random packing on spheres, JMLR 14.
    """
    cosine = np.asarray(cosine, np.float64)
    _check_dimension(d)
    if not (np.abs(cosine) <= 1).all():
        raise ValueError(f"`cosine` must lie in [-1, 1]. Received: {cosine}")
    return betainc((d - 1) / 2, (d - 1) / 2, (1 + cosine) / 2)


# --- pairs of units ---


def angles(units: np.ndarray) -> np.ndarray:
    """Angles between each two units: θ_ij = arccos(⟨w_i, w_j⟩ / ‖w_i‖‖w_j‖).

    Args:
        units: array (n_units, fan_in).

    Returns:
        Array (n_units(n_units−1)/2,), degrees, ordered (0,1), (0,2), …, (1,2), … as SciPy's condensed distances; NaN where
        a unit is dead. For many units `pairs` counts them on a grid instead.

    Raises:
        ValueError: not a real, finite matrix with at least one row and one column.

    Example:
        >>> angles(np.array([[1.0, 0.0], [0.0, 2.0], [-3.0, 0.0]])).round(9)
        array([ 90., 180.,  90.])

    Reference:
        Brutzkus & Globerson 2019, Why do larger models generalize better?, arXiv:1810.03037.
    """
    array, norms = _checked(units)
    n = len(norms)
    condensed = np.full(n * (n - 1) // 2, np.nan)
    for first, second, cosines in _pair_cosines(array, norms):
        condensed[first * n - first * (first + 1) // 2 + second - first - 1] = np.degrees(np.arccos(cosines))
    return condensed


@dataclass(frozen=True)
class Duplicates:
    """Units that nearly repeat another one.

    Attributes:
        repeated: fraction of the living units that have a twin, another unit with (absolute) cosine ≥ `threshold`.
        pairs: number of pairs of twins.
        null_pairs: number expected among as many uniform directions: n(n−1)/2 · P(cosine ≥ threshold).
        groups: array (n_units,) of int; units linked by a chain of twins share a number, each other unit has its own.
        twin: bool array (n_units,), whether the unit has a twin.
        threshold: the least cosine of twins.
        signed: whether opposite units do not count as twins.
    """

    repeated: float
    pairs: int
    null_pairs: float
    groups: np.ndarray
    twin: np.ndarray
    threshold: float
    signed: bool


@dataclass(frozen=True)
class FramePotential:
    """Frame potential beside its bound and its null.

    Attributes:
        value: Σ_ij ⟨φ_i, φ_j⟩².
        bound: the least value that vectors of these norms can have in this dimension.
        null_mean, null_sd: mean and standard deviation for uniform directions of these norms; exact.
        z: (value − null_mean) / null_sd; NaN where the null has no spread (one unit, or fan_in 1). Far from normal for few units.
        excess: (value − bound) / (greatest − bound), in [0, 1] up to rounding; 0 for a tight frame or orthogonal units, 1 for
            parallel ones; NaN where bound and greatest agree.
        n: number of units that are alive.
        d: fan_in.
    """

    value: float
    bound: float
    null_mean: float
    null_sd: float
    z: float
    excess: float
    n: int
    d: int


@dataclass(frozen=True)
class Pairs:
    """All that one pass over the pairs of units gives.

    Attributes:
        counts: array (180,) of int; pairs whose angle lies in each degree of `GRID`, 180° itself in the last.
        mean: mean angle, degrees; NaN for fewer than two living units.
        coherence: greatest |cosine|; NaN for fewer than two living units.
        frame: `FramePotential` of the directions.
        duplicates: `Duplicates`.
        alive: bool array (n_units,).
    """

    counts: np.ndarray
    mean: float
    coherence: float
    frame: FramePotential
    duplicates: Duplicates
    alive: np.ndarray


def pairs(units: np.ndarray, threshold: float = 0.95, signed: bool = False) -> Pairs:
    """Angle counts, coherence, frame potential and twins in one pass over the n(n−1)/2 pairs.

    Args:
        units: array (n_units, fan_in).
        threshold: least (absolute) cosine of twins, in (0, 1].
        signed: whether twins must point the same way; otherwise v and −v are twins too.

    Returns:
        A `Pairs`. The reference density of its counts is `angle_pdf`.

    Raises:
        ValueError: not a real, finite matrix with a non-zero row, or a threshold outside (0, 1].

    Example:
        >>> found = pairs(np.array([[1.0, 0.0], [0.0, 2.0], [-3.0, 0.0]]))
        >>> found.counts[[90, 179]], round(found.mean), found.duplicates.repeated
        (array([2, 1]), 120, 0.6666666666666666)

    Reference:
        Brutzkus & Globerson 2019, Why do larger models generalize better?, arXiv:1810.03037.
    """
    array, norms = _checked_alive(units)
    if not 0 < threshold <= 1:
        raise ValueError(f"`threshold` must lie in (0, 1]. Received: threshold={threshold!r}")
    alive, n_units, d = norms > 0, *array.shape
    counts, groups = np.zeros(len(GRID) - 1, int), np.arange(n_units)
    degrees, squares, largest, twins = 0.0, 0.0, 0.0, 0
    for first, second, cosines in _pair_cosines(array, norms):
        theta, likeness = np.degrees(np.arccos(cosines)), np.abs(cosines)
        counts += np.bincount(np.minimum(theta.astype(int), len(counts) - 1), minlength=len(counts))
        degrees += float(theta.sum())
        squares += float(np.vdot(cosines, cosines))
        largest = max(largest, float(likeness.max()))
        hits = (cosines if signed else likeness) >= threshold - 1e-12  # equal units may miss 1 by rounding
        twins += int(hits.sum())
        groups = _merged(groups, first[hits], second[hits])
    n, number = int(alive.sum()), int(counts.sum())
    return Pairs(
        counts=counts,
        mean=_ratio(degrees, number),
        coherence=largest if number else np.nan,
        frame=_frame(n + 2 * squares, np.ones(n), d),
        duplicates=_duplicates(groups, alive, d, twins, threshold, signed),
        alive=alive,
    )


def duplicates(units: np.ndarray, threshold: float = 0.95, signed: bool = False) -> Duplicates:
    """Twins, pairs of units with |cos θ| ≥ threshold, and the groups that they chain together.

    Args:
        units: array (n_units, fan_in).
        threshold: least (absolute) cosine of twins, in (0, 1].
        signed: whether twins must point the same way; otherwise v and −v are twins too.

    Returns:
        A `Duplicates`.

    Raises:
        ValueError: as `pairs`.

    Example:
        >>> found = duplicates(np.array([[1.0, 0.0], [0.0, 2.0], [-3.0, 0.0]]))
        >>> found.pairs, found.groups, found.twin
        (1, array([0, 1, 0]), array([ True, False,  True]))

    Reference:
        Martinelli et al. 2023, Expand-and-cluster, arXiv:2304.12794.
    """
    return pairs(units, threshold, signed).duplicates


def coherence(units: np.ndarray) -> float:
    """Greatest likeness of two units: μ = max_{i≠j} |cos θ_ij| ≥ `welch_bound(n, d)`.

    Args:
        units: array (n_units, fan_in).

    Returns:
        A number in [0, 1].

    Raises:
        ValueError: not a real, finite matrix, or fewer than two non-zero rows.

    Example:
        >>> round(coherence(np.array([[2.0, 0.0], [1.0, 1.0]])) ** 2, 9)
        0.5

    Reference:
        Welch 1974, Lower bounds on the maximum cross correlation of signals, IEEE Trans. Inf. Theory 20.
    """
    array, norms = _checked_alive(units)
    if (norms > 0).sum() < 2:
        raise ValueError(f"`units` must have at least two non-zero rows. Received: {int((norms > 0).sum())}")
    return max(float(np.abs(cosines).max()) for _, _, cosines in _pair_cosines(array, norms))


def welch_bound(n: int, d: int) -> float:
    """Least coherence that n directions in R^d can have: √((n−d) / (d(n−1))), and 0 where n ≤ d fit at right angles.

    Args:
        n: number of directions, at least 2.
        d: dimension, at least 1.

    Returns:
        A number in [0, 1]; reached by equiangular tight frames, which need n ≤ d(d+1)/2.

    Raises:
        ValueError: n < 2 or d < 1.

    Example:
        >>> welch_bound(3, 2), welch_bound(2, 2)  # three directions at 120°, two at 90°
        (0.5, 0.0)

    Reference:
        Welch 1974, Lower bounds on the maximum cross correlation of signals, IEEE Trans. Inf. Theory 20.
    """
    if n < 2 or d < 1:
        raise ValueError(f"`n` must be at least 2 and `d` at least 1. Received: n={n!r}, d={d!r}")
    return float(np.sqrt((n - d) / (d * (n - 1)))) if n > d else 0.0


# --- frame potential ---


def frame_potential(units: np.ndarray, normalise: bool = True) -> float:
    """Frame potential: FP = Σ_ij ⟨φ_i, φ_j⟩² = ‖ΦᵀΦ‖²_F, at least n²/d for n ≥ d unit vectors and n for n ≤ d.

    Blind to repeated orthonormal bases, which are tight frames: read it together with the coherence.

    Args:
        units: array (n_units, fan_in).
        normalise: whether φ is the direction of a unit, or the unit itself.

    Returns:
        A number, from the smaller of the two Gram matrices: of inputs for n > d, else of units, block by block.

    Raises:
        ValueError: not a real, finite matrix with a non-zero row.

    Example:
        >>> frame_potential(
        ...     np.array([[1.0, 0.0], [0.0, 2.0], [0.0, -3.0]])
        ... )  # 1² for each, 1² for each way of the parallel pair
        5.0

    Reference:
        Benedetto & Fickus 2003, Finite normalized tight frames, Adv. Comput. Math. 18.
    """
    array, norms = _checked_alive(units)
    squares = (norms > 0).astype(np.float64) if normalise else np.square(norms)  # ‖φ‖²
    if len(array) > array.shape[1]:
        gram = _input_gram(array, norms, squares)
        return float(np.vdot(gram, gram))
    couples = (np.square(cosines) @ (squares[i] * squares[j]) for i, j, cosines in _pair_cosines(array, norms))
    return float(squares @ squares + 2 * sum(couples))


def frame_bound(norms: np.ndarray, d: int) -> float:
    """Least frame potential of vectors with given norms in R^d: Σ_{i≤k} a_i⁴ + (Σ_{i>k} a_i²)² / (d−k), a descending.

    The k longest vectors, each a_i² above the mean (Σ_{j≥i} a_j²)/(d−i+1) that it would have to share, stand alone at
    right angles to all; the others form a tight frame of the rest of the space. For n unit vectors: n²/d or, if n ≤ d, n.

    Args:
        norms: array (n,), a.
        d: dimension.

    Returns:
        A number; it is reached.

    Example:
        >>> frame_bound(np.ones(4), 2), frame_bound(np.ones(2), 3), frame_bound(np.array([3.0, 1.0, 1.0]), 2)
        (8.0, 2.0, 85.0)

    Reference:
        Casazza, Fickus, Kovačević, Leon & Tremain 2006, A physical interpretation of tight frames.
    """
    squares = np.sort(np.square(norms))[::-1]
    tails = np.cumsum(squares[::-1])[::-1]
    lead = min(len(squares), d)
    shared = tails[:lead] / (d - np.arange(lead))
    spread = np.flatnonzero(squares[:lead] <= shared)
    alone = int(spread[0]) if spread.size else lead
    rest = tails[alone] * shared[alone] if alone < lead else 0.0
    return float(np.square(squares[:alone]).sum() + rest)


def frame(units: np.ndarray, normalise: bool = True) -> FramePotential:
    """Frame potential with its bound, the mean and variance of its null, its z-score and its excess over the bound.

    For n uniform directions E = n + n(n−1)/d and Var = 4n(n−1)(d−1) / (d²(d+2)), because pairs are pairwise independent. With
    norms a: E = Σa⁴ + ((Σa²)² − Σa⁴)/d and Var = 4(d−1)/(d²(d+2)) · ((Σa⁴)² − Σa⁸).

    Args:
        units: array (n_units, fan_in).
        normalise: whether φ is the direction of a unit, or the unit itself.

    Returns:
        A `FramePotential`.

    Raises:
        ValueError: not a real, finite matrix with a non-zero row.

    Example:
        >>> tight = frame(np.vstack([np.eye(2), np.eye(2)]))
        >>> tight.value, tight.bound, tight.null_mean, tight.excess
        (8.0, 8.0, 10.0, 0.0)

    Reference:
        Benedetto & Fickus 2003, Finite normalized tight frames, Adv. Comput. Math. 18.
    """
    array, norms = _checked_alive(units)
    alive = norms[norms > 0]
    return _frame(frame_potential(array, normalise), np.ones_like(alive) if normalise else alive, array.shape[1])


# --- clusters of directions ---


@dataclass(frozen=True)
class Clusters:
    """Directions that units gather around.

    Attributes:
        centres: array (k, fan_in) of unit vectors.
        labels: array (n_units,) of int; the nearest centre by angle, and k, which is no centre's number, for a dead unit.
        angles: array (n_units,), degrees to that centre; NaN for a dead unit.
        alive: bool array (n_units,), whether the unit has a direction.
    """

    centres: np.ndarray
    labels: np.ndarray
    angles: np.ndarray
    alive: np.ndarray


def cluster(units: np.ndarray, k: int, seed: int, weights: np.ndarray | None = None, n_init: int = 10) -> Clusters:
    """Gather the directions of units around k centres: max Σ_u ω_u cos θ(w_u, centre of u), spherical k-means.

    scikit-learn's `KMeans` on the normalised rows; its centres are then projected to the sphere and each unit goes to the
    nearest by angle. (Where two centres differ in length that may move a unit near the border from where `KMeans` had it.)

    Args:
        units: array (n_units, fan_in).
        k: number of clusters, from 1 to the number of different directions.
        seed: of `KMeans`.
        weights: array (n_units,), ω ≥ 0, such as the norms; all alike by default.
        n_init: number of starts, of which the best is taken.

    Returns:
        A `Clusters`, a function of the seed alone: `KMeans` runs on one thread.

    Raises:
        ValueError: not a real, finite matrix with a non-zero row, fewer than k directions, or a cluster around the origin.

    Example:
        >>> found = cluster(np.array([[1.0, 0.0], [5.0, 0.0], [0.0, 2.0], [0.0, 0.0]]), k=2, seed=0)
        >>> bool(found.labels[0] == found.labels[1]), found.labels[3], found.angles.round(6)
        (True, np.int64(2), array([ 0.,  0.,  0., nan]))

    Reference:
        Dhillon & Modha 2001, Concept decompositions for large sparse text data, Machine Learning 42; for filters:
        Brutzkus & Globerson 2019, arXiv:1810.03037.
    """
    array, norms = _checked_alive(units)
    alive = norms > 0
    centres = _centres(_directions(array, norms), k, seed, _checked_weights(weights, alive), n_init)
    labels, theta = np.full(len(norms), k), np.full(len(norms), np.nan)
    for rows in _row_blocks(np.flatnonzero(alive), array.shape[1]):
        cosines = _cosines(_unit_rows(array, norms, rows), centres)
        labels[rows], theta[rows] = cosines.argmax(axis=1), np.degrees(np.arccos(cosines.max(axis=1)))
    return Clusters(centres, labels, theta, alive)


def angle_null(
    n: int, d: int, k: int, seed: int, draws: int, weights: np.ndarray | None = None, n_init: int = 10
) -> np.ndarray:
    """Angles to the centre when the same clustering is fitted to uniform directions: fitted centres select, so 90° is no null.

    A clustering sees only the Gram matrix. Where d > n it is that of the n × n Bartlett factor of a Wishart matrix, drawn here
    in place of n Gaussian rows of length d: the same law, d/n times less work.

    Args:
        n: number of living units, `Clusters.alive.sum()`.
        d: fan_in.
        k: number of clusters.
        seed: of the directions and of each clustering.
        draws: number of clusterings.
        weights: array (n,), as for `cluster`.
        n_init: as for `cluster`.

    Returns:
        Array (draws, n), degrees.

    Raises:
        ValueError: n, d or draws below 1, or as `cluster`.

    Example:
        >>> angle_null(n=5, d=3, k=5, seed=0, draws=2).shape
        (2, 5)

    Reference:
        Bartlett 1933, On the theory of statistical regression, Proc. R. Soc. Edinburgh 53 (the factor; the null is ours).
    """
    if min(n, d, draws) < 1:
        raise ValueError(f"`n`, `d` and `draws` must be at least 1. Received: n={n!r}, d={d!r}, draws={draws!r}")
    rng = np.random.default_rng(seed)
    seeds = rng.integers(2**31, size=draws)
    return np.array([cluster(_uniform_units(n, d, rng), k, int(s), weights, n_init).angles for s in seeds])


@dataclass(frozen=True)
class AngleTest:
    """Whether units lie closer to their centres than those of a null.

    Attributes:
        mean, null_mean: mean angle to the centre, degrees; of the units, and over all draws.
        null_sd: standard deviation of the draws' means; NaN for one draw.
        z: (mean − null_mean) / null_sd; negative if the units are more clustered.
        p_value: one-sided rank of the mean among the draws', (1 + #{draws' means ≤ mean}) / (draws + 1): exact, never below
            1/(draws + 1).
        ks: greatest difference of the distribution functions of the units' angles and of all the draws'.
        ks_p: p-value of `ks` as if angles were independent. They are not, since centres are fitted to the very units, and it is
            conservative: under the null it falls below 0.05 in 1–4 % of the cases. It is there for a null of one draw,
            the initial weights.
    """

    mean: float
    null_mean: float
    null_sd: float
    z: float
    p_value: float
    ks: float
    ks_p: float


def angle_test(angles: np.ndarray, null: np.ndarray, weights: np.ndarray | None = None) -> AngleTest:
    """Compare angles to the cluster centre with a null: z = (mean − mean of the draws' means) / their standard deviation.

    Args:
        angles: array (n_units,), degrees, of `Clusters`; NaN for dead units, which do not count.
        null: array (draws, n), of `angle_null`; or (1, n_units), `Clusters.angles` of the initial weights.
        weights: array (n_units,), ω of the mean, such as the norms; those that the null was drawn with, so that n = n_units:
            leave dead units out of all three.

    Returns:
        An `AngleTest`.

    Raises:
        ValueError: no unit is alive, or shapes do not agree.

    Example:
        >>> test = angle_test(np.array([30.0, 50.0]), np.array([[60.0, 60.0], [70.0, 70.0], [80.0, 80.0]]))
        >>> test.mean, test.null_mean, test.null_sd, test.z, test.p_value, test.ks
        (40.0, 70.0, 10.0, -3.0, 0.25, 1.0)

    Reference:
        Phipson & Smyth 2010, Permutation p-values should never be zero, Stat. Appl. Genet. Mol. Biol. 9.
    """
    theta, draws = np.asarray(angles, np.float64), np.asarray(null, np.float64)
    if (
        theta.ndim != 1
        or draws.ndim != 2
        or np.isnan(theta).all()
        or np.isnan(draws).all(axis=1).any()
        or not len(draws)
    ):
        raise ValueError(
            "`angles` must be (n_units,) and `null` (draws, n), each with a living unit. "
            f"Received: shapes {theta.shape} and {draws.shape}"
        )
    mean = float(_mean_angle(theta, weights))
    means = np.array([_mean_angle(draw, weights) for draw in draws])
    null_mean, null_sd = float(means.mean()), float(means.std(ddof=1)) if len(means) > 1 else np.nan
    ks = stats.ks_2samp(theta[~np.isnan(theta)], draws[~np.isnan(draws)], method="asymp")
    z = _ratio(mean - null_mean, null_sd)
    rank = (1 + int((means <= mean).sum())) / (len(means) + 1)
    return AngleTest(mean, null_mean, null_sd, z, rank, float(ks.statistic), float(ks.pvalue))


def count_clusters(units: np.ndarray, within: float = 45.0) -> int:
    """Number of directions: the groups of complete linkage whose members are all at most `within` degrees apart.

    Args:
        units: array (n_units, fan_in), at most `MOST_LINKED_UNITS` of them alive.
        within: greatest angle inside a group, degrees, in [0, 180].

    Returns:
        An integer: 0 if all units are dead; about n for uniform directions of high dimension, which are all 90° apart.

    Raises:
        ValueError: not a real, finite matrix, too many units for n² numbers in memory, or `within` outside [0, 180].

    Example:
        >>> count_clusters(np.array([[1.0, 0.0], [5.0, 0.1], [0.0, 1.0], [-1.0, 0.0]]))
        3

    Reference:
        Sørensen 1948, complete linkage; for filters: Brutzkus & Globerson 2019, arXiv:1810.03037.
    """
    array, norms = _checked(units)
    alive = int((norms > 0).sum())
    if not 0 <= within <= 180:
        raise ValueError(f"`within` must lie in [0, 180]. Received: within={within!r}")
    if alive > MOST_LINKED_UNITS:
        raise ValueError(
            f"`units` must hold at most {MOST_LINKED_UNITS} living units: complete linkage keeps all n² angles in memory. "
            f"Received: {alive}"
        )
    if alive < 2:
        return alive
    tree = linkage(angles(array if alive == len(array) else array[norms > 0]), "complete")
    return int(fcluster(tree, within, "distance").max())


# --- beside the initial weights ---


@dataclass(frozen=True)
class InitAlignment:
    """How far units still point where they were initialised.

    Attributes:
        cosines: array (n_units,), cosine of each unit with its own initial vector; NaN where either is zero.
        mean: mean of the cosines; NaN if there are none.
        null_sd: 1/√d, the standard deviation of a cosine of independent directions, whose mean is 0.
        z: mean · √(n·d), the mean in null standard deviations.
    """

    cosines: np.ndarray
    mean: float
    null_sd: float
    z: float


def init_alignment(units: np.ndarray, initial: np.ndarray) -> InitAlignment:
    """Cosine of each unit with its own initial vector: c_u = ⟨w_u, w⁰_u⟩ / ‖w_u‖‖w⁰_u‖, 0 ± 1/√d by chance.

    Args:
        units: array (n_units, fan_in).
        initial: array of the same shape, the weights before training.

    Returns:
        An `InitAlignment`.

    Raises:
        ValueError: not real, finite matrices of one shape.

    Example:
        >>> found = init_alignment(np.array([[2.0, 0.0], [0.0, 1.0]]), np.array([[1.0, 0.0], [1.0, 0.0]]))
        >>> found.cosines, found.mean, found.z
        (array([1., 0.]), 0.5, 1.0)

    Reference:
        Nagarajan & Kolter 2019, Generalization in deep networks: the role of distance from initialization, arXiv:1901.01672.
    """
    (array, norms), (first, first_norms) = _checked_couple(units, initial)
    cosines = np.full(len(norms), np.nan)
    both = np.flatnonzero((norms > 0) & (first_norms > 0))
    for rows in _row_blocks(both, array.shape[1]):
        ours, theirs = _unit_rows(array, norms, rows), _unit_rows(first, first_norms, rows)
        cosines[rows] = np.einsum("ij,ij->i", ours, theirs)
    mean = float(cosines[both].mean()) if both.size else np.nan
    d = array.shape[1]
    return InitAlignment(cosines, mean, float(d**-0.5), float(mean * np.sqrt(both.size * d)))


def distance_to_init(units: np.ndarray, initial: np.ndarray) -> float:
    """How far training moved a layer: ‖W − W₀‖_F / ‖W₀‖_F; √2 for independent weights of the same norm.

    Args:
        units: array (n_units, fan_in), W.
        initial: array of the same shape, W₀.

    Returns:
        A number, 0 for weights that did not move.

    Raises:
        ValueError: not real, finite matrices of one shape, or W₀ is zero.

    Example:
        >>> distance_to_init(np.array([[3.0, 0.0]]), np.array([[2.0, 0.0]]))
        0.5

    Reference:
        Nagarajan & Kolter 2019, Generalization in deep networks: the role of distance from initialization, arXiv:1901.01672.
    """
    (array, _), (first, first_norms) = _checked_couple(units, initial)
    if not first_norms.any():
        raise ValueError("`initial` must not be all zero: the distance is relative to its norm. Received: zeros")
    blocks = _row_blocks(np.arange(len(array)), array.shape[1])
    squares = sum(np.square(array[b].astype(np.float64) - first[b].astype(np.float64)).sum() for b in blocks)
    return float(np.sqrt(squares) / np.linalg.norm(first_norms))


# --- blocks of rows and of pairs ---


def _pair_cosines(array: np.ndarray, norms: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """(i, j, cos θ_ij), flat arrays, of the pairs i < j of living units, block by block."""
    blocks = list(_row_blocks(np.flatnonzero(norms), array.shape[1]))
    for number, rows in enumerate(blocks):
        left = _unit_rows(array, norms, rows)
        first, second = np.triu_indices(len(rows), 1)
        if len(first):
            yield rows[first], rows[second], _cosines(left, left)[first, second]
        for columns in blocks[number + 1 :]:
            cosines = _cosines(left, _unit_rows(array, norms, columns))
            yield np.repeat(rows, len(columns)), np.tile(columns, len(rows)), cosines.ravel()


def _row_blocks(rows: np.ndarray, d: int) -> Iterator[np.ndarray]:
    size = max(1, min(_BLOCK_ROWS, _BLOCK_NUMBERS // d))
    return (rows[start : start + size] for start in range(0, len(rows), size))


def _unit_rows(array: np.ndarray, norms: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return array[rows].astype(np.float64) / norms[rows, None]


def _cosines(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.clip(left @ right.T, -1, 1)  # beyond ±1 is rounding, by Cauchy–Schwarz


def _merged(groups: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Groups after linking units `first` with `second`: one number for each unit, however many links there were."""
    if not len(first):
        return groups
    size = int(groups.max()) + 1
    links = coo_array((np.ones(len(first)), (groups[first], groups[second])), shape=(size, size))
    return connected_components(links, directed=False)[1].astype(int)[groups]


def _duplicates(
    groups: np.ndarray, alive: np.ndarray, d: int, number: int, threshold: float, signed: bool
) -> Duplicates:
    n = int(alive.sum())
    beyond = 0.5 if d == 1 else float(betainc((d - 1) / 2, (d - 1) / 2, (1 - threshold) / 2))  # P(cos θ ≥ threshold)
    expected = n * (n - 1) / 2 * beyond * (1 if signed else 2)
    twin = np.bincount(groups)[groups] > 1
    return Duplicates(_ratio(float(twin.sum()), n), number, expected, groups, twin, threshold, signed)


# --- helpers of the frame potential ---


def _input_gram(array: np.ndarray, norms: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """ΦᵀΦ, (d, d), of rows with the directions of `array` and the given squared norms."""
    gram = np.zeros((array.shape[1], array.shape[1]))
    for rows in _row_blocks(np.flatnonzero(norms), array.shape[1]):
        block = _unit_rows(array, norms, rows) * np.sqrt(squares[rows, None])
        gram += block.T @ block
    return gram


def _frame(value: float, norms: np.ndarray, d: int) -> FramePotential:
    squares = np.square(norms)
    quartic, total = np.square(squares), float(squares.sum())
    bound, greatest = frame_bound(norms, d), total * total
    null_mean = float(quartic.sum() + (squares * (total - squares)).sum() / d)
    null_sd = float(np.sqrt(4 * (d - 1) / (d**2 * (d + 2)) * (quartic * (quartic.sum() - quartic)).sum()))
    z, excess = _ratio(value - null_mean, null_sd), _ratio(value - bound, greatest - bound)
    return FramePotential(value, bound, null_mean, null_sd, z, excess, len(norms), d)


def _ratio(numerator: float, denominator: float) -> float:
    return float(numerator / denominator) if denominator != 0 else np.nan


# --- helpers of the clustering ---


def _directions(array: np.ndarray, norms: np.ndarray) -> np.ndarray:
    """Normalised living rows, float32 where the weights are no wider: k-means takes half the memory and time."""
    dtype = np.float32 if np.can_cast(array.dtype, np.float32) else np.float64
    rows = array[norms > 0].astype(dtype, copy=False)  # a copy already
    rows /= norms[norms > 0, None]
    return rows


def _centres(rows: np.ndarray, k: int, seed: int, weights: np.ndarray | None, n_init: int) -> np.ndarray:
    if int(k) != k or not 1 <= k <= len(rows):
        raise ValueError(f"`k` must be an integer in [1, {len(rows)}], the number of living units. Received: k={k!r}")
    # to the fixed point: a tolerance is relative to the variance, which costs a copy of the rows
    means = KMeans(k, n_init=n_init, random_state=seed, copy_x=False, tol=0)
    with warnings.catch_warnings(), _threadpools().limit(limits=1):
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            centres = means.fit(rows, sample_weight=weights).cluster_centers_.astype(np.float64)
        except ConvergenceWarning as warning:
            raise ValueError(f"`k` must be at most the number of different directions. Received: k={k}") from warning
    lengths = np.linalg.norm(centres, axis=1, keepdims=True)
    if lengths.min() < 1e-6:  # the precision of float32 rows
        raise ValueError(
            f"`k` leaves a cluster whose units cancel out, so that its centre has no direction. Received: k={k}"
        )
    return centres / lengths


@cache
def _threadpools() -> ThreadpoolController:
    """Found once: looking for them takes longer than a small clustering, as do its threads where others use the cores."""
    return ThreadpoolController()


def _uniform_units(n: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """Rows with the Gram matrix, in law, of n Gaussian vectors in R^d: (n, min(n, d))."""
    rows = rng.standard_normal((n, min(n, d)), np.float32)
    if d <= n:
        return rows
    factor = np.tril(rows, -1)
    np.fill_diagonal(factor, np.sqrt(rng.chisquare(d - np.arange(n))))
    return factor


def _checked_weights(weights: np.ndarray | None, alive: np.ndarray) -> np.ndarray | None:
    if weights is None:
        return None
    numbers = np.asarray(weights, np.float64)
    if numbers.shape != alive.shape or not (np.isfinite(numbers) & (numbers >= 0)).all() or not numbers[alive].any():
        raise ValueError(
            f"`weights` must be {len(alive)} finite numbers ≥ 0, one of a living unit positive. Received: {numbers}"
        )
    return numbers[alive]


def _mean_angle(theta: np.ndarray, weights: np.ndarray | None) -> np.floating:
    alive = ~np.isnan(theta)
    return np.average(theta[alive], weights=_checked_weights(weights, alive))


# --- what the public functions refuse ---


def _checked(units: np.ndarray, name: str = "units") -> tuple[np.ndarray, np.ndarray]:
    """The matrix, and the norms of its rows in float64."""
    array = np.asarray(units)
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(f"`{name}` must be a matrix (n_units, fan_in), not empty. Received: shape {array.shape}")
    if not np.can_cast(array.dtype, np.float64, "same_kind"):
        raise ValueError(f"`{name}` must hold real numbers. Received: dtype {array.dtype}")
    norms = np.concatenate([_norms(array[rows]) for rows in _row_blocks(np.arange(len(array)), array.shape[1])])
    if not np.isfinite(norms).all():
        bad = int((~np.isfinite(norms)).sum())
        raise ValueError(f"`{name}` must be finite. Received: {bad} of {len(norms)} rows whose norm is not")
    return array, norms


def _norms(rows: np.ndarray) -> np.ndarray:
    wide = rows.astype(np.float64)
    return np.sqrt(np.einsum("ij,ij->i", wide, wide))


def _checked_alive(units: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    array, norms = _checked(units)
    if not norms.any():
        raise ValueError(f"`units` must have a non-zero row. Received: {len(norms)} rows of zeros")
    return array, norms


def _checked_couple(units: np.ndarray, initial: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    if np.shape(units) != np.shape(initial):
        raise ValueError(
            f"`initial` must have the shape of `units`, {np.shape(units)}. Received: shape {np.shape(initial)}"
        )
    return _checked(units), _checked(initial, "initial")


def _check_dimension(d: int) -> None:
    if d < 2:
        raise ValueError(f"`d` must be at least 2. Received: d={d!r}")


def _checked_angles(theta: np.ndarray, d: int) -> np.ndarray:
    theta = np.asarray(theta, np.float64)
    _check_dimension(d)
    if not ((theta >= 0) & (theta <= 180)).all():
        raise ValueError(f"`theta` must lie in [0, 180] degrees. Received: {theta}")
    return np.radians(theta)
