"""The Data page without a browser."""

import io

import numpy as np
import pytest
from PIL import Image

from playground.datasets import intake, own
from playground.ui import live
from support.opening import by_key, opened, rendered


@pytest.mark.slow
def test_the_page_offers_every_factor_and_other_examples(home):
    page = opened("data.py", seed="5")
    rows = by_key(page, "segmented_control", "sheet-factor")
    assert list(rows.options) == ["shape", "color", "size", "position", "rotation", "background", "all images"]
    by_key(page, "button", "sheet-another").click()
    rendered(page)
    assert page.session_state["sheet-draw"] == 1
    assert page.query_params["seed"] in ("5", ["5"])


@pytest.mark.slow
def test_a_data_set_that_does_not_exist_is_refused_beside_the_selector(home):
    page = opened("data.py", data="shepes")
    assert any("data must be one of" in each.value for each in page.error)
    assert by_key(page, "selectbox", "data").value == "shapes"


@pytest.mark.slow
def test_a_set_of_more_than_8_bits_shows_its_numbers_and_takes_another_range(home, monkeypatch):
    shown = []
    monkeypatch.setattr(live, "static_panel", lambda name, **data: shown.append((name, data)))
    (home / "deep").mkdir()
    for number in range(16):
        Image.fromarray(np.full((40, 40), 1000 + number, np.uint16)).save(home / "deep" / f"{number:02}.png")
    list(intake.add(home / "deep"))
    page = opened("data.py", data="own-deep")
    (numbers,) = [data for name, data in shown if name == "numbers"]
    assert (numbers["low"], numbers["high"], numbers["guessed"]) == (1000, 1015, True) and sum(numbers["counts"]) == 16 * 40 * 40
    shown.clear()
    by_key(page, "number_input", "data.range_high").set_value(4095)
    rendered(page)
    (numbers,) = [data for name, data in shown if name == "numbers"]
    assert (numbers["low"], numbers["high"], numbers["guessed"]) == (1000, 4095, False)
    by_key(page, "number_input", "data.range_high").set_value(10)
    rendered(page)
    assert any("range_low must be below range_high, got 1000 and 10" in each.value for each in page.error)


@pytest.mark.slow
def test_train_on_it_leads_to_the_train_page_with_the_same_settings(home):
    page = opened("data.py", seed="7")
    by_key(page, "button", "sheet-train").click()
    rendered(page)
    assert by_key(page, "number_input", "seed").value == 7
    assert any(each.key == "start" for each in page.button)


@pytest.mark.slow
def test_a_folder_that_has_changed_says_so_and_is_read_again(home):
    chance = np.random.default_rng(0)
    for kind in ("owl", "wren"):
        (home / "birds" / kind).mkdir(parents=True)
        for number in range(10):
            Image.fromarray(chance.integers(0, 256, (40, 40, 3), np.uint8)).save(home / f"birds/{kind}/{number}.png")
    list(intake.add(home / "birds"))
    (home / "birds/owl/3.png").unlink()
    page = opened("data.py", data="own-birds")
    assert [each.value.endswith("1 deleted. Runs use the images as they were read, until it is read again.") for each in page.warning] == [
        True
    ]
    by_key(page, "button", "reread-now").click()
    rendered(page)
    assert not page.warning and own.get("birds").counts() == {"owl": 9, "wren": 10}
    by_key(page, "selectbox", "reread-labels-own-birds").select("none")
    by_key(page, "button", "reread-now").click()
    rendered(page)
    assert own.get("birds").labels == []


def files_of(*names):
    """Pictures as a browser sends them: (name, bytes, kind)."""
    chance = np.random.default_rng(0)
    for name in names:
        file = io.BytesIO()
        Image.fromarray(chance.integers(0, 256, (40, 40, 3), np.uint8)).save(file, "PNG")
        yield name, file.getvalue(), "image/png"


def sent(files, labels="auto"):
    """The page after these files were added, with labels from there."""
    page = opened("data.py")
    page.file_uploader[0].set_value(list(files))
    by_key(page, "selectbox", "own-labels-0").select(labels)
    by_key(page, "text_input", "own-name-0").input("sent")
    rendered(page)
    by_key(page, "button", "own-add").click()
    return rendered(page)


@pytest.mark.slow
def test_pictures_are_sent_with_a_table_of_labels(home):
    table = "\n".join(f"{row:02}.png,{'owl' if row < 12 else 'wren'}" for row in range(20))
    sent([*files_of(*(f"{row:02}.png" for row in range(20))), ("labels.csv", table.encode(), "text/csv")])
    assert own.get("sent").counts() == {"owl": 12, "wren": 8} and "The labels come from labels.csv." in own.get("sent").notes


@pytest.mark.slow
def test_where_the_labels_of_pictures_that_are_sent_come_from_can_be_told(home):
    table = "\n".join(f"{row:02}.png,{row % 2}" for row in range(20))
    sent([*files_of(*(f"{row:02}.png" for row in range(20))), ("labels.csv", table.encode(), "text/csv")], "none")
    assert own.get("sent").labels == [] and own.get("sent").source == "none"
