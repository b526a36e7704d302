"""How large is a model? Parameters, those that are not zero, multiply–accumulates and bytes, layer by layer."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from tfredundancy.paths import layer_paths, own_variables, unwrapped, wrappers
from tfredundancy.pruning.macs import leaves_of, tally

_COLUMNS = ("parameters", "trainable", "nonzero", "macs", "bytes")


@dataclass(frozen=True)
class LayerCounts:
    """The counts of one layer, of all its calls together.

    Attributes:
        path: where it sits in the model.
        kind: its class; that of the wrapped layer where it is a pruning wrapper.
        output: shape that goes out, without the batch axis; of the last call.
        calls: how often the model calls it.
        parameters, trainable, nonzero, macs, bytes: as in `Counts`; a variable that layers share counts for the first of them.
    """

    path: str
    kind: str
    output: tuple[int, ...]
    calls: int
    parameters: int
    trainable: int
    nonzero: int
    macs: int
    bytes: int


@dataclass(frozen=True)
class Counts:
    """How large a model is; `print` shows it as a table, a row for each layer that has parameters or MACs.

    Attributes:
        parameters: entries of all weights, BatchNorm statistics included, as `model.count_params()`. Masks are none.
        trainable: those that training changes.
        nonzero: parameters that are not zero in effect: what a mask excludes is zero.
        macs: multiply–accumulates for one example, see `tfredundancy.pruning.macs`.
        bytes: what the parameters take in memory.
        layers: the rows of the table.
        unknown: {path: reason} of layers whose MACs are not in the sum.
    """

    parameters: int
    trainable: int
    nonzero: int
    macs: int
    bytes: int
    layers: tuple[LayerCounts, ...]
    unknown: Mapping[str, str]

    def __str__(self) -> str:
        header = ("layer", "kind", "output", "calls", *_COLUMNS)
        rows = [
            (each.path, each.kind, " × ".join(map(str, each.output)), str(each.calls), *_numbers(each))
            for each in self.layers
            if each.parameters or each.macs
        ]
        lines = _aligned([header, *rows, ("in all", "", "", "", *_numbers(self))], left=3)
        return "\n".join([*lines, *(f"not counted: {path}: {reason}" for path, reason in self.unknown.items())])


def count(model: keras.Model, input_shape=None) -> Counts:
    """Count a built model's parameters, nonzeros, multiply–accumulates and bytes.

    A masked model has the MACs of the whole one; what it needs without the masked units is what `count(shrink(model))` says.

    Args:
        model: any built Keras model. It is not touched.
        input_shape: shape of one example, without the batch axis; for several inputs a list or dictionary of shapes. Needed
            where the model leaves sizes open (`None`), or is subclassed and does not say what it takes.

    Returns:
        `Counts`, the same for one example whatever the batch size.

    Raises:
        ValueError: a model that is not built, or a shape that is missing or does not fit.

    Example:
        >>> model = keras.Sequential(
        ...     [keras.Input((8,)), keras.layers.Dense(4, name="hidden"), keras.layers.Dense(2, name="logits")]
        ... )
        >>> print(count(model))
        layer   kind   output  calls  parameters  trainable  nonzero  macs  bytes
        hidden  Dense  4           1          36         36       32    32    144
        logits  Dense  2           1          10         10        8     8     40
        in all                                46         46       40    40    184
    """
    if not isinstance(model, keras.Model):
        raise ValueError(f"`model` of count must be a Keras model. Received: {type(model).__name__}")
    if not model.built:
        raise ValueError(
            f"`model` of count must be built: give it an Input or call it on data. Received: '{model.name}'"
        )
    tallies, unknown = tally(model, input_shape)
    kept = _kept(model)
    trainable = {id(variable) for variable in model.trainable_variables}
    rows = []
    for path, kind, variables in _owners(model):
        one = tallies.get(path)
        sizes = [_sizes(variable, kept, trainable) for variable in variables]
        parameters, trained, nonzero, size = (sum(column) for column in zip(*sizes, (0,) * 4, strict=True))
        output, calls, macs = ((), 0, 0) if one is None else (one.output, one.calls, one.macs)
        rows.append(LayerCounts(path, kind, output, calls, parameters, trained, nonzero, macs, size))
    totals = (sum(getattr(row, name) for row in rows) for name in _COLUMNS)
    return Counts(*totals, tuple(rows), unknown)


def _owners(model) -> Iterator[tuple[str, str, list[keras.Variable]]]:
    """(path, class, weights) of each layer, every weight once; what the model itself holds stands at its own name."""
    leaves, seen = leaves_of(model), set()
    for path, layer in {model.name: model, **layer_paths(model)}.items():
        if any(path.startswith(f"{leaf}/") for leaf in leaves):
            continue
        inner = unwrapped(layer)
        held = {id(variable) for variable in inner.weights}  # no random states
        own = inner.weights if path in leaves else [v for v in own_variables(inner) if id(v) in held]
        fresh = [variable for variable in own if id(variable) not in seen]
        seen.update(map(id, fresh))
        yield path, type(inner).__name__, fresh


def _kept(model) -> dict[int, np.ndarray]:
    """{id of a variable that masks act on: bool array, True where it is kept}."""
    kept: dict[int, np.ndarray] = {}
    for layer in wrappers(model).values():
        for variable, mask in layer.kept():
            kept[id(variable)] = kept.get(id(variable), True) & mask
    return kept


def _sizes(variable, kept: Mapping[int, np.ndarray], trainable: set[int]) -> tuple[int, int, int, int]:
    """Parameters, trainable, nonzero, bytes."""
    values = ops.convert_to_numpy(variable)
    size = math.prod(values.shape)
    nonzero = np.count_nonzero((values != 0) & kept.get(id(variable), True))
    return size, size * (id(variable) in trainable), int(nonzero), values.nbytes


def _numbers(counts: Counts | LayerCounts) -> list[str]:
    return [f"{getattr(counts, name):,}" for name in _COLUMNS]


def _aligned(rows: Sequence[Sequence[str]], left: int) -> list[str]:
    """Lines with columns as wide as their widest cell, the first `left` ones aligned to the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(_cell(*each, i < left) for i, each in enumerate(zip(row, widths, strict=True))).rstrip()
        for row in rows
    ]


def _cell(text: str, width: int, left: bool) -> str:
    return f"{text:<{width}}" if left else f"{text:>{width}}"
