"""The plugin's routes: what is there, what is asked wrongly, and names that are meant to break something."""

import csv
import io
import json

import numpy as np
import pytest
from tensorboard_plugin_redundancy import exporting, framing, plugin, schema

LAYERS = ("stem", "conv10", "conv9")  # in the order of the network


# --- tags ---


def test_tags_come_in_the_order_of_the_network(routes):
    listed = routes.json("tags")
    assert listed["version"] == 1 and list(listed["runs"]) == ["deep/second", "first"]
    for tags in listed["runs"].values():
        assert list(dict.fromkeys(each["layer"] for each in tags.values())) == list(LAYERS)
    assert listed["runs"]["first"]["conv10/esd"] == {
        "kind": "esd", "layer": "conv10", "v": 1, "shape": [7, 27], "header": list(schema.HEADERS["esd"]), "order": 1,
        "steps": None, "maxStep": 16, "maxWallTime": 1016.5, "supported": True, "reason": None,
    }  # fmt: skip


def test_scalars_are_those_of_layers(routes):
    scalars = routes.json("tags")["scalars"]
    assert scalars["first"] == {f"alpha/{layer}": {"steps": None, "maxStep": 16} for layer in LAYERS}
    assert "loss" not in scalars["first"]


def test_runs_of_others_are_left_out(demo, over, tmp_path):
    demo.Run(tmp_path / "other").write(1, [demo.scalar("alpha/conv", 2.0)])
    found = over(tmp_path)
    assert found.json("tags") == {"version": 1, "runs": {}, "scalars": {}}
    assert not found.plugin.is_active()


def test_an_unchanged_list_is_not_sent_again(routes):
    _, body, headers = routes.get("tags")
    status, again, others = routes.get("tags", {"If-None-Match": headers["ETag"]})
    assert (status, again, others["ETag"]) == (304, b"", headers["ETag"])
    assert others["Content-Type"] == "application/json" and others["X-Content-Type-Options"] == "nosniff"
    status, again, _ = routes.get("tags", {"If-None-Match": 'W/"other"'})
    assert (status, again) == (200, body)


def test_a_list_that_grew_is_sent(demo, over, tmp_path):
    run = demo.Run(tmp_path)
    run.write(1, [run.series("mask", "a", (2, 2), {"units": 2, "kept": 1}, [1, 0])])
    found = over(tmp_path)
    tag = found.get("tags")[2]["ETag"]
    run.write(2, [run.series("mask", "a", (2, 2), {"units": 2, "kept": 1}, [1, 0])])
    found.multiplexer.Reload()
    assert found.get("tags", {"If-None-Match": tag})[0] == 200


# --- batches ---


def test_a_batch_is_what_was_written(known, routes):
    written = known[1]
    for block, ((run, tag), steps) in zip(routes.blocks(list(written)), written.items(), strict=True):
        assert (block.run, block.tag, block.error, block.steps) == (run, tag, None, sorted(steps))
        assert schema.tag(block.layer, block.kind) == tag and block.header == list(schema.HEADERS[block.kind])
        assert block.wall_times == [1000.5 + step for step in block.steps]
        for step, vector in zip(block.steps, block.vectors, strict=True):
            np.testing.assert_array_equal(vector, steps[step])


@pytest.mark.parametrize("steps, expected", [("last", [16]), ([4, 0, 4, 5], [0, 4]), ([], []), ([2], [])])
def test_some_steps(routes, steps, expected):
    (block,) = routes.blocks([("first", "stem/esd")], steps)
    assert block.steps == expected and (block.error is None) == bool(expected)


def test_scalars_are_vectors_of_one_number(routes):
    for steps, expected in (("all", [0, 1, 4, 9, 16]), ("last", [16])):
        (block,) = routes.blocks([("first", "alpha/conv10")], steps, scalars=True)
        assert (block.kind, block.layer, block.header, block.steps) == ("scalar", "conv10", [], expected)
        assert [vector.tolist() for vector in block.vectors] == [[step + 1.0] for step in expected]


def test_a_form_is_as_good_as_json(routes):
    pairs = [["first", "stem/mask"]]
    form = {"series": json.dumps(pairs), "steps": "last", "scalars": "false"}
    assert routes.post(data=form, json=None)[1] == routes.post({"series": pairs, "steps": "last"})[1]


def test_a_series_alone_is_a_batch_of_it(routes):
    for words, steps in (("all", "all"), ("last", "last"), ("0,9", [0, 9])):
        asked = routes.get("series", run="first", tag="stem/angles", steps=words)
        assert asked[:2] == routes.post({"series": [["first", "stem/angles"]], "steps": steps})[:2]
    scalar = framing.unpack(routes.get("series", run="first", tag="alpha/stem", scalars="true")[1])[0][0]
    assert scalar.kind == "scalar" and len(scalar.steps) == 5


def test_what_does_not_fit_is_asked_for_again(known, routes, monkeypatch):
    pairs = list(known[1])
    whole = routes.blocks(pairs)
    monkeypatch.setattr(plugin, "MOST_BYTES", 4000)
    blocks, following = framing.unpack(routes.post({"series": pairs})[1])
    assert following == len(blocks) < len(pairs)
    assert sum(block.size for block in blocks) <= 4000 < sum(block.size for block in [*blocks, whole[following]])
    assert [(b.run, b.tag, b.steps) for b in routes.blocks(pairs)] == [(b.run, b.tag, b.steps) for b in whole]
    monkeypatch.setattr(plugin, "MOST_BYTES", 1)  # one at least: the client must come to an end
    assert [len(framing.unpack(routes.post({"series": pairs[at:]})[1])[0]) for at in range(3)] == [1, 1, 1]


def test_bad_series_do_not_spoil_the_others(shown, over):
    found = over(shown)
    tags = found.json("tags")["runs"]["baseline"]
    blocks = {block.tag: block for block in found.blocks([("baseline", tag) for tag in tags] + [("baseline", "no")])}
    bad = {tag: block.error for tag, block in blocks.items() if block.error}
    assert set(bad) == {f"{name}/kernel/esd" for name in ("newer", "text", "garbage", "short")} | {"no"}
    assert "written by a newer tfredundancy: schema 99" in bad["newer/kernel/esd"] == tags["newer/kernel/esd"]["reason"]
    assert "the JSON of a recorded series" in bad["garbage/kernel/esd"] == tags["garbage/kernel/esd"]["reason"]
    assert bad["text/kernel/esd"].startswith("4 of 4 steps can not be read; step 0: ")
    assert "13 numbers or more. Received: float32 of shape (3,)" in bad["short/kernel/esd"]
    assert bad["no"] == "there is no such series"
    assert not tags["newer/kernel/esd"]["supported"] and tags["short/kernel/esd"]["supported"]
    assert all((block.error is None) == bool(block.steps) for block in blocks.values())
    header, data = schema.decode("esd", blocks["broken/kernel/esd"].vectors[-1])
    assert np.isnan(list(header.values())).all() and len(data) == 0


# --- exports ---


def read_csv(text):
    comments = [json.loads(line[2:]) for line in text.splitlines() if line.startswith("#")]
    rows = list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))
    return comments, rows


@pytest.mark.parametrize("kind", schema.HEADERS)
def test_csv_holds_what_was_written(known, routes, kind):
    status, body, headers = routes.get("export", run="deep/second", tag=f"conv9/{kind}", format="csv")
    assert status == 200 and headers["Content-Type"] == "text/csv; charset=utf-8"
    assert headers["Content-Disposition"] == f'attachment; filename="deep_second_conv9_{kind}.csv"'
    (names, *steps), rows = read_csv(body.decode())
    assert names == {"run": "deep/second", "tag": f"conv9/{kind}", "kind": kind, "layer": "conv9"}
    assert list(rows[0]) == ["step", *exporting.COLUMNS[kind]]
    for described, (step, vector) in zip(steps, known[1]["deep/second", f"conv9/{kind}"].items(), strict=True):
        header, data = schema.decode(kind, vector)
        assert described == {"step": step, "wall_time": 1000.5 + step} | header
        column = {"esd": "eigenvalue", "angles": "angle", "mask": "kept", "survival": "kept"}.get(kind, "count")
        values = [np.float32(row[column]) for row in rows if int(row["step"]) == step]
        np.testing.assert_array_equal(values, data[0] if kind == "angles" else data)


@pytest.mark.parametrize("kind", schema.HEADERS)
def test_npz_holds_what_was_written(known, routes, kind):
    _, body, headers = routes.get("export", run="first", tag=f"stem/{kind}", format="npz")
    assert headers["Content-Disposition"] == f'attachment; filename="first_stem_{kind}.npz"'
    written = known[1]["first", f"stem/{kind}"]
    with np.load(io.BytesIO(body), allow_pickle=False) as found:
        assert found["steps"].tolist() == list(written) and found["wall_times"].tolist() == [
            1000.5 + s for s in written
        ]
        for i, vector in enumerate(written.values()):
            header, data = schema.decode(kind, vector)
            np.testing.assert_array_equal(found["header"][i], np.array(list(header.values()), np.float32))
            np.testing.assert_array_equal(found["values"][i], data)
        assert json.loads(str(found["meta"]))["header"] == list(schema.HEADERS[kind])


def test_an_export_of_one_step_and_of_a_scalar(routes):
    _, rows = read_csv(routes.get("export", run="first", tag="stem/mask", step="9")[1].decode())
    assert {row["step"] for row in rows} == {"9"}
    _, rows = read_csv(routes.get("export", run="first", tag="alpha/conv9", scalars="true")[1].decode())
    assert [float(row["value"]) for row in rows] == [2.0, 3.0, 6.0, 11.0, 18.0]
    body = routes.get("export", run="first", tag="alpha/conv9", scalars="true", format="npz")[1]
    with np.load(io.BytesIO(body)) as found:
        assert found["values"].tolist() == [[2.0], [3.0], [6.0], [11.0], [18.0]] and found["header"].shape == (5, 0)


def test_steps_of_different_lengths_are_padded(demo, over, tmp_path):
    run = demo.Run(tmp_path)
    for step, n in enumerate((3, 0, 2)):
        run.write(step, [run.series("mask", "a", (3, 2), {"units": n, "kept": n}, np.ones(n))])
    with np.load(io.BytesIO(over(tmp_path).get("export", run=".", tag="a/mask", format="npz")[1])) as found:
        np.testing.assert_array_equal(found["values"], [[1, 1, 1], [np.nan] * 3, [1, 1, np.nan]])
        assert found["lengths"].tolist() == [3, 0, 2]


def test_quantiles_count_for_what_they_stand_for(demo, over, tmp_path, rng):
    run, values = demo.Run(tmp_path), np.sort(rng.exponential(size=1000))
    run.write(0, [run.series("esd", "a", (9, 9), dict.fromkeys(schema.HEADERS["esd"], 1000), schema.thinned(values))])
    _, rows = read_csv(over(tmp_path).get("export", run=".", tag="a/esd")[1].decode())
    counts = [float(row["count"]) for row in rows]
    assert sum(counts) == pytest.approx(1000) and counts[-64:] == [1.0] * 64


# --- what is asked wrongly ---

ONE = {"run": "first", "tag": "stem/esd"}


@pytest.mark.parametrize(
    "route, arguments, status, message",
    [
        ("series", {}, 400, "`series` must be pairs of a run and a tag"),
        ("series", {"run": "first"}, 400, "`series` must be pairs"),
        ("series", {"run": "no", "tag": "stem/esd"}, 404, "no series stem/esd of no"),
        ("series", {"run": "first", "tag": "no"}, 404, "no series no of first"),
        ("series", {"run": "first", "tag": "loss"}, 404, "no series"),
        ("series", {"run": "first", "tag": "loss", "scalars": "true"}, 404, "no series"),
        ("series", ONE | {"steps": "some"}, 400, "steps must be all, last, or whole numbers. Received: some"),
        ("series", ONE | {"steps": "1;2"}, 400, "steps must be"),
        ("series", ONE | {"steps": "1.5"}, 400, "steps must be"),
        ("series", ONE | {"steps": "9" * 5000}, 400, "steps must be"),
        ("series", ONE | {"scalars": "perhaps"}, 400, "`scalars` must be true or false. Received: perhaps"),
        ("export", ONE | {"format": "pickle"}, 400, "`format` must be csv or npz. Received: pickle"),
        ("export", ONE | {"step": "3"}, 400, "it has no such steps"),
        ("export", {"run": "first", "tag": "no"}, 404, "no series"),
        ("batch", {}, 400, "`batch` takes POST. Received: GET"),
        ("nothing", {}, 404, ""),
    ],
)
def test_wrong_arguments(routes, route, arguments, status, message):
    found, body, headers = routes.get(route, **arguments)
    assert found == status and message in body.decode() and headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "body, message",
    [
        ({}, "`series` must be pairs"),
        ([], "must be an object"),
        ("x", "must be an object"),
        ({"series": "ab"}, "`series` must be pairs"),
        ({"series": [["a"]]}, "`series` must be pairs"),
        ({"series": [["a", 1]]}, "`series` must be pairs"),
        ({"series": [["a", {"b": 1}]]}, "`series` must be pairs"),
        ({"series": [["a", "\ud800"]]}, "`series` must be pairs"),
        ({"series": [], "steps": 1}, "steps must be"),
        ({"series": [], "steps": [1.5]}, "steps must be"),
        ({"series": [], "steps": [True]}, "steps must be"),
        ({"series": [], "steps": {"all": 1}}, "steps must be"),
        ({"series": [], "scalars": 1}, "`scalars` must be"),
        ({"series": [], "scalars": None}, "`scalars` must be"),
    ],
)
def test_wrong_batches(routes, body, message):
    status, answer, _ = routes.post(body)
    assert status == 400 and message in answer.decode()


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b'{"series": [}'])
def test_a_body_that_is_no_json(routes, body):
    status, answer, _ = routes.post(data=body, content_type="application/json", json=None)
    assert status == 400 and b"the body must be JSON" in answer


def test_nothing_asked_nothing_answered(routes):
    assert routes.post({"series": []})[1] == framing.pack([])


def test_any_number_of_series_that_are_not_there(routes):
    pairs = [(f"run{i}", "\x00\n../'\"") for i in range(1000)]
    assert {block.error for block in routes.blocks(pairs)} == {"there is no such series"}


# --- hostile names ---


def test_hostile_names_are_names(shown, demo, over):
    found = over(shown)
    tags = found.json("tags")["runs"]["hostile <b>&'\"%23"]
    assert {each["layer"] for each in tags.values()} == set(demo.HOSTILE)
    assert list(dict.fromkeys(each["layer"] for each in tags.values())) == list(demo.HOSTILE)
    for block in found.blocks([("hostile <b>&'\"%23", tag) for tag in tags]):
        assert block.error is None and len(block.steps) == 4
    for name in demo.HOSTILE:
        status, body, headers = found.get("export", run="hostile <b>&'\"%23", tag=f"{name}/esd")
        assert status == 200 and json.loads(body.decode().split("\n")[0][2:])["layer"] == name
        file = headers["Content-Disposition"].removeprefix('attachment; filename="').removesuffix('"')
        assert file.isascii() and len(file) < 130 and not set(file) & set("/\\<>\"'%\r\n") and not file.startswith(".")


def test_a_hostile_name_in_an_error_is_text(routes):
    status, body, headers = routes.get("series", run="<script>alert(1)</script>", tag="x")
    assert status == 404 and headers["Content-Type"].startswith("text/plain") and b"<script>" in body


# --- files ---


@pytest.fixture
def static(tmp_path, monkeypatch):
    (tmp_path / "secret.js").write_text("secret")
    folder = tmp_path / "static"
    (folder / "deep").mkdir(parents=True)
    for name in ("index.js", "page.css", "deep/icon.svg", "data.bin", "LICENSE"):
        (folder / name).write_text(name)
    monkeypatch.setattr(plugin, "STATIC", folder)
    return folder


@pytest.mark.parametrize(
    "name, mime",
    [("index.js", "text/javascript"), ("page.css", "text/css"), ("deep/icon.svg", "image/svg+xml")],
)
def test_files_of_the_page(static, routes, name, mime):
    status, body, headers = routes.get(f"static/{name}")
    assert (status, body.decode()) == (200, name)
    assert headers["Content-Type"].split(";")[0] == mime and headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "name",
    [
        "", "no.js", "data.bin", "LICENSE", "deep", "deep/", "../secret.js", "..%2fsecret.js", "%2e%2e/secret.js",
        "deep/../../secret.js", "..\\secret.js", "/etc/passwd", "//etc/passwd", "static/../../secret.js", "index.js%00",
        "index.js/", "deep/../index.js", "./index.js",
    ],
)  # fmt: skip
def test_nothing_else_is_served(static, routes, name):
    status, body, _ = routes.get(f"static/{name}")
    assert status == 404 and b"secret" not in body


def test_the_page_is_announced(routes):
    found = routes.plugin.frontend_metadata()
    assert (found.es_module_path, found.tab_name) == ("/static/index.js", "Redundancy")
    assert found.es_module_path.replace("index.js", "*") in routes.plugin.get_plugin_apps()
