"""Layers and operations that bring several tensors together: channel i of one with channel i of the other, or side by side.

What a constant becomes is computed with NaN for what varies; only a product with zero is zero whatever the other factor.
"""

from collections.abc import Callable, Sequence
from functools import reduce

import keras
import numpy as np

from tfredundancy.pruning.following import VARIES, Call, Trace, Wire, barrier
from tfredundancy.pruning.rules.registry import rule

L = keras.layers
Combine = Callable[[Sequence[np.ndarray]], np.ndarray]


def product(values: Sequence[np.ndarray]) -> np.ndarray:
    """Of constants; zero where one factor is."""
    return np.where(reduce(np.logical_or, [v == 0 for v in values]), 0.0, reduce(np.multiply, values))


def merged(trace: Trace, call: Call, operands: Sequence, combine: Combine) -> list[Wire]:
    """Wires and numbers, joined entry by entry; an operand of one channel is the same for all."""
    wires = [operand for operand in operands if isinstance(operand, Wire)]
    widest = max(wire.channels for wire in wires)
    fits = all(wire.channels in (1, widest) and (not wire.shape or wire.shape[-1] is not None) for wire in wires)
    numbers = [operand for operand in operands if not isinstance(operand, Wire)]
    if not fits or call.shapes[0][-1] != widest or any(np.shape(x) and np.shape(x)[-1] != 1 for x in numbers):
        return barrier(trace, call)
    wide = [wire for wire in wires if wire.channels == widest]
    for wire in wide[1:]:
        trace.tie(wide[0].atoms, wire.atoms)
    return [Wire(wide[0].atoms, combine([_constant(x, widest) for x in operands]), call.shapes[0])]


def _constant(operand, channels: int) -> np.ndarray:
    """Values (channels,) of an operand; a single channel that is spread over many is not pruned with them."""
    if isinstance(operand, Wire):
        return operand.values if operand.channels == channels else np.full(channels, VARIES)
    value = np.asarray(operand, np.float64) if np.size(operand) == 1 else np.asarray(VARIES)
    return np.full(channels, float(value.reshape(())))


def concatenated(trace: Trace, call: Call, wires: Sequence[Wire], axis: int) -> list[Wire]:
    """Side by side on the last axis; on another one the channels are those of every input."""
    rank = len(call.shapes[0])
    if axis not in (-1, rank - 1):
        return merged(
            trace, call, wires, lambda v: np.where(reduce(np.logical_and, [x == v[0] for x in v]), v[0], VARIES)
        )
    if any(wire.shape[-1] is None for wire in wires):
        return barrier(trace, call)
    return [Wire(*(np.concatenate([getattr(w, name) for w in wires]) for name in ("atoms", "values")), call.shapes[0])]


_COMBINE: dict[type, Combine] = {
    L.Add: lambda v: reduce(np.add, v),
    L.Subtract: lambda v: reduce(np.subtract, v),
    L.Multiply: product,
    L.Average: lambda v: reduce(np.add, v) / len(v),
    L.Maximum: lambda v: reduce(np.maximum, v),
    L.Minimum: lambda v: reduce(np.minimum, v),
}


def _joins(combine: Combine):
    return lambda trace, call: merged(trace, call, call.ins, combine)


for _kind, _combine in _COMBINE.items():
    rule(_kind, _joins(_combine))
rule(L.Concatenate, lambda trace, call: concatenated(trace, call, call.ins, call.layer.axis))


def _follow_scaled_sum(trace: Trace, call: Call) -> list[Wire]:
    scale = call.layer.scale
    return merged(trace, call, call.ins, lambda v: v[0] + v[1] * scale)


rule("CustomScaleLayer", _follow_scaled_sum)  # of InceptionResNetV2
