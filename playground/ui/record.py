"""Makes the recording that the page plays until somebody presses Start: two runs that differ by one switch, color jitter.

    python -m playground.ui.record              trains both, on the CPU; the same code gives the same files on one machine
    python -m playground.ui.record RUN [RUN]    takes runs of this machine, by their ids: the one with jitter, the one without
    python -m playground.ui.record --judge      trains nothing: today's judge on what is recorded

What is written to assets/recorded/ is what the server would send of both, entry by entry, only shorter: all numbers in
`pair.json`, pictures beside it.
"""

from __future__ import annotations

import json
import math
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from PIL import Image
from scipy.spatial import KDTree

from playground.config import CHOICES, RunConfig
from playground.diagnostics.course import LossCourse
from playground.diagnostics.limits import bar_limits, gain_limits
from playground.diagnostics.run_context import RunContext, guarded
from playground.diagnostics.verdict import judge
from playground.events import Finished
from playground.home import home
from playground.projection import umap_layout
from playground.runs import recordings
from playground.runs.folder import RunFolder
from playground.runs.records import Entry, UnknownRun, as_json
from playground.runs.store import Store
from playground.training.run import train
from playground.ui import RECORDED

Source = tuple[Store, str]  # a run, and where it is kept

WITHOUT = {"augment.jitter_probability": 0.0, "augment.grayscale_probability": 0.0}
RUNS: dict[str, dict[str, Any]] = {"recorded": {}, "recorded-without": WITHOUT}  # as assets/recorded.js knows them
FRAMES = (0, 1, 2, 3, 5, 7, 10, 13, 16, 20, 25, 30, 36, 43, 50, 60, 70, 85, 100, 120, 140, 165, 195, 230, 265, 300)
MOST = 30  # frames of one run
PICTURED = 6  # of them have pictures
KINDS = ("started", "metrics", "baseline", "snapshot", "change", "verdict")
NOT_KEPT = ("embedding", "projection", "pca")
OF_A_CLOCK = ("views_per_second",)  # no two recordings would agree on them
DIGITS = 4  # of a number: more cannot be seen
GRID = 1024  # steps from the middle of a map to its farthest point: a quarter of a pixel each
ACROSS = 60  # marks beside each other, over the width of a map


def record(sources: Sequence[Source], target: Path) -> None:
    """Writes two runs to `target`, which holds nothing else afterwards but the folder of `recordings`. Raises ValueError where they
    are no such pair."""
    _require_pair(sources)
    target.mkdir(parents=True, exist_ok=True)
    for old in set(target.iterdir()) - {target / recordings.FOLDER.name}:
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    runs = {name: _run(store, run, target / name) for name, (store, run) in zip(RUNS, sources, strict=True)}
    store, run = sources[0]
    (target / "pair.json").write_text(as_json({"probe": store.folder(run).probe(), "runs": runs}))
    _picture(store.folder(run).path / "sprites.png", target / "sprites.jpg")


def trained(store: Store, changes: Mapping[str, Any]) -> str:
    """A new run of the defaults with these changes, trained here and now. Raises ValueError where the training fails."""
    config = RunConfig(**{"device": "cpu", **changes})
    run = store.create(config)
    for event in train(config, folder=home() / "data", measure_at=FRAMES):
        store.write(run, event)
        if isinstance(event, Finished) and event.status != "finished":
            raise ValueError(event.message)
    return run


def _require_pair(sources: Sequence[Source]) -> None:
    flats = [store.run(run).flat for store, run in sources]
    for flat, changes in zip(flats, RUNS.values(), strict=True):
        off = all(flat.get(key) == 0 for key in WITHOUT)
        if flat["data"] != "shapes" or off != bool(changes):
            got = f"{flat['data']} {'without' if off else 'with'} it"
            raise ValueError(f"a run {'without' if changes else 'with'} color jitter on shapes must stand here, got {got}")
    if flats[0]["steps"] != flats[1]["steps"]:
        raise ValueError(f"both runs must have the same number of steps, got {flats[0]['steps']} and {flats[1]['steps']}")


def _run(store: Store, run: str, target: Path) -> dict[str, Any]:
    """What is sent of one run: its settings, its timeline, the arrays of each frame. Its pictures go to `target`."""
    kept, folder = store.run(run), store.folder(run)
    steps = spread(folder.steps(), MOST)
    pictures = {step: folder.pictures(step) for step in spread(steps, PICTURED)}
    for step, names in pictures.items():
        for name in names:
            _picture(folder.picture(step, name), target / str(step) / f"{name}.jpg")
    frames = dict(zip(steps, _frames(folder, steps), strict=True))
    entries = chain.from_iterable(_entries(each, frames, pictures.get(each.step, [])) for each in store.events(run))
    title = " on ".join(CHOICES[section][kept.flat[section]].title for section in ("method", "data"))
    numbered = [[i, kind, step, 0, body] for i, (kind, step, body) in enumerate(entries, 1)]
    return {"title": title, "config": kept.flat, "steps": kept.steps, "events": numbered, "frames": frames}


def judged_anew(run: Mapping[str, Any]) -> dict[str, Any]:
    """A recorded run as today's judge sees it: its verdicts, and the limits that its bars are colored by."""
    config, course, verdict = RunConfig(**run["config"]), LossCourse(), None
    start: dict[str, float] = {}
    values: dict[str, float] = {}
    events = []
    for number, kind, step, at, body in run["events"]:
        if kind == "started":
            body = body | {"limits": bar_limits(body["layers"], body["probe"], guarded(config)), "gain": gain_limits()}
            subject = RunContext.of_run(config, body)
        elif kind == "metrics" and "feature_std" in body:
            start, values = start or body, body
        elif kind == "metrics":
            course.add(body["loss"])
        elif kind == "verdict":
            verdict = judge(step, values | course.values(), start, subject, verdict)
            body = _rounded({name: value for name, value in vars(verdict).items() if name != "step"})
        events.append([number, kind, step, at, body])
    return {**run, "events": events}


def spread(steps: Sequence[int], most: int) -> list[int]:
    """At most so many of the steps, evenly, the first and the last among them."""
    count = min(most, len(steps))
    return [steps[round(i * (len(steps) - 1) / max(count - 1, 1))] for i in range(count)]


def _entries(entry: Entry, frames: Mapping[int, Mapping[str, Any]], pictures: list[str]) -> Iterator[tuple[str, int, Any]]:
    """The entries that one entry of the timeline becomes: a frame's map is there at once, and what was left out is not promised."""
    if entry.kind == "snapshot" and entry.step in frames:
        yield "snapshot", entry.step, [*frames[entry.step], *pictures]
        yield "layout", entry.step, {"kind": "umap"}
    elif entry.kind in KINDS and entry.kind != "snapshot":
        yield entry.kind, entry.step, _rounded(entry.body)


def _frames(folder: RunFolder, steps: Sequence[int]) -> Iterator[dict[str, Any]]:
    """The arrays of each of these snapshots, and its map, which starts from the one before."""
    kept: list[dict[str, Any]] = []
    layouts: list[np.ndarray] = []
    for step in steps:
        arrays = folder.snapshot(step) or {}
        layouts.append(umap_layout(torch.from_numpy(arrays["embedding"]), layouts[-1] if layouts else None))
        kept.append({name: _rounded(array.tolist()) for name, array in arrays.items() if name not in NOT_KEPT})
    maps = moves([apart(layout, float(np.ptp(layout, 0).max()) / ACROSS) for layout in layouts])
    yield from ({**curves, "umap": each} for curves, each in zip(kept, maps, strict=True))


def apart(points: np.ndarray, least: float, rounds: int = 40) -> np.ndarray:
    """Points (N, 2), those nearer than `least` to each other pushed that far apart, or nearly: each mark is to be seen."""
    points = points.astype(np.float64)
    for _ in range(rounds):
        one, other = KDTree(points).query_pairs(least, output_type="ndarray").T
        way = points[one] - points[other]
        far = np.linalg.norm(way, axis=1, keepdims=True)
        push = 0.25 * (least - far) * way / np.maximum(far, 1e-9)  # half of a half: a point has several neighbors
        np.add.at(points, one, push)
        np.add.at(points, other, -push)
    return points.astype(np.float32)


def moves(maps: Sequence[np.ndarray]) -> list[dict[str, Any]]:
    """Maps (N, 2) on one grid, each as whole numbers of `scale` that every point moves from the map before; the first one from 0."""
    scale = _rounded(float(np.abs(maps).max()) / GRID) or 1.0
    whole = np.round(np.stack(maps) / scale).astype(int)
    return [{"scale": scale, "shape": list(each.shape), "moves": each.ravel().tolist()} for each in np.diff(whole, axis=0, prepend=0)]


def _picture(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    Image.open(source).save(target, quality=75)


def _rounded(body: Any) -> Any:
    if isinstance(body, dict):
        return {key: _rounded(value) for key, value in body.items() if key not in OF_A_CLOCK}
    if isinstance(body, list):
        return [_rounded(each) for each in body]
    return float(f"{body:.{DIGITS}g}") if isinstance(body, float) and math.isfinite(body) else body


def main(runs: Sequence[str]) -> None:
    """Trains whichever run is not given, and records both."""
    if list(runs) == ["--judge"]:
        pair = json.loads((RECORDED / "pair.json").read_text())
        judged = {name: judged_anew(run) for name, run in pair["runs"].items()}
        (RECORDED / "pair.json").write_text(as_json(pair | {"runs": judged}))
        return
    with TemporaryDirectory() as folder:
        kept, fresh = Store(home()), Store(Path(folder))
        sources = [(kept, run) for run in runs] + [(fresh, trained(fresh, changes)) for changes in list(RUNS.values())[len(runs) :]]
        record(sources, RECORDED)
        fresh.close()


if __name__ == "__main__":
    if len(sys.argv) > 1 + len(RUNS):
        sys.exit("python -m playground.ui.record [--judge | RUN [RUN]]")
    try:
        main(sys.argv[1:])
    except (UnknownRun, ValueError) as error:
        sys.exit(str(error))
