"""RotNet: predicts by which angle an image was rotated."""

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
    """Each view is rotated by 0, 90, 180 and 270 degrees, and the network predicts the angle.

    Gidaris et al., 2018, equations 1 and 2: cross-entropy over four rotations, all four copies in one batch.
    """

    name, title, family = "rotation", "RotNet", "predictive"
    summary = "Rotates an image by 0, 90, 180 or 270 degrees and predicts the angle: the network must learn what is upright."
    paper = "Gidaris et al., 2018: Unsupervised Representation Learning by Predicting Image Rotations"
    link = "https://arxiv.org/abs/1803.07728"
    equation = r"-\frac{1}{4} \sum_{r=1}^{4} \log p_r\!\left(\mathrm{rot}(x, 90^\circ (r - 1))\right)"
    loss_unit = "nats"
    advice = (
        "It needs images with a clear top: a circle looks the same in every rotation. On Shapes the accuracy "
        "cannot be above about one half, "
        "because circles, rings, squares and crosses do not show the angle, bars show only half of it, and stars little."
    )
    views = 1
    suggests = {"batch_size": 128, "steps": 450, "optimizer.learning_rate": 2e-3}
    measures = {
        "rotation_accuracy": Measure(
            "Rotation accuracy",
            "high; 25% is guessing",
            0,
            1,
            formula="share of the rotated images whose angle, one of 4, is predicted correctly",
            unit="share, from 0 to 1",
        )
    }

    class Knobs(Choice.Knobs):
        """None: there are always four angles."""

    def __init__(self, backbone: Backbone, config: Config) -> None:
        super().__init__(backbone, config)
        self.head = nn.Linear(backbone.width, TURNS)

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """One view -> cross-entropy over 4B rotated copies, and the accuracy."""
        images, turns = turned(batch.views[0])
        logits = self.head(self.backbone(images)).float()
        return {"loss": F.cross_entropy(logits, turns), "rotation_accuracy": (logits.argmax(1) == turns).float().mean()}

    def diagnostics(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """`rotation_accuracy` on probe images, each in all four rotations."""
        copies, turns = turned(images)
        return {"rotation_accuracy": (self.head(self.backbone(copies)).argmax(1) == turns).float().mean()}

    def trivial(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Guessing."""
        return {"rotation_accuracy": images.new_tensor(1 / TURNS)}

    def pictures(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """original · rotated at random · rotated back by the predicted angle: upright if the prediction is correct."""
        turns = torch.randint(TURNS, (len(images),), generator=generator, device=generator.device)
        shown = turn(images, turns)
        return {"original": images, "turned": shown, "righted": turn(shown, -self.head(self.backbone(shown)).argmax(1))}

    @classmethod
    def references(cls, config: Config) -> list[Reference]:
        """A guess among four angles."""
        return [Reference("loss", math.log(TURNS), "all outputs equal: guessing, ln 4")]


def turned(images: Tensor) -> tuple[Tensor, Tensor]:
    """(B, C, H, H) -> every image in all four rotations (4B, C, H, H), and the number of quarter turns to the left (4B,)."""
    turns = torch.arange(TURNS, device=images.device).repeat_interleave(len(images))
    return torch.cat([torch.rot90(images, quarter, (2, 3)) for quarter in range(TURNS)]), turns


def turn(images: Tensor, turns: Tensor) -> Tensor:
    """Turns each image by its own number of quarter turns to the left. (B, C, H, H), (B,) -> (B, C, H, H)."""
    copies = turned(images)[0].unflatten(0, (TURNS, -1))
    return copies[turns % TURNS, torch.arange(len(images), device=images.device)]
