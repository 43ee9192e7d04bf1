"""Collapse: break it on purpose. A healthy and a broken run train side by side, under one clock."""

import streamlit as st

from playground.ui import collapse, collapse_state, controls, following, transport

ICON = ":material/heart_broken:"

collapse_state.begin(collapse_state.pair(), transport.watched())
following.follow_pair()
collapse.opening()

with st.sidebar:
    collapse.sidebar()

shown = collapse_state.pair()
collapse.transport(shown)
collapse.told(shown)
if shown.shown:
    collapse.panels(shown)
with st.expander("Ways to fail", expanded=not shown.shown):
    collapse.ways_to_fail()

controls.write_url(transport.watched().id, collapse_state.state().address())
