"""What is stored of a set of one's own images: its index, a file of JSON in its folder."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

from playground.datasets.duplicates import Duplicates
from playground.datasets.labels import Source
from playground.datasets.ranges import Measured

PREFIX = "own-"  # of the names under which they are datasets
INDEX = "index.json"


@dataclass(frozen=True)
class OwnSet:
    """One set, as in its index. files, originals and labels have one entry per image; labels is empty if there are none."""

    slug: str
    title: str
    folder: str  # where its files lie; "" inside the set itself
    files: list[str]  # relative to that
    originals: list[str]  # what they were called where they came from: text, never a path to open
    labels: list[int]
    classes: list[str]
    skipped: list[tuple[str, str]]  # (name, reason), the first of them
    skipped_count: int
    sides: tuple[int, int, int]  # of the shorter sides in pixels: the smallest, the middle one, the largest
    size: int  # the side that suits them
    gray: bool
    notes: list[str] = field(default_factory=list)
    numbers: Measured | None = None  # of images with more than 8 bits; None where there are none
    duplicates: Duplicates = field(default_factory=Duplicates)
    parts: int = 2  # into how many it is split; sets of earlier versions have no test part

    source: Source = "auto"  # of its labels
    outside: list[tuple[str, str]] = field(default_factory=list)  # (file, original) of copied images that are in no class
    tables: list[tuple[str, str]] = field(default_factory=list)  # (file, original) of copied tables of labels
    seen: str = ""  # how a folder used in place was when it was read; "" for others, and for those that an earlier version added
    state: str = ""  # names that, and what was made of it
    read: float = 0.0  # when; seconds since 1970

    @classmethod
    def load(cls, place: Path) -> OwnSet:
        """From the index in a set's folder. Raises OSError, ValueError or TypeError where there is none, or one of a later version."""
        values = json.loads((place / INDEX).read_text("utf-8"))
        if not isinstance(values, dict):
            raise ValueError("an index must be an object")
        numbers = values.pop("numbers", None)
        twice = Duplicates(**values.pop("duplicates", {}))
        return cls(**values, numbers=Measured(**numbers) if numbers else None, duplicates=twice)

    def save(self, place: Path) -> None:
        """Writes the index into the set's folder."""
        (place / INDEX).write_text(json.dumps(asdict(self)), "utf-8")

    @property
    def name(self) -> str:
        """Its name as a dataset."""
        return PREFIX + self.slug

    def counts(self) -> dict[str, int]:
        """How many images each class has."""
        each = Counter(self.labels)
        return {name: each[label] for label, name in enumerate(self.classes)}

    def paths(self, place: Path) -> list[Path]:
        """The paths of the images; `place` is the folder of the set."""
        root = Path(self.folder) if self.folder else place / "files"
        return [root / file for file in self.files]
