"""Augmentations: the random changes between two views of one image, drawn for a whole batch at once on its device.

    views = augment(pixels, knobs, generator)

Each operation is also a function of its own over a batch, with one parameter an image, and agrees with torchvision's operator of
that name. The order is fixed (torchvision shuffles its color jitter): crop and flip, brightness, contrast, saturation, hue,
grayscale, blur, solarize. Nothing here waits for the device.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from playground.knobs import Section, knob, option

LUMA = (0.2989, 0.587, 0.114)  # how bright red, green and blue look: torchvision's numbers, so that its results are ours
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


class Crops(Section):
    """Local views: small crops beside the two global ones, for methods that match a part with its whole (SwAV, section 3.2)."""

    local_views: int = knob(2, 0, 10, "How many small crops each image gives beside its two global views; each costs little.")
    local_size: Literal[8, 16, 24, 32, 48, 64, 96] = option(16, "The side of a small crop in pixels.")
    local_scale_min: float = knob(0.1, 0.02, 1, "The smallest share of the image that a small crop may keep.", live=True)
    local_scale_max: float = knob(0.4, 0.02, 1, "The largest share of the image that a small crop may keep.", live=True)

    @classmethod
    def check(cls, config: Any) -> None:
        """Local views are no larger than global ones, tile into patches, and their least share is no more than their most."""
        from playground.config import ConfigError

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


def augment(pixels: Tensor, knobs: Augment, generator: torch.Generator, local: Crops | None = None) -> Tensor:
    """One random view of each image: pixels (B, 3, H, W) uint8, or float in [0, 1] -> (B, 3, H, W) float32 in [0, 1].

    local: the views are small crops (B, 3, local_size, local_size) of a small share of the image.
    The generator lives on the pixels' device. The same seed gives the same views, and nobody else's random numbers are touched.
    """
    batch, _, height, width = pixels.shape
    scale = (local.local_scale_min, local.local_scale_max) if local else (knobs.crop_scale_min, 1.0)
    chance = draw(knobs, batch, height, width, generator, scale)
    views = crop_and_flip(pixels, chance.boxes, chance.flips, local.local_size if local else None)
    if knobs.jitter_probability > 0:
        views = recolor(views, color_matrix(chance.brightness, chance.contrast, chance.saturation, views.mean((2, 3))))
        views = turn_hue(views, chance.hue)
    if knobs.grayscale_probability > 0:
        views = to_gray(views, chance.grayscale)
    if knobs.blur_probability > 0:
        views = blur(views, chance.sigmas)
    if knobs.solarize_probability > 0:
        views = solarize(views, chance.solarized)
    return views


def draw(knobs: Augment, batch: int, height: int, width: int, generator: torch.Generator, scale: tuple[float, float] | None = None) -> Draw:
    """Draws what happens to each of `batch` images of height x width. scale: the least and largest share of the image to keep.

    The same count of numbers is drawn whatever the knobs say, and each knob has its own: moving `hue` leaves the crops as they
    were, and a knob that moves a little moves the views a little.
    """
    uniform = torch.rand(14, batch, generator=generator, device=generator.device)
    jittered = uniform[5] < knobs.jitter_probability

    def change(row: int, strength: float) -> Tensor:
        return strength * (2 * uniform[row] - 1) * jittered

    return Draw(
        boxes=_boxes(uniform[:4], *(scale or (knobs.crop_scale_min, 1.0)), height, width),
        flips=uniform[4] < knobs.flip_probability,
        brightness=1 + change(6, knobs.brightness),
        contrast=1 + change(7, knobs.contrast),
        saturation=1 + change(8, knobs.saturation),
        hue=change(9, knobs.hue),
        grayscale=uniform[10] < knobs.grayscale_probability,
        sigmas=(SIGMA_MIN + (SIGMA_MAX - SIGMA_MIN) * uniform[11]) * (uniform[12] < knobs.blur_probability),
        solarized=uniform[13] < knobs.solarize_probability,
    )


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


def crop_and_flip(images: Tensor, boxes: Tensor, flips: Tensor, size: int | None = None) -> Tensor:
    """Cuts a box out of each image, brings it to `size` (full size) bilinearly, not antialiased, and mirrors it where `flips` says so.

    images: (B, 3, H, W) uint8, or float in [0, 1]. boxes: (B, 4) top, left, height, width in pixels, each side at least 1.
    flips: (B,) bool -> (B, 3, H, W) float32 in [0, 1]
    """
    height, width = images.shape[2:]
    rows = _sampled(boxes[:, 0], boxes[:, 2], height, size or height)
    columns = _sampled(boxes[:, 1], boxes[:, 3], width, size or width)
    columns = torch.where(flips[:, None], columns.flip(1), columns)
    # Complex numbers are pairs (column, row), and adding them is three times as fast as stacking.
    grid = torch.view_as_real(columns[:, None, :] + (1j * rows)[:, :, None])
    pixels = images.float().div_(255) if images.dtype == torch.uint8 else images.float()
    return F.grid_sample(pixels, grid, align_corners=False).clamp_(0, 1)


def _sampled(start: Tensor, length: Tensor, size: int, count: int) -> Tensor:
    """start, length: (B,) of a box along one side of `size` pixels -> (B, count) where to look, as grid_sample counts: -1 to 1."""
    centers = (torch.arange(count, device=start.device) + 0.5) / count
    places = start[:, None] + centers * length[:, None]
    # A crop knows nothing of the pixels beyond its edge, so interpolation must not reach past the centers of its outermost ones.
    inside = torch.minimum(torch.maximum(places, start[:, None] + 0.5), (start + length)[:, None] - 0.5)
    return inside * (2 / size) - 1


def color_matrix(brightness: Tensor, contrast: Tensor, saturation: Tensor, means: Tensor) -> Tensor:
    """Brightness, contrast and saturation, in this order, as one affine map of the colors of each image.

    brightness, contrast, saturation: (B,) factors. means: (B, 3) mean colors -> (B, 3, 4), the last column an offset.
    Contrast pulls toward the mean gray, which is linear in the mean color: so the map is exact until a color leaves [0, 1].
    torchvision clamps after each operation and `recolor` once at the end: with factors of 0.6 to 1.4 that moves a color of
    CIFAR-10 by 0.002 on average and 0.15 at most.
    """
    luma = _luma(means.device)
    saturation = saturation[:, None, None]
    colors = saturation * torch.eye(3, device=means.device) + (1 - saturation) * luma
    mean_gray = brightness * (means @ luma)
    offset = colors.sum(2) * ((1 - contrast) * mean_gray)[:, None]
    return torch.cat((colors * (brightness * contrast)[:, None, None], offset[:, :, None]), 2)


@cache
def _luma(device: torch.device) -> Tensor:
    """LUMA as a tensor, made once a device: a copy from the host would have to wait for everything before it."""
    return torch.tensor(LUMA, device=device)


def recolor(images: Tensor, matrix: Tensor) -> Tensor:
    """Maps every color of each image. images: (B, 3, H, W), matrix: (B, 3, 4) of `color_matrix` -> (B, 3, H, W) in [0, 1]"""
    return torch.baddbmm(matrix[:, :, 3:], matrix[:, :, :3], images.flatten(2)).clamp_(0, 1).view_as(images)


def turn_hue(images: Tensor, turns: Tensor) -> Tensor:
    """Turns the colors of each image around the color wheel: (B, 3, H, W) in [0, 1], (B,) turns in [-0.5, 0.5] -> (B, 3, H, W)

    Exactly the HSV rotation of torchvision's adjust_hue. A matrix (a rotation about the gray axis) would make `augment` up to
    twice as fast, but its colors are up to 0.33 off, and 0.02 on average on photos: saturated colors leave the gamut, and fade.
    """
    red, green, blue = images.unbind(1)
    high = torch.maximum(torch.maximum(red, green), blue)
    low = torch.minimum(torch.minimum(red, green), blue)
    chroma = (high - low).clamp_min_(1e-12)
    # The place on the color wheel, red 0, green 2, blue 4: 1 + green + blue - red in shares of the chroma is its distance from
    # red on the side of green as on the side of blue, which saves HSV's three cases.
    distance = (green + blue).sub_(red).sub_(low).div_(chroma).add_(1)
    place = distance.copysign_(green - blue).add_(6 * turns[:, None, None])
    place.sub_((place / 6).floor_(), alpha=6)
    turned = torch.empty_like(images)
    torch.addcmul(low.sub_(chroma), chroma, (place - 3).abs_().clamp_(1, 2), out=turned[:, 0])
    torch.addcmul(high.add_(chroma), chroma, (place - 2).abs_().clamp_(1, 2), value=-1, out=turned[:, 1])
    torch.addcmul(high, chroma, place.sub_(4).abs_().clamp_(1, 2), value=-1, out=turned[:, 2])
    return turned.clamp_(0, 1)


def to_gray(images: Tensor, chosen: Tensor) -> Tensor:
    """Takes the color out of the chosen images. images: (B, 3, H, W), chosen: (B,) bool -> (B, 3, H, W)"""
    brightness = torch.bmm(_luma(images.device).expand(len(images), 1, 3), images.flatten(2))
    return _replaced(images, brightness.view_as(images[:, :1]), chosen)


def blur(images: Tensor, sigmas: Tensor) -> Tensor:
    """Gaussian blur, its kernel a tenth as wide as the image: (B, 3, H, W), sigmas (B,) in pixels, 0: no blur -> (B, 3, H, W)"""
    for side in (2, 3):
        images = _blur_along(images, sigmas, side)
    return images


def _blur_along(images: Tensor, sigmas: Tensor, side: int) -> Tensor:
    """Sums shifted copies, each with its weight: for these few taps faster than a convolution with one kernel an image."""
    size = images.shape[side]
    reach = min(max(1, size // 20), size - 1)
    taps = torch.arange(-reach, reach + 1, device=images.device)
    # At sigma 0 all weight stands on the middle, exactly; the floor only avoids 0 / 0.
    weights = torch.softmax(-0.5 * (taps / sigmas[:, None].clamp_min(1e-3)) ** 2, 1)[:, :, None, None, None]
    padded = F.pad(images, (reach, reach, 0, 0) if side == 3 else (0, 0, reach, reach), mode="reflect")
    blurred = padded.narrow(side, 0, size) * weights[:, 0]
    for tap in range(1, 2 * reach + 1):
        blurred.addcmul_(padded.narrow(side, tap, size), weights[:, tap])
    return blurred.clamp_(0, 1)


def solarize(images: Tensor, chosen: Tensor) -> Tensor:
    """Inverts what is brighter than one half in the chosen images. images: (B, 3, H, W), chosen: (B,) bool -> (B, 3, H, W)"""
    return _replaced(images, torch.minimum(images, 1 - images), chosen)


def _replaced(images: Tensor, others: Tensor, chosen: Tensor) -> Tensor:
    """`others` where `chosen`, `images` elsewhere, exactly. images, others: (B, 3, H, W), chosen: (B,) bool -> (B, 3, H, W)"""
    return images.lerp(others, chosen.float()[:, None, None, None])  # on a CPU several times faster than `where`
