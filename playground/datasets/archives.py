"""Datasets that are downloaded as archives and unpacked, by torchvision's own links, checksums and unpacking."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from playground.datasets.base import Dataset, Progress
from playground.datasets.download import fetch
from playground.datasets.turns import alone
from playground.knobs import option

SIZE = "The side of the images in pixels. Twice the side needs four times the computation, and shows small details."


class Framed(Dataset.Knobs):
    """Knobs for images of any shape: a size, and how they become square."""

    size: Literal[32, 48, 64, 96, 128, 160, 224] = option(64, SIZE)
    fit: Literal["crop", "squeeze"] = option("crop", "How an image becomes square: crop takes its middle, squeeze distorts it.")


@dataclass(frozen=True)
class Archive:
    """A file on the network, its local path, and the folder into which it is unpacked; None if it is used as it is."""

    urls: list[str]
    file: Path
    md5: str
    into: Path | None


class Torchvision:
    """torchvision's dataset of a name, as a class attribute: torchvision is imported only when it is needed."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: type) -> Any:
        import torchvision.datasets

        return getattr(torchvision.datasets, self._name)


class Downloaded(Dataset):
    """The base of datasets from the network. source: torchvision's class, which has the links and reads the unpacked files."""

    source: ClassVar[Any]
    probe_count = 1024

    @classmethod
    def archives(cls, folder: Path) -> list[Archive]:
        """All files to download."""
        raise NotImplementedError

    @classmethod
    def whole(cls, folder: Path) -> bool:
        """Whether all unpacked files are there: a partly unpacked archive does not count."""
        raise NotImplementedError

    @classmethod
    def fetch(cls, knobs: Any, folder: Path) -> Iterator[Progress]:
        """Downloads and unpacks what is missing or incomplete. Raises DataError."""
        if not cls.whole(folder):
            yield from alone(folder / cls.source.__name__, cls.title, lambda: cls._bring(folder))

    @classmethod
    def _bring(cls, folder: Path) -> Iterator[Progress]:
        if cls.whole(folder):
            return  # another process fetched it while we waited
        archives = cls.archives(folder)
        for each in archives:
            yield from fetch(each.urls, each.file, each.md5)
        for each in archives:
            if each.into is not None:
                yield Progress(f"{each.file.name}: downloaded, unpacking", 0, 0)
                unpack(each.file, each.into)


def unpack(archive: Path, into: Path) -> None:
    """Unpacks into a temporary folder and moves the result when it is complete. It replaces what was there."""
    temporary = into / f".{archive.name}.unpacking"
    from torchvision.datasets.utils import extract_archive

    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        extract_archive(archive, temporary)
        for entry in temporary.iterdir():
            target = into / entry.name
            if target.is_dir():
                shutil.rmtree(target)
            entry.replace(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
