"""A page that needs the images of a dataset: they are there, or the page offers to fetch them and shows how far that is."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import streamlit as st

from playground.datasets import DataError, Images, Progress, load_images
from playground.home import home
from playground.ui.callbacks import uninterrupted
from playground.ui.knob_widgets import plain

WANTED = "fetching"  # the data, down to their knobs, that somebody in this session has asked for
REFUSED = "fetching refused"  # the same, and the sentence why it could not be had
VERBS = {"": "Fetch", "download": "Download", "prepare": "Prepare"}
EVERY = 0.1  # seconds between two pictures of the bar


def images(data: Any) -> tuple[Images, Images] | None:
    """Training and probe images of `config.data`; None where they must be fetched first: then the page says so, and does on a click."""
    folder, sentence = home() / "data", ""
    if not data.choice.missing(data, folder):
        try:
            with st.spinner(f"Loading {plain(data.choice.title)}", show_time=True):
                return load_images(data, folder)
        except DataError as error:
            sentence = str(error)
    _fetch(data, folder, sentence)
    return None


def _fetch(data: Any, folder: Path, sentence: str) -> None:
    """What must be fetched and a button; while it is fetched, how far it is, and the button ends it."""
    with st.container(border=True, key="fetching"):
        st.markdown(f"**{plain(data.choice.title)}** is not here yet. {plain(data.choice.summary)}")
        if st.session_state.get(WANTED) == data:
            _button("Stop", "stop", None)
            st.session_state[REFUSED] = (data, _follow(data, folder))
            st.session_state[WANTED] = None
            st.rerun()
        _button(f"{VERBS[data.choice.missing(data, folder)]} {plain(data.choice.title)}", "download", data)
        refused, why = st.session_state.get(REFUSED) or (None, "")
        if sentence := (why if refused == data else "") or sentence:
            st.error(plain(sentence), icon=":material/error:")


def _button(label: str, icon: str, wanted: Any) -> None:
    st.button(label, key="fetch", icon=f":material/{icon}:", on_click=_ask, args=(wanted,))


@uninterrupted
def _ask(data: Any) -> None:
    st.session_state[WANTED], st.session_state[REFUSED] = data, None


def _follow(data: Any, folder: Path) -> str:
    """Fetches in this run of the script, and returns what went wrong.

    Whatever ends the run (leaving the page, moving a control) breaks it off, and what has come is kept; the next run goes on.
    """
    bar, drawn = st.progress(0.0, "Asking for it"), 0.0
    try:
        with closing(cast(Any, data.choice.fetch(data, folder))) as parts:
            for part in parts:
                if time.monotonic() - drawn > EVERY:
                    bar.progress(part.done / part.total if part.total else 0.0, _words(part))
                    drawn = time.monotonic()
    except DataError as error:
        return str(error)
    return ""


def _words(part: Progress) -> str:
    """cifar-10-python.tar.gz: 12 of 170 MB."""
    name = plain(part.what)
    if part.unit == "images":
        return f"{name}: {part.done:,} of {part.total:,} images" if part.total else name
    of = f" of {part.total / 1e6:,.1f}" if part.total else ""
    return f"{name}: {part.done / 1e6:,.1f}{of} MB" if part.done or part.total else name
