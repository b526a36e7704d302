"""README: its Python runs, and what it names is there."""

import re
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
README = (TOP / "README.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
HOUSE = re.search(r"^```text\n(.*?)^```", README, re.DOTALL | re.MULTILINE)[1]
LINKS = re.findall(r"\]\(([^)#:]+)\)", README)
SCRIPTS = re.findall(r"(?:experiments|benchmarks)/\w+\.py", README)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_python_runs_and_prints_what_it_says(number, capsys):
    exec(compile(BLOCKS[number], f"README.md, block {number}", "exec"), {})
    printed = capsys.readouterr().out
    for expected in re.findall(r"^print\(.*\)  # (\{.*\})$", BLOCKS[number], re.MULTILINE):
        assert expected in printed.splitlines()


def test_there_is_an_example():
    assert BLOCKS and LINKS and SCRIPTS


@pytest.mark.parametrize("path", sorted({line.split()[0] for line in HOUSE.splitlines()} | {*LINKS, *SCRIPTS}))
def test_what_it_names_exists(path):
    assert (TOP / path).exists()


def test_the_table_of_arms_is_complete():
    from tfredundancy.lottery import ARMS

    assert set(re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE)) == set(ARMS)


def test_the_map_names_every_part_of_the_library():
    parts = {f"{path.relative_to(TOP)}/" if path.is_dir() else f"{path.relative_to(TOP)}" for path in _parts()}
    assert parts <= {line.split()[0] for line in HOUSE.splitlines()}


def _parts():
    return [path for path in (TOP / "tfredundancy").iterdir() if re.fullmatch(r"[a-z]\w*(\.py)?", path.name)]
