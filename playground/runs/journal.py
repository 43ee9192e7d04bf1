"""A run's timeline once more, in its folder: timeline.jsonl. From it a run is rebuilt where the database is lost.

A line is eight hexadecimal digits, the check sum of what follows, then JSON:

    ["created", 0, time, {"config", "owner", "beside"}]    the first
    [kind, step, time, body]                               an entry, as in the database
    ["back", step, time, null]                             what was recorded of later steps is void
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from playground.home import keeping
from playground.runs.records import as_json
from playground.runs.status import Status

NAME = "timeline.jsonl"


class Line(NamedTuple):
    """One line of a journal."""

    kind: str
    step: int
    time: float
    body: Any


class Journal:
    """That of the run whose folder this is. One process at a time may add to it: whoever has the database to itself."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.path = folder, folder / NAME

    def add(self, lines: Iterable[Line]) -> int:
        """Adds lines, all or none; returns how long it was before. A folder that is gone stays so. Raises HomeError."""
        if not self._folder.is_dir():
            return 0
        sealed = text(lines)
        with keeping(self.path), open(self.path, "ab", buffering=0) as file:
            before = file.tell()
            try:
                left = sealed.encode()
                while left:
                    left = left[file.write(left) :]
            except OSError:
                file.truncate(before)
                raise
        return before

    def cut(self, length: int) -> None:
        """Takes back what was added since it was that long."""
        if self.path.exists():
            os.truncate(self.path, length)

    def lines(self) -> Iterator[Line]:
        """All that can be read: a line that was cut or changed is left out."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return
        for each in data.splitlines():
            if zlib.crc32(each[9:]) == _number(each[:8]):
                yield Line(*json.loads(each[9:]))


def text(lines: Iterable[Line]) -> str:
    """Lines as they stand in the file, each with its check sum."""
    return "".join(_sealed(as_json(line)) for line in lines)


def standing(lines: Iterable[Line]) -> tuple[list[Line], int]:
    """What is not void, without "back"; and how often the run was begun."""
    kept: list[Line] = []
    attempts = 0
    for line in lines:
        if line.kind == "back":
            kept = [each for each in kept if each.step <= line.step or each.kind == "created"]
        else:
            kept.append(line)
        attempts += line.kind == "status" and line.body["status"] == Status.RUNNING
    return kept, attempts


def _sealed(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x} {text}\n"


def _number(digits: bytes) -> int:
    try:
        return int(digits, 16)
    except ValueError:
        return -1
