"""Norms of a network's weights, and the generalisation bounds that are made of them.

units:            array (n_units, fan_in), rows are units; any real dtype, computed in float64.
weights, initial: sequences of unit matrices, the layer next to the input first; after training and before it. Biases enter no
                  norm.
U, V:             the matrices of a two-layer ReLU net f(x) = V relu(Ux): U (h, d), V (c, h); U⁰, V⁰ before training, ΔU = U − U⁰.
m, γ, δ:          training samples; the margin, the 5th percentile of the training margins; probability that a bound fails.

Norms: ‖W‖_F Frobenius, ‖W‖₂ spectral, ‖W‖_{1,∞} the greatest sum of |w| of a unit, ‖W‖_{2,1} the sum of the units' lengths.

A bound B is a number of samples: test error ≤ share of training margins below γ + √(B/m), up to the papers' lower-order terms.
For nets of practical size √(B/m) is far above 1; what says something is how B changes, with the width for example. `measures` is
for two layers, as the bounds were compared; `norms`, `distances`, `path_norm` and `spectral_complexity` are for any depth.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh

_BLOCK_NUMBERS, _BLOCK_ROWS = 2**23, 2**11  # at most 64 MB of float64 in a block, and 32 MB in a product of two


# --- layer by layer, any depth ---


@dataclass(frozen=True)
class Norms:
    """Norms of one unit matrix.

    Attributes:
        frobenius: ‖W‖_F.
        spectral: ‖W‖₂.
        l1_max: ‖W‖_{1,∞}.
        l21: ‖W‖_{2,1}.
        log_frobenius, log_spectral: log10 of the first two; −∞ for a matrix of zeros.
    """

    frobenius: float
    spectral: float
    l1_max: float
    l21: float
    log_frobenius: float
    log_spectral: float


@dataclass(frozen=True)
class Distances:
    """How far training moved one unit matrix.

    Attributes:
        frobenius: ‖ΔW‖_F.
        spectral: ‖ΔW‖₂.
        l21: ‖ΔW‖_{2,1}.
        unit_capacity: array (n_units,), β_i = ‖w_i − w_i⁰‖₂.
    """

    frobenius: float
    spectral: float
    l21: float
    unit_capacity: np.ndarray


def norms(units: np.ndarray) -> Norms:
    """Frobenius, spectral, (1,∞) and (2,1) norm of a unit matrix: ‖W‖₂ ≤ ‖W‖_F ≤ ‖W‖_{2,1} ≤ √n ‖W‖_F.

    Args:
        units: array (n_units, fan_in).

    Returns:
        A `Norms`.

    Raises:
        ValueError: not a real, finite matrix with at least one row and one column.

    Example:
        >>> found = norms(np.array([[3.0, 4.0], [0.0, 0.0]]))
        >>> round(found.spectral, 9), found.frobenius, found.l1_max, found.l21
        (5.0, 5.0, 7.0, 5.0)

    Reference:
        Neyshabur, Tomioka & Srebro 2015, Norm-based capacity control in neural networks, arXiv:1503.00036.
    """
    array = _checked(units, "units")
    lengths = _row_norms(array, 2)
    frobenius, spectral = float(np.linalg.norm(lengths)), _spectral(array)
    with np.errstate(divide="ignore"):  # log 0 = −∞, as documented
        logs = np.log10([frobenius, spectral])
    return Norms(frobenius, spectral, float(_row_norms(array, 1).max()), float(lengths.sum()), *map(float, logs))


def distances(units: np.ndarray, initial: np.ndarray) -> Distances:
    """Distance from the initial weights: ‖W − W⁰‖ in the Frobenius, spectral and (2,1) norm, and for each unit alone.

    Args:
        units: array (n_units, fan_in), W.
        initial: array of the same shape, W⁰.

    Returns:
        A `Distances`; all zero for weights that did not move.

    Raises:
        ValueError: not real, finite matrices of one shape.

    Example:
        >>> found = distances(np.array([[3.0, 4.0], [1.0, 0.0]]), np.array([[0.0, 0.0], [1.0, 0.0]]))
        >>> found.unit_capacity, found.frobenius, found.l21
        (array([5., 0.]), 5.0, 5.0)

    Reference:
        Nagarajan & Kolter 2019, Generalization in deep networks: the role of distance from initialization, arXiv:1901.01672.
    """
    array, first = _checked_couple(units, initial)
    capacity = _row_norms(array, 2, first)
    return Distances(float(np.linalg.norm(capacity)), _spectral(array, first), float(capacity.sum()), capacity)


def path_norm(weights: Sequence[np.ndarray], p: float = 2) -> float:
    """Path norm: (Σ over paths from input to output of Π |w|^p along the path)^{1/p}; no rescaling of ReLU units changes it.

    Args:
        weights: unit matrices, the fan_in of each the number of units of the one before.
        p: exponent, at least 1.

    Returns:
        A number ≥ 0, at most Π ‖W_l‖_F for p = 2.

    Raises:
        ValueError: matrices that do not follow each other (a convolution's do not), no matrix, or p < 1.

    Example:
        >>> path_norm([np.array([[1.0, 2.0], [0.0, 1.0]]), np.array([[2.0, 3.0]])], p=1)  # 1·2 + 2·2 + 1·3
        9.0

    Reference:
        Neyshabur, Tomioka & Srebro 2015, Norm-based capacity control in neural networks, arXiv:1503.00036.
    """
    matrices = _checked_chain(weights, "weights")
    if not (np.isfinite(p) and p >= 1):
        raise ValueError(f"`p` must be a number of at least 1. Received: p={p!r}")
    reached = np.ones(matrices[0].shape[1])
    for matrix in matrices:
        reached = np.concatenate([np.abs(rows) ** p @ reached for rows in _rows(matrix)])
    return float(reached.sum() ** (1 / p))


def spectral_complexity(weights: Sequence[np.ndarray], initial: Sequence[np.ndarray]) -> float:
    """Spectral complexity: Π_l ‖W_l‖₂ · (Σ_l (‖ΔW_l‖_{2,1} / ‖W_l‖₂)^{2/3})^{3/2}.

    Args:
        weights: unit matrices of any number of layers.
        initial: unit matrices of the same shapes.

    Returns:
        A number ≥ 0: 0 for weights that did not move.

    Raises:
        ValueError: not real, finite matrices of the same shapes, or none at all.

    Example:
        >>> round(
        ...     spectral_complexity([np.array([[8.0]]), np.array([[1.0]])], [np.array([[0.0]]), np.array([[0.0]])]), 9
        ... )
        22.627416998
        >>> round(8 * 2**1.5, 9)  # each layer moved by its own norm
        22.627416998

    Reference:
        Bartlett, Foster & Telgarsky 2017, Spectrally-normalized margin bounds for neural networks, arXiv:1706.08498, eq. 1.2.
    """
    couples = _checked_layers(weights, initial)
    moved = [float(_row_norms(array, 2, first).sum()) for array, first in couples]
    return _spectral_complexity([_spectral(array) for array, _ in couples], moved)


# --- the data's part ---


@dataclass(frozen=True)
class Inputs:
    """What the bounds need to know of the training inputs.

    Attributes:
        samples: m.
        dimension: d.
        mean_square: X₂, the mean of ‖x‖².
        max_norm: the greatest ‖x‖.
        mean_max_square: the mean of max_j x_j².
        hidden_square: Σ_j E[relu(U⁰x)_j²], the mean squared length of the initial net's hidden responses.
        units: h, the rows of U⁰.
    """

    samples: int
    dimension: int
    mean_square: float
    max_norm: float
    mean_max_square: float
    hidden_square: float
    units: int


def input_statistics(x: np.ndarray, initial: np.ndarray) -> Inputs:
    """Norms of the inputs, and of what the initial first layer makes of them: Σ_j E[relu(U⁰x)_j²].

    Args:
        x: array (samples, d), flattened inputs as the net sees them.
        initial: array (h, d), U⁰.

    Returns:
        An `Inputs`.

    Raises:
        ValueError: not real, finite matrices with the same number of columns.

    Example:
        >>> input_statistics(np.array([[3.0, -4.0], [0.0, 0.0]]), np.array([[1.0, 0.0], [0.0, 1.0]]))
        Inputs(samples=2, dimension=2, mean_square=12.5, max_norm=5.0, mean_max_square=8.0, hidden_square=4.5, units=2)

    Reference:
        Neyshabur et al. 2019, Towards understanding the role of over-parametrization in generalization, arXiv:1805.12076.
    """
    x, first = _checked(x, "x"), _checked(initial, "initial")
    if x.shape[1] != first.shape[1]:
        raise ValueError(f"`x` must have the columns of `initial`, {first.shape[1]}. Received: shape {x.shape}")
    lengths, greatest = _row_norms(x, 2), _row_norms(x, np.inf)
    hidden = sum(float(np.square(np.maximum(rows @ u.T, 0)).sum()) for u in _rows(first) for rows in _rows(x))
    return Inputs(
        samples=len(x),
        dimension=x.shape[1],
        mean_square=float(np.square(lengths).mean()),
        max_norm=float(lengths.max()),
        mean_max_square=float(np.square(greatest).mean()),
        hidden_square=hidden / len(x),
        units=len(first),
    )


def margins(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Margin of each sample: f(x)_y − max_{j≠y} f(x)_j, negative where the prediction is wrong.

    Args:
        logits: array (samples, classes), at least two classes.
        labels: array (samples,) of int, the true classes.

    Returns:
        Array (samples,). The γ of the bounds is its 5th percentile.

    Raises:
        ValueError: logits that are not real and finite, or labels that are not classes of theirs.

    Example:
        >>> margins(np.array([[3.0, 1.0, 0.0], [0.0, 4.0, 6.0]]), np.array([0, 1]))
        array([ 2., -2.])
        >>> float(np.percentile(np.arange(101.0), 5))
        5.0

    Reference:
        Neyshabur et al. 2019, Towards understanding the role of over-parametrization in generalization, arXiv:1805.12076.
    """
    scores, classes = _checked(logits, "logits").astype(np.float64), np.asarray(labels)
    if scores.shape[1] < 2:
        raise ValueError(f"`logits` must have at least two columns, one for each class. Received: shape {scores.shape}")
    if classes.shape != scores.shape[:1] or classes.dtype.kind not in "iu":
        raise ValueError(
            f"`labels` must be integers of shape {scores.shape[:1]}. Received: {classes.dtype} of shape {classes.shape}"
        )
    if classes.min() < 0 or classes.max() >= scores.shape[1]:
        raise ValueError(
            f"`labels` must lie in [0, {scores.shape[1]}). Received: values from {classes.min()} to {classes.max()}"
        )
    own = (np.arange(len(classes)), classes)
    true = scores[own]
    scores[own] = -np.inf  # `scores` is a copy
    return true - scores.max(axis=1)


# --- two-layer ReLU nets ---


@dataclass(frozen=True)
class Bounds:
    """Generalisation bounds of a two-layer ReLU net, each as a number of samples B: the gap is at most √(B/m).

    Attributes:
        vc: VC dimension; Harvey, Liaw & Mehrabian 2017, arXiv:1703.02930.
        l1_max: ‖U‖_{1,∞}‖V‖_{1,∞}; Bartlett & Mendelson 2002, JMLR 3.
        frobenius: ‖U‖_F‖V‖_F; Neyshabur, Tomioka & Srebro 2015, arXiv:1503.00036.
        spectral_l1: spectral complexity; Bartlett, Foster & Telgarsky 2017, arXiv:1706.08498.
        spectral_frobenius: PAC-Bayes with spectral norms; Neyshabur, Bhojanapalli & Srebro 2018, arXiv:1707.09564.
        ours: unit capacity and impact; Neyshabur et al. 2019, arXiv:1805.12076, who called it so.
    """

    vc: float
    l1_max: float
    frobenius: float
    spectral_l1: float
    spectral_frobenius: float
    ours: float


@dataclass(frozen=True)
class Measures:
    """Capacity of a two-layer ReLU net.

    Attributes:
        unit_capacity: array (h,), β_i = ‖u_i − u_i⁰‖₂.
        unit_impact: array (h,), α_i = ‖v_i‖₂, v_i the weights that leave unit i.
        frobenius: ‖U‖_F‖V‖_F.
        l1_max: ‖U‖_{1,∞}‖V‖_{1,∞}.
        spectral_frobenius: √c ‖U‖₂‖ΔV‖_F + √h ‖V‖₂‖ΔU‖_F.
        spectral_l1: ‖U‖₂‖ΔV‖_{2,1} + ‖V‖₂‖ΔU‖_{2,1}.
        distance_frobenius: ‖ΔU‖_F‖V‖_F + ‖U⁰‖₂‖V‖_F.
        parameters: P, biases included.
        margin: γ.
        bounds: `Bounds`, or None where the inputs are unknown.
    """

    unit_capacity: np.ndarray
    unit_impact: np.ndarray
    frobenius: float
    l1_max: float
    spectral_frobenius: float
    spectral_l1: float
    distance_frobenius: float
    parameters: int
    margin: float
    bounds: Bounds | None


def measures(
    weights: Sequence[np.ndarray],
    initial: Sequence[np.ndarray],
    margin: float,
    inputs: Inputs | None = None,
    delta: float = 0.01,
) -> Measures:
    """Unit capacity β_i = ‖u_i − u_i⁰‖₂, unit impact α_i = ‖v_i‖₂, norm products and bounds of a two-layer ReLU net.

    With R of each bound, ln the natural logarithm, P the number of parameters and X₂ = E‖x‖²:

        vc                  8cD ln(e max(m/D, 1)) + 8 ln(2/δ),  D = 2 + P log₂(8eK log₂(4eK)) (2(d+1)h + (h+1)c)/P,  K = h + 2c
        l1_max              R = 8c ‖U‖_{1,∞}‖V‖_{1,∞} · 2√(ln d) √(E max_j x_j²) / γ,  (R + 3√ln(m/δ))²
        frobenius           R = 8√c ‖U‖_F‖V‖_F √X₂ / γ,  (R + 3√ln(m/δ))²
        spectral_l1         R = 144 ln m ln(2P) (√X₂ + 1/√m) ((‖V‖₂‖ΔU‖_{2,1})^{2/3} + (‖U‖₂‖ΔV‖_{2,1})^{2/3})^{3/2} / γ,
                            (R + √(4.5 ln(1/δ) + ln(2m/γ) + 2 ln(2 + √(m X₂)) + 2 ln((2+2‖ΔU‖_F)(2+2‖ΔV‖_F)(2+2‖U‖₂)(2+2‖V‖₂))))²
        spectral_frobenius  R = 42·8 ‖U‖₂ √ln(8h) max‖x‖ √(h(‖V‖₂‖ΔU‖_F)² + c(‖U‖₂‖ΔV‖_F)²) / (√2 γ),  R² + 6 ln(2m/δ)
        ours                R = 3√2 (√(2c) + 1)(‖V‖_F + 1)(√(Σ_j E[relu(U⁰x)_j²]) + ‖ΔU‖_F √X₂ + 1) / γ,
                            (R + 3√(5h + ln(max(1, γ√m)/δ)))²

    Args:
        weights: (U, V), arrays (h, d) and (c, h).
        initial: (U⁰, V⁰), of the same shapes.
        margin: γ, the 5th percentile of the training `margins`. Where more than 5 % are wrong it is negative, and no bound holds.
        inputs: `input_statistics` of the training inputs; without them there are no bounds.
        delta: δ in (0, 1).

    Returns:
        A `Measures`.

    Raises:
        ValueError: not two layers that follow each other, shapes that do not agree, NaN or infinities, or γ or δ out of range.

    Example:
        >>> found = measures(
        ...     [np.array([[3.0], [4.0]]), np.array([[1.0, 0.0]])], [np.ones((2, 1)), np.zeros((1, 2))], 1.0
        ... )
        >>> found.unit_capacity, found.unit_impact, found.frobenius, found.l1_max
        (array([2., 3.]), array([1., 0.]), 5.0, 4.0)

    Reference:
        Neyshabur et al. 2019, Towards understanding the role of over-parametrization in generalization, arXiv:1805.12076.
    """
    couples = _checked_two_layers(weights, initial)
    if not (np.isfinite(margin) and margin > 0):
        raise ValueError(f"`margin` must be a positive number. Received: margin={margin!r}")
    if not 0 < delta < 1:
        raise ValueError(f"`delta` must lie in (0, 1). Received: delta={delta!r}")
    net = _net(*couples)
    if inputs is not None and (inputs.dimension, inputs.units) != (net.d, net.h):
        raise ValueError(
            f"`inputs` must be of d={net.d} and h={net.h}. Received: dimension={inputs.dimension}, units={inputs.units}"
        )
    return Measures(
        unit_capacity=net.capacity,
        unit_impact=_row_norms(couples[1][0].T, 2),
        frobenius=net.u_f * net.v_f,
        l1_max=net.u_1 * net.v_1,
        spectral_frobenius=math.sqrt(net.c) * net.u_2 * net.dv_f + math.sqrt(net.h) * net.v_2 * net.du_f,
        spectral_l1=net.u_2 * net.dv_21 + net.v_2 * net.du_21,
        distance_frobenius=net.du_f * net.v_f + net.u0_2 * net.v_f,
        parameters=net.parameters,
        margin=float(margin),
        bounds=None if inputs is None else _bounds(net, inputs, float(margin), delta),
    )


@dataclass(frozen=True)
class _Net:
    """Sizes and norms of (U, V): u_f = ‖U‖_F, u_2 = ‖U‖₂, u_1 = ‖U‖_{1,∞}, du_f = ‖ΔU‖_F, du_21 = ‖ΔU‖_{2,1}, u0_2 = ‖U⁰‖₂."""

    h: int
    d: int
    c: int
    capacity: np.ndarray
    u_f: float
    v_f: float
    u_2: float
    v_2: float
    u0_2: float
    u_1: float
    v_1: float
    du_f: float
    dv_f: float
    du_21: float
    dv_21: float

    @property
    def parameters(self) -> int:
        return (self.d + 1) * self.h + (self.h + 1) * self.c


def _net(first: tuple[np.ndarray, np.ndarray], second: tuple[np.ndarray, np.ndarray]) -> _Net:
    (u, u0), (v, v0) = first, second
    capacity, moved = _row_norms(u, 2, u0), _row_norms(v, 2, v0)
    return _Net(
        h=u.shape[0],
        d=u.shape[1],
        c=v.shape[0],
        capacity=capacity,
        u_f=float(np.linalg.norm(_row_norms(u, 2))),
        v_f=float(np.linalg.norm(_row_norms(v, 2))),
        u_2=_spectral(u),
        v_2=_spectral(v),
        u0_2=_spectral(u0),
        u_1=float(_row_norms(u, 1).max()),
        v_1=float(_row_norms(v, 1).max()),
        du_f=float(np.linalg.norm(capacity)),
        dv_f=float(np.linalg.norm(moved)),
        du_21=float(capacity.sum()),
        dv_21=float(moved.sum()),
    )


def _bounds(net: _Net, inputs: Inputs, margin: float, delta: float) -> Bounds:
    confidence = 3 * math.sqrt(math.log(inputs.samples / delta))
    l1_max = 8 * net.c * net.u_1 * net.v_1 * 2 * math.sqrt(math.log(net.d) * inputs.mean_max_square) / margin
    frobenius = 8 * math.sqrt(net.c * inputs.mean_square) * net.u_f * net.v_f / margin
    return Bounds(
        vc=_vc(net, inputs.samples, delta),
        l1_max=(l1_max + confidence) ** 2,
        frobenius=(frobenius + confidence) ** 2,
        spectral_l1=_spectral_l1(net, inputs, margin, delta),
        spectral_frobenius=_spectral_frobenius(net, inputs, margin, delta),
        ours=_ours(net, inputs, margin, delta),
    )


def _vc(net: _Net, samples: int, delta: float) -> float:
    """Harvey's VC dimension is 2 + (mean depth of a parameter) · P · log₂(…); c one-against-all classifiers."""
    depth = (2 * (net.d + 1) * net.h + (net.h + 1) * net.c) / net.parameters
    breadth = net.h + 2 * net.c  # Σ over layers of layer · units
    dimension = 2 + net.parameters * depth * math.log2(8 * math.e * breadth * math.log2(4 * math.e * breadth))
    return 8 * net.c * dimension * math.log(math.e * max(samples / dimension, 1)) + 8 * math.log(2 / delta)


def _spectral_l1(net: _Net, inputs: Inputs, margin: float, delta: float) -> float:
    m = inputs.samples
    complexity = _spectral_complexity([net.u_2, net.v_2], [net.du_21, net.dv_21])
    length = math.sqrt(inputs.mean_square) + 1 / math.sqrt(m)
    r = 144 * math.log(m) * math.log(2 * net.parameters) * length * complexity / margin
    union = (2 + 2 * net.du_f) * (2 + 2 * net.dv_f) * (2 + 2 * net.u_2) * (2 + 2 * net.v_2)
    radius = 2 * math.log(2 + math.sqrt(m * inputs.mean_square)) + 2 * math.log(union)
    confidence = 4.5 * math.log(1 / delta) + math.log(2 * m / margin) + radius
    if confidence < 0:
        raise ValueError(
            f"`margin` must not exceed what the spectral_l1 bound admits for m={m}. Received: margin={margin!r}"
        )
    return (r + math.sqrt(confidence)) ** 2


def _spectral_frobenius(net: _Net, inputs: Inputs, margin: float, delta: float) -> float:
    moved = math.sqrt(net.h * (net.v_2 * net.du_f) ** 2 + net.c * (net.u_2 * net.dv_f) ** 2)
    r = 42 * 8 * net.u_2 * math.sqrt(math.log(8 * net.h)) * inputs.max_norm * moved / (math.sqrt(2) * margin)
    return r**2 + 6 * math.log(2 * inputs.samples / delta)


def _ours(net: _Net, inputs: Inputs, margin: float, delta: float) -> float:
    reach = math.sqrt(inputs.hidden_square) + net.du_f * math.sqrt(inputs.mean_square) + 1
    r = 3 * math.sqrt(2) * (math.sqrt(2 * net.c) + 1) * (net.v_f + 1) * reach / margin
    confidence = math.log(max(1, margin * math.sqrt(inputs.samples)) / delta)
    return (r + 3 * math.sqrt(5 * net.h + confidence)) ** 2


def _spectral_complexity(spectral: Sequence[float], moved: Sequence[float]) -> float:
    """(Σ_l (‖ΔW_l‖_{2,1} Π_{k≠l} ‖W_k‖₂)^{2/3})^{3/2}: nothing is divided by a norm that may be 0."""
    others = (math.prod(spectral[:layer]) * math.prod(spectral[layer + 1 :]) for layer in range(len(spectral)))
    return sum((distance * rest) ** (2 / 3) for distance, rest in zip(moved, others, strict=True)) ** 1.5


# --- norms, block by block ---


def _rows(matrix: np.ndarray, minus: np.ndarray | None = None) -> Iterator[np.ndarray]:
    """Blocks of rows of W, or of W − W⁰, in float64."""
    size = max(1, min(_BLOCK_ROWS, _BLOCK_NUMBERS // matrix.shape[1]))
    for start in range(0, len(matrix), size):
        rows = matrix[start : start + size].astype(np.float64)
        yield rows if minus is None else rows - minus[start : start + size].astype(np.float64)


def _row_norms(matrix: np.ndarray, order: float, minus: np.ndarray | None = None) -> np.ndarray:
    return np.concatenate([np.linalg.norm(rows, order, axis=1) for rows in _rows(matrix, minus)])


def _spectral(matrix: np.ndarray, minus: np.ndarray | None = None) -> float:
    """Root of the greatest eigenvalue of the smaller Gram matrix, to 1e-14."""
    if matrix.shape[0] < matrix.shape[1]:
        matrix, minus = matrix.T, None if minus is None else minus.T
    gram = sum(rows.T @ rows for rows in _rows(matrix, minus))
    last = len(gram) - 1
    return math.sqrt(eigh(gram, eigvals_only=True, subset_by_index=[last, last])[0])


# --- what the public functions refuse ---


def _checked(matrix: np.ndarray, name: str) -> np.ndarray:
    array = np.asarray(matrix)
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(f"`{name}` must be a matrix, not empty. Received: shape {array.shape}")
    if not np.can_cast(array.dtype, np.float64, "same_kind"):
        raise ValueError(f"`{name}` must hold real numbers. Received: dtype {array.dtype}")
    bad = sum(int((~np.isfinite(rows)).sum()) for rows in _rows(array))
    if bad:
        raise ValueError(f"`{name}` must be finite. Received: {bad} of {array.size} entries NaN or infinite")
    return array


def _checked_couple(
    units: np.ndarray, initial: np.ndarray, names=("units", "initial")
) -> tuple[np.ndarray, np.ndarray]:
    if np.shape(units) != np.shape(initial):
        raise ValueError(
            f"`{names[1]}` must have the shape of `{names[0]}`, {np.shape(units)}. Received: shape {np.shape(initial)}"
        )
    return _checked(units, names[0]), _checked(initial, names[1])


def _checked_layers(
    weights: Sequence[np.ndarray], initial: Sequence[np.ndarray]
) -> list[tuple[np.ndarray, np.ndarray]]:
    if not len(weights) or len(weights) != len(initial):
        raise ValueError(
            "`weights` and `initial` must hold a matrix for each layer, and at least one. "
            f"Received: {len(weights)} and {len(initial)}"
        )
    layers = enumerate(zip(weights, initial, strict=True))
    return [_checked_couple(*couple, (f"weights[{number}]", f"initial[{number}]")) for number, couple in layers]


def _checked_two_layers(
    weights: Sequence[np.ndarray], initial: Sequence[np.ndarray]
) -> list[tuple[np.ndarray, np.ndarray]]:
    if len(weights) != 2:
        raise ValueError(
            "`weights` must be the two matrices of a net with one hidden layer: the bounds are defined for that depth; "
            f"`norms`, `path_norm` and `spectral_complexity` are for any. Received: {len(weights)} matrices"
        )
    couples = _checked_layers(weights, initial)
    _check_chain([array for array, _ in couples], "weights")
    return couples


def _checked_chain(weights: Sequence[np.ndarray], name: str) -> list[np.ndarray]:
    if not len(weights):
        raise ValueError(f"`{name}` must hold at least one matrix. Received: none")
    matrices = [_checked(matrix, f"{name}[{number}]") for number, matrix in enumerate(weights)]
    _check_chain(matrices, name)
    return matrices


def _check_chain(matrices: Sequence[np.ndarray], name: str) -> None:
    for number in range(1, len(matrices)):
        before, after = matrices[number - 1].shape, matrices[number].shape
        if after[1] != before[0]:
            raise ValueError(
                f"`{name}[{number}]` must have as many columns as the matrix before it has units, {before[0]}. "
                f"Received: shape {after}"
            )
