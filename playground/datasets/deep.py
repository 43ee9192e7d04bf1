"""The exact values of an image with more than 8 bits per channel. Pillow alone gives wrong ones, or only their upper 8 bits.

What Pillow gets wrong: the lower byte of 16-bit color is dropped, unsigned 32-bit and signed 8-bit numbers wrap around, a TIFF in which
the smallest number is white comes out as its negative, and in one that is compressed and has the larger byte first the bytes are
swapped once too often. What it does not open by itself, though it can: floats of 64 bits, and some orders of bytes.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import OPEN_INFO, TiffImageFile

from playground.datasets.ranges import Range

BITS, PHOTOMETRIC, FORMAT, NODATA = 258, 262, 339, 42113  # tags of TIFF; the last is GDAL's
UNSIGNED, SIGNED, FLOAT = 1, 2, 3  # values of FORMAT
MIN_IS_WHITE, MIN_IS_BLACK = 0, 1  # values of PHOTOMETRIC
OTHER_BYTE = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}  # byte orders of Pillow's names
GRAYS = {  # format, bits -> Pillow's mode and name of the layout, less the order of bytes
    (UNSIGNED, 16): ("I;16{}", "I;16{}"),
    (UNSIGNED, 32): ("I", "I;32{}"),
    (SIGNED, 8): ("L", "L"),
    (SIGNED, 16): ("I", "I;16{}S"),
    (SIGNED, 32): ("I", "I;32{}S"),
    (FLOAT, 64): ("F", "F;64{}F"),
}
for order, letter in ((b"II", ""), (b"MM", "B")):
    for white in (MIN_IS_WHITE, MIN_IS_BLACK):
        for (kind, bits), (mode, raw) in GRAYS.items():
            OPEN_INFO.setdefault((order, white, (kind,), 1, (bits,), ()), (mode.format(letter), raw.format(letter)))


@dataclass(frozen=True)
class Numbers:
    """channels: one or three of (H, W); missing: (H, W), where there is no number; cover: (H, W) in [0, 1], how opaque it is."""

    channels: list[np.ndarray]
    missing: np.ndarray
    cover: np.ndarray | None = None
    min_is_white: bool = False

    def valid(self) -> np.ndarray:
        """Those that count: (K,), of all channels."""
        return np.concatenate([channel[~self.missing] for channel in self.channels])

    def levels(self, range: Range, ground: float) -> Iterator[np.ndarray]:
        """Channel after channel, (H, W) float32 from 0 to 255, over `ground` where they are missing or not opaque."""
        for channel in self.channels:
            levels = range.levels(channel)
            if self.min_is_white:
                levels = 255 - levels
            levels[self.missing] = ground
            yield levels if self.cover is None else ground + (levels - ground) * self.cover


def is_deep(picture: ImageFile) -> bool:
    """Whether it has more than 8 bits a channel, or others than Pillow takes them for; by its header alone."""
    return picture.mode[0] in "IF" or _color_of_16_bits(picture) or _is_signed_byte(picture)


def numbers(picture: ImageFile) -> Numbers:
    """The exact values of a deep image whose header was read. Raises the errors of Pillow's readers."""
    channels, cover = _color(picture) if _color_of_16_bits(picture) else ([_gray(picture)], None)
    white = isinstance(picture, TiffImageFile) and picture.tag_v2.get(PHOTOMETRIC) == MIN_IS_WHITE
    return Numbers(channels, _missing(channels, _nodata(picture)), cover, white)


def _gray(picture: ImageFile) -> np.ndarray:
    raw = _raw_mode(picture)
    if picture.tile and picture.tile[0].codec_name == "libtiff":  # it gives the bytes in the order of this machine
        picture = _with_raw_mode(picture, re.sub(r"^([IF];\d+)B", r"\1N", raw))
    values = np.asarray(picture)
    if _is_signed_byte(picture):
        return values.view(np.int8)
    if isinstance(picture, TiffImageFile) and values.dtype == np.int32:
        unsigned = picture.tag_v2.get(BITS) == (32,) and picture.tag_v2.get(FORMAT, (UNSIGNED,))[0] == UNSIGNED
        return values.view(np.uint32) if unsigned else values
    return values.astype(values.dtype.newbyteorder("="))


def _color(picture: ImageFile) -> tuple[list[np.ndarray], np.ndarray | None]:
    """Decoded twice: as Pillow does, for the upper bytes, and as if the bytes of each number were swapped, for the lower ones."""
    file, raw = picture.fp, _raw_mode(picture)
    if raw == "LA;16B":  # four bytes a pixel, taken as they are
        bytes = np.asarray(_with_raw_mode(picture, "RGBA"))
        return [_joined(bytes[..., 0], bytes[..., 1])], _opacity(bytes[..., 2])
    upper = np.asarray(picture)
    assert file is not None
    file.seek(0)
    lower = np.asarray(_with_raw_mode(type(picture)(file, ""), raw[:-1] + OTHER_BYTE[raw[-1]]))
    cover = _opacity(upper[..., 3]) if upper.shape[-1] == 4 else None
    return [_joined(upper[..., i], lower[..., i]) for i in range(3)], cover


def _joined(upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    return upper.astype(np.uint16) << 8 | lower


def _opacity(alpha: np.ndarray) -> np.ndarray:
    return alpha.astype(np.float32) / 255


def _with_raw_mode(picture: ImageFile, raw: str) -> ImageFile:
    """The same image, to be decoded as if its bytes were laid out otherwise."""
    picture.tile = [each._replace(args=raw if isinstance(each.args, str) else (raw, *(each.args or ())[1:])) for each in picture.tile]
    return picture


def _raw_mode(picture: ImageFile) -> str:
    """How its bytes are laid out, in Pillow's words: RGB;16B; "" where the reader does not say."""
    args = picture.tile[0].args if picture.tile else ""
    first = args if isinstance(args, str) else (args or ("",))[0]
    return first if isinstance(first, str) else ""


def _color_of_16_bits(picture: ImageFile) -> bool:
    return _raw_mode(picture)[:-1] in ("RGB;16", "RGBA;16", "RGBX;16", "LA;16")


def _is_signed_byte(picture: ImageFile) -> bool:
    return isinstance(picture, TiffImageFile) and picture.mode == "L" and picture.tag_v2.get(FORMAT, (UNSIGNED,))[0] == SIGNED


def _nodata(picture: ImageFile) -> tuple[float, ...]:
    """The number that stands for none, one for each channel, or one for all; () if there is none."""
    if isinstance(picture, TiffImageFile):
        try:
            return (float(str(picture.tag_v2.get(NODATA, "")).strip("\0 ")),)
        except ValueError:
            return ()
    given = picture.info.get("transparency")  # of a PNG: a number of its own for each channel
    return given if isinstance(given, tuple) else () if given is None or isinstance(given, bytes) else (given,)


def _missing(channels: list[np.ndarray], nodata: tuple[float, ...]) -> np.ndarray:
    """(H, W): in any channel not finite, or in all of them the number that stands for none."""
    missing = np.zeros(channels[0].shape, bool)
    for channel in channels:
        if channel.dtype.kind == "f":
            missing |= ~np.isfinite(channel)
    if nodata:
        given = nodata if len(nodata) == len(channels) else nodata * len(channels)
        with np.errstate(over="ignore"):
            missing |= np.logical_and.reduce([channel == none for channel, none in zip(channels, given, strict=False)])
    return missing
