"""Layers that hand units on: activations, dropout, pooling, padding, reshaping."""

import keras
import numpy as np

from tfredundancy.layers import is_elementwise
from tfredundancy.pruning.following import VARIES, Call, Trace, Wire, applied, barrier
from tfredundancy.pruning.rules.registry import Arrays, Kept, rule

L = keras.layers


def keeps_apart(activation, shape) -> bool:
    """Whether an activation function, or a layer in its place, is element-wise on tensors of this shape."""
    if isinstance(activation, keras.layers.Layer):
        return type(activation) in (L.ReLU, L.LeakyReLU, L.ELU)
    return is_elementwise(activation, shape[-1] or 4, max(2, len(shape)))


def hand_on(trace: Trace, call: Call) -> list[Wire]:
    """Channel for channel; a constant stays what it is."""
    wire = call.ins[0]
    if len(call.ins) != 1 or len(call.shapes) != 1 or call.shapes[0][-1] != wire.channels:
        return barrier(trace, call)
    return [wire.onto(call.shapes[0])]


def only_zero(trace: Trace, call: Call) -> list[Wire]:
    """Channel for channel; zero stays zero, another constant does not stay one."""
    return [wire.onto(wire.shape, np.where(wire.values == 0, 0.0, VARIES)) for wire in hand_on(trace, call)]


_SAME = (
    *(L.SpatialDropout1D, L.SpatialDropout2D, L.SpatialDropout3D, L.GaussianDropout, L.GaussianNoise),
    *(L.ActivityRegularization, L.Identity, "StochasticDepth"),
    *(L.Cropping1D, L.Cropping2D, L.Cropping3D, L.UpSampling1D, L.UpSampling2D, L.UpSampling3D, L.RepeatVector),
    *(L.MaxPooling1D, L.MaxPooling2D, L.MaxPooling3D, L.AveragePooling1D, L.AveragePooling2D, L.AveragePooling3D),
    *(L.GlobalAveragePooling1D, L.GlobalAveragePooling2D, L.GlobalAveragePooling3D),
    *(L.GlobalMaxPooling1D, L.GlobalMaxPooling2D, L.GlobalMaxPooling3D),
)
for _kind in _SAME:
    rule(_kind, hand_on)


def _cut_dropout(call: Call, arrays: Arrays, kept: Kept):
    shape = call.layer.noise_shape
    if shape is None or shape[-1] != call.ins[0].channels:
        return {}, arrays
    return {"noise_shape": (*shape[:-1], len(kept.ins[0]))}, arrays


for _kind in (L.Dropout, L.AlphaDropout):
    rule(_kind, hand_on, _cut_dropout)
for _kind in (L.ZeroPadding1D, L.ZeroPadding2D, L.ZeroPadding3D):
    rule(_kind, only_zero)


def _follow_activation(trace: Trace, call: Call) -> list[Wire]:
    function = call.layer.activation
    if not keeps_apart(function, call.shapes[0]):
        return barrier(trace, call, " mixes units")
    return [wire.onto(wire.shape, applied(function, wire.values)) for wire in hand_on(trace, call)]


rule(L.Activation, _follow_activation)


def elementwise(trace: Trace, call: Call) -> list[Wire]:
    """A function of each entry alone."""
    held = vars(call.layer).values()
    if any(len(value.shape) for value in held if isinstance(value, np.ndarray) or keras.ops.is_tensor(value)):
        return barrier(trace, call, " has an entry for each channel")
    return [wire.onto(wire.shape, applied(call.layer.call, wire.values)) for wire in hand_on(trace, call)]


for _kind in (L.ReLU, L.LeakyReLU, L.ELU):
    rule(_kind, elementwise)


def _follow_prelu(trace: Trace, call: Call) -> list[Wire]:
    values = call.ins[0].values
    return [wire.onto(wire.shape, np.where(values >= 0, values, VARIES)) for wire in hand_on(trace, call)]


def _cut_prelu(call: Call, arrays: Arrays, kept: Kept):
    shared = arrays["alpha"].shape[-1] != call.ins[0].channels
    return {}, arrays if shared else {"alpha": arrays["alpha"].take(kept.ins[0], -1)}


rule(L.PReLU, _follow_prelu, _cut_prelu)


def _follow_rescaling(trace: Trace, call: Call) -> list[Wire]:
    layer = call.layer
    if np.ndim(layer.scale) or np.ndim(layer.offset):
        return barrier(trace, call, " has an entry for each channel")
    return [wire.onto(wire.shape, wire.values * layer.scale + layer.offset) for wire in hand_on(trace, call)]


rule(L.Rescaling, _follow_rescaling)


def _cut_layer_scale(call: Call, arrays: Arrays, kept: Kept):
    return {"projection_dim": len(kept.ins[0])}, {name: array[kept.ins[0]] for name, array in arrays.items()}


rule("LayerScale", only_zero, _cut_layer_scale)


def reshaped(trace: Trace, call: Call) -> list[Wire]:
    """Entry p of the new last axis is entry p mod C of the old one, in the row-major order of reshaping.

    Either the old axis is repeated (D a multiple of C) or it is split (C a multiple of D): then the entries that come to lie
    above each other are pruned together.
    """
    wire, shape = call.ins[0], call.shapes[0]
    old, new = wire.channels, shape[-1]
    if new is None or len(call.ins) != 1 or len(wire.shape) < 2 or len(shape) < 2 or (new % old and old % new):
        return barrier(trace, call)
    if new % old == 0:
        at = np.arange(new) % old
        return [Wire(wire.atoms[at], wire.values[at], shape)]
    pieces, values = wire.atoms.reshape(-1, new), wire.values.reshape(-1, new)
    for other in pieces[1:]:
        trace.tie(pieces[0], other)
    same = (values == values[0]).all(0)
    return [Wire(pieces[0], np.where(same, values[0], VARIES), shape)]


def _cut_reshape(call: Call, arrays: Arrays, kept: Kept):
    shape = call.layer.target_shape
    last = shape[-1] if shape[-1] == -1 else len(kept.outs[0])
    return {"target_shape": (*shape[:-1], last)}, arrays


rule(L.Flatten, reshaped)
rule(L.Reshape, reshaped, _cut_reshape)


def _follow_permute(trace: Trace, call: Call) -> list[Wire]:
    dims = call.layer.dims
    return hand_on(trace, call) if dims[-1] == len(dims) else barrier(trace, call)


rule(L.Permute, _follow_permute)
