"""The run directory and the flags that every experiment shares.

Flags: a frozen dataclass of fields made by `flag`, and a dictionary of presets, become a command line; what is given
there wins over the preset, and the preset over the field's own default.

Run directory: `out/experiment/<id>/`, where the id ends with a hash of the whole configuration and the library's
version. It appears whole (made under another name, then renamed) and belongs to one process at a time.
"""

import argparse
import dataclasses
import errno
import fcntl
import hashlib
import importlib.metadata
import json
import math
import os
import platform
import re
import shutil
import sys
import typing
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NoReturn

from tfredundancy.errors import DamagedFileError, ReportedError
from tfredundancy.files import plain, write_json

# ---------------------------------------------------------------------------------------------------------------- flags


def flag(
    default: Any, help: str, choices: Sequence[str] | None = None, parse: Callable[[str], Any] | None = None
) -> Any:
    """A dataclass field that is also a command-line flag.

    Args:
        default: the value where neither the command line nor the preset gives one; `None` for "from the preset".
        help: one sentence for `--help`.
        choices: the values allowed, each of them in a flag of several; `None` for any.
        parse: text → value, instead of the field's type; raises `argparse.ArgumentTypeError` on what it refuses.

    Returns:
        A dataclass field.
    """
    return dataclasses.field(default=default, metadata={"help": help, "choices": choices, "parse": parse})


def positive(text: str) -> int:
    """An integer of at least 1, for `flag(..., parse=positive)`."""
    if not re.fullmatch(r"\d+", text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1. Received: {text}")
    return int(text)


def fraction(text: str) -> float:
    """A number in [0, 1], for `flag(..., parse=fraction)`."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"expected a number in [0, 1]. Received: {text}")
    return value


def _strategy(text: str) -> str:
    if text not in ("none", "mirrored"):
        raise argparse.ArgumentTypeError(
            "expected none or mirrored, because masks and tickets are assigned between the steps of one process. "
            f"Received: {text}"
        )
    return text


@dataclasses.dataclass(frozen=True, kw_only=True)
class Common:
    """The flags that every experiment has; an experiment's `Args` adds its own."""

    preset: str = flag("quick", "Where the values that are not given come from.")
    dataset: str = flag(None, "The data set to train on.")
    data_dir: str | None = flag(None, "The folder of prepared TensorFlow Datasets; theirs where not given.")
    out: str = flag("runs", "The folder that run directories are made in.")
    seeds: int = flag(None, "How many seeds to run, counted from 0.", parse=positive)
    strategy: str = flag("none", "The distribution strategy: none or mirrored.", parse=_strategy)
    fresh: bool = flag(False, "Start another run directory instead of continuing the last.")
    checkpoint_seconds: float = flag(30.0, "Seconds between checkpoints of the training under way.")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Monitored(Common):
    """The flags of an experiment that records for TensorBoard what becomes of its nets."""

    monitor: bool = flag(True, "Measure spectra, angles and masks of the nets while they train, for TensorBoard.")


NOT_SETTINGS = ("data_dir", "out", "fresh", "checkpoint_seconds")  # what no result depends on


def settings(args: Common) -> dict[str, Any]:
    """The flags that determine results, which is what `RunDirectory.open` hashes.

    Example:

    >>> sorted(settings(Common(dataset="digits", seeds=2)))
    ['dataset', 'preset', 'seeds', 'strategy']
    """
    return {name: value for name, value in dataclasses.asdict(args).items() if name not in NOT_SETTINGS}


def parse(
    Args: type,
    presets: Mapping[str, Mapping[str, Any]],
    argv: Sequence[str] | None = None,
    description: str | None = None,
) -> Any:
    """Reads the command line into an `Args`.

    Args:
        Args: a dataclass whose fields were made by `flag`, usually a subclass of `Common`.
        presets: preset name → {field name: value}; the names are the choices of `--preset`.
        argv: the words of the command line; `None` for those of this process.
        description: the text above the flags in `--help`.

    Returns:
        An `Args` with every value filled in. A bad command line ends the process with argparse's one-line error.

    Raises:
        ValueError: a preset names a field that `Args` does not have.

    Example:

    >>> @dataclasses.dataclass(frozen=True, kw_only=True)
    ... class Args(Common):
    ...     levels: int = flag(None, "How many levels to prune.")
    ...     arms: tuple[str, ...] = flag(("rewind",), "The arms to run.", choices=("rewind", "reinit"))
    >>> quick = {"dataset": "digits", "seeds": 2, "levels": 4}
    >>> paper = {"dataset": "cifar10", "seeds": 3, "levels": 16}
    >>> args = parse(Args, {"quick": quick, "paper": paper}, ["--levels", "5", "--arms", "rewind,reinit"])
    >>> args.dataset, args.levels, args.arms
    ('digits', 5, ('rewind', 'reinit'))
    """
    fields = dataclasses.fields(Args)
    _check_presets(fields, presets)
    parser = _Parser(description=description, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter)
    for field in fields:
        _add_flag(parser, field, presets)
    given = {name: value for name, value in vars(parser.parse_args(argv)).items() if value is not None}
    return Args(**{**presets[given.get("preset", "quick")], **given})


def command(script: str, args: Common, presets: Mapping[str, Mapping[str, Any]]) -> str:
    """The command line that gives these results again: what differs from the preset; folders are left out.

    Example:

    >>> presets = {"quick": {"dataset": "digits", "seeds": 2}}
    >>> command("experiments/lth_resnet.py", Common(dataset="digits", seeds=5), presets)
    'python experiments/lth_resnet.py --seeds 5'
    """
    preset = presets[args.preset]
    words = ["python", script] + (["--preset", args.preset] if args.preset != "quick" else [])
    for field in dataclasses.fields(args):
        value = getattr(args, field.name)
        if field.name in (*NOT_SETTINGS, "preset") or value == preset.get(field.name, field.default):
            continue
        option = "--" + field.name.replace("_", "-")
        words += (
            [option if value is True else f"--no{option[1:]}"] if isinstance(value, bool) else [option, _shown(value)]
        )
    return " ".join(words)


def _check_presets(fields: Sequence[dataclasses.Field], presets: Mapping[str, Mapping[str, Any]]) -> None:
    names = [field.name for field in fields]
    for preset, values in presets.items():
        for unknown in set(values) - set(names):
            raise ValueError(f"`presets` must name fields of `Args`. Received: {unknown!r} in preset {preset!r}")


def _add_flag(parser: argparse.ArgumentParser, field: dataclasses.Field, presets: Mapping[str, Mapping]) -> None:
    option = "--" + field.name.replace("_", "-")
    text = f"{field.metadata['help']} {_described_default(field, presets)}".strip().replace("%", "%%")
    if field.type is bool:
        action = "store_true" if field.default is False else argparse.BooleanOptionalAction
        parser.add_argument(option, action=action, default=None, help=text)
    else:
        choices = presets if field.name == "preset" else field.metadata["choices"]
        settings = dict(type=_reader(field, choices), metavar=_metavar(field, choices), help=text)
        parser.add_argument(option, action=_Once, **settings)


class _Parser(argparse.ArgumentParser):
    """Ends with the error's line alone, which the usage of twenty flags would hide."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message}\n")


class _Once(argparse.Action):
    """A flag that is given once: argparse would take the last of several without a word."""

    def __call__(self, parser, namespace, values, option_string=None):
        before = getattr(namespace, self.dest)
        if before is not None:
            raise argparse.ArgumentError(self, f"given twice. Received: {_shown(values)} after {_shown(before)}")
        setattr(namespace, self.dest, values)


def _described_default(field: dataclasses.Field, presets: Mapping[str, Mapping]) -> str:
    values = {preset: values.get(field.name, field.default) for preset, values in presets.items()}
    shown = {preset: _shown(value) for preset, value in values.items() if value is not None}
    if not shown or field.type is bool and field.default is False:
        return ""
    if len(set(shown.values())) == 1 and len(shown) == len(presets):
        return f"[{next(iter(shown.values()))}]"
    return "[" + ", ".join(f"{preset}: {value}" for preset, value in shown.items()) + "]"


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _metavar(field: dataclasses.Field, choices: Sequence[str] | None) -> str | None:
    return "|".join(map(str, choices)) if choices else None


def _reader(field: dataclasses.Field, choices: Sequence[str] | None) -> Callable[[str], Any]:
    """Text → value by the field's type: `int`, `float`, `str`, each `| None`, or a `tuple[…, ...]` as a comma list."""
    several = typing.get_origin(field.type) is tuple
    kind = field.metadata["parse"] or next((t for t in typing.get_args(field.type) or (field.type,)), str)

    def read_one(text: str) -> Any:
        value = kind(text)
        if choices and value not in choices:
            raise argparse.ArgumentTypeError(f"expected one of {', '.join(map(str, choices))}. Received: {text}")
        return value

    def read(text: str) -> Any:
        return tuple(read_one(part.strip()) for part in text.split(",")) if several else read_one(text)

    read.__name__ = getattr(kind, "__name__", "value")  # argparse's "invalid int value: 'x'"
    return read


# -------------------------------------------------------------------------------------------------------- run directory


class RunDirectoryError(OSError):
    """A run directory that can not be made, is in use, or holds something else; one line that says what to do."""


class RunDirectory:
    """The directory of one configuration of one experiment, held by this process until `close`.

    Attributes:
        path: where it is.
        continued: whether it was there before.

    Example:

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as out:
    ...     with RunDirectory.open(out, "lth_resnet", {"levels": 4}, prefix="quick-digits") as run:
    ...         write_json(run / "summary.json", {"accuracy": 0.5})
    ...         print(run.path.name[:13], run.continued, sorted(file.name for file in run.path.iterdir()))
    quick-digits- False ['config.json', 'summary.json']
    """

    def __init__(self, path: Path, continued: bool, lock: int) -> None:
        """What `open` has made; call that."""
        self.path = path
        self.continued = continued
        self._lock: int | None = lock

    @classmethod
    def open(
        cls,
        out: str | os.PathLike,
        experiment: str,
        config: Mapping[str, Any],
        *,
        prefix: str = "",
        fresh: bool = False,
        facts: Mapping[str, Any] | None = None,
    ) -> "RunDirectory":
        """Makes the directory of this configuration, or opens the last one that was made.

        `config.json` holds `experiment`, `version`, `config` and `machines`, a list that grows when the run is
        continued on another machine. It is written at every opening, so that a folder that can not be written is known
        before any work.

        Args:
            out: the folder of all runs.
            experiment: the experiment's name, a folder in it.
            config: everything that determines the results, defaults included; the id ends with its hash.
            prefix: a readable beginning of the id, such as "quick-digits-weights".
            fresh: make another directory, `<id>-2`, `<id>-3`, …, where there is one.
            facts: what `config.json` should say about the machine and does not change results; `machine()` if `None`.

        Returns:
            The directory. Close it, or use it in a `with` statement: no other process can open it before.

        Raises:
            RunDirectoryError: it can not be written, is open in another process, is half-written, or belongs to
                another configuration.
        """
        record = {"experiment": experiment, "version": library_version(), "config": plain(config)}
        parent = Path(out) / experiment
        with _speaking_of(parent):
            parent.mkdir(parents=True, exist_ok=True)
            with _locked(parent):
                path, continued = _choose(parent, run_id(record, prefix), fresh)
                if not continued:
                    _create(path, record)
                lock = _try_lock(path)
        with ExitStack() as undo:
            undo.callback(os.close, lock)
            _check_and_sign(path, record, machine() if facts is None else plain(facts))
            undo.pop_all()
        return cls(path, continued, lock)

    def __truediv__(self, name: str) -> Path:
        """`run / "results.csv"`: the path of a file in it."""
        return self.path / name

    def close(self) -> None:
        """Lets other processes open it; closing twice is fine."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> "RunDirectory":
        """The directory itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Closes it."""
        self.close()


def run_id(record: Mapping[str, Any], prefix: str = "") -> str:
    """`prefix-` and the first 10 hexadecimal digits of the SHA-256 of the record as canonical JSON.

    Example:

    >>> run_id({"a": 1, "b": 2.5}, "quick") == run_id({"b": 2.5, "a": 1}, "quick")
    True
    """
    if not re.fullmatch(r"[A-Za-z0-9._-]*", prefix):
        raise ValueError(f"`prefix` must be made of letters, digits, '.', '_' and '-'. Received: prefix={prefix!r}")
    canonical = json.dumps(plain(record), sort_keys=True, separators=(",", ":"), allow_nan=False)
    digest = hashlib.sha256(canonical.encode()).hexdigest()[:10]
    return f"{prefix.rstrip('-')}-{digest}" if prefix else digest


def library_version() -> str:
    """The installed version of this library, "source" where it runs without having been installed."""
    return _version("tfredundancy") or "source"


@contextmanager
def _speaking_of(folder: Path):
    try:
        yield
    except RunDirectoryError:
        raise
    except OSError as error:
        raise RunDirectoryError(
            error.errno,
            f"cannot write a run directory ({error.strerror}); choose another folder with --out",
            str(folder),
        ) from error


@contextmanager
def _locked(folder: Path):
    """Alone in the folder, for the moment that choosing and making a run directory takes."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _choose(parent: Path, name: str, fresh: bool) -> tuple[Path, bool]:
    """The last directory of this name, or the next one; and whether it is there."""
    paths = [parent / name]
    while paths[-1].exists():
        paths.append(parent / f"{name}-{len(paths) + 1}")
    return (paths[-1], False) if fresh or len(paths) == 1 else (paths[-2], True)


def _create(path: Path, record: Mapping[str, Any]) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)  # of a process that was killed here: we are alone in the folder
    try:
        write_json(temporary / "config.json", {**record, "machines": []})
        temporary.rename(path)
    except OSError:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _try_lock(path: Path) -> int:
    """An open handle that holds the lock; the system lets go of it when the process ends, however it ends."""
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise RunDirectoryError(
            errno.EBUSY, "another process is writing this run; wait for it, or use --fresh", str(path)
        ) from error
    return handle


def _check_and_sign(path: Path, record: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    found = _read_config(path / "config.json")
    differing = sorted(_differing(record, found))
    if differing:
        raise RunDirectoryError(
            errno.EINVAL,
            f"it holds a run of another configuration (differs in {', '.join(differing)}); use --fresh",
            str(path),
        )
    if facts not in found["machines"]:
        found["machines"].append(facts)
    with _speaking_of(path):
        write_json(path / "config.json", found)


def _read_config(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
        if not isinstance(found["machines"], list):
            raise TypeError("machines")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunDirectoryError(
            errno.EINVAL,
            "config.json is missing or half-written, so the run can not be continued; use --fresh",
            str(path.parent),
        ) from error
    return found


def _differing(record: Mapping[str, Any], found: Mapping[str, Any]) -> set[str]:
    ours, theirs = ({**side, **side.get("config", {})} for side in (record, found))
    names = (set(ours) | set(theirs)) - {"config", "machines"}
    return {name for name in names if name not in ours or name not in theirs or ours[name] != theirs[name]}


# -------------------------------------------------------------------------------------------------------------- machine

PACKAGES = ("tfredundancy", "numpy", "scipy", "pandas", "keras", "tensorflow", "tensorflow-cpu", "jax", "tensorboard")
THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


def machine() -> dict[str, Any]:
    """What results were obtained on: processor, cores, thread settings, versions; nothing that names the machine.

    Example:

    >>> sorted(machine())
    ['cores', 'cpu', 'packages', 'python', 'system', 'threads', 'usable_cores']
    """
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = {name: _version(name) for name in PACKAGES}
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "usable_cores": usable,
        "threads": {name: os.environ[name] for name in THREADS if name in os.environ},
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: version for name, version in versions.items() if version},
    }


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*:\s*(.+)", info.read_text()) if info.exists() else []
    return names[0] if names else platform.processor()


# --------------------------------------------------------------------------------------------------------------- scripts


def run_script(main: Callable[[], None]) -> None:
    """Runs a script's `main`; what a user can mend (data, folders, disk) ends it in one line, without a traceback."""
    try:
        main()
    except DamagedFileError as error:
        sys.exit(f"error: {error}; delete the file and start again, or use --fresh")
    except ReportedError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        sys.exit(f"error: {error.strerror or error}{where}")
    except KeyboardInterrupt:
        sys.exit("stopped; the same command continues")


@contextmanager
def checking_arguments():
    """Ends a script in one line where what is done inside refuses its arguments; what is long comes after."""
    try:
        yield
    except ValueError as error:
        raise ReportedError(str(error)) from error


def deterministic() -> None:
    """Makes every operation deterministic, for which TensorFlow has a switch; JAX on a CPU is so already."""
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


@contextmanager
def strategy_scope(name: str):
    """The scope that models are made and trained in: nothing for "none", tf.distribute.MirroredStrategy for "mirrored"."""
    if name == "none":
        yield
        return
    import tensorflow as tf

    with tf.distribute.MirroredStrategy().scope():
        yield


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
