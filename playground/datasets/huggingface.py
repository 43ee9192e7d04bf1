"""Images from Hugging Face's `datasets`, an optional extra: copied into the store as a set of own images.

hf:OWNER/NAME            its part `train`
hf:OWNER/NAME:test       another part
hf:/a/folder             one that lies here: saved by the library, or a folder of its files
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playground.datasets.base import DataError, Progress
from playground.datasets.intake import add_sources
from playground.datasets.naming import Refused
from playground.datasets.ranges import Range
from playground.datasets.zips import MAX_ENTRIES

PREFIX, PART = "hf:", "train"
NO_PATH = str.maketrans("/\\:", "∕＼：")  # what means something in a path becomes what looks like it
PATIENCE = 5  # seconds within which the server must answer
INSTALL = "python -m pip install 'ssl-playground[huggingface]'"


@dataclass(frozen=True)
class Row:
    """One image of a table. The name carries the label, as a folder would."""

    name: str
    image: dict[str, Any]  # {"bytes": ..., "path": ...} as the library keeps them, undecoded

    def pieces(self) -> Iterator[bytes]:
        """The file as it is."""
        content, path = self.image.get("bytes"), self.image.get("path") or ""
        if content is None and not os.path.isfile(path):
            raise Refused("its row has no image")
        yield Path(path).read_bytes() if content is None else content


def add(source: str, name: str = "", image_column: str = "", label_column: str = "", range: Range | None = None) -> Iterator[Progress]:
    """Adds `hf:OWNER/NAME[:SPLIT]`. Columns that are not named are found by their type. Raises DataError. As intake's `add` otherwise."""
    where, _, part = source.removeprefix(PREFIX).partition(":")
    table = _table(where, part or PART)
    if len(table) > MAX_ENTRIES:
        raise DataError(f"{source} must have at most {MAX_ENTRIES:,} rows, got {len(table):,}")
    kinds = {column: type(feature).__name__ for column, feature in table.features.items()}
    image = _column(source, "image", image_column, kinds, "Image")
    if image is None or kinds[image] != "Image":
        raise DataError(f"{source} must have a column of images, got {_listed(kinds)}")
    label = _column(source, "label", label_column, kinds, "ClassLabel")
    yield from add_sources(_rows(table, image, label), len(table), name or where.rpartition("/")[2], range)


def _table(where: str, part: str) -> Any:
    try:
        import datasets
    except ImportError:
        raise DataError(f"datasets from Hugging Face need its library, which is not installed: {INSTALL}") from None
    absent = "" if Path(where).exists() else _unreachable()
    try:
        if (Path(where) / "state.json").is_file() or (Path(where) / "dataset_dict.json").is_file():
            found = datasets.load_from_disk(where)
            return found[part] if isinstance(found, datasets.DatasetDict) else found
        with ExitStack() as stack:
            if absent:
                stack.enter_context(_offline())
            return datasets.load_dataset(where, split=part)
    except Exception as error:  # whatever the network, the server or the files lead the library to
        if absent:
            raise DataError(f"{PREFIX}{where} must be reachable or downloaded before, got {absent}") from None
        raise DataError(f"{PREFIX}{where} must have a readable part {part}, got {_one_line(error)}") from None


def _unreachable() -> str:
    """Why the server does not answer; "" if it does. Checked once, because the library would try for half a minute."""
    from huggingface_hub import constants, get_session

    try:
        get_session().head(constants.ENDPOINT, timeout=PATIENCE)
    except Exception as error:  # those of whichever HTTP library the hub is built on
        return f"no answer from {constants.ENDPOINT}: {_one_line(error)}"
    return ""


@contextmanager
def _offline() -> Iterator[None]:
    """Inside, the library looks only at what it has downloaded before."""
    from huggingface_hub import constants

    import datasets

    settings: tuple[Any, ...] = (datasets.config, constants)
    before = [each.HF_HUB_OFFLINE for each in settings]
    try:
        for each in settings:
            each.HF_HUB_OFFLINE = True
        yield
    finally:
        for each, value in zip(settings, before, strict=True):
            each.HF_HUB_OFFLINE = value


def _one_line(error: Exception) -> str:
    return re.sub(r"\s+", " ", f"{type(error).__name__}: {error}").strip()[:300]


def _column(source: str, what: str, named: str, kinds: dict[str, str], kind: str) -> str | None:
    if named and named not in kinds:
        raise DataError(f"--{what}-column must be a column of {source} ({_listed(kinds)}), got {named}")
    return named or next((column for column, each in kinds.items() if each == kind), None)


def _listed(kinds: dict[str, str]) -> str:
    return ", ".join(f"{column}: {kind}" for column, kind in kinds.items())


def _rows(table: Any, image: str, label: str | None) -> Iterator[Row]:
    import datasets

    names = getattr(table.features[label], "names", None) if label else None
    columns = table.select_columns([each for each in (image, label) if each]).cast_column(image, datasets.Image(decode=False))
    for number, row in enumerate(columns):
        yield Row(f"{_folder(row[label], names)}/{number:06}" if label else f"{number:06}", row[image] or {})


def _folder(value: Any, names: list[str] | None) -> str:
    """A label as the name of a folder; -1 and nothing mean that there is none."""
    if value is None or value == -1:
        return "unlabeled"
    text = names[value] if names else str(value)
    return re.sub(r"^\.", "․", text.translate(NO_PATH)) or "unnamed"
