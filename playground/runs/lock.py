"""One server a home. Two would each think the other's runs abandoned, and give every run to two workers."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path


class HomeInUse(RuntimeError):  # noqa: N818
    """Another server keeps its runs in this folder."""


class HomeLock:
    """Held from its making until `release`, or until the process dies, however it dies.

    SQLite's own file lock does it: the one lock that is there on every system and that no crash leaves behind.
    """

    def __init__(self, home: Path) -> None:
        note = home / "server.pid"
        self._db = sqlite3.connect(home / "server.lock", timeout=1, isolation_level=None, check_same_thread=False)
        try:
            self._db.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            self._db.close()
            holder = f"process {note.read_text()}" if note.exists() else "another process"
            way_out = "stop that one, use its page, or set SSL_PLAYGROUND_HOME to another folder"
            raise HomeInUse(f"{home} is in use by another server ({holder}): {way_out}") from None
        note.write_text(str(os.getpid()))

    def release(self) -> None:
        """Lets the next server in."""
        self._db.close()
