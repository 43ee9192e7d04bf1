"""What a map of a run shows: its points, which are images, and their features at each step at which they are known.

The probe set was measured while the run trained, so its features lie in the snapshots. Training images are looked at through the
weights that the run kept, and so is whatever the snapshots lack.
"""

from __future__ import annotations

import functools
import io
import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from playground import safe_files
from playground.datasets import DataError, Images
from playground.home import HomeError, home
from playground.metric_names import FEATURES, LAYERS
from playground.runs.derived import Key
from playground.runs.folder import RunFolder
from playground.runs.read_again import read_since
from playground.runs.records import Run
from playground.runs.store import Store
from playground.runs.trained import NothingTrained, Trained, steps_kept, trained
from playground.safe_files import Damaged
from playground.views.pictures import sprite_sheet, tiles_of

PROBE = "probe"
MOST, MANY = 50_000, 2_000  # training images on one map, and those of which there is a frame for each step that was kept
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
        """count (0 where there are none), tile, columns, labels, names, as of the probe set; sprites: their picture, below /api/."""
        address = f"points.jpg?points={self.count}" if self.count else "sprites.png"
        nothing: dict[str, Any] = {"count": 0, "tile": 0, "columns": 1, "labels": {}, "names": {}}
        try:
            found = self._of_training() if self.count else self.folder.probe()
        except Damaged:
            found = None
        return (found or nothing) | {"sprites": f"runs/{self.run.id}/{address}"}

    def steps(self) -> list[int]:
        """The steps at which their features can be had."""
        if self.layer not in sizes(self.store, self.run):
            return []
        kept = steps_kept(self.store, self.run.id)
        if self.count is None:
            held = FEATURES[self.layer]
            return [step for step in self.folder.steps() if step in kept or held in self._kept(step)]
        return kept if self.count <= MANY and kept else newest_step(self.store, self.run.id)

    def known(self, step: int) -> Tensor | None:
        """Their features (N, D) float32, where they need not be computed: as they were measured, or as they were kept."""
        if self.count is None and FEATURES[self.layer] in self._kept(step):
            found = (self.folder.snapshot(step) or {}).get(FEATURES[self.layer])
        else:
            found = (self.folder.frame(f"features-{self.count or PROBE}", step) or {}).get(self.layer)
        return None if found is None else torch.from_numpy(found).float()

    def parts(self, step: int) -> list[Callable[[], dict[str, Tensor]]]:
        """The work that gives their features, piece by piece, each of them short: those of all layers, since they come together."""
        if not self.count:
            return [functools.partial(self.look, step, part) for part in probe_pixels(self.store, self.run).split(CHUNK)]
        images, rows = self.images()
        return [functools.partial(lambda part: self.look(step, images.pixels[part]), part) for part in rows.split(CHUNK)]

    def keep(self, step: int, features: dict[str, Tensor]) -> None:
        """For the next time."""
        self.folder.save_frame(f"features-{self.count or PROBE}", step, {layer: each.numpy() for layer, each in features.items()})

    def look(self, step: int, pixels: Tensor) -> dict[str, Tensor]:
        """A few images as the run saw them at a step: (N, 3, H, W) uint8 -> layer -> (N, D) float32."""
        method = network(self.store, self.run.id, step).method
        with torch.inference_mode():
            embedding = method.embed((pixels.float() / 255).contiguous())  # in one order, so that the same image gives the same bits
            found = {"backbone": embedding, "projector": method.project(embedding)}
        return {layer: each.float() for layer, each in found.items() if each is not None}

    def images(self) -> tuple[Images, Tensor]:
        """All training images, and which of them are meant: drawn by lot, always the same ones. Raises DataError if they are not here."""
        images = images_here(self.run.config.data)[0]
        return images, torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[: self.count]

    def _kept(self, step: int) -> list[str]:
        """What the snapshot of a step holds."""
        try:
            key = Key(self.run.id, self.run.attempt, step, ("arrays",))
            return self.store.derived.get(key, lambda: self.folder.array_names(step))
        except (OSError, Damaged):
            return []

    def _of_training(self) -> dict[str, Any]:
        images, rows = self.images()
        tile, columns = _tile(images, len(rows))
        labels = {name: each[rows].tolist() for name, each in images.factors.items()}
        return {"count": len(rows), "tile": tile, "columns": columns, "labels": labels, "names": images.names}


def points_of(store: Store, run: str, layer: str, points: str) -> Points:
    """What an address asks for. points: "probe", or how many training images, at most all. Raises UnknownRun, ValueError.

    Training images are those of the dataset, which must not have been read again since.
    """
    if layer not in LAYERS:
        raise ValueError(f"layer must be one of {', '.join(LAYERS)}, got {layer[:20]}")
    found = store.run(run)
    if points == PROBE:
        return Points(store, found, layer)
    if not (points.isascii() and points.isdecimal() and len(points) < 9 and 2 <= int(points) <= MOST):
        raise ValueError(f"points must be probe, or a number of training images from 2 to {MOST:,}, got {points[:20] or 'nothing'}")
    if since := read_since(found):
        raise ValueError(f"{since} Those it trained on are gone: choose the watched images, which it keeps itself.")
    return Points(store, found, layer, min(int(points), len(images_here(found.config.data)[0])))


def images_here(data: Any) -> tuple[Images, Images]:
    """Training and probe images of a dataset, `config.data`, if it lies on the disk. Raises DataError: nothing is downloaded for a map."""
    from playground.datasets import load_images

    folder = home() / "data"
    if data.choice.missing(data, folder):
        raise DataError(f"the dataset {data.name} must be on this machine to show its images: fetch it on the Data page first")
    return load_images(data, folder)


def network(store: Store, run: str, step: int | None = None) -> Trained:
    """`trained`, with a sentence for what another version of the program left. Raises UnknownRun, NothingTrained."""
    try:
        return trained(store, run, step)
    except NothingTrained:
        raise
    except Damaged as error:
        raise NothingTrained(f"run {run} must have its weights to be looked through, got a file that is damaged: {error}") from None
    except (ValueError, RuntimeError, KeyError, TypeError, AttributeError, EOFError) as error:
        reason = str(error).splitlines()[0]
        raise NothingTrained(f"run {run} must be of this version of the program to be looked through, got: {reason}") from None


def newest_step(store: Store, run: str) -> list[int]:
    """The step of the newest weights there are, if any."""
    try:
        return [network(store, run).step]
    except NothingTrained:
        return steps_kept(store, run)[-1:]


def why_not(store: Store, run: str) -> str:
    """Why no other image than the probe's can be shown to a run, as a sentence; nothing where they can."""
    kept = steps_kept(store, run)
    try:
        network(store, run, kept[-1] if kept else None)
    except NothingTrained as error:
        return str(error)
    return ""


def sizes(store: Store, run: Run) -> dict[str, int]:
    """The dimensions of each layer that the run has; what an older run does not say is read off its newest snapshot."""
    if "layers" in run.facts:
        return dict(run.facts["layers"])
    folder = store.folder(run.id)
    steps = folder.steps()
    arrays = (folder.snapshot(steps[-1]) if steps else None) or {}
    return {layer: arrays[name].shape[1] for layer, name in FEATURES.items() if name in arrays}


def training_sprites(points: Points) -> tuple[bytes, Path]:
    """The picture of training images, one tile each, and where it is kept; made at the first call, or where it cannot be read."""
    path = points.folder.path / "maps" / f"points-{points.count}.jpg"
    with suppress(FileNotFoundError, Damaged):
        return safe_files.read(path), path
    images, rows = points.images()
    tile, columns = _tile(images, len(rows))
    small = torch.cat([_resized(images.pixels[part], tile) for part in rows.split(CHUNK)])
    file = io.BytesIO()
    Image.fromarray(sprite_sheet(small.movedim(1, -1).numpy(), columns)).save(file, format="JPEG", quality=88, subsampling=0)
    with suppress(HomeError):
        points.folder.save_file(path, file.getvalue())
    return file.getvalue(), path


def probe_pixels(store: Store, run: Run) -> Tensor:
    """The images that a run was measured on, (N, 3, H, W) uint8: from its own sprite sheet, so that no dataset is needed."""
    return store.derived.get(Key(run.id, run.attempt, 0, ("probe images",)), lambda: _probe_pixels(store.folder(run.id)))


def _probe_pixels(folder: RunFolder) -> Tensor:
    probe, found = folder.probe(), folder.sprites()
    if probe is None or found is None:
        raise ValueError("the run must have begun, got no probe images of it yet: or its files are gone")
    return tiles_of(found, probe["tile"], probe["count"])


def _tile(images: Images, count: int) -> tuple[int, int]:
    """The side of a tile, and how many stand in a row."""
    columns = math.ceil(math.sqrt(count))
    return max(8, min(images.pixels.shape[-1], SHEET // columns)), columns


def _resized(pixels: Tensor, side: int) -> Tensor:
    if pixels.shape[-1] == side:
        return pixels
    return torch.nn.functional.interpolate(pixels, (side, side), mode="bilinear", antialias=True)
