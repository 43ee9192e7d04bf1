import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from playground.datasets import intake, own
from playground.datasets.tables import NoTable, matched, rows


@pytest.mark.parametrize(
    "text",
    ["file,label\na/1.png,cat\n2,dog\n", "\ufefffile;label\r\na/1.png;cat\r\n2.png;dog", "a/1.png\tcat\n./2.png\tdog\nother.png\tcow\n"],
)
def test_a_table_of_two_columns_names_pictures_in_many_ways(text, tmp_path):
    (tmp_path / "labels.csv").write_text(text)
    assert matched(rows(tmp_path / "labels.csv"), ["top/a/1.png", "top/b/2.png", "top/3.png"]) == ["cat", "dog", None]


def test_a_line_that_may_mean_two_pictures_means_none():
    assert matched([("1.png", "cat"), ("b/1.png", "dog")], ["a/1.png", "b/1.png"]) == [None, "dog"]


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


def test_a_table_in_a_zip_is_kept_and_one_that_is_not_plain_is_named(home):
    with zipfile.ZipFile(home / "x.zip", "w") as archive:
        for row in range(20):
            archive.writestr(f"pictures/{row}.png", noise())
        archive.writestr("labels.csv", "id,color,label\n1,red,cat\n")
        archive.writestr("train.csv", "".join(f"{row},{'cat' if row % 2 else 'dog'}\n" for row in range(20)))
    list(intake.add(home / "x.zip"))
    assert own.get("x").counts() == {"cat": 10, "dog": 10} and own.get("x").skipped == []
    assert own.get("x").notes[0] == "labels.csv beside the pictures is not read: it must have two columns, file and label, got 3."
    list(intake.read_again("x", "none"))
    assert own.get("x").labels == []
    list(intake.read_again("x", "table"))
    assert own.get("x").counts() == {"cat": 10, "dog": 10}
