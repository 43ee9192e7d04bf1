"""DeepCluster: clusters the features, learns to predict the clusters, and repeats."""

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
    """Rounds of k-means give every image a pseudo-label; between the rounds a linear head learns to predict it from an augmented view.

    Caron et al., 2018, equations 1 and 2; features are whitened before clustering (section 3.3), because k-means would otherwise
    use only the directions of largest variance.
    """

    name, title, family = "deepcluster", "DeepCluster", "clustering"
    summary = "Clusters its own features, uses the clusters as labels, learns to predict them, and clusters again."
    paper = "Caron et al., 2018: Deep Clustering for Unsupervised Learning of Visual Features"
    link = "https://arxiv.org/abs/1807.05520"
    equation = r"\min_{\theta, W} \frac{1}{N} \sum_n \ell(W f_\theta(x_n), y_n), \quad y = \mathrm{kmeans}(f_\theta(x))"
    loss_unit = "nats"
    advice = "The loss jumps at every round of clustering, because the labels are new; watch how many images change their cluster."
    views = 1
    measures = {
        "pseudo_top1": Measure(
            "Pseudo-label accuracy",
            "high: the head predicts the cluster of an image from an augmented view",
            0,
            1,
            formula="share of the batch whose cluster the head predicts",
            unit="share, from 0 to 1",
        ),
        "reassigned": Measure(
            "Changed cluster",
            "falling: the rounds of clustering agree more and more",
            0,
            1,
            formula="share of the images that the latest round of clustering moved to another cluster",
            unit="share, from 0 to 1",
        ),
    }

    remedies = {"cluster collapse": {"method.clusters": "fewer", "method.head_rate": "a lower"}}

    class Knobs(Choice.Knobs):
        """Rounds should be far enough apart for the network to learn between them, but there should be several of them."""

        clusters: int = knob(64, 2, 1024, "Number of clusters; several times the number of classes works best.")
        every: int = knob(16, 1, 100_000, "Steps between two rounds of clustering; the paper clusters once an epoch.")
        iterations: int = knob(10, 1, 100, "Iterations of k-means in one round.")
        whitened_size: int = knob(32, 1, 2048, "Number of principal directions that are kept, each scaled to variance 1, for clustering.")
        head_rate: float = knob(5, 0.1, 100, "Learning rate of the head, as a multiple of the rest.", log=True)
        fresh: bool = switch(False, "Begin every round with random centers and a new head, as in the paper, instead of the previous ones.")
        balance: bool = switch(True, "Weight all clusters equally in the loss, so that a few large ones cannot dominate.")

    def __init__(self, backbone: Backbone, config: Config) -> None:
        super().__init__(backbone, config)
        count, images = _cluster_count(config), config.data.choice.count
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
        """A round of clustering, at the first step and then every `every` steps."""
        first = step == 1
        if (step - 1) % self.knobs.every:
            return
        features = self._features(images)
        mean, whitening = whitener(features, self.whitening.shape[1])
        points = whitened(features, mean, whitening)
        fresh = first or self.knobs.fresh
        start = k_means_plus_plus(points, len(self.centers), generator) if fresh else means(points, self.labels, self.centers)
        labels, centers = k_means(points, start, self.knobs.iterations)
        if self.knobs.fresh:
            self.head.weight.normal_(0, 0.01, generator=generator)
            self.head.bias.zero_()
        self.reassigned.copy_(reassigned(self.labels, labels, len(centers)))
        for kept, new in ((self.labels, labels), (self.centers, centers), (self.mean, mean), (self.whitening, whitening)):
            kept.copy_(new)

    def _features(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) uint8 -> (N, D), in evaluation mode and full precision. NaN becomes 0, so that the run itself can report the
        failure.

        Full precision, because whitening scales up small variations: rounding errors would become clusters.
        """
        with measuring(self):
            features = torch.cat([self.backbone(chunk.float() / 255) for chunk in images.split(CHUNK)])
        return features.nan_to_num(0, 0, 0)

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """One view -> the cross-entropy of the cluster of each image."""
        labels, count = self.labels[batch.rows], len(self.centers)
        logits = self.head(self.backbone(batch.views[0])).float()
        weights = 1 / torch.bincount(self.labels, minlength=count).clamp(min=1) if self.knobs.balance else None
        top1 = (logits.argmax(1) == labels).float().mean()
        return {"loss": F.cross_entropy(logits, labels, weights), "pseudo_top1": top1, "reassigned": self.reassigned.clone()}

    def learning_rate_factors(self) -> dict[str, float]:
        """The head must learn before the next round."""
        return {"head": self.knobs.head_rate}

    def assignments(self, images: Tensor) -> dict[str, Tensor]:
        """The nearest center of the latest round: (B, K), one-hot."""
        points = whitened(self.backbone(images), self.mean, self.whitening)
        return {"clusters": F.one_hot(nearest(points, self.centers)[1], len(self.centers)).float()}

    @classmethod
    def references(cls, config: Config) -> list[Reference]:
        """A guess among clusters of equal weight."""
        count = _cluster_count(config)
        return [Reference("loss", math.log(count), f"guessing: ln K = ln {count}")] if config.method.balance else []


def _cluster_count(config: Config) -> int:
    """The number of clusters, at most the number of images."""
    return min(int(config.method.clusters), int(config.data.choice.count))


@in_full_precision
def whitener(features: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """The mean (D,) and the map (D, size) to the `size` largest principal directions, each scaled to variance 1. features: (N, D)."""
    mean = features.mean(0)
    x = features - mean
    values, vectors = torch.linalg.eigh(x.T @ x / (len(x) - 1))
    least = 1e-7 * values[-1].clamp(min=1e-12)  # less variance than this counts as none
    return mean, (vectors / values.maximum(least).sqrt())[:, -size:].flip(1)


@in_full_precision
def whitened(features: Tensor, mean: Tensor, whitening: Tensor) -> Tensor:
    """(N, D) -> (N, size), rows of length 1."""
    return F.normalize((features - mean) @ whitening, dim=1)


@in_full_precision
def k_means_plus_plus(points: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """k-means++ (Arthur and Vassilvitskii, 2007): each center is a point drawn in proportion to its squared distance to those before.

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
    """The squared distance of each point to its nearest center (N,), and the index of this center (N,)."""
    best = (centers.square().sum(1) - 2 * points @ centers.T).min(1)
    return best.values + points.square().sum(1), best.indices


@in_full_precision
def means(points: Tensor, labels: Tensor, spare: Tensor) -> Tensor:
    """The mean of each cluster (K, P); the i-th empty cluster gets the i-th `spare` point (K, P)."""
    members = F.one_hot(labels, len(spare)).to(points.dtype)
    counts = members.sum(0)
    empty = counts == 0
    place = (empty.cumsum(0) - 1).clamp(min=0)
    return torch.where(empty[:, None], spare[place], members.T @ points / counts.clamp(min=1)[:, None])


def reassigned(before: Tensor, after: Tensor, count: int) -> Tensor:
    """The share of points whose old cluster differs from that of most points in their new cluster; the numbering of clusters does not
    matter. Both (N,) -> scalar."""
    shared = F.one_hot(after, count).float().T @ F.one_hot(before, count).float()
    return 1 - shared.amax(1).sum() / len(after)
