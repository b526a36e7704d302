"""A ticket: everything that a model and its optimizer hold at one step, and the way back to it.

    take:    model → {path: value of every variable} + optimizer variables + step
    rewind:  the same values assigned again, zero where the *present* masks exclude; masks and metrics are left alone

The dropout seeds, the momenta, the moving averages and the step that the learning-rate schedule reads belong to the ticket:
with the same masks, data order, thread count and op determinism a rewound run repeats the first one bit for bit.
"""

import json
import os
from dataclasses import dataclass, field, replace

import keras
import numpy as np
from keras import ops

from tfredundancy.files import read_arrays, write_arrays
from tfredundancy.paths import variable_paths
from tfredundancy.pruning.selection import zero_pruned


@dataclass(frozen=True, eq=False)
class Ticket:
    """What a model held at one step.

    Attributes:
        variables: {path: array}; masks and metrics are not among them. A plain model and its pruned copy have the same paths.
        optimizer: the optimizer's variables in its own order, or None where the model was not compiled.
        step: number of steps the optimizer had taken.
        optimizer_class: name of the optimizer's class: the variables of two kinds can have the same shapes.
        counter: place of the step counter among the optimizer's variables; None where no single one counts the steps.

    Example:
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="dense")])
        >>> model.compile("adam", "mse")
        >>> ticket = Ticket.take(model)
        >>> _ = model.get_layer("dense").bias.assign([5.0])
        >>> ticket.rewind(model)
        >>> float(model.get_layer("dense").bias[0])
        0.0
        >>> ticket
        Ticket(step 0, 2 variables, 6 of the optimizer)

    Reference:
        Frankle et al. 2019, Stabilizing the lottery ticket hypothesis, arXiv:1903.01611.
    """

    variables: dict[str, np.ndarray] = field(repr=False)
    optimizer: tuple[np.ndarray, ...] | None = field(repr=False)
    step: int = 0
    optimizer_class: str | None = field(default=None, repr=False)
    counter: int | None = field(default=0, repr=False)

    @classmethod
    def take(cls, model: keras.Model) -> "Ticket":
        """Copy what `model` holds now; an optimizer that is not built yet is built first.

        From a model that is not compiled the ticket holds variables only, and its `repr` says so.

        Raises:
            ValueError: the model is not built.
        """
        variables = {path: _numpy(variable) for path, variable in _built_variables(model).items()}
        optimizer = _built_optimizer(model)
        if optimizer is None:
            return cls(variables, None)
        slots, iterations = optimizer.variables, optimizer.iterations
        counter = next((place for place, variable in enumerate(slots) if variable is iterations), None)
        step, values = int(_numpy(iterations)), tuple(_numpy(v) for v in slots)
        return cls(variables, values, step, type(optimizer).__name__, counter)

    def rewind(self, model: keras.Model) -> None:
        """Assign everything in place, zero where the present masks exclude: weights, momenta and moving averages.

        Raises:
            ValueError: the model or its optimizer has other variables than the ticket; nothing is assigned then. Or the
                model is compiled and the ticket, from a model that was not, holds no optimizer state.
        """
        targets = _built_variables(model)
        _check_same(self.variables, {path: tuple(v.shape) for path, v in targets.items()})
        optimizer = _built_optimizer(model)
        self._check_optimizer(optimizer)
        for path, value in self.variables.items():
            targets[path].assign(value)
        if optimizer is not None:
            for variable, value in zip(optimizer.variables, self.optimizer, strict=True):
                variable.assign(value)
        zero_pruned(model)

    def _check_optimizer(self, optimizer) -> None:
        if optimizer is None:
            return
        if self.optimizer is None:
            raise ValueError(
                "`ticket` was taken from a model that was not compiled and holds no optimizer state: "
                "compile the model before the ticket is taken."
            )
        here, there = [tuple(v.shape) for v in optimizer.variables], [v.shape for v in self.optimizer]
        if here != there or self.optimizer_class not in (None, type(optimizer).__name__):
            raise ValueError(
                "`model` must have the optimizer that the ticket was taken with. "
                f"Received: {type(optimizer).__name__} with {len(here)} variables; "
                f"the ticket holds {len(there)} of {self.optimizer_class}"
                + (", some of another shape" if here != there else "")
            )

    def save(self, path: str | os.PathLike) -> None:
        """Write the ticket to one .npz file, whole or not at all."""
        write_arrays(path, pack(self))

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Ticket":
        """Read what `save` wrote.

        Raises:
            ValueError: the file is no ticket.
        """
        arrays = read_arrays(path)
        if "ticket" not in arrays:
            raise ValueError(f"`path` must be a file that Ticket.save wrote. Received: {os.fspath(path)}")
        return unpack(arrays)

    def with_step(self, step: int) -> "Ticket":
        """The same ticket with the optimizer's step counter at `step`: learning-rate rewinding.

        Raises:
            ValueError: no optimizer state, or none with a single step counter: MultiOptimizer has several, and gradient
                accumulation counts batches.
        """
        if self.optimizer is None or self.counter is None:
            raise ValueError(
                "`ticket` holds no step counter that could be set, as with MultiOptimizer or gradient accumulation. "
                f"Received: {self} of {self.optimizer_class}"
            )
        slots = list(self.optimizer)
        slots[self.counter] = np.asarray(step, slots[self.counter].dtype)
        return replace(self, optimizer=tuple(slots), step=step)

    def __repr__(self):
        if self.optimizer is None:
            return f"Ticket({len(self.variables)} variables, no optimizer state: the model was not compiled)"
        return f"Ticket(step {self.step}, {len(self.variables)} variables, {len(self.optimizer)} of the optimizer)"


def pack(ticket: Ticket, prefix: str = "") -> dict[str, np.ndarray]:
    """Ticket → arrays for one file; `prefix` keeps several apart."""
    arrays = {f"{prefix}variables/{path}": value for path, value in ticket.variables.items()}
    arrays |= {f"{prefix}optimizer/{i}": value for i, value in enumerate(ticket.optimizer or ())}
    dtypes = {key: value.dtype.name for key, value in arrays.items()}
    plain = {key: value.view(np.uint16) if value.dtype.name == "bfloat16" else value for key, value in arrays.items()}
    about = {
        "step": ticket.step,
        "optimizer": None if ticket.optimizer is None else len(ticket.optimizer),
        "dtypes": dtypes,
    }
    about |= {"optimizer_class": ticket.optimizer_class, "counter": ticket.counter}
    return {**plain, f"{prefix}ticket": np.frombuffer(json.dumps(about).encode(), np.uint8)}


def unpack(arrays: dict[str, np.ndarray], prefix: str = "") -> Ticket:
    """What `pack` made → the ticket."""
    about = json.loads(arrays[f"{prefix}ticket"].tobytes().decode())
    start = f"{prefix}variables/"
    typed = {key: arrays[key].view(_dtype(name)) for key, name in about["dtypes"].items()}
    variables = {key.removeprefix(start): value for key, value in typed.items() if key.startswith(start)}
    slots = about["optimizer"]
    optimizer = None if slots is None else tuple(typed[f"{prefix}optimizer/{i}"] for i in range(slots))
    first = optimizer[0] if optimizer else np.zeros(1)
    counted_first = 0 if first.shape == () and first == about["step"] else None  # files from before `counter` was kept
    counter = about.get("counter", counted_first)
    return Ticket(variables, optimizer, about["step"], about.get("optimizer_class"), counter)


def _dtype(name: str) -> np.dtype:
    if name != "bfloat16":
        return np.dtype(name)
    import ml_dtypes  # comes with every backend of Keras

    return np.dtype(ml_dtypes.bfloat16)


def _numpy(variable) -> np.ndarray:
    return np.array(ops.convert_to_numpy(variable))


def _built_variables(model: keras.Model) -> dict[str, keras.Variable]:
    if not model.built:
        raise ValueError(f"`model` must be built: give it an Input or call it on data. Received: '{model.name}'")
    return variable_paths(model)


def _built_optimizer(model: keras.Model):
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None and not optimizer.built:
        optimizer.build(model.trainable_variables)
    return optimizer


def _check_same(ticket: dict[str, np.ndarray], model: dict[str, tuple[int, ...]]) -> None:
    lacking, extra = sorted(set(model) - set(ticket)), sorted(set(ticket) - set(model))
    shapes = [path for path in ticket if path in model and ticket[path].shape != model[path]]
    if lacking or extra or shapes:
        first = (lacking + extra + shapes)[0]
        raise ValueError(
            f"`model` must have the variables of the ticket. Received: {len(lacking)} that the ticket lacks, "
            f"{len(extra)} that the model lacks, {len(shapes)} of another shape; the first is '{first}'"
        )
