"""Three disjoint parts of a user's own images: training, probe and test images.

An image's part follows from its name, its class and a seed alone: the same images fall into the same parts again, in whatever order
they come, and most of them also where some have come or gone. From every class comes its share; a class of one image is only trained
on, and one of two is not tested on, as long as larger ones have enough for the other parts. Rows that show the same image are in one
part, and rather trained on than watched or tested on. Sets that an earlier version added have no test part, and keep the other two as
they were.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from playground.datasets.duplicates import units

SHARE = 5  # one image in five is watched, and one in five is kept for the test, within these limits
LEAST, WATCHED_MOST, TEST_MOST = 8, 1024, 4096
EVALUABLE = 20  # images for an accuracy: with fewer, one image counts more than 5%, and the 95% interval is wider than 40%
SMALLEST = 2 * LEAST  # images in a set: half of them for training


@dataclass(frozen=True)
class Parts:
    """How many images are in each part."""

    training: int
    watched: int
    test: int


def sizes(count: int, parts: int = 3) -> Parts:
    """Of `count` images, in three parts, or in the two of an earlier version. At least half are trained on, so few have no test."""
    watched = min(WATCHED_MOST, max(LEAST, count // SHARE))
    test = min(TEST_MOST, max(LEAST, count // SHARE)) if parts == 3 else 0
    if count - watched - test < count / 2:
        test = 0
    return Parts(count - watched - test, watched, test)


def split(labels: Sequence[int], seed: int, names: Sequence[str] | None = None, same: Sequence[Sequence[int]] = ()) -> list[int]:
    """Rows in the order in which they are kept: those to train on, those that are watched, those of the test; of each class its share.

    labels: of each row, all 0 where there are none. names: of each row; None for a set in two parts, by row numbers.
    same: groups of rows that show the same image. Only where too few others are left does a part get some of a group.
    """
    shuffled, counted, seen = _shuffled(len(labels), seed, names), Counter(labels), Counter[int]()
    unit = units(len(labels), same)
    crowd = Counter(unit)
    shuffled.sort(key=lambda row: crowd[unit[row]] > 1)
    places = {}
    for row in shuffled:
        seen[labels[row]] += 1
        places[row] = (seen[labels[row]] - 0.5) / counted[labels[row]]  # in its class, between 0 and 1
    ranked, parts = sorted(shuffled, key=places.__getitem__), sizes(len(labels), 2 if names is None else 3)
    test = _taken(ranked, parts.test, unit)
    watched = _taken(rest := _without(ranked, test), parts.watched, unit)
    return _without(rest, watched) + watched + test


def _taken(ranked: Sequence[int], count: int, unit: Sequence[int]) -> list[int]:
    """The first `count` rows, all of a unit or none: one that is too large for what is left is passed over, if that can be."""
    members, taken = defaultdict[int, list[int]](list), dict[int, None]()
    for row in ranked:
        members[unit[row]].append(row)
    for rows in members.values():
        if len(taken) + len(rows) <= count:
            taken |= dict.fromkeys(rows)
    for row in ranked:
        if len(taken) == count:
            break
        taken[row] = None
    return list(taken)


def _without(rows: Sequence[int], taken: Sequence[int]) -> list[int]:
    gone = set(taken)
    return [row for row in rows if row not in gone]


def _shuffled(count: int, seed: int, names: Sequence[str] | None) -> list[int]:
    """All rows at random: by a hash of seed and name, where names are known; the second of two equal names counts as another."""
    if names is None:
        found: list[int] = torch.randperm(count, generator=torch.Generator().manual_seed(seed)).tolist()
        return found
    seen, keys = Counter[str](), []
    for name in names:
        seen[name] += 1
        keys.append(hashlib.blake2b(f"{seed}\0{seen[name]}\0{name}".encode(errors="surrogatepass"), digest_size=8).digest())
    return sorted(range(count), key=keys.__getitem__)
