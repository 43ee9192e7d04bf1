"""What a control asks for is done to its end, also where the page is asked for again meanwhile."""

import ast
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

import playground
from playground.ui import callbacks

ROOT = Path(playground.__file__).parent.parent
PAGES = [*(ROOT / "pages").glob("*.py"), *(ROOT / "playground" / "ui").glob("*.py")]
CALLS = ("on_click", "on_change", "on_start", "on_pause", "on_step", "on_stop", "on_status_change")


def app(whole):
    import streamlit as st
    from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx

    from playground.ui.callbacks import uninterrupted

    def pressed():
        get_script_run_ctx().script_requests.request_rerun(RerunData())  # as when a panel asks for the page
        st.session_state["first"] = st.session_state.get("first", 0) + 1
        st.query_params["of"] = "a message to the browser"
        st.session_state["second"] = 1

    def outer():
        uninterrupted(pressed)()
        st.session_state["third"] = 1

    st.button("Press", on_click=uninterrupted(outer) if whole else pressed)
    st.session_state["drawn"] = st.session_state.get("drawn", 0) + 1


@pytest.mark.slow
@pytest.mark.parametrize("whole", [True, False])
def test_a_request_that_comes_meanwhile_waits_and_is_then_answered(whole):
    page = AppTest.from_function(app, kwargs={"whole": whole}).run()
    page.button[0].click().run()
    assert ("second" in page.session_state) == whole, "what Streamlit itself does with it has changed"
    if whole:
        assert page.session_state["first"] == page.session_state["third"] == 1
    assert page.session_state["drawn"] == 2


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_every_callback_of_a_control_is_uninterrupted(file):
    for node in ast.walk(ast.parse(file.read_text())):
        given = [(each.arg, each.value) for each in node.keywords] if isinstance(node, ast.Call) else []
        given += (
            [(ast.literal_eval(key), value) for key, value in zip(node.keys, node.values, strict=True) if key] if _is_table(node) else []
        )
        for word, value in given:
            if word in CALLS and ast.unparse(value) not in CALLS:  # those that are passed on are checked where they come from
                assert _is_whole(value, file), f"{file.name}:{node.lineno}: {ast.unparse(value)} needs @uninterrupted"


def _is_table(node):
    """Whether it is a dict with words as its keys."""
    return isinstance(node, ast.Dict) and all(key is None or isinstance(key, ast.Constant) for key in node.keys)


def _is_whole(value, file):
    """Whether a callback, `stop` or `lab.stop` or one or the other, also as a partial, is uninterrupted where it is defined."""
    if isinstance(value, ast.IfExp):
        return _is_whole(value.body, file) and _is_whole(value.orelse, file)
    if isinstance(value, ast.Call):
        return ast.unparse(value.func) == "partial" and _is_whole(value.args[0], file)
    if isinstance(value, ast.Attribute):
        return _is_whole(ast.Name(value.attr), ROOT / "playground" / "ui" / f"{value.value.id}.py")
    found = [node for node in ast.parse(file.read_text()).body if getattr(node, "name", "") == value.id]
    return "uninterrupted" in [ast.unparse(each) for each in found[0].decorator_list]


def test_a_newer_request_of_a_session_waits_until_the_callback_of_the_older_one_is_done(monkeypatch):
    """Each request has a thread and a context of its own, as Streamlit makes them."""
    here, begun, going_on, done = threading.local(), threading.Event(), threading.Event(), []
    monkeypatch.setattr(callbacks, "get_script_run_ctx", lambda **_: here.context)

    @callbacks.uninterrupted
    def press(value):
        if value == "older":
            begun.set()
            going_on.wait(30)
        done.append(value)

    def request(value, session):
        here.context = SimpleNamespace(session_id=session, script_requests=SimpleNamespace())
        press(value)

    requests = [threading.Thread(target=request, args=each) for each in (("older", "a"), ("newer", "a"), ("of another", "b"))]
    requests[0].start()
    assert begun.wait(30)
    for each in requests[1:]:
        each.start()
    requests[2].join(30)
    assert done == ["of another"]  # nobody else waits
    going_on.set()
    for each in requests:
        each.join(30)
    assert done == ["of another", "older", "newer"]
