"""The results of one evaluation as a document: written to the run's folder continuously, read by the page and the command line.

{"run", "step", "status", "message", "protocol", "doing", "done", "about", "scores", "confusion", "remarks", "started", "written"}
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from playground import safe_files
from playground.evaluation.events import About, Confused, Doing, Event, Remark, Score
from playground.evaluation.intervals import bar
from playground.evaluation.protocol import FORMER, Protocol
from playground.home import keeping
from playground.locks import Lock

FILE, LOCK = "evaluation.json", "evaluation.lock"
SHIPPED = "evaluation-recorded.json"  # of a recording: what came with it, which stays when it is evaluated again
EVERY = 0.5  # seconds between two updates of the progress in the file
VERSION = 2
FIRST = "Measured by an earlier version: its test images are the probe images of the run."
PLACE = ("part", "data", "operator", "strength", "who", "share")  # the same for all seeds of one result
COLUMNS = (*PLACE, "labeled", "seeds", "mean", "lowest", "highest", "tested", "low", "high", "balanced")

Document = dict[str, Any]


def new(run: str, step: int, protocol: Protocol) -> Document:
    """The document before its first event. step: of the evaluated weights."""
    empty: Document = {"about": None, "scores": [], "confusion": None, "remarks": []}
    head = {"version": VERSION, "run": run, "step": step, "status": "running", "message": "", "protocol": protocol.words()}
    return head | {"doing": "reading the images", "done": 0.0, "started": time.time()} | empty


def update(document: Document, event: Event) -> None:
    """Adds one event."""
    match event:
        case Doing(what, done):
            document |= {"doing": what, "done": done}
        case About():
            document["about"] = vars(event)
        case Score():
            document["scores"].append(vars(event))
        case Confused(_, matrix):
            before = document["confusion"] or [[0] * len(row) for row in matrix]
            document["confusion"] = [[a + b for a, b in zip(*rows, strict=True)] for rows in zip(before, matrix, strict=True)]
        case Remark(sentence) if sentence not in document["remarks"]:
            document["remarks"].append(sentence)


def recorded(folder: Path, document: Document, events: Iterable[Event]) -> Iterator[Document]:
    """Adds events and keeps the file up to date; yields the document after each. An error is recorded and raised again."""
    written = 0.0
    try:
        for event in events:
            update(document, event)
            if not isinstance(event, Doing) or time.monotonic() - written > EVERY:
                write(folder, document)
                written = time.monotonic()
            yield document
        document["status"] = "finished"
    except GeneratorExit:
        document |= {"status": "stopped", "message": "stopped before it was done"}
        raise
    except KeyboardInterrupt:
        document |= {"status": "stopped", "message": "stopped before it was done"}
        raise
    except Exception as error:
        document |= {"status": "failed", "message": str(error) or type(error).__name__}
        raise
    finally:
        write(folder, document)


def write(folder: Path, document: Document) -> None:
    """Replaces the file atomically; if the folder is gone, the run was deleted, and nothing is written."""
    text = json.dumps(document | {"written": time.time()}, allow_nan=False)
    with contextlib.suppress(FileNotFoundError):
        safe_files.save(folder / FILE, lambda file: file.write(text.encode()))


def read(folder: Path) -> Document | None:
    """The document of a run, or None if there is none that this version can read.

    What came with a recording is shown until an evaluation here is under way or finished.
    """
    found = _read(folder / FILE)
    return found if found and found["status"] in ("running", "finished") else _read(folder / SHIPPED) or found


def forget(folder: Path) -> None:
    """Removes what was found here: a recording shows again what came with it."""
    with keeping(folder):
        (folder / FILE).unlink(missing_ok=True)


def renewable(folder: Path) -> bool:
    """Whether `forget` would show what came with a recording instead of what was found here."""
    return (folder / FILE).exists() and (folder / SHIPPED).exists()


def _read(file: Path) -> Document | None:
    try:
        document: Document = safe_files.parsed(file, json.load)
    except (OSError, ValueError):
        return None
    known = isinstance(document, dict) and document.get("version") in (1, VERSION)
    return _renewed(document) if known else None


def _renewed(document: Document) -> Document:
    """A document of the first version in the current form."""
    if document["version"] == VERSION:
        return document
    about = document["about"] and {"known": document["about"]["labeled"], "uneven": False} | document["about"]
    tested = about["tested"] if about else 0
    more = [
        {"tested": 0 if each["part"] == "transfer" else tested, "who": FORMER.get(each["who"], each["who"])} for each in document["scores"]
    ]
    scores = [{"balanced": None} | each | new for each, new in zip(document["scores"], more, strict=True)]
    return document | {"version": VERSION, "about": about, "scores": scores, "remarks": [FIRST, *document["remarks"]]}


def ended(folder: Path, status: str, message: str) -> None:
    """Records the end of an evaluation whose process has ended without recording it."""
    document = _read(folder / FILE)
    if document and document["status"] == "running":
        write(folder, document | {"status": status, "message": message})


def lock(folder: Path) -> Lock:
    """The lock that is held while a run is evaluated."""
    return Lock(folder / LOCK)


def summary(scores: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The seeds of each result as one row: mean, lowest and highest accuracy; low and high, the ends of its `bar`. Columns: COLUMNS."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for each in scores:
        groups.setdefault(tuple(each[name] for name in PLACE), []).append(each)
    return [dict(zip(PLACE, place, strict=True)) | _spread(group) for place, group in groups.items()]


def _spread(found: list[dict[str, Any]]) -> dict[str, Any]:
    values = [each["accuracy"] for each in found]
    labeled = round(sum(each["labeled"] for each in found) / len(found))
    spread = {"labeled": labeled, "seeds": len(values), "mean": sum(values) / len(values), "lowest": min(values), "highest": max(values)}
    tested, classes = found[0]["tested"], [each["balanced"] for each in found if each["balanced"] is not None]
    low, high = bar(values, tested)
    return spread | {"tested": tested, "low": low, "high": high, "balanced": sum(classes) / len(classes) if classes else None}


def as_csv(document: Document) -> str:
    """All results, one row each."""
    text = io.StringIO()
    rows = csv.DictWriter(text, ["run", "step", *COLUMNS], lineterminator="\n")
    rows.writeheader()
    rows.writerows({"run": document["run"], "step": document["step"]} | each for each in summary(document["scores"]))
    return text.getvalue()
