"""Which units belong together; what is not understood is a barrier with a line."""

import keras
import numpy as np
import pytest
from keras import layers as L

import tfredundancy as tfr
from tfredundancy.models import resnet, vgg
from tfredundancy.pruning import UnitGroup


def groups(model):
    return {group.name: group.members for group in tfr.find_groups(model)}


def kept_out(model):
    return tfr.find_groups(model).kept_out


def image_model(build, channels=4):
    inputs = keras.Input((6, 6, 3), name="inputs")
    x = L.Conv2D(channels, 3, padding="same", name="conv")(inputs)
    return keras.Model(inputs, L.Dense(2, name="logits")(L.GlobalAveragePooling2D()(build(x))))


def test_a_chain(chain):
    found = tfr.find_groups(chain())
    assert list(found) == [UnitGroup("conv", 4, ("conv", "bn")), UnitGroup("hidden", 5, ("hidden",))]
    assert found.kept_out == {"logits": "output of the model"}
    assert [len(found), str(found).splitlines()[1]] == [2, "conv        4  conv, bn"]


def test_a_wrapped_model_has_the_groups_of_the_plain_one(chain):
    model = chain()
    assert list(tfr.find_groups(tfr.prune_units(model, 0.5))) == list(tfr.find_groups(model))
    assert list(tfr.find_groups(tfr.prune_weights(model, 0.5))) == list(tfr.find_groups(model))


def test_vgg_is_a_chain_of_pairs():
    model = vgg(11, (32, 32, 3))
    convolutions = [layer.name for layer in model.layers if isinstance(layer, L.Conv2D)]
    found = groups(model)
    assert list(found) == convolutions and all(len(members) == 2 for members in found.values())
    assert list(kept_out(model)) == ["classifier"]


def test_resnet_with_projections_unites_each_stage():
    found = groups(resnet(14, (8, 8, 3), width=4, shortcut="projection"))
    inner = {f"stage{s}_block{b}_conv1" for s in (1, 2, 3) for b in (1, 2)}
    trunks = {
        stage: {f"stage{stage}_block{block}_{layer}2" for block in (1, 2) for layer in ("conv", "bn")}
        | {f"stage{stage}_block1_shortcut_{layer}" for layer in ("conv", "bn") if stage > 1}
        for stage in (1, 2, 3)
    }
    trunks[1] |= {"stem_conv", "stem_bn"}
    assert [set(members) for name, members in found.items() if name not in inner] == list(trunks.values())
    assert all(members[0] == name for name, members in found.items())
    for name in inner:
        assert found[name] == (name, name.replace("conv1", "bn1"))


def test_resnet_with_identity_pad_has_a_group_for_what_each_stage_adds():
    model = resnet(8, (8, 8, 3), width=4, shortcut="identity_pad")
    found = {group.name: group for group in tfr.find_groups(model)}
    inner = {f"stage{s}_block1_conv1" for s in (1, 2, 3)}
    trunks = {name: group for name, group in found.items() if name not in inner}
    assert {name: group.size for name, group in trunks.items()} == {
        "stem_conv": 4,
        "stage2_block1_conv2": 4,
        "stage3_block1_conv2": 8,
    }
    last = trunks["stage3_block1_conv2"]
    assert last.members == ("stage3_block1_conv2", "stage3_block1_bn2")
    assert sorted(trunks["stem_conv"].positions["stage3_block1_bn2"].ravel()) == [0, 1, 2, 3]
    assert sorted(last.positions["stage3_block1_bn2"].ravel()) == list(range(8, 16))


def test_masking_a_group_of_a_resnet_is_the_same_as_zeroing_its_channels(rng, randomise):
    model = randomise(resnet(8, (8, 8, 3), width=4, shortcut="projection"))
    pruned = tfr.prune_units(model, 0.5)
    mask = tfr.masks(pruned)["stem_conv"]
    x = rng.normal(size=(2, 8, 8, 3)).astype("float32")
    sums = keras.Model(pruned.input, pruned.get_layer("stage1_block1_relu2").output)
    y = keras.ops.convert_to_numpy(sums(x))
    assert mask.sum() == 2 and (y[..., ~mask] == 0).all() and (y[..., mask] != 0).any()


BARRIERS = {
    "Lambda": lambda x: L.Lambda(lambda t: t * 2, name="odd")(x),
    "Reshape": lambda x: L.Reshape((4, 6, 6), name="odd")(x),
    "Permute": lambda x: L.Permute((3, 2, 1), name="odd")(x),
    "LayerNormalization": lambda x: L.LayerNormalization([1, 2, 3], name="odd")(x),
    "GroupNormalization": lambda x: L.GroupNormalization(2, axis=1, name="odd")(x),
    "UnitNormalization": lambda x: L.UnitNormalization(name="odd")(x),
    "Softmax": lambda x: L.Softmax(name="odd")(x),
    "EinsumDense": lambda x: L.EinsumDense("abcd,de->aebc", (4, 6, 6), name="odd")(x),
    "TimeDistributed": lambda x: L.TimeDistributed(L.Dense(4), name="odd")(x),
    "BatchNormalization": lambda x: L.BatchNormalization(axis=1, name="odd")(x),
    "Custom": lambda x: Custom(name="odd")(x),
    "MaxPooling2D": lambda x: L.MaxPooling2D(2, data_format="channels_first", name="odd")(x),
    "GlobalAveragePooling2D": lambda x: L.GlobalAveragePooling2D("channels_first", keepdims=True, name="odd")(x),
    "Attention": lambda x: L.Reshape((6, 6, 4))(L.Attention(name="odd")([L.Reshape((36, 4))(x)] * 2)),
}


class Custom(L.Layer):
    def call(self, x):
        return keras.ops.flip(x, -1)


@pytest.mark.parametrize("kind, build", list(BARRIERS.items()), ids=list(BARRIERS))
def test_what_is_not_understood_is_a_barrier_with_a_line(kind, build, rng):
    model = image_model(build)
    reasons = kept_out(model)
    assert reasons["conv"].startswith(f"barrier: 'odd' ({kind})") and not groups(model)
    assert ("tfr.register_units" in reasons["conv"]) == (kind == "Custom")
    assert "conv" in str(tfr.find_groups(model)) and f"({kind})" in str(tfr.find_groups(model))
    with pytest.raises(ValueError, match=f"no units to prune(.|\n)*{kind}"):
        tfr.prune_units(model, 0.5)


def test_an_operation_of_keras_ops_is_a_barrier():
    reasons = kept_out(image_model(lambda x: keras.ops.roll(x, 1, axis=-1)))
    assert "barrier" in reasons["conv"] and "Roll" in reasons["conv"]


@pytest.mark.parametrize(
    "activation, elementwise",
    [
        ("relu", True),
        ("gelu", True),
        (keras.ops.sin, True),
        (lambda x: x**2, True),
        (keras.ops.sqrt, True),
        (keras.ops.log1p, True),
        ("softmax", False),
        ("glu", False),
        ("log_softmax", False),
        ("sparsemax", False),
        (lambda x: x - keras.ops.mean(x, -1, keepdims=True), False),
    ],
)
def test_units_that_an_activation_mixes_stay(activation, elementwise):
    for layers in ([L.Dense(4, activation=activation, name="a")], [L.Dense(4, name="a"), L.Activation(activation)]):
        model = keras.Sequential([keras.Input((3,)), *layers, L.Dense(2, name="b")])
        assert (list(groups(model)) == ["a"]) == elementwise
        assert ("a" in kept_out(model)) != elementwise


def test_the_rest_of_a_model_with_a_barrier_is_pruned():
    inputs = keras.Input((4,))
    x = L.Dense(6, name="first")(inputs)
    x = L.Lambda(lambda t: t[:, :3], name="cut")(L.Dense(6, name="second")(x))
    model = keras.Model(inputs, L.Dense(2, name="logits")(x))
    assert list(groups(model)) == ["first"] and list(kept_out(model)) == ["second", "logits"]
    assert list(tfr.masks(tfr.prune_units(model, 0.5))) == ["first"]


def test_depthwise_and_pointwise_layers_share_their_units():
    def build(x):
        x = L.ReLU()(L.BatchNormalization(name="dw_bn")(L.DepthwiseConv2D(3, name="dw")(x)))
        return L.SeparableConv2D(5, 1, name="separable")(x)

    assert groups(image_model(build)) == {"conv": ("conv", "dw", "dw_bn"), "separable": ("separable",)}


@pytest.mark.parametrize("merge", [L.Add, L.Subtract, L.Multiply, L.Average, L.Maximum, L.Minimum])
def test_merging_layers_unite(merge):
    found = groups(image_model(lambda x: merge()([x, L.Conv2D(4, 3, padding="same", name="other")(x)])))
    assert found == {"conv": ("conv", "other")}


def test_adding_the_input_keeps_the_units():
    inputs = keras.Input((4,))
    model = keras.Model(inputs, L.Dense(2, name="logits")(L.Add()([inputs, L.Dense(4, name="a")(inputs)])))
    assert not groups(model) and set(kept_out(model)) == {"a", "logits"}


def test_a_gate_for_all_units_is_pruned_with_none():
    assert groups(image_model(lambda x: L.Multiply()([x, L.Conv2D(1, 1, name="gate")(x)])))["conv"] == ("conv",)
    found = kept_out(image_model(lambda x: L.Add(name="odd")([x, L.Conv2D(1, 1, name="gate")(x)])))
    assert found["conv"] == "barrier: 'logits' (Dense) gets no constant from a pruned unit"


def test_a_constant_that_meets_zero_padding_stays():
    found = kept_out(image_model(lambda x: L.Conv2D(4, 3, padding="same", name="next")(L.Activation("sigmoid")(x))))
    assert found["conv"] == "barrier: 'next' (Conv2D) can not take up the 0.5 that a pruned unit gives"
    assert not kept_out(image_model(lambda x: L.Conv2D(4, 3, name="next")(L.Activation("sigmoid")(x)))).get("conv")


def test_units_side_by_side_are_groups_of_their_own():
    def build(x):
        return L.BatchNormalization(name="bn")(L.Concatenate()([x, L.Conv2D(3, 1, name="other")(x), x]))

    found = {group.name: group for group in tfr.find_groups(image_model(build))}
    assert {name: group.members for name, group in found.items()} == {"conv": ("conv", "bn"), "other": ("other", "bn")}
    assert found["conv"].positions["bn"].tolist() == [[0, 7], [1, 8], [2, 9], [3, 10]]
    assert found["other"].positions["bn"].tolist() == [[4], [5], [6]]


def test_groups_of_a_convolution_keep_equally_many():
    found = list(tfr.find_groups(image_model(lambda x: L.Conv2D(6, 1, groups=2, name="grouped")(x))))
    assert [(g.name, g.size, g.positions[g.name].tolist()) for g in found] == [
        ("conv", 2, [[0, 2], [1, 3]]),
        ("grouped", 3, [[0, 3], [1, 4], [2, 5]]),
    ]


def test_a_quantised_layer_is_a_barrier():
    model = keras.Sequential([keras.Input((4,)), L.Dense(5, name="a"), L.Dense(6, name="b"), L.Dense(2, name="c")])
    model.get_layer("b").quantize("int8")
    reason = "barrier: 'b' (Dense) is quantised or adapted by LoRA"
    assert kept_out(model) == dict.fromkeys("ab", reason) | {"c": "output of the model"}


def test_a_subclass_may_compute_anything():
    class Reversed(L.Dense):
        def call(self, x):
            return super().call(x[:, ::-1])

    model = keras.Sequential([keras.Input((4,)), L.Dense(5, name="a"), Reversed(6, name="b"), L.Dense(2, name="c")])
    teach = "is not known; if it acts on each unit alone, tfr.register_units teaches it"
    assert kept_out(model)["a"] == f"barrier: 'b' (Reversed) {teach}" and not groups(model)


def test_a_squeeze_and_excitation_block():
    def build(x):
        s = L.GlobalAveragePooling2D(keepdims=True)(x)
        s = L.Dense(4, activation="sigmoid", name="up")(L.Dense(2, activation="relu", name="down")(s))
        return L.Multiply()([x, s])

    assert groups(image_model(build)) == {"conv": ("conv", "up"), "down": ("down",)}


def test_a_shared_layer_makes_the_same_units_twice():
    shared = L.Dense(4, name="shared")
    inputs = [keras.Input((3,)), keras.Input((3,))]
    model = keras.Model(inputs, L.Dense(2, name="logits")(L.Add()([shared(x) for x in inputs])))
    assert groups(model) == {"shared": ("shared",)}
    pruned = tfr.prune_units(model, 0.5)
    assert list(tfr.masks(pruned)) == ["shared"] and len(pruned.trainable_variables) == 4


def test_a_shared_normalisation_unites_what_goes_through_it():
    bn, inputs = L.BatchNormalization(name="bn"), keras.Input((3,))
    branches = [bn(L.Dense(4, name=name)(inputs)) for name in ("a", "b")]
    model = keras.Model(inputs, L.Dense(2, name="logits")(L.Concatenate(name="cat")(branches)))
    assert {frozenset(members) for members in groups(model).values()} == {frozenset({"a", "b", "bn"})}
    model = keras.Model(inputs, [L.Dense(2, name="one")(branches[0]), L.Dense(2, name="two")(branches[1])])
    assert {frozenset(members) for members in groups(model).values()} == {frozenset({"a", "b", "bn"})}


def test_a_layer_shared_by_two_models_is_one_member():
    shared, inputs = L.Dense(5, name="shared"), keras.Input((4,))
    one, other = (keras.Model(inputs, shared(inputs), name=name) for name in ("one", "other"))
    model = keras.Model(inputs, L.Dense(2, name="logits")(L.Add()([other(inputs), L.ReLU()(one(inputs))])))
    assert groups(model) == {"one/shared": ("one/shared",)}
    assert list(tfr.masks(tfr.prune_units(model, 0.5))) == ["one/shared"]


def test_a_layer_that_takes_the_input_and_its_own_units_stays():
    shared, inputs = L.Dense(4, name="shared"), keras.Input((4,))
    model = keras.Model(inputs, L.Dense(2, name="logits")(shared(shared(inputs))))
    assert kept_out(model) == {"shared": "input of the model", "logits": "output of the model"}


@pytest.mark.parametrize("frozen_first", [True, False])
def test_what_is_added_to_what_stays_stays(frozen_first):
    inputs = keras.Input((3,))
    free, mixed = L.Dense(4, name="free")(inputs), L.Dense(4, name="mixed")(inputs)
    soft = L.Dense(2, name="other")(L.ReLU()(L.Softmax(name="odd")(mixed)))  # comes before the addition
    both = [mixed, L.ReLU()(L.ReLU()(free))]
    total = L.Add()(both if frozen_first else both[::-1])
    found = kept_out(keras.Model(inputs, [L.Dense(2, name="logits")(total), soft]))
    assert found["free"] == found["mixed"] == "barrier: 'odd' (Softmax)"


def test_a_normalisation_of_what_flatten_has_tiled_has_each_unit_at_every_place():
    inputs = keras.Input((4, 4, 2))
    x = L.Flatten()(L.Conv2D(3, 3, name="conv")(inputs))
    model = keras.Model(inputs, L.Dense(2, name="logits")(L.BatchNormalization(name="bn")(x)))
    (group,) = tfr.find_groups(model)
    assert group.positions["bn"].tolist() == [[0, 3, 6, 9], [1, 4, 7, 10], [2, 5, 8, 11]]


def test_a_model_in_a_model():
    inner_input = keras.Input((6, 6, 4))
    y = L.BatchNormalization(name="bn")(L.Conv2D(4, 3, padding="same", name="conv")(inner_input))
    inner = keras.Model(inner_input, L.Add()([inner_input, y]), name="block")
    assert groups(image_model(inner)) == {"conv": ("conv", "block/conv", "block/bn")}
    pruned = tfr.prune_units(image_model(inner), 0.5)
    assert list(tfr.masks(pruned)) == ["conv", "block/conv", "block/bn"]


def test_every_output_of_the_model_stays():
    inputs = keras.Input((3,))
    hidden = L.Dense(4, name="hidden")(inputs)
    model = keras.Model(inputs, {"a": L.Dense(2, name="a")(hidden), "hidden": L.ReLU()(hidden)})
    assert not groups(model) and kept_out(model) == {"hidden": "output of the model", "a": "output of the model"}


def test_attention_heads_are_units():
    inputs = keras.Input((5, 4))
    x = L.Dense(6, name="before")(inputs)
    x = L.MultiHeadAttention(3, 2, name="mha")(x, x)
    model = keras.Model(inputs, L.Dense(2, name="logits")(L.Dense(4, name="after")(x)))
    found = tfr.find_groups(model)
    assert {group.name: group.size for group in found} == {"before": 6, "mha": 3, "after": 4}


def test_the_heads_of_an_attention_whose_scores_are_used_stay():
    inputs = keras.Input((5, 8))
    y, scores = L.MultiHeadAttention(4, 2, name="mha")(inputs, inputs, return_attention_scores=True)
    model = keras.Model(inputs, [L.Dense(2, name="logits")(y), scores])
    assert not groups(model) and kept_out(model)["mha"] == "barrier: 'mha' (MultiHeadAttention) returns its scores"
    with pytest.raises(ValueError, match="no units to prune"):
        tfr.prune_units(model, 0.5)
    assert list(groups(keras.Model(inputs, L.Dense(2, name="logits")(model.get_layer("mha")(inputs, inputs))))) == [
        "mha"
    ]


def test_a_dense_net_is_wrapped_and_computes(rng):
    """Units before a Flatten are whole channels: masking one silences its tile."""
    inputs = keras.Input((3, 3, 2))
    flat = L.Flatten(name="flat")(L.Conv2D(4, 2, activation="relu", name="conv")(inputs))
    model = keras.Model(inputs, L.Dense(2, name="logits")(flat))
    pruned = tfr.prune_units(model, 0.5)
    mask = tfr.masks(pruned)["conv"]
    y = keras.ops.convert_to_numpy(
        keras.Model(pruned.input, pruned.get_layer("flat").output)(np.ones((1, 3, 3, 2), "float32"))
    )
    assert not y.reshape(1, 2, 2, 4)[..., ~mask].any()


class Subclassed(keras.Model):
    def call(self, x):
        return x


@pytest.mark.parametrize(
    "function",
    [tfr.find_groups, tfr.strip_pruning, lambda m: tfr.prune_units(m, 0.5), lambda m: tfr.prune_weights(m, 0.5)],
    ids=["find_groups", "strip_pruning", "prune_units", "prune_weights"],
)
def test_models_without_a_graph_are_refused_with_advice(function):
    with pytest.raises(ValueError, match="must be built: give it an Input or call it on data. Received: 'net'"):
        function(keras.Sequential([L.Dense(2)], name="net"))
    own = Subclassed(name="own")
    own(np.ones((1, 2)))
    with pytest.raises(
        ValueError,
        match="a subclassed model has no graph. Put tfr.layers.PruneUnits .* in __init__. Received: Subclassed 'own'",
    ):
        function(own)
    with pytest.raises(ValueError, match="must be a Keras model. Received: Dense"):
        function(L.Dense(2))


def test_units_before_a_masking_layer_stay_and_those_behind_a_mask_are_free():
    """Which steps are masked depends on every channel that Masking sees, but on none behind it."""
    x = keras.Input((5, 3))
    y = L.Dense(6, name="b")(L.Masking()(L.Dense(4, name="a")(x)))
    found = tfr.find_groups(keras.Model(x, L.Dense(2, name="c")(L.GlobalAveragePooling1D()(y))))
    assert [group.name for group in found] == ["b"] and "barrier: " in found.kept_out["a"]


def test_an_activation_with_variables_keeps_its_units():
    model = keras.Sequential([keras.Input((3,)), L.Dense(4, activation=L.PReLU(), name="a"), L.Dense(2, name="b")])
    assert kept_out(model)["a"] == "barrier: 'a' (Dense) has an activation that may mix units"
    model = keras.Sequential([keras.Input((3,)), L.Dense(4, activation=L.LeakyReLU(), name="a"), L.Dense(2, name="b")])
    assert list(groups(model)) == ["a"]
