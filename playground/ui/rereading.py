"""A set of one's own that can be read again: as its folder is now, or with labels from elsewhere."""

from __future__ import annotations

from contextlib import closing
from typing import Any, cast

import streamlit as st

from playground.datasets import DataError, own
from playground.datasets.intake import read_again
from playground.datasets.labels import SOURCES
from playground.home import HomeError, home, keeping
from playground.ui.controls import plain

FOLDERS = {
    "auto": "as they look",
    "table": "in a table beside them",
    "subfolders": "folders inside the top ones",
    "folders": "the top folders",
    "none": "nothing: no labels",
}


def draw(data: Any) -> None:
    """What should be known of `data`, in sentences, and for a set of one's own the switch of its labels and the button."""
    for notice in data.choice.notices(data, home() / "data"):
        st.warning(plain(notice), icon=":material/warning:")
    if not data.name.startswith(own.PREFIX):
        return
    with st.container(horizontal=True, vertical_alignment="bottom", key="reread"):
        now = SOURCES.index(data.choice.own.source)
        labels = st.selectbox("Labels are", SOURCES, now, format_func=FOLDERS.__getitem__, key=f"reread-labels-{data.name}", width=260)
        if st.button("Read it again", key="reread-now", icon=":material/refresh:"):
            _read(data.name, labels)


def _read(name: str, labels: Any) -> None:
    bar = st.progress(0.0, "Looking")
    try:
        with keeping(home()), closing(cast("Any", read_again(name, labels))) as parts:
            for part in parts:
                bar.progress(part.done / part.total if part.total else 0.0, f"{plain(part.what)}: {part.done:,} of {part.total:,}")
    except (DataError, HomeError) as error:
        bar.empty()
        st.error(plain(str(error)), icon=":material/error:")
        return
    st.rerun()
