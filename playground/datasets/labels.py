"""The source of labels: a table with the images, or their folders.

    found = labeled(names)              # paths of images, as text with `/` between their parts
    found.labels                        # a class for each image; None: no class. Without classes, the set has no labels

It is guessed, described in `notes`, and can be set instead:

auto         the first of these that fits
table        a .csv with two columns, file and label, that names more than two thirds of the images: see tables.py
subfolders   the folders inside the top ones are the classes, and the top ones are only parts of the set: `seg_train/` and `seg_test/`,
             `original/` and `augmented/`. So it is where all top ones have names such as train and test, or where each holds the same two
             folders or more, whatever is small or capital in their names. A top one that itself holds such parts is looked into, and a
             folder of a part that is named like a part, or `images`, and is the only one there, is no class: `seg_pred/seg_pred/1.jpg`
folders      the top folders are the classes
none         there are no labels

A folder around everything does not count. Fewer than a third of the images may lie outside of the classes.
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from playground.datasets.naming import MAX_CLASS, MAX_CLASSES
from playground.datasets.spelling import shortened

Source = Literal["auto", "table", "subfolders", "folders", "none"]
SOURCES: tuple[Source, ...] = get_args(Source)
SPLIT = re.compile(r"(^|[^a-z])(train|training|test|testing|val|valid|validation|dev|eval|evaluation|holdout|pred)([^a-z]|$)")
PLAIN = re.compile(r"images?|imgs?|pictures")  # what the one folder of a part may be called that is no class
LOOSE = 3  # fewer than one image in so many may lie outside of the classes
WITHOUT = "so there are no labels, and no accuracy is shown"
LISTED = 5  # names in a sentence

Path = tuple[str, ...]


@dataclass(frozen=True)
class Labels:
    """labels: of each image, None where it lies in no class; classes: what they are called; notes: how that was found."""

    labels: list[int | None]
    classes: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    by_table: bool = False


def labeled(names: Sequence[str], source: Source = "auto", table: Sequence[str | None] = ()) -> Labels:
    """The classes of images from their paths, or from a table: its label of each image. No classes if there are none."""
    return _by_table(names, source, table) or _by_folders(names, source)


def _by_table(names: Sequence[str], source: Source, table: Sequence[str | None]) -> Labels | None:
    missing = sum(label is None for label in table)
    if source not in ("auto", "table") or not table or (missing * LOOSE >= len(names) and source == "auto"):
        return None
    found = Labels(*_numbered(table), by_table=True)
    return found if 2 <= len(found.classes) <= MAX_CLASSES else None


def _numbered(found: Sequence[str | None]) -> tuple[list[int | None], list[str]]:
    classes = sorted({name for name in found if name is not None})
    number = {name: label for label, name in enumerate(classes)}
    return [None if name is None else number[name] for name in found], shortened(classes, MAX_CLASS)


def _by_folders(names: Sequence[str], source: Source) -> Labels:
    if source == "table":
        return _without(names, f"There is no readable table of labels, {WITHOUT}.")
    if source == "none":
        return Labels([None] * len(names), [], ["It was added without labels, so no accuracy is shown."])
    paths = _unwrapped([tuple(name.replace(os.sep, "/").split("/")) for name in names])
    opened = _opened(paths)
    parts = source == "subfolders" or (source == "auto" and _are_parts(opened))
    found, note = _inside(opened, source == "auto") if parts else (_tops(paths), _beneath(paths))
    outside = [row for row, name in enumerate(found) if name is None]
    classes = sorted({name for name in found if name is not None})
    if len(classes) < 2:
        return _without(names, f"The images are not in two or more class folders, {WITHOUT}.")
    if len(outside) * LOOSE >= len(names) and source == "auto":
        are = "1 image is" if len(outside) == 1 else f"{len(outside):,} images are"
        sentence = f"{are} outside of the class folders (the first: {names[outside[0]]}), {WITHOUT}. Remove them to get labels."
        return _without(names, sentence)
    if len(classes) > MAX_CLASSES:
        many = f"There are {len(classes):,} folders, too many to be classes (at most {MAX_CLASSES:,}), {WITHOUT}."
        return _without(names, many)
    return Labels(*_numbered(found), note)


def _without(names: Sequence[str], note: str) -> Labels:
    return Labels([None] * len(names), [], [note])


def _unwrapped(paths: Sequence[Path], left: int = 0) -> list[Path]:
    """Without folders that contain everything, except for a few images. left: the number of folders that stay around an image."""
    while True:
        tops = Counter(path[0] for path in paths if len(path) > 1 + left)
        if len(tops) != 1 or (len(paths) - tops.total()) * LOOSE >= len(paths):
            return list(paths)
        paths = [path[1:] if len(path) > 1 + left else () for path in paths]


def _tops(paths: Sequence[Path]) -> list[str | None]:
    return [path[0] if len(path) > 1 else None for path in paths]


def _by_top(paths: Sequence[Path]) -> dict[str, dict[int, Path]]:
    """Top folder -> row -> the rest of its path, less the folders around everything in that one."""
    rows: dict[str, list[int]] = defaultdict(list)
    for row, path in enumerate(paths):
        if len(path) > 1:
            rows[path[0]].append(row)
    return {top: dict(zip(some, _bare(top, _unwrapped([paths[row][1:] for row in some], 1)), strict=True)) for top, some in rows.items()}


def _bare(top: str, paths: Sequence[Path]) -> list[Path]:
    """Without the only folder in a top folder, if its name shows that it is not a class."""
    inner = {path[0].casefold() for path in paths if len(path) > 1}
    no_class = len(inner) == 1 and all(name == top.casefold() or _is_part(name) or PLAIN.fullmatch(name) for name in inner)
    return [path[1:] if no_class and len(path) > 1 else path for path in paths]


def _is_part(name: str) -> bool:
    return bool(SPLIT.search(name.casefold()))


def _opened(paths: Sequence[Path]) -> list[Path]:
    """Without top folders that contain only parts of the set with folders inside, which happens for a second copy in its own folder."""
    inner: dict[str, set[bool]] = defaultdict(set)
    for path in paths:
        if len(path) > 1:
            inner[path[0]].add(len(path) > 3 and _is_part(path[1]))
    return [path[1:] if path and inner[path[0]] == {True} else path for path in paths]


def _are_parts(paths: Sequence[Path]) -> bool:
    """Whether the top folders are parts of the set and not classes."""
    tops = _by_top(paths)
    if all(map(_is_part, tops)):
        return True
    held = {frozenset(path[0].casefold() for path in rest.values() if len(path) > 1) for rest in tops.values()}
    same = next(iter(held)) if len(held) == 1 else frozenset()
    return len(tops) > 1 and len(same) > 1 and not all(map(_is_part, same))


def _inside(paths: Sequence[Path], guessed: bool) -> tuple[list[str | None], list[str]]:
    """The folder of each image inside the top ones, and a sentence about it."""
    tops = _by_top(paths)
    within = {row: path for rest in tops.values() for row, path in rest.items()}
    spelled = _spelled(tops)
    found = [spelled.get(path[0], path[0]) if len(path := within.get(row, ())) > 1 else None for row in range(len(paths))]
    classes = sorted({name for name in found if name is not None})
    note = f"{listed(sorted(tops))} were combined as parts of one dataset, and the folders inside them are the classes: {listed(classes)}."
    return found, [note + (f" If {listed(sorted(tops))} are the classes, read it again with labels from folders." if guessed else "")]


def _spelled(tops: dict[str, dict[int, Path]]) -> dict[str, str]:
    """`Cat` and `cat` of two top folders are one class, unless one top folder has both."""
    each = [{path[0] for path in rest.values() if len(path) > 1} for rest in tops.values()]
    if any(len({name.casefold() for name in names}) < len(names) for names in each):
        return {}
    first: dict[str, str] = {}
    for name in (name for names in each for name in sorted(names)):
        first.setdefault(name.casefold(), name)
    return {name: first[name.casefold()] for names in each for name in names}


def _beneath(paths: Sequence[Path]) -> list[str]:
    """A note that there are folders inside the classes, if they contain most images."""
    inner = sorted({path[1] for path in paths if len(path) > 2})
    if sum(len(path) > 2 for path in paths) * 2 <= len(paths) or len(inner) < 2:
        return []
    return [f"The top folders are the classes. If those inside them are ({listed(inner)}), read it again with labels from subfolders."]


def listed(names: Sequence[str]) -> str:
    """The first few names, and the number of others."""
    more = f" and {len(names) - LISTED:,} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more
