"""Where to train and how: the kinds of device to choose from, and what was chosen for one run.

What pays differs from machine to machine: half precision trains a small ResNet about twice as fast on a CPU with AMX, and several times
more slowly on one without bfloat16 instructions (`ssl-playground bench` measures it). So `device_trial` measures it for each network;
here stands what is taken where nothing was measured.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch

from playground.knobs import Choice, catalog, option

PRECISIONS = {"float32": None, "bfloat16": torch.bfloat16}  # -> the dtype of autocast
FORMATS = {"channels_last": torch.channels_last, "contiguous_format": torch.contiguous_format}
Precision = Literal["measured", "float32", "bfloat16"]


class DeviceError(ValueError):
    """A device that this machine does not have."""


class Place(Choice):
    """A kind of device to train on. `name` is torch's name of it, or auto."""

    class Knobs(Choice.Knobs):
        """How to compute there."""

        precision: Precision = option(
            "measured",
            "float32, or bfloat16 where the network allows it: half the bits. measured: whichever trains faster on this machine, found out "
            "by a few steps before the first run.",
        )


class Auto(Place):
    """The fastest kind that is there."""

    name, title, summary = "auto", "Auto", "A GPU if there is one."


class CPU(Place):
    """The processor."""

    name, title, summary = "cpu", "CPU", "The processor: enough for small networks."


class CUDA(Place):
    """A GPU of NVIDIA."""

    name, title, summary = "cuda", "CUDA", "A GPU of NVIDIA."


class MPS(Place):
    """A GPU of Apple."""

    name, title, summary = "mps", "MPS", "A GPU of Apple."


@dataclass(frozen=True)
class Device:
    """A torch device, the dtype of autocast (None: full precision), how images lie in memory, and how many threads compute.

    threads: of a CPU; 0 leaves them as they are. why: how that was chosen, as a sentence; "" where there was nothing to choose.
    """

    device: torch.device
    autocast_dtype: torch.dtype | None
    memory_format: torch.memory_format
    threads: int = 0
    why: str = ""

    def autocast(self) -> AbstractContextManager[None]:
        """The context in which losses are computed."""
        return torch.autocast(self.device.type, self.autocast_dtype or torch.bfloat16, enabled=self.autocast_dtype is not None)

    def describe(self) -> str:
        """`cpu, bfloat16, channels_last, 2 threads`, for people."""
        words = [str(self.device), str(self.autocast_dtype or torch.float32), str(self.memory_format)]
        threads = [f"{self.threads} thread{'s' * (self.threads > 1)}"] if self.threads else []
        return ", ".join([*(word.removeprefix("torch.") for word in words), *threads])

    def state(self) -> dict[str, Any]:
        """What decides about the last bits of every number, in words: for a checkpoint, or a file."""
        precision = next(name for name, each in PRECISIONS.items() if each is self.autocast_dtype)
        memory = next(name for name, each in FORMATS.items() if each is self.memory_format)
        return {"precision": precision, "memory_format": memory, "threads": self.threads, "why": self.why}

    def like(self, state: Mapping[str, Any]) -> Device:
        """This device, computing as `state` says."""
        dtype, memory = PRECISIONS[state["precision"]], FORMATS[state["memory_format"]]
        return replace(self, autocast_dtype=dtype, memory_format=memory, threads=state["threads"], why=state["why"])


def available() -> dict[str, bool]:
    """Which kinds of device this machine has."""
    return {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}


@functools.cache
def thread_limit() -> int:
    """How many threads a training may take: as many as this process had when it was first asked. A run that takes fewer leaves that."""
    return torch.get_num_threads()


def pick(name: str, family: str) -> Device:
    """name: auto, cpu, cuda, or mps; family: of the network. Raises DeviceError for a device that is not there.

    What usually pays, where nothing was measured: channels_last for convolutions, half precision on CUDA alone.
    """
    here = available()
    kind = next(each for each, there in here.items() if there) if name == "auto" else name
    if not here[kind]:
        raise DeviceError(f"device must be one of {', '.join(each for each, there in here.items() if there)} on this machine, got {name}")
    memory = torch.channels_last if family == "resnet" and kind != "mps" else torch.contiguous_format
    dtype = torch.bfloat16 if kind == "cuda" and torch.cuda.is_bf16_supported() else None
    return Device(torch.device(kind), dtype, memory, thread_limit() if kind == "cpu" else 0)


CATALOG = catalog(Place, sys.modules[__name__])
