"""In an environment with TensorBoard and NumPy alone, from a wheel: the tab is there and serves its page and its data."""

import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
PLUGIN = TOP / "tb_plugins" / "tensorboard_plugin_redundancy"
SERVE = """
import json, sys, time, urllib.request
from tensorboard import program
board = program.TensorBoard()
board.configure(logdir=sys.argv[1], port=0, load_fast=sys.argv[2])
address = board.launch() + "data/"
ask = lambda route: urllib.request.urlopen(address + route).read()
print(json.loads(ask("plugins_listing"))["redundancy"]["tab_name"])
print(len(ask("plugin/redundancy/static/index.js")))
end = time.monotonic() + 60
while not (runs := json.loads(ask("plugin/redundancy/tags"))["runs"]) and time.monotonic() < end:
    time.sleep(0.2)
print(len(runs))
print(sorted({name.partition(".")[0] for name in sys.modules} & {"tensorflow", "keras", "tfredundancy", "pkg_resources"}))
"""


def run(*words, **options):
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Return the wheel, built of a copy: a build leaves folders behind."""
    folder = tmp_path_factory.mktemp("wheel")
    left_out = shutil.ignore_patterns(".*", "node_modules", "runs", "build", "*.egg-info", "__pycache__")
    shutil.copytree(TOP, folder / "copy", ignore=left_out)
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, folder / "copy")
    return next(folder.glob("*.whl"))


@pytest.mark.slow
def test_the_wheel_has_the_page_and_not_its_sources(wheel):
    names = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("tensorboard_plugin_redundancy/")}
    modules = {f"tensorboard_plugin_redundancy/{file.name}" for file in PLUGIN.glob("*.py")}
    page = {
        f"tensorboard_plugin_redundancy/{file.relative_to(PLUGIN).as_posix()}"
        for file in (PLUGIN / "static").rglob("*")
        if file.is_file()
    }
    assert page and names == modules | page


@pytest.mark.slow
@pytest.mark.parametrize("fast", ["true", "false"])
def test_tensorboard_and_numpy_are_enough(wheel, fresh, shown, fast):
    tab, size, runs, imported = run(fresh, "-c", SERVE, shown, fast).split("\n")[:4]
    assert tab == "Redundancy" and runs == "4" and imported == "[]"
    assert int(size) == (PLUGIN / "static" / "index.js").stat().st_size


@pytest.fixture(scope="module")
def fresh(wheel, tmp_path_factory):
    """Return the Python of an environment with TensorBoard, NumPy and the wheel, without what the wheel asks for."""
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", "tensorboard>=2.21", "numpy")
    run(python, "-m", "pip", "install", "-q", "--no-deps", wheel)
    return python
