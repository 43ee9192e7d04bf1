"""The Data page without a browser."""

from opening import by_key, opened, rendered


def test_the_page_offers_every_factor_and_other_examples(home):
    page = opened("data.py", seed="5")
    rows = by_key(page, "segmented_control", "sheet-factor")
    assert list(rows.options) == ["shape", "color", "size", "position", "rotation", "background", "all images"]
    by_key(page, "button", "sheet-another").click()
    rendered(page)
    assert page.session_state["sheet-draw"] == 1
    assert page.query_params["seed"] in ("5", ["5"])


def test_a_data_set_that_does_not_exist_is_refused_beside_the_selector(home):
    page = opened("data.py", data="shepes")
    assert any("data must be one of" in each.value for each in page.error)
    assert by_key(page, "selectbox", "data").value == "shapes"


def test_train_on_it_leads_to_the_train_page_with_the_same_settings(home):
    page = opened("data.py", seed="7")
    by_key(page, "button", "sheet-train").click()
    rendered(page)
    assert by_key(page, "number_input", "seed").value == 7
    assert any(each.key == "start" for each in page.button)
