"""The class of a diagnostic: a function of one layer's features, with a text on how to read its curve."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from playground.definitions import defined


@dataclass(frozen=True)
class Diagnostic:
    """One measure. `good` describes good values; low and high are the ends of the axis, if the quantity is bounded.

    unit: gives the end of the axis: "dimensions" ends at what N images can span, "coordinates" at D, "nats" at ln of the number of
    pairs, "spread" at 1/sqrt(D); "" at `high`.
    """

    name: str
    title: str
    good: str
    low: float | None
    high: float | None
    measure: Callable[..., Tensor]
    unit: str = ""

    def __call__(self, layer: Mapping[str, Tensor]) -> Tensor:
        """Passes the arguments that the function has by name: `features` (N, D), `first` and `second` (P, D), each row two views of one
        image, or `views` (P, Q, D), many views of each image.
        """
        return self.measure(**{name: layer[name] for name in self.wants})

    @property
    def wants(self) -> tuple[str, ...]:
        """The names of its arguments."""
        return tuple(inspect.signature(self.measure).parameters)


CATALOG: dict[str, Diagnostic] = {}  # measured on every layer at every snapshot of every run
ON_DEMAND: dict[str, Diagnostic] = {}  # too expensive for that, or in need of many views: measured when a page needs them


def diagnostic(
    title: str, good: str, low: float | None = None, high: float | None = None, unit: str = "", live: bool = True
) -> Callable[..., Callable[..., Tensor]]:
    """Marks a function as a diagnostic: its name is the metric's name, its docstring the definition that pages show.

    live: whether it is cheap enough to be measured while a run trains.
    """

    def mark(measure: Callable[..., Tensor]) -> Callable[..., Tensor]:
        (CATALOG if live else ON_DEMAND)[measure.__name__] = Diagnostic(measure.__name__, title, good, low, high, measure, unit)
        return defined(measure.__name__, title, good)(measure)

    return mark
