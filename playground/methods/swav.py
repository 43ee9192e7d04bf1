"""SwAV: predicts the prototype to which another view of the image is assigned."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from playground.knobs import Choice, ConfigError, knob, safeguard
from playground.methods.base import Batch, Config, Measure, Method, Reference, in_full_precision
from playground.methods.shared.contrastive import max_cross_entropy
from playground.networks import Backbone
from playground.networks.heads import projector


class SwAV(Method):
    """Each view predicts the soft assignment of another view of its image; within a batch all prototypes are used equally.

    Caron et al., 2020, equations 1 to 3, averaged over all pairs of views where the paper sums.
    Assignments are made for the two global views only; local views predict them, too.
    """

    name, title, family = "swav", "SwAV", "clustering"
    summary = "Assigns each batch evenly to prototypes; every view, also a small crop, predicts the prototype of another view."
    paper = "Caron et al., 2020: Unsupervised Learning of Visual Features by Contrasting Cluster Assignments"
    link = "https://arxiv.org/abs/2006.09882"
    equation = r"-\sum_k q_{s,k} \log \frac{\exp(z_t \cdot c_k / \tau)}{\sum_{k'} \exp(z_t \cdot c_{k'} / \tau)}"
    loss_unit = "nats"
    advice = "If the loss stays at ln K, nothing is learned yet: lower epsilon or the learning rate, or use fewer prototypes."
    multi_crop = True
    measures = {
        "same_prototype": Measure(
            "Same prototype",
            "high: both views of an image are assigned to the same prototype",
            0,
            1,
            formula="share of the images whose two views have the same largest assignment",
            unit="share, from 0 to 1",
        )
    }

    remedies = {"cluster collapse": {"method.prototypes": "fewer", "method.freeze": "a longer"}}

    class Knobs(Choice.Knobs):
        """Epsilon controls how hard assignments are, temperature how hard predictions are."""

        temperature: float = knob(0.1, 0.02, 1, "Low: predictions choose one prototype.", live=True, log=True)
        epsilon: float = knob(
            0.02, 0.01, 1, "Low: each view is assigned to one prototype. High: to all of them equally.", live=True, log=True
        )
        prototypes: int = knob(64, 2, 3000, "Number of prototypes; it may be larger than the number of classes.")
        queue_size: int = knob(256, 0, 8192, "Features of earlier batches that help to balance the prototypes; 0 is none.")
        queue_start: float = knob(0.2, 0, 1, "The share of the run before the queue is used: early features become outdated quickly.")
        freeze: float = knob(0.05, 0, 1, "The share of the run in which prototypes are frozen.")
        projection_size: int = knob(128, 2, 2048, "Dimensions in which views are compared with prototypes.")
        hidden_size: int = knob(256, 8, 4096, "Width of the projector's hidden layer.")
        sinkhorn: bool = safeguard("Use all prototypes equally. Without it, each view takes the nearest one.", without="cluster collapse")

    def __init__(self, backbone: Backbone, config: Config) -> None:
        super().__init__(backbone, config)
        knobs = self.knobs
        self.projector = projector(backbone.width, knobs.hidden_size, knobs.projection_size, last_norm=True)
        self.prototypes = torch.nn.Parameter(F.normalize(torch.randn(knobs.prototypes, knobs.projection_size), dim=1))
        self.queue: Tensor
        self.register_buffer("queue", torch.zeros(2, knobs.queue_size, knobs.projection_size))
        self.steps, self.images_a_step = config.steps, config.batch_size * config.accumulation
        self.frozen, self.queue_used = knobs.freeze > 0, False

    def before_step(self, step: int, images: Tensor, generator: torch.Generator) -> None:
        """What this step uses depends on its number alone, so that a resumed run needs no extra state."""
        past, knobs = step - 1, self.knobs
        self.frozen = past < knobs.freeze * self.steps
        filled = past * self.images_a_step >= knobs.queue_size > 0
        self.queue_used = filled and past >= knobs.queue_start * self.steps

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Two global views and any local ones -> the swapped prediction loss, and how often both global views get the same prototype."""
        embedding = self.backbone(torch.cat(batch.views))
        if batch.local_views:
            embedding = torch.cat([embedding, self.backbone(torch.cat(batch.local_views))])
        z = unit(self.projector(embedding)).unflatten(0, (len(batch.views) + len(batch.local_views), -1))
        scores = similarity(z, self.prototypes)
        with torch.no_grad():
            targets = torch.stack([self._assign(scores[view], view) for view in (0, 1)])
            self._enqueue(z[:2])
        same = (targets[0].argmax(1) == targets[1].argmax(1)).float().mean()
        return {"loss": swapped_prediction(targets, scores / self.knobs.temperature), "same_prototype": same}

    def _assign(self, scores: Tensor, view: int) -> Tensor:
        """One global view's scores (B, K) -> its assignments (B, K), balanced together with the queue's."""
        if not self.knobs.sinkhorn:
            return F.one_hot(scores.argmax(1), scores.shape[1]).float()
        if self.queue_used:
            scores = torch.cat([scores, similarity(self.queue[view], self.prototypes)])
        return sinkhorn(scores, self.knobs.epsilon)[: len(scores) - self.queue_used * self.knobs.queue_size]

    def _enqueue(self, z: Tensor) -> None:
        """Adds the newest features in front and removes the oldest. z: (2, B, P)."""
        if self.knobs.queue_size:
            self.queue.copy_(torch.cat([z, self.queue], 1)[:, : self.knobs.queue_size])

    def backward(self, values: dict[str, Tensor]) -> dict[str, Tensor]:
        """While prototypes are frozen, their gradient is set to zero."""
        values["loss"].backward()
        if self.frozen and self.prototypes.grad is not None:
            self.prototypes.grad.zero_()
        return values

    @torch.no_grad()
    def after_step(self, progress: float) -> None:
        """Prototypes are normalized to length 1 again."""
        self.prototypes.copy_(F.normalize(self.prototypes, dim=1))

    def project(self, embedding: Tensor) -> Tensor:
        """(B, D) -> (B, projection_size)."""
        return self.projector(embedding)

    def assignments(self, images: Tensor) -> dict[str, Tensor]:
        """The predicted distribution over prototypes for each image: (B, K)."""
        z = unit(self.projector(self.backbone(images)))
        return {"prototypes": (similarity(z, self.prototypes) / self.knobs.temperature).softmax(1)}

    @classmethod
    def check(cls, config: Config) -> None:
        """All prototypes are used in every batch, so there must be an image for each of them."""
        knobs = config.method
        most = config.batch_size + knobs.queue_size
        if knobs.prototypes > most:
            raise ConfigError(
                "method.prototypes", f"swav: prototypes must be at most batch_size + queue_size = {most}, got {knobs.prototypes}"
            )

    @classmethod
    def loss_bounds(cls, config: Config) -> tuple[float, float]:
        """A cross-entropy of cosines over the temperature."""
        return 0.0, max_cross_entropy(config.method.prototypes, 1 / config.method.temperature)

    @classmethod
    def references(cls, config: Config) -> list[Reference]:
        """Balanced assignments of equal outputs are uniform, and the best prediction of them is uniform, too."""
        if not config.method.sinkhorn:
            return []
        count = config.method.prototypes
        return [Reference("loss", math.log(count), f"all outputs equal, or all prototypes alike: ln K = ln {count}")]


@in_full_precision
def unit(z: Tensor) -> Tensor:
    """Rows of length 1: (N, P) -> (N, P). Batch normalization turns equal outputs into rounding errors; those should stay near zero."""
    return F.normalize(z, dim=1, eps=0.01)


@in_full_precision
def similarity(z: Tensor, prototypes: Tensor) -> Tensor:
    """z: (..., P), prototypes: (K, P), both of length 1 -> cosines (..., K)."""
    return z @ prototypes.T


@in_full_precision
def sinkhorn(scores: Tensor, epsilon: float, rounds: int = 3) -> Tensor:
    """Equation 3 by the Sinkhorn-Knopp algorithm: soft assignments in which every prototype gets nearly the same share.

    scores: (N, K) -> (N, K), rows with a sum of 1. In logarithms, since exp(1 / 0.01) is more than a float32 holds.
    """
    logs = scores / epsilon
    for _ in range(rounds):
        logs = logs.log_softmax(0).log_softmax(1)
    return logs.exp()


@in_full_precision
def swapped_prediction(targets: Tensor, logits: Tensor) -> Tensor:
    """Mean cross-entropy over all pairs of a target view and another view, equation 1.

    targets: (T, B, K) distributions of the first T views; logits: (V, B, K) of all views -> scalar.
    """
    pairs = -torch.einsum("tbk,vbk->tv", targets, logits.log_softmax(-1)) / logits.shape[1]
    return (pairs.sum() - pairs.diagonal().sum()) / (pairs.numel() - len(pairs))
