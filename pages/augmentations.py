"""Augmentations: what the views of an image look like, what every operator does to them, and what survives."""

from urllib.parse import urlencode

import streamlit as st

from playground.ui import PAGES, augmentations, controls, fetching, live, run_view
from playground.ui.augmentations_state import AugmentationsState
from playground.ui.knob_widgets import plain

ICON = ":material/auto_awesome_motion:"

trained = run_view.shown()
settings = controls.settings(trained.flat)
now = AugmentationsState.here()
widgets = augmentations.widgets(settings)

with st.sidebar:
    if trained.active:
        st.caption(":material/info: A run is training. Changes here apply to the next run.")
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
    now.widget("image")
    now.widget("draw")
    st.button("Another draw", icon=":material/casino:", key="another", on_click=augmentations.another)
    widgets.knob(widgets.knobs["seed"])
    now.widget("views")
    train = st.button("Train with these", icon=":material/model_training:", type="primary", key="train", disabled=config is None)
if train:
    st.switch_page(PAGES / "train.py")

if config is None:
    st.error(plain(f"Fix this to see views: {sentence}"), icon=":material/error:")
elif fetching.images(config.data):
    everything = augmentations.query(config, *augmentations.EVERYTHING)
    which = urlencode({"image": now.image, "draw": now.draw})
    live.static_panel(
        "views", address=f"views?{everything}&{which}&{urlencode({'views': now.views})}", steps=f"views/steps?{everything}&{which}"
    )
    live.static_panel("overlap", address=f"views/overlap?{everything}&draw=0")
    live.static_panel("presets", address=f"views/presets?{everything}&{which}")
    live.static_panel("augmentation-probes", address=f"views/probes?{augmentations.query(config, 'data', 'method', 'network', 'augment')}")
    with st.container(key="invariance"):
        run = augmentations.run(now, trained)
        of = f"run={run}" if run else augmentations.query(config, "data", "method", "network")
        live.static_panel("invariance", address=f"views/invariance?{of}")

controls.write_url(trained.id, now.address())
