"""Autoregressive pixels: predicts the color of the next pixel."""

from __future__ import annotations

import math
from typing import Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.knobs import Choice, ConfigError, option
from playground.methods.base import Batch, Config, Measure, Method, Reference
from playground.networks import Backbone, ViT

MAX_SIDE = 32  # pixels in a row: its square is the length of the sequence


class Autoregressive(Method):
    """Images are reduced in size and in colors, and read pixel by pixel; the network predicts the color of the next pixel.

    Chen et al., 2020 (iGPT), equation 1. Each patch of the transformer becomes one pixel of the small image: the palette color nearest to
    its mean color. The transformer's blocks run over these pixels with causal attention, so none sees a later one. The representation is
    the mean of the last block's output over all pixels, computed as in training.
    """

    name, title, family = "autoregressive", "Autoregressive pixels", "generative"
    summary = "Reads an image pixel by pixel and predicts the next color, as a language model predicts the next word."
    paper = "Chen et al., 2020: Generative Pretraining from Pixels"
    link = "https://proceedings.mlr.press/v119/chen20s.html"
    equation = r"-\frac{1}{n} \sum_{i=1}^{n} \log p(x_i \mid x_1, \dots, x_{i-1})"
    loss_unit = "nats per color value"
    meant_for = (
        "Meant for generating images pixel by pixel: after some minutes, its k-NN accuracy on photographs is not above that of random "
        "weights."
    )
    advice = (
        "The patch size of the network decides how small the image becomes: patches of 4 turn a 32 px image into 8 x 8 pixels, "
        "patches of 2 into 16 x 16, and a step then takes five times as long."
    )
    views, accepts = 1, frozenset({"vit"})
    suggests = {
        "network": "vit-tiny",
        "steps": 300,
        "batch_size": 128,
        "optimizer.learning_rate": 2e-3,
        "augment.crop_scale_min": 0.6,
        "augment.jitter_probability": 0.0,
        "augment.grayscale_probability": 0.0,
    }
    measures = {
        "bits_per_dimension": Measure(
            "Bits per dimension",
            "low: bits needed to store one color value of one pixel",
            0,
            formula="mean over color values of -log2 p(value)",
            unit="bits per color value",
        )
    }

    class Knobs(Choice.Knobs):
        """The palette."""

        levels: Literal[2, 3, 4, 6, 8] = option(
            4, "Levels of red, of green and of blue: 4 make a palette of 64 colors, 8 make the 512 colors of iGPT."
        )

    def __init__(self, backbone: Backbone, config: Config) -> None:
        super().__init__(backbone, config)
        self.start = nn.Parameter(0.02 * torch.randn(backbone.width))
        self.head = nn.Linear(backbone.width, self.knobs.levels**3)

    @classmethod
    def check(cls, config: Config) -> None:
        """Refuses sequences that are too long."""
        patch, least = config.network.patch_size, math.ceil(config.data.image_size / MAX_SIDE)
        if patch < least:
            raise ConfigError(
                "network.patch_size", f"autoregressive: patch_size must be at least {least} for images this large, got {patch}"
            )

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """One view -> cross-entropy of the next color, in nats per pixel, and the same in bits per color value."""
        loss = self._cross_entropy(batch.views[0])
        return {"loss": loss, "bits_per_dimension": bits_per_dimension(loss)}

    def _cross_entropy(self, images: Tensor) -> Tensor:
        colors = self._colors(images)
        return F.cross_entropy(self._predict(colors).flatten(0, 1), colors.flatten())

    def _colors(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> palette indices of the small image, in reading order (B, L)."""
        return quantized(F.avg_pool2d(images.float(), cast(ViT, self.backbone).patch_size), self.knobs.levels).flatten(1)

    def _states(self, colors: Tensor) -> Tensor:
        """(B, L) colors -> (B, 1 + L, width): the state before the first pixel, and after each pixel."""
        vit = cast(ViT, self.backbone)
        tokens = vit.patches(self._enlarged(colors))
        return vit.encode(torch.cat([self.start.to(tokens.dtype).expand(len(tokens), 1, -1), tokens], 1), causal=True)

    def _predict(self, colors: Tensor) -> Tensor:
        """(B, L) colors -> logits of every pixel's color, given those before it (B, L, palette)."""
        return self.head(self._states(colors)[:, :-1]).float()

    def _enlarged(self, colors: Tensor) -> Tensor:
        """(B, L) colors -> an image in which each pixel fills a patch (B, 3, H, W)."""
        small = dequantized(colors.unflatten(1, (math.isqrt(colors.shape[1]), -1)), self.knobs.levels)
        return F.interpolate(small, scale_factor=cast(ViT, self.backbone).patch_size, mode="nearest")

    @property
    def encoder(self) -> None:
        """None: its network reads the colors of pixels one after the other, not an image in patches."""

    def embed(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, width): the mean state over all pixels."""
        return self._states(self._colors(images))[:, 1:].mean(1)

    def diagnostics(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """`bits_per_dimension` on probe images."""
        return {"bits_per_dimension": bits_per_dimension(self._cross_entropy(images))}

    def trivial(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """The cost of predicting from the frequency of each color alone: the entropy of the histogram."""
        shares = F.one_hot(self._colors(images).flatten(), self.knobs.levels**3).float().mean(0)
        return {"bits_per_dimension": bits_per_dimension(torch.special.entr(shares).sum())}

    def pictures(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """original, reduced as for the network · its upper half · the lower half generated, each pixel sampled from the prediction."""
        colors = self._colors(images)
        half = colors.shape[1] // 2
        continued = colors.clone()
        for place in range(half, colors.shape[1]):
            probabilities = self._predict(continued)[:, place].softmax(1)
            continued[:, place] = torch.multinomial(probabilities, 1, generator=generator)[:, 0]
        shown = self._enlarged(colors)
        upper = torch.cat([shown[:, :, : shown.shape[2] // 2], torch.full_like(shown[:, :, shown.shape[2] // 2 :], 0.5)], 2)
        return {"original": shown, "given": upper, "continued": self._enlarged(continued)}

    @classmethod
    def references(cls, config: Config) -> list[Reference]:
        """Every color equally likely."""
        count = config.method.levels**3
        return [Reference("loss", math.log(count), f"all colors equally likely: ln {count}")]


def quantized(images: Tensor, levels: int) -> Tensor:
    """The nearest color of the palette: (B, 3, H, W) in [0, 1] -> indices (B, H, W), red as the highest digit."""
    red, green, blue = (images * (levels - 1)).round().long().clamp(0, levels - 1).unbind(1)
    return (red * levels + green) * levels + blue


def dequantized(colors: Tensor, levels: int) -> Tensor:
    """The inverse of `quantized`: indices (B, H, W) -> (B, 3, H, W) in [0, 1]."""
    channels = torch.stack([colors // levels**2, colors // levels % levels, colors % levels], 1)
    return channels.float() / (levels - 1)


def bits_per_dimension(nats: Tensor) -> Tensor:
    """Nats per pixel -> bits per color value; a pixel has three color values."""
    return nats / (3 * math.log(2))
