"""Nets that keep only some singular directions of what training changed.

For every layer Δ = W − Z = U·diag(s)·Vᵀ, decomposed once; a net keeps the directions that its arm and its rank k say, in all
layers at once, as W' = Z + U_I·diag(s_I)·V_Iᵀ:

    top          the k largest
    top_hidden   the same, the classifier left as it was trained
    random       any k, the same first k for a greater rank
    bottom       all but the k largest
    weights      the k largest of W itself, without Z
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tfredundancy.lottery.controls import derived_seed

ARMS = ("top", "top_hidden", "weights", "random", "bottom")


@dataclass(frozen=True, eq=False)
class _Directions:
    """base + u · diag(s) · vt"""

    base: np.ndarray
    u: np.ndarray
    s: np.ndarray
    vt: np.ndarray

    @classmethod
    def of(cls, kernel: np.ndarray, base: np.ndarray) -> "_Directions":
        return cls(base, *np.linalg.svd(np.float64(kernel) - base, full_matrices=False))

    def keep(self, chosen: slice | np.ndarray) -> np.ndarray:
        return np.float32(self.base + (self.u[:, chosen] * self.s[chosen]) @ self.vt[chosen])


class Projections:
    """The singular directions of a net's update, and the nets that keep some of them.

    Args:
        final: {path: kernel (fan_in, units)} of the trained net, every variable of it: no biases.
        initial: the same before training.
        classifier: path of the kernel that "top_hidden" leaves whole.
        seed: of the directions that "random" keeps.

    Raises:
        ValueError: a variable that is no matrix, or nets of different shapes.

    Example:
        >>> final, initial = {"classifier/kernel": np.diag([4.0, 3.0])}, {"classifier/kernel": np.zeros((2, 2))}
        >>> Projections(final, initial).net("top", 1)["classifier/kernel"].tolist()
        [[4.0, 0.0], [0.0, 0.0]]

    Reference:
        Nagarajan and Kolter 2019, arXiv:1902.04742.
    """

    def __init__(
        self,
        final: Mapping[str, np.ndarray],
        initial: Mapping[str, np.ndarray],
        *,
        classifier: str = "classifier/kernel",
        seed: int = 0,
    ):
        for path, kernel in final.items():
            if kernel.ndim != 2:
                raise ValueError(f"`final` must hold matrices only. Received: '{path}' of shape {kernel.shape}")
        shapes = ({path: kernel.shape for path, kernel in net.items()} for net in (final, initial))
        if len({tuple(sorted(each.items())) for each in shapes}) > 1:
            raise ValueError("`initial` must have the paths and shapes of `final`. Received: others")
        self._classifier, self._seed = classifier, seed
        self._updates = {path: _Directions.of(kernel, np.float64(initial[path])) for path, kernel in final.items()}
        self._weights = {path: _Directions.of(kernel, np.zeros(kernel.shape)) for path, kernel in final.items()}

    @property
    def most(self) -> int:
        """The number of directions of the layer that has most."""
        return max(len(update.s) for update in self._updates.values())

    def net(self, arm: str, rank: int) -> dict[str, np.ndarray]:
        """{path: float32 kernel} of the net that keeps what the arm says; a layer of fewer directions than `rank` keeps all.

        Raises:
            ValueError: an unknown arm, or a negative rank.
        """
        if arm not in ARMS or rank < 0:
            raise ValueError(
                f"`arm` must be one of {', '.join(ARMS)}, `rank` at least 0. Received: arm={arm!r}, rank={rank}"
            )
        layers = self._weights if arm == "weights" else self._updates
        return {path: layer.keep(self._chosen(arm, path, rank, len(layer.s))) for path, layer in layers.items()}

    def _chosen(self, arm: str, path: str, rank: int, count: int) -> slice | np.ndarray:
        if arm == "bottom":
            return slice(rank, None)
        if arm == "random":
            return np.random.default_rng(derived_seed(f"{self._seed} {path}")).permutation(count)[:rank]
        return slice(None) if arm == "top_hidden" and path == self._classifier else slice(rank)
