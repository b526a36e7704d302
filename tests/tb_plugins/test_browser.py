"""In a browser: what is drawn is what was written, nothing of a name runs, and what is clicked happens.

Chromium is driven by Playwright; where one of them is missing these tests are skipped and say so.
"""

import base64
import json
import re
import shutil

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import TENSORS, EventAccumulator
from tensorboard.util.tensor_util import make_ndarray
from tensorboard_plugin_redundancy import schema

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install playwright")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium")
MS = 120_000
RUN, LAYER = "baseline", "block1/conv/kernel"


@pytest.fixture(scope="module")
def address(shown, tensorboard):
    """Return the address of a TensorBoard with the runs of demo.py."""
    return tensorboard("--logdir", shown).address


@pytest.fixture(scope="module")
def written(shown):
    """Return a function: (run, tag) → {step: vector} as TensorBoard's own reader finds them in the event files."""

    def read(run, tag):
        events = EventAccumulator(str(shown / run), size_guidance={TENSORS: 0}).Reload().Tensors(tag)
        return {event.step: make_ndarray(event.tensor_proto) for event in events}

    return read


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


class Page:
    """The tab Redundancy of a page."""

    def __init__(self, browser, address, state="", size=(1400, 900), query=""):
        self.context = browser.new_context(viewport={"width": size[0], "height": size[1]}, accept_downloads=True)
        self.context.set_default_timeout(MS)
        self.page = self.context.new_page()
        self.complaints = []
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.open(address, state, query)

    def open(self, address, state="", query=""):
        said = f"&p.redundancy.state={state}" if state else ""
        self.page.goto(f"{address}/?{query}#redundancy{said}")
        self.page.wait_for_selector("iframe[src*='name=redundancy']", state="attached")
        element = self.page.query_selector("iframe[src*='name=redundancy']")
        self.frame = element.content_frame()
        self.ready()

    def _listen(self, said):
        """Errors, and warnings of ours: TensorBoard's own page has one."""
        if said.type == "error" or (said.type == "warning" and "redundancy" in said.location["url"]):
            self.complaints.append(f"{said.text} ({said.location['url']})")

    def ready(self):
        self.frame.wait_for_function("() => window.redundancy && window.redundancy.ready")

    def until(self, condition):
        """Wait for a condition in JavaScript on the `state`."""
        self.frame.wait_for_function(f"() => {{ const state = window.redundancy.state(); return {condition}; }}")
        self.ready()

    @property
    def state(self):
        return self.frame.evaluate("() => window.redundancy.state()")

    def drawn(self, **wanted):
        """The cards that have these values."""
        self.ready()
        cards = self.frame.evaluate("() => window.redundancy.drawn()")
        return [card for card in cards if all(card.get(name) == value for name, value in wanted.items())]

    def tab(self, name):
        self.frame.get_by_role("tab", name=name).click()
        self.until(f"state.view === {name.lower()!r}")

    def only(self, run):
        self.frame.get_by_title(f"show only {run}", exact=True).click(force=True)
        self.until(f"state.shown.length === 1 && state.shown[0] === {json.dumps(run)}")


@pytest.fixture
def opened(browser, address):
    """Return a function that opens the tab; at the end nothing may have been complained about, and nothing hostile run."""
    pages = []

    def open_page(state="", **options):
        pages.append(Page(browser, address, state, **options))
        return pages[-1]

    yield open_page
    for each in pages:
        assert each.page.evaluate("() => window.PWN") is None and each.frame.evaluate("() => window.PWN") is None
        each.context.close()
        assert each.complaints == []


def state(**values):
    """A deep link's text."""
    from urllib.parse import quote, urlencode

    return quote(urlencode(values), safe="")


def marks(card, **wanted):
    return [mark for mark in card["marks"] if all(mark.get(name) == value for name, value in wanted.items())]


# --- drawn == written ---


@pytest.mark.parametrize("log", [True, False])
def test_a_spectrum_is_what_was_written(opened, written, log):
    page = opened(state(view="spectrum", layer=LAYER, step=50, logX=str(log).lower(), bins=30))
    page.only(RUN)
    header, eigenvalues = schema.decode("esd", written(RUN, f"{LAYER}/esd")[50])
    (card,) = page.drawn(kind="spectrum", title=LAYER)
    assert card["runs"] == [RUN] and card["step"] == 50 and card["x"]["scale"] == ("log" if log else "linear")
    (bars,) = marks(card, type="bars")
    edges = np.array(bars["edges"])
    widths = np.diff(np.log(edges) if log else edges)
    counts = np.array(bars["heights"]) * header["n_total"] * widths
    np.testing.assert_allclose(counts, np.histogram(eigenvalues.astype(float), edges)[0], atol=1e-6)
    assert counts.sum() == pytest.approx(len(eigenvalues))
    (edge,) = [mark for mark in marks(card, type="rule", ink="noise")]
    assert edge["x"] == pytest.approx(header["bulk_edge"])
    rug = [x for mark in marks(card, type="rug") for x in mark["x"]]
    np.testing.assert_allclose(rug, eigenvalues[eigenvalues > header["bulk_edge"]], rtol=1e-6)


def test_angles_are_what_was_written(opened, written):
    page = opened(state(view="angles", layer=LAYER, step=150, degrees=3, threshold=60))
    page.only(RUN)
    _, (angles, clusters) = schema.decode("angles", written(RUN, f"{LAYER}/angles")[150])
    (card,) = [card for card in page.drawn(kind="angles", title=LAYER) if marks(card, type="bars")]
    bars = marks(card, type="bars")
    assert card["step"] == 150 and len(bars) == len(set(clusters.tolist()))
    for mark, cluster in zip(bars, sorted(set(clusters.tolist())), strict=True):
        expected = np.histogram(angles[clusters == cluster].astype(float), mark["edges"])[0]
        np.testing.assert_array_equal(mark["heights"], expected)
        assert np.diff(mark["edges"]) == pytest.approx(3)
    (null,) = marks(card, type="outline", ink="noise")
    counts = schema.decode("angles_null", written(RUN, f"{LAYER}/angles_null")[150])[1]
    wide = np.add.reduceat(counts, np.arange(0, 180, 3))[: len(null["heights"])] * len(angles) / counts.sum()
    np.testing.assert_allclose(null["heights"], wide, rtol=1e-6)
    within = int((angles <= 60).sum())
    assert any(f"{within} of {len(angles)} units within 60°" in each["text"] for each in card["messages"])


def test_pairs_are_what_was_written(opened, written):
    page = opened(state(view="angles", layer=LAYER, step=0, degrees=1))
    page.only(RUN)
    counts = schema.decode("pair_angles", written(RUN, f"{LAYER}/pair_angles")[0])[1]
    page.frame.locator("figure.card").nth(1).scroll_into_view_if_needed()
    page.frame.wait_for_function("() => window.redundancy.drawn().some((card) => card.id.includes('pairs'))")
    card = next(card for card in page.drawn(title=LAYER) if card["id"].startswith('["pairs"'))
    (bars,) = marks(card, type="bars")
    heights = np.array(bars["heights"])
    assert heights.sum() > 0
    np.testing.assert_allclose(heights / heights.sum(), counts[: len(heights)] / counts.sum(), atol=1e-6)


def test_a_mask_is_what_was_written(opened, written):
    page = opened(state(view="masks", layer=LAYER))
    page.only("pruned")
    masks = written("pruned", f"{LAYER}/mask")
    (kept,) = page.drawn(kind="kept units", title=LAYER)
    (line,) = marks(kept, type="line")
    assert line["x"] == list(masks)
    assert line["y"] == [schema.decode("mask", vector)[0]["kept"] for vector in masks.values()]
    page.frame.locator("figure.card").nth(1).scroll_into_view_if_needed()
    page.frame.wait_for_function("() => window.redundancy.drawn().some((card) => card.kind === 'mask')")
    (which,) = page.drawn(kind="mask", title=LAYER)
    (cells,) = marks(which, type="cells")
    drawn = np.array(cells["values"]).reshape(cells["rows"], cells["columns"])
    np.testing.assert_array_equal(drawn.T, [schema.decode("mask", vector)[1] for vector in masks.values()])


def test_the_overview_has_every_layer_in_network_order(opened):
    page = opened()
    page.only("pruned")
    (table,) = page.drawn(kind="table")
    assert [row["layer"] for row in table["rows"]] == ["stem/conv/kernel", "block1/conv/kernel", "block2/conv/kernel"]
    assert all(any(cell for cell in row["cells"]) for row in table["rows"])


def test_pictures_are_not_blank(opened):
    page = opened(state(view="spectrum"))
    colours = page.frame.evaluate(
        """() => [...document.querySelectorAll('canvas.plot')].filter((c) => c.width).map((canvas) => {
            const data = new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer);
            return new Set(data).size; })"""
    )
    assert colours and min(colours) > 10


# --- what is clicked happens ---


def test_runs_are_chosen_as_in_scalars(opened):
    page = opened(state(view="spectrum"))
    everything = page.state["runs"]
    assert page.state["shown"] == everything and RUN in everything
    page.only(RUN)
    page.page.wait_for_function("() => location.hash.includes('runSelectionState')")
    words = re.search(r"runSelectionState=([^&]+)", page.page.url).group(1)
    chosen = json.loads(base64.b64decode(words.replace("%3D", "=") + "==="))
    assert {run for run in everything if chosen.get(run, True)} == {RUN}
    assert all(card["runs"] == [RUN] for card in page.drawn(kind="spectrum"))


def test_a_link_opens_what_it_was_copied_from(opened):
    page = opened(state(view="angles", layer=LAYER, step=100, threshold=42))
    found = page.state
    assert (found["view"], found["layer"], found["step"], found["threshold"]) == ("angles", LAYER, 100, 42)


def test_state_and_runs_survive_a_change_of_tabs_and_follow_scalars(opened):
    page = opened()
    page.tab("Angles")
    page.page.get_by_role("tab", name="Scalars").click()
    page.page.locator("[id='checkbox-pruned']").click()
    page.page.get_by_role("tab", name="Redundancy").click()
    page.until("state.view === 'angles' && !state.shown.includes('pruned')")
    assert len(page.state["shown"]) == len(page.state["runs"]) - 1


def test_dark_mode_follows_tensorboard(opened):
    page = opened()
    ground = "() => getComputedStyle(document.body).backgroundColor"
    light = page.frame.evaluate(ground)
    assert page.state["dark"] is False
    page.page.evaluate("() => document.body.classList.add('dark-mode')")
    page.until("state.dark === true")
    assert page.frame.evaluate(ground) != light
    page.page.evaluate("() => document.body.classList.remove('dark-mode')")
    page.until("state.dark === false")
    assert page.frame.evaluate(ground) == light


def test_dark_from_the_beginning(opened):
    assert opened(query="darkMode=true").state["dark"] is True


@pytest.mark.parametrize("kind", ["CSV", "SVG", "PNG", "NPZ"])
def test_downloads(opened, tmp_path, kind):
    page = opened(state(view="spectrum", layer=LAYER, step=50))
    page.only(RUN)
    card = page.frame.locator("figure.card").first
    card.hover()
    with page.page.expect_download() as download:
        card.get_by_text(kind, exact=True).click()
    file = tmp_path / "file"
    download.value.save_as(file)
    assert download.value.suggested_filename.endswith(f".{kind.lower()}")
    begin = {"CSV": b"", "SVG": b"<svg", "PNG": b"\x89PNG", "NPZ": b"PK\x03\x04"}[kind]
    assert file.read_bytes().startswith(begin) and file.stat().st_size > 500


# --- states ---


def test_what_can_not_be_drawn_is_told(opened):
    page = opened()
    text = page.frame.locator("section.unreadable").inner_text()
    assert "can not be drawn" in text
    page.frame.locator("section.unreadable summary").click()
    assert "written by a newer tfredundancy: schema 99" in page.frame.locator("section.unreadable").inner_text()


def test_weights_that_are_nan_are_told(opened):
    page = opened(state(view="spectrum", layer="broken/kernel"))
    page.only(RUN)
    (card,) = page.drawn(kind="spectrum", title="broken/kernel")
    assert any(each["level"] == "warning" and "NaN" in each["text"] for each in card["messages"]), card["messages"]


def test_hostile_names_are_drawn(opened, demo):
    """That nothing of them ran is seen when the page is closed."""
    for view in ("spectrum", "angles"):
        page = opened(state(view=view), size=(2560, 1440))
        page.only("hostile <b>&'\"%23")
        assert {card["title"] for card in page.drawn()} & set(demo.HOSTILE)
        assert page.frame.locator("script, img").count() == page.frame.locator("body > script").count()


def test_what_is_appended_appears(browser, demo, tensorboard, tmp_path):
    """And before there is anything, the page says how to log it."""
    folder = tmp_path / "runs"
    folder.mkdir()
    page = Page(browser, tensorboard("--logdir", folder).address)
    assert "RedundancyMonitor" in page.frame.locator("body").inner_text()
    run = demo.Run(folder / "live")
    for step in (0, 7):
        run.write(step, [run.series("mask", "a", (3, 2), {"units": 3, "kept": 2}, [1, 0, 1])])
        page.until(f"state.runs.includes('live') && state.steps.includes({step})")
    page.context.close()
    assert page.complaints == []
