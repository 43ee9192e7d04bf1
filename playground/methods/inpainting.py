"""Context encoder: what was in the hole?"""

from __future__ import annotations

import torch
from torch import Tensor

from playground.knobs import Choice, knob
from playground.methods.base import Batch, Config, Measure, Method, in_full_precision
from playground.networks import Backbone
from playground.networks.heads import decoder

HOLE = 0.5  # the gray that fills it


class Inpainting(Method):
    """A square is cut out of the view, somewhere, and painted from what is around it.

    Pathak et al., 2016, equation 1: squared error in the hole, averaged over its |M| values. The paper's
    second term, an adversary that makes what is painted crisp, is left out; so is its channel-wise layer, since here
    the network already sees the whole image from every place.
    """

    name, title, family = "inpainting", "Context encoder", "predictive"
    summary = "Cuts a hole into an image and paints what was there, from its surroundings."
    paper = "Pathak et al., 2016: Context Encoders: Feature Learning by Inpainting"
    link = "https://arxiv.org/abs/1604.07379"
    equation = r"\frac{1}{|M|} \| M \odot (x - F((1 - M) \odot x)) \|^2"
    loss_unit = "squared pixel values, pixels from 0 to 1"
    meant_for = (
        "Meant to show what surroundings say about a hole: after minutes, neighbors know no more of a "
        "photograph's class than with random weights."
    )
    advice = "Squared error alone paints the mean of everything that fits: blurred where the surroundings leave a choice."
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
            formula="mean over pixels of the hole of (painted - image)^2",
            unit="squared pixel values, pixels from 0 to 1",
        )
    }

    class Knobs(Choice.Knobs):
        """The hole."""

        hole: float = knob(0.5, 0.1, 0.9, "The side of the hole, as a share of the image's side.", live=True)

    def __init__(self, backbone: Backbone, config: Config) -> None:
        super().__init__(backbone, config)
        self.decoder = decoder(backbone.width, backbone.stride)

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """One view -> the error in the hole."""
        hole = holes(batch.views[0], self.knobs.hole, generator)
        return {"loss": hole_error(self._paint(batch.views[0], hole), batch.views[0], hole)}

    def _paint(self, images: Tensor, hole: Tensor) -> Tensor:
        """(B, 3, H, W), (B, 1, H, W) bool -> (B, 3, H, W), painted from what is outside of the hole."""
        return self.decoder(self.backbone.feature_map(torch.where(hole, HOLE, images))).float()

    def diagnostics(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """`reconstruction`: the error in the hole, on probe images."""
        hole = holes(images, self.knobs.hole, generator)
        return {"reconstruction": hole_error(self._paint(images, hole), images, hole)}

    def trivial(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """The error of painting every hole in the mean color of all holes."""
        hole = holes(images, self.knobs.hole, generator)
        mean = (images * hole).sum((0, 2, 3), keepdim=True) / hole.sum()
        return {"reconstruction": hole_error(mean.expand_as(images), images, hole)}

    def pictures(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """original · masked · reconstruction · reconstruction of the hole pasted into the original."""
        hole = holes(images, self.knobs.hole, generator)
        painted = self._paint(images, hole).clamp(0, 1)
        rows = {"original": images, "masked": torch.where(hole, HOLE, images), "reconstruction": painted}
        return rows | {"pasted": torch.where(hole, painted, images)}


def holes(images: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """A square hole a image, its side a `share` of the image's, anywhere inside: (B, C, H, H) -> (B, 1, H, H) bool, true in the hole."""
    count, size = len(images), images.shape[-1]
    side = max(round(share * size), 1)
    corners = torch.randint(size - side + 1, (2, count, 1), generator=generator, device=generator.device)
    places = torch.arange(size, device=images.device)
    rows, columns = (places >= corners) & (places < corners + side)  # each (B, H)
    return rows[:, None, :, None] & columns[:, None, None, :]


@in_full_precision
def hole_error(painted: Tensor, images: Tensor, hole: Tensor) -> Tensor:
    """Equation 1 over the values in the hole. painted, images: (B, C, H, W); hole: (B, 1, H, W) bool -> scalar."""
    return ((painted - images).square() * hole).sum() / (hole.sum() * images.shape[1])
