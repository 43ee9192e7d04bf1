"""Work that a visitor waits for, one piece at a time: forty people queue instead of slowing each other down."""

from __future__ import annotations

import itertools
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any


class PriorityExecutor:
    """One thread. What has the lower rank comes first, equals in the order in which they came."""

    def __init__(self) -> None:
        self._waiting: queue.PriorityQueue[tuple[int, int, Callable[[], Any], Future[Any]]] = queue.PriorityQueue()
        self._numbers = itertools.count()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def ask(self, rank: int, work: Callable[[], Any]) -> Future[Any]:
        """What `work` returns, or raises, when its turn has come; a future that was cancelled meanwhile is passed over."""
        answer: Future[Any] = Future()
        self._waiting.put((rank, next(self._numbers), work, answer))
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="priority executor", daemon=True)
                self._thread.start()
        return answer

    def _serve(self) -> None:
        while True:
            _, _, work, answer = self._waiting.get()
            if not answer.set_running_or_notify_cancel():
                continue
            try:
                answer.set_result(work())
            except BaseException as error:
                answer.set_exception(error)
