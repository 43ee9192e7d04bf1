"""N-pair loss: a triplet loss with all other images of the batch as negatives at once."""

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
    """An anchor's product with its other view should exceed its products with the other view of every other image.

    Sohn, 2016, equation 7, where an image is its own class, averaged over both directions. Vectors keep their length, which takes
    the part of a temperature; a small penalty keeps it from growing (section 3.2.2).
    """

    name, title, family = "npair", "N-pair", "contrastive"
    summary = "Compares each view with one view of every image in the batch, by plain products instead of angles."
    paper = "Sohn, 2016: Improved Deep Metric Learning with Multi-class N-pair Loss Objective"
    link = "https://papers.nips.cc/paper/6200-improved-deep-metric-learning-with-multi-class-n-pair-loss-objective"
    equation = r"\log\Big(1 + \sum_{j \neq i} \exp(f_i \cdot f_j^+ - f_i \cdot f_i^+)\Big) + \lambda\, \|f_i\|^2"
    loss_unit = "nats, plus squared lengths"
    measures = {
        **PICK_MEASURES,
        **INFORMATION_MEASURES,
        "squared_length": Measure(
            "Squared length of the vectors",
            "long vectors decide sharply, like a low temperature",
            0,
            formula="mean over the batch of |f|^2",
            unit="none, from 0",
        ),
    }

    remedies = {"complete collapse": {"method.length_weight": "a lower", "batch_size": "a larger"}}

    class Knobs(Choice.Knobs):
        """No temperature: the vectors find their own length."""

        length_weight: float = knob(
            0.02, 0, 1, "How strongly long vectors are penalized; more of it acts like a higher temperature.", live=True
        )
        projection_size: int = knob(128, 2, 2048, "Dimensions in which views are compared.")
        hidden_size: int = knob(256, 8, 4096, "Width of the projector's hidden layer.")
        negatives: bool = safeguard("Push other images away. Without it, only pulling is left.", without="complete collapse")

    def __init__(self, backbone: Backbone, config: Config) -> None:
        super().__init__(backbone, config)
        self.projector = projector(backbone.width, self.knobs.hidden_size, self.knobs.projection_size)

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Two views -> the loss over both directions with its penalty, and what the part before the penalty tells."""
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
        """A cross-entropy, or minus a cosine; the penalty only adds, without end."""
        return 0.0 if config.method.negatives else -1.0, math.inf

    @classmethod
    def negatives(cls, config: Config) -> int | None:
        """The other view of every other image."""
        return config.batch_size - 1 if config.method.negatives else None

    @classmethod
    def references(cls, config: Config) -> list[Reference]:
        """All outputs alike: every image is equally likely, and the shortest vectors cost nothing."""
        if not config.method.negatives:
            return [Reference("loss", -1.0, "all outputs equal: the collapsed loss is the best one", best=True)]
        return [Reference("loss", math.log(config.batch_size), f"all outputs equal: ln N = ln {config.batch_size}")]


@in_full_precision
def products(z1: Tensor, z2: Tensor) -> tuple[Tensor, Tensor]:
    """z1, z2: (B, D) -> logits (2B, B): each view against the other view of every image; and its own image's column (2B,)."""
    logits = z1 @ z2.T
    return torch.cat([logits, logits.T]), torch.arange(len(z1), device=z1.device).repeat(2)


def n_pair(z1: Tensor, z2: Tensor) -> Tensor:
    """The loss before its penalty. z1, z2: (B, D) -> scalar."""
    return F.cross_entropy(*products(z1, z2))
