"""Data drawn == data given, read back from the figures."""

import numpy as np
import pandas as pd
import pytest

from tfredundancy.figures import phases
from tfredundancy.numerics import spectra

BATCHES = (2, 32, 500)


@pytest.fixture
def results():
    """Three batch sizes, two budgets, two layers, two seeds."""
    rng = np.random.default_rng(0)
    rows = [
        dict(seed=s, budget=b, batch_size=n, layer=layer, phase=phases.PHASES[2 - i])
        | dict(train_accuracy=0.9, test_accuracy=0.5 + s / 10)
        | {name: float(rng.random()) for name in (*phases.MEASURES, "alpha_noise")}
        for s in (0, 1)
        for b in ("epochs", "steps")
        for i, n in enumerate(BATCHES)
        for layer in ("hidden1", "hidden2")
    ]
    return pd.DataFrame(rows)


def lines(axes):
    return {line.get_label(): line for line in axes.lines if not line.get_label().startswith("_")}


def test_phases_are_circles_whose_area_counts_seeds(results):
    other = (results.seed == 1) & (results.batch_size == 2) & (results.layer == "hidden2")
    results.loc[other, "phase"] = "heavy-tailed"
    figure = phases.phase_against_batch_size(results)
    assert [axes.get_title() for axes in figure.axes][1:3] == ["hidden1, equal steps", "hidden2, equal epochs"]
    points = figure.axes[0].collections[0]
    assert points.get_offsets().tolist() == [[2, 2], [32, 1], [500, 0]] and set(points.get_sizes()) == {90}
    points = figure.axes[2].collections[0]
    found = dict(zip(map(tuple, points.get_offsets().tolist()), points.get_sizes(), strict=True))
    assert found == {(2, 4): 45, (2, 2): 45, (32, 1): 90, (500, 0): 90}
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == list(phases.PHASES)
    low, high = figure.axes[0].get_xlim()
    assert low > 500 and high < 2  # the smallest batch on the right


def test_a_net_without_a_phase_has_a_row_of_its_own(results):
    results.loc[results.batch_size == 2, "phase"] = None
    axes = phases.phase_against_batch_size(results).axes[0]
    assert [2, 6] in axes.collections[0].get_offsets().tolist()
    assert axes.get_yticklabels()[6].get_text() == "none: diverged"


def test_measures_are_means_over_seeds_beside_alpha_on_noise(results):
    figure = phases.measures_against_batch_size(results)
    panels = np.reshape(figure.axes, (len(phases.MEASURES), 2))
    for line, measure in zip(panels, phases.MEASURES, strict=True):
        for axes, layer in zip(line, ("hidden1", "hidden2"), strict=True):
            for budget, label in (("epochs", "equal epochs"), ("steps", "equal steps")):
                rows = results[(results.layer == layer) & (results.budget == budget)]
                drawn = lines(axes)[label]
                np.testing.assert_allclose(drawn.get_xdata(), BATCHES)
                np.testing.assert_allclose(drawn.get_ydata(), rows.groupby("batch_size")[measure].mean())
    noise = lines(panels[-1, 0])["alpha on noise of this shape"].get_ydata()
    np.testing.assert_allclose(noise, results[results.layer == "hidden1"].alpha_noise.mean())
    assert panels[0, 0].get_ylabel() == "spikes" and panels[0, 1].get_title() == "hidden2"


def test_accuracies(results):
    train, test = phases.accuracy_against_batch_size(results).axes
    np.testing.assert_allclose(lines(train)["equal steps"].get_ydata(), [0.9] * 3)
    np.testing.assert_allclose(lines(test)["equal epochs"].get_ydata(), [0.55] * 3)


def test_noise_against_rank_is_a_path_from_the_initial_variance():
    rows = [(s, b, t, 2.0 * t + s, 0.5 - 0.1 * t * b) for s in (0, 2) for b in (1, 2) for t in (0, 1, 2)]
    curves = pd.DataFrame(rows, columns=["seed", "batch_size", "step", "spikes", "sigma2"]).assign(layer="hidden1")
    (axes,) = phases.noise_against_rank(curves).axes
    path = lines(axes)["batch size 2"]
    np.testing.assert_allclose(path.get_xdata(), [1, 3, 5])
    np.testing.assert_allclose(path.get_ydata(), [1, 0.6, 0.2])


def test_spectra_are_densities_beside_their_law():
    rng = np.random.default_rng(0)
    eigenvalues = spectra.esd(rng.normal(size=(1200, 400)))
    bulk = spectra.fit_marchenko_pastur(eigenvalues, 3.0)
    row = dict(budget="epochs", q=3.0, sigma2=bulk.sigma2, bulk_edge=bulk.bulk_edge, spikes=0, phase="random-like")
    table = pd.DataFrame([row | dict(batch_size=b, eigenvalues=eigenvalues) for b in (4, 64)])
    figure = phases.spectra_against_batch_size(table, title="hidden1")
    assert [axes.get_title() for axes in figure.axes] == ["batch size 64\nrandom-like", "batch size 4\nrandom-like"]
    axes = figure.axes[0]
    counts, edges, _ = axes.patches[0].get_data()
    inside = (eigenvalues / bulk.bulk_edge > edges[0]).mean()
    assert np.sum(counts * np.diff(np.log10(edges))) == pytest.approx(inside, abs=1e-9)
    x, law = axes.lines[0].get_data()
    assert np.trapezoid(law, np.log10(x)) == pytest.approx(1, abs=0.01)
    centres = np.sqrt(edges[1:] * edges[:-1])
    assert np.abs(counts - np.interp(centres, x, law, right=0)).max() < 0.35  # rigid: far less than Poisson's


def test_a_spectrum_that_is_missing_has_diverged():
    row = dict(q=2.0, sigma2=1.0, bulk_edge=3.0, spikes=1, phase="bleeding-out", eigenvalues=np.linspace(0.1, 3.2, 50))
    table = pd.DataFrame([row | dict(budget="epochs", batch_size=4), row | dict(budget="steps", batch_size=64)])
    titles = [axes.get_title() for axes in phases.spectra_against_batch_size(table).axes]
    assert titles == ["batch size 64\ndiverged", "batch size 4\nbleeding-out", "bleeding-out", "diverged"]


@pytest.mark.parametrize(
    "draw",
    [
        phases.phase_against_batch_size,
        phases.measures_against_batch_size,
        phases.accuracy_against_batch_size,
        phases.noise_against_rank,
        phases.spectra_against_batch_size,
    ],
)
def test_what_is_missing_is_named(draw, results):
    for table, message in (
        (results.drop(columns="batch_size"), "none named .*batch_size"),
        (results[:0], "Received: no"),
    ):
        with pytest.raises(ValueError, match=message):
            draw(table)


@pytest.mark.parametrize("sizes", [(2, 4, 8, 16, 32, 50, 100, 150, 250, 500, 1000), (7,)])
def test_labels_of_batch_sizes_do_not_overlap(results, sizes):
    table = pd.concat([results[results.batch_size == 2].assign(batch_size=size) for size in sizes])
    for figure in (phases.phase_against_batch_size(table), phases.measures_against_batch_size(table)):
        figure.canvas.draw()
        for axes in figure.axes[-2:]:
            boxes = sorted((t.get_window_extent() for t in axes.get_xticklabels() if t.get_text()), key=lambda b: b.x0)
            assert boxes and all(a.x1 < b.x0 for a, b in zip(boxes, boxes[1:], strict=False))
