"""Train: pick a method, press Start, and watch a representation form."""

import streamlit as st

from playground.ui import controls, following, live, recorded, run_view, schedules, transport

ICON = ":material/model_training:"

now = run_view.shown()
running = transport.running(now)
settings = controls.settings(now.flat, running.live if running else ())
following.follow(settings, now)

with st.sidebar:
    widgets = controls.draw(settings, running)
    with st.expander("Schedules", expanded=True, key="section-schedules"):
        schedules.draw(widgets)

recorded.note(now.id)
config, sentences = settings.config()
with st.container(key="transport", horizontal=True, vertical_alignment="center", gap="medium"):
    transport.buttons(config, now)
    live.panel("transport", now.id, title=now.title(), without=now.without(), **now.summary())
transport.show_refusals(sentences)
transport.show_losses(now)
transport.show_resume(now)

live.first_row(now.id)
with st.container(key="second-row"):
    left, middle, right = st.columns([9, 7, 8], gap="medium")
    with left:
        live.panel("pictures", now.id)
    with middle:
        live.panel("plane", now.id)
    with right:
        live.panel("collapse", now.id)

live.panel("inside", now.id)

controls.write_url(now.id)
