"""Augmentations: the random changes between two views of one image, drawn for a whole batch at once on its device.

    views = augment(pixels, knobs, generator)

It draws and then does: `draw` decides everything by chance, `apply` does it by the operators of operators.py, in a fixed order
(torchvision shuffles its color jitter): crop, flip, brightness, contrast, saturation, hue, grayscale, blur, solarize. Whoever wants
to see what each of them does has `apply` do only some. Nothing here waits for the device.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor

from playground.knobs import ConfigError, Section, knob, option
from playground.views.operators import blur, color_matrix, crop_and_flip, recolor, solarize, to_gray, turn_hue

OPERATORS = ("crop", "flip", "brightness", "contrast", "saturation", "hue", "grayscale", "blur", "solarize")
STRETCH_MAX = 4 / 3  # a crop is at most this much wider, or taller, than the image's own shape
SIGMA_MIN, SIGMA_MAX = 0.1, 2.0  # of a blur, in pixels


class Augment(Section):
    """How far two views of one image may differ. What differs between views is what the network learns to ignore."""

    crop_scale_min: float = knob(
        0.3,
        0.05,
        1,
        "The smallest share of the image a crop may keep. Small crops teach that a part belongs to its whole.",
        live=True,
    )
    flip_probability: float = knob(
        0.5, 0, 1, "How often a view is mirrored. Turn it off where left and right mean something, as in text.", live=True
    )
    jitter_probability: float = knob(
        0.8,
        0,
        1,
        "How often colors are changed. At 0 color alone is enough to tell images apart, and shape is not learned.",
        live=True,
    )
    brightness: float = knob(0.4, 0, 1, "How much lighter or darker a view may get: 0.4 is 60 % to 140 % of the light.", live=True)
    contrast: float = knob(0.4, 0, 1, "How far light and dark may be pulled apart or pushed together.", live=True)
    saturation: float = knob(0.4, 0, 1, "How much paler or more vivid colors may get.", live=True)
    hue: float = knob(
        0.1,
        0,
        0.5,
        "How far colors may turn around the color wheel. At 0.5 red may become any color: no clue is left.",
        live=True,
    )
    grayscale_probability: float = knob(
        0.2, 0, 1, "How often a view loses its color altogether, so that shape has to be enough.", live=True
    )
    blur_probability: float = knob(
        0,
        0,
        1,
        "How often a view is blurred, which hides fine texture. Small images have little to lose: it starts at 0.",
        live=True,
    )
    solarize_probability: float = knob(
        0, 0, 1, "How often the bright half of a view is inverted, so that brightness cannot be relied on.", live=True
    )
    asymmetry: float = knob(
        0,
        0,
        1,
        "How unequal the two views of an image are: at 1 the first takes the blur and the second the solarizing, as in BYOL. "
        "Over both views they stay as frequent as they are.",
        live=True,
    )

    def for_view(self, number: int) -> Augment:
        """What the first (0) or the second (1) of an image's two views undergoes, for those who draw them apart."""
        lean = self.asymmetry * (1, -1)[number]
        blurred, solarized = _leaning(self.blur_probability, lean), _leaning(self.solarize_probability, -lean)
        return self.model_copy(update={"blur_probability": blurred, "solarize_probability": solarized, "asymmetry": 0.0})


class Crops(Section):
    """Local views: small crops beside the two global ones, for methods that match a part with its whole (SwAV, section 3.2)."""

    local_views: int = knob(2, 0, 10, "How many small crops each image gives beside its two global views; each costs little.")
    local_size: Literal[8, 16, 24, 32, 48, 64, 96] = option(16, "The side of a small crop in pixels.")
    local_scale_min: float = knob(0.1, 0.02, 1, "The smallest share of the image that a small crop may keep.", live=True)
    local_scale_max: float = knob(0.4, 0.02, 1, "The largest share of the image that a small crop may keep.", live=True)

    @classmethod
    def check(cls, config: Any) -> None:
        """Local views are no larger than global ones, tile into patches, and their least share is no more than their most."""
        crops, side = config.crops, config.data.image_size
        if crops is None or not crops.local_views:
            return
        if crops.local_size > side:
            raise ConfigError("crops.local_size", f"local_size must be at most the image's side of {side}, got {crops.local_size}")
        patch = getattr(config.network, "patch_size", 1)
        if crops.local_size % patch:
            raise ConfigError("crops.local_size", f"local_size must be a multiple of patch_size {patch}, got {crops.local_size}")
        if crops.local_scale_min > crops.local_scale_max:
            raise ConfigError(
                "crops.local_scale_min",
                f"local_scale_min must be at most local_scale_max {crops.local_scale_max:g}, got {crops.local_scale_min:g}",
            )


@dataclass(frozen=True)
class Draw:
    """What chance decided for each of B views, in the order in which it is done."""

    boxes: Tensor  # (B, 4) top, left, height, width in pixels
    flips: Tensor  # (B,) bool
    brightness: Tensor  # (B,) factor, 1 changes nothing
    contrast: Tensor  # (B,) factor
    saturation: Tensor  # (B,) factor
    hue: Tensor  # (B,) turns around the color wheel, 0 changes nothing
    grayscale: Tensor  # (B,) bool
    sigmas: Tensor  # (B,) pixels, 0 changes nothing
    solarized: Tensor  # (B,) bool

    def of(self, rows: Tensor) -> Draw:
        """What was decided for some of the views."""
        return Draw(**{name: each[rows] for name, each in vars(self).items()})


def neutral(batch: int, height: int, width: int, device: torch.device | str = "cpu") -> Draw:
    """The draw that changes nothing of `batch` images of height x width."""
    none, one = torch.zeros(batch, device=device), torch.ones(batch, device=device)
    whole = torch.stack((none, none, height * one, width * one), 1)
    return Draw(whole, none.bool(), one, one, one, none, none.bool(), none, none.bool())


def augment(pixels: Tensor, knobs: Augment, generator: torch.Generator, local: Crops | None = None, views: int = 1) -> Tensor:
    """One random view of each image: pixels (B, 3, H, W) uint8, or float in [0, 1] -> (B, 3, H, W) float32 in [0, 1].

    local: the views are small crops (B, 3, local_size, local_size) of a small share of the image.
    views: how many views of the same images are stacked in the batch, as `asymmetry` tells the views of an image apart.
    The generator lives on the pixels' device. The same seed gives the same views, and nobody else's random numbers are touched.
    """
    batch, _, height, width = pixels.shape
    scale = (local.local_scale_min, local.local_scale_max) if local else None
    chance = draw(knobs, batch, height, width, generator, scale, views)
    return apply(pixels, chance, possible(knobs), local.local_size if local else None)


def possible(knobs: Augment) -> tuple[str, ...]:
    """The operators that happen at all, in order."""
    often = dict.fromkeys(("brightness", "contrast", "saturation", "hue"), knobs.jitter_probability)
    often |= {"grayscale": knobs.grayscale_probability, "blur": knobs.blur_probability, "solarize": knobs.solarize_probability}
    return tuple(name for name in OPERATORS if often.get(name, 1) > 0)


def apply(pixels: Tensor, chance: Draw, operators: Collection[str] = OPERATORS, size: int | None = None) -> Tensor:
    """Does what was drawn: pixels (B, 3, H, W) uint8, or float in [0, 1] -> (B, 3, size, size) float32 in [0, 1].

    operators: those that are done; the others change nothing and cost nothing. size: of the views, that of the images unless given.
    """
    chance = _only(chance, operators, pixels)
    views = crop_and_flip(pixels, chance.boxes, chance.flips, size)
    if {"brightness", "contrast", "saturation"} & {*operators}:
        views = recolor(views, color_matrix(chance.brightness, chance.contrast, chance.saturation, views.mean((2, 3))))
    if "hue" in operators:
        views = turn_hue(views, chance.hue)
    if "grayscale" in operators:
        views = to_gray(views, chance.grayscale)
    if "blur" in operators:
        views = blur(views, chance.sigmas)
    if "solarize" in operators:
        views = solarize(views, chance.solarized)
    return views


def _only(chance: Draw, operators: Collection[str], pixels: Tensor) -> Draw:
    """The same draw, with nothing left to do for those operators that share a pass over the pixels with another."""
    fields = {"crop": "boxes", "flip": "flips", "brightness": "brightness", "contrast": "contrast", "saturation": "saturation"}
    if left_out := [field for name, field in fields.items() if name not in operators]:
        height, width = pixels.shape[2:]
        nothing = neutral(len(pixels), height, width, chance.boxes.device)
        chance = replace(chance, **{field: getattr(nothing, field) for field in left_out})
    return chance


def draw(
    knobs: Augment,
    batch: int,
    height: int,
    width: int,
    generator: torch.Generator,
    scale: tuple[float, float] | None = None,
    views: int = 1,
) -> Draw:
    """Draws what happens to each of `batch` images of height x width.

    scale: the least and largest share of the image to keep. views: how many views of the same images are stacked in the batch.
    The same count of numbers is drawn whatever the knobs say, and each knob has its own: moving `hue` leaves the crops as they
    were, and a knob that moves a little moves the views a little.
    """
    uniform = torch.rand(14, batch, generator=generator, device=generator.device)
    jitter = (2 * uniform[6:10] - 1) * (uniform[5] < knobs.jitter_probability)
    lean = knobs.asymmetry * _sides(batch, views, uniform.device) if knobs.asymmetry else 0.0

    return Draw(
        boxes=_boxes(uniform[:4], *(scale or (knobs.crop_scale_min, 1.0)), height, width),
        flips=uniform[4] < knobs.flip_probability,
        brightness=1 + knobs.brightness * jitter[0],
        contrast=1 + knobs.contrast * jitter[1],
        saturation=1 + knobs.saturation * jitter[2],
        hue=knobs.hue * jitter[3],
        grayscale=uniform[10] < knobs.grayscale_probability,
        sigmas=(SIGMA_MIN + (SIGMA_MAX - SIGMA_MIN) * uniform[11]) * (uniform[12] < _leaning(knobs.blur_probability, lean)),
        solarized=uniform[13] < _leaning(knobs.solarize_probability, -lean),
    )


def _leaning(probability: float, lean: Tensor | float) -> Tensor | float:
    """As far up or down as it can go and still be a probability on both sides: lean from -1 to 1."""
    return probability + min(probability, 1 - probability) * lean


def _sides(batch: int, views: int, device: torch.device) -> Tensor:
    """1 for the first view of each image, -1 for the second, and so on by turns: (batch,); 0 for one that is left without a partner."""
    turn = torch.arange(batch, device=device) // (batch // views)
    return (1.0 - 2 * (turn % 2)) * (turn < views // 2 * 2)


def _boxes(uniform: Tensor, scale_min: float, scale_max: float, height: int, width: int) -> Tensor:
    """uniform: (4, B) -> (B, 4) boxes whose share of the area is uniform in [scale_min, scale_max] and which lie inside the image.

    torchvision redraws what does not fit and rounds to whole pixels. Here the shape is drawn among those that fit, so that the
    share of the area stays uniform, and a share of 1 is the whole image.
    """
    area = scale_min + (scale_max - scale_min) * uniform[0]
    stretch_max = (1 / area).clamp(max=STRETCH_MAX).log()
    stretch = (stretch_max * (2 * uniform[1] - 1)).exp()
    tall, wide = (height * (area / stretch).sqrt()).clamp_min(1), (width * (area * stretch).sqrt()).clamp_min(1)
    return torch.stack(((height - tall) * uniform[2], (width - wide) * uniform[3], tall, wide), 1)
