"""The schema of recorded series: encoded == decoded, in an event file as well; other versions and garbage are told apart."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from tensorboard_plugin_redundancy import schema

from tfredundancy.inspection.summaries import EventLog, Series

SHAPES = {"angles": (2, 5), "pair_angles": (180,), "angles_null": (180,)}


def header_of(kind):
    return {name: 0.5 + i for i, name in enumerate(schema.HEADERS[kind])}


@pytest.mark.parametrize("kind", schema.HEADERS)
def test_decoded_is_what_was_encoded(kind, rng):
    data = rng.normal(size=SHAPES.get(kind, (7,))).astype(np.float32)
    vector = schema.encode(kind, header_of(kind), data)
    assert vector.dtype == np.float32 and vector.ndim == 1
    header, decoded = schema.decode(kind, vector)
    assert header == header_of(kind)
    np.testing.assert_array_equal(decoded, data)


def test_the_order_of_the_header_is_the_schema_s():
    header = dict(reversed(header_of("esd").items()))
    assert schema.decode("esd", schema.encode("esd", header, np.zeros(0)))[0] == header_of("esd")


@pytest.mark.parametrize("n", [0, 1, 255, 256, 257, 1000, 4608])
def test_thinned_eigenvalues(n, rng):
    values = np.sort(rng.exponential(size=n))
    thin = schema.thinned(values)
    assert len(thin) == min(n, 256) and (np.diff(thin) >= 0).all()
    np.testing.assert_array_equal(thin[-64:], values[-64:])
    if n > 256:  # the distribution of the rest is that of the 192 quantiles, to half a quantile
        rest, quantiles = values[:-64], thin[:192]
        shares = np.searchsorted(rest, quantiles, side="right") / len(rest)
        assert np.abs(shares - (np.arange(192) + 0.5) / 192).max() <= 1 / len(rest) + 0.5 / 192


def test_what_float32_can_not_hold_is_infinite():
    vector = schema.encode("mask", {"units": 1e40, "kept": 2}, np.array([1e300, -1e300, 1.0]))
    np.testing.assert_array_equal(vector, np.float32([np.inf, 2, np.inf, -np.inf, 1]))


def test_content_goes_through_json():
    content = schema.read_content(schema.content("esd", "encoder/conv1", (8, 27)))
    assert content == schema.Content("esd", "encoder/conv1", (8, 27), schema.HEADERS["esd"]) and content.supported


def test_a_newer_series_is_told_apart():
    fields = json.loads(schema.content("esd", "conv1", (8, 27)))
    for newer in (fields | {"v": 2}, fields | {"kind": "new"}, fields | {"header": ["q"]}):
        assert not schema.read_content(json.dumps(newer).encode()).supported


GOOD = json.loads(schema.content("esd", "conv1", (8, 27), 2))


def test_a_series_of_a_newer_schema_may_look_otherwise():
    for fields in (
        {"v": 2},
        {"v": 10**30, "kind": ["a"], "layer": {}, "shape": 7, "order": "x"},
        {"v": 99, "kind": "esd"},
    ):
        found = schema.read_content(json.dumps(fields).encode())
        assert (
            not found.supported
            and found.reason == f"written by a newer tfredundancy: schema {fields['v']}, this plugin reads 1"
        )


def test_the_place_in_the_network_may_be_missing():
    assert schema.read_content(schema.content("esd", "conv1", (8, 27), 0)).order == 0
    assert schema.read_content(schema.content("esd", "conv1", (8, 27))).order is None


def test_an_unknown_kind_and_another_header_say_so():
    for change, reason in (
        ({"kind": "psd"}, "of a kind that this plugin does not know: 'psd'"),
        ({"header": ["q", "n"]}, "its header is not that of 'esd': q, n"),
    ):
        assert schema.read_content(json.dumps(GOOD | change).encode()).reason == reason


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\xff\x00", b"[]", b"3", b"null", b'"esd"', b'{"v": 1}', b"[" * 100_000,
        *(json.dumps(GOOD | change).encode() for change in (
            {"v": "x"}, {"v": True}, {"v": 1.0}, {"v": None}, {"v": float("inf")}, {"shape": []}, {"shape": [1, 2, 3]},
            {"shape": ["8", 27]}, {"shape": None}, {"header": 3}, {"order": "first"}, {"order": 1.5},
        )),
    ],
    ids=lambda data: repr(data[:90]),
)  # fmt: skip
def test_garbage_is_refused(data):
    with pytest.raises(ValueError, match="`data` must be the JSON of a recorded series"):
        schema.read_content(data)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: schema.encode("psd", {}, []), "`kind` must be one of esd, .*kind='psd'"),
        (lambda: schema.encode("mask", {"units": 1}, [1]), "`header` of 'mask' must have the names units, kept. Received: units"),
        (lambda: schema.decode("mask", np.zeros(1)), r"of 'mask' must have 2 numbers or more. Received: float64 of shape \(1,\)"),
        (lambda: schema.decode("mask", np.zeros((2, 2))), r"2 numbers or more. Received: float64 of shape \(2, 2\)"),
        (lambda: schema.decode("mask", np.array(["a", "b"], object)), r"2 numbers or more. Received: object of shape \(2,\)"),
        (lambda: schema.decode("mask", np.zeros(3, complex)), r"2 numbers or more. Received: complex128"),
        (lambda: schema.decode("angles", np.zeros(8)), "an angle and a cluster for each unit. Received: 3 numbers"),
        (lambda: schema.decode("pair_angles", np.zeros(2 + 181)), "of 'pair_angles' must have 180 counts. Received: 181"),
        (lambda: schema.decode("angles_null", np.zeros(4)), "of 'angles_null' must have 180 counts. Received: 0"),
    ],
)  # fmt: skip
def test_wrong_series_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_series_in_event_files_are_what_was_written(tmp_path, rng):
    from tensorboard.backend.event_processing.event_accumulator import TENSORS, EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    written = {step: rng.normal(size=7) for step in (0, 5, 9)}
    log = EventLog(tmp_path)
    for step, values in written.items():
        if step == 9:
            log = EventLog(tmp_path)  # another process
        log.catch_up([(step, {"level": 1.0})], [Series("esd", "block/conv", (8, 27), header_of("esd"), values)])
    accumulator = EventAccumulator(os.fspath(tmp_path), size_guidance={TENSORS: 0}).Reload()
    metadata = accumulator.SummaryMetadata("block/conv/esd")
    assert metadata.plugin_data.plugin_name == schema.PLUGIN_NAME
    assert schema.read_content(metadata.plugin_data.content).layer == "block/conv"
    events = accumulator.Tensors("block/conv/esd")
    assert [event.step for event in events] == list(written)
    for event in events:
        header, data = schema.decode("esd", make_ndarray(event.tensor_proto))
        assert header == header_of("esd")
        np.testing.assert_array_equal(data, written[event.step].astype(np.float32))


def test_it_needs_neither_tensorflow_nor_keras_nor_us():
    names = "tensorflow", "keras", "tfredundancy"
    code = f"import sys, tensorboard_plugin_redundancy.schema; print([n for n in {names} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
