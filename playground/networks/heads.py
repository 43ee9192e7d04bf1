"""Heads: small networks after the backbone that are used only in training."""

from __future__ import annotations

from torch import nn


def projector(width: int, hidden: int, out: int, *, layers: int = 2, last_norm: bool = False) -> nn.Sequential:
    """An MLP head with batch normalization: (B, width) -> (B, out). The loss is computed on its output; the backbone keeps more
    information (SimCLR, section 4.2)."""
    head: list[nn.Module] = []
    for _ in range(layers - 1):
        head += [nn.Linear(width, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU()]
        width = hidden
    head.append(nn.Linear(width, out))
    return nn.Sequential(*head, *([nn.BatchNorm1d(out, affine=False)] if last_norm else []))


def decoder(width: int, stride: int, channels: int = 3) -> nn.Sequential:
    """From feature maps back to pixels: (B, width, h, w) -> (B, channels, h * stride, w * stride). stride: a power of two."""
    layers: list[nn.Module] = []
    while stride > 1:
        narrower = max(width // 2, 16)
        layers += [nn.Conv2d(width, 4 * narrower, 3, padding=1), nn.PixelShuffle(2), nn.BatchNorm2d(narrower), nn.ReLU()]
        width, stride = narrower, stride // 2
    return nn.Sequential(*layers, nn.Conv2d(width, channels, 3, padding=1))


def predictor(width: int, hidden: int) -> nn.Sequential:
    """The extra MLP of BYOL and SimSiam, from one projection to the other: (B, width) -> (B, width)."""
    return projector(width, hidden, width)
