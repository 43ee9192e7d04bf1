"""N-pair loss: a triplet loss that uses all other images of the batch as negatives at once."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from playground.knobs import Choice, knob, safeguard
from playground.methods.base import Batch, Config, Measure, Method, Reference, in_full_precision
from playground.methods.shared.contrastive import INFORMATION_MEASURES, PICK_MEASURES, information_bound, pick
from playground.networks import Backbone
from playground.networks.heads import projector


class NPair(Method):
    """The dot product of an anchor with the other view of its image should be larger than with a view of any other image.

    Sohn, 2016, equation 7, where each image is a class, averaged over both directions. Vectors are not normalized: their length acts
    like a temperature; a small penalty keeps it from growing (section 3.2.2).
    """

    name, title, family = "npair", "N-pair", "contrastive"
    summary = "Compares each view with one view of every image in the batch, by dot products instead of cosines."
    paper = "Sohn, 2016: Improved Deep Metric Learning with Multi-class N-pair Loss Objective"
    link = "https://papers.nips.cc/paper/6200-improved-deep-metric-learning-with-multi-class-n-pair-loss-objective"
    equation = r"\log\Big(1 + \sum_{j \neq i} \exp(f_i \cdot f_j^+ - f_i \cdot f_i^+)\Big) + \lambda\, \|f_i\|^2"
    loss_unit = "nats, plus squared lengths"
    measures = {
        **PICK_MEASURES,
        **INFORMATION_MEASURES,
        "squared_length": Measure(
            "Squared length of the vectors",
            "long vectors act like a low temperature",
            0,
            formula="mean over the batch of |f|^2",
            unit="none, from 0",
        ),
    }

    remedies = {"complete collapse": {"method.length_weight": "a lower", "batch_size": "a larger"}}

    class Knobs(Choice.Knobs):
        """There is no temperature; the length of the vectors is learned."""

        length_weight: float = knob(
            0.02, 0, 1, "How strongly long vectors are penalized; a higher value acts like a higher temperature.", live=True
        )
        projection_size: int = knob(128, 2, 2048, "Dimensions in which views are compared.")
        hidden_size: int = knob(256, 8, 4096, "Width of the projector's hidden layer.")
        negatives: bool = safeguard("Push other images away. Without it, views only attract each other.", without="complete collapse")

    def __init__(self, backbone: Backbone, config: Config) -> None:
        super().__init__(backbone, config)
        self.projector = projector(backbone.width, self.knobs.hidden_size, self.knobs.projection_size)

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Two views -> the loss over both directions with its penalty, and measures of the part before the penalty."""
        z1, z2 = self.projector(self.backbone(torch.cat(batch.views))).float().chunk(2)
        squared_length = (z1.square().sum(1).mean() + z2.square().sum(1).mean()) / 2
        if not self.knobs.negatives:
            return {"loss": -F.cosine_similarity(z1, z2).mean() + self.knobs.length_weight * squared_length}
        logits, positive = products(z1, z2)
        values = pick(logits, positive) | {"information_bound": information_bound(logits[: len(z1)]), "squared_length": squared_length}
        return values | {"loss": values["loss"] + self.knobs.length_weight * squared_length}

    def project(self, embedding: Tensor) -> Tensor:
        """(B, D) -> (B, projection_size)."""
        return self.projector(embedding)

    @classmethod
    def loss_bounds(cls, config: Config) -> tuple[float, float]:
        """A cross-entropy, or minus a cosine; the penalty has no upper bound."""
        return 0.0 if config.method.negatives else -1.0, math.inf

    @classmethod
    def negatives(cls, config: Config) -> int | None:
        """The other view of every other image."""
        return config.batch_size - 1 if config.method.negatives else None

    @classmethod
    def references(cls, config: Config) -> list[Reference]:
        """If all outputs are equal, every image is equally likely, and vectors of length 0 have no penalty."""
        if not config.method.negatives:
            return [Reference("loss", -1.0, "all outputs equal: a collapsed network has the lowest loss", best=True)]
        return [Reference("loss", math.log(config.batch_size), f"all outputs equal: ln N = ln {config.batch_size}")]


@in_full_precision
def products(z1: Tensor, z2: Tensor) -> tuple[Tensor, Tensor]:
    """z1, z2: (B, D) -> logits (2B, B): each view against the other view of every image; and its own image's column (2B,)."""
    logits = z1 @ z2.T
    return torch.cat([logits, logits.T]), torch.arange(len(z1), device=z1.device).repeat(2)


def n_pair(z1: Tensor, z2: Tensor) -> Tensor:
    """The loss before its penalty. z1, z2: (B, D) -> scalar."""
    return F.cross_entropy(*products(z1, z2))
