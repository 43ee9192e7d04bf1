"""What every data set gives: images in memory, and the factors that are known of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from playground.knobs import Choice


@dataclass(frozen=True)
class Images:
    """pixels: (N, 3, H, W) uint8; factors: name -> (N,) labels; names: factor -> what each label is called."""

    pixels: Tensor
    factors: dict[str, Tensor]
    names: dict[str, list[str]]

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, rows: slice) -> Images:
        return Images(self.pixels[rows], {name: labels[rows] for name, labels in self.factors.items()}, self.names)

    def to(self, device: torch.device) -> Images:
        """The same images on a device."""
        return Images(self.pixels.to(device), {name: labels.to(device) for name, labels in self.factors.items()}, self.names)


@dataclass(frozen=True)
class Progress:
    """A download under way, in bytes; `total` is 0 where the server does not say."""

    what: str
    done: int
    total: int


class DataError(ValueError):
    """A data set that is not here and cannot be fetched; one sentence says what to do."""


class Dataset(Choice):
    """A data set to choose. count, probe_count: images for training, and images kept out of it for the probe set."""

    count: ClassVar[int]
    probe_count: ClassVar[int]
    image_size: ClassVar[int]
    classes: ClassVar[Mapping[str, int]] = {"class": 10}  # the factors of which it has labels, and how many different ones
    colored: ClassVar[bool] = True  # False: its three channels are equal
    suggests: ClassVar[dict[str, Any]] = {}

    @classmethod
    def fetch(cls, folder: Path) -> Iterator[Progress]:
        """Brings the files into `folder` unless they are there. Raises DataError."""
        return iter(())

    @classmethod
    def load(cls, folder: Path) -> tuple[Images, Images]:
        """Training images and probe images, the same ones every time. Raises DataError."""
        raise NotImplementedError
