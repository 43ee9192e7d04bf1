"""The members of a tar of any origin, compressed or not, read one after the other; their names, sizes and kinds are not trusted.

Headers are read here, because tarfile would read content of any claimed length into memory; it is used only to parse them.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

from playground.datasets.base import DataError
from playground.datasets.naming import Refused
from playground.datasets.zips import MAX_ENTRIES, PIECE

BLOCK = 512  # bytes of a header; content is filled up to a multiple of it
MAX_NOTE = 1 << 20  # bytes of a header with more information about the next file, such as its long name
XZ_MEMORY = 128 << 20  # bytes that unpacking one may take; its highest level needs 65 MB
HOLES, MORE_HOLES = 482, 504  # bytes of a block that say whether one with holes follows
EMPTY = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE)
FILES = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
NOTES = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
REFUSED = {tarfile.SYMTYPE: "it is a link", tarfile.LNKTYPE: "it is a link", tarfile.GNUTYPE_SPARSE: "it is stored with holes in it"}


@dataclass
class Entry:
    """One file of a tar; its content can be read until the next one is requested."""

    name: str
    kind: bytes
    stream: _Stream

    def pieces(self) -> Iterator[bytes]:
        """Its content. Raises Refused, DataError."""
        if self.kind not in FILES:
            raise Refused(REFUSED.get(self.kind, "it is a special file"))
        while piece := self.stream.content(PIECE):
            yield piece


def is_tar(file: BinaryIO) -> bool:
    """Whether its first header is that of a tar, unpacked or as gzip, bzip2 or xz."""
    try:
        tarfile.TarInfo.frombuf(_unpacked(file).read(BLOCK), "utf-8", "surrogateescape")
    except Exception:  # whatever is no archive leads its reader anywhere
        return False
    return True


def entries(file: BinaryIO, what: str, most: int) -> Iterator[Entry]:
    """The files in a tar, without folders. most: limit of its unpacked bytes, including skipped files. Raises DataError."""
    stream, note, seen = _Stream(_unpacked(file), what, most), _Note(), 0
    while (block := stream.header()).strip(b"\0"):
        seen += 1
        if seen > MAX_ENTRIES:
            raise DataError(f"{what} must hold at most {MAX_ENTRIES:,} entries, got more")
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
            if info.type in NOTES:
                note.take(info.type, stream.note(info.size))
                continue
        except (tarfile.HeaderError, ValueError):
            raise stream.broken() from None
        if info.type == tarfile.GNUTYPE_SPARSE and block[HOLES]:
            stream.skip_holes()
        stream.begin(0 if info.type in EMPTY else info.size if note.size is None else note.size)
        if info.type != tarfile.DIRTYPE:
            yield Entry(info.name if note.name is None else note.name, info.type, stream)
        note = _Note()


@dataclass
class _Note:
    """Information about a file from headers before its own."""

    name: str | None = None
    size: int | None = None

    def take(self, kind: bytes, text: bytes) -> None:
        """A long name of GNU's tar, or records `27 path=some/name` of a later standard. Raises ValueError."""
        if kind == tarfile.GNUTYPE_LONGNAME:
            self.name = text.partition(b"\0")[0].decode("utf-8", "surrogateescape")
        if kind not in (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE):
            return
        while text:
            digits, _, _ = text.partition(b" ")
            length = int(digits)
            if length <= len(digits):
                raise ValueError("a record must be longer than its length")
            key, _, value = text[len(digits) + 1 : length - 1].partition(b"=")
            text = text[length:]
            if key == b"path":
                self.name = value.decode("utf-8", "surrogateescape")
            if key == b"size" and value.isdigit():
                self.size = int(value)


class _Stream:
    """The bytes of a tar, from the first to the last."""

    def __init__(self, file: BinaryIO, what: str, most: int) -> None:
        self.file, self.what, self.most, self.read = file, what, most, 0
        self.left = self.filler = 0  # of the file that is being read

    def header(self) -> bytes:
        """The next header, from any position; empty at the end."""
        while self.content(PIECE):
            pass
        self._read(self.filler)
        return self._read(BLOCK, may_end=True)

    def begin(self, size: int) -> None:
        """Content of `size` bytes follows."""
        if size < 0:
            raise self.broken()
        self.left, self.filler = size, -size % BLOCK

    def content(self, most: int) -> bytes:
        """The next piece of the current file; empty at its end."""
        found = self._read(min(most, self.left))
        self.left -= len(found)
        return found

    def note(self, size: int) -> bytes:
        """The complete content of a header about the next file."""
        self.begin(size)
        if size > MAX_NOTE:
            raise self.broken()
        return self.content(size)

    def skip_holes(self) -> None:
        """Skips the blocks that describe holes in a file; each tells whether another one follows."""
        while self._read(BLOCK)[MORE_HOLES]:
            pass

    def broken(self) -> DataError:
        return DataError(f"{self.what} must be a whole tar archive, got one that is damaged or cut off")

    def _read(self, count: int, may_end: bool = False) -> bytes:
        self.read += count
        if self.read > self.most:
            raise DataError(f"{self.what} must unpack to at most {self.most / 1e9:.0f} GB, got more")
        try:
            found = self.file.read(count)
        except (OSError, EOFError, zlib.error, lzma.LZMAError):
            raise self.broken() from None
        if len(found) < count and not (may_end and not found):
            raise self.broken()
        return found


class _Xz(io.RawIOBase):
    """An xz decompressed within a memory limit, which Python's own reader does not support."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.unpack = file, lzma.LZMADecompressor(memlimit=XZ_MEMORY)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while not self.unpack.eof:
            packed = self.file.read(PIECE) if self.unpack.needs_input else b""
            if not packed and self.unpack.needs_input:
                raise EOFError
            if found := self.unpack.decompress(packed, len(buffer)):
                buffer[: len(found)] = found
                return len(found)
        return 0


def _unpacked(file: BinaryIO) -> BinaryIO:
    file.seek(0)
    begin = file.read(6)
    file.seek(0)
    if begin.startswith(b"\x1f\x8b"):
        return cast(BinaryIO, gzip.GzipFile(fileobj=file))
    if begin.startswith(b"BZh"):
        return cast(BinaryIO, bz2.BZ2File(file))
    return cast(BinaryIO, io.BufferedReader(_Xz(file))) if begin == b"\xfd7zXZ\0" else file
