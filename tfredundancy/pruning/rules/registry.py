"""Which rule holds for which class: what a layer does with units, and how it is cut down to some of them.

Only exact classes count: a subclass may compute anything.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from tfredundancy.paths import unwrapped
from tfredundancy.pruning.tracing import Call, Rule, Trace, Wire, barrier

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Kept:
    """What is kept of one layer, as positions.

    Attributes:
        ins: for each wire that enters, int array of its channels.
        outs: for each wire that leaves.
        own: of the layer's own units, for one that holds units; else empty.
    """

    ins: tuple[np.ndarray, ...]
    outs: tuple[np.ndarray, ...]
    own: np.ndarray


Cut = Callable[[Call, Arrays, Kept], tuple[dict[str, Any], Arrays]]


@dataclass(frozen=True)
class _Entry:
    follow: Rule
    cut: Cut


_RULES: dict[type | str, _Entry] = {}


def unchanged(call: Call, arrays: Arrays, kept: Kept) -> tuple[dict[str, Any], Arrays]:
    """The cut of a layer without sizes: nothing to do."""
    del call, kept
    return {}, arrays


def rule(kind: type | str, follow: Rule, cut: Cut = unchanged) -> None:
    """Enter a class, or a class of Keras's own that is not public by its name."""
    _RULES[kind] = _Entry(follow, cut)


def entry(operation) -> _Entry | None:
    """What is known of an operation, pruning wrappers looked through."""
    layer = unwrapped(operation)
    kind = type(layer)
    if getattr(layer, "data_format", None) == "channels_first" or _is_special(layer):
        return None
    if kind in _RULES:
        return _RULES[kind]
    return _RULES.get(kind.__name__) if kind.__module__.startswith("keras.src.") else None


def rule_for(operation) -> Rule:
    """The rule by which units pass an operation; a barrier for one that is not known."""
    known = entry(operation)
    return partial(barrier, why=_why_unknown(unwrapped(operation))) if known is None else known.follow


def _why_unknown(layer) -> str:
    if _is_special(layer):
        return " is quantised or adapted by LoRA"
    own = not type(layer).__module__.startswith("keras.")
    return " is not known; if it acts on each unit alone, tfr.register_units teaches it" if own else ""


def _is_special(layer) -> bool:
    """Quantised, or adapted by LoRA: its variables are others."""
    return bool(getattr(layer, "quantization_mode", None) or getattr(layer, "lora_enabled", False))


def register_units(
    kind: type,
    *,
    channels: Mapping[str, int] | None = None,
    size: str | None = None,
    constant: Callable[[Any, np.ndarray], np.ndarray] | None = None,
) -> type:
    """Teach `find_groups` and `shrink` a layer of your own that hands units on, one for one.

    The layer must act on each channel of the last axis alone, as an activation, a scale or a dropout do. Layers that mix
    channels stay barriers.

    Args:
        kind: the class; subclasses of it are not meant.
        channels: {variable's name: its axis that goes by channels}; they are cut to the kept ones.
        size: constructor argument that holds the number of channels, if there is one.
        constant: function (layer, values: array (channels,)) → what leaves for channels that are these constants everywhere;
            NaN where it is no constant. Default: zero stays zero, and the units behind any other constant stay.

    Returns:
        The class, so that this can decorate it with `functools.partial`.

    Raises:
        ValueError: `kind` is no class of a Keras layer, or one that has a rule.

    Example:
        >>> import keras
        >>> class Gain(keras.layers.Layer):
        ...     def build(self, shape):
        ...         self.gain = self.add_weight(name="gain", shape=(shape[-1],), initializer="ones")
        ...
        ...     def call(self, x):
        ...         return x * self.gain
        >>> _ = register_units(Gain, channels={"gain": 0})
        >>> model = keras.Sequential(
        ...     [keras.Input((4,)), keras.layers.Dense(6, name="a"), Gain(), keras.layers.Dense(2, name="b")]
        ... )
        >>> from tfredundancy.pruning import find_groups
        >>> [group.name for group in find_groups(model)]
        ['a']
    """
    import keras

    if not (isinstance(kind, type) and issubclass(kind, keras.layers.Layer)):
        raise ValueError(f"`kind` must be a class of Keras layers. Received: kind={kind!r}")
    if kind.__module__.startswith("keras."):
        raise ValueError(f"`kind` must be a class of your own. Received: {kind.__name__}, which is Keras's")
    axes = dict(channels or {})

    def follow(trace: Trace, call: Call) -> list[Wire]:
        wire = call.ins[0]
        if len(call.ins) != 1 or len(call.shapes) != 1 or call.shapes[0][-1] != wire.channels:
            return barrier(trace, call)
        values = np.where(wire.values == 0, 0.0, np.nan) if constant is None else constant(call.layer, wire.values)
        return [wire.onto(call.shapes[0], values)]

    def cut(call: Call, arrays: Arrays, kept: Kept) -> tuple[dict[str, Any], Arrays]:
        taken = {name: np.take(arrays[name], kept.ins[0], axis) for name, axis in axes.items()}
        return ({} if size is None else {size: len(kept.ins[0])}), arrays | taken

    rule(kind, follow, cut)
    return kind
