"""What the browser knows: a control shows the value it stands for on every page, from its first moment there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

PAGE = "page in view"
KNOWN = "known to the browser"  # keys of the controls that it is sure to show as they are, on this page
NEXT = "known at the end"  # keys of those that were set since
FIRST = "values at first"  # the value that each control had when its page came into view
MISSING = object()


def arrive(page: str) -> None:
    """Begins a page. On one that was not in view its controls are new to the browser, which would show their defaults.

    Streamlit knows a control by its page, too, but keeps its value under the key alone: the value that was set on
    the page before looks as if the control of this page had it already.
    """
    if st.session_state.get(PAGE) != page:
        st.session_state[PAGE], st.session_state[KNOWN], st.session_state[NEXT], st.session_state[FIRST] = page, set(), set(), {}


def sync(key: str, value: Any) -> Any:
    """Sets a control's value where it differs or is not known yet: set at every run, it would fight with a slider that is being dragged.

    Returns the control's default, its value when the page came into view: that is what the browser shows where the drawing that set it
    was dropped, as a busy server drops what it has not sent yet when a page is drawn again. A control in view keeps its default.
    """
    known = st.session_state.setdefault(KNOWN, set())
    if key not in known or st.session_state.get(key, MISSING) != value:
        known.discard(key)
        st.session_state[key] = value
        st.session_state.setdefault(NEXT, set()).add(key)
    return st.session_state.setdefault(FIRST, {}).setdefault(key, value)


def first(key: str) -> Any:
    """The default of a control in view, or MISSING: a browser whose drawing was dropped shows and reports it for a moment."""
    return st.session_state.get(FIRST, {}).get(key, MISSING)


def place(key: str, value: Any, options: Sequence[Any]) -> int:
    """`sync` for a choice: the place of its value among the options, or the first where it is none of them."""
    default = sync(key, value)
    return options.index(default) if default in options else 0


def reported(key: str) -> None:
    """The browser has sent a new value of this control, and so it shows it. To set it once more would undo the next move by hand, where
    that is made while the drawing is on its way."""
    st.session_state.setdefault(KNOWN, set()).add(key)
    st.session_state.setdefault(NEXT, set()).discard(key)


def complete() -> None:
    """Ends a page that was drawn to its end. One that was interrupted may not have sent what it set, and sets it again."""
    st.session_state[KNOWN].update(st.session_state[NEXT])
    st.session_state[NEXT].clear()
