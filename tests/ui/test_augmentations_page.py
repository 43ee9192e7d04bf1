"""The Augmentations page without a browser: its controls, presets, address, sentences, and the way to the Train page."""

import pytest

from playground.analysis.presets import PRESETS
from playground.config import RunConfig
from support.opening import address, by_key, opened, rendered
from support.pools import pool_of_pages


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """One for all: the page asks the pool for runs."""
    with pool_of_pages(tmp_path_factory.mktemp("home")):
        yield


def take(page, preset):
    by_key(page, "pills", "preset").set_value(preset)
    return rendered(page)


@pytest.mark.slow
def test_the_page_has_the_controls_of_views_and_no_others(home):
    page = opened("augmentations.py")
    keys = {each.key for kind in ("selectbox", "slider", "number_input") for each in getattr(page, kind)}
    augment = {key for key in RunConfig().flat() if key.startswith("augment.")}
    assert keys == augment | {"data", "method", "seed", "show.image", "show.draw", "show.views", "show.run"}
    assert not any("live" in each.label for each in page.slider)


@pytest.mark.slow
def test_image_and_draw_stand_in_the_link_and_come_back_from_it(home):
    page = opened("augmentations.py", **{"show.image": "12", "augment.hue": "0.2"})
    by_key(page, "button", "another").click()
    page = rendered(page)
    kept = address(page)
    assert (kept["show.image"], kept["show.draw"], kept["augment.hue"]) == ("12", "1", "0.2")
    again = opened("augmentations.py", **kept)
    assert by_key(again, "number_input", "show.draw").value == 1
    assert by_key(again, "number_input", "show.image").value == 12
    assert not again.error


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_every_preset_can_be_taken_and_stays_marked(home, preset):
    page = take(opened("augmentations.py", **{"augment.hue": "0.33"}), preset.name)
    assert by_key(page, "pills", "preset").value == preset.name
    for key, value in preset.values.items():
        if not key.startswith("crops.") or preset.method:
            assert float(address(page)[key]) == value
    assert not page.error


@pytest.mark.slow
def test_multi_crop_brings_a_method_that_takes_it_and_says_so(home):
    page = take(opened("augmentations.py"), "dino")
    assert by_key(page, "selectbox", "method").value == "dino"
    assert any("needs a method that takes local views: it is DINO now (it was SimCLR)" in each.value for each in page.caption)
    assert address(page)["crops.local_views"] == "8"


@pytest.mark.slow
def test_train_with_these_opens_the_train_page_with_exactly_this_pipeline(home):
    page = take(opened("augmentations.py", seed="5"), "byol")
    before = {key: value for key, value in address(page).items() if key.startswith("augment.")}
    by_key(page, "button", "train").click()
    page = rendered(page)
    assert by_key(page, "button", "start")
    assert by_key(page, "slider", "augment.asymmetry").value == 1
    assert {key: value for key, value in address(page).items() if key.startswith("augment.")} == before
    assert address(page)["seed"] == "5" and "show.image" not in address(page)


@pytest.mark.slow
def test_a_value_that_cannot_be_is_refused_beside_its_control(home):
    page = opened("augmentations.py", **{"augment.hue": "7"})
    assert any(each.value.startswith("augment: hue must be from 0 to 0.5, got 7") for each in page.error)
    assert any("Fix this to see views" in each.value for each in page.error)
    assert by_key(page, "button", "train").disabled


@pytest.mark.slow
def test_a_value_that_views_do_not_depend_on_is_no_obstacle(home):
    page = opened("augmentations.py", steps="many")
    assert not page.error and not by_key(page, "button", "train").disabled


@pytest.mark.slow
def test_a_data_set_that_is_not_here_is_said_in_a_sentence(home):
    page = opened("augmentations.py", data="cifar10")
    assert by_key(page, "button", "fetch").label == "Download CIFAR-10"
