"""A dataset at a glance: what it holds, how many of each label, what they look like on average, and some of them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from playground.datasets.base import Images
from playground.randomness import seeded_generator

LOOKED_AT = 8_192  # training images, at most, that averages are taken over
CHUNK = 1024


@dataclass(frozen=True)
class Row:
    """One label of a factor, or all images. count, probe_count: how many; mean: (3, H, W); examples: (K, 3, H, W), both uint8."""

    name: str
    count: int
    probe_count: int
    mean: Tensor
    examples: Tensor


def factors(train: Images, probe: Images) -> list[str]:
    """The factors of which there are labels; those of the probe set may be more."""
    return list(train.factors | probe.factors)


def everything(train: Images, probe: Images, many: int, draw: int) -> Row:
    """The whole set as one row, with `many` random training images; `draw` chooses which."""
    chosen = torch.randperm(len(train), generator=seeded_generator(draw, "sheet", 0))[:many]
    mean = _means(train.pixels, torch.zeros(len(train), dtype=torch.long), 1)[0]
    return Row("all", len(train), len(probe), mean, train.pixels[chosen])


def by_label(train: Images, probe: Images, factor: str, many: int, draw: int) -> list[Row]:
    """A row for each label of `factor`, with up to `many` random images of it. Images come from where the labels are."""
    shown = train if factor in train.factors else probe
    labels, names = shown.factors[factor], shown.names[factor]
    means = _means(shown.pixels, labels, len(names))
    counts, probe_counts = (_counts(images, factor, len(names)) for images in (train, probe))
    order = torch.randperm(len(labels), generator=seeded_generator(draw, "sheet", 0))
    return [
        Row(name, counts[label], probe_counts[label], means[label], shown.pixels[order[labels[order] == label][:many]])
        for label, name in enumerate(names)
    ]


def colors(images: Images) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each color channel, in [0, 1], over at most LOOKED_AT images."""
    chunks = [chunk.float().div_(255) for chunk in images.pixels[:LOOKED_AT].split(CHUNK)]
    count = sum(chunk[:, 0].numel() for chunk in chunks)
    mean = torch.stack([chunk.sum((0, 2, 3)) for chunk in chunks]).double().sum(0) / count
    square = torch.stack([chunk.square_().sum((0, 2, 3)) for chunk in chunks]).double().sum(0) / count
    return mean.tolist(), (square - mean.square()).clamp(min=0).sqrt().tolist()


def _counts(images: Images, factor: str, many: int) -> list[int]:
    return images.factors[factor].bincount(minlength=many).tolist() if factor in images.factors else [0] * many


def _means(pixels: Tensor, labels: Tensor, many: int) -> Tensor:
    """The mean image of each label, over at most LOOKED_AT images: (many, 3, H, W) uint8; black where there is none."""
    sums = torch.zeros(many, *pixels.shape[1:])
    for chunk, own in zip(pixels[:LOOKED_AT].split(CHUNK), labels[:LOOKED_AT].split(CHUNK), strict=True):
        sums.index_add_(0, own, chunk.float())
    counts = labels[:LOOKED_AT].bincount(minlength=many).clamp(min=1)
    return (sums / counts[:, None, None, None]).round().to(torch.uint8)
