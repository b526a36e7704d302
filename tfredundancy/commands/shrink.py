"""`shrink MODEL.keras`: prune units of a saved model and take them away; a table before and after, a smaller file."""

import argparse
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from tfredundancy.commands.loading import UNSAFE_HELP, load
from tfredundancy.figures.widths import widths_by_layer
from tfredundancy.files import save_figure, write_csv, write_json
from tfredundancy.layers import PruneUnits, has_units, unit_variables
from tfredundancy.paths import layer_paths, unwrapped, wrappers
from tfredundancy.pruning import Counts, choose_masks, count, prune_units, set_masks, shrink
from tfredundancy.pruning.comparing import OutputsDifference, compiled, latencies, outputs_difference, random_inputs

BATCHES = (1, 32)


def add(commands) -> None:
    """Add the command to an argparse parser's subparsers."""
    command = commands.add_parser(
        "shrink",
        help="how much can go, for real?",
        description="Prune units of a saved model, take them away, and write the smaller model, plain Keras.",
    )
    command.set_defaults(run=run)
    command.add_argument("model", type=Path, help="a .keras file; masks that it has already are kept")
    command.add_argument("--out", type=Path, required=True, help="the .keras file to write, without optimizer state")
    command.add_argument(
        "--density",
        type=densities,
        help="fraction of the units to keep, their number, or several of PATTERN=FRACTION with commas between, the first "
        "pattern that matches a group's name wins; not needed where the model has masks",
    )
    command.add_argument(
        "--criterion", default="l2", help="the score of a unit: l1, l2, random, bn_scale, … [%(default)s]"
    )
    command.add_argument("--scope", default="layer", help="what is ranked together: layer or global [%(default)s]")
    command.add_argument("--round-to", type=int, help="keep multiples of so many units, the nearest")
    command.add_argument(
        "--exclude", action="append", default=[], help="path pattern of layers that stay whole; repeatable"
    )
    command.add_argument("--seed", type=int, default=0, help="of everything random [%(default)s]")
    command.add_argument(
        "--input-shape", type=shape, help="of one example, such as 224,224,3; needed where the model leaves sizes open"
    )
    command.add_argument("--report", type=Path, help="a folder for report.json, layers.csv and a figure of the widths")
    command.add_argument("--rounds", type=int, default=30, help="of which the latency is the median [%(default)s]")
    command.add_argument("--overwrite", action="store_true", help="replace the file --out if it is there")
    command.add_argument("--unsafe", action="store_true", help=UNSAFE_HELP)


def densities(text: str) -> float | int | dict[str, float | int]:
    """A number, or PATTERN=NUMBER,PATTERN=NUMBER; whole numbers count units.

    Example:
        >>> densities("0.5"), densities("stage1*=0.25,*=6")
        (0.5, {'stage1*': 0.25, '*': 6})
    """
    if "=" not in text:
        return _number(text)
    parts = (part.rpartition("=") for part in text.split(","))
    return {pattern.strip(): _number(value) for pattern, _, value in parts}


def shape(text: str) -> tuple[int, ...]:
    """Whole numbers with commas between."""
    return tuple(int(part) for part in text.split(","))


def run(args: argparse.Namespace) -> None:
    """Prune and shrink the model; print what changed and write it."""
    check_out(args)
    model = load(args.model, args.unsafe)
    pruned = masked(model, args)
    small = shrink(pruned)
    before, after = measured(model, args), measured(small, args)
    apart = outputs_difference(pruned, small, random_inputs(model, max(BATCHES), args.input_shape, args.seed))
    seconds = timed({"before": model, "after": small}, args)
    report = Report(before, after, seconds, apart)
    print(report)
    if args.report is not None:
        write_report(args.report, report, widths(model), widths(small), args.model.name)
        print(f"counts by layer and figure: {args.report}")
    save(small, args.out)
    print(f"written: {args.out}")


def check_out(args: argparse.Namespace) -> None:
    """Know before any work what could not be written."""
    if args.out.suffix != ".keras":
        raise ValueError(f"`--out` must be a file that ends with .keras. Received: {args.out}")
    if args.out.exists() and not args.overwrite:
        raise ValueError(f"`--out` is there already; --overwrite replaces it. Received: {args.out}")
    if args.rounds < 1:
        raise ValueError(f"`--rounds` must be at least 1. Received: {args.rounds}")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    if args.report is not None:
        args.report.mkdir(parents=True, exist_ok=True)


def masked(model: keras.Model, args: argparse.Namespace) -> keras.Model:
    """The model with masks: its own, fewer units where a density is given, or a copy with new ones."""
    own = any(isinstance(layer, PruneUnits) for layer in wrappers(model).values())
    if args.density is None:
        if own:
            return model
        raise ValueError(f"`--density` must be given, for the model has no masks. Received: {args.model}")
    options = dict(criterion=args.criterion, scope=args.scope, exclude=args.exclude, seed=args.seed)
    if args.round_to is not None:
        options["round_to"] = args.round_to
    if not own:
        return prune_units(model, args.density, **options)
    set_masks(model, choose_masks(model, args.density, **options))
    return model


@dataclass(frozen=True)
class Measured:
    """A model's counts and the size of its file, written without optimizer state."""

    counts: Counts
    file_bytes: int


def measured(model: keras.Model, args: argparse.Namespace) -> Measured:
    """Count, and write to a temporary file."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.keras"
        model.save(file)
        return Measured(count(model, args.input_shape), file.stat().st_size)


def timed(models: Mapping[str, keras.Model], args: argparse.Namespace) -> dict[int, dict[str, float]]:
    """{batch size: {model: median seconds of one call}}."""
    calls = {name: compiled(model) for name, model in models.items()}
    found = {}
    for batch in BATCHES:
        inputs = random_inputs(next(iter(models.values())), batch, args.input_shape, args.seed)
        seconds = latencies({name: partial(call, inputs) for name, call in calls.items()}, args.rounds)
        found[batch] = {name: float(np.median(each)) for name, each in seconds.items()}
    return found


@dataclass(frozen=True)
class Report:
    """What shrinking changed.

    Attributes:
        before, after: counts and file sizes.
        seconds: {batch size: {"before": median seconds of a call, "after": …}}.
        difference: of the masked and the shrunk model's outputs on random inputs.
    """

    before: Measured
    after: Measured
    seconds: dict[int, dict[str, float]]
    difference: OutputsDifference

    def rows(self) -> list[dict[str, float | str]]:
        """A row for each quantity: before, after, and their ratio."""
        names = {"parameters": "parameters", "macs": "multiply–accumulates"}
        pairs = {
            text: (getattr(self.before.counts, name), getattr(self.after.counts, name)) for name, text in names.items()
        }
        pairs["file, bytes"] = (self.before.file_bytes, self.after.file_bytes)
        for batch, each in self.seconds.items():
            pairs[f"latency, batch {batch}, ms"] = (1000 * each["before"], 1000 * each["after"])
        return [
            dict(quantity=text, before=a, after=b, ratio=b / a if a else float("nan")) for text, (a, b) in pairs.items()
        ]

    def __str__(self) -> str:
        rows = [
            {"": row["quantity"], **{name: _shown(row[name]) for name in ("before", "after")}} for row in self.rows()
        ]
        for row, values in zip(rows, self.rows(), strict=True):
            row["after ÷ before"] = f"{values['ratio']:.3f}"
        lines = pd.DataFrame(rows).set_index("").rename_axis(None).to_string().splitlines()
        lines += [f"outputs, masked against shrunk: {self.difference.relative:.1e} of their spread over random inputs"]
        if self.difference.spread < 1e-3 * self.difference.size:
            lines += ["which says little here: they hardly depend on the input, as those of an untrained softmax"]
        unknown = self.after.counts.unknown.items()
        return "\n".join([*lines, *(f"not counted: {path}: {reason}" for path, reason in unknown)])


def widths(model: keras.Model) -> dict[str, int]:
    """{path: units} of the layers that make units."""
    layers = {path: unwrapped(layer) for path, layer in layer_paths(model).items()}
    return {path: unit_variables(layer)[0] for path, layer in layers.items() if has_units(layer) and _makes(layer)}


def write_report(folder: Path, report: Report, before: dict[str, int], after: dict[str, int], name: str) -> None:
    """report.json, layers.csv, and the figure of widths."""
    table = pd.DataFrame({"layer": path, "before": units, "after": after.get(path)} for path, units in before.items())
    record = {
        "model": name,
        "table": report.rows(),
        "difference": {**vars(report.difference), "relative": report.difference.relative},
        "not_counted": dict(report.after.counts.unknown),
    }
    write_json(folder / "report.json", record)
    sides = {"before": report.before.counts.layers, "after": report.after.counts.layers}
    write_csv(
        folder / "layers.csv",
        [
            {"model": side, **_row(each)}
            for side, layers in sides.items()
            for each in layers
            if each.parameters or each.macs
        ],
    )
    if len(table):
        save_figure(folder / "widths", widths_by_layer(table, title=name))


def save(model: keras.Model, path: Path) -> None:
    """Write the file whole or not at all."""
    temporary = path.with_name(f".{path.stem}.tmp.keras")
    try:
        model.save(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _makes(layer) -> bool:
    return any(len(variable.shape) > 1 for variable, _ in unit_variables(layer)[1])


def _row(layer) -> dict[str, object]:
    return {**vars(layer), "output": "×".join(map(str, layer.output))}


def _number(text: str) -> float | int:
    return int(text) if text.strip().isdigit() and int(text) > 1 else float(text)


def _shown(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.3g}"
