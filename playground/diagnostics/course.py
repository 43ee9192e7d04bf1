"""The loss as the judge sees it: since it has meant the same thing, that is since a live knob of the task was last moved.

LossCourse   where it began, and where it is
LossScale    what its method says of it, and so how much a rise is worth
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from playground.diagnostics.limits import LEAST_LOSS, OF_ROOM

RECENT = 20  # losses that the judge takes the mean of
STEPS_ONLY = "optimizer."  # knobs that change how steps are taken, and not what the loss means


class LossCourse:
    """One loss after another. A moved knob begins a new stretch, unless it is one of the optimizer."""

    def __init__(self, losses: Iterable[float] = ()) -> None:
        self.start: float | None = None
        self.recent: list[float] = []
        for loss in losses:
            self.add(loss)

    def add(self, loss: float) -> None:
        """The loss of one more step."""
        self.start = loss if self.start is None else self.start
        self.recent = [*self.recent, loss][-RECENT:]

    def changed(self, knob: str) -> None:
        """A live knob was moved before the next step."""
        if not knob.startswith(STEPS_ONLY):
            self.restore({})

    def told(self) -> dict[str, float]:
        """What the judge needs, once there is a loss: "loss", the mean of the last ones; "loss/start"."""
        if self.start is None:
            return {}
        return {"loss": sum(self.recent) / len(self.recent), "loss/start": self.start}

    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"start": self.start, "recent": list(self.recent)}

    def restore(self, state: dict[str, Any]) -> None:
        """From a checkpoint; an empty one is the beginning of a stretch."""
        recent: Sequence[float] = state.get("recent", ())
        self.start, self.recent = state.get("start"), list(recent)


@dataclass(frozen=True)
class LossScale:
    """What a method says of its loss. low, high: between what it stays; guess: what it is for who knows nothing, where that is known."""

    low: float = 0.0
    high: float = math.inf
    guess: float = -math.inf

    def base(self, start: float) -> float:
        """From where a rise counts: the start, or a guess where that is worse. A queue of random keys, say, makes the first steps easy."""
        return max(start, self.guess)

    def rise(self, start: float, now: float) -> float:
        """How far the loss is above its base: in units of how far that is above the lowest loss, or of a share of the way that is left
        to the highest one where that is less. Otherwise a loss that cannot double could never be called far too high."""
        base = self.base(start)
        return (now - base) / max(min(base - self.low, OF_ROOM * (self.high - base)), LEAST_LOSS)


def means_one_thing(schedules: Iterable[str]) -> bool:
    """Whether the loss can be compared with its start: not where a schedule moves a knob of the task all the time."""
    return all(each.startswith(STEPS_ONLY) for each in schedules)
