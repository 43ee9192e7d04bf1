"""What a set of pictures with more than 8 bits adds to one of 8: two knobs, and a sentence about its range."""

from __future__ import annotations

from pydantic import model_validator

from playground.datasets.base import Dataset
from playground.datasets.ranges import Measured, Range
from playground.knobs import ConfigError, number


def with_range(knobs: type[Dataset.Knobs], numbers: Measured) -> type[Dataset.Knobs]:
    """The same, and which numbers are black and white."""

    class Knobs(knobs):  # type: ignore[misc, valid-type]
        __doc__ = knobs.__doc__

        range_low: float = number(numbers.low, "In pictures of more than 8 bits: this number and all below it become black.")
        range_high: float = number(numbers.high, "In pictures of more than 8 bits: this number and all above it become white.")

        @model_validator(mode="after")
        def _low_below_high(self) -> Knobs:
            if self.range_low >= self.range_high:
                got = f"{self.range_low:.10g} and {self.range_high:.10g}"
                key = "range_low" if self.range_high == numbers.high else "range_high"  # the one that was moved
                raise ConfigError(f"data.{key}", f"range_low must be below range_high, got {got}")
            return self

    return Knobs


def told(numbers: Measured, range: Range | None) -> str:
    """Which numbers are black and white, and whether that is only a guess."""
    many = "1 picture has" if numbers.pictures == 1 else f"{numbers.pictures:,} pictures have"
    range = range or numbers.range
    shown = f"{many} more than 8 bits: {range.low:.10g} and below is black, {range.high:.10g} and above is white, in all of them alike"
    if range != numbers.range or not numbers.guessed:
        return f"{shown}."
    return f"{shown}. This range is a guess from their numbers; where you know it, set range low and range high, or add it with --range."
