"""The Data page as a person uses it: look, send pictures of one's own, train on them."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture
def birds():
    """A zip of 24 pictures in two folders, one with a name that would run in a page that trusts names; and what does not belong there."""
    held, chance = io.BytesIO(), np.random.default_rng(0)
    with zipfile.ZipFile(held, "w") as archive:
        for row in range(24):
            picture = io.BytesIO()
            Image.fromarray(chance.integers(0, 255, (40, 50, 3), dtype=np.uint8)).save(picture, "PNG")
            archive.writestr(f"{'owl' if row % 2 else EVIL}/{row}.png", picture.getvalue())
        archive.writestr("owl/../../outside.png", b"x")
        archive.writestr("owl/notes.txt", b"hello")
    return {"name": "birds.zip", "mimeType": "application/zip", "buffer": held.getvalue()}


def sent(page, files, name):
    if not page.is_visible(".st-key-own-add"):
        page.click(".st-key-section-own summary")
    page.wait_for_selector(".st-key-own-add")
    page.set_input_files(".st-key-section-own input[type=file]", files)
    page.wait_for_selector(".st-key-own-add button:enabled")
    page.fill(".st-key-section-own [data-testid=stTextInput] input", name)
    page.keyboard.press("Enter")
    page.click(".st-key-own-add button:enabled")


def address_has(page, key, value):
    """Waits until a value in the address begins so: it is written when the page is complete."""
    page.wait_for_function("([key, value]) => new URL(location).searchParams.get(key).startsWith(value)", arg=[key, value])


def test_pictures_of_ones_own_become_a_data_set_and_train(desk, birds):
    page = desk(path="data", until=".ssl-sheet-row", network="resnet-tiny", steps=3)
    assert page.locator(".ssl-sheet-row strong").all_text_contents()[:3] == ["all images", "circle", "square"]
    sent(page, birds, "Birds & <b>bees</b>")
    page.wait_for_selector(f".ssl-sheet-row strong:text-is('{EVIL}')")
    address_has(page, "data", "own-birds")
    page.wait_for_selector(".st-key-remarks :text('its path leads out of the set')")
    assert "notes.txt" in page.text_content(".st-key-remarks")
    assert page.locator(".stMain b").count() == 0
    page.click(".st-key-sheet-train button")
    page.wait_for_selector(".st-key-start button:enabled")
    page.click(".st-key-start button:enabled")
    page.wait_for_function("document.querySelector('.ssl-status')?.textContent.startsWith('Finished')")
    page.wait_for_selector(f".ssl-legend :text-is('{EVIL}')")


def test_what_cannot_be_a_set_is_refused_in_a_sentence_and_nothing_is_lost(desk, birds):
    page = desk(path="data", until=".ssl-sheet-row", seed=9)
    sent(page, [{"name": "one.png", "mimeType": "image/png", "buffer": b"no picture"}], "nothing")
    page.wait_for_selector(".st-key-section-own [data-testid=stAlert]")
    assert "the dataset nothing must have at least 16 images" in page.text_content(".st-key-section-own [data-testid=stAlert]")
    assert page.input_value(".st-key-section-own [data-testid=stTextInput] input") == "nothing"
    address_has(page, "data", "shapes")
    address_has(page, "seed", "9")
