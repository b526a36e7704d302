"""Models inside models: their own layers are followed."""

import keras

from tfredundancy.pruning.rebuilding import is_graph
from tfredundancy.pruning.rules.registry import rule_for
from tfredundancy.pruning.tracing import Call, Rule, Trace, Wire, barrier


def _follow_model(trace: Trace, call: Call) -> list[Wire]:
    model = call.layer
    if len(call.ins) != len(model.inputs):
        return barrier(trace, call)
    inputs = [wire.onto(wire.shape) for wire in call.ins]
    return trace.follow(model, inputs, call.path)


def rule_of(operation) -> Rule:
    """The rule of an operation or of a nested model."""
    if isinstance(operation, keras.Model) and is_graph(operation) and getattr(operation, "inputs", None):
        return _follow_model
    return rule_for(operation)
