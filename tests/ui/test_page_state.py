"""A page's state comes from its declaration alone: the address, the check, the control, what a panel may set."""

from typing import Annotated, Literal

import pytest
from pydantic import Field
from streamlit.testing.v1 import AppTest

from playground import RunConfig
from playground.knobs import knob, option, switch
from playground.ui import page_state
from playground.ui.page_state import Count, LeftValues, OptionalCount, OptionalNames, PageState, Word, among, prefixes
from playground.ui.settings import read
from support.opening import address


class Demo(PageState):
    """A page that there is not."""

    prefix = "demo."
    reported = ("image", "color")
    image: Count = 0
    step: OptionalCount = None
    color: Annotated[Word, among(("red", "green"))] = "red"
    tags: OptionalNames = None
    clusters: int = knob(8, 2, 50, "How many.")
    kind: Literal["map", "list"] = option("map", "How.")
    labels: bool = switch(False, "Whether names are shown.")
    last: int = Field(0, exclude=True)


def test_what_was_written_is_read_again_and_what_is_as_at_first_is_left_out():
    now = Demo(image=3, step=0, color="green", tags=("a", "b"), clusters=5, kind="list", labels=True)
    assert now.address() == {
        "demo.image": "3",
        "demo.step": "0",
        "demo.color": "green",
        "demo.tags": "a,b",
        "demo.clusters": "5",
        "demo.kind": "list",
        "demo.labels": "true",
    }
    assert Demo.read(now.address() | {"other.image": "9"}) == now
    assert Demo().address() == {} and Demo.read({}) == Demo()
    assert Demo.read(Demo(tags=()).address()).tags == ()


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("image", "two", "image must be a whole number from 0, got two"),
        ("image", str(2**60), f"image must be at most {2**53 - 1}, got {2**60}"),
        ("step", "-1", "step must be a whole number from 0, got -1"),
        ("color", "<b>", "color must be one of red, green, got <b>"),
        ("clusters", "1", "clusters must be a whole number from 2 to 50, got 1"),
        ("kind", "film", "kind must be one of map, list, got film"),
        ("labels", "maybe", "labels must be true or false, got maybe"),
        ("zoom", "2", "there is no setting demo.zoom"),
        ("last", "2", "there is no setting demo.last"),
    ],
)
def test_a_value_that_cannot_be_changes_nothing_and_stays_in_the_address_until_a_better_one_comes(name, value, sentence):
    now = Demo.read({f"demo.{name}": value, "demo.clusters": "9"} if name != "clusters" else {"demo.clusters": value})
    assert [each.sentence for each in now.problems.values()] == [sentence]
    assert now.address()[f"demo.{name}"] == value
    assert {each: getattr(now, each) for each in Demo.model_fields} == vars(Demo(clusters=8 if name == "clusters" else 9))
    now.accept(name)
    assert not now.problems and f"demo.{name}" not in now.address()


def test_a_panel_sets_only_what_is_declared_for_it():
    now = Demo()
    now.report({"image": 4, "color": "green", "clusters": 3, "zoom": 2})
    assert now == Demo(image=4, color="green") and not now.problems


def test_its_keys_are_no_settings_of_a_run():
    assert {"mask.", "map.", "lab.", "eval.", "show."} <= set(prefixes())
    found = read({f"{prefix}x": "1" for prefix in prefixes()} | {"seed": "4"})
    assert found.flat == RunConfig(seed=4).flat() and not found.problems and not found.ignored


def test_a_browser_that_is_behind_moves_nothing_back_and_any_other_value_is_a_move(monkeypatch):
    left = LeftValues()
    left.add("draw", 1)
    assert left.late("draw", 1) and not left.late("draw", 5) and not left.late("draw", 1)
    left.add("draw", 5)
    later = page_state.time.monotonic() + page_state.BEHIND
    monkeypatch.setattr(page_state.time, "monotonic", lambda: later)
    assert not left.late("draw", 5)


def page():
    import streamlit as st

    from playground.knobs import knob
    from playground.ui import syncing
    from playground.ui.page_state import PageState

    class Shown(PageState):
        prefix = "shown."
        clusters: int = knob(8, 2, 50, "How many.")
        run: str = ""

    syncing.arrive("Shown")
    state = Shown.here()
    state.widget("clusters", "Groups")
    state.select("run", "Run", ["", "a", "b"], lambda each: each or "None")
    st.query_params.from_dict(state.address())
    syncing.complete()


@pytest.mark.slow
def test_a_control_comes_from_its_field_and_its_sentence_stands_under_it():
    shown = AppTest.from_function(page)
    shown.query_params["shown.clusters"] = "99"
    shown.query_params["shown.run"] = "b"
    shown.run()
    assert not shown.exception
    [number], [run] = shown.number_input, shown.selectbox
    assert (number.label, number.value, number.help, run.value) == ("Groups", 8, "How many.", "b")
    assert [each.value for each in shown.error] == ["clusters must be a whole number from 2 to 50, got 99"]
    assert address(shown)["shown.clusters"] == "99"
    number.set_value(12).run()
    assert not shown.error and address(shown)["shown.clusters"] == "12"
    shown.selectbox[0].select("").run()
    assert "shown.run" not in address(shown)
