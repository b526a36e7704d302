"""Model → the same model with some layers replaced: weights, compilation and optimizer state go along.

The model that is passed is never touched. Objects are copied, not read back from their serialised form: Python functions as
losses, metrics or learning rates, and classes that nobody registered, stay what they are.
"""

from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from tfredundancy.paths import Wrapped

Replace = Callable[[keras.layers.Layer, keras.layers.Layer], keras.layers.Layer]


def rebuild(model: keras.Model, replace: Replace) -> keras.Model:
    """Copy a Sequential or functional model; layers of nested models are copied too.

    Args:
        model: built Sequential or functional model.
        replace: function (layer of `model`, its fresh copy) → the layer to put there: the copy, or a wrapper of it, or, where
            the layer is a wrapper, what it wraps.

    Returns:
        A model with the variables of `model`, compiled as it was, the optimizer's variables copied.
    """
    copies: dict[int, tuple[keras.layers.Layer, keras.layers.Layer]] = {}

    def clone(layer):
        if id(layer) not in copies:
            new = _clone_model(layer, clone) if is_graph(layer) else replace(layer, _fresh(layer))
            copies[id(layer)] = layer, new
        return copies[id(layer)][1]

    copy = clone(model)
    twins = {}
    for old, new in copies.values():
        if isinstance(old, keras.layers.Layer) and not is_graph(old):
            twins.update(_copy_variables(_inner(old), _inner(new)))
    _compile_alike(model, copy, twins)
    return copy


def is_graph(layer) -> bool:
    """Whether this is a Sequential or functional model, whose layers can be listed and called one by one."""
    return isinstance(layer, keras.Sequential) or (isinstance(layer, keras.Model) and hasattr(layer, "operations"))


def _clone_model(model: keras.Model, clone) -> keras.Model:
    if isinstance(model, keras.Sequential):
        make = type(model) if type(model).__init__ is keras.Sequential.__init__ else keras.Sequential
        return make([_input_like(model.inputs[0]), *map(clone, model.layers)], name=model.name)
    inputs = keras.tree.map_structure(_input_like, model.input)
    outputs = model._run_through_graph(inputs, operation_fn=clone)
    copy = keras.Model(inputs, outputs, name=model.name)
    own = type(model).__init__ is type(copy).__init__  # a class with a train_step of its own stays what it is
    return type(model)(inputs, outputs, name=model.name) if own else copy


def _input_like(tensor):
    return keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=tensor.name)


def _fresh(layer):
    config = layer.get_config()
    if isinstance(layer, keras.layers.Lambda):  # from_config refuses Python lambdas, which are safe here
        functions = {"function": layer.function, "arguments": layer.arguments, "mask": layer.mask}
        return type(layer)(**{**config, **functions, "output_shape": layer._output_shape})
    return type(layer).from_config(config)


def _inner(layer: keras.layers.Layer) -> keras.layers.Layer:
    return layer.layer if isinstance(layer, Wrapped) else layer


def _copy_variables(old, new) -> dict[int, keras.Variable]:
    """Assign the variables of `new`; {id of the old variable: the new one}."""
    pairs = list(zip(old.variables, new.variables, strict=True))
    for (
        source,
        target,
    ) in pairs:  # by way of NumPy: with JAX two variables could share a buffer, which training gives away
        target.assign(np.array(ops.convert_to_numpy(source)))
    return {id(source): target for source, target in pairs}


def _compile_alike(model: keras.Model, copy: keras.Model, twins: dict[int, keras.Variable]) -> None:
    if not model.compiled:
        return
    if type(model).compile is not keras.Model.compile:
        copy.compile_from_config(model.get_compile_config())
    else:
        settings = dict(model._compile_config.config)
        metrics = {
            name: keras.tree.map_structure(_fresh_metric, settings[name]) for name in ("metrics", "weighted_metrics")
        }
        settings |= metrics | {"optimizer": _fresh_optimizer(model.optimizer), "auto_scale_loss": False}
        copy.compile(**settings)
    if model.optimizer.built:
        if not copy.optimizer.built:
            copy.optimizer.build([twins[id(variable)] for variable in model.optimizer._trainable_variables])
        _copy_variables(model.optimizer, copy.optimizer)


def _fresh_metric(metric):
    return type(metric).from_config(metric.get_config()) if isinstance(metric, keras.metrics.Metric) else metric


def _fresh_optimizer(optimizer):
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        config = {**optimizer.get_config(), "inner_optimizer": _fresh_optimizer(optimizer.inner_optimizer)}
        return type(optimizer)(**config)
    config = optimizer.get_config()
    if isinstance(config.get("learning_rate"), dict):  # a schedule or function: stateless, it can be shared
        config["learning_rate"] = optimizer._learning_rate
    return type(optimizer).from_config(config)
