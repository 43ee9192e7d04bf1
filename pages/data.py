"""Data: what a network is shown, before anything is trained."""

import streamlit as st

from playground.datasets.summary import factors
from playground.home import home
from playground.ui import PAGES, controls, fetching, rereading, sheet, upload
from playground.ui.knob_widgets import plain

ICON = ":material/photo_library:"
ALL = "all images"

settings = controls.settings()
data = settings.data()
with st.sidebar:
    widgets = controls.widgets_for(settings)
    widgets.choice("data", "Data")
    widgets.section("data")
    upload.draw(data)

st.subheader(plain(data.choice.title), anchor=False)
sheet.numbers(data)
if found := fetching.images(data):
    train, probe = found
    st.caption(plain(data.choice.summary))
    names = factors(train, probe)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        factor = st.segmented_control("Rows", [*names, ALL], key="sheet-factor", default=(names or [ALL])[0], required=True)
        number = st.session_state.setdefault("sheet-draw", 0)
        if st.button("Other examples", icon=":material/casino:", key="sheet-another"):
            number = st.session_state["sheet-draw"] = number + 1
        if st.button("Train on it", icon=":material/model_training:", key="sheet-train", type="primary"):
            st.switch_page(PAGES / "train.py")
    rereading.draw(data)
    sheet.draw(data, train, probe, factor if factor in names else None, number)
    if remarks := data.choice.remarks(data, home() / "data"):
        with st.container(key="remarks"):
            for remark in remarks:
                st.caption(plain(remark))

controls.write_url(None)
