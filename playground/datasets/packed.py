"""Archives: which can be read, which must be unpacked first, and what a set is called after one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import BinaryIO

from playground.datasets import tars, zips
from playground.datasets.base import DataError
from playground.datasets.zips import Source

CLOSED = {  # first bytes -> what is not opened here
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"\x28\xb5\x2f\xfd": "packed by Zstandard",
    b"MSCF": "a cabinet archive",
    b"\xfd7zXZ\0": "packed by xz, but not a whole tar",
    b"\x1f\x8b": "packed by gzip, but not a whole tar",
    b"BZh": "packed by bzip2, but not a whole tar",
}


def is_archive(file: BinaryIO) -> bool:
    """Whether it can be read by `sources`. Raises DataError for an archive that must be unpacked first."""
    if zips.is_zip(file) or tars.is_tar(file):
        return True
    file.seek(0)
    begin = file.read(8)
    if found := next((what for start, what in CLOSED.items() if begin.startswith(start)), None):
        raise DataError(f"an archive must be a zip or a tar, got one that is {found}: unpack it first, then add the folder")
    return False


def sources(file: BinaryIO, what: str, most: int) -> tuple[Iterable[Source], int]:
    """The files in an archive, and how many, 0 where it does not say. most: bytes that it may unpack to. Raises DataError."""
    if zips.is_zip(file):
        found = zips.members(file, what)
        return found, len(found)
    return tars.entries(file, what, most), 0


def stem(name: str) -> str:
    """The name of a file without its ending, both of them where it is that of a packed tar: birds.tar.gz -> birds."""
    return re.sub(r"(\.tar)?\.[^.]*$", "", name, flags=re.IGNORECASE) or name
