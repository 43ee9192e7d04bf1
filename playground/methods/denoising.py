"""Denoising autoencoder: reconstructs the clean image from a corrupted one."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from playground.knobs import knob, option
from playground.methods.autoencoder import Autoencoder


class Denoising(Autoencoder):
    """An autoencoder whose input is a corrupted image and whose target is the clean one, so that copying is no solution.

    Vincent et al., 2008, equation 4 with squared error, on all pixels. The paper hides pixels; Gaussian and salt-and-pepper noise
    came with Vincent et al., 2010.
    """

    name, title = "denoising", "Denoising autoencoder"
    summary = "Reconstructs the clean image from a noisy one: to remove the noise, it must learn what images look like."
    paper = "Vincent et al., 2008: Extracting and Composing Robust Features with Denoising Autoencoders"
    link = "https://dl.acm.org/doi/10.1145/1390156.1390294"
    equation = r"\frac{1}{n} \| g(f(\tilde{x})) - x \|^2, \quad \tilde{x} \sim q(\tilde{x} \mid x)"
    loss_unit = "squared pixel values, pixels from 0 to 1"
    meant_for = "Meant for removing noise: on photographs its k-NN accuracy is lower than that of random weights."
    advice = "With too little noise, copying is enough; with too much, the image can no longer be recognized."

    class Knobs(Autoencoder.Knobs):
        """The kind and the amount of noise."""

        noise: Literal["gaussian", "masking", "salt and pepper"] = option(
            "gaussian", "Added to every value; or some pixels set to black; or some pixels set to black or white."
        )
        level: float = knob(0.4, 0, 1, "The standard deviation of Gaussian noise, or the share of corrupted pixels.", live=True)

    def _input(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """The corrupted images."""
        return corrupted(images, self.knobs.noise, self.knobs.level, generator)

    def pictures(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """original · noisy · reconstruction."""
        noisy = self._input(images, generator)
        return {"original": images, "noisy": noisy.clamp(0, 1), "reconstruction": self._reconstruct(noisy).clamp(0, 1)}


def corrupted(images: Tensor, noise: str, level: float, generator: torch.Generator) -> Tensor:
    """(B, 3, H, W) -> corrupted images of the same shape. Gaussian noise is not clamped, so bright and dark pixels get the same noise."""
    if noise == "gaussian":
        return images + level * torch.randn(images.shape, generator=generator, device=generator.device)
    chance = torch.rand(2, len(images), 1, *images.shape[2:], generator=generator, device=generator.device)
    color = torch.zeros_like(chance[1]) if noise == "masking" else (chance[1] < 0.5).to(images.dtype)
    return torch.where(chance[0] < level, color, images)
