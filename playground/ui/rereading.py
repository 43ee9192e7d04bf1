"""A set of one's own that can be read again: as its folder is now, or with labels from elsewhere."""

from __future__ import annotations

from typing import Any, cast

import streamlit as st

from playground.datasets.intake import read_again
from playground.datasets.own_set import PREFIX
from playground.home import home
from playground.ui.knob_widgets import plain
from playground.ui.taking_in import labels_switch, taken_in


def draw(data: Any) -> None:
    """What should be known of `data`, in sentences, and for a set of one's own the switch of its labels and the button."""
    for notice in data.choice.notices(data, home() / "data"):
        st.warning(plain(notice), icon=":material/warning:")
    if not data.name.startswith(PREFIX):
        return
    with st.container(horizontal=True, vertical_alignment="bottom", key="reread"):
        labels = labels_switch(f"reread-labels-{data.name}", data.choice.own.source, width=260)
        again = st.button("Read it again", key="reread-now", icon=":material/refresh:")
    if again and taken_in(cast(Any, read_again(data.name, labels))):
        st.rerun()
