import io
import os
import stat
import struct
import threading
import zipfile

import numpy as np
import pytest
from PIL import Image

from playground.datasets import CATALOG, DataError, gathering, intake, own, zips
from playground.datasets.naming import Refused, inside, slug

READ = "it is not an image of a known kind: JPEG, PNG, WebP, GIF, TIFF and BMP are read"
DAMAGED = "the image is damaged, or its ending is wrong: its first bytes are not those of an image that is read"
ARCHIVE = "an archive is opened only if it is a complete zip or tar, and the only file: unpack it first"
HIDDEN = "it is a hidden file or a system file"
ESCAPES = "its path leads out of the set"


def png(number=0, side=40):
    file = io.BytesIO()
    Image.new("RGB", (side, side), (number % 256, 100, 50)).save(file, "PNG")
    return file.getvalue()


def entry(name, mode=None, flags=0):
    info = zipfile.ZipInfo(name)
    info.create_system, info.flag_bits = 3, flags
    if mode is not None:
        info.external_attr = mode << 16
    return info


def zipped(path, entries, pictures=16):
    """A zip with enough good images, and whatever else a test puts in."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(pictures):
            archive.writestr(f"good/{i:03}.png", png(i))
        for name, content in entries:
            archive.writestr(name, content)
    return path


def folder_of(path, names):
    for i, name in enumerate(names):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(png(i))
    return path


def skipped(name):
    return {file: reason for file, reason in own.get(name).skipped}


def nothing_left(home):
    return not list((home / "data" / "own").glob("*")) and not list((home / "data" / "own").glob(".*"))


def test_a_folder_is_used_where_it_is(home):
    place = folder_of(home / "birds", [f"{kind}/{i}.png" for kind in ("owl", "wren") for i in range(10)])
    steps = list(intake.add(place, "My birds"))
    assert {step.unit for step in steps} == {"images"} and steps[-1].done == steps[-1].total == 20
    made = own.get("own-my-birds")
    assert (made.title, made.folder, made.skipped, made.notes) == ("My birds", str(place), [], [])
    assert made.classes == ["owl", "wren"] and made.counts() == {"owl": 10, "wren": 10}
    assert not (home / "data/own/my-birds/files").exists()
    own.remove("own-my-birds")
    assert len(list(place.rglob("*.png"))) == 20 and nothing_left(home)


def test_a_zip_is_copied_under_names_of_our_own(home, tmp_path):
    zipped(tmp_path / "set.zip", [("good/same.jpeg", png(200))])
    list(intake.add(tmp_path / "set.zip"))
    files = sorted(each.name for each in (home / "data/own/set/files").iterdir())
    assert files == [f"{i:06}.png" for i in range(17)]  # by their content, not by their names
    assert own.get("set").originals[-1] == "good/same.jpeg"
    (tmp_path / "set.zip").unlink()
    assert len(CATALOG["own-set"].load(CATALOG["own-set"].Knobs(), None)[0]) == 9


HOSTILE = {
    "climbs out": ("../../../etc/evil.png", png(), ESCAPES),
    "climbs out later": ("good/../../evil.png", png(), ESCAPES),
    "absolute": ("/etc/evil.png", png(), ESCAPES),
    "drive letter": ("C:\\Windows\\evil.png", png(), ESCAPES),
    "backslashes": ("..\\..\\evil.png", png(), ESCAPES),
    "share": ("\\\\server\\evil.png", png(), ESCAPES),
    "link": (entry("link.png", stat.S_IFLNK | 0o777), b"/etc/passwd", "it is a link"),
    "device": (entry("zero.png", stat.S_IFCHR | 0o666), b"", "it is a special file"),
    "pipe": (entry("pipe.png", stat.S_IFIFO | 0o666), b"", "it is a special file"),
    "mac": ("__MACOSX/good/._001.png", b"\0\5\26\7", HIDDEN),
    "finder": (".DS_Store", b"\0\0\0\1Bud1", HIDDEN),
    "thumbs": ("good/Thumbs.db", b"\xd0\xcf\x11\xe0", HIDDEN),
    "hidden": ("good/.secret/a.png", png(), HIDDEN),
    "nested zip": (
        "more.zip",
        b"PK\x03\x04" + bytes(40),
        ARCHIVE,
    ),
    "nested tar": (
        "more.tar.gz",
        b"\x1f\x8b" + bytes(40),
        ARCHIVE,
    ),
    "text called jpg": ("good/notes.jpg", b"dear diary", DAMAGED),
    "page": ("good/page.png", b"<html><script>alert(1)</script>", DAMAGED),
    "program": ("good/run.exe", b"MZ\x90\0", READ),
    "empty": ("good/empty.png", b"", "the file is empty"),
    "cut off": ("good/cut.png", png(side=300)[:150], "the file is cut off before its end"),
    "same name": ("good/000.png", png(9), "another file has the same name"),
    "same name, spelled otherwise": ("good//./001.png", png(9), "another file has the same name"),
    "huge": (
        "good/huge.bmp",
        b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 60_000, 60_000, 1, 24, 0, 0, 0, 0, 0, 0),
        "it has 60,000 x 60,000 pixels, at most 80,000,000 are read",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_a_hostile_entry_is_left_out_with_its_reason(case, home, tmp_path):
    name, content, reason = HOSTILE[case]
    outside = {each for each in tmp_path.rglob("*")}
    zipped(tmp_path / "set.zip", [(name, content)])
    list(intake.add(tmp_path / "set.zip"))
    made = own.get("set")
    assert [why for _, why in made.skipped] == [reason]
    assert len(made.files) == 16
    written = {each for each in tmp_path.rglob("*")} - outside - {tmp_path / "set.zip"}
    assert all((tmp_path / "data") in (each, *each.parents) for each in written)
    assert not any(each.is_symlink() for each in written)


def test_an_encrypted_entry_is_left_out(home, tmp_path):
    zipped(tmp_path / "set.zip", [("locked.png", png())])
    content = bytearray((tmp_path / "set.zip").read_bytes())
    for start, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.rfind(start) + flags] |= 1
    (tmp_path / "set.zip").write_bytes(content)
    list(intake.add(tmp_path / "set.zip"))
    assert skipped("set") == {"locked.png": "it is encrypted"}


def test_a_damaged_entry_is_left_out(home, tmp_path):
    zipped(tmp_path / "set.zip", [("noise.png", png() + os.urandom(4000))])
    content = bytearray((tmp_path / "set.zip").read_bytes())
    at = content.rfind(b"PK\x03\x04")
    content[at + 1000 : at + 1040] = bytes(40)
    (tmp_path / "set.zip").write_bytes(content)
    list(intake.add(tmp_path / "set.zip"))
    assert skipped("set") == {"noise.png": "it is damaged inside the archive"}


def test_a_bomb_is_measured_by_what_comes_out_and_not_by_what_it_says(home, tmp_path, monkeypatch):
    """Its header promises 100 bytes; zlib goes on for a megabyte."""
    monkeypatch.setattr(gathering, "MAX_BYTES", 300_000)
    picture = png() + bytes(1_000_000)
    zipped(tmp_path / "set.zip", [("honest.png", picture), ("liar.png", picture)])
    content = bytearray((tmp_path / "set.zip").read_bytes())
    for start, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = content.rfind(start) + at
        content[place : place + 4] = struct.pack("<I", 100)
    (tmp_path / "set.zip").write_bytes(content)
    list(intake.add(tmp_path / "set.zip"))
    assert skipped("set") == {
        "honest.png": "it unpacks to more than 300,000 bytes",
        "liar.png": "it is damaged inside the archive",  # it never gives more than it promised, and that is not what was packed
    }


def test_many_small_bombs_are_one_large_one(home, tmp_path, monkeypatch):
    monkeypatch.setattr(gathering, "MAX_TOTAL", 2_000_000)
    zipped(tmp_path / "set.zip", [(f"{i}.png", png() + bytes(300_000)) for i in range(20)])
    assert (tmp_path / "set.zip").stat().st_size < 50_000
    with pytest.raises(DataError, match=r"^set must unpack to at most 0 GB, got more$"):
        list(intake.add(tmp_path / "set.zip"))
    assert nothing_left(home)


@pytest.mark.slow
def test_a_million_entries_are_refused_before_their_names_are_read(home, tmp_path):
    one = struct.pack("<4s4B4HL2L5H2L", b"PK\x01\x02", 20, 3, 20, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    listed = one * 1_000_000
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1_000_000, 1_000_000, len(listed), 0)
    end = (
        end64
        + struct.pack("<4sLQL", b"PK\x06\x07", 0, len(listed), 1)
        + struct.pack("<4s4H2LH", b"PK\x05\x06", *[0xFFFF] * 4, *[0xFFFFFFFF] * 2, 0)
    )
    file = tmp_path / "million.zip"
    file.write_bytes(b"PK\x03\x04" + (listed + end)[4:])
    with pytest.raises(
        DataError, match=r"^million\.zip must hold at most 200,000 entries, got 1,000,000 \(their list has 47,000,000 bytes\)$"
    ):
        list(intake.add(file))
    assert nothing_left(home)


def test_a_list_of_contents_that_says_less_than_it_holds_is_counted_too(home, tmp_path, monkeypatch):
    monkeypatch.setattr(zips, "MAX_ENTRIES", 10)
    zipped(tmp_path / "set.zip", [])
    content = bytearray((tmp_path / "set.zip").read_bytes())
    end = content.rfind(b"PK\x05\x06")
    content[end + 8 : end + 12] = struct.pack("<2H", 1, 1)
    (tmp_path / "set.zip").write_bytes(content)
    with pytest.raises(DataError, match="at most 10 entries, got 16"):
        list(intake.add(tmp_path / "set.zip"))


@pytest.mark.parametrize(
    "spoil", [lambda content: content[: len(content) // 2], lambda content: content[:4], lambda content: content[:-30] + bytes(30)]
)
def test_a_broken_zip_is_one_sentence(spoil, home, tmp_path):
    zipped(tmp_path / "set.zip", [])
    (tmp_path / "set.zip").write_bytes(spoil((tmp_path / "set.zip").read_bytes()))
    with pytest.raises(DataError, match=r"^set\.zip must be a whole zip archive, got one that cannot be opened$"):
        list(intake.add(tmp_path / "set.zip"))
    assert nothing_left(home)


NAMES = ["Käfer", "Ка́рта", "猫", "😀👩‍🚀", "‮gnp.evil", "<img src=x onerror=alert(1)>", "a\nb\tc", "[red]bold", "$x^2$ **b** `c`", " "]


def test_names_of_any_kind_are_text(home, tmp_path):
    zipped(tmp_path / "set.zip", [(f"{name}/{i}.png", png(i)) for name in NAMES[:-1] for i in range(2)])
    list(intake.add(tmp_path / "set.zip", "Any <b>name</b>"))
    made = own.sets()[0]
    assert made.title == "Any <b>name</b>" and made.name == "own-any-b-name-b"
    assert sorted(made.classes) == sorted(
        ["good", "Käfer", "Ка́рта", "猫", "😀👩‍🚀", "gnp.evil", "<img src=x onerror=alert(1)>", "abc", "[red]bold", "$x^2$ **b** `c`"]
    )
    assert {file for file in os.listdir(home / "data/own/any-b-name-b/files")} == {f"{i:06}.png" for i in range(34)}


def test_two_spellings_of_one_name_are_one_class(home):
    place = folder_of(home / "x", [f"Caf\u00e9/{i}.png" for i in range(8)] + [f"Cafe\u0301/{i}.png" for i in range(8)] + ["other/1.png"])
    list(intake.add(place))
    assert own.get("x").counts() == {"Caf\u00e9": 16, "other": 1}


def test_a_folder_is_never_left_by_a_link_and_no_pipe_is_opened(home, tmp_path):
    place = folder_of(home / "pictures", [f"{i}.png" for i in range(16)])
    secret = folder_of(home / "secret", ["private.png"])
    (place / "out").symlink_to(secret)
    (place / "one.png").symlink_to(secret / "private.png")
    (place / "around").symlink_to(place)
    os.mkfifo(place / "pipe.png")
    (place / ".git").mkdir()
    list(intake.add(place))
    assert skipped("pictures") == {
        ".git": HIDDEN,
        "around": "it is a link",
        "out": "it is a link",
        "one.png": "it is a link",
        "pipe.png": "it is a special file",
    }
    assert len(own.get("pictures").files) == 16


def test_uploads_are_copied_with_their_relative_paths_as_labels(home):
    files = [(f"upload/{kind}/{i}.png", io.BytesIO(png(i))) for kind in ("a", "b") for i in range(9)]
    list(intake.add_files([*files, ("upload/notes.txt", io.BytesIO(b"hello"))], "Sent"))
    made = own.get("Sent")
    assert made.counts() == {"a": 9, "b": 9} and made.skipped == [["upload/notes.txt", READ]]
    assert made.folder == "" and len(os.listdir(home / "data/own/sent/files")) == 18


def test_a_single_uploaded_zip_is_unpacked(home, tmp_path):
    with zipped(tmp_path / "z.zip", []).open("rb") as file:
        list(intake.add_files([("z.zip", file)], "Sent"))
    assert len(own.get("own-sent").files) == 16


@pytest.mark.parametrize("count", [0, 2, 15])
def test_too_few_pictures_are_refused_in_one_sentence(count, home):
    place = folder_of(home / "few", [f"{i}.png" for i in range(count)])
    place.mkdir(exist_ok=True)
    (place / "notes.txt").write_text("hello")
    rule = "the dataset few must have at least 16 images, 8 for training and 8 probe images"
    with pytest.raises(DataError) as error:
        list(intake.add(place))
    assert str(error.value) == f"{rule}, got {count}; 1 file was left out (the first, notes.txt: {READ})"
    assert nothing_left(home)


def test_what_turns_out_to_be_cut_off_is_left_out_and_the_rest_is_still_in_order(home):
    place = folder_of(home / "mixed", [f"{kind}/{i:02}.png" for kind in "ab" for i in range(10)])
    noise = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)).save(noise, "PNG")
    (place / "a/03.png").write_bytes(noise.getvalue()[:5000])
    list(intake.add(place))
    made, kind = own.get("mixed"), CATALOG["own-mixed"]
    assert made.skipped == [["a/03.png", "the file is cut off before its end"]] and made.counts() == {"a": 9, "b": 10}
    images, probe = kind.load(kind.Knobs(), None)
    red = {int(each) for part in (images, probe) for each in part.pixels[:, 0, 0, 0]}
    assert red == set(range(20)) - {3}
    for part in (images, probe):  # colors count up file by file, so they tell the label
        assert [int(each >= 10) for each in part.pixels[:, 0, 0, 0]] == part.factors["class"].tolist()


def test_an_intake_that_is_given_up_leaves_nothing(home, tmp_path):
    steps = intake.add(zipped(tmp_path / "set.zip", []))
    next(steps), next(steps)
    assert not nothing_left(home) and own.sets() == []
    steps.close()
    assert nothing_left(home)


def test_what_a_crash_left_behind_is_swept_away_a_day_later(home):
    for name, age in (("old", 2 * 24 * 3600), ("new", 60)):
        place = home / "data/own" / f".adding-{name}"
        place.mkdir(parents=True)
        os.utime(place, (os.stat(place).st_mtime - age,) * 2)
    list(intake.add(folder_of(home / "x", [f"{i}.png" for i in range(16)])))
    assert sorted(os.listdir(home / "data/own")) == [".adding-new", "x"]


@pytest.mark.parametrize(
    ("source", "name", "sentence"),
    [
        ("absent", "", "the source must be a folder of images, or a zip or tar of images, got .*absent, which does not exist"),
        ("notes.txt", "", "the source must be a folder of images, or a zip or tar of images, got notes.txt, which is neither"),
        ("x", "\u202e\n", "a dataset must have a name, got one without a visible letter"),
        ("x", "Taken!", "the name of a dataset must be new, got Taken!, which exists as own-taken; remove that one first"),
    ],
)
def test_what_cannot_be_added_is_one_sentence(source, name, sentence, home):
    place = folder_of(home / "x", [f"{i}.png" for i in range(16)])
    (home / "notes.txt").write_text("hello")
    list(intake.add(place, "taken"))
    with pytest.raises(DataError, match=f"^{sentence}$"):
        list(intake.add(home / source, name))


def test_two_that_add_the_same_name_at_once_do_not_mix(home):
    place, ends = folder_of(home / "x", [f"{i}.png" for i in range(16)]), []

    def add():
        try:
            list(intake.add(place))
            ends.append("added")
        except DataError as error:
            ends.append(type(error).__name__)

    threads = [threading.Thread(target=add) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(ends) == ["DataError", "added"] and os.listdir(home / "data/own") == ["x"]


def test_short_names_are_made_of_any_title():
    assert slug("Ünïted Birds!  ") == "united-birds"
    assert slug("鳥") != slug("犬") and slug("鳥").startswith("set-")
    assert len(slug("x" * 300)) == 40


def test_a_path_is_one_spelling_of_text():
    assert inside("./a//b\\c.png") == "a/b/c.png"
    for name in ("", ".", "/", "..", "a/..", "C:x.png"):
        with pytest.raises(Refused):
            inside(name)
