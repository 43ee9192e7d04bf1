"""Whether the pictures themselves differ: what no network can tell apart, no loss is to blame for."""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from playground.datasets.base import Images


@functools.lru_cache(maxsize=2)  # as many sets as a process keeps for its next run
def variety(images: Images) -> dict[str, float]:
    """How different the pictures of a set are.

    distinct: how many different ones there are, to the byte, and share: of all; difference: of a pixel in two of them, root mean square,
    of its range, as sqrt(2) times its standard deviation over the set; detail: the mean standard deviation of the pixels within one.
    """
    pixels = images.pixels.flatten(1)
    distinct = len({row.tobytes() for row in pixels.cpu().numpy()})
    difference = (2 * _variance(pixels.float(), 0).mean()).sqrt() / 255
    within = _variance(images.pixels.flatten(2).float(), 2).mean(1).sqrt() / 255
    share = distinct / max(len(pixels), 1)
    return {"distinct": float(distinct), "share": share, "difference": float(difference), "detail": float(within.mean())}


def _variance(values: Tensor, axis: int) -> Tensor:
    """That of the values as they are, along one axis; several times as fast as `var`, whose one pass is slow on a CPU."""
    return (values - values.mean(axis, keepdim=True)).square_().mean(axis)


def labeled(images: Images) -> dict[str, int]:
    """Factor -> how many pictures have its label."""
    return {name: int(torch.count_nonzero(each >= 0)) for name, each in images.factors.items()}
