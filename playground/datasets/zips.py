"""The members of a zip from anybody: read one after the other, none trusted in its name, its size or its kind."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from playground.datasets.base import DataError
from playground.datasets.naming import Refused

MAX_ENTRIES = 200_000
MAX_DIRECTORY = 24 << 20  # bytes of a zip's list of contents, which is read as a whole
PIECE = 1 << 18  # bytes
STARTS = (b"PK\x03\x04", b"PK\x05\x06")  # the second: of one without any files
UNIX = 3  # who made an entry, where its attributes say what kind of file it is


class Source(Protocol):
    """A file to take in, from anybody."""

    @property
    def name(self) -> str:
        """What it was called."""

    def pieces(self) -> Iterator[bytes]:
        """Its content. Raises Refused."""


@dataclass(frozen=True)
class Member:
    """One file of a zip."""

    archive: zipfile.ZipFile
    info: zipfile.ZipInfo

    @property
    def name(self) -> str:
        """Its path in the archive."""
        return self.info.filename

    def pieces(self) -> Iterator[bytes]:
        """What it really holds, whatever its header promises. Raises Refused."""
        if self.info.flag_bits & 1:
            raise Refused("it is encrypted")
        kind = stat.S_IFMT(self.info.external_attr >> 16) if self.info.create_system == UNIX else 0
        if stat.S_ISLNK(kind):
            raise Refused("it is a link")
        if kind not in (0, stat.S_IFREG):
            raise Refused("it is a special file")
        try:
            with self.archive.open(self.info) as content:
                while piece := content.read(PIECE):
                    yield piece
        except Exception:  # zipfile raises whatever a damaged archive leads it to
            raise Refused("it is damaged inside the archive") from None


def is_zip(file: BinaryIO) -> bool:
    """Whether it begins like one."""
    file.seek(0)
    return file.read(4).startswith(STARTS)


def members(file: BinaryIO, what: str) -> list[Member]:
    """The files in a zip, folders left out. Raises DataError for one that cannot be read, or holds too many."""
    try:
        # The same look at its last lines that ZipFile takes, before it reads the whole list of contents into memory.
        end = zipfile._EndRecData(file)  # type: ignore[attr-defined]
        directory, count = end[zipfile._ECD_SIZE], end[zipfile._ECD_ENTRIES_TOTAL]  # type: ignore[attr-defined]
        infos: list[zipfile.ZipInfo] = []
        if directory <= MAX_DIRECTORY and count <= MAX_ENTRIES:
            archive = zipfile.ZipFile(file)
            infos, count = archive.infolist(), len(archive.infolist())
    except Exception:
        raise DataError(f"{what} must be a whole zip archive, got one that cannot be opened") from None
    if directory > MAX_DIRECTORY or count > MAX_ENTRIES:
        raise DataError(f"{what} must hold at most {MAX_ENTRIES:,} entries, got {count:,} (their list has {directory:,} bytes)")
    return [Member(archive, info) for info in infos if not info.is_dir()]
