"""The base of all datasets: images in memory, and the known factors of each image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from playground.datasets.ranges import Measured, Range
from playground.knobs import Choice

GPU_SHARE = 0.4  # of its free memory, at most, for a dataset


@dataclass(frozen=True, eq=False)  # compared by identity, which is the key of caches
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
        """The same images on a device; pixels that would fill most of a GPU are not moved, but copied batch by batch."""
        if all(each.device == device for each in (self.pixels, *self.factors.values())):
            return self
        factors = {name: labels.to(device) for name, labels in self.factors.items()}
        return Images(self.pixels.to(device) if _fits(self.pixels, device) else self.pixels, factors, self.names)


def _fits(pixels: Tensor, device: torch.device) -> bool:
    """Whether all pixels fit on a device and leave the larger part of its memory free."""
    return device.type != "cuda" or pixels.nbytes < GPU_SHARE * torch.cuda.mem_get_info(device)[0]


@dataclass(frozen=True)
class Progress:
    """The progress of a download in bytes, or of decoding images; `total` is 0 if it is unknown."""

    what: str
    done: int
    total: int
    unit: Literal["bytes", "images"] = "bytes"


class DataError(ValueError):
    """A dataset is not available; one sentence says what to do."""


class Dataset(Choice):
    """A dataset to choose. Its images are split into three disjoint parts: `count` training images, `probe_count` images on which a run is
    measured while it trains (the probe set), and `test_count` images that are used only in an evaluation.
    """

    count: ClassVar[int]
    probe_count: ClassVar[int]
    test_count: ClassVar[int]
    untested: ClassVar[str] = "have images that are kept for a test, got none"  # the end of an error sentence if test_count is 0
    native_size: ClassVar[int]  # the side of its images in pixels, unless its knobs have a `size`
    classes: ClassVar[Mapping[str, int]] = {"class": 10}  # factors with labels for the training images -> number of labels
    colored: ClassVar[bool] = True  # False: its three channels are equal
    measured: ClassVar[Measured | None] = None  # of images with more than 8 bits
    suggests: ClassVar[dict[str, Any]] = {}

    class Knobs(Choice.Knobs):
        """The knobs of a dataset, such as the size of its images."""

        @property
        def image_size(self) -> int:
            """The side of its images in training, in pixels."""
            return int(getattr(self, "size", self.choice.native_size))

    @classmethod
    def missing(cls, knobs: Any, folder: Path) -> Literal["", "download", "prepare"]:
        """What `fetch` would have to do, by a quick check; "" if `load` can be called at once."""
        return ""

    @classmethod
    def fetch(cls, knobs: Any, folder: Path) -> Iterator[Progress]:
        """Puts the files that `load` needs into `folder`, unless they are there. Raises DataError."""
        yield from ()

    @classmethod
    def load(cls, knobs: Any, folder: Path) -> tuple[Images, Images]:
        """Training images and probe images, always the same ones. Raises DataError."""
        raise NotImplementedError

    @classmethod
    def pixel_range(cls, knobs: Any) -> Range | None:
        """The values of black and white in images of more than 8 bits; None if there are no such images."""
        return None

    @classmethod
    def test(cls, knobs: Any, folder: Path) -> Images:
        """The test images, always the same ones, none of which `load` returns. Raises DataError, also if there are none."""
        if not cls.test_count:
            raise DataError(f"{cls.title} must {cls.untested}")
        return cls.load_test(knobs, folder)

    @classmethod
    def load_test(cls, knobs: Any, folder: Path) -> Images:
        """The images for `test`: held-out images without the probe images. Raises DataError."""
        raise NotImplementedError

    @classmethod
    def state(cls) -> str:
        """An identifier of its images and labels as they were last read, if they can be read again; else ""."""
        return ""

    @classmethod
    def facts(cls, knobs: Any, folder: Path) -> dict[str, Any]:
        """Facts about the dataset at the start of a run: `pictures`, the number of images, and `distinct`, of different ones, if
        counted."""
        return {}

    @classmethod
    def notices(cls, knobs: Any, folder: Path) -> list[str]:
        """Sentences that a user should read before training on it."""
        return []

    @classmethod
    def remarks(cls, knobs: Any, folder: Path) -> list[str]:
        """Other sentences about the loaded images: what was left out, and why."""
        return []
