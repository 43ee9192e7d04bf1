"""The controls follow the run: a live knob that somebody else moved, in another tab or another browser, moves here too."""

from __future__ import annotations

import streamlit as st

from playground.analysis.interventions import breaks
from playground.config import CHOICES
from playground.events import Change
from playground.ui import collapse_state, syncing
from playground.ui.collapse_state import CollapseState, Pair
from playground.ui.run_view import RunView
from playground.ui.settings import Settings

STATE = "followed"  # where the session keeps up to which change of which run its controls have come


def follow(now: Settings, shown: RunView) -> None:
    """Takes over the changes of the run that are new to this session, but for knobs that were moved here and are still on their way."""
    for change in _news(STATE, shown):
        if _concerns(change, now, shown):
            if now.flat[change.name] != change.value:
                for behind in (now.flat[change.name], syncing.first(change.name)):
                    now.left.add(change.name, behind)
            now.flat = {key: each for key, each in now.flat.items() if key != f"schedule.{change.name}"} | {change.name: change.value}
            now.problems.pop(change.name, None)


def follow_pair() -> None:
    """What somebody else broke or restored in the broken run while it trains, is marked on the Collapse page of this session, too."""
    now, shown, (healthy, _) = CollapseState.here(), Pair.here(), collapse_state.config()
    flat = shown.broken.flat
    if not _news(f"{STATE} broken", shown.broken) or healthy is None or healthy.method.name != flat["method"]:
        return
    live = {each.name: each.values for each in breaks(healthy) if each.live}
    kept = [name for name in now.chosen(healthy) if name not in live]
    now.set("breaks", (*kept, *(name for name, values in live.items() if values.items() <= flat.items())))


def _news(place: str, shown: RunView) -> tuple[Change, ...]:
    """The changes of a run that this session has not seen; those of a run that it has only just opened are in its settings already."""
    run, seen = st.session_state.get(place, (None, 0))
    here, changes = shown.run.id if shown.run else None, shown.changes
    st.session_state[place] = here, len(changes)
    return () if here is None or here != run else changes[min(seen, len(changes)) :]


def _concerns(change: Change, now: Settings, shown: RunView) -> bool:
    """Whether the control of this knob stands for the run, and nothing newer was chosen here."""
    owner = change.name.partition(".")[0]
    if change.name not in now.flat or change.name in now.unsent or (owner in CHOICES and now.flat[owner] != shown.flat.get(owner)):
        return False
    if now.on_its_way(change.name) and now.sent[change.name][0] != change.value:
        return False
    now.sent.pop(change.name, None)
    return True
