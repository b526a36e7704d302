"""The shrunk model computes what the masked one does, without the masked units; a wrong one would be seen."""

import keras
import numpy as np
import pytest
from keras import layers as L

import tfredundancy as tfr
from tfredundancy.layers import PruneUnits
from tfredundancy.paths import layer_paths
from tfredundancy.pruning.rebuilding import rebuild

from .zoo import ZOO


@pytest.fixture(autouse=True)
def float64():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy(before)


def randomised(model, seed=0):
    """Every variable drawn: kernels as He's, the rest so that it matters; NumPy, in place."""
    rng = np.random.default_rng(seed)
    for layer in [model, *layer_paths(model).values()]:
        for variable in layer.variables:
            if "seed" in variable.name or "count" in variable.name:
                continue
            scale = np.sqrt(2 / max(1, np.prod(variable.shape[:-1]))) if len(variable.shape) > 1 else 0.5
            values = rng.normal(0, scale, variable.shape)
            if "gamma" in variable.name or "scale" in variable.name or "variance" in variable.name:
                values = 1 + 0.4 * np.abs(values)
            variable.assign(values)
        if isinstance(layer, L.Normalization):
            layer.finalize_state()
    return model


def masked(model, seed=0, density=0.5):
    """The model with random masks over half of each group."""
    rng = np.random.default_rng(seed)
    found = tfr.find_groups(model)
    members = {path for group in found for path in group.members}
    layers = layer_paths(model)
    ids = {id(layers[path]) for path in members}
    pruned = rebuild(model, lambda layer, copy: PruneUnits(copy) if id(layer) in ids else copy)
    masks = tfr.masks(pruned)
    for group in found:
        keep = rng.permutation(group.size) < max(1, round(density * group.size))
        for path in group.members:
            masks[path][group.positions[path]] = keep[:, None]
    tfr.set_masks(pruned, masks)
    return pruned


def inputs_of(model, seed=1, batch=5):
    rng = np.random.default_rng(seed)
    draw = lambda x: (
        rng.integers(0, 11, (batch, *x.shape[1:])) if "int" in x.dtype else rng.normal(size=(batch, *x.shape[1:]))
    )  # noqa: E731
    drawn = [draw(x) for x in model.inputs]
    return drawn[0] if len(drawn) == 1 else drawn


def outputs(model, x):
    return np.concatenate(
        [keras.ops.convert_to_numpy(y).reshape(len(y), -1) for y in keras.tree.flatten(model(x, training=False))],
        axis=1,
    )


def distance(one, other):
    """Largest difference over the spread of the outputs over inputs."""
    return np.abs(one - other).max() / one.std(0).mean()


@pytest.fixture(params=list(ZOO))
def pair(request):
    model = randomised(ZOO[request.param]())
    return model, masked(model)


def test_masked_is_shrunk_and_a_wrong_one_is_not(pair):
    model, pruned = pair
    x = inputs_of(model)
    small = tfr.shrink(pruned)
    y = outputs(pruned, x)
    assert small.count_params() < model.count_params()
    assert distance(y, outputs(small, x)) < 1e-9
    assert distance(y, outputs(tfr.shrink(masked(model, seed=1)), x)) > 1e-3
    for group in tfr.find_groups(small):  # every unit that was masked has gone
        assert group.size >= 1
