"""Committee machines: averages against quadrature, steps against a loop, the ODE against steps, asymptote and invariances."""

import numpy as np
import pytest
from scipy.special import erf

from tfredundancy.numerics import committee
from tfredundancy.numerics.averages import ERF, LINEAR
from tfredundancy.numerics.committee import (
    asymptotic_error,
    generalisation_error,
    ode,
    order_parameters,
    sgd,
    simulate,
    unit_correlations,
)


def normals(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def covariance(seed, size=4):
    rows = normals(seed, size, size + 1)
    return rows @ rows.T / (size + 1)


def average(function, c, points=24):
    """⟨f(z)⟩ over N(0, C) by Gauss–Hermite quadrature in the square root of C."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(points)
    grid = np.stack(np.meshgrid(*[nodes] * len(c), indexing="ij")).reshape(len(c), -1)
    weight = np.prod(np.stack(np.meshgrid(*[weights] * len(c), indexing="ij")).reshape(len(c), -1), axis=0)
    return float(function(*(np.linalg.cholesky(c) @ grid)) @ weight / (2 * np.pi) ** (len(c) / 2))


# --- averages ---


@pytest.mark.parametrize("activation", [ERF, LINEAR], ids=["erf", "linear"])
@pytest.mark.parametrize("seed", range(3))
def test_averages_equal_quadrature(activation, seed):
    g, slope, c = activation.value, activation.slope, covariance(seed)
    two, three = c[:2, :2], c[:3, :3]
    pair = (c[0, 0], c[0, 1], c[1, 1])
    assert activation.i2(*pair) == pytest.approx(average(lambda a, b: g(a) * g(b), two), abs=1e-5)
    assert activation.j2(*pair) == pytest.approx(average(lambda a, b: slope(a) * slope(b), two), abs=1e-5)
    triple = (c[0, 0], c[0, 1], c[0, 2], c[1, 2], c[2, 2])
    assert activation.i3(*triple) == pytest.approx(average(lambda a, b, d: slope(a) * b * g(d), three), abs=1e-4)
    found = activation.i4(*c[np.triu_indices(4)])
    assert found == pytest.approx(average(lambda a, b, d, e: slope(a) * slope(b) * g(d) * g(e), c), abs=1e-4)


def test_a_swapped_index_would_be_seen():
    c = np.array([[1.0, 0.5, -0.3], [0.5, 1.0, 0.2], [-0.3, 0.2, 2.0]])
    right = average(lambda a, b, d: ERF.slope(a) * b * ERF.value(d), c)
    assert ERF.i3(c[0, 0], c[0, 1], c[0, 2], c[1, 2], c[2, 2]) == pytest.approx(right, abs=1e-4)
    assert abs(ERF.i3(c[0, 0], c[0, 2], c[0, 1], c[1, 2], c[1, 1]) - right) > 1e-2


# --- order parameters and errors ---


def test_the_error_is_that_of_many_examples():
    w, teacher, x = normals(0, 3, 50), normals(1, 2, 50), normals(2, 20_000, 50)
    v, v_teacher = np.array([0.5, -1.0, 2.0]), np.array([1.0, 1.5])
    for activation in (ERF, LINEAR):
        outputs = [activation.value(x @ units.T / 50**0.5) @ r for units, r in ((w, v), (teacher, v_teacher))]
        measured = 0.5 * np.square(outputs[0] - outputs[1]).mean()
        found = generalisation_error(*order_parameters(w, teacher), v, v_teacher, activation)
        assert found == pytest.approx(measured, rel=0.04)


def test_unit_correlations_are_those_of_responses():
    w, teacher, x = normals(3, 3, 20), normals(4, 2, 20), normals(5, 20_000, 20)
    w[0] += teacher[1]
    responses = ERF.value(x @ np.concatenate([w, teacher]).T / 20**0.5)
    np.testing.assert_allclose(
        unit_correlations(*order_parameters(w, teacher)), np.corrcoef(responses.T)[:3, 3:], atol=0.03
    )


# --- the steps ---


def nets(runs=2, k=3, m=2, size=30, seed=0):
    """Two nets a run, the second one narrower."""
    w, v = normals(seed, runs, 2, k, size), normals(seed + 1, runs, 2, k)
    teacher, v_teacher = normals(seed + 2, runs, 2, m, size), normals(seed + 3, runs, 2, m)
    w[:, 1, -1], v[:, 1, -1] = 0, 0
    return w, v, teacher, v_teacher


def naive(w, v, teacher, v_teacher, inputs, noises, rate, noise, readout_rate):
    """One net, step by step, as the formulas have it."""
    w, v = w.copy(), v.copy()
    for x, zeta in zip(inputs, noises, strict=True):
        field, size = w @ x / len(x) ** 0.5, len(x)
        y = v_teacher @ erf(teacher @ x / size**0.5 / 2**0.5) + noise * zeta
        delta = y - v @ erf(field / 2**0.5)
        slope = (2 / np.pi) ** 0.5 * np.exp(-(field**2) / 2)
        w, v = (
            w + rate / size**0.5 * np.outer(v * slope * delta, x),
            v + readout_rate / size * erf(field / 2**0.5) * delta,
        )
    return w, v


def test_steps_equal_the_loop():
    w, v, teacher, v_teacher = nets()
    inputs, noises = normals(9, 2, 40, 30), normals(10, 2, 40)
    rate, noise, readout_rate = (np.array([[a, b], [c, d]]) for a, b, c, d in
                                 ((0.5, 0.2, 0.3, 0.1), (0.0, 1.0, 0.5, 0.1), (0.0, 1.0, 0.4, 0.0)))  # fmt: skip
    new_w, new_v = sgd(w, v, teacher, v_teacher, inputs, noises, rate, noise, readout_rate)
    for run in range(2):
        for net in range(2):
            at = (run, net)
            one = naive(
                w[at],
                v[at],
                teacher[at],
                v_teacher[at],
                inputs[run],
                noises[run],
                rate[at],
                noise[at],
                readout_rate[at],
            )
            np.testing.assert_allclose(new_w[at], one[0], atol=1e-12)
            np.testing.assert_allclose(new_v[at], one[1], atol=1e-12)
    assert not new_w[:, 1, -1].any() and not new_v[:, 1, -1].any()  # the unit that is not there stays away


def stream(seed, runs, size, steps=2000):
    inputs, noises = normals(seed, runs, steps, size), normals(seed + 1, runs, steps)
    return lambda start, stop: (inputs[:, start:stop], noises[:, start:stop])


def test_a_course_that_is_interrupted_is_the_same():
    w, v, teacher, v_teacher = nets()
    settings = dict(rate=0.5, noise=0.1, readout_rate=0.3, draw=stream(5, 2, 30))
    whole, w1, v1 = simulate(w, v, teacher, v_teacher, times=[0, 1, 10, 30], **settings)
    first, w2, v2 = simulate(w, v, teacher, v_teacher, times=[0, 1], **settings)
    second, w2, v2 = simulate(
        w2, v2, teacher, v_teacher, times=[10, 30], start=30, diverged_at=first.diverged_at, **settings
    )
    np.testing.assert_array_equal(np.concatenate([first.q, second.q]), whole.q)
    np.testing.assert_array_equal(np.concatenate([first.error, second.error]), whole.error)
    np.testing.assert_array_equal(w1, w2)
    np.testing.assert_array_equal(v1, v2)


def test_a_net_that_diverges_is_told_and_the_others_go_on():
    w, v, teacher, v_teacher = nets()
    rate = np.array([0.3, 40.0])
    settings = dict(rate=rate, noise=0.1, readout_rate=rate, activation=LINEAR, draw=stream(5, 2, 30))
    course, w, v = simulate(w, v, teacher, v_teacher, times=[0, 20, 40], **settings)
    assert np.isnan(course.diverged_at[:, 0]).all() and (course.diverged_at[:, 1] == 20).all()
    assert np.isfinite(course.error[:, :, 0]).all() and np.isnan(course.error[1:, :, 1]).all()
    assert not w[:, 1].any() and np.isfinite(w).all() and np.isfinite(v).all()


# --- the ODE ---


@pytest.mark.parametrize("activation", [ERF, LINEAR], ids=["erf", "linear"])
@pytest.mark.parametrize("readout_rate", [0.0, 0.4])
def test_the_ode_is_the_mean_of_one_small_step(activation, readout_rate):
    """d⟨Q⟩/dt from very many first steps of one net: N·(ΔQ, ΔR, Δv), to the order 1/N."""
    size, runs, rate, noise = 200, 20_000, 0.7, 0.3
    w, v, teacher, v_teacher = normals(0, 2, size), np.array([0.8, 1.2]), normals(1, 1, size), np.array([1.5])
    w[0] += teacher[0]
    x, zeta = normals(2, runs, size), normals(3, runs)
    field, target = x @ w.T / size**0.5, activation.value(x @ teacher.T / size**0.5) @ v_teacher + noise * zeta
    delta = (target - activation.value(field) @ v)[:, None]
    move = rate * v * activation.slope(field) * delta  # ΔW = move x/√N
    dr = (move[:, :, None] * (x @ teacher.T / size**0.5)[:, None]).mean(0)
    cross = (move[:, :, None] * field[:, None]).mean(0)
    dq = cross + cross.T + (move[:, :, None] * move[:, None] * (np.square(x).sum(1) / size)[:, None, None]).mean(0)
    dv = readout_rate * (activation.value(field) * delta).mean(0)
    q, r, t = order_parameters(w, teacher)
    step = 1e-4
    found = ode(
        q, r, t, v, v_teacher, rate=rate, noise=noise, readout_rate=readout_rate, activation=activation, times=[0, step]
    )
    for measured, values in ((dq, found.q), (dr, found.r), (dv, found.v)):
        np.testing.assert_allclose((values[1] - values[0]) / step, measured, atol=0.05)


@pytest.mark.parametrize(("m", "k"), [(1, 1), (1, 3), (2, 2), (2, 4)])
def test_the_fixed_point_is_the_asymptote(m, k):
    rate, noise = 0.02, 0.1
    q, r = 0.01 * np.eye(k), np.eye(k, m)
    q[:m, :m] = np.eye(m)
    found = ode(q, r, np.eye(m), np.ones(k), np.ones(m), rate=rate, noise=noise, times=[0, 2e5])
    ratio = found.error[-1] / asymptotic_error(rate, noise, units=k, teacher_units=m)
    assert 1 <= ratio <= 1.03


def test_a_linear_student_learns_a_linear_teacher_at_the_rate_of_the_closed_form():
    """One linear unit: dR/dt = η(T − R), so R = T − (T − R₀) e^(−ηt)."""
    times = np.linspace(0, 5, 6)
    found = ode([[0.5]], [[0.2]], [[1.0]], [1.0], [1.0], rate=0.3, noise=0.0, times=times, activation=LINEAR)
    np.testing.assert_allclose(found.r[:, 0, 0], 1 - 0.8 * np.exp(-0.3 * times), atol=1e-6)


def test_simulation_follows_the_ode():
    size, runs, times = 300, 3, [0, 1, 3, 10, 20]
    teacher, w = normals(20, runs, 1, 2, size), normals(21, runs, 1, 3, size)
    w[:, :, :2] += 0.5 * teacher
    v, v_teacher = np.ones((runs, 1, 3)), np.ones((runs, 1, 2))
    rng = np.random.default_rng(7)
    settings = dict(rate=1.0, noise=0.1, times=times)
    found, _, _ = simulate(w, v, teacher, v_teacher, **settings, draw=lambda a, b: (
        rng.standard_normal((runs, b - a, size)), rng.standard_normal((runs, b - a))))  # fmt: skip
    for run in range(runs):
        theory = ode(found.q[0, run, 0], found.r[0, run, 0], found.t[run, 0], v[run, 0], v_teacher[run, 0], **settings)
        assert np.abs(theory.q - found.q[:, run, 0]).max() < 5 / size**0.5
        assert np.abs(theory.r - found.r[:, run, 0]).max() < 5 / size**0.5
        np.testing.assert_allclose(theory.error, found.error[:, run, 0], rtol=0.25)


def test_the_order_of_units_does_not_matter():
    q, r, t = order_parameters(normals(0, 3, 40), normals(1, 2, 40))
    v, v_teacher, order = np.array([1.0, 2.0, 0.5]), np.ones(2), [2, 0, 1]
    settings = dict(rate=0.5, noise=0.1, readout_rate=0.2, times=[0, 3])
    found = ode(q, r, t, v, v_teacher, **settings)
    other = ode(q[order][:, order], r[order], t, v[order], v_teacher, **settings)
    np.testing.assert_allclose(other.r, found.r[:, order], atol=1e-5)
    np.testing.assert_allclose(other.error, found.error, atol=1e-6)


def test_divergence_of_the_ode_is_told():
    one = np.eye(1)
    found = ode(one, one, one, [1.0], [2.0], rate=5.0, noise=0.1, times=[0, 1, 1000], activation=LINEAR)
    assert 0 < found.diverged_at < 1000
    assert np.isnan(found.error[-1]) and np.isfinite(found.error[0])


@pytest.mark.parametrize("rate", [20.0, 60.0, 1000.0])
def test_a_rate_that_is_much_too_great_ends_in_numbers_or_is_told(rate):
    q, r, t = order_parameters(normals(0, 3, 40), normals(1, 2, 40))
    for readout_rate in (0.0, rate):
        found = ode(
            q,
            r,
            t,
            np.ones(3),
            np.ones(2),
            rate=rate,
            readout_rate=readout_rate,
            noise=0.1,
            times=np.linspace(0, 20, 9),
        )
        lost = np.isnan(found.error)
        assert lost.any() == np.isfinite(found.diverged_at)
        assert (np.diff(lost.astype(int)) >= 0).all() and not lost[0]
        assert (np.isnan(found.q).all(axis=(1, 2)) == lost).all() and np.isfinite(found.q[~lost]).all()


# --- what is refused ---

ONE = np.eye(1)
GOOD = dict(q=ONE, r=ONE, t=ONE, v=[1.0], v_teacher=[1.0], rate=0.1, noise=0.0, times=[0, 1])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rate": 0.0}, r"`rate` must be positive. Received: rate=0.0"),
        ({"rate": -1.0}, "`rate`"),
        ({"rate": np.nan}, "`rate`"),
        ({"noise": -0.1}, r"`noise` must not be negative. Received: noise=-0.1"),
        ({"readout_rate": -0.1}, "`readout_rate` must not be negative"),
        ({"times": [0, 0]}, "`times` must increase from 0 on"),
        ({"times": [-1, 0]}, "`times`"),
        ({"times": []}, "`times`"),
        ({"q": np.eye(2)}, r"`q` must be finite, of shape \(1, 1\)"),
        ({"r": np.full((1, 1), np.nan)}, "`r` must be finite"),
        ({"v": []}, "`q` must be finite"),
    ],
)
def test_bad_arguments_of_the_ode(change, words):
    with pytest.raises(ValueError, match=words):
        ode(**{**GOOD, **change})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rate": 0.0}, "`rate` must be positive"),
        ({"noise": -1.0}, "`noise` must not be negative"),
        ({"times": [0, 1], "start": 31}, "`times` must not lie before step 31"),
        ({"v": np.ones((2, 2, 4))}, r"`v` must be \(2, 2, 3\)"),
        ({"weights": np.ones((2, 3, 30))}, r"`weights` must be \(runs, nets, units, N\)"),
        ({"teacher": np.ones((2, 2, 2, 31))}, "`teacher` must be"),
    ],
)
def test_bad_arguments_of_the_simulation(change, words):
    w, v, teacher, v_teacher = nets()
    good = dict(
        weights=w, v=v, teacher=teacher, v_teacher=v_teacher, rate=0.1, noise=0.0, times=[0, 1], draw=stream(0, 2, 30)
    )
    with pytest.raises(ValueError, match=words):
        simulate(**{**good, **change})


def test_a_teacher_wider_than_the_student_has_no_asymptote():
    with pytest.raises(ValueError, match=r"`teacher_units` must lie in \[1, units\].*teacher_units=3, units=2"):
        asymptotic_error(0.1, 0.1, units=2, teacher_units=3)
    with pytest.raises(ValueError, match="teacher_units=0"):
        asymptotic_error(0.1, 0.1, units=2, teacher_units=0)


def test_units_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match=r"`weights` must be \(…, K, N\).*\(2, 5\).*\(1, 4\)"):
        order_parameters(np.ones((2, 5)), np.ones((1, 4)))


def test_the_public_names_are_there():
    assert committee.ode is ode and committee.simulate is simulate
