"""Normalisations: each channel has its own entry, and the statistics go over channels (Layer, Group, RMS) or not (Batch).

A pruned entry gives exactly zero. Masked Layer- and GroupNormalization take their statistics over the kept units, which is
what the small layer computes; RMSNormalization of x with n − k zeros is that of the k others with γ√(n/k) and εn/k:

    γ x / √(Σx²/n + ε)  =  γ √(n/k) x / √(Σx²/k + εn/k)
"""

import keras
import numpy as np

from tfredundancy.pruning.rules.registry import Arrays, Kept, rule
from tfredundancy.pruning.tracing import VARIES, Call, Trace, Wire, barrier, consume

L = keras.layers


def _on_last_axis(layer, wire: Wire) -> bool:
    axes = np.atleast_1d(layer.axis).tolist()
    return len(axes) == 1 and axes[0] in (-1, len(wire.shape) - 1)


def _follow_batch(trace: Trace, call: Call) -> list[Wire]:
    wire, layer = call.ins[0], call.layer
    if not _on_last_axis(layer, wire):
        return barrier(trace, call)
    masked = trace.hold(call, wire.atoms, maker=False)
    values = np.where(masked, 0.0, VARIES)
    if not (masked.all() or call.kwargs.get("training")):
        values = np.where(masked, 0.0, _inferred(layer, wire.values))
    return [wire.onto(call.shapes[0], values)]


def _inferred(layer, values: np.ndarray) -> np.ndarray:
    """What BatchNormalization makes of constants when it infers."""
    as_array = keras.ops.convert_to_numpy
    scale = as_array(layer.gamma) if layer.scale else 1.0
    shift = as_array(layer.beta) if layer.center else 0.0
    spread = np.sqrt(as_array(layer.moving_variance).astype(np.float64) + layer.epsilon)
    return (values - as_array(layer.moving_mean)) / spread * scale + shift


def _cut_entries(call: Call, arrays: Arrays, kept: Kept):
    return {}, {name: array.take(kept.ins[0], 0) for name, array in arrays.items()}


rule(L.BatchNormalization, _follow_batch, _cut_entries)


def _follow_layer(trace: Trace, call: Call) -> list[Wire]:
    wire, layer = call.ins[0], call.layer
    if not _on_last_axis(layer, wire) or not (layer.scale or layer.center) or layer.rms_scaling:
        return barrier(trace, call)
    return [_over_kept(trace, call, wire)]


def _over_kept(trace: Trace, call: Call, wire: Wire) -> Wire:
    """Statistics over the kept units: an entry that is not masked sees the pruned ones, and they stay."""
    masked = trace.hold(call, wire.atoms, maker=False)
    trace.freeze(wire.atoms[~masked], f"barrier: {call} is not pruned and takes its statistics over all units")
    return wire.onto(call.shapes[0], np.where(masked, 0.0, VARIES))


rule(L.LayerNormalization, _follow_layer, _cut_entries)


def _follow_group(trace: Trace, call: Call) -> list[Wire]:
    wire, layer = call.ins[0], call.layer
    if not _on_last_axis(layer, wire) or not (layer.scale or layer.center):
        return barrier(trace, call)
    groups = wire.atoms.reshape(layer.groups, -1)
    if groups.shape[1] > 1:  # every group keeps equally many
        for other in groups[1:]:
            trace.tie(groups[0], other)
    return [_over_kept(trace, call, wire)]


def _cut_group(call: Call, arrays: Arrays, kept: Kept):
    alone = call.layer.groups == call.ins[0].channels
    return {"groups": len(kept.ins[0])} if alone else {}, _cut_entries(call, arrays, kept)[1]


rule(L.GroupNormalization, _follow_group, _cut_group)


def _follow_rms(trace: Trace, call: Call) -> list[Wire]:
    wire = call.ins[0]
    if not _on_last_axis(call.layer, wire):
        return barrier(trace, call)
    consume(trace, call, wire, takes_up=False)
    return [wire.onto(call.shapes[0], np.where(wire.values == 0, 0.0, VARIES))]


def _cut_rms(call: Call, arrays: Arrays, kept: Kept):
    ratio = call.ins[0].channels / len(kept.ins[0])
    return {"epsilon": call.layer.epsilon * ratio}, {"scale": arrays["scale"][kept.ins[0]] * np.sqrt(ratio)}


rule(L.RMSNormalization, _follow_rms, _cut_rms)


def _follow_standardisation(trace: Trace, call: Call) -> list[Wire]:
    wire, layer = call.ins[0], call.layer
    if layer.axis not in ((-1,), (len(wire.shape) - 1,)) or layer.input_mean is not None:
        return barrier(trace, call)
    mean, variance = (keras.ops.convert_to_numpy(v) for v in (layer.adapt_mean, layer.adapt_variance))
    spread = np.maximum(np.sqrt(variance), keras.config.epsilon())
    values = mean + wire.values * spread if layer.invert else (wire.values - mean) / spread
    return [wire.onto(call.shapes[0], values)]


def _cut_standardisation(call: Call, arrays: Arrays, kept: Kept):
    return {}, arrays | {name: arrays[name].take(kept.ins[0], 0) for name in ("mean", "variance")}


rule(L.Normalization, _follow_standardisation, _cut_standardisation)
