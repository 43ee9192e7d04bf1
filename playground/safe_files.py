"""Files that are whole or not at all: written under another name first, and closed by a line with their size and check sum.

The line stands behind the end of the file proper, where no reader of PNG, JPEG, zip (npz, pt) or npy looks. Files of older versions
lack it: they are taken as they are, and count as damaged where they cannot be read.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, TypeVar

from playground.home import keeping

MARK = b"\n#blake2b "
END_OF_PNG = b"IEND\xaeB`\x82"
Found = TypeVar("Found")


class Damaged(ValueError):  # noqa: N818
    """A file is not what was written; one sentence says which."""


def save(path: Path, write: Callable[[IO[bytes]], Any]) -> None:
    """Replaces a file by what `write` puts into a new one. Raises HomeError; the file of before is then still there."""
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
            put_in_place(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def put_in_place(part: Path, path: Path) -> None:
    """Gives a file that is whole its name, on the same disk. After a power cut the one of before is there, or this one. Raises OSError."""
    with open(part, "rb+") as file:
        os.fsync(file.fileno())
    os.replace(part, path)


def read(path: Path) -> bytes:
    """What was written. Raises Damaged, FileNotFoundError."""
    return _read(path)[0]


def parsed(path: Path, parse: Callable[[IO[bytes]], Found]) -> Found:
    """What `parse` makes of a file. Raises Damaged, FileNotFoundError; and what `parse` raises of a file that is as it was written."""
    data, checked = _read(path)
    try:
        return parse(io.BytesIO(data))
    except Exception as error:
        if checked:
            raise
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise Damaged(f"{path.name} is damaged: {reason}") from error


def whole(path: Path) -> bool:
    """Whether a file is there and has its end, by a quick look: its content is only checked when it is read."""
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
        raise Damaged(f"{path.name} is damaged: its check sum is not that of its content")
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
