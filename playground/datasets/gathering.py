"""Gathering a user's images before they become a dataset: from a folder, or from whatever gives names and bytes.

The input may be malicious. Names are text and never become paths; the kind of a file is determined by its content; sizes are counted
while bytes arrive. Every file that is left out gets a reason.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from playground.datasets import own, states, tables
from playground.datasets.base import DataError, Progress
from playground.datasets.decoding import MAX_BYTES, Unreadable, header, suffix, unknown
from playground.datasets.labels import Labels, labeled
from playground.datasets.labels import Source as Labeling
from playground.datasets.naming import MAX_NAME, Refused, inside, require_welcome
from playground.datasets.prepared import SPARE
from playground.datasets.spelling import decoded, distinguishable, raw, readable
from playground.datasets.zips import MAX_ENTRIES, Source

MAX_TOTAL = 20 << 30  # bytes that one archive or one upload may unpack to
ARCHIVES = {".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar"}
OUTSIDE, UNLISTED = "outside of the class folders", "without a row in the table of labels"  # why an image has no class


@dataclass
class Found:
    """The files found so far. root: their folder; names: their original names; sides: their shorter sides, in pixels.

    deep: those of more than 8 bits; labels: where labels come from; outside: files in no class; seen: all files of a folder used in place.
    """

    root: Path
    labels: Labeling = "auto"
    files: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    sides: list[int] = field(default_factory=list)
    deep: set[str] = field(default_factory=set)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    skipped_count: int = 0
    outside: list[tuple[str, str]] = field(default_factory=list)
    tables: list[tuple[str, str]] = field(default_factory=list)
    seen: states.Listing = field(default_factory=dict)

    def skip(self, name: str, reason: str) -> None:
        """Leaves out one file."""
        self.skipped_count += 1
        self.skipped.append((name, reason))

    def keep(self, file: str, name: str) -> None:
        """Adds a file whose header can be read. Raises Unreadable."""
        seen = header(self.root / file)
        self.files.append(file)
        self.names.append(name)
        self.sides.append(min(seen.width, seen.height))
        if seen.deep:
            self.deep.add(file)

    def spell(self) -> None:
        """Converts all names, which are raw until then, to text."""
        given = [*self.names, *(name for name, _ in self.skipped)]
        texts = distinguishable(decoded([raw(name) for name in given]))
        self.names, left = texts[: len(self.names)], texts[len(self.names) :]
        self.skipped = [(text[-MAX_NAME:], reason) for text, (_, reason) in zip(left, self.skipped, strict=True)]

    def drop(self, reasons: dict[str, str]) -> None:
        """Removes files that were added: path -> reason."""
        rows = list(zip(self.files, self.names, self.sides, strict=True))
        for file, name, _ in rows:
            if reason := reasons.get(str(self.root / file)):
                self.skip(name, reason)
        good = [row for row in rows if str(self.root / row[0]) not in reasons]
        self.files, self.names, self.sides = ([row[i] for row in good] for i in range(3))  # type: ignore[assignment]

    def labeling(self) -> Labels:
        """Its labels, from the first readable table or from folders."""
        from_table: list[str | None] = []
        notes, nowhere = [], []
        for file, name in self.tables:
            try:
                from_table, lost = tables.matched(tables.rows(self.root / file), self.names)
                notes.append(f"The labels come from {name}.")
                if self.skipped_count == len(self.skipped):  # otherwise the name of a left-out image may not be stored
                    nowhere = tables.nowhere(lost, [left for left, _ in self.skipped], name)
                break
            except tables.NoTable as error:
                notes.append(f"The table {name} was not read: {error}.")
        labels = labeled(self.names, self.labels, from_table)
        if from_table and not labels.by_table:
            matched = len(from_table) - from_table.count(None)
            notes[-1] = f"The table {self.tables[len(notes) - 1][1]} gives no labels: it names {matched:,} of the images."
        return replace(labels, notes=[*labels.notes, *notes, *(nowhere if self.labels in ("auto", "table") else [])])

    def leave_outside(self) -> None:
        """Leaves out images without a class, if there are classes."""
        labels = self.labeling()
        if labels.classes:
            rows = [row for row, label in enumerate(labels.labels) if label is None]
            self.outside += [(self.files[row], self.names[row]) for row in rows]
            self.drop({str(self.root / self.files[row]): UNLISTED if labels.by_table else OUTSIDE for row in rows})


def scan(found: Found, title: str) -> Iterator[Progress]:
    """All images in a folder, ordered by name; links are not followed, so nothing outside of it is read."""
    found.seen = states.listing(found.root)
    for parent, folders, names in os.walk(found.root, onerror=lambda error: found.skip(str(error.filename), "it cannot be opened")):
        for name in sorted(folders):
            try:
                _require_plain(Path(parent, name))
            except Refused as error:
                folders.remove(name)
                found.skip(os.path.relpath(os.path.join(parent, name), found.root), str(error))
        folders.sort()
        for name in sorted(names):
            path = os.path.relpath(os.path.join(parent, name), found.root)
            try:
                _require_plain(found.root / path)
                if is_table(name):
                    found.tables.append((path, readable(path)))
                    continue
                found.keep(path, path)
            except (Refused, Unreadable) as error:
                found.skip(path, str(error))
            seen = len(found.files) + found.skipped_count
            if seen > MAX_ENTRIES:
                raise DataError(f"{title} must have at most {MAX_ENTRIES:,} files, got a folder with more")
            if seen % 100 == 0:
                yield Progress(f"{title}: reading", seen, 0, "images")


def is_table(name: str) -> bool:
    """Whether a file is called like a table of labels."""
    return name.lower().endswith(tables.ENDINGS)


def _require_plain(path: Path) -> None:
    """Accepts only plain files and folders: a link would lead elsewhere, a pipe would block. Raises Refused."""
    require_welcome(path.name)
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        raise Refused("it is a link")
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise Refused("it is a special file")


def copy(found: Found, sources: Iterable[Source], count: int, title: str) -> Iterator[Progress]:
    """All images among `sources` -> 000000.jpg and so on. Total and single sizes are limited by the number of received bytes."""
    seen: set[str] = set()
    room = [MAX_TOTAL]
    for done, source in enumerate(sources):
        if done % 20 == 0:
            yield Progress(f"{title}: unpacking", done, count, "images")
        try:
            path = inside(source.name)
            if path in seen:
                raise Refused("another file has the same name")
            seen.add(path)
            _take(found, path, _counted(source, room, title))
        except (Refused, Unreadable) as error:
            found.skip(source.name, str(error))


def _counted(source: Source, room: list[int], title: str) -> Iterator[bytes]:
    """The content of one file, within the limits of the file, of all files and of the disk. room: bytes left. Raises Refused, DataError."""
    done = 0
    for piece in source.pieces():
        done += len(piece)
        room[0] -= len(piece)
        if done > MAX_BYTES:
            raise Refused(f"it unpacks to more than {MAX_BYTES:,} bytes")
        if room[0] < 0:
            raise DataError(f"{title} must unpack to at most {MAX_TOTAL / 1e9:.0f} GB, got more")
        free = shutil.disk_usage(own.root()).free
        if free < SPARE + len(piece):
            raise DataError(f"{title} must leave {SPARE / 1e6:.0f} MB of the disk of {own.root()} free, got {free / 1e6:.0f} MB")
        yield piece


def _take(found: Found, name: str, pieces: Iterator[bytes]) -> None:
    """Copies one file, if it begins like an image. Raises Refused, Unreadable."""
    first = next(pieces, b"")
    if not first:
        raise Refused("the file is empty")
    if is_table(name):
        kept = f"table-{len(found.tables)}.csv"
        with (found.root / kept).open("wb") as table:
            table.writelines([first, *pieces])
        found.tables.append((kept, readable(name)))
        return
    if not (ending := suffix(first[:16])):
        archive = os.path.splitext(name)[1].lower() in ARCHIVES
        raise Refused(
            "an archive is opened only if it is a complete zip or tar, and the only file: unpack it first" if archive else unknown(name)
        )
    target = found.root / f"{len(found.files):06}{ending}"
    try:
        with target.open("wb") as file:
            file.write(first)
            file.writelines(pieces)
        found.keep(target.name, name)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
