"""Whether the pictures themselves differ: what no network can tell apart, no loss is to blame for."""

from __future__ import annotations

import torch

from playground.datasets.base import Images


def variety(images: Images) -> dict[str, float]:
    """How different the pictures of a set are.

    distinct: how many different ones there are, to the byte; difference: the root mean square difference of a pixel between two of
    them, of 1, as sqrt(2) times its standard deviation over the set; detail: the mean standard deviation of the pixels within one.
    """
    pixels = images.pixels.flatten(1)
    distinct = len({row.tobytes() for row in pixels.cpu().numpy()})
    levels = pixels.float() / 255
    within = images.pixels.flatten(2).float().std(2, correction=0) / 255
    difference = (2 * levels.var(0, correction=0).mean()).sqrt()
    return {"distinct": float(distinct), "difference": float(difference), "detail": float(within.square().mean(1).sqrt().mean())}


def labeled(images: Images) -> dict[str, int]:
    """Factor -> how many pictures have its label."""
    return {name: int(torch.count_nonzero(each >= 0)) for name, each in images.factors.items()}
