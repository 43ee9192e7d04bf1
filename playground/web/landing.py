"""Pictures that are shown to a run as it was at every step that was kept: where they land, and where its attention goes."""

from __future__ import annotations

import asyncio
import functools
import io
from typing import Any

import torch
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from torch import Tensor

from playground.analysis import maps
from playground.analysis.map_kinds import KINDS
from playground.config import RunConfig
from playground.datasets import CATALOG
from playground.datasets.decoding import Fit, Unreadable, decode
from playground.runs.points import Points, images_here, network, newest_step, why_not
from playground.runs.store import Store
from playground.runs.trained import steps_kept
from playground.web.files import answer
from playground.web.frames import NOW, SOON, Arrays, Frames
from playground.web.masks import picture, probe_image
from playground.web.numbers import number_param, whole_number
from playground.web.params import map_param

LARGEST = 8 << 20  # bytes of a picture that is sent
READ = 8  # times that: a browser reads no answer before it has sent everything, so what is too long is read and thrown away


class Landing:
    """The answers about pictures that are not on the map."""

    def __init__(self, frames: Frames) -> None:
        self._frames = frames
        self._decoding = asyncio.Lock()  # a picture of 80 million pixels takes memory: one at a time, and beside the turns of others

    async def known(self, request: Request) -> Response:
        """Where a probe image of any dataset lands."""
        points, kind = await map_param(self._frames, request)
        pixels = await self._frames.turn(NOW, lambda: _probe_image(points, request))
        return answer(await self._landed(points, kind, pixels))

    async def sent(self, request: Request) -> Response:
        """Where a picture lands. It is never written down."""
        points, kind = await map_param(self._frames, request)
        data = await _body(request)
        async with self._decoding:
            pixels = await run_in_threadpool(squared, data, points.run.config)
        return answer(await self._landed(points, kind, pixels))

    async def heads(self, request: Request) -> Response:
        """Where each head of a ViT's last block looks."""
        store = self._frames.pool().store
        return answer(await self._frames.turn(NOW, lambda: _heads(store, request)))

    async def _landed(self, points: Points, kind: str, pixels: Tensor) -> dict[str, Any]:
        steps = await self._frames.turn(SOON, lambda: _steps(points))
        found = {}
        for step, shown in steps:
            frame = await self._frames.map(points, kind, shown)
            features = await self._frames.features(points, shown, NOW)
            found[step] = await self._frames.turn(NOW, functools.partial(_landing, points, kind, step, features, frame, pixels))
        return {"picture": picture(pixels[0].float() / 255), "how": KINDS[kind].how, "steps": found}


def _steps(points: Points) -> list[tuple[int, int]]:
    """(step of the weights, step of the frame) wherever both are; else the newest weights in the nearest frame. Raises ValueError."""
    if reason := why_not(points.store, points.run.id):
        raise ValueError(f"no picture can be placed on this map: {reason}")
    shown = points.steps()
    if not shown:
        raise ValueError(f"run {points.run.id} must have a map to land on, got none of its {points.layer}")
    kept = [(step, step) for step in steps_kept(points.store, points.run.id) if step in shown]
    newest = newest_step(points.store, points.run.id)
    return kept or [(step, min(shown, key=lambda each: abs(each - step))) for step in newest]


def _landing(points: Points, kind: str, step: int, features: Tensor, frame: Arrays, pixels: Tensor) -> dict[str, Any]:
    image = points.look(step, pixels)[points.layer][0]
    similarity = maps.similarities(features, image)
    near = [maps.near(row, float(similarity[row])) for row in maps.nearest(similarity, maps.LANDING)]
    return {"xy": KINDS[kind].land(features, frame["xy"], image).tolist(), "neighbors": near}


def _probe_image(points: Points, request: Request) -> Tensor:
    """(1, 3, H, W) uint8 in the size that the run sees: a probe image of the dataset that is named, or of the run itself."""
    name, number = request.query_params.get("data", ""), number_param(request, "image", 0)
    if not name:
        return (probe_image(points.store, points.run.id, number) * 255).round().to(torch.uint8)
    if name not in CATALOG:
        raise ValueError(f"data must be one of {', '.join(CATALOG)}, got {name[:40]}")
    images = images_here(RunConfig(data=name).data)[1]
    if number >= len(images):
        raise ValueError(f"image must be below {len(images):,}, the number of probe images of {name}, got {number}")
    return _as_seen(images.pixels[number : number + 1], points.run.config)


def squared(data: bytes, config: RunConfig) -> Tensor:
    """A picture's file -> (1, 3, H, W) uint8, brought to a square as the run's data are. Raises ValueError."""
    fit: Fit = getattr(config.data, "fit", "crop")
    try:
        pixels = decode(io.BytesIO(data), config.data.image_size, fit, config.data.choice.pixel_range(config.data))
    except Unreadable as error:
        raise ValueError(f"this picture cannot be read: {error}") from None
    return _as_seen(torch.from_numpy(pixels)[None], config)


def _as_seen(pixels: Tensor, config: RunConfig) -> Tensor:
    """In the size of the run's images, and gray where those are."""
    side = config.data.image_size
    if pixels.shape[-1] != side:
        pixels = torch.nn.functional.interpolate(pixels.contiguous(), (side, side), mode="bilinear", antialias=True)
    if not config.data.choice.colored:
        luma = (pixels.float() * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)
        pixels = luma.round().to(torch.uint8).expand(-1, 3, -1, -1).contiguous()
    return pixels


def _heads(store: Store, request: Request) -> dict[str, Any]:
    run, given = request.path_params["run"], request.query_params
    steps = [whole_number("step", given["step"])] if given.get("step") else newest_step(store, run)
    found = network(store, run, steps[0] if steps else None)
    attention = found.method.attention(probe_image(store, run, number_param(request, "image", 0)))
    if attention is None:
        kind = f"{found.config.method.choice.title} on {found.config.network.choice.title}"
        raise ValueError(f"run {run} must look at patches with a ViT to show its attention, got {kind}")
    patches = attention.shape[-1]
    rows, patch = attention[0].mean(1), given.get("patch")
    if patch:
        if whole_number("patch", patch) >= patches:
            raise ValueError(f"patch must be below {patches}, the number of patches, got {patch}")
        rows = attention[0, :, int(patch)]
    steps = sorted({*steps_kept(store, run), found.step})
    return {"heads": rows.tolist(), "grid": round(patches**0.5), "step": found.step, "steps": steps}


async def _body(request: Request) -> bytes:
    """What was sent, as long as it is not too long. Raises ValueError."""
    parts, length = [], 0
    async for part in request.stream():
        length += len(part)
        if length <= LARGEST:
            parts.append(part)
        elif length > READ * LARGEST:
            break
    if length > LARGEST:
        raise ValueError(f"a picture must have at most {LARGEST >> 20} MB, got more")
    return b"".join(parts)
