"""Descriptions of complete files that cannot be read, so that they are not called damaged."""

from __future__ import annotations

import struct
from typing import Any, BinaryIO

from PIL.TiffImagePlugin import COMPRESSION_INFO, ImageFileDirectory_v2

TYPES = {1: "uint", 2: "int", 3: "float", 5: "complex int", 6: "complex float"}  # what a TIFF calls them -> numpy's names, less the bits
BITS, COMPRESSION, STRIPS, BANDS, PLANES, TILES, FORMAT = 258, 259, 273, 277, 284, 324, 339  # tags of TIFF
SIZES = {STRIPS: 279, TILES: 325}  # where the data lie -> how long they are
APART = 2  # value of PLANES
BASELINE = (0xC0, 0xC1, 0xC2, 0xC9, 0xCA)  # the first marks of a JPEG's frame that are read; the others are lossless or in layers


def what_it_is(file: BinaryIO) -> str:
    """A TIFF of 13 bands of uint16; a JPEG of 12 bits per channel; "" if it is nothing of this kind, or is not complete."""
    file.seek(0)
    begin = file.read(4)
    try:
        return _jpeg(file) if begin.startswith(b"\xff\xd8") else _tiff(file) if begin[:2] in (b"II", b"MM") else ""
    except Exception:  # a damaged header leads its reader anywhere
        return ""


def in_planes(tags: Any) -> bool:
    """Whether a TIFF keeps the numbers of each color apart, in more than 8 bits: Pillow gives others then."""
    return bool(tags.get(PLANES) == APART and tags.get(BANDS, 1) > 1 and max(tags.get(BITS, (1,))) > 8)


def tiff_in_words(tags: Any) -> str:
    """A description from its tags: a TIFF of 13 bands of uint16."""
    bands, bits, kind = int(tags.get(BANDS, 1)), max(tags.get(BITS, (1,))), tags.get(FORMAT, (1,))[0]
    many = "one band" if bands == 1 else f"{bands} bands"
    planes = ", each on a plane of its own" if in_planes(tags) else ""
    method = tags.get(COMPRESSION, 1)
    packed = "" if method in COMPRESSION_INFO else f", compressed by method {method}"
    return f"a TIFF of {many} of {TYPES.get(kind, 'number')}{bits}{planes}{packed}"


def _tiff(file: BinaryIO) -> str:
    """Only where the numbers are all there."""
    file.seek(0)
    begin = file.read(8)
    if begin[2] == 43 or begin[3] == 43:  # a BigTIFF's header is longer
        begin += file.read(8)
    tags = ImageFileDirectory_v2(begin)
    file.seek(tags.next)
    tags.load(file)
    place = TILES if TILES in tags else STRIPS
    ends = [at + length for at, length in zip(tags[place], tags[SIZES[place]], strict=True)]
    return tiff_in_words(tags) if ends and max(ends) <= file.seek(0, 2) else ""


def _jpeg(file: BinaryIO) -> str:
    """Reads up to the marker of the frame, which gives the coding and the number of bits."""
    file.seek(2)
    while True:
        mark, code, length = struct.unpack(">BBH", file.read(4))
        if mark != 0xFF:
            return ""
        if 0xC0 <= code <= 0xCF and code not in (0xC4, 0xC8, 0xCC):
            bits, _, _, channels = struct.unpack(">BHHB", file.read(6))
            if code not in BASELINE:
                return "a lossless or hierarchical JPEG"
            return f"a JPEG of {channels} channel{'s' * (channels > 1)} of {bits} bits" if bits != 8 or channels not in (1, 3, 4) else ""
        file.seek(length - 2, 1)
