"""The process that computes layouts: messages in, layouts out. A message is one line of JSON, then numbers."""

from __future__ import annotations

import json
import math
import signal
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from playground.machine.background import give_way
from playground.machine.child import own_stdout
from playground.machine.memory import return_memory
from playground.projection.layouts import tsne_layout, umap_layout

LAYOUTS: dict[str, Callable[..., np.ndarray]] = {"umap": umap_layout, "tsne": tsne_layout}


def send(stream: Any, *arrays: np.ndarray, kind: str = "") -> None:
    """Sends one message: a line with the kind of layout and the shapes, then the numbers, float32."""
    stream.write(json.dumps([kind, [array.shape for array in arrays]]).encode() + b"\n")
    for array in arrays:
        stream.write(array.astype(np.float32).tobytes())
    stream.flush()


def receive(stream: Any) -> tuple[str, list[np.ndarray]]:
    """Receives a message of `send`. Raises EOFError if the other side has ended."""
    line = stream.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    kind, shapes = json.loads(line)
    return kind, [_array(stream, shape) for shape in shapes]


def _array(stream: Any, shape: list[int]) -> np.ndarray:
    size = 4 * math.prod(shape)
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return np.frombuffer(data, np.float32).reshape(shape).copy()


def main() -> None:
    """The process: warms up, then answers each (features, previous) with a layout until its input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends this process itself
    give_way()
    answers = own_stdout("wb")
    LAYOUTS["umap"](torch.rand(64, 8, generator=torch.Generator().manual_seed(0)), epochs=2)
    return_memory()
    send(answers)
    while True:
        try:
            kind, (features, previous) = receive(sys.stdin.buffer)
        except EOFError:
            return
        send(answers, LAYOUTS[kind](torch.from_numpy(features), previous))
