"""What every data set gives: images in memory, and the factors that are known of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from playground.datasets.ranges import Measured, Range
from playground.knobs import Choice

GPU_SHARE = 0.4  # of its free memory, at most, for a data set


@dataclass(frozen=True, eq=False)  # two are the same only where they are one: what is known of a set is kept by that
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
        """The same images on a device; pixels that would fill most of a GPU stay where they are, and go there batch by batch."""
        if all(each.device == device for each in (self.pixels, *self.factors.values())):
            return self
        factors = {name: labels.to(device) for name, labels in self.factors.items()}
        return Images(self.pixels.to(device) if _fits(self.pixels, device) else self.pixels, factors, self.names)


def _fits(pixels: Tensor, device: torch.device) -> bool:
    """Whether pixels may lie on a device as a whole and leave it the larger part of its memory."""
    return device.type != "cuda" or pixels.nbytes < GPU_SHARE * torch.cuda.mem_get_info(device)[0]


@dataclass(frozen=True)
class Progress:
    """Something under way: a download in bytes, or images being decoded; `total` is 0 where the server does not say."""

    what: str
    done: int
    total: int
    unit: Literal["bytes", "images"] = "bytes"


class DataError(ValueError):
    """A data set that is not here and cannot be fetched; one sentence says what to do."""


class Dataset(Choice):
    """A data set to choose. Its images fall into three parts, none in two of them: `count` to train on, `probe_count` that are watched as
    a run trains (the probe set), and `test_count` that nobody looks at before an evaluation.
    """

    count: ClassVar[int]
    probe_count: ClassVar[int]
    test_count: ClassVar[int]
    untested: ClassVar[str] = "have images that are kept for a test, got none"  # where test_count is 0: what must be, and what was got
    native_size: ClassVar[int]  # the side of its images in pixels, unless its knobs have a `size` to choose
    classes: ClassVar[Mapping[str, int]] = {"class": 10}  # the factors of which training images have labels, and how many different ones
    colored: ClassVar[bool] = True  # False: its three channels are equal
    measured: ClassVar[Measured | None] = None  # of pictures with more than 8 bits
    suggests: ClassVar[dict[str, Any]] = {}

    class Knobs(Choice.Knobs):
        """What a data set lets one choose, such as the size of its images."""

        @property
        def image_size(self) -> int:
            """The side of its images in pixels, as they are trained on."""
            return int(getattr(self, "size", self.choice.native_size))

    @classmethod
    def missing(cls, knobs: Any, folder: Path) -> Literal["", "download", "prepare"]:
        """What `fetch` would have to do first, by a quick look: nothing where `load` may be called at once."""
        return ""

    @classmethod
    def fetch(cls, knobs: Any, folder: Path) -> Iterator[Progress]:
        """Brings into `folder` what `load` needs, unless it is there. Raises DataError."""
        yield from ()

    @classmethod
    def load(cls, knobs: Any, folder: Path) -> tuple[Images, Images]:
        """Training images and probe images, the same ones every time. Raises DataError."""
        raise NotImplementedError

    @classmethod
    def pixel_range(cls, knobs: Any) -> Range | None:
        """Which numbers are black and white, in pictures of more than 8 bits; None where there are none."""
        return None

    @classmethod
    def test(cls, knobs: Any, folder: Path) -> Images:
        """The images to evaluate on, the same ones every time, none of which `load` gives. Raises DataError, also where there are none."""
        if not cls.test_count:
            raise DataError(f"{cls.title} must {cls.untested}")
        return cls.load_test(knobs, folder)

    @classmethod
    def load_test(cls, knobs: Any, folder: Path) -> Images:
        """The images of `test`: those that are kept out of training, less the `probe_count` that are watched. Raises DataError."""
        raise NotImplementedError

    @classmethod
    def state(cls) -> str:
        """A short name of its pictures and labels as they were last read, where they can be read again; else ""."""
        return ""

    @classmethod
    def facts(cls, knobs: Any, folder: Path) -> dict[str, Any]:
        """What a run keeps of the set as it was when the run began: `pictures`, and how many `distinct` ones, where they are counted."""
        return {}

    @classmethod
    def notices(cls, knobs: Any, folder: Path) -> list[str]:
        """What somebody should know before they train on it, in sentences."""
        return []

    @classmethod
    def remarks(cls, knobs: Any, folder: Path) -> list[str]:
        """What else there is to know of what `load` gives, in sentences: what was left out, and why."""
        return []
