"""Our own files: scripts, pictures and recordings.

At `/assets/v/{version}/` they stay the same as long as the version does, so that a browser never asks again, and each is packed once. At
`/assets/`, and under the version of another server, which a tab that was left open over an upgrade still asks for, the same files are
given, but a browser must ask again. (Such a tab reloads itself as soon as the new server draws a panel: playground/ui/live.py.)
"""

from __future__ import annotations

import gzip
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from playground.web import modules
from playground.web.files import ASK_AGAIN, FOREVER, content, failure, file, type_of

PACKABLE = (".js", ".css", ".svg", ".json")
MADE = {modules.DECLARED: modules.declared, modules.STYLES: modules.styles}  # from many files
LEVEL = 9  # of gzip: slow, but each file is packed once for everybody


class Asset(NamedTuple):
    """data: its bytes, packed by gzip or not."""

    data: bytes
    packed: bool
    kind: str


def versioned(request: Request) -> Response:
    """A file of one version; of ours: for good."""
    if request.path_params["version"] != modules.version():
        return current(request)
    found = _asset(request.path_params["path"])
    if found is None:
        return _absent()
    return _given(request, found, FOREVER)


def current(request: Request) -> Response:
    """A file as it is now; the browser has to ask again."""
    name = request.path_params["path"]
    if name in MADE:
        return content(request, MADE[name](), Path(name))
    if name == modules.PLOTLY:
        return _given(request, _plotly(), ASK_AGAIN)
    path = _path(name)
    return file(request, path) if path else _absent()


def _given(request: Request, found: Asset, keep: str) -> Response:
    headers = {"Cache-Control": keep} | ({"Vary": "Accept-Encoding"} if found.packed else {})
    if found.packed and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(found.data, headers=headers | {"Content-Encoding": "gzip"}, media_type=found.kind)
    return Response(gzip.decompress(found.data) if found.packed else found.data, headers=headers, media_type=found.kind)


@lru_cache(maxsize=1000)
def _asset(name: str) -> Asset | None:
    """A file of assets/, kept in memory, or None."""
    if name == modules.PLOTLY:
        return _plotly()
    path = Path(name) if name in MADE else _path(name)
    if path is None:
        return None
    data, packable = MADE[name]() if name in MADE else path.read_bytes(), path.suffix in PACKABLE
    return Asset(gzip.compress(data, LEVEL, mtime=0) if packable else data, packable, type_of(path))


@cache
def _plotly() -> Asset:
    """Of Plotly what our charts draw, a quarter of the whole library: tests/js/support/plotly_bundle.js makes it."""
    return Asset((modules.root() / "plotly" / "plotly-charts.min.js.gz").read_bytes(), True, "text/javascript")


def _path(name: str) -> Path | None:
    """Where a file lies, if it lies in assets/."""
    path = (modules.root() / name).resolve()
    return path if path.is_relative_to(modules.root()) and path.is_file() else None


def _absent() -> Response:
    return failure(404, "there is no such file")
