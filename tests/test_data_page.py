"""The Data page without a browser."""

from streamlit.testing.v1 import AppTest

from playground.home import site

FRAME = site() / "playground" / "ui" / "frame.py"
PAGE = str(site() / "pages" / "data.py")


def opened(**query):
    page = AppTest.from_file(FRAME, default_timeout=120)
    for key, value in query.items():
        page.query_params[key] = value
    page.switch_page(PAGE)
    return rendered(page)


def rendered(page):
    page.run()
    assert not page.exception, page.exception
    return page


def by_key(page, kind, key):
    return next(each for each in getattr(page, kind) if each.key == key)


def test_the_page_offers_every_factor_and_other_examples(home):
    page = opened(seed="5")
    rows = by_key(page, "segmented_control", "sheet-factor")
    assert list(rows.options) == ["shape", "color", "size", "position", "rotation", "background", "all images"]
    by_key(page, "button", "sheet-another").click()
    rendered(page)
    assert page.session_state["sheet-draw"] == 1
    assert page.query_params["seed"] in ("5", ["5"])


def test_a_data_set_that_does_not_exist_is_refused_beside_the_selector(home):
    page = opened(data="shepes")
    assert any("data must be one of" in each.value for each in page.error)
    assert by_key(page, "selectbox", "data").value == "shapes"


def test_train_on_it_leads_to_the_train_page_with_the_same_settings(home):
    page = opened(seed="7")
    by_key(page, "button", "sheet-train").click()
    rendered(page)
    assert by_key(page, "number_input", "seed").value == 7
    assert any(each.key == "start" for each in page.button)
