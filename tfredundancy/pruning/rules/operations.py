"""Bare operations of keras.ops in a graph, known by the name of their class."""

from functools import reduce

import keras
import numpy as np

from tfredundancy.pruning.following import VARIES, Call, Trace, Wire, barrier
from tfredundancy.pruning.rules.merging import Combine, concatenated, merged, product
from tfredundancy.pruning.rules.passing import elementwise, hand_on, only_zero, reshaped
from tfredundancy.pruning.rules.registry import Arrays, Kept, rule

_ELEMENTWISE = (
    "Abs Absolute Arcsinh Arctan Ceil Celu Clip Cos Elu Erf Exp Expm1 Floor Gelu HardShrink HardSigmoid HardSilu HardTanh "
    "LeakyRelu LogSigmoid Log1p Negative Relu Relu6 Round Selu Sigmoid Sign Silu Sin Sinh SoftShrink Softplus Softsign "
    "SparsePlus SparseSigmoid Sqrt Square Squareplus Tanh TanhShrink Threshold"
)
for _name in _ELEMENTWISE.split():
    rule(_name, elementwise)
rule("StopGradient", hand_on)


def _follow_cast(trace: Trace, call: Call) -> list[Wire]:
    return hand_on(trace, call) if "float" in str(call.layer.dtype) else barrier(trace, call)


rule("Cast", _follow_cast)

_COMBINE: dict[str, Combine] = {
    "Add": lambda v: reduce(np.add, v),
    "Subtract": lambda v: reduce(np.subtract, v),
    "Multiply": product,
    "Maximum": lambda v: reduce(np.maximum, v),
    "Minimum": lambda v: reduce(np.minimum, v),
}


def _joins(combine: Combine):
    return lambda trace, call: merged(trace, call, (*call.args, *call.kwargs.values()), combine)


for _name, _combine in _COMBINE.items():
    rule(_name, _joins(_combine))


def _follow_quotient(trace: Trace, call: Call) -> list[Wire]:
    operands = (*call.args, *call.kwargs.values())
    if any(isinstance(x, Wire) for x in operands[1:]):
        return barrier(trace, call)  # a pruned divisor would be zero
    return merged(trace, call, operands, lambda v: v[0] / v[1])


for _name in ("Divide", "TrueDivide"):
    rule(_name, _follow_quotient)


def _follow_reduction(trace: Trace, call: Call) -> list[Wire]:
    axis, rank = call.layer.axis, len(call.ins[0].shape)
    if axis is None or any(each % rank == rank - 1 for each in np.atleast_1d(axis)):
        return barrier(trace, call)
    return (only_zero if type(call.layer).__name__ == "Sum" else hand_on)(trace, call)


for _name in ("Mean", "Max", "Amax", "Min", "Amin", "Sum"):
    rule(_name, _follow_reduction)


def _follow_concatenation(trace: Trace, call: Call) -> list[Wire]:
    if len(keras.tree.flatten((call.args, call.kwargs))) != len(call.ins):  # a constant among them
        return barrier(trace, call)
    return concatenated(trace, call, call.ins, call.layer.axis)


rule("Concatenate", _follow_concatenation)


def _cut_reshape(call: Call, arrays: Arrays, kept: Kept):
    shape = call.layer.newshape
    return {"newshape": (*shape[:-1], shape[-1] if shape[-1] == -1 else len(kept.outs[0]))}, arrays


rule("Reshape", reshaped, _cut_reshape)


def _follow_new_axis(trace: Trace, call: Call) -> list[Wire]:
    rank = max(len(call.shapes[0]), len(call.ins[0].shape))
    axes = [rank - 1] if call.layer.axis is None else [each % rank for each in np.atleast_1d(call.layer.axis)]
    return barrier(trace, call) if rank - 1 in axes else hand_on(trace, call)


for _name in ("ExpandDims", "Squeeze"):
    rule(_name, _follow_new_axis)


def _follow_transpose(trace: Trace, call: Call) -> list[Wire]:
    axes, rank = call.layer.axes, len(call.ins[0].shape)
    return barrier(trace, call) if axes is None or axes[-1] % rank != rank - 1 else hand_on(trace, call)


rule("Transpose", _follow_transpose)


def _follow_slice(trace: Trace, call: Call) -> list[Wire]:
    """Slices of other axes than the last."""
    key = call.kwargs.get("key", call.args[1] if len(call.args) > 1 else None)
    key = key if isinstance(key, tuple) else (key,)
    plain = all(isinstance(each, slice) for each in key)
    whole = len(key) < len(call.ins[0].shape) or key[-1] == slice(None)
    return hand_on(trace, call) if plain and whole and len(call.ins) == 1 else barrier(trace, call)


rule("GetItem", _follow_slice)


def _widths(layer, rank: int) -> list[tuple[int, int]]:
    return [tuple(each) for each in (layer.pad_width if len(layer.pad_width) > 1 else [layer.pad_width[0]] * rank)]


def _follow_pad(trace: Trace, call: Call) -> list[Wire]:
    """Zeros beside the channels are channels too: always zero, taken away with what they are added to."""
    wire, layer = call.ins[0], call.layer
    if layer.mode != "constant" or call.kwargs.get("constant_values") or len(call.args) > 1:
        return barrier(trace, call)
    *others, (before, after) = _widths(layer, len(wire.shape))
    values = wire.values if not np.any(others) else np.where(wire.values == 0, 0.0, VARIES)
    atoms = np.concatenate([trace.new(before), wire.atoms, trace.new(after)])
    return [Wire(atoms, np.concatenate([np.zeros(before), values, np.zeros(after)]), call.shapes[0])]


def _cut_pad(call: Call, arrays: Arrays, kept: Kept):
    *others, (before, _) = _widths(call.layer, len(call.ins[0].shape))
    first, last = before, before + call.ins[0].channels
    outs = kept.outs[0]
    return {"pad_width": (*others, (int((outs < first).sum()), int((outs >= last).sum())))}, arrays


rule("Pad", _follow_pad, _cut_pad)
