"""Atomic files with a checksum: written under another name first, and ended by a line with their size and checksum.

The line follows the end of the actual data, where no reader of PNG, JPEG, zip (npz, pt) or npy looks. Files of older versions
do not have it: they are used without a check, and count as damaged if they cannot be parsed.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import IO, Any, TypeVar

from playground.home import keeping

MARK = b"\n#blake2b "
END_OF_PNG = b"IEND\xaeB`\x82"
Found = TypeVar("Found")
_lasting: ContextVar[bool] = ContextVar("lasting", default=True)


class Damaged(ValueError):  # noqa: N818
    """The content of a file is not what was written; the message names the file."""


def save(path: Path, write: Callable[[IO[bytes]], Any]) -> None:
    """Replaces a file by a new one with the content that `write` writes. Raises HomeError; the old file is then unchanged."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with keeping(path):
            with open(temporary, "w+b") as file:
                write(file)
                size = file.seek(0, os.SEEK_END)
                file.seek(0)
                digest = hashlib.file_digest(file, _blake2b).hexdigest()
                file.seek(0, os.SEEK_END)
                file.write(_line(size, digest))
            if _lasting.get():
                put_in_place(temporary, path)
            else:
                os.replace(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def made_again() -> Iterator[None]:
    """For files that can be made again: `save` does not wait here until they are on the disk, which takes longer than writing them."""
    before = _lasting.set(False)
    try:
        yield
    finally:
        _lasting.reset(before)


def put_in_place(part: Path, path: Path) -> None:
    """Gives a file that is whole its name, on the same disk. After a power cut the one of before is there, or this one. Raises OSError."""
    with open(part, "rb+") as file:
        os.fsync(file.fileno())
    os.replace(part, path)


def read(path: Path) -> bytes:
    """The content. Raises Damaged, FileNotFoundError."""
    return _read(path)[0]


def parsed(path: Path, parse: Callable[[IO[bytes]], Found]) -> Found:
    """The result of `parse` on a file. Raises Damaged, FileNotFoundError, and the errors of `parse` if the file is not damaged."""
    data, checked = _read(path)
    try:
        return parse(io.BytesIO(data))
    except Exception as error:
        if checked:
            raise
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise Damaged(f"{path.name} is damaged: {reason}") from error


def whole(path: Path) -> bool:
    """Whether a file exists and is complete, by a quick check of its end: the content is checked only when it is read."""
    try:
        found = path.stat()
    except OSError:
        return False
    return _has_its_end(path, found.st_mtime_ns, found.st_size)


def _read(path: Path) -> tuple[bytes, bool]:
    """The content, and whether it has been checked."""
    data = path.read_bytes()
    start = len(data) - LENGTH
    if start < 0 or data[start : start + len(MARK)] != MARK:
        return data, False
    content = data[:start]
    if _line(start, _blake2b(content).hexdigest()) != data[start:]:
        raise Damaged(f"{path.name} is damaged: its checksum does not match its content")
    return content, True


@functools.lru_cache(maxsize=8192)
def _has_its_end(path: Path, written: int, size: int) -> bool:
    with open(path, "rb") as file:
        file.seek(max(size - LENGTH, 0))
        end = file.read()
        if end.startswith(MARK):
            return int(end[len(MARK) :].split()[0]) == size - LENGTH
        file.seek(0)
        if path.suffix in (".npz", ".pt"):
            return zipfile.is_zipfile(file)
        if path.suffix == ".json":
            return _is_json(file)
    return end.endswith(END_OF_PNG) if path.suffix == ".png" else size > 0


def _is_json(file: IO[bytes]) -> bool:
    try:
        json.load(file)
    except ValueError:
        return False
    return True


def _blake2b(data: bytes = b"") -> Any:
    return hashlib.blake2b(data, digest_size=16)


def _line(size: int, digest: str) -> bytes:
    return MARK + f"{size:015d} {digest}\n".encode()


LENGTH = len(_line(0, _blake2b().hexdigest()))
