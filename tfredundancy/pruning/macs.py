"""Multiply–accumulates (MACs) of a model for one example: what each layer's kernels do, by closed forms.

    model, shapes of one example → {path: (MACs, calls, shape that goes out)} and a line for each layer that is not understood

One MAC is a multiplication and an addition; half of what counters of floating-point operations say. Counted are products with
kernels, and the two products of an attention; not counted are biases, normalisations, activations, pooling, lookups. Products
by `keras.ops` between layers are not counted either, and named as not understood. A kernel counts at every position, at the
rims too, where it meets padding. A masked layer counts as the whole one: it computes as much.

The model runs once on shapes alone; which layers are called, how often and with which shapes is noted while it does. So it
does not matter how a model is put together. A loop inside a layer of your own (`ops.scan`, `ops.fori_loop`) is seen once.
"""

import inspect
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import keras

from tfredundancy.paths import Wrapped, joined, layer_paths, unwrapped
from tfredundancy.tracing import called

L = keras.layers
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Call:
    """One call of a layer: the shapes that go in, by the names of its arguments, and the shape that goes out."""

    layer: keras.layers.Layer
    arguments: Mapping[str, Any]
    output: Shape

    @property
    def input(self) -> Shape:
        """The shape of the first argument."""
        return next(iter(self.arguments.values()))


@dataclass
class Tally:
    """What a layer did in all its calls, for one example."""

    macs: int = 0
    calls: int = 0
    output: Shape = field(default=())


def tally(model: keras.Model, input_shape=None) -> tuple[dict[str, Tally], dict[str, str]]:
    """Count the MACs of every layer of a built model.

    Args:
        model: any built Keras model, subclassed ones too.
        input_shape: as for `count`.

    Returns:
        {path: tally} of the layers that were called, and {path: reason} of those whose MACs are not known.

    Raises:
        ValueError: as `count`.
    """
    leaves = leaves_of(model)
    paths = {id(layer): path for path, layer in leaves.items()}
    specs, batch = input_specs(model, input_shape)
    tallies, unknown = {}, dict(_bare_products(model))
    for call in _calls(model, leaves.values(), specs):
        path = paths[id(call.layer)]
        one = tallies.setdefault(path, Tally())
        one.calls, one.output = one.calls + 1, call.output[1:]
        rule = _rule_of(call.layer)
        if rule is not None:
            one.macs += rule(call)
        elif _has_kernels(call.layer):
            unknown[path] = f"no rule for the MACs of a {type(call.layer).__name__}"
    for one in tallies.values():
        one.macs //= batch
    return tallies, unknown


# ---------------------------------------------------------------------------------------------------------------- rules


def _dense(call: Call) -> int:
    return math.prod(call.input[:-1]) * _size(call.layer.kernel)


def _einsum(call: Call) -> int:
    """The kernel's entries, at every position of the axes that it does not have."""
    inputs, kernel = call.layer.equation.replace(" ", "").split("->")[0].split(",")
    named = inputs.replace("...", "")
    ellipsis = inputs.index("...") if "..." in inputs else len(inputs)
    sizes = dict(zip(named[:ellipsis], call.input, strict=False))
    sizes |= dict(zip(reversed(named[ellipsis:]), reversed(call.input), strict=False))
    shared = math.prod(sizes[axis] for axis in named if axis in kernel)
    return math.prod(call.input) // shared * _size(call.layer.kernel)


def _convolution(call: Call) -> int:
    return _positions(call.layer, call.output) * _size(call.layer.kernel)


def _transposed(call: Call) -> int:
    return _positions(call.layer, call.input) * _size(call.layer.kernel)


def _separable(call: Call) -> int:
    kernels = (call.layer.depthwise_kernel, call.layer.pointwise_kernel)
    return _positions(call.layer, call.output) * sum(map(_size, kernels))


def _multi_head(call: Call) -> int:
    """Projections of queries, keys and values, query · key, weights · values, and the output's projection."""
    layer, query, value = call.layer, call.arguments["query"], call.arguments["value"]
    key = call.arguments.get("key") or value
    queries = math.prod(query[:-1])
    seen = math.prod(key[axis] for axis in layer._attention_axes)
    products = queries * seen * layer.num_heads * (layer.key_dim + layer.value_dim)
    projections = queries * (_size(layer.query_dense.kernel) + _size(layer.output_dense.kernel))
    projections += math.prod(key[:-1]) * _size(layer.key_dense.kernel)
    return projections + math.prod(value[:-1]) * _size(layer.value_dense.kernel) + products


def _grouped_query(call: Call) -> int:
    layer, query, value = call.layer, call.arguments["query"], call.arguments["value"]
    key = call.arguments.get("key") or value
    gate = [layer._gate_dense] if getattr(layer, "use_gate", False) else []
    of_query = sum(_size(dense.kernel) for dense in (layer._query_dense, layer._output_dense, *gate))
    products = math.prod(query[:-1]) * key[1] * layer.num_query_heads * 2 * layer.head_dim
    projections = math.prod(query[:-1]) * of_query + math.prod(key[:-1]) * _size(layer._key_dense.kernel)
    return projections + math.prod(value[:-1]) * _size(layer._value_dense.kernel) + products


def _attention(call: Call) -> int:
    """query · key, or their sum weighed where the attention is additive, and weights · values; inputs are [query, value, key]."""
    query, value, *key = call.input
    return query[0] * query[1] * value[1] * ((key or [value])[0][-1] + value[-1])


def _recurrent(call: Call) -> int:
    """Every step multiplies its input and its state by the kernels of each cell."""
    cells = call.layer.cell.cells if isinstance(call.layer.cell, L.StackedRNNCells) else [call.layer.cell]
    return math.prod(call.input[:2]) * sum(_size(cell.kernel) + _size(cell.recurrent_kernel) for cell in cells)


def _convolutional_recurrent(call: Call) -> int:
    """Each step convolves its input and its state to the positions of the state."""
    layer, cell = call.layer, call.layer.cell
    state = layer.compute_output_shape(call.input)
    positions = _positions(layer, state[:1] + state[2:] if layer.return_sequences else state)
    return call.input[1] * positions * (_size(cell.kernel) + _size(cell.recurrent_kernel))


def _dot(call: Call) -> int:
    first, _ = call.input
    axes = (
        call.layer.axes if isinstance(call.layer.axes, int) else call.layer.axes[0]
    )  # of the first input, which is summed
    return math.prod(call.output) * first[axes]


def _reversible_embedding(call: Call) -> int:
    return math.prod(call.input) * call.layer.input_dim if call.arguments.get("reverse") else 0


def _nothing(call: Call) -> int:
    return 0


_RULES: dict[type, Callable[[Call], int]] = {
    L.Dense: _dense,
    L.EinsumDense: _einsum,
    **dict.fromkeys((L.Conv1D, L.Conv2D, L.Conv3D, L.DepthwiseConv1D, L.DepthwiseConv2D), _convolution),
    **dict.fromkeys((L.Conv1DTranspose, L.Conv2DTranspose, L.Conv3DTranspose), _transposed),
    **dict.fromkeys((L.SeparableConv1D, L.SeparableConv2D), _separable),
    L.MultiHeadAttention: _multi_head,
    L.GroupQueryAttention: _grouped_query,
    **dict.fromkeys((L.Attention, L.AdditiveAttention), _attention),
    **dict.fromkeys((L.ConvLSTM1D, L.ConvLSTM2D, L.ConvLSTM3D), _convolutional_recurrent),
    **dict.fromkeys((L.LSTM, L.GRU, L.SimpleRNN, L.RNN), _recurrent),
    L.Dot: _dot,
    **dict.fromkeys((L.Embedding, L.PReLU), _nothing),
}
if hasattr(L, "ReversibleEmbedding"):
    _RULES[L.ReversibleEmbedding] = _reversible_embedding


def _rule_of(layer) -> Callable[[Call], int] | None:
    """The rule of a layer's class, or of the class that it inherits `call` from."""
    for kind in type(layer).__mro__:
        if kind in _RULES:
            known = not isinstance(layer, L.RNN) or _knows_cells(layer)
            return _RULES[kind] if type(layer).call is kind.call and known else None
    return None


def _knows_cells(layer) -> bool:
    cells = layer.cell.cells if isinstance(layer.cell, L.StackedRNNCells) else [layer.cell]
    known = (L.LSTMCell, L.GRUCell, L.SimpleRNNCell)
    return _is_convolutional(layer) or all(type(cell) in known for cell in cells)


def _is_convolutional(layer) -> bool:
    return isinstance(layer, (L.ConvLSTM1D, L.ConvLSTM2D, L.ConvLSTM3D))


def _has_kernels(layer) -> bool:
    """Whether something that is no vector could be a kernel; of Keras's own layers all are known."""
    return not type(layer).__module__.startswith("keras.src.") and any(len(v.shape) > 1 for v in layer.weights)


_PRODUCTS = (
    *("Matmul", "Dot", "Einsum", "Tensordot", "Inner", "Outer", "Vdot", "Kron", "DotProductAttention"),
    *("Conv", "DepthwiseConv", "SeparableConv", "ConvTranspose"),
)


def _bare_products(model) -> Iterator[tuple[str, str]]:
    """(path, reason) of the products that a graph has without a layer around them."""
    for path, graph in {"": model, **layer_paths(model)}.items():
        for operation in getattr(graph, "operations", ()):
            if not isinstance(operation, keras.layers.Layer) and type(operation).__name__ in _PRODUCTS:
                yield joined(path, operation.name), "a product by keras.ops"


def _positions(layer, shape: Shape) -> int:
    """Examples × pixels of a tensor that a convolution takes or gives."""
    return shape[0] * math.prod(shape[2:] if layer.data_format == "channels_first" else shape[1:-1])


def _size(variable) -> int:
    return math.prod(variable.shape)


# ------------------------------------------------------------------------------------------------------------ recording


def leaves_of(model) -> dict[str, keras.layers.Layer]:
    """{path: layer} of what is looked at as a whole: layers with a rule, and layers without sublayers."""
    leaves: dict[str, keras.layers.Layer] = {}
    for path, layer in layer_paths(model).items():
        if any(path.startswith(f"{above}/") for above in leaves):
            continue
        whole = isinstance(layer, Wrapped) or not layer._layers
        layer = unwrapped(layer)
        if _rule_of(layer) is not None or whole:
            leaves[path] = layer
    return leaves


def _calls(model, leaves, specs) -> list[Call]:
    """Run the model on shapes; what its leaves were called with."""
    calls: list[Call] = []
    with ExitStack() as stack:
        for layer in {id(layer): layer for layer in leaves}.values():
            stack.enter_context(called(layer, partial(_noted, layer, calls)))
        _Run(model, calls).compute_output_spec(specs)
    return calls


class _Run(keras.Operation):
    """Keras runs an operation of unknown shapes once, or several times, on symbols: the calls noted are those of the last run."""

    def __init__(self, model, calls: list[Call]):
        super().__init__()
        self.model, self.calls = model, calls

    def call(self, inputs):
        self.calls.clear()
        return self.model(inputs)


def _noted(layer, calls: list[Call], call):
    """The layer's `call`, which notes what it is called with."""
    signature = inspect.signature(call)

    def noting(*args, **kwargs):
        outputs = call(*args, **kwargs)
        arguments = keras.tree.map_structure(_shape, dict(signature.bind(*args, **kwargs).arguments))
        first = next((x for x in keras.tree.flatten(outputs) if hasattr(x, "shape")), None)
        calls.append(Call(layer, arguments, () if first is None else _shape(first)))
        return outputs

    return noting


def _shape(value):
    return tuple(value.shape) if hasattr(value, "shape") else value


# --------------------------------------------------------------------------------------------------------- input shapes


def input_specs(model, input_shape) -> tuple[Any, int]:
    """Symbolic inputs for one example, or for the batch that the model insists on; and how many examples these are."""
    known = _known_inputs(model)
    if input_shape is None and known is None:
        raise ValueError(
            f"`input_shape` of count must be given: '{model.name}' does not say what it takes. Received: input_shape=None"
        )
    specs = known if input_shape is None else _filled(known, input_shape, model)
    specs = keras.tree.map_structure(_one_example, specs)
    batch = keras.tree.flatten(specs)[0].shape[0]
    for spec in keras.tree.flatten(specs):
        if None in spec.shape:
            raise ValueError(
                f"`input_shape` of count must be given where the model's is open. Received: input_shape={input_shape}, "
                f"and '{model.name}' takes {spec.shape[1:]}"
            )
    return specs, batch


def _known_inputs(model):
    if not getattr(model, "inputs", None):
        return None
    return model.inputs[0] if isinstance(model, keras.Sequential) else model.input


def _one_example(spec):
    first = 1 if spec.shape[0] is None else spec.shape[0]
    return keras.KerasTensor((first, *spec.shape[1:]), dtype=spec.dtype)


def _filled(known, shapes, model):
    """Symbolic inputs of the shapes that are given, structured as the model's."""
    if isinstance(shapes, Mapping):
        wanted = known if isinstance(known, Mapping) else dict.fromkeys(shapes)
        if set(wanted) != set(shapes):
            raise _wrong_shapes(model, shapes, f"a dictionary with the keys {', '.join(map(str, wanted))}")
        return {name: _filled(wanted[name], shape, model) for name, shape in shapes.items()}
    if not isinstance(shapes, Sequence) or isinstance(shapes, str):
        raise _wrong_shapes(model, shapes, "a shape without the batch axis, or several of them")
    if all(size is None or isinstance(size, int) for size in shapes):
        if isinstance(known, list | tuple) and len(known) == 1:
            return [_filled(known[0], shapes, model)]
        if isinstance(known, Mapping | list | tuple):
            raise _wrong_shapes(model, shapes, f"a shape for each of its {len(known)} inputs")
        if known is not None and not _fits(shapes, known.shape[1:]):
            raise _wrong_shapes(model, shapes, f"{tuple(known.shape[1:])}, any size where it is None")
        return keras.KerasTensor((None, *shapes), dtype=getattr(known, "dtype", keras.config.floatx()))
    wanted = known if isinstance(known, list | tuple) else [None] * len(shapes)
    if len(wanted) != len(shapes):
        raise _wrong_shapes(model, shapes, f"a shape for each of its {len(wanted)} inputs")
    return [_filled(*pair, model) for pair in zip(wanted, shapes, strict=True)]


def _fits(given: Sequence[int | None], known: Sequence[int | None]) -> bool:
    pairs = zip(given, known, strict=False)
    return len(given) == len(known) and all(want is None or got == want for got, want in pairs)


def _wrong_shapes(model, shapes, expected: str) -> ValueError:
    return ValueError(f"`input_shape` of '{model.name}' must be {expected}. Received: input_shape={shapes!r}")
