"""Models inside models: their own layers are followed."""

import keras

from tfredundancy.pruning.following import Call, Rule, Trace, Wire, barrier
from tfredundancy.pruning.rebuilding import is_graph
from tfredundancy.pruning.rules.registry import rule_for


def _follow_model(trace: Trace, call: Call) -> list[Wire]:
    model = call.layer
    given = call.args[0] if len(call.args) == 1 else None
    if len(call.ins) != len(model.inputs) or not _alike(given, getattr(model, "_inputs_struct", call.ins[0])):
        return barrier(trace, call, " takes its inputs in another form than it was made with")
    return trace.follow(model, call.ins, call.path)


def _alike(given, wanted) -> bool:
    """The same nesting of lists and the same names, so that tensors come in the same order."""
    if isinstance(given, dict) or isinstance(wanted, dict):
        return isinstance(given, dict) and isinstance(wanted, dict) and given.keys() == wanted.keys()
    return len(keras.tree.flatten(given)) == len(keras.tree.flatten(wanted))


def rule_of(operation) -> Rule:
    """The rule of an operation or of a nested model."""
    if isinstance(operation, keras.Model) and is_graph(operation) and getattr(operation, "inputs", None):
        return _follow_model
    return rule_for(operation)
