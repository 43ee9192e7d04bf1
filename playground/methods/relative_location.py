"""Relative location: where does this patch lie, seen from that one?"""

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
    """The middle tile of a 3 x 3 grid and one of its eight neighbors: which neighbor is it?

    Doersch et al., 2015, section 3: cross-entropy over eight places, with a gap and jitter between patches. Each view gives all of
    its eight pairs. The paper's worry about chromatic aberration belongs to photographs through a lens: nothing is done about it.
    """

    name, title, family = "relative-location", "Relative location", "predictive"
    summary = "Sees two patches of an image and says on which side of the first the second lies."
    paper = "Doersch et al., 2015: Unsupervised Visual Representation Learning by Context Prediction"
    link = "https://arxiv.org/abs/1505.05192"
    equation = r"-\frac{1}{8} \sum_{k=1}^{8} \log p\left(k \mid f(x_0), f(x_k)\right)"
    loss_unit = "nats"
    meant_for = "Meant for the order of parts: after minutes, neighbors know a photograph's class hardly better than with random weights."
    advice = "Flat patches look alike wherever they lie, so it cannot always be right; and with no gap, edges that match are enough."
    views = 1
    suggests = {"steps": 400, "optimizer.learning_rate": 2e-3, "augment.crop_scale_min": 0.8}
    measures = {
        "location_accuracy": Measure(
            "Location accuracy",
            "high; 12.5 % is guessing",
            0,
            1,
            formula="share of the pairs of patches whose place is named rightly, one of 8",
            unit="share, from 0 to 1",
        )
    }

    class Knobs(Choice.Knobs):
        """The gap is what makes it more than matching edges."""

        gap: int = knob(2, 0, 5, "Pixels between patches on average. Each also moves by up to so many, so that edges give nothing away.")
        hidden_size: int = knob(256, 8, 4096, "Width of the layer that sees both patches.")

    def __init__(self, backbone: Backbone, config: Config) -> None:
        super().__init__(backbone, config)
        self.head = projector(2 * backbone.width, self.knobs.hidden_size, NEIGHBORS)

    @classmethod
    def check(cls, config: Config) -> None:
        """The patches suit the network."""
        check_tiles(config, GRID, config.method.gap)

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """One view -> cross-entropy over its eight pairs, and the share of neighbors put in their place."""
        logits = self._locate(tiles(batch.views[0], GRID, self.knobs.gap, generator))
        places = _places(logits)
        return {"loss": F.cross_entropy(logits.transpose(1, 2), places), "location_accuracy": _accuracy(logits)}

    def _locate(self, pieces: Tensor) -> Tensor:
        """(B, 9, C, s, s) -> logits (B, 8 neighbors, 8 places): neighbors in reading order, so the right place of the k-th is k."""
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
        """original · its patches · every neighbor put where the network says: the mean where several meet, gray where none is."""
        pieces = tiles(images, GRID, self.knobs.gap, generator)
        said = F.one_hot(self._locate(pieces).argmax(2), NEIGHBORS).to(pieces.dtype)  # (B, neighbors, places)
        placed = torch.einsum("bnp,bncij->bpcij", said, neighbors(pieces)) / said.sum(1).clamp(min=1)[..., None, None, None]
        placed = torch.where((said.sum(1) > 0)[..., None, None, None], placed, 0.5)
        placed = torch.cat([placed[:, :CENTER], pieces[:, CENTER, None], placed[:, CENTER:]], 1)
        return {"original": images, "patches": mosaic(pieces, images.shape[-1]), "placed": mosaic(placed, images.shape[-1])}

    @classmethod
    def references(cls, config: Config) -> list[Reference]:
        """Eight places, each once."""
        return [Reference("loss", math.log(NEIGHBORS), "all outputs equal: guessing, ln 8")]


def neighbors(grid: Tensor) -> Tensor:
    """(B, 9, ...) in reading order -> (B, 8, ...) without the middle."""
    return torch.cat([grid[:, :CENTER], grid[:, CENTER + 1 :]], 1)


def _places(logits: Tensor) -> Tensor:
    """(B, 8, 8) -> (B, 8): the right answers."""
    return torch.arange(NEIGHBORS, device=logits.device).expand(len(logits), -1)


def _accuracy(logits: Tensor) -> Tensor:
    return (logits.argmax(2) == _places(logits)).float().mean()
