"""Event files of every kind, the plugin's routes over them, and TensorBoard itself in both of its loading modes."""

import importlib.util
import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from configparser import ConfigParser
from importlib import metadata
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pytest
from tensorboard_plugin_redundancy import framing, schema

TOP = Path(__file__).parents[2]
DATA = "/data/plugin/redundancy/"
START, WAIT = 300, 60  # seconds: TensorFlow is slow to come up where many share a machine


@pytest.fixture(scope="session")
def demo():
    """Return the module demo.py."""
    spec = importlib.util.spec_from_file_location("tb_demo", Path(__file__).with_name("demo.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def header(kind, first=0.5):
    """A different number for each header scalar of a kind."""
    return {name: first + i for i, name in enumerate(schema.HEADERS[kind])}


def data(kind, rng):
    """Data of a kind, NaN and infinity among them."""
    shapes = {"angles": (2, 5), "angles_null": (180,), "pair_angles": (180,)}
    found = rng.normal(size=shapes.get(kind, (7,))).astype(np.float32)
    found.flat[1], found.flat[3] = np.nan, np.inf
    return found


@pytest.fixture(scope="session")
def known(demo, tmp_path_factory):
    """Return (folder, {(run, tag): {step: vector}}) of two runs with all kinds, steps from 0 on, layers in no order of theirs."""
    folder, rng, written = tmp_path_factory.mktemp("known"), np.random.default_rng(5), {}
    for run_name in ("first", "deep/second"):
        run = demo.Run(folder / run_name)
        for step in (0, 1, 4, 9, 16):
            values = []
            for order, layer in ((2, "conv9"), (0, "stem"), (1, "conv10")):
                for kind in schema.HEADERS:
                    head, numbers = header(kind, step + order), data(kind, rng)
                    values.append(run.series(kind, layer, (7, 27), head, numbers, order))
                    written.setdefault((run_name, schema.tag(layer, kind)), {})[step] = schema.encode(
                        kind, head, numbers
                    )
                values.append(demo.scalar(f"alpha/{layer}", step + order))
            values.append(demo.scalar("loss", 1.0))
            run.write(step, values, wall_time=1000.5 + step)
    return folder, written


@pytest.fixture(scope="session")
def shown(demo, tmp_path_factory):
    """Return a folder with demo.py's runs, the hostile one too."""
    folder = tmp_path_factory.mktemp("shown")
    demo.write(folder, layers=3, steps=4, hostile=True)
    return folder


class Routes:
    """The plugin's routes; `get` and `post` return (status, body, headers)."""

    def json(self, route, **arguments):
        status, body, _ = self.get(route, **arguments)
        assert status == 200, body
        return json.loads(body)

    def blocks(self, pairs, steps="all", scalars=False):
        """All blocks of a batch, however many answers they come in."""
        found, at = [], 0
        while at is not None:
            status, body, _ = self.post(
                {"series": [list(pair) for pair in pairs[at:]], "steps": steps, "scalars": scalars}
            )
            assert status == 200, body
            blocks, following = framing.unpack(body)
            found += blocks
            at = None if following is None else at + following
        return found


class InProcess(Routes):
    """Over a data provider in this process."""

    def __init__(self, folder, path_prefix=""):
        from tensorboard.backend.application import TensorBoardWSGI
        from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
        from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
        from tensorboard.plugins.base_plugin import TBContext
        from tensorboard_plugin_redundancy.plugin import RedundancyPlugin
        from werkzeug.test import Client

        self.multiplexer = EventMultiplexer(tensor_size_guidance={schema.PLUGIN_NAME: 0, "scalars": 1000})
        self.multiplexer.AddRunsFromDirectory(os.fspath(folder))
        self.multiplexer.Reload()
        self.provider = MultiplexerDataProvider(self.multiplexer, os.fspath(folder))
        self.plugin = RedundancyPlugin(TBContext(data_provider=self.provider))
        self.client = Client(TensorBoardWSGI([self.plugin], path_prefix, self.provider))

    def get(self, route, headers=None, method="GET", **arguments):
        answer = self.client.open(DATA + route, method=method, query_string=arguments, headers=headers)
        return answer.status_code, answer.get_data(), answer.headers

    def post(self, body=None, **options):
        answer = self.client.post(DATA + "batch", **({"json": body} | options))
        return answer.status_code, answer.get_data(), answer.headers


class Served(Routes):
    """Over HTTP."""

    def __init__(self, address):
        self.address = address

    def get(self, route, headers=None, **arguments):
        return self._ask(f"{route}?{urlencode(arguments)}", headers or {})

    def post(self, body):
        return self._ask("batch", {"Content-Type": "application/json"}, json.dumps(body).encode())

    def _ask(self, route, headers, body=None):
        try:
            with urllib.request.urlopen(
                urllib.request.Request(self.address + DATA + route, body, headers), timeout=WAIT
            ) as answer:
                return answer.status, answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            return error.code, error.read(), error.headers


@pytest.fixture(scope="session")
def routes(known):
    """Return the routes over the known runs."""
    return InProcess(known[0])


@pytest.fixture(scope="session")
def over():
    """Return a function: folder → routes."""
    return InProcess


def wait_for(condition, seconds=WAIT):
    """What the condition returns as soon as that is true."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"nothing within {seconds} s"
        time.sleep(0.2)
    return found


@pytest.fixture(scope="session")
def wait():
    """Return `wait_for`."""
    return wait_for


@pytest.fixture(scope="session")
def tensorboard(tmp_path_factory):
    """Return a function that starts TensorBoard with some words and returns `Served`; all are stopped at the end."""
    started = []

    def start(*words):
        folder = tmp_path_factory.mktemp("tensorboard")
        paths = [TOP, TOP / "tb_plugins", *_entry_point(folder)]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))}
        command = [sys.executable, "-m", "tensorboard.main", "--port", "0", "--reload_interval", "1", *map(str, words)]
        log = folder / "log"
        with open(log, "w") as file:
            process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=environment)
        started.append(process)

        def address():
            assert process.poll() is None, log.read_text()
            return re.search(r"at (http://localhost:\d+\S*?)/? ", log.read_text())

        served = Served(wait_for(address, START).group(1))
        served.log = log
        wait_for(lambda: served.get("tags")[0] == 200)
        return served

    yield start
    for process in started:
        process.terminate()
        process.wait(WAIT)


def _entry_point(folder):
    """A folder with the entry points of setup.cfg, where what is installed is older than they are."""
    if metadata.entry_points(group="tensorboard_plugins", name=schema.PLUGIN_NAME):
        return []
    setup = ConfigParser(interpolation=None)
    setup.read(TOP / "setup.cfg")
    info = folder / "redundancy-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: redundancy\nVersion: 0\n")
    points = setup["options.entry_points"]["tensorboard_plugins"]
    (info / "entry_points.txt").write_text(f"[tensorboard_plugins]{points}\n")
    return [folder]
