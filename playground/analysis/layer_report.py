"""All diagnostics of one layer at one step.

layer_report  from the features of a snapshot
views_report  from a network and many views of some images
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from playground.analysis.augmentation_probes import embedded, frozen_encoder
from playground.diagnostics import CATALOG, ON_DEMAND, Diagnostic
from playground.diagnostics.clusters import davies_bouldin, silhouette
from playground.diagnostics.geometry import centered, similarity_histograms
from playground.diagnostics.probes import knn_accuracy, knn_balanced, linear_accuracy
from playground.diagnostics.similarity import correlation, in_blocks
from playground.diagnostics.spectrum import singular_values
from playground.methods import Method
from playground.randomness import seeded_generator
from playground.views.augment import Augment, augment

SHOWN = 128  # dimensions in an image of correlations
VIEWS = 8  # of each image
MOST, FEWEST = 256, 64  # images of which views are made
ROOM = 2e11  # operations for views of more than FEWEST images: a few seconds of one thread
BY_FACTOR: dict[str, Callable[..., dict[str, Any]]] = {
    "knn": knn_accuracy,
    "knn_balanced": knn_balanced,
    "linear": linear_accuracy,
    "silhouette": silhouette,
    "davies_bouldin": davies_bouldin,
}


@dataclass(frozen=True)
class LayerReport:
    """measures: by the name of the diagnostic. factors: BY_FACTOR's name -> factor -> value, if there are enough labels.

    spectrum: (min(N, D),), centered. correlation: (K, K), at most SHOWN of the dimensions, correlated ones next to each other.
    constant: all images have the same features.
    """

    images: int
    size: int
    constant: bool
    measures: dict[str, float]
    factors: dict[str, dict[str, float]]
    spectrum: Tensor
    correlation: Tensor


def layer_report(features: Tensor, factors: dict[str, Tensor]) -> LayerReport:
    """features: (N, D), factors: name -> (N,) labels, below 0 if missing."""
    features, away = features.float(), centered(features)
    layer = {"features": features}
    return LayerReport(
        images=len(features),
        size=features.shape[1],
        constant=not bool(away.any()),
        measures={each.name: float(each(layer)) for each in measured_on(layer)},
        factors={name: {factor: float(value) for factor, value in read(features, factors).items()} for name, read in BY_FACTOR.items()},
        spectrum=singular_values(away).float(),
        correlation=in_picture(correlation(features)),
    )


def in_picture(matrix: Tensor) -> Tensor:
    """(D, D) correlations -> (K, K), ordered by blocks; for more than SHOWN dimensions, evenly spaced ones in this order."""
    order = in_blocks(matrix)
    kept = order[torch.linspace(0, len(order) - 1, min(len(order), SHOWN)).round().long()]
    return matrix[kept][:, kept].float()


@dataclass(frozen=True)
class ViewsReport:
    """histograms: "positive" and "negative" cosines of two views, (BINS,) each."""

    images: int
    views: int
    measures: dict[str, float]
    histograms: dict[str, Tensor]


def views_report(method: Method, layer: str, pixels: Tensor, knobs: Augment, seed: int) -> ViewsReport:
    """Measures on many views of each image, in a layer of a network: pixels (N, 3, H, W) uint8, of which only some are used to save time.

    Views are drawn as in training, half of them as first views and half as second views.
    """
    generator = seeded_generator(seed, "portrait", 0)
    encode = _encoder(method, layer)
    pixels = pixels[: _affordable(encode, pixels)]
    views = torch.stack([embedded(encode, augment(pixels, knobs.for_view(i % 2), generator)) for i in range(VIEWS)], 1)
    return of_views(views)


def of_views(views: Tensor) -> ViewsReport:
    """views: (P, Q, D), Q views of each image."""
    layer = {"first": views[:, 0], "second": views[:, 1], "views": views}
    measures = {each.name: float(each(layer)) for each in measured_on(layer)}
    return ViewsReport(len(views), views.shape[1], measures, similarity_histograms(layer["first"], layer["second"]))


def measured_on(layer: Iterable[str]) -> list[Diagnostic]:
    """The diagnostics whose arguments are among these names."""
    have = set(layer)
    return [each for each in [*CATALOG.values(), *ON_DEMAND.values()] if have.issuperset(each.wants)]


def top(each: Diagnostic, size: int, images: int) -> float | None:
    """The end of its axis, for a layer of `size` dimensions and a number of images; None if it is open."""
    spanned = float(min(size, max(images - 1, 1)))
    limits = {"dimensions": spanned, "coordinates": float(size), "spread": size**-0.5, "nats": math.log(max(images, 2))}
    return limits.get(each.unit, each.high)


def _encoder(method: Method, layer: str) -> Callable[[Tensor], Tensor]:
    embed = frozen_encoder(method)
    if layer == "backbone":
        return embed

    def projected(images: Tensor) -> Tensor:
        projection = method.project(embed(images))
        if projection is None:
            raise ValueError("layer must be backbone for a network without a projector, got projector")
        return projection

    return projected


def _affordable(encode: Callable[[Tensor], Tensor], pixels: Tensor) -> int:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        encode(pixels[:2].float() / 255)
    each = counter.get_total_flops() / 2 * VIEWS
    return int(min(max(ROOM / max(each, 1), FEWEST), MOST))
