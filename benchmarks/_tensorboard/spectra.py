"""Event files of a net that learns, through the library's own writer: spectra with a growing tail, and the scalars beside them.

    layers × steps → for each step one event: of each layer a series `esd` of `values` float32, header included, and scalars

The spectra are those of Gaussian noise whose top tenth grows by Pareto factors; alpha is Hill's estimate on that tenth.
"""

import os
from collections.abc import Iterator

import numpy as np
from tensorboard_plugin_redundancy import schema

from tfredundancy.inspection.summaries import EventLog, Series

EVERY = 50  # optimizer steps between two records
RATIO = 2.0  # N/M


def layer_names(number: int) -> list[str]:
    """As in a deep net; their order is not the alphabet's."""
    return [f"block{i // 2}/conv{i % 2}/kernel" for i in range(number)]


def learning(size: int, steps: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """`steps` ascending spectra of `size` eigenvalues."""
    noise = rng.normal(size=(size, int(RATIO * size)))
    first = np.linalg.eigvalsh(noise @ noise.T / noise.shape[1])
    growth = np.zeros(size)
    growth[-(size // 10) :] = np.sort(rng.pareto(2.0, size // 10))
    for step in range(steps):
        yield np.sort(first * (1 + growth * step / max(1, steps - 1)))


def header_of(eigenvalues: np.ndarray) -> dict[str, float]:
    """Header scalars of the kind esd."""
    size = len(eigenvalues)
    lo, edge = ((1 + sign / np.sqrt(RATIO)) ** 2 for sign in (-1, 1))
    tail = eigenvalues[-(size // 10) :]
    alpha = 1 + len(tail) / np.log(tail / tail[0]).sum()
    return {
        "n_total": size, "n_zero": 0, "q": RATIO, "sigma2": 1.0, "bulk_lo": lo, "bulk_edge": edge, "alpha": alpha,
        "alpha_p": 0.5, "alpha_noise": 9.0, "n_tail": len(tail), "xmin": tail[0], "ks": 0.1,
        "spikes": int((eigenvalues > 1.05 * edge).sum()),
    }  # fmt: skip


def scalars_of(layer: str, eigenvalues: np.ndarray, header: dict[str, float]) -> dict[str, float]:
    """What the overview shows of a layer, and RedundancyMonitor writes."""
    ranks = eigenvalues.sum() / eigenvalues[-1]
    values = {
        "alpha": header["alpha"], "spikes": header["spikes"], "stable_rank": ranks, "frame_excess": 1 / ranks,
        "clusters": np.ceil(ranks), "mean_angle": 90 - 1 / ranks, "density": 1.0,
    }  # fmt: skip
    return {f"{name}/{layer}": float(value) for name, value in values.items()}


def write_run(directory: str | os.PathLike, layers: int, steps: int, values: int, seed: int = 0) -> int:
    """Write the run, unless the folder is there; return the bytes of its event file."""
    if not os.path.exists(directory):
        _write(EventLog(directory), layers, steps, values, seed)
    return sum(entry.stat().st_size for entry in os.scandir(directory))


def _write(log: EventLog, layers: int, steps: int, values: int, seed: int) -> None:
    size = values - len(schema.HEADERS["esd"])
    rng = np.random.default_rng(seed)
    names = layer_names(layers)
    spectra = [learning(size, steps, rng) for _ in names]
    for step, all_layers in enumerate(zip(*spectra, strict=True)):
        scalars: dict[str, float] = {}
        series = []
        for order, (name, eigenvalues) in enumerate(zip(names, all_layers, strict=True)):
            header = header_of(eigenvalues)
            scalars |= scalars_of(name, eigenvalues, header)
            series.append(Series("esd", name, (size, int(RATIO * size)), header, eigenvalues, order))
        log.catch_up([(EVERY * step, scalars)], series)
