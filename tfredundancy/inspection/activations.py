"""What the units of a network answer to data: model + data → responses → how many units are dead, repeated, removable.

response:  what leaves a unit: the layer's output after all that follows it one for one (BatchNormalization, activation, dropout
           at rest), as far as the model's graph shows that nothing else reads it; else (several readers, code of one's own)
           the layer's own output. In inference mode, float32 (float64 where the layer computes in it).
responses: array (rows, units). A row is a sample, or a position of a sample: a pixel of a convolution, a step of a sequence. Of
           the positions at most `most_positions` of each sample and call are kept, on an even grid. Calls of a shared layer are
           pooled. Units are in the order of the output's channels; where EinsumDense has several axes of units, row-major.

Nothing is rebuilt: the `call` of the operations where responses leave is exchanged for as long as a `with` block lasts, and the
model runs in a stateless scope, so that seeds and states stay what they were. RNN cells have no outputs of their own: the last
cell bears the responses of its RNN layer.
"""

import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import keras
import numpy as np
from keras import ops, tree

from tfredundancy.numerics import responses as measures
from tfredundancy.numerics.masks import kept_count
from tfredundancy.paths import Wrapped, joined, layer_paths, own_variables, unwrapped
from tfredundancy.samples import batches_of, sample_count
from tfredundancy.tracing import Outlet, Trace, exchanged

L = keras.layers

FRACTIONS = tuple(np.linspace(0, 1, 7))
THRESHOLD = 0.8  # the fraction of unchanged labels at which units count as removable no more


@dataclass(frozen=True)
class Responses:
    """What the units of one layer answered.

    Attributes:
        rows: array (rows, units).
        samples: array (rows,), the sample that each row is from; None where the layer's first axis is not the data's.
        low: array (units,), each unit's least response, over all positions, those left out of `rows` too.
        high: array (units,), each unit's greatest response.
    """

    rows: np.ndarray
    samples: np.ndarray | None
    low: np.ndarray
    high: np.ndarray


def responses(
    model: keras.Model, data, *, most_samples: int = 512, batch_size: int = 128, most_positions: int = 9
) -> dict[str, np.ndarray]:
    """{path of a layer with a kernel: responses of its units}.

    Args:
        model: built model of any kind, with pruning wrappers or without.
        data: array (samples, …); list or dictionary of arrays for a model of several inputs; tuple (inputs, labels), whose
            labels are left aside; or a tf.data.Dataset of batches of one of these.
        most_samples: the first so many samples are used.
        batch_size: samples in one call of the model.
        most_positions: of the positions of a sample so many are kept, on an even grid.

    Returns:
        {layer path: array (rows, units)}, in model order. Layers without responses are absent; `measure_responses` says why.

    Raises:
        ValueError: data without samples, or a limit below 1.

    Example:
        >>> hidden = keras.layers.Dense(2, activation="relu", kernel_initializer="identity", name="hidden")
        >>> model = keras.Sequential([keras.Input((2,)), hidden])
        >>> responses(model, np.array([[1.0, -1.0], [-2.0, 3.0]]))["hidden"]
        array([[1., 0.],
               [0., 3.]], dtype=float32)
    """
    _check_limits(most_samples=most_samples, batch_size=batch_size, most_positions=most_positions)
    outlets, _ = _find_outlets(model)
    heard, _ = _listen(model, outlets, batches_of(data, None, most_samples, batch_size), most_positions)
    return {path: heard[outlet.path].rows for path, outlet in outlets.items() if outlet.path in heard}


@contextmanager
def knock_out(model: keras.Model, units: Mapping[str, Sequence[int]]) -> Iterator[None]:
    """Within the block, the chosen units' responses are zero, where `responses` takes them.

    Both `model(x)` and `predict` see it; what Keras has compiled for the model is put aside for the block.

    Args:
        model: built model of any kind.
        units: {layer path: indices of the units to silence}.

    Raises:
        ValueError: a layer without units, or units that it does not have.

    Example:
        >>> hidden = keras.layers.Dense(2, kernel_initializer="identity", name="hidden")
        >>> model = keras.Sequential([keras.Input((2,)), hidden])
        >>> with knock_out(model, {"hidden": [0]}):
        ...     print(keras.ops.convert_to_numpy(model(np.array([[5.0, 7.0]]))))
        [[0. 7.]]
    """
    outlets, reasons = _find_outlets(model)
    silent = {}
    for path, indices in units.items():
        if path not in outlets:
            why = reasons.get(path, "not the path of a layer with a kernel")
            raise ValueError(f"`units` must name layers with units. Received: '{path}': {why}; layers: {list(outlets)}")
        silent[outlets[path].path] = _checked_units(path, indices)

    def silence(outlet, tensor):
        size = _unit_count(tensor, outlet.axes)
        if len(silent[outlet.path]) and silent[outlet.path].max() >= size:
            raise ValueError(
                f"`units` of '{outlet.path}' must lie in [0, {size}). Received: {silent[outlet.path].max()}"
            )
        return _silenced(tensor, outlet.axes, ~np.isin(np.arange(size), silent[outlet.path]))

    with _uncompiled(model), exchanged(model, [outlets[path] for path in silent], silence):
        yield


def measure_responses(
    model: keras.Model,
    data,
    labels=None,
    *,
    other: keras.Model | None = None,
    seed: int = 0,
    fractions: Sequence[float] = FRACTIONS,
    repeats: int = 3,
    most_samples: int = 512,
    batch_size: int = 128,
    most_positions: int = 9,
    progress: Callable[[Iterable[str]], Iterable[str]] = iter,
) -> dict[str, dict]:
    """{path of a layer with a kernel: what its units answer to the data, in numbers}.

    A layer's units are knocked out in `repeats` random orders, a fraction of them at a time; `removable` is the fraction at which
    0.8 of the predicted labels are still those of the intact model. Labels are the argmax of the model's (first) output over its
    last axis; with a single unit there, whether it is above 0.5 (where all outputs of the intact model lie in [0, 1]) or above 0.

    Args:
        model: built model of any kind.
        data: as for `responses`; the labels of (inputs, labels) are used.
        labels: array (samples,) of class numbers or (samples, classes) one-hot, where `data` brings none; for the selectivity.
        other: a model to compare with, layer by layer of the same path, by debiased CKA.
        seed: of the orders; a layer's orders depend on it and on the layer's path alone.
        fractions: of the units to knock out, increasing.
        repeats: random orders; 0 leaves `removable` out, which is most of the time.
        most_samples: the first so many samples are used.
        batch_size: samples in one call of the model.
        most_positions: as for `responses`.
        progress: wraps the paths that are gone through while units are knocked out, for example `tqdm.tqdm`.

    Returns:
        {layer path: columns of `response_row`}, or {"reason": why there are none} for a layer without responses.

    Raises:
        ValueError: data without samples, labels that are no classes, or a limit out of range.

    Example:
        >>> hidden = keras.layers.Dense(2, activation="relu", kernel_initializer="ones", name="hidden")
        >>> model = keras.Sequential([keras.Input((1,)), hidden, keras.layers.Dense(2)])
        >>> row = measure_responses(model, np.linspace(-1, 1, 9)[:, None])["hidden"]
        >>> row["dead"], row["repeated_responses"]
        (0.0, 1.0)

    Reference:
        Casper et al. 2021, Frivolous units: wider networks are not really that wide, arXiv:1912.04783.
    """
    _check_limits(most_samples=most_samples, batch_size=batch_size, most_positions=most_positions)
    fractions = _checked_fractions(fractions)
    batches = batches_of(data, labels, most_samples, batch_size)
    classes = _classes([own for _, own in batches])
    if labels is not None and classes is None:
        raise ValueError("`labels` must be class numbers or one-hot rows. Received: others")
    outlets, reasons = _find_outlets(model)
    heard, silent = _listen(model, outlets, batches, most_positions)
    theirs = {} if other is None else _listen(other, _find_outlets(other)[0], batches, most_positions)[0]
    unchanged = _knock_out_each(model, outlets, heard, batches, fractions, repeats, seed, progress) if repeats else {}
    rows = {path: {"reason": reason} for path, reason in silent.items()} | {
        path: response_row(
            answers, labels=classes, unchanged=unchanged.get(path), fractions=fractions, other=theirs.get(path)
        )
        for path, answers in heard.items()
    }
    measured = {path: rows[outlet.path] for path, outlet in outlets.items()}
    return measured | {path: {"reason": reason} for path, reason in reasons.items()}


def response_row(
    answers: Responses,
    *,
    labels: np.ndarray | None = None,
    unchanged: np.ndarray | str | None = None,
    fractions: Sequence[float] = FRACTIONS,
    other: Responses | None = None,
) -> dict:
    """What the responses of one layer say, as columns of a table.

    Args:
        answers: of the layer.
        labels: array (samples,) of int, class of each sample.
        unchanged: array (n,), fraction of unchanged labels with each fraction of units knocked out, NaN after the first below
            0.8; or the sentence that says why there is none.
        fractions: array (n,), increasing from 0 to 1.
        other: responses of another model's layer to the same samples.

    Returns:
        dead: share of units that respond alike to everything (every position counts); silent: share whose response is 0.
        repeated_responses: mean number of other units with |r| ≥ 0.5, over units that vary; repeated_null: the same for as many
        independent rows; repeated_share: share of units with any. components_95: principal components with 95 % of the
        variance; compressible: 1 − components_95 / units. Where it was asked for: selectivity, mean over units; removable and
        the curve `unchanged`; cka. A measure that can not be taken is NaN, `<measure>_reason` says why.
        With fewer than three rows there is nothing but a `reason`.

    Example:
        >>> rows = np.array([[0.0, 1.0, 2.0], [0.0, 2.0, 4.0], [0.0, 0.0, 0.0]])
        >>> row = response_row(Responses(rows, np.arange(3), rows.min(axis=0), rows.max(axis=0)))
        >>> round(row["dead"], 3), row["repeated_responses"], row["components_95"]
        (0.333, 1.0, 1)
    """
    if len(answers.rows) < 3:
        return {"reason": f"three rows of responses are needed, there are {len(answers.rows)}"}
    dead = measures.dead(np.stack([answers.low, answers.high]))
    repeated = measures.repeated(answers.rows)
    components = measures.compressibility(answers.rows)
    row = {
        "dead": dead.fraction,
        "silent": float(dead.silent.mean()),
        "repeated_responses": repeated.mean,
        "repeated_null": repeated.null,
        "repeated_share": repeated.fraction,
        "components_95": components.components_95,
        "compressible": components.compressible,
    }
    if labels is not None:
        row |= _column("selectivity", _selectivity(answers, labels))
    if unchanged is not None:
        row |= _removable(unchanged, fractions)
    if other is not None:
        row |= _column("cka", _cka(answers, other))
    return row


def _column(name: str, value: float | str) -> dict:
    """A number, or NaN and the sentence that says why."""
    return {name: np.nan, f"{name}_reason": value} if isinstance(value, str) else {name: float(value)}


def _selectivity(answers: Responses, labels: np.ndarray) -> float | str:
    if answers.samples is None:
        return "its rows are not the data's samples"
    if len(np.unique(labels)) < 2:
        return f"all {len(labels)} samples are of one class"
    selective = measures.selectivity(answers.rows, labels[answers.samples])
    defined = selective[~np.isnan(selective)]
    return defined.mean() if defined.size else "every unit is silent, or negative at times"


def _removable(unchanged: np.ndarray | str, fractions: Sequence[float]) -> dict:
    if isinstance(unchanged, str):
        return _column("removable", unchanged)
    seen = unchanged[~np.isnan(unchanged)]
    whole = np.append(seen, np.repeat(seen[-1], len(unchanged) - len(seen)))  # behind the crossing nothing counts
    return {"removable": measures.removable(whole, fractions, THRESHOLD), "unchanged": unchanged}


def _cka(answers: Responses, other: Responses) -> float | str:
    features, theirs = _by_sample(answers), _by_sample(other)
    if features is None or theirs is None:
        return "its rows are not the data's samples, or some samples have more than others"
    try:
        return measures.cka(features, theirs)
    except ValueError as error:  # too few samples, or responses that do not vary
        return str(error)


def _by_sample(answers: Responses) -> np.ndarray | None:
    """Array (samples, positions · units): a sample's whole response; None where samples are unlike or not known."""
    if answers.samples is None:
        return None
    counts = np.bincount(answers.samples)
    order = np.argsort(answers.samples, kind="stable")
    return answers.rows[order].reshape(len(counts), -1) if (counts == counts[0]).all() else None


# What is heard.


@dataclass
class _Heard:
    """Collects the responses of one layer while the model runs."""

    rows: list[np.ndarray] = field(default_factory=list)
    samples: list[np.ndarray | None] = field(default_factory=list)
    extremes: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)
    reason: str | None = None  # why there are none
    plain: type = field(default_factory=lambda: type(ops.zeros(())))

    def add(self, tensor, axes: tuple[int, ...], samples: np.ndarray, most_positions: int) -> None:
        """One call's output; `samples` are the numbers of the samples in this batch."""
        if type(tensor) is not self.plain:  # in a loop of one's own: symbols, no numbers
            self.reason = "its output is not at hand: it is computed inside a loop that the backend compiles"
            return
        rank = len(tensor.shape)
        axes = [axis % rank for axis in axes]
        others = [axis for axis in range(rank) if axis not in axes]
        if not others:
            self.reason = f"its output of shape {tuple(tensor.shape)} has no axis of samples beside that of the units"
            return
        if keras.backend.standardize_dtype(tensor.dtype) != "float64":
            tensor = ops.cast(tensor, "float32")
        self.extremes.append(_extremes(tensor, others))
        rows = _on_grid(tensor, others, axes, most_positions)
        known = others[0] == 0 and len(rows) == len(samples)
        self.samples.append(np.repeat(samples, rows.shape[1]) if known else None)
        self.rows.append(rows.reshape(-1, rows.shape[2]))

    def finish(self) -> Responses | str:
        """The responses, or why there are none."""
        sizes = sorted({rows.shape[1] for rows in self.rows})
        if self.reason is not None or not sizes:
            return self.reason or "never called on these data"
        if len(sizes) > 1:
            return f"its calls differ in their number of units: {', '.join(map(str, sizes))}"
        low, high = (np.stack(values) for values in zip(*self.extremes, strict=True))
        bad = int(np.isnan(low).any(axis=0).sum())
        if bad:
            return f"the responses of {bad} of its {sizes[0]} units are not finite"
        known = all(samples is not None for samples in self.samples)
        samples = np.concatenate(self.samples) if known else None
        return Responses(np.concatenate(self.rows), samples, low.min(axis=0), high.max(axis=0))


def _extremes(tensor, others: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Each unit's least and greatest response; both NaN where one is not finite, which a backend's own minimum may not say."""
    finite = ops.convert_to_numpy(ops.all(ops.isfinite(tensor), axis=others)).ravel()
    values = (ops.convert_to_numpy(extreme(tensor, axis=others)).ravel() for extreme in (ops.amin, ops.amax))
    low, high = (np.where(finite, value, np.nan) for value in values)
    return low, high


# Where responses leave.


def _find_outlets(model: keras.Model) -> tuple[dict[str, Outlet], dict[str, str]]:
    """{path of a layer with a kernel: its outlet}, {path of such a layer without one: the reason}."""
    if not isinstance(model, keras.Model) or not model.built:
        raise ValueError(f"`model` must be a Keras model that is built: call it on data first. Received: {model!r}")
    layers = dict(_walk(model))
    trace = Trace(model)
    loops = [path for path, layer in layers.items() if isinstance(unwrapped(layer), L.RNN)]
    outlets, reasons, cells = {}, {}, defaultdict(list)
    for path, layer in layers.items():
        loop = next((loop for loop in loops if path.startswith(f"{loop}/")), None)
        axes = _unit_axes(unwrapped(layer))
        if not _has_kernel(unwrapped(layer)):
            continue
        if loop is not None:
            cells[loop].append(path)
        elif axes:
            outlets[path] = Outlet(path, axes, trace.outlet_calls(layer))
        else:
            reasons[path] = "its output has no axis of units"
    for loop, paths in cells.items():
        top = Outlet(loop, _unit_axes(layers[paths[-1]]), trace.outlet_calls(layers[loop]))
        outlets |= {loop: top, paths[-1]: top}
        reasons |= {path: f"only the last cell's responses leave the loop of '{loop}'" for path in paths[:-1]}
    return {path: outlets[path] for path in layers if path in outlets}, reasons


def _walk(model) -> Iterator[tuple[str, keras.layers.Layer]]:
    """(path, layer) of every layer, those inside pruning wrappers too."""
    for path, layer in layer_paths(model).items():
        yield path, layer
        if isinstance(layer, Wrapped):
            yield from ((joined(path, below), sublayer) for below, sublayer in layer_paths(layer.layer).items())


def _has_kernel(layer) -> bool:
    own = own_variables(layer)
    return isinstance(layer, L.Embedding) or any(v.name.endswith("kernel") and len(v.shape) >= 2 for v in own)


def _unit_axes(layer) -> tuple[int, ...]:
    """The axes of a layer's output that number its units, in order."""
    if isinstance(layer, L.EinsumDense):
        kernel, output = layer.equation.replace(" ", "").split(",")[1].split("->")
        front, _, back = output.partition("...")
        axes = [i for i, label in enumerate(front) if label in kernel]
        return (*axes, *(i - len(back) for i, label in enumerate(back) if label in kernel))
    if getattr(layer, "data_format", None) == "channels_first":
        return (-1 - getattr(layer, "rank", 1),)
    return (-1,)


# Listening and silencing.


@contextmanager
def _uncompiled(model) -> Iterator[None]:
    """Within the block Keras has compiled nothing for the model: it would not see the exchange, or would keep it."""
    models = [layer for layer in model._flatten_layers() if isinstance(layer, keras.Model)]
    names = ("train_function", "test_function", "predict_function")
    before = [(part, name, getattr(part, name)) for part in models for name in names]
    for part, name, _ in before:
        setattr(part, name, None)
    try:
        yield
    finally:
        for part, name, function in before:
            setattr(part, name, function)


def _unit_count(tensor, axes: tuple[int, ...]) -> int:
    return int(np.prod([tensor.shape[axis] for axis in axes]))


def _silenced(tensor, axes: tuple[int, ...], keep):
    """The tensor, zero where `keep` (bool, one entry per unit) is False."""
    shape = [1] * len(tensor.shape)
    for axis in axes:
        shape[axis] = tensor.shape[axis]
    return ops.where(ops.reshape(keep, shape), tensor, ops.zeros((), tensor.dtype))


def _listen(model, outlets, batches, most_positions) -> tuple[dict[str, Responses], dict[str, str]]:
    """{path: its responses}, {path: why it has none}, by the outlets' own paths."""
    heard = {outlet.path: _Heard() for outlet in outlets.values()}
    start = 0
    for inputs, _ in batches:
        samples = np.arange(start, start + sample_count(inputs))
        start += len(samples)

        def listen(outlet, tensor, samples=samples):
            heard[outlet.path].add(tensor, outlet.axes, samples, most_positions)
            return tensor

        with exchanged(model, outlets.values(), listen), keras.StatelessScope(collect_losses=True):
            model(inputs, training=False)
    done = {path: answers.finish() for path, answers in heard.items()}
    reasons = {path: answers for path, answers in done.items() if isinstance(answers, str)}
    return {path: answers for path, answers in done.items() if path not in reasons}, reasons


def _on_grid(tensor, others: list[int], axes: list[int], most_positions: int) -> np.ndarray:
    """Array (first axis, positions, units)."""
    for axis, kept in zip(others[1:], _grid([tensor.shape[axis] for axis in others[1:]], most_positions), strict=True):
        if len(kept) < tensor.shape[axis]:
            tensor = ops.take(tensor, kept, axis=axis)
    array = ops.convert_to_numpy(ops.transpose(tensor, [*others, *axes]))
    return array.reshape(len(array), -1, _unit_count(tensor, axes))


def _grid(sizes: Sequence[int], most: int) -> list[np.ndarray]:
    """Of a box of positions an even grid of at most `most`: for each axis the indices that stay.

    Short axes come first, so that what they do not use goes to the long ones.
    """
    kept, left = {}, most
    for place, axis in enumerate(sorted(range(len(sizes)), key=lambda axis: sizes[axis])):
        count = min(sizes[axis], int(left ** (1 / (len(sizes) - place)) + 1e-9))
        kept[axis] = ((np.arange(count) + 0.5) * sizes[axis] / count).astype(int)
        left //= count
    return [kept[axis] for axis in range(len(sizes))]


# Knocking out.


class _Silencer(keras.Model):
    """The first output of `model` while some units are silent: compiled once, because which ones is a variable."""

    def __init__(self, model, outlets: list[Outlet], sizes: dict[str, int]) -> None:
        super().__init__(name="silencer", autocast=False, dtype="float32")
        self.model = model
        self._outlets = outlets
        self.keep = {
            path: self.add_weight(name=f"keep_{i}", shape=(size,), dtype="bool", initializer="ones", trainable=False)
            for i, (path, size) in enumerate(sizes.items())
        }
        self.run_eagerly = model.run_eagerly

    def call(self, inputs):
        keep = {path: variable.value for path, variable in self.keep.items()}
        state = [(variable, variable.value) for variable in self.model.variables]

        def silence(outlet, tensor):
            return _silenced(tensor, outlet.axes, keep[outlet.path])

        with exchanged(self.model, self._outlets, silence), keras.StatelessScope(state, collect_losses=True):
            outputs = self.model(inputs, training=False)
        return ops.cast(tree.flatten(outputs)[0], "float32")

    def scores(self, batches) -> list[np.ndarray]:
        """The output for each batch."""
        return [np.asarray(self.predict_on_batch(inputs)) for inputs, _ in batches]


def _knock_out_each(model, outlets, heard, batches, fractions, repeats, seed, progress) -> dict[str, np.ndarray | str]:
    """{path: fractions of unchanged labels, until they fall below the threshold; or why there are none}."""
    sizes = {path: answers.low.size for path, answers in heard.items()}
    silencer = _Silencer(model, [outlets[path] for path in heard], sizes)
    intact = silencer.scores(batches)
    reason = _no_labels(intact)
    if reason:
        return dict.fromkeys(heard, reason)
    border = _border(intact)
    labels = _labels(intact, border)

    def unchanged(path, units):
        silencer.keep[path].assign(~np.isin(np.arange(sizes[path]), list(units)))
        return float(measures.unchanged_labels(labels, _labels(silencer.scores(batches), border)))

    curves = {}
    for path in progress(list(heard)):
        draw = np.random.default_rng([seed, *path.encode()])
        orders = [draw.permutation(sizes[path]) for _ in range(repeats)]
        curves[path] = _curve(functools.partial(unchanged, path), orders, fractions)
        silencer.keep[path].assign(np.ones(sizes[path], bool))
    return curves


def _curve(unchanged: Callable, orders: list[np.ndarray], fractions: np.ndarray) -> np.ndarray:
    """Mean over the orders of `unchanged(units)` for each fraction, NaN behind the first that is below the threshold."""
    known = {frozenset(): 1.0}
    curve = np.full(len(fractions), np.nan)
    for i, fraction in enumerate(fractions):
        silent = [frozenset(order[: kept_count(fraction, len(order))].tolist()) for order in orders]
        for units in silent:
            if units not in known:
                known[units] = unchanged(units)
        curve[i] = np.mean([known[units] for units in silent])
        if curve[i] < THRESHOLD:
            break
    return curve


def _no_labels(scores: list[np.ndarray]) -> str | None:
    """Why labels can not tell what a unit is worth, None if they can."""
    if any(batch.ndim == 0 for batch in scores):
        return "the model's output has no axis of samples"
    if not all(np.isfinite(batch).all() for batch in scores):
        return "the model's outputs are not finite"
    if len(np.unique(_labels(scores, _border(scores)))) == 1:
        return "the model predicts one label for all samples"
    return None


def _border(scores: list[np.ndarray]) -> float:
    """What a single score must exceed: a probability 0.5, anything else 0."""
    return 0.5 if all(((batch >= 0) & (batch <= 1)).all() for batch in scores) else 0.0


def _labels(scores: list[np.ndarray], border: float) -> np.ndarray:
    """Predicted labels, flat: the class with the highest score; of a single score, whether it is above the border."""
    single = scores[0].ndim == 1 or scores[0].shape[-1] == 1
    return np.concatenate([((batch > border) if single else batch.argmax(-1)).ravel() for batch in scores])


# Data.


def _classes(labels: list[np.ndarray | None]) -> np.ndarray | None:
    """Class numbers (samples,) from numbers or one-hot rows; None where the labels are none or something else."""
    if labels[0] is None:
        return None
    joined_labels = np.concatenate(labels)
    if joined_labels.ndim == 2 and joined_labels.shape[1] > 1:
        one_hot = ((joined_labels == 0) | (joined_labels == 1)).all() and (joined_labels.sum(axis=1) == 1).all()
        return joined_labels.argmax(axis=1) if one_hot else None
    flat = joined_labels.ravel()
    return flat.astype(int) if flat.size == len(joined_labels) and (flat == np.round(flat)).all() else None


def _check_limits(**limits: int) -> None:
    for name, limit in limits.items():
        if limit < 1:
            raise ValueError(f"`{name}` must be at least 1. Received: {name}={limit!r}")


def _checked_fractions(fractions) -> np.ndarray:
    array = np.asarray(fractions, float)
    if array.ndim != 1 or array.size < 2 or array[0] != 0 or array[-1] != 1 or not (np.diff(array) > 0).all():
        raise ValueError(f"`fractions` must increase from 0 to 1. Received: {fractions!r}")
    return array


def _checked_units(path: str, indices) -> np.ndarray:
    array = np.asarray(indices)
    if array.size and (array.ndim != 1 or array.dtype.kind not in "iu" or array.min() < 0):
        raise ValueError(f"`units` of '{path}' must be indices, at least 0. Received: {indices!r}")
    return array.astype(int).ravel()
