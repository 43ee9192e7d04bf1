"""Whether the images themselves differ: if they do not, no network can distinguish them."""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from playground.datasets.base import Images


@functools.lru_cache(maxsize=2)  # the number of datasets that a process keeps for its next run
def variety(images: Images) -> dict[str, float]:
    """How different the images of a set are.

    distinct: the number of images that differ in at least one byte, and share: of all; difference: root mean square difference of a pixel
    in two images, as a share of its range, which is sqrt(2) times its standard deviation over the set; detail: the mean standard
    deviation of the pixels within one image.
    """
    pixels = images.pixels.flatten(1)
    distinct = len({row.tobytes() for row in pixels.cpu().numpy()})
    difference = (2 * _variance(pixels.float(), 0).mean()).sqrt() / 255
    within = _variance(images.pixels.flatten(2).float(), 2).mean(1).sqrt() / 255
    share = distinct / max(len(pixels), 1)
    return {"distinct": float(distinct), "share": share, "difference": float(difference), "detail": float(within.mean())}


def _variance(values: Tensor, axis: int) -> Tensor:
    """The biased variance along one axis; several times as fast as `var`, whose single pass is slow on a CPU."""
    return (values - values.mean(axis, keepdim=True)).square_().mean(axis)


def labeled(images: Images) -> dict[str, int]:
    """Factor -> the number of images that have a label of it."""
    return {name: int(torch.count_nonzero(each >= 0)) for name, each in images.factors.items()}
