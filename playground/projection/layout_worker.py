"""The client of the process that computes layouts.

UMAP compiles for seconds in every new process and must not be called from two threads at once. So a `LayoutWorker` runs one
process only for it: `python -m playground.projection`.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import sys
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from playground.machine.processes import Process, spawn
from playground.projection.layouts import NOWHERE, pca
from playground.projection.process import receive, send

PACKAGE = Path(__file__).resolve().parents[2]

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
        self._changed = threading.Condition()
        self._waiting: dict[Hashable, Request] = {}
        self._answers: set[Future[np.ndarray]] = set()
        self._layouts: dict[Hashable, np.ndarray] = {}
        self._running: Hashable = None
        self._process: Process | None = None
        self._warm = self._closed = False
        self._thread = threading.Thread(target=self._serve, name="projector", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    @property
    def ready(self) -> bool:
        """Whether the process runs and has compiled."""
        process = self._process
        return self._warm and process is not None and process.poll() is None

    def submit(self, key: Hashable, features: np.ndarray | Tensor, callback: Callback) -> None:
        """Requests a layout of features (N, D). `callback(layout)`, (N, 2) float32, is called from another thread."""
        self._put(key, Request("umap", _rows(features), None, callback))

    def ask(self, kind: str, features: np.ndarray | Tensor, previous: np.ndarray | None = None) -> Future[np.ndarray]:
        """A layout of features (N, D) that starts from `previous`, (N, 2). kind: "umap" or "tsne". No other frame replaces it."""
        answer: Future[np.ndarray] = Future()
        with self._changed:
            self._answers.add(answer)
        answer.add_done_callback(self._answers.discard)
        self._put(answer, Request(kind, _rows(features), NOWHERE if previous is None else previous, lambda layout: _answer(answer, layout)))
        return answer

    def forget(self, key: Hashable) -> None:
        """Discards the last layout of a key and its requests."""
        with self._changed:
            self._waiting.pop(key, None)
            self._layouts.pop(key, None)
            if self._running == key:
                self._running = None

    def close(self) -> None:
        """Ends the process and the thread. No callback is called afterwards."""
        atexit.unregister(self.close)
        with self._changed:
            self._closed = True
            self._waiting.clear()
            answers = list(self._answers)
            if self._process is not None:
                self._process.kill()
            self._changed.notify_all()
        for answer in answers:
            answer.cancel()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _put(self, key: Hashable, request: Request) -> None:
        with self._changed:
            if not self._closed:
                self._waiting[key] = request
            elif isinstance(key, Future):
                key.cancel()
            self._changed.notify_all()

    def _serve(self) -> None:
        """The thread: starts the process and sends it one frame after the other."""
        with contextlib.suppress(OSError, EOFError):
            self._connect()
        while (following := self._next()) is not None:
            key, request = following
            layout = self._layout(request)
            if self._keep(key, layout):
                try:
                    request.callback(layout)
                except Exception:  # an error in one callback must not end all other maps
                    logging.getLogger(__name__).exception("a map's callback failed")
        self._hang_up()

    def _next(self) -> tuple[Hashable, Request] | None:
        """Waits for a request; None once closed. The last layout is ignored if the number of rows has changed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._waiting)
            if self._closed:
                return None
            self._running = key = next(iter(self._waiting))
            request = self._waiting.pop(key)
            previous = self._layouts.get(key, NOWHERE) if request.previous is None else request.previous
            return key, request._replace(previous=previous if len(previous) == len(request.features) else NOWHERE)

    def _keep(self, key: Hashable, layout: np.ndarray) -> bool:
        """Stores a layout, unless it was requested by `ask`; returns False if it is no longer needed."""
        with self._changed:
            wanted = not self._closed and self._running == key
            if wanted and key not in self._answers:
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
        paths = [str(PACKAGE), *filter(None, [os.environ.get("PYTHONPATH")])]
        # One thread: the other cores are used for training.
        variables = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(paths)}
        with self._changed:
            if self._closed:
                raise EOFError
            process = spawn(self.command, os.environ | variables)
            self._process = process
        receive(process.stdout)
        self._warm = True
        return process

    def _hang_up(self) -> None:
        with self._changed:
            process, self._process, self._warm = self._process, None, False
        if process is not None:
            with process:
                process.kill()


def _rows(features: np.ndarray | Tensor) -> np.ndarray:
    return features.detach().float().cpu().numpy() if isinstance(features, Tensor) else features


def _answer(future: Future[np.ndarray], layout: np.ndarray) -> None:
    if future.set_running_or_notify_cancel():
        future.set_result(layout)
