"""What TensorBoard imports at its start: light, and it keeps every step unless the user said otherwise."""

import subprocess
import sys
from configparser import ConfigParser
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from tensorboard import program
from tensorboard.plugins.base_plugin import TBContext, TBLoader
from tensorboard.plugins.core.core_plugin import CorePluginLoader
from tensorboard_plugin_redundancy.loader import RedundancyLoader

TOP = Path(__file__).parents[2]
SETUP = ConfigParser(interpolation=None)
SETUP.read(TOP / "setup.cfg")


def flags(*words):
    """What TensorBoard makes of a command line."""
    tensorboard = program.TensorBoard(plugins=[CorePluginLoader(), RedundancyLoader()])
    tensorboard.configure(["tensorboard", "--logdir", "runs", *words])
    return tensorboard.flags


def test_every_step_is_kept():
    found = flags()
    assert found.samples_per_plugin == {"redundancy": 0} and found.reload_multifile is True


@pytest.mark.parametrize("n", [0, 1, 7])
def test_what_the_user_says_wins(n):
    found = flags("--samples_per_plugin", f"redundancy={n},images=3", "--reload_multifile", "false")
    assert found.samples_per_plugin == {"redundancy": n, "images": 3} and found.reload_multifile is False


def test_other_plugins_keep_their_samples():
    assert flags("--samples_per_plugin", "images=3").samples_per_plugin == {"images": 3, "redundancy": 0}


def test_it_loads_the_plugin_whatever_the_context_lacks():
    plugin = RedundancyLoader().load(TBContext())
    assert plugin.plugin_name == "redundancy" and not plugin.is_active()


def test_the_entry_point_leads_here():
    ((name, value),) = [
        line.split(" = ") for line in SETUP["options.entry_points"]["tensorboard_plugins"].split("\n") if line
    ]
    assert name == "redundancy"
    loader = EntryPoint(name, value, "tensorboard_plugins").load()
    assert loader is RedundancyLoader and issubclass(loader, TBLoader)


def test_the_page_is_packed():
    assert SETUP["options.package_data"]["tensorboard_plugin_redundancy"] == "static/*, static/**/*"


def without(*names):
    """Python that knows nothing of some packages."""
    return f"""
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names}:
            raise ImportError(name)
sys.meta_path.insert(0, Blocked())
"""


def run(code):
    done = subprocess.run([sys.executable, "-W", "error::UserWarning", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_it_needs_neither_tensorflow_nor_keras_nor_us(shown):
    code = (
        without("tensorflow", "keras", "tfredundancy", "pkg_resources", "setuptools", "pandas", "scipy")
        + f"""
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.plugins.base_plugin import TBContext
from tensorboard_plugin_redundancy.loader import RedundancyLoader
from werkzeug.test import Client
runs = EventMultiplexer().AddRunsFromDirectory({str(shown)!r}).Reload()
plugin = RedundancyLoader().load(TBContext(data_provider=MultiplexerDataProvider(runs, "")))
print(len(Client(plugin.get_plugin_apps()["/tags"]).get("/").get_json()["runs"]))
"""
    )
    assert run(code) == "4"


def test_its_import_brings_nothing_along():
    code = """
import sys
from tensorboard.plugins import base_plugin
before = set(sys.modules)
import tensorboard_plugin_redundancy.loader
print(sorted(set(sys.modules) - before))
"""
    assert run(code) == "['tensorboard_plugin_redundancy', 'tensorboard_plugin_redundancy.loader']"
