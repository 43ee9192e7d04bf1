"""The SQLite file of a home, and its connections."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, LifoQueue

from playground.home import keeping
from playground.runs.journal import Line

NAME = "playground.db"
SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    id TEXT PRIMARY KEY, config TEXT NOT NULL, status TEXT NOT NULL, message TEXT NOT NULL DEFAULT '', owner TEXT NOT NULL,
    created REAL NOT NULL, started REAL, finished REAL, step INTEGER NOT NULL DEFAULT 0, facts TEXT NOT NULL DEFAULT '{}',
    attempt INTEGER NOT NULL DEFAULT 0, deferred TEXT NOT NULL DEFAULT '[]', beside TEXT NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL, kind TEXT NOT NULL, step INTEGER NOT NULL, time REAL NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS events_of_run ON events (run, id);
"""


class Connection(sqlite3.Connection):
    """lines: what a transaction has recorded, for the journal."""

    lines: list[Line]


class Database:
    """Any number of threads and processes may use it at once. What the disk refuses is a HomeError."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._idle: LifoQueue[Connection] = LifoQueue()
        with self.connection() as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(SCHEMA)
            _add_missing(db)

    def close(self) -> None:
        """Closes the connections that nobody is using."""
        with suppress(Empty):
            while True:
                self._idle.get_nowait().close()

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection of one's own for a moment: threads come and go here, connections stay."""
        try:
            db = self._idle.get_nowait()
        except Empty:
            with keeping(self._file):
                db = self._connect()
        try:
            with keeping(self._file):
                yield db
        finally:
            self._idle.put(db)

    def _connect(self) -> Connection:
        db = sqlite3.connect(self._file, timeout=30, isolation_level=None, check_same_thread=False, factory=Connection)
        db.row_factory = sqlite3.Row
        # In WAL mode this loses nothing when a process is killed; only a power cut may take the last transactions.
        db.execute("PRAGMA synchronous = NORMAL")
        return db


def _add_missing(db: sqlite3.Connection) -> None:
    """A home of an older version gets the columns that it lacks."""
    if "beside" not in {row["name"] for row in db.execute("PRAGMA table_info(runs)")}:
        with suppress(sqlite3.OperationalError):  # another process was quicker
            db.execute("ALTER TABLE runs ADD COLUMN beside TEXT NOT NULL DEFAULT ''")
