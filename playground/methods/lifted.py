"""Lifted structure: every positive pair against all negatives of both its views."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from playground.knobs import Choice, knob, safeguard
from playground.methods.base import Batch, Config, Measure, Method, Reference, in_full_precision
from playground.networks import Backbone
from playground.networks.heads import projector

EPSILON = 1e-6  # inside the square root: without it the gradient is infinite where two vectors are equal


class Lifted(Method):
    """Two views of one image should be closer than either is to any view of another image, by a margin.

    Oh Song et al., 2016, equation 4, where each image is a class: a smooth maximum over the negatives of both views.
    """

    name, title, family = "lifted", "Lifted structure", "contrastive"
    summary = "Measures every pair of views in the batch and keeps each positive pair closer than all negatives of both its views."
    paper = "Oh Song et al., 2016: Deep Metric Learning via Lifted Structured Feature Embedding"
    link = "https://arxiv.org/abs/1511.06452"
    equation = r"\tfrac12 \max\Big(0,\; D_{ij} + \log\Big(\sum_k e^{m - D_{ik}} + \sum_l e^{m - D_{jl}}\Big)\Big)^2"
    loss_unit = "squared, from 0"
    measures = {
        "active_pairs": Measure(
            "Active pairs",
            "pairs that are not yet far enough from their negatives; only these give a gradient",
            0,
            1,
            formula="share of the positive pairs whose term of the loss is above 0",
            unit="share, from 0 to 1",
        )
    }

    remedies = {"complete collapse": {"method.margin": "a larger", "batch_size": "a larger"}}

    class Knobs(Choice.Knobs):
        """Vectors are not normalized, so distances can grow."""

        margin: float = knob(1, 0, 10, "How much farther away than the positive the negatives must be.", live=True)
        projection_size: int = knob(128, 2, 2048, "Dimensions in which views are compared.")
        hidden_size: int = knob(256, 8, 4096, "Width of the projector's hidden layer.")
        negatives: bool = safeguard("Push other images away. Without it, views only attract each other.", without="complete collapse")

    def __init__(self, backbone: Backbone, config: Config) -> None:
        super().__init__(backbone, config)
        self.projector = projector(backbone.width, self.knobs.hidden_size, self.knobs.projection_size)

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Two views -> half the mean squared hinge over B pairs, and the share of pairs that are within the margin."""
        distances = euclidean(self.projector(self.backbone(torch.cat(batch.views))))
        if not self.knobs.negatives:
            return {"loss": distances.diagonal(len(distances) // 2).square().mean() / 2}
        hinges = lifted_hinges(distances, self.knobs.margin)
        return {"loss": hinges.square().mean() / 2, "active_pairs": (hinges > 0).float().mean()}

    def project(self, embedding: Tensor) -> Tensor:
        """(B, D) -> (B, projection_size)."""
        return self.projector(embedding)

    @classmethod
    def negatives(cls, config: Config) -> int | None:
        """Both views of every other image of the batch."""
        return 2 * config.batch_size - 2 if config.method.negatives else None

    @classmethod
    def references(cls, config: Config) -> list[Reference]:
        """If all outputs are equal, all distances are 0, and only the smooth maximum over the negatives of both views is left."""
        if not config.method.negatives:
            return [Reference("loss", 0.0, "all outputs equal: a collapsed network has the lowest loss", best=True)]
        count, margin = 2 * (2 * config.batch_size - 2), config.method.margin
        return [Reference("loss", (margin + math.log(count)) ** 2 / 2, f"all outputs equal: (margin + ln {count})\u00b2 / 2")]


@in_full_precision
def euclidean(z: Tensor) -> Tensor:
    """(R, D) -> (R, R) distances, with a gradient also where they are 0."""
    squares = z.square().sum(1)
    return ((squares[:, None] + squares - 2 * z @ z.T).clamp(min=0) + EPSILON).sqrt()


@in_full_precision
def lifted_hinges(distances: Tensor, margin: float) -> Tensor:
    """(2B, 2B), row i and i + B two views of one image -> (B,): max(0, J) of each pair, equation 4."""
    count = len(distances) // 2
    image = torch.arange(2 * count, device=distances.device) % count
    reach = (margin - distances).masked_fill(image[:, None] == image, float("-inf")).logsumexp(1)  # over the negatives of one view
    return F.relu(distances.diagonal(count) + torch.logaddexp(reach[:count], reach[count:]))
