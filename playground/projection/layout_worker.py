"""The client of the process that computes layouts.

UMAP compiles for seconds in every new process and must not be called from two threads at once. So a `LayoutWorker` runs one
process only for it: `python -m playground.projection`.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import sys
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from playground.machine.child import start_child
from playground.machine.priority_executor import PriorityExecutor
from playground.machine.processes import Process
from playground.projection.layouts import NOWHERE, pca
from playground.projection.process import receive, send

Callback = Callable[[np.ndarray], None]


class Request(NamedTuple):
    """One frame to lay out. previous: the starting layout, or None for the last layout of its key."""

    kind: str
    features: np.ndarray
    previous: np.ndarray | None
    callback: Callback


class LayoutWorker:
    """A separate process that lays out frames by UMAP or t-SNE, one at a time; each starts from the last layout of its key.

    It compiles first (`ready`); requests may come before. A waiting frame is replaced by a newer one of its key, so the
    map skips frames instead of falling behind. A process that dies is started again, and its frame is not lost.
    """

    command = (sys.executable, "-m", "playground.projection.__main__")

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._waiting: dict[Hashable, Request] = {}
        self._promised: set[Future[np.ndarray]] = set()
        self._layouts: dict[Hashable, np.ndarray] = {}
        self._running: Hashable = None
        self._process: Process | None = None
        self._warm = self._closed = False
        self._executor = PriorityExecutor("layouts")
        self._executor.submit(self._warm_up)
        atexit.register(self.close)

    @property
    def ready(self) -> bool:
        """Whether the process runs and has compiled."""
        process = self._process
        return self._warm and process is not None and process.poll() is None

    def submit(self, key: Hashable, features: np.ndarray | Tensor, callback: Callback) -> None:
        """Requests a layout of features (N, D). `callback(layout)`, (N, 2) float32, is called from another thread."""
        self._put(key, Request("umap", _rows(features), None, callback))

    def lay_out(self, kind: str, features: np.ndarray | Tensor, previous: np.ndarray | None = None) -> Future[np.ndarray]:
        """A layout of features (N, D) that starts from `previous`, (N, 2). kind: "umap" or "tsne". No other frame replaces it."""
        promise: Future[np.ndarray] = Future()
        with self._mutex:
            self._promised.add(promise)
        promise.add_done_callback(self._promised.discard)
        request = Request(kind, _rows(features), NOWHERE if previous is None else previous, lambda layout: _keep_promise(promise, layout))
        self._put(promise, request)
        return promise

    def forget(self, key: Hashable) -> None:
        """Discards the last layout of a key and its requests."""
        with self._mutex:
            self._waiting.pop(key, None)
            self._layouts.pop(key, None)
            if self._running == key:
                self._running = None

    def close(self) -> None:
        """Ends the process and the thread. No callback is called afterwards."""
        atexit.unregister(self.close)
        with self._mutex:
            self._closed = True
            self._waiting.clear()
            promised = list(self._promised)
            if self._process is not None:
                self._process.kill()
        for promise in promised:
            promise.cancel()
        self._executor.close()
        self._hang_up()

    def _put(self, key: Hashable, request: Request) -> None:
        """A request in the place of an older one of its key, or behind all others."""
        with self._mutex:
            new = key not in self._waiting
            if not self._closed:
                self._waiting[key] = request
            elif isinstance(key, Future):
                key.cancel()
        if new:
            self._executor.submit(lambda: self._work_on(key))

    def _warm_up(self) -> None:
        with contextlib.suppress(OSError, EOFError):
            self._connect()

    def _work_on(self, key: Hashable) -> None:
        """Lays out the newest frame of a key, unless it is no longer needed."""
        with self._mutex:
            request = self._waiting.pop(key, None)
            if request is None:
                return
            self._running = key
            previous = self._layouts.get(key, NOWHERE) if request.previous is None else request.previous
        # The last layout is of no use to it where the count of rows has changed.
        layout = self._layout(request._replace(previous=previous if len(previous) == len(request.features) else NOWHERE))
        if self._keep(key, layout):
            try:
                request.callback(layout)
            except Exception:  # one listener's mistake must not end the maps of all others
                logging.getLogger(__name__).exception("a map's callback failed")

    def _keep(self, key: Hashable, layout: np.ndarray) -> bool:
        """Stores a layout, unless it was requested by `ask`; returns False if it is no longer needed."""
        with self._mutex:
            wanted = not self._closed and self._running == key
            if wanted and key not in self._promised:
                self._layouts[key] = layout
            return wanted

    def _layout(self, request: Request) -> np.ndarray:
        """Computes a layout in the process; in a new one if that dies; by PCA if the second one dies at the same frame."""
        previous = NOWHERE if request.previous is None else request.previous
        for _ in range(2):
            with contextlib.suppress(OSError, EOFError):
                process = self._process if self.ready and self._process else self._connect()
                send(process.stdin, request.features, previous, kind=request.kind)
                return receive(process.stdout)[1][0]
            self._hang_up()
        return pca(torch.tensor(request.features), previous)

    def _connect(self) -> Process:
        """Starts the process and waits until it has compiled."""
        self._hang_up()
        with self._mutex:
            if self._closed:
                raise EOFError
            process = self._process = start_child(self.command)
        receive(process.stdout)
        self._warm = True
        return process

    def _hang_up(self) -> None:
        with self._mutex:
            process, self._process, self._warm = self._process, None, False
        if process is not None:
            with process:
                process.kill()


def _rows(features: np.ndarray | Tensor) -> np.ndarray:
    return features.detach().float().cpu().numpy() if isinstance(features, Tensor) else features


def _keep_promise(future: Future[np.ndarray], layout: np.ndarray) -> None:
    if future.set_running_or_notify_cancel():
        future.set_result(layout)
