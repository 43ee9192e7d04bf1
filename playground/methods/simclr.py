"""SimCLR: contrastive learning in its simplest form."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from playground.knobs import Choice, knob, safeguard
from playground.methods.base import Batch, Config, Method, Reference, in_full_precision
from playground.methods.shared.contrastive import INFORMATION_MEASURES, PICK_MEASURES, information_bound, max_cross_entropy, pick
from playground.networks import Backbone
from playground.networks.heads import projector


class SimCLR(Method):
    """Two views of one image should be closer to each other than to any view of any other image in the batch.

    Chen et al., 2020, equation 1 (NT-Xent).
    """

    name, title, family = "simclr", "SimCLR", "contrastive"
    summary = "Pulls two views of one image together and pushes all other images of the batch away."
    paper = "Chen et al., 2020: A Simple Framework for Contrastive Learning of Visual Representations"
    link = "https://arxiv.org/abs/2002.05709"
    equation = r"-\log \frac{\exp(z_i \cdot z_j / \tau)}{\sum_{k \neq i} \exp(z_i \cdot z_k / \tau)}"
    loss_unit = "nats"
    measures = PICK_MEASURES | INFORMATION_MEASURES

    remedies = {"complete collapse": {"method.temperature": "a lower", "batch_size": "a larger"}}

    class Knobs(Choice.Knobs):
        """The temperature matters most; the batch size determines the number of negatives."""

        temperature: float = knob(
            0.2, 0.01, 2, "Low: only the most similar images repel each other. High: all images repel equally.", live=True, log=True
        )
        projection_size: int = knob(
            128, 2, 2048, "Dimensions in which views are compared. The map shows the embedding before this projection."
        )
        hidden_size: int = knob(256, 8, 4096, "Width of the projector's hidden layer.")
        negatives: bool = safeguard("Push other images away. Without it, views only attract each other.", without="complete collapse")

    def __init__(self, backbone: Backbone, config: Config) -> None:
        super().__init__(backbone, config)
        self.projector = projector(backbone.width, self.knobs.hidden_size, self.knobs.projection_size)

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Two views -> NT-Xent over 2B rows, how often the positive is the most similar row, and a bound of mutual information.

        The bound compares each view with one view of each image, because for all 2B - 1 others no bound is valid.
        """
        z1, z2 = self.projector(self.backbone(torch.cat(batch.views))).chunk(2)
        if not self.knobs.negatives:
            return {"loss": -F.cosine_similarity(z1.float(), z2.float()).mean() / self.knobs.temperature}
        logits, positive = similarities(z1, z2, self.knobs.temperature)
        count = len(z1)
        return pick(logits, positive) | {"information_bound": information_bound(logits[:count, count:])}

    def project(self, embedding: Tensor) -> Tensor:
        """(B, D) -> (B, projection_size)."""
        return self.projector(embedding)

    @classmethod
    def loss_bounds(cls, config: Config) -> tuple[float, float]:
        """A cross-entropy of cosines, or minus a cosine; over the temperature."""
        sharp = 1 / float(config.method.temperature)
        return (0.0, max_cross_entropy(2 * config.batch_size - 1, sharp)) if config.method.negatives else (-sharp, sharp)

    @classmethod
    def negatives(cls, config: Config) -> int | None:
        """Both views of every other image of the batch."""
        return 2 * config.batch_size - 2 if config.method.negatives else None

    @classmethod
    def references(cls, config: Config) -> list[Reference]:
        """If all outputs are equal, each of the 2N - 1 others is equally likely to be the positive."""
        if not config.method.negatives:
            return [
                Reference("loss", -1 / config.method.temperature, "all outputs equal: a collapsed network has the lowest loss", best=True)
            ]
        others = 2 * config.batch_size - 1
        return [Reference("loss", math.log(others), f"all outputs equal: ln(2N - 1) = ln {others}")]


@in_full_precision
def similarities(z1: Tensor, z2: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """z1, z2: (B, D), any length -> logits (2B, 2B) with minus infinity on the diagonal, and the column of each positive (2B,)."""
    z = F.normalize(torch.cat([z1, z2]), dim=1)
    logits = (z @ z.T / temperature).fill_diagonal_(float("-inf"))
    return logits, torch.arange(len(z), device=z.device).roll(len(z1))


def nt_xent(z1: Tensor, z2: Tensor, temperature: float) -> Tensor:
    """NT-Xent, equation 1 averaged over all 2B rows. z1, z2: (B, D), any length -> scalar."""
    return F.cross_entropy(*similarities(z1, z2, temperature))
