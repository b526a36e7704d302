"""What is read from, and written to, a TFDS folder; the data are tiny sets of the real ones' format."""

import io
import urllib.error

import numpy as np
import pytest
import tensorflow_datasets as tfds

from tfredundancy.datasets import DatasetNotFoundError, load, prepared

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3)).astype(np.uint8)
CLASSES = {"cifar100": 100, "svhn_cropped": 10}


def tiny_builder(name, folder):
    """A builder of TFDS that writes 30 training and 10 test images, as the real one does its own."""

    def info(self):
        label = tfds.features.ClassLabel(num_classes=CLASSES[name])
        features = tfds.features.FeaturesDict({"image": tfds.features.Image(shape=(32, 32, 3)), "label": label})
        return tfds.core.DatasetInfo(builder=self, features=features)

    def examples(self, rows):
        yield from ((row, {"image": IMAGES[row], "label": row % 5}) for row in rows)

    def splits(self, manager):
        return {"train": self._generate_examples(range(30)), "test": self._generate_examples(range(30, 40))}

    body = {"VERSION": tfds.core.Version("9.10.0"), "name": name, "__module__": __name__}
    body |= {"_info": info, "_generate_examples": examples, "_split_generators": splits}
    with tfds.core.registered.skip_registration():
        return type("Tiny", (tfds.core.GeneratorBasedBuilder,), body)(data_dir=folder)


def assert_holds_the_images(splits, name):
    assert splits.classes == CLASSES[name] and splits.input_shape == (32, 32, 3)
    assert [len(part[1]) for part in (splits.train, splits.validation, splits.test)] == [20, 10, 10]
    lookup = {image.tobytes(): row for row, image in enumerate(IMAGES)}
    rows = [[lookup[image.tobytes()] for image in part[0]] for part in (splits.train, splits.validation, splits.test)]
    assert sorted(rows[0] + rows[1]) == list(range(30)) and sorted(rows[2]) == list(range(30, 40))
    assert all(row % 5 == label for row, label in zip(rows[0], splits.train[1], strict=True))
    assert np.bincount(splits.validation[1]).tolist() == [2] * 5


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("batch", [7, 1000])
def test_prepared_data_are_read_whole(name, batch, tmp_path, monkeypatch):
    monkeypatch.setattr(prepared, "_BATCH", batch)
    tiny_builder(name, tmp_path).download_and_prepare()
    splits = load(name, data_dir=tmp_path, validation=10)
    assert_holds_the_images(splits, name)
    assert (splits.augmentation is not None) == (name == "cifar100")


def test_the_folder_may_come_from_the_environment(tmp_path, monkeypatch):
    tiny_builder("cifar100", tmp_path).download_and_prepare()
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    assert_holds_the_images(load("cifar100", validation=10), "cifar100")


@pytest.fixture
def network(monkeypatch):
    """Return the addresses that were asked whether they answer; all do."""
    asked = []
    monkeypatch.setattr(prepared.urllib.request, "urlopen", lambda url, timeout: asked.append(url) or io.BytesIO())
    return asked


def test_a_download_is_moved_in_place_when_it_is_whole(tmp_path, monkeypatch, network):
    monkeypatch.setattr(tfds, "builder", lambda name, data_dir: tiny_builder(name, data_dir))
    root = tmp_path / "not" / "yet"
    assert_holds_the_images(load("cifar100", data_dir=root, validation=10), "cifar100")
    assert [path.name for path in root.iterdir()] == ["cifar100"]
    assert [path.name for path in tmp_path.iterdir()] == ["not"]
    monkeypatch.setattr(tfds, "builder", None)
    assert_holds_the_images(load("cifar100", data_dir=root, validation=10), "cifar100")


@pytest.mark.parametrize("error", [ConnectionError, ModuleNotFoundError, ValueError, tfds.download.DownloadError])
@pytest.mark.parametrize("folder", ["", "deeper/still"])
def test_data_that_cannot_be_had_end_in_one_error_and_leave_nothing(error, folder, tmp_path, monkeypatch, network):
    class Broken:
        def __init__(self, name, data_dir):
            assert data_dir.startswith(str(tmp_path))  # the file system of the folder, or moving would copy
            self.data_dir = data_dir

        def download_and_prepare(self):
            with open(f"{self.data_dir}/half", "w") as half:
                half.write("of it")
            raise error("no network")

    monkeypatch.setattr(tfds, "builder", Broken)
    root = tmp_path / folder
    with pytest.raises(DatasetNotFoundError, match=f"'cifar100' is not in {root} .*no network.*`data_dir`") as caught:
        load("cifar100", data_dir=root)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_without_a_network_nothing_is_tried(tmp_path, monkeypatch):
    def urlopen(url, timeout):
        asked.append(url)
        raise urllib.error.URLError("no network")

    asked = []
    monkeypatch.setattr(prepared.urllib.request, "urlopen", urlopen)
    monkeypatch.setattr(tfds, "builder", None)
    with pytest.raises(DatasetNotFoundError, match="'cifar100' is not in .*URLError: .*no network"):
        load("cifar100", data_dir=tmp_path)
    assert asked == ["http://www.cs.toronto.edu", "https://storage.googleapis.com"] and not list(tmp_path.iterdir())


def test_an_answer_of_any_kind_is_a_network(tmp_path, monkeypatch):
    def urlopen(url, timeout):
        raise urllib.error.HTTPError(url, 403, "forbidden", {}, None)

    monkeypatch.setattr(prepared.urllib.request, "urlopen", urlopen)
    monkeypatch.setattr(tfds, "builder", lambda name, data_dir: tiny_builder(name, data_dir))
    assert_holds_the_images(load("cifar100", data_dir=tmp_path, validation=10), "cifar100")


def test_the_newest_version_is_taken_and_a_half_written_one_is_not(tmp_path):
    for version in ("3.0.2", "3.0.10", "2.9.9"):
        (tmp_path / "cifar10" / version).mkdir(parents=True)
    assert prepared.find("cifar10", tmp_path) is None
    for version in ("3.0.2", "3.0.10", "2.9.9"):
        (tmp_path / "cifar10" / version / "dataset_info.json").touch()
    assert prepared.find("cifar10", tmp_path).name == "3.0.10"
