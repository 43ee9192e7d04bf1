"""Supervised: a baseline that learns from labels."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground import datasets
from playground.knobs import Choice, ConfigError, named
from playground.methods.base import Batch, Config, Measure, Method, Reference
from playground.networks import Backbone


class Supervised(Method):
    """The network learns to predict one factor from its labels: cross-entropy, on the same views as the other methods.

    Its k-NN accuracy on this factor shows what labels gain; its k-NN accuracy on the other factors shows what is lost by learning one.
    """

    name, title, family = "supervised", "Supervised", "baseline"
    summary = "Learns from the labels of one factor: a target for methods without labels."
    paper = "Krizhevsky et al., 2012: ImageNet Classification with Deep Convolutional Neural Networks"
    link = "https://papers.nips.cc/paper/4824-imagenet-classification-with-deep-convolutional-neural-networks"
    equation = r"-\log p(y \mid f(x))"
    loss_unit = "nats"
    advice = "Not a self-supervised method: it uses labels. It may lose everything that the chosen factor does not need."
    views = 1
    measures = {
        "training_accuracy": Measure(
            "Training accuracy",
            "high: the label of a view is predicted correctly",
            0,
            1,
            formula="share of the views of the batch whose label has the largest output",
            unit="share, from 0 to 1",
        )
    }

    class Knobs(Choice.Knobs):
        """The factor to learn."""

        factor: str = named("The factor whose labels it learns from.", lambda picked: tuple(datasets.CATALOG[picked["data"]].classes))

    def __init__(self, backbone: Backbone, config: Config) -> None:
        super().__init__(backbone, config)
        self.head = nn.Linear(backbone.width, config.data.choice.classes[self.knobs.factor])

    @classmethod
    def check(cls, config: Config) -> None:
        """Refuses data without labels."""
        if not config.data.choice.classes:
            raise ConfigError("data", f"{cls.name}: data must have labels, got {config.data.name}, which has none")

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """One view and its label -> cross-entropy, and the accuracy."""
        logits, labels = self.head(self.backbone(batch.views[0])).float(), batch.factors[self.knobs.factor]
        return {"loss": F.cross_entropy(logits, labels), "training_accuracy": (logits.argmax(1) == labels).float().mean()}

    @classmethod
    def references(cls, config: Config) -> list[Reference]:
        """A guess among all labels."""
        count = config.data.choice.classes[config.method.factor]
        return [Reference("loss", math.log(count), f"guessing: ln {count}")]
