"""Errors whose message is a line that says all: scripts end with it, without a traceback."""


class ReportedError(Exception):
    """What the user can mend."""


class DamagedFileError(ReportedError, ValueError):
    """A file that is half-written or holds something else."""


class DivergedError(ReportedError, ValueError):
    """A training that ended in weights that are no numbers."""
