"""Images decoded once, by several threads, into one file that is mapped into memory: (N, 3, size, size) uint8.

    for progress in prepare(files, into, 64, "crop", "my birds"): ...
    pixels = opened(into).pixels                        # read from the disk where they are looked at

The file gets its final name when it is complete. A note next to it says which row is which image.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import shutil
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor

from playground.datasets.base import DataError, Progress
from playground.datasets.ranges import Range
from playground.datasets.turns import alone
from playground.safe_files import put_in_place

if TYPE_CHECKING:
    from playground.datasets.decoding import Fit

VERSION = 1  # of decoding: with a new version, images are decoded again
WORKERS = min(8, os.cpu_count() or 1)
TOGETHER = 16  # images a thread takes at a time
AHEAD = 4  # such portions for each thread: what waits to be written stays small
SPARE = 64 << 20  # bytes of the disk that are left free


@dataclass(frozen=True)
class Prepared:
    """pixels: (N, 3, H, W) uint8 over the mapped file; kept: which file each row is; skipped: (file, reason)."""

    pixels: Tensor
    kept: list[int]
    skipped: list[tuple[str, str]]


@dataclass(frozen=True)
class _Shape:
    """The format of all decoded images."""

    size: int
    fit: Fit
    range: Range | None


def prepare(
    files: Sequence[Path], into: Path, size: int, fit: str, what: str, range: Range | None = None, state: str = ""
) -> Iterator[Progress]:
    """Decodes `files` into `into` (.npy) unless that is there and they have not changed since; `what` is for progress and errors.

    range: of numbers of more than 8 bits; guessed from each image alone if left out. state: stands for how the files are, instead of
    a look at each: what was made is used however they have changed, until the state is another.

    Another process that does the same is waited for. What cannot be read is left out, with its reason. Raises DataError.
    """
    mark = fingerprint(files, into, size, fit, range, state)
    if not is_prepared(into, mark):
        yield from alone(into, what, lambda: _prepare(files, into, _Shape(size, cast("Fit", fit), range), what, mark))


def rearrange(
    into: Path, order: Sequence[int], files: Sequence[Path], size: int, fit: str, range: Range | None = None, state: str = ""
) -> None:
    """Puts the rows of a file that lacks no image into another order: row i becomes what row order[i] was, as in `files` already."""
    made, part = opened(into), into.with_suffix(f".{os.getpid()}.part")
    try:
        with part.open("wb") as target:
            _write_header(target, len(order), size)
            for some in torch.tensor(order).split(TOGETHER):
                target.write(made.pixels[some].numpy().data)
        _finish(part, into, fingerprint(files, into, size, fit, range, state), made.kept, made.skipped)
    finally:
        part.unlink(missing_ok=True)


def opened(into: Path) -> Prepared:
    """Opens the result of `prepare`. It uses no memory until rows are read. Raises DataError."""
    note = _note(into)
    try:
        pixels = torch.from_numpy(np.load(into, mmap_mode="c"))
    except (OSError, ValueError):
        note = {}
    if not note or len(pixels) != len(note["kept"]):
        raise DataError(f"{into.name} must be prepared before it is opened, got no whole file in {into.parent}")
    return Prepared(pixels, note["kept"], [(file, reason) for file, reason in note["skipped"]])


def is_prepared(into: Path, mark: str) -> bool:
    """Whether `into` is whole and was made from files with this fingerprint."""
    return into.is_file() and _note(into).get("fingerprint") == mark


def fingerprint(files: Sequence[Path], into: Path, size: int, fit: str, range: Range | None = None, state: str = "") -> str:
    """Changes when a file does: its path (seen from `into`, so that a whole home may be moved), length or time."""
    numbers = f" {range.low!r} {range.high!r}" if range else ""
    digest = hashlib.sha256(f"{VERSION} {size} {fit}{numbers}{state}\n".encode())
    for file in files:
        digest.update(f"{os.path.relpath(file, into.parent)}\0{state or _state(file)}\n".encode(errors="surrogatepass"))
    return digest.hexdigest()


def _state(file: Path) -> tuple[int, int]:
    try:
        state = file.stat()
    except OSError:
        return (-1, -1)
    return (state.st_size, state.st_mtime_ns)


def _note(into: Path) -> dict[str, Any]:
    try:
        note = json.loads(into.with_suffix(".json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def _prepare(files: Sequence[Path], into: Path, shape: _Shape, what: str, mark: str) -> Iterator[Progress]:
    if is_prepared(into, mark):
        return  # another process made it while we waited
    _require_room(into.parent, len(files) * 3 * shape.size**2, what)
    part = into.with_suffix(f".{os.getpid()}.part")
    kept: list[int] = []
    skipped: list[tuple[str, str]] = []
    try:
        with part.open("wb") as target:
            _write_header(target, len(files), shape.size)
            yield Progress(what, 0, len(files), "images")
            with contextlib.closing(_decoded(files, shape)) as portions:
                for portion in portions:
                    for row, pixels in portion:
                        if isinstance(pixels, str):
                            skipped.append((str(files[row]), pixels))
                        else:
                            target.write(pixels.data)
                            kept.append(row)
                    yield Progress(what, len(kept) + len(skipped), len(files), "images")
            _write_header(target, len(kept), shape.size)
        if not kept:
            raise DataError(f"{what} must have images that can be read, got {_none(skipped)}")
        _finish(part, into, mark, kept, skipped)
    finally:
        part.unlink(missing_ok=True)


def _finish(part: Path, into: Path, mark: str, kept: list[int], skipped: list[tuple[str, str]]) -> None:
    note = into.with_suffix(".json")
    note.unlink(missing_ok=True)  # the note vouches for the file: it goes first and comes last
    put_in_place(part, into)
    part.write_text(json.dumps({"fingerprint": mark, "kept": kept, "skipped": skipped}), "utf-8")
    put_in_place(part, note)


def _none(skipped: list[tuple[str, str]]) -> str:
    if not skipped:
        return "no files"
    return f"{len(skipped)} files and none of them; the first, {Path(skipped[0][0]).name}: {skipped[0][1]}"


def _require_room(folder: Path, needed: int, what: str) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed + SPARE:
        raise DataError(
            f"{what} needs {needed / 1e6:,.0f} MB of disk space in {folder}, and {SPARE / 1e6:.0f} MB more, got {free / 1e6:,.0f} MB free"
        )


def _write_header(target: IO[bytes], count: int, size: int) -> None:
    """Numpy leaves room in it for a longer number, so that it may be written over when the count is known."""
    target.seek(0)
    np.lib.format.write_array_header_1_0(target, {"descr": "|u1", "fortran_order": False, "shape": (count, 3, size, size)})


Decoded = list[tuple[int, np.ndarray | str]]  # row -> its pixels, or why there are none


def _decoded(files: Sequence[Path], shape: _Shape) -> Generator[Decoded]:
    """Portion after portion, in the order of the files."""

    def portion(rows: Iterable[int]) -> Decoded:
        return [(row, _pixels(files[row], shape)) for row in rows]

    rows = iter(range(len(files)))
    with ThreadPoolExecutor(WORKERS, "decode") as pool:
        under_way: deque[Future[Decoded]] = deque()
        try:
            while True:
                while len(under_way) < WORKERS * AHEAD and (some := list(itertools.islice(rows, TOGETHER))):
                    under_way.append(pool.submit(portion, some))
                if not under_way:
                    return
                yield under_way.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _pixels(file: Path, shape: _Shape) -> np.ndarray | str:
    from playground.datasets.decoding import Unreadable, decode  # Pillow, which drawn images need not

    try:
        return decode(file, shape.size, shape.fit, shape.range)
    except Unreadable as error:
        return str(error)
