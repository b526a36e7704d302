"""TensorBoard's data → the series of this plugin: which there are, and what is in them.

    Source.listed                  →  {run: {tag: `Listed`}}
    blocks(source, pairs, steps)   →  a `Block` for each (run, tag), one after another, whatever is wrong with the others

Everything goes through the data provider, which is the same for `--load_fast` true and false. It reads many series of a run at
once; where one of them can not be read it reads none, so that the series are then read in halves.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import grpc
import numpy as np
from tensorboard import errors
from tensorboard.data.provider import DataProvider, RunTagFilter

from tensorboard_plugin_redundancy import schema
from tensorboard_plugin_redundancy.framing import Block

ALL_STEPS = 2**31 - 1  # to the data provider 0 is none, whatever it is in --samples_per_plugin
READ_AT_ONCE, MOST_AT_ONCE = 2**23, 256  # bytes, about, and series; one message of gRPC holds 2**28 bytes
UNREADABLE = (
    TypeError,
    ValueError,
    ArithmeticError,
    MemoryError,
    grpc.RpcError,
    errors.PublicError,
)  # tensors of any kind

Pair = tuple[str, str]
Steps = Literal["all", "last"] | Collection[int]


@dataclass(frozen=True)
class Listed:
    """A series as it stands in the list of tags.

    Attributes:
        content: what its first event says of it, or None.
        reason: why it can not be drawn, None where it can.
        max_step: the last step.
        max_wall_time: seconds since 1970 of the last event.
    """

    content: schema.Content | None
    reason: str | None
    max_step: int
    max_wall_time: float


@dataclass(frozen=True)
class Source:
    """The data of one experiment.

    Attributes:
        provider: TensorBoard's.
        context: of the request.
        experiment: its ID; "" is the only one of an ordinary TensorBoard.
        scalars: whether they are the ordinary scalars that stand beside the series, not the series.
    """

    provider: DataProvider
    context: Any
    experiment: str
    scalars: bool = False

    def listed(self, pairs: Iterable[Pair] | None = None) -> dict[str, dict[str, Listed]]:
        """What there is of the pairs of a run and a tag, or of all."""
        names = None if pairs is None else RunTagFilter(*map(set, zip(*pairs, strict=True)))
        ask, read = (
            (self.provider.list_scalars, _of_scalar) if self.scalars else (self.provider.list_tensors, _of_tensor)
        )
        found = ask(self.context, experiment_id=self.experiment, plugin_name=self._plugin, run_tag_filter=names)
        listed = {run: {tag: read(tag, each) for tag, each in tags.items()} for run, tags in found.items()}
        return {run: {tag: each for tag, each in tags.items() if each} for run, tags in listed.items()}

    def read(self, run: str, tags: Sequence[str], last: bool) -> dict[str, Sequence | Exception]:
        """{tag: its data, or what was wrong}: all steps, or what was written last."""
        try:
            return self._read(run, tags, last)
        except UNREADABLE as error:
            if len(tags) == 1:
                return {tags[0]: error}
        half = len(tags) // 2
        return self.read(run, tags[:half], last) | self.read(run, tags[half:], last)

    def _read(self, run: str, tags: Sequence[str], last: bool) -> dict[str, Sequence]:
        which = {"experiment_id": self.experiment, "plugin_name": self._plugin}
        which["run_tag_filter"] = RunTagFilter(runs=[run], tags=tags)
        if not self.scalars:
            return self.provider.read_tensors(self.context, downsample=1 if last else ALL_STEPS, **which).get(run, {})
        if not last:
            return self.provider.read_scalars(self.context, downsample=ALL_STEPS, **which).get(run, {})
        found = self.provider.read_last_scalars(self.context, **which).get(run, {})
        return {tag: [datum] for tag, datum in found.items()}

    @property
    def _plugin(self) -> str:
        return "scalars" if self.scalars else schema.PLUGIN_NAME


def in_order(listed: Mapping[str, Mapping[str, Listed]]) -> dict[str, dict[str, Listed]]:
    """The same with tags in the order of the network, which TensorBoard forgets; those that do not say come behind."""
    return {run: dict(sorted(listed[run].items(), key=_place)) for run in sorted(listed, key=natural)}


def natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts conv2 before conv10.

    >>> sorted(["conv10", "conv2", "conv"], key=natural)
    ['conv', 'conv2', 'conv10']
    """
    parts = re.split(r"([0-9]+)", name)  # text and digits in turn
    return [(len(part.lstrip("0")) if i % 2 else 0, part) for i, part in enumerate(parts)]


def blocks(source: Source, pairs: Sequence[Pair], steps: Steps) -> Iterator[Block]:
    """The series asked for, in that order.

    They are read some ahead, as many as come to `READ_AT_ONCE`, as far as those before tell.

    Args:
        source: where from.
        pairs: (run, tag) of each.
        steps: "all", "last", or which.
    """
    listed = source.listed(pairs) if pairs else {}
    at, ahead, read = 0, 4, 0
    while at < len(pairs):
        for block in _read_some(source, pairs[at : at + ahead], listed, steps):
            read += block.size
            yield block
        at += ahead
        ahead = max(1, min(4 * ahead, MOST_AT_ONCE, READ_AT_ONCE * at // max(read, 1)))


def _read_some(source: Source, pairs: Sequence[Pair], listed: Mapping, steps: Steps) -> Iterator[Block]:
    wanted: dict[str, list[str]] = {}
    for run, tag in pairs:
        if tag in listed.get(run, {}) and listed[run][tag].reason is None:
            wanted.setdefault(run, []).append(tag)
    data = {run: source.read(run, tags, steps == "last") for run, tags in wanted.items()}
    for run, tag in pairs:
        if tag not in listed.get(run, {}):
            yield Block(run, tag, error="there is no such series")
            continue
        found = data.get(run, {}).get(tag, [])
        if steps == "last" and _is_not_the_last(found, listed[run][tag]):
            found = source.read(run, [tag], last=False).get(tag, [])
        yield _block(run, tag, listed[run][tag], found, steps)


def _is_not_the_last(found: Sequence | Exception, listed: Listed) -> bool:
    """Where steps decrease, the one that was written last is not the greatest."""
    return not isinstance(found, Exception) and len(found) > 0 and found[-1].step < listed.max_step


def _block(run: str, tag: str, listed: Listed, found: Sequence | Exception, steps: Steps) -> Block:
    content = listed.content
    names = {} if content is None else {"kind": content.kind, "layer": content.layer, "header": content.header}
    if listed.reason is not None:
        return Block(run, tag, **names, error=listed.reason)
    if isinstance(found, Exception):
        return Block(run, tag, **names, error=f"it can not be read: {_message(found)}")
    latest = {datum.step: datum for datum in found}  # of a step that was written twice, what was written last
    wanted = sorted(latest if isinstance(steps, str) else latest.keys() & set(steps))
    wanted = wanted[-1:] if steps == "last" else wanted
    data = {step: latest[step] for step in wanted}
    good, wrong = (_scalars(data), {}) if content.kind == "scalar" else _vectors(content.kind, data)
    times = [latest[step].wall_time for step in good]
    return Block(
        run, tag, **names, steps=list(good), wall_times=times, vectors=list(good.values()), error=_told(wrong, wanted)
    )


def _told(wrong: Mapping[int, Exception], wanted: Sequence[int]) -> str | None:
    if not wanted:
        return "it has no such steps"
    if not wrong:
        return None
    step, error = next(iter(wrong.items()))
    return f"{len(wrong)} of {len(wanted)} steps can not be read; step {step}: {error}"


def _scalars(data: Mapping[int, Any]) -> dict[int, np.ndarray]:
    """All at once: one by one they take longer than TensorBoard takes to read them."""
    with np.errstate(over="ignore"):
        numbers = np.array([datum.value for datum in data.values()], np.float64).astype(np.float32)
    return dict(zip(data, numbers[:, None], strict=True))


def _vectors(kind: str, data: Mapping[int, Any]) -> tuple[dict[int, np.ndarray], dict[int, Exception]]:
    """({step: vector}, {step: what is wrong with it})."""
    good, wrong = {}, {}
    for step, datum in data.items():
        try:
            good[step] = _vector(kind, datum)
        except (TypeError, ValueError) as error:
            wrong[step] = error
    return good, wrong


def _vector(kind: str, datum: Any) -> np.ndarray:
    numbers = datum.numpy
    schema.split(kind, numbers)
    with np.errstate(over="ignore"):  # a float64 of another writer that is beyond float32 is infinite
        return np.asarray(numbers, np.float32)


def _message(error: Exception) -> str:
    return error.details() if isinstance(error, grpc.Call) else str(error)


def _of_tensor(tag: str, found: Any) -> Listed:
    content = reason = None
    try:
        content = schema.read_content(found.plugin_content)
        reason = content.reason
    except ValueError as error:
        reason = str(error)
    return Listed(content, reason, found.max_step, found.max_wall_time)


def _of_scalar(tag: str, found: Any) -> Listed | None:
    """Of a scalar `<measure>/<layer>`; None for those of others."""
    measure, slash, layer = tag.partition("/")
    if not slash or measure not in schema.SCALARS:
        return None
    return Listed(schema.Content("scalar", layer, (0, 0), ()), None, found.max_step, found.max_wall_time)


def _place(item: tuple[str, Listed]) -> tuple:
    tag, listed = item
    order = None if listed.content is None else listed.content.order
    return (order is None, order or 0, natural(tag))
