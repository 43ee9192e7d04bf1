"""The loss as the judge sees it: since it has meant the same thing, that is since a live knob of the task was last moved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

RECENT = 20  # losses that the judge takes the mean of
STEPS_ONLY = "optimizer."  # knobs that change how steps are taken, and not what the loss means


class LossCourse:
    """One loss after another. A moved knob begins a new stretch, unless it is one of the optimizer."""

    def __init__(self, losses: Iterable[float] = ()) -> None:
        self.start: float | None = None
        self.lowest = float("inf")
        self.recent: list[float] = []
        for loss in losses:
            self.add(loss)

    def add(self, loss: float) -> None:
        """The loss of one more step."""
        self.start = loss if self.start is None else self.start
        self.recent = [*self.recent, loss][-RECENT:]
        self.lowest = min(self.lowest, sum(self.recent) / len(self.recent))

    def changed(self, knob: str) -> None:
        """A live knob was moved before the next step."""
        if not knob.startswith(STEPS_ONLY):
            self.restore({})

    def told(self) -> dict[str, float]:
        """What the judge needs, once there is a loss: "loss", the mean of the last ones; "loss/start"; "loss/lowest" of such means."""
        if self.start is None:
            return {}
        return {"loss": sum(self.recent) / len(self.recent), "loss/start": self.start, "loss/lowest": self.lowest}

    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"start": self.start, "lowest": self.lowest, "recent": list(self.recent)}

    def restore(self, state: dict[str, Any]) -> None:
        """From a checkpoint; an empty one is the beginning of a stretch."""
        recent: Sequence[float] = state.get("recent", ())
        self.start, self.lowest, self.recent = state.get("start"), state.get("lowest", float("inf")), list(recent)


def means_one_thing(schedules: Iterable[str]) -> bool:
    """Whether the loss can be compared with its start: not where a schedule moves a knob of the task all the time."""
    return all(each.startswith(STEPS_ONLY) for each in schedules)
