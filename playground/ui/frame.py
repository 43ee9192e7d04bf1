"""The frame around every page: its title, its look, and the pages that exist."""

from __future__ import annotations

import streamlit as st

from playground.ui import ASSETS, PAGES


def main() -> None:
    """Draws the frame, then the page that was asked for."""
    st.set_page_config("SSL Playground", ASSETS / "favicon.svg", "wide", "auto")
    st.html(ASSETS / "page.css")
    st.logo(ASSETS / "logo.svg", size="large", icon_image=ASSETS / "favicon.svg")
    pages = [st.Page(PAGES / "train.py", title="Train", icon=":material/model_training:", default=True)]
    st.navigation(pages, position="top").run()


main()
