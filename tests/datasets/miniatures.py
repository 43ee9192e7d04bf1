"""Each dataset in miniature: real archives in the official formats, their links and checksums given to torchvision's classes."""

import gzip
import pickle
import struct
import tarfile
import zipfile

import numpy as np
from PIL import Image
from scipy.io import savemat

from playground.datasets.download import checksum


def cifar10(kind, server, made, monkeypatch):
    parts = {f"data_batch_{i}": (4, "labels") for i in range(1, 6)} | {"test_batch": (4, "labels")}
    _cifar(kind, server, made, monkeypatch, parts, {"label_names": [f"class {i}" for i in range(10)]})


def cifar100(kind, server, made, monkeypatch):
    names = {"fine_label_names": [f"fine {i}" for i in range(100)], "coarse_label_names": [f"coarse {i}" for i in range(20)]}
    _cifar(kind, server, made, monkeypatch, {"train": (20, "fine_labels"), "test": (4, "fine_labels")}, names)


def _cifar(kind, server, made, monkeypatch, parts, names):
    """Rows of 1024 red, 1024 green and 1024 blue bytes."""
    source = kind.source
    base = made / source.base_folder
    base.mkdir()
    row = bytes([7]) * 1024 + bytes([8]) * 1024 + bytes([9]) * 1024
    for name, (count, labels) in parts.items():
        content = {"data": np.frombuffer(row * count, np.uint8).reshape(count, 3072), labels: [i % 10 for i in range(count)]}
        (base / name).write_bytes(pickle.dumps(content))
    (base / source.meta["filename"]).write_bytes(pickle.dumps(names))
    url, md5 = server.put(source.filename, _tar(made / source.filename, base))
    sums = [[name, checksum(base / name)] for name in parts]
    monkeypatch.setattr(source, "url", url)
    monkeypatch.setattr(source, "tgz_md5", md5)
    monkeypatch.setattr(source, "train_list", sums[:-1])
    monkeypatch.setattr(source, "test_list", sums[-1:])
    monkeypatch.setattr(source, "meta", source.meta | {"md5": checksum(base / source.meta["filename"])})


def mnist(kind, server, made, monkeypatch):
    """Pixels count up from 0 to 250, again and again."""
    resources = []
    for part, count in (("train", 40), ("t10k", 20)):
        pixels = bytes(i % 251 for i in range(count * 28 * 28))
        files = {
            f"{part}-images-idx3-ubyte.gz": struct.pack(">IIII", 0x803, count, 28, 28) + pixels,
            f"{part}-labels-idx1-ubyte.gz": struct.pack(">II", 0x801, count) + bytes(i % 10 for i in range(count)),
        }
        resources += [(name, server.put(name, gzip.compress(content))[1]) for name, content in files.items()]
    monkeypatch.setattr(kind.source, "mirrors", [server.address + "absent/", server.address])
    monkeypatch.setattr(kind.source, "resources", resources)


fashion_mnist = mnist


def svhn(kind, server, made, monkeypatch):
    """Matlab's order of axes, and a 10 for the digit 0."""
    split_list = {}
    for part, count in (("train", 30), ("test", 11)):
        pixels = np.zeros((32, 32, 3, count), np.uint8)
        pixels[0, :, 0] = 50  # the first row is red
        name = f"{part}_32x32.mat"
        savemat(made / name, {"X": pixels, "y": np.arange(1, count + 1).reshape(-1, 1) % 10 + 1})
        url, md5 = server.put(name, (made / name).read_bytes())
        split_list[part] = [url, name, md5]
    monkeypatch.setattr(kind.source, "split_list", split_list)


def stl10(kind, server, made, monkeypatch):
    """Column by column, as Matlab would; labels from 1."""
    source = kind.source
    base = made / source.base_folder
    base.mkdir()
    for part, count in (("train", 12), ("test", 8), ("unlabeled", 50)):
        pixels = np.zeros((count, 3, 96, 96), np.uint8)
        pixels[:, 0, :8] = 200  # the first columns are red
        pixels.tofile(base / f"{part}_X.bin")
    for part, count in (("train", 12), ("test", 8)):
        (np.arange(count, dtype=np.uint8) % 10 + 1).tofile(base / f"{part}_y.bin")
    (base / "class_names.txt").write_text("".join(f"class {i}\n" for i in range(10)))
    (base / "fold_indices.txt").write_text("0 1\n")
    url, md5 = server.put(source.filename, _tar(made / source.filename, base))
    monkeypatch.setattr(source, "url", url)
    monkeypatch.setattr(source, "tgz_md5", md5)
    for parts in ("train_list", "test_list"):
        monkeypatch.setattr(source, parts, [[name, checksum(base / name)] for name, _ in getattr(source, parts)])


stl10_unlabeled = stl10


def imagenette(kind, server, made, monkeypatch):
    """A folder for each part, and in it one for each class."""
    base = made / "imagenette2-160"
    for part, count in (("train", 3), ("val", 2)):
        for label, wnid in enumerate(sorted(kind.source._WNID_TO_CLASS)):
            for i in range(count):
                photo(base / part / wnid / f"{wnid}_{i}.JPEG", label, (200, 160))
    url, md5 = server.put("imagenette2-160.tgz", _tar(made / "imagenette2-160.tgz", base))
    monkeypatch.setattr(kind.source, "_ARCHIVES", {"160px": (url, md5)})
    monkeypatch.setattr(kind, "total", 50)


def eurosat(kind, server, made, monkeypatch):
    """A folder for each class, in a zip."""
    with zipfile.ZipFile(made / "EuroSAT.zip", "w") as archive:
        for label, name in enumerate(("AnnualCrop", "Forest", "River")):
            for i in range(1, 11):
                photo(made / "2750" / name / f"{name}_{i}.jpg", label, (64, 64))
                archive.write(made / "2750" / name / f"{name}_{i}.jpg", f"2750/{name}/{name}_{i}.jpg")
    url, md5 = server.put("EuroSAT.zip", (made / "EuroSAT.zip").read_bytes())
    monkeypatch.setattr(kind, "url", url)
    monkeypatch.setattr(kind, "md5", md5)
    monkeypatch.setattr(kind, "total", 30)


def flowers102(kind, server, made, monkeypatch):
    """One folder of numbered images; labels from 1 and the parts in Matlab's files."""
    count, files = 30, {}
    labels = np.arange(count) % 10 + 1
    for i, label in enumerate(labels, 1):
        photo(made / "jpg" / f"image_{i:05d}.jpg", int(label) - 1, (120, 90))
    savemat(made / "imagelabels.mat", {"labels": labels})
    savemat(made / "setid.mat", {"trnid": np.arange(1, 11), "valid": np.arange(11, 16), "tstid": np.arange(16, count + 1)})
    for key, name in (("image", "102flowers.tgz"), ("label", "imagelabels.mat"), ("setid", "setid.mat")):
        content = _tar(made / name, made / "jpg") if key == "image" else (made / name).read_bytes()
        files[key] = (name, server.put(name, content)[1])
    monkeypatch.setattr(kind.source, "_download_url_prefix", server.address)
    monkeypatch.setattr(kind.source, "_file_dict", files)
    monkeypatch.setattr(kind, "total", count)


def oxford_pets(kind, server, made, monkeypatch):
    """Images in one archive, lists of them in another."""
    breeds = [("Abyssinian", 1), ("great_dane", 2), ("pug", 2)]
    (made / "annotations").mkdir()
    for part, numbers in (("trainval", range(1, 6)), ("test", range(6, 9))):
        lines = [f"{breed}_{i} {label} {species} 1\n" for label, (breed, species) in enumerate(breeds, 1) for i in numbers]
        (made / "annotations" / f"{part}.txt").write_text("".join(lines))
    for label, (breed, _) in enumerate(breeds):
        for i in range(1, 9):
            photo(made / "images" / f"{breed}_{i}.jpg", label, (90, 120))
    (made / "images" / "Abyssinian_1.mat").write_bytes(b"the official archive holds a few of these")
    resources = [server.put(f"{name}.tar.gz", _tar(made / f"{name}.tar.gz", made / name)) for name in ("images", "annotations")]
    monkeypatch.setattr(kind.source, "_RESOURCES", resources)
    monkeypatch.setattr(kind, "total", 24)


def photo(file, label, size):
    """One gray, the lighter the higher the label; its left and right ends are red."""
    file.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.new("RGB", size, (20 * label, 20 * label, 20 * label))
    short = min(size)
    edge = (size[0] - short) // 2
    for left in (0, size[0] - edge):
        picture.paste((255, 0, 0), (left, 0, left + edge, size[1]))
    picture.save(file, "JPEG", quality=95, subsampling=0)


def _tar(file, folder):
    with tarfile.open(file, "w:gz") as archive:
        archive.add(folder, folder.name)
    return file.read_bytes()
