"""The store: every run and its timeline in one SQLite file, and a folder a run for what is large.

The timeline only grows, and it is the stream that a page follows: each entry is `[id, kind, step, time, body]`, and a
reader that knows the last id it saw misses nothing. The kinds, with their bodies:

    started   facts of the run           fetching  {"what", "done", "total", "unit"}  metrics  {"loss": 4.1, ...}
    baseline  {"random": {...}, ...}     snapshot  ["embedding", "pca", ...]      layout   {"kind": "umap"}
    change    {"name", "value"}          verdict   {"state", "sentence", "evidence"}
    paused    {}                         finished  {"status", "message", "facts"} status   {"status", "message"}
    remark    {"sentence"}: something of the run's files was lost, and what is done about it

`started` of step s means: whatever was seen of later steps is void, the run goes on from a checkpoint of step s.
Numbers that are not finite are null in a body.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, LifoQueue
from typing import Any

from playground.config import RunConfig
from playground.events import Change, Checkpoint, EvalImages, Event, Snapshot, Started, Weights
from playground.home import keeping
from playground.runs.folder import RunFolder
from playground.runs.journal import Line, standing
from playground.runs.records import Entry, Run, UnknownRun, as_json, described, new_status, status_of_entry
from playground.runs.status import OVER, Status

NAME = "playground.db"
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
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


class Superseded(RuntimeError):  # noqa: N818
    """Somebody else has taken this run over: what this process still has to say about it no longer counts."""


class Connection(sqlite3.Connection):
    """lines: what a transaction has recorded, for the journals."""

    lines: list[tuple[str, Line]]


class Store:
    """All runs of one home. Any number of threads and processes may use it at once. What the disk refuses is a HomeError."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._idle: LifoQueue[Connection] = LifoQueue()
        with keeping(home):
            home.mkdir(parents=True, exist_ok=True)
        with self._connection() as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(SCHEMA)
            _add_missing(db)

    def close(self) -> None:
        """Closes the connections that nobody is using."""
        while True:
            try:
                self._idle.get_nowait().close()
            except Empty:
                return

    def folder(self, run: str) -> RunFolder:
        """The folder of one run."""
        return RunFolder(self.home / "runs" / run)

    def create(self, config: RunConfig, owner: str = "", beside: str = "") -> str:
        """A new run, queued. Returns its id: eight letters that survive any URL and any file system. beside: the run that it trains
        in step with, if that came first."""
        run = "".join(secrets.choice(ALPHABET) for _ in range(8))
        with keeping(self.folder(run).path):
            self.folder(run).path.mkdir(parents=True, exist_ok=True)
        with self._transaction() as db:
            row = (run, json.dumps(config.flat()), Status.QUEUED, owner, time.time(), beside)
            db.execute("INSERT INTO runs (id, config, status, owner, created, beside) VALUES (?, ?, ?, ?, ?, ?)", row)
            db.lines.append((run, Line("created", 0, row[4], {"config": config.flat(), "owner": owner, "beside": beside})))
        return run

    def adopt(self, run: str, lines: Sequence[Line]) -> None:
        """Takes in a run as its journal tells it, the first line being `created`."""
        (first, *rest), attempts = standing(lines)
        step = max((each.step for each in rest), default=0)
        with self._transaction() as db:
            row = (
                run,
                json.dumps(first.body["config"]),
                Status.QUEUED,
                first.body["owner"],
                first.time,
                step,
                attempts,
                first.body["beside"],
            )
            db.execute("INSERT INTO runs (id, config, status, owner, created, step, attempt, beside) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
            for each in rest:
                _insert(db, run, each)
                if each.kind == "started":
                    db.execute("UPDATE runs SET facts = ? WHERE id = ?", (as_json(each.body), run))
                if (status := status_of_entry(each.kind, each.body)) is not None:
                    over = each.time if status[0] in OVER else None
                    began = "UPDATE runs SET status = ?, message = ?, finished = ?, started = coalesce(started, ?) WHERE id = ?"
                    db.execute(began, (*status, over, None if status[0] == Status.QUEUED else each.time, run))

    def run(self, run: str) -> Run:
        """One run as it stands. Raises `UnknownRun`."""
        with self._connection() as db:
            row = db.execute("SELECT * FROM runs WHERE id = ?", (run,)).fetchone()
        if row is None:
            raise UnknownRun(run)
        return Run.from_row(row)

    def runs(self, limit: int = 100, statuses: Collection[str] = ()) -> list[Run]:
        """The newest runs first; only those in one of `statuses`, if any are given."""
        where = f"WHERE status IN ({_marks(statuses)})" if statuses else ""
        query = f"SELECT * FROM runs {where} ORDER BY created DESC, rowid DESC LIMIT ?"
        with self._connection() as db:
            return [Run.from_row(row) for row in db.execute(query, (*statuses, limit))]

    def counts(self) -> dict[str, int]:
        """How many runs there are of each status."""
        with self._connection() as db:
            return dict(db.execute("SELECT status, count(*) FROM runs GROUP BY status").fetchall())

    def events(self, run: str, after: int = 0, limit: int = -1) -> list[Entry]:
        """The timeline of a run after the entry `after`, oldest first."""
        with self._connection() as db:
            query = "SELECT * FROM events WHERE run = ? AND id > ? ORDER BY id LIMIT ?"
            return [Entry(*row) for row in db.execute(query, (run, after, limit))]

    def last_event(self, run: str) -> int:
        """The id of the newest entry of a run, 0 where it has none."""
        with self._connection() as db:
            return int(db.execute("SELECT coalesce(max(id), 0) FROM events WHERE run = ?", (run,)).fetchone()[0])

    def newest(self, run: str, kind: str, limit: int) -> list[Entry]:
        """The last entries of one kind, newest first."""
        with self._connection() as db:
            query = "SELECT * FROM events WHERE run = ? AND kind = ? ORDER BY id DESC LIMIT ?"
            return [Entry(*row) for row in db.execute(query, (run, kind, limit))]

    def changes(self, run: str) -> list[Change]:
        """The live knobs that were moved, in order."""
        query = "SELECT step, body FROM events WHERE run = ? AND kind = 'change' ORDER BY id"
        with self._connection() as db:
            return [Change(step, **json.loads(body)) for step, body in db.execute(query, (run,))]

    def write(self, run: str, event: Event, attempt: int | None = None) -> None:
        """Records one event."""
        self.write_many(run, [event], attempt)

    def write_many(self, run: str, events: Sequence[Event], attempt: int | None = None) -> None:
        """Records events in one transaction, files first. With `attempt`, raises `Superseded` where the run has a later one."""
        self._require(run, attempt)
        for event in events:
            self._write_files(run, event)
        with self._transaction() as db:
            self._require(run, attempt, db)
            for event in events:
                _record(db, run, event)

    def note(self, run: str, kind: str, step: int, body: Any) -> None:
        """Adds an entry that is not an event of the training, such as a layout that is ready."""
        with self._transaction() as db:
            _append(db, run, kind, step, body)

    def mark(self, run: str, status: str, message: str = "", among: Collection[str] = ()) -> bool:
        """Moves a run to `status`, if it stands in one of `among` (or anywhere); says whether it did."""
        condition = f"AND status IN ({_marks(among)})" if among else ""
        over = time.time() if status in OVER else None
        with self._transaction() as db:
            query = f"UPDATE runs SET status = ?, message = ?, finished = ? WHERE id = ? {condition} RETURNING step"
            row = db.execute(query, (status, message, over, run, *among)).fetchone()
            if row is not None:
                _append(db, run, "status", row[0], {"status": status, "message": message})
        return row is not None

    def begin(self, run: str, step: int = -1) -> tuple[int, list[list[Any]]]:
        """Takes a run in hand, from its checkpoint of `step`: what was recorded after that is forgotten, and whoever had the
        run before is shut out. Returns the attempt's number and the commands that were left for it."""
        self.truncate(run, step)
        query = """UPDATE runs SET attempt = attempt + 1, status = 'running', message = '', finished = NULL,
                   started = coalesce(started, ?) WHERE id = ? RETURNING attempt, step"""
        with self._transaction() as db:
            deferred = db.execute("SELECT deferred FROM runs WHERE id = ?", (run,)).fetchone()
            row = db.execute(query, (time.time(), run)).fetchone()
            if row is None or deferred is None:
                raise UnknownRun(run)
            db.execute("UPDATE runs SET deferred = '[]' WHERE id = ?", (run,))
            _append(db, run, "status", row[1], {"status": Status.RUNNING, "message": ""})
        return int(row[0]), json.loads(deferred[0])

    def defer(self, run: str, *command: Any) -> None:
        """Leaves a command for the moment at which the run is taken in hand."""
        with self._transaction() as db:
            query = "UPDATE runs SET deferred = json_insert(deferred, '$[#]', json(?)) WHERE id = ?"
            db.execute(query, (json.dumps(command), run))

    def truncate(self, run: str, after_step: int) -> None:
        """Forgets everything that was recorded of steps after `after_step`."""
        with self._transaction() as db:
            db.execute("DELETE FROM events WHERE run = ? AND step > ?", (run, after_step))
            db.lines.append((run, Line("back", after_step, time.time(), None)))
            db.execute("UPDATE runs SET step = min(step, ?) WHERE id = ?", (max(after_step, 0), run))
        self.folder(run).forget_after(after_step)

    def _write_files(self, run: str, event: Event) -> None:
        folder = self.folder(run)
        if isinstance(event, EvalImages):
            folder.save_probe(event.images, event.labels, event.names)
        elif isinstance(event, Snapshot):
            folder.save_snapshot(event.step, event.arrays)
        elif isinstance(event, Weights):
            folder.save_weights(event.step, event.state)
        elif isinstance(event, Checkpoint):
            folder.save_checkpoint(event.step, event.state)

    def _require(self, run: str, attempt: int | None, db: sqlite3.Connection | None = None) -> None:
        if attempt is None:
            return
        if db is None:
            with self._connection() as idle:
                return self._require(run, attempt, idle)
        row = db.execute("SELECT attempt FROM runs WHERE id = ?", (run,)).fetchone()
        if row is None or row[0] != attempt:
            raise Superseded(f"run {run}: attempt {attempt} is no longer the current one")

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        """A connection of one's own for a moment: threads come and go here, connections stay."""
        try:
            db = self._idle.get_nowait()
        except Empty:
            with keeping(self.home / NAME):
                db = self._connect()
        try:
            with keeping(self.home / NAME):
                yield db
        finally:
            self._idle.put(db)

    def _connect(self) -> Connection:
        db = sqlite3.connect(self.home / NAME, timeout=30, isolation_level=None, check_same_thread=False, factory=Connection)
        db.row_factory = sqlite3.Row
        # In WAL mode this loses nothing when a process is killed; only a power cut may take the last transactions.
        db.execute("PRAGMA synchronous = NORMAL")
        return db

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """What is recorded goes into the journals of the runs, too: into both or into none."""
        with self._connection() as db:
            db.execute("BEGIN IMMEDIATE")
            db.lines, added = [], []
            try:
                yield db
                for run in dict.fromkeys(run for run, _ in db.lines):
                    journal = self.folder(run).journal
                    added.append((journal, journal.add(line for of, line in db.lines if of == run)))
                db.execute("COMMIT")
            except BaseException:
                for journal, before in added:
                    journal.cut(before)
                if db.in_transaction:  # where the disk is full, SQLite may have undone it already
                    db.execute("ROLLBACK")
                raise


def _add_missing(db: sqlite3.Connection) -> None:
    """A home of an older version gets the columns that it lacks."""
    if "beside" not in {row["name"] for row in db.execute("PRAGMA table_info(runs)")}:
        with suppress(sqlite3.OperationalError):  # another process was quicker
            db.execute("ALTER TABLE runs ADD COLUMN beside TEXT NOT NULL DEFAULT ''")


def _record(db: Connection, run: str, event: Event) -> None:
    entry = described(event)
    if entry is not None:
        _append(db, run, entry[0], event.step, entry[1])
    db.execute("UPDATE runs SET step = max(step, ?) WHERE id = ?", (event.step, run))
    if isinstance(event, Started):
        db.execute("UPDATE runs SET facts = ? WHERE id = ?", (as_json(event.facts), run))
    status = new_status(event)
    if status is not None:
        ends = status[0] in OVER
        # A worker whose server was killed goes on for a moment, and must not revive what the next server calls interrupted.
        unless, values = ("", ()) if ends else (f"AND status NOT IN ({_marks(OVER)})", OVER)
        query = f"UPDATE runs SET status = ?, message = ?, finished = ? WHERE id = ? {unless}"
        db.execute(query, (*status, time.time() if ends else None, run, *values))


def _append(db: Connection, run: str, kind: str, step: int, body: Any) -> None:
    line = Line(kind, step, time.time(), body)
    _insert(db, run, line)
    db.lines.append((run, line))


def _insert(db: sqlite3.Connection, run: str, line: Line) -> None:
    row = (run, line.kind, line.step, line.time, as_json(line.body))
    db.execute("INSERT INTO events (run, kind, step, time, body) VALUES (?, ?, ?, ?, ?)", row)


def _marks(values: Iterable[Any]) -> str:
    return ", ".join("?" for _ in values)
