"""Archives other than a plain zip: tars, packed or not, are read with the same distrust; what is not opened is said."""

import bz2
import gzip
import io
import lzma
import os
import tarfile

import pytest
from test_intake import DAMAGED, ESCAPES, HIDDEN, READ, folder_of, nothing_left, png, skipped, zipped

from playground.datasets import DataError, gathering, intake, own, tars
from playground.datasets.packed import stem

PACKINGS = {"tar": lambda content: content, "tar.gz": gzip.compress, "tar.bz2": bz2.compress, "tar.xz": lzma.compress}


def info_of(name, size=0, kind=tarfile.REGTYPE, **more):
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    for key, value in more.items():
        setattr(info, key, value)
    return info


def tarred(path, entries=(), style=tarfile.PAX_FORMAT, packing="tar"):
    """A tar with enough good images and whatever else a test puts in: (info, content) or (name, content)."""
    held = io.BytesIO()
    good = [(f"{kind}/{i:03}.png", png(i)) for kind in ("good", "fine") for i in range(8)]
    with tarfile.open(fileobj=held, mode="w", format=style, encoding="utf-8", errors="surrogateescape") as archive:
        for name, content in [*good, *entries]:
            info = info_of(name, len(content)) if isinstance(name, str) else name
            archive.addfile(info, io.BytesIO(content))
    path.write_bytes(PACKINGS[packing](held.getvalue()))
    return path


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("style", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_tar_of_any_style_and_packing_becomes_a_set(packing, style, home):
    long = f"{'deep/' * 12}{'n' * 90}.png"  # longer than the field of a header
    entries = [(f"good/{long}", png(9)), (info_of("empty", kind=tarfile.DIRTYPE), b"")]
    list(intake.add(tarred(home / f"set.{packing}", entries, style, packing)))
    made = own.get("set")
    assert made.counts() == {"fine": 8, "good": 9} and made.skipped == []
    assert f"good/{long}" in made.originals


def test_names_in_a_tar_are_read_in_the_encoding_that_suits_them(home):
    entries = [(f"{os.fsdecode(kind)}/{i}.png", png(i)) for kind in (b"caf\xe9", b"caf\xe8") for i in range(2)]
    list(intake.add(tarred(home / "set.tar", entries, tarfile.GNU_FORMAT)))
    assert own.get("set").counts() == {"café": 2, "cafè": 2, "good": 8, "fine": 8}


HOSTILE = {
    "climbs out": (("../../evil.png", png()), ESCAPES),
    "absolute": (("/etc/evil.png", png()), ESCAPES),
    "link": ((info_of("good/link.png", kind=tarfile.SYMTYPE, linkname="/etc/passwd"), b""), "it is a link"),
    "hard link": ((info_of("good/hard.png", kind=tarfile.LNKTYPE, linkname="/etc/passwd"), b""), "it is a link"),
    "device": ((info_of("good/zero.png", kind=tarfile.CHRTYPE, devmajor=1, devminor=5), b""), "it is a special file"),
    "pipe": ((info_of("good/pipe.png", kind=tarfile.FIFOTYPE), b""), "it is a special file"),
    "hidden": (("good/.secret/a.png", png()), HIDDEN),
    "mac": (("good/._001.png", b"\0\5\26\7"), HIDDEN),
    "nested": (("more.tar", b"\0" * 600), "an archive is opened only if it is a complete zip or tar, and the only file: unpack it first"),
    "page": (("good/page.png", b"<html>"), DAMAGED),
    "empty": (("good/empty.png", b""), "the file is empty"),
    "same name": (("good/000.png", png(9)), "another file has the same name"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_entry_of_a_tar_is_left_out_with_its_reason(case, home):
    entry, reason = HOSTILE[case]
    list(intake.add(tarred(home / "set.tar", [entry, ("good/last.png", png(99))])))
    assert [why for _, why in own.get("set").skipped] == [reason]
    assert own.get("set").originals[-1] == "good/last.png" and not any(each.is_symlink() for each in home.rglob("*"))


def test_a_bomb_is_measured_by_what_comes_out_also_where_it_is_skipped(home, monkeypatch):
    monkeypatch.setattr(gathering, "MAX_TOTAL", 2_000_000)
    entries = [(f"{i}.txt", b"no picture" + bytes(300_000)) for i in range(20)]
    file = tarred(home / "set.tar.gz", entries, packing="tar.gz")
    assert file.stat().st_size < 50_000
    with pytest.raises(DataError, match=r"^set\.tar\.gz must unpack to at most 0 GB, got more$"):
        list(intake.add(file))
    assert nothing_left(home)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_header_that_claims_gigabytes_is_not_taken_into_memory(kind, home):
    file = tarred(home / "set.tar", [(info_of("note", kind=kind, size=0), b"")])
    content = bytearray(file.read_bytes())
    at = content.index(b"note\0")
    claimed = info_of("note", 8 << 30, kind).tobuf(tarfile.GNU_FORMAT)
    content[at : at + 512] = claimed
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"^set\.tar must be a whole tar archive, got one that is damaged or cut off$"):
        list(intake.add(file))


@pytest.mark.parametrize("record", [b"-9 aaaaa-9 aaaaa", b"0 path=x\n", b"x path=x\n", b"9" * 5000 + b" path=x\n", b" \n"])
def test_a_record_that_makes_no_sense_is_an_error_and_no_endless_loop(record, home):
    held = io.BytesIO()
    held.write(info_of("note", len(record), tarfile.XHDTYPE).tobuf() + record + bytes(-len(record) % 512))
    (home / "set.tar").write_bytes(held.getvalue() + tarred(home / "good.tar").read_bytes())
    with pytest.raises(DataError, match="damaged or cut off"):
        list(intake.add(home / "set.tar"))


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("keep", [0.5, 0.9])
def test_a_tar_that_is_cut_off_is_one_sentence(packing, keep, home):
    file = tarred(home / f"set.{packing}", [(f"good/{i}.bin", os.urandom(3000)) for i in range(20)], packing=packing)
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * keep)])
    sentence = f"^set.{packing} must be a whole tar archive, got one that is damaged or cut off$"
    if packing == "tar.bz2":  # which gives nothing at all of a block that is not whole
        sentence = "^an archive must be a zip or a tar, got one that is packed by bzip2, but not a whole tar: "
    with pytest.raises(DataError, match=sentence):
        list(intake.add(file))
    assert nothing_left(home)


def test_too_many_entries_are_refused(home, monkeypatch):
    monkeypatch.setattr(tars, "MAX_ENTRIES", 10)
    with pytest.raises(DataError, match=r"^set\.tar must hold at most 10 entries, got more$"):
        list(intake.add(tarred(home / "set.tar")))


def test_an_xz_that_wants_too_much_memory_is_refused(home, monkeypatch):
    monkeypatch.setattr(tars, "XZ_MEMORY", 1 << 20)
    with pytest.raises(DataError, match=r"packed by xz, but not a whole tar"):
        list(intake.add(tarred(home / "set.tar.xz", packing="tar.xz")))


def test_a_program_that_unpacks_itself_is_the_zip_it_ends_with(home):
    content = zipped(home / "set.zip", []).read_bytes()
    (home / "setup.exe").write_bytes(b"MZ\x90\0" + os.urandom(5000) + content)
    list(intake.add(home / "setup.exe"))
    assert len(own.get("setup").files) == 16


@pytest.mark.parametrize(
    ("begin", "what"),
    [
        (b"7z\xbc\xaf\x27\x1c\0\4", "a 7z archive"),
        (b"Rar!\x1a\x07\1\0", "a RAR archive"),
        (b"\x28\xb5\x2f\xfd", "packed by Zstandard"),
        (gzip.compress(b"one file" * 100), "packed by gzip, but not a whole tar"),
    ],
)
def test_what_is_not_opened_must_be_unpacked_first(begin, what, home):
    (home / "set.bin").write_bytes(begin + bytes(600))
    sentence = f"^an archive must be a zip or a tar, got one that is {what}: unpack it first, then add the folder$"
    with pytest.raises(DataError, match=sentence):
        list(intake.add(home / "set.bin"))
    with (home / "set.bin").open("rb") as file, pytest.raises(DataError, match=sentence):
        list(intake.add_files([("set.bin", file)], "Sent"))


def test_a_tar_is_unpacked_also_where_a_browser_sends_it(home):
    with tarred(home / "set.tgz", packing="tar.gz").open("rb") as file:
        list(intake.add_files([("set.tgz", file)], "Sent"))
    assert own.get("Sent").counts() == {"fine": 8, "good": 8}


def test_a_set_is_called_after_its_archive():
    assert [stem(name) for name in ("birds.tar.gz", "birds.TAR.xz", "birds.tgz", "my.birds.zip", "birds", ".tar")] == [
        *["birds"] * 3,
        "my.birds",
        "birds",
        ".tar",
    ]


def test_a_picture_is_no_archive(home):
    folder_of(home / "x", ["1.png"])
    with (home / "x/1.png").open("rb") as file, pytest.raises(DataError, match="must have at least 16 images"):
        list(intake.add_files([("1.png", file)], "Sent"))


def test_every_entry_that_was_skipped_has_its_name(home):
    list(intake.add(tarred(home / "set.tar", [("notes.txt", b"hello")])))
    assert skipped("set") == {"notes.txt": READ}
