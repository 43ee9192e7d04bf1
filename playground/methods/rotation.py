"""RotNet: which way up is the image?"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.knobs import Choice
from playground.methods.base import Batch, Config, Measure, Method, Reference
from playground.networks import Backbone

TURNS = 4


class Rotation(Method):
    """Each view is shown in all four quarter turns, and the network says which is which.

    Gidaris et al., 2018, equations 1 and 2: cross-entropy over four rotations, all four copies in one batch.
    """

    name, title, family = "rotation", "RotNet", "predictive"
    summary = "Turns an image by 0, 90, 180 or 270 degrees and guesses which: what is upright must be understood."
    paper = "Gidaris et al., 2018: Unsupervised Representation Learning by Predicting Image Rotations"
    link = "https://arxiv.org/abs/1803.07728"
    equation = r"-\frac{1}{4} \sum_{r=1}^{4} \log p_r\!\left(\mathrm{rot}(x, 90^\circ (r - 1))\right)"
    loss_unit = "nats"
    advice = (
        "It needs images with an upright: a circle looks the same in every turn. On Shapes nobody can be right more than about half "
        "of the time, because circles, rings, squares and crosses tell nothing, bars half, and stars little."
    )
    views = 1
    suggests = {"batch_size": 128, "steps": 450, "optimizer.learning_rate": 2e-3}
    measures = {
        "rotation_accuracy": Measure(
            "Rotation accuracy",
            "high; 25 % is guessing",
            0,
            1,
            formula="share of the turned images whose turn is named rightly, one of 4",
            unit="share, from 0 to 1",
        )
    }

    class Knobs(Choice.Knobs):
        """None: there are four quarter turns."""

    def __init__(self, backbone: Backbone, config: Config) -> None:
        super().__init__(backbone, config)
        self.head = nn.Linear(backbone.width, TURNS)

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """One view -> cross-entropy over 4B turned copies, and the share that was recognized."""
        images, turns = turned(batch.views[0])
        logits = self.head(self.backbone(images)).float()
        return {"loss": F.cross_entropy(logits, turns), "rotation_accuracy": (logits.argmax(1) == turns).float().mean()}

    def diagnostics(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """`rotation_accuracy` on probe images, each in all four turns."""
        copies, turns = turned(images)
        return {"rotation_accuracy": (self.head(self.backbone(copies)).argmax(1) == turns).float().mean()}

    def trivial(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Guessing."""
        return {"rotation_accuracy": images.new_tensor(1 / TURNS)}

    def pictures(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """original · turned at random · righted by what the network says: upright where it is right."""
        turns = torch.randint(TURNS, (len(images),), generator=generator, device=generator.device)
        shown = turn(images, turns)
        return {"original": images, "turned": shown, "righted": turn(shown, -self.head(self.backbone(shown)).argmax(1))}

    @classmethod
    def references(cls, config: Config) -> list[Reference]:
        """Four turns, equally often."""
        return [Reference("loss", math.log(TURNS), "all outputs equal: guessing, ln 4")]


def turned(images: Tensor) -> tuple[Tensor, Tensor]:
    """(B, C, H, H) -> every image in all four turns (4B, C, H, H), and the quarter turns to the left (4B,)."""
    turns = torch.arange(TURNS, device=images.device).repeat_interleave(len(images))
    return torch.cat([torch.rot90(images, quarter, (2, 3)) for quarter in range(TURNS)]), turns


def turn(images: Tensor, turns: Tensor) -> Tensor:
    """Turns each image by its own number of quarter turns to the left. (B, C, H, H), (B,) -> (B, C, H, H)."""
    copies = turned(images)[0].unflatten(0, (TURNS, -1))
    return copies[turns % TURNS, torch.arange(len(images), device=images.device)]
