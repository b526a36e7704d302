"""Layers that make units: Dense, EinsumDense, convolutions, Embedding; and recurrent layers, which only use them.

    follow   (trace, call) → wires: the channels that come in are mixed, the units that leave are new
    cut      (call, arrays, kept) → (configuration, arrays): the same layer for the channels and units that are kept

What a pruned unit of the layer before contributes, W[:, c] f(0), goes into the bias where it is not zero. That is exact unless
a convolution pads with zeros: then the unit stays.
"""

import keras
import numpy as np

from tfredundancy.layers import einsum_axes, unit_variables
from tfredundancy.pruning.following import VARIES, Call, Trace, Wire, applied, barrier, consume
from tfredundancy.pruning.rules.passing import keeps_apart
from tfredundancy.pruning.rules.registry import Arrays, Kept, rule

L = keras.layers


def made(trace: Trace, call: Call, atoms: np.ndarray, silent: np.ndarray | None = None) -> Wire:
    """The wire that leaves a layer whose units are `atoms`: activation(0) where pruned.

    `silent` is what leaves a unit that is not pruned while its inputs are, mostly NaN.
    """
    masked = trace.hold(call, atoms, maker=silent is None)
    values = np.where(masked, 0.0, VARIES if silent is None else silent)
    if keeps_apart(call.layer.activation, call.shapes[0]):
        values = applied(call.layer.activation, values)
    else:
        trace.freeze(atoms, f"barrier: {call} has an activation that may mix units")
    return Wire(atoms, values, call.shapes[0])


def silent_input(wire: Wire, kernel: np.ndarray) -> np.ndarray:
    """What a sum over all other axes of `kernel` (…, in, out) makes of the constants of the pruned inputs: (out,)."""
    pruned = ~np.isnan(wire.values) & (wire.values != 0)
    return wire.values[pruned] @ kernel.reshape(-1, *kernel.shape[-2:])[:, pruned].sum(0)


def with_bias(arrays: Arrays, extra: np.ndarray) -> tuple[dict, Arrays]:
    """Add constants to the bias, which is made where there is none."""
    if not extra.any():
        return {}, arrays
    return {"use_bias": True}, arrays | {"bias": arrays.get("bias", np.zeros_like(extra)) + extra}


def _removed(call: Call, kept: Kept, wire: int = 0) -> Wire:
    """The incoming wire with constants only where channels are removed."""
    values = call.ins[wire].values.copy()
    values[kept.ins[wire]] = VARIES
    return Wire(call.ins[wire].atoms, values, call.ins[wire].shape)


def _taken(arrays: Arrays, axes: dict[str, tuple[int, np.ndarray]]) -> Arrays:
    return arrays | {name: np.take(arrays[name], at, axis) for name, (axis, at) in axes.items() if name in arrays}


def _follow_dense(trace: Trace, call: Call) -> list[Wire]:
    consume(trace, call, call.ins[0], takes_up=True)
    return [made(trace, call, trace.new(call.shapes[0][-1]))]


def _cut_dense(call: Call, arrays: Arrays, kept: Kept):
    ins, outs = kept.ins[0], kept.outs[0]
    extra = silent_input(_removed(call, kept), arrays["kernel"])[outs]
    kernel = arrays["kernel"][ins][:, outs]
    config, arrays = with_bias(_taken(arrays, {"bias": (0, outs)}), extra)
    return config | {"units": len(outs)}, arrays | {"kernel": kernel}


rule(L.Dense, _follow_dense, _cut_dense)


def _follow_einsum(trace: Trace, call: Call) -> list[Wire]:
    axes = einsum_axes(call.layer)
    if axes is None:
        return barrier(trace, call)
    if axes.input is None:
        trace.freeze(call.ins[0].atoms, f"barrier: {call}")
    consume(trace, call, call.ins[0], takes_up=axes.only)
    return [made(trace, call, trace.new(unit_variables(call.layer)[0]))]


def _cut_einsum(call: Call, arrays: Arrays, kept: Kept):
    axes, (ins,), (outs,) = einsum_axes(call.layer), kept.ins, kept.outs
    kernel = arrays["kernel"].take(outs, axes.output)
    kernel = kernel if axes.input is None else kernel.take(ins, axes.input)
    config = {"output_shape": (*np.atleast_1d(call.layer.partial_output_shape).tolist()[:-1], len(outs))}
    arrays = _taken(arrays, {"bias": (-1, outs)})
    if axes.only:
        folded = silent_input(_removed(call, kept), np.moveaxis(arrays["kernel"], (axes.input, axes.output), (-2, -1)))[
            outs
        ]
        if folded.any():
            arrays["bias"] = arrays.get("bias", np.zeros(len(outs))) + folded
            config["bias_axes"] = call.layer.equation.replace(" ", "")[-1]
    return config, arrays | {"kernel": kernel}


rule(L.EinsumDense, _follow_einsum, _cut_einsum)


def _takes_up(layer) -> bool:
    """Whether a constant channel adds the same everywhere: no zeros are padded."""
    return layer.padding == "valid" or all(size == 1 for size in layer.kernel_size)


def _follow_conv(trace: Trace, call: Call) -> list[Wire]:
    wire, groups, filters = call.ins[0], call.layer.groups, call.layer.filters
    if groups == 1:
        consume(trace, call, wire, _takes_up(call.layer))
        return [made(trace, call, trace.new(filters))]
    if groups == wire.channels:  # a depthwise convolution: filters of channel i are pruned with it
        return [made(trace, call, np.repeat(wire.atoms, filters // groups), _through(trace, call, wire))]
    consume(trace, call, wire, takes_up=False)
    atoms = trace.new(filters)
    for each in (wire.atoms.reshape(groups, -1), atoms.reshape(groups, -1)):  # every group keeps equally many
        for other in each[1:]:
            trace.tie(each[0], other)
    return [made(trace, call, atoms)]


def _through(trace: Trace, call: Call, wire: Wire) -> np.ndarray:
    """What leaves a depthwise filter that is not pruned while its channel is: its bias, if the channel is zero."""
    units = unit_variables(call.layer)[0]
    bias = np.zeros(units) if call.layer.bias is None else keras.ops.convert_to_numpy(call.layer.bias)
    return np.where(np.repeat(wire.values, units // wire.channels) == 0, bias, VARIES)


def _cut_conv(call: Call, arrays: Arrays, kept: Kept):
    ins, outs, groups = kept.ins[0], kept.outs[0], call.layer.groups
    kernel = arrays["kernel"].take(outs, -1)
    config, arrays = {}, _taken(arrays, {"bias": (0, outs)})
    if groups == 1:
        extra = silent_input(_removed(call, kept), arrays["kernel"])[outs] if _takes_up(call.layer) else np.zeros(1)
        config, arrays = with_bias(arrays, extra)
        kernel = kernel.take(ins, -2)
    elif groups == call.ins[0].channels:
        config = {"groups": len(ins)}
    else:
        kernel = kernel.take(ins[ins < arrays["kernel"].shape[-2]], -2)  # the same positions in every group
    return config | {"filters": len(outs)}, arrays | {"kernel": kernel}


for _kind in (L.Conv1D, L.Conv2D, L.Conv3D):
    rule(_kind, _follow_conv, _cut_conv)


def _follow_transposed(trace: Trace, call: Call) -> list[Wire]:
    consume(trace, call, call.ins[0], takes_up=False)
    return [made(trace, call, trace.new(call.layer.filters))]


def _cut_transposed(call: Call, arrays: Arrays, kept: Kept):
    arrays = _taken(arrays, {"bias": (0, kept.outs[0])})
    kernel = arrays["kernel"].take(kept.ins[0], -1).take(kept.outs[0], -2)
    return {"filters": len(kept.outs[0])}, arrays | {"kernel": kernel}


for _kind in (L.Conv1DTranspose, L.Conv2DTranspose, L.Conv3DTranspose):
    rule(_kind, _follow_transposed, _cut_transposed)


def _follow_depthwise(trace: Trace, call: Call) -> list[Wire]:
    wire = call.ins[0]
    atoms = np.repeat(wire.atoms, call.layer.depth_multiplier)
    return [made(trace, call, atoms, _through(trace, call, wire))]


def _cut_depthwise(call: Call, arrays: Arrays, kept: Kept):
    return {}, _taken(arrays, {"kernel": (-2, kept.ins[0]), "bias": (0, kept.outs[0])})


for _kind in (L.DepthwiseConv1D, L.DepthwiseConv2D):
    rule(_kind, _follow_depthwise, _cut_depthwise)


def _follow_separable(trace: Trace, call: Call) -> list[Wire]:
    consume(trace, call, call.ins[0], _takes_up(call.layer))
    return [made(trace, call, trace.new(call.layer.filters))]


def _cut_separable(call: Call, arrays: Arrays, kept: Kept):
    ins, outs, depthwise, pointwise = kept.ins[0], kept.outs[0], arrays["depthwise_kernel"], arrays["pointwise_kernel"]
    channels, multiplier = depthwise.shape[-2:]
    joint = np.einsum(
        "cm,cmo->co", depthwise.reshape(-1, channels, multiplier).sum(0), _by_channel(depthwise, pointwise)
    )
    extra = silent_input(_removed(call, kept), joint)[outs] if _takes_up(call.layer) else np.zeros(1)
    config, arrays = with_bias(_taken(arrays, {"bias": (0, outs)}), extra)
    inner = (ins[:, None] * multiplier + np.arange(multiplier)).ravel()
    kernels = {
        "depthwise_kernel": depthwise.take(ins, -2),
        "pointwise_kernel": pointwise.take(inner, -2).take(outs, -1),
    }
    return config | {"filters": len(outs)}, arrays | kernels


def _by_channel(depthwise: np.ndarray, pointwise: np.ndarray) -> np.ndarray:
    """Pointwise kernel as (channels, multiplier, out)."""
    return pointwise.reshape(*depthwise.shape[-2:], pointwise.shape[-1])


for _kind in (L.SeparableConv1D, L.SeparableConv2D):
    rule(_kind, _follow_separable, _cut_separable)


def _follow_embedding(trace: Trace, call: Call) -> list[Wire]:
    for wire in call.ins:
        trace.freeze(wire.atoms, f"barrier: {call}")
    atoms = trace.new(call.layer.output_dim)
    return [Wire(atoms, np.where(trace.hold(call, atoms, maker=True), 0.0, VARIES), call.shapes[0])]


def _cut_embedding(call: Call, arrays: Arrays, kept: Kept):
    return {"output_dim": len(kept.outs[0])}, _taken(arrays, {"embeddings": (1, kept.outs[0])})


rule(L.Embedding, _follow_embedding, _cut_embedding)


def _follow_recurrent(trace: Trace, call: Call) -> list[Wire]:
    if len(call.ins) != 1:  # initial states come in as well
        return barrier(trace, call)
    consume(trace, call, call.ins[0], takes_up=False)
    return [trace.fixed(shape, f"barrier: {call}") for shape in call.shapes]


def _cut_recurrent(call: Call, arrays: Arrays, kept: Kept):
    names = [name for name in arrays if name.endswith("/kernel") or name == "kernel"]
    return {}, _taken(arrays, {name: (0, kept.ins[0]) for name in names})


for _kind in (L.LSTM, L.GRU, L.SimpleRNN):
    rule(_kind, _follow_recurrent, _cut_recurrent)
