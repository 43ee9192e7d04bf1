"""Masking: what is hidden from the network, and what it paints there."""

import streamlit as st

from playground.ui import controls, masking, transport
from playground.ui.masking_state import masked_runs, state

ICON = ":material/grid_on:"

watched = transport.watched()
controls.settings(watched.flat)
now = state()

with st.sidebar:
    masking.runs(now)
    masking.unfit(watched.run)
    found = masking.source(now)
    if found:
        masking.mask(now, found.image_size)

with st.container(key="transport", horizontal=True, vertical_alignment="center", gap="small"):
    st.button("Another mask", key="another", icon=":material/casino:", on_click=masking.another)
    if st.button("Train with this masking", key="train", icon=":material/model_training:"):
        masking.to_training(now)
    if not masked_runs():
        masking.nobody_paints(now)
    elif not now.run:
        st.caption("Choose a run in the sidebar to see what it paints under the mask.")

if found:
    masking.panel(now, found)

controls.write_url(watched.id, now.address())
