"""Through a started TensorBoard, with --load_fast true and false: written == read, whatever lies in the folder."""

import json
import os
import shutil
import urllib.request

import numpy as np
import pytest
from tensorboard_plugin_redundancy import schema

FAST_PREFIX = "/a/b"
STEPS = 1500  # of one series; TensorBoard itself would keep 10 or 100
MODES = pytest.mark.parametrize("mode", ["fast", "slow"])


def mask(run, layer, value=1.0):
    return run.series("mask", layer, (3, 2), {"units": 3, "kept": value}, [1, 1, value])


@pytest.fixture(scope="module")
def folder(known, demo, tmp_path_factory):
    """Return a folder with the known runs and everything that may go wrong."""
    folder = tmp_path_factory.mktemp("all") / "runs"
    shutil.copytree(known[0], folder)
    long = demo.Run(folder / "long")
    for step in range(STEPS):
        long.write(step, [mask(long, "a", step), demo.scalar("alpha/a", step)])
    odd = demo.Run(folder / "odd")
    for step in (5, 3, 3, 7, 1):
        odd.write(step, [mask(odd, "back", step)])
    text, square = np.array([b"text"]), np.zeros((3, 3), np.float32)
    odd.write(
        9,
        [
            odd.tensor("text/mask", text, schema.content("mask", "text", (3, 2))),
            odd.tensor("square/mask", square, schema.content("mask", "square", (3, 2))),
            odd.tensor("nothing/mask", np.zeros(0, np.float32), schema.content("mask", "nothing", (3, 2))),
            odd.tensor("future/mask", square, b'{"v":2}'),
            odd.tensor("garbage", square, b"\x00\xff" * 50),
            odd.tensor("none", square, b""),
            _of_a_wrong_size(odd),
            mask(odd, "good"),
        ],
    )
    cut = demo.Run(folder / "cut")
    for step in range(4):
        cut.write(step, [mask(cut, "a")])
    os.truncate(cut.file, cut.file.stat().st_size - 20)
    broken = demo.Run(folder / "broken")
    for step in range(4):
        broken.write(step, [mask(broken, "a")])
    with open(broken.file, "r+b") as file:
        file.seek(broken.file.stat().st_size // 2)
        file.write(b"\xff" * 30)
    (folder / "nothing").mkdir()
    (folder / "nothing" / "events.out.tfevents.1.empty").touch()
    return folder


def _of_a_wrong_size(run):
    """A tensor that says that it has 9 numbers, and has 3."""
    value = run.tensor("size/mask", np.zeros(3, np.float32), schema.content("mask", "size", (3, 2)))
    value.tensor.tensor_shape.dim[0].size = 9
    return value


@pytest.fixture(scope="module")
def served(folder, known, tensorboard):
    """Return {mode: TensorBoard}; the slow one has the known runs under another name, too, as --logdir_spec can give it."""
    return {
        "fast": tensorboard("--load_fast", "true", "--logdir", folder, "--path_prefix", FAST_PREFIX),
        "slow": tensorboard("--load_fast", "false", "--logdir_spec", f"{folder},other name:{known[0]}"),
    }


@MODES
def test_written_is_read(served, known, mode):
    pairs = list(known[1])
    for block, pair in zip(served[mode].blocks(pairs), pairs, strict=True):
        written = known[1][pair]
        assert (block.error, block.steps) == (None, sorted(written))
        for step, vector in zip(block.steps, block.vectors, strict=True):
            np.testing.assert_array_equal(vector, written[step])


def test_runs_that_have_a_name_of_their_own(served, known):
    pairs = [(f"other name/{run}", tag) for run, tag in known[1]]
    assert [block.steps for block in served["slow"].blocks(pairs)] == [sorted(steps) for steps in known[1].values()]


@MODES
def test_the_network_s_order_survives(served, mode):
    tags = served[mode].json("tags")["runs"]["deep/second"]
    assert list(dict.fromkeys(each["layer"] for each in tags.values())) == ["stem", "conv10", "conv9"]


@MODES
def test_no_step_is_lost(served, mode):
    (block,) = served[mode].blocks([("long", "a/mask")])
    assert block.steps == list(range(STEPS))
    assert [vector[-1] for vector in block.vectors] == list(range(STEPS))


@MODES
def test_the_last_and_some_steps(served, mode):
    (last,) = served[mode].blocks([("long", "a/mask")], "last")
    some = served[mode].blocks([("long", "a/mask"), ("first", "stem/esd")], [0, 9, 700])
    assert last.steps == [STEPS - 1] and [block.steps for block in some] == [[0, 9, 700], [0, 9]]
    (scalar,) = served[mode].blocks([("long", "alpha/a")], "last", scalars=True)
    assert scalar.steps == [STEPS - 1] and scalar.vectors[0].tolist() == [STEPS - 1]


@MODES
def test_bad_series_are_told_apart(served, mode):
    tags = served[mode].json("tags")["runs"]["odd"]
    found = {block.tag: block for block in served[mode].blocks([("odd", tag) for tag in tags])}
    wrong = {tag for tag, block in found.items() if block.error}
    assert wrong == {f"{name}/mask" for name in ("text", "square", "nothing", "future", "size")} | {"garbage", "none"}
    assert found["good/mask"].steps == [9] and found["back/mask"].error is None
    assert {tag for tag, each in tags.items() if not each["supported"]} == {"future/mask", "garbage", "none"}


@MODES
def test_steps_that_went_back(served, mode):
    """TensorBoard reads 5, 3, 3, 7, 1 as one run that was restarted, or keeps all; ascending and each once they are."""
    (block,) = served[mode].blocks([("odd", "back/mask")])
    assert block.steps == {"fast": [1], "slow": [1, 3, 5, 7]}[mode]
    (last,) = served[mode].blocks([("odd", "back/mask")], "last")
    assert last.steps == block.steps[-1:]


@MODES
def test_files_cut_short_or_corrupt_give_what_can_be_read(served, mode):
    for run in ("cut", "broken"):
        (block,) = served[mode].blocks([(run, "a/mask")])
        assert (
            block.error is None
            and block.steps
            and block.steps == list(range(len(block.steps)))
            and len(block.steps) < 4
        )


@MODES
def test_a_list_that_has_not_changed(served, mode):
    status, _, headers = served[mode].get("tags")
    assert status == 200 and served[mode].get("tags", {"If-None-Match": headers["ETag"]})[0] == 304


@MODES
def test_under_an_experiment(served, mode):
    address = f"{served[mode].address}/experiment/EXP/data/plugin/redundancy/tags"
    with urllib.request.urlopen(address) as answer:
        assert json.load(answer) == served[mode].json("tags")


@MODES
def test_errors_are_400_and_404(served, mode):
    found = served[mode]
    assert [
        found.get("series")[0],
        found.get("series", run="no", tag="no")[0],
        found.get("static/../plugin.py")[0],
    ] == [400, 404, 404]


@MODES
def test_the_tab_is_there(served, mode):
    with urllib.request.urlopen(f"{served[mode].address}/data/plugins_listing") as answer:
        plugin = json.load(answer)["redundancy"]
    assert (plugin["enabled"], plugin["tab_name"], plugin["loading_mechanism"]["type"]) == (
        True,
        "Redundancy",
        "IFRAME",
    )
    prefix = FAST_PREFIX if mode == "fast" else ""
    assert plugin["loading_mechanism"]["module_path"] == f"{prefix}/data/plugin/redundancy/static/index.js"


@MODES
def test_what_is_appended_appears(served, folder, demo, mode, wait):
    """Also in a folder with two files that are both written to."""
    run, other = demo.Run(folder / "first", f"{mode}1"), demo.Run(folder / "first", f"{mode}2")
    for file, layer in ((run, f"one{mode}"), (other, f"two{mode}"), (run, f"one{mode}"), (other, f"two{mode}")):
        step = {run: 100, other: 200}[file] + len(file.introduced)
        file.write(step, [mask(file, layer)])
        wait(lambda: step in [s for b in served[mode].blocks([("first", f"{layer}/mask")]) for s in b.steps])  # noqa: B023


@MODES
def test_nothing_is_said_in_the_log(served, mode):
    """No traceback, and no warning about an answer of ours."""
    log = served[mode].log.read_text()
    assert "Traceback" not in log and "will become an error" not in log
