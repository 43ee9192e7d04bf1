"""The frames of maps, and whatever else is made step by step: computed when somebody asks, kept in the run's folder.

One thread computes, piece by piece. Slow layouts are made by the process that lays out, and the server waits for neither.
"""

from __future__ import annotations

import asyncio
import functools
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

import numpy as np
import torch
from starlette.concurrency import run_in_threadpool
from torch import Tensor

from playground.analysis import maps
from playground.analysis.map_kinds import KINDS
from playground.home import HomeError
from playground.machine.priority_executor import PriorityExecutor
from playground.runs.points import Points
from playground.runs.pool import Pool

NOW, SOON, LATER = 0, 1, 2  # ranks: what somebody has clicked, what colors the map, frames
Arrays = dict[str, np.ndarray]
Found = TypeVar("Found")


class Frames:
    """Everything that one step of a map takes."""

    def __init__(self, pool: Callable[[], Pool], executor: PriorityExecutor) -> None:
        self.pool, self._executor = pool, executor
        self._series: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    def turn(self, rank: int, work: Callable[[], Found]) -> Awaitable[Found]:
        """What `work` returns when its turn has come."""
        return asyncio.wrap_future(self._executor.submit(work, rank))

    async def features(self, points: Points, step: int, rank: int) -> Tensor:
        """(N, D) at a step: as they were measured, or by the weights of that step, a piece at a time so that others come between."""
        known = await run_in_threadpool(points.known, step)
        if known is not None:
            return known
        parts = await self.turn(rank, lambda: points.parts(step))
        found = [await self.turn(rank, part) for part in parts]
        features = {layer: torch.cat([part[layer] for part in found]) for layer in found[0]}
        if _current(points):
            await run_in_threadpool(_keep, points.keep, step, features)
        return features[points.layer]

    async def map(self, points: Points, kind: str, step: int) -> Arrays:
        """xy: (N, 2 or 3), lying as the frame before it does; variance: of PCA; kept: of each point's nearest; radius."""

        async def made(step: int, before: Arrays | None) -> Arrays:
            features = await self.features(points, step, LATER)
            xy, numbers = await self._laid_out(points, kind, step, features, None if before is None else before["xy"])
            return await self.turn(LATER, lambda: _measured(features, xy) | numbers)

        return await self._chain(points, f"{points.name}-{kind}", step, made)

    async def shadow(self, points: Points, step: int) -> Arrays:
        """The PCA of one step, whatever came before: what is looked at until a slow layout is there. It is kept nowhere."""
        features = await self.features(points, step, SOON)
        xy, numbers = await self.turn(SOON, lambda: KINDS["pca"].frame(features, None))
        return await self.turn(SOON, lambda: _measured(features, xy)) | _arrays(numbers)

    async def clusters(self, points: Points, k: int, step: int) -> Arrays:
        """labels: (N,) numbers below k, those of the frame before where the clusters are the same; silhouette."""

        async def made(step: int, before: Arrays | None) -> Arrays:
            features = await self.features(points, step, SOON)
            return await self.turn(SOON, lambda: _clustered(features, k, None if before is None else before["labels"]))

        return await self._chain(points, f"{points.name}-clusters{k}", step, made)

    async def _laid_out(
        self, points: Points, kind: str, step: int, features: Tensor, previous: np.ndarray | None
    ) -> tuple[np.ndarray, Arrays]:
        if not KINDS[kind].slow:
            xy, numbers = await self.turn(LATER, lambda: KINDS[kind].frame(features, previous))
            return xy, _arrays(numbers)
        made = points.folder.layout(step) if (kind, points.name) == ("umap", "backbone-probe") else None
        if made is None or len(made) != len(features):
            made = await self._by_landmarks(kind, features, previous)
        return maps.aligned(made, previous), {}

    async def _by_landmarks(self, kind: str, features: Tensor, previous: np.ndarray | None) -> np.ndarray:
        """Of many points the first are laid out, and the others placed among them: points are in random order already."""
        laid, others = features[: maps.LANDMARKS], features[maps.LANDMARKS :]
        frame = await self._by_process(kind, laid, None if previous is None else previous[: len(laid)])
        parts = [await self.turn(LATER, functools.partial(maps.placed, laid, frame, part)) for part in others.split(maps.PART) if len(part)]
        return np.concatenate([frame, *parts])

    async def _by_process(self, kind: str, features: Tensor, previous: np.ndarray | None) -> np.ndarray:
        projector = self.pool().projector
        if projector is None:
            quick = ", ".join(name for name, each in KINDS.items() if not each.slow)
            raise ValueError(f"kind must be one of {quick} where no process lays out maps, got {kind}")
        return await asyncio.wrap_future(projector.lay_out(kind, features, previous))

    async def _chain(self, points: Points, name: str, step: int, make: Callable[[int, Arrays | None], Awaitable[Arrays]]) -> Arrays:
        """One step of a series in which each is made from the one before. Nobody else makes the same series meanwhile."""
        folder = points.folder
        kept = await run_in_threadpool(folder.frame, name, step)
        if kept is not None:
            return kept
        async with self._series[points.run.id, name]:
            steps = [each for each in await self.turn(SOON, points.steps) if each <= step]
            before, todo = await run_in_threadpool(_last_kept, points, name, steps)
            for each in todo:
                before = await make(each, before)
                if _current(points):
                    await run_in_threadpool(_keep, folder.save_frame, name, each, before)
        if before is None:
            raise ValueError(f"run {points.run.id} has no step {step} any more")
        return before


def _keep(save: Callable[..., None], *what: Any) -> None:
    """For the next time; where the disk has no room, it is made again then."""
    with suppress(HomeError):
        save(*what)


def _last_kept(points: Points, name: str, steps: list[int]) -> tuple[Arrays | None, list[int]]:
    """The newest frame from which all later ones can be made, and the steps that are still to do after it."""
    kept = set(points.folder.frame_steps(name))
    done = next((number for number, step in enumerate(steps) if step not in kept), len(steps))
    return (points.folder.frame(name, steps[done - 1]) if done else None), steps[done:]


def _current(points: Points) -> bool:
    """Whether the run has not gone back to a checkpoint since the points were asked for: other frames of these steps may come."""
    return points.store.run(points.run.id).attempt == points.run.attempt


def _clustered(features: Tensor, k: int, previous: np.ndarray | None) -> Arrays:
    labels = maps.clusters(features, k, previous)
    found = maps.silhouette(features, labels)
    return {"labels": labels} | ({} if found is None else {"silhouette": np.asarray(found)})


def _arrays(numbers: dict[str, Any]) -> Arrays:
    return {name: np.asarray(each) for name, each in numbers.items()}


def _measured(features: Tensor, xy: np.ndarray) -> dict[str, Any]:
    """What is kept of a frame: the points, and what it leaves out."""
    numbers = {"kept": maps.neighbors_kept(features, xy), "radius": maps.radius(xy)}
    return {"xy": xy.astype(np.float32)} | {name: np.asarray(each) for name, each in numbers.items() if each is not None}
