"""Writes a run's events down while it trains: as they come, at most twenty transactions a second, in a thread of its own."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

from playground.events import Event, Snapshot
from playground.home import HomeError
from playground.machine.priority_executor import PriorityExecutor
from playground.runs.store import Store

PERIOD = 0.05  # seconds between two transactions: the one delay between a training and the pages that show it


class Recorder:
    """One attempt at one run. `on_snapshot` is called with the step of each snapshot once it can be read."""

    def __init__(self, store: Store, run: str, attempt: int, on_snapshot: Callable[[int], None]) -> None:
        self._store, self._run, self._attempt, self._on_snapshot = store, run, attempt, on_snapshot
        self._waiting: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._unwritten: list[Event] = []
        self._behind = self._due = False
        self._error: BaseException | None = None
        self._next = time.monotonic()  # transaction
        self._writing = threading.Lock()
        self._executor = PriorityExecutor(f"recorder of {run}")

    def add(self, event: Event) -> None:
        """Takes an event; raises what went wrong with an earlier one. `settle` is to be called before the next."""
        if self._error is not None:
            raise self._error
        self._waiting.put(event)
        # A checkpoint's tensors change with the next step, and a pause or an end is announced to the pool right away.
        if event.awaited:
            self._behind = True
        elif not self._due:
            self._due = True
            self._executor.submit(self._write)

    def settle(self) -> None:
        """What must be on disk by now is there when this returns. Raises HomeError where it cannot be: then it is to be called again."""
        if self._behind:
            self.flush()
            self._behind = False

    def flush(self) -> None:
        """Everything taken so far is on disk when this returns; where it fails, nothing is lost, and it may be tried again."""
        with self._writing:
            self._unwritten += [self._waiting.get() for _ in range(self._waiting.qsize())]
            self._store.write_many(self._run, self._unwritten, self._attempt)
            events, self._unwritten = self._unwritten, []
        for event in events:
            if isinstance(event, Snapshot):
                self._on_snapshot(event.step)

    def close(self) -> None:
        """Writes the rest and ends the thread."""
        self._executor.close()
        if self._error is not None:
            raise self._error
        self.flush()

    def _write(self) -> None:
        time.sleep(max(0.0, self._next - time.monotonic()))
        self._due, self._next = False, time.monotonic() + PERIOD  # what comes from here on is written by the next
        try:
            self.flush()
        except HomeError:
            self._behind = True  # tried again by `settle`, where the training can wait for it
        except Exception as error:
            # Shown where the training can act on it: at its next event.
            self._error = error
