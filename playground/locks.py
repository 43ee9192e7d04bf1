"""A lock on a file, between processes and threads: SQLite's lock, which works on every system and is released by a crash."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from playground.home import keeping


class Lock:
    """Held from a `take` that returns True until `release`, or until the process ends in any way. The empty `file` remains."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._db: sqlite3.Connection | None = None

    def take(self, patience: float = 0) -> bool:
        """Whether the lock was acquired; patience: seconds to wait. Raises HomeError, or OSError if no lock can be written at all."""
        with keeping(self._file):
            db = sqlite3.connect(self._file, timeout=patience, isolation_level=None, check_same_thread=False)
            try:
                db.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as error:
                db.close()
                if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                    return False
                raise OSError(f"{self._file}: {error}") from error
        self._db = db
        return True

    def release(self) -> None:
        """Releases the lock."""
        if self._db is not None:
            self._db.close()
            self._db = None
