"""What a recorded series looks like in an event file: the one definition for who writes and who draws it.

One tag for each layer and kind, `<layer>/<kind>`. The first event of a tag carries `content(…)`, a small JSON, as plugin data;
the tensor of every event is a float32 vector, its header scalars first, in the order of `HEADERS[kind]`, then the data:

    esd          eigenvalues of WᵀW/N, ascending; above 256 of them 192 quantiles and the exact top 64
    angles       angle of each unit to its cluster centre in degrees (NaN for a dead unit), then its cluster's number
    angles_null  counts over 0–180° of the angles that the same clustering of uniform-sphere draws gives
    pair_angles  counts over 0–180° of the angles between each two units
    mask         1 for a unit that is kept, 0 for one that is pruned
    survival     number of kept weights of each unit

NaN stands for what could not be measured. A reader meets series of a newer version: `read_content` tells them apart.
TensorBoard forgets in which order tags came, so a content says where its matrix stands in the network.

Beside the series stand ordinary scalars, `<measure>/<layer>` for each measure in `SCALARS`, of which NaN is the same.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tensorboard_plugin_redundancy import PLUGIN_NAME as PLUGIN_NAME  # who writes finds everything here

VERSION = 1
HEADERS: dict[str, tuple[str, ...]] = {
    "esd": (
        "n_total", "n_zero", "q", "sigma2", "bulk_lo", "bulk_edge",
        "alpha", "alpha_p", "alpha_noise", "n_tail", "xmin", "ks", "spikes",
    ),
    "angles": ("units", "clusters", "mean", "null_mean", "null_sd"),
    "angles_null": ("units", "fan_in", "draws", "mean"),
    "pair_angles": ("units", "fan_in"),
    "mask": ("units", "kept"),
    "survival": ("fan_in", "kept", "null_mean", "null_sd", "p_value", "lift"),
}  # fmt: skip
SCALARS = (
    "alpha", "stable_rank", "spikes", "frame_potential", "frame_excess", "clusters", "mean_angle", "density",
    "distance_to_init", "removable", "repeated_responses",
)  # fmt: skip
MOST_EIGENVALUES, QUANTILES, TOP = 256, 192, 64
GRID = np.linspace(0.0, 180.0, 181)  # degrees
COUNTED = ("angles_null", "pair_angles")  # kinds whose data are counts on it


@dataclass(frozen=True)
class Content:
    """The plugin data of a tag.

    Attributes:
        kind: a key of `HEADERS`.
        layer: path of the layer, or of one matrix of it.
        shape: (units, fan_in) of the unit matrix.
        header: names of the header scalars.
        v: version of the schema that it was written by.
        order: place of the matrix in the network, from 0 on; None in files that do not say.
    """

    kind: str
    layer: str
    shape: tuple[int, int]
    header: tuple[str, ...]
    v: int = VERSION
    order: int | None = None

    @property
    def reason(self) -> str | None:
        """Why this module can not read the series, None where it can.

        >>> Content("mask", "conv1", (8, 27), ("units", "kept"), v=2).reason
        'written by a newer tfredundancy: schema 2, this plugin reads 1'
        """
        if self.v > VERSION:
            return f"written by a newer tfredundancy: schema {self.v}, this plugin reads {VERSION}"
        if self.kind not in HEADERS:
            return f"of a kind that this plugin does not know: {self.kind!r}"
        if self.header != HEADERS[self.kind]:
            return f"its header is not that of {self.kind!r}: {', '.join(self.header)}"
        return None

    @property
    def supported(self) -> bool:
        """Whether this module can read the series: not one of a newer version, nor of a kind that it does not know."""
        return self.reason is None


def tag(layer: str, kind: str) -> str:
    """The tag of a layer's series.

    >>> tag("block/conv1", "esd")
    'block/conv1/esd'
    """
    return f"{layer}/{kind}"


def content(kind: str, layer: str, shape: tuple[int, int], order: int | None = None) -> bytes:
    """The plugin data of a tag, as JSON.

    >>> content("mask", "conv1", (8, 27), order=3)
    b'{"v":1,"kind":"mask","layer":"conv1","shape":[8,27],"header":["units","kept"],"order":3}'
    """
    fields = {"v": VERSION, "kind": kind, "layer": layer, "shape": list(shape), "header": list(_header(kind))}
    if order is not None:
        fields["order"] = order
    return json.dumps(fields, separators=(",", ":")).encode()


def read_content(data: bytes) -> Content:
    """What `content` wrote, of any version; of a newer one, whose fields may be others, no more than its names.

    Raises:
        ValueError: no content of this plugin.
    """
    try:
        fields = json.loads(data)
        if _number(fields["v"]) > VERSION:
            return Content(str(fields.get("kind", "")), str(fields.get("layer", "")), (0, 0), (), fields["v"])
        units, fan_in = map(_number, fields["shape"])
        header, order = tuple(map(str, fields["header"])), fields.get("order")
        order = None if order is None else _number(order)
        return Content(str(fields["kind"]), str(fields["layer"]), (units, fan_in), header, fields["v"], order)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"`data` must be the JSON of a recorded series. Received: {data[:80]!r}") from error


def encode(kind: str, header: Mapping[str, float], data: np.ndarray) -> np.ndarray:
    """Header scalars and data → the float32 vector of one event.

    Args:
        kind: a key of `HEADERS`.
        header: a number for each of its names.
        data: array of any shape; its entries follow in row-major order. What float32 can not hold becomes infinite.

    Raises:
        ValueError: an unknown kind, or other names than the kind has.

    >>> encode("mask", {"units": 3, "kept": 2}, np.array([1, 0, 1]))
    array([3., 2., 1., 0., 1.], dtype=float32)
    """
    names = _header(kind)
    if set(header) != set(names):
        raise ValueError(f"`header` of {kind!r} must have the names {', '.join(names)}. Received: {', '.join(header)}")
    with np.errstate(over="ignore"):  # a net that diverges has eigenvalues beyond it before its weights are infinite
        scalars = np.array([header[name] for name in names], np.float32)
        return np.concatenate([scalars, np.asarray(data, np.float32).ravel()])


def decode(kind: str, vector: np.ndarray) -> tuple[dict[str, float], np.ndarray]:
    """The vector of one event → header scalars and data; for "angles" the data are (2, units): angles and clusters.

    Raises:
        ValueError: as `split`.

    >>> decode("mask", np.array([3, 2, 1, 0, 1], np.float32))
    ({'units': 3.0, 'kept': 2.0}, array([1., 0., 1.], dtype=float32))
    """
    scalars, data = split(kind, vector)
    header = {name: float(value) for name, value in zip(HEADERS[kind], scalars, strict=True)}
    return header, data.reshape(2, -1) if kind == "angles" else data


def split(kind: str, vector: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The vector of one event → its header scalars and its data, both vectors.

    Raises:
        ValueError: an unknown kind, no vector of numbers, or one of a length that the kind does not have.

    >>> split("mask", np.array([3, 2, 1, 0, 1]))
    (array([3, 2]), array([1, 0, 1]))
    """
    names, vector = _header(kind), np.asarray(vector)
    if vector.ndim != 1 or vector.dtype.kind not in "fiub" or len(vector) < len(names):
        what = f"{vector.dtype} of shape {vector.shape}"
        raise ValueError(f"`vector` of {kind!r} must have {len(names)} numbers or more. Received: {what}")
    scalars, data = np.split(vector, [len(names)])
    if kind == "angles" and len(data) % 2:
        raise ValueError(
            f"`vector` of 'angles' must have an angle and a cluster for each unit. Received: {len(data)} numbers"
        )
    if kind in COUNTED and len(data) != len(GRID) - 1:
        raise ValueError(f"`vector` of {kind!r} must have {len(GRID) - 1} counts. Received: {len(data)}")
    return scalars, data


def thinned(eigenvalues: np.ndarray) -> np.ndarray:
    """Ascending eigenvalues as they are stored: all up to 256, above that 192 quantiles of the rest and the exact top 64.

    >>> len(thinned(np.arange(100.0))), len(thinned(np.arange(1000.0))), thinned(np.arange(1000.0))[-2:]
    (100, 256, array([998., 999.]))
    """
    if len(eigenvalues) <= MOST_EIGENVALUES:
        return np.asarray(eigenvalues)
    rest, top = eigenvalues[:-TOP], eigenvalues[-TOP:]
    return np.concatenate([np.quantile(rest, (np.arange(QUANTILES) + 0.5) / QUANTILES), top])


def _number(value: object) -> int:
    if type(value) is not int:  # a bool is one
        raise TypeError(f"no whole number: {value!r}")
    return value


def _header(kind: str) -> tuple[str, ...]:
    if kind not in HEADERS:
        raise ValueError(f"`kind` must be one of {', '.join(HEADERS)}. Received: kind={kind!r}")
    return HEADERS[kind]
