"""Live panels: one component, mounted once a panel. What they draw comes over the page's WebSocket, not through Streamlit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from hashlib import sha256
from typing import Any

import streamlit as st

from playground.ui import ASSETS, RECORDED
from playground.ui.callbacks import uninterrupted
from playground.ui.page_state import PageState

MOUNT = """
export default function ({ data, parentElement, setStateValue }) {
  const place = parentElement.querySelector(".ssl-panel") ?? parentElement
  const live = import(new URL(data.module, document.baseURI))
  place.newest = data // scripts that load late do not come in the order in which they were asked for
  live.then(({ draw }) => { if (place.newest === data) draw(place, data, setStateValue) })
    .catch((error) => { place.textContent = `This panel could not load: ${error.message}. Reload the page.` })
  return () => live.then(({ leave }) => leave(place), () => {})
}
"""


@cache
def _component() -> Callable[..., Any]:
    return st.components.v2.component("ssl_playground_live", html='<div class="ssl-panel"></div>', js=MOUNT, isolate_styles=False)


@cache
def module() -> str:
    """The address of live.js; it changes with any of the scripts, so that no browser keeps an old one."""
    digest = sha256(b"".join(path.read_bytes() for path in sorted(ASSETS.rglob("*.js"))))
    return f"assets/live.js?v={digest.hexdigest()[:12]}"


def panel(name: str, run: str | None, **more: Any) -> None:
    """One live panel by its name in assets/live.js, showing `run`, or the recording without one."""
    static_panel(name, run=run or recording(), **more)


def first_row(run: str | None) -> None:
    """The map and the curves of a run; without one the recorded pair, side by side."""
    with st.container(key="first-row"):
        if run is None and recording():
            static_panel("recorded-pair")
            return
        left, right = st.columns([11, 10], gap="medium")
        with left:
            panel("map", run)
        with right:
            panel("curves", run)


def static_panel(name: str, *, state: PageState | None = None, where: str = "", **data: Any) -> None:
    """A panel that follows no run, with just this data. state: takes what the panel reports; without one a report only reruns the page.

    where: what tells two panels of one kind apart that stand on the same page.
    """
    data = {"panel": name, "run": None, "module": module(), **data}
    with st.container(key=f"live-{name}{where}"):
        key = f"panel-{name}{where}"
        _component()(key=key, data=data, on_status_change=partial(_reported, state, key))


@cache
def recording() -> str | None:
    """What panels show before the first Start: `recorded`, where assets/ has one: the first of the pair."""
    return "recorded" if (RECORDED / "pair.json").is_file() else None


@uninterrupted
def _reported(state: PageState | None, key: str) -> None:
    found = st.session_state[key]["status"]
    if state is not None and isinstance(found, Mapping):
        state.report(found)
