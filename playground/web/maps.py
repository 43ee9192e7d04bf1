"""Maps of what a run learned, through time, for the Embeddings page.

GET  /api/runs/{run}/map                  what can be shown: steps, kinds, layers, points and their labels; notes say what cannot
GET  /api/runs/{run}/map/{step}           one frame, lying as the one before it does
GET  /api/runs/{run}/points.jpg           the picture of `points` training images
GET  /api/runs/{run}/neighbors            the k nearest of an image, and how similar every other is
GET  /api/runs/{run}/clusters             k-means, numbered as in the frame before
GET  /api/runs/{run}/land                 where a probe image of a data set lands at every step that was kept; POST: a picture
GET  /api/runs/{run}/heads                where each head of a ViT's last block looks

`layer=backbone|projector`, `kind=umap|pca|pca3|tsne|sphere`, `points=probe` or a number of training images. Frames are computed
when they are asked for, in the order of their steps, and kept in the run's folder.
"""

from __future__ import annotations

import asyncio
import functools
import io
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import numpy as np
import torch
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from torch import Tensor

from playground import maps
from playground.config import RunConfig
from playground.datasets import CATALOG
from playground.datasets.decoding import Fit, decode
from playground.networks import ViT
from playground.projection import Projector
from playground.runs.points import LAYERS, Points, points_of, sizes, sprite_sheet, training_images, why_not
from playground.runs.pool import Pool
from playground.runs.trained import steps_kept, trained
from playground.web.files import answer, file, packed, tagged
from playground.web.masks import picture, probe_image, whole_number
from playground.web.turns import Turns

LARGEST = 8 << 20  # bytes of a picture that is sent
NOW, SOON, LATER = 0, 1, 2  # ranks: what is clicked, what colors the map, frames
HOW = {
    "pca": "projected on the map's own axes",
    "pca3": "projected on the map's own axes",
    "sphere": "its own unit vector",
    "umap": f"the mean of its {maps.LANDING} nearest neighbors' places, the nearer the heavier: UMAP has no exact place for it",
    "tsne": f"the mean of its {maps.LANDING} nearest neighbors' places, the nearer the heavier: t-SNE has no exact place for it",
}
Found = TypeVar("Found")


class Maps:
    """The answers. One thread computes, piece by piece; slow layouts are made by the process that lays out."""

    def __init__(self, pool: Callable[[], Pool], turns: Turns) -> None:
        self._pool, self._turns = pool, turns
        self._chains: defaultdict[tuple[str, ...], asyncio.Lock] = defaultdict(asyncio.Lock)

    def paths(self) -> dict[str, Callable[[Request], Any]]:
        """Address -> answer."""
        run = "/api/runs/{run}"
        return {
            f"{run}/map": self.map,
            f"{run}/map/{{step:int}}": self.frame,
            f"{run}/points.jpg": self.sprites,
            f"{run}/neighbors": self.neighbors,
            f"{run}/clusters": self.clusters,
            f"{run}/land": self.land,
            f"{run}/heads": self.heads,
        }

    def posts(self) -> dict[str, Callable[[Request], Any]]:
        """Those that take a file."""
        return {"/api/runs/{run}/land": self.land_file}

    async def map(self, request: Request) -> Response:
        """What there is to show."""
        return answer(await self._turn(SOON, lambda: self._described(request)))

    async def frame(self, request: Request) -> Response:
        """Where the points lie at one step."""
        points, kind = await self._asked(request)
        step = request.path_params["step"]
        _require_step(points, await self._turn(SOON, points.steps), step)
        found = await self._frame(points, kind, step)
        body = {"step": step, "xy": packed(found["xy"])} | {name: each.tolist() for name, each in found.items() if name != "xy"}
        return tagged(request, f"{points.run.attempt}-{points.name}-{kind}-{step}", body)

    def sprites(self, request: Request) -> Response:
        """Training images, one tile each."""
        points = points_of(self._pool().store, request.path_params["run"], "backbone", request.query_params.get("points", ""))
        if points.count is None:
            raise ValueError("points must be a number of training images: those of the probe set are in sprites.png")
        return file(request, sprite_sheet(points))

    async def neighbors(self, request: Request) -> Response:
        """Who is near an image."""
        points = await self._points(request)
        step, features = await self._at(points, request)
        image, k = _below("image", request, len(features), 0), _below("k", request, len(features), min(10, len(features) - 1))
        return answer(await self._turn(NOW, lambda: _neighbors(points, step, features, image, k)))

    async def clusters(self, request: Request) -> Response:
        """Groups that nobody named."""
        points = await self._points(request)
        step, features = await self._at(points, request)
        k = whole_number("k", request.query_params.get("k", "8"))
        labels = await self._clustered(points, k, step)
        return answer(await self._turn(SOON, lambda: _clusters(points, step, features, labels, k)))

    async def land(self, request: Request) -> Response:
        """Where a probe image of any data set lands."""
        points, kind = await self._asked(request)
        pixels = await self._turn(NOW, lambda: _probe_image(points, request))
        return answer(await self._landed(points, kind, pixels))

    async def land_file(self, request: Request) -> Response:
        """Where a picture lands. It is never written down."""
        points, kind = await self._asked(request)
        data = await _body(request)
        pixels = await self._turn(NOW, lambda: _squared(data, points.run.config))
        return answer(await self._landed(points, kind, pixels))

    async def heads(self, request: Request) -> Response:
        """Where a ViT looks."""
        return answer(await self._turn(NOW, lambda: _heads(self._pool(), request)))

    async def _asked(self, request: Request) -> tuple[Points, str]:
        """The points and the kind of map, which must go with them."""
        points, kind = await self._points(request), _kind(request)
        possible = maps.kinds_of(sizes(points.store, points.run).get(points.layer, 0))
        if kind not in possible:
            raise ValueError(
                f"kind must be one of {', '.join(possible)} for this layer, got {kind}: a sphere is drawn in 2 or 3 dimensions"
            )
        return points, kind

    async def _points(self, request: Request) -> Points:
        given, run = request.query_params, request.path_params["run"]
        asked = functools.partial(points_of, self._pool().store, run, given.get("layer", "backbone"), given.get("points", "probe"))
        return await run_in_threadpool(asked)

    async def _at(self, points: Points, request: Request) -> tuple[int, Tensor]:
        """The step that is meant, the newest unless one is named, and the features at it."""
        steps = await self._turn(SOON, points.steps)
        given = request.query_params.get("step", "")
        step = whole_number("step", given) if given else (steps[-1] if steps else 0)
        _require_step(points, steps, step)
        return step, await self._features(points, step, NOW)

    async def _features(self, points: Points, step: int, rank: int) -> Tensor:
        """(N, D) at a step: as they were measured, or by the weights of that step, a piece at a time so that others come between."""
        known = await run_in_threadpool(points.known, step)
        if known is not None:
            return known
        parts = await self._turn(rank, lambda: points.parts(step))
        features = torch.cat([await self._turn(rank, part) for part in parts])
        await run_in_threadpool(points.keep, step, features)
        return features

    async def _frame(self, points: Points, kind: str, step: int) -> dict[str, np.ndarray]:
        """A frame, after all those before it that are not there yet: each starts from the last."""

        async def laid_out(step: int, before: dict[str, np.ndarray] | None) -> dict[str, np.ndarray]:
            features = await self._features(points, step, LATER)
            previous = None if before is None else before["xy"]
            xy = await self._laid_out(points, kind, step, features, previous)
            return await self._turn(LATER, lambda: _measured(kind, features, xy))

        return await self._chain(points, f"{points.name}-{kind}", step, laid_out)

    async def _laid_out(self, points: Points, kind: str, step: int, features: Tensor, previous: np.ndarray | None) -> np.ndarray:
        if not maps.KINDS[kind].slow:
            return await self._turn(LATER, lambda: maps.quick_frame(kind, features, previous))
        made = points.folder.layout(step) if (kind, points.name) == ("umap", "backbone-probe") else None
        if made is None:
            made = await asyncio.wrap_future(self._projector.ask(kind, features, previous))
        return maps.aligned(made, previous)

    async def _clustered(self, points: Points, k: int, step: int) -> np.ndarray:
        async def found(step: int, before: dict[str, np.ndarray] | None) -> dict[str, np.ndarray]:
            features = await self._features(points, step, SOON)
            previous = None if before is None else before["labels"]
            return {"labels": await self._turn(SOON, lambda: maps.clusters(features, k, previous))}

        return (await self._chain(points, f"{points.name}-clusters{k}", step, found))["labels"]

    async def _chain(
        self,
        points: Points,
        name: str,
        step: int,
        make: Callable[[int, dict[str, np.ndarray] | None], Awaitable[dict[str, np.ndarray]]],
    ) -> dict[str, np.ndarray]:
        """One step of a series in which each is made from the one before; what was made is kept. One at a time makes a series."""
        folder = points.folder
        if (kept := folder.frame(name, step)) is not None:
            return kept
        async with self._chains[points.run.id, name]:
            before: dict[str, np.ndarray] | None = None
            for each in [each for each in await self._turn(SOON, points.steps) if each <= step]:
                found = folder.frame(name, each)
                if found is None:
                    found = await make(each, before)
                    self._keep(points, name, each, found)
                before = found
        if before is None:
            raise ValueError(f"run {points.run.id} has no frame of step {step} any more")
        return before

    def _keep(self, points: Points, name: str, step: int, found: dict[str, np.ndarray]) -> None:
        # The run may have gone back to a checkpoint meanwhile, and another snapshot of this step may come.
        if points.store.run(points.run.id).attempt == points.run.attempt:
            points.folder.save_frame(name, step, found)

    async def _landed(self, points: Points, kind: str, pixels: Tensor) -> dict[str, Any]:
        steps = await self._turn(SOON, points.steps)
        if reason := await self._turn(SOON, lambda: why_not(points.store, points.run)):
            raise ValueError(f"an image cannot land: {reason}")
        kept = [step for step in steps_kept(points.store, points.run.id) if steps] or steps[-1:]
        found = {}
        for step in kept:
            near = min(steps, key=lambda each: abs(each - step))
            frame = (await self._frame(points, kind, near))["xy"]
            features = await self._features(points, near, NOW)
            found[step] = await self._turn(NOW, functools.partial(_landing, points, kind, step, features, frame, pixels))
        return {"picture": picture(pixels[0].float() / 255), "how": HOW[kind], "steps": found}

    def _described(self, request: Request) -> dict[str, Any]:
        given = request.query_params
        points = points_of(self._pool().store, request.path_params["run"], given.get("layer", "backbone"), given.get("points", "probe"))
        kind, size = _kind(request), sizes(points.store, points.run)
        steps = points.steps()
        return {
            "steps": steps,
            "ready": [step for step in points.folder.frame_steps(f"{points.name}-{kind}") if step in steps],
            "kinds": {layer: maps.kinds_of(size[layer]) if layer in size else [] for layer in LAYERS},
            "layers": [layer for layer in LAYERS if layer in size],
            "sizes": size,
            "dimensions": maps.dimensions_of(kind, size.get(points.layer, 2)),
            "points": points.described(),
            "status": points.run.status,
            "notes": _notes(points, steps, size),
        }

    def _turn(self, rank: int, work: Callable[[], Found]) -> Awaitable[Found]:
        return asyncio.wrap_future(self._turns.ask(rank, work))

    @property
    def _projector(self) -> Projector:
        return self._pool().projector


def _measured(kind: str, features: Tensor, xy: np.ndarray) -> dict[str, np.ndarray]:
    """What is kept of a frame: the points, and what it leaves out."""
    numbers = {"variance": maps.variance(kind, features), "kept": maps.neighbors_kept(features, xy), "radius": maps.radius(xy)}
    return {"xy": xy.astype(np.float32)} | {name: np.asarray(each) for name, each in numbers.items() if each is not None}


def _notes(points: Points, steps: list[int], size: dict[str, int]) -> list[str]:
    """What cannot be shown, and why."""
    found = []
    if not size:
        found.append("Nothing was measured yet: a map comes with the first snapshot.")
    elif "projector" not in size:
        found.append("This run has no projector: its method compares what the backbone gives.")
    elif points.layer == "projector" and not steps:
        found.append("This run is of an older version that kept nothing of the projector: only the backbone can be shown.")
    if points.count is not None and points.count > 2000:
        found.append("More than 2,000 points are laid out at the newest checkpoint only.")
    if not steps_kept(points.store, points.run.id) and size:
        found.append("This run kept no weights through time: training images and other pictures can be shown at its checkpoint at most.")
    if (reason := why_not(points.store, points.run)) and size:
        found.append(f"No other picture can be placed on this map: {reason}.")
    described = points.described()
    if not any(max(each, default=-1) >= 0 for each in described["labels"].values()):
        found.append("These images have no labels, so they are colored by cluster or by similarity only.")
    if described["count"] < 17:
        found.append(f"UMAP needs 17 points at least, and there are {described['count']}: PCA stands in for it.")
    return found


def _neighbors(points: Points, step: int, features: Tensor, image: int, k: int) -> dict[str, Any]:
    similarity = maps.similarities(features, features[image])
    labels = points.described()["labels"]
    rows = maps.nearest(similarity, k, image)
    others = torch.cat((similarity[:image], similarity[image + 1 :]))
    notes = [] if maps.told_apart(others) else ["All images are equally near: their features are the same, and the order says nothing."]
    found = [_near(row, float(similarity[row])) | {"shared": _shared(labels, image, row)} for row in rows]
    return {"neighbors": found, "similarity": packed(similarity.numpy()), "step": step, "centered": False, "notes": notes}


def _near(row: int, similarity: float) -> dict[str, Any]:
    return {"image": row, "similarity": similarity, "distance": maps.distance(similarity)}


def _shared(labels: dict[str, list[int]], one: int, other: int) -> dict[str, bool]:
    """Which factors two images share, of those that are known of both."""
    return {name: each[one] == each[other] for name, each in labels.items() if each[one] >= 0 and each[other] >= 0}


def _clusters(points: Points, step: int, features: Tensor, labels: np.ndarray, k: int) -> dict[str, Any]:
    factors = points.described()["labels"]
    found = len(set(labels.tolist()))
    notes = [] if found == k else [f"Only {found} of {k} clusters have images: there are no more different features."]
    measured = {"agreement": maps.agreement(labels, factors), "silhouette": maps.silhouette(features, labels)}
    return {"labels": labels.tolist(), "k": k, "step": step, "notes": notes} | measured


def _landing(points: Points, kind: str, step: int, features: Tensor, frame: np.ndarray, pixels: Tensor) -> dict[str, Any]:
    image = points.look(step, pixels)[0]
    similarity = maps.similarities(features, image)
    near = [_near(row, float(similarity[row])) for row in maps.nearest(similarity, maps.LANDING)]
    return {"xy": maps.land(kind, features, frame, image).tolist(), "neighbors": near}


def _probe_image(points: Points, request: Request) -> Tensor:
    """(1, 3, H, W) uint8 of the size the run sees: a probe image of the data set that is named, or of the run itself."""
    name, number = request.query_params.get("data", ""), whole_number("image", request.query_params.get("image", "0"))
    if not name:
        return (probe_image(points.store, points.run.id, number) * 255).round().to(torch.uint8)
    if name not in CATALOG:
        raise ValueError(f"data must be one of {', '.join(CATALOG)}, got {name[:40]}")
    images = training_images(RunConfig(data=name).data, probe=True)
    if number >= len(images):
        raise ValueError(f"image must be below {len(images):,}, the number of probe images of {name}, got {number}")
    return _as_seen(images.pixels[number : number + 1], points.run.config)


def _squared(data: bytes, config: RunConfig) -> Tensor:
    """A picture's file -> (1, 3, H, W) uint8, brought to a square as the run's data are. Raises Unreadable."""
    fit: Fit = getattr(config.data, "fit", "crop")
    return _as_seen(torch.from_numpy(decode(io.BytesIO(data), config.data.image_size, fit))[None], config)


def _as_seen(pixels: Tensor, config: RunConfig) -> Tensor:
    """In the size of the run's images, and gray where those are."""
    side = config.data.image_size
    if pixels.shape[-1] != side:
        pixels = torch.nn.functional.interpolate(pixels.contiguous(), (side, side), mode="bilinear", antialias=True)
    if not config.data.choice.colored:
        luma = (pixels.float() * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)
        pixels = luma.round().to(torch.uint8).expand(-1, 3, -1, -1).contiguous()
    return pixels


def _heads(pool: Pool, request: Request) -> dict[str, Any]:
    store, run, given = pool.store, request.path_params["run"], request.query_params
    step = whole_number("step", given["step"]) if given.get("step") else None
    found = trained(store, run, step)
    encoder = found.method.encoder
    if not isinstance(encoder, ViT):
        raise ValueError(f"run {run} must have a ViT, got {found.config.network.choice.title}: only those have attention to look at")
    image = probe_image(store, run, whole_number("image", given.get("image", "0")))
    attention = encoder.attention(image)[0]
    if given.get("patch"):
        patch = whole_number("patch", given["patch"])
        if patch >= attention.shape[1]:
            raise ValueError(f"patch must be below {attention.shape[1]}, the number of patches, got {patch}")
        rows = attention[:, patch]
    else:
        rows = attention.mean(1)
    steps = sorted({*steps_kept(store, run), found.step})
    return {"heads": rows.tolist(), "grid": encoder.grid, "step": found.step, "steps": steps}


async def _body(request: Request) -> bytes:
    """What was sent, as long as it is not too long. Raises ValueError."""
    parts, length = [], 0
    async for part in request.stream():
        length += len(part)
        if length > LARGEST:
            raise ValueError(f"a picture must have at most {LARGEST >> 20} MB, got more")
        parts.append(part)
    return b"".join(parts)


def _kind(request: Request) -> str:
    kind = request.query_params.get("kind", "umap")
    if kind not in maps.KINDS:
        raise ValueError(f"kind must be one of {', '.join(maps.KINDS)}, got {kind[:20]}")
    return kind


def _below(name: str, request: Request, limit: int, otherwise: int) -> int:
    number = whole_number(name, request.query_params.get(name, str(otherwise)))
    if number >= limit:
        raise ValueError(f"{name} must be below {limit:,}, the number of points, got {number}")
    return number


def _require_step(points: Points, steps: list[int], step: int) -> None:
    if step not in steps:
        some = ", ".join(map(str, steps)) if steps else "it has none"
        raise ValueError(f"step of run {points.run.id} must be one that can be shown ({some}), got {step}")
