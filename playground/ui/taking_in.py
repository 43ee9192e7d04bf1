"""Pictures on their way into a set: where their labels come from, and a bar on the page."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from typing import Any, Literal

import streamlit as st

from playground.datasets import DataError
from playground.datasets.labels import SOURCES, Source
from playground.home import HomeError, home, keeping
from playground.ui.knob_widgets import plain

WORDS = {
    "auto": "guessed",
    "table": "in a table beside them",
    "subfolders": "folders inside the top ones",
    "folders": "the top folders",
    "none": "nothing: no labels",
}
LABELS = "Where the labels come from. Guessed: a table if there is one that fits, else folders; train and test are parts, not labels."


def labels_switch(key: str, now: Source, width: int | Literal["stretch"] = "stretch") -> Source:
    """Where the labels of a set come from. now: what is chosen at first."""
    return st.selectbox("Labels are", SOURCES, SOURCES.index(now), format_func=WORDS.__getitem__, key=key, width=width, help=LABELS)


def taken_in(steps: Generator[Any, None, None]) -> bool:
    """Works off the steps of an intake under a bar. False where it was refused; the sentence then stands on the page."""
    bar = st.progress(0.0, "Looking")
    try:
        with keeping(home()), closing(steps):
            for step in steps:
                bar.progress(step.done / step.total if step.total else 0.0, f"{plain(step.what)}: {step.done:,} of {step.total:,}")
    except (DataError, HomeError) as error:
        bar.empty()
        st.error(plain(str(error)), icon=":material/error:")
        return False
    return True
