"""Files that are whole or not there."""

import dataclasses
import errno
import json
import math
import os
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from tfredundancy.files import (
    read_arrays,
    read_csv,
    save_figure,
    write_arrays,
    write_atomically,
    write_csv,
    write_json,
)

WRITERS = {
    "a.json": lambda path, n: write_json(path, {"n": n}),
    "a.csv": lambda path, n: write_csv(path, [{"n": n}]),
    "a.npz": lambda path, n: write_arrays(path, {"n": np.full(9, n)}),
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("function", ["replace", "fsync"])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, name, function):
    path = tmp_path / name
    WRITERS[name](path, 1)
    old = path.read_bytes()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, function, full)
        with pytest.raises(OSError, match=f"No space left on device.*{name}") as error:
            WRITERS[name](path, 2)
    assert error.value.errno == errno.ENOSPC
    assert path.read_bytes() == old and list(tmp_path.iterdir()) == [path]
    WRITERS[name](path, 2)
    assert path.read_bytes() != old


def test_the_file_is_only_replaced_when_it_is_whole(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def write(file):
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"

    write_atomically(path, write)
    assert path.read_bytes() == b"new"


def test_json_is_plain(tmp_path):
    @dataclasses.dataclass
    class Record:
        mean: float

    value = {
        "nan": math.nan,
        "inf": np.float32("inf"),
        "n": np.int64(3),
        "array": np.array([[1.5, np.nan]]),
        "record": Record(np.float32(0.5)),
        "flag": np.bool_(True),
        "path": Path("a") / "b",
        "text": "ü",
        4: (1, None),
    }
    write_json(tmp_path / "deep" / "a.json", value)
    assert json.loads((tmp_path / "deep" / "a.json").read_text()) == {
        "nan": None,
        "inf": None,
        "n": 3,
        "array": [[1.5, None]],
        "record": {"mean": 0.5},
        "flag": True,
        "path": "a/b",
        "text": "ü",
        "4": [1, None],
    }
    with pytest.raises(TypeError):
        write_json(tmp_path / "b.json", {"object": object()})
    assert not (tmp_path / "b.json").exists()


def test_csv_rows(tmp_path):
    rows = [{"arm": "rewind, late", "steps": 3, "loss": np.float32(0.1)}, {"arm": "b", "loss": math.nan, "late": None}]
    write_csv(tmp_path / "a.csv", rows)
    expected = 'arm,steps,loss,late\n"rewind, late",3,0.10000000149011612,\nb,,,\n'
    assert (tmp_path / "a.csv").read_text() == expected


def test_csv_floats_come_back_exactly(tmp_path):
    values = np.random.default_rng(0).normal(size=500) * 10.0 ** np.arange(-250, 250)
    table = pd.DataFrame({"x": values, "n": range(500), "ok": [True, False] * 250})
    write_csv(tmp_path / "a.csv", table)
    pd.testing.assert_frame_equal(read_csv(tmp_path / "a.csv"), table, check_exact=True)
    write_csv(tmp_path / "b.csv", table.to_dict("records"))
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_csv_without_columns(tmp_path):
    with pytest.raises(ValueError, match="at least one column"):
        write_csv(tmp_path / "a.csv", [])


def test_arrays_come_back(tmp_path):
    arrays = {
        "net/conv1/kernel": np.random.default_rng(0).normal(size=(3, 3, 2)).astype(np.float32),
        "file": np.array(7),
        "mask": np.array([True, False]),
        "seed": np.array([1, 2], np.uint32),
        "words": np.array(["a", "bc"]),
        "empty": np.zeros((0, 4), np.float16),
    }
    write_arrays(tmp_path / "a.npz", arrays)
    found = read_arrays(tmp_path / "a.npz")
    assert list(found) == list(arrays)
    for name, value in arrays.items():
        np.testing.assert_array_equal(found[name], value, strict=True)
    write_arrays(tmp_path / "b.npz", arrays)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_arrays_that_cannot_be_written(tmp_path):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    for value, dtype in ((np.array([None]), "object"), (np.zeros(2, ml_dtypes.bfloat16), "bfloat16")):
        with pytest.raises(ValueError, match=f"Received: 'a/b' of dtype {dtype}"):
            write_arrays(tmp_path / "a.npz", {"a/b": value})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", [lambda b: b"", lambda b: b[:-30], lambda b: b[:200] + b"xxxx" + b[204:]])
def test_damaged_arrays(tmp_path, damage):
    path = tmp_path / "a.npz"
    write_arrays(path, {"a": np.arange(100.0)})
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match="must be a whole .npz file.*a.npz"):
        read_arrays(path)
    with pytest.raises(FileNotFoundError):
        read_arrays(tmp_path / "missing.npz")


def test_equal_figures_are_equal_files(tmp_path):
    for name in ("one", "two"):
        figure = Figure()
        figure.subplots().plot([1, 2], [3, 4], "o-")
        save_figure(tmp_path / f"density_0.5_{name}", figure)
    for ending, start in (("png", b"\x89PNG"), ("svg", b"<?xml")):
        one, two = ((tmp_path / f"density_0.5_{name}.{ending}").read_bytes() for name in ("one", "two"))
        assert one == two and one.startswith(start)
    assert len(list(tmp_path.iterdir())) == 4


def test_zip_entries_have_no_clock(tmp_path):
    write_arrays(tmp_path / "a.npz", {"a": np.zeros(1)})
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        assert archive.infolist()[0].date_time == (1980, 1, 1, 0, 0, 0)
