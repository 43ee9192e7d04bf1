"""The kinds of map: how each lays out points, where a new image lands on it, and how it is to be read.

    KINDS["pca"].frame(features, previous)

Features are (N, D) float tensors, frames (N, 2) or (N, 3) float32 arrays. A new kind is one entry of `KINDS`: routes, pages and scripts
take names, titles and cautions from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from playground.analysis.maps import LANDING, aligned, placed
from playground.diagnostics.geometry import unit
from playground.projection import principal_axes

NEIGHBORS = "by neighbors: distances between groups, and sizes of groups, mean little."
PROJECTED = "PCA is a linear projection: points that overlap here may be far apart in other directions."


@dataclass(frozen=True)
class Kind:
    """title, caution: for the page; needs: what a layer must be for this kind, as a sentence, empty where every layer is.

    slow: frames come from the layout process, each starting from the one before; others are made by `frame`. round: all points lie on a
    circle or a sphere of radius 1, which is drawn.
    """

    title: str
    caution: str
    needs: str = ""
    slow: bool = False
    round: bool = False

    def fits(self, size: int) -> bool:
        """Whether a layer of `size` dimensions can be drawn so."""
        return True

    def dimensions(self, size: int) -> int:
        """Of a frame, 2 or 3."""
        raise NotImplementedError

    def frame(self, features: Tensor, previous: np.ndarray | None) -> tuple[np.ndarray, dict[str, Any]]:
        """A frame that lies as `previous` (N, d) does, and its numbers. Not of a slow kind."""
        raise NotImplementedError

    def land(self, features: Tensor, frame: np.ndarray, image: Tensor) -> np.ndarray:
        """The position of a new image (D,) in a frame (N, d) of features (N, D): (d,)."""
        raise NotImplementedError

    @property
    def how(self) -> str:
        """How a new image is placed, for the page."""
        raise NotImplementedError


@dataclass(frozen=True)
class ByNeighbors(Kind):
    """UMAP and t-SNE: a new image lies between its nearest neighbors, each weighted by one over its squared distance, so that an image of
    the map gets its own position."""

    slow: bool = True

    def dimensions(self, size: int) -> int:  # noqa: D102
        return 2

    def land(self, features: Tensor, frame: np.ndarray, image: Tensor) -> np.ndarray:  # noqa: D102
        return placed(features, frame, image[None])[0]

    @property
    def how(self) -> str:  # noqa: D102
        nearest = f"the mean of its {LANDING} nearest neighbors' places, the nearer the heavier"
        return f"{nearest}, because {self.title} has no place of its own for it"


@dataclass(frozen=True)
class PrincipalAxes(Kind):
    """PCA, rotated to match the frame before. A new image is placed exactly, along the axes of the frame."""

    axes: int = 2

    def dimensions(self, size: int) -> int:  # noqa: D102
        return self.axes

    def frame(self, features: Tensor, previous: np.ndarray | None) -> tuple[np.ndarray, dict[str, Any]]:
        """variance: the share of the variance on each axis, the largest first, before the rotation, which does not change the sum."""
        axes = principal_axes(features, self.axes)
        return aligned(axes.place(features), previous), {"variance": axes.shares.tolist()}

    def land(self, features: Tensor, frame: np.ndarray, image: Tensor) -> np.ndarray:  # noqa: D102
        axes = principal_axes(features, self.axes)
        if not axes.directions.any():
            return frame.mean(0)
        # The frame is a rotated PCA; the new point is rotated in the same way.
        own = axes.place(features).astype(np.float64)
        left, _, right = np.linalg.svd((own - own.mean(0)).T @ (frame - frame.mean(0)))
        return ((axes.place(image[None])[0] - own.mean(0)) @ (left @ right) + frame.mean(0)).astype(np.float32)

    @property
    def how(self) -> str:  # noqa: D102
        return "exactly, along the axes of the map"


@dataclass(frozen=True)
class Sphere(Kind):
    """The unit rows themselves, of a layer in two or three dimensions."""

    def fits(self, size: int) -> bool:  # noqa: D102
        return size in (2, 3)

    def dimensions(self, size: int) -> int:  # noqa: D102
        return 2 if size == 2 else 3

    def frame(self, features: Tensor, previous: np.ndarray | None) -> tuple[np.ndarray, dict[str, Any]]:  # noqa: D102
        return unit(features).numpy(), {}

    def land(self, features: Tensor, frame: np.ndarray, image: Tensor) -> np.ndarray:  # noqa: D102
        return unit(image[None])[0].numpy()

    @property
    def how(self) -> str:  # noqa: D102
        return "its own unit vector"


KINDS: dict[str, Kind] = {
    "umap": ByNeighbors("UMAP", f"Read UMAP {NEIGHBORS}"),
    "pca": PrincipalAxes("PCA", PROJECTED),
    "pca3": PrincipalAxes("PCA 3-D", f"{PROJECTED} Drag to turn it.", axes=3),
    "tsne": ByNeighbors("t-SNE", f"Read t-SNE {NEIGHBORS}"),
    "sphere": Sphere(
        "Sphere",
        "No projection: this is the space itself, every output at length 1.",
        round=True,
        needs="for outputs of two or three numbers: train with a projection size of 2 or 3",
    ),
}


def kinds_of(size: int) -> list[str]:
    """The kinds of map for a layer of `size` dimensions."""
    return [name for name, kind in KINDS.items() if kind.fits(size)]
