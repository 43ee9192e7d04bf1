"""The addresses of the API.

GET /healthz                                    {"status": "ok", "runs": {status: count}, "slots", "queue", "workers": [...], "maps"}
GET /api/runs                                   {"runs": [...]}, newest first
GET /api/runs/{run}                             config, facts, probe set, changes, how it stands
GET /api/runs/{run}/events?after=N              its timeline after the event N, as a list: [id, kind, step, time, body]
GET /api/runs/{run}/snapshots                   {"snapshots": [{"step", "arrays", "pictures", "umap"}]}
GET /api/runs/{run}/snapshots/{step}            pca, umap once it is ready, spectra: {"dtype", "shape", "data"} each
GET /api/runs/{run}/snapshots/{step}/projector  {"pca"}: where the projector puts the probe set, as the backbone's lies
GET /api/runs/{run}/snapshots/{step}/{name}.png tiles side by side; views one row each
GET /api/runs/{run}/sprites.png                 the probe set in one picture
GET /api/runs/{run}/fill, ratios, average, attention    see masks.py
GET /api/runs/{run}/map, neighbors, clusters, land, heads    see maps.py; POST: land
GET /api/runs/{run}/geometry...                 see geometry.py
GET /api/runs/{run}/evaluation... GET /api/evaluation/losses    see evaluation.py
GET /assets/v/{version}/{path}   GET /assets/{path}    see assets.py; with plotly.js and declared.json
GET /api/views...                               see views.py
WS  /api/ws                                     see stream.py
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

import torch
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from playground.home import HomeError
from playground.machine.priority_executor import PriorityExecutor
from playground.projection import pca
from playground.runs.condition import condition
from playground.runs.folder import RunFolder
from playground.runs.moves import changes_of
from playground.runs.pool import Pool
from playground.runs.records import Run, UnknownRun
from playground.safe_files import Damaged
from playground.web import assets
from playground.web.evaluation import Evaluation
from playground.web.files import answer, failure, kept_file, packed, tagged
from playground.web.geometry import Geometry
from playground.web.hub import Hub
from playground.web.maps import Maps
from playground.web.masks import Masks
from playground.web.numbers import number_param
from playground.web.stream import PageSocket
from playground.web.views import Views

# Large, and no page draws it: it is what the maps are made from.
NOT_SENT = ("embedding", "projection")


def routes(pool: Callable[[], Pool], stopping: threading.Event | None = None) -> list[BaseRoute]:
    """Everything beside the pages, for `st.App`. `pool` is asked for at each request: it is made after the routes. Streams end
    once `stopping` is set."""
    api, executor = Api(pool, Hub(pool, stopping or threading.Event())), PriorityExecutor("answers")
    maps = Maps(pool, executor)
    run = "/api/runs/{run}"
    paths: dict[str, Callable[[Request], Any]] = {
        "/healthz": api.health,
        "/api/runs": api.runs,
        run: api.run,
        f"{run}/events": api.events,
        f"{run}/snapshots": api.snapshots,
        f"{run}/snapshots/{{step:step}}": api.snapshot,
        f"{run}/snapshots/{{step:step}}/projector": api.projector,
        f"{run}/snapshots/{{step:step}}/{{name}}.png": api.picture,
        f"{run}/sprites.png": api.sprites,
        "/assets/v/{version}/{path:path}": assets.versioned,
        "/assets/{path:path}": assets.current,
        **Views(pool).paths(),
        **Masks(pool, executor).paths(),
        **maps.paths(),
        **Geometry(pool, executor).paths(),
        **Evaluation(pool).paths(),
    }
    gets = [Route(path, _answering(found)) for path, found in paths.items()]
    posts = [Route(path, _answering(found), methods=["POST"]) for path, found in maps.posts().items()]
    return [*gets, *posts, WebSocketRoute("/api/ws", api.socket)]


class Api:
    """The answers, from one pool."""

    def __init__(self, pool: Callable[[], Pool], hub: Hub) -> None:
        self._pool, self.hub = pool, hub

    def health(self, request: Request) -> Response:
        """Whether the server works, and what it is doing."""
        pool = self._pool()
        return answer({"status": "ok", "runs": pool.store.counts(), **pool.health()})

    def runs(self, request: Request) -> Response:
        """The newest runs."""
        pool = self._pool()
        limit = min(max(number_param(request, "limit", 100), 1), 1000)
        return answer({"runs": [_summary(pool, run) for run in pool.store.runs(limit)]})

    def run(self, request: Request) -> Response:
        """All there is to know of one run, but for its timeline."""
        pool, name = self._pool(), request.path_params["run"]
        run, folder = pool.standing(name), pool.store.folder(name)
        changes = [{"step": each.step, "name": each.name, "value": each.value} for each in changes_of(pool.store, run)]
        more = {"facts": run.facts, "probe": None, "changes": changes, "resumable": run.resumable, "condition": condition(folder, run)}
        with suppress(Damaged):  # `condition` says so
            more["probe"] = folder.probe()
        return answer(_summary(pool, run) | more)

    def events(self, request: Request) -> Response:
        """The timeline, as far as it has come by now."""
        store, name = self._pool().store, request.path_params["run"]
        entries = store.events(store.run(name).id, number_param(request, "after", 0))
        text = ",".join(entry.to_json() for entry in entries)
        return Response(f"[{text}]", media_type="application/json", headers={"Cache-Control": "no-store"})

    def snapshots(self, request: Request) -> Response:
        """Which snapshots there are, and what each holds."""
        store, name = self._pool().store, request.path_params["run"]
        store.run(name)
        folder = store.folder(name)
        found = [
            {
                "step": step,
                "arrays": [each for each in names if each not in NOT_SENT],
                "pictures": folder.pictures(step),
                "umap": folder.layout(step) is not None,
            }
            for step, names in _readable(folder)
        ]
        return answer({"snapshots": found})

    def snapshot(self, request: Request) -> Response:
        """The arrays of one snapshot."""
        store, name, step = self._pool().store, request.path_params["run"], request.path_params["step"]
        run, folder = store.run(name), store.folder(name)
        arrays, layout = folder.snapshot(step), folder.layout(step)
        if arrays is None:
            return failure(404, f"run {name} has no snapshot of step {step}")
        body: dict[str, Any] = {each: packed(array) for each, array in arrays.items() if each not in NOT_SENT}
        body |= {"step": step, "umap": None if layout is None else packed(layout)}
        return tagged(request, f"{run.attempt}-{step}-{layout is not None}", body)

    def projector(self, request: Request) -> Response:
        """The plane of the projector's output at one snapshot, turned to lie as that of the backbone does."""
        store, name, step = self._pool().store, request.path_params["run"], request.path_params["step"]
        arrays = store.folder(store.run(name).id).snapshot(step) or {}
        if "projection" not in arrays:
            return failure(404, f"run {name} keeps nothing of a projector at step {step}")
        plane = pca(torch.from_numpy(arrays["projection"]).float(), arrays.get("pca"))
        return tagged(request, f"{store.run(name).attempt}-{step}-projector", {"step": step, "pca": packed(plane)})

    def picture(self, request: Request) -> Response:
        """One picture of a snapshot."""
        store, name, step = self._pool().store, request.path_params["run"], request.path_params["step"]
        store.run(name)
        folder, wanted = store.folder(name), request.path_params["name"]
        if wanted not in folder.pictures(step):
            return failure(404, f"run {name} has no picture {wanted} of step {step}")
        return kept_file(request, folder.picture(step, wanted))

    def sprites(self, request: Request) -> Response:
        """The images of the probe set."""
        store, name = self._pool().store, request.path_params["run"]
        store.run(name)
        return kept_file(request, store.folder(name).path / "sprites.png")

    async def socket(self, websocket: WebSocket) -> None:
        """All that one page watches."""
        await PageSocket(websocket, self.hub).serve()


def _readable(folder: RunFolder) -> Iterator[tuple[int, list[str]]]:
    """The snapshots that can be read, and what each holds: one that is damaged does not take the others with it."""
    for step in folder.steps():
        with suppress(Damaged, FileNotFoundError):
            yield step, folder.array_names(step)


def _summary(pool: Pool, run: Run) -> dict[str, Any]:
    # Without its owner: that is how a browser is told apart, and nobody else's business.
    shown = ("id", "status", "message", "step", "steps", "created", "started", "finished")
    return {name: getattr(run, name) for name in shown} | {"queue_position": pool.position(run.id), "config": run.flat}


def _answering(handler: Callable[[Request], Any]) -> Callable[[Request], Awaitable[Response]]:
    """What is not there or cannot be is answered by a sentence."""

    @functools.wraps(handler)
    async def handle(request: Request) -> Response:
        try:
            answered = await run_in_threadpool(handler, request)
            return await answered if isinstance(answered, Awaitable) else answered
        except UnknownRun as error:
            return failure(404, str(error))
        except ValueError as error:
            return failure(400, str(error))
        except HomeError as error:
            return failure(507, str(error))

    return handle
