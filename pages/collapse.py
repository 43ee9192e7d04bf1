"""Collapse: break it on purpose. A healthy and a broken run train side by side, under one clock."""

import streamlit as st

from playground.ui import collapse, collapse_state, controls, following, run_view
from playground.ui.collapse_state import CollapseState, Pair

ICON = ":material/heart_broken:"

collapse_state.begin(Pair.here(), run_view.shown())
following.follow_pair()
collapse.opening()

with st.sidebar:
    collapse.sidebar()

shown = Pair.here()
collapse.note(shown)
collapse.transport(shown)
collapse.summary(shown)
if shown.shown:
    collapse.panels(shown)
with st.expander("Ways to fail", expanded=not shown.shown or shown.recorded):
    collapse.ways_to_fail()

controls.write_url(run_view.shown().id, CollapseState.here().address())
