"""A table of labels for images: a .csv or .tsv with two columns, the file of an image and its label.

The file is a path, a name, or a name without its ending. Whether the first line is a header does not matter: it names no image.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import cast

from playground.datasets.decoding import ENDINGS as PICTURES
from playground.datasets.labels import listed
from playground.datasets.naming import MAX_NAME
from playground.datasets.spelling import clean, distinguishable

ENDINGS = (".csv", ".tsv")
MAX_BYTES = 32 << 20
SEPARATORS = ",;\t"


class NoTable(ValueError):  # noqa: N818
    """A table that is not read; the text is the reason."""


def rows(path: Path) -> list[tuple[str, str]]:
    """File and label of each line. Raises NoTable."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise NoTable(f"it must have at most {MAX_BYTES:,} bytes, got {path.stat().st_size:,}")
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise NoTable(f"it cannot be opened: {error.strerror}") from None
    except UnicodeDecodeError:
        raise NoTable("it must be text in UTF-8, got other bytes") from None
    head = text.partition("\n")[0]
    try:
        lines = [line for line in csv.reader(io.StringIO(text, newline=""), delimiter=max(SEPARATORS, key=head.count)) if line]
    except csv.Error as error:
        raise NoTable(f"it must be a table of commas, semicolons or tabs, got one with an error: {error}") from None
    if wrong := {len(line) for line in lines} - {2}:
        raise NoTable(f"it must have two columns, file and label, got {max(wrong)}")
    labels = distinguishable(
        [label.strip(" \t") for _, label in lines]
    )  # spaces around labels belong to the table; all other characters distinguish classes
    return [(clean(file).replace("\\", "/"), label) for (file, _), label in zip(lines, labels, strict=True)]


def matched(table: Sequence[tuple[str, str]], names: Sequence[str]) -> tuple[list[str | None], list[str]]:
    """The label of each image, None where no line names it alone; and what lines name that is none of the images.

    The first line is a header where it names none, unless what it names ends like an image.
    """
    known, labels = _known(names), cast("list[str | None]", [None] * len(names))
    for file, label in table:
        if (found := known.get(str(PurePosixPath(file)))) is not None and label:
            labels[found] = label
    lost = [file for file, _ in table if file and str(PurePosixPath(file)) not in known]
    header = bool(lost) and lost[0] == table[0][0] and PurePosixPath(lost[0]).suffix.lower() not in PICTURES
    return labels, lost[header:]


def nowhere(lost: Sequence[str], others: Sequence[str], called: str) -> list[str]:
    """A sentence about lines of a table that name missing images. lost: the names in these lines; others: files that were left out."""
    known = _known(others) if lost else {}
    lost = [file for file in lost if str(PurePosixPath(file)) not in known]
    if not lost:
        return []
    rows, are = ("row", "names an image that is") if len(lost) == 1 else ("rows", "name images that are")
    return [f"{len(lost):,} {rows} of {called} {are} missing: {listed([file[-MAX_NAME:] for file in dict.fromkeys(lost)])}."]


def _known(names: Sequence[str]) -> dict[str, int | None]:
    """Every possible name of one of the files -> its row; None if it is ambiguous."""
    known: dict[str, int | None] = {}
    for row, name in enumerate(names):
        path = PurePosixPath(name)
        ways = {"/".join(path.parts[at:]) for at in range(len(path.parts))}
        for way in ways | {str(PurePosixPath(each).with_suffix("")) for each in ways}:
            known[way] = None if way in known else row
    return known
