"""A TensorBoard plugin that draws the spectra of tfredundancy by Plotly: the benchmark's peer, below the same origin and policy.

Plotly itself lies where the environment variable PLOTLY says.
"""

import os
from pathlib import Path

from tensorboard.backend import http_util
from tensorboard.plugins import base_plugin
from werkzeug import wrappers


class PlotlyPlugin(base_plugin.TBPlugin):
    """Two static files."""

    plugin_name = "bench_plotly"

    def get_plugin_apps(self):
        page = Path(__file__).with_name("plotly_page.js")
        return {"/static/index.js": _served(page), "/static/plotly.js": _served(Path(os.environ["PLOTLY"]))}

    def is_active(self):
        return True

    def frontend_metadata(self):
        return base_plugin.FrontendMetadata(es_module_path="/static/index.js", tab_name="Plotly")


def _served(file):
    @wrappers.Request.application
    def serve(request):
        return http_util.Respond(request, file.read_bytes(), "application/javascript")

    return serve
