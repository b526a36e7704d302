"""Models from files, with errors that say all in one line."""

import zipfile
from pathlib import Path

import keras

UNSAFE_HELP = "run the code of Lambda layers in the file: only for files that you trust"


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
