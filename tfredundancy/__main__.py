"""`python -m tfredundancy analyze MODEL.keras`: measure a saved model; a table on the screen, CSV and figures in a folder."""

import argparse
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import keras
import pandas as pd

from tfredundancy import figures
from tfredundancy.files import save_figure, write_csv
from tfredundancy.inspection.analysis import records, table
from tfredundancy.inspection.matrices import VIEWS
from tfredundancy.inspection.records import MEASURES, Settings

SHOWN = (
    "layer",
    "matrix",
    "units",
    "fan_in",
    "alpha",
    "tail",
    "stable_rank",
    "spikes",
    "phase",
    "mean_angle",
    "clusters",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return the exit status: 0, or 1 with a line on what was wrong."""
    args = _parser().parse_args(argv)
    try:
        args.run(args)
    except (OSError, ValueError) as error:
        print(f"tfredundancy: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tfredundancy", description=__doc__)
    command = parser.add_subparsers(required=True, metavar="COMMAND").add_parser(
        "analyze", help="where is a model redundant?", description="Measure every weight matrix of a saved model."
    )
    command.set_defaults(run=_analyze)
    command.add_argument("model", type=Path, help="a .keras file")
    command.add_argument("--initial", type=Path, help="the model before training, for what training has changed")
    command.add_argument("--out", type=Path, help="a folder for analysis.csv, the overview and a figure of each matrix")
    command.add_argument("--spectra", default="taps", choices=VIEWS, help="view of convolutions")
    command.add_argument("--measures", default=",".join(MEASURES), help="some of %(default)s")
    command.add_argument("--replicates", type=int, default=1000, help="of the bootstrap behind alpha_p; 0: none")
    command.add_argument("--workers", type=int, default=1, help="matrices measured at once")
    command.add_argument("--seed", type=int, default=0, help="of everything random")
    command.add_argument(
        "--unsafe", action="store_true", help="run the code of Lambda layers in the file: only for files that you trust"
    )
    return parser


def _analyze(args: argparse.Namespace) -> None:
    if args.out is not None:
        args.out.mkdir(parents=True, exist_ok=True)  # a folder that can not be written is known before any work
    settings = Settings(measures=tuple(args.measures.split(",")), replicates=args.replicates, seed=args.seed)
    model = load(args.model, args.unsafe)
    initial = None if args.initial is None else load(args.initial, args.unsafe)
    found = list(
        records(
            model, initial, spectra=args.spectra, settings=settings, workers=args.workers, progress=sys.stderr.isatty()
        )
    )
    print(readable(table(found)))
    if args.out is not None:
        _write(args.out, args.model.name, found)
        print(f"table and figures: {args.out}")


def load(path: Path, unsafe: bool = False) -> keras.Model:
    """Read a .keras file; code inside it, as Lambda layers bring, is never run unless `unsafe`.

    Raises:
        ValueError: no file, no Keras model, a Lambda layer; says which and what to do.
    """
    if not path.is_file():
        raise ValueError(f"`model` must be a .keras file. Received: {path}, which is not there")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"`model` must be a .keras file. Received: {path}, which is none")
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=not unsafe)
    except (ValueError, TypeError, KeyError) as error:
        unsafely = "ambda" in str(error) and not unsafe
        advice = "it carries a Lambda layer, code that --unsafe would run" if unsafely else str(error).splitlines()[0]
        raise ValueError(f"`model` could not be loaded. Received: {path}: {advice}") from error


def readable(rows: pd.DataFrame) -> str:
    """The chief columns as text; rows without numbers give their reason."""
    lines = rows[list(SHOWN)].to_string(index=False, na_rep="", float_format=lambda value: f"{value:.3g}")
    reasons = [
        f"{row.layer} {row.matrix}: {row.reason}".replace(" :", ":")
        for row in rows.itertuples()
        if pd.notna(row.reason)
    ]
    return "\n".join([lines, *(["", *reasons] if reasons else [])])


def _write(out: Path, name: str, found) -> None:
    write_csv(out / "analysis.csv", table(found))
    measured = [record for record in found if record.spectrum is not None or record.angles is not None]
    if measured:
        save_figure(out / "overview", figures.overview(found, title=name))
    for record in measured:
        save_figure(out / "layers" / record.path.replace("/", "."), figures.layer(record))


if __name__ == "__main__":
    sys.exit(main())
