"""How often a unit is silent: model + data → the share of zeros in what leaves the rectifiers behind each unit.

From every layer that holds a unit its channel is followed through what hands units on one for one, over additions and pooling
too; each rectifier that it comes to is listened to, the layer's own activation among them.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping

import keras
import numpy as np
from keras import ops

from tfredundancy.paths import layer_paths, unwrapped
from tfredundancy.samples import check_inputs, examples
from tfredundancy.tracing import Call, Outlet, Trace, exchanged, is_one_for_one

L = keras.layers

_HANDED_ON = (
    *(L.Add, L.Subtract, L.Multiply, L.Average, L.Maximum, L.Minimum),
    *(L.MaxPooling1D, L.MaxPooling2D, L.MaxPooling3D, L.AveragePooling1D, L.AveragePooling2D, L.AveragePooling3D),
    *(L.ZeroPadding1D, L.ZeroPadding2D, L.ZeroPadding3D, L.Cropping1D, L.Cropping2D, L.Cropping3D),
    *(L.UpSampling1D, L.UpSampling2D, L.UpSampling3D),
    *(L.GlobalAveragePooling1D, L.GlobalAveragePooling2D, L.GlobalAveragePooling3D),
    *(L.GlobalMaxPooling1D, L.GlobalMaxPooling2D, L.GlobalMaxPooling3D),
)


def shares_of_zeros(
    model: keras.Model, units: Mapping[str, Mapping[str, np.ndarray]], data, batch_size: int = 128
) -> dict[str, np.ndarray]:
    """{group's name: array (units,), share of zeros}; groups without a rectifier are absent.

    Args:
        model: Sequential or functional model.
        units: {group's name: {path of a layer: int array (units, copies), the channels of its output that are unit i}}.
        data: inputs, or (inputs, labels), or a tf.data.Dataset of batches of either. All of them are used.
        batch_size: of arrays.

    Raises:
        ValueError: data without samples or of another shape.
    """
    layers, trace = layer_paths(model), Trace(model)
    heard: dict[Call, dict[str, np.ndarray]] = defaultdict(dict)
    for name, members in units.items():
        for path, channels in members.items():
            for call in _rectifiers(trace, layers[path]):
                heard[call][name] = channels
    zeros = _count(model, {call: trace.steps[call].operation for call in heard}, data, batch_size)
    shares = defaultdict(list)
    for call, groups in heard.items():
        for name, channels in groups.items():
            shares[name].append(zeros[call][channels].mean(axis=1))
    return {name: np.mean(found, axis=0) for name, found in shares.items()}


def _rectifiers(trace: Trace, layer) -> set[Call]:
    """The calls of rectifiers that what this layer makes comes to, channel for channel."""
    todo = [call for call, step in trace.steps.items() if step.operation is layer]
    seen = set(todo)
    while todo:
        call = todo.pop()
        readers = [reader for made in trace.steps[call].makes for reader in trace.readers[made] if reader is not None]
        new = [reader for reader in readers if reader not in seen and _hands_on(trace, reader)]
        seen.update(new)
        todo.extend(new)
    return {call for call in seen if _rectifies(trace.steps[call].operation)}


def _hands_on(trace: Trace, call: Call) -> bool:
    operation = trace.steps[call].operation
    return is_one_for_one(operation) or isinstance(unwrapped(operation), _HANDED_ON)


def _rectifies(operation) -> bool:
    """Whether what this operation makes is zero for a whole range of inputs."""
    operation = unwrapped(operation)
    if isinstance(operation, L.ReLU):
        return float(operation.negative_slope) == 0
    if not isinstance(operation, L.Layer):
        return type(operation).__name__ in ("Relu", "Relu6")
    activation = getattr(operation, "activation", None)
    if isinstance(activation, L.Layer):
        return _rectifies(activation)
    return activation is not None and float(ops.convert_to_numpy(activation(ops.array([[-1.0]])))[0, 0]) == 0


def _count(model, operations: Mapping[Call, keras.Operation], data, batch_size: int) -> dict[Call, np.ndarray]:
    """{call: array (channels,), share of zeros in what it makes}."""
    if not operations:
        return {}
    outlets = {str(i): call for i, call in enumerate(operations)}
    zeros, counts = defaultdict(int), defaultdict(int)

    def listen(outlet, tensor):
        call = outlets[outlet.path]
        others = tuple(range(len(tensor.shape) - 1))
        zeros[call] += ops.convert_to_numpy(ops.count_nonzero(ops.equal(tensor, 0), axis=others))
        counts[call] += int(np.prod(tensor.shape[:-1]))
        return tensor

    wanted = [Outlet(name, (-1,), {call: operations[call]}) for name, call in outlets.items()]
    for inputs in _inputs(model, data, batch_size):
        with exchanged(model, wanted, listen), keras.StatelessScope(collect_losses=True):
            model(inputs, training=False)
    return {call: zeros[call] / counts[call] for call in operations}


def _inputs(model, data, batch_size: int) -> Iterator:
    for inputs, *_ in examples(data, batch_size):
        check_inputs(model, inputs)
        yield inputs
