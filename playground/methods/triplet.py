"""Triplet loss: one positive, one negative, and a margin between them."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from playground.knobs import Choice, knob, option, safeguard
from playground.methods.base import Batch, Config, Measure, Method, Reference, in_full_precision
from playground.networks import Backbone
from playground.networks.heads import projector


class Triplet(Method):
    """An anchor should be closer to the other view of its image than to a view of another image, by a margin.

    Schroff et al., 2015 (FaceNet), section 3.1, where each image is a class; section 3.2 describes the choice of the negative.
    """

    name, title, family = "triplet", "Triplet", "contrastive"
    summary = "Keeps one other image farther away than the other view, by a margin; the choice of this image matters much."
    paper = "Schroff et al., 2015: FaceNet: A Unified Embedding for Face Recognition and Clustering"
    link = "https://arxiv.org/abs/1503.03832"
    equation = r"\max(0,\; \|a - p\|^2 - \|a - n\|^2 + m)"
    loss_unit = "squared distance of vectors of length 1"
    measures = {
        "active_triplets": Measure(
            "Active triplets",
            "triplets within the margin; only these give a gradient: near 0, learning has ended",
            0,
            1,
            formula="share of the triplets with |a - p|^2 - |a - n|^2 + m > 0",
            unit="share, from 0 to 1",
        )
    }

    remedies = {"complete collapse": {"method.mining": "semi-hard", "method.margin": "a larger"}}

    class Knobs(Choice.Knobs):
        """The choice of the negative matters more than the margin."""

        mining: Literal["random", "semi-hard", "hard"] = option(
            "semi-hard",
            "Which image is the negative: any; the nearest one farther than the positive; or the nearest of all, which collapses early.",
        )
        margin: float = knob(0.5, 0, 2, "How much farther away than the positive the negative must be, in squared distance.", live=True)
        projection_size: int = knob(128, 2, 2048, "Dimensions in which views are compared.")
        hidden_size: int = knob(256, 8, 4096, "Width of the projector's hidden layer.")
        negatives: bool = safeguard("Push the negative away. Without it, views only attract each other.", without="complete collapse")

    def __init__(self, backbone: Backbone, config: Config) -> None:
        super().__init__(backbone, config)
        self.projector = projector(backbone.width, self.knobs.hidden_size, self.knobs.projection_size)

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Two views, each used once as the anchor -> the mean hinge loss, and the share of triplets within the margin."""
        distances = squared_distances(self.projector(self.backbone(torch.cat(batch.views))))
        positives = distances.diagonal(len(batch.views[0])).repeat(2)  # rows i and i + B are two views of one image
        if not self.knobs.negatives:
            return {"loss": positives.mean()}
        negatives = MINERS[self.knobs.mining](distances, generator)
        hinges = F.relu(positives - distances.gather(1, negatives[:, None])[:, 0] + self.knobs.margin)
        return {"loss": hinges.mean(), "active_triplets": (hinges > 0).float().mean()}

    def project(self, embedding: Tensor) -> Tensor:
        """(B, D) -> (B, projection_size)."""
        return self.projector(embedding)

    @classmethod
    def negatives(cls, config: Config) -> int | None:
        """One if it is chosen at random; all views of other images if it is chosen by distance."""
        if not config.method.negatives:
            return None
        return 1 if config.method.mining == "random" else 2 * config.batch_size - 2

    @classmethod
    def loss_bounds(cls, config: Config) -> tuple[float, float]:
        """Squared distances on the sphere are at most 4, and the nearest negative may lie on the anchor."""
        return 0.0, 4.0 + (float(config.method.margin) if config.method.negatives else 0.0)

    @classmethod
    def references(cls, config: Config) -> list[Reference]:
        """If all outputs are equal, positive and negative are equally far."""
        if not config.method.negatives:
            return [Reference("loss", 0.0, "all outputs equal: a collapsed network has the lowest loss", best=True)]
        return [Reference("loss", config.method.margin, f"all outputs equal: the margin, {config.method.margin:g}")]


@in_full_precision
def squared_distances(z: Tensor) -> Tensor:
    """(R, D), any length -> (R, R) squared distances of the unit vectors, from 0 to 4."""
    z = F.normalize(z, dim=1)
    return 2 - 2 * z @ z.T


def of_other_images(distances: Tensor) -> Tensor:
    """(2B, 2B) -> True where row and column are views of different images."""
    image = torch.arange(len(distances), device=distances.device) % (len(distances) // 2)
    return image[:, None] != image


def random_negatives(distances: Tensor, generator: torch.Generator) -> Tensor:
    """Any view of another image: (2B, 2B) -> (2B,) columns."""
    rows, images = torch.arange(len(distances), device=distances.device), len(distances) // 2
    ahead = torch.randint(1, images, (len(rows),), generator=generator, device=distances.device)
    view = torch.randint(0, 2, (len(rows),), generator=generator, device=distances.device)
    return (rows + ahead) % images + view * images


def hard_negatives(distances: Tensor, generator: torch.Generator) -> Tensor:
    """The nearest view of another image: (2B, 2B) -> (2B,) columns."""
    return distances.masked_fill(~of_other_images(distances), float("inf")).argmin(1)


def semihard_negatives(distances: Tensor, generator: torch.Generator) -> Tensor:
    """The nearest one that is farther than the positive (FaceNet, equation 4), or the farthest where there is none."""
    others = of_other_images(distances)
    positives = distances.diagonal(len(distances) // 2).repeat(2)[:, None]
    beyond = distances.masked_fill(~others | (distances <= positives), float("inf"))
    farthest = distances.masked_fill(~others, float("-inf")).argmax(1)
    return torch.where(beyond.isfinite().any(1), beyond.argmin(1), farthest)


MINERS = {"random": random_negatives, "semi-hard": semihard_negatives, "hard": hard_negatives}
