"""One thread that works off what it is given, the most urgent first. The standard library's executors have threads, but no order."""

from __future__ import annotations

import itertools
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

Found = TypeVar("Found")
LAST = float("inf")  # the rank of the end


class PriorityExecutor:
    """One daemon thread, started with its first work. What has the lower rank comes first, equals in the order in which they came."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._waiting: queue.PriorityQueue[tuple[float, int, Callable[[], Any], Future[Any]]] = queue.PriorityQueue()
        self._numbers = itertools.count()
        self._mutex = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, work: Callable[[], Found], rank: float = 0) -> Future[Found]:
        """What `work` returns, or raises, when its turn has come; a future that was canceled meanwhile is passed over.

        After `close` it is canceled at once.
        """
        future: Future[Found] = Future()
        with self._mutex:
            if self._closed:
                future.cancel()
                return future
            self._waiting.put((rank, next(self._numbers), work, future))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work_off, name=self._name, daemon=True)
                self._thread.start()
        return future

    def close(self, patience: float | None = None) -> None:
        """Cancels what waits, and waits for the work that goes on, so many seconds at most."""
        with self._mutex:
            thread, self._closed = self._thread, True
            with suppress(queue.Empty):
                while True:
                    self._waiting.get_nowait()[3].cancel()
            self._waiting.put((LAST, next(self._numbers), lambda: None, Future()))
        if thread not in (None, threading.current_thread()):
            thread.join(patience)

    def _work_off(self) -> None:
        while True:
            rank, _, work, future = self._waiting.get()
            if rank == LAST:
                return
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(work())
            except BaseException as error:
                future.set_exception(error)
