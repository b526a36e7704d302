"""Weights on paper: drawn == measured, and what is not there says why."""

import keras
import numpy as np
import pytest

from tfredundancy import figures
from tfredundancy.inspection import Settings, records

L = keras.layers


@pytest.fixture(scope="module")
def found():
    keras.utils.set_random_seed(0)
    layers = [
        L.Dense(30, name="hidden"),
        L.BatchNormalization(name="bn"),
        L.Dense(3, name="logits"),
        L.Dense(1, name="one"),
    ]
    model = keras.Sequential([keras.Input((60,)), *layers])
    u, v = np.random.default_rng(0).normal(size=60), np.random.default_rng(1).normal(size=30)
    model.get_layer("hidden").kernel.assign_add(0.2 * np.outer(u, v))
    initial = keras.models.clone_model(model)
    initial.set_weights(model.get_weights())
    return list(records(model, initial, settings=Settings(replicates=20)))


def line(axes, label):
    (drawn,) = [each for each in axes.lines if str(each.get_label()).startswith(label)]
    return np.array(drawn.get_xdata(), float), np.array(drawn.get_ydata(), float)


def test_the_histogram_and_the_law_have_the_same_area(found):
    hidden, axes = found[0], figures.spectrum(found[0]).axes[0]
    area = sum(patch.get_width() * patch.get_height() for patch in axes.patches)
    assert area == pytest.approx(1)
    x, law = line(axes, "Marchenko–Pastur")
    assert np.trapezoid(law, x) == pytest.approx(1 - hidden.row["spikes"] / 30, abs=0.02)
    edge, _ = line(axes, "bulk edge")
    assert set(edge) == {hidden.spectrum.bulk.bulk_edge} and hidden.row["spikes"] == 1
    ticks = [each for each in axes.lines if each.get_marker() == "|"]
    assert ticks[0].get_xdata().tolist() == hidden.spectrum.eigenvalues[-1:].tolist()


def test_the_ccdf_is_that_of_the_eigenvalues(found):
    values = found[0].spectrum.eigenvalues
    x, share = line(figures.ccdf(found[0]).axes[0], "eigenvalues")
    np.testing.assert_array_equal(x, values)
    assert [(values >= value).mean() for value in x] == pytest.approx(share.tolist())


def test_the_scan_marks_the_fit_that_was_chosen(found):
    axes = figures.alpha_scan(found[0]).axes[0]
    x, alpha = line(axes, "chosen")
    assert (x[0], alpha[0]) == (found[0].row["xmin"], found[0].row["alpha"])
    scanned, alphas = line(axes, "alpha")
    assert alphas[scanned == x[0]] == pytest.approx(alpha)


def test_angles_of_units_initial_weights_and_the_null(found):
    axes = figures.angles(found[0]).axes[0]
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    mean, null = found[0].row["mean_angle"], found[0].row["null_angle"]
    assert labels == [f"weights, mean {mean:.1f}°", f"initial weights, {mean:.1f}°", f"uniform directions, {null:.1f}°"]
    pairs = figures.pair_angles(found[0]).axes[0]
    assert "435 pairs of units" in [text.get_text() for text in pairs.get_legend().get_texts()]


@pytest.mark.parametrize(
    "draw", [figures.spectrum, figures.ccdf, figures.alpha_scan, figures.angles, figures.pair_angles]
)
def test_a_record_without_numbers_says_why(draw, found):
    with pytest.raises(ValueError, match="`record` of 'bn' has no .*: no kernel: gamma, beta"):
        draw(found[1])


def test_without_spikes_the_panels_fill_the_page(found):
    noise = next(records(keras.Sequential([keras.Input((60,)), L.Dense(30, kernel_initializer="random_normal")])))
    assert noise.row["spikes"] == 0
    figure = figures.layer(noise)
    figure.draw_without_rendering()
    assert all(axes.get_position().height > 0.3 for axes in figure.axes)


def test_a_page_for_each_matrix_and_one_for_the_model(found):
    for record in found:
        if record.row.get("units"):
            assert figures.layer(record).get_suptitle().startswith(record.path)
    page = figures.overview(found, title="net")
    assert page.get_suptitle() == "net" and len(page.axes) == 6
    alpha = [record.row.get("alpha") for record in found if record.row.get("units")]
    drawn = np.concatenate([each.get_ydata() for each in page.axes[0].lines if each.get_marker() == "o"])
    assert set(np.round(drawn[np.isfinite(drawn)], 9)) == {round(value, 9) for value in alpha if value is not None}
    with pytest.raises(ValueError, match="`records` must hold one that was measured. Received: 1 without numbers"):
        figures.overview(found[1:2])
