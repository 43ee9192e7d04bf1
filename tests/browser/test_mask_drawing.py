"""The Masking page as a person uses it: with a mouse, a finger and keys."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

CANVAS = ".ssl-draw .ssl-patches"
PAINTED = ".ssl-print img[alt='reconstruction']"


@pytest.fixture(scope="module")
def trained(chromium, server):
    """An MAE of a few steps, trained in the browser once."""
    page = chromium.new_page()
    page.set_default_timeout(240_000)
    page.goto(server + "?method=mae&batch_size=32&steps=10")
    page.wait_for_selector(".ssl-status:not(:empty)")
    page.click(".st-key-start button:enabled")
    page.wait_for_function("document.querySelector('.ssl-status').textContent.startsWith('Finished')")
    run = parse_qs(urlsplit(page.url).query)["run"][0]
    page.close()
    return run


@pytest.fixture
def masking(desk, trained):
    """Opens the page by its place in the navigation, as a person would."""

    def open_page(**size):
        page = desk(**size)
        if size:  # on a phone the pages are in the sidebar
            page.click("[data-testid=stExpandSidebarButton]")
        page.get_by_role("link", name="Masking").first.click()
        if size:
            page.wait_for_selector(CANVAS)
            page.hover("[data-testid=stSidebarHeader]")
            page.click("[data-testid=stSidebarCollapseButton] button")
        page.wait_for_selector(".ssl-sheet[data-hidden]")
        return page

    return open_page


def count(page):
    return int(page.text_content(".ssl-counted").split(" of ")[0])


def center(page, row, column):
    box = page.locator(CANVAS).bounding_box()
    return box["x"] + (column + 0.5) * box["width"] / 8, box["y"] + (row + 0.5) * box["height"] / 8


def hidden(page):
    """The mask that the reconstruction on the page belongs to."""
    bits = page.get_attribute(".ssl-sheet", "data-hidden")
    return [digit == "1" for digit in "".join(f"{int(each, 16):04b}" for each in bits)]


def answered(page, row):
    """Waits until the reconstruction is that of a mask whose row is so."""
    wanted = row.replace("#", "1").replace(".", "0")
    digits = f"{int(wanted, 2):02x}"
    page.wait_for_function(
        "([at, digits]) => document.querySelector('.ssl-sheet').dataset.hidden.slice(at, at + 2) === digits", arg=[4, digits]
    )


def test_a_stroke_is_answered_with_what_the_run_paints_under_it(masking, trained):
    page, asked = masking(), []
    page.on("response", lambda response: asked.append(response) if "/fill?" in response.url else None)
    page.click(".ssl-tray >> text=Clear")
    page.wait_for_selector(".ssl-refusal:has-text('Hide at least one patch')")
    assert count(page) == 0
    before = page.get_attribute(PAINTED, "src")
    page.mouse.move(*center(page, 2, 1))
    page.mouse.down()
    page.mouse.move(*center(page, 2, 6))  # in one leap: a stroke has no gaps
    page.mouse.up()
    answered(page, ".######.")
    assert count(page) == sum(hidden(page)) == 6
    assert page.get_attribute(PAINTED, "src") != before
    body = json.loads(asked[-1].body())
    assert asked[-1].status == 200 and body["pictures"]["reconstruction"] == page.get_attribute(PAINTED, "src")
    page.mouse.click(*center(page, 2, 3))  # a hidden one shows again
    answered(page, ".##.###.")
    page.click(".ssl-tray >> text=Undo")
    answered(page, ".######.")
    page.wait_for_function("new URL(location).searchParams.get('mask.drawn') === '00007e0000000000'")
    assert parse_qs(urlsplit(page.url).query)["mask.run"] == [trained]
    page.click(".ssl-tray >> text=Invert")
    answered(page, "#......#")
    page.wait_for_function("new URL(location).searchParams.get('mask.drawn') === 'ffff81ffffffffff'")
    page.click(".st-key-another button")
    page.wait_for_function("!new URL(location).searchParams.has('mask.drawn')")
    page.wait_for_function("document.querySelector('.ssl-counted').textContent.startsWith('48 of 64')")


def test_a_mask_is_drawn_by_keys(masking):
    page = masking()
    page.click(".ssl-tray >> text=Clear")
    page.focus(CANVAS)
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "Space", "Shift+ArrowRight", "Shift+ArrowRight"):
        page.keyboard.press(key)
    answered(page, ".###....")
    page.keyboard.press("Control+z")
    answered(page, ".##.....")


def test_a_finger_draws_and_the_page_stays(masking):
    page = masking(width=390, height=844)
    page.click(".ssl-tray >> text=Clear")
    page.locator(CANVAS).scroll_into_view_if_needed()
    scrolled = "document.querySelector('[data-testid=stMain]').scrollTop"
    before, finger = page.evaluate(scrolled), page.context.new_cdp_session(page)
    for kind, row in [("touchStart", 2), ("touchMove", 3), ("touchMove", 7), ("touchEnd", None)]:
        points = [] if row is None else [dict(zip("xy", center(page, row, 4), strict=True))]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    answered(page, "....#...")
    page.wait_for_function("document.querySelector('.ssl-counted').textContent.startsWith('6 of 64')")
    assert page.evaluate(scrolled) == before
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390


def test_pictures_of_every_ratio_attention_and_average_come(masking):
    page = masking()
    page.wait_for_function("document.querySelectorAll('.ssl-row-of-ten figure').length === 10")
    page.wait_for_selector(".ssl-couple img")
    page.wait_for_function("document.querySelectorAll('.ssl-heads canvas').length === 4")
    before = page.get_attribute(".ssl-attention-view .ssl-patches", "aria-label")
    page.click(".ssl-attention-view .ssl-patches", position={"x": 5, "y": 5})
    page.wait_for_function("before => document.querySelector('.ssl-attention-view .ssl-patches').ariaLabel !== before", arg=before)
    assert "Attention of patch 0" in page.get_attribute(".ssl-attention-view .ssl-patches", "aria-label")
    picture = page.get_attribute(".ssl-print img[alt='original']", "src")
    page.click(".ssl-frame >> nth=4")
    page.wait_for_function("before => document.querySelector(\".ssl-print img[alt='original']\").src !== before", arg=picture)
    page.wait_for_function("new URL(location).searchParams.get('mask.image') === '4'")
