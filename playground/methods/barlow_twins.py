"""Barlow Twins: the dimensions of two views should correlate like the identity matrix."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from playground.knobs import Choice, knob, safeguard
from playground.methods.base import Batch, Config, Measure, Method, Reference, in_full_precision
from playground.networks import Backbone
from playground.networks.heads import projector

EPSILON = 1e-5  # as in batch normalization: a dimension without any variance stays at zero


class BarlowTwins(Method):
    """Every dimension of one view correlates with itself in the other view (invariance) and with no other dimension (redundancy).

    Zbontar et al., 2021, equations 1 and 2.
    """

    name, title, family = "barlow-twins", "Barlow Twins", "regularization"
    summary = "Makes each dimension agree between two views and differ from every other dimension; no negatives, no teacher."
    paper = "Zbontar et al., 2021: Barlow Twins: Self-Supervised Learning via Redundancy Reduction"
    link = "https://arxiv.org/abs/2103.03230"
    equation = r"\sum_i (1 - C_{ii})^2 + \lambda \sum_i \sum_{j \neq i} C_{ij}^2"
    loss_unit = "none, from 0"
    measures = {
        "loss/invariance": Measure(
            "Invariance term",
            "low: each dimension agrees between the views",
            0,
            formula="sum over dimensions of (1 - C_ii)^2, with C the correlation of the two views' dimensions",
            unit="none, from 0",
        ),
        "loss/redundancy": Measure(
            "Redundancy term",
            "low: no two dimensions carry the same information",
            0,
            formula="sum over pairs of different dimensions of C_ij^2, with C the correlation of the two views' dimensions",
            unit="none, from 0",
        ),
    }

    remedies = {"dimensional collapse": {"method.redundancy_weight": "a higher"}}

    class Knobs(Choice.Knobs):
        """One weight balances the two terms."""

        redundancy_weight: float = knob(0.02, 0.0001, 1, "How strongly dimensions are decorrelated.", live=True, log=True)
        projection_size: int = knob(
            128, 2, 2048, "Dimensions whose correlations are computed; the paper gains from thousands of them, with a smaller weight."
        )
        hidden_size: int = knob(256, 8, 4096, "Width of the projector's hidden layers.")
        redundancy: bool = safeguard("Keep the redundancy term. Without it, dimensions repeat each other.", without="dimensional collapse")
        standardize: bool = safeguard("Bring each dimension to mean 0 and variance 1 over the batch.", without="no learning")

    def __init__(self, backbone: Backbone, config: Config) -> None:
        super().__init__(backbone, config)
        self.projector = projector(backbone.width, self.knobs.hidden_size, self.knobs.projection_size, layers=3)

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Two views -> the weighted sum, and each term before its weight."""
        z1, z2 = self.projector(self.backbone(torch.cat(batch.views))).chunk(2)
        if self.knobs.standardize:
            z1, z2 = standardized(z1), standardized(z2)
        invariance, redundancy = terms(z1, z2)
        weight = self.knobs.redundancy_weight * self.knobs.redundancy
        return {"loss": invariance + weight * redundancy, "loss/invariance": invariance, "loss/redundancy": redundancy}

    def project(self, embedding: Tensor) -> Tensor:
        """(B, D) -> (B, projection_size)."""
        return self.projector(embedding)

    @classmethod
    def loss_bounds(cls, config: Config) -> tuple[float, float]:
        """When standardized, each of the D x D correlations lies between -1 and 1: one on the diagonal costs at most 4, any other at most
        1."""
        knobs = config.method
        size = knobs.projection_size
        most = 4 * size + knobs.redundancy_weight * knobs.redundancy * size * (size - 1)
        return 0.0, float(most) if knobs.standardize else math.inf

    @classmethod
    def references(cls, config: Config) -> list[Reference]:
        """When standardized, equal outputs are all zero, and so are their correlations."""
        if not config.method.standardize:
            return []
        size = config.method.projection_size
        return [Reference("loss", float(size), f"all outputs equal: no correlation, each of {size} dimensions costs 1")]


@in_full_precision
def standardized(z: Tensor) -> Tensor:
    """(B, D) -> each dimension with mean 0 and (biased) variance 1 over the batch, as batch normalization does."""
    return (z - z.mean(0)) * (z.var(0, correction=0) + EPSILON).rsqrt()


@in_full_precision
def terms(z1: Tensor, z2: Tensor) -> tuple[Tensor, Tensor]:
    """Both sums of equation 1 over the cross-correlation C = z1' z2 / B, before lambda. z1, z2: (B, D) -> two scalars."""
    correlation = z1.T @ z2 / len(z1)
    diagonal = correlation.diagonal()
    return (1 - diagonal).square().sum(), correlation.square().sum() - diagonal.square().sum()
