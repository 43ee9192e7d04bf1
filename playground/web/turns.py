"""Work that a visitor waits for, one piece at a time: forty people queue instead of slowing each other down."""

from __future__ import annotations

import itertools
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import torch


class Turns:
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
                self._thread = threading.Thread(target=self._serve, name="turns", daemon=True)
                self._thread.start()
        return answer

    def _serve(self) -> None:
        use_one_core()
        while True:
            _, _, work, answer = self._waiting.get()
            if not answer.set_running_or_notify_cancel():
                continue
            try:
                answer.set_result(work())
            except BaseException as error:
                answer.set_exception(error)


def use_one_core() -> None:
    """Lets torch use one core in this thread alone. One image is little work, and beside a training two threads wait for each other:
    with twice as many threads as cores, a forward pass took 330 ms instead of 27."""
    usual = torch.get_num_threads()
    torch.set_num_threads(1)
    # It is also what threads get that use torch for the first time later on: another thread sets that back.
    restoring = threading.Thread(target=torch.set_num_threads, args=(usual,))
    restoring.start()
    restoring.join()
