"""Pages of docs/: what they name is there, and every column of `analyze` is explained."""

import importlib
import re
from pathlib import Path

import pytest

from tfredundancy.inspection.records import COLUMNS

DOCS = Path(__file__).parents[1] / "docs"
NAMES = re.findall(r"`(?:numerics\.)(\w+)\.(\w+)`", (DOCS / "definitions.md").read_text())
LINKS = [(page.name, link) for page in DOCS.glob("*.md") for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text())]


@pytest.mark.parametrize("module, name", NAMES)
def test_functions_that_definitions_name_exist(module, name):
    assert callable(getattr(importlib.import_module(f"tfredundancy.numerics.{module}"), name))


@pytest.mark.parametrize("page, link", LINKS)
def test_what_pages_link_to_exists(page, link):
    assert (DOCS / link).exists()


@pytest.mark.parametrize("column", COLUMNS)
def test_every_column_is_explained(column):
    assert f"`{column}`" in (DOCS / "definitions.md").read_text()
