"""Regularisers that make whole units small, so that they can be pruned: R(W) = rate · Σ over units of ‖W_unit‖₂.

`tfr.pruning.sparse_learning` attaches them to a model. The other one of the literature, L1 on the scales of BatchNormalization
(Liu et al. 2017), is Keras's own `keras.regularizers.L1` as a `gamma_regularizer`.
"""

from collections.abc import Sequence

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="tfredundancy")
class GroupLasso(keras.regularizers.Regularizer):
    """Group lasso over the units of a kernel: R(W) = rate · Σᵤ √Σ w².

    It draws all weights of a unit to zero together, where the L1 norm draws single ones. At a unit that is zero its gradient is
    zero: pruned units stay.

    Args:
        rate: factor, at least 0.
        axis: the axis that numbers the units, or several: −1 for Dense and Conv, −2 for transposed convolutions, (−2, −1) for
            depthwise ones.

    Raises:
        ValueError: a negative rate.

    Example:
        >>> float(GroupLasso(0.5)(np.array([[3.0, 0.0], [4.0, 2.0]])))  # 0.5 · (5 + 2)
        3.5

    Reference:
        Wen et al. 2016, Learning structured sparsity in deep neural networks, arXiv:1608.03665; Yuan & Lin 2006.
    """

    def __init__(self, rate: float, axis: int | Sequence[int] = -1):
        if not rate >= 0:
            raise ValueError(f"`rate` must be at least 0. Received: rate={rate!r}")
        self.rate = float(rate)
        self.axis = [axis] if isinstance(axis, int) else list(axis)

    def __call__(self, x):
        rank = len(x.shape)
        units = {axis % rank for axis in self.axis}
        squares = ops.sum(ops.square(x), axis=[axis for axis in range(rank) if axis not in units])
        zero = ops.equal(squares, 0)
        norms = ops.sqrt(ops.where(zero, ops.ones_like(squares), squares))  # the root's slope at 0 is infinite
        return self.rate * ops.sum(ops.where(zero, ops.zeros_like(norms), norms))

    def get_config(self):
        return {"rate": self.rate, "axis": self.axis}


@keras.saving.register_keras_serializable(package="tfredundancy")
class Sum(keras.regularizers.Regularizer):
    """Two regularisers of one variable: R(W) = first(W) + second(W).

    Args:
        first: a regulariser, or its name or configuration, as Keras takes it.
        second: likewise.

    Example:
        >>> float(Sum(keras.regularizers.L2(0.5), GroupLasso(1.0))(np.array([[3.0], [4.0]])))  # 0.5 · 25 + 5
        17.5
    """

    def __init__(self, first, second):
        self.first, self.second = keras.regularizers.get(first), keras.regularizers.get(second)

    def __call__(self, x):
        return self.first(x) + self.second(x)

    def get_config(self):
        parts = {"first": self.first, "second": self.second}
        return {name: keras.saving.serialize_keras_object(part) for name, part in parts.items()}


def without_ours(regularizer):
    """What is left of a regulariser of a layer without the classes of this module: plain Keras, or None."""
    if isinstance(regularizer, Sum):
        first, second = without_ours(regularizer.first), without_ours(regularizer.second)
        return second if first is None else first if second is None else regularizer
    return None if isinstance(regularizer, GroupLasso) else regularizer
