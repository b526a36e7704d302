"""Imports go down only: what each floor may import, read from the sources."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import tfredundancy

ROOT = Path(tfredundancy.__file__).parent
FILES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py"))
FRAMEWORKS = {"keras", "tensorflow", "jax", "torch"}
FORBIDDEN = {  # floor: the floors above it
    "numerics/": ("tfredundancy.",),
    "layers.py": ("tfredundancy.pruning", "tfredundancy.lottery", "tfredundancy.inspection", "tfredundancy.callbacks"),
    "pruning/": ("tfredundancy.inspection", "tfredundancy.lottery", "tfredundancy.callbacks"),
    "inspection/": ("tfredundancy.pruning", "tfredundancy.lottery", "tfredundancy.callbacks"),
    "lottery/": ("tfredundancy.callbacks",),
    "models/": ("tfredundancy.pruning", "tfredundancy.lottery", "tfredundancy.layers"),
    "datasets/": ("tfredundancy.pruning", "tfredundancy.lottery", "tfredundancy.layers"),
}


def imported(file, lazy):
    """Return the modules that a file imports; with `lazy`, those inside functions too."""
    names = set()
    todo = list(ast.parse((ROOT / file).read_text()).body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif lazy or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            todo.extend(ast.iter_child_nodes(node))
    return names


def roots(names):
    return {name.partition(".")[0] for name in names}


def test_the_sources_are_found():
    assert {"layers.py", "numerics/masks.py", "pruning/selection.py"} <= set(FILES)


@pytest.mark.parametrize("file", [file for file in FILES if file.startswith("numerics/")])
def test_numerics_imports_no_framework_not_even_lazily(file):
    assert not roots(imported(file, lazy=True)) & FRAMEWORKS


@pytest.mark.parametrize("file", FILES)
def test_tensorflow_jax_and_torch_are_imported_inside_functions_only(file):
    assert not roots(imported(file, lazy=False)) & (FRAMEWORKS - {"keras"})


@pytest.mark.parametrize("file", FILES)
def test_no_floor_imports_one_above_it(file):
    above = next((above for floor, above in FORBIDDEN.items() if file.startswith(floor)), ())
    allowed = "tfredundancy.numerics" if file.startswith("numerics/") else "nothing"
    names = {name for name in imported(file, lazy=True) if not name.startswith(allowed)}
    assert not [name for name in names if name.startswith(tuple(above))]


@pytest.mark.parametrize("file", FILES)
def test_no_star_imports_and_no_relative_ones(file):
    nodes = [node for node in ast.walk(ast.parse((ROOT / file).read_text())) if isinstance(node, ast.ImportFrom)]
    assert not [node.module for node in nodes if node.level or node.names[0].name == "*"]


def test_numerics_really_runs_without_keras():
    code = f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location("masks", {str(ROOT / "numerics" / "masks.py")!r})
masks = importlib.util.module_from_spec(spec)
spec.loader.exec_module(masks)
assert masks.keep([3, 1, 2], 2 / 3).tolist() == [True, False, True]
assert not {{"keras", "tensorflow"}} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
