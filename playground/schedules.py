"""Schedules: a live knob that goes from its own value to another over the run, by a line or by half a cosine."""

from __future__ import annotations

import math
from dataclasses import dataclass

SHAPES = ("linear", "cosine")


@dataclass(frozen=True)
class Schedule:
    """Where a knob ends, and how it gets there. As text: `cosine 0.05`."""

    shape: str
    end: float

    @classmethod
    def parse(cls, text: object) -> Schedule:
        """Reads what `str` writes. Raises ValueError with the rule."""
        if isinstance(text, Schedule):
            return text
        shape, _, end = str(text).strip().lower().partition(" ")
        try:
            number = float(end)
        except ValueError:
            number = math.nan
        if shape not in SHAPES or not math.isfinite(number):
            raise ValueError(f"must be {' or '.join(SHAPES)} and the value to end at, as in `cosine 0.1`")
        return cls(shape, number)

    def __str__(self) -> str:
        return f"{self.shape} {self.end:.12g}"

    def value(self, start: float, progress: float) -> float:
        """progress: 0 at the first step, where the value is `start`, to 1 at the last, where it is `end`."""
        way = progress if self.shape == "linear" else (1 - math.cos(math.pi * progress)) / 2
        return start * (1 - way) + self.end * way


def progress_at(step: int, steps: int) -> float:
    """How far update number `step` (from 1) of `steps` is: the first has 0, the last 1."""
    return min(max((step - 1) / max(steps - 1, 1), 0.0), 1.0)
