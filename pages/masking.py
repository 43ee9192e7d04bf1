"""Masking: what is hidden from the network, and what it paints there."""

import streamlit as st

from playground.ui import controls, masking, recorded, run_view
from playground.ui.masking_state import MaskingState, masked_runs

ICON = ":material/grid_on:"

trained = run_view.shown()
controls.settings(trained.flat)
now = MaskingState.here()

with st.sidebar:
    masking.runs(now)
    masking.unfit(trained.run)
    found = masking.source(now)
    if found:
        masking.mask(now, found.image_size)

recorded.note(now.run)
with st.container(key="transport", horizontal=True, vertical_alignment="center", gap="small"):
    st.button("Another mask", key="another", icon=":material/casino:", on_click=masking.another)
    if st.button("Train with this masking", key="train", icon=":material/model_training:"):
        masking.to_training(now)
    if not masked_runs():
        masking.no_run(now)
    elif not now.run:
        st.caption("Choose a run in the sidebar to see what it paints under the mask.")

if found:
    masking.panel(now, found)

controls.write_url(trained.id, now.address())
