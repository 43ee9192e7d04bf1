"""Numbers of more than 8 bits, from the file to the pixel: one range for a whole set, and no number that becomes a wrong one."""

import io
import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image
from test_own import command

from playground import RunConfig
from playground.datasets import CATALOG, DataError, intake, own
from playground.datasets.decoding import GROUND, decode
from playground.datasets.ranges import Range, guess
from playground.knobs import ConfigError
from playground.ui.settings import read
from playground.web.landing import squared


def tiff(file, values, **how):
    tifffile.imwrite(file, values, **how)
    return file


def png16(file, values, trns=b""):
    """(H, W, C) uint16 -> a PNG: gray, gray and alpha, RGB or RGBA, by the number of channels."""

    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    height, width, many = values.shape
    begin = struct.pack(">IIBBBBB", width, height, 16, {1: 0, 2: 4, 3: 2, 4: 6}[many], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    transparent = chunk(b"tRNS", trns) if trns else b""
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", begin) + transparent + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    return file


def ramp(low, high, kind, side=48):
    """From the one to the other, column by column."""
    return np.repeat(np.linspace(low, high, side)[None], side, 0).astype(kind)


def added(home, made, many=20, **how):
    """A set of images: made(file, number) writes each. -> its dataset."""
    (home / "deep").mkdir()
    for number in range(many):
        made(home / "deep" / f"{number:02}.img", number)
    list(intake.add(home / "deep", **how))
    return CATALOG["own-deep"]


def means(kind, **knobs):
    """The mean of each image, in the order of their names."""
    knobs = kind.Knobs(**knobs)
    list(kind.fetch(knobs, None))
    pixels = np.concatenate([part.pixels.numpy() for part in kind.load(knobs, None)])
    found = np.empty(len(pixels))
    found[[int(file.stem) for file in own.ordered(kind.own, kind.place, 0)]] = pixels.mean((1, 2, 3))
    return found


def test_twelve_bits_in_a_file_of_sixteen_are_not_black(home):
    def made(file, number):
        if number % 2:
            return png16(file, ramp(0, 4095, np.uint16)[..., None])
        return tiff(file, ramp(0, 4095, np.uint16), byteorder="<>"[number // 2 % 2])

    kind = added(home, made)
    assert (kind.own.numbers.low, kind.own.numbers.high, kind.own.numbers.pictures) == (0, 4095, 20)
    assert np.abs(means(kind) - 127.5).max() < 1  # of all 16 bits it would be 7.8


def test_twelve_bits_in_sixteen_of_each_color_are_not_black(home):
    """Pillow alone gives the upper bytes only: 16 different levels."""
    colors = np.stack([ramp(0, 4095, np.uint16), ramp(4095, 0, np.uint16), ramp(2047, 2047, np.uint16)], -1)

    def made(file, number):
        if number % 3 == 0:
            return png16(file, colors)
        return tiff(file, colors, photometric="rgb", byteorder="<>"[number % 2], compression=[None, "zlib"][number // 2 % 2])

    kind = added(home, made, many=24)
    pixels = np.concatenate([part.pixels.numpy() for part in kind.load(kind.Knobs(), None)])
    assert np.abs(pixels.mean((2, 3)) - [127.5, 127.5, 127.5]).max() < 1
    assert all(len(np.unique(each[0])) == kind.Knobs().size for each in pixels)


def test_what_is_not_a_number_does_not_stretch_the_range(home):
    def made(file, number):
        values = ramp(100, 355, np.float32)
        values[:8] = (np.nan, np.inf, -np.inf)[number % 3]
        return tiff(file, values)

    kind = added(home, made)
    assert (kind.own.numbers.low, kind.own.numbers.high) == (100, 355)
    assert np.abs(means(kind) - (127.5 * 40 + GROUND[0] * 8) / 48).max() < 1.5


def test_the_number_that_stands_for_none_is_left_out(home):
    def made(file, number):
        values = ramp(100, 355, np.float32)
        values[:8] = -9999
        return tiff(file, values, extratags=[(42113, "s", 0, "-9999", True)])

    kind = added(home, made)
    assert (kind.own.numbers.low, kind.own.numbers.high) == (100, 355)
    assert np.abs(means(kind) - 127.5).max() < 2


def test_unsigned_numbers_of_32_bits_do_not_wrap_around(home):
    kind = added(home, lambda file, number: tiff(file, ramp(0, 2**32 - 1, np.uint32)))
    pixels = kind.load(kind.Knobs(), None)[0].pixels[0, 0, 0].numpy().astype(int)
    assert np.abs(pixels - np.linspace(0, 255, len(pixels))).max() <= 3
    assert (np.diff(pixels) > 0).all()


@pytest.mark.parametrize("white", [False, True])
@pytest.mark.parametrize("packed", [None, "zlib"])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", ["i1", "u2", "i2", "u4", "i4", "f4", "f8"])
def test_gray_of_every_type_order_and_packing_is_read_as_it_was_written(kind, order, packed, white, tmp_path):
    low, high = (-100, 100) if kind[0] != "u" else (0, 200)
    file = tiff(
        tmp_path / "x", ramp(low, high, kind), byteorder=order, compression=packed, photometric="miniswhite" if white else "minisblack"
    )
    pixels = decode(file, 48, "crop", Range(low, high))[0, 0].astype(int)
    assert np.abs((255 - pixels if white else pixels) - np.linspace(0, 255, 48)).max() <= 2


def test_signed_bytes_do_not_wrap_around(tmp_path):
    pixels = decode(tiff(tmp_path / "x", ramp(-128, 127, np.int8)), 48, "crop")[0, 0].astype(int)
    assert np.abs(pixels - np.linspace(0, 255, 48)).max() <= 2 and (np.diff(pixels) > 0).all()


@pytest.mark.parametrize("kind", ["u1", "u2", "f4"])
def test_where_the_smallest_number_is_white_it_is_white(kind, tmp_path):
    values = ramp(0, 255, kind) if kind == "u1" else ramp(0, 65535, kind)
    pixels = decode(tiff(tmp_path / "x", values, photometric="miniswhite"), 48, "crop")[0, 0]
    assert (pixels[0], pixels[-1]) == (255, 0)


@pytest.mark.parametrize("kind", [np.int32, np.float32, np.int16, np.uint16])
def test_a_dark_picture_stays_darker_than_a_bright_one(kind, home):
    kind = added(home, lambda file, number: tiff(file, ramp(100 * number, 100 * number + 200, kind)))
    assert (kind.own.numbers.low, kind.own.numbers.high) == (0, 2100) or kind.own.numbers.high == 4095
    assert (np.diff(means(kind)) > 5).all()


def test_a_range_that_is_known_is_used_and_nothing_is_guessed(home):
    kind = added(home, lambda file, number: tiff(file, ramp(0, 1000, np.uint16)), range=Range(0, 4000))
    assert np.abs(means(kind) - 127.5 / 4).max() < 1
    assert "0 and below is black, 4000 and above is white" in kind.remarks(None, None)[1]
    assert "guess" not in kind.remarks(None, None)[1]


@pytest.mark.slow
def test_a_guess_is_told_and_another_range_may_be_chosen_on_the_page_and_in_a_link(home):
    kind = added(home, lambda file, number: tiff(file, ramp(1000, 3000, np.float32)))
    assert "20 images have more than 8 bits: 1000 and below is black, 3000 and above is white" in kind.remarks(None, None)[1]
    assert "This range is an estimate" in kind.remarks(None, None)[1]
    assert np.abs(means(kind) - 127.5).max() < 1
    chosen = kind.Knobs(range_low=-1000.0)
    assert np.abs(means(kind, range_low=-1000.0) - 191).max() < 1
    assert "-1000 and below is black" in kind.remarks(chosen, None)[1] and "guess" not in kind.remarks(chosen, None)[1]
    assert np.abs(means(kind) - 127.5).max() < 1  # both are kept beside each other
    config = RunConfig(data="own-deep", **{"data.range_low": -1000.0})
    assert RunConfig.from_query(config.to_query()) == config == RunConfig.from_json(config.to_json())
    with pytest.raises(ConfigError, match=r"range_low must be below range_high, got 5000 and 3000") as error:
        RunConfig(data="own-deep", **{"data.range_low": 5000})
    assert error.value.key == "data.range_low"
    assert read({"data": "own-deep", "data.range_low": "5000", "seed": "7"}).flat["seed"] == 7
    with pytest.raises(ConfigError, match="range_low must be a number, got dark"):
        RunConfig(data="own-deep", **{"data.range_low": "dark"})


def test_a_picture_that_is_brought_to_a_run_is_seen_in_the_range_of_its_set(home):
    added(home, lambda file, number: tiff(file, ramp(0, 4000, np.float32)))
    dark = io.BytesIO()
    tifffile.imwrite(dark, ramp(0, 1000, np.float32))
    assert squared(dark.getvalue(), RunConfig(data="own-deep")).float().mean().round() == 31
    assert squared(dark.getvalue(), RunConfig()).float().mean().round() == 125  # of a set without a range: by itself, 10 bits


def test_pictures_of_8_bits_have_no_range(home):
    kind = added(home, lambda file, number: Image.new("RGB", (40, 40), (number, 9, 9)).save(file, "PNG"))
    assert kind.own.numbers is None and "range_low" not in kind.Knobs.model_fields
    assert sorted(each.name for each in (kind.place / "prepared").glob("*.npy")) == ["32-crop-0.npy"]
    own.remove("deep")
    with pytest.raises(DataError, match=r"^a range is for images of more than 8 bits, got deep, which has no such images$"):
        list(intake.add(home / "deep", range=Range(0, 1)))


def test_the_command_line_sets_a_range(home):
    (home / "deep").mkdir()
    for number in range(16):
        tiff(home / "deep" / f"{number}.tif", ramp(0, 900, np.uint16))
    assert "0 and below is black, 4095 and above is white" in command("add", str(home / "deep"), "--range", "0", "4095")
    own.remove("deep")
    with pytest.raises(ValueError, match=r"^a range must be two numbers, the smaller one first, got 5 3$"):
        command("add", str(home / "deep"), "--range", "5", "3")


@pytest.mark.parametrize("channels", [2, 4])
def test_half_covered_16_bits_lie_over_gray(channels, tmp_path):
    values = np.full((40, 40, channels), 65535, np.uint16)
    values[:, :20, -1] = 0  # invisible
    pixels = decode(png16(tmp_path / "x", values), 40, "crop", Range(0, 65535))
    assert pixels[0, 20, 5] == GROUND[0] and pixels[0, 20, 35] == 255


@pytest.mark.parametrize("channels", [1, 3])
def test_the_one_number_that_a_png_calls_transparent_lies_over_gray(channels, tmp_path):
    values = np.repeat(ramp(0, 65535, np.uint16)[..., None], channels, -1)
    file = png16(tmp_path / "x", values, trns=struct.pack(">H", 65535) * channels)
    assert decode(file, 48, "crop", Range(0, 65535))[0, 20, -1] == GROUND[0]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.linspace(0, 4095, 5000), (0, 4095)),
        (np.linspace(300, 3000, 5000), (0, 4095)),  # fills more than half of 12 bits
        (np.linspace(300, 1900, 5000), (301, 1900)),  # less: from percentile to percentile, here rounded outward to tens
        (np.linspace(0, 1, 5000), (0, 1)),
        (np.linspace(0, 0.2, 5000), (0, 0.2)),
        (np.r_[np.linspace(100, 355, 9999), 1e30], (100, 355)),  # one that is broken
        (np.linspace(-5, 5, 5000), (-5, 5)),
        (np.full(9, 7.0), (7, 8)),
        (np.r_[np.zeros(99_999), 50.0], (0, 50)),
    ],
)
def test_a_guess_takes_a_usual_range_or_leaves_out_the_tails(values, expected):
    found = guess(values)
    width = expected[1] - expected[0]
    assert abs(found.low - expected[0]) <= width / 100 and abs(found.high - expected[1]) <= width / 100
