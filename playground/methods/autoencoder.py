"""Autoencoder: compresses an image and reconstructs it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.knobs import Choice, knob
from playground.methods.base import Batch, Config, Measure, Method
from playground.networks import Backbone
from playground.networks.heads import decoder


class Autoencoder(Method):
    """The output of the backbone is compressed into a few numbers, the code, and a decoder reconstructs the image from the code alone.

    Hinton and Salakhutdinov, 2006: mean squared error of all pixels. The decoder gets only the code: there are no skip connections.
    Batch normalization keeps all numbers of the code at one scale; without it most of them stay unused in such a short run.
    """

    name, title, family = "autoencoder", "Autoencoder", "generative"
    summary = "Compresses an image into a few numbers and reconstructs the image from them."
    paper = "Hinton and Salakhutdinov, 2006: Reducing the Dimensionality of Data with Neural Networks"
    link = "https://www.science.org/doi/10.1126/science.1127647"
    equation = r"\frac{1}{n} \| g(f(x)) - x \|^2"
    loss_unit = "squared pixel values, pixels from 0 to 1"
    meant_for = "Meant for compression: on photographs its k-NN accuracy is lower than that of random weights."
    advice = (
        "It learns first what covers many pixels, such as color and position, and later what matters to people, such as the kind of shape."
    )
    views = 1
    suggests = {
        "steps": 400,
        "optimizer.learning_rate": 5e-3,
        "augment.crop_scale_min": 0.6,
        "augment.jitter_probability": 0.0,
        "augment.grayscale_probability": 0.0,
    }
    measures = {
        "reconstruction": Measure(
            "Reconstruction error",
            "low: squared error of pixels in [0, 1]",
            0,
            formula="mean over pixels of (reconstruction - image)^2, on held-out images",
            unit="squared pixel values, pixels from 0 to 1",
        )
    }

    class Knobs(Choice.Knobs):
        """The size of the code."""

        bottleneck: int = knob(64, 1, 1024, "How many numbers the decoder gets. Few: only the coarsest features are kept.", log=True)

    def __init__(self, backbone: Backbone, config: Config) -> None:
        super().__init__(backbone, config)
        width, side = backbone.width, config.data.image_size // backbone.stride
        code = self.knobs.bottleneck
        self.squeeze = nn.Sequential(nn.Linear(width, code, bias=False), nn.BatchNorm1d(code, affine=False))
        self.spread = nn.Sequential(nn.Linear(code, width * side**2), nn.Unflatten(1, (width, side, side)))
        self.decoder = decoder(width, backbone.stride)

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """One view -> mean squared error of its reconstruction."""
        return {"loss": self._error(batch.views[0], generator)}

    def _error(self, images: Tensor, generator: torch.Generator) -> Tensor:
        return F.mse_loss(self._reconstruct(self._input(images, generator)), images)

    def _input(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """The input of the encoder: here the images as they are."""
        return images

    def _reconstruct(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, 3, H, W), through the bottleneck."""
        return self.decoder(self.spread(self.squeeze(self.backbone(images)))).float()

    def project(self, embedding: Tensor) -> Tensor:
        """(B, D) -> the code (B, bottleneck)."""
        return self.squeeze(embedding)

    def diagnostics(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """`reconstruction`: the error on probe images."""
        return {"reconstruction": self._error(images, generator)}

    def trivial(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """The error of predicting the mean image for every image."""
        return {"reconstruction": (images - images.mean(0)).square().mean()}

    def pictures(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """original · reconstruction."""
        return {"original": images, "reconstruction": self._reconstruct(images).clamp(0, 1)}
