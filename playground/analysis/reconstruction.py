"""One image under a mask: the hidden patches, and their reconstruction by a trained run.

Networks are on the CPU in evaluation mode and are not changed. Images are (1, 3, H, W) in [0, 1], masks have one row.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from playground.methods.shared.masked import Filled, Masked, masked_mean
from playground.networks import ViT, tiny_vit
from playground.randomness import seeded_generator
from playground.views.masking import Mask, Masking, draw_mask, visible_count

RATIOS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
MANY = 32  # masks for an average
AT_ONCE = 2**21  # pairs of patches in one forward pass, over all masks: the memory of attention


@dataclass(frozen=True)
class AtRatio:
    """The image with another masking ratio. ratio: the actual share of hidden patches; hidden: (1, L) bool."""

    ratio: float
    hidden: Tensor
    filled: Filled

    @property
    def error(self) -> float:
        """The mean error over hidden patches."""
        return float(masked_mean(self.filled.error, self.hidden))


@dataclass(frozen=True)
class Average:
    """Averages over many masks. painted: (3, H, W), the mean reconstruction of each patch when hidden; error: (L,), its mean error; times:
    (L,) how often it was hidden.

    A patch that no mask hides is gray and has the error nan.
    """

    painted: Tensor
    error: Tensor
    times: Tensor


def mask_of(masking: Masking, vit: ViT, image: Tensor, seed: int) -> Mask:
    """The mask of a strategy and a seed. With the same seed, a mask of a higher ratio contains those of lower ratios."""
    with torch.inference_mode():
        return draw_mask(masking, image, vit.patch_size, vit.attention, seeded_generator(seed, "mask", 0))


def fill(method: Masked, image: Tensor, mask: Mask) -> Filled:
    """The method's reconstruction of the image under this mask."""
    with torch.inference_mode():
        return method.fill(image, mask)


def at_ratios(method: Masked, image: Tensor, order: Tensor) -> list[AtRatio]:
    """The image at increasing ratios. order: (1, L), as in `Mask`: patches that are hidden first come last."""
    masks = [Mask(order, visible_count(order.shape[1], ratio)) for ratio in RATIOS]
    return [AtRatio(1 - mask.seen / order.shape[1], mask.hidden, fill(method, image, mask)) for mask in masks]


def average(method: Masked, image: Tensor, mask: Mask) -> Average:
    """The average over masks (N, L) of one image, in parts that fit into memory."""
    fits = max(AT_ONCE // mask.order.shape[1] ** 2, 1)
    parts = [Mask(order, mask.seen) for order in mask.order.split(fits)]
    filled = [fill(method, image.expand(len(part.order), -1, -1, -1), part) for part in parts]
    painted, error = torch.cat([each.painted for each in filled]), torch.cat([each.error for each in filled])
    times = mask.hidden.sum(0)
    shares = mask.hidden / times.clamp(min=1)
    mean = (painted.clamp(0, 1) * over_pixels(shares, image.shape[-1])).sum(0)
    never = over_pixels((times == 0)[None].float(), image.shape[-1])[0]
    return Average(mean + 0.5 * never, torch.where(times > 0, (error * shares).sum(0), torch.nan), times)


def over_pixels(patches: Tensor, side: int) -> Tensor:
    """One value per patch -> one per pixel: (B, L) -> (B, 1, side, side)."""
    grid = round(patches.shape[1] ** 0.5)
    return patches.unflatten(1, (1, grid, grid)).repeat_interleave(side // grid, 2).repeat_interleave(side // grid, 3)


def many_masks(masking: Masking, vit: ViT, image: Tensor, seed: int) -> Mask:
    """`MANY` masks of one image, (N, L)."""
    with torch.inference_mode():
        return draw_mask(masking, image.expand(MANY, -1, -1, -1), vit.patch_size, vit.attention, seeded_generator(seed, "masks", 0))


def attention_of(vit: ViT, image: Tensor, patch: int) -> Tensor:
    """The attention weights of one patch in the last block, with nothing hidden: (heads, L), each row a distribution."""
    return vit.attention(image)[0, :, patch]


def fresh_vit(image_size: int, patch_size: int) -> ViT:
    """An untrained network, always the same one."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = tiny_vit(image_size, patch_size)
    return network.eval().requires_grad_(False)
