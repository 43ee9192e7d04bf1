"""Collapse: break it on purpose. A healthy and a broken run train side by side, under one clock."""

import streamlit as st

from playground.ui import controls, duel, following, lab, transport

ICON = ":material/heart_broken:"

lab.begin(lab.pair(), transport.watched())
following.follow_pair()
duel.opening()

with st.sidebar:
    duel.sidebar()

shown = lab.pair()
duel.transport(shown)
duel.told(shown)
if shown.shown:
    duel.panels(shown)
with st.expander("Ways to fail", expanded=not shown.shown):
    duel.ways_to_fail()

controls.remember(transport.watched().id, lab.lab().address())
