"""Your own images: sent by the browser, taken in whole or not at all, and then a dataset like all others."""

from __future__ import annotations

from typing import Any, cast

import streamlit as st

from playground.config import DEFAULT_CHOICES
from playground.datasets import own
from playground.datasets.gathering import is_table
from playground.datasets.intake import add_files
from playground.datasets.labels import Source
from playground.datasets.own_set import PREFIX
from playground.datasets.packed import stem
from playground.datasets.tables import ENDINGS
from playground.ui import controls
from playground.ui.callbacks import uninterrupted
from playground.ui.taking_in import labels_switch, taken_in

KINDS = ("jpg", "jpeg", "png", "webp", "gif", "tif", "tiff", "bmp")
ARCHIVES = (
    "zip",
    "tar",
    "gz",
    "tgz",
    "bz2",
    "xz",
    "exe",
    "7z",
    "rar",
)  # the last two are refused: they must be unpacked
MINE = "my sets"  # those that this session has added, and so may remove
AGAIN = "uploads"  # counts, so that the uploader is empty again after a set was added
TABLES = tuple(ending.removeprefix(".") for ending in ENDINGS)
HELP = (
    "A zip, a tar, or JPEG, PNG, WebP, GIF, TIFF or BMP. Folders in it become labels, or a table in it or beside it, such as "
    "labels.csv, with two columns: file and label. Without either, no accuracy is shown."
)
SEEN = "They are kept on this server, where everybody who opens it can train on them."


def draw(data: Any) -> None:
    """The section: what to send, its name, and Add; below it Remove, where `data` is a set that this session has added."""
    with st.expander("Your own images", expanded=False, icon=":material/add_photo_alternate:", key="section-own"):
        st.caption(SEEN)
        count = st.session_state.setdefault(AGAIN, 0)
        whole = st.segmented_control("What to send", ["archive or pictures", "a folder"], default="archive or pictures", key="own-kind")
        several: Any = "directory" if whole == "a folder" else True
        kinds = (*KINDS, *TABLES) if several == "directory" else (*ARCHIVES, *KINDS, *TABLES)
        files = st.file_uploader("Pictures", kinds, several, key=f"own-files-{whole}-{count}", help=HELP, label_visibility="collapsed")
        name = st.text_input("Name", key=f"own-name-{count}", max_chars=60, placeholder="birds of my garden")
        labels = labels_switch(f"own-labels-{count}", "auto")
        if st.button("Add", key="own-add", icon=":material/add:", disabled=not files):
            _add(list(files or []), name or _called(files), labels)
        _remove(data.name)


def _called(files: Any) -> str:
    """What a set is called by somebody who gave it no name."""
    first = next((each.name for each in files if not is_table(each.name)), files[0].name)
    return str(first.partition("/")[0] if "/" in first else stem(first))


def _add(files: list[Any], name: str, labels: Source) -> None:
    before = {each.name for each in own.sets()}
    if not taken_in(cast(Any, add_files([(each.name, each) for each in files], name, labels=labels))):
        return
    added = next(each.name for each in own.sets() if each.name not in before)
    st.session_state[MINE] = {*st.session_state.get(MINE, ()), added}
    st.session_state[AGAIN] += 1
    controls.choose("data", added)
    st.rerun()


def _remove(name: str) -> None:
    if name in st.session_state.get(MINE, ()):
        with st.popover("Remove this set", type="tertiary", icon=":material/delete:"):
            st.markdown("Its pictures are deleted. Runs that have trained on it stay.")
            st.button("Remove it", key="own-remove", icon=":material/delete:", on_click=_removed, args=(name,))
    elif name.startswith(PREFIX):
        st.caption(f"On this page only the visit that has sent a set may remove it; on the server, `ssl-playground data remove {name}`.")


@uninterrupted
def _removed(name: str) -> None:
    own.remove(name)
    st.session_state[MINE] -= {name}
    controls.choose("data", DEFAULT_CHOICES["data"])
