"""Recordings: runs that come with the program, so that every page has something to show before anybody has trained.

Each is a zip in assets/recorded/runs (`packed_run`; `python -m playground.runs.record` makes them). When a server starts, `install`
unpacks those that its home lacks, or has of another version, and enters them into the store. From then on they are runs as any other,
but for `Run.recorded`: listed last, not counted, and closed to commands.
"""

from __future__ import annotations

import logging
import shutil
import threading
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from lzma import LZMAError
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from playground.evaluation.protocol import Protocol
from playground.home import HomeError, keeping, site
from playground.runs import packed_run
from playground.runs.folder import RunFolder
from playground.runs.records import RECORDED, UnknownRun
from playground.runs.store import Store

logger = logging.getLogger(__name__)
FOLDER = site() / "assets" / "recorded" / "runs"
OWNER = "recording"
VERSION = "recording.txt"  # in the folder of a run: which version of the recording it is
NO_COLOR = {"augment.jitter_probability": 0.0, "augment.grayscale_probability": 0.0}


QUICK = ("linear", "knn_classifier", "untrained", "robustness")  # without training a network; raw pixels are the same for all


@dataclass(frozen=True)
class Recording:
    """run: its id. title: what it is called. changes: settings that are not the defaults. evaluated: the parts of its evaluation, if any.

    untrained: whether its weights of before the first step do, too.
    """

    run: str
    title: str
    changes: Mapping[str, Any]
    evaluated: tuple[str, ...] = QUICK
    untrained: bool = False


RECORDINGS = (
    Recording(f"{RECORDED}simclr", "SimCLR", {}, Protocol.parts, untrained=True),
    Recording(f"{RECORDED}simclr-no-jitter", "SimCLR without color jitter", NO_COLOR, untrained=True),
    Recording(f"{RECORDED}mae", "MAE", {"method": "mae"}),
    Recording(f"{RECORDED}simclr-no-negatives", "SimCLR without negatives", {"method.negatives": False}, evaluated=()),
)
PAIR = (RECORDINGS[0].run, RECORDINGS[3].run)  # a healthy and a broken run of one seed, for the Collapse page


def title(run: str) -> str:
    """What a recording is called; its id where it is of another version."""
    return next((each.title for each in RECORDINGS if each.run == run), run)


def install(store: Store, folder: Path | None = None) -> None:
    """Enters the recordings of `folder`, and forgets those that are no longer there.

    Where the disk takes nothing, or a file cannot be read, the pages do without: that is logged, and stops nobody.
    """
    files = {file.stem: file for file in sorted((folder or FOLDER).glob(f"{RECORDED}*.zip"))}
    here = {each.name for each in store.home.glob(f"runs/{RECORDED}*")} | {each.id for each in store.runs(limit=-1) if each.recorded}
    if any(not _is_current(store, run, file) for run, file in files.items()):
        threading.Thread(target=packed_run.probe_files, daemon=True).start()
    for run in sorted(here | files.keys()):
        try:
            _enter(store, run, files[run]) if run in files else _remove(store, run)
        except (HomeError, BadZipFile, LZMAError, ValueError, LookupError, OSError) as error:
            logger.warning("the recording %s cannot be shown: %s", run, error)


def _is_current(store: Store, run: str, file: Path) -> bool:
    return _version(store.folder(run)) == zlib.crc32(file.read_bytes()) and _known(store, run)


def _enter(store: Store, run: str, file: Path) -> None:
    if _is_current(store, run, file):
        return
    version, place = zlib.crc32(file.read_bytes()), store.folder(run)
    part = RunFolder(place.path.with_name(f".{run}.part"))
    shutil.rmtree(part.path, ignore_errors=True)
    try:
        lines = packed_run.unpack(packed_run.read(file), part)
        _remove(store, run)
        with keeping(place.path):
            (part.path / VERSION).write_text(str(version))
            part.path.rename(place.path)
        store.adopt(run, lines, attempt=version)  # by which browsers tell it from the version before
    finally:
        shutil.rmtree(part.path, ignore_errors=True)


def _remove(store: Store, run: str) -> None:
    with keeping(store.folder(run).path):
        if store.folder(run).path.exists():
            shutil.rmtree(store.folder(run).path)
    if _known(store, run):
        store.forget(run)


def _known(store: Store, run: str) -> bool:
    try:
        return store.run(run).recorded
    except UnknownRun:
        return False


def _version(folder: RunFolder) -> int | None:
    try:
        return int((folder.path / VERSION).read_text())
    except (OSError, ValueError):
        return None
