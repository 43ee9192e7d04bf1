"""One thread that does submitted work in the order of priority. The executors of the standard library have no priorities."""

from __future__ import annotations

import itertools
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

Found = TypeVar("Found")
LAST = float("inf")  # the rank of the signal to end


class PriorityExecutor:
    """One daemon thread, started with its first work. Lower ranks come first, equal ranks in the order of submission."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._waiting: queue.PriorityQueue[tuple[float, int, Callable[[], Any], Future[Any]]] = queue.PriorityQueue()
        self._numbers = itertools.count()
        self._mutex = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, work: Callable[[], Found], rank: float = 0) -> Future[Found]:
        """A future for the result, or the exception, of `work`; if it is canceled before its turn, the work is skipped.

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
        """Cancels waiting work, and waits for the current work, at most `patience` seconds."""
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
