"""DINO: from any crop of an image, a student predicts the teacher's distribution for the whole image."""

from __future__ import annotations

import copy
import math
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.diagnostics.assignments import entropy
from playground.knobs import Choice, knob, safeguard
from playground.methods.base import Batch, Config, Measure, Method, Reference, in_full_precision
from playground.methods.shared.contrastive import max_cross_entropy
from playground.methods.swav import swapped_prediction
from playground.networks import Backbone
from playground.networks.heads import projector


class DINO(Method):
    """The student's distribution over K outputs should equal the teacher's for another view; only the student sees small crops.

    Caron et al., 2021, equations 1 to 4, averaged over all pairs of views where the paper sums.
    The teacher, an exponential moving average of the student, is centered and sharpened; as in the authors' code, it is the network that
    is evaluated.
    """

    name, title, family = "dino", "DINO", "distillation"
    summary = "A slowly moving teacher assigns whole images to outputs without names; a student predicts the same from any crop."
    paper = "Caron et al., 2021: Emerging Properties in Self-Supervised Vision Transformers"
    link = "https://arxiv.org/abs/2104.14294"
    equation = r"-\sum_k P_t(x')_k \log P_s(x)_k, \quad P_t = \mathrm{softmax}((g_t - c) / \tau_t)"
    loss_unit = "nats"
    advice = (
        "Watch the teacher's entropy: at ln K it is uniform for every image; at 0 with one output in use it is the same for all images."
    )
    multi_crop = True
    measures = {
        "teacher_entropy": Measure(
            "Teacher's entropy",
            "between 0 and ln K: it chooses a few outputs for each image",
            0,
            formula="mean over images of -sum p ln p, with p the teacher's distribution over the K outputs",
            unit="nats, from 0 to ln K",
        ),
        "student_entropy": Measure(
            "Student's entropy",
            "close to the teacher's",
            0,
            formula="mean over views of -sum p ln p, with p the student's distribution over the K outputs",
            unit="nats, from 0 to ln K",
        ),
        "kl": Measure(
            "KL of student from teacher",
            "low, but not 0: the student agrees with the teacher and is nearly as confident",
            0,
            formula="cross-entropy of the student under the teacher, minus the teacher's entropy",
            unit="nats, from 0",
        ),
    }

    remedies = {
        "one-hot teacher": {"method.center_momentum": "a lower", "method.teacher_temperature": "a higher"},
        "uniform teacher": {"method.teacher_temperature": "a lower", "method.center_momentum": "a higher"},
    }

    class Knobs(Choice.Knobs):
        """Centering and sharpening act in opposite directions and balance each other."""

        teacher_temperature: float = knob(0.04, 0.01, 1, "Low: the teacher chooses one output. Above 0.07 it may stay uniform.", live=True)
        start_temperature: float = knob(0.04, 0.01, 1, "The teacher's temperature at the start of the run.", live=True)
        temperature_warmup: float = knob(0.1, 0, 1, "The share of the run in which the teacher's temperature moves to its final value.")
        student_temperature: float = knob(
            0.1, 0.02, 1, "Higher than the teacher's, so that the student must become more confident.", live=True
        )
        outputs: int = knob(256, 2, 65536, "Number of outputs K. The paper uses 65,536 for a million images.")
        momentum: float = knob(0.95, 0, 1, "How much of the teacher is kept at each step; it rises to 1 by the end of the run.", live=True)
        center_momentum: float = knob(0.2, 0, 0.999, "How much of the center is kept at each step; short runs need a low value.", live=True)
        freeze: float = knob(0.05, 0, 1, "The share of the run in which the last layer is frozen.")
        bottleneck_size: int = knob(64, 2, 2048, "Dimensions before the last layer, where features are normalized to length 1.")
        hidden_size: int = knob(256, 8, 4096, "Width of the head's hidden layers.")
        centering: bool = safeguard("Subtract the mean of each output. Without it, one output takes all images.", without="one-hot teacher")
        sharpening: bool = safeguard("Make the teacher more confident than the student, by a lower temperature.", without="uniform teacher")
        stop_gradient: bool = safeguard("Pass no gradient to the teacher.", without="no learning")
        moving_average: bool = safeguard(
            "Let the teacher follow slowly. Without it, the teacher is the student.", without="uniform teacher"
        )

    def __init__(self, backbone: Backbone, config: Config) -> None:
        super().__init__(backbone, config)
        knobs = self.knobs
        self.head = Head(backbone.width, knobs.hidden_size, knobs.bottleneck_size, knobs.outputs)
        self.teacher = copy.deepcopy(nn.Sequential(backbone, self.head)).requires_grad_(False)
        self.center: Tensor
        self.register_buffer("center", torch.zeros(knobs.outputs))
        self.steps, self.past = config.steps, 0

    def before_step(self, step: int, images: Tensor, generator: torch.Generator) -> None:
        """Temperature and freezing depend on the number of the step."""
        self.past = step - 1

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Two global views and any local ones -> cross-entropy of the student under the teacher, and its parts."""
        images, views = torch.cat(batch.views), len(batch.views)
        embedding = self.backbone(images)
        if batch.local_views:
            embedding = torch.cat([embedding, self.backbone(torch.cat(batch.local_views))])
        student = self.head(embedding).unflatten(0, (views + len(batch.local_views), -1))
        scores = self._teacher_scores(images, student[:views])
        mean = scores.detach().float().mean((0, 1))
        if self.past == 0:  # a center that starts at zero comes too late: by then every image has the same few outputs
            self.center.copy_(mean)
        target = sharpened(scores, self._center(), self._temperature())
        logits = student / self.knobs.student_temperature
        with torch.no_grad():
            self.center.lerp_(mean, 1 - self.knobs.center_momentum)
            teacher_entropy = entropy(target).mean()
        loss = swapped_prediction(target, logits)
        return {
            "loss": loss,
            "teacher_entropy": teacher_entropy,
            "student_entropy": entropy(logits.detach().float().softmax(-1)).mean(),
            "kl": loss.detach() - teacher_entropy,
        }

    def _teacher_scores(self, images: Tensor, student: Tensor) -> Tensor:
        """The teacher's outputs for the global views: (2, B, K)."""
        if not self.knobs.moving_average:
            return student.detach() if self.knobs.stop_gradient else student
        with torch.no_grad():
            scores = self.teacher(images).unflatten(0, student.shape[:2])
        return scores if self.knobs.stop_gradient else scores + student - student.detach()  # its value, with the student's gradient

    def _center(self) -> Tensor:
        return self.center if self.knobs.centering else torch.zeros_like(self.center)

    def _temperature(self) -> float:
        """The teacher's temperature at this step of its warm-up."""
        knobs = self.knobs
        if not knobs.sharpening:
            return float(knobs.student_temperature)
        progress = min(self.past / max(knobs.temperature_warmup * self.steps, 1), 1)
        return float(knobs.start_temperature + (knobs.teacher_temperature - knobs.start_temperature) * progress)

    def backward(self, values: dict[str, Tensor]) -> dict[str, Tensor]:
        """While the last layer is frozen, its gradient is set to zero."""
        values["loss"].backward()
        last = self.head.last.grad
        if last is not None and self.past < self.knobs.freeze * self.steps:
            last.zero_()
        return values

    @torch.no_grad()
    def after_step(self, progress: float) -> None:
        """The teacher follows the student, more and more slowly: the momentum rises to 1 by half a cosine (section 3.1)."""
        kept = 1 - (1 - self.knobs.momentum) * (math.cos(math.pi * progress) + 1) / 2
        student = nn.Sequential(self.backbone, self.head)
        torch._foreach_lerp_(list(self.teacher.parameters()), list(student.parameters()), 1 - kept)

    def _evaluated(self) -> tuple[Backbone, Head]:
        """The backbone and the head that are evaluated: the teacher's if there is a teacher."""
        return cast(tuple[Backbone, Head], tuple(self.teacher)) if self.knobs.moving_average else (self.backbone, self.head)

    @property
    def encoder(self) -> Backbone:
        """The teacher's backbone."""
        return self._evaluated()[0]

    def embed(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, D), by the teacher."""
        return self.encoder(images)

    def project(self, embedding: Tensor) -> Tensor:
        """(B, D) -> (B, bottleneck_size), by the teacher."""
        return self._evaluated()[1].body(embedding)

    def assignments(self, images: Tensor) -> dict[str, Tensor]:
        """The teacher's distribution for each image, centered and sharpened: (B, K)."""
        backbone, head = self._evaluated()
        return {"teacher": sharpened(head(backbone(images)), self._center(), self._temperature())}

    @classmethod
    def loss_bounds(cls, config: Config) -> tuple[float, float]:
        """A cross-entropy of cosines over the student's temperature."""
        return 0.0, max_cross_entropy(config.method.outputs, 1 / config.method.student_temperature)

    @classmethod
    def references(cls, config: Config) -> list[Reference]:
        """A constant output, centered, is uniform; the student then learns a uniform distribution, too."""
        if not config.method.centering:
            return []
        count = config.method.outputs
        uniform = math.log(count)
        return [
            Reference("loss", uniform, f"all outputs equal: ln K = ln {count}"),
            Reference("teacher_entropy", uniform, f"uniform teacher: ln K = ln {count}"),
            Reference("teacher_entropy", 0.0, "one-hot teacher"),
        ]


class Head(nn.Module):
    """An MLP, normalization to length 1, and a last layer whose rows have length 1, too: every output is a cosine (section 3.2)."""

    def __init__(self, width: int, hidden: int, bottleneck: int, outputs: int) -> None:
        super().__init__()
        self.body = projector(width, hidden, bottleneck, layers=3)
        self.last = nn.Parameter(torch.randn(outputs, bottleneck))

    def forward(self, embedding: Tensor) -> Tensor:
        """(B, width) -> (B, outputs)."""
        return F.normalize(self.body(embedding), dim=1) @ F.normalize(self.last, dim=1).T


@in_full_precision
def sharpened(scores: Tensor, center: Tensor, temperature: float) -> Tensor:
    """The teacher's distribution, equation 1 with equation 4's center. scores: (..., K), center: (K,) -> (..., K)."""
    return ((scores - center) / temperature).softmax(-1)
