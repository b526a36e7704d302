"""Data as a list of batches: arrays, tuples of arrays or a tf.data.Dataset, whole or as many samples as are asked for."""

from collections.abc import Iterator

import keras
import numpy as np
from keras import tree


def batches_of(data, labels, most_samples: int, batch_size: int) -> list[tuple]:
    """[(inputs, labels or None)] of the first samples, batches of about one size, so that what is compiled is traced once.

    Args:
        data: array (samples, …); list or dictionary of arrays for a model of several inputs; tuple (inputs, labels); or a
            tf.data.Dataset of batches of one of these.
        labels: array (samples, …) where `data` brings none.
        most_samples: the first so many are used.
        batch_size: samples of a batch at most.

    Raises:
        ValueError: data without samples, or labels that do not fit.
    """
    dataset = hasattr(data, "as_numpy_iterator")  # tf.data, which the other backends' users may lack
    batches, left = [], most_samples
    for part in data.as_numpy_iterator() if dataset else [data]:
        inputs, own = _inputs_and_labels(part)
        if labels is not None and (dataset or own is not None):
            raise ValueError("`labels` must be left out where `data` brings its own. Received both")
        own = own if labels is None else np.asarray(labels)
        size = sample_count(inputs)
        if own is not None and own.shape[:1] != (size,):
            raise ValueError(f"`labels` must be one for each of the {size} samples. Received: shape {own.shape}")
        used = min(size, left)
        for index in np.array_split(np.arange(used), -(-used // batch_size)):
            batches.append((_taken(inputs, index), None if own is None else own[index]))
        left -= used
        if not left:
            break
    if not batches:
        raise ValueError("`data` must hold samples. Received: an empty dataset")
    return batches


def _taken(inputs, index: np.ndarray):
    return tree.map_structure(lambda array: array[index], inputs)


def _inputs_and_labels(part) -> tuple:
    """One part of the data → (inputs as arrays, labels as an array or None)."""
    labels = None
    if isinstance(part, tuple):
        if not 1 <= len(part) <= 3:
            raise ValueError(
                f"`data` as a tuple must be (inputs, labels); several inputs go into a list. Received: {len(part)} items"
            )
        part, labels = (*part, None)[:2]
    inputs = tree.map_structure(np.asarray, list(part) if isinstance(part, tuple) else part)
    nested = labels is None or isinstance(labels, dict | list | tuple)  # of several outputs: which one's?
    return inputs, None if nested else np.asarray(labels)


def sample_count(inputs) -> int:
    """The number of samples in a structure of arrays.

    Raises:
        ValueError: the arrays differ in it, or there are none.
    """
    shapes = [array.shape for array in tree.flatten(inputs)]
    sizes = {shape[:1] for shape in shapes}
    if len(sizes) != 1 or sizes <= {(), (0,)}:
        raise ValueError(f"`data` must be arrays of one number of samples, at least 1. Received: shapes {shapes}")
    return sizes.pop()[0]


def examples(data, batch_size: int = 128) -> Iterator[tuple]:
    """Yield (inputs, labels or None, weights or None), batch after batch, as structures of NumPy arrays.

    Args:
        data: array (samples, …), list or dictionary of arrays for a model of several inputs; tuple (inputs, labels) or (inputs,
            labels, weights); or a tf.data.Dataset of batches of one of these.
        batch_size: samples of a batch; a dataset has its own.

    Raises:
        ValueError: data without samples, or arrays of different numbers of them.

    Example:
        >>> [inputs.ravel().tolist() for inputs, _, _ in examples(np.arange(3.0)[:, None], batch_size=2)]
        [[0.0, 1.0], [2.0]]
    """
    dataset, empty = hasattr(data, "as_numpy_iterator"), True
    for part in data.as_numpy_iterator() if dataset else [data]:
        parts = part if isinstance(part, tuple) else (part,)
        if not 1 <= len(parts) <= 3:
            raise ValueError(
                "`data` as a tuple must be (inputs, labels) or (inputs, labels, weights); several inputs go into a list. "
                f"Received: {len(parts)} items"
            )
        arrays = tuple(tree.map_structure(np.asarray, each) for each in parts if each is not None)
        size, empty = sample_count(arrays), False
        step = size if dataset else batch_size
        for start in range(0, size, step):
            rows = np.arange(start, min(start + step, size))
            yield (*(_taken(each, rows) for each in arrays), None, None)[:3]
    if empty:
        raise ValueError("`data` must hold samples. Received: an empty dataset")


def check_inputs(model: keras.Model, inputs) -> None:
    """Raise unless these are inputs of the shapes that a Sequential or functional model takes.

    Raises:
        ValueError: another number of arrays, or another shape of a sample.
    """
    wanted = [tuple(tensor.shape[1:]) for tensor in tree.flatten(model.inputs)]
    given = [np.shape(array)[1:] for array in tree.flatten(inputs)]
    fits = len(wanted) == len(given) and all(
        len(one) == len(other) and all(size in (None, there) for size, there in zip(one, other, strict=True))
        for one, other in zip(wanted, given, strict=True)
    )
    if not fits:
        raise ValueError(
            f"`data` must hold samples of the shapes that the model takes: {', '.join(map(str, wanted))}. "
            f"Received: {', '.join(map(str, given))}"
        )
