"""Data sets of TensorFlow Datasets as arrays: read where they are prepared, else downloaded, else one clear error.

A folder counts as prepared if it holds `<name>/<version>/dataset_info.json`. A download is prepared in a temporary
folder and moved in place when it is whole, so that a failure leaves nothing behind.
"""

from __future__ import annotations

import os
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np

from tfredundancy.datasets.dividing import Source

_BATCH = 1000  # images decoded at a time
_PATIENCE = 10  # seconds for a host to answer
_STORE = "storage.googleapis.com"
_HOSTS = {  # where TFDS downloads from; the others are in the store
    "cifar10": "www.cs.toronto.edu",
    "cifar100": "www.cs.toronto.edu",
    "fashion_mnist": "fashion-mnist.s3-website.eu-central-1.amazonaws.com",
    "svhn_cropped": "ufldl.stanford.edu",
}


class DatasetNotFoundError(OSError):
    """A data set is neither in the folder nor can be downloaded."""


def read(name, data_dir=None):
    """Return a prepared data set, downloaded if need be.

    Args:
        name: a data set of TFDS with the features "image" and "label" and the splits "train" and "test".
        data_dir: TFDS folder; by default the environment variable TFDS_DATA_DIR, else `~/tensorflow_datasets`.

    Returns:
        `Source` of uint8 images (n, height, width, channels) and int32 labels (n,), in the order of the files.

    Raises:
        DatasetNotFoundError: if the data are neither there nor to be had.
    """
    import tensorflow_datasets as tfds

    root = Path(data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets").expanduser()
    folder = find(name, root) or _download(name, root)
    builder = tfds.builder_from_directory(folder)
    train, test = (_decode(tfds, builder, split) for split in ("train", "test"))
    return Source(train, test, builder.info.features["label"].num_classes)


def find(name, root):
    """Return the folder of the newest prepared version of a data set, or None.

    Args:
        name: name of the data set.
        root: TFDS folder.
    """
    versions = [path.parent for path in Path(root).glob(f"{name}/*/dataset_info.json")]
    return max(versions, key=lambda path: [int(part) for part in path.name.split(".")], default=None)


def _download(name, root):
    import tensorflow_datasets as tfds

    existing = next(path for path in (root, *root.parents) if path.exists())
    try:
        _reach(_HOSTS.get(name, _STORE))
        with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=existing) as scratch:
            tfds.builder(name, data_dir=scratch).download_and_prepare()
            folder = find(name, scratch)
            target = root / name / folder.name
            target.parent.mkdir(parents=True, exist_ok=True)
            return folder.rename(target)
    except _failures(tfds) as error:
        raise DatasetNotFoundError(
            f"Data set {name!r} is not in {root} and could not be downloaded ({type(error).__name__}: {error}). "
            "Pass the folder where TFDS prepared it as `data_dir` (or set TFDS_DATA_DIR), or connect to the network "
            f"and run: tfds build {name} --data_dir={root}"
        ) from error


def _reach(host):
    """Fail at once where there is no network: TFDS would try again and again for minutes."""
    for url in (f"http://{host}", f"https://{_STORE}"):
        try:
            urllib.request.urlopen(url, timeout=_PATIENCE).close()
            return
        except urllib.error.HTTPError:
            return  # an answer, whatever it says
        except OSError as error:
            last = error
    raise last


def _failures(tfds):
    """What a download is known to end in: no network, no disk, a missing helper package, another file than expected."""
    import tensorflow as tf

    download = tfds.download
    own = (download.DownloadError, download.extractor.ExtractError, download.download_manager.NonMatchingChecksumError)
    return (OSError, ImportError, ValueError, tf.errors.OpError, *own)


def _decode(tfds, builder, split):
    n = builder.info.splits[split].num_examples
    images = np.empty((n, *builder.info.features["image"].shape), np.uint8)
    labels = np.empty(n, np.int32)
    batches = builder.as_dataset(split=split, shuffle_files=False).batch(_BATCH)
    for number, batch in enumerate(tfds.as_numpy(batches)):
        rows = slice(number * _BATCH, (number + 1) * _BATCH)
        images[rows], labels[rows] = batch["image"], batch["label"]
    return images, labels
