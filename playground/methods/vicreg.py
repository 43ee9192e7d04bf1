"""VICReg: a loss of three terms, each with its own purpose."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from playground.knobs import Choice, knob, safeguard
from playground.methods.base import Batch, Config, Measure, Method, Reference, in_full_precision
from playground.metric_names import by_metric
from playground.networks import Backbone
from playground.networks.heads import projector

EPSILON = 1e-4  # inside the square root: without it the gradient is infinite where the variance is zero


class VICReg(Method):
    """Views agree (invariance), every dimension varies (variance), no two dimensions carry the same information (covariance).

    Bardes et al., 2022, equations 1 to 6, scaled as in the authors' code: the variance term is averaged over the two views, and the
    invariance over dimensions, too. The paper's equation 5 sums over dimensions, which would make the term D times as large.
    """

    name, title, family = "vicreg", "VICReg", "regularization"
    summary = "Keeps views together, each dimension spread out and all dimensions different; no negatives, no teacher."
    paper = "Bardes et al., 2022: Variance-Invariance-Covariance Regularization for Self-Supervised Learning"
    link = "https://arxiv.org/abs/2105.04906"
    equation = r"\frac{\lambda}{N D} \sum_i \|z_i - z'_i\|^2 + \frac{\mu}{2}\, [v(Z) + v(Z')] + \nu\, [c(Z) + c(Z')]"
    loss_unit = "none, from 0"

    measures = {
        "loss/invariance": Measure(
            "Invariance term",
            "low: two views of one image lie close together",
            0,
            formula="mean over images and dimensions of (z - z')^2, before its weight",
            unit="none, from 0",
        ),
        "loss/variance": Measure(
            "Variance term",
            "near 0: every dimension has a standard deviation of about 1",
            0,
            formula="mean over dimensions and views of max(0, 1 - sqrt(variance + 0.0001)), before its weight",
            unit="none, from 0 to 1",
        ),
        "loss/covariance": Measure(
            "Covariance term",
            "near 0: no two dimensions carry the same information",
            0,
            formula="sum over views and pairs of different dimensions of covariance^2 / D, before its weight",
            unit="none, from 0",
        ),
    }

    remedies = {
        "complete collapse": {"method.variance_weight": "a higher"},
        "dimensional collapse": {"method.covariance_weight": "a higher"},
    }

    class Knobs(Choice.Knobs):
        """The three weights of the paper."""

        invariance_weight: float = knob(25, 0, 100, "How strongly the two views of an image are pulled together.", live=True)
        variance_weight: float = knob(25, 0, 100, "How strongly each dimension is kept from shrinking.", live=True)
        covariance_weight: float = knob(1, 0, 100, "How strongly dimensions are decorrelated.", live=True)
        projection_size: int = knob(256, 2, 2048, "Dimensions in which the three terms are measured.")
        hidden_size: int = knob(256, 8, 4096, "Width of the projector's hidden layers.")
        variance: bool = safeguard("Keep the variance term. Without it, all outputs may shrink to one point.", without="complete collapse")
        covariance: bool = safeguard("Keep the covariance term. Without it, dimensions repeat each other.", without="dimensional collapse")

    def __init__(self, backbone: Backbone, config: Config) -> None:
        super().__init__(backbone, config)
        self.projector = projector(backbone.width, self.knobs.hidden_size, self.knobs.projection_size, layers=3)

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Two views -> the weighted sum, and each term before its weight."""
        z1, z2 = self.projector(self.backbone(torch.cat(batch.views))).float().chunk(2)
        knobs = self.knobs
        parts = {
            "invariance": F.mse_loss(z1, z2),
            "variance": (variance(z1) + variance(z2)) / 2,
            "covariance": covariance(z1) + covariance(z2),
        }
        weights = {
            "invariance": knobs.invariance_weight,
            "variance": knobs.variance_weight * knobs.variance,
            "covariance": knobs.covariance_weight * knobs.covariance,
        }
        total = torch.stack([weights[name] * part for name, part in parts.items()]).sum()
        return {"loss": total} | by_metric("loss", parts)

    def project(self, embedding: Tensor) -> Tensor:
        """(B, D) -> (B, projection_size)."""
        return self.projector(embedding)

    @classmethod
    def references(cls, config: Config) -> list[Reference]:
        """If all outputs are equal, only the variance term is above 0."""
        if not config.method.variance:
            return [Reference("loss", 0.0, "all outputs equal: a collapsed network has the lowest loss", best=True)]
        value = config.method.variance_weight * (1 - EPSILON**0.5)
        return [Reference("loss", value, f"all outputs equal: the variance term alone, {value:.4g}")]


@in_full_precision
def variance(z: Tensor) -> Tensor:
    """Equation 1: how far each dimension's standard deviation is below 1. z: (B, D) -> scalar."""
    return F.relu(1 - (z.var(0) + EPSILON).sqrt()).mean()


@in_full_precision
def covariance(z: Tensor) -> Tensor:
    """Equation 4: squared covariances of different dimensions, over D. z: (B, D) -> scalar."""
    z = z - z.mean(0)
    matrix = z.T @ z / (len(z) - 1)
    return (matrix.square().sum() - matrix.diagonal().square().sum()) / z.shape[1]
