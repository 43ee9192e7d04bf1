"""The controls of the Embeddings page, and its panel's data."""

from __future__ import annotations

from typing import Any

import streamlit as st

from playground.config import CHOICES
from playground.runs.pool import shared_pool
from playground.runs.records import Run, UnknownRun
from playground.ui import live
from playground.ui.embeddings_state import LISTED, EmbeddingsState
from playground.ui.run_names import called, ended_early, short, title

NAMES = "names of mapped runs"  # where the session keeps what runs were called


def runs(now: EmbeddingsState) -> None:
    """Whose map is shown, and whose beside it."""
    listed = {each.id: called(each) for each in shared_pool().store.runs(LISTED)}
    # A run that is deleted while it is shown keeps its name: selectors know options by their names.
    names = st.session_state.setdefault(NAMES, {})
    names.update(listed)
    for chosen in (now.run, now.other):
        if chosen and chosen not in listed:
            kept = _found(chosen)
            listed[chosen] = called(kept) if kept else names.get(chosen, f"{chosen}, which is gone")
    if not listed:
        return now.show_problems("run", "other")
    now.select("run", "Run", list(listed), lambda run: listed.get(run, "None"))
    if early := ended_early(_found(now.run)):
        st.caption(f":material/info: {early}")
    others = ["", *(each for each in listed if each != now.run)]
    now.select("other", "Compare with", others, lambda run: listed.get(run, "None"))
    st.caption(
        "Running ones too: their newest frame is added as it comes. Two runs on the same data show the same images, so that what is "
        "chosen in one is chosen in both."
    )


def _found(run: str | None) -> Run | None:
    """None where it has been deleted while the page was open."""
    try:
        return shared_pool().store.run(run) if run else None
    except UnknownRun:
        return None


def panel(now: EmbeddingsState) -> None:
    """The page's one panel: maps, curves, neighbors, lasso, landing."""
    runs = [_described(run) for run in (now.run, now.other) if run]
    run = _found(now.run)
    own = run.flat.get("data") if run else None
    data = [{"name": name, "title": each.title} for name, each in sorted(CHOICES["data"].items(), key=lambda each: each[0] != own)]
    live.static_panel("embeddings", state=now, runs=runs, datasets=data, **{name: getattr(now, name) for name in now.reported})


def _described(run: str) -> dict[str, Any]:
    found = _found(run)
    if found is None:
        return {"id": run, "title": run, "short": run, "vit": False, "images": ""}
    network, method = CHOICES["network"].get(found.flat.get("network", "")), title(found.flat, "method")
    vit = network is not None and network.family == "vit"
    images = sorted((key, value) for key, value in found.flat.items() if key.partition(".")[0] == "data")
    full = f"{method} on {title(found.flat, 'data')}"
    return {"id": run, "title": full, "short": short(found), "vit": vit, "images": str(images)}
