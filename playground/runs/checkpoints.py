"""The checkpoints of one run, checkpoints/0000100.pt: the last two, and of those before ever fewer the older they are.

So a damaged one has one before it, and a run that went wrong has one from before the trouble.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from playground import safe_files
from playground.safe_files import Damaged

LAST = 2  # are always kept
ROOM = 256 << 20  # bytes that all of one run may take, beyond those


class Loaded(NamedTuple):
    """What a run goes on from: step -1 and no state where there is nothing. lost: sentences about newer ones that could not be read."""

    step: int
    state: dict[str, Any] | None
    lost: list[str]


class Checkpoints:
    """Those of the run whose folder this is."""

    def __init__(self, folder: Path) -> None:
        self._place = folder / "checkpoints"
        self._older = folder / "checkpoint.pt"  # of a version that kept one

    def save(self, step: int, state: Mapping[str, Any]) -> None:
        """Adds one, and lets go of those that need no longer be kept. Raises HomeError; those of before are then still there."""
        import torch

        self._place.mkdir(parents=True, exist_ok=True)
        safe_files.save(self._of(step), lambda file: torch.save({"step": step, "state": state}, file))
        steps = self.steps()
        sizes = {each: self._of(each).stat().st_size for each in steps}
        for each in set(steps) - set(worth_keeping(steps, sizes)):
            self._of(each).unlink(missing_ok=True)
        if len(steps) >= LAST:
            self.forget_older()

    def steps(self) -> list[int]:
        """The steps at which the run can go on, the newest last; that of an older version's checkpoint is not known without reading it."""
        return sorted(int(path.stem) for path in self._place.glob("*.pt") if safe_files.whole(path))

    def newest(self) -> Path | None:
        """Where the newest lies that seems whole."""
        paths = [self._of(step) for step in self.steps()[-1:]]
        return next(iter(paths), self._older if safe_files.whole(self._older) else None)

    def load(self) -> Loaded:
        """The newest that can be read."""
        import torch

        lost: list[str] = []
        for path in [*sorted(self._place.glob("*.pt"), reverse=True), self._older]:
            try:
                # Our own file, from our own folder: it may hold random generators and the like, not tensors alone.
                kept = safe_files.parsed(path, lambda file: torch.load(file, map_location="cpu", weights_only=False))
            except FileNotFoundError:
                continue
            except Damaged as error:
                lost.append(f"checkpoint {error}" if path != self._older else str(error))
            else:
                return Loaded(int(kept["step"]), kept["state"], lost)
        return Loaded(-1, None, lost)

    def forget_older(self) -> None:
        """Removes that of an older version."""
        self._older.unlink(missing_ok=True)

    def damaged(self) -> list[int]:
        """The steps whose checkpoints have lost their end."""
        return sorted(int(path.stem) for path in self._place.glob("*.pt") if not safe_files.whole(path))

    def _of(self, step: int) -> Path:
        return self._place / f"{step:07d}.pt"


def worth_keeping(steps: list[int], sizes: Mapping[int, int]) -> list[int]:
    """The last two, then each that lies twice as far back as the one after it; the oldest go where all take too much room."""
    newest_first = sorted(steps, reverse=True)
    kept = newest_first[:LAST]
    room = ROOM
    for step in newest_first[LAST:]:
        room -= sizes[step]
        if room < 0:
            break
        if kept[0] - step >= 2 * (kept[0] - kept[-1]):
            kept.append(step)
    return kept
