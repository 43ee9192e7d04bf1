"""Live panels: one component, mounted once a panel. What they draw comes over the page's WebSocket, not through Streamlit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import streamlit as st

from playground.ui import RECORDED
from playground.ui.callbacks import uninterrupted
from playground.ui.page_state import PageState
from playground.web import modules

# A tab that was left open over an upgrade has scripts of one version on the page, and none of another can join them: it starts anew.
MOUNT = """
export default function ({ data, parentElement, setStateValue }) {
  const place = parentElement.querySelector(".ssl-panel") ?? parentElement
  const assets = new URL(data.assets, document.baseURI)
  window.sslAssets ??= assets.href
  if (window.sslAssets !== assets.href) return location.reload()
  for (const script of data.preload) {
    const { href } = new URL(script, assets)
    if (document.head.querySelector(`link[href="${href}"]`)) continue
    document.head.append(Object.assign(document.createElement("link"), { rel: "modulepreload", href }))
  }
  const live = import(new URL("live.js", assets))
  live.then(({ draw }) => draw(place, data, setStateValue))
    .catch((error) => { place.textContent = `This panel could not load: ${error.message}. Reload the page.` })
  return () => live.then(({ leave }) => leave(place), () => {})
}
"""


@cache
def _component() -> Callable[..., Any]:
    return st.components.v2.component("ssl_playground_live", html='<div class="ssl-panel"></div>', js=MOUNT, isolate_styles=False)


def panel(name: str, run: str | None, **more: Any) -> None:
    """One live panel by the name of its file in assets/panels/, showing `run`, or the recording without one."""
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
    data = {"panel": name, "run": None, "assets": modules.address(), "preload": modules.preload(name), **data}
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
