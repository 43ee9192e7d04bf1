"""Folders: `home()` holds all recorded data, `site()` the app's own pages and assets. Disk errors become sentences with advice."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ALTERNATIVE = "or set SSL_PLAYGROUND_HOME to a folder on another disk"
FULL = ("there is no space left", f"free some space there, {ALTERNATIVE}")
READ_ONLY = ("it is read-only", f"make it writable, {ALTERNATIVE}")
REASONS = {
    errno.ENOSPC: FULL,
    errno.EROFS: READ_ONLY,
    errno.EACCES: ("this user has no permission to write there", f"give this user the permission, {ALTERNATIVE}"),
    errno.EIO: ("the disk reports an error", f"check the disk, {ALTERNATIVE}"),
    errno.EFBIG: ("files of this size are not allowed here", f"raise the limit (ulimit -f), {ALTERNATIVE}"),
}
REASONS |= {errno.EPERM: REASONS[errno.EACCES]}
REASONS |= {getattr(errno, "EDQUOT", errno.ENOSPC): FULL}  # Windows has no quota of this name
DAMAGED = ("it is damaged", "restart the server: it renames the file and rebuilds its content from the folders of the runs")
OF_SQLITE = {sqlite3.SQLITE_FULL: FULL, sqlite3.SQLITE_CORRUPT: DAMAGED, sqlite3.SQLITE_NOTADB: DAMAGED}
UNCLEAR = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)  # SQLite gives no reason, so writing is tested
TRIED = 64 << 10  # bytes written as a test


class HomeError(RuntimeError):
    """A file of the home folder cannot be written: one sentence with the file, the reason, the disk and its free space, and the advice."""

    def __init__(self, file: Path, reason: str, advice: str) -> None:
        verb = "used" if (reason, advice) == DAMAGED else "written"
        super().__init__(f"{file} cannot be {verb} because {reason} ({_disk(file)}): {advice}")


def home() -> Path:
    """The one folder for all data: SSL_PLAYGROUND_HOME, or the user's data folder. It is created if it does not exist.

    It holds `playground.db`, `runs/<id>/`, `data/` (downloaded datasets) and `logs/`. Raises HomeError, ValueError.
    """
    chosen = os.environ.get("SSL_PLAYGROUND_HOME", "").strip()
    folder = Path(chosen).expanduser() if chosen else _usual()
    try:
        with keeping(folder):
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"SSL_PLAYGROUND_HOME must be a writable folder, got {folder}: {error.strerror}") from None
    return folder.resolve()


@contextmanager
def fresh_home() -> Iterator[Path]:
    """An empty home folder for the code inside and the processes that it starts; it is deleted afterwards."""
    before = os.environ.get("SSL_PLAYGROUND_HOME")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.environ["SSL_PLAYGROUND_HOME"] = folder
        try:
            yield Path(folder)
        finally:
            if before is None:
                del os.environ["SSL_PLAYGROUND_HOME"]
            else:
                os.environ["SSL_PLAYGROUND_HOME"] = before


def _usual() -> Path:
    import platformdirs

    return platformdirs.user_data_path("ssl-playground", appauthor=False)


def site() -> Path:
    """The folder with app.py, pages/ and assets/: inside an installed package, or the root of a checkout."""
    packed = HERE / "_site"
    return packed if packed.is_dir() else HERE.parent


@contextmanager
def keeping(file: Path) -> Iterator[None]:
    """For code that writes a file or folder of the home: errors of the disk are raised as HomeError."""
    try:
        yield
    except (HomeError, LookupError):  # has its sentence already; or is not about the disk
        raise
    except Exception as error:
        if (found := _refused(error, file)) is not None:
            raise found from error
        raise


def unwritable(folder: Path) -> HomeError | None:
    """Why a folder cannot be written now, tested by writing to it; None if it can."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(TRIED))
            file.flush()
    except OSError as error:
        return _refused(error, folder)
    return None


def _refused(error: BaseException, file: Path) -> HomeError | None:
    """The disk error behind an exception, if there is one: libraries raise their own errors, caused by that of the disk."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, sqlite3.Error) and (code := getattr(seen, "sqlite_errorcode", 0) & 0xFF):
            if code in UNCLEAR:
                return unwritable(file.parent) or (None if code != sqlite3.SQLITE_IOERR else HomeError(file, *REASONS[errno.EIO]))
            return HomeError(file, *OF_SQLITE[code]) if code in OF_SQLITE else None
        if isinstance(seen, OSError) and seen.errno in REASONS and _is_there(seen.filename, file):
            return HomeError(file, *REASONS[seen.errno])
        seen = seen.__cause__ or seen.__context__
    return None


def _is_there(name: Any, file: Path) -> bool:
    """Whether an error is about a file of the home folder, not about a user's images elsewhere."""
    return not isinstance(name, str) or Path(name).absolute().is_relative_to(file.absolute().parent)


def _disk(file: Path) -> str:
    """`/mnt/data, 0 bytes of 1.0 MB free`."""
    place = file.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    usage, mount = shutil.disk_usage(place), place
    while not os.path.ismount(mount) and mount != mount.parent:
        mount = mount.parent
    return f"disk {mount}, {_amount(usage.free)} of {_amount(usage.total)} free"


def _amount(size: float) -> str:
    units = ["bytes", "kB", "MB", "GB", "TB"]
    while size >= 1000 and len(units) > 1:
        size, units = size / 1000, units[1:]
    return f"{size:.0f} {units[0]}" if units[0] == "bytes" else f"{size:.1f} {units[0]}"
