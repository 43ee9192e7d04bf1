"""Fetching one file: in pieces, so that progress can be shown; checked, so that half a file is never taken for a whole one."""

from __future__ import annotations

import hashlib
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from playground.datasets.base import DataError, Progress

PIECE = 1 << 18  # bytes
TIMEOUT = 20  # seconds without an answer


def fetch(urls: list[str], file: Path, md5: str) -> Iterator[Progress]:
    """Brings `file`, from the first of `urls` that gives it with this md5; nothing to do if it is there and whole. Raises DataError."""
    if file.is_file() and checksum(file) == md5:
        return
    faults = []
    for url in urls:
        try:
            yield from _fetch(url, file, md5)
            return
        except (OSError, ValueError) as error:
            faults.append(f"{url} ({error})")
    raise DataError(f"{file.name} must be in {file.parent} or be downloaded, got no whole copy from {'; '.join(faults)}")


def checksum(file: Path) -> str:
    """The md5 of a file, in hexadecimal."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "md5").hexdigest()


def _fetch(url: str, file: Path, md5: str) -> Iterator[Progress]:
    """To a name of its own first: two runs may fetch the same file at once."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    digest, done = hashlib.md5(), 0
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer, part.open("wb") as content:
            total = int(answer.headers.get("Content-Length") or 0)
            yield Progress(file.name, 0, total)
            while piece := answer.read(PIECE):
                content.write(piece)
                digest.update(piece)
                done += len(piece)
                yield Progress(file.name, done, total)
        if digest.hexdigest() != md5:
            raise ValueError(f"its md5 is {digest.hexdigest()}, not {md5}")
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
