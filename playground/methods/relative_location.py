"""Relative location: predicts where one patch lies relative to another."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from playground.knobs import Choice, knob
from playground.methods.base import Batch, Config, Measure, Method, Reference
from playground.methods.jigsaw import check_tiles, mosaic, tiles
from playground.networks import Backbone
from playground.networks.heads import projector

GRID, CENTER, NEIGHBORS = 3, 4, 8


class RelativeLocation(Method):
    """From the center tile of a 3 x 3 grid and one of its eight neighbors, predicts which neighbor it is.

    Doersch et al., 2015, section 3: cross-entropy over eight positions, with a gap and jitter between patches. Each view gives all
    eight pairs. The paper also removes chromatic aberration, which only photographs from a lens have; this is left out.
    """

    name, title, family = "relative-location", "Relative location", "predictive"
    summary = "Sees two patches of an image and predicts where the second lies relative to the first."
    paper = "Doersch et al., 2015: Unsupervised Visual Representation Learning by Context Prediction"
    link = "https://arxiv.org/abs/1505.05192"
    equation = r"-\frac{1}{8} \sum_{k=1}^{8} \log p\left(k \mid f(x_0), f(x_k)\right)"
    loss_unit = "nats"
    meant_for = "Meant for the order of parts: after some minutes, its k-NN accuracy on photographs is hardly above that of random weights."
    advice = (
        "Flat patches look the same everywhere, so it cannot always be right. Without a gap, matching edges are enough to solve the task."
    )
    views = 1
    suggests = {"steps": 400, "optimizer.learning_rate": 2e-3, "augment.crop_scale_min": 0.8}
    measures = {
        "location_accuracy": Measure(
            "Location accuracy",
            "high; 12.5% is guessing",
            0,
            1,
            formula="share of the pairs of patches whose position, one of 8, is predicted correctly",
            unit="share, from 0 to 1",
        )
    }

    class Knobs(Choice.Knobs):
        """Without a gap, matching edges would solve the task."""

        gap: int = knob(
            2,
            0,
            5,
            "Pixels between patches on average. Each patch also moves randomly by up to this many pixels, so that edges give no hint.",
        )
        hidden_size: int = knob(256, 8, 4096, "Width of the layer that sees both patches.")

    def __init__(self, backbone: Backbone, config: Config) -> None:
        super().__init__(backbone, config)
        self.head = projector(2 * backbone.width, self.knobs.hidden_size, NEIGHBORS)

    @classmethod
    def check(cls, config: Config) -> None:
        """The patches must fit the network."""
        check_tiles(config, GRID, config.method.gap)

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """One view -> cross-entropy over its eight pairs, and the accuracy."""
        logits = self._locate(tiles(batch.views[0], GRID, self.knobs.gap, generator))
        places = _places(logits)
        return {"loss": F.cross_entropy(logits.transpose(1, 2), places), "location_accuracy": _accuracy(logits)}

    def _locate(self, pieces: Tensor) -> Tensor:
        """(B, 9, C, s, s) -> logits (B, 8 neighbors, 8 positions): neighbors are in reading order, so the label of the k-th is k."""
        features = self.backbone(pieces.flatten(0, 1)).view(len(pieces), GRID**2, -1)
        pairs = torch.cat([features[:, CENTER, None].expand(-1, NEIGHBORS, -1), neighbors(features)], 2)
        return self.head(pairs.flatten(0, 1)).float().view(len(pieces), NEIGHBORS, NEIGHBORS)

    def diagnostics(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """`location_accuracy` on probe images."""
        return {"location_accuracy": _accuracy(self._locate(tiles(images, GRID, self.knobs.gap, generator)))}

    def trivial(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Guessing."""
        return {"location_accuracy": images.new_tensor(1 / NEIGHBORS)}

    def pictures(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """original · its patches · every neighbor at its predicted position: the mean if there are several, gray if there is none."""
        pieces = tiles(images, GRID, self.knobs.gap, generator)
        votes = F.one_hot(self._locate(pieces).argmax(2), NEIGHBORS).to(pieces.dtype)  # (B, neighbors, places)
        placed = torch.einsum("bnp,bncij->bpcij", votes, neighbors(pieces)) / votes.sum(1).clamp(min=1)[..., None, None, None]
        placed = torch.where((votes.sum(1) > 0)[..., None, None, None], placed, 0.5)
        placed = torch.cat([placed[:, :CENTER], pieces[:, CENTER, None], placed[:, CENTER:]], 1)
        return {"original": images, "patches": mosaic(pieces, images.shape[-1]), "placed": mosaic(placed, images.shape[-1])}

    @classmethod
    def references(cls, config: Config) -> list[Reference]:
        """A guess among eight positions."""
        return [Reference("loss", math.log(NEIGHBORS), "all outputs equal: guessing, ln 8")]


def neighbors(grid: Tensor) -> Tensor:
    """(B, 9, ...) in reading order -> (B, 8, ...) without the center."""
    return torch.cat([grid[:, :CENTER], grid[:, CENTER + 1 :]], 1)


def _places(logits: Tensor) -> Tensor:
    """(B, 8, 8) -> (B, 8): the labels."""
    return torch.arange(NEIGHBORS, device=logits.device).expand(len(logits), -1)


def _accuracy(logits: Tensor) -> Tensor:
    return (logits.argmax(2) == _places(logits)).float().mean()
