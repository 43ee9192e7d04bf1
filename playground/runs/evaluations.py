"""Evaluations that visitors ask for: one at a time, each in a process of its own that gives way to trainings, the others in a queue."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from playground.evaluation import ledger
from playground.evaluation.protocol import Protocol
from playground.home import HomeError, unwritable
from playground.machine.child import cause_of_death, start_child
from playground.machine.priority_executor import PriorityExecutor
from playground.machine.processes import Process
from playground.runs.runner import RunError
from playground.runs.store import Store
from playground.runs.trained import NothingTrained
from playground.runs.waiting import FairQueue

LIMIT = 16  # that wait
GRACE = 5.0  # seconds a process may take to end
STOPPED = "stopped before it was done"


class Evaluations:
    """The queue, and what works it off. Results lie in the runs' folders; this knows who waits and who failed to begin."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._queue = FairQueue()
        self._protocols: dict[str, Protocol] = {}
        self._failures: dict[str, tuple[str, float]] = {}
        self._mutex = threading.Lock()
        self._executor = PriorityExecutor("evaluations")
        self._current: str | None = None
        self._process: Process | None = None
        self._stopping = self._closed = False

    def submit(self, run: str, protocol: Protocol, owner: str = "") -> None:
        """Queues the evaluation of a run. Raises UnknownRun, NothingTrained, and RunError where it waits already or too many do."""
        self.store.run(run)
        if not self.store.folder(run).has_checkpoint():
            raise NothingTrained(f"run {run} must have a checkpoint to be evaluated, got none yet: pause it or wait")
        with self._mutex:
            if run in self._queue or run == self._current:
                raise RunError(f"run {run} is being evaluated already: wait for it or stop it")
            if self._closed or len(self._queue) >= LIMIT:
                raise RunError(f"at most {LIMIT} evaluations wait their turn, and that many do: try again later")
            self._failures.pop(run, None)
            self._protocols[run] = protocol
            self._queue.put((run,), owner)
        self._executor.submit(self._work_on_next)

    def stop(self, run: str) -> None:
        """Ends the evaluation of a run, or takes it out of the queue; what it has measured by then stays."""
        with self._mutex:
            self._queue.remove(run)
            if run == self._current and self._process is not None:
                self._stopping = True
                self._process.terminate()

    def standing(self, run: str) -> dict[str, Any]:
        """{"status": "running", "waiting", "failed" or "", "position": 1 for the next, "before": who is at work, ...}.

        message, since: of a failure, why and when (in seconds, as `time.time` counts).
        """
        with self._mutex:
            order = [waiting for (waiting,) in self._queue.order()]
            position = order.index(run) + 1 if run in order else None
            failure, since = self._failures.get(run, ("", 0.0))
            status = "running" if run == self._current else "waiting" if position else "failed" if failure else ""
            found = {"status": status, "position": position, "waiting": len(order), "before": self._current}
            return found | {"message": failure, "since": since}

    def close(self) -> None:
        """Ends what is under way and lets go of the rest."""
        with self._mutex:
            self._closed = True
            if self._process is not None:
                self._stopping = True
                self._process.terminate()
        self._executor.close(2 * GRACE)

    def _work_on_next(self) -> None:
        with self._mutex:
            turn = self._queue.pop()
            if self._closed or turn is None:  # stopped while it waited
                return
            log = self.store.home / "logs" / "evaluation.log"
            self._current, self._stopping = turn[0], False
            try:
                process = self._process = _start(self.store.home, turn[0], self._protocols.pop(turn[0]), log)
            except BaseException as error:
                self._failures[turn[0]], self._current = (f"its process could not be started: {error}", time.time()), None
                raise
        try:
            with process:
                code = process.wait()
            self._ended(turn[0], code, log)
        finally:
            with self._mutex:
                self._current = self._process = None

    def _ended(self, run: str, code: int, log: Path) -> None:
        """Says what a process could not say itself, because it was killed or failed before it had begun."""
        if self._stopping:
            self._write_end(run, "stopped", STOPPED)
        elif code:
            sentence = (_last_line(log) if code > 0 else "") or str(unwritable(self.store.home) or "")
            sentence = sentence or f"the process that evaluated it {cause_of_death(code)}; the reason may be at the end of {log}"
            self._write_end(run, "failed", sentence)
            with self._mutex:
                self._failures[run] = sentence, time.time()

    def _write_end(self, run: str, status: str, sentence: str) -> None:
        with suppress(HomeError):  # a document that says "running" while nobody is at it is known from one that is
            ledger.ended(self.store.folder(run).path, status, sentence)


def _start(home: Path, run: str, protocol: Protocol, log: Path) -> Process:
    words = protocol.words()
    words["only"] = words.pop("parts")
    options = [each for name, text in words.items() if text for each in (f"--{name}", text)]
    with suppress(OSError):
        log.unlink()  # its last line is to be of this process
    command = [sys.executable, "-m", "playground.cli.main", "evaluate", run, *options, "--background"]
    return start_child(command, home=home, log=log, stdout=subprocess.DEVNULL)


def _last_line(log: Path) -> str:
    """The sentence with which the command line ends."""
    try:
        text = log.read_text(errors="replace")
    except FileNotFoundError:  # there was no room for it
        return ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("ssl-playground: ") if lines else ""
