"""Controls of a lottery-ticket experiment: what could explain a ticket's success other than the ticket.

Fresh weights under the same mask ask whether the initial values matter; a shuffled mask, whether more than the number of
weights of each layer matters.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import ops

from tfredundancy.layers import PruneUnits
from tfredundancy.lottery.ticket import Ticket
from tfredundancy.paths import own_variables, unwrapped, variable_paths, wrappers
from tfredundancy.pruning.choosing import Masks, kept_units, masks_of_units
from tfredundancy.pruning.groups import find_groups
from tfredundancy.pruning.rebuilding import fresh, has_config


def reinitialised(model: keras.Model, ticket: Ticket, seed: int) -> Ticket:
    """The ticket with fresh trainable weights, drawn by each layer's own initialisers.

    What does not train stays as it is in the ticket: frozen weights, adapted statistics, random seeds. The draw is a pure
    function of (`seed`, path): a seed fixed in an initialiser would give the old weights again and is replaced.

    Args:
        model: the built model whose layers say how they are initialised; it is not touched.
        ticket: where everything else comes from, usually step 0.
        seed: integer.

    Returns:
        A ticket.

    Raises:
        ValueError: a layer with weights of its own that can not be made again from its configuration.

    Example:
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="dense")])
        >>> ticket = Ticket.take(model)
        >>> fresh = reinitialised(model, ticket, seed=1)
        >>> bool((fresh.variables["dense/kernel"] == ticket.variables["dense/kernel"]).any())
        False
    """
    fresh = {}
    for path, layer in _initialised_layers(model):
        fresh.update(_drawn(layer, path, seed))
    variables = {}
    for path, variable in variable_paths(model).items():
        variables[path] = fresh[id(variable)] if variable.trainable else ticket.variables[path]
    return replace(ticket, variables=variables)


def shuffled(model: keras.Model, masks: Masks, seed: int) -> Masks:
    """Masks with the entries of each layer (of each group, for units) permuted at random: the same counts, no other structure.

    Args:
        model: the wrapped model that the masks belong to.
        masks: {path: bool array}.
        seed: integer.

    Returns:
        {path: bool array}.
    """
    rng = np.random.default_rng(seed)
    if not any(isinstance(layer, PruneUnits) for layer in wrappers(model).values()):
        return {path: rng.permuted(mask.ravel()).reshape(mask.shape) for path, mask in masks.items()}
    new = dict(masks)
    for group in find_groups(model):
        if set(group.members) <= set(masks):
            kept = rng.permuted(kept_units(group, masks))
            new.update(masks_of_units([group], {group.name: kept}, new))
    return new


def _initialised_layers(layer, path: str = "") -> Iterator[tuple[str, keras.layers.Layer]]:
    """Layers that can be made again from their configuration and together hold every variable."""
    for sublayer in layer._flatten_layers(include_self=False, recursive=False):
        here = f"{path}/{sublayer.name}"
        inner = unwrapped(sublayer)
        if isinstance(inner, keras.Model) or not _can_be_made_again(inner):
            if any(variable.trainable for variable in own_variables(inner)):
                raise ValueError(
                    f"`model` has weights in '{here}' ({type(inner).__name__}) that can not be drawn again: "
                    "the layer needs get_config."
                )
            yield from _initialised_layers(inner, here)
        elif inner.trainable_variables:
            yield here, inner


def _can_be_made_again(layer) -> bool:
    return has_config(layer) and layer.get_build_config() is not None


def _drawn(layer, path: str, seed: int) -> dict[int, np.ndarray]:
    """{id of the layer's variable: value in a copy of the layer whose every random seed is derived from (seed, path)}."""
    copy = fresh(layer, partial(_reseeded, key=f"{seed}:{path}"))
    copy.build_from_config(layer.get_build_config())
    pairs = zip(layer.variables, copy.variables, strict=True)
    return {id(old): np.array(ops.convert_to_numpy(new)) for old, new in pairs}


def _reseeded(config: Any, key: str) -> Any:
    """A layer's configuration with each entry named "seed" replaced by an integer that depends on `key` and its place."""
    if isinstance(config, dict):
        return {
            name: derived_seed(f"{key}/{name}") if name == "seed" else _reseeded(value, f"{key}/{name}")
            for name, value in config.items()
        }
    if isinstance(config, list | tuple):
        return type(config)(_reseeded(value, f"{key}/{i}") for i, value in enumerate(config))
    return config


def derived_seed(key: str) -> int:
    """A 31-bit integer that depends on the text alone."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "little") >> 1
