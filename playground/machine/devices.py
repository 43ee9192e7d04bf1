"""Devices: the kinds to choose from, and the settings of the device for one run.

The fastest settings depend on the machine: half precision trains a small ResNet about twice as fast on a CPU with AMX, and several
times more slowly on one without bfloat16 instructions (`ssl-playground bench` measures it). So `device_trial` measures it for each
network; this module has the settings that are used if nothing was measured.
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
    """A kind of device for training. `name` is its name in torch, or auto."""

    class Knobs(Choice.Knobs):
        """How to compute on it."""

        precision: Precision = option(
            "measured",
            "float32, or bfloat16 (half precision) if the network allows it. measured: the faster one on this machine, measured "
            "in a few steps before the first run.",
        )


class Auto(Place):
    """The fastest available kind."""

    name, title, summary = "auto", "Auto", "A GPU if there is one."


class CPU(Place):
    """The processor."""

    name, title, summary = "cpu", "CPU", "The processor: enough for small networks."


class CUDA(Place):
    """An NVIDIA GPU."""

    name, title, summary = "cuda", "CUDA", "An NVIDIA GPU."


class MPS(Place):
    """An Apple GPU."""

    name, title, summary = "mps", "MPS", "An Apple GPU."


@dataclass(frozen=True)
class Device:
    """A torch device, the dtype of autocast (None: full precision), the memory format of images, and the number of threads.

    threads: of a CPU; 0 does not change them. why: how the settings were chosen, as a sentence; "" if there was no choice.
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
        """The settings that affect the last bits of every number, as text for a checkpoint or a file."""
        precision = next(name for name, each in PRECISIONS.items() if each is self.autocast_dtype)
        memory = next(name for name, each in FORMATS.items() if each is self.memory_format)
        return {"precision": precision, "memory_format": memory, "threads": self.threads, "why": self.why}

    def like(self, state: Mapping[str, Any]) -> Device:
        """This device with the settings of `state`."""
        dtype, memory = PRECISIONS[state["precision"]], FORMATS[state["memory_format"]]
        return replace(self, autocast_dtype=dtype, memory_format=memory, threads=state["threads"], why=state["why"])


def available() -> dict[str, bool]:
    """Which kinds of device this machine has."""
    return {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}


@functools.cache
def thread_limit() -> int:
    """The most threads for a training: the number of this process at the first call, so that a run with fewer does not change it."""
    return torch.get_num_threads()


def pick(name: str, family: str) -> Device:
    """name: auto, cpu, cuda, or mps; family: of the network. Raises DeviceError for a device that does not exist.

    Settings that are usually the fastest: channels_last for convolutions, half precision only on CUDA.
    """
    here = available()
    kind = next(each for each, there in here.items() if there) if name == "auto" else name
    if not here[kind]:
        raise DeviceError(f"device must be one of {', '.join(each for each, there in here.items() if there)} on this machine, got {name}")
    memory = torch.channels_last if family == "resnet" and kind != "mps" else torch.contiguous_format
    dtype = torch.bfloat16 if kind == "cuda" and torch.cuda.is_bf16_supported() else None
    return Device(torch.device(kind), dtype, memory, thread_limit() if kind == "cpu" else 0)


CATALOG = catalog(Place, sys.modules[__name__])
