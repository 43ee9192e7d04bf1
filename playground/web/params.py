"""What an address asks of a map, checked."""

from __future__ import annotations

from starlette.requests import Request

from playground.analysis.map_kinds import KINDS, kinds_of
from playground.runs.points import PROBE, Points, points_of, sizes
from playground.web.frames import NOW, SOON, Frames
from playground.web.numbers import number_param, whole_number

FORMATS = ("json", "binary")


async def points_param(frames: Frames, request: Request) -> Points:
    """`layer`, `points`. Raises UnknownRun, ValueError."""
    given, run = request.query_params, request.path_params["run"]
    layer, points = given.get("layer", "backbone"), given.get("points", PROBE)
    return await frames.turn(NOW if points == PROBE else SOON, lambda: points_of(frames.pool().store, run, layer, points))


async def map_param(frames: Frames, request: Request) -> tuple[Points, str]:
    """`kind`, too, which must go with the layer."""
    kind, points = kind_param(request), await points_param(frames, request)
    size = sizes(points.store, points.run).get(points.layer)
    if size is not None and kind not in (possible := kinds_of(size)):
        raise ValueError(f"kind must be one of {', '.join(possible)} for a layer of {size} dimensions, got {kind}")
    return points, kind


def kind_param(request: Request) -> str:
    """`kind`, one of `KINDS`."""
    kind = request.query_params.get("kind", "umap")
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind[:20]}")
    return kind


def format_param(request: Request) -> str:
    """`format`: how a frame is written."""
    written = request.query_params.get("format", "json")
    if written not in FORMATS:
        raise ValueError(f"format must be one of {', '.join(FORMATS)}, got {written[:20]}")
    return written


async def step_param(frames: Frames, points: Points, request: Request) -> int:
    """`step`, in the path or the query, the newest unless it is named; one at which the points can be shown."""
    steps = await frames.turn(NOW, points.steps)
    given = request.path_params.get("step", request.query_params.get("step", ""))
    step = whole_number("step", given) if given != "" else (steps[-1] if steps else 0)
    if step not in steps:
        some = ", ".join(map(str, steps)) or "it has none yet"
        raise ValueError(f"step of run {points.run.id} must be one that can be shown ({some}), got {step}")
    return step


def below_param(name: str, request: Request, limit: int, otherwise: int) -> int:
    """A whole number below the number of points."""
    number = number_param(request, name, otherwise)
    if number >= limit:
        raise ValueError(f"{name} must be below {limit:,}, the number of points, got {number}")
    return number
