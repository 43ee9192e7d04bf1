"""Maps of what a run learned, through time, for the Embeddings page.

GET  /api/runs/{run}/map           what can be shown: steps (ready: those whose frames are made), kinds, points; notes say what cannot
GET  /api/runs/{run}/map/{step}    one frame, lying as the one before it does. kept: the share of each point's 10 nearest that stay near
GET  /api/runs/{run}/map/{step}/pca  the PCA of that step, at once: what is shown until its UMAP or t-SNE is laid out
GET  /api/runs/{run}/points.jpg    the picture of `points` training images
GET  /api/runs/{run}/neighbors     the k nearest of an image, and how similar every other is
GET  /api/runs/{run}/clusters      k-means, numbered as in the frame before
GET  /api/runs/{run}/land          where a probe image of a dataset lands at every step that was kept; POST: a picture
GET  /api/runs/{run}/heads         where each head of a ViT's last block looks

`layer=backbone|projector`, `kind=umap|pca|pca3|tsne|sphere`, `points=probe` or a number of training images. Frames are computed
when they are asked for, in the order of their steps, and kept in the run's folder. `format=json`, or `binary`: `frame_bytes` says how.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from starlette.requests import Request
from starlette.responses import Response
from torch import Tensor

from playground.analysis import maps
from playground.analysis.map_kinds import KINDS, kinds_of
from playground.machine.priority_executor import PriorityExecutor
from playground.metric_names import LAYERS
from playground.runs.condition import condition
from playground.runs.points import MANY, Points, sizes, training_sprites, why_not
from playground.runs.pool import Pool
from playground.runs.trained import steps_kept
from playground.web.files import answer, content, packed, tagged
from playground.web.frame_bytes import frame_bytes
from playground.web.frames import NOW, SOON, Arrays, Frames
from playground.web.landing import Landing
from playground.web.numbers import number_param
from playground.web.params import below_param, format_param, kind_param, map_param, points_param, step_param

UMAP_NEEDS = 17  # points


class Maps:
    """The answers."""

    def __init__(self, pool: Callable[[], Pool], executor: PriorityExecutor) -> None:
        self._frames = Frames(pool, executor)
        self._landing = Landing(self._frames)

    def paths(self) -> dict[str, Callable[[Request], Any]]:
        """Address -> answer."""
        run = "/api/runs/{run}"
        return {
            f"{run}/map": self.map,
            f"{run}/map/{{step:step}}": self.frame,
            f"{run}/map/{{step:step}}/pca": self.shadow,
            f"{run}/points.jpg": self.sprites,
            f"{run}/neighbors": self.neighbors,
            f"{run}/clusters": self.clusters,
            f"{run}/land": self._landing.known,
            f"{run}/heads": self._landing.heads,
        }

    def posts(self) -> dict[str, Callable[[Request], Any]]:
        """Those that take a file."""
        return {"/api/runs/{run}/land": self._landing.sent}

    async def map(self, request: Request) -> Response:
        """What there is to show."""
        kind, points = kind_param(request), await points_param(self._frames, request)
        return answer(await self._frames.turn(SOON, lambda: _described(points, kind)))

    async def frame(self, request: Request) -> Response:
        """Where the points lie at one step."""
        points, kind = await map_param(self._frames, request)
        step = await step_param(self._frames, points, request)
        found = await self._frames.map(points, kind, step)
        return _frame(request, f"{points.run.attempt}-{points.name}-{kind}-{step}", found, step)

    async def shadow(self, request: Request) -> Response:
        """Where they lie meanwhile."""
        points = await points_param(self._frames, request)
        step = await step_param(self._frames, points, request)
        found = await self._frames.shadow(points, step)
        return _frame(request, f"{points.run.attempt}-{points.name}-shadow-{step}", found, step)

    async def sprites(self, request: Request) -> Response:
        """Training images, one tile each."""
        points = await points_param(self._frames, request)
        if not points.count:
            raise ValueError("points must be a number of training images: the picture of the probe set is sprites.png")
        return content(request, *await self._frames.turn(SOON, lambda: training_sprites(points)))

    async def neighbors(self, request: Request) -> Response:
        """Who is near an image."""
        points = await points_param(self._frames, request)
        step = await step_param(self._frames, points, request)
        features = await self._frames.features(points, step, NOW)
        image, count = below_param("image", request, len(features), 0), len(features)
        k = below_param("k", request, count, min(10, count - 1))
        return answer(await self._frames.turn(NOW, lambda: _neighbors(points, step, features, image, k)))

    async def clusters(self, request: Request) -> Response:
        """Groups that nobody named."""
        points = await points_param(self._frames, request)
        step, k = await step_param(self._frames, points, request), number_param(request, "k", 8)
        found = await self._frames.clusters(points, k, step)
        return answer(await self._frames.turn(SOON, lambda: _clusters(points, found, k) | {"step": step}))


def _frame(request: Request, tag: str, found: Arrays, step: int) -> Response:
    facts = {name: each.tolist() for name, each in found.items() if name != "xy"} | {"step": step}
    if format_param(request) == "binary":
        return tagged(request, f"{tag}-binary", lambda: frame_bytes(facts, found["xy"]))
    return tagged(request, tag, facts | {"xy": packed(found["xy"])})


def _described(points: Points, kind: str) -> dict[str, Any]:
    size, steps, described = sizes(points.store, points.run), points.steps(), points.described()
    shown = [layer for layer in LAYERS if replace(points, layer=layer).steps()]
    return {
        "steps": steps,
        "ready": [step for step in points.folder.frame_steps(f"{points.name}-{kind}") if step in steps],
        "kinds": {layer: kinds_of(size[layer]) if layer in shown else [] for layer in LAYERS},
        "layers": shown,
        "sizes": size,
        "dimensions": KINDS[kind].dimensions(size.get(points.layer, 0)),
        "points": described,
        "status": points.run.status,
        "notes": _notes(points, kind, steps, size, described),
    }


def _notes(points: Points, kind: str, steps: list[int], size: dict[str, int], described: dict[str, Any]) -> list[str]:
    """What cannot be shown, and why."""
    if not size or not described["count"]:
        return condition(points.folder, points.run) or ["Nothing was measured yet: a map comes with the first snapshot."]
    reason, kept = why_not(points.store, points.run.id), steps_kept(points.store, points.run.id)
    labeled = any(max(each, default=-1) >= 0 for each in described["labels"].values())
    count, gone = described["count"], condition(points.folder, points.run)
    placed = KINDS[kind].slow and count > maps.LANDMARKS
    nothing = points.layer in size and not steps and not points.count
    found = {
        "This run has nothing of a projector: its method has none, or it was trained by an older version.": "projector" not in size,
        "Nothing was kept of this layer: the run is of an older version.": nothing and bool(points.folder.steps()),
        f"More than {MANY:,} points are laid out at the newest weights only.": (points.count or 0) > MANY,
        "No weights were kept through time: other pictures, and training images, are shown at the newest only.": not kept and not reason,
        f"No other picture can be placed on this map, and no training image shown: {reason}.": reason,
        "These images have no labels: they can be colored by cluster or by similarity.": not labeled,
        f"Of these images {maps.LANDMARKS:,} are laid out; each other one stands between the {maps.LANDING} nearest of them.": placed,
        f"UMAP needs {UMAP_NEEDS} points at least, got {count}: PCA stands in for it.": count < UMAP_NEEDS,
    }
    return gone + [sentence for sentence, holds in found.items() if holds]


def _neighbors(points: Points, step: int, features: Tensor, image: int, k: int) -> dict[str, Any]:
    similarity, labels = maps.similarities(features, features[image]), points.described()["labels"]
    others = torch.cat((similarity[:image], similarity[image + 1 :]))
    notes = [] if maps.told_apart(others) else ["All images are equally near: their features are the same, and the order says nothing."]
    rows = maps.nearest(similarity, k, image)
    found = [maps.near(row, float(similarity[row])) | {"shared": _shared(labels, image, row)} for row in rows]
    return {"neighbors": found, "similarity": packed(similarity.numpy()), "step": step, "centered": False, "notes": notes}


def _shared(labels: dict[str, list[int]], one: int, other: int) -> dict[str, bool]:
    """Which factors two images share, of those that are known of both."""
    return {name: each[one] == each[other] for name, each in labels.items() if each[one] >= 0 and each[other] >= 0}


def _clusters(points: Points, made: Arrays, k: int) -> dict[str, Any]:
    labels, silhouette = made["labels"], made.get("silhouette")
    found = len(set(labels.tolist()))
    notes = [] if found == k else [f"Only {found} of {k} clusters have images: there are no more different features."]
    agreement = maps.agreement(labels, points.described()["labels"])
    return {"labels": labels.tolist(), "k": k, "agreement": agreement, "silhouette": silhouette, "notes": notes}
