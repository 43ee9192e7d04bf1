"""Alignment and uniformity: the two effects of a contrastive loss, each as a separate term."""

from __future__ import annotations

import torch
from torch import Tensor

from playground.diagnostics.geometry import alignment, unit
from playground.knobs import Choice, knob, safeguard
from playground.methods.base import Batch, Config, Measure, Method, Reference, in_full_precision
from playground.networks import Backbone
from playground.networks.heads import projector


class AlignUniform(Method):
    """Two views of one image lie close together (alignment), and all images spread evenly over the sphere (uniformity).

    Wang and Isola, 2020, section 4.2, with the squared distance; uniformity is averaged over the two views.
    """

    name, title, family = "align-uniform", "Align + Uniform", "contrastive"
    summary = "Optimizes the two goals of contrastive learning directly: views of an image close together, images spread over the sphere."
    paper = "Wang and Isola, 2020: Understanding Contrastive Representation Learning through Alignment and Uniformity on the Hypersphere"
    link = "https://arxiv.org/abs/2005.10242"
    equation = r"w_a\, \mathbb{E}\, \|z - z'\|^2 + w_u \log \mathbb{E}\, e^{-t \|z_i - z_j\|^2}"
    loss_unit = "none"
    measures = {
        "loss/alignment": Measure(
            "Alignment term",
            "low: two views of one image lie close together",
            0,
            4,
            formula="mean of |z - z'|^2 over two views of one image, vectors of length 1",
            unit="none, from 0 to 4",
        ),
        "loss/uniformity": Measure(
            "Uniformity term",
            "low: images spread over the whole sphere",
            None,
            0,
            formula="ln of the mean of exp(-t |z_i - z_j|^2) over pairs of images, vectors of length 1",
            unit="none, from -4t to 0",
        ),
    }

    remedies = {
        "complete collapse": {"method.uniformity_weight": "a higher"},
        "dimensional collapse": {"method.uniformity_weight": "a higher"},
    }

    class Knobs(Choice.Knobs):
        """Two weights; only their ratio matters."""

        alignment_weight: float = knob(1, 0, 10, "How strongly the two views of an image are pulled together.", live=True)
        uniformity_weight: float = knob(1, 0, 10, "How strongly images are spread over the sphere.", live=True)
        sharpness: float = knob(2, 0.1, 10, "The paper's t. High: only close neighbors push each other away.", live=True, log=True)
        projection_size: int = knob(128, 2, 2048, "Dimensions of the space in which the sphere lies.")
        hidden_size: int = knob(256, 8, 4096, "Width of the projector's hidden layer.")
        uniformity: bool = safeguard("Keep the uniformity term. Without it, views only attract each other.", without="complete collapse")
        alignment: bool = safeguard("Keep the alignment term.", without="no learning")

    def __init__(self, backbone: Backbone, config: Config) -> None:
        super().__init__(backbone, config)
        self.projector = projector(backbone.width, self.knobs.hidden_size, self.knobs.projection_size)

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Two views -> the weighted sum, and each term before its weight."""
        z1, z2 = self.projector(self.backbone(torch.cat(batch.views))).chunk(2)
        knobs = self.knobs
        together = alignment(z1, z2)
        spread = (potential(z1, knobs.sharpness) + potential(z2, knobs.sharpness)) / 2
        total = knobs.alignment_weight * knobs.alignment * together + knobs.uniformity_weight * knobs.uniformity * spread
        return {"loss": total, "loss/alignment": together, "loss/uniformity": spread}

    def project(self, embedding: Tensor) -> Tensor:
        """(B, D) -> (B, projection_size)."""
        return self.projector(embedding)

    @classmethod
    def loss_bounds(cls, config: Config) -> tuple[float, float]:
        """Alignment is a squared distance on the sphere, 0 to 4. Uniformity is at most 0, and at least -2tN / (N - 1), because the mean
        squared distance of N points on a sphere is at most 2N / (N - 1)."""
        knobs, count = config.method, config.batch_size
        least = -knobs.uniformity_weight * knobs.uniformity * 2 * knobs.sharpness * count / (count - 1)
        return float(least), float(4 * knobs.alignment_weight * knobs.alignment)

    @classmethod
    def negatives(cls, config: Config) -> int | None:
        """The same view of every other image of the batch."""
        return config.batch_size - 1 if config.method.uniformity else None

    @classmethod
    def references(cls, config: Config) -> list[Reference]:
        """If all outputs are one point, both terms are 0."""
        if not config.method.uniformity:
            return [Reference("loss", 0.0, "all outputs equal: a collapsed network has the lowest loss", best=True)]
        return [Reference("loss", 0.0, "all outputs equal")]


@in_full_precision
def potential(z: Tensor, sharpness: float) -> Tensor:
    """Log of the mean of exp(-t d^2) over all pairs of rows, d their distance on the sphere (section 4.1). z: (B, D) -> scalar."""
    z = unit(z)
    rows, columns = torch.triu_indices(len(z), len(z), 1, device=z.device)
    cosines = (z @ z.T)[rows, columns]
    return (-sharpness * (2 - 2 * cosines)).exp().mean().log()
