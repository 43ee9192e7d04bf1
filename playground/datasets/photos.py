"""Photographs through torchvision, which keeps them as files. They are decoded once for each size; their only factor is the class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch

from playground.datasets.archives import SIZE, Archive, Downloaded, Framed, Torchvision
from playground.datasets.base import DataError, Dataset, Images, Progress
from playground.datasets.prepared import Prepared, opened, prepare
from playground.datasets.reasons import left_out
from playground.knobs import option

SEED = 4  # of the order, and of the split where there is no official one; a run's seed never changes the data
Sample = tuple[Path, int]  # a file and its label


class _Photos(Downloaded):
    """The base of these datasets: in a fixed random order, because they are sorted by class; 1,024 of the official test part are the
    probe set, the others are the test images: they are decoded for the first evaluation.
    """

    total: ClassVar[int]  # files of both parts together
    place: ClassVar[str]  # where they lie when unpacked
    suggests: ClassVar[dict[str, Any]] = {"augment.crop_scale_min": 0.2}

    class Knobs(Framed):
        """A size, and how images become square."""

    @classmethod
    def parts(cls, folder: Path) -> tuple[Sequence[Sample], Sequence[Sample], Sequence[str]]:
        """The training part, the test part, and the names of the classes. Raises RuntimeError, OSError or ValueError."""
        raise NotImplementedError

    @classmethod
    def missing(cls, knobs: Any, folder: Path) -> Literal["", "download", "prepare"]:
        """Whether images of this size are there, or at least what they are made of."""
        if cls._into(knobs, folder).is_file():
            return ""
        return "prepare" if (folder / cls.place).is_dir() else "download"

    @classmethod
    def whole(cls, folder: Path) -> bool:
        """Whether every file is there."""
        try:
            training, test, _ = cls.parts(folder)
        except (RuntimeError, OSError, ValueError):
            return False
        return len(training) + len(test) >= cls.total and all(file.is_file() for file, _ in [*training, *test])

    @classmethod
    def fetch(cls, knobs: Any, folder: Path) -> Iterator[Progress]:
        """Downloads, unpacks and decodes what is missing. Raises DataError."""
        yield from super().fetch(knobs, folder)
        samples, _, _ = cls._chosen(folder)
        files = [file for file, _ in samples]
        yield from prepare(files, cls._into(knobs, folder), knobs.image_size, getattr(knobs, "fit", "crop"), cls.title)

    @classmethod
    def load(cls, knobs: Any, folder: Path) -> tuple[Images, Images]:
        """The training part, and 1,024 images of the test part, over one file that is mapped into memory."""
        samples, count, names = cls._chosen(folder)
        prepared = opened(cls._into(knobs, folder))
        images, first = _labeled(prepared, samples, names), sum(row < count for row in prepared.kept)
        return images[:first], images[first:]

    @classmethod
    def load_test(cls, knobs: Any, folder: Path) -> Images:
        """All other images of the test part, in a separate file that is made at the first call."""
        _, test, names = cls._parts(folder)
        samples, into = shuffled(test)[cls.probe_count :], cls._into(knobs, folder, "-test")
        files = [file for file, _ in samples]
        for _ in prepare(files, into, knobs.image_size, getattr(knobs, "fit", "crop"), cls.title):
            pass
        return _labeled(opened(into), samples, names)

    @classmethod
    def remarks(cls, knobs: Any, folder: Path) -> list[str]:
        """Images that could not be decoded."""
        return left_out([(Path(file).name, reason) for file, reason in opened(cls._into(knobs, folder)).skipped])

    @classmethod
    def _chosen(cls, folder: Path) -> tuple[list[Sample], int, Sequence[str]]:
        """The images to decode: the training part, then the probe set; the number of training images; the names of the classes."""
        training, test, names = cls._parts(folder)
        return [*shuffled(training), *shuffled(test)[: cls.probe_count]], len(training), names

    @classmethod
    def _parts(cls, folder: Path) -> tuple[Sequence[Sample], Sequence[Sample], Sequence[str]]:
        try:
            return cls.parts(folder)
        except (RuntimeError, OSError, ValueError) as error:
            raise DataError(
                f"{cls.name} must be in {folder}, got a folder without it ({error}); it is downloaded when a run begins"
            ) from None

    @classmethod
    def _into(cls, knobs: Any, folder: Path, part: str = "") -> Path:
        return folder / "prepared" / f"{cls.name}-{knobs.image_size}-{getattr(knobs, 'fit', 'crop')}{part}.npy"


def _labeled(made: Prepared, samples: Sequence[Sample], names: Sequence[str]) -> Images:
    labels = torch.tensor([label for _, label in samples])[made.kept]
    return Images(made.pixels, {"class": labels}, {"class": list(names)})


def shuffled(samples: Sequence[Sample]) -> list[Sample]:
    """In an order that looks random and is always the same."""
    order = torch.randperm(len(samples), generator=torch.Generator().manual_seed(SEED))
    return [samples[place] for place in order.tolist()]


class Imagenette(_Photos):
    """Howard, 2019: ten classes of ImageNet that are easy to tell apart."""

    name, title = "imagenette", "Imagenette"
    summary = "9,469 photographs of 10 easy classes of ImageNet; 100 MB, downloaded on first use."
    count, test_count, native_size, total, place = 9_469, 2_901, 160, 13_394, "imagenette2-160"
    source = Torchvision("Imagenette")

    @classmethod
    def archives(cls, folder: Path) -> list[Archive]:
        """The one whose images have a shorter side of 160 px."""
        url, md5 = cls.source._ARCHIVES["160px"]
        return [Archive([url], folder / Path(url).name, md5, folder)]

    @classmethod
    def parts(cls, folder: Path) -> tuple[Sequence[Sample], Sequence[Sample], Sequence[str]]:
        """A class has several names: the first will do."""
        training, test = (cls.source(folder, split=split, size="160px") for split in ("train", "val"))
        return _paths(training._samples), _paths(test._samples), [names[0] for names in training.classes]


class EuroSAT(_Photos):
    """Helber et al., 2019. There is no official split: a fifth, drawn once and for all, is kept out of training."""

    name, title = "eurosat", "EuroSAT"
    summary = "21,600 satellite images of 10 kinds of land, 64 px; 95 MB, downloaded on first use."
    count, test_count, native_size, total, place = 21_600, 4_376, 64, 27_000, "eurosat/2750"
    source = Torchvision("EuroSAT")
    url = "https://huggingface.co/datasets/torchgeo/eurosat/resolve/c877bcd43f099cd0196738f714544e355477f3fd/EuroSAT.zip"
    md5 = "c8fa014336c82ac7804f0398fcb19387"  # torchvision names both inside a function only

    class Knobs(Dataset.Knobs):
        """The images are square already: there is only their size to choose."""

        size: Literal[32, 48, 64, 96, 128] = option(64, SIZE)

    @classmethod
    def archives(cls, folder: Path) -> list[Archive]:
        """One, with a folder for each class."""
        base = folder / "eurosat"
        return [Archive([cls.url], base / Path(cls.url).name, cls.md5, base)]

    @classmethod
    def parts(cls, folder: Path) -> tuple[Sequence[Sample], Sequence[Sample], Sequence[str]]:
        """Four fifths and one fifth."""
        found = cls.source(folder)
        samples = shuffled(_paths(found.samples))
        test = len(samples) // 5
        return samples[test:], samples[:test], found.classes


class Flowers102(_Photos):
    """Nilsback and Zisserman, 2008. Its training and validation parts are both trained on: together they are small enough."""

    name, title = "flowers102", "Flowers-102"
    summary = "2,040 photographs of 102 kinds of flowers; 345 MB, downloaded on first use."
    count, test_count, native_size, total, place = 2_040, 5_125, 500, 8_189, "flowers-102/jpg"
    classes = {"class": 102}
    source = Torchvision("Flowers102")

    @classmethod
    def archives(cls, folder: Path) -> list[Archive]:
        """The images, their labels, and which part each is in."""
        base, files = folder / "flowers-102", cls.source._file_dict
        return [
            Archive([cls.source._download_url_prefix + name], base / name, md5, base if name.endswith(".tgz") else None)
            for name, md5 in files.values()
        ]

    @classmethod
    def parts(cls, folder: Path) -> tuple[Sequence[Sample], Sequence[Sample], Sequence[str]]:
        """Training and validation together, and the test part, which is the larger by far."""
        training, validation, test = (cls.source(folder, split=split) for split in ("train", "val", "test"))
        kept = [list(zip(part._image_files, part._labels, strict=True)) for part in (training, validation, test)]
        return kept[0] + kept[1], kept[2], training.classes


class OxfordPets(_Photos):
    """Parkhi et al., 2012."""

    name, title = "oxford-pets", "Oxford-IIIT Pet"
    summary = "3,680 photographs of 37 breeds of cats and dogs; 810 MB, downloaded on first use."
    count, test_count, native_size, total, place = 3_680, 2_645, 500, 7_349, "oxford-iiit-pet/images"
    classes = {"class": 37}
    source = Torchvision("OxfordIIITPet")

    @classmethod
    def archives(cls, folder: Path) -> list[Archive]:
        """The images, and a list of them with their labels."""
        base = folder / "oxford-iiit-pet"
        return [Archive([url], base / Path(url).name, md5, base) for url, md5 in cls.source._RESOURCES]

    @classmethod
    def parts(cls, folder: Path) -> tuple[Sequence[Sample], Sequence[Sample], Sequence[str]]:
        """The official ones."""
        training, test = (cls.source(folder, split=split) for split in ("trainval", "test"))
        kept = [list(zip(part._images, part._labels, strict=True)) for part in (training, test)]
        return kept[0], kept[1], training.classes


def _paths(samples: Sequence[tuple[str, int]]) -> list[Sample]:
    return [(Path(file), label) for file, label in samples]
