"""BYOL: a student predicts a slowly moving teacher, without negatives."""

from __future__ import annotations

import copy
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.knobs import Choice, knob, safeguard
from playground.methods.base import Batch, Config, Method, Reference, in_full_precision
from playground.networks import Backbone
from playground.networks.heads import predictor, projector


class BYOL(Method):
    """The student's prediction for one view should equal the teacher's projection of the other view.

    Grill et al., 2020, equation 2, averaged over both directions. The teacher is an exponential moving average of the student.
    """

    name, title, family = "byol", "BYOL", "distillation"
    summary = "A student predicts the output of a slowly moving copy of itself for another view; there are no negatives."
    paper = "Grill et al., 2020: Bootstrap Your Own Latent"
    link = "https://arxiv.org/abs/2006.07733"
    equation = r"2 - 2\,\frac{q(z) \cdot z'}{\|q(z)\| \, \|z'\|}"
    loss_unit = "none, from 0 to 4"
    advice = (
        "Its lowest possible loss, 0, is also the loss of a collapsed network: judge it by the spread of the features, not by the loss "
        "alone."
    )

    suggests = {"optimizer.learning_rate": 2e-3}

    remedies = {
        "complete collapse": {"method.predictor_rate": "a higher"},
        "dimensional collapse": {"method.predictor_rate": "a higher", "method.projection_size": "a larger"},
    }

    class Knobs(Choice.Knobs):
        """A short run needs a lower momentum than the paper's 0.996."""

        momentum: float = knob(0.97, 0, 1, "How much of the teacher is kept at each step; it rises to 1 by the end of the run.", live=True)
        projection_size: int = knob(128, 2, 2048, "Dimensions in which views are compared.")
        hidden_size: int = knob(512, 8, 4096, "Width of the hidden layers of projector and predictor.")
        predictor_rate: float = knob(20, 0.1, 100, "Learning rate of the predictor, as a multiple of the rest.", log=True)
        stop_gradient: bool = safeguard("Pass no gradient to the teacher.", without="dimensional collapse")
        predictor: bool = safeguard("Let the student predict the teacher through one more MLP.", without="complete collapse")
        moving_average: bool = safeguard(
            "Let the teacher follow slowly. Without it, the teacher is the student, as in SimSiam.", without="may collapse"
        )

    def __init__(self, backbone: Backbone, config: Config) -> None:
        super().__init__(backbone, config)
        size, hidden = self.knobs.projection_size, self.knobs.hidden_size
        self.projector = projector(backbone.width, hidden, size)
        self.predictor = predictor(size, hidden) if self.knobs.predictor else nn.Identity()
        self.teacher = copy.deepcopy(nn.Sequential(backbone, self.projector)).requires_grad_(False)

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Two views -> the mean of both directions, from 0 (equal) to 4 (opposite)."""
        images = torch.cat(batch.views)
        z = self.projector(self.backbone(images))
        target = self._target(images, z)
        return {"loss": prediction_error(self.predictor(z), torch.cat(target.chunk(2)[::-1]))}

    def _target(self, images: Tensor, z: Tensor) -> Tensor:
        """What the student should predict: (2B, P)."""
        if not self.knobs.moving_average:
            return z.detach() if self.knobs.stop_gradient else z
        if self.knobs.stop_gradient:
            with torch.no_grad():
                return self.teacher(images)
        return self.teacher(images) + z - z.detach()  # the teacher's value, with the student's gradient

    def learning_rate_factors(self) -> dict[str, float]:
        """With a faster predictor more dimensions grow (Tian et al., 2021, section 4)."""
        return {"predictor": self.knobs.predictor_rate}

    def after_step(self, progress: float) -> None:
        """The teacher follows: xi <- tau xi + (1 - tau) theta, with tau rising to 1 by half a cosine (section 3.3)."""
        kept = 1 - (1 - self.knobs.momentum) * (math.cos(math.pi * progress) + 1) / 2
        student = nn.Sequential(self.backbone, self.projector)
        with torch.no_grad():
            torch._foreach_lerp_(list(self.teacher.parameters()), list(student.parameters()), 1 - kept)

    def project(self, embedding: Tensor) -> Tensor:
        """(B, D) -> (B, projection_size), by the student."""
        return self.projector(embedding)

    @classmethod
    def loss_bounds(cls, config: Config) -> tuple[float, float]:
        """The squared distance of two points on the sphere."""
        return 0.0, 4.0

    @classmethod
    def references(cls, config: Config) -> list[Reference]:
        """The loss of a collapsed network."""
        return [Reference("loss", 0.0, "all outputs equal: a collapsed network has the lowest loss", best=True)]


@in_full_precision
def prediction_error(prediction: Tensor, target: Tensor) -> Tensor:
    """2 - 2 cos, the squared distance of unit vectors. prediction, target: (B, D) -> scalar."""
    return (2 - 2 * F.cosine_similarity(prediction, target)).mean()
