"""Where a layer or a variable sits in a model: paths such as `encoder/conv1` and `encoder/conv1/kernel`.

Keras's own paths depend on where a nested model was built, and a wrapper adds its name a second time. These do not: a path is
the names of the models and layers from the model (left out) down, and a pruning wrapper stands at its layer's place. So a
variable has the same path in a plain model and in its pruned copy. What has a name a second time gets a number: `block/w#2`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

import keras
import numpy as np


class Wrapped:
    """Marks a layer that stands at the place of the one in its attribute `layer`: what pruning wrappers are.

    `around(layer)` makes such a wrapper of another layer of the same kind.
    """


def unwrapped(layer: keras.layers.Layer) -> keras.layers.Layer:
    """What a pruning wrapper wraps; any other layer itself."""
    return layer.layer if isinstance(layer, Wrapped) else layer


def layer_paths(model: keras.Model) -> dict[str, keras.layers.Layer]:
    """{path: layer} of every layer below `model`, depth first; a pruning wrapper counts as one layer.

    Example:
        >>> inner = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, name="dense")], name="encoder")
        >>> model = keras.Sequential([keras.Input((2,)), inner])
        >>> list(without_input_layers(layer_paths(model)))
        ['encoder', 'encoder/dense']
    """
    return dict(_walk(model, "", set()))


def wrappers(model: keras.Model) -> dict[str, Wrapped]:
    """{path: wrapper} of the pruning wrappers of `model`."""
    return {path: layer for path, layer in layer_paths(model).items() if isinstance(layer, Wrapped)}


def variable_paths(model: keras.layers.Layer) -> dict[str, keras.Variable]:
    """{path: variable} of a model or layer: weights, BatchNorm statistics and random seeds; neither masks nor metrics."""
    return dict(_variables(model, "", set(), set()))


def is_random_state(path: str) -> bool:
    """Whether the variable at this path is the state of a random layer.

    Example:
        >>> is_random_state("dropout/seed_generator_state"), is_random_state("dense/kernel")
        (True, False)
    """
    return path.rpartition("/")[2].startswith("seed_generator_state")


def variable_arrays(model: keras.Model) -> dict[str, np.ndarray]:
    """{path: copy of the value} of the variables of `model`."""
    return {path: np.array(keras.ops.convert_to_numpy(v)) for path, v in variable_paths(model).items()}


def without_input_layers(paths: dict[str, keras.layers.Layer]) -> dict[str, keras.layers.Layer]:
    """The layers that compute something."""
    return {path: layer for path, layer in paths.items() if not isinstance(layer, keras.layers.InputLayer)}


def matching(patterns: Iterable[str], paths: Iterable[str], argument: str) -> dict[str, str]:
    """{path: the first pattern that matches it}, fnmatch.

    Raises:
        ValueError: a pattern that matches no path.

    Example:
        >>> matching(["conv*"], ["conv1", "dense"], "exclude")
        {'conv1': 'conv*'}
    """
    patterns, paths = list(patterns), list(paths)
    for pattern in patterns:
        if not any(fnmatchcase(path, pattern) for path in paths):
            raise ValueError(
                f"`{argument}` has a pattern that matches no layer. Received: {pattern!r}; layers: {_short(paths)}"
            )
    hits = ((path, next((p for p in patterns if fnmatchcase(path, p)), None)) for path in paths)
    return {path: pattern for path, pattern in hits if pattern is not None}


def joined(prefix: str, name: str) -> str:
    """Path of what is called `name` below `prefix`."""
    return f"{prefix}/{name}" if prefix else name


def own_variables(layer: keras.layers.Layer) -> list[keras.Variable]:
    """The variables of a layer that none of its sublayers holds."""
    below = {id(variable) for sublayer in _sublayers(layer) for variable in sublayer.variables}
    return [variable for variable in layer.variables if id(variable) not in below]


def _sublayers(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    return list(layer._flatten_layers(include_self=False, recursive=False))


def _named_sublayers(layer, prefix: str) -> Iterator[tuple[str, keras.layers.Layer]]:
    """(path, sublayer); automatic names of subclassed models can collide."""
    sublayers = _sublayers(layer)
    # An RNN of several cells puts them in a layer whose automatic name is not in its configuration: a copy has another one.
    names = ["cells" if isinstance(each, keras.layers.StackedRNNCells) else each.name for each in sublayers]
    for name, sublayer in zip(_numbered(names), sublayers, strict=True):
        yield joined(prefix, name), sublayer


def _numbered(names: list[str]) -> Iterator[str]:
    """The names, from its second occurrence on each with its number: "w", "w#2"."""
    count: Counter[str] = Counter()
    for name in names:
        count[name] += 1
        yield f"{name}#{count[name]}" if count[name] > 1 else name


def _walk(layer, prefix: str, seen: set[int]) -> Iterator[tuple[str, keras.layers.Layer]]:
    for path, sublayer in _named_sublayers(layer, prefix):
        if id(sublayer) in seen:
            continue
        seen.add(id(sublayer))
        yield path, sublayer
        if not isinstance(sublayer, Wrapped):
            yield from _walk(sublayer, path, seen)


def _variables(layer, path: str, seen_layers: set[int], seen: set[int]) -> Iterator[tuple[str, keras.Variable]]:
    layer = unwrapped(layer)
    if id(layer) in seen_layers:
        return
    seen_layers.add(id(layer))
    own = own_variables(layer)
    for name, variable in zip(_numbered([variable.name for variable in own]), own, strict=True):
        if id(variable) not in seen:
            seen.add(id(variable))
            yield joined(path, name), variable
    for sub_path, sublayer in _named_sublayers(layer, path):
        yield from _variables(sublayer, sub_path, seen_layers, seen)


def _short(paths: list[str], most: int = 12) -> str:
    return ", ".join(paths[:most]) + (f", … ({len(paths)} in all)" if len(paths) > most else "")
