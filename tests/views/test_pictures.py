"""Pictures keep every pixel on their way into a sheet, into an address, and back."""

import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image

from playground.views.pictures import address, as_pixels, png_address, sheet, sprite_sheet, tiles_of


def read(source):
    kind, _, content = source.partition(";base64,")
    assert kind == "data:image/png"
    return np.array(Image.open(io.BytesIO(base64.b64decode(content))))


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (5, 2), (6, 3), (7, 8)])
def test_tiles_come_back_from_their_sheet_and_what_is_left_is_black(count, columns):
    pixels = torch.randint(1, 256, (count, 3, 4, 4), generator=torch.Generator().manual_seed(count), dtype=torch.uint8)
    found = sprite_sheet(pixels.movedim(1, -1).numpy(), columns)
    assert torch.equal(tiles_of(found, 4, count), pixels)
    assert found.shape == (-(-count // columns) * 4, columns * 4, 3)
    assert (found > 0).all(-1).sum() == count * 16  # no pixel of a tile is black here


def test_a_sheet_says_how_it_is_cut():
    pictures = torch.rand(5, 3, 4, 6, generator=torch.Generator().manual_seed(0))
    found = sheet(pictures, 2)
    assert {name: found[name] for name in ("columns", "count", "height", "width")} == {"columns": 2, "count": 5, "height": 4, "width": 6}
    assert np.array_equal(read(found["picture"])[8:12, 0:6], as_pixels(pictures)[4])


def test_values_outside_of_an_image_are_cut_off_and_others_rounded():
    values = torch.tensor([-1.0, 0.0, 0.5, 1.0, 2.0]).expand(3, 1, 5)
    assert as_pixels(values)[0, :, 0].tolist() == [0, 0, 128, 255, 255]


def test_an_address_holds_the_picture_itself():
    picture = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    assert np.array_equal(read(png_address(picture)), picture)
    assert address("svg+xml", b"<svg/>") == "data:image/svg+xml;base64,PHN2Zy8+"
