"""The folder of one run: arrays, pictures and checkpoints, each written whole or not at all, and with a check sum (`safe_files`).

probe.json  sprites.png             the probe set: labels, and its images in one sprite sheet
snapshots/0000100.npz               embedding, pca, spectrum ...
snapshots/0000100-views.png         pictures: K tiles side by side, views one row each
layouts/0000100.npy                 the UMAP of that snapshot, if it has been laid out
weights/0000100.pt                  the method as it was at that snapshot, in half precision
maps/backbone-tsne-probe/0000100.npz   one frame of one map: where its points lie, and what was measured of it
maps/points-2000.jpg                the training images that a map shows
checkpoints/0000100.pt              all that is needed to go on from there
timeline.jsonl                      its settings and its timeline, as the database has them
worker.log

Where a file is damaged, what reads it raises `Damaged`; what can be made again is as good as not there.
"""

from __future__ import annotations

import itertools
import json
import math
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np
from PIL import Image

from playground import safe_files
from playground.home import keeping
from playground.runs.checkpoints import Checkpoints
from playground.runs.journal import Journal
from playground.safe_files import Damaged
from playground.views.pictures import sprite_sheet, write_png

Found = TypeVar("Found")


class RunFolder:
    """Reads and writes what one run leaves on disk beside its timeline."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints, self.journal = Checkpoints(path), Journal(path)

    def save_probe(self, images: np.ndarray, labels: Mapping[str, np.ndarray], names: Mapping[str, list[str]]) -> None:
        """images: (N, H, W, 3) uint8 -> sprites.png and probe.json, which says how to find image i in it."""
        count, tile = images.shape[:2]
        columns = math.ceil(math.sqrt(count))
        described = {
            "count": count,
            "tile": tile,
            "columns": columns,
            "labels": {factor: values.tolist() for factor, values in labels.items()},
            "names": {factor: list(each) for factor, each in names.items()},
        }
        _save_png(self.path / "sprites.png", sprite_sheet(images, columns))
        _save(self.path / "probe.json", lambda file: file.write(json.dumps(described).encode()))

    def probe(self) -> dict[str, Any] | None:
        """What `save_probe` described: count, tile, columns, labels, names."""
        found: dict[str, Any] | None = _parsed(self.path / "probe.json", json.load)
        return found

    def sprites(self) -> np.ndarray | None:
        """The probe set's sprite sheet, (rows * tile, columns * tile, 3) uint8."""
        return _parsed(self.path / "sprites.png", lambda file: np.array(Image.open(file).convert("RGB")))

    def save_snapshot(self, step: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Pictures (uint8, four axes or more) become PNGs, everything else one npz."""
        pictures = {name for name, array in arrays.items() if array.dtype == np.uint8 and array.ndim >= 4}
        for name in pictures:
            rows = arrays[name] if arrays[name].ndim == 5 else arrays[name][None]
            _save_png(self.picture(step, name), sprite_sheet(rows.reshape(-1, *rows.shape[2:]), rows.shape[1]))
        numbers: dict[str, Any] = {name: array for name, array in arrays.items() if name not in pictures}
        _save(self._arrays(step), lambda file: np.savez(file, **numbers))

    def steps(self) -> list[int]:
        """The steps that have a snapshot, those left out that have lost their end."""
        return _steps_of(self.path.glob("snapshots/*.npz"))

    def snapshot(self, step: int) -> dict[str, np.ndarray] | None:
        """The arrays of one snapshot, or None where there is none."""
        return _parsed(self._arrays(step), _arrays_in)

    def array_names(self, step: int) -> list[str]:
        """What a snapshot's npz holds, without reading it all. Raises Damaged, FileNotFoundError."""
        try:
            with np.load(self._arrays(step)) as arrays:
                return list(arrays.files)
        except (ValueError, zipfile.BadZipFile) as error:
            raise Damaged(f"the snapshot of step {step} is damaged: {error}") from None

    def pictures(self, step: int) -> list[str]:
        """The names of a snapshot's pictures."""
        found = self.path.glob(f"snapshots/{step:07d}-*.png")
        return sorted(path.stem.partition("-")[2] for path in found)

    def picture(self, step: int, name: str) -> Path:
        """Where the picture `name` of a snapshot lies."""
        return self.path / "snapshots" / f"{step:07d}-{name}.png"

    def save_layout(self, step: int, points: np.ndarray) -> None:
        """points: (N, 2), the map of one snapshot."""
        _save(self._layout(step), lambda file: np.save(file, points.astype(np.float32)))

    def layout(self, step: int) -> np.ndarray | None:
        """The map of one snapshot, or None where it has none (yet)."""
        found: np.ndarray | None = _again(self._layout(step), np.load)
        return found

    def save_frame(self, name: str, step: int, arrays: Mapping[str, np.ndarray]) -> None:
        """One step of a series of the run's maps, such as `backbone-tsne-probe`."""
        numbers: dict[str, Any] = dict(arrays)
        _save(self._frame(name, step), lambda file: np.savez(file, **numbers))

    def frame(self, name: str, step: int) -> dict[str, np.ndarray] | None:
        """What `save_frame` kept, or None where there is nothing (yet)."""
        return _again(self._frame(name, step), _arrays_in)

    def save_file(self, path: Path, data: bytes) -> None:
        """Any file of the folder, whole or not at all."""
        _save(path, lambda file: file.write(data))

    def frame_steps(self, name: str) -> list[int]:
        """The steps of a series that are there."""
        return _steps_of(self.path.glob(f"maps/{name}/*.npz"))

    def save_weights(self, step: int, state: Mapping[str, Any]) -> None:
        """The method's state at one snapshot."""
        import torch

        _save(self.weights_path(step), lambda file: torch.save(dict(state), file))

    def weights(self, step: int) -> dict[str, Any] | None:
        """What `save_weights` kept, or None where that step was not kept."""
        import torch

        return _parsed(self.weights_path(step), lambda file: torch.load(file, map_location="cpu", weights_only=True))

    def weight_steps(self) -> list[int]:
        """The steps whose weights were kept, those left out that have lost their end."""
        return _steps_of(self.path.glob("weights/*.pt"))

    def save_checkpoint(self, step: int, state: Mapping[str, Any]) -> None:
        """Adds a checkpoint; a crash in the middle leaves those of before."""
        with keeping(self.path):
            self.checkpoints.save(step, state)

    def checkpoint(self) -> tuple[int, dict[str, Any]] | None:
        """(step, state) of the newest checkpoint that can be read, or None where the run left none."""
        found = self.checkpoints.load()
        return (found.step, found.state) if found.state is not None else None

    def has_checkpoint(self) -> bool:
        """Whether there is something to go on from."""
        return self.checkpoints.newest() is not None

    def forget_after(self, step: int) -> None:
        """Removes what was kept of later steps: snapshots, layouts, weights, checkpoints, frames of maps."""
        with keeping(self.path):
            for path in itertools.chain(self.path.glob("*/*"), self.path.glob("maps/*/*")):
                number = path.name[:7]
                if number.isdigit() and int(number) > step:
                    path.unlink(missing_ok=True)
            if step < 0:
                self.checkpoints.forget_older()

    def _arrays(self, step: int) -> Path:
        return self.path / "snapshots" / f"{step:07d}.npz"

    def weights_path(self, step: int) -> Path:
        """Where the weights of a step lie, if they were kept."""
        return self.path / "weights" / f"{step:07d}.pt"

    def _frame(self, name: str, step: int) -> Path:
        return self.path / "maps" / name / f"{step:07d}.npz"

    def _layout(self, step: int) -> Path:
        return self.path / "layouts" / f"{step:07d}.npy"


def _save_png(path: Path, picture: np.ndarray) -> None:
    _save(path, lambda file: write_png(picture, file))


def _save(path: Path, write: Callable[[IO[bytes]], Any]) -> None:
    with keeping(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    safe_files.save(path, write)


def _parsed(path: Path, parse: Callable[[IO[bytes]], Found]) -> Found | None:
    """What a file holds, or None where there is none. Raises Damaged."""
    try:
        return safe_files.parsed(path, parse)
    except FileNotFoundError:
        return None


def _again(path: Path, parse: Callable[[IO[bytes]], Found]) -> Found | None:
    """What a file holds that can be made again: a damaged one is as good as none."""
    try:
        return _parsed(path, parse)
    except Damaged:
        return None


def _arrays_in(file: IO[bytes]) -> dict[str, np.ndarray]:
    with np.load(file) as arrays:
        return dict(arrays)


def _steps_of(paths: Iterable[Path]) -> list[int]:
    return sorted(int(path.stem) for path in paths if safe_files.whole(path))
