"""`python -m tfredundancy analyze MODEL.keras` or `shrink MODEL.keras`: measure a saved model, or make it smaller."""

import argparse
import sys
from collections.abc import Sequence

from tfredundancy.commands import analyze, shrink


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return the exit status: 0, or 1 with a line on what was wrong."""
    args = _parser().parse_args(argv)
    try:
        args.run(args)
    except (OSError, ValueError) as error:
        print(f"tfredundancy: {'; '.join(line.strip() for line in str(error).splitlines())}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tfredundancy", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    analyze.add(commands)
    shrink.add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
