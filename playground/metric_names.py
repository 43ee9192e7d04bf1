"""Names of metrics. A metric is a pair, what is measured and of which factor; stores, links and pages write it as text, `knn/shape`.

Measures of a whole layer have no factor. Those of the backbone stand alone, those of other layers behind the layer: `projector/uniformity`.
Nothing but this file, and its counterpart assets/metrics.js, makes or takes apart that text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

Value = TypeVar("Value")
LAYERS = (BACKBONE, PROJECTOR) = ("backbone", "projector")  # those that are measured, from the pixels on
FEATURES = {BACKBONE: "embedding", PROJECTOR: "projection"}  # what snapshots call the features of each


def metric(measure: str, factor: str) -> str:
    """("knn", "shape") -> its name."""
    return f"{measure}/{factor}"


def by_metric(measure: str, by_factor: Mapping[str, Value]) -> dict[str, Value]:
    """Factor -> value, as name -> value."""
    return {metric(measure, factor): value for factor, value in by_factor.items()}


def by_factor(measure: str, values: Mapping[str, Value]) -> dict[str, Value]:
    """Of values by name those of one measure, by factor."""
    start = metric(measure, "")
    return {name.removeprefix(start): value for name, value in values.items() if name.startswith(start)}


def in_layer(layer: str, measure: str) -> str:
    """The name of a measure of a layer."""
    return measure if layer == BACKBONE else metric(layer, measure)


def in_any_layer(name: str) -> str:
    """The same without its layer."""
    return name.removeprefix(metric(PROJECTOR, ""))
