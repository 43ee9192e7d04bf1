import gzip
import hashlib
import http.server
import pickle
import struct
import tarfile
import threading

import pytest
import torch

from playground import RunConfig, train
from playground.datasets import CATALOG, DataError
from playground.datasets.download import checksum, fetch
from playground.datasets.shapes import NAMES, draw
from playground.events import Fetching, Finished


@pytest.fixture
def server(tmp_path):
    """A real web server on a folder: (folder, address)."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *values):
            super().__init__(*values, directory=str(folder))

        def log_message(self, *values):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield folder, f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()


@pytest.fixture
def fashion(server, monkeypatch):
    """Fashion-MNIST in miniature, in the official format, on the server instead of its mirror."""
    folder, address = server
    resources = []
    for part, count in (("train", 40), ("t10k", 20)):
        pixels = bytes(i % 251 for i in range(count * 28 * 28))
        files = {
            f"{part}-images-idx3-ubyte.gz": struct.pack(">IIII", 0x803, count, 28, 28) + pixels,
            f"{part}-labels-idx1-ubyte.gz": struct.pack(">II", 0x801, count) + bytes(i % 10 for i in range(count)),
        }
        for name, content in files.items():
            (folder / name).write_bytes(gzip.compress(content))
            resources.append((name, checksum(folder / name)))
    source = CATALOG["fashion-mnist"].source
    monkeypatch.setattr(source, "mirrors", [address])
    monkeypatch.setattr(source, "resources", resources)
    return CATALOG["fashion-mnist"]


def test_shapes_are_the_same_every_time_and_never_touch_the_global_generator():
    torch.manual_seed(1)
    expected = torch.rand(2)
    torch.manual_seed(1)
    first, second = (draw(64, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first.pixels, second.pixels)
    assert torch.equal(torch.rand(2), expected)


def test_shapes_know_every_factor_and_the_factors_are_independent():
    images = draw(4000, torch.Generator().manual_seed(0))
    assert set(images.factors) == set(NAMES) == {"shape", "color", "size", "position", "rotation", "background"}
    for name, labels in images.factors.items():
        counts = labels.bincount(minlength=len(NAMES[name])).float() / 4000
        assert (counts - 1 / len(NAMES[name])).abs().max() < 0.03, name
    stacked = torch.stack([labels.float() for labels in images.factors.values()])
    assert (torch.corrcoef(stacked) - torch.eye(6)).abs().max() < 0.06


def test_a_factor_shows_in_the_pixels():
    images = draw(2000, torch.Generator().manual_seed(0))
    pixels = images.pixels.float()
    ground = pixels[:, :, 0, 0].mean(1)
    means = [float(ground[images.factors["background"] == label].mean()) for label in range(4)]
    assert means == sorted(means) and means[0] + 20 < means[-1]
    ink = (pixels - ground[:, None, None, None]).abs().amax(1) > 60
    sizes = [float(ink[images.factors["size"] == label].float().mean()) for label in range(3)]
    assert sizes == sorted(sizes) and sizes[2] > 1.5 * sizes[0]
    redness = (pixels[:, 0] - pixels[:, 2]).amax((1, 2)) - (pixels[:, 2] - pixels[:, 0]).amax((1, 2))
    assert redness[images.factors["color"] == 0].min() > redness[images.factors["color"] == 5].max()


def test_training_and_probe_images_are_different_images():
    images, probe = CATALOG["shapes"].load(CATALOG["shapes"].Knobs(), None)
    assert (len(images), len(probe)) == (CATALOG["shapes"].count, CATALOG["shapes"].probe_count)
    seen = {each.numpy().tobytes() for each in images.pixels}
    assert not any(each.numpy().tobytes() in seen for each in probe.pixels)


def test_a_download_shows_progress_and_is_not_repeated(server, tmp_path):
    folder, address = server
    content = bytes(range(256)) * 4000
    (folder / "data.bin").write_bytes(content)
    target, md5 = tmp_path / "kept" / "data.bin", hashlib.md5(content).hexdigest()
    steps = list(fetch([address + "absent.bin", address + "data.bin"], target, md5))
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    assert steps[-1].done == steps[-1].total == len(content)
    assert target.read_bytes() == content
    assert list(fetch([address + "data.bin"], target, md5)) == []


def test_a_file_that_arrives_damaged_is_not_kept(server, tmp_path):
    folder, address = server
    (folder / "data.bin").write_bytes(b"not what was asked for")
    with pytest.raises(DataError, match=r"data\.bin must be in .* got no whole copy from .*md5"):
        list(fetch([address + "data.bin"], tmp_path / "data.bin", "0" * 32))
    assert list(tmp_path.glob("data.bin*")) == []


def test_fashion_mnist_is_downloaded_unpacked_and_framed(fashion, tmp_path):
    home = tmp_path / "home"
    assert [step.what for step in fashion.fetch(fashion.Knobs(), home)][0] == "train-images-idx3-ubyte.gz"
    images, probe = fashion.load(fashion.Knobs(), home)
    assert images.pixels.shape == (40, 3, 32, 32) and len(probe) == 20
    assert images.pixels[0, 0, 2, 2:6].tolist() == [0, 1, 2, 3]
    assert images.pixels[:, :, :2].sum() == 0
    assert images.factors["class"][:3].tolist() == [0, 1, 2]
    assert list(fashion.fetch(fashion.Knobs(), home)) == []


def test_cifar10_is_downloaded_and_unpacked(server, tmp_path, monkeypatch):
    folder, address = server
    source, base = CATALOG["cifar10"].source, tmp_path / "made" / "cifar-10-batches-py"
    base.mkdir(parents=True)
    sums = {}
    for name in [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]:
        row = bytes([7]) * 1024 + bytes([8]) * 1024 + bytes([9]) * 1024
        import numpy as np

        content = {"data": np.frombuffer(row * 4, np.uint8).reshape(4, 3072), "labels": [0, 1, 2, 3]}
        (base / name).write_bytes(pickle.dumps(content))
        sums[name] = checksum(base / name)
    (base / "batches.meta").write_bytes(pickle.dumps({"label_names": [f"class {i}" for i in range(10)]}))
    with tarfile.open(folder / source.filename, "w:gz") as archive:
        archive.add(base, "cifar-10-batches-py")
    monkeypatch.setattr(source, "url", address + source.filename)
    monkeypatch.setattr(source, "tgz_md5", checksum(folder / source.filename))
    monkeypatch.setattr(source, "train_list", [[name, sums[name]] for name in sums if name != "test_batch"])
    monkeypatch.setattr(source, "test_list", [["test_batch", sums["test_batch"]]])
    monkeypatch.setattr(source, "meta", source.meta | {"md5": checksum(base / "batches.meta")})
    home = tmp_path / "home"
    assert list(CATALOG["cifar10"].fetch(CATALOG["cifar10"].Knobs(), home))[-1].what == source.filename
    images, probe = CATALOG["cifar10"].load(CATALOG["cifar10"].Knobs(), home)
    assert images.pixels.shape == (20, 3, 32, 32) and len(probe) == 4
    assert images.pixels[0, :, 5, 5].tolist() == [7, 8, 9]
    assert images.names["class"][3] == "class 3"


def test_data_that_cannot_be_had_is_a_failed_run_with_a_sentence(fashion, tmp_path, monkeypatch):
    monkeypatch.setattr(fashion.source, "mirrors", ["http://127.0.0.1:9/"])
    last = list(train(RunConfig(data="fashion-mnist", steps=2), folder=tmp_path))[-1]
    assert last == Finished(0, "failed", last.message)
    assert "train-images-idx3-ubyte.gz must be in" in last.message and "Connection refused" in last.message


def test_a_run_says_what_it_fetches(fashion, tmp_path):
    events = train(RunConfig(data="fashion-mnist", steps=2), folder=tmp_path)
    assert isinstance(next(events), Fetching)
