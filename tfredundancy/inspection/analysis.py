"""`analyze`: a model → a table with a row for each weight matrix; no layer is missing.

model (+ initial weights, + data) → weight matrices → records → pandas.DataFrame
"""

import functools
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import keras
import numpy as np
import pandas as pd
from threadpoolctl import ThreadpoolController
from tqdm import tqdm

from tfredundancy.inspection.activations import measure_responses
from tfredundancy.inspection.matrices import VIEWS, WeightMatrix, matching_initial, weight_matrices
from tfredundancy.inspection.records import COLUMNS, MEASURES, Record, Settings, measured


def analyze(
    model: keras.Model,
    initial: keras.Model | Mapping[str, np.ndarray] | None = None,
    data: Any = None,
    spectra: str = "taps",
    *,
    measures: Sequence[str] = MEASURES,
    precision: str = "float64",
    replicates: int = 1000,
    clusters: int = 4,
    workers: int = 1,
    progress: bool = False,
    seed: int = 0,
) -> pd.DataFrame:
    """Measure the redundancy of every weight matrix of a model.

    Args:
        model: any built Keras model: Sequential, functional, subclassed, nested, pruned. It is not touched.
        initial: the model before training, or {variable path: array} as `Ticket.variables`, for what training has changed.
        data: inputs, or (inputs, labels), or batches of them, for what units respond: dead, removable, repeated.
        spectra: what the eigenvalues of a convolution are those of: "taps" (k·k slices, pooled), "filters" (the unit matrix) or
            "operator" (the circular convolution).
        measures: some of "spectrum", "tail", "null", "geometry", "change", "survival".
        precision: "float64" or "float32", of the Gram matrices: in float32 the smallest eigenvalues are noise.
        replicates: of the bootstrap behind `alpha_p`; 0 leaves it out, and with it `phase`; no tail is a power law then.
        clusters: number of cluster centres that the angles of units are taken to.
        workers: matrices that are measured at once, each with one BLAS thread.
        progress: whether to show a bar.
        seed: of everything random; a matrix's draws depend on it and on the matrix's path alone.

    Returns:
        A row for each matrix, in the model's order: see docs/definitions.md for the columns. A row without numbers, or with a
        measure that could not be taken, says why in `reason`.

    Raises:
        ValueError: an unbuilt model, a model without weights, unknown options, `initial` of another architecture.

    Example:
        >>> model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(32, name="hidden"), keras.layers.Dense(2)])
        >>> table = analyze(model, replicates=0)
        >>> print(*table[["layer", "kind", "units", "fan_in", "n", "m"]].iloc[0])
        hidden dense 32 64 64 32

    Reference:
        Martin & Mahoney 2021, Implicit self-regularization in deep neural networks, arXiv:1810.01075, and docs/definitions.md.
    """
    settings = Settings(
        measures=tuple(measures), precision=precision, replicates=replicates, clusters=clusters, seed=seed
    )
    found = list(records(model, initial, data, spectra, settings=settings, workers=workers, progress=progress))
    return table(found)


def records(
    model: keras.Model,
    initial: keras.Model | Mapping[str, np.ndarray] | None = None,
    data: Any = None,
    spectra: str = "taps",
    *,
    settings: Settings | None = None,
    workers: int = 1,
    progress: bool = False,
) -> Iterator[Record]:
    """The records behind `analyze`, one for each matrix, in the model's order: what figures and event files are made of.

    Args, Raises: as for `analyze`.
    """
    settings = settings or Settings()
    if spectra not in VIEWS:
        raise ValueError(f"`spectra` must be one of {', '.join(VIEWS)}. Received: spectra={spectra!r}")
    matrices = list(weight_matrices(model, spectra))
    if not matrices:
        raise ValueError(f"`model` must have weights. Received: '{model.name}' without any")
    before = matching_initial(model, initial, spectra) if initial is not None else {}
    bar = functools.partial(tqdm, unit="layer", disable=not progress)
    answers = {} if data is None else measure_responses(model, data, seed=settings.seed, progress=bar)

    def measure(matrix: WeightMatrix) -> Record:
        return measured(matrix, settings, before.get(matrix.path), answers.get(matrix.layer))

    with _threads().limit(limits=1), ThreadPoolExecutor(workers) as pool:
        done = map(measure, matrices) if workers == 1 else pool.map(measure, matrices)
        yield from tqdm(done, total=len(matrices), unit="matrix", disable=not progress)


@functools.cache
def _threads() -> ThreadpoolController:
    """The thread pools of NumPy's and SciPy's BLAS: to look for them among the libraries of a process takes milliseconds."""
    return ThreadpoolController()


def table(found: Sequence[Record]) -> pd.DataFrame:
    """Records → a table with the columns of `records.COLUMNS`, empty where nothing was measured."""
    text = ("layer", "matrix", "kind", "reason", "phase", "tail")
    counts = ("units", "fan_in", "n", "m", "pooled", "spikes", "n_tail", "clusters", "update_rank", "nonfinite")
    columns = {name: [record.row.get(name, np.nan) for record in found] for name in COLUMNS}
    kinds = {name: "Int64" if name in counts else "float64" for name in COLUMNS if name not in text}
    return pd.DataFrame(columns | {name: pd.array(columns[name], kind) for name, kind in kinds.items()})
