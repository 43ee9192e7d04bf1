"""One server a home. Two would each think the other's runs abandoned, and give every run to two workers."""

from __future__ import annotations

import os
from pathlib import Path

from playground.home import HomeError, keeping
from playground.locks import Lock


class HomeInUse(RuntimeError):  # noqa: N818
    """Another server keeps its runs in this folder."""


class HomeLock:
    """Held from its making until `release`, or until the process dies, however it dies."""

    def __init__(self, home: Path) -> None:
        note = home / "server.pid"
        self._lock = Lock(home / "server.lock")
        if not self._lock.take(patience=1):
            holder = f"process {note.read_text()}" if note.exists() else "another process"
            way_out = "stop that one, use its page, or set SSL_PLAYGROUND_HOME to another folder"
            raise HomeInUse(f"{home} is in use by another server ({holder}): {way_out}")
        try:
            with keeping(note):
                note.write_text(str(os.getpid()))
        except HomeError:
            self._lock.release()
            raise

    def release(self) -> None:
        """Lets the next server in."""
        self._lock.release()
