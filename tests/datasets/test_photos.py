import inspect
import shutil

import pytest
import torch

from playground.datasets import CATALOG, DataError
from playground.datasets.photos import shuffled

COUNTS = {"imagenette": (30, 20), "eurosat": (24, 6), "flowers102": (15, 15), "oxford-pets": (15, 9)}  # of the miniatures: training, probe
NAMES = {"imagenette": "tench", "eurosat": "AnnualCrop", "flowers102": "pink primrose", "oxford-pets": "Abyssinian"}


def loaded(kind, folder, **knobs):
    """Fetched if need be."""
    knobs = kind.Knobs(**knobs)
    list(kind.fetch(knobs, folder))
    return kind.load(knobs, folder)


@pytest.mark.slow
@pytest.mark.parametrize("name", COUNTS)
def test_a_set_is_downloaded_unpacked_and_decoded(miniature, server, tmp_path, name):
    kind, home = miniature(name), tmp_path / "home"
    knobs = kind.Knobs()
    assert kind.missing(knobs, home) == "download"
    steps = list(kind.fetch(knobs, home))
    assert {each.what for each in steps if each.unit == "bytes"} >= {file.file.name for file in kind.archives(home)}
    assert steps[-1].unit == "images" and steps[-1].done == steps[-1].total == sum(COUNTS[name])
    assert kind.missing(knobs, home) == ""
    images, probe = kind.load(knobs, home)
    assert (len(images), len(probe)) == COUNTS[name]
    assert images.pixels.shape[1:] == (3, 64, 64) and images.pixels.dtype == torch.uint8
    assert images.names["class"][0] == NAMES[name]
    for part in (images, probe):
        light = part.pixels[:, :, 32, 32].float().mean(1)
        assert (light - 20 * part.factors["class"]).abs().max() < 3  # each image has the label of its file
        labels = part.factors["class"].tolist()
        assert labels != sorted(labels)
    asked = len(server.asked)
    assert list(kind.fetch(knobs, home)) == []
    smaller = kind.Knobs(size=32)
    assert kind.missing(smaller, home) == "prepare"
    assert {each.unit for each in kind.fetch(smaller, home)} == {"images"}
    assert kind.load(smaller, home)[0].pixels.shape == (COUNTS[name][0], 3, 32, 32)
    assert len(server.asked) == asked


@pytest.mark.slow
@pytest.mark.parametrize("name", COUNTS)
def test_half_an_unpacking_is_found_and_done_again_without_a_download(miniature, server, tmp_path, name):
    kind, home = miniature(name), tmp_path / "home"
    before, _ = loaded(kind, home)
    asked = len(server.asked)
    next((home / kind.place).rglob("*.[jJ]*")).unlink()
    after, _ = loaded(kind, home)
    assert torch.equal(before.pixels, after.pixels) and len(server.asked) == asked
    shutil.rmtree(home / kind.place)
    (home / kind.place).mkdir()
    after, _ = loaded(kind, home)
    assert torch.equal(before.pixels, after.pixels) and len(server.asked) == asked


@pytest.mark.slow
def test_crop_takes_the_middle_and_squeeze_keeps_the_red_ends(miniature, tmp_path):
    kind = miniature("imagenette")
    cropped, _ = loaded(kind, tmp_path, fit="crop")
    squeezed, _ = loaded(kind, tmp_path, fit="squeeze")
    assert (cropped.pixels[:, 0, 32, 2].float() - 20 * cropped.factors["class"]).abs().max() < 40
    assert squeezed.pixels[:, 0, 32, 2].min() > 215 and squeezed.pixels[:, 1, 32, 2].max() < 40


def test_the_test_is_what_is_not_watched_and_is_decoded_when_asked_for(miniature, tmp_path, monkeypatch):
    kind = miniature("oxford-pets")
    monkeypatch.setattr(kind, "probe_count", 4)
    monkeypatch.setattr(kind, "test_count", 5)
    loaded(kind, tmp_path, size=32)
    before = {each.name for each in (tmp_path / "prepared").glob("*.npy")}
    test = kind.test(kind.Knobs(size=32), tmp_path)
    assert len(test) == 5 and {each.name for each in (tmp_path / "prepared").glob("*.npy")} - before == {"oxford-pets-32-crop-test.npy"}
    assert (test.pixels[:, :, 16, 16].float().mean(1) - 20 * test.factors["class"]).abs().max() < 3
    labels = [label for _, label in shuffled(kind.parts(tmp_path)[1])]
    assert test.factors["class"].tolist() == labels[4:] and loaded(kind, tmp_path, size=32)[1].factors["class"].tolist() == labels[:4]


@pytest.mark.parametrize("name", COUNTS)
def test_the_three_parts_are_all_pictures_that_there_are(name):
    kind = CATALOG[name]
    assert kind.count + kind.probe_count + kind.test_count == kind.total


def test_eurosat_comes_from_where_torchvision_takes_it():
    kind = CATALOG["eurosat"]
    source = inspect.getsource(kind.source.download)
    assert kind.url in source and kind.md5 in source


def test_eurosat_is_split_once_and_for_all(miniature, tmp_path):
    kind = miniature("eurosat")
    loaded(kind, tmp_path)
    training, test, _ = kind.parts(tmp_path)
    assert (len(training), len(test)) == (24, 6) and not set(training) & set(test)
    assert kind.parts(tmp_path)[:2] == (training, test)
    assert len({label for _, label in test}) == 3


def test_the_order_is_always_the_same_and_not_the_given_one():
    assert shuffled(range(2000)) == shuffled(range(2000)) != list(range(2000))
    assert sorted(shuffled(range(2000))) == list(range(2000))


def test_a_picture_that_cannot_be_read_is_left_out_with_its_label(miniature, tmp_path, monkeypatch):
    kind = miniature("oxford-pets")
    loaded(kind, tmp_path, size=32)
    spoiled, label = kind.parts(tmp_path)[0][7]
    spoiled.write_bytes(b"no picture")
    images, probe = loaded(kind, tmp_path)
    assert (len(images), len(probe)) == (14, 9)
    assert int((images.factors["class"] == label).sum()) == 4
    for part in (images, probe):
        assert (part.pixels[:, :, 32, 32].float().mean(1) - 20 * part.factors["class"]).abs().max() < 3


def test_pictures_that_are_not_there_are_said_so(miniature, tmp_path):
    kind = miniature("flowers102")
    with pytest.raises(DataError, match=r"^flowers102 must be in .*, got a folder without it \(Dataset not found"):
        kind.load(kind.Knobs(), tmp_path)
