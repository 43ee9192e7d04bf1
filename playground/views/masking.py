"""Masking: the choice of the patches that a masked method hides.

Always for a whole batch at once, on its device, with the same number of hidden patches in every image.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from playground.knobs import Section, knob, option

RECTANGLES = 32  # drawn for each image: nearly always enough to cover it
AREA_MIN, AREA_MAX = 0.08, 0.4  # of a rectangle, as a share of the image; the minimum is that of BEiT
STRETCH_MAX = 1 / 0.3  # the largest aspect ratio of a rectangle (BEiT, section 2.3)


class Masking(Section):
    """The mask, for methods that learn by predicting hidden patches."""

    ratio: float = knob(0.75, 0.05, 0.95, "The share of hidden patches. Images are redundant, so most patches can be hidden.", live=True)
    strategy: Literal["random", "block", "grid", "attention"] = option(
        "random",
        "random: any patches. block: whole rectangles, so that neighbors give fewer hints (BEiT). grid: spread evenly, "
        "the easiest. attention: preferably the patches with the most attention of the network itself (AttMask).",
    )


@dataclass(frozen=True)
class Mask:
    """order: (B, L) the patches of every image, visible ones first; seen: the number of visible patches."""

    order: Tensor
    seen: int

    @property
    def visible(self) -> Tensor:
        """(B, seen) indices of the visible patches."""
        return self.order[:, : self.seen]

    @property
    def concealed(self) -> Tensor:
        """(B, L - seen) indices of the hidden patches."""
        return self.order[:, self.seen :]

    @property
    def hidden(self) -> Tensor:
        """(B, L) bool, in reading order."""
        return torch.ones_like(self.order, dtype=torch.bool).scatter(1, self.visible, False)

    @classmethod
    def of(cls, hidden: Tensor) -> Mask:
        """The mask that hides these patches: (B, L) bool, the same number in every image, and neither none nor all."""
        counts = hidden.sum(1).unique().tolist()
        if len(counts) != 1:
            raise ValueError(f"a mask must hide the same number of patches in every image, got {' and '.join(map(str, counts))}")
        if counts[0] == 0:
            raise ValueError(f"a mask must hide at least 1 of {hidden.shape[1]} patches, got 0")
        if counts[0] == hidden.shape[1]:
            raise ValueError(f"a mask must leave at least 1 of {hidden.shape[1]} patches visible, got 0")
        return cls(hidden.int().argsort(dim=1, stable=True), hidden.shape[1] - counts[0])


def draw_mask(masking: Masking, images: Tensor, patch_size: int, attention: Callable[[Tensor], Tensor], generator: torch.Generator) -> Mask:
    """(B, 3, H, W) -> a mask of their patches for each image; only the strategy `attention` depends on the pixels.

    attention: (B, 3, H, W) -> (B, heads, L, L), the attention weights of each patch (row).
    """
    batch, grid = len(images), images.shape[-1] // patch_size
    match masking.strategy:
        case "random":
            order = random_order(batch, grid**2, generator)
        case "block":
            order = block_order(batch, grid, generator)
        case "grid":
            order = grid_order(batch, grid, generator)
        case "attention":
            order = attention_order(attention(images).float().mean((1, 2)), generator)
    return Mask(order, visible_count(grid**2, masking.ratio))


def random_order(batch: int, patches: int, generator: torch.Generator) -> Tensor:
    """A random order of the patches of every image: (B, L) indices on the generator's device."""
    return torch.rand(batch, patches, generator=generator, device=generator.device).argsort(1)


def block_order(batch: int, grid: int, generator: torch.Generator) -> Tensor:
    """Rectangles are hidden one after the other: patches of the first one come last in the order.

    If only a part of a rectangle is needed, it is hidden row by row, from the top or from the bottom: (B, L) indices.
    """
    boxes = rectangles(batch, RECTANGLES, grid, generator)  # (B, R, L)
    first = torch.where(boxes.any(1), boxes.int().argmax(1), RECTANGLES)
    places = torch.arange(grid**2, device=generator.device).expand(batch, -1)
    upward = torch.rand(batch, 1, generator=generator, device=generator.device) < 0.5
    return (first * grid**2 + torch.where(upward, places.flip(1), places)).argsort(1, descending=True)


def rectangles(batch: int, count: int, grid: int, generator: torch.Generator) -> Tensor:
    """`count` rectangles of random size, shape and position on each image: (B, count, L) bool, in reading order."""
    area, stretch, down, across = torch.rand(4, batch, count, generator=generator, device=generator.device)
    area = (AREA_MIN + (AREA_MAX - AREA_MIN) * area) * grid**2
    stretch = ((2 * stretch - 1) * math.log(STRETCH_MAX)).exp()
    height, width = ((area * each).sqrt().round().clamp(1, grid) for each in (stretch, 1 / stretch))
    return inside(down, height, grid)[..., None].logical_and(inside(across, width, grid)[..., None, :]).flatten(-2)


def inside(where: Tensor, length: Tensor, grid: int) -> Tensor:
    """Which of `grid` cells an interval covers. where (...) in [0, 1): from leftmost to rightmost; length (...) -> (..., grid) bool."""
    start = (where * (grid - length + 1)).floor()[..., None]
    line = torch.arange(grid, device=where.device)
    return (line >= start) & (line < start + length[..., None])


def grid_order(batch: int, grid: int, generator: torch.Generator) -> Tensor:
    """Evenly spread at any ratio: the order of an ordered dither (Bayer, 1973) with a random offset for every image: (B, L) indices."""
    side = 2 ** math.ceil(math.log2(grid))
    offset = torch.randint(side, (2, batch, 1), generator=generator, device=generator.device)
    rows, columns = (offset + torch.arange(grid, device=generator.device)) % side
    return bayer(side).to(generator.device)[rows[:, :, None], columns[:, None]].flatten(1).argsort(1)


def bayer(side: int) -> Tensor:
    """The ranks 0 ... side^2 - 1 of an ordered dither: each cell is as far as possible from those before it. side: a power of 2."""
    if side == 1:
        return torch.zeros(1, 1, dtype=torch.long)
    smaller = 4 * bayer(side // 2)
    return torch.cat([torch.cat([smaller, smaller + 2], 1), torch.cat([smaller + 3, smaller + 1], 1)])


def attention_order(received: Tensor, generator: torch.Generator) -> Tensor:
    """Patches with more attention are hidden more often: drawn without replacement, in proportion to the attention that they receive.

    AttMask (Kakogeorgiou et al., 2022) hides those with the highest attention; sampling varies the masks of one image. Exponential random
    variables do it for all images at once (Gumbel top-k). received: (B, L) -> (B, L) indices.
    """
    clocks = -torch.rand(received.shape, generator=generator, device=generator.device).log()
    return (received / clocks).argsort(1)


def visible_count(patches: int, ratio: float) -> int:
    """The number of visible patches, such that at least one is visible and at least one hidden."""
    return min(max(int(patches * (1 - ratio)), 1), patches - 1)
