"""Differences of outputs relative to their spread, latencies in turns, and inputs that a model takes."""

import keras
import numpy as np
import pytest

from tfredundancy.pruning.comparing import OutputsDifference, compiled, latencies, outputs_difference, random_inputs

L = keras.layers


def shifted(bias, units=1, scale=1.0):
    """Return the model y = scale · x + bias."""
    model = keras.Sequential([keras.Input((1,)), L.Dense(units)])
    model.set_weights([np.full((1, units), scale), np.broadcast_to(np.float32(bias), units)])
    return model


def test_the_difference_is_counted_in_spreads():
    x = np.array([[-3.0], [3.0]])  # σ = 3
    found = outputs_difference(shifted(0), shifted(0.75), x)
    assert (found.largest, found.spread, found.size, found.relative) == (0.75, 3.0, 3.0, 0.25)
    assert outputs_difference(shifted(0), shifted(0), x).relative == 0


def test_a_constant_output_spreads_not_at_all():
    x = np.array([[-3.0], [3.0]])
    assert outputs_difference(shifted(1, scale=0), shifted(2, scale=0), x).relative == np.inf
    assert outputs_difference(shifted(1, scale=0), shifted(1, scale=0), x).relative == 0


def test_of_several_outputs_the_worst():
    inputs = keras.Input((1,))
    outputs = [L.Rescaling(1.0)(inputs), L.Rescaling(100.0)(inputs)]
    others = [L.Rescaling(1.0, 0.5)(inputs), L.Rescaling(100.0, 1.0)(inputs)]
    found = outputs_difference(keras.Model(inputs, outputs), keras.Model(inputs, others), np.array([[-1.0], [1.0]]))
    assert found == OutputsDifference(0.5, 1.0, 1.0)


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"`other` must have outputs of shape \(2, 1\). Received: \(2, 2\)"):
        outputs_difference(shifted(0), shifted(0, units=2), np.zeros((2, 1)))


def test_calls_take_turns():
    order = []
    calls = {"a": lambda: order.append("a"), "b": lambda: order.append("b")}
    found = latencies(calls, rounds=4, warm_up=1)
    assert {name: len(seconds) for name, seconds in found.items()} == {"a": 4, "b": 4}
    assert order == ["a", "b", "b", "a", "a", "b", "b", "a", "a", "b"] and min(map(min, found.values())) >= 0


def test_the_compiled_model_is_the_model_at_rest(chain, randomise):
    model = randomise(chain(dropout=0.5))
    x = random_inputs(model, 3)
    np.testing.assert_allclose(compiled(model)(x), model(x, training=False), rtol=1e-4, atol=1e-5)


def test_inputs_are_what_the_model_takes():
    words, flags = keras.Input((4,), dtype="int32", name="words"), keras.Input((2,), dtype="bool", name="flags")
    numbers = keras.Input((None, 3), dtype="float16", name="numbers")
    embedded = L.Embedding(3, 5)(words)
    model = keras.Model({"words": words, "flags": flags, "numbers": numbers}, [embedded, flags, numbers])
    found = random_inputs(model, 50, {"words": (4,), "flags": (2,), "numbers": (6, 3)}, seed=1)
    assert set(np.unique(found["words"])) == {0, 1, 2} and found["words"].shape == (50, 4)
    assert found["flags"].dtype == bool and set(np.unique(found["flags"])) == {False, True}
    assert found["numbers"].shape == (50, 6, 3) and keras.backend.standardize_dtype(found["numbers"].dtype) == "float16"
    again = random_inputs(model, 50, {"words": (4,), "flags": (2,), "numbers": (6, 3)}, seed=1)
    np.testing.assert_array_equal(found["words"], again["words"])


def test_a_fixed_batch_size_is_kept():
    model = keras.Model(inputs := keras.Input(batch_shape=(4, 3)), L.Dense(2)(inputs))
    assert random_inputs(model, 32).shape == (4, 3)
