"""What was left out, said of one file and of several."""

import pytest

from playground.datasets.reasons import left_out


@pytest.mark.parametrize(
    ("reason", "one", "three"),
    [
        ("the file is cut off before its end", "1 image was left out: it is cut off", "3 images were left out: each is cut off"),
        ("it is a link", "1 file was left out: it is a link", "3 files were left out: each is a link"),
        ("it is not an image of a kind", "1 file was left out: it is not an image", "3 files were left out: none is an image of a kind"),
        ("it cannot be opened: no", "1 file was left out: it cannot be opened: no", "3 files were left out: none can be opened: no"),
        ("its path leads out", "1 file was left out: its path leads", "3 files were left out: the path of each leads out"),
        ("its row has no image", "1 row was left out: it has no image", "3 rows were left out: each has no image"),
        ("another file has the same name", "1 file was left out: another file", "3 files were left out: each has the name of another file"),
        ("outside of the class folders", "1 image was left out: it lies outside", "3 images were left out: each lies outside"),
        ("without a row in the table", "1 image was left out: it has no row in", "3 images were left out: none has a row in the table"),
        ("it has 9 x 9 pixels, at most", "1 image was left out: it has 9 x 9", "3 images were left out: each has 9 x 9 pixels"),
    ],
)
def test_a_reason_is_said_of_one_file_and_of_several(reason, one, three):
    [found] = left_out([("a.jpg", reason)])
    assert found.startswith(one) and found.endswith(" (a.jpg).")
    [found] = left_out([(name, reason) for name in ("a.jpg", "b.jpg", "c.jpg")])
    assert found.startswith(three) and found.endswith(" (the first: a.jpg).")


def test_the_most_frequent_reason_comes_first_and_all_are_counted():
    found = left_out([("a", "it is a link"), ("b", "it is encrypted"), ("c", "it is encrypted")], 1234)
    assert [each.partition(" ")[0] for each in found] == ["2", "1", "1,234"] and found[2] == "1,234 files were left out in total."
