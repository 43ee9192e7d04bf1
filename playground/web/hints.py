"""What a page will need is named in its headers, so that a browser asks for it at once, and not after all scripts of Streamlit have run."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from playground.web import modules

SCRIPT = "first_picture.js"  # draws it before Streamlit does
FIRST = "recorded-pair"  # the panel that moves before the first run
RECORDED = ("recorded/pair.json", modules.DECLARED)  # what it reads
WITH_A_RUN = b"run="  # a page with a run shows another panel


class Hinting:
    """Middleware: adds `Link` headers to the answers that a browser shows as a page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if not opens_a_page(scope):
            return await self._app(scope, receive, send)

        async def hinting(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in (200, 304):
                headers = MutableHeaders(raw=list(message["headers"]))
                headers["Link"] = ", ".join(links(scope["path"], scope.get("query_string", b"")))
                message = {**message, "headers": headers.raw}
            await send(message)

        await self._app(scope, receive, hinting)


def links(path: str, query: bytes = b"") -> Iterable[str]:
    """The entries of the header, relative to the page: the styles and scripts of every page, and what moves on the first one."""
    first = _first(path, query)
    scripts = modules.preload(FIRST, SCRIPT) if first else modules.closure(modules.root(), modules.DOOR)
    yield f"<{modules.address()}{modules.STYLES}>; rel=preload; as=style"
    yield from (f"<{modules.address()}{each}>; rel=modulepreload" for each in scripts)
    yield from (f"<{modules.address()}{each}>; rel=preload; as=fetch; crossorigin" for each in RECORDED if first)


def shows_the_recording(scope: Scope) -> bool:
    """Whether the recorded pair will play on the page that is opened."""
    return _first(scope["path"], scope.get("query_string", b""))


def _first(path: str, query: bytes) -> bool:
    return path.endswith("/") and WITH_A_RUN not in query


def opens_a_page(scope: Scope) -> bool:
    """A browser says so of what somebody opens, other than of what scripts fetch."""
    return scope["type"] == "http" and scope["method"] == "GET" and "text/html" in Headers(scope=scope).get("accept", "")
