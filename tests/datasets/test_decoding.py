import io
import struct
import subprocess
import sys
import threading
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from playground.datasets.decoding import GROUND, MAX_PIXELS, Unreadable, decode, suffix

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def quarters(mode="RGB", side=40):
    """Red and green above, blue and white below."""
    image = Image.new("RGB", (side, side))
    for place, color in enumerate((RED, GREEN, BLUE, WHITE)):
        image.paste(color, (place % 2 * side // 2, place // 2 * side // 2, (place % 2 + 1) * side // 2, (place // 2 + 1) * side // 2))
    return image.convert(mode)


def corners(pixels):
    """The colors in the middle of each quarter."""
    low, high = pixels.shape[1] // 4, pixels.shape[1] * 3 // 4
    return [tuple(int(each) for each in pixels[:, y, x]) for y, x in ((low, low), (low, high), (high, low), (high, high))]


def near(got, expected, tolerance=3):
    return np.abs(np.array(got) - np.array(expected)).max() <= tolerance


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"])
def test_every_kind_is_told_by_its_content_whatever_its_name(kind, tmp_path):
    file = tmp_path / "picture.txt"
    quarters().save(file, kind, **({"quality": 95} if kind in ("JPEG", "WEBP") else {}))
    pixels = decode(file, 20, "crop")
    assert pixels.shape == (3, 20, 20) and pixels.dtype == np.uint8 and pixels.flags.c_contiguous
    assert near(corners(pixels), [RED, GREEN, BLUE, WHITE], 12)
    assert suffix(file.read_bytes()[:16]) in (".jpg", ".png", ".webp", ".gif", ".tif", ".bmp")


@pytest.mark.parametrize("fit", ["crop", "squeeze"])
def test_crop_takes_the_middle_square_and_squeeze_the_whole(fit, tmp_path):
    wide = Image.new("RGB", (120, 40), BLUE)
    wide.paste(RED, (40, 0, 80, 40))
    wide.save(tmp_path / "wide.png")
    middle = decode(tmp_path / "wide.png", 30, fit)[:, 15]
    expected = [RED] * 3 if fit == "crop" else [BLUE, RED, BLUE]
    assert [tuple(middle[:, x].tolist()) for x in (3, 15, 27)] == expected


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_the_orientation_of_exif_is_applied(orientation, kind, tmp_path):
    """Stored so that a viewer which turns it shows the image upright."""
    undo = {1: [], 2: [0], 3: [3], 4: [1], 5: [5], 6: [2], 7: [6], 8: [4]}[orientation]  # Pillow's transpositions
    stored, exif = quarters(side=64), Image.Exif()
    for each in undo:
        stored = stored.transpose(Image.Transpose(each))
    exif[0x0112] = orientation
    stored.save(tmp_path / "turned", kind, exif=exif, **({"quality": 95} if kind in ("JPEG", "WEBP") else {}))
    assert near(corners(decode(tmp_path / "turned", 16, "crop")), [RED, GREEN, BLUE, WHITE], 12)


def test_sixteen_bits_are_scaled_by_their_whole_range_and_not_clipped(tmp_path):
    values = np.repeat(np.array([[0x1000, 0x4000, 0x8000, 0xC000]], np.uint16), 4, 0)
    for kind in ("PNG", "TIFF"):
        Image.fromarray(values).save(tmp_path / kind, kind)
        assert decode(tmp_path / kind, 4, "crop")[0, 0].tolist() == [16, 64, 128, 191]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([0.0, 0.25, 1.0]), [0, 64, 255]),  # these fill most of [0, 1]: as they are
        (np.array([0.0, 0.1, 0.2]), [0, 128, 255]),
        (np.array([-100.0, 0.0, 300.0]), [0, 64, 255]),  # else from the smallest to the largest
        (np.array([0, 1_000_000, 2_000_000], np.int32), [0, 128, 255]),
        (np.array([7.0, 7.0, 7.0]), [0, 0, 0]),
        (np.array([np.nan, 0.5, np.inf]), [128, 0, 128]),  # what is no number lies over gray
    ],
)
def test_floats_and_long_integers_become_bytes(values, expected, tmp_path):
    values = values if values.dtype == np.int32 else values.astype(np.float32)
    Image.fromarray(np.repeat(values[None], 3, 0)).save(tmp_path / "deep.tif", "TIFF")
    assert decode(tmp_path / "deep.tif", 3, "crop")[1, 1].tolist() == expected


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGBA", "CMYK"])
def test_every_mode_becomes_rgb(mode, tmp_path):
    kind = "TIFF" if mode == "CMYK" else "PNG"
    quarters(mode).save(tmp_path / "file", kind)
    expected = [RED, GREEN, BLUE, WHITE]
    if mode in ("L", "LA", "1"):
        gray = [np.array(quarters(mode).convert("L"))[y, x] for y in (10, 30) for x in (10, 30)] if mode != "1" else []
        expected = [(each,) * 3 for each in gray]
    got = corners(decode(tmp_path / "file", 20, "crop"))
    if mode == "1":  # dithered: only white is a color of its own
        assert got[3] == WHITE and len({len(set(each)) for each in got}) == 1
    else:
        assert near(got, expected)


def test_the_cmyk_of_adobe_which_is_stored_inverted_keeps_its_colors(tmp_path):
    quarters("CMYK").save(tmp_path / "press.jpg", "JPEG", quality=95)
    assert b"Adobe" in (tmp_path / "press.jpg").read_bytes()
    assert near(corners(decode(tmp_path / "press.jpg", 20, "crop")), [RED, GREEN, BLUE, WHITE], 20)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "palette PNG"])
def test_what_is_transparent_lies_over_gray(kind, tmp_path):
    image = quarters("RGBA")
    image.paste((255, 255, 255, 0), (0, 0, 20, 20))
    if kind == "palette PNG":
        image = image.quantize(8, method=Image.Quantize.FASTOCTREE)
    image.save(tmp_path / "file", kind.removeprefix("palette "), **({"lossless": True} if kind == "WEBP" else {}))
    assert near(corners(decode(tmp_path / "file", 40, "crop")), [GROUND, GREEN, BLUE, WHITE])


def test_half_transparent_edges_do_not_take_the_color_that_nobody_sees(tmp_path):
    image = Image.new("RGBA", (40, 40), (0, 255, 0, 0))  # invisible green
    image.paste((255, 0, 0, 255), (0, 0, 20, 40))
    image.save(tmp_path / "file.png")
    pixels = decode(tmp_path / "file.png", 5, "crop")
    assert pixels[1].max() <= GROUND[1]


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_many_frames_the_first_counts(kind, tmp_path):
    frames = [Image.new("RGB", (16, 16), color) for color in (RED, GREEN, BLUE)]
    frames[0].save(tmp_path / "moving", kind, save_all=True, append_images=frames[1:], **({"lossless": True} if kind == "WEBP" else {}))
    assert near(decode(tmp_path / "moving", 8, "crop")[:, 4, 4], RED)


def test_shrinking_averages_and_does_not_skip(tmp_path):
    stripes = np.zeros((256, 256), np.uint8)
    stripes[:, ::2] = 255
    for kind in ("PNG", "JPEG"):
        Image.fromarray(stripes).save(tmp_path / kind, kind)
        assert np.abs(decode(tmp_path / kind, 16, "crop").astype(int) - 127).max() <= 3


def png_header(width, height):
    """A PNG that claims a size and holds nothing."""

    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + chunk(b"IDAT", b"")


def bmp_header(width, height):
    return b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)


def gif_header(width, height):
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0, 0, 0) + b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x00;"


@pytest.mark.parametrize("made", [png_header, bmp_header, gif_header])
def test_a_picture_of_sixty_thousand_squared_is_refused_by_its_header(made, tmp_path):
    (tmp_path / "huge").write_bytes(made(60_000, 60_000))
    with pytest.raises(Unreadable, match=f"^it has 60,000 x 60,000 pixels, at most {MAX_PIXELS:,} are read$"):
        decode(tmp_path / "huge", 32, "crop")
    assert Image.MAX_IMAGE_PIXELS == 1024**3 // 12  # Pillow's own limit is as it was


def damaged():
    """name -> (content, the sentence)."""
    jpeg, png = io.BytesIO(), io.BytesIO()
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    noise.save(jpeg, "JPEG")
    noise.save(png, "PNG")
    unknown = "the image is damaged, or its ending is wrong: its first bytes are not those of an image that is read"
    spoiled = bytearray(png.getvalue())
    spoiled[200:260] = bytes(60)
    return {
        "empty": (b"", "the file is empty"),
        "text called jpg": (b"dear diary, today", unknown),
        "sound": (b"RIFF\x10\0\0\0WAVEfmt ", unknown),
        "page": (b"<html><script>alert(1)</script>", unknown),
        "vector": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", unknown),
        "cut jpeg": (jpeg.getvalue()[:2000], "the file is cut off before its end"),
        "cut png": (png.getvalue()[:3000], "the file is cut off before its end"),
        "only the first bytes": (b"\xff\xd8\xff", "the file is damaged"),
        "spoiled png": (bytes(spoiled), "the file is damaged"),
        "nothing in a tiff": (b"II*\0" + bytes(60), "the file is damaged"),
        "no bitmap": (b"BM is how this letter begins", "the file is cut off before its end"),
    }


@pytest.mark.parametrize("name", damaged())
@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, about the file
def test_a_damaged_file_gets_a_short_reason(name, tmp_path):
    content, sentence = damaged()[name]
    (tmp_path / "file.jpg").write_bytes(content)
    with pytest.raises(Unreadable) as error:
        decode(tmp_path / "file.jpg", 32, "crop")
    assert str(error.value) == sentence


def unread():
    """name -> (content, what it is)."""
    random = np.random.default_rng(0)

    def tiff(values, **how):
        file = io.BytesIO()
        tifffile.imwrite(file, values, **how)
        return file.getvalue()

    jpeg = io.BytesIO()
    Image.fromarray(random.integers(0, 256, (40, 40, 3), np.uint8)).save(jpeg, "JPEG")
    at = jpeg.getvalue().index(b"\xff\xc0")

    def jpeg_with(place, value):
        return jpeg.getvalue()[: at + place] + bytes([value]) + jpeg.getvalue()[at + place + 1 :]

    bands = random.integers(0, 60_000, (40, 50, 13), np.uint16)
    lzw = tiff(bands[..., 0])  # the tag of its compression says LERC instead of none
    entry = lzw.index(struct.pack("<HHI", 259, 3, 1))
    return {
        "13 bands": (tiff(bands, photometric="minisblack", planarconfig="contig"), "a TIFF of 13 bands of uint16"),
        "13 bands of a large one": (
            tiff(bands, photometric="minisblack", planarconfig="contig", bigtiff=True),
            "a TIFF of 13 bands of uint16",
        ),
        "2 bands": (tiff(bands[..., :2], photometric="minisblack", planarconfig="contig"), "a TIFF of 2 bands of uint16"),
        "colors as floats": (tiff(bands[..., :3].astype(np.float32), photometric="rgb"), "a TIFF of 3 bands of float32"),
        "half floats": (tiff(bands[..., 0].astype(np.float16)), "a TIFF of one band of float16"),
        "complex": (tiff(bands[..., 0].astype(np.complex64)), "a TIFF of one band of complex float64"),
        "planes": (
            tiff(np.moveaxis(bands[..., :3], -1, 0).copy(), photometric="rgb", planarconfig="separate"),
            "a TIFF of 3 bands of uint16, each on a plane of its own",
        ),
        "another packing": (
            lzw[: entry + 8] + struct.pack("<I", 34887) + lzw[entry + 12 :],
            "a TIFF of one band of uint16, compressed by method 34887",
        ),
        "12 bits": (jpeg_with(4, 12), "a JPEG of 3 channels of 12 bits"),
        "without loss": (jpeg_with(1, 0xC3), "a lossless or hierarchical JPEG"),
    }


@pytest.mark.parametrize("name", unread())
def test_what_is_whole_but_not_read_is_called_what_it_is(name, tmp_path):
    content, what = unread()[name]
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(Unreadable, match=f"^it is {what}, which is not read$"):
        decode(tmp_path / "file", 32, "crop")


def test_bands_that_are_cut_off_are_damaged_and_not_unread(tmp_path):
    (tmp_path / "file").write_bytes(unread()["13 bands"][0][:-1000])
    with pytest.raises(Unreadable, match=r"^the file is damaged$"):
        decode(tmp_path / "file", 32, "crop")


@pytest.mark.slow
def test_nothing_of_what_pillow_and_its_libraries_say_reaches_the_terminal(tmp_path):
    """A file in which libtiff, Pillow's log and Python's warnings would each have something to say; in a process as a user starts it."""
    packed = io.BytesIO()
    tifffile.imwrite(packed, np.zeros((64, 64), np.uint8), compression="zlib")
    spoiled = bytearray(packed.getvalue())
    at = spoiled.rindex(b"x\x9c") if b"x\x9c" in spoiled else len(spoiled) - 20
    spoiled[at : at + 8] = bytes(8)
    (tmp_path / "library.tif").write_bytes(spoiled)
    (tmp_path / "log.tif").write_bytes(unread()["13 bands"][0])
    (tmp_path / "warning.tif").write_bytes(damaged()["nothing in a tiff"][0])
    code = (
        "import sys; from pathlib import Path; from playground.datasets.decoding import Unreadable, decode\n"
        "for file in sorted(Path(sys.argv[1]).iterdir()):\n"
        "    try: decode(file, 32, 'crop')\n"
        "    except Unreadable as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "the file is damaged",
        "it is a TIFF of 13 bands of uint16, which is not read",
        "the file is damaged",
    ]


def test_what_is_not_there_and_a_folder_are_refused(tmp_path):
    with pytest.raises(Unreadable, match="cannot be opened: No such file"):
        decode(tmp_path / "absent.jpg", 32, "crop")
    with pytest.raises(Unreadable, match="cannot be opened: Is a directory"):
        decode(tmp_path, 32, "crop")


def test_many_threads_decode_at_once_and_agree(tmp_path):
    quarters().save(tmp_path / "file.png")
    expected, got = decode(tmp_path / "file.png", 24, "crop"), []
    threads = [threading.Thread(target=lambda: got.append(decode(tmp_path / "file.png", 24, "crop"))) for _ in range(12)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(got) == 12 and all(np.array_equal(each, expected) for each in got)
