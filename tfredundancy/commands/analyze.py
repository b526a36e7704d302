"""`analyze MODEL.keras`: measure a saved model; a table on the screen, CSV and figures in a folder."""

import argparse
import sys
from pathlib import Path

import pandas as pd

from tfredundancy import figures
from tfredundancy.commands.loading import UNSAFE_HELP, load
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


def add(commands) -> None:
    """Add the command to an argparse parser's subparsers."""
    command = commands.add_parser(
        "analyze", help="where is a model redundant?", description="Measure every weight matrix of a saved model."
    )
    command.set_defaults(run=run)
    command.add_argument("model", type=Path, help="a .keras file")
    command.add_argument("--initial", type=Path, help="the model before training, for what training has changed")
    command.add_argument("--out", type=Path, help="a folder for analysis.csv, the overview and a figure of each matrix")
    command.add_argument("--spectra", default="taps", choices=VIEWS, help="view of convolutions")
    command.add_argument("--measures", default=",".join(MEASURES), help="some of %(default)s")
    command.add_argument("--replicates", type=int, default=1000, help="of the bootstrap behind alpha_p; 0: none")
    command.add_argument("--workers", type=int, default=1, help="matrices measured at once")
    command.add_argument("--seed", type=int, default=0, help="of everything random")
    command.add_argument("--unsafe", action="store_true", help=UNSAFE_HELP)


def run(args: argparse.Namespace) -> None:
    """Measure the model; print and write what was found."""
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
