"""Augmentations: what the views of an image look like, what every operator does to them, and what survives."""

from urllib.parse import urlencode

import streamlit as st

from playground.ui import PAGES, controls, fetching, live, looking, transport

ICON = ":material/auto_awesome_motion:"

now = transport.watched()
settings = controls.settings(now.flat)
pen = looking.pen(settings)

with st.sidebar:
    if now.active:
        st.caption(":material/info: A run is going on. What is moved here is for the next one.")
    looking.presets(settings)
    pen.choice("data", "Data")
    pen.section("data")
    pen.choice("method", "Method")
    with st.expander("Augmentation", expanded=True, key="section-augment"):
        pen.section("augment")
    if any(key.startswith("crops.") for key in pen.knobs):
        with st.expander("Local views", expanded=True, key="section-crops"):
            pen.section("crops")
    else:
        looking.no_local_views()

config, sentence = looking.config(settings)
with st.container(key="looking", horizontal=True, vertical_alignment="bottom", gap="small"):
    image = looking.number("image", "Image", 0, "Which image of the training part, counted from 0.")
    draw = looking.number("draw", "Draw", 0, "Which random choices are made. The same number and seed give the same views.")
    st.button("Another draw", icon=":material/casino:", key="another", on_click=looking.another, args=("draw",))
    pen.knob(pen.knobs["seed"])
    views = looking.number("views", "Views", 24, "How many views of the image are shown, 32 at most.")
    train = st.button("Train with these", icon=":material/model_training:", type="primary", key="train", disabled=config is None)
if train:
    st.switch_page(PAGES / "train.py")

if config is None:
    st.error(controls.plain(f"Nothing can be shown until this is fixed: {sentence}"), icon=":material/error:")
elif fetching.images(config.data):
    everything = looking.query(config, *looking.EVERYTHING)
    which = urlencode({"image": image, "draw": draw})
    live.still("views", address=f"views?{everything}&{which}&{urlencode({'views': views})}", steps=f"views/steps?{everything}&{which}")
    live.still("overlap", address=f"views/overlap?{everything}&draw=0")
    live.still("presets", address=f"views/presets?{everything}&{which}")
    live.still("survival", address=f"views/survival?{looking.query(config, 'data', 'method', 'network', 'augment')}")
    with st.container(key="invariance"):
        run = looking.run(now)
        of = f"run={run}" if run else looking.query(config, "data", "method", "network")
        live.still("invariance", address=f"views/invariance?{of}")

controls.remember(now.id, looking.address())
