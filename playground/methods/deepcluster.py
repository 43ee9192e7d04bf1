"""DeepCluster: cluster the features, learn to name the clusters, and start again."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.knobs import Choice, knob, switch
from playground.machine.measuring import measuring
from playground.methods.base import Batch, Config, Measure, Method, Reference, in_full_precision
from playground.networks import Backbone

CHUNK = 512  # images embedded at once


class DeepCluster(Method):
    """Rounds of k-means give every image a pseudo-label; between them a linear head learns to tell it from an augmented view.

    Caron et al., 2018, equations 1 and 2; features are whitened before they are clustered (section 3.3), as k-means itself has
    no reason to look at more than their largest directions.
    """

    name, title, family = "deepcluster", "DeepCluster", "clustering"
    summary = "Clusters its own features, takes the clusters for labels, learns to predict them, and clusters again."
    paper = "Caron et al., 2018: Deep Clustering for Unsupervised Learning of Visual Features"
    link = "https://arxiv.org/abs/1807.05520"
    equation = r"\min_{\theta, W} \frac{1}{N} \sum_n \ell(W f_\theta(x_n), y_n), \quad y = \mathrm{kmeans}(f_\theta(x))"
    loss_unit = "nats"
    advice = "The loss jumps at every new round, since its labels are new; watch how many images change their cluster."
    views = 1
    measures = {
        "pseudo_top1": Measure(
            "Pseudo-labels named",
            "high: the head tells the cluster of an image it sees augmented",
            0,
            1,
            formula="share of the batch whose cluster the head names",
            unit="share, from 0 to 1",
        ),
        "reassigned": Measure(
            "Changed cluster",
            "falling: rounds agree more and more on what belongs together",
            0,
            1,
            formula="share of the images that the newest round of clustering moved to another cluster",
            unit="share, from 0 to 1",
        ),
    }

    remedies = {"cluster collapse": {"method.clusters": "fewer", "method.head_rate": "a lower"}}

    class Knobs(Choice.Knobs):
        """Rounds should be rare enough to learn something between them, and frequent enough to use it."""

        clusters: int = knob(64, 2, 1024, "How many groups there are; several times as many as there are kinds of images is best.")
        every: int = knob(16, 1, 100_000, "Steps between two rounds of clustering; the paper clusters once an epoch.")
        iterations: int = knob(10, 1, 100, "Times that k-means moves its centers in one round.")
        whitened_size: int = knob(32, 1, 2048, "Directions of the features that are kept and made equally important for clustering.")
        head_rate: float = knob(5, 0.1, 100, "How many times faster than the rest the head learns.", log=True)
        fresh: bool = switch(False, "Begin every round with random centers and a new head, as in the paper, instead of from the last ones.")
        balance: bool = switch(True, "Give small clusters as much weight as large ones, so that a few large ones cannot take over.")

    def __init__(self, backbone: Backbone, config: Config) -> None:
        super().__init__(backbone, config)
        count, images = _groups(config), config.data.choice.count
        size = min(self.knobs.whitened_size, backbone.width)
        self.head = nn.Linear(backbone.width, count)
        self.labels: Tensor
        self.centers: Tensor
        self.mean: Tensor
        self.whitening: Tensor
        self.reassigned: Tensor
        self.register_buffer("labels", torch.arange(images) % count)
        self.register_buffer("centers", torch.zeros(count, size))
        self.register_buffer("mean", torch.zeros(backbone.width))
        self.register_buffer("whitening", torch.zeros(backbone.width, size))
        self.register_buffer("reassigned", torch.ones(()))

    @torch.no_grad()
    def before_step(self, step: int, images: Tensor, generator: torch.Generator) -> None:
        """A round of clustering, at the first step and then every few."""
        first = step == 1
        if (step - 1) % self.knobs.every:
            return
        features = self._features(images)
        mean, whitening = whitener(features, self.whitening.shape[1])
        points = whitened(features, mean, whitening)
        fresh = first or self.knobs.fresh
        start = scattered(points, len(self.centers), generator) if fresh else means(points, self.labels, self.centers)
        labels, centers = k_means(points, start, self.knobs.iterations)
        if self.knobs.fresh:
            self.head.weight.normal_(0, 0.01, generator=generator)
            self.head.bias.zero_()
        self.reassigned.copy_(reassigned(self.labels, labels, len(centers)))
        for kept, new in ((self.labels, labels), (self.centers, centers), (self.mean, mean), (self.whitening, whitening)):
            kept.copy_(new)

    def _features(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) uint8 -> (N, D), as they are measured. What is not a number is zero, so that the run can say that it failed.

        Whitening makes what little varies large, so that rounding would become clusters.
        """
        with measuring(self):
            features = torch.cat([self.backbone(chunk.float() / 255) for chunk in images.split(CHUNK)])
        return features.nan_to_num(0, 0, 0)

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """One view -> how badly the head names the cluster of each image."""
        labels, count = self.labels[batch.rows], len(self.centers)
        logits = self.head(self.backbone(batch.views[0])).float()
        weights = 1 / torch.bincount(self.labels, minlength=count).clamp(min=1) if self.knobs.balance else None
        top1 = (logits.argmax(1) == labels).float().mean()
        return {"loss": F.cross_entropy(logits, labels, weights), "pseudo_top1": top1, "reassigned": self.reassigned.clone()}

    def learning_rate_factors(self) -> dict[str, float]:
        """The head has only until the next round."""
        return {"head": self.knobs.head_rate}

    def assignments(self, images: Tensor) -> dict[str, Tensor]:
        """The nearest center of the last round: (B, K), one-hot."""
        points = whitened(self.backbone(images), self.mean, self.whitening)
        return {"clusters": F.one_hot(nearest(points, self.centers)[1], len(self.centers)).float()}

    @classmethod
    def references(cls, config: Config) -> list[Reference]:
        """Guessing among equally heavy clusters."""
        count = _groups(config)
        return [Reference("loss", math.log(count), f"guessing: ln K = ln {count}")] if config.method.balance else []


def _groups(config: Config) -> int:
    """How many clusters there are: a small set of images fills no more than it has images."""
    return min(int(config.method.clusters), int(config.data.choice.count))


@in_full_precision
def whitener(features: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """The mean (D,) and the map (D, size) to the largest `size` principal directions, each brought to variance 1. features: (N, D)."""
    mean = features.mean(0)
    x = features - mean
    values, vectors = torch.linalg.eigh(x.T @ x / (len(x) - 1))
    least = 1e-7 * values[-1].clamp(min=1e-12)  # a direction with less spread than this has none
    return mean, (vectors / values.maximum(least).sqrt())[:, -size:].flip(1)


@in_full_precision
def whitened(features: Tensor, mean: Tensor, whitening: Tensor) -> Tensor:
    """(N, D) -> (N, size), rows of length 1."""
    return F.normalize((features - mean) @ whitening, dim=1)


@in_full_precision
def scattered(points: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """k-means++ (Arthur and Vassilvitskii, 2007): each next center is a point drawn by its squared distance to those before.

    points: (N, P) -> (count, P).
    """
    chosen = torch.randint(len(points), (1,), generator=generator, device=points.device)
    centers, distance = [points[chosen]], torch.full_like(points[:, 0], math.inf)
    while len(centers) < count:
        distance = torch.minimum(distance, (points - centers[-1]).square().sum(1))
        centers.append(points[torch.multinomial(distance + 1e-12, 1, generator=generator)])
    return torch.cat(centers)


@in_full_precision
def k_means(points: Tensor, centers: Tensor, iterations: int) -> tuple[Tensor, Tensor]:
    """Lloyd's algorithm from the given centers. points: (N, P), centers: (K, P) -> labels (N,), centers (K, P)."""
    for _ in range(iterations):
        distance, labels = nearest(points, centers)
        far = points[distance.topk(min(len(centers), len(points))).indices]
        centers = means(points, labels, far)
    return nearest(points, centers)[1], centers


@in_full_precision
def nearest(points: Tensor, centers: Tensor) -> tuple[Tensor, Tensor]:
    """The squared distance to each point's nearest center (N,), less what all centers share, and which it is (N,)."""
    best = (centers.square().sum(1) - 2 * points @ centers.T).min(1)
    return best.values + points.square().sum(1), best.indices


@in_full_precision
def means(points: Tensor, labels: Tensor, spare: Tensor) -> Tensor:
    """Each cluster's mean (K, P); the first empty cluster goes to the first `spare` point (K, P), the next to the next."""
    members = F.one_hot(labels, len(spare)).to(points.dtype)
    counts = members.sum(0)
    empty = counts == 0
    place = (empty.cumsum(0) - 1).clamp(min=0)
    return torch.where(empty[:, None], spare[place], members.T @ points / counts.clamp(min=1)[:, None])


def reassigned(before: Tensor, after: Tensor, count: int) -> Tensor:
    """The share of points that left the company of most of their new cluster; names of clusters do not matter. Both (N,) -> scalar."""
    shared = F.one_hot(after, count).float().T @ F.one_hot(before, count).float()
    return 1 - shared.amax(1).sum() / len(after)
