"""Child processes of the server, for trainings, maps and evaluations: how each is started, and how it ended."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, cast

from playground.machine.core_sharing import WAITING
from playground.machine.processes import Process, spawn

PACKAGE = Path(__file__).resolve().parents[2]


def start_child(
    command: Sequence[str],
    *,
    threads: int = 1,
    home: Path | None = None,
    log: Path | None = None,
    stdout: int = subprocess.PIPE,
    encoding: str | None = None,
) -> Process:
    """Starts a Python program that can import this package, in its own session, with a number of threads.

    home: its SSL_PLAYGROUND_HOME. log: the file to which its stderr is appended; without one it uses the server's stderr.
    stdin is a pipe, and so is stdout unless it is subprocess.DEVNULL.
    """
    paths = [str(PACKAGE), *filter(None, [os.environ.get("PYTHONPATH")])]
    changed = {"PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}
    changed |= {f"{library}_NUM_THREADS": str(threads) for library in ("OMP", "NUMBA")}
    changed |= {"SSL_PLAYGROUND_HOME": str(home)} if home else {}
    environment = WAITING | os.environ | changed
    if log is None:
        return spawn(command, environment, stdout=stdout, encoding=encoding)
    with _opened(log) as errors:
        return spawn(command, environment, stdout=stdout, stderr=errors, encoding=encoding)


def cause_of_death(code: int) -> str:
    """Exit code -> what happened, for people."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"was killed ({name})" if name in ("SIGKILL", "SIGTERM", "SIGINT", "SIGHUP") else f"crashed ({name})"


def own_stdout(mode: str = "w") -> IO[Any]:
    """For the child: reserves stdout for its messages; output that libraries print goes to stderr, and cannot corrupt a message."""
    messages = os.fdopen(os.dup(1), mode, encoding=None if "b" in mode else "utf-8")
    os.dup2(2, 1)
    return messages


def _opened(log: Path) -> IO[bytes]:
    """The log file, or a null device if it cannot be written."""
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        return cast(IO[bytes], open(log, "ab"))
    except OSError:
        return open(os.devnull, "wb")
