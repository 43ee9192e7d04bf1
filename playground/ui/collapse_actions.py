"""What the controls of the Collapse page do to its settings and to its two runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from playground.analysis.interventions import FailureMode, Intervention
from playground.events import SetKnob
from playground.ui import PAGES, recorded, run_control
from playground.ui.callbacks import uninterrupted
from playground.ui.collapse_state import CollapseState, Pair, config, named, next_broken
from playground.ui.controls import choose, settings
from playground.ui.run_view import SHOWN


@uninterrupted
def put_back(keys: list[str]) -> None:
    """Gives the settings their safeguards again."""
    kept = settings()
    kept.flat = kept.flat | {key: True for key in keys}


def toggle(name: str, *, on: bool) -> None:
    """Breaks something, or no longer; where that is a live knob, in the run under way, too."""
    healthy, _ = config()
    if healthy is None:
        return
    now, known = CollapseState.here(), named(healthy)
    before = now.chosen(healthy)
    kept = tuple(each for each in before if each != name and not (on and each in known[name].rivals))
    now.set("breaks", (*kept, name) if on else kept)
    for gone in set(before) - set(now.breaks or ()):
        _move(known[gone], restore=True)
    if on:
        _move(known[name], restore=False)


@uninterrupted
def restore() -> None:
    """The broken run gets the live knobs of the healthy one."""
    now, values = CollapseState.here(), Pair.here().recoverable()
    _send(values)
    known = named(config()[0])
    now.restored = tuple(name for name in now.breaks or () if name in known and known[name].live)
    if now.breaks is not None:
        now.set("breaks", tuple(name for name in now.breaks if name not in now.restored))


@uninterrupted
def break_again() -> None:
    """What was restored last is broken again."""
    now = CollapseState.here()
    for name in now.restored:
        toggle(name, on=True)
    now.restored = ()


def _move(each: Intervention, *, restore: bool) -> None:
    """Moves the knobs of an intervention in the broken run, where that trains and is of the settings' method."""
    shown = Pair.here()
    if each.live and shown.broken.active and shown.broken.flat.get("method") == settings().flat["method"]:
        healthy = shown.healthy.flat or settings().flat
        _send({key: healthy[key] if restore else value for key, value in each.values.items()})


def _send(values: Mapping[str, Any]) -> None:
    run = CollapseState.here().broken
    for key, value in values.items():
        if run:
            run_control.send(run, SetKnob(key, value))


@uninterrupted
def start() -> None:
    """A new pair; the one before it ends."""
    healthy, _ = config()
    other = next_broken(healthy)[0] if healthy else None
    if healthy is None or other is None:
        return
    if runs := run_control.start([healthy, other], Pair.here().both):
        now = CollapseState.here()
        now.set("breaks", now.chosen(healthy))
        now.healthy, now.broken = runs
        now.restored = ()


@uninterrupted
def show(way: FailureMode) -> None:
    """A pair that fails in this way, at once."""
    for section, name in way.settings.items():
        choose(section, name)
    CollapseState.here().set("breaks", way.breaks)
    start()


@uninterrupted
def train_recorded() -> None:
    """The pair of a recording, trained here: its settings, but for the device."""
    healthy, broken = (each.run for each in Pair.here().both)
    if healthy is None or broken is None:
        return
    recorded.take_settings(healthy)
    names = [name for name, each in named(config()[0]).items() if each.values.items() <= broken.flat.items()]
    CollapseState.here().set("breaks", names)
    start()


@uninterrupted
def pause_or_resume() -> None:
    """Both wait, or go on together."""
    run_control.pause_or_resume(Pair.here().both)


@uninterrupted
def stop() -> None:
    """Both end."""
    run_control.stop(Pair.here().both)


def to_training(side: str) -> None:
    """Opens one of the two on the Train page."""
    found, kept = getattr(Pair.here(), side), settings()
    st.session_state[SHOWN] = found.id
    if found.config:
        kept.flat = found.config.flat()
        kept.problems.clear()
        kept.notes.clear()
    st.switch_page(PAGES / "train.py")
