"""Runs as they happen: one WebSocket a page for all it watches.

WebSocket, from the page: {"watch": run, "after": id of the last event it has}, {"unwatch": run}. To the page:

    {"run": id, "status": {"id", "status", "over", "broken", "message", "step", "steps", "queue_position", "waiting"}}
                                                                               at the start and at every change; waiting: how many
                                                                               live knobs were moved that nobody has taken up yet
    {"run": id, "events": [[id, kind, step, time, body], ...]}                               as they are recorded
    {"run": id, "error": sentence}
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any
from urllib.parse import urlsplit

from starlette.websockets import WebSocket, WebSocketDisconnect

from playground.home import HomeError
from playground.runs.records import UnknownRun
from playground.web.hub import Hub, News
from playground.web.numbers import whole_number

logger = logging.getLogger(__name__)
MOST_WATCHED = 100


class PageSocket:
    """One page's connection: a task for each run that it watches."""

    def __init__(self, websocket: WebSocket, hub: Hub) -> None:
        self._websocket, self._hub = websocket, hub
        self._watching: dict[str, asyncio.Task[None]] = {}
        self._sending = asyncio.Lock()

    async def serve(self) -> None:
        """Until the page goes away."""
        if not same_origin(self._websocket):
            await self._websocket.close(code=1008, reason="this page is not from here")
            return
        await self._websocket.accept()
        await asyncio.to_thread(self._hub.expect)
        try:
            async for text in self._websocket.iter_text():
                await self._process_commands(text)
        finally:
            for task in self._watching.values():
                task.cancel()

    async def _process_commands(self, text: str) -> None:
        try:
            request = json.loads(text)
            run, after = request.get("watch", request.get("unwatch")), whole_number("after", request.get("after") or 0)
        except (ValueError, AttributeError, RecursionError):
            run, request, after = None, {}, 0
        if not isinstance(run, str):
            return await self._send(error='a message must be {"watch": run, "after": event id} or {"unwatch": run}')
        previous = self._watching.pop(run, None)
        if previous is not None:
            previous.cancel()
        if "watch" in request and len(self._watching) >= MOST_WATCHED:
            await self._send(run=run, error=f"one page can watch at most {MOST_WATCHED} runs")
        elif "watch" in request:
            self._watching[run] = asyncio.create_task(self._watch(run, after))

    async def _watch(self, run: str, after: int) -> None:
        try:
            async for news in self._hub.follow(run, after):
                await self._send_news(run, news)
        except (UnknownRun, HomeError) as error:
            await self._send(run=run, error=str(error))
        except (WebSocketDisconnect, RuntimeError):
            # The page is gone; `serve` hears of it too, and tidies up.
            logger.debug("a page went away while it watched %s", run)

    async def _send_news(self, run: str, news: News) -> None:
        if news.status is not None:
            await self._send(run=run, status=news.status)
        if news.entries:
            events = ",".join(entry.to_json() for entry in news.entries)
            async with self._sending:
                await self._websocket.send_text(f'{{"run":"{run}","events":[{events}]}}')

    async def _send(self, **message: Any) -> None:
        async with self._sending:
            await self._websocket.send_text(json.dumps(message))


def same_origin(websocket: WebSocket) -> bool:
    """Whether the page that asks was served from here; browsers always say, other programs need not."""
    origin = websocket.headers.get("origin")
    if origin is None:
        return True
    # A proxy may rename the host and say so in a header of its own, which no page can forge.
    hosts = {websocket.headers.get("host"), websocket.headers.get("x-forwarded-host")}
    return urlsplit(origin).netloc in hosts
