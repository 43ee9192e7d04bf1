"""The views of an image, made by the code of the training: pictures and their random parameters. No code of pages here.

views     many views of one image, each with its random parameters
steps     one of them, operator by operator
overlap   how much the crops of two views overlap, over many draws
presets   well-known pipelines on the same images

All depend only on a config, an image of its dataset, and the number of a draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from playground.analysis.presets import PRESETS, Preset, pipeline
from playground.config import RunConfig
from playground.datasets import Images
from playground.randomness import seeded_generator
from playground.views.augment import OPERATORS, Augment, Crops, Draw, apply, draw, neutral, possible

MOST = 32  # views of one image
PAIRS = 4096  # of crops, whose overlap is measured
BINS = 20  # of a histogram of shares
CELLS = 24  # along each side of the map of overlaps
GLOBAL, LOCAL = "global", "local"
OF_COLOR = ("saturation", "hue", "grayscale")  # operators that do not change a gray image
NOW = Preset("now", "As set now", "The settings of this page.")


@dataclass(frozen=True)
class Views:
    """pictures: (V, 3, H, W) in [0, 1]. chance: random parameters of each, boxes in pixels of the image. possible: operators in use.

    Every two consecutive views are a pair that a method with two views would compare: the first and the second view of one image.
    """

    pictures: Tensor
    chance: Draw
    possible: tuple[str, ...]


def views(config: RunConfig, pixels: Tensor, number: int, count: int) -> Views:
    """`count` views of one image, pixels (3, H, W) uint8, of draw `number`; the first of them are the same for every `count`."""
    stacked = min(config.method.choice.views, 2)
    chance = _paired(config.augment, pixels, seeded_generator(config.seed, GLOBAL, number), stacked).of(torch.arange(count))
    operators = possible(config.augment)
    return Views(apply(_repeated(pixels, count), chance, operators), chance, operators)


def local_views(config: RunConfig, pixels: Tensor, number: int) -> Views | None:
    """The small crops of one image, in addition to its two views; None if the method uses none."""
    crops = config.crops
    if crops is None or not crops.local_views:
        return None
    chance, operators = _drawn(config.augment, crops, pixels, seeded_generator(config.seed, LOCAL, number)), possible(config.augment)
    return Views(apply(_repeated(pixels, crops.local_views), chance, operators, crops.local_size), chance, operators)


def steps(config: RunConfig, pixels: Tensor, number: int, view: int) -> tuple[Tensor, Tensor]:
    """View `view` of draw `number`, operator by operator: (1 + operators, 3, H, W) twice, the image itself first.

    First all operators up to each one, in order, so that the last picture is the view; then each operator alone.
    """
    drawn = views(config, pixels, number, view + 1)
    chance, image = drawn.chance.of(torch.tensor([view])), pixels[None]

    def done(operators: Sequence[str]) -> Tensor:
        return apply(image, chance, [name for name in operators if name in drawn.possible])[0]

    original = image[0].float() / 255
    together = [done(OPERATORS[: count + 1]) for count in range(len(OPERATORS))]
    alone = [done([name]) for name in OPERATORS]
    return torch.stack([original, *together]), torch.stack([original, *alone])


def changed(chance: Draw, height: int, width: int) -> dict[str, Tensor]:
    """Which operators changed each of B views: name -> (B,) bool."""
    nothing = neutral(len(chance.flips), height, width)
    fields = dict(zip(OPERATORS, vars(chance), strict=True))
    differs = {name: getattr(chance, field) != getattr(nothing, field) for name, field in fields.items()}
    return differs | {"crop": (chance.boxes - nothing.boxes).abs().amax(1) > 1e-3}


@dataclass(frozen=True)
class Overlap:
    """The overlap of two crops, over P draws, on an image of area 1.

    union: (P,) intersection over union of an image's two views; shared: (P,) their intersection; both: (CELLS, CELLS) how often a
    position is in both. inside: (P,) the share of a local crop inside a global one, None without local crops.
    """

    union: Tensor
    shared: Tensor
    both: Tensor
    inside: Tensor | None


def overlap(config: RunConfig, number: int) -> Overlap:
    """The overlap of the crops of a config; crops depend only on the side of the images."""
    side, generator = config.data.image_size, seeded_generator(config.seed, "overlap", number)
    first, second = draw(config.augment, 2 * PAIRS, side, side, generator).boxes.chunk(2)
    common, areas = intersection(first, second), (_area(first), _area(second))
    inside = None
    if crops := config.crops if config.crops and config.crops.local_views else None:
        small = draw(config.augment, PAIRS, side, side, generator, (crops.local_scale_min, crops.local_scale_max)).boxes
        inside = intersection(small, first) / _area(small)
    return Overlap(common / (areas[0] + areas[1] - common), common / side**2, _both(first, second, side), inside)


def intersection(first: Tensor, second: Tensor) -> Tensor:
    """The area that boxes share, row by row: (P, 4) top, left, height, width, twice -> (P,)"""
    start = torch.maximum(first[:, :2], second[:, :2])
    end = torch.minimum(first[:, :2] + first[:, 2:], second[:, :2] + second[:, 2:])
    return (end - start).clamp_min(0).prod(1)


def _area(boxes: Tensor) -> Tensor:
    return boxes[:, 2:].prod(1)


def _both(first: Tensor, second: Tensor, side: int) -> Tensor:
    """How often each position in the image lies in both boxes: (CELLS, CELLS), by the centers of the cells."""
    centers = (torch.arange(CELLS) + 0.5) * side / CELLS
    start = torch.maximum(first[:, :2], second[:, :2])[..., None]
    end = torch.minimum(first[:, :2] + first[:, 2:], second[:, :2] + second[:, 2:])[..., None]
    rows, columns = ((centers >= start) & (centers < end)).float().unbind(1)
    return rows.T @ columns / len(first)


def histogram(shares: Tensor) -> list[float]:
    """(P,) shares in [0, 1] -> the fraction of them in each of BINS equal bins."""
    counts: list[float] = (torch.histc(shares.clamp(0, 1), BINS, 0, 1) / len(shares)).tolist()
    return counts


@dataclass(frozen=True)
class Side:
    """The views of a preset for K images: pair (K, 2, 3, H, W); local (K, L, 3, h, h), None without small crops."""

    preset: Preset
    pair: Tensor
    local: Tensor | None


def presets(config: RunConfig, pixels: Tensor, number: int) -> list[Side]:
    """The config's own pipeline and every preset on the same images, pixels (K, 3, H, W) uint8, with the same random numbers."""
    crops = config.crops if config.crops and config.crops.local_views else None
    pipelines = [(NOW, config.augment, crops), *((each, *pipeline(each, config)) for each in PRESETS)]
    return [_side(*each, pixels, config.seed, number) for each in pipelines]


def _side(preset: Preset, augment: Augment, crops: Crops | None, pixels: Tensor, seed: int, number: int) -> Side:
    def source(purpose: str, place: int) -> torch.Generator:
        return seeded_generator(seed, f"{purpose} {place}", number)

    pairs = [_paired(augment, image, source(GLOBAL, place)).of(torch.arange(2)) for place, image in enumerate(pixels)]
    pair = _done(augment, pixels, pairs)
    if crops is None:
        return Side(preset, pair, None)
    small = [_drawn(augment, crops, image, source(LOCAL, place)) for place, image in enumerate(pixels)]
    return Side(preset, pair, _done(augment, pixels, small, crops.local_size))


def _done(knobs: Augment, pixels: Tensor, draws: Sequence[Draw], size: int | None = None) -> Tensor:
    """Several views of each of K images, pixels (K, 3, H, W), in one batch: K draws of V views -> (K, V, 3, size, size)"""
    together = Draw(**{name: torch.cat([getattr(each, name) for each in draws]) for name in vars(draws[0])})
    count = len(together.flips) // len(pixels)
    return apply(pixels.repeat_interleave(count, 0), together, possible(knobs), size).unflatten(0, (len(pixels), count))


def _paired(knobs: Augment, pixels: Tensor, generator: torch.Generator, stacked: int = 2) -> Draw:
    """The draw of MOST views of one image, (3, H, W): the two views of a pair are consecutive here, while the training stacks them."""
    height, width = pixels.shape[1:]
    order = torch.arange(MOST).view(2, -1).T.flatten()
    return draw(knobs, MOST, height, width, generator, views=stacked).of(order)


def _drawn(knobs: Augment, crops: Crops, pixels: Tensor, generator: torch.Generator) -> Draw:
    """The draw of the small crops of one image, (3, H, W)."""
    height, width = pixels.shape[1:]
    return draw(knobs, crops.local_views, height, width, generator, (crops.local_scale_min, crops.local_scale_max))


def _repeated(pixels: Tensor, count: int) -> Tensor:
    return pixels.expand(count, -1, -1, -1)


def labels(images: Images, row: int) -> dict[str, str]:
    """The labels of one image: factor -> name of its label."""
    return {name: images.names[name][int(each[row])] for name, each in images.factors.items() if int(each[row]) >= 0}


def facts(found: Views, pixels: Tensor) -> list[dict[str, Any]]:
    """The random parameters of each view of pixels (3, H, W): operator -> its amount, in the units of its knob; crop: a box in pixels.

    share: of the image in the crop. did: the operators that changed the view; operators of color do not change a gray image.
    """
    height, width = pixels.shape[1:]
    able = [name for name in found.possible if name not in OF_COLOR or not bool((pixels == pixels[:1]).all())]
    did = {name: each.tolist() for name, each in changed(found.chance, height, width).items() if name in able}
    columns = dict(zip(OPERATORS, (each.tolist() for each in vars(found.chance).values()), strict=True))
    columns["share"] = (_area(found.chance.boxes) / (height * width)).tolist()
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    return [row | {"did": [name for name in did if did[name][place]]} for place, row in enumerate(rows)]
