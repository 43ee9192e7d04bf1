"""What a server of before left: runs that nobody trains any more, and a database that may be damaged or gone.

Such a database is set aside, never overwritten, and its runs are rebuilt from their folders.

Only for whoever holds the lock of the home.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from playground.home import keeping
from playground.runs.database import NAME
from playground.runs.folder import RunFolder
from playground.runs.journal import Line
from playground.runs.records import RECORDED, Run
from playground.runs.status import STARTED, Status
from playground.runs.store import Store
from playground.runs.waiting import FairQueue
from playground.safe_files import Damaged

INTERRUPTED = "the server stopped while this run was training; Resume goes on from its last checkpoint"
LOST = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def opened(home: Path) -> Store:
    """The store of a home, as whole as it can be, in which no run counts as training."""
    aside = set_aside(home)
    store = Store(home)
    if aside or not store.counts():
        rebuild(store, aside)
    fill_in(store)
    interrupt_abandoned(store)
    return store


def interrupt_abandoned(store: Store) -> None:
    """Nobody trains these any more: they can be resumed."""
    for run in store.runs(limit=-1, statuses=STARTED):
        store.mark(run.id, Status.INTERRUPTED, INTERRUPTED, among=STARTED)


def left_waiting(store: Store) -> FairQueue:
    """Those that waited wait again, in the order in which they came."""
    queue, turns = FairQueue(), dict[str, list[Run]]()
    for run in reversed(store.runs(limit=-1, statuses=(Status.QUEUED,))):
        turns.setdefault(run.beside or run.id, []).append(run)
    for turn in turns.values():
        queue.put(tuple(run.id for run in turn), turn[0].owner)
    return queue


def set_aside(home: Path) -> Path | None:
    """Renames a database that is damaged; where it is now. None where it is sound, or not there."""
    file = home / NAME
    if not file.exists() or _sound(file):
        return None
    aside = next(each for each in _names(file) if not each.exists())
    with keeping(file):
        for suffix in ("-wal", "-shm", ""):
            part = Path(f"{file}{suffix}")
            if part.exists():
                part.rename(f"{aside}{suffix}")
    return aside


def rebuild(store: Store, aside: Path | None) -> list[str]:
    """Takes in the runs whose folders are there and that the store does not know; returns their ids. aside: the database of before.

    Recordings are not among them: `recordings` enters those.
    """
    known = {run.id for run in store.runs(limit=-1)}
    found = []
    for place in sorted(store.home.glob("runs/*")):
        lines = [] if place.name in known or place.name.startswith(RECORDED) else _lines(RunFolder(place))
        if lines:
            store.adopt(place.name, lines)
            why = f"The database was damaged and is set aside as {aside.name}" if aside else "The database was gone"
            store.note(place.name, "remark", store.run(place.name).step, {"sentence": f"{why}; this run was rebuilt from its folder."})
            found.append(place.name)
    return found


def fill_in(store: Store) -> None:
    """Runs of an older version get a journal, so that they, too, can be rebuilt."""
    for run in store.runs(limit=-1):
        folder = store.folder(run.id)
        if folder.path.is_dir() and not folder.journal.path.exists():
            entries = [Line(each.kind, each.step, each.time, each.body) for each in store.events(run.id)]
            created = {"config": run.flat, "owner": run.owner, "beside": run.beside}
            status = Line("status", run.step, run.finished or run.created, {"status": run.status, "message": run.message})
            folder.journal.add([Line("created", 0, run.created, created), *entries, status])


def _sound(file: Path) -> bool:
    try:
        with closing(sqlite3.connect(file)) as db:
            return bool(db.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF in LOST:
            return False
        raise


def _names(file: Path) -> Iterator[Path]:
    stem = f"{file.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}"
    yield file.with_name(stem)
    yield from (file.with_name(f"{stem}-{number}") for number in range(2, 1000))


def _lines(folder: RunFolder) -> list[Line]:
    """What the folder of a run holds of its timeline; nothing where it lacks even its settings."""
    lines = list(folder.journal.lines())
    return lines if lines and lines[0].kind == "created" else list(_of_files(folder))


def _of_files(folder: RunFolder) -> Iterator[Line]:
    """For a run without a journal: its settings from its checkpoint, and the snapshots that are there."""
    loaded = folder.checkpoints.load()
    if loaded.state is None or "config" not in loaded.state:
        return
    config, now = loaded.state["config"], folder.path.stat().st_mtime
    yield Line("created", 0, now, {"config": config, "owner": "", "beside": ""})
    yield Line("started", 0, now, {"steps": config["steps"]})
    for step in folder.steps():
        try:
            yield Line("snapshot", step, now, [*folder.array_names(step), *folder.pictures(step)])
        except Damaged:
            continue
        if folder.layout(step) is not None:
            yield Line("layout", step, now, {"kind": "umap"})
    yield Line(
        "status", loaded.step, now, {"status": Status.INTERRUPTED, "message": "Its timeline is gone; Resume goes on from its checkpoint."}
    )
