"""Values of more than 8 bits become 0 to 255 by one range for a whole set, so that a dark image stays darker than a bright one.

range = guess(values)                       # of many images together
levels = range.levels(channel)              # (H, W) of any numbers -> (H, W) float32 from 0 to 255
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

TAILS = (0.1, 99.9)  # percentiles, so that a few defective or very bright pixels do not matter
USUAL = (1, 2**8 - 1, 2**10 - 1, 2**12 - 1, 2**14 - 1, 2**16 - 1, 2**32 - 1)  # where the numbers of cameras and files end
FILLED = 0.5  # of a usual range, at least, for it to be taken as it is
BINS = 64
SLACK = 1e-4  # of a step: 0.2 as a float of 32 bits is a little more than 0.2


@dataclass(frozen=True)
class Range:
    """A range of values: `low` and below become black, `high` and above white."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"a range must be two numbers, the smaller one first, got {self.low:.10g} {self.high:.10g}")

    def levels(self, channel: np.ndarray) -> np.ndarray:
        """(H, W) of any type -> (H, W) float32 from 0 to 255; NaN stays NaN."""
        levels = channel.astype(np.float64 if channel.dtype.itemsize > 2 else np.float32)
        with np.errstate(over="ignore", invalid="ignore"):
            np.subtract(levels, self.low, levels)
            np.multiply(levels, 255 / (self.high - self.low), levels)
        return levels.clip(0, 255).astype(np.float32)


@dataclass(frozen=True)
class Measured:
    """The range of a set, and what it was taken from; kept with the set.

    pictures: how many have more than 8 bits; counts: how many of the sampled numbers lie in each of as many equal bins from first to last.
    """

    low: float
    high: float
    guessed: bool
    pictures: int
    counts: list[int]
    first: float
    last: float

    @property
    def range(self) -> Range:
        """Its range alone."""
        return Range(self.low, self.high)


def guess(values: np.ndarray) -> Range:
    """An estimate of the range from finite values of many images, in any shape.

    A usual range (0 to 1, 0 to 4,095 ...) where they fill at least half of one; else from percentile to percentile, rounded outward.
    """
    low, high = (float(each) for each in np.percentile(values, TAILS))
    least, most = float(values.min()), float(values.max())
    usual = next((float(top) for top in USUAL if most <= top), math.inf)
    if least >= 0 and high - low >= FILLED * usual:
        return Range(0.0, usual)
    if low == high:  # nearly all are the same number
        low, high = least, most
    return _rounded(low, high) if low < high else Range(low, low + max(1.0, abs(low) * 1e-6))


def measure(values: np.ndarray, pictures: int, given: Range | None) -> Measured:
    """values: finite numbers sampled from a set; given: the range set by the user, instead of an estimate."""
    range = given or guess(values)
    width = range.high - range.low
    first, last = max(float(values.min()), range.low - width), min(float(values.max()), range.high + width)
    first, last = min(first, range.low), max(last, range.high)
    counts, _ = np.histogram(values, BINS, (first, last))
    return Measured(range.low, range.high, given is None, pictures, counts.tolist(), first, last)


def _rounded(low: float, high: float) -> Range:
    """Outward to about a hundredth of the width."""
    step = 10.0 ** (math.floor(math.log10(high - low)) - 2)
    down, up = math.floor(low / step + SLACK) * step, math.ceil(high / step - SLACK) * step
    return Range(float(f"{down:.12g}"), float(f"{up:.12g}"))
