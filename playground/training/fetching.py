"""Fetching the data of a run before its first step. A run can be stopped meanwhile."""

from __future__ import annotations

import math
import queue
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

from playground.events import Command, Fetching, Pause, Paused, Stop

EVERY = 0.2  # seconds between two events about the same file


def fetched(data: Any, folder: Path, commands: queue.SimpleQueue[Command]) -> Generator[Fetching | Paused, None, bool]:
    """Fetches the files of `config.data` and yields the progress a few times per second; returns whether all is there. Raises DataError.

    A Stop ends it; files fetched by then are kept. Other commands wait for the run; a Pause before the Stop is confirmed.
    """
    last, reported = "", -math.inf
    for part in data.choice.fetch(data, folder):
        waiting = _waiting(commands)
        if Stop in waiting:
            if Pause in waiting:
                yield Paused(0)
            return False
        if part.what != last or time.monotonic() - reported > EVERY:
            last, reported = part.what, time.monotonic()
            yield Fetching(0, **vars(part))
    return True


def _waiting(commands: queue.SimpleQueue[Command]) -> list[type]:
    """The types of the waiting commands, which stay in the queue."""
    taken = [commands.get() for _ in range(commands.qsize())]
    for each in taken:
        commands.put(each)
    return [type(each) for each in taken]
