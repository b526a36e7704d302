"""Series ↔ the bytes of one answer, little-endian, so that a browser views its floats without copying:

bytes 0–3    TFRD
bytes 4–7    uint32, version of this layout
bytes 8–11   uint32, length of the header
header       JSON, padded with spaces so that the payload begins at a multiple of 4:
             {"series": [{"run", "tag", "kind", "layer", "header": [names of the header scalars],
                          "steps": [...], "wallTimes": [...], "lengths": [floats of each step],
                          "offset": bytes from the payload's begin, "error": null or a sentence}],
              "next": index of the first series that was asked for and is not in this answer, or null}
payload      float32, the vectors of the series one after another, each step header scalars first, as schema.py has them
"""

import json
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

MAGIC, VERSION = b"TFRD", 1
_FIXED = struct.Struct("<4sII")


@dataclass(frozen=True, eq=False)
class Block:
    """One series, or why there is none.

    Attributes:
        run, tag: what it is called.
        kind: a kind of schema.py, "scalar", or "" where it is not known.
        layer: path of the layer or of one matrix of it.
        header: names of the first scalars of each vector.
        steps: ascending, each once.
        wall_times: seconds since 1970, one for each step.
        vectors: float32 arrays, one for each step.
        error: what is wrong with the series, None where nothing is. Steps that can be read are there all the same.
    """

    run: str
    tag: str
    kind: str = ""
    layer: str = ""
    header: Sequence[str] = ()
    steps: Sequence[int] = ()
    wall_times: Sequence[float] = ()
    vectors: Sequence[np.ndarray] = field(default=(), repr=False)
    error: str | None = None

    @property
    def size(self) -> int:
        """Bytes in the payload."""
        return 4 * sum(map(len, self.vectors))


def pack(blocks: Sequence[Block], following: int | None = None) -> bytes:
    """The answer.

    Args:
        blocks: the series.
        following: index of the first series that did not fit, or None.

    >>> pack([])
    b'TFRD\\x01\\x00\\x00\\x00\\x1c\\x00\\x00\\x00{"series":[],"next":null}   '
    """
    described, offset = [], 0
    for block in blocks:
        described.append(_described(block, offset))
        offset += block.size
    header = json.dumps({"series": described, "next": following}, allow_nan=False, separators=(",", ":")).encode()
    header += b" " * (-(_FIXED.size + len(header)) % 4)
    payload = [np.ascontiguousarray(vector, "<f4").tobytes() for block in blocks for vector in block.vectors]
    return b"".join([_FIXED.pack(MAGIC, VERSION, len(header)), header, *payload])


def unpack(data: bytes) -> tuple[list[Block], int | None]:
    """What `pack` was given.

    Raises:
        ValueError: bytes of something else, or of another version.

    >>> unpack(pack([Block("run", "tag", steps=[7], wall_times=[0.5], vectors=[np.ones(2)])], 3))
    ([Block(run='run', tag='tag', kind='', layer='', header=[], steps=[7], wall_times=[0.5], error=None)], 3)
    """
    if len(data) < _FIXED.size or _FIXED.unpack_from(data)[:2] != (MAGIC, VERSION):
        raise ValueError(f"`data` must begin with {MAGIC!r} and version {VERSION}. Received: {data[: _FIXED.size]!r}")
    begin = _FIXED.size + _FIXED.unpack_from(data)[2]
    header = json.loads(data[_FIXED.size : begin])
    return [_block(data, begin, each) for each in header["series"]], header["next"]


def _described(block: Block, offset: int) -> dict:
    return {
        "run": block.run,
        "tag": block.tag,
        "kind": block.kind,
        "layer": block.layer,
        "header": list(block.header),
        "steps": [int(step) for step in block.steps],
        "wallTimes": [float(time) if math.isfinite(time) else None for time in block.wall_times],
        "lengths": [len(vector) for vector in block.vectors],
        "offset": offset,
        "error": block.error,
    }


def _block(data: bytes, begin: int, described: dict) -> Block:
    lengths, at = described["lengths"], begin + described["offset"]
    floats = np.frombuffer(data, "<f4", sum(lengths), at)
    times = [np.nan if time is None else time for time in described["wallTimes"]]
    names = {name: described[name] for name in ("run", "tag", "kind", "layer", "header", "steps", "error")}
    return Block(**names, wall_times=times, vectors=np.split(floats, np.cumsum(lengths)[:-1]) if lengths else [])
