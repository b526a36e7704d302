"""How fast is the TensorBoard tab, beside Plotly with the same data? And what does a record cost in the event file?

200 layers × 100 steps × 266 values, written by the library's own writer, served by `tensorboard`, opened in headless Chromium
at 1400 × 900: the overview, the spectra, and the spectra by Plotly in as many cards of the same size, in turn, every time in a
fresh browser context. Then 1,000 layers × 300 steps × 64 values (266 would be an event file of 340 MB).

    python benchmarks/tensorboard_page.py            about 15 minutes on 2 cores

needs Playwright, Chromium, and npm, which fetches Plotly's cartesian bundle into a temporary folder.

Targets: first paint ≤ 1 s after the iframe, all data ≤ 2 s, ≤ 35 ms a frame of the slider, heap ≤ 100 MB; ≤ 1.35 kB in the event
file for a spectrum of 512 eigenvalues, ≤ 3 ms to write a record. The file is not called tensorboard.py because the scripts
beside it import the package of that name.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np

MB = 1e6
SIZE = (200, 100, 266)  # layers, steps, float32 of a series and step
LARGE = (1000, 300, 64)
ARMS = {
    "overview": ("redundancy", "view=overview"),
    "spectra": ("redundancy", "view=spectrum"),
    "spectra, Plotly": ("bench_plotly", ""),
}


def in_the_browser(folder: Path, size: tuple[int, int, int], rounds: int, arms: dict, plotly: Path | None) -> dict:
    """All arms in turn, `rounds` times."""
    from _tensorboard import browser as tabs
    from _tensorboard.spectra import EVERY, write_run
    from _timing import rotated

    layers, steps, values = size
    size_of_file = write_run(folder / "run", layers, steps, values)
    told = {"layers": layers, "steps": steps, "values": values, "file_bytes": size_of_file}
    print(f"{layers} layers × {steps} steps × {values} values: {size_of_file / MB:.0f} MB of events", flush=True)
    found: dict[str, list[dict]] = {name: [] for name in arms}
    with (
        tabs.tensorboard(folder, layers, EVERY * (steps - 1), plotly) as (address, seconds),
        tabs.chromium() as browser,
    ):
        told |= {
            "read_seconds": seconds,
            "chromium": browser.version,
            "heap_without": tabs.heap_without(browser, address),
        }
        cards = tabs.measure(browser, address, *ARMS["spectra"])["cards"]  # and everything is warm
        for number in range(rounds):
            for name in rotated(arms, number):
                found[name].append(tabs.measure(browser, address, *arms[name], cards))
                print(f"  round {number + 1}, {name}: {_line(found[name][-1], told['heap_without'])}", flush=True)
    return {**told, "cards": cards, "arms": {name: _summed(each, told["heap_without"]) for name, each in found.items()}}


def _line(one: dict, without: float) -> str:
    frames = np.median(one["frames"])
    heap = (one["heap"] - without) / MB
    return f"{one['first_paint']:.0f} ms, {one['all_data']:.0f} ms, {frames:.0f} ms a frame, {heap:.0f} MB"


def _summed(measured: list[dict], without: float) -> dict:
    """Summaries over the rounds; of frames over those of all rounds."""
    from _timing import summary

    found: dict = {name: summary([one[name] for one in measured]) for name in ("first_paint", "all_data")}
    for name in ("frames", "scripts"):
        samples = np.concatenate([one[name] for one in measured])
        found[name] = {**summary(samples), "percentile_95": np.quantile(samples, 0.95)}
    for name in ("heap", "heap_peak"):
        found[name] = summary([one[name] - without for one in measured])
    said = measured[-1]["said"]
    return {**found, "heap_with_tensorboard": summary([one["heap"] for one in measured]), "said_first": said[:3]}


def bytes_of_a_spectrum(folder: Path, steps: int = 100) -> float:
    """Bytes in the event file per spectrum of 512 eigenvalues, of 20 layers, the metadata of the first of each included."""
    from _tensorboard.spectra import RATIO, header_of, learning
    from tensorboard_plugin_redundancy import schema

    from tfredundancy.inspection.summaries import EventLog, Series

    log = EventLog(folder)
    for step, values in enumerate(learning(512, steps, np.random.default_rng(0))):
        thinned = schema.thinned(values)
        shape = (512, int(RATIO * 512))
        log.catch_up(
            [(step, {})], [Series("esd", f"layer{i}", shape, header_of(values), thinned, i) for i in range(20)]
        )
    return sum(file.stat().st_size for file in Path(folder).iterdir()) / (20 * steps)


def seconds_of_a_record(folder: Path, steps: int = 200) -> dict:
    """What RedundancyMonitor writes of a step with one and with 20 Dense layers of 512 units: table, scalars and all series."""
    from _timing import summary

    from tfredundancy.inspection.logs import RecordLog

    found = {}
    for number in (1, 20):
        records = _records(number)
        log = RecordLog(folder / str(number))
        seconds, cpu = [], []
        for step in range(steps):
            clock, processor = time.perf_counter(), time.process_time()
            log.write(step, step, records)
            cpu.append((time.process_time() - processor) / number)
            seconds.append((time.perf_counter() - clock) / number)
        size = sum(file.stat().st_size for file in log.directory.glob("*tfevents*"))
        found[number] = {
            **summary(seconds[1:]),
            "cpu": summary(cpu[1:]),
            "first": seconds[0],
            "event_bytes": size / (number * steps),
        }
    return found


def _records(number: int) -> list:
    """Records of that many Dense layers of 512 units on 1024 inputs."""
    from dataclasses import replace

    import keras

    from tfredundancy.inspection.analysis import records
    from tfredundancy.inspection.records import Settings

    model = keras.Sequential([keras.Input((1024,)), keras.layers.Dense(512, name="dense", use_bias=False)])
    (record,) = records(model, settings=Settings(replicates=0))
    return [replace(record, path=f"dense{i}/kernel") for i in range(number)]


def rows_of(found: dict) -> list[list[str]]:
    """A line for each arm."""
    return [
        [
            name, _spread(arm["first_paint"], 1e-3), _spread(arm["all_data"], 1e-3),
            f"{arm['frames']['median']:.0f}", f"{arm['frames']['percentile_95']:.0f}", f"{arm['scripts']['median']:.1f}",
            _spread(arm["heap"], 1 / MB, 0), f"{arm['heap_with_tensorboard']['median'] / MB:.0f}",
        ]
        for name, arm in found["arms"].items()
    ]  # fmt: skip


def _spread(summary: dict, unit: float, digits: int = 2) -> str:
    median, low, high = (f"{unit * summary[name]:.{digits}f}" for name in ("median", "minimum", "maximum"))
    return f"{median} [{low}, {high}]"


def targets_of(small: dict, size: float, seconds: dict) -> dict[str, bool]:
    """Text → met or not."""
    limits = {
        "first_paint": ("first paint {:.2f} s, at most 1 s", 1e-3, 1),
        "all_data": ("all data {:.2f} s, at most 2 s", 1e-3, 2),
        "frames": ("a frame of the slider {:.0f} ms, at most 35 ms", 1, 35),
        "heap": ("heap {:.0f} MB, at most 100 MB", 1 / MB, 100),
    }
    found = {}
    for arm in ("overview", "spectra"):
        for name, (text, unit, most) in limits.items():
            value = unit * small["arms"][arm][name]["median"]
            found[f"{arm}: {text.format(value)}"] = value <= most
    found[f"a spectrum of 512 eigenvalues {size:.0f} bytes, at most 1350"] = size <= 1350
    for number, each in seconds.items():
        wall, cpu = 1e3 * each["median"], 1e3 * each["cpu"]["median"]
        text = f"writing a record, {number} a step: {wall:.2f} ms ({cpu:.2f} of CPU), at most 3 ms"
        found[text] = each["median"] <= 3e-3
    return found


HEADER = (
    "",
    "first paint, s",
    "all data, s",
    "frame, ms",
    "p95",
    "scripts of it, ms",
    "heap, MB",
    "with TensorBoard's",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="each in a fresh browser context")
    parser.add_argument("--size", type=int, nargs=3, default=SIZE, help="layers, steps, values")
    parser.add_argument("--large", type=int, nargs=3, default=LARGE, help="layers, steps, values; 0 0 0 leaves it out")
    parser.add_argument("--events", help="folder that keeps the event files, and may have them from before")
    parser.add_argument("--no-plotly", action="store_true", help="ours alone")
    parser.add_argument("--out", default="runs/benchmarks", help="folder for tensorboard.json")
    args = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from _tensorboard import browser as tabs
    from _timing import print_table, print_targets, write

    load = os.getloadavg()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        events = Path(args.events) if args.events else folder
        size, seconds = bytes_of_a_spectrum(folder / "bytes"), seconds_of_a_record(folder / "records")
        plotly = None if args.no_plotly else tabs.fetch_plotly(folder / "npm")
        version = tabs.plotly_version(plotly) if plotly else None
        arms = {arm: each for arm, each in ARMS.items() if plotly or each[0] == "redundancy"}
        small = in_the_browser(events / "small", tuple(args.size), args.rounds, arms, plotly)
        print_table(HEADER, rows_of(small))
        targets = targets_of(small, size, seconds)
        print_targets(targets)
        record = {
            "question": "the TensorBoard tab beside Plotly, and what a record costs", "load_before": load,
            "load_after": os.getloadavg(), "plotly": version, "spectrum_bytes": size, "record_seconds": seconds,
            "small": small, "targets": targets,
        }  # fmt: skip
        write(args.out, "tensorboard", record)  # the large one takes as long again
        if args.large[0]:
            ours = {arm: each for arm, each in ARMS.items() if each[0] == "redundancy"}
            large = in_the_browser(events / "large", tuple(args.large), (args.rounds + 1) // 2, ours, None)
            print_table(HEADER, rows_of(large))
            write(args.out, "tensorboard", record | {"large": large, "load_after": os.getloadavg()})


if __name__ == "__main__":
    main()
