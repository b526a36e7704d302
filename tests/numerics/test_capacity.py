"""Norms in closed form, each bound against a twin written out term by term, and the laws that they follow."""

import dataclasses
from math import e, log, log2, prod, sqrt

import numpy as np
import pytest

from tfredundancy.numerics import capacity
from tfredundancy.numerics.capacity import (
    Inputs,
    distances,
    input_statistics,
    margins,
    measures,
    norms,
    path_norm,
    spectral_complexity,
)

BOUNDS = [field.name for field in dataclasses.fields(capacity.Bounds)]


def two_layers(seed, h=7, d=5, c=3, scale=1.0):
    rng = np.random.default_rng(seed)
    initial = [rng.normal(size=(h, d)), rng.normal(size=(c, h))]
    return [w + scale * rng.normal(size=w.shape) for w in initial], initial


def statistics(seed, initial, m=40):
    return input_statistics(np.random.default_rng(seed).normal(size=(m, initial[0].shape[1])), initial[0])


# --- norms, layer by layer ---


def test_norms_of_a_diagonal_matrix():
    found = norms(np.diag([3.0, -4.0, 0.0]))
    np.testing.assert_allclose(dataclasses.astuple(found), [5, 4, 4, 7, log(5) / log(10), log(4) / log(10)], rtol=1e-14)


@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (6, 1), (20, 7), (7, 20)])
def test_norms_equal_numpys(shape):
    matrix = np.random.default_rng(sum(shape)).normal(size=shape)
    found = norms(matrix)
    np.testing.assert_allclose(found.frobenius, np.linalg.norm(matrix), rtol=1e-13)
    np.testing.assert_allclose(found.spectral, np.linalg.svd(matrix)[1][0], rtol=1e-12)
    np.testing.assert_allclose(found.l1_max, max(sum(abs(w) for w in row) for row in matrix), rtol=1e-13)
    np.testing.assert_allclose(found.l21, sum(sqrt(sum(w * w for w in row)) for row in matrix), rtol=1e-13)
    assert found.spectral <= found.frobenius * (1 + 1e-12)
    assert found.frobenius <= found.l21 * (1 + 1e-12) <= sqrt(shape[0]) * found.frobenius * (1 + 1e-10)


def test_blocks_do_not_change_the_norms(monkeypatch):
    w, w0 = np.random.default_rng(0).normal(size=(2, 50, 30))
    whole, moved = norms(w), distances(w, w0)
    x = np.random.default_rng(1).normal(size=(70, 30))
    seen = input_statistics(x, w0)
    monkeypatch.setattr(capacity, "_BLOCK_ROWS", 7)
    np.testing.assert_allclose(dataclasses.astuple(norms(w)), dataclasses.astuple(whole), rtol=1e-12)
    np.testing.assert_allclose(distances(w, w0).spectral, moved.spectral, rtol=1e-12)
    assert np.array_equal(distances(w, w0).unit_capacity, moved.unit_capacity)
    np.testing.assert_allclose(dataclasses.astuple(input_statistics(x, w0)), dataclasses.astuple(seen), rtol=1e-12)
    np.testing.assert_allclose(norms(w.T).spectral, whole.spectral, rtol=1e-12)


def test_distances_are_the_norms_of_the_difference():
    w, w0 = np.random.default_rng(2).normal(size=(2, 6, 9))
    found, difference = distances(w, w0), norms(w - w0)
    np.testing.assert_allclose(
        [found.frobenius, found.spectral, found.l21],
        [difference.frobenius, difference.spectral, difference.l21],
        rtol=1e-12,
    )
    np.testing.assert_allclose(found.unit_capacity, np.linalg.norm(w - w0, axis=1), rtol=1e-13)


def test_a_matrix_of_zeros_has_norm_0_and_logarithm_minus_infinity():
    found = norms(np.zeros((3, 2)))
    assert (found.frobenius, found.spectral, found.l1_max, found.l21) == (0, 0, 0, 0)
    assert found.log_frobenius == found.log_spectral == -np.inf
    assert distances(np.ones((2, 2)), np.ones((2, 2))).spectral == 0


@pytest.mark.parametrize("dtype", ["float16", "float32", "int8", "uint8", "bool"])
def test_any_real_dtype_is_computed_in_float64(dtype):
    matrix = np.array([[200, 0, 1], [0, 150, 1]]).astype(dtype)
    assert norms(matrix) == norms(matrix.astype(np.float64))
    assert distances(matrix, matrix[::-1]).frobenius == pytest.approx(
        np.linalg.norm(matrix.astype(float) - matrix[::-1].astype(float))  # uint8 would wrap round
    )


# --- path norm and spectral complexity, any depth ---


def enumerated_path_norm(weights, p):
    """Σ over all (input, unit, …, output) of the product of |w|^p, one path at a time."""
    sizes = [weights[0].shape[1], *(len(w) for w in weights)]
    total = 0.0
    for path in np.ndindex(*sizes):
        total += prod(abs(w[path[layer + 1], path[layer]]) ** p for layer, w in enumerate(weights))
    return total ** (1 / p)


@pytest.mark.parametrize("p", [1, 2, 3])
@pytest.mark.parametrize("sizes", [(3, 2), (4, 3, 2), (3, 4, 2, 3)])
def test_path_norm_equals_the_sum_over_paths(sizes, p):
    rng = np.random.default_rng(len(sizes))
    weights = [rng.normal(size=(after, before)) for before, after in zip(sizes[:-1], sizes[1:], strict=True)]
    np.testing.assert_allclose(path_norm(weights, p), enumerated_path_norm(weights, p), rtol=1e-12)


def test_path_norm_does_not_see_the_rescaling_of_a_relu_unit():
    (u, v), _ = two_layers(0)
    scales = np.random.default_rng(1).uniform(0.1, 10, len(u))
    np.testing.assert_allclose(path_norm([scales[:, None] * u, v / scales]), path_norm([u, v]), rtol=1e-12)
    assert path_norm([u, v]) <= norms(u).frobenius * norms(v).frobenius


def test_spectral_complexity_equals_the_paper_s_quotients():
    rng = np.random.default_rng(3)
    initial = [rng.normal(size=shape) for shape in [(5, 4), (6, 5), (2, 6)]]
    weights = [w + rng.normal(size=w.shape) for w in initial]
    spectral = [np.linalg.norm(w, 2) for w in weights]
    moved = [np.linalg.norm(w - w0, axis=1).sum() for w, w0 in zip(weights, initial, strict=True)]
    expected = prod(spectral) * sum((m / s) ** (2 / 3) for m, s in zip(moved, spectral, strict=True)) ** 1.5
    np.testing.assert_allclose(spectral_complexity(weights, initial), expected, rtol=1e-12)
    assert spectral_complexity(weights, weights) == 0


def test_spectral_complexity_of_a_zero_layer_is_defined():
    assert spectral_complexity([np.zeros((2, 2)), np.eye(2)], [np.eye(2), np.eye(2)]) == pytest.approx(2)


# --- the data's part ---


def test_input_statistics_equal_a_loop_over_samples():
    rng = np.random.default_rng(4)
    x, first = rng.normal(size=(30, 6)), rng.normal(size=(8, 6))
    found = input_statistics(x, first)
    squares = [sum(t * t for t in row) for row in x]
    hidden = [sum(max(0.0, float(unit @ row)) ** 2 for unit in first) for row in x]
    assert (found.samples, found.dimension, found.units) == (30, 6, 8)
    np.testing.assert_allclose(found.mean_square, sum(squares) / 30)
    np.testing.assert_allclose(found.max_norm, sqrt(max(squares)))
    np.testing.assert_allclose(found.mean_max_square, sum(max(abs(t) for t in row) ** 2 for row in x) / 30)
    np.testing.assert_allclose(found.hidden_square, sum(hidden) / 30)


def test_hidden_square_of_gaussian_inputs_is_half_of_the_initial_frobenius_norm():
    first = np.random.default_rng(5).normal(size=(20, 10))
    x = np.random.default_rng(6).normal(size=(20_000, 10))
    expected = (first**2).sum() / 2  # u·x ~ N(0, ‖u‖²), half of whose square lies above 0
    assert input_statistics(x, first).hidden_square == pytest.approx(expected, rel=0.03)


def test_margins_equal_a_loop():
    rng = np.random.default_rng(7)
    logits, labels = rng.normal(size=(50, 4)), rng.integers(0, 4, 50)
    expected = [
        row[y] - max(v for j, v in enumerate(row) if j != y) for row, y in zip(logits.tolist(), labels, strict=True)
    ]
    np.testing.assert_allclose(margins(logits, labels), expected, rtol=1e-14)
    assert np.array_equal(margins(logits, labels) > 0, logits.argmax(axis=1) == labels)


def test_margins_leave_the_logits_alone():
    logits = np.array([[1.0, 2.0]])
    assert margins(logits, np.array([0])).tolist() == [-1] and logits.tolist() == [[1, 2]]


# --- measures of a two-layer net ---


def twin(u, v, u0, v0, x, m, margin, delta):
    """The bounds as Neyshabur et al. 2019 compared them, spelled out for m samples whose means are those of x."""
    (h, d), c = u.shape, len(v)
    spec_u, spec_v = np.linalg.svd(u)[1][0], np.linalg.svd(v)[1][0]
    fro_u, fro_v = sqrt((u**2).sum()), sqrt((v**2).sum())
    dist_u, dist_v = sqrt(((u - u0) ** 2).sum()), sqrt(((v - v0) ** 2).sum())
    sum_u = sum(sqrt(((a - b) ** 2).sum()) for a, b in zip(u, u0, strict=True))
    sum_v = sum(sqrt(((a - b) ** 2).sum()) for a, b in zip(v, v0, strict=True))
    max_u, max_v = max(abs(row).sum() for row in u), max(abs(row).sum() for row in v)
    x2 = sum((row**2).sum() for row in x) / len(x)
    parameters = h * d + h + c * h + c

    vc = 2 + (2 * (h * d + h) + c * h + c) * log2(8 * e * (h + 2 * c) * log2(4 * e * (h + 2 * c)))
    bounds = {"vc": 8 * c * vc * log(e * max(m / vc, 1)) + 8 * log(2 / delta)}

    xmax = sum(max(abs(row)) ** 2 for row in x) / len(x)
    r = 8 * c * max_u * max_v * 2 * sqrt(log(d)) * sqrt(xmax) / margin
    bounds["l1_max"] = (r + 3 * sqrt(log(m / delta))) ** 2

    r = 8 * sqrt(c) * fro_u * fro_v * sqrt(x2) / margin
    bounds["frobenius"] = (r + 3 * sqrt(log(m / delta))) ** 2

    both = ((spec_v * sum_u) ** (2 / 3) + (spec_u * sum_v) ** (2 / 3)) ** (3 / 2)
    r = 144 * log(m) * log(2 * parameters) * (sqrt(x2) + 1 / sqrt(m)) * both / margin
    rest = 4.5 * log(1 / delta) + log(2 * m / margin) + 2 * log(2 + sqrt(m * x2))
    rest += 2 * (log(2 + 2 * dist_u) + log(2 + 2 * dist_v) + log(2 + 2 * spec_u) + log(2 + 2 * spec_v))
    bounds["spectral_l1"] = (r + sqrt(rest)) ** 2

    longest = max(sqrt((row**2).sum()) for row in x)
    r = 42 * 8 * spec_u * sqrt(log(8 * h)) * longest
    r *= sqrt(h * (spec_v * dist_u) ** 2 + c * (spec_u * dist_v) ** 2) / (sqrt(2) * margin)
    bounds["spectral_frobenius"] = r**2 + 6 * log(2 * m / delta)

    hidden = sum(sum((np.maximum(u0[j] @ row, 0)) ** 2 for row in x) / len(x) for j in range(h))
    r = 3 * sqrt(2) * (sqrt(2 * c) + 1) * (fro_v + 1) * (sqrt(hidden) + dist_u * sqrt(x2) + 1) / margin
    bounds["ours"] = (r + 3 * sqrt(5 * h + log(max(1, margin * sqrt(m)) / delta))) ** 2

    products = {
        "frobenius": fro_u * fro_v,
        "l1_max": max_u * max_v,
        "spectral_frobenius": sqrt(c) * spec_u * dist_v + sqrt(h) * spec_v * dist_u,
        "spectral_l1": spec_u * sum_v + spec_v * sum_u,
        "distance_frobenius": dist_u * fro_v + np.linalg.svd(u0)[1][0] * fro_v,
    }
    return bounds, products


@pytest.mark.parametrize(
    ("h", "d", "c", "m", "margin", "delta"),
    [
        (7, 5, 3, 40, 0.3, 0.01),
        (3, 12, 10, 25, 5.0, 0.1),
        (1, 2, 1, 10, 1.0, 0.5),
        (5, 3, 2, 40, 1e-3, 0.01),  # γ√m < 1
        (16, 4, 2, 2_000_000, 0.01, 0.01),  # more samples than VC dimension
    ],
)
def test_every_bound_and_product_equals_its_twin(h, d, c, m, margin, delta):
    (u, v), (u0, v0) = two_layers(h, h, d, c)
    x = np.random.default_rng(d).normal(size=(30, d))
    inputs = dataclasses.replace(input_statistics(x, u0), samples=m)
    expected, products = twin(u, v, u0, v0, x, m, margin, delta)
    found = measures([u, v], [u0, v0], margin, inputs, delta)
    for name in BOUNDS:
        np.testing.assert_allclose(getattr(found.bounds, name), expected[name], rtol=1e-10, err_msg=name)
    for name, value in products.items():
        np.testing.assert_allclose(getattr(found, name), value, rtol=1e-10, err_msg=name)
    np.testing.assert_allclose(found.unit_capacity, [np.linalg.norm(a - b) for a, b in zip(u, u0, strict=True)])
    np.testing.assert_allclose(found.unit_impact, [np.linalg.norm(v[:, i]) for i in range(h)])
    assert found.parameters == h * d + h + c * h + c and found.margin == margin


def test_weights_that_did_not_move_have_no_capacity_beyond_the_initial_net():
    (u, v), _ = two_layers(1)
    found = measures([u, v], [u, v], 1.0, statistics(0, [u]))
    assert not found.unit_capacity.any() and found.spectral_l1 == found.spectral_frobenius == 0
    assert found.distance_frobenius == pytest.approx(np.linalg.norm(u, 2) * np.linalg.norm(v))
    assert found.bounds.spectral_frobenius == pytest.approx(6 * log(2 * 40 / 0.01))  # R = 0


@pytest.mark.parametrize("name", [name for name in BOUNDS if name != "vc"])
def test_bounds_fall_with_the_margin_and_rise_with_the_weights(name):
    weights, initial = two_layers(2)
    inputs = statistics(1, initial)
    by_margin = [getattr(measures(weights, initial, g, inputs).bounds, name) for g in (0.1, 1, 10)]
    larger = [w0 + 2 * (w - w0) for w, w0 in zip(weights, initial, strict=True)]
    scaled = [3 * w for w in weights]
    here = getattr(measures(weights, initial, 1, inputs).bounds, name)
    assert by_margin[0] > by_margin[1] > by_margin[2]
    assert getattr(measures(scaled, initial, 1, inputs).bounds, name) > here
    if name not in ("l1_max", "frobenius"):  # these do not look at the initial weights
        assert getattr(measures(larger, initial, 1, inputs).bounds, name) > here


def test_the_vc_bound_sees_sizes_and_samples_only():
    (weights, initial), other = two_layers(3), two_layers(4)
    inputs = statistics(2, initial)
    here = measures(weights, initial, 0.1, inputs).bounds.vc
    assert here == measures(*other, 9.0, dataclasses.replace(inputs, mean_square=99.0)).bounds.vc
    more = measures(weights, initial, 0.1, dataclasses.replace(inputs, samples=10**7)).bounds.vc
    wider = measures(*two_layers(3, h=8), 0.1, statistics(2, two_layers(3, h=8)[1])).bounds.vc
    assert more > here and wider > here


def test_every_bound_rises_with_confidence():
    weights, initial = two_layers(5)
    inputs = statistics(3, initial)
    sure, unsure = (measures(weights, initial, 1, inputs, delta).bounds for delta in (0.001, 0.1))
    assert all(getattr(sure, name) > getattr(unsure, name) for name in BOUNDS)


def test_a_movement_shared_by_more_units_raises_the_spectral_bounds_and_not_ours():
    """β_i = 1/√h: Σβ_i = √h and √h‖ΔU‖_F = √h grow with the width, ‖ΔU‖_F = 1 does not; at small margins R² is all of a bound."""
    grown = {}
    for h in (64, 256):
        rng = np.random.default_rng(h)
        u0, v0 = rng.normal(size=(h, 20)) / sqrt(h), rng.normal(size=(3, h)) / sqrt(h)
        step = rng.normal(size=(h, 20))
        step /= np.linalg.norm(step, axis=1, keepdims=True) * sqrt(h)
        inputs = input_statistics(np.random.default_rng(0).normal(size=(1000, 20)), u0)
        grown[h] = measures([u0 + step, v0], [u0, v0], 0.01, inputs)
    assert grown[256].spectral_l1 / grown[64].spectral_l1 == pytest.approx(2, rel=0.25)
    assert grown[256].bounds.ours / grown[64].bounds.ours == pytest.approx(1, abs=0.1)
    assert grown[256].bounds.spectral_l1 / grown[64].bounds.spectral_l1 > 3
    assert grown[256].bounds.spectral_frobenius / grown[64].bounds.spectral_frobenius > 2


def test_without_inputs_there_are_no_bounds():
    weights, initial = two_layers(6)
    found, full = measures(weights, initial, 1.0), measures(weights, initial, 1.0, statistics(4, initial))
    assert found.bounds is None and full.bounds is not None
    assert found.frobenius == full.frobenius and np.array_equal(found.unit_capacity, full.unit_capacity)


# --- what is refused ---

GOOD, GOOD0 = two_layers(8)
INPUTS = Inputs(40, 5, 1.0, 2.0, 1.0, 1.0, 7)


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        (np.zeros((0, 3)), r"`units` must be a matrix, not empty.*\(0, 3\)"),
        (np.zeros((3, 0)), r"not empty.*\(3, 0\)"),
        (np.zeros(3), r"matrix.*\(3,\)"),
        (np.zeros((2, 2, 2)), "matrix"),
        (np.array([[1.0, np.nan]]), "finite.*1 of 2"),
        (np.array([[np.inf, -np.inf]]), "finite.*2 of 2"),
        (np.array([[1j]]), "real numbers.*complex"),
        (np.array([["a"]]), "real numbers"),
        (np.array([[None]]), "real numbers.*object"),
    ],
)
def test_bad_matrices(matrix, words):
    with pytest.raises(ValueError, match=words):
        norms(matrix)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"weights": GOOD[:1], "initial": GOOD0[:1]}, "one hidden layer.*Received: 1 matrices"),
        ({"weights": [*GOOD, np.eye(3)], "initial": [*GOOD0, np.eye(3)]}, "one hidden layer.*Received: 3 matrices"),
        ({"initial": GOOD0[:1]}, "Received: 2 and 1"),
        ({"initial": [GOOD0[0][:, :-1], GOOD0[1]]}, r"`initial\[0\]` must have the shape.*\(7, 5\).*\(7, 4\)"),
        ({"weights": [GOOD[0], GOOD[1].T], "initial": [GOOD0[0], GOOD0[1].T]}, r"`weights\[1\]` must have as many"),
        ({"weights": [GOOD[0], np.full((3, 7), np.nan)]}, r"`weights\[1\]` must be finite.*21 of 21"),
        ({"margin": 0.0}, "`margin` must be a positive number. Received: margin=0.0"),
        ({"margin": -1.0}, "`margin`"),
        ({"margin": np.nan}, "`margin`.*nan"),
        ({"margin": np.inf}, "`margin`.*inf"),
        ({"margin": 1e30}, "`margin` must not exceed.*m=40"),
        ({"delta": 0}, "`delta` must lie in"),
        ({"delta": 1}, "`delta`"),
        ({"delta": np.nan}, "`delta`"),
        ({"inputs": dataclasses.replace(INPUTS, dimension=6)}, "`inputs` must be of d=5 and h=7.*dimension=6"),
        ({"inputs": dataclasses.replace(INPUTS, units=8)}, "`inputs`.*units=8"),
    ],
)
def test_bad_arguments_of_measures(change, words):
    arguments = {"weights": GOOD, "initial": GOOD0, "margin": 1.0, "inputs": INPUTS} | change
    with pytest.raises(ValueError, match=words):
        measures(**arguments)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: distances(np.eye(2), np.eye(3)), r"`initial` must have the shape of `units`, \(2, 2\).*\(3, 3\)"),
        (lambda: path_norm([]), "`weights` must hold at least one matrix"),
        (lambda: path_norm([np.eye(2), np.eye(3)]), r"`weights\[1\]` must have as many columns.*2.*\(3, 3\)"),
        (lambda: path_norm([np.eye(2)], p=0.5), "`p` must be.*p=0.5"),
        (lambda: path_norm([np.eye(2)], p=np.nan), "`p`"),
        (lambda: spectral_complexity([], []), "at least one.*0 and 0"),
        (lambda: input_statistics(np.ones((2, 3)), np.ones((2, 4))), r"`x` must have the columns of `initial`, 4"),
        (lambda: input_statistics(np.ones((2, 3, 3)), np.ones((2, 9))), "`x` must be a matrix"),
        (lambda: input_statistics(np.ones((2, 3)), np.full((2, 3), np.nan)), "`initial` must be finite"),
        (lambda: margins(np.ones((2, 1)), np.zeros(2, int)), r"`logits` must have at least two columns.*\(2, 1\)"),
        (lambda: margins(np.ones((2, 3)), np.zeros(3, int)), r"`labels` must be integers of shape \(2,\).*\(3,\)"),
        (lambda: margins(np.ones((2, 3)), np.zeros(2)), "`labels` must be integers.*float64"),
        (lambda: margins(np.ones((2, 3)), np.array([0, 3])), r"`labels` must lie in \[0, 3\).*0 to 3"),
        (lambda: margins(np.ones((2, 3)), np.array([-1, 0])), "`labels` must lie"),
        (lambda: margins(np.full((2, 3), np.inf), np.zeros(2, int)), "`logits` must be finite"),
    ],
)
def test_bad_arguments_elsewhere(call, words):
    with pytest.raises(ValueError, match=words):
        call()
