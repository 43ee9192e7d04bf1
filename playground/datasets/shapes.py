"""Shapes: images drawn with torch from a seed, with all factors known, so that one can measure which ones a representation keeps."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from playground.datasets.base import Dataset, Images

SHAPES = ["circle", "square", "triangle", "star", "cross", "ring", "heart", "bar"]
COLORS = ["red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink"]
SIZES = ["small", "medium", "large"]
POSITIONS = ["top left", "top right", "bottom left", "bottom right"]
ROTATIONS = ["left", "slightly left", "slightly right", "right"]
BACKGROUNDS = ["black", "charcoal", "slate", "gray"]
NAMES = {"shape": SHAPES, "color": COLORS, "size": SIZES, "position": POSITIONS, "rotation": ROTATIONS, "background": BACKGROUNDS}

SIDE = 32
OVERSAMPLE = 3  # each pixel is the mean of 3 x 3 samples: smooth edges
SEED, TEST_SEED = 20_051, 20_052  # of the drawing itself; a run's seed never changes the data


class Shapes(Dataset):
    """8 shapes x 8 hues x 3 sizes x 4 quadrants x 4 rotations x 4 backgrounds, all independent."""

    name, title = "shapes", "Shapes"
    summary = "Generated 32 px images whose every factor is known: shape, color, size, position, rotation, background."
    count, probe_count, test_count, native_size = 4096, 1024, 4096, SIDE
    classes = {name: len(labels) for name, labels in NAMES.items()}
    suggests = {
        "network": "resnet-tiny",  # learns these shapes as well as ResNet small, with a quarter of the computation
        # Colors must change strongly, or color alone is enough to match views.
        "augment.crop_scale_min": 0.5,
        "augment.jitter_probability": 0.9,
        "augment.brightness": 0.6,
        "augment.contrast": 0.6,
        "augment.saturation": 0.8,
        "augment.hue": 0.5,
        "crops.local_scale_min": 0.5,  # the shape fills a quarter of the image: most smaller crops would not show it
        "crops.local_scale_max": 0.9,
    }

    @classmethod
    def load(cls, knobs: Any, folder: Path) -> tuple[Images, Images]:
        """Draws them; no file is read or written."""
        images = draw(cls.count + cls.probe_count, torch.Generator().manual_seed(SEED))
        return images[cls.probe_count :], images[: cls.probe_count]

    @classmethod
    def first_probe_images(cls, count: int) -> Images:
        """The first of its probe images, without the time that the others take."""
        return draw(cls.count + cls.probe_count, torch.Generator().manual_seed(SEED), first=count)

    @classmethod
    def load_test(cls, knobs: Any, folder: Path) -> Images:
        """Draws others, from another seed."""
        return draw(cls.test_count, torch.Generator().manual_seed(TEST_SEED))


def draw(count: int, generator: torch.Generator, first: int | None = None) -> Images:
    """`count` images with independent, uniform factors. first: paints only so many of them."""
    factors = {name: torch.randint(len(labels), (count,), generator=generator)[:first] for name, labels in NAMES.items()}
    jitter = torch.rand(count, 6, generator=generator)[:first]
    chunks = [_paint({name: f[rows] for name, f in factors.items()}, jitter[rows]) for rows in torch.arange(len(jitter)).split(512)]
    noise = torch.randn(len(jitter), 3, SIDE, SIDE, generator=generator) * 0.02
    pixels = ((torch.cat(chunks) + noise).clamp(0, 1) * 255).round().to(torch.uint8)
    return Images(pixels, factors, NAMES)


def _paint(factors: dict[str, Tensor], jitter: Tensor) -> Tensor:
    """Labels -> (B, 3, SIDE, SIDE) in [0, 1]. jitter (B, 6) in [0, 1] varies each factor within its label."""
    x, y = _canvas(factors, jitter)
    ink = _coverage(factors["shape"], x, y)[:, None]
    hue = (factors["color"] + (jitter[:, 0] - 0.5) * 0.5) / len(COLORS)
    paint = _hue_to_rgb(hue)[:, :, None, None]
    ground = (0.10 + 0.04 * factors["background"] + (jitter[:, 1] - 0.5) * 0.02)[:, None, None, None]
    return ink * paint + (1 - ink) * ground


def _canvas(factors: dict[str, Tensor], jitter: Tensor) -> tuple[Tensor, Tensor]:
    """Sample places of each image in its shape's own frame, where the shape fills the unit disc: two of (B, S, S)."""
    line = torch.linspace(-1, 1, SIDE * OVERSAMPLE)
    radius = (0.50 + 0.08 * factors["size"] + (jitter[:, 2] - 0.5) * 0.04)[:, None, None]
    across, down = factors["position"] % 2, factors["position"] // 2
    center_x = ((across * 2 - 1) * (0.04 + 0.22 * jitter[:, 3]))[:, None, None]
    center_y = ((down * 2 - 1) * (0.04 + 0.22 * jitter[:, 4]))[:, None, None]
    angle = math.radians(10) * (factors["rotation"] - 1.5 + (jitter[:, 5] - 0.5) * 0.5)[:, None, None]
    x, y = (line[None, None] - center_x) / radius, (line[None, :, None] - center_y) / radius
    return x * angle.cos() + y * angle.sin(), y * angle.cos() - x * angle.sin()


def _coverage(shape: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """How much of each pixel the shape covers: (B, SIDE, SIDE) in [0, 1]."""
    inside = torch.empty_like(x)
    for label, rule in enumerate(_RULES):
        rows = (shape == label).nonzero()[:, 0]
        inside[rows] = rule(x[rows], y[rows]).float()
    return torch.nn.functional.avg_pool2d(inside[:, None], OVERSAMPLE)[:, 0]


def _star(x: Tensor, y: Tensor) -> Tensor:
    angle = torch.atan2(x, -y)
    return (x**2 + y**2).sqrt() < 0.66 + 0.34 * (5 * angle).cos()


def _heart(x: Tensor, y: Tensor) -> Tensor:
    u, v = x * 1.25, 0.15 - y * 1.25
    return (u**2 + v**2 - 0.7) ** 3 < 1.6 * u**2 * v**3


_RULES = (
    lambda x, y: x**2 + y**2 < 0.8,
    lambda x, y: torch.maximum(x.abs(), y.abs()) < 0.75,
    lambda x, y: (y < 0.6) & (y > 1.8 * x.abs() - 1),
    _star,
    lambda x, y: (torch.minimum(x.abs(), y.abs()) < 0.26) & (torch.maximum(x.abs(), y.abs()) < 0.95),
    lambda x, y: ((x**2 + y**2).sqrt() - 0.7).abs() < 0.22,
    _heart,
    lambda x, y: (x.abs() < 0.95) & (y.abs() < 0.3),
)


def _hue_to_rgb(hue: Tensor) -> Tensor:
    """(B,) turns of the color wheel -> (B, 3) at full saturation and a value of 0.9."""
    offsets = torch.tensor([5.0, 3.0, 1.0])
    k = (offsets + hue[:, None] * 6) % 6
    return 0.95 - 0.75 * torch.minimum(k, 4 - k).clamp(0, 1)
