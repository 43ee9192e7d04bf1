"""Embeddings: where a run puts every image, through time, and who is near whom."""

import streamlit as st

from playground.ui import PAGES, controls, embeddings, live, recorded, run_view
from playground.ui.embeddings_state import EmbeddingsState

ICON = ":material/bubble_chart:"

shown = run_view.shown()
controls.settings(shown.flat)
now = EmbeddingsState.here()

with st.sidebar:
    embeddings.runs(now)

now.show_problems(*(name for name in now.problems if name not in ("run", "other")))
if now.run:
    recorded.note(now.run)
    embeddings.panel(now)
    live.panel("geometry", now.run, other=now.other)
elif now.problems:
    st.caption("Choose a run in the sidebar to see its map.")
else:
    st.subheader("Nothing has been trained here yet")
    st.write(
        "Every image of a run becomes a point on this page, and the run's time a film. Train a network for half a minute, then come back."
    )
if not now.run and st.button("Go to the Train page", key="first", type="primary", icon=":material/model_training:"):
    st.switch_page(PAGES / "train.py")

controls.write_url(shown.id, now.address())
