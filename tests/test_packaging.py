"""What an installation brings along: the packages that are imported, the marker of types, the version."""

import ast
import sys
from configparser import ConfigParser
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

import tfredundancy

TOP = Path(__file__).parents[1]
SETUP = ConfigParser(interpolation=None)
SETUP.read(TOP / "setup.cfg")
REQUIRED = [Requirement(line) for line in SETUP["options"]["install_requires"].split("\n") if line and line[0] != "#"]
IMPORT_NAMES = {"grpcio": "grpc", "scikit-learn": "sklearn"}


def _imported(folder):
    """Top-level names of the modules that the Python files below `folder` import, at any depth."""
    for file in (TOP / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                yield node.module.split(".")[0]


def test_everything_that_is_imported_is_required():
    own = {"tfredundancy", "tensorboard_plugin_redundancy", *sys.stdlib_module_names}
    required = {IMPORT_NAMES.get(each.name, each.name.replace("-", "_")) for each in REQUIRED}
    come_along = {"ml_dtypes", "jax"}  # ml_dtypes with every backend; JAX where it is the backend
    folders = ("tfredundancy", "experiments", "tb_plugins")
    assert {name for folder in folders for name in _imported(folder)} - own - come_along <= required


def test_every_requirement_has_a_lower_bound_that_is_met_here():
    for each in REQUIRED:
        assert [specifier.operator for specifier in each.specifier] == [">="]
        assert metadata.version(each.name) in each.specifier


def test_types_are_marked():
    assert (Path(tfredundancy.__file__).parent / "py.typed").exists()


def test_every_package_is_installed():
    listed = {line for line in SETUP["options"]["packages"].split("\n") if line}
    folders = {file.parent.relative_to(TOP) for file in (TOP / "tfredundancy").rglob("*.py")}
    assert listed == {".".join(folder.parts) for folder in folders} | {"tensorboard_plugin_redundancy"}
