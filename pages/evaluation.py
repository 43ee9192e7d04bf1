"""Evaluation: what a representation is worth, by the tests of the field."""

import streamlit as st

from playground.ui import controls, evaluation, live, recorded, run_view
from playground.ui.evaluation_state import EvaluationState

ICON = ":material/quiz:"

shown = run_view.shown()
settings = controls.settings(shown.flat)
now = EvaluationState.here()

with st.sidebar:
    run = evaluation.controls(now)

recorded.note(now.run)
with st.container(key="transport", horizontal=True, vertical_alignment="center", gap="small"):
    evaluation.buttons(now, run)

live.static_panel("evaluation", of=run.id if run else None)
live.static_panel(
    "losses",
    state=now,
    of=run.id if run else None,
    data=run.flat["data"] if run else settings.flat["data"],
    factor=now.factor_of(run),
)

controls.write_url(shown.id, now.address())
