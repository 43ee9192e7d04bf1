import io
import zipfile

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from playground.cli import main as cli
from playground.datasets import DataError, intake, own
from playground.datasets.decoding import Unreadable, header
from playground.datasets.tables import NoTable, matched, rows


@pytest.mark.parametrize(
    "text",
    ["file,label\na/1.png,cat\n2,dog\n", "\ufefffile;label\r\na/1.png;cat\r\n2.png;dog", "a/1.png\tcat\n./2.png\tdog\nother.png\tcow\n"],
)
def test_a_table_of_two_columns_names_pictures_in_many_ways(text, tmp_path):
    (tmp_path / "labels.csv").write_text(text)
    assert matched(rows(tmp_path / "labels.csv"), ["top/a/1.png", "top/b/2.png", "top/3.png"])[0] == ["cat", "dog", None]


def test_a_line_that_may_mean_two_pictures_means_none():
    assert matched([("1.png", "cat"), ("b/1.png", "dog")], ["a/1.png", "b/1.png"]) == ([None, "dog"], [])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"id,x,label\n1,2,cat\n", "it must have two columns, file and label, got 3"),
        (b"\xff\xfe\0", "it must be text in UTF-8, got other bytes"),
        (b"a,b\n" + b"x" * 200_000 + b",c", "it must be a table of commas"),
    ],
)
def test_what_is_no_plain_table_is_not_read(content, reason, tmp_path):
    (tmp_path / "labels.csv").write_bytes(content)
    with pytest.raises(NoTable, match=f"^{reason}"):
        rows(tmp_path / "labels.csv")


def test_labels_that_differ_stay_apart_whatever_cannot_be_seen_in_them(tmp_path):
    (tmp_path / "labels.csv").write_text('file,label\n1,"a\nb"\n2,ab\n3, ab\n4,"a\u200bb"\n5,a/b\n', newline="")
    labels = dict(rows(tmp_path / "labels.csv")[1:])
    assert labels["2"] == labels["3"] == "ab" and len(set(labels.values())) == 4
    assert labels["1"] == "a‹U+000A›b" and all(each.isprintable() for each in labels.values())


def noise():
    held = io.BytesIO()
    Image.fromarray(np.random.default_rng().integers(0, 256, (40, 40, 3), np.uint8)).save(held, "PNG")
    return held.getvalue()


def test_labels_come_from_a_table_beside_the_pictures(home):
    (home / "x").mkdir()
    for row in range(20):
        (home / "x" / f"{row}.png").write_bytes(noise())
    (home / "x/labels.csv").write_text("file,label\n" + "".join(f"{row}.png,{'cat' if row < 12 else 'dog'}\n" for row in range(19)))
    list(intake.add(home / "x"))
    made = own.get("x")
    assert made.counts() == {"cat": 12, "dog": 7} and [name for name, _ in made.skipped] == ["19.png"]
    assert made.notes == ["The labels come from labels.csv."]
    assert made.skipped == [["19.png", "without a row in the table of labels"]]


def test_a_table_in_a_zip_is_kept_and_one_that_is_not_plain_is_named(home):
    with zipfile.ZipFile(home / "x.zip", "w") as archive:
        for row in range(20):
            archive.writestr(f"pictures/{row}.png", noise())
        archive.writestr("labels.csv", "id,color,label\n1,red,cat\n")
        archive.writestr("train.csv", "".join(f"{row},{'cat' if row % 2 else 'dog'}\n" for row in range(20)))
    list(intake.add(home / "x.zip"))
    assert own.get("x").counts() == {"cat": 10, "dog": 10} and own.get("x").skipped == []
    assert own.get("x").notes[0] == "The table labels.csv was not read: it must have two columns, file and label, got 3."
    list(intake.read_again("x", "none"))
    assert own.get("x").labels == []
    list(intake.read_again("x", "table"))
    assert own.get("x").counts() == {"cat": 10, "dog": 10}


def zipped(place, count=20):
    with zipfile.ZipFile(place, "w") as archive:
        for row in range(count):
            archive.writestr(f"pictures/{row}.png", noise())
    return place


def test_rows_that_name_pictures_that_are_not_there_are_counted_and_named(home):
    (home / "x").mkdir()
    for row in range(20):
        (home / "x" / f"{row}.png").write_bytes(noise() if row else b"damaged")
    listed = "".join(f"{row}.png,{'cat' if row % 2 else 'dog'}\n" for row in range(27))
    (home / "x/labels.csv").write_text("file,label\n" + listed)
    shown = CliRunner().invoke(cli.app, ["data", "add", str(home / "x")], env={"COLUMNS": "300"}).stdout
    sentence = "7 rows of labels.csv name images that are missing: 20.png, 21.png, 22.png, 23.png, 24.png and 2 more."
    assert sentence in shown and own.get("x").notes[1:] == [sentence]  # the header is no row, and a damaged image is there
    (home / "x/labels.csv").write_text(listed.partition("20.png")[0].replace("5.png", "gone.png", 1))
    list(intake.read_again("x"))
    assert own.get("x").notes[1:] == ["1 row of labels.csv names an image that is missing: gone.png."]


def test_a_picture_that_was_left_out_is_there_however_many_were(home, monkeypatch):
    monkeypatch.setattr(intake, "SHOWN", 3)
    (home / "x").mkdir()
    for row in range(25):
        (home / "x" / f"{row}.png").write_bytes(noise() if row > 5 else b"damaged")
    (home / "x/labels.csv").write_text("".join(f"{row}.png,{'cat' if row % 2 else 'dog'}\n" for row in range(26)))
    list(intake.add(home / "x"))
    assert own.get("x").notes[1:] == ["1 row of labels.csv names an image that is missing: 25.png."]
    assert (len(own.get("x").skipped), own.get("x").skipped_count) == (3, 6)


@pytest.mark.parametrize(("first", "lost"), [("file", []), ("gone.png", ["gone.png"]), ("1.png", [])])
def test_the_first_line_of_a_table_may_be_a_header(first, lost):
    assert matched([(first, "cat"), ("2.png", "dog")], ["1.png", "2.png"])[1] == lost


@pytest.mark.parametrize("way", ["sent", "command line"])
def test_a_table_beside_a_zip_names_the_pictures_in_it(way, home):
    table = home / "labels.csv"
    table.write_text("file,label\n" + "".join(f"{row}.png,{'cat' if row < 12 else 'dog'}\n" for row in range(20)))
    archive = zipped(home / "pets.zip")
    if way == "sent":
        list(intake.add_files([(file.name, io.BytesIO(file.read_bytes())) for file in (table, archive)], "pets"))
    else:
        assert CliRunner().invoke(cli.app, ["data", "add", str(archive), str(table)]).exit_code == 0
    assert own.get("pets").counts() == {"cat": 12, "dog": 8} and own.get("pets").notes == ["The labels come from labels.csv."]
    list(intake.read_again("pets"))
    assert own.get("pets").counts() == {"cat": 12, "dog": 8}


def test_a_table_that_names_no_picture_of_the_zip_is_said_in_a_sentence(home):
    table = home / "labels.csv"
    table.write_text("file,label\nowl.png,owl\nwren.png,wren\n")
    list(intake.add(zipped(home / "pets.zip"), table=table))
    assert "The table labels.csv gives no labels: it names 0 of the images." in own.get("pets").notes
    for source, got in ((home / "pets.zip", home / "none.csv"), (home, table)):
        with pytest.raises(DataError, match="^a table "):
            list(intake.add(source, "again", table=got))


def test_a_damaged_picture_and_a_file_that_is_none_are_told_apart(home):
    with zipfile.ZipFile(zipped(home / "x.zip"), "a") as archive:
        archive.writestr("broken.jpg", b"\0" * 100)
        archive.writestr("notes.txt", b"the second of May")
    list(intake.add(home / "x.zip"))
    reasons = dict(own.get("x").skipped)
    assert reasons["broken.jpg"].startswith("the image is damaged") and reasons["notes.txt"].startswith("it is not an image")
    (home / "broken.jpg").write_bytes(b"\0" * 100)
    with pytest.raises(Unreadable, match="^the image is damaged"):
        header(home / "broken.jpg")
