"""Denoising autoencoder: the clean image from a spoiled one."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from playground.knobs import knob, option
from playground.methods.autoencoder import Autoencoder


class Denoising(Autoencoder):
    """An autoencoder that is shown a spoiled image and must paint the clean one, so that copying is no solution.

    Vincent et al., 2008, equation 4 with squared error, on all pixels. The paper hides pixels; Gaussian and salt-and-pepper noise
    came with Vincent et al., 2010.
    """

    name, title = "denoising", "Denoising autoencoder"
    summary = "Paints the clean image from a noisy one: to remove noise is to know what images look like."
    paper = "Vincent et al., 2008: Extracting and Composing Robust Features with Denoising Autoencoders"
    link = "https://dl.acm.org/doi/10.1145/1390156.1390294"
    equation = r"\frac{1}{n} \| g(f(\tilde{x})) - x \|^2, \quad \tilde{x} \sim q(\tilde{x} \mid x)"
    loss_unit = "squared pixel values, pixels from 0 to 1"
    meant_for = "Meant to take noise out of images: neighbors know less of a photograph's class than with random weights."
    advice = "Too little noise, and copying is enough; too much, and nothing of the image is left to see."

    class Knobs(Autoencoder.Knobs):
        """The noise is the task."""

        noise: Literal["gaussian", "masking", "salt and pepper"] = option(
            "gaussian", "Added to every value; or pixels hidden in black; or pixels set to black and white."
        )
        level: float = knob(0.4, 0, 1, "The standard deviation of Gaussian noise, or the share of pixels that is spoiled.", live=True)

    def _given(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """The spoiled images."""
        return corrupted(images, self.knobs.noise, self.knobs.level, generator)

    def pictures(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """original · noisy · reconstruction."""
        noisy = self._given(images, generator)
        return {"original": images, "noisy": noisy.clamp(0, 1), "reconstruction": self._paint(noisy).clamp(0, 1)}


def corrupted(images: Tensor, noise: str, level: float, generator: torch.Generator) -> Tensor:
    """(B, 3, H, W) -> spoiled images of the same shape. Gaussian noise is not clamped, so that it is the same in light and dark."""
    if noise == "gaussian":
        return images + level * torch.randn(images.shape, generator=generator, device=generator.device)
    chance = torch.rand(2, len(images), 1, *images.shape[2:], generator=generator, device=generator.device)
    color = torch.zeros_like(chance[1]) if noise == "masking" else (chance[1] < 0.5).to(images.dtype)
    return torch.where(chance[0] < level, color, images)
