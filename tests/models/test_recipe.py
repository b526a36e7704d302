import keras
import numpy as np
import pytest

from tfredundancy.models import lenet_300_100, resnet
from tfredundancy.models.recipe import Recipe, image_input


def tiny(depth=8, **settings):
    return resnet(depth, (4, 4, 1), 3, width=4, **settings)


def values(model):
    return {variable.path: np.array(variable) for variable in model.trainable_variables}


def test_the_same_seed_gives_the_same_network_and_another_seed_another():
    first, second, third = (values(tiny(seed=seed, gamma="uniform")) for seed in (5, 5, 6))
    drawn = [path for path in first if path.endswith(("kernel", "gamma"))]
    assert all(np.array_equal(first[path], second[path]) for path in first)
    assert not any(np.array_equal(first[path], third[path]) for path in drawn)


def test_a_layer_s_values_do_not_depend_on_the_other_layers():
    shallow, deep = values(tiny(8, seed=1)), values(tiny(14, seed=1))
    assert all(np.array_equal(shallow[path], deep[path]) for path in shallow)


@pytest.mark.parametrize(
    "settings",
    [{}, {"seed": 1}, {"initializer": keras.initializers.HeNormal(seed=2)}, {"seed": np.int64(1)}],
    ids=["fresh", "seed", "seeded instance", "NumPy seed"],
)
def test_no_two_layers_of_one_shape_start_alike(settings):
    model = tiny(**settings)
    one, other = (np.array(model.get_layer(f"stage1_block1_conv{number}").kernel) for number in (1, 2))
    assert not np.array_equal(one, other)


def test_a_numpy_seed_is_reproducible():
    first, second = values(tiny(seed=np.int64(3))), values(tiny(seed=3))
    assert all(np.array_equal(first[path], second[path]) for path in first)


def test_gamma_is_one_or_uniform():
    ones = np.concatenate([np.array(v) for v in tiny().trainable_variables if v.name == "gamma"])
    model = resnet(8, (4, 4, 1), width=64, gamma="uniform")
    uniform = np.concatenate([np.array(v) for v in model.trainable_variables if v.name == "gamma"])
    assert (ones == 1).all()
    assert 0 <= uniform.min() < 0.01 and 0.99 < uniform.max() <= 1
    assert abs(uniform.mean() - 0.5) < 5 * np.sqrt(1 / 12 / uniform.size)


@pytest.mark.parametrize("build", [tiny, lambda **settings: lenet_300_100((4, 4, 1), **settings)])
def test_weight_decay_adds_half_of_it_times_the_squared_norm_of_every_trainable_variable(build, randomise):
    model = build(weight_decay=0.01)
    randomise(model)
    squares = sum(np.sum(np.square(np.array(variable, np.float64))) for variable in model.trainable_variables)
    assert float(sum(model.losses)) == pytest.approx(0.01 / 2 * squares, rel=1e-5)
    assert build().losses == []


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"gamma": "zeros"}, "`gamma`.*gamma='zeros'"),
        ({"weight_decay": -1e-4}, "`weight_decay`.*weight_decay=-0.0001"),
        ({"weight_decay": float("nan")}, "`weight_decay`.*weight_decay=nan"),
        ({"seed": -1}, "`seed`.*seed=-1"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        Recipe("he_normal", **settings)


@pytest.mark.parametrize("shape", [(28, 28), (0, 4, 1), (None, None, 3), (4.0, 4, 1)])
def test_an_input_shape_is_three_positive_integers(shape):
    with pytest.raises(ValueError, match="`input_shape` must be .height, width, channels."):
        image_input(shape)


@pytest.mark.parametrize("classes", [0, -1, 2.0])
def test_classes_is_a_positive_integer(classes):
    with pytest.raises(ValueError, match=f"`classes`.*classes={classes}"):
        lenet_300_100((4, 4, 1), classes)
