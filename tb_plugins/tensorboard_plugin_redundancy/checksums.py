"""CRC-32C of bytes, as the records of event files carry it; TensorBoard's own takes a step of Python for each byte.

A checksum that begins with 0 is linear over GF(2): that of a ‖ b is shift(crc(a), len b) ⊕ crc(b), and zeros in front do not
change it. So the checksums of all words are taken at once and neighbours are joined, pairs of 4, 8, 16 … bytes at a time. Linear,
too, is the shift by a fixed number of zero bytes: four tables of 256, one for each byte of the checksum.

Reference:

    Castagnoli, Bräuer and Herrmann (1993), Optimization of cyclic redundancy-check codes with 24 and 32 parity bits.
    https://doi.org/10.1109/26.231911
"""

import functools

import numpy as np

POLYNOMIAL = 0x82F63B78  # bits in reverse order
ONES = 0xFFFFFFFF
MASK_DELTA = 0xA282EAD8


def crc32c(data: bytes) -> int:
    """The checksum: begun with all bits set, and inverted at the end.

    Example, the check value of the standard:

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    words = np.frombuffer(bytes(4 + -len(data) % 4) + data, "<u4")
    checksums, power = _shifted(words, 2), 2  # the checksum of a word is the word shifted by its own length
    while len(checksums) > 1:
        if len(checksums) % 2:
            checksums = np.insert(checksums, 0, 0)
        checksums = _shifted(checksums[::2], power) ^ checksums[1::2]
        power += 1
    return int(checksums[0]) ^ _begun(len(data)) ^ ONES


def masked_crc32c(data: bytes) -> int:
    """The checksum as records hold it: turned by 15 bits and moved, so that one of data with checksums in them differs."""
    checksum = crc32c(data)
    return ((checksum >> 15 | checksum << 17) + MASK_DELTA) & ONES


def _begun(length: int) -> int:
    """What all bits set in the beginning have become after that many bytes."""
    state = np.full(1, ONES, np.uint32)
    for bit in range(length.bit_length()):
        if length >> bit & 1:
            state = _shifted(state, bit)
    return int(state[0])


def _shifted(checksums: np.ndarray, power: int) -> np.ndarray:
    """The checksums after 2^power zero bytes more."""
    a, b, c, d = _shift_tables(power)
    return a[checksums & 255] ^ b[checksums >> 8 & 255] ^ c[checksums >> 16 & 255] ^ d[checksums >> 24]


@functools.cache
def _byte_table() -> np.ndarray:
    """Checksum of each single byte, begun with 0."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, table >> 1 ^ np.uint32(POLYNOMIAL), table >> 1)
    return table


@functools.cache
def _shift_tables(power: int) -> np.ndarray:
    """uint32 (4, 256): where each byte of a checksum goes in a shift by 2^power bytes."""
    bytes_alone = np.arange(256, dtype=np.uint32) << np.arange(0, 32, 8, dtype=np.uint32)[:, None]
    if power == 0:
        return bytes_alone >> 8 ^ _byte_table()[bytes_alone & 255]
    return _shifted(_shifted(bytes_alone, power - 1), power - 1)
