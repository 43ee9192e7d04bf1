"""SimMIM: the simplest masked method, with a linear layer as decoder."""

from __future__ import annotations

import torch
from torch import Tensor

from playground.knobs import Choice
from playground.methods.base import Batch, Config, in_full_precision
from playground.methods.shared.masked import PIXELS, Filler, Masked, masked_mean
from playground.networks import Backbone
from playground.views.masking import Mask


class SimMIM(Masked):
    """Mask tokens go through the encoder with the visible patches, and a linear layer predicts the pixels from the output.

    Xie et al., 2022, section 3: absolute error on hidden pixels only.
    """

    name, title = "simmim", "SimMIM"
    summary = "The encoder itself predicts the hidden patches; one linear layer turns its tokens into pixels."
    paper = "Xie et al., 2022: SimMIM: A Simple Framework for Masked Image Modeling"
    link = "https://arxiv.org/abs/2111.09886"
    equation = r"\frac{1}{\Omega(x_M)} \| \hat{x}_M - x_M \|_1"
    loss_unit = "absolute pixel values"
    meant_for = (
        "Meant for reconstruction, and for fine-tuning after hours of training: after some minutes, "
        "its k-NN accuracy on photographs is not above that of random weights."
    )
    advice = "Judge it by its reconstructions. Hidden patches also pass through the encoder, so a step takes longer than with MAE."
    suggests = Masked.suggests | {"masking.ratio": 0.5, "batch_size": 128, "optimizer.learning_rate": 5e-3}

    class Knobs(Choice.Knobs):
        """None: only the mask can be chosen."""

    def __init__(self, backbone: Backbone, config: Config) -> None:
        super().__init__(backbone, config)
        self.filler = Filler(self.vit, 3 * self.vit.patch_size**2, PIXELS)

    def predict(self, images: Tensor, mask: Mask) -> Tensor:
        """(B, 3, H, W) -> (B, L, 3 p p)."""
        return self.filler(self.vit, images, mask.hidden)

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """One view -> the absolute error on hidden pixels."""
        mask = self.draw(batch.views[0], generator)
        return {"loss": masked_distance(self.predict(batch.views[0], mask), self.target(batch.views[0]), mask.hidden)}


@in_full_precision
def masked_distance(predicted: Tensor, target: Tensor, hidden: Tensor) -> Tensor:
    """Mean absolute error over hidden patches. predicted, target: (B, L, n); hidden: (B, L) bool -> scalar."""
    return masked_mean((predicted - target).abs().mean(-1), hidden)
