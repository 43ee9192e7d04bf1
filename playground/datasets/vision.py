"""Small real images through torchvision, which keeps them as arrays. Their only factor is the class."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from playground.datasets.archives import SIZE, Archive, Downloaded, Torchvision
from playground.datasets.base import DataError, Dataset, Images
from playground.datasets.download import whole
from playground.knobs import option

CHUNK = 1024  # images resized at once
GRAY = {  # gray images have no color to change
    "augment.saturation": 0.0,
    "augment.hue": 0.0,
    "augment.grayscale_probability": 0.0,
}
SMALL = {"network": "resnet-tiny"}  # enough for 32 px: a step is four times as fast as with the small one
DIGITS = {"augment.crop_scale_min": 0.4, "augment.flip_probability": 0.0}  # a mirrored digit is not a digit


class _Vision(Downloaded):
    """The base of these datasets: torchvision reads them; the probe set is the first part of the official test part, the test the rest."""

    native_size = 32
    folder_name: ClassVar[str]  # what torchvision reads lies in there

    class Knobs(Dataset.Knobs):
        """The images are square already: there is only their size to choose."""

        size: Literal[32, 48, 64] = option(32, SIZE)

    @classmethod
    def files(cls, folder: Path) -> list[tuple[Path, str]]:
        """The files that torchvision reads, each with its md5 if it is known."""
        return [(folder / cls.source.base_folder / name, md5) for name, md5 in cls.source.train_list + cls.source.test_list]

    @classmethod
    def archives(cls, folder: Path) -> list[Archive]:
        """One archive, with a folder in it."""
        return [Archive([cls.source.url], folder / cls.source.filename, cls.source.tgz_md5, folder)]

    @classmethod
    def missing(cls, knobs: Any, folder: Path) -> Literal["", "download", "prepare"]:
        """Whether all files are there, unread."""
        return "" if all(file.is_file() for file, _ in cls.files(folder)) else "download"

    @classmethod
    def whole(cls, folder: Path) -> bool:
        """Checks the checksums of the unpacked files."""
        return all(whole(file, md5) for file, md5 in cls.files(folder))

    @classmethod
    def load(cls, knobs: Any, folder: Path) -> tuple[Images, Images]:
        """The official training part, and the first 1,024 images of the official test part."""
        return cls._images(knobs, folder, "train"), cls._images(knobs, folder, "test", slice(cls.probe_count))

    @classmethod
    def load_test(cls, knobs: Any, folder: Path) -> Images:
        """All other images of the official test part."""
        return cls._images(knobs, folder, "test", slice(cls.probe_count, None))

    @classmethod
    def _images(cls, knobs: Any, folder: Path, part: str, rows: slice = slice(None)) -> Images:
        if cls.missing(knobs, folder):
            raise DataError(f"{cls.name} must be in {folder}, got a folder without it; it is downloaded when a run begins")
        try:
            data, labels, names = cls.read(folder, part)
        except (RuntimeError, OSError, EOFError, ValueError) as error:
            raise DataError(f"{cls.name} in {folder} must be complete, got files that torchvision cannot read: {error}") from None
        pixels = squares(torch.as_tensor(data)[rows], knobs.image_size, cls.pixels)
        return Images(pixels, {"class": torch.as_tensor(labels).long()[rows]}, {"class": [str(each) for each in names]})

    @classmethod
    def read(cls, folder: Path, part: str) -> tuple[Any, Any, Any]:
        """Arrays as torchvision keeps them, their labels, and what the labels are called. part: "train" or "test"."""
        found = cls.source(folder, train=part == "train")
        return found.data, found.targets, found.classes

    @classmethod
    def pixels(cls, data: Tensor) -> Tensor:
        """Some of the array -> (N, 3, H, W) uint8."""
        return data


def squares(data: Tensor, size: int, pixels: Any) -> Tensor:
    """Chunk by chunk through `pixels`, then to (N, 3, size, size) without jagged edges; what has that size is left as it is."""
    made = torch.empty(len(data), 3, size, size, dtype=torch.uint8)
    for some, into in zip(data.split(CHUNK), made.split(CHUNK), strict=True):
        chunk = pixels(some)
        same = chunk.shape[-1] == size
        into.copy_(chunk if same else F.interpolate(chunk.contiguous(), (size, size), mode="bilinear", antialias=True))
    return made


class CIFAR10(_Vision):
    """Krizhevsky, 2009."""

    name, title = "cifar10", "CIFAR-10"
    summary = "50,000 photographs of 10 classes, 32 px; 170 MB, downloaded on first use."
    count, test_count = 50_000, 8_976
    source = Torchvision("CIFAR10")
    suggests: ClassVar[dict[str, Any]] = SMALL | {"augment.crop_scale_min": 0.2}

    @classmethod
    def files(cls, folder: Path) -> list[tuple[Path, str]]:
        """With the file of the class names."""
        meta = cls.source.meta
        return [*super().files(folder), (folder / cls.source.base_folder / meta["filename"], meta["md5"])]

    @classmethod
    def pixels(cls, data: Tensor) -> Tensor:
        """(N, 32, 32, 3) -> (N, 3, 32, 32)."""
        return data.permute(0, 3, 1, 2)


class CIFAR100(CIFAR10):
    """Krizhevsky, 2009."""

    name, title = "cifar100", "CIFAR-100"
    summary = "50,000 photographs of 100 classes, 32 px; 170 MB, downloaded on first use."
    source = Torchvision("CIFAR100")
    classes = {"class": 100}


class SVHN(_Vision):
    """Netzer et al., 2011. Without mirroring, which would change digits."""

    name, title = "svhn", "SVHN"
    summary = "73,257 house numbers, each image centered on one digit, 32 px; 250 MB, downloaded on first use."
    count, test_count = 73_257, 25_008
    source = Torchvision("SVHN")
    suggests: ClassVar[dict[str, Any]] = SMALL | DIGITS

    @classmethod
    def archives(cls, folder: Path) -> list[Archive]:
        """Two files, used as they are."""
        parts = [cls.source.split_list[part] for part in ("train", "test")]
        return [Archive([url], folder / name, md5, None) for url, name, md5 in parts]

    @classmethod
    def files(cls, folder: Path) -> list[tuple[Path, str]]:
        """The same two."""
        return [(each.file, each.md5) for each in cls.archives(folder)]

    @classmethod
    def read(cls, folder: Path, part: str) -> tuple[Any, Any, Any]:
        """(N, 3, 32, 32) and the digits."""
        found = cls.source(folder, split=part)
        return found.data, found.labels, range(10)


class STL10(_Vision):
    """Coates et al., 2011."""

    name, title = "stl10", "STL-10"
    summary = "5,000 photographs of 10 classes, 96 px; 2.6 GB with the unlabeled ones, downloaded on first use."
    count, test_count, native_size = 5_000, 6_976, 96
    source = Torchvision("STL10")
    suggests: ClassVar[dict[str, Any]] = {"augment.crop_scale_min": 0.2}

    class Knobs(Dataset.Knobs):
        """Taken at 96 px, smaller by default."""

        size: Literal[32, 48, 64, 96] = option(64, SIZE)

    @classmethod
    def read(cls, folder: Path, part: str) -> tuple[Any, Any, Any]:
        """(N, 3, 96, 96), read where it lies: torchvision would take all of the 2.8 GB into memory first."""
        base = folder / cls.source.base_folder
        data = np.memmap(base / f"{part}_X.bin", np.uint8, "c").reshape(-1, 3, 96, 96).transpose(0, 1, 3, 2)  # it is kept column by column
        labels = base / f"{part}_y.bin"
        names = (base / cls.source.class_names_file).read_text().splitlines()
        return data, np.fromfile(labels, np.uint8) - 1 if labels.exists() else np.zeros(0), names

    @classmethod
    def files(cls, folder: Path) -> list[tuple[Path, str]]:
        """The names of the classes have no checksum."""
        return [*super().files(folder), (folder / cls.source.base_folder / cls.source.class_names_file, "")]


class STL10Unlabeled(STL10):
    """Coates et al., 2011. Its probe set and its test are STL-10's, so that what is learned without labels is measured with them."""

    name, title = "stl10-unlabeled", "STL-10 unlabeled"
    summary = "100,000 photographs without labels, 96 px; measured on those of STL-10; 2.6 GB, downloaded on first use."
    count = 100_000
    classes = {}

    @classmethod
    def load(cls, knobs: Any, folder: Path) -> tuple[Images, Images]:
        """The unlabeled part, of which no factor is known, and the first 1,024 images of the official test part."""
        images, probe = super().load(knobs, folder)
        return Images(images.pixels, {}, {}), probe

    @classmethod
    def read(cls, folder: Path, part: str) -> tuple[Any, Any, Any]:
        """The unlabeled part instead of the labeled one."""
        return super().read(folder, "unlabeled" if part == "train" else part)


class MNIST(_Vision):
    """LeCun et al., 1998. Without mirroring, which would change digits."""

    name, title = "mnist", "MNIST"
    summary = "60,000 handwritten digits, gray, framed to 32 px; 10 MB, downloaded on first use."
    count, test_count = 60_000, 8_976
    source = Torchvision("MNIST")
    colored = False
    suggests: ClassVar[dict[str, Any]] = SMALL | DIGITS | GRAY

    @classmethod
    def archives(cls, folder: Path) -> list[Archive]:
        """Four files, each on every mirror."""
        raw = folder / cls.source.__name__ / "raw"
        return [Archive([mirror + name for mirror in cls.source.mirrors], raw / name, md5, raw) for name, md5 in cls.source.resources]

    @classmethod
    def files(cls, folder: Path) -> list[tuple[Path, str]]:
        """No checksums of these files are published."""
        return [(each.file.with_suffix(""), "") for each in cls.archives(folder)]

    @classmethod
    def whole(cls, folder: Path) -> bool:
        """Checks the length of each file, which is given in its header."""
        return all(file.is_file() and file.stat().st_size == _idx_length(file) for file, _ in cls.files(folder))

    @classmethod
    def pixels(cls, data: Tensor) -> Tensor:
        """(N, 28, 28) -> three equal channels, and a black frame to 32 px."""
        return F.pad(data, (2, 2, 2, 2))[:, None].repeat(1, 3, 1, 1)


def _idx_length(file: Path) -> int:
    """The bytes a file of LeCun's format must have: two zeros, type (bytes here), number of dimensions, each as 4 bytes, then the data."""
    with file.open("rb") as content:
        dimensions = content.read(4)[-1:]
        header = 4 * sum(dimensions)
        sizes = np.frombuffer(content.read(header).ljust(header, b"\0"), ">u4").astype(int)
    return 4 + 4 * len(sizes) + int(sizes.prod())


class FashionMNIST(MNIST):
    """Xiao et al., 2017."""

    name, title = "fashion-mnist", "Fashion-MNIST"
    summary = "60,000 gray images of 10 kinds of clothing, framed to 32 px; 30 MB, downloaded on first use."
    source = Torchvision("FashionMNIST")
    suggests: ClassVar[dict[str, Any]] = SMALL | {"augment.crop_scale_min": 0.3} | GRAY
