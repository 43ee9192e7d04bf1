"""The probe set: fixed held-out images on which every diagnostic of a run is measured."""

from __future__ import annotations

import functools
import math

import numpy as np
import torch
from torch import Tensor

from playground.datasets import Images
from playground.diagnostics.assignments import bin_use
from playground.diagnostics.base import CATALOG
from playground.diagnostics.clusters import silhouette
from playground.diagnostics.factors import causes_of, explained_by, too_few_to_explain
from playground.diagnostics.geometry import similarity_histograms
from playground.diagnostics.labels import chance, too_few
from playground.diagnostics.probes import knn_accuracy, knn_balanced
from playground.diagnostics.similarity import linear_cka
from playground.diagnostics.spectrum import singular_values
from playground.events import EvalImages
from playground.machine.measuring import measuring
from playground.methods import Batch, Method
from playground.metric_names import BACKBONE, FEATURES, PROJECTOR, by_metric, in_layer, metric
from playground.projection import pca
from playground.randomness import seeded_generator
from playground.training.faults import NotFiniteError
from playground.training.trainer import Trainer
from playground.views.augment import augment
from playground.views.pictures import as_pixels

PAIRS = 4  # one of this many images is also used as two views
SHOWN = 8  # images in each row of pictures
CHUNK = 512  # images embedded at once
BY_FACTOR = {"knn": knn_accuracy, "knn_balanced": knn_balanced, "silhouette": silhouette}  # on the backbone's output
PROBE_IMAGES = "probe images"


class ProbeSet:
    """Measures a method without affecting its training: no gradients, evaluation mode, float32, separate random numbers.

    The pairs of views are drawn once, with the augmentation at the start of the run, so that their curves keep the same meaning.
    """

    def __init__(self, images: Images, trainer: Trainer) -> None:
        self.images, self.device, self.seed = images.to(trainer.device.device), trainer.device, trainer.config.seed
        self.layout: np.ndarray | None = None
        self.origin: Tensor | None = None  # the features of the first measurement
        causes = causes_of(self.images.pixels, self.images.factors)
        unknown = {name: why for name, labels in self.images.factors.items() if (why := too_few(labels, PROBE_IMAGES))}
        unexplained = {name: why for name, each in causes.items() if (why := too_few_to_explain(each, PROBE_IMAGES))}
        self.causes = {name: each for name, each in causes.items() if name not in unexplained}
        self.unmeasured = by_metric("knn", {name: f"accuracy of {name} {why}" for name, why in unknown.items()})
        self.unmeasured |= by_metric("explained", {name: f"variance explained by {name} {why}" for name, why in unexplained.items()})
        measurable = [name for name in self.images.factors if name in causes and name not in unknown]
        self.about = next(iter(measurable), "")  # the first factor is the main factor of the dataset
        generator = seeded_generator(self.seed, "pairs", 0, self.device.device)
        self.paired = len(images) // PAIRS
        pixels = self.images.pixels[: self.paired]
        self.pairs = [augment(pixels, trainer.config.augment.for_view(number), generator) for number in range(2)]
        self.embedded = len(images) + 2 * self.paired
        self.sizes, self.bins, self.rows = self._sizes(trainer.method)

    def healthy_std(self) -> dict[str, float]:
        """The feature std of a healthy layer, 1 / sqrt(D), by metric name."""
        return {in_layer(layer, "feature_std"): 1 / math.sqrt(size) for layer, size in self.sizes.items()}

    def event(self, step: int) -> EvalImages:
        """The images and their labels, for the store and the page."""
        labels = {name: each.cpu().numpy() for name, each in self.images.factors.items()}
        return EvalImages(step, self.images.pixels.movedim(1, -1).cpu().numpy(), labels, self.images.names)

    def measure(self, method: Method) -> tuple[dict[str, float], dict[str, np.ndarray]]:
        """All diagnostics by metric name, and the arrays of a snapshot. Raises NotFiniteError."""
        with measuring(method):
            layers = self._layers(method)
            own, pictures = method.diagnostics(self._floats(self.paired), self._generator()), self._pictures(method)
            bins = method.assignments(self._floats(self.paired))
            if not all(bool(each.isfinite().all()) for layer in layers.values() for each in layer.values()):
                raise NotFiniteError("the network's features are no longer finite numbers")
            values = {in_layer(name, each.name): each(layer) for name, layer in layers.items() for each in CATALOG.values()}
            features = layers[BACKBONE]["features"]
            for measure, of_factors in BY_FACTOR.items():
                values |= by_metric(measure, of_factors(features, self.images.factors))
            values |= by_metric("explained", {name: explained_by(features, causes) for name, causes in self.causes.items()})
            self.origin = features if self.origin is None else self.origin
            values |= {"moved": 1 - linear_cka(self.origin.float(), features)} | own
            values |= {name: each for who, shares in bins.items() for name, each in bin_use(shares.float(), who).items()}
            arrays = self._arrays(layers) | pictures
            arrays |= by_metric("use", {who: shares.float().mean(0).cpu().numpy() for who, shares in bins.items()})
        floats = _as_floats(values)
        if not all(map(math.isfinite, floats.values())):
            raise NotFiniteError("the network's features have become too large to be measured")
        return floats, arrays

    def baselines(self, method: Method) -> dict[str, dict[str, float]]:
        """Baselines without training: pixels, chance and the trivial solution. `measure` at step 0 measures the untrained network."""
        pixels = pixel_neighbors(self.images)
        with measuring(method):
            trivial = method.trivial(self._floats(self.paired), self._generator())
        baselines = {"pixels": by_metric("knn", pixels), "trivial": _as_floats(trivial)}
        baselines["chance"] = by_metric("knn", {name: chance(self.images.factors[name]) for name in pixels})
        return {name: values for name, values in baselines.items() if values}

    def _pictures(self, method: Method) -> dict[str, np.ndarray]:
        """The method's rows of pictures for the first images: name -> (K, H, W, 3) uint8."""
        return {name: as_pixels(row) for name, row in method.pictures(self._floats(SHOWN), self._generator()).items()}

    def _sizes(self, method: Method) -> tuple[dict[str, int], dict[str, int], list[str]]:
        """The dimensions of each layer, the bins of each assignment, and the rows of pictures, in order."""
        with measuring(method):
            embedding = method.embed(self._floats(2))
            projection = method.project(embedding)
            bins = {name: shares.shape[1] for name, shares in method.assignments(self._floats(2)).items()}
            rows = list(method.pictures(self._floats(2), self._generator()))
        return {"backbone": embedding.shape[1]} | ({} if projection is None else {"projector": projection.shape[1]}), bins, rows

    def _layers(self, method: Method) -> dict[str, dict[str, Tensor]]:
        """Layer -> features of the probe set and of both views."""
        inputs = {"features": self._floats(len(self.images)), "first": self.pairs[0], "second": self.pairs[1]}
        backbone = {name: torch.cat([method.embed(chunk) for chunk in images.split(CHUNK)]) for name, images in inputs.items()}
        projector = {name: method.project(features) for name, features in backbone.items()}
        layers = {BACKBONE: backbone, PROJECTOR: {name: each for name, each in projector.items() if each is not None}}
        return {layer: {name: each.float() for name, each in inputs.items()} for layer, inputs in layers.items() if inputs}

    def _arrays(self, layers: dict[str, dict[str, Tensor]]) -> dict[str, np.ndarray]:
        features = layers[BACKBONE]["features"]
        self.layout = pca(features, self.layout)
        arrays = {FEATURES[BACKBONE]: features.cpu().numpy(), "pca": self.layout}
        if projector := layers.get(PROJECTOR):
            arrays[FEATURES[PROJECTOR]] = projector["features"].cpu().numpy()
        for name, layer in layers.items():
            spectrum = "spectrum" if name == BACKBONE else metric("spectrum", name)
            arrays[spectrum] = singular_values(layer["features"]).float().cpu().numpy()
        histograms = similarity_histograms(*_pairs(layers))
        arrays |= by_metric("similarity", {name: each.float().cpu().numpy() for name, each in histograms.items()})
        return arrays

    def _floats(self, count: int) -> Tensor:
        images = self.images.pixels[:count].float() / 255
        return images.contiguous(memory_format=self.device.memory_format)

    def _generator(self) -> torch.Generator:
        """The same masks at every measurement, so that snapshots can be compared."""
        return seeded_generator(self.seed, "probe", 0, self.device.device)


@functools.lru_cache(maxsize=2)  # the number of datasets that a process keeps for its next run
def pixel_neighbors(images: Images) -> dict[str, float]:
    """Live k-NN on raw pixels: factor -> accuracy. It is the same for all runs on these images, so it is computed once."""
    return _as_floats(knn_accuracy(images.pixels.flatten(1).float() - 127.5, images.factors))


def _pairs(layers: dict[str, dict[str, Tensor]]) -> tuple[Tensor, Tensor]:
    """Both views in the layer on which the loss is computed."""
    layer = layers.get(PROJECTOR, layers[BACKBONE])
    return layer["first"], layer["second"]


def _as_floats(values: dict[str, Tensor]) -> dict[str, float]:
    """One device transfer for all values."""
    if not values:
        return {}
    return dict(zip(values, torch.stack([each.detach().double().cpu() for each in values.values()]).tolist(), strict=True))


def shown_views(batch: Batch) -> dict[str, np.ndarray]:
    """The views of the first images of a batch, for a snapshot: (views, SHOWN, H, W, 3) uint8 each."""
    few = batch.first(SHOWN)
    rows = {"views": few.views, "local_views": few.local_views}
    return {name: np.stack([as_pixels(view) for view in views]) for name, views in rows.items() if views}
