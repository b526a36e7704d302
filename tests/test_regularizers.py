"""The group lasso in closed form, its gradient at zero, and what it does to a model: units go to zero as wholes."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers as L
from keras.ops import convert_to_numpy as array

import tfredundancy as tfr
from tfredundancy.pruning import sparse_learning
from tfredundancy.regularizers import GroupLasso, Sum, without_ours


@pytest.mark.parametrize(
    "shape, axis, norm_axes",
    [((3, 4), -1, 0), ((3, 3, 2, 4), -1, (0, 1, 2)), ((3, 3, 4, 2), -2, (0, 1, 3)), ((3, 3, 2, 2), (-2, -1), (0, 1))],
)
def test_the_sum_of_the_units_norms(rng, shape, axis, norm_axes):
    weights = rng.normal(size=shape)
    expected = 0.3 * np.sqrt(np.square(weights).sum(axis=norm_axes)).sum()
    assert float(GroupLasso(0.3, axis)(keras.ops.array(weights, "float64"))) == pytest.approx(expected, rel=1e-12)


def test_its_gradient_is_a_unit_vector_and_zero_at_zero():
    weights = tf.Variable([[3.0, 0.0], [4.0, 0.0]])
    with tf.GradientTape() as tape:
        value = GroupLasso(2.0)(weights)
    np.testing.assert_allclose(tape.gradient(value, weights), [[1.2, 0.0], [1.6, 0.0]], rtol=1e-6)


def test_they_are_serialised():
    lasso = keras.regularizers.get(keras.regularizers.serialize(GroupLasso(0.1, (-2, -1))))
    assert (lasso.rate, lasso.axis) == (0.1, [-2, -1])
    both = keras.regularizers.get(keras.regularizers.serialize(Sum("l2", lasso)))
    assert isinstance(both.first, keras.regularizers.L2) and both.second.axis == [-2, -1]
    weights = np.ones((2, 2, 3, 1), "float32")
    assert float(both(weights)) == pytest.approx(float(both.first(weights)) + float(both.second(weights)))


def test_what_is_left_without_ours():
    l2 = keras.regularizers.L2(0.1)
    assert without_ours(None) is None and without_ours(l2) is l2 and without_ours(GroupLasso(1)) is None
    assert without_ours(Sum(l2, GroupLasso(1))) is l2 and without_ours(Sum(GroupLasso(1), Sum(GroupLasso(1), l2))) is l2


@pytest.fixture(scope="module")
def model(randomise):
    """Return a compiled net with every kind of kernel that has units."""
    inputs = keras.Input((8, 8, 2))
    x = L.Conv2D(4, 3, padding="same", kernel_regularizer=keras.regularizers.L2(0.5), name="conv")(inputs)
    x = L.ReLU()(L.BatchNormalization(name="bn")(x))
    x = L.DepthwiseConv2D(3, name="depthwise")(x)
    x = L.SeparableConv2D(6, 3, name="separable")(x)
    x = L.Conv2DTranspose(3, 2, name="transposed")(x)
    x = L.Dense(5, activation="relu", name="hidden")(L.GlobalAveragePooling2D()(x))
    built = keras.Model(inputs, L.Dense(2, name="logits")(x))
    built.compile("adam", "mse")
    return randomise(built)


def norms(kernel, axes):
    return np.sqrt(np.square(array(kernel)).sum(axis=axes)).sum()


def test_they_are_added_to_what_a_model_has(model):
    new = sparse_learning(model, group_lasso=0.1, bn_scale=0.2)
    layers = {layer.name: layer for layer in model.layers}
    lasso = norms(layers["conv"].kernel, (0, 1, 2)) + norms(layers["depthwise"].kernel, (0, 1))
    lasso += norms(layers["separable"].pointwise_kernel, (0, 1, 2)) + norms(layers["transposed"].kernel, (0, 1, 3))
    lasso += norms(layers["hidden"].kernel, 0)
    own = 0.5 * np.square(array(layers["conv"].kernel)).sum()
    scale = np.abs(array(layers["bn"].gamma)).sum()
    assert float(sum(new.losses)) == pytest.approx(own + 0.1 * lasso + 0.2 * scale, rel=1e-5)
    assert float(sum(model.losses)) == pytest.approx(own, rel=1e-6)  # the model that was passed is what it was
    x = np.ones((2, 8, 8, 2), "float32")
    np.testing.assert_array_equal(array(new(x)), array(model(x)))
    assert new.optimizer is not model.optimizer and new.get_layer("logits").kernel_regularizer is None


def test_only_the_groups_that_are_not_excluded(model):
    new = sparse_learning(model, group_lasso=0.1, exclude=["depthwise", L.Dense])
    regularised = [
        layer.name for layer in new.layers if isinstance(getattr(layer, "kernel_regularizer", None), GroupLasso)
    ]
    assert regularised == ["transposed"] and isinstance(new.get_layer("separable").pointwise_regularizer, GroupLasso)
    assert isinstance(
        new.get_layer("conv").kernel_regularizer, keras.regularizers.L2
    )  # its group has the depthwise one


def test_in_a_wrapped_model_pruned_units_cost_nothing_and_stay_zero(model):
    pruned = tfr.prune_units(model, 0.5)
    new = sparse_learning(pruned, group_lasso=0.1)
    kernel = array(new.get_layer("hidden").layer.kernel)
    assert float(new.get_layer("hidden").losses[0]) == pytest.approx(
        0.1 * np.linalg.norm(kernel, axis=0).sum(), rel=1e-6
    )
    new.fit(np.ones((4, 8, 8, 2), "float32"), np.ones((4, 2)), verbose=0)
    mask, kernel = tfr.masks(new)["hidden"], array(new.get_layer("hidden").layer.kernel)
    assert not kernel[:, ~mask].any() and np.isfinite(kernel).all() and kernel[:, mask].any()


def test_a_model_is_saved_with_them_and_plain_without(model, tmp_path):
    new = tfr.prune_units(sparse_learning(model, 0.1, 0.2), 0.5)
    new.optimizer.build(new.trainable_variables)
    new.save(tmp_path / "new.keras")
    again = keras.models.load_model(tmp_path / "new.keras")
    assert float(sum(again.losses)) == pytest.approx(float(sum(new.losses)), rel=1e-6)
    plain = tfr.strip_pruning(new)
    assert plain.get_layer("hidden").kernel_regularizer is None
    assert isinstance(plain.get_layer("conv").kernel_regularizer, keras.regularizers.L2)
    assert isinstance(plain.get_layer("bn").gamma_regularizer, keras.regularizers.L1)
    assert "tfredundancy" not in plain.to_json()


def test_training_with_it_leaves_few_units_and_without_it_all():
    draw = np.random.default_rng(0)
    x = draw.normal(size=(256, 8)).astype("float32")
    y = np.maximum(x @ draw.normal(size=(8, 2)), 0).astype("float32") @ np.ones((2, 1), "float32")
    keras.utils.set_random_seed(0)
    plain = keras.Sequential([keras.Input((8,)), L.Dense(16, activation="relu", name="hidden"), L.Dense(1)])
    plain.compile(keras.optimizers.Adam(0.01), "mse")
    left = {}
    for name, net in (("with", sparse_learning(plain, group_lasso=0.1)), ("without", plain)):
        net.fit(x, y, batch_size=32, epochs=60, verbose=0)
        lengths = np.linalg.norm(array(net.get_layer("hidden").kernel), axis=0)
        left[name] = int((lengths > 0.05 * lengths.max()).sum())
    assert left["with"] <= 8 and left["without"] == 16


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"group_lasso": -1}, "`group_lasso` must be at least 0. Received: group_lasso=-1"),
        ({"bn_scale": float("nan")}, "`bn_scale` must be at least 0. Received: bn_scale=nan"),
        ({}, "`model` has nothing that these rates regularise. Received: .*group_lasso=0.0, bn_scale=0.0"),
        ({"bn_scale": 1.0, "exclude": ["bn"]}, "nothing that these rates regularise"),
        ({"group_lasso": 1.0, "exclude": ["none"]}, "`exclude` has a pattern that matches no layer"),
    ],
)
def test_wrong_arguments(model, arguments, message):
    with pytest.raises(ValueError, match=message):
        sparse_learning(model, **arguments)


def test_a_negative_rate():
    with pytest.raises(ValueError, match="`rate` must be at least 0. Received: rate=-0.1"):
        GroupLasso(-0.1)
