"""One image of any kind and origin -> (3, size, size) bytes; files that cannot be read are refused with a short reason.

The kind is determined by the first bytes, not by the name. Limits are checked on the header, before any pixel is decoded.
Several threads can decode at once, because Pillow releases Python's lock. Messages of Pillow and its libraries about a file do not go
to the terminal; the reason replaces them.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, cast

import numpy as np
from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from playground.datasets.deep import Numbers, is_deep, numbers
from playground.datasets.ranges import Range, guess
from playground.datasets.unread import in_planes, tiff_in_words, what_it_is

warnings.filterwarnings("ignore", module=r"PIL\.")
logging.getLogger("PIL").addHandler(logging.NullHandler())
logging.getLogger("PIL").propagate = False
for speaker in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
    with contextlib.suppress(AttributeError, OSError):  # without access to libtiff, its messages are not suppressed
        ctypes.CDLL(Image.core.__file__)[speaker](None)

Fit = Literal["crop", "squeeze"]

MAX_PIXELS = 80_000_000  # below where Pillow itself begins to warn
MAX_BYTES = 1 << 29  # of one file
SAMPLED = 1 << 14  # values of one image, at most, from which a range is estimated
READ = "JPEG, PNG, WebP, GIF, TIFF and BMP are read"
GROUND = (128, 128, 128)  # behind transparency: a white drawing would be invisible on white, a black one on black
READERS: tuple[tuple[bytes, str, type[ImageFile]], ...] = (  # first bytes, usual ending, Pillow's reader
    (b"\xff\xd8\xff", ".jpg", JpegImageFile),  # first image of an MPO too
    (b"\x89PNG\r\n\x1a\n", ".png", PngImageFile),
    (b"RIFF", ".webp", WebPImageFile),
    (b"GIF8", ".gif", GifImageFile),
    (b"II*\0", ".tif", TiffImageFile),
    (b"MM\0*", ".tif", TiffImageFile),
    (b"II+\0", ".tif", TiffImageFile),
    (b"MM\0+", ".tif", TiffImageFile),
    (b"BM", ".bmp", BmpImageFile),
)
TURNS = {  # the orientation of EXIF -> what makes it upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


ENDINGS = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".tif", ".tiff", ".bmp"}


class Unreadable(ValueError):  # noqa: N818
    """A file that cannot be read as an image; the text is a short reason, without the file's name."""


@dataclass(frozen=True)
class Header:
    """The header of an image, before any pixel is decoded. deep: it has more than 8 bits per channel."""

    width: int
    height: int
    deep: bool


def decode(source: Path | BinaryIO, size: int, fit: Fit, range: Range | None = None) -> np.ndarray:
    """The first image in a file, on the disk or in memory -> (3, size, size) uint8. Raises Unreadable.

    crop: the center square, resized to `size`; squeeze: the whole image, with its proportions changed. Antialiased.
    range: of values of more than 8 bits; estimated from this image alone if left out.
    """
    with _opened(source) as picture, _in_a_sentence(picture):
        return _square(picture, size, fit, range)


def header(source: Path) -> Header:
    """Raises Unreadable."""
    with _opened(source) as picture:
        return Header(*picture.size, is_deep(picture))


def sample(source: Path) -> np.ndarray:
    """A sample of the values of an image with more than 8 bits: (K,), K <= SAMPLED. Raises Unreadable."""
    with _opened(source) as picture, _in_a_sentence(picture):
        return _sampled(numbers(picture))


def unknown(name: str) -> str:
    """Why a file whose first bytes are not those of an image is not read: with the ending of an image it is damaged."""
    if os.path.splitext(name)[1].lower() in ENDINGS:
        return "the image is damaged, or its ending is wrong: its first bytes are not those of an image that is read"
    return f"it is not an image of a known kind: {READ}"


def suffix(head: bytes) -> str:
    """The ending for a file with these first bytes, "" if it is not an image that can be read."""
    found = _reader(head)
    return found[0] if found else ""


def _reader(head: bytes) -> tuple[str, type[ImageFile]] | None:
    if head.startswith(b"RIFF") and head[8:12] != b"WEBP":
        return None
    return next(((ending, reader) for start, ending, reader in READERS if head.startswith(start)), None)


@contextlib.contextmanager
def _opened(source: Path | BinaryIO) -> Iterator[ImageFile]:
    """The image with only its header read and its limits checked."""
    if not isinstance(source, Path):
        yield _within_limits(source)
        return
    try:
        file = source.open("rb")
    except OSError as error:
        raise Unreadable(f"it cannot be opened: {error.strerror}") from None
    with file:
        yield _within_limits(file)


@contextlib.contextmanager
def _in_a_sentence(picture: ImageFile) -> Iterator[None]:
    """Pillow's readers raise many kinds of errors for a damaged file: inside, they become Unreadable."""
    file = picture.fp
    try:
        yield
    except Unreadable:
        raise
    except Exception as error:
        jpeg = isinstance(picture, JpegImageFile) and file is not None  # a lossless one is detected only when it is decoded
        raise Unreadable(_not_read(what_it_is(cast(BinaryIO, file)) if jpeg else "") or _reason(error)) from None


def _within_limits(file: BinaryIO) -> ImageFile:
    length = file.seek(0, 2)
    file.seek(0)
    if length == 0:
        raise Unreadable("the file is empty")
    if length > MAX_BYTES:
        raise Unreadable(f"the file has {length:,} bytes, at most {MAX_BYTES:,} are read")
    found = _reader(file.read(16))
    if found is None:
        raise Unreadable(unknown(str(getattr(file, "name", ""))))
    file.seek(0)
    try:
        picture = found[1](file, "")  # not Image.open, which warns about large images by a global limit
    except Exception as error:
        raise Unreadable(_not_read(what_it_is(file)) or _reason(error)) from None
    if isinstance(picture, TiffImageFile) and in_planes(picture.tag_v2):
        raise Unreadable(_not_read(tiff_in_words(picture.tag_v2)))
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise Unreadable(f"it has {width:,} x {height:,} pixels, at most {MAX_PIXELS:,} are read")
    return picture


def _not_read(what: str) -> str:
    return what and f"it is {what}, which is not read"


def _reason(error: Exception) -> str:
    if isinstance(error, Image.DecompressionBombError | MemoryError):
        return f"it has too many pixels, at most {MAX_PIXELS:,} are read"
    cut = isinstance(error, EOFError) or "truncated" in str(error).lower()
    return "the file is cut off before its end" if cut else "the file is damaged"


def _square(picture: ImageFile, size: int, fit: Fit, range: Range | None) -> np.ndarray:
    picture.draft(None, (2 * size, 2 * size))  # a JPEG is decoded at a half, quarter or eighth where that is enough
    deep = numbers(picture) if is_deep(picture) else None
    picture.load()
    width, height = picture.size
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    box = (left, top, left + side, top + side) if fit == "crop" else (0, 0, width, height)

    def resized(whole: Image.Image) -> Image.Image:
        return whole.resize((size, size), Image.Resampling.BICUBIC, box, reducing_gap=2.0)

    small = _opaque(resized(_resizable(picture))) if deep is None else _as_bytes(deep, range, resized)
    return np.ascontiguousarray(np.asarray(_upright(small, picture).convert("RGB")).transpose(2, 0, 1))


def _resizable(picture: Image.Image) -> Image.Image:
    """In a mode whose values can be averaged, unlike those of a palette."""
    if picture.has_transparency_data:
        return picture.convert("RGBA")
    return picture if picture.mode in ("L", "RGB", "CMYK") else picture.convert("RGB")


def _opaque(small: Image.Image) -> Image.Image:
    if small.mode != "RGBA":
        return small
    ground = Image.new("RGB", small.size, GROUND)
    ground.paste(small, mask=small.getchannel("A"))
    return ground


def _as_bytes(deep: Numbers, range: Range | None, resized: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """Values of more than 8 bits -> 8 bits and opaque. They are clipped to the range before averaging, so that bright spots do not
    spread."""
    if range is None:
        values = _sampled(deep)
        range = guess(values) if len(values) else Range(0, 1)
    small = [np.asarray(resized(Image.fromarray(levels))) for levels in deep.levels(range, GROUND[0])]
    bytes = [Image.fromarray(each.round().clip(0, 255).astype(np.uint8)) for each in small]
    return Image.merge("RGB", bytes) if len(bytes) == 3 else bytes[0]


def _sampled(deep: Numbers) -> np.ndarray:
    values = deep.valid()
    if len(values) > SAMPLED:
        values = values[np.random.default_rng(0).integers(0, len(values), SAMPLED)]
    return values.astype(np.float64)


def _upright(small: Image.Image, picture: ImageFile) -> Image.Image:
    """Rotated according to its EXIF data. After cropping, which is equivalent for a center square, and cheaper."""
    try:
        turn = TURNS.get(picture.getexif().get(0x0112, 1))
    except Exception:  # a damaged note does not spoil an image
        turn = None
    return small if turn is None else small.transpose(turn)
