"""Whether the pictures themselves differ: what no network can tell apart, no loss is to blame for."""

from __future__ import annotations

import torch

from playground.datasets.base import Images


def variety(images: Images) -> dict[str, float]:
    """How different the pictures of a set are.

    distinct: how many different ones there are, to the byte, and share: of all; difference: of a pixel in two of them, root mean square,
    of its range, as sqrt(2) times its standard deviation over the set; detail: the mean standard deviation of the pixels within one.
    """
    pixels = images.pixels.flatten(1)
    distinct = len({row.tobytes() for row in pixels.cpu().numpy()})
    difference = (2 * (pixels.float() / 255).var(0, correction=0).mean()).sqrt()
    within = images.pixels.flatten(2).float().var(2, correction=0).mean(1).sqrt() / 255
    share = distinct / max(len(pixels), 1)
    return {"distinct": float(distinct), "share": share, "difference": float(difference), "detail": float(within.mean())}


def labeled(images: Images) -> dict[str, int]:
    """Factor -> how many pictures have its label."""
    return {name: int(torch.count_nonzero(each >= 0)) for name, each in images.factors.items()}
