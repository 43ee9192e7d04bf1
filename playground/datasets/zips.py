"""The members of a zip of any origin, read one after the other; their names, sizes and kinds are not trusted."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from playground.datasets.base import DataError
from playground.datasets.naming import Refused
from playground.datasets.spelling import IN_ZIP, decoded

MAX_ENTRIES = 200_000
MAX_DIRECTORY = 24 << 20  # bytes of a zip's list of contents, which is read as a whole
PIECE = 1 << 18  # bytes
STARTS = (b"PK\x03\x04", b"PK\x05\x06")  # the second: of one without any files
PROGRAMS = (b"MZ", b"\x7fELF", b"#!")
UTF8, UNICODE_PATH = 1 << 11, 0x7075  # a bit of an entry's flags, and Info-ZIP's field with its name in UTF-8
UNIX = 3  # who made an entry, where its attributes say what kind of file it is


class Source(Protocol):
    """A file to add, of any origin."""

    @property
    def name(self) -> str:
        """Its original name."""

    def pieces(self) -> Iterator[bytes]:
        """Its content. Raises Refused."""


@dataclass(frozen=True)
class Member:
    """One file of a zip."""

    archive: zipfile.ZipFile
    info: zipfile.ZipInfo
    name: str  # its path in the archive

    def pieces(self) -> Iterator[bytes]:
        """Its actual content, independent of the size in its header. Raises Refused."""
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
    """Whether it begins like a zip, or is a program that ends with one (self-extracting)."""
    file.seek(0)
    begin = file.read(4)
    return begin.startswith(STARTS) or (begin.startswith(PROGRAMS) and zipfile.is_zipfile(file))


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
    files = [info for info in infos if not info.is_dir()]
    return [Member(archive, info, name) for info, name in zip(files, _names(files), strict=True)]


def _names(infos: Sequence[zipfile.ZipInfo]) -> list[str]:
    """UTF-8 if an entry declares it, by its flag or by a separate field; else the one encoding that fits all others."""
    declared = {row: name for row, info in enumerate(infos) if (name := _declared_name(info)) is not None}
    rest = [row for row in range(len(infos)) if row not in declared]
    guessed = decoded([_bytes(infos[row]) for row in rest], IN_ZIP)
    names = declared | dict(zip(rest, guessed, strict=True))
    return [names[row] for row in range(len(infos))]


def _declared_name(info: zipfile.ZipInfo) -> str | None:
    """Its name, if the entry declares it in Unicode."""
    if info.flag_bits & UTF8:
        return info.filename
    extra, at = info.extra, 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        content, at = extra[at + 4 : at + 4 + length], at + 4 + length
        if kind == UNICODE_PATH and content[:1] == b"\1" and content[1:5] == struct.pack("<L", zlib.crc32(_bytes(info))):
            return content[5:].decode("utf-8", "surrogateescape")
    return None


def _bytes(info: zipfile.ZipInfo) -> bytes:
    """The name as it stands there, which zipfile takes for cp437, where each byte is a letter."""
    return info.orig_filename.partition("\0")[0].encode("cp437")
