"""TensorBoard's data → the series of this plugin: which there are, and what is in them.

    Source.listed, Source.scalars  →  {run: {tag: …}} in the order of the network
    blocks(source, pairs, steps)   →  a `Block` for each (run, tag), one after another, whatever is wrong with the others

Everything goes through the data provider, which is the same for `--load_fast` true and false. It reads many series of a run at
once; where one of them can not be read it reads none, so that the series are then read in halves.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import grpc
import numpy as np
from tensorboard import errors
from tensorboard.data.provider import DataProvider, RunTagFilter

from tensorboard_plugin_redundancy import schema
from tensorboard_plugin_redundancy.framing import Block

ALL_STEPS = 2**31 - 1  # to the data provider 0 is none, whatever it is in --samples_per_plugin
READ_AT_ONCE = 2**23  # bytes of the series that are read in one go, about; one message of gRPC holds 2**28
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
    """

    provider: DataProvider
    context: Any
    experiment: str

    def listed(self, pairs: Sequence[Pair] | None = None) -> dict[str, dict[str, Listed]]:
        """The series of this plugin, in the order of the network; those asked for, or all."""
        found = self.provider.list_tensors(
            self.context, experiment_id=self.experiment, plugin_name=schema.PLUGIN_NAME, run_tag_filter=_filter(pairs)
        )
        listed = {run: {tag: _listed(each) for tag, each in tags.items()} for run, tags in found.items()}
        return {run: dict(sorted(listed[run].items(), key=_place)) for run in sorted(listed, key=natural)}

    def scalars(
        self, pairs: Sequence[Pair] | None = None, runs: Collection[str] | None = None
    ) -> dict[str, dict[str, Listed]]:
        """The scalars that stand beside such series, `<measure>/<layer>`, of the runs."""
        found = self.provider.list_scalars(
            self.context,
            experiment_id=self.experiment,
            plugin_name="scalars",
            run_tag_filter=_filter(pairs) if runs is None else RunTagFilter(runs=runs),
        )
        return {
            run: {
                tag: Listed(_of_scalar(tag), None, each.max_step, each.max_wall_time)
                for tag, each in sorted(tags.items(), key=lambda item: natural(item[0]))
                if _of_scalar(tag) is not None
            }
            for run, tags in sorted(found.items(), key=lambda item: natural(item[0]))
        }

    def read(self, run: str, tags: Sequence[str], most: int, scalars: bool) -> dict[str, Sequence | Exception]:
        """{tag: its data, or what was wrong}, at most so many steps of each, the last among them."""
        read = self.provider.read_scalars if scalars else self.provider.read_tensors
        try:
            return read(
                self.context,
                experiment_id=self.experiment,
                plugin_name="scalars" if scalars else schema.PLUGIN_NAME,
                downsample=most,
                run_tag_filter=RunTagFilter(runs=[run], tags=tags),
            ).get(run, {})
        except UNREADABLE as error:
            if len(tags) == 1:
                return {tags[0]: error}
        half = len(tags) // 2
        return self.read(run, tags[:half], most, scalars) | self.read(run, tags[half:], most, scalars)


def natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts conv2 before conv10.

    >>> sorted(["conv10", "conv2", "conv"], key=natural)
    ['conv', 'conv2', 'conv10']
    """
    parts = re.split(r"([0-9]+)", name)  # text and digits in turn
    return [(len(part.lstrip("0")) if i % 2 else 0, part) for i, part in enumerate(parts)]


def blocks(source: Source, pairs: Sequence[Pair], steps: Steps, scalars: bool = False) -> Iterator[Block]:
    """The series asked for, in that order.

    They are read some ahead, as many as come to `READ_AT_ONCE`, as far as those before tell.

    Args:
        source: where from.
        pairs: (run, tag) of each.
        steps: "all", "last", or which.
        scalars: whether the tags are those of ordinary scalars; they come as vectors of one number.
    """
    listed = source.scalars(pairs) if scalars else source.listed(pairs)
    at, ahead, bytes_read = 0, 4, 0
    while at < len(pairs):
        for block in _read_some(source, pairs[at : at + ahead], listed, steps, scalars):
            bytes_read += block.size
            yield block
        at += ahead
        ahead = max(1, min(256, int(READ_AT_ONCE * at / max(bytes_read, 1))))


def _read_some(source: Source, pairs: Sequence[Pair], listed: Mapping, steps: Steps, scalars: bool) -> Iterator[Block]:
    known = [(run, tag) for run, tag in pairs if tag in listed.get(run, {}) and listed[run][tag].reason is None]
    most = 1 if steps == "last" else ALL_STEPS
    data = {
        run: source.read(run, [tag for each, tag in known if each == run], most, scalars)
        for run in dict.fromkeys(run for run, _ in known)
    }
    for run, tag in pairs:
        if tag not in listed.get(run, {}):
            yield Block(run, tag, error="there is no such series")
            continue
        found = data.get(run, {}).get(tag, [])
        if steps == "last" and not isinstance(found, Exception) and _is_not_the_last(found, listed[run][tag]):
            found = source.read(run, [tag], ALL_STEPS, scalars).get(tag, [])
        yield _block(run, tag, listed[run][tag], found, steps)


def _is_not_the_last(found: Sequence, listed: Listed) -> bool:
    """Where steps decrease, the one that was written last is not the greatest."""
    return bool(found) and found[-1].step < listed.max_step


def _block(run: str, tag: str, listed: Listed, found: Sequence | Exception, steps: Steps) -> Block:
    content = listed.content
    names = {} if content is None else {"kind": content.kind, "layer": content.layer, "header": content.header}
    if listed.reason is not None:
        return Block(run, tag, **names, error=listed.reason)
    if isinstance(found, Exception):
        return Block(run, tag, **names, error=f"it can not be read: {_message(found)}")
    latest = {datum.step: datum for datum in found}  # of a step that was written twice, what was written last
    if steps == "last":
        wanted = sorted(latest)[-1:]
    else:
        wanted = sorted(latest if steps == "all" else latest.keys() & set(steps))
    good, wrong = {}, {}
    for step in wanted:
        try:
            good[step] = _vector(content.kind, latest[step])
        except (TypeError, ValueError) as error:
            wrong[step] = error
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


def _vector(kind: str, datum: Any) -> np.ndarray:
    if kind == "scalar":
        return np.array([float(datum.value)], np.float32)
    schema.split(kind, datum.numpy)
    with np.errstate(over="ignore"):  # a float64 of another writer that is beyond float32 is infinite
        return np.asarray(datum.numpy, np.float32)


def _message(error: Exception) -> str:
    return error.details() if isinstance(error, grpc.Call) else str(error)


def _listed(found: Any) -> Listed:
    try:
        content = schema.read_content(found.plugin_content)
    except ValueError as error:
        return Listed(None, str(error), found.max_step, found.max_wall_time)
    return Listed(content, content.reason, found.max_step, found.max_wall_time)


def _of_scalar(tag: str) -> schema.Content | None:
    measure, slash, layer = tag.partition("/")
    return schema.Content("scalar", layer, (0, 0), ()) if slash and measure in schema.SCALARS else None


def _place(item: tuple[str, Listed]) -> tuple:
    """Network order; what does not say where it stands comes behind, conv2 before conv10."""
    tag, listed = item
    order = None if listed.content is None else listed.content.order
    return (order is None, order or 0, natural(tag))


def _filter(pairs: Sequence[Pair] | None) -> RunTagFilter | None:
    if pairs is None:
        return None
    return RunTagFilter(runs={run for run, _ in pairs}, tags={tag for _, tag in pairs})
