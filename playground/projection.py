"""Maps of an embedding: PCA and warm-started UMAP to 2-D, aligned from frame to frame so that points move and do not jump.

UMAP compiles itself for seconds in every new process and must not be called from two threads at once. So a `Projector` keeps one
process that does nothing else: `python -m playground.projection`, this file.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import math
import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

# Epochs and learning rate. A warm start is near its goal: at UMAP's usual rate of 1, few epochs only shake the points.
COLD, WARM = (200, 1.0), (50, 0.2)
SPAN = 10.0  # how wide UMAP likes its layouts to start
COLLAPSED = 1e-3  # unit rows in float32 cannot tell smaller distances from rounding
NOWHERE = np.zeros((0, 2), np.float32)
PACKAGE = Path(__file__).resolve().parents[1]

Callback = Callable[[np.ndarray], None]


def pca(features: Tensor, previous: np.ndarray | None = None) -> np.ndarray:
    """The plane of largest variance: features (N, D) -> (N, 2) float32, turned and mirrored to lie as `previous` (N, 2) does.

    Features that are all the same give zeros. On the CPU and in float64, so that a layout does not depend on the device.
    """
    rows = torch.nan_to_num(features.detach().cpu().double())
    layout = np.zeros((len(rows), 2), np.float32)
    centered = rows - rows.mean(0)
    if rows.numel() == 0 or centered.abs().max() <= 1e-6 * rows.abs().max():
        return layout
    found = _principal(centered).numpy()
    layout[:, : found.shape[1]] = found
    return layout if previous is None or previous.shape != layout.shape else procrustes(layout, previous, scale=False)


def _principal(centered: Tensor) -> Tensor:
    """(N, D) -> (N, up to 2) coordinates along the first principal axes, by the smaller of the two symmetric matrices."""
    if centered.shape[1] <= len(centered):
        points = centered @ torch.linalg.eigh(centered.T @ centered)[1][:, -2:].flip(1)
    else:
        values, vectors = torch.linalg.eigh(centered @ centered.T)
        points = vectors[:, -2:].flip(1) * values[-2:].flip(0).clamp_min(0).sqrt()
    # An axis has no sign of its own: the farthest point is on its positive side.
    return points * points.gather(0, points.abs().argmax(0, keepdim=True)).sign()


def procrustes(points: np.ndarray, target: np.ndarray, *, scale: bool) -> np.ndarray:
    """Turns, mirrors and shifts points (N, 2) to lie as near as they can to target (N, 2) in squares; `scale`: resizes them, too.

    The rotation is U V' of the SVD of points' target, both centered (Schoenemann 1966).
    """
    center = target.mean(0)
    moved, fixed = points - points.mean(0), target - center
    left, strengths, right = np.linalg.svd(moved.T @ fixed)
    size = strengths.sum() / max(float((moved**2).sum()), 1e-12) if scale else 1.0
    return (size * moved @ (left @ right) + center).astype(np.float32)


def exact_neighbors(features: Tensor, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest of each point, itself first: features (N, D) -> indices (N, k) int32, distances (N, k) float32.

    Euclidean distances between unit rows, which order neighbors as cosine similarity does; a row of zeros stays one.
    """
    units = F.normalize(features.detach().float(), dim=1)
    near = [_nearest(units, start, k) for start in range(0, len(units), 4096)]
    distances, indices = (torch.cat(parts).cpu().numpy() for parts in zip(*near, strict=True))
    return indices.astype(np.int32), distances.clip(0)


def _nearest(units: Tensor, start: int, k: int) -> tuple[Tensor, Tensor]:
    """Distances and indices of the k nearest rows, for up to 4096 rows from `start`: (n, k) each."""
    distances = torch.cdist(units[start : start + 4096], units)
    distances.diagonal(start).fill_(-1)  # copies of a point are as near as itself, and must not come first
    return distances.topk(k, largest=False)


def umap_layout(
    features: Tensor, previous: np.ndarray | None = None, *, neighbors: int = 15, epochs: int | None = None, seed: int = 0
) -> np.ndarray:
    """UMAP on exact neighbors: features (N, D) -> (N, 2) float32. `previous`: the last layout, where it starts and stays near.

    PCA of the unit rows stands in where UMAP has nothing to go by: fewer than neighbors + 2 points, or features so collapsed that
    most points lie on top of their neighbors. UMAP's own `fit` would squeeze every start into a square of 10 x 10, and the layout
    jump; so its parts are called one by one here, and size and proportions carry over.
    """
    units = F.normalize(torch.nan_to_num(features.detach().cpu().float()), dim=1)
    if len(units) < neighbors + 2:
        return pca(units, previous)
    indices, distances = exact_neighbors(units, neighbors)
    if np.median(distances[:, -1]) < COLLAPSED:
        return pca(units, previous)
    if previous is None or previous.shape != (len(units), 2) or np.ptp(previous, 0).max() < SPAN / 5:
        # The first frame; or the last one was of other points, or collapsed, and no place to start from.
        start, (usual, rate) = pca(units, previous), COLD
        start *= SPAN / np.ptp(start, 0).max()
    else:
        start, (usual, rate) = previous, WARM
    points = _optimized(indices, distances, start, epochs or usual, rate, np.random.RandomState(seed))
    return procrustes(points, start, scale=False)


def _optimized(
    indices: np.ndarray, distances: np.ndarray, start: np.ndarray, epochs: int, rate: float, random: np.random.RandomState
) -> np.ndarray:
    """UMAP's gradient descent from `start` (N, 2) -> (N, 2). indices, distances: (N, k) of `exact_neighbors`."""
    # Points on top of each other would never part.
    points = (start + random.normal(scale=1e-4, size=start.shape)).astype(np.float32)
    numbers = random.randint(-(2**31), 2**31 - 1, 3).astype(np.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of umap about an optional TensorFlow, of numba about threading and performance
        from umap.layouts import optimize_layout_euclidean as optimize
        from umap.umap_ import find_ab_params, fuzzy_simplicial_set, make_epochs_per_sample

        k = indices.shape[1]
        graph = fuzzy_simplicial_set(points, k, random, "euclidean", knn_indices=indices, knn_dists=distances)[0].tocoo()
        pace = make_epochs_per_sample(graph.data, epochs)
        edges = (graph.row, graph.col, epochs, len(points), pace)
        curve = find_ab_params(1.0, 0.1)  # of UMAP's default min_dist
        return optimize(points, points, *edges, *curve, numbers, initial_alpha=rate, move_other=True)


class Projector:
    """A process of its own that lays out frames by UMAP, one at a time; each starts from the last layout of its key.

    It compiles itself first (`ready`); requests may come before. A frame that waits is replaced by a newer one of its key: the
    map skips frames rather than lags. A process that dies is started again, and the frame it had is not lost.
    """

    command = (sys.executable, "-m", "playground.projection")

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: dict[Hashable, tuple[np.ndarray, Callback]] = {}
        self._layouts: dict[Hashable, np.ndarray] = {}
        self._running: Hashable = None
        self._process: subprocess.Popen[bytes] | None = None
        self._warm = self._closed = False
        self._thread = threading.Thread(target=self._serve, name="projector", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    @property
    def ready(self) -> bool:
        """Whether the process is there and has compiled itself."""
        process = self._process
        return self._warm and process is not None and process.poll() is None

    def submit(self, key: Hashable, features: np.ndarray | Tensor, callback: Callback) -> None:
        """Asks for a layout of features (N, D). `callback(layout)`, (N, 2) float32, is called from another thread."""
        rows = features.detach().float().cpu().numpy() if isinstance(features, Tensor) else features
        with self._changed:
            self._waiting[key] = (rows, callback)
            self._changed.notify_all()

    def forget(self, key: Hashable) -> None:
        """Drops the last layout of a key, and what was asked for it."""
        with self._changed:
            self._waiting.pop(key, None)
            self._layouts.pop(key, None)
            if self._running == key:
                self._running = None

    def close(self) -> None:
        """Ends the process and the thread. Nothing is called back afterwards."""
        atexit.unregister(self.close)
        with self._changed:
            self._closed = True
            self._waiting.clear()
            if self._process is not None:
                self._process.kill()
            self._changed.notify_all()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _serve(self) -> None:
        """The thread: keeps the process, and takes one frame after the other to it."""
        with contextlib.suppress(OSError, EOFError):
            self._connect()
        while (request := self._next()) is not None:
            key, features, callback, previous = request
            layout = self._layout(features, previous)
            if self._keep(key, layout):
                try:
                    callback(layout)
                except Exception:  # one listener's mistake must not end the maps of all others
                    logging.getLogger(__name__).exception("a map's callback failed")
        self._hang_up()

    def _next(self) -> tuple[Hashable, np.ndarray, Callback, np.ndarray] | None:
        """Waits for a request; None once closed. The last layout is of no use to it where the count of rows has changed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._waiting)
            if self._closed:
                return None
            self._running = key = next(iter(self._waiting))
            features, callback = self._waiting.pop(key)
            previous = self._layouts.get(key, NOWHERE)
            return key, features, callback, previous if len(previous) == len(features) else NOWHERE

    def _keep(self, key: Hashable, layout: np.ndarray) -> bool:
        """Remembers a layout; False where nobody wants it any more."""
        with self._changed:
            wanted = not self._closed and self._running == key
            if wanted:
                self._layouts[key] = layout
            return wanted

    def _layout(self, features: np.ndarray, previous: np.ndarray) -> np.ndarray:
        """By the process; by one more where that dies; by PCA where the second dies over the same frame."""
        for _ in range(2):
            with contextlib.suppress(OSError, EOFError):
                process = self._process if self.ready and self._process else self._connect()
                _send(process.stdin, features, previous)
                return _receive(process.stdout)[0]
            self._hang_up()
        return pca(torch.tensor(features), previous)

    def _connect(self) -> subprocess.Popen[bytes]:
        """Starts the process and waits until it has compiled itself."""
        self._hang_up()
        paths = [str(PACKAGE), *filter(None, [os.environ.get("PYTHONPATH")])]
        # One thread: the other cores are training.
        changed = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(paths)}
        with self._changed:
            if self._closed:
                raise EOFError
            process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | changed)
            self._process = process
        _receive(process.stdout)
        self._warm = True
        return process

    def _hang_up(self) -> None:
        with self._changed:
            process, self._process, self._warm = self._process, None, False
        if process is not None:
            process.kill()
            process.communicate()


def _send(stream: Any, *arrays: np.ndarray) -> None:
    """One message: a line with the shapes, then the numbers, float32."""
    stream.write(json.dumps([array.shape for array in arrays]).encode() + b"\n")
    for array in arrays:
        stream.write(array.astype(np.float32).tobytes())
    stream.flush()


def _receive(stream: Any) -> list[np.ndarray]:
    """What `_send` sent. Raises EOFError where the other side is gone."""
    line = stream.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    return [_array(stream, shape) for shape in json.loads(line)]


def _array(stream: Any, shape: list[int]) -> np.ndarray:
    size = 4 * math.prod(shape)
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return np.frombuffer(data, np.float32).reshape(shape).copy()


def serve() -> None:
    """The process: warms up, then answers each (features, previous) with a layout until its input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends this process itself
    if hasattr(os, "nice"):
        os.nice(10)  # training comes first: beside an equal on two cores, its steps would take more than twice as long
    # Libraries may print: to stderr, so that nothing but answers leaves by stdout.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    umap_layout(torch.rand(64, 8, generator=torch.Generator().manual_seed(0)), epochs=2)
    _send(answers)
    while True:
        try:
            features, previous = _receive(sys.stdin.buffer)
        except EOFError:
            return
        _send(answers, umap_layout(torch.from_numpy(features), previous))


if __name__ == "__main__":
    serve()
