"""Embeddings: where a run puts every image, through time, and who is near whom."""

import streamlit as st

from playground.ui import PAGES, controls, embeddings, live, transport

ICON = ":material/bubble_chart:"

watched = transport.watched()
controls.settings(watched.flat)
now = embeddings.state()

with st.sidebar:
    embeddings.runs(now)

embeddings.refusals(now)
if now.run:
    embeddings.panel(now)
    live.panel("geometry", now.run, other=now.other)
elif not now.problems:
    st.subheader("Nothing has been trained here yet")
    st.write(
        "Every image of a run becomes a point on this page, and the run's time a film. Train a network for half a minute, then come back."
    )
if not now.run and st.button("Go to the Train page", key="first", type="primary", icon=":material/model_training:"):
    st.switch_page(PAGES / "train.py")

controls.write_url(watched.id, now.address())
