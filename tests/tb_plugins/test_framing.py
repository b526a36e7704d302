"""The bytes of an answer: packed == unpacked, and a layout that others can read by its description alone."""

import json
import struct

import numpy as np
import pytest
from tensorboard_plugin_redundancy.framing import Block, pack, unpack

NAMES = ("", "a", "層/🧠", "\"\\\n\x00'<b>", "x" * 300)


def block(rng, name, lengths):
    vectors = [rng.normal(size=n).astype(np.float32) for n in lengths]
    steps = list(range(3, 3 + len(lengths)))
    return Block(
        name, f"{name}/esd", "esd", name, ["n_total", "q"], steps, [step / 7 for step in steps], vectors, name or None
    )


def test_unpacked_is_what_was_packed(rng):
    blocks = [block(rng, name, lengths) for name, lengths in zip(NAMES, ([3, 5], [], [0], [1, 0, 4], [2]), strict=True)]
    found, following = unpack(pack(blocks, 7))
    assert following == 7
    for one, other in zip(blocks, found, strict=True):
        for vector, again in zip(one.vectors, other.vectors, strict=True):
            np.testing.assert_array_equal(vector, again)
        fields = ("run", "tag", "kind", "layer", "header", "steps", "wall_times", "error", "size")
        assert [getattr(one, field) for field in fields] == [getattr(other, field) for field in fields]


@pytest.mark.parametrize("name", NAMES)
def test_the_layout(rng, name):
    """As framing.py describes it, read byte by byte."""
    blocks = [block(rng, name, [2, 1]), block(rng, "b", [3])]
    data = pack(blocks)
    assert data[:4] == b"TFRD" and struct.unpack("<II", data[4:12])[0] == 1
    (length,) = struct.unpack("<I", data[8:12])
    assert (12 + length) % 4 == 0 and data[12 : 12 + length].isascii()
    header = json.loads(data[12 : 12 + length])
    assert [each["offset"] for each in header["series"]] == [0, 12] and header["next"] is None
    payload = struct.unpack(f"<{(len(data) - 12 - length) // 4}f", data[12 + length :])
    assert payload == tuple(np.concatenate([vector for each in blocks for vector in each.vectors]).tolist())


def test_nan_and_infinity_keep_their_bits():
    vector = np.array([np.nan, np.inf, -np.inf, -0.0], np.float32)
    (found,), _ = unpack(pack([Block("r", "t", steps=[0], wall_times=[0], vectors=[vector])]))
    assert found.vectors[0].tobytes() == vector.tobytes()


def test_a_wall_time_that_json_can_not_say_is_null():
    data = pack([Block("r", "t", steps=[0, 1], wall_times=[np.nan, np.inf], vectors=[np.ones(1)] * 2)])
    assert b'"wallTimes":[null,null]' in data and np.isnan(unpack(data)[0][0].wall_times).all()


@pytest.mark.parametrize(
    "data", [b"", b"TFRD", b"PK\x03\x04" + b"\0" * 20, b"TFRD\x02\0\0\0\0\0\0\0", b"TFRD\0\0\0\x01\0\0\0\0"]
)
def test_other_bytes_are_refused(data):
    with pytest.raises(ValueError, match="`data` must begin with b'TFRD' and version 1. Received: "):
        unpack(data)
