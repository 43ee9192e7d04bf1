"""Schedules: a live knob moves from its value to another over the run, linearly or by half a cosine."""

from __future__ import annotations

import math
from dataclasses import dataclass

SHAPES = ("linear", "cosine")


@dataclass(frozen=True)
class Schedule:
    """The final value of a knob and the shape of its schedule. As text: `cosine 0.05`."""

    shape: str
    end: float

    @classmethod
    def parse(cls, text: object) -> Schedule:
        """The inverse of `str`. Raises ValueError with the rule."""
        if isinstance(text, Schedule):
            return text
        shape, _, end = str(text).strip().lower().partition(" ")
        try:
            number = float(end)
        except ValueError:
            number = math.nan
        if shape not in SHAPES or not math.isfinite(number):
            raise ValueError(f"must be {' or '.join(SHAPES)} and the final value, as in `cosine 0.1`")
        return cls(shape, number)

    def __str__(self) -> str:
        return f"{self.shape} {self.end:.12g}"

    def value(self, start: float, progress: float) -> float:
        """The value at a progress from 0 at the first step, where it is `start`, to 1 at the last, where it is `end`."""
        part = progress if self.shape == "linear" else (1 - math.cos(math.pi * progress)) / 2
        return start * (1 - part) + self.end * part


def progress_at(step: int, steps: int) -> float:
    """The progress of update number `step` (from 1) of `steps`: 0 for the first, 1 for the last."""
    return min(max((step - 1) / max(steps - 1, 1), 0.0), 1.0)
