"""A finished run's folder in one small zip, and back: all that pages show of it, in as few bytes as one does not see.

timeline.jsonl               as it is
snapshots/0000100.npz        arrays of the first IMAGES probe images; features as whole numbers, see `coarse`
snapshots/0000100-views.jpg  pictures
layouts/0000100.npz          the map of that snapshot
weights/0000100.pt           weights, 8 bits each, with a scale for each row; the last are the checkpoint, without an optimizer
evaluation.json              what an evaluation found, if there has been one

The probe images are not in it: those of shapes are drawn again.
"""

from __future__ import annotations

import functools
import io
import tempfile
import threading
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from playground import safe_files
from playground.config import defaults
from playground.datasets.shapes import Shapes
from playground.evaluation import ledger
from playground.home import keeping
from playground.metric_names import FEATURES
from playground.runs import journal
from playground.runs.folder import RunFolder
from playground.runs.journal import Line

IMAGES = 512  # of the probe set
FINE = 3  # whole numbers in a standard deviation of features
BYTE = 127  # the largest whole number of 8 bits
DATED = (1980, 1, 1, 0, 0, 0)  # of every entry, so that the same run gives the same zip
PARTS = ("whole", "scale", "middle")

_drawing = threading.Lock()
Arrays = Mapping[str, np.ndarray]


def packed(folder: RunFolder, lines: Sequence[Line], snapshots: Sequence[int], weights: Sequence[int], layouts: Arrays) -> dict[str, bytes]:
    """Name -> content of the zip's entries. snapshots, weights: the steps of which they are kept; layouts: "100" -> (IMAGES, 2)."""
    entries = {journal.NAME: journal.text(lines).encode()}
    for step in snapshots:
        arrays = folder.snapshot(step) or {}
        entries[f"snapshots/{step:07d}.npz"] = _npz(dict(_small(arrays)))
        entries[f"layouts/{step:07d}.npz"] = _npz({"xy": layouts[str(step)].astype(np.float16)})
    for step in (snapshots[0], snapshots[len(snapshots) // 2], snapshots[-1]):
        for name in folder.pictures(step):
            entries[f"snapshots/{step:07d}-{name}.jpg"] = _jpeg(folder.picture(step, name))
    for step in weights:
        entries[f"weights/{step:07d}.pt"] = _pt({name: _byte_rows(each) for name, each in (folder.weights(step) or {}).items()})
    return entries


def write(file: Path, entries: Mapping[str, bytes]) -> None:
    """Replaces a zip by one with these entries."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as archive:
        for name, content in sorted(entries.items()):
            archive.writestr(zipfile.ZipInfo(name, DATED), content, zipfile.ZIP_LZMA)


def read(file: Path) -> dict[str, bytes]:
    """The inverse."""
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def unpack(entries: Mapping[str, bytes], folder: RunFolder) -> list[Line]:
    """Writes the folder of a run as its training would have left it; returns its timeline. Raises HomeError."""
    with keeping(folder.path), safe_files.made_again():
        folder.path.mkdir(parents=True)
        return _unpack(entries, folder)


def _unpack(entries: Mapping[str, bytes], folder: RunFolder) -> list[Line]:
    folder.journal.path.write_bytes(entries[journal.NAME])
    lines = list(folder.journal.lines())
    for name in sorted(entries):
        place, step = Path(name).parts[0], Path(name).stem.partition("-")[0]
        if name.endswith(".jpg"):
            folder.save_file((folder.path / name).with_suffix(".png"), _png(entries[name]))
        elif place == "snapshots":
            folder.save_snapshot(int(step), {each: values.astype(np.float32) for each, values in _arrays(entries[name]).items()})
        elif place == "layouts":
            folder.save_layout(int(step), _arrays(entries[name])["xy"])
        elif place == "weights":
            weights = _weights(entries[name])
            folder.save_weights(int(step), weights)
    for name, content in probe_files().items():
        folder.save_file(folder.path / name, content)
    folder.save_checkpoint(int(step), {"config": lines[0].body["config"], "method": weights})  # of the last
    if ledger.FILE in entries:
        folder.save_file(folder.path / ledger.SHIPPED, entries[ledger.FILE])
    return lines


def coarse(values: np.ndarray) -> dict[str, np.ndarray]:
    """Features (N, D) as whole numbers: each is off by at most a sixth of the standard deviation of all. Equal rows stay equal."""
    middle = values.mean(0, dtype=np.float32)
    rest = values.astype(np.float32) - middle
    scale = np.float32(rest.std() / FINE or 1)
    return {"whole": _whole(rest / scale), "scale": np.asarray(scale), "middle": middle}


def by_row(values: np.ndarray) -> dict[str, np.ndarray]:
    """Weights (rows, ...) as whole numbers from -127 to 127, with a scale for each row."""
    largest = np.abs(values).max(tuple(range(1, values.ndim)), keepdims=True).astype(np.float32)
    scale = np.where(largest > 0, largest / BYTE, np.float32(1))
    return {"whole": _whole(values / scale), "scale": scale}


def restored(whole: np.ndarray, scale: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """What `coarse` has kept, float32."""
    return (whole.astype(np.float32) * scale + middle).astype(np.float32)


def rounded(body: Any, digits: int = 4) -> Any:
    """Numbers of a timeline with so many digits: more cannot be seen."""
    if isinstance(body, dict):
        return {key: rounded(value, digits) for key, value in body.items()}
    if isinstance(body, list | tuple):
        return [rounded(each, digits) for each in body]
    return float(f"{body:.{digits}g}") if isinstance(body, float) else body


def usual_device(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with the device left to the machine: who trains it anew is not to be kept from using a GPU."""
    return {**flat, "device": defaults()["device"]}


def _whole(values: np.ndarray) -> np.ndarray:
    return np.round(values).clip(-BYTE, BYTE).astype(np.int8)


def _small(arrays: Arrays) -> Iterator[tuple[str, np.ndarray]]:
    """The arrays of a snapshot: of features the first images, coarse; of a plane the first images; others as they are."""
    for name, values in arrays.items():
        if name in FEATURES.values():
            yield from _parts(name, coarse(values[:IMAGES]))
        else:
            yield name, values[:IMAGES].astype(np.float16) if values.ndim == 2 else values


def _byte_rows(weights: Tensor) -> Tensor | tuple[Tensor, Tensor]:
    """Weights of two axes or more as whole numbers with their scales; others as they are."""
    if weights.ndim < 2:
        return weights
    kept = by_row(weights.float().numpy())
    return torch.from_numpy(kept["whole"]), torch.from_numpy(kept["scale"])


def _weights(content: bytes) -> dict[str, Tensor]:
    kept = torch.load(io.BytesIO(content), weights_only=True)
    return {name: (each[0] * each[1]).half() if isinstance(each, tuple) else each for name, each in kept.items()}


def _parts(name: str, kept: Arrays) -> Iterator[tuple[str, np.ndarray]]:
    yield from ((f"{name}|{part}", values) for part, values in kept.items())


def _arrays(content: bytes) -> dict[str, np.ndarray]:
    """All arrays of an npz, those that were made coarse as float32 again."""
    with np.load(io.BytesIO(content)) as kept:
        names = dict.fromkeys(name.partition("|")[0] for name in kept.files)
        return {each: kept[each] if each in kept.files else restored(*(kept[f"{each}|{part}"] for part in PARTS)) for each in names}


def probe_files() -> dict[str, bytes]:
    """The files of the probe set, by name: the same for all recordings. Drawing them takes as long as all else, so a thread may begin."""
    with _drawing:
        return _probe_files()


@functools.cache
def _probe_files() -> dict[str, bytes]:
    images = Shapes.first_probe_images(IMAGES)
    labels = {name: each.numpy() for name, each in images.factors.items()}
    with tempfile.TemporaryDirectory() as place:
        RunFolder(Path(place)).save_probe(images.pixels.movedim(1, -1).numpy(), labels, images.names)
        return {path.name: safe_files.read(path) for path in Path(place).iterdir()}


def _pt(weights: Mapping[str, Any]) -> bytes:
    file = io.BytesIO()
    torch.save(dict(weights), file)
    return file.getvalue()


def _npz(arrays: Arrays) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:  # as np.savez, but without the time of day
        for name, values in arrays.items():
            content = io.BytesIO()
            np.save(content, values)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", DATED), content.getvalue())
    return file.getvalue()


def _jpeg(picture: Path) -> bytes:
    file = io.BytesIO()
    Image.open(picture).convert("RGB").save(file, "JPEG", quality=80, subsampling=0)
    return file.getvalue()


def _png(jpeg: bytes) -> bytes:
    file = io.BytesIO()
    Image.open(io.BytesIO(jpeg)).save(file, "PNG", compress_level=1)
    return file.getvalue()
