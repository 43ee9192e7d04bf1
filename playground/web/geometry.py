"""The geometry of a run's representation, as numbers and pictures for the panel of that name.

GET /api/runs/{run}/geometry?step=120&layer=projector        every measure of the features, beside step 0; each factor; correlations
GET /api/runs/{run}/geometry/views?step=120&layer=projector  what many views of each image say, by the weights kept nearest to the step
GET /api/runs/{run}/geometry/cka?step=120&layer=projector&other=RUN    how alike steps, layers, and two runs are

Without `step` the newest snapshot is meant, without `layer` the backbone. One question is worked on at a time: visitors queue.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from starlette.requests import Request
from starlette.responses import Response
from torch import Tensor

from playground.analysis.layer_report import BY_FACTOR, LayerReport, ViewsReport, layer_report, measured_on, top, views_report
from playground.config import RunConfig
from playground.diagnostics.labels import chance, too_few
from playground.diagnostics.similarity import cka_matrix
from playground.machine.priority_executor import PriorityExecutor
from playground.metric_names import FEATURES, LAYERS
from playground.runs.derived import Key
from playground.runs.folder import RunFolder
from playground.runs.points import probe_pixels
from playground.runs.pool import Pool
from playground.runs.records import Run
from playground.runs.store import Store
from playground.runs.trained import steps_kept, trained
from playground.web.files import answer, packed
from playground.web.numbers import whole_number

COMPARED = 1024  # images, at most, by which representations are compared
MOST = 20  # steps of a run that are compared with each other
RANKS = {"": 1, "/cka": 2, "/views": 3}  # numbers before heat maps, and what needs a network last; a stroke of a pen comes before all


class Geometry:
    """The answers, in turn with everybody else's."""

    def __init__(self, pool: Callable[[], Pool], executor: PriorityExecutor) -> None:
        self._pool, self._executor = pool, executor

    def paths(self) -> dict[str, Callable[[Request], Any]]:
        """Address -> answer."""
        answers = {"": measured, "/cka": compared, "/views": viewed}
        return {f"/api/runs/{{run}}/geometry{name}": functools.partial(self._answer, RANKS[name], each) for name, each in answers.items()}

    async def _answer(self, rank: int, found: Callable[[Store, Request], dict[str, Any]], request: Request) -> Response:
        work = functools.partial(found, self._pool().store, request)
        try:
            return answer(await asyncio.wrap_future(self._executor.submit(work, rank)))
        except FileNotFoundError as error:  # deleted, or taken back to an earlier step, in this very moment
            raise ValueError(f"run {request.path_params['run']} must still have its files, got some that are gone") from error


def measured(store: Store, request: Request) -> dict[str, Any]:
    """Numbers, factors, correlations and spectrum of one layer at one step, with those of step 0 beside them."""
    run, folder, layer, step = _params(store, request)
    now, first = (_report(store, run, each, layer) for each in (step, _steps(folder, layer)[0]))
    kinds = [(each, top(each, now.size, now.images)) for each in measured_on(["features"])]
    return {
        "step": step,
        "first": _steps(folder, layer)[0],
        "layer": layer,
        "layers": [each for each in LAYERS if _steps(folder, each)],
        "images": now.images,
        "size": now.size,
        "constant": now.constant,
        "measures": [_measure(each, high, now.measures, first.measures) for each, high in kinds],
        "factors": [_factor(name, labels, now, first) for name, labels in _factors(folder).items()],
        "spectrum": {"now": now.spectrum.tolist(), "first": first.spectrum.tolist()},
        "correlation": packed(now.correlation.numpy()),
    }


def viewed(store: Store, request: Request) -> dict[str, Any]:
    """What takes views: alignment, LiDAR, the InfoNCE bound, and cosines of two views of one image and of different ones."""
    run, folder, layer, step = _params(store, request)
    kept = steps_kept(store, run.id)
    if not kept:
        raise ValueError(
            f"run {run.id} must have kept its weights to be shown new views, got none: it has just begun, or is of an older version"
        )
    near = min(kept, key=lambda each: (abs(each - step), each))
    now, first = (_views(store, run, each, layer) for each in (near, kept[0]))
    kinds = measured_on(["first", "second", "views"])
    dimensions = _features(folder, layer, step).shape[1]
    return {
        "step": near,
        "first": kept[0],
        "images": now.images,
        "views": now.views,
        "measures": [_measure(each, top(each, dimensions, now.images), now.measures, first.measures) for each in kinds],
        "histograms": {name: each.tolist() for name, each in now.histograms.items()},
        "before": {name: each.tolist() for name, each in first.histograms.items()},
    }


def compared(store: Store, request: Request) -> dict[str, Any]:
    """CKA: every step with every other, both layers at both ends, and the steps of another run."""
    run, folder, layer, step = _params(store, request)
    steps = spread(_steps(folder, layer))
    ends = {f"{each} {at}": (each, at) for at in sorted({steps[0], step}) for each in LAYERS if at in _steps(folder, each)}
    found = {
        "step": step,
        "steps": steps,
        "matrix": packed(_between(store, run, tuple((layer, each) for each in steps))),
        "layers": {"names": list(ends), "matrix": packed(_between(store, run, tuple(ends.values())))},
    }
    other = request.query_params.get("other")
    return found | ({"other": _beside(store, run, other, layer, steps)} if other and other != run.id else {})


def _beside(store: Store, run: Run, other: str, layer: str, steps: list[int]) -> dict[str, Any]:
    """The heat map with a second run, or the sentence why there is none."""
    second, folder = store.run(other), store.folder(other)
    theirs = spread(_steps(folder, layer))
    if not theirs:
        return {
            "run": other,
            "sentence": f"run {other} must have features of the {layer} to be compared, got none: it has no such layer, or none kept",
        }
    common = _common(store, run, second)
    if not common:
        return {"run": other, "sentence": f"two runs must have been measured on the same images to be compared, got others in {other}"}
    matrix = _across(store, (run, tuple(steps)), (second, tuple(theirs)), layer, common)
    return {"run": other, "steps": theirs, "matrix": packed(matrix), "images": common}


def spread(steps: Sequence[int]) -> list[int]:
    """At most MOST of them, evenly, first and last among them."""
    places = np.linspace(0, len(steps) - 1, min(len(steps), MOST)).round().astype(int)
    return [steps[each] for each in places]


def _measure(each: Any, high: float | None, now: dict[str, float], first: dict[str, float]) -> dict[str, Any]:
    words = {name: getattr(each, name) for name in ("name", "title", "good", "low", "unit")}
    return words | {"high": high, "value": now[each.name], "before": first[each.name]}


def _factor(name: str, labels: Tensor, now: LayerReport, first: LayerReport) -> dict[str, Any]:
    """values: without those of which there are too few images; why: the sentence about them, or nothing."""
    known = labels[labels >= 0]
    pairs = {what: (now.factors[what].get(name), first.factors[what].get(name)) for what in BY_FACTOR}
    values = {what: {"value": value, "before": before} for what, (value, before) in pairs.items() if value is not None}
    few = too_few(labels, "watched images")
    about = {"factor": name, "classes": len(known.unique()), "labeled": len(known), "chance": chance(labels), "values": values}
    return about | {"why": f"accuracy of {name} {few}" if few else ""}


def _params(store: Store, request: Request) -> tuple[Run, RunFolder, str, int]:
    """Which run, layer and step an address means. Raises UnknownRun, and ValueError."""
    run = store.run(request.path_params["run"])
    folder, layer = store.folder(run.id), request.query_params.get("layer", "backbone")
    if layer not in LAYERS:
        raise ValueError(f"layer must be one of {', '.join(LAYERS)}, got {layer[:20]}")
    steps = _steps(folder, layer)
    if not steps:
        why = "it has no projector, or is of an older version" if _steps(folder, "backbone") else "it has not begun, or its files are gone"
        raise ValueError(f"run {run.id} must have features of the {layer} to be measured, got none: {why}")
    text = request.query_params.get("step")
    step = steps[-1] if not text else whole_number("step", text)
    if step not in steps:
        raise ValueError(f"step must be one at which run {run.id} was measured, such as {steps[-1]}, got {step}")
    return run, folder, layer, step


def _steps(folder: RunFolder, layer: str) -> list[int]:
    """The steps whose snapshots hold a layer: all or none of them."""
    steps = folder.steps()
    return steps if steps and FEATURES[layer] in folder.array_names(steps[-1]) else []


def _features(folder: RunFolder, layer: str, step: int) -> Tensor:
    """(N, D) float32. Raises ValueError where the snapshot is gone, or holds what is no number."""
    arrays = folder.snapshot(step) or {}
    if FEATURES[layer] not in arrays:
        raise ValueError(
            f"the snapshot of step {step} must hold features of the {layer}, got none: it was superseded, or its files are gone"
        )
    found = torch.from_numpy(arrays[FEATURES[layer]]).float()
    if not bool(found.isfinite().all()):
        raise ValueError(
            f"at step {step} the network's features were no longer finite numbers, and cannot be measured: look at an earlier step"
        )
    return found


def _factors(folder: RunFolder) -> dict[str, Tensor]:
    probe = folder.probe() or {"labels": {}}
    return {name: torch.tensor(labels) for name, labels in probe["labels"].items()}


def _report(store: Store, run: Run, step: int, layer: str) -> LayerReport:
    folder = store.folder(run.id)
    key = Key(run.id, run.attempt, step, ("layer report", layer))
    return store.derived.get(key, lambda: layer_report(_features(folder, layer, step), _factors(folder)))


def _views(store: Store, run: Run, step: int, layer: str) -> ViewsReport:
    """With the augmentation that the run began with, so that numbers of all steps mean one thing."""

    def made() -> ViewsReport:
        config = RunConfig(**run.flat)
        pixels = probe_pixels(store, run).contiguous()
        return views_report(trained(store, run.id, step).method, layer, pixels, config.augment, config.seed)

    return store.derived.get(Key(run.id, run.attempt, step, ("views report", layer)), made)


def _between(store: Store, run: Run, which: tuple[tuple[str, int], ...]) -> np.ndarray:
    """CKA (K, K) of layers at steps, [(layer, step)]."""
    folder = store.folder(run.id)
    key = Key(run.id, run.attempt, which[-1][1], ("cka", which))
    return store.derived.get(key, lambda: cka_matrix([_features(folder, *each)[:COMPARED] for each in which]).numpy())


def _across(store: Store, ours: tuple[Run, tuple[int, ...]], theirs: tuple[Run, tuple[int, ...]], layer: str, images: int) -> np.ndarray:
    """CKA (K, L) of a layer at the steps of one run with the same layer at those of another."""

    def features(run: Run, steps: tuple[int, ...]) -> list[Tensor]:
        return [_features(store.folder(run.id), layer, step)[:images] for step in steps]

    (run, steps), (second, others) = ours, theirs
    key = Key(run.id, run.attempt, steps[-1], ("cka", steps, second.id, second.attempt, others, layer, images))
    return store.derived.get(key, lambda: cka_matrix(features(*ours), features(*theirs)).numpy())


def _common(store: Store, run: Run, other: Run) -> int:
    """How many probe images two runs share: a dear network is measured on the first of those that another one is. 0 if they differ."""
    first, second = probe_pixels(store, run), probe_pixels(store, other)
    count = min(len(first), len(second), COMPARED)
    return count if first.shape[1:] == second.shape[1:] and bool((first[:count] == second[:count]).all()) else 0
