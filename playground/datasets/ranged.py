"""Sets of images with more than 8 bits: two additional knobs, and a sentence about the range."""

from __future__ import annotations

from pydantic import model_validator

from playground.datasets.base import Dataset
from playground.datasets.ranges import Measured, Range
from playground.knobs import ConfigError, number


def with_range(knobs: type[Dataset.Knobs], numbers: Measured) -> type[Dataset.Knobs]:
    """The knobs plus the values of black and white."""

    class Knobs(knobs):  # type: ignore[misc, valid-type]
        __doc__ = knobs.__doc__

        range_low: float = number(numbers.low, "In images of more than 8 bits: this value and lower ones become black.")
        range_high: float = number(numbers.high, "In images of more than 8 bits: this value and higher ones become white.")

        @model_validator(mode="after")
        def _low_below_high(self) -> Knobs:
            if self.range_low >= self.range_high:
                got = f"{self.range_low:.10g} and {self.range_high:.10g}"
                key = "range_low" if self.range_high == numbers.high else "range_high"  # the one that was changed
                raise ConfigError(f"data.{key}", f"range_low must be below range_high, got {got}")
            return self

    return Knobs


def describe(numbers: Measured, range: Range | None) -> str:
    """The values of black and white, and whether they are only estimated."""
    many = "1 image has" if numbers.pictures == 1 else f"{numbers.pictures:,} images have"
    range = range or numbers.range
    shown = f"{many} more than 8 bits: {range.low:.10g} and below is black, {range.high:.10g} and above is white, the same for all"
    if range != numbers.range or not numbers.guessed:
        return f"{shown}."
    return f"{shown}. This range is an estimate; if you know it, set range low and range high, or use --range when you add the set."
