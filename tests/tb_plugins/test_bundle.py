"""The committed page is the one that its sources make: recomputed without node."""

import hashlib
import re
from pathlib import Path

PLUGIN = Path(__file__).parents[2] / "tb_plugins" / "tensorboard_plugin_redundancy"
FRONTEND, BUNDLE = PLUGIN / "frontend", PLUGIN / "static" / "index.js"


def source_hash(frontend):
    """As frontend/README.md defines it."""
    files = [frontend / name for name in ("build.mjs", "package-lock.json", "package.json")]
    files += [file for file in (frontend / "src").rglob("*") if file.is_file()]
    named = sorted((file.relative_to(frontend).as_posix().encode(), file.read_bytes()) for file in files)
    found = hashlib.sha256()
    for name, content in named:
        found.update(b"%s\n%d\n%s" % (name, len(content), content))
    return found.hexdigest()


def test_the_bundle_was_built_from_these_sources():
    first = BUNDLE.read_text().split("\n", 1)[0]
    assert first == f"// sources sha256 {source_hash(FRONTEND)}", (
        "run `npm ci && npm run build` in the frontend's folder"
    )


def test_a_change_of_a_source_is_seen(tmp_path):
    for name in ("build.mjs", "package-lock.json", "package.json", "src/a/b.ts"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    before = source_hash(tmp_path)
    (tmp_path / "src/a/b.ts").write_text("changed")
    assert source_hash(tmp_path) != before


def test_the_page_asks_for_nothing_elsewhere():
    addresses = set(re.findall(r"https?://[^\s\"'`)]+", BUNDLE.read_text()))
    assert addresses <= {"http://www.w3.org/2000/svg"}  # the name of a namespace, which is never fetched


def test_no_name_becomes_markup():
    for file in (FRONTEND / "src").rglob("*.ts"):
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b", file.read_text()
        ), file
