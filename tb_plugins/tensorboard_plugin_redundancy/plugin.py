"""The routes of the plugin, below `data/plugin/redundancy/`.

    GET  tags      JSON: {"version": 1, "runs": {run: {tag: {...}}}, "scalars": {run: {tag: {...}}}}, tags in network order; ETag
    POST batch     {"series": [[run, tag], …], "steps": "all" | "last" | [step, …], "scalars": bool}, JSON or a form → framing.py
    GET  series    ?run=&tag=&steps=&scalars=   the same of one series; steps may be 1,5,9
    GET  export    ?run=&tag=&format=csv|npz&step=&scalars=   → exporting.py
    GET  static/*  the page

Whatever is asked wrongly is answered by 400, what is not there by 404, a series that can not be read by its own `error`.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tensorboard import errors, plugin_util
from tensorboard.backend import http_util
from tensorboard.plugins import base_plugin
from werkzeug import wrappers

from tensorboard_plugin_redundancy import PLUGIN_NAME, exporting, framing, reading

STATIC = Path(__file__).parent / "static"
MOST_BYTES = 2**25  # of one answer: what does not fit is asked for again
MIME_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".map": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}


class RedundancyPlugin(base_plugin.TBPlugin):
    """Spectra, angles and masks of layers, from TensorBoard's data provider to the page."""

    plugin_name = PLUGIN_NAME

    def __init__(self, context):
        self._provider = context.data_provider

    def get_plugin_apps(self):
        return {
            "/tags": self._serve_tags,
            "/batch": self._serve_batch,
            "/series": self._serve_series,
            "/export": self._serve_export,
            "/static/*": self._serve_static,
        }

    def is_active(self):
        return False  # TensorBoard itself sees whether there is data of our name

    def frontend_metadata(self):
        return base_plugin.FrontendMetadata(es_module_path="/static/index.js", tab_name="Redundancy")

    def _source(self, request, scalars: bool = False) -> reading.Source:
        environ = request.environ
        return reading.Source(self._provider, plugin_util.context(environ), plugin_util.experiment_id(environ), scalars)

    @wrappers.Request.application
    def _serve_tags(self, request):
        runs = reading.in_order(self._source(request).listed())
        scalars = reading.in_order(self._source(request, scalars=True).listed())
        scalars = {run: scalars.get(run, {}) for run in runs}
        body = json.dumps(
            {"version": 1, "runs": _each(runs, _series), "scalars": _each(scalars, _scalar)}, allow_nan=False
        )
        tag = hashlib.blake2b(body.encode(), digest_size=16).hexdigest()
        headers = [("ETag", f'W/"{tag}"')]
        if request.if_none_match.contains_weak(tag):
            return _NotModified(headers=http_util.Respond(request, "", "application/json", headers=headers).headers)
        return http_util.Respond(request, body, "application/json", headers=headers)

    @wrappers.Request.application
    def _serve_batch(self, request):
        if request.method != "POST":
            raise errors.InvalidArgumentError(f"`batch` takes POST. Received: {request.method}")
        asked = _body(request)
        source = self._source(request, _flag(asked.get("scalars", False)))
        found = reading.blocks(source, _pairs(asked.get("series")), _steps(asked.get("steps", "all")))
        taken, size = [], 0
        for block in found:
            size += block.size
            if taken and size > MOST_BYTES:
                return _binary(request, framing.pack(taken, len(taken)))
            taken.append(block)
        return _binary(request, framing.pack(taken))

    @wrappers.Request.application
    def _serve_series(self, request):
        return _binary(request, framing.pack([self._one(request, _steps(request.args.get("steps", "all")))]))

    @wrappers.Request.application
    def _serve_export(self, request):
        kind = request.args.get("format", "csv")
        if kind not in ("csv", "npz"):
            raise errors.InvalidArgumentError(f"`format` must be csv or npz. Received: {kind}")
        step = request.args.get("step")
        block = self._one(request, "all" if step is None else _steps(step))
        if not block.steps:
            raise errors.InvalidArgumentError(f"{block.tag} of {block.run}: {block.error}")
        headers = [("Content-Disposition", f'attachment; filename="{_file_name(block)}.{kind}"')]
        if kind == "csv":
            return http_util.Respond(request, exporting.csv(block), "text/csv", headers=headers)
        return http_util.Respond(request, exporting.npz(block), "application/octet-stream", headers=headers)

    def _one(self, request, steps: reading.Steps) -> framing.Block:
        """The series that a request names."""
        pairs = _pairs([[request.args.get("run"), request.args.get("tag")]])
        source = self._source(request, _flag(request.args.get("scalars", False)))
        (run, tag), listed = pairs[0], source.listed(pairs)
        if tag not in listed.get(run, {}):
            raise errors.NotFoundError(f"no series {tag} of {run}")
        return next(reading.blocks(source, pairs, steps))

    @wrappers.Request.application
    def _serve_static(self, request):
        """One of the files that are there: a name that is no file's, with .. or without, is not found."""
        name = request.path.partition("/static/")[2]
        files = {file.relative_to(STATIC).as_posix(): file for file in STATIC.rglob("*") if file.is_file()}
        if name not in files or files[name].suffix not in MIME_TYPES:
            raise errors.NotFoundError("no such file")
        return http_util.Respond(request, files[name].read_bytes(), MIME_TYPES[files[name].suffix])


# --- what is answered ---


class _NotModified(wrappers.Response):
    """Werkzeug takes the type away from a 304, and TensorBoard warns of every answer without one."""

    default_status = 304

    def get_wsgi_headers(self, environ):
        headers = super().get_wsgi_headers(environ)
        headers["Content-Type"] = self.headers["Content-Type"]
        return headers


def _each(listed: Mapping[str, Mapping[str, reading.Listed]], told: Any) -> dict[str, dict[str, Any]]:
    return {run: {tag: told(each) for tag, each in tags.items()} for run, tags in listed.items()}


def _scalar(listed: reading.Listed) -> dict[str, Any]:
    return {"steps": None, "maxStep": listed.max_step}  # how many there are is known when they have been read


def _series(listed: reading.Listed) -> dict[str, Any]:
    content = listed.content
    return {
        "kind": content and content.kind,
        "layer": content and content.layer,
        "v": content and content.v,
        "shape": content and content.shape,
        "header": content.header if content else [],
        "order": content and content.order,
        "steps": None,
        "maxStep": listed.max_step,
        "maxWallTime": listed.max_wall_time if math.isfinite(listed.max_wall_time) else None,
        "supported": listed.reason is None,
        "reason": listed.reason,
    }


def _binary(request, content: bytes):
    return http_util.Respond(request, content, "application/octet-stream")


def _file_name(block: framing.Block) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "_", f"{block.run}_{block.tag}").strip("._")[:120] or PLUGIN_NAME


# --- what is asked ---


def _body(request) -> Mapping[str, Any]:
    """The fields of a posted JSON object, or of a form whose values are JSON."""
    try:
        if request.mimetype == "application/json":
            fields = json.loads(request.get_data())
        else:
            fields = {
                name: value if value in ("all", "last") else json.loads(value) for name, value in request.form.items()
            }
    except (ValueError, RecursionError) as error:
        raise errors.InvalidArgumentError(f"the body must be JSON, or a form of JSON values: {error}") from error
    if not isinstance(fields, dict):
        raise errors.InvalidArgumentError("the body must be an object with `series`")
    return fields


def _pairs(series: Any) -> Sequence[reading.Pair]:
    if not isinstance(series, list) or not all(map(_is_pair, series)):
        raise errors.InvalidArgumentError("`series` must be pairs of a run and a tag")
    return [(run, tag) for run, tag in series]


def _is_pair(pair: Any) -> bool:
    return isinstance(pair, list) and len(pair) == 2 and all(map(_is_name, pair))


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and not re.search("[\ud800-\udfff]", name)  # half a character is in no event file


def _steps(asked: Any) -> reading.Steps:
    if asked in ("all", "last"):
        return asked
    if isinstance(asked, str) and re.fullmatch(r"-?[0-9]{1,19}(,-?[0-9]{1,19})*", asked):
        return [int(step) for step in asked.split(",")]
    if isinstance(asked, list) and all(type(step) is int for step in asked):
        return asked
    raise errors.InvalidArgumentError(f"steps must be all, last, or whole numbers. Received: {str(asked)[:80]}")


def _flag(asked: Any) -> bool:
    known = {False: False, True: True, "false": False, "true": True}
    if not isinstance(asked, bool | str) or asked not in known:
        raise errors.InvalidArgumentError(f"`scalars` must be true or false. Received: {str(asked)[:80]}")
    return known[asked]
