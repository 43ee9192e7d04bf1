"""The frame around every page: its title, its look, and the pages that exist."""

from __future__ import annotations

import ast
from pathlib import Path

import streamlit as st

from playground.home import HomeError
from playground.ui import ASSETS, PAGES
from playground.ui.controls import show_ignored
from playground.ui.knob_widgets import plain
from playground.ui.syncing import arrive, complete
from playground.web import modules

# In the navigation; a page that is not named here comes after these.
ORDER = ("train", "embeddings", "collapse", "evaluation", "augmentations", "masking", "data")


def main() -> None:
    """Draws the frame, then the page that was asked for."""
    st.set_page_config("SSL Playground", ASSETS / "favicon.svg", "wide", "auto")
    st.html(f'<style>@import url("{modules.address()}{modules.STYLES}");</style>')  # not its text, so that a browser keeps it
    st.logo(ASSETS / "logo.svg", size="large", icon_image=ASSETS / "favicon.svg")
    files = sorted(PAGES.glob("*.py"), key=lambda file: (ORDER.index(file.stem) if file.stem in ORDER else len(ORDER), file.stem))
    shown = st.navigation([page(file) for file in files], position="top")
    show_ignored()
    arrive(shown.title)
    try:
        shown.run()
        complete()
    except HomeError as error:
        st.error(plain(str(error)), icon=":material/error:")


def page(file: Path) -> st.Page:
    """A page from its file: its title is what stands before the colon of its docstring, its icon the constant `ICON`."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    icons = [each.value for each in tree.body if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == "ICON"]
    title = (ast.get_docstring(tree) or file.stem).partition(":")[0]
    return st.Page(file, title=title, icon=ast.literal_eval(icons[0]) if icons else None, default=file.stem == ORDER[0])


main()
