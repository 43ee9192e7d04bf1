"""Downloading one file: in pieces, with progress; continued after an interruption; and verified."""

from __future__ import annotations

import errno
import functools
import hashlib
import shutil
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import cast

from playground.datasets.base import DataError, Progress
from playground.datasets.turns import alone
from playground.safe_files import put_in_place

PIECE = 1 << 18  # bytes
TIMEOUT = 20  # seconds without an answer
SPARE = 64 << 20  # bytes of the disk that are left free
UNREACHABLE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN)


def fetch(urls: list[str], file: Path, digest: str = "") -> Iterator[Progress]:
    """Downloads `file` from the first of `urls` that gives a complete copy, unless it is complete already. Raises DataError.

    digest: its md5 or sha256 in hexadecimal; without one only the length given by the server is checked. An incomplete download is kept
    and continued the next time. If another process downloads the same file, this one waits for it.
    """
    if not whole(file, digest):
        yield from alone(file, file.name, lambda: _fetch(urls, file, digest))


def whole(file: Path, digest: str = "") -> bool:
    """Whether the file exists, with this md5 or sha256 if one is given. It is read only once, unless it changes."""
    try:
        state = file.stat()
    except OSError:
        return False
    return not digest or _remembered(file, state.st_size, state.st_mtime_ns, _kind(digest)) == digest


def checksum(file: Path, kind: str = "md5") -> str:
    """The md5 or sha256 of a file, in hexadecimal."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, kind).hexdigest()


class _Broken(Exception):  # noqa: N818
    """An error of the network, in a few words. OSErrors are errors of the disk."""


def _fetch(urls: list[str], file: Path, digest: str) -> Iterator[Progress]:
    if whole(file, digest):
        return  # another process fetched it while we waited
    part, faults = file.with_name(f"{file.name}.part"), []
    for url in urls:
        try:
            yield from _copy(url, part, digest)
        except _Broken as fault:
            faults.append(f"{url} ({fault})")
        else:
            put_in_place(part, file)
            return
    raise DataError(f"{file.name} must be in {file.parent} or be downloaded, got no complete copy from {'; '.join(faults)}")


def _copy(url: str, part: Path, digest: str) -> Iterator[Progress]:
    """Continues as long as each connection adds something. A complete but wrong copy is deleted, and, if its start is old, tried once
    more."""
    begun_earlier = bool(_length(part))
    while True:
        before = _length(part)
        try:
            yield from _pieces(url, part)
        except _Broken:
            if _length(part) > before:
                continue
            if not before:
                part.unlink(missing_ok=True)
            raise
        if whole(part, digest):
            return
        found = checksum(part, _kind(digest))
        part.unlink()
        if not begun_earlier:
            raise _Broken(f"its {_kind(digest)} is {found}, not {digest}")
        begun_earlier = False


def _pieces(url: str, part: Path) -> Iterator[Progress]:
    """One connection: continues `part` if the server supports it, else starts again."""
    done, name = _length(part), part.stem
    with _answer(url, done) as answer:
        if answer.status != HTTPStatus.PARTIAL_CONTENT:
            done = 0
        elif not answer.headers.get("Content-Range", "").startswith(f"bytes {done}-"):
            raise _Broken("the server sent another part than requested")
        length = answer.headers.get("Content-Length", "")
        total = done + int(length) if length.isdecimal() else 0
        _require_room(part, total - done)
        with part.open("ab" if done else "wb") as content:
            yield Progress(name, done, total)
            while piece := _read(answer):
                content.write(piece)
                done += len(piece)
                yield Progress(name, done, total)
    if done < total:
        raise _Broken(f"the connection ended after {done:,} of {total:,} bytes")


def _answer(url: str, begun: int) -> HTTPResponse:
    """The file from byte `begun` on, or all of it if the server does not support that."""
    headers = {"User-Agent": "ssl-playground"} | ({"Range": f"bytes={begun}-"} if begun else {})
    try:
        return cast(HTTPResponse, urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT))
    except urllib.error.HTTPError as error:
        error.close()
        if begun and error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return _answer(url, 0)
        raise _Broken(f"{error.code} {error.reason}") from None
    except (OSError, HTTPException, ValueError) as error:
        raise _Broken(_reason(error)) from None


def _read(answer: HTTPResponse) -> bytes:
    try:
        return answer.read(PIECE)
    except (OSError, HTTPException) as error:
        raise _Broken(_reason(error)) from None


def _reason(error: Exception) -> str:
    """The reason why there was no answer, in words."""
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError):
        return f"no answer within {TIMEOUT} seconds"
    if isinstance(reason, socket.gaierror) or getattr(reason, "errno", None) in UNREACHABLE:
        return f"no network: {getattr(reason, 'strerror', reason)}"
    return str(getattr(reason, "strerror", None) or reason or type(error).__name__)


def _require_room(part: Path, needed: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if needed and free < needed + SPARE:
        room = f"{needed / 1e6:,.0f} MB of disk space in {part.parent}, and {SPARE / 1e6:.0f} MB more"
        raise DataError(f"{part.stem} needs {room}, got {free / 1e6:,.0f} MB free")


def _length(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _kind(digest: str) -> str:
    return "sha256" if len(digest) == 64 else "md5"


@functools.lru_cache(maxsize=256)
def _remembered(file: Path, size: int, changed: int, kind: str) -> str:
    return checksum(file, kind)
