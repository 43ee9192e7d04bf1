"""Adding a user's images: a folder, a zip, or uploads -> a data set in the store, complete or not at all.

The input may be malicious. Names are text and never become paths; the kind of a file is determined by its content; sizes are counted
while bytes arrive. Every file that is left out gets a reason, which is stored.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import time
import uuid
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from playground.datasets import own, states, tables
from playground.datasets.base import DataError, Progress
from playground.datasets.decoding import MAX_BYTES, Unreadable, header, sample, suffix, unknown
from playground.datasets.duplicates import duplicates
from playground.datasets.labels import Labels, labeled
from playground.datasets.labels import Source as Labeling
from playground.datasets.naming import MAX_NAME, Refused, inside, require_welcome, slug
from playground.datasets.own import OwnSet
from playground.datasets.packed import is_archive, sources, stem
from playground.datasets.parts import LEAST, SMALLEST
from playground.datasets.prepared import SPARE, opened, prepare, rearrange
from playground.datasets.ranges import Measured, Range, measure
from playground.datasets.reasons import counted
from playground.datasets.spelling import decoded, distinguishable, raw, readable
from playground.datasets.zips import MAX_ENTRIES, PIECE, Source
from playground.safe_files import put_in_place

MAX_TOTAL = 20 << 30  # bytes that one archive or one upload may unpack to
MAX_TITLE = 60  # characters
SHOWN = 1000  # left-out files that are stored by name; the rest are only counted
MEASURED = 128  # images, at most, from which the range of a set is estimated
SIZES = (32, 48, 64)  # suggested sides; larger ones train slowly and must be chosen by the user
ARCHIVES = {".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar"}
OUTSIDE, UNLISTED = "outside of the class folders", "without a row in the table of labels"  # why an image has no class
OLD = 24 * 3600  # seconds after which files left by a crash are removed


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


@dataclass(frozen=True)
class Upload:
    """A file that a browser sent."""

    name: str
    file: BinaryIO

    def pieces(self) -> Iterator[bytes]:
        """Its content."""
        self.file.seek(0)
        while piece := self.file.read(PIECE):
            yield piece


def add(
    source: Path, name: str = "", range: Range | None = None, labels: Labeling = "auto", table: Path | None = None
) -> Iterator[Progress]:
    """Adds a folder, which stays where it is, or a zip or tar, which is unpacked into the store. name: its title, by default the file's.

    range: the values of black and white in images of more than 8 bits; estimated if left out. labels: see labels.py.
    table: of labels, outside of the zip or tar.
    The data set exists when the iterator has ended. Raises DataError, and then nothing is left behind.
    """
    source = source.expanduser()
    what = "the source must be a folder of images, or a zip or tar of images, got"
    if table and not (table.is_file() and is_table(table.name)):
        raise DataError(f"a table must be a file that ends in {' or '.join(tables.ENDINGS)}, got {readable(str(table))}")
    if table and source.is_dir():
        raise DataError(f"a table of labels must be in the added folder, got {readable(str(table))}: move it there")
    if source.is_dir():
        title = name or source.resolve().name
        yield from _add(title, lambda found: _scan(found, title), range, labels, source.resolve())
    elif not source.is_file():
        raise DataError(f"{what} {readable(str(source))}, which does not exist")
    else:
        with source.open("rb") as file:
            if not is_archive(file):
                raise DataError(f"{what} {readable(source.name)}, which is neither")
            with contextlib.ExitStack() as stack:
                label_tables = [Upload(table.name, stack.enter_context(table.open("rb")))] if table else []
                yield from _add_archive(file, source.name, name or stem(source.name), range, labels, label_tables)


def add_files(
    files: Sequence[tuple[str, BinaryIO]], name: str, range: Range | None = None, labels: Labeling = "auto"
) -> Iterator[Progress]:
    """Adds uploads: (name or relative path, open file) each, copied into the store; a single archive is unpacked, also if tables come
    with it.

    As `add` otherwise.
    """
    if len(files) > MAX_ENTRIES:
        raise DataError(f"an upload must have at most {MAX_ENTRIES:,} files, got {len(files):,}")
    others = [Upload(*each) for each in files if not is_table(each[0])]
    if len(others) == 1 and is_archive(others[0].file):
        label_tables = [Upload(*each) for each in files if is_table(each[0])]
        yield from _add_archive(others[0].file, others[0].name, name, range, labels, label_tables)
    else:
        yield from add_sources([Upload(*each) for each in files], len(files), name, range, labels)


def add_sources(
    sources: Iterable[Source], count: int, name: str, range: Range | None = None, labels: Labeling = "auto"
) -> Iterator[Progress]:
    """Adds whatever gives names and bytes, `count` times. As `add` otherwise."""
    yield from _add(name, lambda found: _copy(found, sources, count, name), range, labels)


def _add_archive(
    file: BinaryIO, called: str, title: str, range: Range | None, labels: Labeling, label_tables: Sequence[Upload] = ()
) -> Iterator[Progress]:
    """label_tables: tables of labels that came with the archive; they have priority over tables in it."""

    def gather(found: Found) -> Iterator[Progress]:
        yield from _copy(found, label_tables, len(label_tables), title)
        yield from _copy(found, *sources(file, readable(called), MAX_TOTAL), title)

    yield from _add(title, gather, range, labels)


def is_table(name: str) -> bool:
    """Whether a file is called like a table of labels."""
    return name.lower().endswith(tables.ENDINGS)


def read_again(name: str, labels: Labeling | None = None) -> Iterator[Progress]:
    """Reads a data set again: its current folder, or with another source of labels. Raises DataError, and then the set is not changed."""
    before = own.get(name)
    place, folder = own.root() / before.slug, Path(before.folder) if before.folder else None
    if folder and not folder.is_dir():
        raise DataError(f"{before.title} must be in {folder} to be read again, got no folder there")
    range = before.numbers.range if before.numbers and not before.numbers.guessed else None
    work = own.root() / f".adding-{uuid.uuid4().hex}"
    try:
        work.mkdir()
        if not folder:
            (work / "files").symlink_to(place / "files")
        found = Found(folder or work / "files", labels or before.source)
        yield from _scan(found, before.title) if folder else _again(found, before)
        found.spell()
        yield from _settle(found, before.title, folder, work, range)
        _put(work, place)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _again(found: Found, before: OwnSet) -> Iterator[Progress]:
    """The images that were copied when the set was added, also those without a class."""
    found.skipped = [(name, reason) for name, reason in before.skipped if not reason.endswith((OUTSIDE, UNLISTED))]
    found.skipped_count = before.skipped_count - len(before.outside)
    found.tables = list(before.tables)
    for file, name in [*zip(before.files, before.originals, strict=True), *before.outside]:
        try:
            found.keep(file, name)
        except Unreadable as error:
            found.skip(name, str(error))
    yield Progress(f"{before.title}: reading", len(found.files), len(found.files), "images")


def _put(work: Path, place: Path) -> None:
    """Replaces the previous version; a run that has it open continues with it."""
    aside = own.root() / f".replaced-{uuid.uuid4().hex}"
    with contextlib.suppress(FileNotFoundError):
        (place / "prepared").rename(aside)
    with contextlib.suppress(FileNotFoundError):
        (work / "prepared").rename(place / "prepared")
    for part in (states.FILE, "index.json"):
        with contextlib.suppress(FileNotFoundError):
            put_in_place(work / part, place / part)
    shutil.rmtree(aside, ignore_errors=True)
    states.forget()


def _add(
    name: str, gather: Callable[[Found], Iterator[Progress]], range: Range | None, labels: Labeling, folder: Path | None = None
) -> Iterator[Progress]:
    """Everything happens in a hidden folder, which gets the name of the set at the end."""
    title = readable(name)[:MAX_TITLE].strip()
    if not title:
        raise DataError("a data set must have a name, got one without a visible letter")
    place = own.root() / slug(title)
    work = own.root() / f".adding-{uuid.uuid4().hex}"
    _require_new(place, title)
    _sweep()
    try:
        (work / "files").mkdir(parents=True)
        found = Found(folder or work / "files", labels)
        yield from gather(found)
        found.spell()
        yield from _settle(found, title, folder, work, range)
        if folder:
            (work / "files").rmdir()
        try:
            work.rename(place)
        except OSError:
            _require_new(place, title)  # another process was faster
            raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _require_new(place: Path, title: str) -> None:
    if place.exists():
        name = own.PREFIX + place.name
        raise DataError(f"the name of a data set must be new, got {title}, which exists as {name}; remove that one first")


def _sweep() -> None:
    """Removes files left by a killed process."""
    for place in own.root().glob(".*-*"):
        with contextlib.suppress(OSError):
            if time.time() - place.stat().st_mtime > OLD:
                shutil.rmtree(place, ignore_errors=True)


def _settle(found: Found, title: str, folder: Path | None, work: Path, range: Range | None) -> Iterator[Progress]:
    """Decodes all images once at the suggested size; unreadable ones are left out, and the rest are put in order again."""
    numbers = yield from _measured(found, title, range)
    shown = numbers.range if numbers else None
    while True:
        found.leave_outside()
        _require_enough(found, title)
        made = replace(_described(found, title, folder), numbers=numbers)
        into = own.prepared_file(work, made.size, "crop", 0, shown)
        yield from prepare(own.ordered(made, work, 0), into, made.size, "crop", title, shown, made.state)
        result = opened(into)
        if not result.skipped:
            break
        found.drop(dict(result.skipped))
    gray = all(bool((part == part[:, :1]).all()) for part in result.pixels.split(256))
    order = own.parted(made, 0)
    yield Progress(f"{title}: searching for duplicates", len(order), len(order), "images")
    twice = duplicates(result.pixels).renumbered(order)
    made = replace(made, gray=gray, duplicates=twice)
    if (new := own.parted(made, 0)) != order:
        place = {row: at for at, row in enumerate(order)}
        rearrange(into, [place[row] for row in new], own.ordered(made, work, 0), made.size, "crop", shown, made.state)
    if folder:
        states.save(found.seen, work)
    own.save(made, work)


def _measured(found: Found, title: str, given: Range | None) -> Generator[Progress, None, Measured | None]:
    """The range of all images with more than 8 bits, from a sample of them; None where there are none."""
    files = sorted(found.deep)
    if given and not files:
        raise DataError(f"a range is for images of more than 8 bits, got {title}, which has no such images")
    chosen, values = files[:: -(-len(files) // MEASURED) or 1], []
    for done, file in enumerate(chosen):
        yield Progress(f"{title}: measuring its values", done, len(chosen), "images")
        with contextlib.suppress(Unreadable):  # it is left out when all are decoded
            values.append(sample(found.root / file))
    pooled = np.concatenate(values) if values else np.empty(0)
    return measure(pooled, len(files), given) if len(pooled) else None


def _require_enough(found: Found, title: str) -> None:
    count = len(found.files)
    if count < SMALLEST:
        left = f"; {counted(found.skipped_count, 'file')} (the first, {': '.join(found.skipped[0])})" if found.skipped else ""
        rule = f"the data set {title} must have at least {SMALLEST} images, {SMALLEST - LEAST} for training and {LEAST} probe images"
        raise DataError(f"{rule}, got {count}{left}")


def _described(found: Found, title: str, folder: Path | None) -> OwnSet:
    labels = found.labeling()
    seen = states.digest(found.seen) if folder else ""
    sides = sorted(found.sides)
    middle = sides[len(sides) // 2]
    return OwnSet(
        slug=slug(title),
        title=title,
        folder=str(folder) if folder else "",
        files=found.files,
        originals=[name[-MAX_NAME:] for name in found.names],
        labels=[label for label in labels.labels if label is not None],
        classes=labels.classes,
        skipped=found.skipped[:SHOWN],
        skipped_count=found.skipped_count,
        sides=(sides[0], middle, sides[-1]),
        size=max(size for size in SIZES if size <= max(middle, SIZES[0])),
        gray=False,
        notes=labels.notes,
        parts=3,
        source=found.labels,
        outside=[] if folder else found.outside,
        tables=[] if folder else found.tables,
        seen=seen,
        state=states.mark(seen, found.names, labels.labels) if folder else "",
        read=time.time(),
    )


def _scan(found: Found, title: str) -> Iterator[Progress]:
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


def _require_plain(path: Path) -> None:
    """Accepts only plain files and folders: a link would lead elsewhere, a pipe would block. Raises Refused."""
    require_welcome(path.name)
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        raise Refused("it is a link")
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise Refused("it is a special file")


def _copy(found: Found, sources: Iterable[Source], count: int, title: str) -> Iterator[Progress]:
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
