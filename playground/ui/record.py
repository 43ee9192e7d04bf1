"""Keeps a run of this machine as a recording that the page plays until somebody presses Start.

    python -m playground.ui.record RUN        with the run's id, as the address bar shows it

What is written to assets/recorded/ is what the server would send of that run, entry by entry, so one player serves both.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from PIL import Image

from playground.config import CHOICES
from playground.home import home
from playground.runs.folder import RunFolder
from playground.runs.records import as_json
from playground.runs.store import Store
from playground.ui import RECORDED
from playground.web.files import packed

KINDS = ("started", "metrics", "baseline", "snapshot", "layout", "change", "verdict")
NOT_KEPT = ("embedding", "projection")
DIGITS = 5  # of a metric: more cannot be seen


def record(store: Store, run: str, target: Path) -> None:
    """Writes the timeline, every snapshot and the pictures of `run` to `target`."""
    kept, folder = store.run(run), store.folder(run)
    (target / "snapshots").mkdir(parents=True, exist_ok=True)
    entries = [[each.id, each.kind, each.step, each.time, _rounded(each.body)] for each in store.events(run) if each.kind in KINDS]
    (target / "events.json").write_text(as_json(entries))
    title = " on ".join(CHOICES[section][kept.flat[section]].title for section in ("method", "data"))
    (target / "run.json").write_text(as_json({"title": title, "config": kept.flat, "steps": kept.steps, "probe": folder.probe()}))
    _picture(folder.path / "sprites.png", target / "sprites.jpg")
    for step in folder.steps():
        _snapshot(folder, step, target / "snapshots")


def _snapshot(folder: RunFolder, step: int, target: Path) -> None:
    arrays, layout = folder.snapshot(step) or {}, folder.layout(step)
    body = {name: packed(array) for name, array in arrays.items() if name not in NOT_KEPT}
    body |= {} if layout is None else {"umap": packed(layout)}
    (target / f"{step}.json").write_text(json.dumps(body))
    for name in folder.pictures(step):
        _picture(folder.picture(step, name), target / str(step) / f"{name}.jpg")


def _picture(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    Image.open(source).save(target, quality=88, subsampling=0)


def _rounded(body: object) -> object:
    if isinstance(body, dict):
        return {key: _rounded(value) for key, value in body.items()}
    return float(f"{body:.{DIGITS}g}") if isinstance(body, float) else body


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("python -m playground.ui.record RUN")
    record(Store(home()), sys.argv[1], RECORDED)
