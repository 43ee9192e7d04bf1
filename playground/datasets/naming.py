"""Names from anybody, made into text that can be shown and into labels; none of them ever becomes a path."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Sequence

from playground.datasets.spelling import clean, shortened

MAX_CLASSES = 1000
MAX_NAME, MAX_CLASS = 200, 60  # characters
SPLITS = {"train", "training", "test", "testing", "val", "valid", "validation"}
SYSTEM = {"__macosx", "thumbs.db", "desktop.ini", "$recycle.bin"}


class Refused(ValueError):  # noqa: N818
    """One file that is left out; the text is the reason, without its name."""


def inside(name: str) -> str:
    """A path from anybody -> the same with `/` between its parts. Raises Refused where it would lead elsewhere."""
    text = name.replace("\\", "/")
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if text.startswith("/") or re.match(r"[A-Za-z]:", text) or ".." in parts or not parts:
        raise Refused("its path leads out of the set")
    for part in parts:
        require_welcome(clean(part))
    return "/".join(parts)


def require_welcome(name: str) -> None:
    """Raises Refused for the name of a file or folder that no person put there."""
    if name.startswith(".") or name.lower() in SYSTEM:
        raise Refused("it is a hidden file or one of the system")


def slug(title: str) -> str:
    """A title -> the short name it has in links: small letters of ASCII, digits and hyphens."""
    ascii = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    short = re.sub(r"[^a-z0-9]+", "-", ascii).strip("-")[:40].strip("-")
    return short or f"set-{hashlib.sha256(title.encode()).hexdigest()[:6]}"


def labeled(names: Sequence[str]) -> tuple[list[int], list[str], str]:
    """Paths of pictures -> label of each, what the labels are called, and a sentence where there are none.

    A folder around everything does not count. Where all pictures lie in folders, those are the classes; train/ and test/ around
    class folders are put together.
    """
    paths = _unwrapped([name.replace(os.sep, "/").split("/") for name in names])
    if all(len(path) > 1 and path[0].lower() in SPLITS for path in paths):
        paths = _unwrapped([path[1:] for path in paths])
    outside = sum(len(path) < 2 for path in paths)
    classes = sorted({path[0] for path in paths if len(path) > 1})
    without = "so there are no labels and no accuracy is shown"
    if not classes:
        return [], [], f"The pictures do not lie in two or more class folders, {without}."
    if outside:
        first = next(name for name, path in zip(names, paths, strict=True) if len(path) < 2)
        lie = "1 picture lies" if outside == 1 else f"{outside:,} pictures lie"
        return [], [], f"{lie} outside of the class folders (the first: {first}), {without}. Leave them out to have labels."
    if len(classes) > MAX_CLASSES:
        return [], [], f"There are {len(classes):,} folders, too many to be classes (at most {MAX_CLASSES:,}), {without}."
    number = {name: label for label, name in enumerate(classes)}
    return [number[path[0]] for path in paths], shortened(classes, MAX_CLASS), ""


def _unwrapped(paths: list[list[str]]) -> list[list[str]]:
    while all(len(path) > 1 for path in paths) and len({path[0] for path in paths}) == 1:
        paths = [path[1:] for path in paths]
    return paths
