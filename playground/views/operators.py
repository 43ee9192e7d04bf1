"""The operators of the augmentation, each for a batch on its device, with one parameter per image.

Each agrees with torchvision's operator of the same name. No random numbers are drawn here, and there is no device synchronization.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

LUMA = (0.2989, 0.587, 0.114)  # brightness of red, green and blue, with torchvision's numbers, so that results are equal


def crop_and_flip(images: Tensor, boxes: Tensor, flips: Tensor, size: int | None = None) -> Tensor:
    """Crops a box from each image, resizes it to `size` (default: full size) bilinearly without antialiasing, and mirrors it if `flips`.

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
    """start, length: (B,) of a box along one side of `size` pixels -> (B, count) sample positions in the units of grid_sample, -1 to 1."""
    centers = (torch.arange(count, device=start.device) + 0.5) / count
    places = start[:, None] + centers * length[:, None]
    # A crop must not depend on pixels beyond its edge, so interpolation must not reach past the centers of its outermost pixels.
    inside = torch.minimum(torch.maximum(places, start[:, None] + 0.5), (start + length)[:, None] - 0.5)
    return inside * (2 / size) - 1


def color_matrix(brightness: Tensor, contrast: Tensor, saturation: Tensor, means: Tensor) -> Tensor:
    """Brightness, contrast and saturation, in this order, as one affine map of the colors of each image.

    brightness, contrast, saturation: (B,) factors. means: (B, 3) mean colors -> (B, 3, 4), the last column an offset.
    Contrast interpolates toward the mean gray, which is linear in the mean color, so the map is exact until a color leaves [0, 1].
    torchvision clamps after each operation, `recolor` only once at the end: with factors of 0.6 to 1.4 this changes a color of
    CIFAR-10 by 0.002 on average and at most by 0.15.
    """
    both, gray = brightness * contrast, means @ _luma(means.device)
    kept = both * saturation
    # The sum of each row of `kept` times the identity plus `both - kept` times the luma; contrast changes all rows equally.
    total = torch.lerp(torch.full_like(saturation, sum(LUMA)), torch.ones_like(saturation), saturation)
    parts = torch.stack((kept, both - kept, (brightness - both) * gray * total), 1)
    return (parts @ _parts(means.device)).view(-1, 3, 4)


@cache
def _parts(device: torch.device) -> Tensor:
    """The three parts of each `color_matrix`: identity, luma, and offset. (3, 12)"""
    same = torch.eye(3, 4)
    gray = torch.tensor((*LUMA, 0.0)).expand(3, 4)
    offset = torch.tensor((0.0, 0.0, 0.0, 1.0)).expand(3, 4)
    return torch.stack((same, gray, offset)).flatten(1).to(device)


@cache
def _luma(device: torch.device) -> Tensor:
    """LUMA as a tensor, made once per device: a copy from the host would synchronize."""
    return torch.tensor(LUMA, device=device)


def recolor(images: Tensor, matrix: Tensor) -> Tensor:
    """Maps every color of each image. images: (B, 3, H, W), matrix: (B, 3, 4) of `color_matrix` -> (B, 3, H, W) in [0, 1]"""
    return torch.baddbmm(matrix[:, :, 3:], matrix[:, :, :3], images.flatten(2)).clamp_(0, 1).view_as(images)


def turn_hue(images: Tensor, turns: Tensor) -> Tensor:
    """Rotates the hue of each image: (B, 3, H, W) in [0, 1], (B,) turns in [-0.5, 0.5] -> (B, 3, H, W)

    Exactly the HSV rotation of torchvision's adjust_hue. A matrix (a rotation about the gray axis) would make `augment` up to
    twice as fast, but its error is up to 0.33, and 0.02 on average on photographs: saturated colors leave the gamut and become paler.
    """
    red, green, blue = images.unbind(1)
    high, low = images.amax(1), images.amin(1)
    chroma = (high - low).clamp_min_(1e-12)
    # The hue in sixths of a turn, red 0, green 2, blue 4: 1 + green + blue - red, divided by the chroma, is its distance from
    # red toward green as well as toward blue, which avoids the three cases of HSV.
    distance = (green + blue).sub_(red).sub_(low).div_(chroma).add_(1).copysign_(green - blue)
    place = torch.add(turns[:, None, None] + 1, distance, alpha=1 / 6).frac_()  # from here on in turns
    turned = torch.empty_like(images)
    torch.addcmul(low.sub_(chroma), chroma, (place - 1 / 2).abs_().clamp_(1 / 6, 1 / 3), value=6, out=turned[:, 0])
    torch.addcmul(high.add_(chroma), chroma, (place - 1 / 3).abs_().clamp_(1 / 6, 1 / 3), value=-6, out=turned[:, 1])
    torch.addcmul(high, chroma, place.sub_(2 / 3).abs_().clamp_(1 / 6, 1 / 3), value=-6, out=turned[:, 2])
    return turned.clamp_(0, 1)


def to_gray(images: Tensor, chosen: Tensor) -> Tensor:
    """Converts the chosen images to gray. images: (B, 3, H, W), chosen: (B,) bool -> (B, 3, H, W)"""
    brightness = torch.bmm(_luma(images.device).expand(len(images), 1, 3), images.flatten(2))
    return _replaced(images, brightness.view_as(images[:, :1]), chosen)


def blur(images: Tensor, sigmas: Tensor) -> Tensor:
    """Gaussian blur, its kernel a tenth as wide as the image: (B, 3, H, W), sigmas (B,) in pixels, 0: no blur -> (B, 3, H, W)"""
    for side in (2, 3):
        images = _blur_along(images, sigmas, side)
    return images


def _blur_along(images: Tensor, sigmas: Tensor, side: int) -> Tensor:
    """A weighted sum of shifted copies: with few taps this is faster than a convolution with one kernel per image."""
    size = images.shape[side]
    reach = min(max(1, size // 20), size - 1)
    taps = torch.arange(-reach, reach + 1, device=images.device)
    # At sigma 0 the center has exactly all of the weight; the minimum only avoids 0 / 0.
    weights = torch.softmax(-0.5 * (taps / sigmas[:, None].clamp_min(1e-3)) ** 2, 1)[:, :, None, None, None]
    padded = F.pad(images, (reach, reach, 0, 0) if side == 3 else (0, 0, reach, reach), mode="reflect")
    blurred = padded.narrow(side, 0, size) * weights[:, 0]
    for tap in range(1, 2 * reach + 1):
        blurred.addcmul_(padded.narrow(side, tap, size), weights[:, tap])
    return blurred.clamp_(0, 1)


def solarize(images: Tensor, chosen: Tensor) -> Tensor:
    """Inverts pixels brighter than one half in the chosen images. images: (B, 3, H, W), chosen: (B,) bool -> (B, 3, H, W)"""
    return _replaced(images, torch.minimum(images, 1 - images), chosen)


def _replaced(images: Tensor, others: Tensor, chosen: Tensor) -> Tensor:
    """`others` where `chosen`, `images` elsewhere, exactly. images, others: (B, 3, H, W), chosen: (B,) bool -> (B, 3, H, W)"""
    return images.lerp(others, chosen.float()[:, None, None, None])  # on a CPU several times faster than `where`
