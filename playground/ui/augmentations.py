"""The controls of the Augmentations page: presets, a run, and the part of the settings that its pictures depend on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast
from urllib.parse import urlencode

import streamlit as st

from playground.analysis.presets import PRESETS, Preset, matching
from playground.analysis.presets import settings as settings_of
from playground.config import CHOICES, RunConfig
from playground.knobs import ConfigError
from playground.runs.pool import shared_pool
from playground.runs.records import Run
from playground.ui import controls
from playground.ui.augmentations_state import AugmentationsState
from playground.ui.callbacks import uninterrupted
from playground.ui.controls import KnobWidgets
from playground.ui.knob_widgets import plain
from playground.ui.run_names import called
from playground.ui.run_view import RunView
from playground.ui.settings import Settings, switched
from playground.ui.syncing import sync

RUNS = 30  # of the newest runs, those with something to look at are offered
EVERYTHING = ("data", "method", "network", "augment", "crops")


def widgets(now: Settings) -> KnobWidgets:
    """Widgets whose knobs move no run: what is tried here is for the next one."""
    found = controls.widgets_for(now)
    return replace(found, knobs={key: replace(each, live=False) for key, each in found.knobs.items()})


def config(now: Settings) -> tuple[RunConfig | None, str]:
    """The part of the settings that views depend on, as a config; or None and the sentence that says what stands in its way."""
    refused = [problem.sentence for key, problem in now.problems.items() if key.partition(".")[0] in EVERYTHING]
    try:
        return (None, refused[0]) if refused else (RunConfig(**_part(now.flat, EVERYTHING)), "")
    except ConfigError as error:
        return None, str(error)


def query(config: RunConfig, *sections: str) -> str:
    """The settings of some sections as the query of an address: moving any other leaves the answer where it is."""
    flat = config.flat()
    return urlencode({key: str(value).lower() if isinstance(value, bool) else value for key, value in _part(flat, sections).items()})


def _part(flat: dict[str, Any], sections: tuple[str, ...]) -> dict[str, Any]:
    def needed(key: str) -> bool:
        section, _, name = key.partition(".")
        # A method's own knobs change no view; how many images it takes at once has to fit the dataset.
        return key in ("seed", "batch_size") or (section in sections and not (section == "method" and name))

    return {key: value for key, value in flat.items() if needed(key)}


def no_local_views() -> None:
    """Which methods take them, where the chosen one does not."""
    takers = " and ".join(each.title for each in CHOICES["method"].values() if each.multi_crop)
    st.caption(f"Local views, small crops beside the two large ones, are for methods that take them: {takers}.")


@uninterrupted
def another() -> None:
    """The next draw."""
    now = AugmentationsState.here()
    now.leave("draw", now.draw + 1)


def presets(now: Settings) -> None:
    """Well-known pipelines to begin from; the one that the settings match is marked."""
    found = matching(now.flat, *_sizes(now.flat))
    default = sync("preset", found.name if found else None)
    named = {each.name: each for each in PRESETS}
    moved: dict[str, Any] = {"on_change": _take, "args": (named,)}
    st.pills("Preset", list(named), default=default, format_func=lambda name: named[name].title, key="preset", **moved)
    if found is None:
        st.caption("Settings of your own.")
    else:
        st.caption(f"{plain(found.summary)} {f'[{plain(found.paper)}]({found.link})' if found.paper else ''}")


@uninterrupted
def _take(named: dict[str, Preset]) -> None:
    """Takes a preset over into the settings, and with it a method where it needs one."""
    now, name = controls.settings(), st.session_state["preset"]
    if name is None:
        return
    wanted = settings_of(named[name], now.flat, *_sizes(now.flat))
    notes = {}
    if wanted["method"] != now.flat["method"]:
        before, after = (CHOICES["method"][each].title for each in (now.flat["method"], wanted["method"]))
        notes["method"] = f"{named[name].title} needs a method that takes local views: it is {after} now (it was {before})."
        switch = switched(now.flat, "method", wanted["method"])
        now.flat, notes = switch.flat, switch.notes | notes
        wanted = settings_of(named[name], now.flat, *_sizes(now.flat))
    kept = {key: value for key, value in now.flat.items() if not key.startswith(("schedule.augment.", "schedule.crops."))}
    now.flat, now.notes = kept | wanted, notes
    now.unsent |= set(wanted)
    now.problems = {key: each for key, each in now.problems.items() if key not in wanted}


def _sizes(flat: dict[str, Any]) -> tuple[int, int]:
    """The side of the images, and of the network's patches."""
    data = {key.partition(".")[2]: value for key, value in flat.items() if key.startswith("data.")}
    return CHOICES["data"][flat["data"]].Knobs(**data).image_size, int(flat.get("network.patch_size", 1))


def run(now: AugmentationsState, trained: RunView) -> str | None:
    """A choice among the runs that have left a network to show. trained: that of the Train page."""
    store = shared_pool().store
    there = {each.id: each for each in store.runs(RUNS) if store.folder(each.id).has_checkpoint()}
    usual = trained.id if now.run is None else now.run
    chosen = sync(f"{now.prefix}run", usual if usual in there else None)
    st.selectbox(
        "Run",
        list(there),
        format_func=lambda id: _called(there[id]) if id in there else id,  # never with its step: names must stay
        key=f"{now.prefix}run",
        index=list(there).index(chosen) if chosen in there else None,
        placeholder="None: the untrained network alone" if there else "No run has left a checkpoint yet",
        disabled=not there,
        on_change=_chosen,
        args=(now,),
    )
    if now.run and now.run not in there:
        st.error(plain(f"run must be one that has left a network to look at, got {now.run}"), icon=":material/error:")
    return cast(str | None, st.session_state[f"{now.prefix}run"])


def _called(run: Run) -> str:
    return called(run) if run.recorded else f"{run.id} · {RunView(run).title()}"


@uninterrupted
def _chosen(now: AugmentationsState) -> None:
    now.moved("run", st.session_state[f"{now.prefix}run"])
