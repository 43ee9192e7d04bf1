"""Masking: which patches of an image a masked method hides.

Always for a whole batch at once, on its device, and the same number in every image.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from playground.knobs import Section, knob, option

RECTANGLES = 32  # drawn for each image: about always enough to cover it
AREA_MIN, AREA_MAX = 0.08, 0.4  # of a rectangle, as a share of the image; the least is BEiT's
STRETCH_MAX = 1 / 0.3  # a rectangle is at most so much taller than wide, or wider than tall (BEiT, section 2.3)


class Masking(Section):
    """What is hidden, for the methods that learn by filling in."""

    ratio: float = knob(0.75, 0.05, 0.95, "The share of patches that is hidden. Images repeat themselves, so most can go.", live=True)
    strategy: Literal["random", "block", "grid", "attention"] = option(
        "random",
        "random: any patches. block: whole rectangles, so that neighbors do not give the answer away (BEiT). grid: spread evenly, "
        "the easiest. attention: rather what the network itself looks at most (AttMask).",
    )


@dataclass(frozen=True)
class Mask:
    """order: (B, L) the patches of every image, those that stay visible first; seen: how many these are."""

    order: Tensor
    seen: int

    @property
    def visible(self) -> Tensor:
        """(B, seen) places that the network sees."""
        return self.order[:, : self.seen]

    @property
    def concealed(self) -> Tensor:
        """(B, L - seen) places that it does not see."""
        return self.order[:, self.seen :]

    @property
    def hidden(self) -> Tensor:
        """(B, L) bool, in reading order."""
        return torch.ones_like(self.order, dtype=torch.bool).scatter(1, self.visible, False)

    @classmethod
    def of(cls, hidden: Tensor) -> Mask:
        """The mask that hides just these patches: (B, L) bool, as many in every image, and in none of them all or no patch."""
        counts = hidden.sum(1).unique().tolist()
        if len(counts) != 1:
            raise ValueError(f"a mask must hide as many patches in every image, got {' and '.join(map(str, counts))}")
        if counts[0] == 0:
            raise ValueError(f"a mask must hide at least 1 of {hidden.shape[1]} patches, got 0")
        if counts[0] == hidden.shape[1]:
            raise ValueError(f"a mask must leave at least 1 of {hidden.shape[1]} patches visible, got 0")
        return cls(hidden.int().argsort(dim=1, stable=True), hidden.shape[1] - counts[0])


def draw_mask(masking: Masking, images: Tensor, patch_size: int, attention: Callable[[Tensor], Tensor], generator: torch.Generator) -> Mask:
    """(B, 3, H, W) -> a mask of their patches for each image; only the strategy `attention` looks at them.

    attention: (B, 3, H, W) -> (B, heads, L, L), how much each patch (row) looks at each other.
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
    """Rectangles are hidden one after the other: what the first one covers comes last of all.

    A rectangle that is only partly needed is hidden row by row, from the top or from the bottom: (B, L) indices.
    """
    boxes = rectangles(batch, RECTANGLES, grid, generator)  # (B, R, L)
    first = torch.where(boxes.any(1), boxes.int().argmax(1), RECTANGLES)
    places = torch.arange(grid**2, device=generator.device).expand(batch, -1)
    upward = torch.rand(batch, 1, generator=generator, device=generator.device) < 0.5
    return (first * grid**2 + torch.where(upward, places.flip(1), places)).argsort(1, descending=True)


def rectangles(batch: int, count: int, grid: int, generator: torch.Generator) -> Tensor:
    """`count` rectangles of random size, shape and place on each image: (B, count, L) bool, in reading order."""
    area, stretch, down, across = torch.rand(4, batch, count, generator=generator, device=generator.device)
    area = (AREA_MIN + (AREA_MAX - AREA_MIN) * area) * grid**2
    stretch = ((2 * stretch - 1) * math.log(STRETCH_MAX)).exp()
    height, width = ((area * each).sqrt().round().clamp(1, grid) for each in (stretch, 1 / stretch))
    return inside(down, height, grid)[..., None].logical_and(inside(across, width, grid)[..., None, :]).flatten(-2)


def inside(where: Tensor, length: Tensor, grid: int) -> Tensor:
    """Which of `grid` places an interval covers. where (...) in [0, 1): from leftmost to rightmost; length (...) -> (..., grid) bool."""
    start = (where * (grid - length + 1)).floor()[..., None]
    line = torch.arange(grid, device=where.device)
    return (line >= start) & (line < start + length[..., None])


def grid_order(batch: int, grid: int, generator: torch.Generator) -> Tensor:
    """Evenly spread at any ratio: the order of an ordered dither (Bayer, 1973), moved by a random offset in every image: (B, L) indices."""
    side = 2 ** math.ceil(math.log2(grid))
    offset = torch.randint(side, (2, batch, 1), generator=generator, device=generator.device)
    rows, columns = (offset + torch.arange(grid, device=generator.device)) % side
    return bayer(side).to(generator.device)[rows[:, :, None], columns[:, None]].flatten(1).argsort(1)


def bayer(side: int) -> Tensor:
    """The ranks 0 ... side^2 - 1 of an ordered dither: each next place is as far from the former ones as it can be. side: a power of 2."""
    if side == 1:
        return torch.zeros(1, 1, dtype=torch.long)
    smaller = 4 * bayer(side // 2)
    return torch.cat([torch.cat([smaller, smaller + 2], 1), torch.cat([smaller + 3, smaller + 1], 1)])


def attention_order(received: Tensor, generator: torch.Generator) -> Tensor:
    """What is looked at most is hidden most often: drawn without replacement, in proportion to the attention that each patch receives.

    AttMask (Kakogeorgiou et al., 2022) takes the highest; drawing keeps one image from being masked alike for ever. A race of exponential
    clocks does it for all images at once (Gumbel top-k). received: (B, L) -> (B, L) indices.
    """
    clocks = -torch.rand(received.shape, generator=generator, device=generator.device).log()
    return (received / clocks).argsort(1)


def visible_count(patches: int, ratio: float) -> int:
    """How many of `patches` stay visible: at least one, and at least one is hidden."""
    return min(max(int(patches * (1 - ratio)), 1), patches - 1)
