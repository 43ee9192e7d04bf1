"""Context encoder: predicts the pixels of a hole from their surroundings."""

from __future__ import annotations

import torch
from torch import Tensor

from playground.knobs import Choice, knob
from playground.methods.base import Batch, Config, Measure, Method, in_full_precision
from playground.networks import Backbone
from playground.networks.heads import decoder

HOLE = 0.5  # gray value of the hole


class Inpainting(Method):
    """A square at a random position is cut out of the view and predicted from its surroundings.

    Pathak et al., 2016, equation 1: squared error in the hole, averaged over its |M| values. The paper's
    second term, an adversarial loss for sharp images, is left out; so is its channel-wise fully connected layer, because here
    the receptive field already covers the whole image.
    """

    name, title, family = "inpainting", "Context encoder", "predictive"
    summary = "Cuts a hole into an image and predicts the missing pixels from their surroundings."
    paper = "Pathak et al., 2016: Context Encoders: Feature Learning by Inpainting"
    link = "https://arxiv.org/abs/1604.07379"
    equation = r"\frac{1}{|M|} \| M \odot (x - F((1 - M) \odot x)) \|^2"
    loss_unit = "squared pixel values, pixels from 0 to 1"
    meant_for = (
        "Meant to show how far surroundings predict a hole: after some minutes, its k-NN accuracy on photographs "
        "is not above that of random weights."
    )
    advice = "Squared error leads to the mean of everything that fits: blurred where the surroundings allow several possibilities."
    views = 1
    cannot_reconstruct = "it cuts out one square of pixels, not patches of a grid"
    suggests = {
        "steps": 300,
        "optimizer.learning_rate": 2e-3,
        "augment.crop_scale_min": 0.6,
        "augment.jitter_probability": 0.0,
        "augment.grayscale_probability": 0.0,
    }
    measures = {
        "reconstruction": Measure(
            "Error in the hole",
            "low: squared error of pixels in [0, 1]",
            0,
            formula="mean over pixels of the hole of (prediction - image)^2",
            unit="squared pixel values, pixels from 0 to 1",
        )
    }

    class Knobs(Choice.Knobs):
        """The size of the hole."""

        hole: float = knob(0.5, 0.1, 0.9, "The side of the hole, as a share of the image's side.", live=True)

    def __init__(self, backbone: Backbone, config: Config) -> None:
        super().__init__(backbone, config)
        self.decoder = decoder(backbone.width, backbone.stride)

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """One view -> the error in the hole."""
        hole = holes(batch.views[0], self.knobs.hole, generator)
        return {"loss": hole_error(self._predict(batch.views[0], hole), batch.views[0], hole)}

    def _predict(self, images: Tensor, hole: Tensor) -> Tensor:
        """(B, 3, H, W), (B, 1, H, W) bool -> (B, 3, H, W), predicted from what is outside of the hole."""
        return self.decoder(self.backbone.feature_map(torch.where(hole, HOLE, images))).float()

    def diagnostics(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """`reconstruction`: the error in the hole, on probe images."""
        hole = holes(images, self.knobs.hole, generator)
        return {"reconstruction": hole_error(self._predict(images, hole), images, hole)}

    def trivial(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """The error of filling every hole with the mean color of all holes."""
        hole = holes(images, self.knobs.hole, generator)
        mean = (images * hole).sum((0, 2, 3), keepdim=True) / hole.sum()
        return {"reconstruction": hole_error(mean.expand_as(images), images, hole)}

    def pictures(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """original · masked · reconstruction · reconstruction of the hole pasted into the original."""
        hole = holes(images, self.knobs.hole, generator)
        predicted = self._predict(images, hole).clamp(0, 1)
        rows = {"original": images, "masked": torch.where(hole, HOLE, images), "reconstruction": predicted}
        return rows | {"pasted": torch.where(hole, predicted, images)}


def holes(images: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """One square hole in each image at a random position, its side a `share` of the image's side: (B, C, H, H) -> (B, 1, H, H) bool."""
    count, size = len(images), images.shape[-1]
    side = max(round(share * size), 1)
    corners = torch.randint(size - side + 1, (2, count, 1), generator=generator, device=generator.device)
    places = torch.arange(size, device=images.device)
    rows, columns = (places >= corners) & (places < corners + side)  # each (B, H)
    return rows[:, None, :, None] & columns[:, None, None, :]


@in_full_precision
def hole_error(predicted: Tensor, images: Tensor, hole: Tensor) -> Tensor:
    """Equation 1 over the values in the hole. predicted, images: (B, C, H, W); hole: (B, 1, H, W) bool -> scalar."""
    return ((predicted - images).square() * hole).sum() / (hole.sum() * images.shape[1])
