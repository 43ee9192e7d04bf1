"""Pictures as they are stored and sent: pixels, sprite sheets, and addresses that hold the picture itself.

A sprite sheet is one picture of many tiles of one size, row by row; the places after the last tile are black.
"""

from __future__ import annotations

import base64
import io
import math
from typing import IO, Any

import numpy as np
import torch
from torch import Tensor


def as_pixels(images: Tensor) -> np.ndarray:
    """(..., 3, H, W) in [0, 1] -> (..., H, W, 3) uint8."""
    return (images.detach().float().clamp(0, 1) * 255).round().to(torch.uint8).movedim(-3, -1).cpu().numpy()


def sprite_sheet(tiles: np.ndarray, columns: int) -> np.ndarray:
    """tiles: (N, H, W, 3) -> (rows * H, columns * W, 3) uint8."""
    count, height, width = tiles.shape[:3]
    rows = math.ceil(count / columns)
    padded = np.zeros((rows * columns, height, width, 3), dtype=np.uint8)
    padded[:count] = tiles
    return padded.reshape(rows, columns, height, width, 3).swapaxes(1, 2).reshape(rows * height, columns * width, 3)


def tiles_of(sheet: np.ndarray, side: int, count: int) -> Tensor:
    """The inverse, for square tiles: (rows * side, columns * side, 3) uint8 -> (count, 3, side, side)."""
    rows = torch.from_numpy(sheet).unflatten(0, (-1, side)).unflatten(2, (-1, side))  # (rows, side, columns, side, 3)
    return rows.permute(0, 2, 4, 1, 3).flatten(0, 1)[:count]


def sheet(pictures: Tensor, columns: int) -> dict[str, Any]:
    """(N, 3, H, W) in [0, 1] -> a sprite sheet for the page's scripts: {"picture": an address, "columns", "count", "height", "width"}."""
    tiles = as_pixels(pictures)
    count, height, width = tiles.shape[:3]
    return {"picture": png_address(sprite_sheet(tiles, columns)), "columns": columns, "count": count, "height": height, "width": width}


def write_png(picture: np.ndarray, file: IO[bytes]) -> None:
    """picture: (H, W, 3) uint8. Fast rather than small: at level 1 a sprite sheet takes a third of the time of level 6, and is a tenth
    larger."""
    from PIL import Image  # only here: a machine that trains without pages need not have it

    Image.fromarray(picture).save(file, format="PNG", compress_level=1)


def png_address(picture: np.ndarray) -> str:
    """(H, W, 3) uint8 -> an address that holds the picture itself."""
    file = io.BytesIO()
    write_png(picture, file)
    return address("png", file.getvalue())


def address(kind: str, content: bytes) -> str:
    """An address that holds a picture itself. kind: png, webp or svg+xml."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
