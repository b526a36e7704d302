"""Neural collapse of constructed features in closed form, a twin with explicit matrices, laws and bad input."""

import numpy as np
import pytest

from tfredundancy.numerics.collapse import measures


def simplex(classes, d, radius=1.0):
    """Rows of norm `radius`, every two at cosine −1/(K−1), in the first K coordinates of R^d."""
    corners = np.eye(classes) - 1 / classes
    corners *= radius / np.linalg.norm(corners[0])
    return np.hstack([corners, np.zeros((classes, d - classes))])


def noisy(means, per_class, sd, seed):
    labels = np.repeat(np.arange(len(means)), per_class)
    noise = np.random.default_rng(seed).normal(0, sd, (len(labels), means.shape[1]))
    return means[labels] + noise, labels


# --- closed forms ---


def test_a_collapsed_net_has_zeros_everywhere():
    means = simplex(5, 8, radius=3)
    labels = np.repeat(np.arange(5), 4)
    found = measures(means[labels] + 7.0, labels, 0.2 * means, bias=-7.0 * 0.2 * means.sum(axis=1))
    close = [found.nc1, found.nc3, found.nc4, found.cdnv]
    for part in (found.nc2_means, found.nc2_classifier):
        close += [part.norm_variation, part.cosine_sd, part.distance]
    np.testing.assert_allclose(close, 0, atol=1e-14)


def test_nc1_and_cdnv_of_a_simplex_with_gaussian_noise():
    classes, d, radius, sd, per_class = 10, 64, 5.0, 1.0, 2000
    means = simplex(classes, d, radius)
    found = measures(*noisy(means, per_class, sd, 0), means)
    nc1 = sd**2 * (classes - 1) ** 2 / (radius**2 * classes)
    cdnv = d * sd**2 / (2 * radius**2 * classes / (classes - 1))  # ‖μ_i − μ_j‖² = 2r²K/(K−1)
    assert nc1 == pytest.approx(0.324)
    # 9 · 20,000 squares: relative sd 0.33 %. Means of 2,000 raise Σ_B by 64/2000/(10 · 25/9) = 0.1 %, and lower Σ_W by 0.05 %
    assert found.nc1 == pytest.approx(nc1, rel=0.015)
    assert found.cdnv == pytest.approx(cdnv, rel=0.01)


def test_nc1_of_few_samples_as_measured_in_the_reference():
    means = simplex(10, 64, 5.0)
    draws = [measures(*noisy(means, 200, 1.0, seed), means).nc1 for seed in range(10)]
    # Σ_W loses 1/200; the noise of means adds 64 · (1/200)/10 to eigenvalues 25/9 of Σ_B, on average
    assert np.mean(draws) == pytest.approx(0.324 * (1 - 1 / 200) / (1 + 0.032 * 9 / 25), rel=0.01)


def test_nc3_of_opposite_and_orthogonal_classifiers():
    means = simplex(4, 8)
    features, labels = noisy(means, 3, 0.0, 0)
    assert measures(features, labels, 5 * means).nc3 == pytest.approx(0, abs=1e-14)
    assert measures(features, labels, -means).nc3 == pytest.approx(4)
    assert measures(features, labels, np.roll(means, 4, axis=1)).nc3 == pytest.approx(2)


def test_nc2_of_orthogonal_rows():
    features, labels = noisy(simplex(4, 6), 2, 0.0, 0)
    classifier = np.diag([1.0, 2.0, 3.0, 4.0]) @ np.eye(4, 6)
    found = measures(features, labels, classifier).nc2_classifier
    assert found.norm_variation == pytest.approx(np.sqrt(1.25) / 2.5)  # 1, 2, 3, 4: mean 2.5, variance 1.25
    assert (found.cosine_sd, found.distance) == (0, pytest.approx(1 / 3))


def test_nc4_counts_samples_that_the_bias_pulls_over():
    features, labels = np.array([[-3.0], [-1.0], [1.0], [3.0]]), np.array([0, 0, 1, 1])
    classifier = np.array([[-1.0], [1.0]])
    assert measures(features, labels, classifier).nc4 == 0
    assert measures(features, labels, classifier, np.array([0.0, 4.0])).nc4 == 0.25  # −1 goes over: logits 1 and 3
    assert measures(features, labels, classifier, np.array([0.0, 9.0])).nc4 == 0.5
    assert measures(features, labels, -classifier).nc4 == 1


# --- a twin with explicit matrices ---


def twin(h, y, w, bias):
    """Definitions, one sum at a time, with d × d matrices and a pseudo-inverse."""
    classes, d = len(w), h.shape[1]
    members = [[row for row, label in zip(h, y, strict=True) if label == c] for c in range(classes)]
    mu = [sum(rows) / len(rows) for rows in members]
    centre = sum(mu) / classes
    within, between, variances = np.zeros((d, d)), np.zeros((d, d)), []
    for c in range(classes):
        between += np.outer(mu[c] - centre, mu[c] - centre) / classes
        within += sum(np.outer(row - mu[c], row - mu[c]) for row in members[c]) / len(members[c]) / classes
        variances.append(sum(((row - mu[c]) ** 2).sum() for row in members[c]) / len(members[c]))
    pairs = [(i, j) for i in range(classes) for j in range(classes) if i < j]

    def simplex_of(rows):
        lengths = [np.sqrt((row**2).sum()) for row in rows]
        cosines = [rows[i] @ rows[j] / lengths[i] / lengths[j] for i, j in pairs]
        return [
            np.std(lengths) / np.mean(lengths),
            np.std(cosines),
            np.mean([abs(c + 1 / (classes - 1)) for c in cosines]),
        ]

    m = np.array([one - centre for one in mu])
    disagree = 0
    for row in h:
        nearest = min(range(classes), key=lambda c: ((row - mu[c]) ** 2).sum())
        disagree += int(np.argmax(w @ row + bias)) != nearest
    cdnv = [(variances[i] + variances[j]) / (2 * ((mu[i] - mu[j]) ** 2).sum()) for i, j in pairs]
    return {
        "nc1": np.trace(within @ np.linalg.pinv(between, rcond=1e-10)) / classes,
        "means": simplex_of(m),
        "classifier": simplex_of(w),
        "nc3": ((w / np.sqrt((w**2).sum()) - m / np.sqrt((m**2).sum())) ** 2).sum(),
        "nc4": disagree / len(h),
        "cdnv": np.mean(cdnv),
        "pairs": {pair: value for pair, value in zip(pairs, cdnv, strict=True)},
    }


@pytest.mark.parametrize(("classes", "d", "samples"), [(2, 1, 9), (3, 5, 40), (6, 3, 50), (4, 30, 20)])
def test_equals_its_twin_on_classes_of_unequal_size(classes, d, samples):
    rng = np.random.default_rng(samples)
    labels = np.concatenate([np.arange(classes), rng.integers(0, classes, samples - classes) ** 2 % classes])
    features = rng.normal(size=(samples, d)) + rng.normal(size=(classes, d))[labels] + 2
    classifier, bias = rng.normal(size=(classes, d)), rng.normal(size=classes)
    found, expected = measures(features, labels, classifier, bias), twin(features, labels, classifier, bias)
    for name in ("nc1", "nc3", "nc4", "cdnv"):
        np.testing.assert_allclose(getattr(found, name), expected[name], rtol=1e-9, err_msg=name)
    for part, name in ((found.nc2_means, "means"), (found.nc2_classifier, "classifier")):
        numbers = [part.norm_variation, part.cosine_sd, part.distance]
        np.testing.assert_allclose(numbers, expected[name], rtol=1e-9, atol=1e-14)
    for (i, j), value in expected["pairs"].items():
        np.testing.assert_allclose([found.cdnv_pairs[i, j], found.cdnv_pairs[j, i]], value, rtol=1e-9)
    assert np.isnan(np.diag(found.cdnv_pairs)).all()


# --- laws ---


def random_case(seed, classes=4, d=6, samples=60):
    rng = np.random.default_rng(seed)
    labels = np.arange(samples) % classes
    return (
        rng.normal(size=(samples, d)) + 2 * rng.normal(size=(classes, d))[labels],
        labels,
        rng.normal(size=(classes, d)),
    )


def numbers(found):
    parts = (found.nc2_means, found.nc2_classifier)
    simplices = [value for part in parts for value in (part.norm_variation, part.cosine_sd, part.distance)]
    return [found.nc1, found.nc3, found.nc4, found.cdnv, *simplices]


def test_rotations_and_scales_do_not_change_a_number():
    features, labels, classifier = random_case(0)
    rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(6, 6)))[0]
    here = numbers(measures(features, labels, classifier))
    np.testing.assert_allclose(numbers(measures(features @ rotation, labels, classifier @ rotation)), here, rtol=1e-9)
    np.testing.assert_allclose(numbers(measures(50 * features, labels, 3 * classifier)), here, rtol=1e-9)


def test_a_shift_that_the_bias_undoes_changes_nothing():
    features, labels, classifier = random_case(2)
    shifted = measures(features + 1000.0, labels, classifier, -1000.0 * classifier.sum(axis=1))
    np.testing.assert_allclose(numbers(shifted), numbers(measures(features, labels, classifier)), rtol=1e-6)


def test_a_class_seen_twice_as_often_has_no_more_weight():
    features, labels, classifier = random_case(3)
    more = np.concatenate([np.arange(len(labels)), np.flatnonzero(labels == 1)])
    here, there = (measures(features[rows], labels[rows], classifier) for rows in (slice(None), more))
    for name in ("nc1", "nc3", "cdnv"):
        assert getattr(there, name) == pytest.approx(getattr(here, name), rel=1e-10)


def test_less_noise_means_more_collapse():
    means = simplex(6, 12, 2.0)
    draws = [measures(*noisy(means, 50, sd, 4), means) for sd in (2.0, 1.0, 0.1)]
    assert draws[0].nc1 > draws[1].nc1 > draws[2].nc1 and draws[0].cdnv > draws[1].cdnv > draws[2].cdnv
    assert draws[0].nc3 > draws[1].nc3 > draws[2].nc3


def test_integer_and_float32_features():
    features, labels, classifier = np.array([[2, 0], [4, 0], [0, 3], [0, 5]]), np.array([0, 0, 1, 1]), np.eye(2)
    expected = numbers(measures(features.astype(float), labels, classifier))
    assert numbers(measures(features, labels, classifier.astype(np.float32))) == expected


# --- edges and what is refused ---


def test_a_classifier_of_zeros_has_no_direction():
    features, labels, classifier = random_case(5)
    found = measures(features, labels, 0 * classifier)
    assert np.isnan(found.nc3) and np.isnan(found.nc2_classifier.norm_variation)
    assert np.isnan([found.nc2_classifier.cosine_sd, found.nc2_classifier.distance]).all()
    assert np.isfinite([found.nc1, found.cdnv]).all()


def test_a_class_mean_in_the_middle_has_no_cosine():
    found = measures(np.array([[-1.0], [0.0], [1.0]]), np.arange(3), np.ones((3, 1)))
    assert np.isnan([found.nc2_means.cosine_sd, found.nc2_means.distance]).all()
    assert found.nc2_means.norm_variation == pytest.approx(np.sqrt(2 / 9) / (2 / 3))


F, Y, W = random_case(6)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"features": np.zeros((0, 6)), "labels": np.zeros(0, int)}, r"`features` must be a matrix, not empty"),
        ({"features": np.zeros(60)}, r"`features` must be a matrix.*\(60,\)"),
        ({"features": np.where(np.arange(6) == 2, np.nan, F)}, "`features` must be finite.*60 of 360"),
        ({"features": np.where(np.arange(6) == 2, np.inf, F)}, "`features` must be finite"),
        ({"features": F * 1j}, "`features` must hold real numbers"),
        ({"features": np.zeros_like(F)}, "`features` must have a different mean for each class.*equal means"),
        ({"features": np.full_like(F, 0.1)}, "different mean"),
        ({"features": F[:, :5]}, r"`classifier` must be \(classes, 5\).*\(4, 6\)"),
        ({"labels": Y[:-1]}, r"`labels` must be integers of shape \(60,\).*\(59,\)"),
        ({"labels": Y.astype(float)}, "`labels` must be integers.*float64"),
        ({"labels": np.eye(4)[Y]}, r"`labels` must be integers.*\(60, 4\)"),
        ({"labels": Y + 1}, r"`labels` must hold every class from 0 to 3.*\[1 2 3 4\]"),
        ({"labels": Y - 1}, "`labels` must hold every class"),
        ({"labels": Y % 3}, r"every class from 0 to 3.*\[0 1 2\]"),
        ({"classifier": W[:1], "labels": 0 * Y}, "`classifier` must have at least two rows"),
        ({"classifier": np.full_like(W, np.nan)}, "`classifier` must be finite"),
        ({"bias": np.zeros(3)}, "`bias` must be 4 finite numbers"),
        ({"bias": np.array([0, 0, 0, np.nan])}, "`bias` must be 4 finite"),
    ],
)
def test_bad_arguments(change, words):
    with pytest.raises(ValueError, match=words):
        measures(**({"features": F, "labels": Y, "classifier": W} | change))


def test_two_classes_with_one_mean_are_named():
    features = np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 0.0], [5.0, 5.0]])
    with pytest.raises(ValueError, match=r"equal means of classes \[0 2\]"):
        measures(features, np.arange(4), np.eye(4, 2))
