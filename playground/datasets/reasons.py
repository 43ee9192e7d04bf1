"""The reasons why files were left out, as sentences: `3 images were left out: each is cut off before its end (the first: owl.jpg).`

A stored reason describes one file (see decoding.py, naming.py, intake.py); here it is adapted to the number of files.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

IMAGES = re.compile(r"cut off|^the (file|image|picture) is damaged|^outside|^without a row|pixels|which is not read$")
ONE = [
    (r"^(the file|the image|the picture) ", "it "),
    (r"^outside", "it lies outside"),
    (r"^without a row", "it has no row"),
    (r"^its row", "it"),
]
SEVERAL = [
    (r"^it is (not an image|no picture)", "none is an image"),
    (r"^it cannot", "none can"),
    (r"^its path", "the path of each"),
    (r"^another file has the same name", "each has the name of another file"),
    (r"^outside", "each lies outside"),
    (r"^without a row", "none has a row"),
    (r"^(it|the file|the image|the picture|its row) ", "each "),
]


def left_out(skipped: Sequence[tuple[str, str]], count: int | None = None) -> list[str]:
    """A sentence for each reason, the most frequent first. skipped: (file, reason), perhaps not all of them; count: their number."""
    first = {reason: file for file, reason in reversed(skipped)}
    found = [_sentence(many, reason, first[reason]) for reason, many in Counter(reason for _, reason in skipped).most_common()]
    return found + ([f"{count:,} files were left out in total."] if count and count > len(skipped) else [])


def counted(many: int, what: str) -> str:
    """1 file was left out, 3 files were left out."""
    return f"{many:,} {what} was left out" if many == 1 else f"{many:,} {what}s were left out"


def _sentence(many: int, reason: str, first: str) -> str:
    what = "row" if reason.startswith("its row") else "image" if IMAGES.search(reason) else "file"
    example = first if many == 1 else f"the first: {first}"
    for pattern, words in ONE if many == 1 else SEVERAL:
        reason, done = re.subn(pattern, words, reason)
        if done:
            break
    return f"{counted(many, what)}: {reason} ({example})."
