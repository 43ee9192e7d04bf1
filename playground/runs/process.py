"""One worker process, seen from the server: starting it, talking to it, and learning that it died."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any, cast

from playground.machine.core_sharing import WAITING
from playground.machine.processes import Process, spawn

PACKAGE = Path(__file__).resolve().parents[2]


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
        self.held: dict[str, str] = {}  # runs that wait for the disk, and why
        self.idle_since = time.monotonic()
        self.runs: list[str] = []  # in hand; of these,
        self.paused_runs: set[str] = set()  # those that are paused,
        self.releasing: set[str] = set()  # those that it lets go of, and no longer listens for,
        self.stopping: set[str] = set()  # and those that were told to end
        self._on_message, self._on_exit = on_message, on_exit
        self._speaking = threading.Lock()
        self._process = _start(home, threads)
        self.pid = self._process.pid
        self._listener = threading.Thread(target=self._listen, name=f"worker {self.pid}", daemon=True)

    @property
    def free(self) -> bool:
        """Whether it can take a run at once."""
        return self.ready and not self.runs

    @property
    def paused(self) -> bool:
        """Whether all that it has in hand is paused."""
        return bool(self.runs) and self.paused_runs >= set(self.runs)

    @property
    def releasing_all(self) -> bool:
        """Whether it lets go of all that it has in hand."""
        return bool(self.runs) and self.releasing >= set(self.runs)

    def take(self, runs: Sequence[str]) -> None:
        """Gives it runs, to train in step."""
        self.runs = list(runs)
        self.say(runs=self.runs)

    def released(self, run: str) -> None:
        """Notes that it is done with a run."""
        self.runs = [each for each in self.runs if each != run]
        self.idle_since = time.monotonic()
        self.held.pop(run, None)
        for kept in (self.paused_runs, self.releasing, self.stopping):
            kept.discard(run)

    def listen(self) -> None:
        """Begins to hear the worker; apart from making it, so that whoever is called back knows it already."""
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
        """Ends its input: it puts its run down as interrupted and ends."""
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


def _start(home: Path, threads: int) -> Process:
    paths = [str(PACKAGE), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = WAITING | os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": str(threads)}
    command = [sys.executable, "-m", "playground.runs.worker", "--home", str(home), "--threads", str(threads)]
    with log_of(home, "workers", "ab") as log:
        return spawn(command, environment, stderr=log, encoding="utf-8")


def log_of(home: Path, name: str, mode: str) -> IO[bytes]:
    """Where a process of the server writes what it has to say; nowhere, where the disk takes nothing."""
    try:
        (home / "logs").mkdir(parents=True, exist_ok=True)
        return cast(IO[bytes], open(home / "logs" / f"{name}.log", mode))
    except OSError:
        return open(os.devnull, "wb")


def cause_of_death(code: int) -> str:
    """Exit code -> what happened, for people."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"was killed ({name})" if name in ("SIGKILL", "SIGTERM", "SIGINT", "SIGHUP") else f"crashed ({name})"
