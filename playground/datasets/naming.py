"""Names of any origin, converted to text that can be shown; none of them becomes a path."""

from __future__ import annotations

import hashlib
import re
import unicodedata

from playground.datasets.spelling import clean

MAX_CLASSES = 1000
MAX_NAME, MAX_CLASS = 200, 60  # characters
SYSTEM = {"__macosx", "thumbs.db", "desktop.ini", "$recycle.bin"}


class Refused(ValueError):  # noqa: N818
    """One file that is left out; the text is the reason, without its name."""


def inside(name: str) -> str:
    """A path of any origin -> the same with `/` between its parts. Raises Refused if it would lead elsewhere."""
    text = name.replace("\\", "/")
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if text.startswith("/") or re.match(r"[A-Za-z]:", text) or ".." in parts or not parts:
        raise Refused("its path leads out of the set")
    for part in parts:
        require_welcome(clean(part))
    return "/".join(parts)


def require_welcome(name: str) -> None:
    """Raises Refused for hidden files and files of the system."""
    if name.startswith(".") or name.lower() in SYSTEM:
        raise Refused("it is a hidden file or a system file")


def slug(title: str) -> str:
    """A title -> the short name it has in links: small letters of ASCII, digits and hyphens."""
    ascii = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    short = re.sub(r"[^a-z0-9]+", "-", ascii).strip("-")[:40].strip("-")
    return short or f"set-{hashlib.sha256(title.encode()).hexdigest()[:6]}"
