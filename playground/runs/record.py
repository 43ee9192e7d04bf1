"""Makes the recordings: trains each run, evaluates it, and packs it into assets/recorded/runs.

    python -m playground.runs.record FOLDER           all of them, on the CPU; the same code gives the same runs on one machine
    python -m playground.runs.record FOLDER mae       those of these names
    python -m playground.runs.record FOLDER --again   those that FOLDER holds are packed again; nothing is trained or evaluated

FOLDER keeps the trained runs, a gigabyte at most, so that what is there is not trained again. It takes about an hour on two cores.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from playground.config import RunConfig
from playground.datasets import load_images
from playground.evaluation import ledger
from playground.evaluation.contest import evaluate
from playground.evaluation.protocol import Protocol
from playground.events import Finished
from playground.projection import umap_layout
from playground.runs import packed_run, recordings
from playground.runs.folder import RunFolder
from playground.runs.journal import Line
from playground.runs.packed_run import IMAGES
from playground.runs.recordings import FOLDER, OWNER, RECORDINGS, Recording
from playground.runs.records import RECORDED, Run
from playground.runs.store import Store
from playground.runs.trained import trained
from playground.training.run import train

MEASURED = (0, 1, 2, 3, 5, 7, 10, 13, 16, 20, 25, 30, 36, 43, 50, 60, 70, 85, 100, 120, 140, 165, 195, 230, 265, 300, 350, 400)
KEPT = (0, 5, 20, 60, 140, 300, 400)  # of these, the steps whose snapshots are in the recording
LINES = ("started", "metrics", "baseline", "verdict", "finished", "snapshot", "layout")
OF_A_CLOCK = ("views_per_second", "seconds", "diagnostics_share", "device_why")  # no two trainings agree on them
BEGAN = 1_760_000_000.0  # the time of every entry: a recording does not depend on the clock
SEEDS, STEPS = 1, 40  # of an evaluation


def record(store: Store, recording: Recording, target: Path, again: bool = False) -> Path:
    """Writes the zip of one recording, made from its run in `store`, which is trained where it is not there yet. Returns the zip.

    again: keeps the evaluation of the zip of before.
    """
    file = target / f"{recording.run}.zip"
    before = packed_run.read(file) if again and file.exists() else {}
    entries = packed(store, run_of(store, recording), recording)
    if recording.evaluated:
        entries[ledger.FILE] = before.get(ledger.FILE) or json.dumps(evaluated(entries, recording)).encode()
    target.mkdir(parents=True, exist_ok=True)
    packed_run.write(file, entries)
    return file


def run_of(store: Store, recording: Recording) -> Run:
    """The trained run of a recording. Raises ValueError where its training fails."""
    config = RunConfig(**{"device": "cpu", **recording.changes})
    for each in store.runs(limit=-1, statuses=("finished",)):
        if each.owner == recording.run and each.flat == config.flat():
            return each
    run = store.create(config, owner=recording.run)
    for event in train(config, measure_at=MEASURED):
        store.write(run, event)
        if isinstance(event, Finished) and event.status != "finished":
            raise ValueError(event.message)
    return store.run(run)


def packed(store: Store, run: Run, recording: Recording) -> dict[str, bytes]:
    """The entries of its zip, without an evaluation."""
    folder = store.folder(run.id)
    snapshots = [step for step in folder.steps() if step in (*KEPT, run.steps)]
    weights = [*([0] if recording.untrained else []), run.steps]
    layouts = dict(_layouts(folder, snapshots))
    return packed_run.packed(folder, _timeline(store, run, recording, snapshots), snapshots, weights, layouts)


def _layouts(folder: RunFolder, steps: Sequence[int]) -> Iterator[tuple[str, np.ndarray]]:
    """The map of each snapshot, which starts from the one before."""
    layout = None
    for step in steps:
        embedding = (folder.snapshot(step) or {})["embedding"][:IMAGES]
        layout = umap_layout(torch.from_numpy(embedding), layout)
        yield str(step), layout


def _timeline(store: Store, run: Run, recording: Recording, snapshots: Sequence[int]) -> list[Line]:
    """What a page follows: numbers as they can be seen, no clock, and no snapshot that is not kept."""
    order = RECORDINGS.index(recording) if recording in RECORDINGS else 0
    created = {"config": packed_run.usual_device(run.flat), "owner": OWNER, "beside": ""}
    lines = [Line("created", 0, BEGAN - order, created)]
    for each in store.events(run.id):
        if each.kind in ("snapshot", "layout") and each.step not in snapshots:
            continue
        if each.kind in LINES:
            lines.append(Line(each.kind, each.step, BEGAN, packed_run.rounded(_without_clock(each.body))))
            if each.kind == "snapshot":
                lines.append(Line("layout", each.step, BEGAN, {"kind": "umap"}))
    return lines


def _without_clock(body: Any) -> Any:
    if isinstance(body, dict):
        return {key: _without_clock(value) for key, value in body.items() if key not in OF_A_CLOCK}
    return body


def evaluated(entries: dict[str, bytes], recording: Recording) -> ledger.Document:
    """What the evaluation of a recording finds, by the weights that are in its zip."""
    run, protocol = recording.run, Protocol(recording.evaluated, seeds=SEEDS, steps=STEPS)
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "zips" / f"{run}.zip"
        file.parent.mkdir()
        packed_run.write(file, entries)
        store = Store(Path(place) / "home")
        recordings.install(store, file.parent)
        found = trained(store, run)
        sets = load_images(found.config.data, Path(place))[0], found.config.data.choice.test(found.config.data, Path(place))
        empty = ledger.new(run, found.step, protocol)
        for document in ledger.recorded(Path(place), empty, evaluate(found.config, found.method, sets, protocol, None)):
            print(f"\r{run}: {document['doing']}, {document['done']:.0%}        ", end="", file=sys.stderr, flush=True)
        store.close()
    return packed_run.rounded(document) | {"started": BEGAN, "written": BEGAN}


def main(words: Sequence[str]) -> None:
    """Makes those that are named, or all."""
    again, names = "--again" in words, [f"{RECORDED}{each}" for each in words[1:] if each != "--again"]
    if not words or not set(names) <= {each.run for each in RECORDINGS}:
        known = ", ".join(each.run.removeprefix(RECORDED) for each in RECORDINGS)
        raise ValueError(f"python -m playground.runs.record FOLDER [NAME ...] [--again], with names among {known}")
    store = Store(Path(words[0]))
    for each in [each for each in RECORDINGS if each.run in names or not names]:
        file = record(store, each, FOLDER, again)
        print(f"{file}: {file.stat().st_size:,} bytes", flush=True)
    for stale in FOLDER.glob(f"{RECORDED}*.zip"):
        if stale.stem not in {each.run for each in RECORDINGS}:
            stale.unlink()
    store.close()


if __name__ == "__main__":
    torch.set_num_threads(1)
    try:
        main(sys.argv[1:])
    except ValueError as error:
        sys.exit(str(error))
