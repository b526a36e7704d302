"""Model → the same model with some layers replaced: weights, compilation and optimizer state go along.

The model that is passed is never touched. Objects are copied, not read back from their serialised form: Python functions as
losses, metrics or learning rates, and classes that nobody registered, stay what they are.
"""

import tempfile
from collections.abc import Callable, Sequence
from types import FunctionType

import keras
import numpy as np
from keras import ops

from tfredundancy.paths import Wrapped, unwrapped, variable_paths

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
            new = clone_graph(layer, clone) if is_graph(layer) else replace(layer, fresh(layer))
            copies[id(layer)] = layer, new
        return copies[id(layer)][1]

    new_model = clone(model)
    twins = {}
    for old, new in copies.values():
        if isinstance(old, keras.layers.Layer) and not is_graph(old):
            twins.update(_copy_variables(unwrapped(old), unwrapped(new)))
    if compile_alike(model, new_model):
        _copy_optimizer(model, new_model, twins)
    return new_model


def is_graph(layer) -> bool:
    """Whether this is a Sequential or functional model, whose layers can be listed and called one by one."""
    wired = isinstance(layer, keras.Sequential) or (isinstance(layer, keras.Model) and hasattr(layer, "operations"))
    return wired and type(layer).call.__module__.startswith("keras.")  # a `call` of its own may compute anything


def clone_graph(model: keras.Model, clone: Callable, shapes: Sequence[tuple] | None = None) -> keras.Model:
    """Wire a Sequential or functional model anew.

    Args:
        model: built.
        clone: function layer or operation → what stands at its place; models inside come, too.
        shapes: of its inputs, batch first, where they are others than `model`'s.
    """
    shapes = [tensor.shape for tensor in model.inputs] if shapes is None else shapes
    inputs = [_input_like(tensor, shape) for tensor, shape in zip(model.inputs, shapes, strict=True)]
    if isinstance(model, keras.Sequential):
        make = type(model) if type(model).__init__ is keras.Sequential.__init__ else keras.Sequential
        return make([inputs[0], *map(clone, model.layers)], name=model.name)
    struct = keras.tree.pack_sequence_as(model.input, inputs)
    outputs = model._run_through_graph(struct, operation_fn=clone)
    new = keras.Model(struct, outputs, name=model.name)
    own = type(model).__init__ is type(new).__init__  # a class with a train_step of its own stays what it is
    return type(model)(struct, outputs, name=model.name) if own else new


def _input_like(tensor, shape):
    layer = tensor._keras_history.operation  # its name is what data in a dictionary go by
    settings = {"sparse": True} if getattr(layer, "sparse", False) else {}
    return keras.Input(
        batch_shape=shape, dtype=tensor.dtype, name=layer.name, optional=getattr(layer, "optional", False), **settings
    )


def fresh(layer, change: Callable[[dict], dict] = dict):
    """A layer of the same settings that is not built; `change` may alter its configuration before."""
    if isinstance(layer, Wrapped):
        return layer.around(fresh(layer.layer, change))
    if isinstance(layer, keras.layers.Lambda):
        functions = {"function": layer.function, "arguments": layer.arguments, "mask": layer.mask}
        return type(layer)(**{**change(layer.get_config()), **functions, "output_shape": layer._output_shape})
    if not isinstance(layer, keras.layers.Layer) and not has_config(layer):
        return layer  # an operation that holds arrays; it has no state
    config, functions = configuration(layer)
    new = type(layer).from_config(change(config))
    for name, function in functions.items():
        setattr(new, name, function)
    return new


def configuration(layer) -> tuple[dict, dict[str, FunctionType]]:
    """A layer's configuration without functions of somebody's own, and {name: function}.

    Keras would write lambdas as code and refuse to read it, and others by a name that it does not find again. A function that
    is no part of the configuration is the layer's own, as one in `__init__` that uses `self`.
    """
    lambdas = [name for name, value in vars(layer).items() if _is_lambda(value)]
    written = layer
    if lambdas:
        written = object.__new__(type(layer))  # Keras layers copy themselves by saving and loading
        written.__dict__.update(vars(layer))
        written.__dict__.update(
            {name: None if name.endswith(_OPTIONAL) else keras.activations.linear for name in lambdas}
        )
    config = _config(written)
    functions = {name: value for name, value in vars(layer).items() if name in config and _is_own(value)}
    return config | {name: None if name.endswith(_OPTIONAL) else "linear" for name in functions}, functions


_OPTIONAL = ("regularizer", "constraint", "initializer")


def _config(layer) -> dict:
    try:
        return layer.get_config()
    except NotImplementedError as error:
        raise ValueError(
            f"Layer '{layer.name}' of class {type(layer).__name__} must have a get_config to be copied: {error}"
        ) from error


def has_config(operation) -> bool:
    """Whether a layer or operation can be made again from its configuration."""
    try:
        operation.get_config()
    except NotImplementedError:
        return False
    return True


def _is_own(value) -> bool:
    """A function of somebody's own, which Keras would write by its name and not find again."""
    return isinstance(value, FunctionType) and not value.__module__.startswith("keras.")


def _is_lambda(value) -> bool:
    return isinstance(value, FunctionType) and value.__name__ == "<lambda>"


def _copy_variables(old, new) -> dict[int, keras.Variable]:
    """Assign the variables of `new`; {id of the old variable: the new one}."""
    pairs = _twins(old, new)
    for source, target in pairs:
        # By way of NumPy: with JAX two variables could share a buffer, which training gives away.
        target.assign(np.array(ops.convert_to_numpy(source)))
    copy_state(old, new)
    return {id(source): target for source, target in pairs}


def _twins(old, new) -> list[tuple[keras.Variable, keras.Variable]]:
    """By their names: quantised layers have another order after they were built anew. Else by their order."""
    if isinstance(old, keras.layers.Layer):
        names, others = variable_paths(old), variable_paths(new)
        if names.keys() == others.keys() and len(names) == len(old.variables):
            return [(variable, others[name]) for name, variable in names.items()]
    return list(zip(old.variables, new.variables, strict=True))


def copy_state(old, new) -> None:
    """What is no variable's value: which variables train, vocabularies, tensors made of variables."""
    if not isinstance(old, keras.layers.Layer):
        return
    for source, target in zip(old.variables, new.variables, strict=False):
        if old.trainable and source.name == target.name and not source.trainable:
            target.trainable = False
    if hasattr(old, "save_assets"):
        with tempfile.TemporaryDirectory() as folder:
            old.save_assets(folder)
            new.load_assets(folder)
    if isinstance(new, keras.layers.Normalization):
        new.finalize_state()


def compile_alike(model: keras.Model, new: keras.Model) -> bool:
    """Compile `new` as `model` is, with fresh metrics and a fresh optimizer of the same settings; say whether it is."""
    if not model.compiled:
        return False
    if type(model).compile is not keras.Model.compile and type(new) is type(model):
        new.compile_from_config(model.get_compile_config())
        return new.compiled
    settings = dict(model._compile_config.config)
    metrics = {
        name: keras.tree.map_structure(_fresh_metric, settings[name]) for name in ("metrics", "weighted_metrics")
    }
    settings |= metrics | {"optimizer": fresh_optimizer(model.optimizer), "auto_scale_loss": False}
    new.compile(**settings)
    return True


def _copy_optimizer(model: keras.Model, new: keras.Model, twins: dict[int, keras.Variable]) -> None:
    pairs = [(old, twins[id(old)]) for old in model.variables if id(old) in twins]
    keep_exclusions(model.optimizer, new.optimizer, pairs)
    if model.optimizer.built:
        if not new.optimizer.built:
            new.optimizer.build([twins[id(variable)] for variable in model.optimizer._trainable_variables])
        _copy_variables(model.optimizer, new.optimizer)


def _fresh_metric(metric):
    return type(metric).from_config(metric.get_config()) if isinstance(metric, keras.metrics.Metric) else metric


def fresh_optimizer(optimizer, learning_rate: float | None = None):
    """An optimizer of the same settings that is not built; `learning_rate` replaces its own, a schedule too."""
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        inner = fresh_optimizer(optimizer.inner_optimizer, learning_rate)
        return type(optimizer)(**{**optimizer.get_config(), "inner_optimizer": inner})
    config = optimizer.get_config()
    if learning_rate is not None:
        config["learning_rate"] = learning_rate
    elif isinstance(config.get("learning_rate"), dict):  # a schedule or function: stateless, it can be shared
        config["learning_rate"] = optimizer._learning_rate
    return type(optimizer).from_config(config)


def optimizer_parts(optimizer) -> list[keras.optimizers.Optimizer]:
    """The optimizers that do the work: what LossScaleOptimizer and MultiOptimizer wrap, else the optimizer itself."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    return [] if optimizer is None else list(getattr(optimizer, "optimizers", [optimizer]))


def keep_exclusions(old, new, twins: Sequence[tuple[keras.Variable, keras.Variable]]) -> None:
    """Exclude from weight decay in `new` what `old` excludes, which is no part of an optimizer's configuration.

    Args:
        old: optimizer.
        new: optimizer of the same kind.
        twins: (variable of `old`, the variable that takes its place).
    """
    for one, other in zip(optimizer_parts(old), optimizer_parts(new), strict=False):
        if hasattr(
            one, "_exclude_from_weight_decay"
        ):  # set by exclude_from_weight_decay only, which a built one refuses
            excluded = [twin for variable, twin in twins if not one._use_weight_decay(variable)]
            other._exclude_from_weight_decay = {other._var_key(twin) for twin in excluded}
            other._exclude_from_weight_decay_cache = {}
