"""Evaluation: what a representation is worth, by the tests of the field."""

import streamlit as st

from playground.ui import controls, evaluating, live, transport

ICON = ":material/quiz:"

watched = transport.watched()
settings = controls.settings(watched.flat)
now = evaluating.wanted(watched)

with st.sidebar:
    run = evaluating.controls(now)

with st.container(key="transport", horizontal=True, vertical_alignment="center", gap="small"):
    evaluating.buttons(now, run)

live.static_panel("evaluation", of=run.id if run else None)
live.static_panel(
    "losses",
    on_status=evaluating.heard,
    of=run.id if run else None,
    data=run.flat["data"] if run else settings.flat["data"],
    factor=evaluating.factor(now, run),
)

controls.write_url(watched.id, now.address())
