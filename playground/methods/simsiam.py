"""SimSiam: one network, a predictor and a stop-gradient; neither negatives nor a moving average."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.knobs import Choice, knob, safeguard
from playground.methods.base import Batch, Config, Method, Reference, in_full_precision
from playground.networks import Backbone
from playground.networks.heads import predictor, projector


class SimSiam(Method):
    """The prediction for one view should point in the direction of the other view's projection, which gets no gradient.

    Chen and He, 2021, equations 1 to 4. The predictor is a bottleneck, and the projector ends in batch normalization (sections 4.3, 4.4).
    """

    introduces = "collapse"  # without its stop-gradient it collapses within seconds
    name, title, family = "simsiam", "SimSiam", "distillation"
    summary = "A network predicts its own output for another view; a stop-gradient keeps it from collapsing."
    paper = "Chen and He, 2021: Exploring Simple Siamese Representation Learning"
    link = "https://arxiv.org/abs/2011.10566"
    equation = r"-\frac{p \cdot \mathrm{stopgrad}(z')}{\|p\| \, \|z'\|}"
    loss_unit = "none, from -1 to 1"
    advice = (
        "Its lowest possible loss, -1, is also the loss of a collapsed network: judge it by the spread of the features, not by the "
        "loss alone."
    )

    remedies = {
        "complete collapse": {"method.predictor_rate": "a higher"},
        "dimensional collapse": {"method.predictor_rate": "a higher", "method.bottleneck": "a larger"},
    }

    class Knobs(Choice.Knobs):
        """Three parts keep it from collapsing, and each can be switched off."""

        projection_size: int = knob(64, 2, 2048, "Dimensions in which views are compared; few of them are used in a short run.")
        hidden_size: int = knob(256, 8, 4096, "Width of the projector's hidden layer.")
        bottleneck: int = knob(32, 2, 2048, "Width of the predictor's hidden layer, less than that of the projection.")
        predictor_rate: float = knob(3, 0.1, 100, "Learning rate of the predictor, as a multiple of the rest.", log=True)
        stop_gradient: bool = safeguard("Pass no gradient to the target of the prediction.", without="complete collapse")
        predictor: bool = safeguard("Let one view predict the other through one more MLP.", without="complete collapse")
        projector_norm: bool = safeguard(
            "Batch normalization in the projector, also on its output.", without="almost nothing learned; may collapse"
        )

    def __init__(self, backbone: Backbone, config: Config) -> None:
        super().__init__(backbone, config)
        size = self.knobs.projection_size
        head = projector(backbone.width, self.knobs.hidden_size, size, last_norm=True)
        self.projector = head if self.knobs.projector_norm else without_norm(head)
        self.predictor = predictor(size, self.knobs.bottleneck) if self.knobs.predictor else nn.Identity()

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Two views -> the mean of both directions, from -1 (equal) to 1 (opposite)."""
        z = self.projector(self.backbone(torch.cat(batch.views)))
        target = torch.cat(z.chunk(2)[::-1])
        return {"loss": negative_cosine(self.predictor(z), target.detach() if self.knobs.stop_gradient else target)}

    def learning_rate_factors(self) -> dict[str, float]:
        """With a faster predictor more dimensions grow (Tian et al., 2021, section 4)."""
        return {"predictor": self.knobs.predictor_rate}

    def project(self, embedding: Tensor) -> Tensor:
        """(B, D) -> (B, projection_size)."""
        return self.projector(embedding)

    @classmethod
    def loss_bounds(cls, config: Config) -> tuple[float, float]:
        """Minus a cosine."""
        return -1.0, 1.0

    @classmethod
    def references(cls, config: Config) -> list[Reference]:
        """The loss of a collapsed network. Batch normalization turns equal outputs into zeros, which have no direction."""
        if config.method.projector_norm:
            return [Reference("loss", -1.0, "views never differ: a collapsed network has the lowest loss", best=True)]
        return [Reference("loss", -1.0, "all outputs equal: a collapsed network has the lowest loss", best=True)]


def without_norm(head: nn.Sequential) -> nn.Sequential:
    """The same head without batch normalization."""
    return nn.Sequential(*[layer for layer in head if not isinstance(layer, nn.BatchNorm1d)])


@in_full_precision
def negative_cosine(prediction: Tensor, target: Tensor) -> Tensor:
    """-cos, equation 1, averaged over the rows. prediction, target: (B, D) -> scalar."""
    return -F.cosine_similarity(prediction, target).mean()
