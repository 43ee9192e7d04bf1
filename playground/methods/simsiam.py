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
    """The prediction for one view should point where the other view's projection does, which is held still meanwhile.

    Chen and He, 2021, equations 1 to 4. The predictor is a bottleneck, and the projector ends in batch norm (sections 4.3 and 4.4).
    """

    introduces = "collapse"  # without its stop-gradient it is gone within seconds
    name, title, family = "simsiam", "SimSiam", "distillation"
    summary = "A network predicts what it says itself about another view; a stop-gradient is all that keeps it from collapse."
    paper = "Chen and He, 2021: Exploring Simple Siamese Representation Learning"
    link = "https://arxiv.org/abs/2011.10566"
    equation = r"-\frac{p \cdot \mathrm{stopgrad}(z')}{\|p\| \, \|z'\|}"
    loss_unit = "none, from -1 to 1"
    advice = "Its best possible loss, -1, is also the collapsed one: judge it by the spread of the features, never by the loss alone."

    remedies = {
        "complete collapse": {"method.predictor_rate": "a higher"},
        "dimensional collapse": {"method.predictor_rate": "a higher", "method.bottleneck": "a larger"},
    }

    class Knobs(Choice.Knobs):
        """Three things keep it from collapse, and each can be taken away."""

        projection_size: int = knob(64, 2, 2048, "Dimensions in which views are compared; few of them are used in a short run.")
        hidden_size: int = knob(256, 8, 4096, "Width of the projector's hidden layer.")
        bottleneck: int = knob(32, 2, 2048, "Width of the predictor's hidden layer, less than that of the projection.")
        predictor_rate: float = knob(3, 0.1, 100, "How many times faster than the rest the predictor learns.", log=True)
        stop_gradient: bool = safeguard("Hold the target still while the prediction moves toward it.", without="complete collapse")
        predictor: bool = safeguard("Let one view predict the other through one more MLP.", without="complete collapse")
        projector_norm: bool = safeguard("Batch norm in the projector, also on its output.", without="almost nothing learned; may collapse")

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
        """A predictor that keeps up with its target lets more dimensions grow (Tian et al., 2021, section 4)."""
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
        """The trap of the method. Batch norm on the output turns equal outputs into zeros, which point nowhere."""
        if config.method.projector_norm:
            return [Reference("loss", -1.0, "views never differ: the best loss, and the collapsed one", best=True)]
        return [Reference("loss", -1.0, "all outputs equal: the collapsed loss is the best one", best=True)]


def without_norm(head: nn.Sequential) -> nn.Sequential:
    """The same head, its batch norms left out."""
    return nn.Sequential(*[layer for layer in head if not isinstance(layer, nn.BatchNorm1d)])


@in_full_precision
def negative_cosine(prediction: Tensor, target: Tensor) -> Tensor:
    """-cos, equation 1, averaged over the rows. prediction, target: (B, D) -> scalar."""
    return -F.cosine_similarity(prediction, target).mean()
