"""Names from any system: read in the encoding they were written in, never merged, and never alike in what is shown."""

import io
import os
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
from test_intake import folder_of, png
from test_own import command

from playground.datasets import intake, own
from playground.datasets.huggingface import _folder
from playground.datasets.spelling import IN_ZIP, decoded, distinguishable, readable, shortened


class Unflagged(zipfile.ZipInfo):
    """An entry whose name stands in the archive in bytes of any encoding."""

    def _encodeFilenameFlags(self):
        return self.written, self.flag_bits


def zip_of(path, names, encoding, extra=None):
    """A zip in which each name stands in the bytes of an encoding, without a flag; extra(bytes, name): what else its entry says."""
    with zipfile.ZipFile(path, "w") as archive:
        for i, name in enumerate(names):
            info = Unflagged(name)
            info.written = name.encode(encoding)
            info.extra = extra(info.written, name) if extra else b""
            archive.writestr(info, png(i))
    return path


ANIMALS = [f"{kind}/{i}.png" for kind in ("いぬ", "ねこ") for i in range(8)]


@pytest.mark.parametrize("encoding", ["utf-8", "cp932"])
def test_a_zip_whose_names_have_no_flag_is_read_in_the_encoding_that_suits_them_all(encoding, home):
    list(intake.add(zip_of(home / "set.zip", ANIMALS, encoding)))
    assert own.get("set").counts() == {"いぬ": 8, "ねこ": 8}
    assert own.get("set").originals == ANIMALS


def test_a_name_in_unicode_that_an_entry_brings_with_it_is_believed_if_it_belongs_to_the_entry(home):
    def field(written, name):
        content = b"\1" + struct.pack("<L", zlib.crc32(written) ^ name.startswith("ねこ")) + name.replace("いぬ", "犬").encode()
        return struct.pack("<HH", 0x7075, len(content)) + content

    list(intake.add(zip_of(home / "set.zip", ANIMALS, "cp932", extra=field)))
    assert own.get("set").counts() == {"ねこ": 8, "犬": 8}  # the sum of the cats' is wrong: that field is of another name


def test_folders_whose_names_are_no_utf8_stay_two_classes(home):
    place = os.fsencode(home / "cafes")
    for kind in (b"caf\xe9", b"caf\xe8"):
        os.makedirs(place + b"/" + kind)
        for i in range(8):
            Path(os.fsdecode(place + b"/" + kind + b"/%d.png" % i)).write_bytes(png(i))
    Path(os.fsdecode(place + b"/na\xefve.txt")).write_bytes(b"text")
    list(intake.add(home / "cafes"))
    assert own.get("cafes").counts() == {"café": 8, "cafè": 8}
    assert [name for name, _ in own.get("cafes").skipped] == ["naïve.txt"]


def test_a_name_in_another_encoding_beside_the_same_in_utf8_stays_a_class_of_its_own():
    assert decoded([b"caf\xc3\xa9/1", b"caf\xe9/1", b"dog/1", b"K\xc3\xa4fer/1"]) == ["café/1", "caf‹E9›/1", "dog/1", "Käfer/1"]


def test_names_that_differ_after_the_eightieth_letter_are_told_apart(home):
    long = "the same words over and over again " * 3
    place = folder_of(home / "long", [f"{long}{kind}/{i}.png" for kind in ("owl", "wren") for i in range(8)])
    list(intake.add(place))
    made = own.get("long")
    assert sorted(made.counts().values()) == [8, 8] and all(len(name) <= 60 for name in made.classes)
    assert [name[-4:] for name in made.classes] == [" owl", "wren"]
    assert " owl 8 " in command("show", "long") and "wren 8 " in command("show", "long")


def test_a_space_that_nobody_sees_is_shown(home):
    list(intake.add(folder_of(home / "pets", [f"{kind}/{i}.png" for kind in ("dog", "dog ", " dog", "d  og", "d og") for i in range(4)])))
    assert own.get("pets").counts() == {"␣dog": 4, "d␣␣og": 4, "d og": 4, "dog": 4, "dog␣": 4}
    assert "dog␣ 4" in command("show", "pets")


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["a\u202eb/1", "ab/1"], ["a‹U+202E›b/1", "ab/1"]),
        (["a\u200bb/1", "ab/1"], ["a‹U+200B›b/1", "ab/1"]),
        (["a\u202eb/1", "c/1"], ["ab/1", "c/1"]),  # alone it is only left out
        (["\u202e/1", "c/1"], ["‹U+202E›/1", "c/1"]),
        (["Cafe\u0301/1", "Caf\u00e9/2"], ["Caf\u00e9/1", "Caf\u00e9/2"]),  # Unicode calls these one name
        (["a\u00a0b/1", "a b/1"], ["a␣b/1", "a b/1"]),
        (["a\tb/1", "ab/1"], ["a‹U+0009›b/1", "ab/1"]),
    ],
)
def test_names_that_would_look_alike_are_spelled_out(paths, expected):
    assert distinguishable(paths) == expected


@pytest.mark.parametrize(
    ("names", "encoding", "where"),
    [
        (["動物", "植物", "自動車", "表"], "cp932", IN_ZIP),  # the second byte of the last is a backslash
        (["ネコ", "イヌ"], "cp932", IN_ZIP),
        (["动物", "植物", "汽车", "飞机"], "gb18030", IN_ZIP),
        (["動物", "植物", "汽車", "飛機"], "big5", IN_ZIP),
        (["고양이", "개", "자동차"], "cp949", IN_ZIP),
        (["Кошка", "Собака"], "cp866", IN_ZIP),
        (["Кошка", "Собака"], "cp1251", None),
        (["Кошка", "Собака"], "koi8_r", None),
        (["Käfer", "Vögel", "Füße"], "cp437", IN_ZIP),
        (["Käfer", "Vögel", "Füße"], "cp1252", None),
        (["Coração", "Mão"], "cp850", IN_ZIP),
        (["niño", "pájaro", "árbol"], "cp1252", IN_ZIP),
        (["rød", "blåbær"], "cp850", IN_ZIP),
        (["żółw", "gęś"], "cp852", IN_ZIP),
        (["γάτες", "σκύλος", "άλογο"], "cp1253", None),
    ],
)
def test_the_encoding_is_the_one_in_which_they_look_like_words(names, encoding, where):
    assert decoded([f"{name}/1.png".encode(encoding) for name in names], *([where] if where else [])) == [f"{name}/1.png" for name in names]


def test_short_forms_of_names_differ():
    long = [f"{'a' * 100}{kind}{'b' * 100}" for kind in "xyz"]
    assert shortened([*long, "short"], 20) == ["aaaaaaaaa…bbbbbbbbbb", "aaaaaaaaa…bb (2)", "aaaaaaaaa…bb (3)", "short"]


def test_any_text_can_be_shown():
    assert readable("a\udce9b") == "a‹E9›b"
    readable("".join(map(chr, range(0xD7F0, 0xE010)))).encode()


def test_labels_of_a_table_that_differ_in_a_slash_stay_two():
    labels = ["a/b", "a b", "a:b", "a\\b", ".a", "a", "..a"]
    assert len({_folder(number, labels) for number in range(len(labels))}) == len(labels)
    assert not any(set("/\\:") & set(_folder(number, labels)) for number in range(len(labels)))


def test_an_upload_of_two_names_that_look_alike_loses_neither(home):
    files = [(f"{kind}/{i}.png", io.BytesIO(png(i))) for kind in ("a\u202e", "a") for i in range(8)]
    list(intake.add_files(files, "Sent"))
    assert own.get("Sent").counts() == {"a": 8, "a‹U+202E›": 8} and own.get("Sent").skipped == []
