"""The commands of `python -m tfredundancy`, one file each: `add(commands)` says what it takes, `run(args)` does it."""
