"""The Augmentations page as a person uses it: pointing, keys, a slider, another draw, a phone, and the way to training."""

import pytest

MEANT = "document.querySelector('.ssl-original rect[data-state=meant]')"
PICTURES = "[...document.querySelectorAll('.ssl-view canvas')].map(each => each.toDataURL()).join()"


@pytest.fixture
def looking(desk):
    def opened(**more):
        more = {"show.views": 8} | more
        return desk(path="augmentations", until=".ssl-view canvas", **more)

    return opened


def box(page):
    """Left and width of the box that stands out, in pixels of the image."""
    return page.evaluate(f"['x', 'width'].map(name => Number({MEANT}.getAttribute(name)))")


def facts(page):
    lines = page.locator(".ssl-decided .ssl-fact")
    return dict(zip(lines.locator("dt").all_text_contents(), lines.locator("dd").all_text_contents(), strict=True))


def test_pointing_and_keys_show_the_box_and_the_numbers_of_a_view(looking):
    page = looking(**{"augment.jitter_probability": 1, "augment.crop_scale_min": 0.2})
    page.wait_for_selector(".ssl-step[data-did='yes'] canvas")
    assert page.locator(".ssl-view").count() == page.locator(".ssl-original rect").count() == 8
    assert page.locator(".ssl-step").count() == 10
    first = box(page), facts(page)
    page.hover(".ssl-view >> nth=3")
    page.wait_for_function("document.querySelector('.ssl-who').textContent === 'View 4'")
    pointed = box(page), facts(page)
    assert pointed[0] != first[0] and pointed[1]["brightness"] != first[1]["brightness"]
    assert f"{pointed[0][1]:.1f} ×" in pointed[1]["crop"]
    page.mouse.move(5, 5)
    page.wait_for_function("document.querySelector('.ssl-who').textContent === 'View 1'")
    page.focus(".ssl-view[aria-pressed=true]")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('.ssl-who').textContent === 'View 4'")
    assert (box(page), facts(page)) == pointed
    page.keyboard.press("Enter")
    page.wait_for_selector(".ssl-made .ssl-title:has-text('View 4, step by step')")
    assert page.locator(".ssl-view[aria-pressed=true]").get_attribute("aria-label").startswith("View 4: crop")


def test_a_slider_and_another_draw_change_the_pictures_in_place(looking):
    page = looking(**{"augment.jitter_probability": 0, "augment.grayscale_probability": 0})
    before = page.evaluate(PICTURES)
    page.evaluate("document.querySelectorAll('.ssl-view canvas, .ssl-original canvas').forEach(each => each.marked = true)")
    page.evaluate(
        "window.gaps = 0; new MutationObserver(() => window.gaps += document.querySelectorAll('.ssl-view canvas').length < 8)"
        ".observe(document.body, { childList: true, subtree: true })"
    )
    page.focus(".st-key-augment-grayscale_probability [role=slider], .st-key-augment-grayscale_probability input")
    page.keyboard.press("End")
    page.wait_for_function(f"before => {PICTURES} !== before", arg=before)
    page.wait_for_function("location.search.includes('augment.grayscale_probability=1.0')")
    gray = page.evaluate(PICTURES)
    page.click(".st-key-another button")
    page.wait_for_function(f"before => {PICTURES} !== before", arg=gray)
    page.wait_for_function("location.search.includes('show.draw=1')")
    assert page.evaluate("[...document.querySelectorAll('.ssl-view canvas, .ssl-original canvas')].every(each => each.marked)")
    assert page.evaluate("window.gaps") == 0
    drawn = page.evaluate(PICTURES)
    page.reload()
    page.wait_for_selector(".ssl-view canvas")
    page.wait_for_function(f"drawn => {PICTURES} === drawn", arg=drawn)


def test_a_wrong_image_is_a_sentence_and_the_way_back_is_open(desk):
    page = desk(path="augmentations", until=".ssl-failure:not(:empty)", refused="/api/views", **{"show.image": 9999})
    assert page.text_content(".ssl-views .ssl-failure") == "image must be a whole number from 0 to 4095, got 9999"
    page.fill(".st-key-show-image input", "7")
    page.keyboard.press("Enter")
    page.wait_for_selector(".ssl-view canvas")
    assert page.is_hidden(".ssl-views .ssl-failure")


def test_train_with_these_takes_a_preset_to_the_train_page(looking):
    page = looking()
    page.click(".st-key-preset button:has-text('BYOL')")
    page.wait_for_function("location.search.includes('augment.asymmetry=1.0')")
    page.click(".st-key-train button:enabled")
    page.wait_for_selector(".st-key-start button:enabled")
    page.wait_for_function(
        "location.search.includes('augment.asymmetry=1.0') && location.search.includes('augment.solarize_probability=0.1')"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_it_stands_in_one_column_and_a_touch_chooses(chromium, looking, scheme):
    context = chromium.new_context(viewport={"width": 390, "height": 844}, color_scheme=scheme, has_touch=True)
    page = looking(context=context)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.tap(".ssl-view >> nth=2")
    page.wait_for_selector(".ssl-made .ssl-title:has-text('View 3, step by step')")
    panels = ("views", "overlap", "presets", "augmentation-probes", "invariance")
    tops = [page.locator(f".st-key-live-{panel}").bounding_box()["y"] for panel in panels]
    assert tops == sorted(tops)
    page.locator(".st-key-live-augmentation-probes").scroll_into_view_if_needed()
    page.wait_for_function("document.querySelectorAll('.ssl-augmentation-probes .js-plotly-plot').length === 4")
    assert "chance" in page.locator(".ssl-augmentation-probes .ssl-plot").first.get_attribute("aria-label")
    context.close()
