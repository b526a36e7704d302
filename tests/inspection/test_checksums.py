"""Checksums: published values, TensorBoard's own byte by byte, and what a wrong bit does."""

import io

import numpy as np
import pytest
from tensorboard.compat.tensorflow_stub import pywrap_tensorflow as theirs
from tensorboard.summary.writer.record_writer import RecordWriter
from tensorboard_plugin_redundancy.checksums import crc32c, masked_crc32c

from tfredundancy.inspection import summaries


@pytest.mark.parametrize(
    ("data", "expected"),
    [  # RFC 3720, B.4
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
        (b"", 0),
    ],
)
def test_published_values(data, expected):
    assert crc32c(data) == expected


@pytest.mark.parametrize("length", [*range(1, 40), 1023, 1024, 1025, 5000])
def test_it_is_what_tensorboard_computes_byte_by_byte(length):
    data = np.random.default_rng(length).bytes(length)
    assert crc32c(data) == theirs.crc32c(data)
    assert masked_crc32c(data) == theirs.masked_crc32c(data)


@pytest.mark.parametrize("length", [3, 4096])
def test_a_single_bit_changes_it(length):
    data = bytearray(length)
    found = {crc32c(bytes(data))}
    for place in range(0, length, max(1, length // 16)):
        data[place] ^= 1
        found.add(crc32c(bytes(data)))
        data[place] ^= 1
    assert len(found) == 1 + len(range(0, length, max(1, length // 16)))


@pytest.mark.parametrize("length", [0, 9, 3000])
def test_a_record_is_that_of_tensorboards_writer(length):
    data, buffer = np.random.default_rng(length).bytes(length), io.BytesIO()
    RecordWriter(buffer).write(data)
    assert summaries._record(data) == buffer.getvalue()
