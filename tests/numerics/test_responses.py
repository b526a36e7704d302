"""Responses of units: closed forms, a naive twin for each vectorised function, invariances, nulls, bad input."""

from math import sqrt

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score

from tfredundancy.numerics import responses
from tfredundancy.numerics.responses import (
    chunk_read_out,
    cka,
    compressibility,
    dead,
    flatten,
    match,
    merge,
    removable,
    repeated,
    selectivity,
    unchanged_labels,
)


def gaussian(seed, samples=40, units=12):
    return np.random.default_rng(seed).normal(size=(samples, units))


def mixed(seed, samples=40, units=12):
    """Responses that correlate, of different scales and means."""
    rng = np.random.default_rng(seed)
    return (
        gaussian(seed, samples, units // 2) @ rng.normal(size=(units // 2, units)) * 10 ** rng.uniform(-2, 2, units) + 5
    )


def pearson(a, b):
    """r of two lists, the textbook's sum of products."""
    a, b = [x - sum(a) / len(a) for x in a], [x - sum(b) / len(b) for x in b]
    return sum(x * y for x, y in zip(a, b, strict=True)) / sqrt(sum(x * x for x in a) * sum(y * y for y in b))


# --- rows of positions ---


def test_positions_become_rows_sample_by_sample():
    images = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    rows = flatten(images)
    assert rows.shape == (24, 5) and np.array_equal(rows[12 + 4 + 2], images[1, 1, 2])
    assert np.array_equal(flatten(rows), rows)
    assert flatten(np.zeros((0, 4, 3))).shape == (0, 3)


# --- dead units ---


def test_dead_units_are_silent_or_constant():
    array = np.array([[0, 1, 0.1, -0.0, 5], [0, 1, 0.1, 0.0, 6], [0, 1, 0.1, 0.0, 5]])
    found = dead(array)
    assert found.silent.tolist() == [True, False, False, True, False]
    assert found.constant.tolist() == [True, True, True, True, False]
    assert found.fraction == 0.8


def test_a_unit_that_responds_once_is_alive():
    array = np.zeros((1000, 2), np.float32)
    array[500, 1] = 1e-30
    assert dead(array).constant.tolist() == [True, False]


# --- repeated units ---


def naive_counts(array, threshold):
    columns = array.T.tolist()
    return [sum(abs(pearson(a, b)) >= threshold for b in columns if b is not a) for a in columns]


@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.5, 0.9])
def test_repeated_equals_its_twin(threshold):
    array = mixed(0)
    found = repeated(array, threshold)
    counts = naive_counts(array, threshold)
    assert found.counts.tolist() == counts
    assert found.mean == pytest.approx(np.mean(counts)) and found.fraction == np.mean(np.array(counts) > 0)
    assert (found.constant, found.threshold) == (0, threshold)


def test_blocks_do_not_change_the_counts(monkeypatch):
    array = np.hstack([mixed(1, 30, 40), np.ones((30, 3)), mixed(2, 30, 10)])
    whole = repeated(array)
    for size in (1, 7, 52):
        monkeypatch.setattr(responses, "_BLOCK_UNITS", size)
        np.testing.assert_array_equal(repeated(array).counts, whole.counts)


def test_equal_opposite_and_scaled_units_repeat_each_other_at_any_threshold():
    unit = gaussian(3, 50, 1)
    array = unit * [1.0, -1.0, 1e-6, 1e6, 1e-200] + [0.0, 3.0, 0.0, 1e6, 0.0]
    assert repeated(array, 1.0).counts.tolist() == [4] * 5


def test_orthogonal_units_repeat_nothing():
    angle = 2 * np.pi * np.arange(32) / 32
    waves = np.stack([np.cos(k * angle) for k in range(1, 9)], axis=1)
    found = repeated(waves, 0.01)
    assert (found.fraction, found.mean) == (0, 0)


@pytest.mark.parametrize("scale", [1.0, 1e-8, 1e8])
def test_constant_units_are_left_out_and_counted(scale):
    unit = gaussian(4, 30, 1)
    found = repeated(scale * np.hstack([unit, np.full((30, 2), 0.1), unit, gaussian(5, 30, 1)]), 0.9)
    np.testing.assert_array_equal(found.counts, [1, np.nan, np.nan, 1, 0])
    assert (found.constant, found.fraction, found.mean) == (2, 2 / 3, 2 / 3)


def test_constant_units_only():
    found = repeated(np.ones((5, 3)))
    assert (
        np.isnan(found.counts).all()
        and np.isnan([found.fraction, found.mean, found.null]).all()
        and found.constant == 3
    )


def test_null_of_independent_responses_is_what_they_have():
    counts, nulls = [], []
    for seed in range(20):
        found = repeated(gaussian(seed, 10, 100))
        counts.append(found.mean)
        nulls.append(found.null)
    assert nulls[0] == pytest.approx(
        99 * 0.1411, rel=1e-3
    )  # P(|r| ≥ 0.5) of 10 samples: t = 1.633, 8 degrees of freedom
    assert np.mean(counts) == pytest.approx(nulls[0], rel=0.03)


def test_a_lower_threshold_never_counts_fewer():
    array = mixed(6)
    counts = np.array([repeated(array, threshold).counts for threshold in (0.2, 0.4, 0.6, 0.8)])
    assert (np.diff(counts, axis=0) <= 0).all()


@pytest.mark.parametrize("dtype", ["float16", "float32", "int8"])
def test_repeated_of_other_dtypes(dtype):
    array = (10 * mixed(7, 30, 6) / np.abs(mixed(7, 30, 6)).max(axis=0)).astype(dtype)
    np.testing.assert_array_equal(repeated(array).counts, repeated(array.astype(np.float64)).counts)


# --- removable units ---


def test_unchanged_labels_equal_a_count():
    rng = np.random.default_rng(8)
    before, after = rng.integers(0, 3, 20), rng.integers(0, 3, (2, 4, 20))
    found = unchanged_labels(before, after)
    assert found.shape == (2, 4)
    assert found[1, 2] == sum(a == b for a, b in zip(before, after[1, 2], strict=True)) / 20
    assert unchanged_labels(before, before) == 1


def test_wrong_labels_that_stay_wrong_are_unchanged():
    assert unchanged_labels(np.array([9, 9]), np.array([9, 0])) == 0.5


@pytest.mark.parametrize(
    ("curve", "expected"),
    [
        ([1, 1, 0], 0.6),  # from (0.5, 1) down to (1, 0): 0.8 at a fifth of the way
        ([1, 0.9, 0.7], 0.75),
        ([1, 0.8, 0.6], 0.5),  # reached on a node
        ([1, 0.8, 0.8], 1.0),  # reached, never crossed
        ([1, 1, 1], 1.0),
        ([1, 0, 1], 0.1),  # the first crossing counts
        ([0.8, 0.6, 0.0], 0.0),
        ([0.9, 0.7, 0.8], 0.25),
    ],
)
def test_removable_interpolates_the_first_crossing(curve, expected):
    assert removable(np.array(curve), np.array([0, 0.5, 1])) == pytest.approx(expected, abs=1e-12)


def test_removable_of_repeats_is_that_of_their_mean():
    fractions = np.linspace(0, 1, 7)  # Casper's
    curves = np.sort(np.random.default_rng(9).random((3, 7)), axis=1)[:, ::-1].copy()
    curves[:, 0] = 1
    assert removable(curves, fractions) == pytest.approx(removable(curves.mean(axis=0), fractions))


@pytest.mark.parametrize("steepness", [1, 2, 5])
def test_removable_of_a_dense_curve_is_its_inverse(steepness):
    fractions = np.linspace(0, 1, 2001)
    assert removable((1 - fractions) ** steepness, fractions) == pytest.approx(1 - 0.8 ** (1 / steepness), abs=1e-6)


def test_a_lower_threshold_lets_more_units_go():
    fractions, curve = np.linspace(0, 1, 7), np.array([1, 0.95, 0.9, 0.7, 0.5, 0.3, 0.1])
    found = [removable(curve, fractions, threshold) for threshold in (0.95, 0.8, 0.5, 0.2, 0.05)]
    assert found == sorted(found) and found[0] == pytest.approx(1 / 6) and found[-1] == 1


# --- principal components ---


@pytest.mark.parametrize("shape", [(60, 10), (10, 60), (30, 30)])
def test_compressibility_equals_sklearns_pca(shape):
    array = np.random.default_rng(10).normal(size=shape) * 0.7 ** np.arange(shape[1]) + 3
    found, pca = compressibility(array), PCA().fit(array)
    np.testing.assert_allclose(found.variances, pca.explained_variance_, rtol=1e-6, atol=1e-12)
    reached = np.cumsum(pca.explained_variance_ratio_)
    expected = [next(k for k in range(1, 99) if reached[k - 1] >= share) for share in (0.95, 0.8)]
    assert [found.components_95, found.components_80] == expected
    assert found.compressible == 1 - expected[0] / shape[1] and found.units == shape[1]


def test_equal_variances_in_orthogonal_directions_need_their_share_of_components():
    found = compressibility(np.vstack([np.eye(20), -np.eye(20)]))
    assert (found.components_95, found.components_80) == (19, 16)


def test_copies_of_one_unit_need_one_component_and_constants_none():
    assert compressibility(gaussian(11, 30, 1) * np.arange(1, 9)).components_95 == 1
    found = compressibility(np.full((7, 4), 0.1))
    assert (found.components_95, found.components_80, found.compressible) == (0, 0, 1)


# --- selectivity ---


def test_selectivity_equals_its_twin():
    rng = np.random.default_rng(12)
    array, labels = np.maximum(gaussian(12, 60, 9), 0), rng.integers(3, 7, 60) ** 2
    expected = []
    for unit in array.T:
        means = {c: np.mean(unit[labels == c]) for c in set(labels.tolist())}
        best = max(means, key=means.get)
        other = np.mean(unit[labels != best])
        expected.append((means[best] - other) / (means[best] + other))
    found = selectivity(array, labels)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert (found >= 0).all() and (found <= 1).all()


def test_selectivity_of_grandmother_indifferent_silent_and_negative_units():
    array = np.array([[5.0, 2.0, 0.0, 1.0], [0.0, 2.0, 0.0, -1.0], [0.0, 2.0, 0.0, 1.0]])
    np.testing.assert_array_equal(selectivity(array, np.array([7, 8, 9])), [1, 0, np.nan, np.nan])


# --- CKA ---


def gram_cka(x, y, debiased):
    """By n × n Gram matrices and the definitions: Gretton's HSIC with the centring matrix, Song's with zero diagonals."""
    n, k, m = len(x), x @ x.T, y @ y.T
    if not debiased:
        h = np.eye(n) - 1 / n

        def hsic(a, b):
            return np.trace(a @ h @ b @ h) / (n - 1) ** 2
    else:
        k, m = k - np.diag(np.diag(k)), m - np.diag(np.diag(m))
        one = np.ones(n)

        def hsic(a, b):
            product = np.trace(a @ b) + (one @ a @ one) * (one @ b @ one) / ((n - 1) * (n - 2))
            return (product - 2 / (n - 2) * (one @ a @ b @ one)) / (n * (n - 3))

    return hsic(k, m) / sqrt(hsic(k, k) * hsic(m, m))


@pytest.mark.parametrize("debiased", [True, False])
@pytest.mark.parametrize("shapes", [(30, 5, 8), (10, 20, 30), (12, 2, 50), (4, 3, 3)])
def test_cka_equals_its_twin_in_feature_and_sample_space(shapes, debiased):
    n, p, q = shapes
    x, y = gaussian(n, n, p) + 2, mixed(p, n, 2 * q)[:, :q]
    assert cka(x, y, debiased) == pytest.approx(gram_cka(x, y, debiased), rel=1e-8, abs=1e-10)


@pytest.mark.parametrize("debiased", [True, False])
def test_cka_is_the_same_whether_rotated_scaled_shifted_or_swapped(debiased):
    x, y = gaussian(13, 40, 6), mixed(14, 40, 8)
    rotation = np.linalg.qr(gaussian(15, 6, 6))[0]
    here = cka(x, y, debiased)
    assert cka(x, x, debiased) == pytest.approx(1, abs=1e-12)
    assert cka(x @ rotation, y, debiased) == pytest.approx(here, abs=1e-12)
    assert cka(x @ rotation, x, debiased) == pytest.approx(1, abs=1e-12)
    assert cka(-1e-150 * x, 1e150 * y, debiased) == pytest.approx(here, abs=1e-12)
    assert cka(x + 7, y, debiased) == pytest.approx(here, abs=1e-9)
    assert cka(y, x, debiased) == pytest.approx(here, abs=1e-12)
    assert cka(x[::-1], y[::-1], debiased) == pytest.approx(here, abs=1e-12)


def test_cka_does_see_another_linear_map():
    x = gaussian(16, 200, 6)
    assert cka(x, x * [10, 1, 1, 1, 1, 1]) < 0.8


def test_biased_cka_of_independent_features_is_011_and_debiased_0():
    rng = np.random.default_rng(17)
    pairs = [rng.normal(size=(2, 500, 64)) for _ in range(10)]
    biased, debiased = ([cka(x, y, flag) for x, y in pairs] for flag in (False, True))
    assert np.mean(biased) == pytest.approx(0.128 / 1.128, abs=0.003)  # (d/n) / (1 + d/n); the reference measured 0.112
    # the cosine of n(n−1)/2 pairs' entries: sd √2/n = 0.0028
    assert abs(np.mean(debiased)) < 4 * 0.0028 / sqrt(10) and np.abs(debiased).max() < 4 * 0.0028


def test_more_shared_signal_means_more_cka():
    shared = gaussian(18, 200, 10)
    found = [cka(shared + sd * gaussian(19, 200, 10), shared + sd * gaussian(20, 200, 10)) for sd in (0.1, 1, 10)]
    assert found[0] > 0.9 > found[1] > found[2]


# --- random chunks ---


def naive_chunk(array, chunk):
    """Doimo's definitions by scikit-learn's ridge and NumPy's covariance."""
    ridge = Ridge(1e-8, solver="svd").fit(array[:, chunk], array)
    predicted = ridge.predict(array[:, chunk])
    covariance = np.cov((array - predicted).T)
    correlations = []
    for i in range(len(covariance)):
        for j in range(i):
            norm = sqrt(covariance[i, i] * covariance[j, j]) + 1e-8
            correlations.append(abs(covariance[i, j]) / norm)
    return r2_score(array, predicted, multioutput="variance_weighted"), np.mean(correlations)


@pytest.mark.parametrize(("size", "scale"), [(1, 1), (4, 1), (9, 1), (4, 1e-5)])  # the last: as small as the penalty
def test_chunks_equal_sklearns_ridge(size, scale):
    array = scale * (gaussian(21, 80, 5) @ gaussian(22, 5, 10) + 0.3 * gaussian(23, 80, 10) + 1)
    labels, classifier, bias = np.arange(80) % 3, gaussian(24, 3, 10), np.array([0.5, 0.0, -1.0])
    found = chunk_read_out(array, size, np.random.default_rng(25), 6, classifier, bias, labels)
    rng = np.random.default_rng(25)
    for draw in range(6):
        chunk = rng.choice(10, size, replace=False)
        r2, correlation = naive_chunk(array, chunk)
        assert found.r2[draw] == pytest.approx(r2, abs=1e-9)
        assert found.residual_correlation[draw] == pytest.approx(correlation, rel=1e-6, abs=1e-9)
        right = [np.argmax([w[chunk] @ row[chunk] + b for w, b in zip(classifier, bias, strict=True)]) for row in array]
        assert found.accuracy[draw] == np.mean(np.array(right) == labels)
    assert found.size == size


def test_a_layer_of_clones_is_read_from_chunks_and_one_of_independent_units_is_not():
    signal = gaussian(26, 500, 4)
    clones = np.repeat(signal, 16, axis=1) + 0.01 * gaussian(27, 500, 64)
    redundant = chunk_read_out(clones, 32, np.random.default_rng(0), 5)
    alone = chunk_read_out(gaussian(28, 500, 64), 32, np.random.default_rng(0), 5)
    assert redundant.r2.min() > 0.999 and redundant.residual_correlation.max() < 0.05
    # half of the variance is the chunk's own; of the rest chance gives 32/499
    assert alone.r2.mean() == pytest.approx(0.5 + 0.5 * 32 / 499, abs=0.02)


def test_all_units_together_read_everything():
    array, labels, classifier = gaussian(29, 50, 6), np.arange(50) % 2, gaussian(30, 2, 6)
    found = chunk_read_out(array, 6, np.random.default_rng(0), 2, classifier, labels=labels)
    np.testing.assert_allclose(found.r2, 1, atol=1e-12)
    assert (found.accuracy == ((array @ classifier.T).argmax(axis=1) == labels).mean()).all()


def test_larger_chunks_tell_more():
    array = gaussian(31, 300, 8) @ gaussian(32, 8, 40) + gaussian(33, 300, 40)
    found = [chunk_read_out(array, size, np.random.default_rng(1), 10).r2.mean() for size in (2, 5, 10, 20, 40)]
    assert found == sorted(found)


def test_error_of_chunks_that_only_lack_noise_falls_like_the_root_of_their_size():
    """Every unit is the class signal with noise of its own: the chunk's logit gap is w(±1 + noise/√w)."""
    rng = np.random.default_rng(34)
    labels = np.arange(4000) % 2
    array = (2 * labels - 1)[:, None] + 4 * rng.normal(size=(4000, 256))
    classifier = np.vstack([-np.ones(256), np.ones(256)])
    error = [1 - chunk_read_out(array, w, rng, 3, classifier, labels=labels).accuracy.mean() for w in (4, 16, 64)]
    # P(N(0, 1) > √w/4) = 0.309, 0.159, 0.023
    np.testing.assert_allclose(error, [0.309, 0.159, 0.023], atol=0.02)


def test_repeated_and_constant_units_do_not_trouble_the_ridge():
    array = np.hstack([1e4 * np.repeat(gaussian(35, 30, 2), 4, axis=1), np.ones((30, 2))])
    found = chunk_read_out(array, 9, np.random.default_rng(2), 3)
    np.testing.assert_allclose(found.r2, 1, atol=1e-9)
    assert np.isfinite(found.residual_correlation).all()


# --- matching to a teacher ---


def test_match_equals_its_twin():
    teacher, student, initial = gaussian(36, 25, 4), gaussian(37, 25, 7), gaussian(38, 25, 7)
    found = match(teacher, student, initial)
    for t, goal in enumerate(teacher.T.tolist()):
        now, then = ([pearson(goal, unit) for unit in acts.T.tolist()] for acts in (student, initial))
        best = max(range(7), key=now.__getitem__)
        assert found.best[t] == best and found.correlation[t] == pytest.approx(now[best])
        assert found.initial_rank[t] == sorted(then, reverse=True).index(then[best])
    assert found.mean == pytest.approx(found.correlation.mean()) and found.teacher.tolist() == [0, 1, 2, 3]


def test_a_permuted_noisy_copy_is_found():
    teacher = gaussian(39, 200, 10)
    order = np.random.default_rng(40).permutation(30)
    student = np.hstack([3 * teacher + 0.01 * gaussian(41, 200, 10) - 5, gaussian(42, 200, 20)])[:, order]
    found = match(teacher, student)
    assert (order[found.best] == np.arange(10)).all() and found.mean > 0.999 and found.initial_rank is None


def test_an_opposite_unit_is_no_match():
    teacher = gaussian(43, 50, 1)
    assert match(teacher, np.hstack([-teacher, gaussian(44, 50, 1)])).best.tolist() == [1]


def test_the_winner_that_led_from_the_start_has_rank_0():
    teacher = gaussian(45, 50, 3)
    student = np.hstack([teacher, gaussian(46, 50, 5)])
    assert match(teacher, student, student).initial_rank.tolist() == [0, 0, 0]
    assert match(teacher, student, np.roll(student, 1, axis=1)).initial_rank.min() > 0


def test_constant_units_of_teacher_and_student_are_left_out():
    teacher, student = gaussian(47, 20, 3), gaussian(48, 20, 4)
    teacher[:, 1], student[:, 0] = 0.1, -7
    initial = gaussian(49, 20, 4)
    found = match(teacher, student, initial)
    assert found.teacher.tolist() == [0, 2] and (found.constant_teacher, found.constant_student) == (1, 1)
    assert (found.best > 0).all()
    initial[:, found.best[0]] = 0
    assert np.isnan(match(teacher, student, initial).initial_rank[0])
    assert np.isnan(match(teacher, student, np.ones_like(student)).initial_rank).all()


# --- groups of twins ---


def test_merge_equals_a_loop():
    rng = np.random.default_rng(50)
    groups, outgoing = rng.integers(0, 5, 30) * 10, rng.normal(size=(30, 4))
    found = merge(groups, outgoing)
    for g, total, size, left in zip(found.groups, found.outgoing, found.sizes, found.left, strict=True):
        members = [a for group, a in zip(groups, outgoing, strict=True) if group == g]
        np.testing.assert_allclose(total, sum(members))
        assert size == len(members)
        assert left == pytest.approx(np.linalg.norm(sum(members)) / sum(np.linalg.norm(a) for a in members))
    np.testing.assert_array_equal(found.zero, found.left <= 0.05)


def test_merging_equal_relu_units_keeps_the_function():
    rng = np.random.default_rng(51)
    directions, groups = rng.normal(size=(3, 6)), np.array([0, 1, 2, 0, 1, 0])
    lengths, outgoing, x = rng.uniform(0.5, 2, 6), rng.normal(size=(6, 2)), rng.normal(size=(10, 6))
    units = lengths[:, None] * directions[groups]
    merged = merge(groups, lengths[:, None] * outgoing)
    np.testing.assert_allclose(
        np.maximum(x @ directions.T, 0) @ merged.outgoing, np.maximum(x @ units.T, 0) @ outgoing, rtol=1e-10
    )


def test_units_without_outgoing_weights_are_zero_type():
    found = merge(np.array([0, 0, 1]), np.array([[0.0], [0.0], [2.0]]))
    np.testing.assert_array_equal(found.left, [np.nan, 1])
    assert found.zero.tolist() == [True, False]


# --- what is refused ---

BAD = [
    (np.zeros((0, 3)), r"not empty.*\(0, 3\)"),
    (np.zeros((9, 0)), r"not empty.*\(9, 0\)"),
    (np.zeros((1, 3)), r"at least \d rows.*\(1, 3\)"),
    (np.zeros(9), r"matrix.*\(9,\)"),
    (np.zeros((9, 2, 2, 3)), r"matrix.*\(9, 2, 2, 3\)"),
    (np.where(np.eye(9) > 0, np.nan, 1.0), "finite.*9 of 81"),
    (np.where(np.eye(9) > 0, np.inf, 1.0), "finite.*9 of 81"),
    (np.ones((9, 2)) * 1j, "real numbers.*complex"),
    (np.full((9, 2), "a"), "real numbers"),
    (np.full((9, 2), None), "real numbers.*object"),
]


@pytest.mark.parametrize(("array", "words"), BAD)
@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("activations", dead),
        ("activations", repeated),
        ("activations", compressibility),
        ("activations", lambda a: selectivity(a, np.arange(len(a)))),
        ("activations", lambda a: chunk_read_out(a, 1, np.random.default_rng(0))),
        ("x", lambda a: cka(a, gaussian(0, 9))),
        ("y", lambda a: cka(gaussian(0, 9), a, debiased=False)),
        ("teacher", lambda a: match(a, gaussian(0, 9))),
        ("student", lambda a: match(gaussian(0, 9), a)),
    ],
)
def test_bad_responses_are_named(name, call, array, words):
    with pytest.raises(ValueError, match=f"`{name}` must.*{words}"):
        call(array)


X = gaussian(0, 9, 4)
RNG = np.random.default_rng(0)
AT = np.array([0.0, 0.5, 1.0])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: flatten(np.zeros(3)), r"`activations` must be.*\(3,\)"),
        (lambda: repeated(X, 0), r"`threshold` must lie in \(0, 1\].*threshold=0"),
        (lambda: repeated(X, 1.5), "`threshold`"),
        (lambda: repeated(X, np.nan), "`threshold`.*nan"),
        (lambda: repeated(X[:2]), r"at least 3 rows.*\(2, 4\)"),
        (lambda: unchanged_labels(np.zeros(0), np.zeros(0)), r"not empty.*\(0,\)"),
        (lambda: unchanged_labels(np.zeros(3), np.zeros(4)), r"\(3,\) and \(4,\)"),
        (lambda: unchanged_labels(np.zeros((3, 2)), np.zeros((3, 2))), "`before`"),
        (lambda: unchanged_labels(np.zeros(3), np.array(0)), "`after`"),
        (lambda: removable(np.ones(3), np.array([0, 0.5, 0.9])), "`fractions` must increase from 0 to 1"),
        (lambda: removable(np.ones(3), np.array([0.1, 0.5, 1])), "`fractions`"),
        (lambda: removable(np.ones(3), np.array([0, 0, 1])), "`fractions`"),
        (lambda: removable(np.ones(3), np.array([0, np.nan, 1])), "`fractions`.*nan"),
        (lambda: removable(np.ones(0), np.ones(0)), "`fractions`"),
        (lambda: removable(np.ones(2), AT), r"`unchanged` must be \(repeats, 3\).*\(2,\)"),
        (lambda: removable(np.ones((0, 3)), AT), r"`unchanged`.*\(0, 3\)"),
        (lambda: removable(np.ones((1, 1, 3)), AT), "`unchanged`"),
        (lambda: removable(np.array([1, np.nan, 0]), AT), r"`unchanged` must lie in \[0, 1\].*nan"),
        (lambda: removable(np.array([100, 90, 0]), AT), r"`unchanged` must lie in \[0, 1\]"),
        (lambda: removable(np.array([0.7, 0.9, 0]), AT), "`unchanged` must be at least 0.8 where no unit.*0.7"),
        (lambda: removable(np.ones(3), AT, 0), "`threshold`"),
        (lambda: selectivity(X, np.zeros(9, int)), r"`labels` must hold at least two classes.*\[0\]"),
        (lambda: selectivity(X, np.zeros(8, int)), r"`labels` must be integers of shape \(9,\).*\(8,\)"),
        (lambda: selectivity(X, np.zeros(9)), "`labels` must be integers.*float64"),
        (lambda: cka(X, X[:8]), "same samples.*9 and 8"),
        (lambda: cka(X[:3], X[:3]), r"`x` must be a matrix of at least 4 rows.*\(3, 4\)"),
        (lambda: cka(np.full((9, 2), 0.1), X), "`x` must vary.*2 constant"),
        (lambda: cka(X, np.full((9, 2), 0.1), debiased=False), "`y` must vary"),
        (lambda: cka(X, np.eye(9)), "`y` must not place all samples equally far.*9 samples"),
        (lambda: chunk_read_out(X, 0, RNG), r"`size` must lie in \[1, 4\]. Received: size=0"),
        (lambda: chunk_read_out(X, 5, RNG), "size=5"),
        (lambda: chunk_read_out(X[:, :1], 1, RNG), "at least two units.*1"),
        (lambda: chunk_read_out(X, 1, RNG, draws=0), "`draws` must be at least 1"),
        (lambda: chunk_read_out(np.full((9, 3), 0.1), 1, RNG), "`activations` must vary.*3 constant"),
        (lambda: chunk_read_out(X, 1, RNG, classifier=np.eye(4)), "`classifier` and `labels` go together"),
        (lambda: chunk_read_out(X, 1, RNG, labels=np.zeros(9, int)), "go together"),
        (lambda: chunk_read_out(X, 1, RNG, bias=np.zeros(4)), "go together"),
        (
            lambda: chunk_read_out(X, 1, RNG, 1, np.eye(3), None, np.zeros(9, int)),
            r"`classifier` must be \(classes, 4\)",
        ),
        (
            lambda: chunk_read_out(X, 1, RNG, 1, np.eye(4), np.zeros(3), np.zeros(9, int)),
            r"`bias` must be \(4,\).*\(3,\)",
        ),
        (lambda: chunk_read_out(X, 1, RNG, 1, np.eye(4), None, np.zeros(9)), "`labels` must be integers"),
        (lambda: match(X, X[:8]), "same samples.*9 and 8"),
        (lambda: match(np.ones((9, 2)), X), "each have a unit that varies"),
        (lambda: match(X, np.ones((9, 2))), "each have a unit that varies"),
        (lambda: match(X, X, X[:, :3]), r"`initial` must have the shape of `student`, \(9, 4\).*\(9, 3\)"),
        (lambda: match(X, X, np.full_like(X, np.nan)), "`initial` must be finite"),
        (lambda: match(X[:2], X[:2]), "at least 3 rows"),
        (lambda: merge(np.zeros(2, int), np.ones((3, 1))), r"`groups` must be integers of shape \(3,\).*\(2,\)"),
        (lambda: merge(np.zeros(3, int), np.ones(3)), "`outgoing` must be a matrix"),
        (lambda: merge(np.zeros(3, int), np.ones((3, 1)), -0.1), r"`tolerance` must lie in \[0, 1\]"),
    ],
)
def test_bad_arguments(call, words):
    with pytest.raises(ValueError, match=words):
        call()
