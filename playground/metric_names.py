"""Names of metrics. A metric is a pair of a measure and a factor; stores, links and pages write it as text, `knn/shape`.

Measures of a whole layer have no factor. Names of other layers than the backbone begin with the layer: `projector/uniformity`.
Only this file, and its counterpart assets/metrics.js, builds or parses these names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

Value = TypeVar("Value")
LAYERS = (BACKBONE, PROJECTOR) = ("backbone", "projector")  # the measured layers, in the order of the forward pass
FEATURES = {BACKBONE: "embedding", PROJECTOR: "projection"}  # the name of each layer's features in snapshots


def metric(measure: str, factor: str) -> str:
    """("knn", "shape") -> "knn/shape"."""
    return f"{measure}/{factor}"


def by_metric(measure: str, by_factor: Mapping[str, Value]) -> dict[str, Value]:
    """Factor -> value, as name -> value."""
    return {metric(measure, factor): value for factor, value in by_factor.items()}


def by_factor(measure: str, values: Mapping[str, Value]) -> dict[str, Value]:
    """The values of one measure, by factor."""
    start = metric(measure, "")
    return {name.removeprefix(start): value for name, value in values.items() if name.startswith(start)}


def in_layer(layer: str, measure: str) -> str:
    """The name of a measure in a layer."""
    return measure if layer == BACKBONE else metric(layer, measure)


def in_any_layer(name: str) -> str:
    """The name without its layer."""
    return name.removeprefix(metric(PROJECTOR, ""))
