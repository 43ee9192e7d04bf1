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
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playground.config import RunConfig
from playground.events import Change, Command, Event
from playground.home import keeping
from playground.runs.database import NAME, Connection, Database
from playground.runs.derived import Derived
from playground.runs.folder import RunFolder
from playground.runs.journal import Line, standing
from playground.runs.records import RECORDED, Entry, Run, StatusChange, UnknownRun, as_json, run_state
from playground.runs.status import OVER, Status

ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


class Superseded(RuntimeError):  # noqa: N818
    """Somebody else has taken this run over: what this process still has to say about it no longer counts."""


class Store:
    """All runs of one home. Any number of threads and processes may use it at once. What the disk refuses is a HomeError.

    derived: what was computed from the runs. listeners: are called with the id of a run after whatever changes it through this object,
    in the thread that does.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.derived = Derived()
        self.listeners: set[Callable[[str], None]] = set()
        with keeping(home):
            home.mkdir(parents=True, exist_ok=True)
        self._database = Database(home / NAME)

    def close(self) -> None:
        """Closes the database."""
        self._database.close()

    def notify(self, run: str) -> None:
        """Calls the listeners: there is something new of a run."""
        for listener in tuple(self.listeners):
            listener(run)

    def folder(self, run: str) -> RunFolder:
        """The folder of one run."""
        return RunFolder(self.home / "runs" / run)

    def create(self, config: RunConfig, owner: str = "", beside: str = "") -> str:
        """A new run, queued. Returns its id: eight letters that survive any URL and any file system. beside: the run that it trains
        in step with, if that came first."""
        run = "".join(secrets.choice(ALPHABET) for _ in range(8))
        with keeping(self.folder(run).path):
            self.folder(run).path.mkdir(parents=True, exist_ok=True)
        with self._transaction(run) as db:
            row = (run, json.dumps(config.flat()), Status.QUEUED, owner, time.time(), beside)
            db.execute("INSERT INTO runs (id, config, status, owner, created, beside) VALUES (?, ?, ?, ?, ?, ?)", row)
            db.lines.append(Line("created", 0, row[4], {"config": config.flat(), "owner": owner, "beside": beside}))
        return run

    def adopt(self, run: str, lines: Sequence[Line], attempt: int | None = None) -> None:
        """Takes in a run as its journal tells it, the first line being `created`. attempt: its number, where the journal has none."""
        (first, *rest), attempts = standing(lines)
        attempts = attempts if attempt is None else attempt
        step = max((each.step for each in rest), default=0)
        with self._transaction(run) as db:
            config, owner, beside = (first.body[each] for each in ("config", "owner", "beside"))
            row = (run, json.dumps(config), Status.QUEUED, owner, first.time, step, attempts, beside)
            db.execute("INSERT INTO runs (id, config, status, owner, created, step, attempt, beside) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
            for each in rest:
                _insert(db, run, each)
                _move(db, run, each.kind, each.body, each.time)

    def forget(self, run: str) -> None:
        """Takes a run and its timeline out of the database; its folder stays as it is."""
        with self._transaction(run) as db:
            db.execute("DELETE FROM events WHERE run = ?", (run,))
            db.execute("DELETE FROM runs WHERE id = ?", (run,))

    def run(self, run: str) -> Run:
        """One run as it stands. Raises `UnknownRun`."""
        with self._database.connection() as db:
            row = db.execute("SELECT * FROM runs WHERE id = ?", (run,)).fetchone()
        if row is None:
            raise UnknownRun(run)
        return Run.from_row(row)

    def runs(self, limit: int = 100, statuses: Collection[str] = ()) -> list[Run]:
        """The newest runs first, recordings last; only those in one of `statuses`, if any are given."""
        where = f"WHERE status IN ({_marks(statuses)})" if statuses else ""
        query = f"SELECT * FROM runs {where} ORDER BY id LIKE '{RECORDED}%', created DESC, rowid DESC LIMIT ?"
        with self._database.connection() as db:
            return [Run.from_row(row) for row in db.execute(query, (*statuses, limit))]

    def counts(self) -> dict[str, int]:
        """How many runs there are of each status, without recordings."""
        with self._database.connection() as db:
            query = f"SELECT status, count(*) FROM runs WHERE id NOT LIKE '{RECORDED}%' GROUP BY status"
            return dict(db.execute(query).fetchall())

    def events(self, run: str, after: int = 0, limit: int = -1) -> list[Entry]:
        """The timeline of a run after the entry `after`, oldest first."""
        with self._database.connection() as db:
            query = "SELECT * FROM events WHERE run = ? AND id > ? ORDER BY id LIMIT ?"
            return [Entry(*row) for row in db.execute(query, (run, after, limit))]

    def last_event(self, run: str) -> int:
        """The id of the newest entry of a run, 0 where it has none."""
        with self._database.connection() as db:
            return int(db.execute("SELECT coalesce(max(id), 0) FROM events WHERE run = ?", (run,)).fetchone()[0])

    def newest(self, run: str, kind: str, limit: int) -> list[Entry]:
        """The last entries of one kind, newest first."""
        with self._database.connection() as db:
            query = "SELECT * FROM events WHERE run = ? AND kind = ? ORDER BY id DESC LIMIT ?"
            return [Entry(*row) for row in db.execute(query, (run, kind, limit))]

    def changes(self, run: str) -> list[Change]:
        """The live knobs that were moved, in order."""
        query = "SELECT step, body FROM events WHERE run = ? AND kind = 'change' ORDER BY id"
        with self._database.connection() as db:
            return [Change(step, **json.loads(body)) for step, body in db.execute(query, (run,))]

    def write(self, run: str, event: Event, attempt: int | None = None) -> None:
        """Records one event."""
        self.write_many(run, [event], attempt)

    def write_many(self, run: str, events: Sequence[Event], attempt: int | None = None) -> None:
        """Records events in one transaction, files first. With `attempt`, raises `Superseded` where the run has a later one."""
        self._require(run, attempt)
        for event in events:
            event.save(self.folder(run))
        with self._transaction(run) as db:
            self._require(run, attempt, db)
            for event in events:
                _record(db, run, event)

    def note(self, run: str, kind: str, step: int, body: Any) -> None:
        """Adds an entry that is not an event of the training, such as a layout that is ready."""
        with self._transaction(run) as db:
            _append(db, run, kind, step, body)

    def mark(self, run: str, status: str, message: str = "", among: Collection[str] = ()) -> bool:
        """Moves a run to `status`, if it stands in one of `among` (or anywhere); says whether it did."""
        condition = f"AND status IN ({_marks(among)})" if among else ""
        over = time.time() if status in OVER else None
        with self._transaction(run) as db:
            query = f"UPDATE runs SET status = ?, message = ?, finished = ? WHERE id = ? {condition} RETURNING step"
            row = db.execute(query, (status, message, over, run, *among)).fetchone()
            if row is not None:
                _append(db, run, "status", row[0], {"status": status, "message": message})
        return row is not None

    def begin(self, run: str, step: int = -1) -> tuple[int, list[Command]]:
        """Begins to train a run, from its checkpoint of `step`: what was recorded after that is forgotten, and whoever trained it
        before is shut out. Returns the attempt's number and the commands that were left for it."""
        self.truncate(run, step)
        query = """UPDATE runs SET attempt = attempt + 1, status = 'running', message = '', finished = NULL,
                   started = coalesce(started, ?) WHERE id = ? RETURNING attempt, step"""
        with self._transaction(run) as db:
            deferred = db.execute("SELECT deferred FROM runs WHERE id = ?", (run,)).fetchone()
            row = db.execute(query, (time.time(), run)).fetchone()
            if row is None or deferred is None:
                raise UnknownRun(run)
            db.execute("UPDATE runs SET deferred = '[]' WHERE id = ?", (run,))
            _append(db, run, "status", row[1], {"status": Status.RUNNING, "message": ""})
        return int(row[0]), list(map(Command.from_message, json.loads(deferred[0])))

    def defer(self, run: str, command: Command) -> None:
        """Leaves a command for the moment at which a worker takes the run."""
        with self._transaction(run) as db:
            query = "UPDATE runs SET deferred = json_insert(deferred, '$[#]', json(?)) WHERE id = ?"
            db.execute(query, (json.dumps(command.to_message()), run))

    def truncate(self, run: str, after_step: int) -> None:
        """Forgets everything that was recorded of steps after `after_step`."""
        with self._transaction(run) as db:
            db.execute("DELETE FROM events WHERE run = ? AND step > ?", (run, after_step))
            db.lines.append(Line("back", after_step, time.time(), None))
            db.execute("UPDATE runs SET step = min(step, ?) WHERE id = ?", (max(after_step, 0), run))
        self.folder(run).forget_after(after_step)

    def _require(self, run: str, attempt: int | None, db: sqlite3.Connection | None = None) -> None:
        if attempt is None:
            return
        if db is None:
            with self._database.connection() as idle:
                return self._require(run, attempt, idle)
        row = db.execute("SELECT attempt FROM runs WHERE id = ?", (run,)).fetchone()
        if row is None or row[0] != attempt:
            raise Superseded(f"run {run}: attempt {attempt} is no longer the current one")

    @contextmanager
    def _transaction(self, run: str) -> Iterator[Connection]:
        """What is recorded of a run goes into its journal, too: into both or into none. Then the listeners are called."""
        journal, before = self.folder(run).journal, None
        with self._database.connection() as db:
            db.execute("BEGIN IMMEDIATE")
            db.lines = []
            try:
                yield db
                before = journal.add(db.lines) if db.lines else None
                db.execute("COMMIT")
            except BaseException:
                if before is not None:
                    journal.cut(before)
                if db.in_transaction:  # where the disk is full, SQLite may have undone it already
                    db.execute("ROLLBACK")
                raise
        self.notify(run)


def _record(db: Connection, run: str, event: Event) -> None:
    if event.kind:
        _append(db, run, event.kind, event.step, event.body)
        _move(db, run, event.kind, event.body, time.time())
    db.execute("UPDATE runs SET step = max(step, ?) WHERE id = ?", (event.step, run))


def _move(db: Connection, run: str, kind: str, body: Any, at: float) -> None:
    """What an entry makes of its run. A worker whose server was killed goes on for a moment, and must not revive what the next server
    calls interrupted: only a `StatusChange` does that."""
    state = run_state(kind, body)
    if "facts" in state:
        db.execute("UPDATE runs SET facts = ? WHERE id = ?", (as_json(state["facts"]), run))
    if "status" in state:
        ends = state["status"] in OVER
        unless, values = ("", ()) if ends or kind == StatusChange.kind else (f"AND status NOT IN ({_marks(OVER)})", OVER)
        query = f"UPDATE runs SET status = ?, message = ?, finished = ?, started = coalesce(started, ?) WHERE id = ? {unless}"
        began = None if state["status"] == Status.QUEUED else at
        db.execute(query, (state["status"], state["message"], at if ends else None, began, run, *values))


def _append(db: Connection, run: str, kind: str, step: int, body: Any) -> None:
    line = Line(kind, step, time.time(), body)
    _insert(db, run, line)
    db.lines.append(line)


def _insert(db: sqlite3.Connection, run: str, line: Line) -> None:
    row = (run, line.kind, line.step, line.time, as_json(line.body))
    db.execute("INSERT INTO events (run, kind, step, time, body) VALUES (?, ?, ?, ?, ?)", row)


def _marks(values: Iterable[Any]) -> str:
    return ", ".join("?" for _ in values)
