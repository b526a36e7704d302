"""What the results of a loop depend on, as plain values that can be written down and compared.

    model, data, function, array … → str, numbers, lists and dictionaries, equal in every process for equal things

Arrays and code become digests. Automatic names, which count how many layers a process has made, and the seeds in
configurations, which a loop replaces by its own, are left out.
"""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Mapping
from types import CellType, CodeType, FunctionType, MethodType
from typing import Any

import keras
import numpy as np

from tfredundancy.lottery.ticket import Ticket
from tfredundancy.paths import is_random_state, variable_paths
from tfredundancy.pruning.rebuilding import configuration, has_config, is_graph, optimizer_parts

_DEEPEST = 8  # levels of objects within objects that are looked at


def described(value: Any, depth: int = 0) -> Any:
    """A plain value that tells `value` from others of its kind.

    Example:
        >>> described(keras.regularizers.L2(0.1))
        {'class': 'keras.src.regularizers.regularizers.L2', 'l2': 0.1}
        >>> described(lambda x: x) == described(lambda x: -x)
        False
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.ndarray | np.generic | keras.Variable) or keras.ops.is_tensor(value):
        return _array(np.asarray(keras.ops.convert_to_numpy(value)))
    if isinstance(value, keras.layers.Layer):  # that a function holds
        return [_name(type(value)), [described(variable) for variable in value.variables]]
    if depth == _DEEPEST:
        return _name(type(value))
    inner = functools.partial(described, depth=depth + 1)
    if isinstance(value, Mapping):
        return {_text(key): inner(item) for key, item in value.items()}
    if isinstance(value, list | tuple | range):
        return [inner(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(map(_text, value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: inner(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, functools.partial):
        return [inner(value.func), inner(value.args), inner(value.keywords)]
    if isinstance(value, FunctionType):
        held = [value.__defaults__, value.__kwdefaults__, *map(_contents, value.__closure__ or ())]
        return [_name(value), _digest(_code(value.__code__)), inner(held)]
    if isinstance(value, MethodType):
        return [inner(value.__func__), inner(value.__self__)]
    if hasattr(value, "__qualname__"):
        return _name(value)
    if hasattr(value, "__dict__"):
        # Not get_config, from which Keras leaves things out, such as the delta of a Huber loss.
        return {"class": _name(type(value)), **{name: inner(item) for name, item in vars(value).items()}}
    return [_name(type(value)), _text(value)]


def described_model(model: keras.Model, pruned: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The layers of `model`, how they are connected, and its loss and optimizer.

    Args:
        model: compiled Sequential or functional model.
        pruned: the masks of its wrapped copy.

    Returns:
        Descriptions under "masks", "layers", "loss" and "optimizer".
    """
    return {
        "masks": {path: list(mask.shape) for path, mask in pruned.items()},
        "layers": _digest(_graph(model)),
        "loss": described(model.loss),
        "optimizer": _optimizer(model.optimizer, variable_paths(model)),
    }


def described_start(model: keras.Model, ticket: Ticket, draw: bool) -> str:
    """What of the ticket a loop begins with: everything, or, where it draws the weights itself, what does not train."""
    drawn = {path for path, variable in variable_paths(model).items() if variable.trainable and draw}
    kept = {path: v for path, v in ticket.variables.items() if path not in drawn and not is_random_state(path)}
    return _digest(described([kept, list(ticket.optimizer) if ticket.step else []]))


def _optimizer(optimizer, variables: Mapping[str, keras.Variable]) -> dict[str, Any]:
    parts = {id(part): part for part in (optimizer, *optimizer_parts(optimizer))}.values()
    return {f"{place} {type(part).__name__}": _one_optimizer(part, variables) for place, part in enumerate(parts)}


def _one_optimizer(part, variables: Mapping[str, keras.Variable]) -> dict[str, Any]:
    config = {name: value for name, value in part.get_config().items() if name not in ("name", "inner_optimizer")}
    if isinstance(config.get("learning_rate"), dict):
        config["learning_rate"] = part._learning_rate
    if hasattr(part, "_exclude_from_weight_decay"):
        config["without weight decay"] = [path for path, v in variables.items() if not part._use_weight_decay(v)]
    return described(config)


def _graph(model: keras.Model) -> list[Any]:
    """Every layer and operation of a model, and for each call where its arguments come from."""
    if isinstance(model, keras.Sequential):
        return [_operation(layer) for layer in model.layers]
    nodes = [node for _, nodes in sorted(model._nodes_by_depth.items(), reverse=True) for node in nodes]
    calls = {id(node): place for place, node in enumerate(nodes)}

    def source(argument):
        if not isinstance(argument, keras.KerasTensor):
            return described(argument)
        operation, node, tensor = argument._keras_history
        return [calls[id(operation._inbound_nodes[node])], tensor]

    def call(node):
        return [
            _operation(node.operation),
            *keras.tree.map_structure(source, (node.arguments.args, node.arguments.kwargs)),
        ]

    return [*map(call, nodes), keras.tree.map_structure(source, model.outputs)]


def _operation(operation) -> Any:
    if is_graph(operation):
        return _graph(operation)
    known = isinstance(operation, keras.layers.Layer) or has_config(
        operation
    )  # without one, an operation has its class alone
    config, functions = configuration(operation) if known else ({}, {})
    config = {name: value for name, value in described(config).items() if name != "name"}
    return [_name(type(operation)), _without_seeds_and_names(config), described(functions)]


def _without_seeds_and_names(value: Any) -> Any:
    """A configuration without seeds, and without the names of the layers in it."""
    if isinstance(value, Mapping):
        left_out = ("seed", "name") if "trainable" in value else ("seed",)
        return {key: _without_seeds_and_names(item) for key, item in value.items() if key not in left_out}
    return [_without_seeds_and_names(item) for item in value] if isinstance(value, list) else value


def _code(code: CodeType) -> list[Any]:
    return [code.co_code.hex(), _constant(code.co_consts), list(code.co_names)]


def _constant(value: Any) -> Any:
    if isinstance(value, CodeType):
        return _code(value)
    if isinstance(value, tuple):
        return [_constant(item) for item in value]
    return sorted(map(repr, value)) if isinstance(value, frozenset) else repr(value)


def _contents(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # a name that is not bound yet
        return None


def _text(value: Any) -> str:
    text = str(value)
    return _name(type(value)) if " at 0x" in text else text


def _array(array: np.ndarray) -> Any:
    if array.dtype.hasobject:
        return described(array.tolist())
    digest = hashlib.sha256(np.ascontiguousarray(array).view(np.uint8).data).hexdigest()[:16]
    return f"{array.dtype} {array.shape} {digest}"


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def _name(thing: Any) -> str:
    return f"{getattr(thing, '__module__', '')}.{thing.__qualname__}"
