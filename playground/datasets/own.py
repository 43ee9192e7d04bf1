"""A user's own images: each added set (see intake.py) is a dataset with a name such as `own-birds`.

data/own/birds/     one folder a set, inside the home
  index.json        its names and labels, and left-out files with the reasons
  files/            the images under new names; missing for a folder that is used in place
  prepared/         decoded images, one file for each size, fit and split; created again if missing
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch

from playground.datasets import states
from playground.datasets.base import DataError, Dataset, Images, Progress
from playground.datasets.labels import listed
from playground.datasets.own_set import INDEX, OwnSet
from playground.datasets.parts import EVALUABLE, LEAST, SHARE, sizes, split
from playground.datasets.prepared import opened, prepare
from playground.datasets.ranged import describe, with_range
from playground.datasets.ranges import Range
from playground.datasets.reasons import left_out
from playground.home import home
from playground.knobs import knob, option

FEWEST = 4 * LEAST  # images of which some are kept for a test
Size = Literal[32, 48, 64, 96, 128, 160, 224]


class OwnImages(Dataset):
    """The base of all sets; a set is a subclass made from its index."""

    own: ClassVar[OwnSet]
    place: ClassVar[Path]

    @classmethod
    def missing(cls, knobs: Any, folder: Path) -> Literal["", "download", "prepare"]:
        """Whether its images are decoded at this size."""
        return "" if cls._into(knobs).is_file() else "prepare"

    @classmethod
    def fetch(cls, knobs: Any, folder: Path) -> Iterator[Progress]:
        """Decodes the images at this size, once. Raises DataError."""
        return prepare(
            ordered(cls.own, cls.place, knobs.split_seed),
            cls._into(knobs),
            knobs.size,
            knobs.fit,
            cls.title,
            cls.pixel_range(knobs),
            cls.own.state,
        )

    @classmethod
    def load(cls, knobs: Any, folder: Path) -> tuple[Images, Images]:
        """Both parts lie one behind the other in the prepared file, so that neither is read before it is needed."""
        training, watched, _ = cls._parts(knobs)
        return training, watched

    @classmethod
    def load_test(cls, knobs: Any, folder: Path) -> Images:
        """The last part of the prepared file."""
        return cls._parts(knobs)[2]

    @classmethod
    def _parts(cls, knobs: Any) -> tuple[Images, Images, Images]:
        """The three parts, without the images that were gone when they were decoded."""
        made, order = opened(cls._into(knobs)), torch.tensor(parted(cls.own, knobs.split_seed))
        kept = torch.tensor(made.kept)
        factors = {"class": torch.tensor(cls.own.labels)[order[kept]]} if cls.own.labels else {}
        images = Images(made.pixels, factors, {"class": cls.own.classes} if factors else {})
        first, second = (int((kept < end).sum()) for end in (cls.count, cls.count + cls.probe_count))
        first = min(first, second - LEAST)  # if too few probe images are left, some training images are used
        if first < LEAST:
            raise DataError(f"{cls.title} must have at least {2 * LEAST} images that can still be read, got {second}; read it again")
        return images[:first], images[first:second], images[second:]

    @classmethod
    def pixel_range(cls, knobs: Any) -> Range | None:
        """The range of its knobs."""
        if cls.own.numbers is None:
            return None
        return Range(knobs.range_low, knobs.range_high) if knobs else cls.own.numbers.range

    @classmethod
    def remarks(cls, knobs: Any, folder: Path) -> list[str]:
        """The sizes of its images, how it was read, and what was left out."""
        small, usual, large = cls.own.sides
        several = f"from {small:,} to {large:,} px, the median is {usual:,}" if small < large else f"all {usual:,} px"
        sides = f"The shorter sides of its images: {several}."
        numbers = [describe(cls.own.numbers, cls.pixel_range(knobs))] if cls.own.numbers else []
        twice = cls.own.duplicates.remarks(len(cls.own.files), cls.own.labels)
        lost = opened(cls._into(knobs)).skipped if knobs and cls._into(knobs).is_file() else []
        skipped = [*left_out(cls.own.skipped, cls.own.skipped_count), *left_out([(Path(file).name, reason) for file, reason in lost])]
        return [sides, *numbers, *twice, *_few(cls.own), *_singles(cls.own), *cls.own.notes, *skipped]

    @classmethod
    def notices(cls, knobs: Any, folder: Path) -> list[str]:
        """Warnings if all images are the same or empty, or if its folder has changed."""
        change = cls.change()
        changed = f"{cls.own.folder} has changed since it was read on {states.date(cls.own.read)}: {change.describe()}" if change else ""
        since = [f"{changed}. Runs use the images as they were read, until it is read again."] if changed else []
        return [*since, *cls.own.duplicates.notices(len(cls.own.files))]

    @classmethod
    def change(cls) -> states.Change | None:
        """The changes of a folder that is used in place; None if there are none or they are unknown."""
        return states.changed(cls.own.folder, cls.own.files, cls.own.seen, cls.place) if cls.own.seen else None

    @classmethod
    def state(cls) -> str:
        """The state in its index."""
        return cls.own.state

    @classmethod
    def facts(cls, knobs: Any, folder: Path) -> dict[str, Any]:
        """How many images it has, and how many different ones; which state of its folder that is, and what has changed since."""
        count, change = len(cls.own.files), cls.change()
        state = (
            {"state": cls.own.state, "read": states.date(cls.own.read), "since": change.describe() if change else ""}
            if cls.own.state
            else {}
        )
        return {"pictures": count, "distinct": cls.own.duplicates.distinct(count), "blank": cls.own.duplicates.blank} | state

    @classmethod
    def _into(cls, knobs: Any) -> Path:
        return prepared_file(cls.place, knobs.size, knobs.fit, knobs.split_seed, cls.pixel_range(knobs))


def prepared_file(place: Path, size: int, fit: str, seed: int, range: Range | None) -> Path:
    """The path of the decoded images of a set."""
    numbers = f"-{range.low!r}-{range.high!r}" if range else ""
    return place / "prepared" / f"{size}-{fit}-{seed}{numbers}.npy"


def parted(own: OwnSet, seed: int) -> list[int]:
    """The rows of a set as they are kept, part by part."""
    return split(own.labels or [0] * len(own.files), seed, own.originals if own.parts == 3 else None, own.duplicates.groups)


def ordered(own: OwnSet, place: Path, seed: int) -> list[Path]:
    """Its files in the order of `parted`."""
    paths = own.paths(place)
    return [paths[row] for row in parted(own, seed)]


def root() -> Path:
    """The folder of all sets; it may not be there yet."""
    return home() / "data" / "own"


def sets() -> list[OwnSet]:
    """Every set that is here, by name."""
    return [kind.own for kind in found().values()]


def found() -> dict[str, type[OwnImages]]:
    """The dataset of each set that is here now. What has not changed since the last look is not read again."""
    try:
        entries = sorted(entry.path for entry in os.scandir(root()) if not entry.name.startswith("."))
    except (OSError, ValueError):
        return {}
    kinds = [_seen(entry) for entry in entries]
    return {kind.name: kind for kind in kinds if kind is not None}


def remove(name: str) -> OwnSet:
    """Deletes what is kept of a set, never a folder that is used in place. Raises DataError."""
    gone = get(name)
    place = root() / gone.slug
    aside = place.with_name(f".removed-{uuid.uuid4().hex}")
    with contextlib.suppress(FileNotFoundError):
        place.rename(aside)  # it disappears at once; a run that trains on it continues
    shutil.rmtree(aside, ignore_errors=True)
    return gone


def get(name: str) -> OwnSet:
    """A set by its name, with or without `own-`, or by its title. Raises DataError."""
    here = sets()
    for each in here:
        if name in (each.name, each.slug, each.title):
            return each
    raise DataError(f"the name must be one of your own datasets ({', '.join(each.name for each in here) or 'there is none'}), got {name}")


def _seen(place: str) -> type[OwnImages] | None:
    try:
        state = os.stat(os.path.join(place, INDEX))
    except OSError:
        return None
    return _kind(place, state.st_ino, state.st_mtime_ns)


@functools.lru_cache(maxsize=256)
def _kind(place: str, inode: int, changed: int) -> type[OwnImages] | None:
    """The same class as long as the index is the same, so that configs stay equal and images stay loaded."""
    try:
        return as_dataset(OwnSet.load(Path(place)), Path(place))
    except (OSError, ValueError, TypeError):
        return None  # not a dataset, or one of a later version


def as_dataset(own: OwnSet, place: Path) -> type[OwnImages]:
    """The dataset that a set is."""

    class Knobs(Dataset.Knobs):
        """How its images are brought to one shape."""

        size: Size = option(
            own.size, "The side to which every image is resized, in pixels. Twice the side needs four times the computation."
        )
        fit: Literal["crop", "squeeze"] = option("crop", "crop: the center square. squeeze: the whole image, with its proportions changed.")
        split_seed: int = knob(0, 0, 2**31 - 1, "The seed of the split into training, probe and test images.")

    parts = sizes(len(own.files), own.parts)
    members = {
        "__doc__": "A person's own images.",
        "__module__": __name__,
        "Knobs": with_range(Knobs, own.numbers) if own.numbers else Knobs,
        "name": own.name,
        "title": own.title,
        "summary": _summary(own),
        "own": own,
        "place": place,
        "count": parts.training,
        "probe_count": parts.watched,
        "test_count": parts.test,
        "untested": _untested(own),
        "native_size": own.size,
        "measured": own.numbers,
        "classes": {"class": len(own.classes)} if own.classes else {},
        "colored": not own.gray,
        "suggests": _suggests(own),
    }
    return type("OwnImages", (OwnImages,), members)


def _summary(own: OwnSet) -> str:
    labels = f"{len(own.classes)} classes" if own.classes else "no labels"
    return f"Your own: {len(own.files):,} {'gray images' if own.gray else 'images'}, {labels}, decoded once."


def _few(own: OwnSet) -> list[str]:
    """A warning before training if its parts are too small for an accuracy."""
    parts = sizes(len(own.files), own.parts)
    if not own.classes or min(parts.watched, parts.test) >= EVALUABLE:
        return []
    kept = f"It has {parts.watched:,} probe images and {parts.test:,} test images"
    return [f"{kept}: too few for an accuracy, which needs {EVALUABLE} of each. A total of {SHARE * EVALUABLE} images is enough."]


def _singles(own: OwnSet) -> list[str]:
    """A remark on classes with a single image, which cannot be both learned and tested."""
    single = [name for name, count in own.counts().items() if count == 1]
    have, these = ("class has a single image", "this class") if len(single) == 1 else ("classes have a single image each", "these classes")
    why = f"One image cannot be used for both training and test, so no accuracy includes {these}."
    return [f"{len(single):,} {have}: {listed(single)}. {why}"] if single else []


def _untested(own: OwnSet) -> str:
    """The end of an error sentence about a missing test part."""
    if own.parts < 3:
        return "be added by this version for an evaluation, got a set without test images, added by an earlier version; add it again"
    return f"have at least {FEWEST} images for an evaluation, got {len(own.files)}"


def _suggests(own: OwnSet) -> dict[str, Any]:
    if not own.gray:
        return {"augment.crop_scale_min": 0.2}
    colors = ("saturation", "hue", "grayscale_probability")  # gray images have none to change
    return {"augment.crop_scale_min": 0.3} | {f"augment.{each}": 0.0 for each in colors}
