"""A lock on a file, between processes and within one: SQLite's own, which is there on every system and which no crash leaves behind."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from playground.home import keeping


class Lock:
    """Held from a `take` that says True until `release`, or until the process dies, however it dies. `file` is left lying, empty."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._db: sqlite3.Connection | None = None

    def take(self, patience: float = 0) -> bool:
        """Whether it is ours now; patience: seconds. Raises HomeError, OSError where no lock can be written at all."""
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
        """Lets the next one in."""
        if self._db is not None:
            self._db.close()
            self._db = None
