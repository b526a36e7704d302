"""What a model calls while it runs, who reads what it makes, and how to see or change that as it passes.

Nothing is rebuilt: the `call` of the operations of interest is exchanged for as long as a `with` block lasts. Nested models are
followed; what runs code of its own is one step.
"""

import functools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import keras
from keras import tree

from tfredundancy.layers import is_elementwise
from tfredundancy.paths import unwrapped

L = keras.layers

_ONE_FOR_ONE = (
    L.BatchNormalization,  # at rest: y = a·x + b, element by element
    L.ReLU,
    L.LeakyReLU,
    L.PReLU,
    L.ELU,
    L.Dropout,
    L.SpatialDropout1D,
    L.SpatialDropout2D,
    L.SpatialDropout3D,
    L.AlphaDropout,
    L.GaussianDropout,
    L.GaussianNoise,
    L.ActivityRegularization,
    L.Identity,
)
_ONE_FOR_ONE_OPS = ("Relu", "Relu6", "LeakyRelu", "Elu", "Selu", "Gelu", "Silu", "Sigmoid", "Softplus", "Tanh")

Call = tuple[int, int | None]  # an operation's id, and which of its calls while the model runs once; None: every one


@dataclass(frozen=True)
class Outlet:
    """Where the responses of a layer leave: calls of operations, and the axes of their output that are its units."""

    path: str
    axes: tuple[int, ...]
    calls: dict[Call, keras.Operation]


@dataclass(frozen=True)
class Step:
    """One call of an operation, and the tensors that it makes."""

    operation: keras.Operation
    makes: list["Tensor"]


class Tensor:
    """Stands for a tensor while a graph is followed."""


class Trace:
    """The calls that a model makes while it runs once, in order, and who reads what they make.

    Nested models are followed; what runs code of its own is one step, and what it holds is `opaque`: the trace does not know
    when that is called.
    """

    def __init__(self, model: keras.Model) -> None:
        self.steps: dict[Call, Step] = {}
        self.readers: dict[Tensor, list[Call | None]] = defaultdict(list)
        self.opaque: set[int] = set()
        self._counts: Counter = Counter()
        graph = _graph(model)
        if graph is not None:
            for tensor in self._follow(graph, [Tensor() for _ in graph.inputs]):
                self.readers[tensor].append(None)  # who calls the model

    def outlet_calls(self, layer) -> dict[Call, keras.Operation]:
        """Where the responses of `layer` leave: for each of its calls the last of the steps that follow it one for one."""
        own = [call for call, step in self.steps.items() if step.operation is layer]
        if not own or id(layer) in self.opaque:
            return {(id(layer), None): layer}
        return {last: self.steps[last].operation for last in map(self._last, own)}

    def _last(self, call: Call) -> Call:
        makes = self.steps[call].makes
        readers = self.readers[makes[0]] if len(makes) == 1 else []
        if len(readers) != 1 or readers[0] is None:
            return call
        follower = self.steps[readers[0]].operation
        return self._last(readers[0]) if id(follower) not in self.opaque and is_one_for_one(follower) else call

    def _follow(self, graph, inputs: list[Tensor]) -> list[Tensor]:
        return tree.flatten(graph._run_through_graph(inputs, call_fn=self._call))

    def _call(self, operation, *args, **kwargs) -> list[Tensor]:
        reads = [leaf for leaf in tree.flatten((args, kwargs)) if isinstance(leaf, Tensor)]
        graph = _graph(operation)
        if graph is not None and not any(isinstance(arg, dict) for arg in args):
            return self._follow(graph, reads)
        call = (id(operation), self._counts[id(operation)])
        self._counts[id(operation)] += 1
        for tensor in reads:
            self.readers[tensor].append(call)
        if isinstance(operation, keras.layers.Layer):
            self.opaque.update(id(layer) for layer in operation._flatten_layers(include_self=False))
        self.steps[call] = Step(operation, [Tensor() for _ in operation._inbound_nodes[0].outputs])
        return self.steps[call].makes


def _graph(layer):
    """The functional graph that a call of this model runs, None where it runs code of its own."""
    if isinstance(layer, keras.Sequential):
        return layer._functional if type(layer).call is keras.Sequential.call else None
    functional = isinstance(layer, keras.Model) and isinstance(layer, keras.Function)
    return layer if functional and type(layer).call.__qualname__ == "Functional.call" else None


def is_one_for_one(operation) -> bool:
    """Whether unit i that comes out depends, in inference, on unit i that goes in and on no other."""
    operation = unwrapped(operation)
    if isinstance(operation, L.Activation):
        return is_elementwise(operation.activation)
    bare = type(operation).__module__.startswith("keras.") and type(operation).__name__ in _ONE_FOR_ONE_OPS
    return bare or isinstance(operation, _ONE_FOR_ONE)


@contextmanager
def exchanged(model, outlets: Iterable[Outlet], visit: Callable) -> Iterator[None]:
    """Within the block, each response is replaced by `visit(outlet, response)` as it leaves."""
    counts: Counter = Counter()
    at = {call: outlet for outlet in outlets for call in outlet.calls}
    operations = {id(operation): operation for outlet in at.values() for operation in outlet.calls.values()}

    def beginning(call):
        @functools.wraps(call)
        def begin(*args, **kwargs):
            counts.clear()
            return call(*args, **kwargs)

        return begin

    def visited(key, call):
        @functools.wraps(call)
        def visit_outputs(*args, **kwargs):
            number, outputs = counts[key], call(*args, **kwargs)
            counts[key] += 1
            outlet = at.get((key, number), at.get((key, None)))
            return outputs if outlet is None else _first_replaced(outputs, functools.partial(visit, outlet))

        return visit_outputs

    with ExitStack() as stack:
        for key, operation in operations.items():
            stack.enter_context(called(operation, functools.partial(visited, key)))
        stack.enter_context(called(model, beginning))
        yield


@contextmanager
def called(operation, make: Callable) -> Iterator[None]:
    """Within the block, `make(operation.call)` stands in for `operation.call`."""
    before = vars(operation).get("call")
    object.__setattr__(operation, "call", make(operation.call))
    try:
        yield
    finally:
        if before is None:
            object.__delattr__(operation, "call")
        else:
            object.__setattr__(operation, "call", before)


def _first_replaced(outputs, replace: Callable):
    """RNN layers and attention may return states and scores behind their output."""
    first, *rest = tree.flatten(outputs)
    return tree.pack_sequence_as(outputs, [replace(first), *rest])
