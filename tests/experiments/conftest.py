"""Experiments as a user runs them, in this process."""

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from tfredundancy import runs

SCRIPTS = Path(__file__).parents[2] / "experiments"


@pytest.fixture(scope="session")
def script():
    """Return a function that runs an experiment with its flags and returns how it ended, and where its results are."""

    def run(name, words, out):
        spec = importlib.util.spec_from_file_location(f"experiments.{name}", SCRIPTS / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # dataclasses look their module up
        spec.loader.exec_module(module)
        ended = None
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setattr(runs, "deterministic", lambda: None)  # a switch for the whole process
            monkeypatch.setattr(sys, "argv", [name, *words.split(), "--out", str(out)])
            try:
                runs.run_script(module.main)
            except SystemExit as exit:
                ended = exit.code
        found = sorted(Path(out).glob(f"{name}/*"), key=lambda path: path.stat().st_mtime) if Path(out).is_dir() else []
        return SimpleNamespace(code=ended, folder=found[-1] if found else None, folders=found, module=module)

    return run


@pytest.fixture(scope="session")
def bytes_of():
    """Return a function that reads every file of a run: {name: bytes}, hidden ones too."""

    def read(folder):
        return {
            str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
        }

    return read


@pytest.fixture(scope="session")
def told_steps():
    """Return a function that gives, from curves.csv, the rows that a seed's arm tells TensorBoard: {step: row}."""

    def steps(folder, seed, arm):
        curves, told, offset = pd.read_csv(folder / "curves.csv"), {}, 0
        curves = curves[(curves.seed == seed) & curves.arm.isin(["dense", arm])]
        for level, rows in curves.groupby("level"):
            begin = rows.step.iloc[0]
            for _, row in rows.iterrows():
                if level == 0 or row.step > begin:
                    told[int(offset + row.step - begin)] = row
            offset += rows.step.iloc[-1] - begin
        return told

    return steps


@pytest.fixture(scope="session")
def events_of():
    """Return a function that reads a TensorBoard run as TensorBoard does: {tag: [(step, number, or the bytes of a series)]}."""
    from tensorboard.backend.event_processing.event_accumulator import TENSORS, EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    def read(folder):
        accumulator = EventAccumulator(str(folder), size_guidance={TENSORS: 0}).Reload()
        found = {tag: accumulator.Tensors(tag) for tag in accumulator.Tags()["tensors"]}
        return {tag: [(event.step, value(event.tensor_proto)) for event in events] for tag, events in found.items()}

    def value(proto):
        array = make_ndarray(proto)
        return array.tobytes() if array.ndim else float(array)

    return read
