"""What a page shows that needs a dataset: without a browser, with a real server to download from."""

import threading

import pytest
from streamlit.testing.v1 import AppTest

from playground.datasets import Progress, load_images, turns
from playground.home import home as place
from playground.ui import fetching


@pytest.fixture(autouse=True)
def forgotten():
    """What other tests have loaded."""
    load_images.cache_clear()
    yield
    load_images.cache_clear()


def script(name, size):
    import streamlit as st

    from playground.config import RunConfig
    from playground.ui.fetching import images

    config = RunConfig(data=name, **({"data.size": size} if size else {}))
    found = images(config.data)
    st.text("none" if found is None else f"{len(found[0])} and {len(found[1])} images")
    st.toggle("another control", key="other")


def opened(name, size=None):
    return rendered(AppTest.from_function(script, args=(name, size), default_timeout=60))


def rendered(page):
    page.run()
    assert not page.exception, page.exception
    return page


def buttons(page):
    return {each.key: each.label for each in page.button}


def click(page, key):
    next(each for each in page.button if each.key == key).click()
    return rendered(page)


@pytest.mark.slow
def test_data_that_need_no_fetching_are_simply_there(home):
    page = opened("shapes")
    assert page.text[0].value == "4096 and 1024 images" and not page.button


@pytest.mark.slow
def test_a_page_says_what_must_be_fetched_and_fetches_it_on_a_click(home, miniature):
    kind = miniature("fashion-mnist")
    page = opened("fashion-mnist")
    assert page.text[0].value == "none"
    assert buttons(page) == {"fetch": "Download Fashion-MNIST"}
    assert kind.summary in page.markdown[0].value
    assert not (home / "data").exists()
    click(page, "fetch")
    assert page.text[0].value == "40 and 20 images" and not page.button and not page.error
    assert opened("fashion-mnist").text[0].value == "40 and 20 images"


@pytest.mark.slow
def test_photos_that_are_here_are_only_prepared(home, miniature):
    miniature("eurosat")
    assert buttons(page := opened("eurosat")) == {"fetch": "Download EuroSAT"}
    assert click(page, "fetch").text[0].value == "24 and 6 images"
    assert buttons(page := opened("eurosat", 32)) == {"fetch": "Prepare EuroSAT"}
    assert click(page, "fetch").text[0].value == "24 and 6 images"


@pytest.mark.slow
def test_what_cannot_be_had_is_a_sentence_and_the_button_is_still_there(home, miniature, monkeypatch):
    kind = miniature("fashion-mnist")
    reachable = kind.source.mirrors
    monkeypatch.setattr(kind.source, "mirrors", ["http://127.0.0.1:9/"])
    page = click(opened("fashion-mnist"), "fetch")
    assert page.error[0].value.startswith("train-images-idx3-ubyte.gz must be in ") and "Connection refused" in page.error[0].value
    assert buttons(page) == {"fetch": "Download Fashion-MNIST"}
    kind.source.mirrors = reachable
    assert click(page, "fetch").text[0].value == "40 and 20 images"


@pytest.mark.slow
def test_spoiled_files_are_a_sentence_and_can_be_fetched_again(home, miniature):
    miniature("svhn")
    click(opened("svhn"), "fetch")
    (place() / "data" / "train_32x32.mat").write_bytes(b"spoiled")
    load_images.cache_clear()
    page = opened("svhn")
    assert "svhn in " in page.error[0].value and buttons(page) == {"fetch": "Fetch SVHN"}
    assert click(page, "fetch").text[0].value == "30 and 11 images"


@pytest.mark.slow
def test_another_session_waits_and_then_finds_it_whole(home, miniature, server, monkeypatch):
    monkeypatch.setattr(turns, "LOOK", 0.02)
    shown, words = [], fetching._words
    monkeypatch.setattr(fetching, "_words", lambda part: shown.append(words(part)) or words(part))
    kind = miniature("cifar10")
    first = kind.fetch(kind.Knobs(), place() / "data")
    next(first)
    page = opened("cifar10")
    second = threading.Thread(target=click, args=(page, "fetch"))
    second.start()
    while not shown:
        second.join(0.02)
        assert second.is_alive()
    list(first)
    second.join()
    assert set(shown) == {"CIFAR-10 (another process is working on it: waiting)"}
    assert page.text[0].value == "20 and 4 images"
    assert len(server.asked) == 1


@pytest.mark.slow
def test_a_control_that_is_moved_meanwhile_does_not_end_it(home, miniature):
    kind = miniature("cifar10")
    page = opened("cifar10")
    page.session_state[fetching.WANTED] = kind.Knobs()  # as a run of the script leaves it that is broken off by another
    next(each for each in page.toggle if each.key == "other").set_value(True)
    assert rendered(page).text[0].value == "20 and 4 images"
    assert page.session_state[fetching.WANTED] is None


def test_how_far_it_is_in_words():
    words = fetching._words
    assert words(Progress("cifar-10-python.tar.gz", 12_000_000, 170_498_071)) == "cifar-10-python.tar.gz: 12.0 of 170.5 MB"
    assert words(Progress("*birds*: waiting", 0, 0)) == "\\*birds\\*: waiting"
    assert words(Progress("birds", 1200, 9469, "images")) == "birds: 1,200 of 9,469 images"
    assert words(Progress("birds", 3_000_000, 0)) == "birds: 3.0 MB"
