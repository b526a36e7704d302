"""`analyze`: a row for each matrix, against the functions that the numbers are made of; what can not be measured has a reason."""

import keras
import numpy as np
import pandas as pd
import pytest

import tfredundancy as tfr
from tfredundancy.inspection.analysis import records
from tfredundancy.inspection.records import COLUMNS, Settings
from tfredundancy.numerics import geometry, powerlaw, spectra, survival

L = keras.layers


@pytest.fixture(scope="module")
def net():
    keras.utils.set_random_seed(0)
    layers = [
        L.Conv2D(24, 3, name="conv"),
        L.BatchNormalization(name="bn"),
        L.GlobalAveragePooling2D(name="pool"),
        L.Dense(40, "relu", name="hidden"),
        L.Dense(3, name="logits"),
    ]
    return keras.Sequential([keras.Input((8, 8, 16)), *layers], name="net")


@pytest.fixture(scope="module")
def found(net):
    return tfr.analyze(net, replicates=20)


def row(table, layer):
    (position,) = np.flatnonzero(table.layer == layer)
    return table.iloc[position]


def test_every_layer_with_weights_has_a_row(found):
    assert found.layer.tolist() == ["conv", "bn", "hidden", "logits"] and tuple(found.columns) == COLUMNS
    assert found.units.tolist()[0::2] == [24, 40] and found.fan_in.tolist()[0::2] == [144, 24]
    assert row(found, "bn").reason == "no kernel: gamma, beta, moving_mean and moving_variance only"
    assert pd.isna(row(found, "hidden").reason)


def test_a_dense_row_is_what_the_functions_say(net, found):
    kernel = np.float64(net.get_layer("hidden").kernel)
    units, eigenvalues, hidden = kernel.T, spectra.esd(kernel), row(found, "hidden")
    bulk, tail = spectra.fit_marchenko_pastur(eigenvalues, 40 / 24), powerlaw.fit(eigenvalues)
    assert (hidden.n, hidden.m, hidden.pooled) == (40, 24, 1)
    expected = {
        "frobenius": np.linalg.norm(kernel),
        "spectral_norm": np.linalg.norm(kernel, 2),
        "stable_rank": (np.linalg.norm(kernel) / np.linalg.norm(kernel, 2)) ** 2,
        "sigma2": bulk.sigma2,
        "bulk_edge": bulk.bulk_edge,
        "spikes": bulk.spikes,
        "alpha": tail.alpha,
        "xmin": tail.xmin,
        "ks": tail.ks,
        "frame_potential": geometry.frame_potential(units),
        "coherence": geometry.coherence(units),
        "mean_angle": geometry.cluster(units, 4, 0).angles.mean(),
        "clusters": geometry.count_clusters(units),
    }
    for name, value in expected.items():
        np.testing.assert_allclose(hidden[name], value, rtol=1e-5, err_msg=name)


def test_views_of_a_convolution(net, found):
    kernel = np.float64(net.get_layer("conv").kernel)
    flat, views = kernel.reshape(-1, 24), {"taps": row(found, "conv")}
    views |= {view: row(tfr.analyze(net, spectra=view, replicates=0), "conv") for view in ("filters", "operator")}
    assert [(views[v].n, views[v].m, views[v].pooled) for v in views] == [(24, 16, 9), (144, 24, 1), (24, 16, 64)]
    norms = [max(np.linalg.norm(tap, 2) for tap in kernel.reshape(9, 16, 24)), np.linalg.norm(flat, 2)]
    np.testing.assert_allclose([views["taps"].spectral_norm, views["filters"].spectral_norm], norms, rtol=1e-5)
    operator = np.linalg.svd(np.fft.fft2(kernel, (8, 8), axes=(0, 1)), compute_uv=False)
    np.testing.assert_allclose(views["operator"].spectral_norm, operator.max(), rtol=1e-5)
    totals = [views[view].frobenius for view in views]
    np.testing.assert_allclose(totals, np.linalg.norm(kernel) * np.array([1, 1, 8]), rtol=1e-5)


def test_what_training_changed(net):
    trained = keras.models.clone_model(net)
    trained.set_weights(net.get_weights())
    kernel = np.float32(net.get_layer("hidden").kernel)
    trained.get_layer("hidden").kernel.assign(kernel + np.outer(np.ones(24), np.arange(40)) / 40)
    for initial in (net, tfr.Ticket.take(net).variables):
        changed = row(tfr.analyze(trained, initial, measures=("change",)), "hidden")
        update = np.linalg.norm(np.float64(trained.get_layer("hidden").kernel) - kernel)
        np.testing.assert_allclose(changed.distance_to_init, update / np.linalg.norm(kernel), rtol=1e-5)
        assert changed.update_rank == 1
    same = row(tfr.analyze(net, net, measures=("change",)), "logits")
    assert same.distance_to_init == 0 and same.init_alignment == pytest.approx(1)


def test_responses_come_with_data(net):
    x = np.random.default_rng(0).normal(size=(32, 8, 8, 16)).astype("float32")
    answers = tfr.analyze(net, data=x, measures=())
    hidden = row(answers, "hidden")
    assert 0 <= hidden.dead <= 1 and 0 <= hidden.removable <= 1 and hidden.repeated_responses >= 0
    assert pd.isna(row(tfr.analyze(net, measures=()), "hidden").dead)


def test_pruned_layers(net):
    weights = tfr.prune_weights(net, {"hidden": 0.25}, scope="layer")
    pruned = row(tfr.analyze(weights, replicates=0), "hidden")
    mask = tfr.masks(weights)["hidden/kernel"]
    spread = survival.concentration(mask)
    assert pruned.density == 0.25 and pruned.survival_lift == spread.lift and pruned.survival_p == spread.p_value
    units = tfr.prune_units(net, 0.5)
    halved, small = row(tfr.analyze(units, replicates=0), "hidden"), np.float64(net.get_layer("hidden").kernel)
    kept = tfr.masks(units)["hidden"]
    assert halved.density == 0.5 and halved.clusters == 20
    np.testing.assert_allclose(
        halved.sigma2, spectra.fit_marchenko_pastur(spectra.esd(small[:, kept]), 24 / 20).sigma2, rtol=1e-5
    )
    assert pd.isna(halved.survival_p)


def test_a_noise_matrix_keeps_its_variance_when_weights_are_pruned_at_random():
    layer = tfr.layers.PruneWeights(
        L.Dense(100, kernel_initializer=keras.initializers.RandomNormal(stddev=0.5, seed=1), name="d")
    )
    model = keras.Sequential([keras.Input((200,)), layer])
    layer.mask = np.random.default_rng(0).random((200, 100)) < 0.3
    found = row(tfr.analyze(model, replicates=0), "d")
    assert found.sigma2 == pytest.approx(0.25, rel=0.03) and found.spikes <= 1  # of the weights that are left


def test_noise_that_was_pruned_by_magnitude_has_hardly_a_spike():
    """At density 0.1 without the kurtosis of the entries a quarter of such matrices have one."""
    spikes = []
    for seed in range(20):
        layer = tfr.layers.PruneWeights(L.Dense(200, name="d"))
        model = keras.Sequential([keras.Input((400,)), layer])
        layer.layer.kernel.assign(np.random.default_rng(seed).normal(size=(400, 200)))
        tfr.set_masks(model, tfr.choose_masks(model, 0.1))
        (found,) = records(model, settings=Settings(measures=("spectrum",)))
        spikes.append(found.row["spikes"])
    assert np.count_nonzero(spikes) <= 2


def test_the_same_seed_gives_the_same_table_with_any_number_of_workers(net, found):
    pd.testing.assert_frame_equal(tfr.analyze(net, replicates=20, workers=3), found)
    other = tfr.analyze(net, replicates=20, seed=1)
    assert (
        row(other, "hidden").alpha_p != row(found, "hidden").alpha_p
        and row(other, "hidden").alpha == row(found, "hidden").alpha
    )


def test_it_is_quiet_and_draws_nothing_global(net, capfd):
    before = np.random.get_state()[1].copy()
    tfr.analyze(net, replicates=5)
    assert capfd.readouterr() == ("", "") and (np.random.get_state()[1] == before).all()
    tfr.analyze(net, replicates=5, progress=True)
    assert "4/4" in capfd.readouterr().err


def with_kernel(values, units=None, dtype="float32"):
    values = np.asarray(values)
    model = keras.Sequential(
        [keras.Input((values.shape[0],)), L.Dense(values.shape[1], name="d", use_bias=False, dtype=dtype)]
    )
    model.get_layer("d").kernel.assign(values)
    return model


NOISE = np.random.default_rng(0).normal(size=(30, 20))


@pytest.mark.parametrize(
    "kernel, reason",
    [
        (np.where(NOISE > 2, np.nan, NOISE), r"\d+ of 600 weights are NaN or infinite$"),
        (np.where(NOISE > 2, np.inf, NOISE), r"\d+ of 600 weights are NaN or infinite$"),
        (np.zeros((30, 20)), "spectrum: .*"),
        (NOISE[:1], "spectrum: .*"),
        (NOISE[:, :1], "spectrum: .*"),
        (np.ones((30, 20)), ".*"),
    ],
    ids=["nan", "inf", "zero", "one input", "one unit", "constant"],
)
def test_matrices_that_can_not_be_measured_say_why(kernel, reason):
    import re

    (found,) = records(with_kernel(kernel), settings=Settings(replicates=10))
    assert re.match(reason, found.row["reason"]), found.row["reason"]
    numbers = [value for value in found.row.values() if isinstance(value, float | int) and not isinstance(value, bool)]
    assert -1 not in numbers and found.row["units"] == kernel.shape[1]


def test_dead_units_have_no_direction():
    kernel = np.where(np.arange(20) < 5, 0, NOISE)
    (found,) = records(with_kernel(kernel), settings=Settings(replicates=0))
    assert np.isnan(found.angles.clusters.angles).sum() == 5 and found.angles.null.shape == (10, 15)
    assert found.row["clusters"] == geometry.count_clusters(NOISE[:, 5:].T) and "reason" not in found.row


def test_a_layer_that_is_pruned_altogether_says_so():
    layer = tfr.layers.PruneWeights(L.Dense(20, name="d"))
    model = keras.Sequential([keras.Input((30,)), layer])
    layer.mask = np.zeros((30, 20), bool)
    (found,) = records(model, model, settings=Settings(replicates=0))
    assert found.row["density"] == 0 and "spectrum: all weights are pruned" in found.row["reason"]
    assert "alpha" not in found.row and "mean_angle" not in found.row


@pytest.mark.parametrize("policy", ["float16", "bfloat16", "float64", "mixed_float16"])
def test_dtypes(policy):
    kernel = NOISE.astype("float32")
    found = row(tfr.analyze(with_kernel(kernel, dtype=policy), replicates=0), "d")
    np.testing.assert_allclose(found.frobenius, np.linalg.norm(kernel), rtol=1e-2)
    assert pd.isna(found.reason)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda net: tfr.analyze(keras.Sequential([L.Dense(2)])), "`model` must be built"),
        (
            lambda net: tfr.analyze(keras.Sequential([keras.Input((2,)), L.ReLU()], name="bare")),
            "`model` must have weights. Received: 'bare'",
        ),
        (lambda net: tfr.analyze(net, spectra="fft"), "`spectra` must be one of taps, .*Received: spectra='fft'"),
        (lambda net: tfr.analyze(net, measures=("alpha",)), "`measures` must be some of spectrum, .*Received: alpha"),
        (lambda net: tfr.analyze(net, precision="float16"), "`precision` must be float64 or float32.*'float16'"),
        (lambda net: tfr.analyze(net, with_kernel(NOISE)), "conv/kernel"),
        (lambda net: tfr.analyze(net, {"hidden/kernel": NOISE}), "conv/kernel"),
    ],
)  # fmt: skip
def test_bad_arguments_are_refused(call, message, net):
    with pytest.raises(ValueError, match=message):
        call(net)
