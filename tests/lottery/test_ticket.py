"""Law 4: rewinding restores everything but the masks, and a rewound run is the first run bit for bit."""

import keras
import numpy as np
import pytest
from keras import layers as L
from keras.ops import convert_to_numpy as array

import tfredundancy as tfr
from tfredundancy import Ticket
from tfredundancy.files import write_arrays
from tfredundancy.lottery.ticket import pack, unpack
from tfredundancy.paths import variable_paths

X = np.random.default_rng(0).normal(size=(12, 6, 6, 2)).astype("float32")
Y = np.random.default_rng(1).normal(size=(12, 3)).astype("float32")


def compiled(chain, optimizer=None, prune=None, **settings):
    """Return the chain with dropout, compiled; pruned at density 1 by `prune`."""
    model = chain(dropout=0.5, **settings)
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9) if optimizer is None else optimizer, "mse")
    return model if prune is None else prune(model, 1.0)


def train(model, epochs=2):
    return model.fit(X, Y, batch_size=4, epochs=epochs, shuffle=False, verbose=0).history["loss"]


def everything(model):
    values = {path: array(variable) for path, variable in variable_paths(model).items()}
    return values | {f"optimizer/{i}": array(variable) for i, variable in enumerate(model.optimizer.variables)}


def same(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[key], other[key]) for key in one)


def test_taking_and_rewinding_restores_everything(chain):
    model = compiled(chain)
    train(model, 1)
    before, ticket = everything(model), Ticket.take(model)
    seeds = [path for path in before if "seed" in path]
    train(model)
    after = everything(model)
    assert seeds and all(not np.array_equal(before[key], after[key]) for key in before if before[key].size > 1)
    ticket.rewind(model)
    assert same(everything(model), before) and ticket.step == int(model.optimizer.iterations) == 3


def test_a_ticket_is_a_copy(chain):
    model = compiled(chain)
    ticket = Ticket.take(model)
    values = {path: value.copy() for path, value in ticket.variables.items()}
    train(model, 1)
    assert same(ticket.variables, values)


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5), momentum=0.9),
        lambda: keras.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=2),
    ],
    ids=["SGD with a schedule", "Adam with an average"],
)
@pytest.mark.parametrize("prune", [tfr.prune_weights, tfr.prune_units])
def test_a_rewound_run_is_the_first_run_bit_for_bit(chain, optimizer, prune):
    model = compiled(chain, optimizer(), prune)
    tfr.set_masks(model, tfr.choose_masks(model, 0.5))
    train(model, 1)
    ticket = Ticket.take(model)
    first, end = train(model), everything(model)
    ticket.rewind(model)
    assert train(model) == first and same(everything(model), end)
    assert train(model) != first


def test_rewinding_leaves_masks_alone_and_zeroes_what_they_exclude(chain):
    model = compiled(chain, keras.optimizers.Adam(0.05, use_ema=True, ema_momentum=0.5), tfr.prune_weights)
    train(model, 1)
    ticket = Ticket.take(model)
    train(model, 1)
    masks = tfr.choose_masks(model, 0.4)
    tfr.set_masks(model, masks)
    ticket.rewind(model)
    assert all(np.array_equal(mask, masks[path]) for path, mask in tfr.masks(model).items())
    variables = variable_paths(model)
    for path, mask in masks.items():
        assert (
            np.array_equal(array(variables[path]), ticket.variables[path] * mask)
            and ticket.variables[path][~mask].any()
        )
        slots = [
            (array(v), old)
            for v, old in zip(model.optimizer.variables, ticket.optimizer, strict=True)
            if v.shape == mask.shape
        ]
        assert len(slots) == 3 and all(
            np.array_equal(slot, old * mask) for slot, old in slots
        )  # momentum, velocity, average


def test_a_ticket_of_a_plain_model_rewinds_its_pruned_copies(chain):
    model = compiled(chain)
    start = Ticket.take(model)
    train(model, 1)
    for prune in (tfr.prune_weights, tfr.prune_units):
        pruned = prune(model, 0.5)
        start.rewind(pruned)
        assert int(pruned.optimizer.iterations) == 0
        mask = np.broadcast_to(pruned.get_layer("conv").mask, (3, 3, 2, 4))
        assert np.array_equal(array(pruned.get_layer("conv").layer.kernel), start.variables["conv/kernel"] * mask)
        Ticket.take(pruned).rewind(tfr.strip_pruning(pruned))  # and back


def test_a_model_that_is_not_compiled_gives_variables_only(chain):
    model = chain()
    ticket = Ticket.take(model)
    assert (
        ticket.optimizer is None
        and repr(ticket) == "Ticket(10 variables, no optimizer state: the model was not compiled)"
    )
    kernel = array(model.get_layer("conv").kernel)
    model.get_layer("conv").kernel.assign(kernel + 1)
    ticket.rewind(model)
    assert np.array_equal(array(model.get_layer("conv").kernel), kernel)
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="was not compiled and holds no optimizer state: compile the model before"):
        ticket.rewind(model)
    with pytest.raises(ValueError, match="`ticket` holds no step counter .* no optimizer state"):
        ticket.with_step(3)


def test_a_compiled_ticket_rewinds_a_model_that_is_not(chain):
    ticket = Ticket.take(compiled(chain))
    model = chain(dropout=0.5)
    ticket.rewind(model)
    assert np.array_equal(array(model.get_layer("conv").kernel), ticket.variables["conv/kernel"])


def test_an_optimizer_that_has_not_begun_is_built(chain):
    model = compiled(chain)
    assert not model.optimizer.built
    assert repr(Ticket.take(model)) == "Ticket(step 0, 11 variables, 10 of the optimizer)"


@pytest.mark.parametrize("scaled", [False, True], ids=["plain", "loss scale"])
def test_the_step_alone_can_be_set(chain, scaled, tmp_path):
    model = compiled(chain)
    if scaled:
        model.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.1)), "mse")
    train(model, 1)
    last = Ticket.take(model)
    last.save(tmp_path / "ticket.npz")
    assert Ticket.load(tmp_path / "ticket.npz").counter == last.counter == (4 if scaled else 0)
    last.with_step(1).rewind(model)
    values = everything(model)
    assert int(model.optimizer.iterations) == 1 and last.step == 3
    assert all(np.array_equal(values[path], value) for path, value in last.variables.items())


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "float64"])
def test_saving_and_loading_is_exact(chain, dtype, tmp_path):
    model = compiled(chain, dtype=dtype)
    ticket = Ticket.take(model)
    ticket.save(tmp_path / "start.npz")
    loaded = Ticket.load(tmp_path / "start.npz")
    assert (loaded.step, loaded.optimizer_class, repr(loaded)) == (ticket.step, "SGD", repr(ticket))
    assert same(loaded.variables, ticket.variables)
    assert [value.dtype for value in loaded.variables.values()] == [value.dtype for value in ticket.variables.values()]
    assert loaded.variables["conv/kernel"].dtype == dtype
    assert all(
        np.array_equal(a, b) and a.dtype == b.dtype for a, b in zip(loaded.optimizer, ticket.optimizer, strict=True)
    )
    loaded.rewind(model)


def test_several_tickets_fit_in_one_file(chain):
    first = Ticket.take(compiled(chain))
    second = Ticket.take(chain())
    arrays = pack(first, "a/") | pack(second, "b/")
    assert same(unpack(arrays, "a/").variables, first.variables) and same(
        unpack(arrays, "b/").variables, second.variables
    )
    assert unpack(arrays, "b/").optimizer is None


def test_a_file_that_is_no_ticket_is_refused(tmp_path):
    write_arrays(tmp_path / "other.npz", {"x": np.zeros(2)})
    with pytest.raises(ValueError, match="must be a file that Ticket.save wrote. Received: .*other.npz"):
        Ticket.load(tmp_path / "other.npz")
    (tmp_path / "half.npz").write_bytes((tmp_path / "other.npz").read_bytes()[:50])
    with pytest.raises(ValueError, match="half.npz"):
        Ticket.load(tmp_path / "half.npz")


# --- errors: nothing is assigned then --------------------------------------------------------------------------------


def dense(*units):
    model = keras.Sequential(
        [keras.Input((4,)), *(L.Dense(n, name=f"dense{i}") for i, n in enumerate(units))], name="net"
    )
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
    return model


@pytest.mark.parametrize(
    "other, message",
    [
        ((3,), "0 that the ticket lacks, 2 that the model lacks, 0 of another shape; the first is 'dense1/bias'"),
        ((3, 2, 1), "2 that the ticket lacks, 0 that the model lacks, 0 of another shape; the first is 'dense2/bias'"),
        ((5, 2), "0 that the ticket lacks, 0 that the model lacks, 3 of another shape; the first is 'dense0/kernel'"),
    ],
)
def test_another_architecture_is_refused(other, message):
    model = dense(*other)
    model.optimizer.build(model.trainable_variables)
    before = [array(v) for v in (*model.variables, *model.optimizer.variables)]
    with pytest.raises(ValueError, match=f"`model` must have the variables of the ticket. Received: {message}"):
        Ticket.take(dense(3, 2)).rewind(model)
    after = [array(v) for v in (*model.variables, *model.optimizer.variables)]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize(
    "optimizer",
    [keras.optimizers.Adam, keras.optimizers.SGD, lambda: keras.optimizers.RMSprop(0.1)],
    ids=["Adam", "SGD", "RMSprop"],
)
def test_another_optimizer_is_refused(optimizer):
    ticket, model = Ticket.take(dense(3, 2)), dense(3, 2)
    model.compile(optimizer(), "mse")
    before = [array(v) for v in model.variables]
    message = "`model` must have the optimizer that the ticket was taken with. Received: .*; the ticket holds 6 of SGD"
    with pytest.raises(ValueError, match=message):
        ticket.rewind(model)
    assert all(np.array_equal(a, array(b)) for a, b in zip(before, model.variables, strict=True))


def test_a_model_that_is_not_built_is_refused():
    with pytest.raises(ValueError, match="`model` must be built: give it an Input or call it on data. Received: 'net'"):
        Ticket.take(keras.Sequential([L.Dense(2)], name="net"))
