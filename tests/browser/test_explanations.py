"""A label explains itself: to a pointer, to the keyboard, to a finger; and formulas are drawn, whatever method they are of."""

import re

import pytest

from playground.methods import CATALOG
from playground.ui import ASSETS

BOX = "#ssl-definition"
LABEL = """async (lost) => {
  const { explain } = await import("/assets/definitions.js")
  const { make } = await import("/assets/theme.js")
  const label = explain(make("span.ssl-title", "A label"), lost ?? "projector/alignment")
  document.body.replaceChildren(make("p", "above"), label, make("p", "below"))
}"""


@pytest.fixture
def label(scripts):
    scripts.set_viewport_size({"width": 1000, "height": 700})
    scripts.add_style_tag(path=ASSETS / "definitions.css")
    scripts.mouse.move(0, 0)
    scripts.keyboard.press("Escape")
    scripts.evaluate(LABEL)
    return scripts.locator(".ssl-title")


def test_a_pointer_that_rests_on_a_label_is_told_what_it_means(scripts, label):
    label.hover()
    scripts.wait_for_selector(BOX)
    said = scripts.text_content(BOX)
    assert "Mean squared distance" in said and "|u - v|^2" in said and "none, from 0 to 4" in said and "Wang and Isola, 2020" in said
    scripts.hover(BOX)
    scripts.wait_for_timeout(400)
    assert scripts.is_visible(BOX)  # what it says can be read, and copied
    scripts.mouse.move(900, 600)
    scripts.wait_for_selector(BOX, state="hidden")


def test_the_keyboard_reaches_it_and_escape_leaves(scripts, label):
    scripts.keyboard.press("Tab")
    assert label.evaluate("each => each === document.activeElement && each.getAttribute('role') === 'button'")
    scripts.wait_for_selector(BOX)
    assert label.get_attribute("aria-describedby") == BOX[1:] and label.get_attribute("aria-expanded") == "true"
    scripts.keyboard.press("Escape")
    assert not scripts.is_visible(BOX) and label.get_attribute("aria-describedby") is None
    scripts.keyboard.press("Enter")
    assert scripts.is_visible(BOX)
    scripts.keyboard.press(" ")
    assert not scripts.is_visible(BOX)


def test_on_a_phone_a_touch_opens_it_within_the_screen_and_another_closes_it(scripts, label):
    scripts.set_viewport_size({"width": 390, "height": 700})
    label.click()
    box = scripts.locator(BOX).bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 390 and box["y"] + box["height"] <= 700
    scripts.click("p:first-child")
    assert not scripts.is_visible(BOX)


def test_a_command_is_drawn_as_code_without_its_backticks(scripts, label):
    scripts.evaluate(LABEL, "verdict")
    scripts.hover(".ssl-title")
    scripts.wait_for_selector(f"{BOX} code")
    assert scripts.text_content(f"{BOX} code") == "ssl-playground judge" and "`" not in scripts.text_content(BOX)


def test_a_label_that_stops_to_mean_something_is_plain_text_again(scripts, label):
    scripts.evaluate("async () => (await import('/assets/definitions.js')).explain(document.querySelector('.ssl-title'), null)")
    assert [label.get_attribute(each) for each in ("role", "tabindex", "aria-expanded")] == [None] * 3
    scripts.evaluate(LABEL, "nothing of that name")
    assert label.get_attribute("role") is None


@pytest.mark.parametrize("method", CATALOG)
def test_the_equation_of_every_method_is_drawn_without_a_leftover(scripts, method):
    drawn = (
        "async (latex) => { const math = (await import('/assets/formula.js')).formula(latex); return [math.outerHTML, math.textContent] }"
    )
    markup, text = scripts.evaluate(drawn, CATALOG[method].equation)
    assert not set("\\{}_$") & set(text) and "undefined" not in text and "?" not in text
    names = {"log", "exp", "min", "max", "softmax", "stopgrad", "kmeans", "rot", "HOG", "smooth"}
    words = set(re.findall(r">([A-Za-z]{2,})<", markup))
    assert words <= names, words - names


def test_a_fraction_of_a_sum_is_a_fraction_of_a_sum(scripts):
    drawn = "async (latex) => (await import('/assets/formula.js')).formula(latex).innerHTML"
    assert scripts.evaluate(drawn, r"\frac12 \sum_{i=1}^n \hat{x}_i^2 + z'") == (
        "<mfrac><mn>1</mn><mn>2</mn></mfrac><munderover><mo>∑</mo><mrow><mi>i</mi><mo>=</mo><mn>1</mn></mrow><mi>n</mi></munderover>"
        "<msubsup><mover><mrow><mi>x</mi></mrow><mo>^</mo></mover><mi>i</mi><mn>2</mn></msubsup><mo>+</mo><msup><mi>z</mi><mo>′</mo></msup>"
    )


@pytest.mark.parametrize(
    "unit, title",
    [
        ("share, from 0 to 1", "share"),
        ("nats, at most ln N", "nats"),
        ("bins, from 1 to K.", "bins"),
        ("none, from 0", "kl"),
        ("", "kl"),
        ("the method's own", "kl"),
    ],
)
def test_an_axis_is_called_by_the_unit_of_what_it_measures_or_by_its_name(scripts, unit, title):
    ask = 'async (unit) => (await import("/assets/definitions.js")).axisTitle({ unit }, "kl")'
    assert scripts.evaluate(ask, unit) == title
