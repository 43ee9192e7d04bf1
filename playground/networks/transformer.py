"""The parts of a ViT: attention, blocks, patches, positions."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Block(nn.Module):
    """A pre-norm block of attention and an MLP."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor, causal: bool = False) -> Tensor:
        """(B, L, width) -> (B, L, width)."""
        q, k, v = self.qkv(self.norm1(x)).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # each (B, heads, L, width/heads)
        x = x + self.out(attention(q, k, v, causal).transpose(1, 2).flatten(2))
        return x + self.mlp(self.norm2(x))

    def weights(self, x: Tensor) -> Tensor:
        """(B, L, width) -> (B, heads, L, L): the attention weights, each row a distribution."""
        q, k, _ = self.qkv(self.norm1(x)).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return (q @ k.transpose(2, 3) * q.shape[-1] ** -0.5).softmax(-1)


def attention(q: Tensor, k: Tensor, v: Tensor, causal: bool = False) -> Tensor:
    """softmax(q k' / sqrt(d)) v, for (B, heads, L, d) each.

    On a CPU, with the few tokens of a small image, plain matrix products train several times as fast as torch's fused kernel.
    """
    if q.device.type != "cpu":
        return F.scaled_dot_product_attention(q, k, v, is_causal=causal)
    scores = q @ k.transpose(2, 3) * q.shape[-1] ** -0.5
    if causal:
        scores = scores + scores.new_full(scores.shape[-2:], float("-inf")).triu(1)
    return scores.softmax(-1) @ v


def patchify(images: Tensor, patch_size: int) -> Tensor:
    """(B, C, H, W) -> (B, L, C * p * p), patches in reading order."""
    return F.unfold(images, patch_size, stride=patch_size).transpose(1, 2)


def unpatchify(patches: Tensor, patch_size: int, image_size: int) -> Tensor:
    """(B, L, C * p * p) -> (B, C, H, W): the inverse of `patchify`."""
    return F.fold(patches.transpose(1, 2), image_size, patch_size, stride=patch_size)


def sine_positions(grid: int, width: int, span: int | None = None) -> Tensor:
    """Fixed 2-D sine-cosine positions, (grid * grid, width): half of the width for the row, half for the column.

    span: positions are spread over this range instead of `grid`, as DINO interpolates the positions of its small crops.
    """
    frequencies = 1 / 10000 ** (torch.arange(width // 4) / (width // 4))
    places = (torch.arange(grid) + 0.5) * ((span or grid) / grid) - 0.5
    angles = places[:, None] * frequencies  # (grid, width / 4)
    line = torch.cat([angles.sin(), angles.cos()], 1)  # (grid, width / 2)
    rows, columns = line[:, None].expand(-1, grid, -1), line[None].expand(grid, -1, -1)
    return torch.cat([rows, columns], 2).flatten(0, 1)
