"""One worker process, seen from the server: starting it, talking to it, and learning that it died."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playground.machine.child import start_child
from playground.runs.status import Status


@dataclass
class LiveRun:
    """A run that a worker has, seen from the server. held: why it waits for the disk, "" where it does not.

    releasing: the worker lets go of it, and no longer listens for it. stopping: it was told to end.
    """

    paused: bool = False
    releasing: bool = False
    stopping: bool = False
    held: str = ""


class WorkerProcess:
    """A running `playground.runs.worker`. A thread calls `on_message(worker, message)`, and `on_exit(worker, code)` at last."""

    def __init__(
        self,
        home: Path,
        threads: int,
        on_message: Callable[[WorkerProcess, dict[str, Any]], None],
        on_exit: Callable[[WorkerProcess, int], None],
    ) -> None:
        self.ready = self.warm = False
        self.idle_since = time.monotonic()
        self.runs: dict[str, LiveRun] = {}
        self._on_message, self._on_exit = on_message, on_exit
        self._speaking = threading.Lock()
        command = (sys.executable, "-m", "playground.runs.worker", "--home", str(home), "--threads", str(threads))
        self._process = start_child(command, threads=threads, home=home, log=workers_log(home), encoding="utf-8")
        self.pid = self._process.pid
        self._listener = threading.Thread(target=self._listen, name=f"worker {self.pid}", daemon=True)

    @property
    def free(self) -> bool:
        """Whether it can take a run at once."""
        return self.ready and not self.runs

    @property
    def paused(self) -> bool:
        """Whether all runs that it has are paused."""
        return bool(self.runs) and all(each.paused for each in self.runs.values())

    @property
    def releasing(self) -> bool:
        """Whether it lets go of all that it has."""
        return bool(self.runs) and all(each.releasing for each in self.runs.values())

    def take(self, runs: Sequence[str]) -> None:
        """Gives it runs, to train in step."""
        self.runs = {run: LiveRun() for run in runs}
        self.say(runs=list(runs))

    def release(self) -> None:
        """Has it let go of all its runs where they stand, paused as they are."""
        for each in self.runs.values():
            each.releasing = True
        self.say(leave=Status.PAUSED)

    def released(self, run: str) -> None:
        """Notes that it is done with a run."""
        self.runs.pop(run, None)
        self.idle_since = time.monotonic()

    def listen(self) -> None:
        """Begins to listen to the worker; apart from making it, so that whoever is called back knows it already."""
        self._listener.start()

    def say(self, **message: Any) -> None:
        """One request. A worker that is gone says so by `on_exit`, not here."""
        with self._speaking:
            try:
                self._input.write(json.dumps(message) + "\n")
                self._input.flush()
            except (BrokenPipeError, ValueError, OSError):
                return

    def hang_up(self) -> None:
        """Ends its input: it marks its runs as interrupted and ends."""
        with self._speaking:
            try:
                self._input.close()
            except OSError:
                return

    def kill(self) -> None:
        """Ends it at once."""
        self._process.kill()

    def join(self, seconds: float) -> None:
        """Waits for its end; kills it where that takes longer."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
        if self._listener.is_alive() and self._listener is not threading.current_thread():
            self._listener.join()

    @property
    def _input(self) -> Any:
        return self._process.stdin

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as replies:
            for line in replies:
                self._on_message(self, json.loads(line))
        code = self._process.wait()
        self.hang_up()
        self._on_exit(self, code)


def workers_log(home: Path) -> Path:
    """What workers write to stderr while they train nothing."""
    return home / "logs" / "workers.log"
