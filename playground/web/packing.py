"""Scripts and styles go over the wire packed: Streamlit's own, 3 MB a page, are served as they lie on the disk."""

from __future__ import annotations

import asyncio
import gzip
import re
from dataclasses import dataclass, field

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Their names hold a hash of what is in them, so that a file of this name never changes.
HASHED = re.compile(r"/static/(?:js|css)/[\w.-]+\.(?:js|css)$")
LEVEL = 9  # of gzip: slow, but each file is packed once for everybody


@dataclass
class Answer:
    """What an app answers to one request, collected. messages: its start, then its body."""

    messages: list[Message] = field(default_factory=list)

    async def take(self, message: Message) -> None:
        """In the place of `send`."""
        self.messages.append(message)

    @property
    def whole(self) -> bool:
        """Whether it is the whole file, neither packed, nor a part of it, nor a path that the server reads by itself."""
        start, *rest = self.messages
        unpacked = start["status"] == 200 and "content-encoding" not in Headers(raw=start["headers"])
        return bool(unpacked and all(each["type"] == "http.response.body" for each in rest))

    def packed(self) -> Answer:
        """The same, with its body packed."""
        start, body = dict(self.messages[0]), b"".join(each.get("body", b"") for each in self.messages[1:])
        headers, small = MutableHeaders(raw=list(start["headers"])), gzip.compress(body, LEVEL)
        headers["Content-Encoding"], headers["Content-Length"] = "gzip", str(len(small))
        headers.add_vary_header("Accept-Encoding")
        return Answer([start | {"headers": headers.raw}, {"type": "http.response.body", "body": small}])


class PackedOnce:
    """Middleware: packs each file with a hashed name when it is first asked for, and keeps it in memory (1 MB for a page)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._kept: dict[str, Answer] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if not _wants_packed(scope):
            return await self._app(scope, receive, send)
        path = scope["path"]
        if path not in self._kept:
            answer = Answer()
            await self._app(scope, receive, answer.take)
            if not answer.whole:
                for message in answer.messages:
                    await send(message)
                return
            self._kept[path] = await asyncio.to_thread(answer.packed)
        for message in self._kept[path].messages:
            await send(message)


def _wants_packed(scope: Scope) -> bool:
    named = scope["type"] == "http" and scope["method"] == "GET" and bool(HASHED.search(scope["path"]))
    return named and takes_packed(scope) and "range" not in Headers(scope=scope)


def takes_packed(scope: Scope) -> bool:
    """Whether whoever asks understands gzip."""
    return "gzip" in Headers(scope=scope).get("accept-encoding", "")
