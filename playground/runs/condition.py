"""What of a run's files or pictures is gone, damaged or no longer the same, and what still works without it, in sentences."""

from __future__ import annotations

from collections.abc import Iterable

from playground.runs.folder import RunFolder
from playground.runs.read_again import read_since
from playground.runs.records import Run
from playground.runs.status import Status
from playground.safe_files import whole

FEW = 5  # steps that are named


def condition(folder: RunFolder, run: Run) -> list[str]:
    """Nothing where all is well. A quick look: a file that has its size but not its content is found when it is read."""
    since = [sentence] if (sentence := read_since(run)) else []
    if not run.facts or not run.over:
        return since  # it has no files yet, or is writing them
    again = "" if run.complete else "; Resume starts it again"
    if not folder.path.is_dir():
        lost = f"The files of this run are gone ({folder.path}): its settings and curves are here, its maps and pictures are not{again}."
        return [*since, lost]
    return [*since, *_probe(folder, run), *_snapshots(folder, run), *_checkpoints(folder, run)]


def resumes(folder: RunFolder) -> str:
    """What Resume will do."""
    steps = folder.checkpoints.steps()
    if steps:
        return f"Resume goes on from its last checkpoint, of step {steps[-1]}"
    return "Resume goes on from its last checkpoint" if folder.has_checkpoint() else "Resume starts it again"


def _probe(folder: RunFolder, run: Run) -> Iterable[str]:
    lost = [name for name in ("probe.json", "sprites.png") if not whole(folder.path / name)]
    if lost:
        again = "" if run.complete else "; Resume writes them anew"
        yield f"The images it was measured on are gone or damaged ({', '.join(lost)}): its maps cannot be shown, its curves can{again}."


def _snapshots(folder: RunFolder, run: Run) -> Iterable[str]:
    if run.step > 0 and not any(folder.path.glob("snapshots/*.npz")):
        yield f"Its snapshots are gone ({folder.path / 'snapshots'}): its maps and pictures cannot be shown, its curves can."
    for place, suffix, what in (("snapshots", "npz", "snapshots"), ("weights", "pt", "copies of the weights")):
        paths = sorted(folder.path.glob(f"{place}/*.{suffix}"))
        lost = [str(int(path.stem)) for path in paths if not whole(path)]
        if lost:
            steps = ", ".join(lost[:FEW]) + (", ..." if len(lost) > FEW else "")
            yield f"{len(lost)} of {len(paths)} {what} are damaged (of step {steps}) and left out; all others are shown."


def _checkpoints(folder: RunFolder, run: Run) -> Iterable[str]:
    lost, kept = folder.checkpoints.damaged(), folder.has_checkpoint()
    after = "the one before it is looked at instead" if kept else "no other picture can be shown to it"
    after = after if run.complete else resumes(folder)
    if lost:
        yield f"The checkpoint of step {lost[-1]} is damaged: {after}."
    elif not kept and run.step > 0 and run.status != Status.FAILED:  # one that failed early has never had one
        yield f"It has no checkpoint any more: {after}."
