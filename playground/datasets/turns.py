"""One at a time: if several processes need the same work at once, the first one does it, and the others wait for the result."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from playground.datasets.base import DataError, Progress
from playground.home import keeping
from playground.locks import Lock

LOOK = 0.5  # seconds between two checks whether the other process has finished


def alone(place: Path, what: str, work: Callable[[], Iterator[Progress]]) -> Iterator[Progress]:
    """Does `work` under a lock on `place`; yields a message while it waits. Raises HomeError, or DataError for errors of the disk."""
    lock = Lock(place.with_name(f".{place.name}.lock"))
    try:
        with keeping(place):
            place.parent.mkdir(parents=True, exist_ok=True)
            while not lock.take():
                yield Progress(f"{what} (another process is working on it: waiting)", 0, 0)
                time.sleep(LOOK)
            yield from work()
    except OSError as error:
        raise DataError(f"{what} must be written to {place.parent}, got {error.strerror or error}") from None
    finally:
        lock.release()
