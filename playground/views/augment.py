"""Augmentations: the random changes between two views of one image, for a whole batch at once on its device.

    views = augment(pixels, knobs, generator)

There are two phases: `draw` draws all random parameters, and `apply` applies the operators of operators.py in a fixed order
(torchvision shuffles its color jitter): crop, flip, brightness, contrast, saturation, hue, grayscale, blur, solarize. To show the
effect of single operators, `apply` can be restricted to some of them. There is no device synchronization.
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
STRETCH_MAX = 4 / 3  # the largest change of the aspect ratio of a crop
SIGMA_MIN, SIGMA_MAX = 0.1, 2.0  # of a blur, in pixels


class Augment(Section):
    """How much two views of one image may differ. The network learns to ignore what differs between views."""

    crop_scale_min: float = knob(
        0.3,
        0.05,
        1,
        "The smallest share of the image in a crop. Small crops teach the network to relate parts to the whole.",
        live=True,
    )
    flip_probability: float = knob(0.5, 0, 1, "How often a view is mirrored. Set it to 0 if left and right matter, as in text.", live=True)
    jitter_probability: float = knob(
        0.8,
        0,
        1,
        "How often colors are changed. At 0, color alone is enough to distinguish images, and shape is not learned.",
        live=True,
    )
    brightness: float = knob(
        0.4, 0, 1, "How much brighter or darker a view may become: 0.4 means 60% to 140% of the brightness.", live=True
    )
    contrast: float = knob(0.4, 0, 1, "How much the contrast of a view may change.", live=True)
    saturation: float = knob(0.4, 0, 1, "How much colors may become paler or more vivid.", live=True)
    hue: float = knob(
        0.1,
        0,
        0.5,
        "How far the hue may rotate around the color wheel. At 0.5 red may become any color, so color carries no information.",
        live=True,
    )
    grayscale_probability: float = knob(0.2, 0, 1, "How often a view becomes gray, so that the network must use shape.", live=True)
    blur_probability: float = knob(
        0,
        0,
        1,
        "How often a view is blurred, which removes fine texture. Small images have little texture, so the default is 0.",
        live=True,
    )
    solarize_probability: float = knob(
        0, 0, 1, "How often the bright pixels of a view are inverted, so that the network cannot rely on brightness.", live=True
    )
    asymmetry: float = knob(
        0,
        0,
        1,
        "How different the augmentations of the two views are: at 1, blur is applied to the first view and "
        "solarization to the second, as in "
        "BYOL. Their mean frequency over both views does not change.",
        live=True,
    )

    def for_view(self, number: int) -> Augment:
        """The settings for the first (0) or the second (1) view of an image, for code that draws the views separately."""
        lean = self.asymmetry * (1, -1)[number]
        blurred, solarized = _leaning(self.blur_probability, lean), _leaning(self.solarize_probability, -lean)
        return self.model_copy(update={"blur_probability": blurred, "solarize_probability": solarized, "asymmetry": 0.0})


class Crops(Section):
    """Local views: small crops in addition to the two global views, for methods that match parts with the whole (SwAV, section 3.2)."""

    local_views: int = knob(2, 0, 10, "Number of small crops of each image, in addition to its two global views; each costs little.")
    local_size: Literal[8, 16, 24, 32, 48, 64, 96] = option(16, "The side of a small crop in pixels.")
    local_scale_min: float = knob(0.1, 0.02, 1, "The smallest share of the image in a small crop.", live=True)
    local_scale_max: float = knob(0.4, 0.02, 1, "The largest share of the image in a small crop.", live=True)

    @classmethod
    def check(cls, config: Any) -> None:
        """Local views must not be larger than global ones, must consist of whole patches, and their share must have a valid range."""
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
    """The random parameters of B views, in the order of the operators."""

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
        """The parameters of some of the views."""
        return Draw(**{name: each[rows] for name, each in vars(self).items()})


def neutral(batch: int, height: int, width: int, device: torch.device | str = "cpu") -> Draw:
    """The draw that changes nothing of `batch` images of height x width."""
    none, one = torch.zeros(batch, device=device), torch.ones(batch, device=device)
    whole = torch.stack((none, none, height * one, width * one), 1)
    return Draw(whole, none.bool(), one, one, one, none, none.bool(), none, none.bool())


def augment(pixels: Tensor, knobs: Augment, generator: torch.Generator, local: Crops | None = None, views: int = 1) -> Tensor:
    """One random view of each image: pixels (B, 3, H, W) uint8, or float in [0, 1] -> (B, 3, H, W) float32 in [0, 1].

    local: the views are small crops (B, 3, local_size, local_size) of a small share of the image.
    views: the number of views of the same images that are stacked in the batch, needed for `asymmetry`.
    The generator is on the device of the pixels. The same seed gives the same views, and no global random state is used.
    """
    batch, _, height, width = pixels.shape
    scale = (local.local_scale_min, local.local_scale_max) if local else None
    parameters = draw(knobs, batch, height, width, generator, scale, views)
    return apply(pixels, parameters, possible(knobs), local.local_size if local else None)


def possible(knobs: Augment) -> tuple[str, ...]:
    """The operators with a probability above 0, in order."""
    probabilities = dict.fromkeys(("brightness", "contrast", "saturation", "hue"), knobs.jitter_probability)
    probabilities |= {"grayscale": knobs.grayscale_probability, "blur": knobs.blur_probability, "solarize": knobs.solarize_probability}
    return tuple(name for name in OPERATORS if probabilities.get(name, 1) > 0)


def apply(pixels: Tensor, parameters: Draw, operators: Collection[str] = OPERATORS, size: int | None = None) -> Tensor:
    """Applies the drawn parameters: pixels (B, 3, H, W) uint8, or float in [0, 1] -> (B, 3, size, size) float32 in [0, 1].

    operators: those that are applied; the others take no time. size: side of the views, by default that of the images.
    """
    parameters = _only(parameters, operators, pixels)
    views = crop_and_flip(pixels, parameters.boxes, parameters.flips, size)
    if {"brightness", "contrast", "saturation"} & {*operators}:
        views = recolor(views, color_matrix(parameters.brightness, parameters.contrast, parameters.saturation, views.mean((2, 3))))
    if "hue" in operators:
        views = turn_hue(views, parameters.hue)
    if "grayscale" in operators:
        views = to_gray(views, parameters.grayscale)
    if "blur" in operators:
        views = blur(views, parameters.sigmas)
    if "solarize" in operators:
        views = solarize(views, parameters.solarized)
    return views


def _only(parameters: Draw, operators: Collection[str], pixels: Tensor) -> Draw:
    """The same draw with neutral parameters for the left-out operators that are computed together with another one."""
    fields = {"crop": "boxes", "flip": "flips", "brightness": "brightness", "contrast": "contrast", "saturation": "saturation"}
    if left_out := [field for name, field in fields.items() if name not in operators]:
        height, width = pixels.shape[2:]
        nothing = neutral(len(pixels), height, width, parameters.boxes.device)
        parameters = replace(parameters, **{field: getattr(nothing, field) for field in left_out})
    return parameters


def draw(
    knobs: Augment,
    batch: int,
    height: int,
    width: int,
    generator: torch.Generator,
    scale: tuple[float, float] | None = None,
    views: int = 1,
) -> Draw:
    """Draws the parameters for each of `batch` images of height x width.

    scale: the smallest and the largest share of the image in a crop. views: the number of views of the same images in the batch.
    The number of random numbers does not depend on the knobs, and each knob uses its own: a change of `hue` does not change the
    crops, and a small change of a knob is a small change of the views.
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
    """The probability moved by `lean` from -1 to 1, as far as both views keep valid probabilities."""
    return probability + min(probability, 1 - probability) * lean


def _sides(batch: int, views: int, device: torch.device) -> Tensor:
    """1 for the first view of each image, -1 for the second, and so on in turn: (batch,); 0 for a view without a partner."""
    turn = torch.arange(batch, device=device) // (batch // views)
    return (1.0 - 2 * (turn % 2)) * (turn < views // 2 * 2)


def _boxes(uniform: Tensor, scale_min: float, scale_max: float, height: int, width: int) -> Tensor:
    """uniform: (4, B) -> (B, 4) boxes whose share of the area is uniform in [scale_min, scale_max] and which lie inside the image.

    torchvision draws again if a box does not fit, and rounds to whole pixels. Here the aspect ratio is drawn among those that fit, so
    that the share of the area stays uniform, and a share of 1 is the whole image.
    """
    area = scale_min + (scale_max - scale_min) * uniform[0]
    stretch_max = (1 / area).clamp(max=STRETCH_MAX).log()
    stretch = (stretch_max * (2 * uniform[1] - 1)).exp()
    tall, wide = (height * (area / stretch).sqrt()).clamp_min(1), (width * (area * stretch).sqrt()).clamp_min(1)
    return torch.stack(((height - tall) * uniform[2], (width - wide) * uniform[3], tall, wide), 1)
