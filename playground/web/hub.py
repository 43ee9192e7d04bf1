"""One reader a run, many listeners: forty people who watch one demonstration cost the store as much as one."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from playground.home import HomeError
from playground.runs.pool import Pool
from playground.runs.records import Entry, UnknownRun

logger = logging.getLogger(__name__)
ANYWAY = 0.5  # seconds between two looks at all runs, for what nobody tells: places in the queue, the end of the server
CHUNK = 2000
# Entries of a run that is watched are kept in memory for those who are nearly up to date; the others read the store.
KEPT = 2000


@dataclass(frozen=True)
class News:
    """What a listener has not seen yet. status: None where it has not changed, but for the step."""

    status: dict[str, Any] | None
    entries: list[Entry]


@dataclass
class Channel:
    """One run that somebody watches. `recent` holds every entry after `base`, up to `last`."""

    run: str
    base: int
    last: int
    status: dict[str, Any]
    recent: deque[Entry] = field(default_factory=deque)
    listeners: set[asyncio.Event] = field(default_factory=set)
    gone: bool = False  # deleted while it was watched

    def add(self, entries: list[Entry]) -> None:
        """Takes in new entries, and lets go of the oldest when there are too many."""
        self.recent.extend(entries)
        self.last = entries[-1].id
        while len(self.recent) > KEPT:
            self.base = self.recent.popleft().id

    def after(self, entry: int) -> list[Entry] | None:
        """The entries after one, or None where memory does not go back that far."""
        return [each for each in self.recent if each.id > entry] if entry >= self.base else None


class Hub:
    """Reads what is new of the runs that are watched in this event loop as soon as the store tells of it, and wakes their listeners."""

    def __init__(self, pool: Callable[[], Pool], stopping: threading.Event) -> None:
        self._pool, self._stopping = pool, stopping
        self._channels: dict[str, Channel] = {}
        self._reader: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed: set[str] = set()
        self._arrived: asyncio.Event | None = None  # each loop has its own
        self.reads = 0

    async def follow(self, run: str, after: int) -> AsyncIterator[News]:
        """The status of a run, its timeline after the entry `after`, then whatever is new, until the server stops. Raises `UnknownRun`."""
        channel = await self._join(run)
        wake = asyncio.Event()
        channel.listeners.add(wake)
        shown: dict[str, Any] | None = None
        try:
            while not self._stopping.is_set():
                wake.clear()
                if channel.gone:
                    raise UnknownRun(run)
                status = channel.status
                entries = channel.after(after)
                if entries is None:
                    entries = await asyncio.to_thread(self._pool().store.events, run, after, CHUNK)
                standing = status | {"step": None}
                if entries or standing != shown:
                    yield News(status if standing != shown else None, entries)
                    shown, after = standing, entries[-1].id if entries else after
                else:
                    await wake.wait()
        finally:
            channel.listeners.discard(wake)

    def expect(self) -> None:
        """Somebody has opened a page, and may soon start a run."""
        self._pool().expect()

    async def _join(self, run: str) -> Channel:
        if run not in self._channels:
            channel = await asyncio.to_thread(self._open, run)
            self._channels.setdefault(run, channel)
        if self._reader is None or self._reader.done():
            self._loop, self._arrived = asyncio.get_running_loop(), asyncio.Event()
            self._pool().store.listeners.add(self._on_change)
            self._reader = asyncio.create_task(self._read(self._arrived))
        self._note(run)  # what came meanwhile
        return self._channels[run]

    def _open(self, run: str) -> Channel:
        pool = self._pool()
        status = status_of(pool, run)
        last = pool.store.last_event(run)
        return Channel(run, last, last, status)

    def _on_change(self, run: str) -> None:
        """There is something new of a run; called by whoever has recorded it, in any thread."""
        if run in self._channels and self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._note, run)

    def _note(self, run: str) -> None:
        self._changed.add(run)
        if self._arrived is not None:
            self._arrived.set()

    async def _read(self, news: asyncio.Event) -> None:
        """Until nobody watches anything any more."""
        looked = time.monotonic()
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(news.wait(), max(0.0, looked + ANYWAY - time.monotonic()))
            news.clear()
            changed, self._changed = self._changed, set()
            self._channels = {run: channel for run, channel in self._channels.items() if channel.listeners}
            if not self._channels:
                return
            if self._stopping.is_set():
                return self._wake_all()
            if time.monotonic() - looked >= ANYWAY:
                looked, changed = time.monotonic(), set(self._channels)
            for run in changed & set(self._channels):
                await self._refresh(self._channels[run])

    def _wake_all(self) -> None:
        for channel in self._channels.values():
            for wake in channel.listeners:
                wake.set()

    async def _refresh(self, channel: Channel) -> None:
        try:
            status, entries = await asyncio.to_thread(self._news, channel)
        except UnknownRun:
            channel.gone = True
            self._channels.pop(channel.run, None)
            for wake in channel.listeners:
                wake.set()
            return
        except (HomeError, sqlite3.OperationalError) as error:
            # A disk that is slow or full for a moment must not end the stream for good.
            logger.warning("run %s could not be read: %s", channel.run, error)
            return
        if entries:
            channel.add(entries)
        if entries or status != channel.status:
            channel.status = status
            for wake in channel.listeners:
                wake.set()

    def _news(self, channel: Channel) -> tuple[dict[str, Any], list[Entry]]:
        self.reads += 1
        pool = self._pool()
        # The status first: entries that come in between are then a little ahead of it, never behind.
        return status_of(pool, channel.run), pool.store.events(channel.run, channel.last, CHUNK)


def status_of(pool: Pool, run: str) -> dict[str, Any]:
    """How a run stands, as the page hears of it at every change."""
    found = pool.standing(run)
    return {
        "id": run,
        "status": found.status,
        "over": found.over,
        "broken": found.broken,
        "message": found.message,
        "step": found.step,
        "steps": found.steps,
        "queue_position": pool.position(run),
        "waiting": len(found.waiting),
    }
