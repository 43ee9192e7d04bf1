"""The loss for the judge, counted from the last change of a live knob of the task, because such a change gives the loss a new meaning.

LossCourse   its start and its recent mean
LossScale    its bounds, given by the method, which make a rise comparable
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from playground.diagnostics.limits import LEAST_LOSS, OF_ROOM

RECENT = 20  # losses of which the judge takes the mean
STEPS_ONLY = "optimizer."  # knobs that change the steps but not the meaning of the loss


class LossCourse:
    """One loss after another. A changed knob begins a new course, unless it belongs to the optimizer."""

    def __init__(self, losses: Iterable[float] = ()) -> None:
        self.start: float | None = None
        self.recent: list[float] = []
        for loss in losses:
            self.add(loss)

    def add(self, loss: float) -> None:
        """Adds the loss of one step."""
        self.start = loss if self.start is None else self.start
        self.recent = [*self.recent, loss][-RECENT:]

    def changed(self, knob: str) -> None:
        """A live knob was changed before the next step."""
        if not knob.startswith(STEPS_ONLY):
            self.restore({})

    def values(self) -> dict[str, float]:
        """The values for the judge, once there is a loss: "loss", the mean of the last ones; "loss/start"."""
        if self.start is None:
            return {}
        return {"loss": sum(self.recent) / len(self.recent), "loss/start": self.start}

    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"start": self.start, "recent": list(self.recent)}

    def restore(self, state: dict[str, Any]) -> None:
        """From a checkpoint; an empty one begins a new course."""
        recent: Sequence[float] = state.get("recent", ())
        self.start, self.recent = state.get("start"), list(recent)


@dataclass(frozen=True)
class LossScale:
    """The scale of a method's loss. low, high: its bounds; guess: the loss of a random guess, if it is known."""

    low: float = 0.0
    high: float = math.inf
    guess: float = -math.inf

    def base(self, start: float) -> float:
        """The loss from which a rise counts: the start, or a guess if that is higher. A queue of random keys makes the first steps easy."""
        return max(start, self.guess)

    def rise(self, start: float, now: float) -> float:
        """How far the loss is above its base, in units of the distance from the lowest loss to the base, or of a share of the distance from
        the base to the highest loss if that is less. Without the second case, a loss that cannot double would never count as diverged."""
        base = self.base(start)
        return (now - base) / max(min(base - self.low, OF_ROOM * (self.high - base)), LEAST_LOSS)


def means_one_thing(schedules: Iterable[str]) -> bool:
    """Whether the loss can be compared with its start: not if a schedule changes a knob of the task all the time."""
    return all(each.startswith(STEPS_ONLY) for each in schedules)
