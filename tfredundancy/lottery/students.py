"""Deep ReLU students, wider than their teacher: what they are trained on, and how alike their units are to the teacher's.

layers: a list of (kernel (fan-in, units), bias (units,)), the outputs last, as `datasets.teacher.relu_layers` returns them.

Tian, Jiang, Gong and Morcos 2019, arXiv:1905.13405; sizes of batch and input as in the code published with it.
"""

from collections.abc import Sequence
from dataclasses import replace

import keras
import numpy as np

from tfredundancy.datasets import teacher as teachers
from tfredundancy.lottery.ticket import Ticket
from tfredundancy.lottery.visits import Row
from tfredundancy.numerics import responses

BATCH, INPUT_SIZE, INPUT_STD = 64, 20, 10.0
PROBES = 2000  # examples that responses are compared on
MATCHED = 0.95  # correlation from which a student unit counts as matched


def initial_student(fresh: Ticket, seed: int) -> Ticket:
    """Kernels drawn from ±1/√fan-in, as PyTorch's layers begin; biases 0."""
    rng = np.random.default_rng([seed, 3])
    variables = {}
    for path, value in fresh.variables.items():
        limit = len(value) ** -0.5 if value.ndim == 2 else 0.0
        variables[path] = rng.uniform(-limit, limit, value.shape).astype(value.dtype) if value.ndim == 2 else value
    return replace(fresh, variables=variables)


def labelled(layers: Sequence, seed: int, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (steps, batch, 1, 1, size) and the teacher's outputs (steps, batch, outputs)."""
    x = INPUT_STD * teachers.examples(seed, start * BATCH, stop * BATCH, INPUT_SIZE)[0]
    y = forward(layers, x)[-1]
    return x.reshape(-1, BATCH, 1, 1, INPUT_SIZE), y.reshape(-1, BATCH, y.shape[-1])


def forward(layers: Sequence, x: np.ndarray) -> list[np.ndarray]:
    """Responses of each hidden layer, and the outputs."""
    found = [x]
    for kernel, bias in layers[:-1]:
        found.append(np.maximum(found[-1] @ kernel + bias, 0))
    return [*found[1:], found[-1] @ layers[-1][0] + layers[-1][1]]


def look_at_layers(
    layers: Sequence, student: keras.Model, start: Ticket, last: int, step: int, loss: float | None
) -> list[Row]:
    """How alike the units of teacher and student are, layer by layer; at the end also unit by unit."""
    x = INPUT_STD * teachers.examples(2**32, 0, PROBES, INPUT_SIZE)[0]  # no seed's
    ours, initial = (_paired(variables) for variables in (Ticket.take(student).variables, start.variables))
    if not all(np.isfinite(array).all() for pair in ours for array in pair):
        lost = f"diverged by step {step}"
        return [{"table": "layers", "layer": place + 1, "outcome": lost} for place in range(len(layers) - 1)]
    theirs, now, before = (forward(each, x) for each in (layers, ours, initial))
    error = np.square(now[-1] - theirs[-1]).mean() / theirs[-1].var()
    rows = []
    for place, (a, b, c) in enumerate(zip(theirs[:-1], now[:-1], before[:-1], strict=True)):
        varying = a.std(axis=0) > 0
        alive = (b.std(axis=0) > 0) & (c.std(axis=0) > 0)
        if not alive.any():
            rows.append({"table": "layers", "layer": place + 1, "outcome": "no unit responds", "relative_error": error})
            continue
        found = responses.match(a[:, varying], b, c)
        fan_out, fan_out_initial = (np.linalg.norm(net[place + 1][0], axis=1) for net in (ours, initial))
        alike = np.corrcoef(a[:, varying].T, b[:, alive].T)[: varying.sum(), varying.sum() :].max(axis=0)
        matched, units = alike >= MATCHED, np.flatnonzero(alive)
        rows.append({
            "table": "layers", "layer": place + 1, "outcome": "trained", "relative_error": error, "loss": loss,
            "correlation": found.mean, "lucky": float(np.mean(found.initial_rank == 0)), "chance": 1 / b.shape[1],
            "matched_units": int(matched.sum()), "units": b.shape[1],
            **{f"fan_out_{name}": _ratio(fan_out, fan_out_initial, units[which])
               for name, which in (("matched", matched), ("unmatched", ~matched))},
        })  # fmt: skip
        if step == last:
            numbers = zip(units, alike, fan_out[units], fan_out_initial[units], strict=True)
            rows += [
                {
                    "table": "nodes",
                    "layer": place + 1,
                    "unit": int(u),
                    "correlation": r,
                    "fan_out": f,
                    "fan_out_initial": f0,
                }
                for u, r, f, f0 in numbers
            ]
    return rows


def _paired(variables: dict[str, np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    """(kernel, bias) of each layer, in order."""
    arrays = list(variables.values())
    kernels, biases = ([a for a in arrays if a.ndim == n] for n in (2, 1))
    return list(zip(kernels, biases, strict=True))


def _ratio(now: np.ndarray, initial: np.ndarray, units: np.ndarray) -> float | None:
    """Mean norm of outgoing weights over some units, by the initial; None where there is no unit."""
    return float(now[units].mean() / initial[units].mean()) if len(units) else None
