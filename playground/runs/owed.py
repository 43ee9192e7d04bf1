"""What could not be written down because the disk took nothing: kept in memory, shown meanwhile, and written as soon as it can be."""

from __future__ import annotations

import threading
from collections.abc import Collection

from playground.home import HomeError
from playground.runs.store import Store

RETRY = 1.0  # seconds


class Owed:
    """The status that runs have, but not in the store. Any thread may use it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._marks: dict[str, tuple[str, str]] = {}
        self._mutex = threading.RLock()
        self._timer: threading.Timer | None = None
        self._closed = False

    def mark(self, run: str, status: str, message: str = "", among: Collection[str] = ()) -> None:
        """`Store.mark`, at once or later."""
        with self._mutex:
            try:
                self._store.mark(run, status, message, among)
            except HomeError:
                self._marks[run] = status, message
                self._try_later()
            else:
                self._marks.pop(run, None)

    def of(self, run: str) -> tuple[str, str] | None:
        """The status and message of a run that the store does not know yet."""
        return self._marks.get(run)

    def settle(self) -> None:
        """Writes down what can be."""
        with self._mutex:
            for run, (status, message) in list(self._marks.items()):
                self.mark(run, status, message)

    def close(self) -> None:
        """Tries once more, then no longer."""
        with self._mutex:
            self._closed = True
            self.settle()
            if self._timer is not None:
                self._timer.cancel()

    def _try_later(self) -> None:
        if self._closed or (self._timer is not None and self._timer.is_alive() and self._timer is not threading.current_thread()):
            return
        self._timer = threading.Timer(RETRY, self.settle)
        self._timer.daemon = True
        self._timer.start()
