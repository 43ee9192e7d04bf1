"""The workers of a pool: as many as there are slots, warm before they are needed, gone when nobody comes for a while."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from playground.runs.process import LiveRun, WorkerProcess
from playground.runs.status import Status

IDLE = 600.0  # seconds without a run and without a visitor, after which a worker goes, and its memory with it
TRIES = 3  # workers that may die one after the other before they are ready


class Workers:
    """Not safe for threads by itself: the pool has the lock. on_message, on_exit: as of `WorkerProcess`."""

    def __init__(
        self,
        home: Path,
        slots: int,
        threads: int,
        on_message: Callable[[WorkerProcess, dict[str, Any]], None],
        on_exit: Callable[[WorkerProcess, int], None],
    ) -> None:
        self.slots = slots
        self._make = lambda: WorkerProcess(home, threads, on_message, on_exit)
        self._workers: list[WorkerProcess] = []
        self._false_starts = 0
        self._dismissed = False

    def __iter__(self) -> Iterator[WorkerProcess]:
        return iter(list(self._workers))

    def __contains__(self, worker: WorkerProcess) -> bool:
        return worker in self._workers

    def fill(self) -> None:
        """Starts workers until every slot has one."""
        while len(self._workers) < self.slots:
            worker = self._make()
            self._workers.append(worker)
            worker.listen()

    def live(self, run: str) -> list[LiveRun]:
        """A run as they have it: one that trains it, and perhaps one that still lets go of it."""
        return [each.runs[run] for each in self if run in each.runs]

    def of(self, run: str) -> WorkerProcess | None:
        """Who has a run and still listens for it: not a worker that lets go of it."""
        return next((each for each in self if run in each.runs and not each.runs[run].releasing), None)

    def make_room(self, needed: int) -> None:
        """Has paused runs let go of their workers, so that so many workers are or become free."""
        coming = sum(not each.ready or each.releasing for each in self)
        idle = [each for each in self if each.paused and not any(run.releasing for run in each.runs.values())]
        for worker in idle[: max(0, needed - coming)]:
            worker.release()

    def note(self, worker: WorkerProcess, message: dict[str, Any]) -> None:
        """Takes in what one of them says of itself and of its runs."""
        live = worker.runs.get(message.get("run", ""), LiveRun())
        if "ready" in message:
            worker.ready, self._false_starts = True, 0
        elif "warm" in message:
            worker.warm = True
        elif "status" in message:
            live.paused = message["status"] == Status.PAUSED
        elif "held" in message:
            live.held = message["held"]
        elif "done" in message:
            worker.released(message["done"])

    def lost(self, worker: WorkerProcess) -> bool:
        """Takes out one that has died; whether it is worth starting another in its place."""
        self._workers.remove(worker)
        self._false_starts += not worker.ready
        return self._false_starts < TRIES

    def expect(self) -> None:
        """Somebody is here and may start a run: those that went because nobody was come back, those that are here stay."""
        if self._dismissed:
            self.fill()
        self._dismissed = False
        for worker in self:
            worker.idle_since = time.monotonic()

    def dismiss_idle(self, seconds: float) -> None:
        """Ends those that have had nothing to do for so long; they come back when they are needed."""
        for worker in [each for each in self if each.free and time.monotonic() - each.idle_since >= seconds]:
            self._workers.remove(worker)
            worker.hang_up()
            self._dismissed = True

    def health(self) -> list[dict[str, Any]]:
        """What there is to say about each."""
        shown = ("pid", "ready", "warm", "paused")
        return [{name: getattr(each, name) for name in shown} | {"runs": list(each.runs)} for each in self]
