"""Counts, scopes, patterns and errors of `prune_weights`, `prune_units`, `choose_masks`, `masks` and `set_masks`."""

import keras
import numpy as np
import pytest
from keras import layers as L
from keras.ops import convert_to_numpy as array

import tfredundancy as tfr


def counts(model):
    return {path: int(mask.sum()) for path, mask in tfr.masks(model).items()}


@pytest.fixture(scope="module")
def net():
    """Return a net whose kernels have 20, 24 and 12 entries, of clearly different size."""
    model = keras.Sequential(
        [
            keras.Input((5,), name="x"),
            L.Dense(4, activation="relu", name="a1"),
            L.Dense(6, activation="relu", name="a2"),
            L.Dense(2, name="out"),
        ]
    )
    rng = np.random.default_rng(0)
    for scale, layer in zip((1, 10, 100), model.layers, strict=True):
        layer.kernel.assign(scale * rng.uniform(1, 2, layer.kernel.shape))
    return model


# --- weights ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("density", [0.0, 0.25, 1 / 3, 0.5, 0.99, 1.0])
def test_the_whole_count_is_exact(net, density):
    assert sum(counts(tfr.prune_weights(net, density)).values()) == round(56 * density)


def test_the_global_scope_takes_the_smallest_wherever_they_are(net):
    assert counts(tfr.prune_weights(net, 36 / 56)) == {"a1/kernel": 0, "a2/kernel": 24, "out/kernel": 12}


def test_the_layer_scope_takes_the_same_share_of_each(net):
    assert counts(tfr.prune_weights(net, 0.5, scope="layer")) == {"a1/kernel": 10, "a2/kernel": 12, "out/kernel": 6}


@pytest.mark.parametrize("select, kept", [("smallest", slice(10, None)), ("largest", slice(None, 10))])
def test_which_weights_stay(net, select, kept):
    pruned = tfr.prune_weights(net, 0.5, scope="layer", select=select)
    kernel, mask = np.abs(array(net.get_layer("a1").kernel)), tfr.masks(pruned)["a1/kernel"]
    assert sorted(kernel[mask]) == sorted(np.sort(kernel.ravel())[kept])
    np.testing.assert_array_equal(
        array(pruned.get_layer("a1").layer.kernel), np.where(mask, array(net.get_layer("a1").kernel), 0)
    )


def test_all_equal_weights_keep_the_lower_indices():
    model = keras.Sequential([keras.Input((3,)), L.Dense(2, kernel_initializer="ones", name="a")])
    assert tfr.masks(tfr.prune_weights(model, 0.5))["a/kernel"].tolist() == [
        [True, True],
        [True, False],
        [False, False],
    ]


def test_patterns_of_densities_the_first_match_wins_and_the_rest_stays_whole(net):
    assert counts(tfr.prune_weights(net, {"a1": 0.5, "a*": 0.25})) == {
        "a1/kernel": 10,
        "a2/kernel": 6,
        "out/kernel": 12,
    }
    assert counts(tfr.prune_weights(net, {"a*": 24 / 44})) == {"a1/kernel": 0, "a2/kernel": 24, "out/kernel": 12}
    assert counts(tfr.prune_weights(net, {"a*": 0.5}, scope="layer")) == {
        "a1/kernel": 10,
        "a2/kernel": 12,
        "out/kernel": 12,
    }


def test_excluded_layers_are_not_wrapped_and_do_not_count(net):
    pruned = tfr.prune_weights(net, 0.5, exclude=["out"])
    assert counts(pruned) == {"a1/kernel": 0, "a2/kernel": 22} and type(pruned.get_layer("out")) is L.Dense


def test_random_is_a_function_of_the_seed(net):
    first, again, other = (tfr.masks(tfr.prune_weights(net, 0.5, "random", seed=seed)) for seed in (1, 1, 2))
    assert all(np.array_equal(first[path], again[path]) for path in first)
    assert not all(np.array_equal(first[path], other[path]) for path in first)
    assert sum(int(mask.sum()) for mask in first.values()) == 28


def test_a_function_as_criterion(net):
    pruned = tfr.prune_weights(net, 0.5, lambda kernel: np.arange(kernel.size).reshape(kernel.shape), scope="layer")
    assert tfr.masks(pruned)["out/kernel"].ravel().tolist() == [False] * 6 + [True] * 6


def test_the_next_level_keeps_within_the_last(net):
    pruned = tfr.prune_weights(net, 0.5)
    before = tfr.masks(pruned)
    after = tfr.choose_masks(pruned, 0.2)
    assert counts(pruned) == {path: int(mask.sum()) for path, mask in before.items()}  # the model is left alone
    assert sum(int(mask.sum()) for mask in after.values()) == round(0.2 * 56)
    assert not any((after[path] & ~before[path]).any() for path in after)
    again = tfr.prune_weights(pruned, 0.2)  # the wrapped model itself serves as well
    assert {path: mask.tolist() for path, mask in tfr.masks(again).items()} == {
        path: mask.tolist() for path, mask in after.items()
    }


@pytest.mark.parametrize(
    "options", [{"select": "largest"}, {"criterion": "random", "seed": 0}], ids=["largest", "random"]
)
def test_what_was_pruned_does_not_come_back_though_its_score_is_the_highest(net, options):
    pruned = tfr.prune_weights(net, 0.5)
    before, after = tfr.masks(pruned), tfr.choose_masks(pruned, 0.25, **options)
    assert not any((after[path] & ~before[path]).any() for path in after)


@pytest.mark.parametrize("scope", ["global", "layer"])
def test_more_than_was_kept_raises(net, scope):
    pruned = tfr.prune_weights(net, 0.5, scope=scope)
    with pytest.raises(
        ValueError, match="only .* were kept before: what was pruned does not come back. Received: density=0.6"
    ):
        tfr.choose_masks(pruned, 0.6, scope=scope)


def test_recurrent_and_separable_kernels_have_a_mask_each():
    model = keras.Sequential(
        [keras.Input((4, 3)), L.SeparableConv1D(4, 2, name="conv"), L.LSTM(2, name="lstm"), L.Dense(1, name="out")]
    )
    pruned = tfr.prune_weights(model, 0.5, scope="layer")
    paths = [
        "conv/depthwise_kernel",
        "conv/pointwise_kernel",
        "lstm/lstm_cell/kernel",
        "lstm/lstm_cell/recurrent_kernel",
        "out/kernel",
    ]
    assert list(tfr.density(pruned)) == paths and set(tfr.density(pruned).values()) == {0.5}


# --- units -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("density, kept", [(0.0, 1), (0.1, 1), (0.5, 2), (0.75, 3), (1.0, 4)])
def test_units_of_each_group_are_counted_and_one_always_stays(net, density, kept):
    assert counts(tfr.prune_units(net, density))["a1"] == kept


def test_min_units(net):
    assert counts(tfr.prune_units(net, 0.0, min_units=3)) == {"a1": 3, "a2": 3}
    assert counts(tfr.prune_units(net, 0.0, min_units=0)) == {"a1": 0, "a2": 0}


@pytest.mark.parametrize("criterion, norm", [("l1", 1), ("l2", 2)])
@pytest.mark.parametrize("select", ["smallest", "largest"])
def test_the_units_with_the_greatest_norm_stay(net, criterion, norm, select):
    mask = tfr.masks(tfr.prune_units(net, 0.5, criterion, select=select))["a2"]
    norms = np.linalg.norm(array(net.get_layer("a2").kernel), norm, axis=0)
    order = np.argsort(norms if select == "largest" else -norms)
    assert set(np.flatnonzero(mask)) == set(order[:3])


def test_norms_are_over_the_whole_group():
    inputs = keras.Input((2,))
    branches = [L.Dense(2, use_bias=False, name=name)(inputs) for name in ("a", "b")]
    model = keras.Model(inputs, L.Dense(1, name="out")(L.Add()(branches)))
    model.get_layer("a").kernel.assign([[3.0, 2.0], [0.0, 0.0]])
    model.get_layer("b").kernel.assign([[0.0, 3.0], [0.0, 0.0]])  # unit 0: 3, unit 1: √13
    masks = tfr.masks(tfr.prune_units(model, 0.5))
    assert {path: mask.tolist() for path, mask in masks.items()} == {"a": [False, True], "b": [False, True]}


def test_the_global_scope_divides_by_the_group_s_mean():
    model = keras.Sequential([keras.Input((1,)), L.Dense(2, name="a"), L.Dense(2, name="b"), L.Dense(1, name="out")])
    model.get_layer("a").kernel.assign([[100.0, 102.0]])  # 0.990, 1.010 of the mean
    model.get_layer("b").kernel.assign([[1.0, 3.0], [0.0, 0.0]])  # 0.5, 1.5
    assert counts(tfr.prune_units(model, 0.75, scope="global")) == {"a": 2, "b": 1}
    assert counts(tfr.prune_units(model, 0.25, scope="global", min_units=0)) == {"a": 0, "b": 1}
    assert counts(tfr.prune_units(model, 0.25, scope="global")) == {"a": 1, "b": 1}


def test_the_wrapped_layers_are_the_groups_and_the_outputs_stay(chain):
    pruned = tfr.prune_units(chain(), 0.5)
    assert counts(pruned) == {"conv": 2, "bn": 2, "hidden": 3} and type(pruned.get_layer("logits")) is L.Dense
    assert np.array_equal(tfr.masks(pruned)["conv"], tfr.masks(pruned)["bn"])


def test_groups_may_be_chosen_by_pattern_by_exclusion_and_by_hand(chain):
    model = chain()
    assert counts(tfr.prune_units(model, {"conv": 0.25})) == {"conv": 1, "bn": 1, "hidden": 5}
    assert counts(tfr.prune_units(model, 0.5, exclude=["bn"])) == {"hidden": 3}
    found = tfr.find_groups(model)
    assert counts(tfr.prune_units(model, 0.5, groups=tfr.UnitGroups(found.groups[:1], {}))) == {"conv": 2, "bn": 2}


def test_random_units_are_a_function_of_the_seed(net):
    draws = [tfr.masks(tfr.prune_units(net, 0.5, "random", seed=seed))["a2"].tolist() for seed in (3, 3, 4, 5, 6)]
    assert draws[0] == draws[1] and any(draw != draws[0] for draw in draws[2:])


def test_a_single_unit():
    model = keras.Sequential([keras.Input((2,)), L.Dense(1, name="a"), L.Dense(1, name="out")])
    assert counts(tfr.prune_units(model, 0.0)) == {"a": 1} and counts(tfr.prune_units(model, 0.0, min_units=0)) == {
        "a": 0
    }


def test_the_next_level_of_units_keeps_within_the_last(chain):
    pruned = tfr.prune_units(chain(), 0.75)
    before, after = tfr.masks(pruned), tfr.choose_masks(pruned, 0.25)
    assert {path: int(mask.sum()) for path, mask in after.items()} == {"conv": 1, "bn": 1, "hidden": 1}
    assert not any((after[path] & ~before[path]).any() for path in after)
    tfr.set_masks(pruned, after)
    assert tfr.density(pruned) == {"conv": 0.25, "bn": 0.25, "hidden": 0.2}


def test_every_layer_kind_can_be_pruned_by_units():
    inputs = keras.Input((6, 6, 3))
    x = L.Conv2DTranspose(4, 2, name="transposed")(inputs)
    x = L.DepthwiseConv2D(2, name="depthwise")(x)
    x = L.SeparableConv2D(6, 2, name="separable")(x)
    model = keras.Model(inputs, L.Dense(2, name="out")(L.GlobalMaxPooling2D()(x)))
    assert counts(tfr.prune_units(model, 0.5)) == {"transposed": 2, "depthwise": 2, "separable": 3}


# --- reading and setting ---------------------------------------------------------------------------------------------


def test_set_masks_assigns_in_place_and_leaves_other_paths(net):
    pruned = tfr.prune_weights(net, 1.0)
    half = np.arange(20).reshape(5, 4) % 2 == 0
    tfr.set_masks(pruned, {"a1/kernel": half})
    assert counts(pruned) == {"a1/kernel": 10, "a2/kernel": 24, "out/kernel": 12}
    assert not array(pruned.get_layer("a1").layer.kernel)[~half].any()
    tfr.set_masks(pruned, {})
    assert counts(pruned)["a1/kernel"] == 10


def test_a_plain_model_has_no_masks(net):
    assert tfr.masks(net) == {} and tfr.density(net) == {}


def test_masks_in_a_model_of_one_s_own():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.hidden = tfr.layers.PruneUnits(L.Dense(4, name="hidden"))
            self.out = L.Dense(1, name="out")

        def call(self, x):
            return self.out(self.hidden(x))

    model = Own()
    model(np.ones((1, 3)))
    tfr.set_masks(model, {"hidden": np.array([True, False, True, True])})
    assert tfr.density(model) == {"hidden": 0.75}


@pytest.mark.parametrize(
    "new, message",
    [
        (
            {"b/kernel": np.ones((5, 4), bool)},
            "paths that the model does not have: b/kernel. It has: a1/kernel, a2/kernel",
        ),
        (
            {"a1/kernel": np.ones((4, 5), bool)},
            r"`mask` of 'a1/kernel' must be a bool array of shape \(5, 4\). Received: bool of shape \(4, 5\)",
        ),
        ({"a1/kernel": np.ones((5, 4))}, "Received: float64"),
    ],
)
def test_wrong_masks_change_nothing(net, new, message):
    pruned = tfr.prune_weights(net, 0.5)
    before = {path: mask.tolist() for path, mask in tfr.masks(pruned).items()}
    with pytest.raises(ValueError, match=message):
        tfr.set_masks(pruned, {"a2/kernel": np.zeros((4, 6), bool), **new})
    assert {path: mask.tolist() for path, mask in tfr.masks(pruned).items()} == before


# --- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prune", [tfr.prune_weights, tfr.prune_units])
@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"density": 1.3}, r"`density` must lie in \[0, 1\]. Received: density=1.3"),
        ({"density": -0.1}, "density=-0.1"),
        ({"density": float("nan")}, "density=nan"),
        ({"density": {"a1": 2.0}}, "density=2.0"),
        ({"density": {"none": 0.5}}, "`density` has a pattern that matches no layer. Received: 'none'; layers: a1"),
        (
            {"density": 0.5, "exclude": ["none"]},
            "`exclude` has a pattern that matches no layer. Received: 'none'; layers: a1",
        ),
        ({"density": 0.5, "exclude": "a1"}, "`exclude` must be a sequence of patterns. Received: exclude='a1'"),
        ({"density": 0.5, "scope": "model"}, "`scope` must be one of global, layer. Received: scope='model'"),
        (
            {"density": 0.5, "select": "least"},
            "`select` must be one of smallest, largest, random. Received: select='least'",
        ),
        ({"density": 0.5, "criterion": "l7"}, "`criterion` must be one of .*, random or a function. Received: 'l7'"),
        (
            {"density": 0.5, "criterion": lambda array: np.ones(2)},
            r"`criterion` must return scores of shape .* for 'a1.*Received: \(2,\)",
        ),
        (
            {
                "density": 0.5,
                "criterion": lambda array: np.full(len(array) if len(array) == 4 else array.shape, np.nan),
            },
            "scores",
        ),
        ({"density": 0.5, "exclude": ["*"]}, "`model` has no (kernel|units) to prune. Received: "),
    ],
    ids=lambda value: None if isinstance(value, str) else "-".join(value),
)
def test_bad_arguments_are_named(net, prune, arguments, message):
    with pytest.raises(ValueError, match=message):
        prune(net, **arguments)


@pytest.mark.parametrize(
    "prune, values", [(tfr.prune_weights, lambda a: a * np.nan), (tfr.prune_units, lambda a: np.full(len(a), np.nan))]
)
def test_nan_scores_raise(net, prune, values):
    with pytest.raises(ValueError, match="`scores` must be numbers. Received: .* NaN among"):
        prune(net, 0.5, values)


def test_a_model_that_diverged_raises():
    model = keras.Sequential([keras.Input((2,)), L.Dense(2, name="a"), L.Dense(1)])
    model.get_layer("a").kernel.assign(np.full((2, 2), np.nan))
    for prune in (tfr.prune_weights, tfr.prune_units):
        with pytest.raises(ValueError, match="4 NaN among|2 NaN among"):
            prune(model, 0.5)


def test_models_without_prunable_layers_raise():
    nothing = keras.Sequential([keras.Input((2,)), L.ReLU()], name="nothing")
    with pytest.raises(ValueError, match="`model` has no kernel to prune. Received: 'nothing'"):
        tfr.prune_weights(nothing, 0.5)
    with pytest.raises(ValueError, match="`model` has no units to prune. Received: 'nothing'"):
        tfr.prune_units(nothing, 0.5)
    with pytest.raises(ValueError, match="must have PruneWeights or PruneUnits.*0 wrapped layers; tfr.prune_weights"):
        tfr.choose_masks(nothing, 0.5)


def test_the_two_kinds_of_wrappers_do_not_mix(net):
    with pytest.raises(
        ValueError, match="pruned with another wrapper than PruneUnits at a1.*tfr.strip_pruning gives a plain model"
    ):
        tfr.prune_units(tfr.prune_weights(net, 0.5), 0.5)
    units = tfr.prune_units(net, 0.5)
    with pytest.raises(
        ValueError, match="pruned with another wrapper than PruneWeights at .*tfr.strip_pruning gives a plain model"
    ):
        tfr.prune_weights(units, 0.5)
    both = tfr.prune_weights(units, 0.5, exclude=tuple(tfr.masks(units)))
    left = tfr.masks(units)
    assert all(np.array_equal(tfr.masks(both)[path], mask) for path, mask in left.items())
    assert [round(kept, 1) for path, kept in tfr.density(both).items() if path not in left] == [0.5]
    with pytest.raises(ValueError, match="not both and not none.*`exclude` those of one kind"):
        tfr.choose_masks(both, 0.5)


def test_what_is_excluded_keeps_its_mask_where_it_is_wrapped_already(net):
    wrapped = tfr.prune_weights(net, 1.0)
    path = next(iter(tfr.masks(wrapped)))
    again = tfr.prune_weights(wrapped, 0.5, exclude=(path.partition("/")[0],))
    assert tfr.density(again)[path] == 1.0 and min(tfr.density(again).values()) <= 0.5


def test_groups_of_another_model_are_refused(net, chain):
    with pytest.raises(
        ValueError, match="`groups` must be of this model: .*Received: 4 units of 'conv', which it does not"
    ):
        tfr.prune_units(net, 0.5, groups=tfr.find_groups(chain()))
    smaller = keras.Sequential([keras.Input((6, 6, 2)), L.Conv2D(3, 3, name="conv"), L.Flatten(), L.Dense(2)])
    with pytest.raises(ValueError, match="Received: 3 units of 'conv', which has others"):
        tfr.prune_units(chain(), 0.5, groups=tfr.find_groups(smaller))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"density": "0.5"}, "`density` must be a number"),
        ({"density": None}, "`density` must be a number"),
        ({"density": [0.5]}, "`density` must be a number"),
        ({"density": {"*": "x"}}, "`density` must be a number"),
        ({"density": {3: 0.5}}, "`density` must go by patterns of names"),
        ({"density": 0.5, "exclude": None}, "`exclude` must be a sequence of patterns"),
        ({"density": 0.5, "groups": 3}, "`groups` must be what tfr.find_groups returned"),
        ({"density": 0.5, "groups": ["conv"]}, "`groups` must be what tfr.find_groups returned"),
    ],
)
def test_arguments_of_another_kind_are_named(options, told, perceptron):
    with pytest.raises(ValueError, match=told):
        tfr.prune_units(perceptron(), **options)
