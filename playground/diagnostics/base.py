"""What a diagnostic is: a function of one layer's features, and how to read its curve."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Diagnostic:
    """One measure. `good` says what good looks like; low and high are the axis where the quantity has limits."""

    name: str
    title: str
    good: str
    low: float | None
    high: float | None
    measure: Callable[..., Tensor]

    def __call__(self, layer: Mapping[str, Tensor]) -> Tensor:
        """Passes what the function asks for by name: `features` (N, D), or `first` and `second` (P, D), two views of one image a row."""
        return self.measure(**{name: layer[name] for name in inspect.signature(self.measure).parameters})


CATALOG: dict[str, Diagnostic] = {}


def diagnostic(title: str, good: str, low: float | None = None, high: float | None = None) -> Callable[..., Callable[..., Tensor]]:
    """Marks a function as a diagnostic; its name is the metric's name."""

    def mark(measure: Callable[..., Tensor]) -> Callable[..., Tensor]:
        CATALOG[measure.__name__] = Diagnostic(measure.__name__, title, good, low, high, measure)
        return measure

    return mark
