"""What a page says of a recording that it shows, and the way to a run of one's own."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from playground.runs.recordings import title
from playground.runs.records import Run
from playground.ui import PAGES
from playground.ui.controls import settings
from playground.ui.knob_widgets import plain
from playground.ui.run_names import title as title_of
from playground.ui.run_view import SHOWN, RunView


def note(shown: str | None) -> None:
    """One line on top of a page that shows a recording, with the way to train it. shown: the id of the run that the page shows."""
    run = RunView.of(shown).run
    if run is None or not run.recorded:
        return
    what = f"{title(run.id)}, trained on {title_of(run.flat, 'data')} for {run.steps:,} steps."
    if line(what):
        take_settings(run)
        if st.session_state.get(SHOWN) == run.id:
            st.session_state[SHOWN] = None
        st.switch_page(PAGES / "train.py")


def line(what: str, on_click: Callable[[], None] | None = None) -> bool:
    """The line itself; whether its button was pressed. what: what was recorded."""
    with st.container(key="recording", horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f":material/movie: **This is a recording.** {plain(what)}", width="content")
        return st.button("Train it yourself", key="train-it", icon=":material/model_training:", on_click=on_click)


def take_settings(run: Run) -> None:
    """The settings of the session become exactly those of a recording, but for the device."""
    kept = settings()
    kept.flat = run.config.flat() | {"device": kept.flat["device"]}
    kept.problems.clear()
    kept.notes.clear()
