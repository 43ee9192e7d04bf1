"""One at a time: what several sessions or processes may want at once is done by the first, and the others find it done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from playground.datasets.base import DataError, Progress
from playground.home import keeping
from playground.locks import Lock

LOOK = 0.5  # seconds between two looks at whether somebody else is done


def alone(place: Path, what: str, work: Callable[[], Iterator[Progress]]) -> Iterator[Progress]:
    """Does `work` while nobody else works on `place`; until then it waits, and says so. Raises HomeError, DataError where a disk fails."""
    lock = Lock(place.with_name(f".{place.name}.lock"))
    try:
        with keeping(place):
            place.parent.mkdir(parents=True, exist_ok=True)
            while not lock.take():
                yield Progress(f"{what} (somebody else is at it: waiting)", 0, 0)
                time.sleep(LOOK)
            yield from work()
    except OSError as error:
        raise DataError(f"{what} must be written to {place.parent}, got {error.strerror or error}") from None
    finally:
        lock.release()
