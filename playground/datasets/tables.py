"""A table of labels beside pictures: a .csv or .tsv with two columns, the file of a picture and its label.

The file is a path, a name, or a name without its ending. Whether the first line is a header does not matter: it names no picture.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from playground.datasets.spelling import clean, told_apart

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
    labels = told_apart([label.strip(" \t") for _, label in lines])  # spaces around it are of the table; all else tells classes apart
    return [(clean(file).replace("\\", "/"), label) for (file, _), label in zip(lines, labels, strict=True)]


def matched(table: Sequence[tuple[str, str]], names: Sequence[str]) -> list[str | None]:
    """The label of each picture; None where no line names it, or where a line may mean another one too."""
    known: dict[str, int | None] = {}
    for row, name in enumerate(names):
        path = PurePosixPath(name)
        ways = {"/".join(path.parts[at:]) for at in range(len(path.parts))}
        for way in ways | {str(PurePosixPath(each).with_suffix("")) for each in ways}:
            known[way] = None if way in known else row
    labels: list[str | None] = [None] * len(names)
    for file, label in table:
        if (found := known.get(str(PurePosixPath(file)))) is not None and label:
            labels[found] = label
    return labels
