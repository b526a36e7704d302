"""Event files to look at and to test with: layers that learn, written through the schema, without TensorFlow and Keras.

    python tests/tb_plugins/demo.py DIR [--layers 12] [--steps 40] [--hostile]

Each layer is a unit matrix that goes from Gaussian noise to few directions and a heavy tail; what is written of it is computed
from it: its spectrum with the Marchenko–Pastur bulk of its noise, the angles to the centres of four clusters and the same of
uniform directions. Three runs: `baseline`; `small_batch/seed0`, which learns faster; `pruned`, which loses single weights and
whole units. In `baseline` a layer ends in NaN, one series is of a newer schema, one tensor is text and one content is garbage.
"""

import argparse
import io
import json
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.plugins.scalar.summary_v2 import scalar_pb
from tensorboard.summary.writer.record_writer import RecordWriter
from tensorboard.util.tensor_util import make_tensor_proto
from tensorboard_plugin_redundancy import schema

CLUSTERS, DRAWS = 4, 10
SHAPES = (  # (units, fan_in) of a small network, again and again for more layers
    (16, 27), (32, 144), (32, 288), (64, 288), (64, 576), (96, 576),
    (96, 128), (128, 128), (128, 256), (300, 320), (100, 300), (10, 100),
)  # fmt: skip
HOSTILE = (
    "<script>window.PWN=1</script>", "<img src=x onerror='window.PWN=1'>", "\"'`&#?%+\\", "__proto__", "..", "\u202egpj.exe",
    "層/🧠", "x" * 300, "a b\tc", "${1+1}", "javascript:alert(1)",
)  # fmt: skip


# --- event files ---


class Run:
    """One run's event file.

    Args:
        directory: of the run; a file is begun in it.
        name: what the file's name ends with; TensorBoard reads files in the order of their names.
    """

    def __init__(self, directory, name="demo"):
        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        self.file = directory / f"events.out.tfevents.{int(time.time())}.{name}"
        self.introduced = set()
        self._append(event_pb2.Event(wall_time=time.time(), file_version="brain.Event:2"))

    def write(self, step, values, wall_time=None):
        """One event with all values of a step."""
        summary = summary_pb2.Summary(value=values)
        self._append(
            event_pb2.Event(wall_time=time.time() if wall_time is None else wall_time, step=step, summary=summary)
        )

    def series(self, kind, layer, shape, header, data, order=None):
        """The value of a series of the schema."""
        content = schema.content(kind, layer, shape, order)
        return self.tensor(schema.tag(layer, kind), schema.encode(kind, header, data), content)

    def tensor(self, tag, array, content):
        """The value of any tensor under the plugin's name; its metadata go with a tag's first value alone."""
        value = summary_pb2.Summary.Value(tag=tag, tensor=make_tensor_proto(array))
        if tag not in self.introduced:
            value.metadata.data_class = summary_pb2.DATA_CLASS_TENSOR
            value.metadata.plugin_data.plugin_name = schema.PLUGIN_NAME
            value.metadata.plugin_data.content = content
            self.introduced.add(tag)
        return value

    def _append(self, event):
        buffer = io.BytesIO()
        RecordWriter(buffer).write(event.SerializeToString())
        with open(self.file, "ab") as file:
            file.write(buffer.getvalue())


def scalar(tag, number):
    """The value of an ordinary scalar."""
    return scalar_pb(tag, float(number)).value[0]


# --- a layer that learns ---


def directions(rows):
    """Rows of norm 1; zero rows stay."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(norms == 0, 1, norms)


def clustered(units, rng):
    """(angles to the own centre in degrees, labels) of spherical k-means; NaN for a zero row."""
    rows = directions(units)
    centres = rows[rng.choice(len(rows), CLUSTERS, replace=False)]
    for _ in range(8):
        labels = (rows @ centres.T).argmax(axis=1)
        sums = np.stack([rows[labels == k].sum(axis=0) for k in range(CLUSTERS)])
        centres = directions(np.where(np.abs(sums).sum(axis=1, keepdims=True) > 0, sums, centres))
    cosines = rows @ centres.T
    labels = cosines.argmax(axis=1)
    found = np.degrees(np.arccos(np.clip(cosines[np.arange(len(rows)), labels], -1, 1)))
    return np.where(np.abs(units).sum(axis=1) > 0, found, np.nan), labels


@dataclass
class Layer:
    """A unit matrix at any time of its training."""

    path: str
    shape: tuple
    order: int
    rng: np.random.Generator
    speed: float = 1.0

    def __post_init__(self):
        units, fan_in = self.shape
        self.noise = self.rng.normal(size=self.shape) / np.sqrt(fan_in)
        self.labels = self.rng.integers(CLUSTERS, size=units)
        self.centres = directions(self.rng.normal(size=(CLUSTERS, fan_in)))
        self.scales = self.rng.pareto(2.5, size=(units, 1)) + 0.5
        self.importance = self.rng.random(units)
        self.scores = self.rng.random(self.shape) + 0.4 * self.importance[:, None]
        null = [clustered(self.rng.normal(size=self.shape), self.rng)[0] for _ in range(DRAWS)]
        self.null_means = np.mean(null, axis=1)
        self.null = np.histogram(null, schema.GRID)[0]

    def units(self, progress):
        """The unit matrix at progress 0–1: noise, then directions of its clusters with heavy-tailed lengths."""
        learned = np.clip(self.speed * progress, 0, 1) * (0.35 + 0.65 * (self.order / 11 % 1))
        return self.noise * (1 + learned * (self.scales - 1)) + 1.3 * learned * self.centres[self.labels] * self.scales

    def kept(self, progress):
        """Bool array of the weights that are not pruned at progress 0–1: half of them and a third of the units go."""
        level = np.floor(progress * 8) / 8
        weights = self.scores >= np.quantile(self.scores, 0.5 * level)
        return weights & (self.importance >= np.quantile(self.importance, 0.33 * level))[:, None]


def spectrum_of(units, noise_alpha):
    """(header, eigenvalues) of the kind esd."""
    n, m = max(units.shape), min(units.shape)
    eigenvalues = np.square(np.linalg.svd(units, compute_uv=False))[::-1] / n
    sigma2 = float(np.quantile(eigenvalues, 0.5)) / median_of_bulk(n / m)
    lo, edge = (sigma2 * (1 + sign / np.sqrt(n / m)) ** 2 for sign in (-1, 1))
    tail = eigenvalues[-max(5, m // 5) :]
    logs = np.log(tail / tail[0])
    alpha = 1 + len(tail) / logs.sum()
    ks = np.abs(np.arange(len(tail)) / len(tail) - (1 - np.exp(-(alpha - 1) * logs))).max()
    header = {
        "n_total": m, "n_zero": int((eigenvalues < 1e-12).sum()), "q": n / m, "sigma2": sigma2, "bulk_lo": lo, "bulk_edge": edge,
        "alpha": alpha, "alpha_p": float(np.exp(-2 * len(tail) * ks**2)), "alpha_noise": noise_alpha, "n_tail": len(tail),
        "xmin": tail[0], "ks": ks, "spikes": int((eigenvalues > edge * (1 + 2 * m ** (-2 / 3))).sum()),
    }  # fmt: skip
    return header, eigenvalues


def median_of_bulk(q):
    """Median of the Marchenko–Pastur law of variance 1, by summing its density."""
    lo, hi = (1 - 1 / np.sqrt(q)) ** 2, (1 + 1 / np.sqrt(q)) ** 2
    x = np.linspace(lo, hi, 2003)[1:-1]
    mass = np.cumsum(np.sqrt((hi - x) * (x - lo)) / x)
    return x[np.searchsorted(mass, mass[-1] / 2)]


def values_of(run, layer, progress, pruned=False):
    """All values of a layer at a time: its series and scalars."""
    units, kept = layer.units(progress), layer.kept(progress if pruned else 0.0)
    units = np.where(kept, units, 0)
    alive = units[kept.any(axis=1)]
    noise_alpha = spectrum_of(layer.units(0.0), np.nan)[0]["alpha"]
    spectrum, eigenvalues = spectrum_of(alive, noise_alpha)
    angles, labels = clustered(alive, np.random.default_rng(layer.order))
    rows = directions(alive)
    cosines = (rows @ rows.T)[np.triu_indices(len(rows), 1)]
    pairs = np.histogram(np.degrees(np.arccos(np.clip(cosines, -1, 1))), schema.GRID)[0]
    n, d = alive.shape
    size = {"units": n, "fan_in": d}
    found = {
        "esd": (spectrum, schema.thinned(eigenvalues)),
        "angles": (
            {"units": n, "clusters": CLUSTERS, "mean": np.nanmean(angles), "null_mean": layer.null_means.mean()}
            | {"null_sd": layer.null_means.std(ddof=1)},
            np.stack([angles, labels]),
        ),
        "angles_null": (size | {"draws": DRAWS, "mean": layer.null_means.mean()}, layer.null),
        "pair_angles": (size, pairs),
    }
    if pruned:
        found |= masks_of(kept)
    potential = n + 2 * np.square(cosines).sum()
    bound = max(n, n * n / d)
    scalars = {
        "alpha": spectrum["alpha"], "stable_rank": eigenvalues.sum() / eigenvalues[-1], "spikes": spectrum["spikes"],
        "frame_potential": potential, "frame_excess": (potential - bound) / (n * n - bound), "clusters": n * (1 - progress / 2),
        "mean_angle": np.nanmean(angles), "density": kept.mean(),
        "distance_to_init": np.linalg.norm(layer.units(progress) - layer.units(0.0)),
    }  # fmt: skip
    series = [run.series(kind, layer.path, layer.shape, *each, layer.order) for kind, each in found.items()]
    return series + [scalar(f"{name}/{layer.path}", number) for name, number in scalars.items()]


def masks_of(kept):
    """Series of the kinds mask and survival."""
    counts, (units, fan_in) = kept.sum(axis=1), kept.shape
    share = kept.mean()
    survival = {
        "fan_in": fan_in, "kept": counts.sum(), "null_mean": fan_in * share, "null_sd": np.sqrt(fan_in * share * (1 - share)),
        "p_value": 0.5 if share == 1 else 1e-6, "lift": counts.max() / max(counts.mean(), 1),
    }  # fmt: skip
    return {"mask": ({"units": units, "kept": (counts > 0).sum()}, counts > 0), "survival": (survival, counts)}


# --- runs ---


def write_run(directory, layers, steps, every=50, pruned=False, extra=None, begin=None):
    """A run of `steps` events from step 0 on; `extra(run, i)` gives further values of the i-th."""
    run, begin = Run(directory), time.time() - 10 * steps if begin is None else begin
    for i in range(steps):
        values = [value for layer in layers for value in values_of(run, layer, i / max(steps - 1, 1), pruned)]
        run.write(every * i, values + (extra(run, i) if extra else []), begin + 10 * i)
    return run


def network(number, seed, speed=1.0):
    """The layers of a network, in order; their names do not sort so."""
    names = [("stem/conv" if i == 0 else f"block{i}/conv" if i < 9 else f"dense{i}") + "/kernel" for i in range(number)]
    shapes = [SHAPES[i % len(SHAPES)] for i in range(number)]
    rngs = [np.random.default_rng([seed, i]) for i in range(number)]
    return [Layer(*each, speed) for each in zip(names, shapes, range(number), rngs, strict=True)]


def oddities(steps, order):
    """What a page must bear: a layer of NaN, a newer schema, a text, a garbage content, a vector that is too short."""
    shape, nan = (8, 16), {name: np.nan for name in schema.HEADERS["esd"]}
    newer = json.dumps({"v": 99, "kind": "esd", "layer": "newer/kernel", "spirals": [1, 2]}).encode()
    layer = Layer("broken/kernel", (64, 96), order, np.random.default_rng(99))

    def values(run, i):
        found = values_of(run, layer, i / steps)
        if i > steps // 2:
            found = [run.series("esd", layer.path, layer.shape, nan, np.zeros(0), order)]
            found += [scalar(f"{name}/{layer.path}", np.nan) for name in ("alpha", "stable_rank", "mean_angle")]
        short = schema.content("esd", "short/kernel", shape, order + 2)
        return [
            *found,
            run.tensor("newer/kernel/esd", np.arange(5, dtype=np.float32), newer),
            run.tensor(
                "text/kernel/esd",
                np.array([b"not", b"numbers"]),
                schema.content("esd", "text/kernel", shape, order + 1),
            ),
            run.tensor("garbage/kernel/esd", np.zeros(20, np.float32), b"\xff\x00 no json"),
            run.tensor("short/kernel/esd", np.ones(3, np.float32), short),
        ]

    return values


def write(directory, layers=12, steps=40, hostile=False, seed=0):
    """The three runs, and with `hostile` a fourth whose layers have names that no page may stumble over."""
    directory = Path(directory)
    write_run(directory / "baseline", network(layers, seed), steps, extra=oddities(steps, layers))
    write_run(directory / "small_batch" / "seed0", network(layers, seed + 1, speed=1.8), steps)
    write_run(directory / "pruned", network(layers, seed + 2), steps, pruned=True)
    if hostile:
        first = network(1, seed)[0]
        named = [replace(first, path=name, order=i) for i, name in enumerate(HOSTILE)]
        write_run(directory / "hostile <b>&'\"%23", named, min(steps, 5))


def main(words=None):
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("directory")
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--hostile", action="store_true", help="a run with hostile names, too")
    found = parser.parse_args(words)
    write(found.directory, found.layers, found.steps, found.hostile)


if __name__ == "__main__":
    sys.exit(main())
