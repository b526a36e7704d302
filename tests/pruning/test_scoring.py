"""What each criterion scores a group's units by, against naive twins; units at several positions of several layers."""

import keras
import numpy as np
import pytest
import scipy.special
import tensorflow as tf
from keras import layers as L
from keras.ops import convert_to_numpy as array

import tfredundancy as tfr
from tfredundancy.numerics import criteria
from tfredundancy.pruning import UnitGroup, UnitGroups
from tfredundancy.pruning.choosing import kept_units, masks_of_units, nearest_multiple
from tfredundancy.pruning.scoring import Evidence, unit_scores

X = np.random.default_rng(0).normal(size=(20, 6, 6, 2))
Y = np.random.default_rng(1).integers(0, 3, 20)


@pytest.fixture(scope="module")
def residual(randomise):
    """Return a compiled net of a stream of 4 filters, made twice and added, and a hidden layer of 5 units; in float64."""
    keras.config.set_dtype_policy("float64")
    inputs = keras.Input((6, 6, 2), dtype="float64", name="inputs")
    x = L.Conv2D(4, 3, padding="same", name="a")(inputs)
    x = L.ReLU(name="relu_a")(L.BatchNormalization(name="bn_a")(x))
    y = L.BatchNormalization(name="bn_b")(L.Conv2D(4, 3, padding="same", use_bias=False, name="b")(x))
    x = L.ReLU(name="relu_b")(L.Add(name="add")([x, y]))
    x = L.Dense(5, activation="relu", name="hidden")(L.GlobalAveragePooling2D()(x))
    model = keras.Model(inputs, L.Dense(3, name="logits")(L.Dropout(0.5, seed=1)(x)))
    keras.config.set_dtype_policy("float32")
    randomise(model)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def scores(model, criterion, **evidence):
    return unit_scores(model, list(tfr.find_groups(model)), criterion, Evidence(**evidence))


def variables_of_unit(model, path, unit):
    """Yield (variable, index of the unit's entries in it) for each variable of a layer that a unit has."""
    for variable in model.get_layer(path).trainable_variables:
        yield variable, (..., unit)


# --- from data -------------------------------------------------------------------------------------------------------


def loss_of(model, x, y, paths, unit, scale):
    """The loss with one unit's variables multiplied by a number."""
    before = model.get_weights()
    for path in paths:
        for variable, index in variables_of_unit(model, path, unit):
            values = np.array(variable)
            values[index] *= scale
            variable.assign(values)
    logits = array(model(x, training=False))
    model.set_weights(before)
    return np.mean(scipy.special.logsumexp(logits, axis=1) - logits[np.arange(len(y)), y])


@pytest.mark.parametrize("name, members, size", [("a", ("a", "bn_a", "b", "bn_b"), 4), ("hidden", ("hidden",), 5)])
def test_taylor_is_the_derivative_of_the_loss_by_a_gate_on_all_that_a_unit_has(residual, name, members, size):
    parts = [(X[:8], Y[:8]), (X[8:16], Y[8:16]), (X[16:], Y[16:])]
    step, twin = 1e-4, np.zeros((3, size))
    for i, (x, y) in enumerate(parts):
        for unit in range(size):
            up, down = (loss_of(residual, x, y, members, unit, 1 + sign * step) for sign in (1, -1))
            twin[i, unit] = (up - down) / (2 * step)
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(8)
    found = scores(residual, "taylor", data=data)[name]
    np.testing.assert_allclose(found, (twin**2).mean(axis=0), rtol=1e-5)


def test_taylor_leaves_the_model_as_it_was_frozen_layers_count_and_weights_of_samples_too(residual):
    before, compiled = [np.array(v) for v in residual.variables], residual.optimizer
    residual.get_layer("a").trainable = False
    whole = scores(residual, "taylor", data=(X, Y))
    assert (whole["a"] > 0).all() and not residual.get_layer("a").trainable and residual.optimizer is compiled
    residual.get_layer("a").trainable = True
    assert all(np.array_equal(one, np.array(other)) for one, other in zip(before, residual.variables, strict=True))
    np.testing.assert_allclose(scores(residual, "taylor", data=(X, Y, np.full(20, 3.0)))["a"], 9 * whole["a"])
    again = scores(tfr.prune_units(residual, 1.0), "taylor", data=(X, Y))
    np.testing.assert_allclose(again["hidden"], whole["hidden"])


def test_apoz_counts_zeros_behind_every_rectifier_that_a_unit_comes_to(residual):
    outputs = [residual.get_layer(name).output for name in ("relu_a", "relu_b", "hidden")]
    first, second, hidden = (array(y) for y in keras.Model(residual.input, outputs)(X))
    found = scores(residual, "apoz", data=X)
    apoz = [(y == 0).reshape(-1, 4).mean(axis=0) for y in (first, second)]
    np.testing.assert_allclose(found["a"], 1 - np.mean(apoz, axis=0), rtol=1e-12)
    np.testing.assert_allclose(found["hidden"], (hidden != 0).mean(axis=0), rtol=1e-12)
    dataset = tf.data.Dataset.from_tensor_slices((X, Y)).batch(7)
    np.testing.assert_allclose(scores(residual, "apoz", data=dataset)["a"], found["a"], rtol=1e-12)


def test_apoz_prunes_the_unit_that_never_speaks():
    model = keras.Sequential([keras.Input((2,)), L.Dense(3, activation="relu", name="hidden"), L.Dense(1)])
    model.get_layer("hidden").bias.assign([9.0, -9.0, 9.0])
    masks = tfr.masks(tfr.prune_units(model, 2, "apoz", data=np.ones((4, 2), "float32")))
    assert masks["hidden"].tolist() == [True, False, True]


# --- from weights ----------------------------------------------------------------------------------------------------


def test_bn_scale_is_the_mean_over_the_group_s_normalisations(residual):
    groups = [group for group in tfr.find_groups(residual) if group.name == "a"]
    found = unit_scores(residual, groups, "bn_scale", Evidence())["a"]
    gammas = [np.abs(array(residual.get_layer(name).gamma)) for name in ("bn_a", "bn_b")]
    np.testing.assert_allclose(found, np.mean(gammas, axis=0))


@pytest.mark.parametrize("kind", ["ticket", "arrays", "model"])
def test_distance_to_init_is_over_the_weights_of_all_kernels(residual, kind):
    ticket = tfr.Ticket.take(residual)
    moved = keras.models.clone_model(residual)
    moved.set_weights(residual.get_weights())
    draw = np.random.default_rng(5)
    for name in ("a", "b", "hidden"):
        kernel = moved.get_layer(name).kernel
        kernel.assign(kernel + draw.normal(size=kernel.shape))
    initial = {"ticket": ticket, "arrays": ticket.variables, "model": residual}[kind]
    found = scores(moved, "distance_to_init", initial=initial)
    change = [
        (array(moved.get_layer(name).kernel) - ticket.variables[f"{name}/kernel"]).reshape(-1, 4) for name in ("a", "b")
    ]
    np.testing.assert_allclose(found["a"], np.linalg.norm(np.concatenate(change), axis=0))


@pytest.mark.parametrize("name", ["l1", "l2", "geometric_median", "similarity"])
def test_criteria_of_the_unit_matrix_see_the_kernels_of_the_group_side_by_side(residual, name):
    matrix = np.concatenate([array(residual.get_layer(n).kernel).reshape(-1, 4) for n in ("a", "b")]).T
    np.testing.assert_allclose(scores(residual, name)["a"], criteria.UNITS[name](matrix))
    seen = []
    scores(residual, lambda units: seen.append(units) or units[:, 0])
    assert np.array_equal(np.sort(seen[0], axis=1), np.sort(matrix, axis=1))


@pytest.mark.parametrize("name", ["geometric_median", "similarity"])
def test_pruned_units_are_no_neighbours(name):
    model = keras.Sequential([keras.Input((3,)), L.Dense(6, name="a"), L.Dense(1)])
    pruned = tfr.prune_units(model, 4, lambda units: np.arange(6))
    matrix = array(pruned.get_layer("a").layer.kernel).T[2:]
    expected = np.flatnonzero(tfr.numerics.masks.keep(criteria.UNITS[name](matrix), count=2)) + 2
    assert np.flatnonzero(tfr.choose_masks(pruned, 2, name)["a"]).tolist() == expected.tolist()


# --- positions -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def joined(randomise):
    """Return a net whose BatchNormalization has the filters of two convolutions, with a depthwise one behind the second."""
    inputs = keras.Input((6, 6, 2))
    a = L.Conv2D(3, 3, padding="same", name="a")(inputs)
    b = L.Conv2D(2, 3, padding="same", name="b")(inputs)
    b = L.DepthwiseConv2D(3, padding="same", depth_multiplier=2, use_bias=False, name="twice")(b)
    x = L.ReLU(name="relu")(L.BatchNormalization(name="bn")(L.Concatenate()([a, b])))
    model = keras.Model(inputs, L.Dense(3, name="logits")(L.GlobalAveragePooling2D()(x)))
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return randomise(model)


COPIES = np.array([[0, 1], [2, 3]])
JOINED = UnitGroups(
    (
        UnitGroup("a", 3, ("a", "bn"), {"a": np.arange(3)[:, None], "bn": np.arange(3)[:, None]}),
        UnitGroup("b", 2, ("b", "twice", "bn"), {"b": np.arange(2)[:, None], "twice": COPIES, "bn": 3 + COPIES}),
    ),
    {},
)


def test_several_groups_write_into_one_layer_s_mask(joined):
    chosen = {3: np.array([9.0, 8.0, 7.0]), 2: np.array([1.0, 2.0])}
    masks = tfr.masks(tfr.prune_units(joined, {"a": 2, "b": 0.5}, lambda m: chosen[len(m)], groups=JOINED))
    assert masks["a"].tolist() == [True, True, False] and masks["b"].tolist() == [False, True]
    assert masks["twice"].tolist() == [False, False, True, True]
    assert masks["bn"].tolist() == [True, True, False, False, False, True, True]


def test_what_no_chosen_group_has_stays_and_a_unit_is_left_where_all_its_entries_are(joined):
    pruned = tfr.prune_units(joined, 1.0, groups=JOINED)
    bn = np.array([True, True, True, True, False, True, True])  # by hand: the first unit of b has lost one of two
    tfr.set_masks(pruned, {"bn": bn})
    present = tfr.masks(pruned)
    assert kept_units(JOINED.groups[1], present).tolist() == [False, True]
    new = tfr.choose_masks(pruned, {"a": 0.0}, groups=JOINED)
    assert set(new) == {"a", "bn"} and new["bn"].tolist() == [*new["a"].tolist(), *bn[3:].tolist()]
    assert new["a"].sum() == 1
    assert masks_of_units(JOINED, {}, present) == {}


def test_scores_through_positions(joined):
    found = {
        name: unit_scores(joined, JOINED.groups, name, Evidence(data=(X, Y)))
        for name in ("l2", "bn_scale", "apoz", "taylor")
    }
    kernels = [array(joined.get_layer(name).kernel) for name in ("b", "twice")]
    twin = [np.sqrt((kernels[0][..., i] ** 2).sum() + (kernels[1][..., i, :] ** 2).sum()) for i in range(2)]
    np.testing.assert_allclose(found["l2"]["b"], twin, rtol=1e-6)
    gamma = np.abs(array(joined.get_layer("bn").gamma))
    np.testing.assert_allclose(found["bn_scale"]["a"], gamma[:3], rtol=1e-6)
    np.testing.assert_allclose(found["bn_scale"]["b"], gamma[3:].reshape(2, 2).mean(axis=1), rtol=1e-6)
    behind = array(keras.Model(joined.input, joined.get_layer("relu").output)(X)).reshape(-1, 7)
    np.testing.assert_allclose(found["apoz"]["b"], (behind != 0).mean(axis=0)[3:].reshape(2, 2).mean(axis=1), rtol=1e-6)
    assert found["taylor"]["b"].shape == (2,) and (found["taylor"]["b"] > 0).all()


def test_groups_that_share_units_are_refused(joined):
    doubled = UnitGroups((*JOINED.groups, UnitGroup("c", 2, ("bn",), {"bn": np.array([[6], [5]])})), {})
    with pytest.raises(
        ValueError, match="`groups` must not share units: those of 'bn' would get two masks. Received: 'c'"
    ):
        tfr.prune_units(joined, 0.5, groups=doubled)
    beyond = UnitGroups((UnitGroup("c", 1, ("bn",), {"bn": np.array([[7]])}),), {})
    with pytest.raises(ValueError, match="`groups` must be of this model.*Received: 1 units of 'bn', which has others"):
        tfr.choose_masks(tfr.prune_units(joined, 1.0, groups=JOINED), 0.5, groups=beyond)


# --- counts ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wide():
    """Return a net with groups of 20, 12 and 5 units."""
    layers = [L.Dense(n, name=name) for name, n in (("a", 20), ("b", 12), ("c", 5))]
    return keras.Sequential([keras.Input((3,)), *layers, L.Dense(2, name="out")])


def counts(model):
    return {path: int(mask.sum()) for path, mask in tfr.masks(model).items()}


def test_an_integer_is_a_count(wide):
    assert counts(tfr.prune_units(wide, 4)) == {"a": 4, "b": 4, "c": 4}
    assert counts(tfr.prune_units(wide, {"a": 13, "c": 0.4})) == {"a": 13, "b": 12, "c": 2}
    assert sum(counts(tfr.prune_units(wide, np.int64(17), scope="global")).values()) == 17
    assert sum(int(m.sum()) for m in tfr.masks(tfr.prune_weights(wide, 100)).values()) == 100


@pytest.mark.parametrize(
    "density, message",
    [
        (1, r"`density` 1 may mean all of them or a single one: write 1.0, or 0.0.*Received: density=1"),
        (-2, "`density` as a count must be at least 0. Received: density=-2"),
        (6, "`density` as a count must be at most the 5 entries of c. Received: density=6"),
        (True, "density=True"),
    ],
)
def test_wrong_counts(wide, density, message):
    with pytest.raises(ValueError, match=message):
        tfr.prune_units(wide, {"c": density})


def test_a_count_within_what_was_kept(wide):
    pruned = tfr.prune_units(wide, 3)
    assert tfr.choose_masks(pruned, 2)["a"].sum() == 2
    with pytest.raises(
        ValueError, match="at most the 20 entries of a, of which 3 were kept before. Received: density=4"
    ):
        tfr.choose_masks(pruned, 4)


@pytest.mark.parametrize(
    "density, kept",
    [(0.0, (8, 8, 5)), (0.5, (8, 8, 5)), (0.6, (16, 8, 5)), (0.61, (16, 8, 5)), (0.95, (16, 8, 5)), (1.0, (20, 12, 5))],
)
def test_round_to_goes_to_the_nearest_multiple(wide, density, kept):
    pruned = tfr.prune_units(wide, density, round_to=8)
    assert tuple(counts(pruned).values()) == kept
    assert tfr.density(pruned)["a"] == kept[0] / 20


def test_round_to_keeps_the_best_of_each_group_in_the_global_scope(wide):
    plain = tfr.masks(tfr.prune_units(wide, 0.5, scope="global"))
    rounded = tfr.masks(tfr.prune_units(wide, 0.5, scope="global", round_to=4))
    for path, mask in rounded.items():
        assert mask.sum() in (4, 8, 12, 16, 5)
        assert not (plain[path] & ~mask).any() or not (mask & ~plain[path]).any()


def test_nearest_multiples():
    assert [nearest_multiple(n, 8, 100) for n in (0, 1, 11, 12, 19, 20)] == [8, 8, 8, 16, 16, 24]
    assert [nearest_multiple(n, 8, 5) for n in (0, 3, 5)] == [5, 5, 5]
    assert nearest_multiple(10, 8, 100, least=10) == 16 and nearest_multiple(10, 8, 12, least=10) == 12
    assert [nearest_multiple(n, 1, 9) for n in (1, 4, 9)] == [1, 4, 9]


@pytest.mark.parametrize("prune", [tfr.prune_units, tfr.prune_weights])
def test_select_random_ignores_the_criterion(wide, prune):
    def never(matrix):
        raise AssertionError("the criterion is not asked")

    draws = [tfr.masks(prune(wide, 0.5, never, select="random", seed=seed)) for seed in (1, 1, 2)]
    assert all(np.array_equal(draws[0][path], draws[1][path]) for path in draws[0])
    assert any(not np.array_equal(draws[0][path], draws[2][path]) for path in draws[0])


def test_exclusion_by_class_by_name_and_by_pattern(wide, residual):
    assert set(counts(tfr.prune_units(residual, 0.5, exclude=[L.Conv2D]))) == {"hidden"}
    assert set(counts(tfr.prune_units(residual, 0.5, exclude=["bn_*"]))) == {"hidden"}
    outer = keras.Sequential([keras.Input((3,)), wide, L.Dense(1)], name="outer")
    path = f"{wide.name}/b"
    assert path not in counts(tfr.prune_units(outer, 0.5, exclude=["b"]))
    wrapped = tfr.prune_units(outer, 1.0)
    assert path not in tfr.choose_masks(wrapped, 0.5, exclude=["b"])
    with pytest.raises(ValueError, match="no group of units whose layers are all wrapped|not both and not none"):
        tfr.choose_masks(wrapped, 0.5, exclude=[L.Dense])


# --- errors ----------------------------------------------------------------------------------------------------------

UNCOMPILED = keras.Sequential(
    [keras.Input((6, 6, 2)), L.Flatten(), L.Dense(3, name="tanh", activation="tanh"), L.Dense(2)]
)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"criterion": "taylor"}, "`data` with labels is what criterion 'taylor' scores by"),
        ({"criterion": "taylor", "data": X}, r"`data` must bring labels, as \(inputs, labels\)"),
        (
            {"criterion": "taylor", "data": (X[:, :5], Y)},
            r"`data` must hold samples.*\(6, 6, 2\). Received: \(5, 6, 2\)",
        ),
        ({"criterion": "apoz"}, "`data` is what criterion 'apoz' scores by"),
        ({"criterion": "apoz", "data": X[..., 0]}, r"`data` must hold samples.*\(6, 6, 2\). Received: \(6, 6\)"),
        ({"criterion": "apoz", "data": [X, X]}, r"Received: \(6, 6, 2\), \(6, 6, 2\)"),
        ({"criterion": "apoz", "data": X[:0]}, "`data` must be arrays of one number of samples, at least 1"),
        ({"criterion": "apoz", "data": (X, Y, Y, Y)}, "`data` as a tuple must be .* Received: 4 items"),
        ({"criterion": "apoz", "data": tf.data.Dataset.from_tensor_slices(X[:0])}, "Received: an empty dataset"),
        ({"criterion": "bn_scale"}, "`criterion` 'bn_scale' needs a normalisation with a scale: .*Received: hidden"),
        (
            {"criterion": "distance_to_init"},
            "`initial` is what criterion 'distance_to_init' scores by.*Received: NoneType",
        ),
        (
            {"criterion": "distance_to_init", "initial": {}},
            r"`initial` must hold 'a/kernel' of shape \(3, 3, 2, 4\). Received",
        ),
        ({"criterion": "distance_to_init", "initial": {"a/kernel": np.ones(2)}}, r"Received: weights of shape \(2,\)"),
        ({"round_to": 0}, "`round_to` must be an integer, at least 1, or None. Received: round_to=0"),
        ({"min_units": -1}, "`min_units` must be an integer, at least 0. Received: min_units=-1"),
        ({"exclude": [L.Conv3D]}, "`exclude` has a type that no layer is of. Received: Conv3D"),
        ({"exclude": [3]}, "`exclude` must hold patterns, names or layer classes. Received: 3"),
        ({"exclude": L.Conv2D}, "`exclude` must be a sequence of patterns"),
    ],
    ids=lambda value: None if isinstance(value, str) else "-".join(map(str, value)),
)
def test_what_a_criterion_lacks_is_named(residual, arguments, message):
    with pytest.raises(ValueError, match=message):
        tfr.prune_units(residual, 0.5, **arguments)


def test_bn_scale_of_the_groups_that_have_one(residual):
    assert counts(tfr.prune_units(residual, {"a": 0.5}, "bn_scale"))["a"] == 2
    assert set(counts(tfr.prune_units(residual, 0.5, "bn_scale", exclude=["hidden"]))) == {"a", "bn_a", "b", "bn_b"}


def test_models_for_which_a_criterion_says_nothing():
    with pytest.raises(ValueError, match="`model` must be compiled with a loss: its gradients are needed"):
        tfr.prune_units(UNCOMPILED, 0.5, "taylor", data=(X, Y))
    with pytest.raises(ValueError, match="'apoz' needs a rectifier behind its units: .*Received: tanh"):
        tfr.prune_units(UNCOMPILED, 0.5, "apoz", data=X)
