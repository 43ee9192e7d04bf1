import queue
import shutil
import subprocess
import sys

import pytest
import torch

from playground import RunConfig, train
from playground.datasets import CATALOG, DataError, load_images
from playground.datasets.vision import CHUNK, squares
from playground.events import EvalImages, Fetching, Finished, Pause, Paused, Stop
from playground.knobs import ConfigError

COUNTS = {  # of the miniatures: training images, probe images
    "cifar10": (20, 4),
    "cifar100": (20, 4),
    "fashion-mnist": (40, 20),
    "mnist": (40, 20),
    "svhn": (30, 11),
    "stl10": (12, 8),
    "stl10-unlabeled": (50, 8),
}


def loaded(kind, folder, **knobs):
    """Fetched if need be."""
    knobs = kind.Knobs(**knobs)
    list(kind.fetch(knobs, folder))
    return kind.load(knobs, folder)


@pytest.mark.parametrize("name", COUNTS)
def test_a_set_is_downloaded_unpacked_and_read_in_every_size(miniature, server, tmp_path, name):
    kind, home = miniature(name), tmp_path / "home"
    assert kind.missing(kind.Knobs(), home) == "download"
    steps = list(kind.fetch(kind.Knobs(), home))
    assert {each.what for each in steps} >= {file.file.name for file in kind.archives(home)}
    assert kind.missing(kind.Knobs(), home) == ""
    asked = len(server.asked)
    for size in (32, kind.Knobs().size, 48):
        images, probe = loaded(kind, home, size=size)
        assert (len(images), len(probe)) == COUNTS[name]
        assert images.pixels.shape[1:] == probe.pixels.shape[1:] == (3, size, size)
        assert images.pixels.dtype == torch.uint8 and images.pixels.is_contiguous()
        assert set(images.factors) == set(kind.classes) and set(probe.factors) == {"class"}
        assert all(len(labels) == len(images) for labels in images.factors.values())
        assert len(probe.names["class"]) == (100 if name == "cifar100" else 10) > int(probe.factors["class"].max())
    assert len(server.asked) == asked
    assert not [file for file in home.rglob("*") if file.name.endswith((".part", ".unpacking"))]


@pytest.mark.parametrize("name", ["cifar10", "fashion-mnist", "stl10"])
def test_half_an_unpacking_is_found_and_done_again_without_a_download(miniature, server, tmp_path, name):
    kind, home = miniature(name), tmp_path / "home"
    before, _ = loaded(kind, home)
    asked, file = len(server.asked), kind.files(home)[0][0]
    file.write_bytes(file.read_bytes()[:-100])
    (home / f".{kind.archives(home)[0].file.name}.unpacking").mkdir()
    after, _ = loaded(kind, home)
    assert torch.equal(before.pixels, after.pixels) and len(server.asked) == asked
    file.unlink()
    assert kind.missing(kind.Knobs(), home) == "download"
    loaded(kind, home)
    assert len(server.asked) == asked


@pytest.mark.slow
def test_unpacking_that_is_killed_is_never_taken_for_whole(miniature, tmp_path):
    kind, home = miniature("cifar10"), tmp_path / "home"
    loaded(kind, home)
    [archive] = kind.archives(home)
    shutil.rmtree(home / "cifar-10-batches-py")
    code = """
import os, sys
from pathlib import Path
from torchvision.datasets import utils
from playground.datasets import archives
def killed(archive, into):
    (into / "cifar-10-batches-py").mkdir()
    (into / "cifar-10-batches-py" / "data_batch_1").write_bytes(b"half")
    os._exit(9)
utils.extract_archive = killed
archives.unpack(Path(sys.argv[1]), Path(sys.argv[1]).parent)
"""
    assert subprocess.run([sys.executable, "-c", code, str(archive.file)], check=False).returncode == 9
    assert not (home / "cifar-10-batches-py").exists()
    assert len(loaded(kind, home)[0]) == 20
    assert not list(home.glob(".*.unpacking"))


def test_data_that_somebody_brought_unpacked_are_taken_as_they_are(miniature, server, tmp_path):
    kind = miniature("cifar10")
    loaded(kind, tmp_path / "first")
    asked = len(server.asked)
    shutil.copytree(tmp_path / "first" / "cifar-10-batches-py", tmp_path / "second" / "cifar-10-batches-py")
    assert len(loaded(kind, tmp_path / "second")[0]) == 20
    assert len(server.asked) == asked


def test_files_that_were_spoiled_behind_our_back_are_said_so(miniature, tmp_path):
    kind, home = miniature("svhn"), tmp_path / "home"
    loaded(kind, home)
    (home / "train_32x32.mat").write_bytes(b"spoiled")
    with pytest.raises(DataError, match=r"^svhn in .*home must be complete, got files that torchvision cannot read: "):
        kind.load(kind.Knobs(), home)
    with pytest.raises(DataError, match=r"^svhn must be in .*nowhere, got a folder without it"):
        kind.load(kind.Knobs(), tmp_path / "nowhere")


def test_gray_pictures_are_framed_to_32_pixels_and_not_resampled(miniature, tmp_path):
    for name in ("mnist", "fashion-mnist"):
        images, _ = loaded(miniature(name), tmp_path / name)
        assert images.pixels[0, 0, 2, 2:6].tolist() == [0, 1, 2, 3]
        assert images.pixels[:, :, :2].sum() == images.pixels[:, :, :, 30:].sum() == 0
        assert torch.equal(images.pixels[:, 0], images.pixels[:, 2])
        assert images.factors["class"][:3].tolist() == [0, 1, 2]


def test_cifar_keeps_its_colors_and_the_names_of_its_fine_classes(miniature, tmp_path):
    for name, called in (("cifar10", "class 3"), ("cifar100", "fine 3")):
        images, _ = loaded(miniature(name), tmp_path / name)
        assert images.pixels[0, :, 5, 5].tolist() == [7, 8, 9]
        assert images.names["class"][3] == called


def test_house_numbers_stand_upright_and_ten_is_zero(miniature, tmp_path):
    images, probe = loaded(miniature("svhn"), tmp_path)
    assert images.pixels[0, :, 0].tolist() == [[50] * 32, [0] * 32, [0] * 32] and images.pixels[0, :, 1:].sum() == 0
    assert probe.factors["class"].tolist() == [2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2]


@pytest.mark.slow
def test_stl10_stands_upright_and_its_unlabeled_part_has_no_factor(miniature, tmp_path):
    images, _ = loaded(miniature("stl10"), tmp_path / "labeled", size=96)
    assert images.pixels[0, 0, 50].tolist() == [200] * 8 + [0] * 88
    assert images.factors["class"].tolist() == [*range(10), 0, 1]
    images, probe = loaded(miniature("stl10-unlabeled"), tmp_path / "unlabeled")
    assert images.factors == images.names == {} and probe.factors["class"].tolist() == list(range(8))
    assert (images.pixels[0, 0, 30, 0], images.pixels[0, 0, 30, 32]) == (200, 0)


@pytest.mark.parametrize("name", ["mnist", "stl10-unlabeled"])
def test_watched_and_tested_images_are_the_official_test_part_and_never_the_same_ones(miniature, tmp_path, monkeypatch, name):
    kind = miniature(name)
    monkeypatch.setattr(kind, "probe_count", 5)
    _, watched = loaded(kind, tmp_path, size=32)
    test = kind.test(kind.Knobs(size=32), tmp_path)
    data, labels, _ = kind.read(tmp_path, "test")
    assert (len(watched), len(test)) == (5, COUNTS[name][1] - 5)
    assert torch.equal(torch.cat([watched.pixels, test.pixels]), squares(torch.as_tensor(data), 32, kind.pixels))
    assert torch.cat([watched.factors["class"], test.factors["class"]]).tolist() == list(labels)


def test_every_known_set_keeps_images_for_a_test():
    official = {"cifar10": 10_000, "cifar100": 10_000, "mnist": 10_000, "fashion-mnist": 10_000, "svhn": 26_032, "stl10": 8_000}
    assert {name: CATALOG[name].probe_count + CATALOG[name].test_count for name in official} == official
    assert all(each.test_count >= each.probe_count for each in CATALOG.known.values())


@pytest.mark.slow
def test_resizing_averages_and_does_not_depend_on_the_chunk():
    torch.manual_seed(0)
    data = torch.randint(0, 256, (CHUNK + 3, 3, 64, 64), dtype=torch.uint8)
    small = squares(data, 32, lambda some: some)
    alone = squares(data[-1:], 32, lambda some: some)
    assert torch.equal(small[-1:], alone)
    stripes = (torch.arange(96) % 2 * 255).to(torch.uint8).expand(1, 3, 96, 96)
    assert squares(stripes, 32, lambda some: some).float().sub(127.5).abs().max() < 50  # without antialiasing: 0 or 255
    assert torch.equal(squares(data, 64, lambda some: some), data)


def test_both_stl10_sets_share_one_download(miniature, server, tmp_path):
    kind = miniature("stl10")
    loaded(kind, tmp_path)
    asked = len(server.asked)
    assert len(loaded(CATALOG["stl10-unlabeled"], tmp_path)[0]) == 50
    assert len(server.asked) == asked


def test_data_that_cannot_be_had_is_a_failed_run_with_a_sentence(miniature, tmp_path, monkeypatch):
    kind = miniature("fashion-mnist")
    monkeypatch.setattr(kind.source, "mirrors", ["http://127.0.0.1:9/"])
    last = list(train(RunConfig(data="fashion-mnist", steps=2), folder=tmp_path))[-1]
    assert last == Finished(0, "failed", last.message)
    assert "train-images-idx3-ubyte.gz must be in" in last.message and "Connection refused" in last.message


def test_a_run_says_what_it_fetches(miniature, tmp_path):
    miniature("fashion-mnist")
    events = train(RunConfig(data="fashion-mnist", steps=2), folder=tmp_path)
    assert isinstance(next(events), Fetching)


def test_a_run_that_is_stopped_while_it_fetches_does_not_wait_for_the_rest(miniature, server, tmp_path):
    miniature("cifar10")
    for before in ([], [Pause()]):
        commands = queue.SimpleQueue()
        events = train(RunConfig(data="cifar10", steps=2), folder=tmp_path, commands=commands)
        assert isinstance(next(events), Fetching)
        for command in [*before, Stop()]:
            commands.put(command)
        assert list(events) == [Paused(0)] * len(before) + [Finished(0, "stopped")]
    assert not (tmp_path / "cifar-10-batches-py").exists()


@pytest.mark.slow
def test_a_run_without_labels_is_measured_with_those_of_the_probe_set(miniature, tmp_path, tiny):
    miniature("stl10-unlabeled")
    load_images.cache_clear()
    config = RunConfig(data="stl10-unlabeled", **tiny | {"data.size": 48, "batch_size": 16, "steps": 2, "device": "cpu"})
    events = list(train(config, folder=tmp_path))
    load_images.cache_clear()
    assert events[-1].status == "finished", events[-1]
    [probe] = [event for event in events if isinstance(event, EvalImages)]
    assert probe.images.shape == (8, 48, 48, 3) and set(probe.labels) == {"class"}


@pytest.mark.parametrize("name", CATALOG)
def test_sizes_of_images_survive_json_and_the_address(name):
    if "size" not in CATALOG[name].Knobs.model_fields:
        pytest.skip("its images have one size")
    config = RunConfig(data=name, **{"data.size": "48"})
    assert config.data.image_size == config.data.size == 48
    assert RunConfig.from_json(config.to_json()) == config == RunConfig.from_query(config.to_query())
    with pytest.raises(ConfigError, match=rf"^{name}: size must be one of 32, 48, 64.*, got 33$"):
        RunConfig(data=name, **{"data.size": 33})
