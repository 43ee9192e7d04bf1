"""Colorization: predicts the colors of a gray image."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from playground.knobs import Choice, ConfigError
from playground.methods.base import Batch, Config, Measure, Method
from playground.networks import Backbone
from playground.networks.heads import decoder
from playground.views.operators import LUMA


class Colorization(Method):
    """The network sees only the luma and predicts the chroma: two color differences per pixel, R - Y and B - Y.

    Zhang et al., 2016, equation 1: plain L2 regression, instead of the 313 rebalanced color classes that the paper prefers.
    """

    name, title, family = "colorization", "Colorization", "predictive"
    summary = "Predicts the colors of a gray image: to know an object's color, it must recognize the object."
    paper = "Zhang et al., 2016: Colorful Image Colorization"
    link = "https://arxiv.org/abs/1603.08511"
    equation = r"\frac{1}{2HW} \sum_{h,w} \| \hat{c}_{h,w} - c_{h,w} \|^2"
    loss_unit = "squared color difference"
    meant_for = (
        "Meant to show how far brightness predicts color: after some minutes, its k-NN accuracy on photographs "
        "is not above that of random weights."
    )
    advice = (
        "Squared error leads to the mean of all possible colors: grayish if there are several. The network sees gray images in the "
        "evaluation, too, so it knows a color only as far as brightness and shape reveal it."
    )
    views = 1
    suggests = {
        "steps": 300,
        "optimizer.learning_rate": 2e-3,
        "augment.jitter_probability": 0.0,
        "augment.grayscale_probability": 0.0,
    }
    measures = {
        "colorization_error": Measure(
            "Colorization error",
            "low: squared error of the chroma",
            0,
            formula="mean over pixels of (prediction - true)^2 of both color differences",
            unit="squared color difference",
        )
    }

    class Knobs(Choice.Knobs):
        """None: the network determines the size of the decoder."""

    @classmethod
    def check(cls, config: Config) -> None:
        """Refuses gray datasets."""
        if not config.data.choice.colored:
            raise ConfigError("data", f"{cls.name}: data must have colors, got {config.data.name}, which is gray")

    def __init__(self, backbone: Backbone, config: Config) -> None:
        super().__init__(backbone, config)
        self.decoder = decoder(backbone.width, backbone.stride, channels=2)

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """One view -> mean squared error of both color differences."""
        return {"loss": self._error(batch.views[0])}

    def _colorize(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, 2, H, W) chroma, from the luma alone."""
        return self.decoder(self.backbone.feature_map(gray(images))).float()

    def _error(self, images: Tensor) -> Tensor:
        return F.mse_loss(self._colorize(images), split(images)[1])

    def embed(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, D), from the luma, the only input of this network."""
        return self.backbone(gray(images))

    def attention(self, images: Tensor) -> Tensor | None:
        """(B, 3, H, W) -> (B, heads, L, L), of the gray images."""
        return super().attention(gray(images))

    def diagnostics(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """`colorization_error` on probe images."""
        return {"colorization_error": self._error(images)}

    def trivial(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """The error of predicting the mean chroma for every pixel."""
        chroma = split(images)[1]
        return {"colorization_error": (chroma - chroma.mean((0, 2, 3), keepdim=True)).square().mean()}

    def pictures(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """original · gray · colored."""
        luma, _ = split(images)
        return {"original": images, "gray": gray(images), "colored": join(luma, self._colorize(images)).clamp(0, 1)}


def split(images: Tensor) -> tuple[Tensor, Tensor]:
    """(B, 3, H, W) RGB -> luma Y (B, 1, H, W) and chroma (R - Y, B - Y) (B, 2, H, W)."""
    red, green, blue = images.unbind(1)
    luma = LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue
    return luma[:, None], torch.stack([red - luma, blue - luma], 1)


def join(luma: Tensor, chroma: Tensor) -> Tensor:
    """The inverse of `split`: green follows from luma, red and blue. (B, 1, H, W), (B, 2, H, W) -> (B, 3, H, W)."""
    red, blue = (chroma + luma).unbind(1)
    return torch.stack([red, (luma[:, 0] - LUMA[0] * red - LUMA[2] * blue) / LUMA[1], blue], 1)


def gray(images: Tensor) -> Tensor:
    """(B, 3, H, W) -> (B, 3, H, W), each channel the luma."""
    return split(images)[0].expand(-1, 3, -1, -1)
