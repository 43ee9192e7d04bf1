"""Before the first step of a run: its data are fetched, and whoever stops the run meanwhile does not have to wait for them."""

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
    """Fetches what `config.data` needs and says how far it is, a few times a second; returns whether all is here. Raises DataError.

    A Stop ends it, and what has come by then is kept. Other commands wait for the run; a pause before the Stop is said.
    """
    last, said = "", -math.inf
    for part in data.choice.fetch(data, folder):
        asked = _waiting(commands)
        if Stop in asked:
            if Pause in asked:
                yield Paused(0)
            return False
        if part.what != last or time.monotonic() - said > EVERY:
            last, said = part.what, time.monotonic()
            yield Fetching(0, **vars(part))
    return True


def _waiting(commands: queue.SimpleQueue[Command]) -> list[type]:
    """The kinds of commands that wait, which go on waiting."""
    taken = [commands.get() for _ in range(commands.qsize())]
    for each in taken:
        commands.put(each)
    return [type(each) for each in taken]
