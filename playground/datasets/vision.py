"""Real images through torchvision, downloaded on first use. Their only factor is the class."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor

from playground.datasets.base import DataError, Dataset, Images, Progress
from playground.datasets.download import fetch


class _Vision(Dataset):
    """What these sets share: torchvision unpacks and reads; the first images of the test part are the probe set."""

    source: ClassVar[Any]
    native_size = 32
    probe_count = 1024

    @classmethod
    def files(cls, folder: Path) -> list[tuple[list[str], Path, str]]:
        """What torchvision wants to find: (mirrors, file, md5) of each."""
        raise NotImplementedError

    @classmethod
    def fetch(cls, knobs: Any, folder: Path) -> Iterator[Progress]:
        """Downloads what is missing, then lets torchvision unpack it. Raises DataError."""
        if cls._open(folder, train=True, download=False) is not None:
            return
        for urls, file, md5 in cls.files(folder):
            yield from fetch(urls, file, md5)
        cls._open(folder, train=True, download=True)

    @classmethod
    def load(cls, knobs: Any, folder: Path) -> tuple[Images, Images]:
        """The official training part, and the first 1,024 images of the official test part."""
        parts = [cls._open(folder, train=part, download=False) for part in (True, False)]
        if parts[0] is None or parts[1] is None:
            raise DataError(f"{cls.name} must be in {folder}, got a folder without it; it is fetched when a run begins")
        return cls._images(parts[0]), cls._images(parts[1])[: cls.probe_count]

    @classmethod
    def _open(cls, folder: Path, *, train: bool, download: bool) -> Any:
        """Torchvision's own data set, or None where its files are not all there."""
        try:
            return cls.source(folder, train=train, download=download)
        except RuntimeError:
            return None

    @classmethod
    def _images(cls, part: Any) -> Images:
        labels = torch.as_tensor(part.targets)
        return Images(cls.pixels(torch.as_tensor(part.data)), {"class": labels}, {"class": [str(each) for each in part.classes]})

    @classmethod
    def pixels(cls, data: Tensor) -> Tensor:
        """As torchvision keeps them -> (N, 3, 32, 32) uint8."""
        return data.permute(0, 3, 1, 2).contiguous()


class CIFAR10(_Vision):
    """Krizhevsky, 2009."""

    name, title = "cifar10", "CIFAR-10"
    summary = "50,000 photographs of 10 classes, 32 px; 170 MB, downloaded on first use."
    count = 50_000
    source = torchvision.datasets.CIFAR10
    suggests: ClassVar[dict[str, Any]] = {"augment.crop_scale_min": 0.2}

    @classmethod
    def files(cls, folder: Path) -> list[tuple[list[str], Path, str]]:
        """One archive."""
        return [([cls.source.url], folder / cls.source.filename, cls.source.tgz_md5)]


class FashionMNIST(_Vision):
    """Xiao et al., 2017."""

    name, title = "fashion-mnist", "Fashion-MNIST"
    summary = "60,000 gray pictures of 10 kinds of clothing, framed to 32 px; 30 MB, downloaded on first use."
    count = 60_000
    source = torchvision.datasets.FashionMNIST
    colored = False
    suggests: ClassVar[dict[str, Any]] = {  # gray pictures have no color to change
        "augment.crop_scale_min": 0.3,
        "augment.saturation": 0.0,
        "augment.hue": 0.0,
        "augment.grayscale_probability": 0.0,
    }

    @classmethod
    def files(cls, folder: Path) -> list[tuple[list[str], Path, str]]:
        """Four files, each on every mirror."""
        raw = folder / cls.source.__name__ / "raw"
        return [([mirror + name for mirror in cls.source.mirrors], raw / name, md5) for name, md5 in cls.source.resources]

    @classmethod
    def pixels(cls, data: Tensor) -> Tensor:
        """(N, 28, 28) -> three equal channels, and a black frame to 32 px."""
        return F.pad(data, (2, 2, 2, 2))[:, None].repeat(1, 3, 1, 1)
