"""Augmentations: what the views of an image look like, what every operator does to them, and what survives."""

from urllib.parse import urlencode

import streamlit as st

from playground.ui import PAGES, augmentations, controls, fetching, live, transport

ICON = ":material/auto_awesome_motion:"

now = transport.watched()
settings = controls.settings(now.flat)
widgets = augmentations.widgets(settings)

with st.sidebar:
    if now.active:
        st.caption(":material/info: A run is going on. What is moved here is for the next one.")
    augmentations.presets(settings)
    widgets.choice("data", "Data")
    widgets.section("data")
    widgets.choice("method", "Method")
    with st.expander("Augmentation", expanded=True, key="section-augment"):
        widgets.section("augment")
    if any(key.startswith("crops.") for key in widgets.knobs):
        with st.expander("Local views", expanded=True, key="section-crops"):
            widgets.section("crops")
    else:
        augmentations.no_local_views()

config, sentence = augmentations.config(settings)
with st.container(key="looking", horizontal=True, vertical_alignment="bottom", gap="small"):
    image = augmentations.number("image", "Image", 0, "Which image of the training part, counted from 0.")
    draw = augmentations.number("draw", "Draw", 0, "Which random choices are made. The same number and seed give the same views.")
    st.button("Another draw", icon=":material/casino:", key="another", on_click=augmentations.another, args=("draw",))
    widgets.knob(widgets.knobs["seed"])
    views = augmentations.number("views", "Views", 24, "How many views of the image are shown, 32 at most.")
    train = st.button("Train with these", icon=":material/model_training:", type="primary", key="train", disabled=config is None)
if train:
    st.switch_page(PAGES / "train.py")

if config is None:
    st.error(controls.plain(f"Nothing can be shown until this is fixed: {sentence}"), icon=":material/error:")
elif fetching.images(config.data):
    everything = augmentations.query(config, *augmentations.EVERYTHING)
    which = urlencode({"image": image, "draw": draw})
    live.static_panel(
        "views", address=f"views?{everything}&{which}&{urlencode({'views': views})}", steps=f"views/steps?{everything}&{which}"
    )
    live.static_panel("overlap", address=f"views/overlap?{everything}&draw=0")
    live.static_panel("presets", address=f"views/presets?{everything}&{which}")
    live.static_panel("survival", address=f"views/survival?{augmentations.query(config, 'data', 'method', 'network', 'augment')}")
    with st.container(key="invariance"):
        run = augmentations.run(now)
        of = f"run={run}" if run else augmentations.query(config, "data", "method", "network")
        live.static_panel("invariance", address=f"views/invariance?{of}")

controls.write_url(now.id, augmentations.address())
