"""What a map of a run shows: its points, which are images, and their features at each step at which they are known.

The probe set was measured while the run trained, so its features lie in the snapshots. Training images are looked at through the
weights that the run kept, and so is whatever the snapshots lack.
"""

from __future__ import annotations

import functools
import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from playground.datasets import DataError, Images
from playground.home import home
from playground.runs.folder import RunFolder, atlas
from playground.runs.records import Run
from playground.runs.store import Store
from playground.runs.trained import NothingTrained, Trained, steps_kept, trained

LAYERS = {"backbone": "embedding", "projector": "projection"}  # and what snapshots call their features
PROBE = "probe"
MOST, MANY = 10_000, 2_000  # training images on one map, and those of which there is a frame for each step that was kept
CHUNK = 256  # images embedded at once
SHEET = 4096  # pixels, the longest side of a picture of all points


@dataclass(frozen=True)
class Points:
    """Some images of one run, as one of its layers sees them. count: training images, None for the probe set."""

    store: Store
    run: Run
    layer: str
    count: int | None = None

    @property
    def folder(self) -> RunFolder:
        """Of the run."""
        return self.store.folder(self.run.id)

    @property
    def name(self) -> str:
        """What tells these points from others of the run: `backbone-probe`, `projector-2000`."""
        return f"{self.layer}-{self.count or PROBE}"

    def described(self) -> dict[str, Any]:
        """count, tile, columns, labels, names, and the address of their picture below /api/. Raises ValueError where they are not there."""
        if self.count is not None:
            return _described(self.images()) | {"sprites": f"runs/{self.run.id}/points.jpg?points={self.count}"}
        probe = self.folder.probe()
        if probe is None:
            raise ValueError(f"run {self.run.id} must have begun, got no probe images of it yet")
        return probe | {"sprites": f"runs/{self.run.id}/sprites.png"}

    def steps(self) -> list[int]:
        """The steps at which their features can be had."""
        if self.count is None:
            return _measured(self.store, self.run, self.layer)
        kept = steps_kept(self.store, self.run.id)
        if self.layer not in sizes(self.store, self.run):
            return []
        return kept if self.count <= MANY and kept else newest_step(self.store, self.run.id)

    def known(self, step: int) -> Tensor | None:
        """Their features (N, D) float32, where they need not be computed."""
        if self.count is None:
            return _snapshot(self.folder, self.layer, step)
        kept = self.folder.frame(f"features-{self.name}", step)
        return None if kept is None else torch.from_numpy(kept["features"]).float()

    def parts(self, step: int) -> list[Callable[[], Tensor]]:
        """The work that gives their features, piece by piece, each of them short."""
        images = self.images().pixels if self.count is not None else probe_pixels(self.folder)
        return [functools.partial(self.look, step, part) for part in images.split(CHUNK)]

    def look(self, step: int | None, pixels: Tensor) -> Tensor:
        """Any images as the run saw them at a step: (N, 3, H, W) uint8 -> (N, D) float32."""
        return seen(trained(self.store, self.run.id, step), self.layer, pixels)

    def keep(self, step: int, features: Tensor) -> None:
        """For the next time, in half precision, as the weights are kept."""
        if self.count is not None and step in self.steps():
            self.folder.save_frame(f"features-{self.name}", step, {"features": features.half().numpy()})

    def images(self) -> Images:
        """The training images. Raises ValueError where the data set is not here."""
        return _chosen(self.run.config.data, self.count or 0)


def points_of(store: Store, run: str, layer: str, points: str) -> Points:
    """What an address asks for. points: "probe", or how many training images. Raises UnknownRun, ValueError."""
    if layer not in LAYERS:
        raise ValueError(f"layer must be one of {', '.join(LAYERS)}, got {layer[:20]}")
    if points == PROBE:
        return Points(store, store.run(run), layer)
    if not (points.isascii() and points.isdecimal() and len(points) < 9 and 2 <= int(points) <= MOST):
        raise ValueError(f"points must be probe, or a number of training images from 2 to {MOST:,}, got {points[:20] or 'nothing'}")
    found = store.run(run)
    return Points(store, found, layer, min(int(points), len(training_images(found.config.data))))


def training_images(data: Any, *, probe: bool = False) -> Images:
    """What `config.data` trains on, or its probe images, if it lies on the disk. Raises DataError: nothing is downloaded for a map."""
    from playground.training import load_images

    folder = home() / "data"
    if data.choice.missing(data, folder):
        raise DataError(
            f"the data set {data.name} must be on this machine to show its images, got nothing: fetch it on the Data page first"
        )
    return load_images(data, folder)[probe]


def seen(found: Trained, layer: str, pixels: Tensor) -> Tensor:
    """(N, 3, H, W) uint8 -> (N, D) float32, the output of one layer. Raises ValueError where the run has no such layer."""
    with torch.inference_mode():
        features: Tensor | None = torch.cat([found.method.embed(part.float() / 255).float() for part in pixels.split(CHUNK)])
        if layer != "backbone" and features is not None:
            features = found.method.project(features)
    if features is None:
        raise ValueError(f"layer of run {found.run} must be backbone, got {layer}: its method has no projector")
    return features.float()


def sizes(store: Store, run: Run) -> dict[str, int]:
    """The dimensions of each layer that the run has; what an older run does not say is read off its newest snapshot."""
    if "layers" in run.facts:
        return dict(run.facts["layers"])
    folder = store.folder(run.id)
    steps = folder.steps()
    arrays = (folder.snapshot(steps[-1]) if steps else None) or {}
    return {layer: arrays[name].shape[1] for layer, name in LAYERS.items() if name in arrays}


def newest_step(store: Store, run: str) -> list[int]:
    """The step of the newest weights there are, if any."""
    try:
        return [trained(store, run).step]
    except ValueError:
        return steps_kept(store, run)[-1:]


def sprite_sheet(points: Points) -> Path:
    """The picture of training images, one tile each; made at the first call."""
    path = points.folder.path / "maps" / f"points-{points.count}.jpg"
    if not path.exists():
        images = points.images()
        tile, columns = _tile(images)
        small = images.pixels if tile == images.pixels.shape[-1] else _resized(images.pixels, tile)
        file = io.BytesIO()
        Image.fromarray(atlas(small.movedim(1, -1).numpy(), columns)).save(file, format="JPEG", quality=88, subsampling=0)
        points.folder.save_file(path, file.getvalue())
    return path


def probe_pixels(folder: RunFolder) -> Tensor:
    """The images that a run was measured on, (N, 3, H, W) uint8: from its own atlas, so that no data set is needed."""
    probe, path = folder.probe(), folder.path / "sprites.png"
    if probe is None or not path.exists():
        raise ValueError("the run must have begun, got no probe images of it yet")
    with Image.open(path) as picture:
        pixels = torch.from_numpy(np.array(picture.convert("RGB")))
    tile = probe["tile"]
    tiles = pixels.unflatten(0, (-1, tile)).unflatten(2, (-1, tile)).permute(0, 2, 4, 1, 3).flatten(0, 1)
    return tiles[: probe["count"]]


def _measured(store: Store, run: Run, layer: str) -> list[int]:
    """Steps whose snapshot holds the layer, and those whose weights give it."""
    folder = store.folder(run.id)
    kept = set(steps_kept(store, run.id)) if layer in sizes(store, run) else set()
    return [step for step in folder.steps() if step in kept or LAYERS[layer] in _names(folder, step)]


def _names(folder: RunFolder, step: int) -> list[str]:
    path = folder.path / "snapshots" / f"{step:07d}.npz"
    try:
        return _names_in(path, path.stat().st_mtime_ns)
    except (OSError, ValueError):
        return []


@functools.lru_cache(maxsize=4096)
def _names_in(path: Path, written: int) -> list[str]:
    with np.load(path) as arrays:
        return list(arrays.files)


def _snapshot(folder: RunFolder, layer: str, step: int) -> Tensor | None:
    if LAYERS[layer] not in _names(folder, step):
        return None
    arrays = folder.snapshot(step) or {}
    found = arrays.get(LAYERS[layer])
    return None if found is None else torch.from_numpy(found).float()


@functools.lru_cache(maxsize=4)
def _chosen(data: Any, count: int) -> Images:
    """Training images drawn by lot, always the same ones: of a set sorted by class, the first would be of one class."""
    images = training_images(data)
    rows = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[:count]
    return Images(images.pixels[rows], {name: each[rows] for name, each in images.factors.items()}, images.names)


def _described(images: Images) -> dict[str, Any]:
    tile, columns = _tile(images)
    labels = {name: each.tolist() for name, each in images.factors.items()}
    return {"count": len(images), "tile": tile, "columns": columns, "labels": labels, "names": images.names}


def _tile(images: Images) -> tuple[int, int]:
    """The side of a tile, and how many stand in a row."""
    columns = math.ceil(math.sqrt(len(images)))
    return max(8, min(images.pixels.shape[-1], SHEET // columns)), columns


def _resized(pixels: Tensor, side: int) -> Tensor:
    parts = [torch.nn.functional.interpolate(part, (side, side), mode="bilinear", antialias=True) for part in pixels.split(CHUNK)]
    return torch.cat(parts)


def why_not(store: Store, run: Run) -> str:
    """Why no other image than the probe's can be shown to a run, as a sentence; nothing where they can."""
    try:
        trained(store, run.id)
    except NothingTrained as error:
        return str(error)
    except (ValueError, RuntimeError, KeyError) as error:
        return f"run {run.id} was made by another version of the program, and its network cannot be built any more: {error}"
    return ""
