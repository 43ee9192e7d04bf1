"""Whether a folder that is used in place has changed since it was read, by the names, sizes and times of its files.

seen = listing(folder)                        # when it is read; stored with the index
change = changed(own, place)                  # later, at most every few seconds; None: all is as it was
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from playground.datasets.naming import Refused, require_welcome

Listing = dict[str, tuple[int, int]]  # path inside the folder -> bytes, time of writing in ns; of every file that would be looked at
FILE = "listing.json"
FRESH, SHARE = (
    2.0,
    20,
)  # a check is valid for FRESH seconds, and for SHARE times its own duration, so that a slow disk is not checked too often
NAMED = 3  # new classes in a sentence


@dataclass(frozen=True)
class Change:
    """The changes of a folder. new: number of new images; folders: new folders among theirs; gone, rewritten: number of deleted and changed
    images of the set; missing: the whole folder does not exist."""

    new: int = 0
    folders: tuple[str, ...] = ()
    gone: int = 0
    rewritten: int = 0
    missing: bool = False

    def describe(self) -> str:
        """12 new (new folders: owl, wren), 1 deleted."""
        if self.missing:
            return "the folder does not exist"
        more = f" and {len(self.folders) - NAMED:,} more" if len(self.folders) > NAMED else ""
        folders = f" (new folders: {', '.join(self.folders[:NAMED])}{more})" if self.folders else ""
        counts = ((self.new, f"new{folders}"), (self.gone, "deleted"), (self.rewritten, "changed"))
        return ", ".join(f"{count:,} {what}" for count, what in counts if count)


def listing(folder: Path) -> Listing:
    """All plain files in a folder, without hidden ones and links."""
    found: Listing = {}
    waiting = [""]
    while waiting:
        inside = waiting.pop()
        try:
            entries = list(os.scandir(folder / inside))
        except OSError:
            continue
        for entry in entries:
            path = os.path.join(inside, entry.name)
            try:
                require_welcome(entry.name)
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(path)
                elif entry.is_file(follow_symlinks=False):
                    state = entry.stat(follow_symlinks=False)
                    found[path] = (state.st_size, state.st_mtime_ns)
            except (Refused, OSError):
                continue
    return found


def digest(seen: Listing) -> str:
    """The same for the same files."""
    rows = (f"{path}\0{size}\0{written}\n" for path, (size, written) in sorted(seen.items()))
    return hashlib.sha256("".join(rows).encode(errors="surrogateescape")).hexdigest()[:16]


def mark(*values: object) -> str:
    """A short identifier of a state: equal if all values are equal."""
    return hashlib.sha256(repr(values).encode(errors="surrogatepass")).hexdigest()[:8]


def date(seconds: float) -> str:
    """2026-11-28 14:31, in local time."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def save(seen: Listing, place: Path) -> None:
    """Stores it with the index of the set."""
    (place / FILE).write_text(json.dumps(seen), "utf-8")


def changed(folder: str, files: Sequence[str], seen: str, place: Path) -> Change | None:
    """The changes of `folder` since it was read. files: of the set; seen: the digest then; place: the folder of its listing."""
    now = time.monotonic()
    until, change = _LOOKS.get((folder, seen), (0.0, None))
    if now > until:
        change = _compared(Path(folder), files, seen, place)
        took = time.monotonic() - now
        _LOOKS[folder, seen] = (now + took + max(FRESH, SHARE * took), change)
    return change


_LOOKS: dict[tuple[str, str], tuple[float, Change | None]] = {}  # (folder, digest) -> when a check expires, and its result


def forget() -> None:
    """The next check is a new one."""
    _LOOKS.clear()


def _compared(folder: Path, files: Sequence[str], seen: str, place: Path) -> Change | None:
    if not folder.is_dir():
        return Change(missing=True)
    now = listing(folder)
    if digest(now) == seen:
        return None
    before, ours = _kept(place), frozenset(files)
    new = [path for path, state in now.items() if before.get(path) != state and path not in ours and _is_picture(folder / path)]
    known = {os.path.dirname(path) for path in ours}
    folders = sorted({os.path.dirname(path) for path in new} - known)
    gone = sum(path not in now for path in ours)
    rewritten = sum(path in now and path in before and now[path] != before[path] for path in ours)
    return Change(len(new), tuple(folders), gone, rewritten) if new or gone or rewritten else None


def _kept(place: Path) -> Listing:
    try:
        return {path: (size, written) for path, (size, written) in json.loads((place / FILE).read_text("utf-8")).items()}
    except (OSError, ValueError, AttributeError):
        return {}


def _is_picture(path: Path) -> bool:
    from playground.datasets.decoding import suffix  # Pillow, which drawn images need not

    try:
        with path.open("rb") as file:
            return bool(suffix(file.read(16)))
    except OSError:
        return False
