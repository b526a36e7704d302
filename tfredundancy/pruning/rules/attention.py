"""MultiHeadAttention: its heads are units of its own; it uses the channels of query, value and key; what leaves it stays."""

import keras
import numpy as np

from tfredundancy.pruning.rules.registry import Arrays, Kept, rule
from tfredundancy.pruning.tracing import Call, Trace, Wire, barrier, consume

L = keras.layers


def _inputs(call: Call) -> dict[str, Wire]:
    """{"query", "value", "key": wire}, as `MultiHeadAttention.call` takes them."""
    given = dict(zip(("query", "value", "key"), call.args, strict=False)) | call.kwargs
    given.setdefault("key", None)
    return {
        "query": given["query"],
        "value": given["value"],
        "key": given["key"] if given["key"] is not None else given["value"],
    }


def _follow(trace: Trace, call: Call) -> list[Wire]:
    inputs = _inputs(call)
    used = {id(wire) for wire in inputs.values()}
    reason = f"barrier: {call}"
    for wire in call.ins:
        if id(wire) not in used:  # masks
            trace.freeze(wire.atoms, reason)
    if any(len(wire.shape) != 3 for wire in inputs.values()):
        return barrier(trace, call)
    for wire in inputs.values():
        consume(trace, call, wire, takes_up=False)
    heads = trace.new(call.layer.num_heads)
    trace.hold(call, heads, maker=True)
    if _tells_scores(trace, call.operation):
        trace.freeze(heads, f"{reason} returns its scores")
    return [trace.fixed(shape, f"output of the attention '{call.path}'") for shape in call.shapes]


def _tells_scores(trace: Trace, attention) -> bool:
    """Whether a call in this model returns the scores of every head, a masked one's too."""
    return any(len(node.output_tensors) > 1 for node in attention._inbound_nodes if trace.seen(node))


def _cut(call: Call, arrays: Arrays, kept: Kept):
    heads, cut = kept.own, dict(arrays)
    for name, wire in _inputs(call).items():
        ins = kept.ins[next(i for i, each in enumerate(call.ins) if each is wire)]
        cut[f"{name}/kernel"] = arrays[f"{name}/kernel"].take(ins, 0).take(heads, 1)
        if f"{name}/bias" in arrays:
            cut[f"{name}/bias"] = arrays[f"{name}/bias"].take(heads, 0)
    cut["attention_output/kernel"] = arrays["attention_output/kernel"].take(heads, 0)
    return {"num_heads": len(heads), "output_shape": _output(call)}, cut


def _output(call: Call):
    """Stated, since its default is the width of the query, which may be less now."""
    return tuple(np.atleast_1d(call.layer._output_shape).tolist()) if call.layer._output_shape else call.shapes[0][-1]


rule(L.MultiHeadAttention, _follow, _cut)
