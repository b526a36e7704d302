"""Neural collapse: how near a net's last features are to one point for each class, and these points to a simplex.

features:   array (samples, d), what the last layer reads; any real dtype, computed in float64.
labels:     array (samples,) of int, classes 0 … K − 1, each with at least one sample.
classifier: array (K, d), the last layer's unit matrix, a row for each class; logits are features · classifierᵀ + bias.

Every class has the same weight, however many samples it has: μ_c its mean, μ_G = mean of the μ_c, M_c = μ_c − μ_G,
Σ_B = (1/K) Σ_c M_c M_cᵀ, Σ_W = (1/K) Σ_c mean of (h − μ_c)(h − μ_c)ᵀ, V_c = mean of ‖h − μ_c‖². All measures of a collapsed net
are 0.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.spatial.distance import pdist, squareform


@dataclass(frozen=True)
class Simplex:
    """How far K vectors are from a simplex: equal norms, and every cosine −1/(K − 1).

    Attributes:
        norm_variation: standard deviation / mean of the norms; NaN if all are zero.
        cosine_sd: standard deviation of the cosines of pairs; NaN if a vector is zero.
        distance: mean over pairs of |cos + 1/(K − 1)|; NaN if a vector is zero.
    """

    norm_variation: float
    cosine_sd: float
    distance: float


@dataclass(frozen=True)
class Collapse:
    """The four signs of collapse, and CDNV.

    Attributes:
        nc1: tr(Σ_W Σ_B⁺) / K, variability within classes beside that between them.
        nc2_means: `Simplex` of the centred class means M_c.
        nc2_classifier: `Simplex` of the classifier's rows w_c, not centred.
        nc3: ‖W/‖W‖_F − M/‖M‖_F‖²_F, in [0, 4]: 0 if the classifier is the class means; NaN for a classifier of zeros.
        nc4: share of samples that the classifier and the nearest class mean give different classes.
        cdnv: mean over pairs of classes of (V_i + V_j) / (2‖μ_i − μ_j‖²).
        cdnv_pairs: array (K, K) of them, NaN on the diagonal.
    """

    nc1: float
    nc2_means: Simplex
    nc2_classifier: Simplex
    nc3: float
    nc4: float
    cdnv: float
    cdnv_pairs: np.ndarray


def measures(
    features: np.ndarray, labels: np.ndarray, classifier: np.ndarray, bias: np.ndarray | None = None
) -> Collapse:
    """NC1–NC4 and CDNV of the last layer: NC1 = tr(Σ_W Σ_B⁺)/K.

    Noise of variance s² in every direction around a simplex of radius r gives NC1 = s²(K−1)²/(r²K), CDNV = d s²(K−1)/(2r²K).

    Args:
        features: array (samples, d).
        labels: array (samples,) of int, true classes.
        classifier: array (K, d).
        bias: array (K,), 0 if None.

    Returns:
        A `Collapse`.

    Raises:
        ValueError: arrays that are not real and finite or do not fit each other, fewer than two classes, a class without samples,
            or two classes with the same mean, between which nothing is defined.

    Example:
        >>> features = np.array([[3.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [-3.0, 0.0]])  # μ = ±2, V = 1
        >>> found = measures(features, np.array([0, 0, 1, 1]), np.array([[1.0, 0.0], [-1.0, 0.0]]))
        >>> round(found.nc1, 9), found.cdnv  # tr(Σ_W Σ_B⁺)/K = (1 / 4) / 2, and (1 + 1) / (2 · 4²)
        (0.125, 0.0625)
        >>> found.nc2_means
        Simplex(norm_variation=0.0, cosine_sd=0.0, distance=0.0)
        >>> round(found.nc3, 9), found.nc4
        (0.0, 0.0)

    Reference:
        Papyan, Han & Donoho 2020, Prevalence of neural collapse during the terminal phase of deep learning training,
        arXiv:2008.08186; CDNV: Galanti, György & Hutter 2022, arXiv:2112.15121.
    """
    h, w = _checked(features, "features"), _checked(classifier, "classifier")
    y = _checked_labels(labels, len(h), len(w))
    offset = _checked_bias(bias, len(w))
    if h.shape[1] != w.shape[1]:
        raise ValueError(f"`classifier` must be (classes, {h.shape[1]}). Received: shape {w.shape}")
    predicted = (h @ w.T + offset).argmax(axis=1)
    h = h - h.mean(axis=0)  # distances between points far from the origin keep their digits
    means = _class_means(h, y)
    centred, within = means - means.mean(axis=0), h - means[y]
    pairs = _cdnv(means, _class_means(np.square(within).sum(axis=1), y), np.abs(h).max())
    return Collapse(
        nc1=_nc1(within, y, centred),
        nc2_means=_simplex(centred),
        nc2_classifier=_simplex(w),
        nc3=_nc3(w, centred),
        nc4=float((predicted != _nearest(h, means)).mean()),
        cdnv=float(pairs[np.triu_indices(len(w), 1)].mean()),
        cdnv_pairs=pairs,
    )


def _class_means(rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Mean of the rows of each class; every class has some."""
    shares = 1 / np.bincount(labels)[labels]
    return csr_array((shares, (labels, np.arange(len(labels))))) @ rows


def _nc1(within: np.ndarray, labels: np.ndarray, centred: np.ndarray) -> float:
    """Σ_i v_iᵀ Σ_W v_i / s_i² over the singular vectors of M: tr(Σ_W Σ_B⁺)/K, with no d × d matrix made."""
    _, values, directions = np.linalg.svd(centred, full_matrices=False)
    real = values > values[0] * max(centred.shape) * np.finfo(np.float64).eps  # M has rank K − 1 at most
    spread = _class_means(np.square(within @ directions[real].T), labels).mean(axis=0)
    return float((spread / values[real] ** 2).sum())


def _simplex(vectors: np.ndarray) -> Simplex:
    lengths = np.linalg.norm(vectors, axis=1)
    variation = float(lengths.std() / lengths.mean()) if lengths.any() else np.nan
    if not lengths.all():
        return Simplex(variation, np.nan, np.nan)
    unit = vectors / lengths[:, None]
    cosines = (unit @ unit.T)[np.triu_indices(len(unit), 1)]
    return Simplex(variation, float(cosines.std()), float(np.abs(cosines + 1 / (len(unit) - 1)).mean()))


def _nc3(classifier: np.ndarray, centred: np.ndarray) -> float:
    if not classifier.any():
        return np.nan
    gap = classifier / np.linalg.norm(classifier) - centred / np.linalg.norm(centred)
    return float(np.square(gap).sum())


def _nearest(features: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Index of the class mean at the least distance; ‖h‖² is the same for all."""
    return (np.square(means).sum(axis=1) - 2 * features @ means.T).argmin(axis=1)


def _cdnv(means: np.ndarray, variances: np.ndarray, scale: float) -> np.ndarray:
    gaps = squareform(pdist(means))
    np.fill_diagonal(gaps, np.nan)
    same = np.argwhere(gaps <= 1e-12 * scale)
    if same.size:
        raise ValueError(
            f"`features` must have a different mean for each class. Received: equal means of classes {same[0]}"
        )
    return (variances[:, None] + variances) / (2 * gaps**2)


def _checked(array: np.ndarray, name: str) -> np.ndarray:
    array = np.asarray(array)
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(f"`{name}` must be a matrix, not empty. Received: shape {array.shape}")
    if not np.can_cast(array.dtype, np.float64, "same_kind"):
        raise ValueError(f"`{name}` must hold real numbers. Received: dtype {array.dtype}")
    wide = array.astype(np.float64)
    bad = int((~np.isfinite(wide)).sum())
    if bad:
        raise ValueError(f"`{name}` must be finite. Received: {bad} of {wide.size} entries NaN or infinite")
    return wide


def _checked_labels(labels: np.ndarray, samples: int, classes: int) -> np.ndarray:
    array = np.asarray(labels)
    if array.shape != (samples,) or array.dtype.kind not in "iu":
        raise ValueError(
            f"`labels` must be integers of shape ({samples},). Received: {array.dtype} of shape {array.shape}"
        )
    if classes < 2:
        raise ValueError(f"`classifier` must have at least two rows, one for each class. Received: {classes}")
    present = np.unique(array)
    if not np.array_equal(present, np.arange(classes)):
        raise ValueError(f"`labels` must hold every class from 0 to {classes - 1}, and no other. Received: {present}")
    return array


def _checked_bias(bias: np.ndarray | None, classes: int) -> np.ndarray:
    offset = np.zeros(classes) if bias is None else np.asarray(bias, np.float64)
    if offset.shape != (classes,) or not np.isfinite(offset).all():
        raise ValueError(f"`bias` must be {classes} finite numbers. Received: {offset}")
    return offset
