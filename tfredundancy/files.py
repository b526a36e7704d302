"""Files that are replaced whole or not at all: JSON, CSV, arrays, figures.

Each is written beside its place under a temporary name, flushed to the disk and renamed, so that a process may be killed, or
a disk be full, at any instant. Equal contents give equal bytes.
"""

import csv
import dataclasses
import io
import json
import math
import os
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

from tfredundancy.errors import DamagedFileError


def write_atomically(path: str | os.PathLike, write: Callable[[BinaryIO], None]) -> None:
    """Replaces a file by what `write` writes, whole or not at all; missing folders above it are made.

    Written beside it as `.name.tmp`, flushed to the disk, renamed. The file's folder is expected to have one writer.

    Args:
        path: the file.
        write: called with the open binary file.

    Raises:
        OSError: it could not be written; names the file, which is what it was before.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise OSError(error.errno, f"{error.strerror}; not written, and left as it was", str(path)) from error
    finally:
        if temporary.exists():
            temporary.unlink()


def write_json(path: str | os.PathLike, value: Any) -> None:
    """Writes JSON, atomically, keys in the order given.

    NumPy scalars and arrays, dataclasses, tuples and paths are written as plain values; NaN and infinities as null.
    """
    text = json.dumps(plain(value), indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    write_atomically(path, lambda file: file.write(text.encode()))


def read_json(path: str | os.PathLike) -> Any:
    """Reads what `write_json` wrote.

    Raises:
        DamagedFileError: names it.
    """
    try:
        return json.loads(Path(path).read_text())
    except ValueError as error:
        raise DamagedFileError(
            f"`path` must be a whole JSON file ({error}). Received: path={os.fspath(path)!r}"
        ) from error


def plain(value: Any) -> Any:
    """What JSON has: dict, list, str, int, float, bool, None."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = dataclasses.asdict(value)
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def write_csv(path: str | os.PathLike, rows: Sequence[Mapping[str, Any]] | pd.DataFrame) -> None:
    """Writes a table, atomically, columns in order of first appearance and floats such that they read back equal.

    Args:
        path: the file.
        rows: dictionaries, or a `DataFrame` (its index is not written). Missing values and NaN are empty cells.

    Raises:
        ValueError: there is no column.
    """
    table = isinstance(rows, pd.DataFrame)
    columns = list(rows.columns) if table else list(dict.fromkeys(name for row in rows for name in row))
    if not columns:
        raise ValueError(f"`rows` must have at least one column. Received: rows={rows!r}")
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows.to_dict("records") if table else rows:
        writer.writerow({name: cell(value) for name, value in row.items()})
    write_atomically(path, lambda file: file.write(text.getvalue().encode()))


def cell(value: Any) -> Any:
    """What a table holds for a value: nothing for None and NaN."""
    value = value.item() if isinstance(value, np.generic) else value
    return "" if value is None or value != value else value


def read_csv(path: str | os.PathLike) -> pd.DataFrame:
    """Reads what `write_csv` wrote, floats exactly (pandas 3.1 and later; a digit may be lost before)."""
    return pd.read_csv(path)


def write_arrays(path: str | os.PathLike, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes an `.npz` file, atomically; any text may be a key, equal arrays give equal bytes.

    Raises:
        ValueError: an array that NumPy's format can not hold (objects, bfloat16); names it.
    """
    arrays = {name: np.asarray(value) for name, value in arrays.items()}
    for name, value in arrays.items():
        if value.dtype.kind in "OV":
            raise ValueError(f"`arrays` must hold numbers, bools or text. Received: {name!r} of dtype {value.dtype}")

    def write(file: BinaryIO) -> None:
        with zipfile.ZipFile(file, "w") as archive:
            for name, value in arrays.items():
                with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as entry:
                    np.lib.format.write_array(entry, value, allow_pickle=False)

    write_atomically(path, write)


def read_arrays(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Reads what `write_arrays` wrote.

    Raises:
        DamagedFileError: names it.
    """
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (zipfile.BadZipFile, EOFError, ValueError) as error:
        raise DamagedFileError(
            f"`path` must be a whole .npz file ({error}). Received: path={os.fspath(path)!r}"
        ) from error


def _settle(figure: Any) -> None:
    """Fix the places of axes: a layout engine's last digits differ between calls, and ids in SVG files are made of them."""
    if figure.get_layout_engine() is None:
        return
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes in figure.axes:
        axes.set_position([round(each, 5) for each in axes.get_position(original=True).bounds])


def save_figure(path: str | os.PathLike, figure: Any) -> None:
    """Writes `path.png` (150 dpi) and `path.svg`, atomically; equal figures give equal bytes."""
    import matplotlib

    path = os.fspath(path)
    _settle(figure)
    with matplotlib.rc_context({"svg.hashsalt": "tfredundancy"}):
        write_atomically(
            path + ".png", lambda file: figure.savefig(file, format="png", dpi=150, metadata={"Software": None})
        )
        write_atomically(path + ".svg", lambda file: figure.savefig(file, format="svg", metadata={"Date": None}))
