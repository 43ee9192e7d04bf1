"""On every page, however one came there, the browser is told of each control what it stands for."""

import pytest
import streamlit as st

from playground.home import site
from playground.ui import syncing
from support.opening import by_key, opened, rendered

WALK = ("masking", "data", "train", "data", "augmentations", "train", "collapse", "data", "train")


def unsent(page):
    """The controls of which the browser shows what it has, or else their default."""
    kinds = ("selectbox", "number_input", "slider", "select_slider", "toggle")
    return [each.key for kind in kinds for each in getattr(page, kind) if not each.proto.set_value]


def visited(page, file):
    page.switch_page(str(site() / "pages" / f"{file}.py"))
    return rendered(page)


class Session(dict):
    """A session's state that counts how often a control is set."""

    def __init__(self):
        super().__init__()
        self.sets = []

    def __setitem__(self, key, value):
        super().__setitem__(key, value)
        if key == "rate":
            self.sets.append(value)


def test_what_the_browser_has_sent_itself_is_not_set_again_however_often_drawings_are_cut_short(monkeypatch):
    session = Session()
    monkeypatch.setattr(st, "session_state", session)
    syncing.arrive("Train")
    syncing.sync("rate", 0.003)
    syncing.sync("rate", 0.003)  # the drawing before was cut short: the browser may not have it
    assert session.sets == [0.003, 0.003]
    dict.__setitem__(session, "rate", 0.002)  # as Streamlit does, before it calls back
    syncing.reported("rate")
    syncing.sync("rate", 0.002)
    syncing.sync("rate", 0.002)
    assert session.sets == [0.003, 0.003]
    syncing.sync("rate", 0.005)  # somebody else moved it
    syncing.sync("rate", 0.005)
    assert session.sets == [0.003, 0.003, 0.005, 0.005]


@pytest.mark.slow
def test_a_control_that_comes_into_view_is_told_its_value():
    page = opened(seed="7", **{"network": "resnet-tiny", "method.temperature": "0.3"})
    for file in WALK:
        visited(page, file)
        assert [key for key in unsent(page) if key in page.query_params] == [], file
        if file in ("train", "data"):
            assert by_key(page, "selectbox", "data").value == "shapes", file
