"""What was computed from runs, kept in memory for whoever asks next: the last used, as many bytes as there is room for."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Future
from typing import Any, NamedTuple, TypeVar

import numpy as np
from torch import Tensor, nn

ROOM = 256 << 20  # bytes
LEAST = 200  # bytes that anything takes, with its key

Found = TypeVar("Found")


class Key(NamedTuple):
    """Of which run it was computed, of which attempt (one that goes on from a checkpoint may measure others at the same step), at which
    step; and what it is, with all else that it depends on. What does not come from a run has run "" and attempt and step 0."""

    run: str
    attempt: int
    step: int
    what: tuple[Hashable, ...]


class Derived:
    """The results of one store. Any thread may use it; whoever asks for what is being computed already waits for it."""

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._mutex = threading.Lock()
        self._kept: OrderedDict[Key, Future[Any]] = OrderedDict()
        self._sizes: dict[Key, int] = {}

    def get(self, key: Key, make: Callable[[], Found]) -> Found:
        """What is kept under a key, made now unless it is there. What `make` raises is raised, and not kept."""
        with self._mutex:
            future = self._kept.get(key)
            if new := future is None:
                future = self._kept[key] = Future()
            self._kept.move_to_end(key)
        assert future is not None
        if new:
            self._fill(key, future, make)
        found: Found = future.result()
        return found

    @property
    def size(self) -> int:
        """How many bytes are kept, by estimate."""
        return sum(self._sizes.values())

    def _fill(self, key: Key, future: Future[Any], make: Callable[[], Any]) -> None:
        try:
            found = make()
        except BaseException as error:
            with self._mutex:
                del self._kept[key]
            future.set_exception(error)
            return
        with self._mutex:
            self._sizes[key] = size_of(found)
            for each in [each for each in self._kept if each in self._sizes]:  # the last used are at the end
                if self.size <= self._room:
                    break
                del self._kept[each], self._sizes[each]
        future.set_result(found)


def size_of(value: Any) -> int:
    """About how many bytes of memory it takes: what is in arrays, tensors, weights and text, and in whatever holds those."""
    if isinstance(value, Tensor | np.ndarray):
        return LEAST + int(value.nbytes)
    if isinstance(value, nn.Module):
        return sum(map(size_of, (*value.parameters(), *value.buffers())))
    if isinstance(value, str | bytes):
        return LEAST + len(value)
    if isinstance(value, Mapping):
        return LEAST + sum(map(size_of, value.values()))
    if isinstance(value, list | tuple | set):
        return LEAST + sum(map(size_of, value))
    return LEAST + sum(map(size_of, vars(value).values())) if hasattr(value, "__dict__") else LEAST
