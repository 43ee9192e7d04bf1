"""Domain shift: test images with corruptions of increasing strength; strength 0 is the image itself.

In the spirit of Hendrycks and Dietterich, 2019. Each function: images (N, 3, H, W) in [0, 1], strength, random numbers -> the same shape.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from playground.randomness import seeded_generator
from playground.views.augment import Augment, apply, draw

COLORS = ("brightness", "contrast", "saturation", "hue")
SIDES = ((0, 1), (0, -1), (1, 0), (-1, 0))  # rows, columns


@dataclass(frozen=True)
class Corruption:
    """title: the unit of the strengths. strengths: increasing, from 0."""

    title: str
    strengths: tuple[float, ...]
    done: Callable[[Tensor, float, torch.Generator], Tensor]

    def __call__(self, images: Tensor, strength: float, seed: int) -> Tensor:
        """The same seed gives the same corruption."""
        return self.done(images, strength, seeded_generator(seed, f"corruption {self.title}", 0)) if strength else images


def _blurred(images: Tensor, sigma: float, generator: torch.Generator) -> Tensor:
    """The kernel of the training's blur is limited to a tenth of the image; this one is as wide as necessary."""
    from torchvision.transforms.v2.functional import gaussian_blur

    reach = min(math.ceil(3 * sigma), min(images.shape[2:]) - 1)
    return gaussian_blur(images, [2 * reach + 1] * 2, [sigma] * 2).clamp(0, 1)


def _noisy(images: Tensor, deviation: float, generator: torch.Generator) -> Tensor:
    return (images + deviation * torch.randn(images.shape, generator=generator)).clamp(0, 1)


def _jittered(images: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    knobs = Augment(jitter_probability=1, brightness=strength, contrast=strength, saturation=strength, hue=strength / 2)
    return apply(images, draw(knobs, *_size(images), generator), COLORS)


def _size(images: Tensor) -> tuple[int, int, int]:
    batch, _, height, width = images.shape
    return batch, height, width


def _shifted(images: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Shifts each image by this share of its side, left, right, up or down; the gap is filled by its edge."""
    height, width = images.shape[2:]
    far = max(1, round(share * min(height, width)))
    padded, sides = F.pad(images, [far] * 4, mode="replicate"), torch.randint(len(SIDES), (len(images),), generator=generator)
    moved = torch.empty_like(images)
    for side, (down, right) in enumerate(SIDES):
        top, left = far * (1 - down), far * (1 - right)
        moved[sides == side] = padded[sides == side, :, top : top + height, left : left + width]
    return moved


CORRUPTIONS = {
    "blur": Corruption("sigma in pixels", (0.0, 0.5, 1.0, 1.5, 2.0), _blurred),
    "noise": Corruption("noise standard deviation", (0.0, 0.05, 0.1, 0.2, 0.3), _noisy),
    "jitter": Corruption("strength of color jitter", (0.0, 0.2, 0.4, 0.6, 0.8), _jittered),
    "shift": Corruption("shift, share of the side", (0.0, 0.0625, 0.125, 0.1875, 0.25), _shifted),
}
