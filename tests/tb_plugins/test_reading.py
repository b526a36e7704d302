"""Series out of TensorBoard's data: every step once and in order, a bad one alone, and not too much at once."""

from types import SimpleNamespace

import grpc
import numpy as np
import pytest
from tensorboard import errors
from tensorboard_plugin_redundancy import reading, schema
from tensorboard_plugin_redundancy.reading import Source, blocks, natural


def masks(n, value=1.0):
    return schema.encode("mask", {"units": n, "kept": n}, np.full(n, value))


def datum(step, array, wall_time=0.0):
    return SimpleNamespace(step=step, numpy=array, wall_time=wall_time)


class Provider:
    """A data provider of one run with {tag: data or an exception}, which notes how many series each read took."""

    def __init__(self, tags):
        self.tags, self.reads = tags, []

    def list_tensors(self, context, *, experiment_id, plugin_name, run_tag_filter):
        assert (context, experiment_id, plugin_name) == ("context", "EXP", "redundancy")
        content = schema.content("mask", "layer", (2, 2))
        series = SimpleNamespace(plugin_content=content, max_step=9, max_wall_time=0.0)
        return {"run": {tag: series for tag in self.tags if run_tag_filter is None or tag in run_tag_filter.tags}}

    def read_tensors(self, context, *, experiment_id, plugin_name, run_tag_filter, downsample):
        assert run_tag_filter.runs == {"run"} and downsample in (1, reading.ALL_STEPS)
        self.reads.append(len(run_tag_filter.tags))
        found = {tag: self.tags[tag] for tag in run_tag_filter.tags}
        for data in found.values():
            if isinstance(data, Exception):
                raise data
        return {"run": {tag: data[-downsample:] for tag, data in found.items()}}


def read(tags, steps="all", names=None):
    provider = Provider(tags)
    pairs = [("run", tag) for tag in names or tags]
    return list(blocks(Source(provider, "context", "EXP"), pairs, steps)), provider.reads


class Lost(grpc.RpcError, grpc.Call):
    """An error as gRPC raises it."""

    def details(self):
        return "Received message larger than max"


Lost.__abstractmethods__ = frozenset()
ERRORS = [TypeError("no"), ValueError("no"), OverflowError("no"), MemoryError("no"), errors.NotFoundError("no"), Lost()]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_what_can_not_be_read_is_told_alone(error):
    tags = {f"{i}": [datum(9, masks(2))] for i in range(30)} | {"13": error, "29": error}
    found, _ = read(tags)
    told = {block.tag: block.error for block in found if block.error}
    message = error.details() if isinstance(error, Lost) else str(error)
    assert told == {"13": f"it can not be read: {message}", "29": f"it can not be read: {message}"}
    assert all(len(block.steps) == 1 for block in found if not block.error)


def test_other_errors_are_not_hidden():
    with pytest.raises(KeyError):
        read({"a": KeyError("a mistake of ours")})


def test_reading_in_halves_takes_few_reads():
    _, reads = read({f"{i}": [datum(9, masks(2))] for i in range(84)} | {"50": ValueError()})
    assert sum(reads) <= 4 + 16 + 64 + 64 + 2 * 64 and len(reads) <= 3 + 2 * 6


@pytest.mark.parametrize("numbers", [2, 200, 20_000, 3_000_000])
def test_series_are_read_ahead_by_their_size(numbers):
    """About 8 MB at once, and never 256 of the unknown."""
    found, reads = read({f"{i}": [datum(9, masks(numbers))] for i in range(400 if numbers < 20_000 else 30)})
    assert [block.tag for block in found] == [f"{i}" for i in range(len(found))]
    assert reads[0] == 4 and max(b / a for a, b in zip(reads, reads[1:], strict=False)) <= 4
    assert all(each * 4 * numbers <= reading.READ_AT_ONCE or each == 1 for each in reads[1:]) and max(reads) <= 256


@pytest.mark.parametrize("steps, expected", [("all", [1, 3, 5, 7, 9]), ("last", [9]), ([3, 9, 4], [3, 9])])
def test_steps_that_decrease_and_repeat(steps, expected):
    """As TensorBoard's slow mode gives them; of a step that was written twice counts what was written last."""
    data = [datum(step, masks(2, value), value) for step, value in ((5, 1), (3, 2), (9, 3), (3, 4), (7, 5), (1, 6))]
    (block,), _ = read({"a": data}, steps)
    last = {5: 1, 3: 4, 9: 3, 7: 5, 1: 6}
    assert block.steps == expected and block.wall_times == [last[step] for step in expected]
    assert [vector[-1] for vector in block.vectors] == block.wall_times


def test_steps_that_can_not_be_read_leave_the_others():
    data = [datum(0, masks(2)), datum(3, np.zeros((2, 2))), datum(6, np.array(["a"], object)), datum(9, masks(2))]
    (block,), _ = read({"a": data})
    assert block.steps == [0, 9] and block.error.startswith(
        "2 of 4 steps can not be read; step 3: `vector` of 'mask' must"
    )


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int32, np.int64, np.uint8, np.bool_])
def test_numbers_of_any_type(dtype):
    (block,), _ = read({"a": [datum(9, np.array([1, 1, 1]).astype(dtype))]})
    assert block.error is None and block.vectors[0].dtype == np.float32 and block.vectors[0].tolist() == [1, 1, 1]


def test_numbers_beyond_float32_are_infinite():
    (block,), _ = read({"a": [datum(9, np.array([1.0, 1.0, 1e300]))]})
    assert block.vectors[0].tolist() == [1, 1, np.inf]


def test_a_series_that_is_gone_between_listing_and_reading():
    (block,), _ = read({"a": []})
    assert (block.steps, block.error) == ([], "it has no such steps")


def test_the_same_series_twice():
    found, _ = read({"a": [datum(9, masks(2))]}, names=["a", "a"])
    assert [len(block.steps) for block in found] == [1, 1]


def test_names_sort_as_people_do():
    names = ["conv", "conv1", "conv2", "conv10", "conv10/a", "conv10/b2", "conv010", "x" * 300, "1" * 5000]
    assert sorted(names[::-1], key=natural) == [
        "1" * 5000,
        "conv",
        "conv1",
        "conv2",
        "conv010",
        "conv10",
        *names[4:6],
        "x" * 300,
    ]
