"""Adding a user's images: a folder, a zip, or uploads -> a dataset in the store, complete or not at all.

Files are gathered in a folder of their own (gathering.py), labeled, measured and described there, and then put in place.
"""

from __future__ import annotations

import contextlib
import shutil
import time
import uuid
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from playground.datasets import gathering, own, states, tables
from playground.datasets.base import DataError, Progress
from playground.datasets.decoding import Unreadable, sample
from playground.datasets.duplicates import duplicates
from playground.datasets.gathering import OUTSIDE, UNLISTED, Found, copy, is_table, scan
from playground.datasets.labels import Source as Labeling
from playground.datasets.naming import MAX_NAME, slug
from playground.datasets.own_set import PREFIX, OwnSet
from playground.datasets.packed import is_archive, sources, stem
from playground.datasets.parts import LEAST, SMALLEST
from playground.datasets.prepared import opened, prepare, rearrange
from playground.datasets.ranges import Measured, Range, measure
from playground.datasets.reasons import counted
from playground.datasets.spelling import readable
from playground.datasets.zips import MAX_ENTRIES, PIECE, Source
from playground.safe_files import put_in_place

MAX_TITLE = 60  # characters
SHOWN = 1000  # left-out files that are stored by name; the rest are only counted
MEASURED = 128  # images, at most, from which the range of a set is estimated
SIZES = (32, 48, 64)  # suggested sides; larger ones train slowly and must be chosen by the user
OLD = 24 * 3600  # seconds after which files left by a crash are removed


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
    The dataset exists when the iterator has ended. Raises DataError, and then nothing is left behind.
    """
    source = source.expanduser()
    what = "the source must be a folder of images, or a zip or tar of images, got"
    if table and not (table.is_file() and is_table(table.name)):
        raise DataError(f"a table must be a file that ends in {' or '.join(tables.ENDINGS)}, got {readable(str(table))}")
    if table and source.is_dir():
        raise DataError(f"a table of labels must be in the added folder, got {readable(str(table))}: move it there")
    if source.is_dir():
        title = name or source.resolve().name
        yield from _add(title, lambda found: scan(found, title), range, labels, source.resolve())
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
    yield from _add(name, lambda found: copy(found, sources, count, name), range, labels)


def _add_archive(
    file: BinaryIO, called: str, title: str, range: Range | None, labels: Labeling, label_tables: Sequence[Upload] = ()
) -> Iterator[Progress]:
    """label_tables: tables of labels that came with the archive; they have priority over tables in it."""

    def gather(found: Found) -> Iterator[Progress]:
        yield from copy(found, label_tables, len(label_tables), title)
        yield from copy(found, *sources(file, readable(called), gathering.MAX_TOTAL), title)

    yield from _add(title, gather, range, labels)


def read_again(name: str, labels: Labeling | None = None) -> Iterator[Progress]:
    """Reads a dataset again: its current folder, or with another source of labels. Raises DataError, and then the set is not changed."""
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
        yield from scan(found, before.title) if folder else _again(found, before)
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
        raise DataError("a dataset must have a name, got one without a visible letter")
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
        name = PREFIX + place.name
        raise DataError(f"the name of a dataset must be new, got {title}, which exists as {name}; remove that one first")


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
    made.save(work)


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
        rule = f"the dataset {title} must have at least {SMALLEST} images, {SMALLEST - LEAST} for training and {LEAST} probe images"
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
