"""TensorBoard over a folder, and what headless Chromium measures of a tab of it.

    with tensorboard(runs, plotly) as address, chromium() as browser:
        measure(browser, address, "redundancy", "view=spectrum")

First paint and all data are in milliseconds from the iframe's own start; see watch.js.
"""

import contextlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

HERE = Path(__file__).parent
TOP = HERE.parents[1]
SIZE = {"width": 1400, "height": 900}
SECONDS = 600  # to wait for anything
ENTRY_POINTS = {
    "redundancy": "tensorboard_plugin_redundancy.loader:RedundancyLoader",
    "bench_plotly": "plotly_plugin:PlotlyPlugin",
}


def fetch_plotly(folder: Path) -> Path:
    """Plotly's cartesian bundle, from npm into the folder."""
    if shutil.which("npm") is None:
        raise SystemExit("npm is missing, which fetches Plotly; --no-plotly does without")
    package = "plotly.js-cartesian-dist-min"
    subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", folder, package], check=True)
    return folder / "node_modules" / package / "plotly-cartesian.min.js"


def plotly_version(file: Path) -> str:
    """Of the fetched bundle."""
    return json.loads((file.parent / "package.json").read_text())["version"]


@contextlib.contextmanager
def tensorboard(logdir: Path, series: int, last: int, plotly: Path | None = None) -> Iterator[tuple[str, float]]:
    """(address, seconds until it had read all events) of a TensorBoard with both plugins."""
    with tempfile.TemporaryDirectory() as folder:
        _entry_points(Path(folder), plotly is not None)
        paths = [TOP, TOP / "tb_plugins", HERE, folder]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths)), "PLOTLY": str(plotly)}
        command = [
            sys.executable,
            "-m",
            "tensorboard.main",
            "--logdir",
            logdir,
            "--port",
            "0",
            "--reload_interval",
            "2",
        ]
        log = Path(folder) / "log"
        clock = time.perf_counter()
        with open(log, "w") as file:
            process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=environment)
        try:
            address = _wait_for(lambda: _address(process, log))
            _wait_for(lambda: _all_read(address, series, last))
            yield address, time.perf_counter() - clock
        finally:
            process.terminate()
            process.wait(SECONDS)


def _entry_points(folder: Path, plotly: bool) -> None:
    """What TensorBoard finds plugins by, for those that are not installed."""
    installed = {point.name for point in importlib.metadata.entry_points(group="tensorboard_plugins")}
    wanted = [name for name in ENTRY_POINTS if name not in installed and (plotly or name != "bench_plotly")]
    info = folder / "benchmark-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: benchmark\nVersion: 0\n")
    lines = [f"{name} = {ENTRY_POINTS[name]}" for name in wanted]
    (info / "entry_points.txt").write_text("\n".join(["[tensorboard_plugins]", *lines, ""]))


def _address(process: subprocess.Popen, log: Path) -> str | None:
    if process.poll() is not None:
        raise SystemExit(log.read_text())
    found = re.search(r"at (http://localhost:\d+)", log.read_text())
    return found and found[1]


def _all_read(address: str, series: int, last: int) -> bool:
    with urllib.request.urlopen(f"{address}/data/plugin/redundancy/tags", timeout=SECONDS) as answer:
        runs = json.load(answer)["runs"]
    found = [info["maxStep"] for tags in runs.values() for info in tags.values()]
    return len(found) == series and min(found) == last


def _wait_for(condition):
    end = time.monotonic() + SECONDS
    while not (found := condition()):
        if time.monotonic() > end:
            raise SystemExit(f"TensorBoard was not ready within {SECONDS} s")
        time.sleep(0.5)
    return found


@contextlib.contextmanager
def chromium() -> Iterator:
    """Debian's Chromium, headless, driven by Playwright."""
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        raise SystemExit("Chromium is not installed: apt-get install chromium")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


def measure(browser, address: str, plugin: str, state: str = "", cards: dict | None = None) -> dict:
    """Open a tab, wait for all of it, move its slider over every step, weigh the heap.

    Args:
        browser: of `chromium`.
        address: of a TensorBoard.
        plugin: the tab's name.
        state: what our page is to show, as in its links.
        cards: number and size of the cards that Plotly draws.

    Returns:
        first_paint, all_data: milliseconds; frames, scripts: milliseconds of each slider move; heap, heap_peak: bytes with
        TensorBoard's own page; said: what the page told while it loaded; cards: number and size of those on the screen.
    """
    with _opened(browser) as page:
        page.add_init_script(path=HERE / "watch.js")
        page.add_init_script(f"window.cards = {json.dumps(cards)}")
        page.goto(f"{address}/#{plugin}&p.redundancy.state={quote(state, safe='')}")
        frame = page.wait_for_selector(f"iframe[src*='name={plugin}']", state="attached").content_frame()
        frame.wait_for_function("() => window.benchmark?.all !== undefined")
        seen = frame.evaluate("() => window.benchmark")
        peak = _heap(page)
        moved = frame.evaluate(
            "() => { const slider = document.querySelector('input.steps');"
            " return window.slide(slider, Array.from({length: Number(slider.max) + 1}, (_, i) => i)); }"
        )
        return {
            "first_paint": seen["first"], "all_data": seen["all"], "said": seen["said"], **moved,
            "heap_peak": peak, "heap": _heap(page, collected=True), "cards": frame.evaluate(_CARDS),
        }  # fmt: skip


_CARDS = """() => {
    const shown = [...document.querySelectorAll("canvas.plot")].filter((canvas) => canvas.width > 0);
    const { clientWidth: width = 0, clientHeight: height = 0 } = shown[0]?.parentElement ?? {};
    return { number: shown.length, width, height };
}"""


def heap_without(browser, address: str) -> float:
    """Bytes of TensorBoard's own page, whose tab stays empty."""
    with _opened(browser) as page:
        page.route("**/plugin_entry.html*", lambda route: route.abort())
        page.goto(f"{address}/#redundancy")
        page.wait_for_selector("iframe", state="attached")
        page.wait_for_load_state("networkidle")
        return _heap(page, collected=True)


@contextlib.contextmanager
def _opened(browser):
    context = browser.new_context(viewport=SIZE)  # of its own, so that nothing is cached
    context.set_default_timeout(1000 * SECONDS)
    try:
        yield context.new_page()
    finally:
        context.close()


def _heap(page, collected: bool = False) -> float:
    """Bytes of JavaScript objects and of array buffers; the iframe shares its page's heap."""
    session = page.context.new_cdp_session(page)
    if collected:
        session.send("HeapProfiler.collectGarbage")
    found = session.send("Runtime.getHeapUsage")
    session.detach()
    return found["usedSize"] + found["backingStorageSize"]
