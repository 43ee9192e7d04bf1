"""Start, Pause or Resume, Step and Stop: what they do to the runs of a page, one or several that train in step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from uuid import uuid4

import streamlit as st

from playground.config import RunConfig
from playground.events import Command, Pause, Stop
from playground.home import HomeError
from playground.runs.pool import shared_pool
from playground.runs.records import UnknownRun
from playground.runs.runner import PoolFull, RunError
from playground.runs.status import Status
from playground.ui import syncing
from playground.ui.knob_widgets import plain
from playground.ui.run_view import RunView

T = TypeVar("T")
OWNER_COOKIE = "ssl_playground_owner"  # set by assets/live.js: one browser is one person to the queue
REFUSAL = "refusal"  # where the session keeps why the last request was refused, and the page that made it


def owner() -> str:
    """Who makes a request, for a queue that is fair to each: one browser, or one session until the browser has its cookie."""
    cookie = st.context.cookies.get(OWNER_COOKIE)
    # Where there is no browser at all, as in AppTest, this is not even text.
    name: str = cookie if cookie and isinstance(cookie, str) else st.session_state.setdefault("owner", uuid4().hex)
    return name


def attempt(request: Callable[[], T]) -> T | None:
    """Does what was requested; where it is refused, the sentence stands on this page until the next request."""
    st.session_state[REFUSAL] = None
    try:
        return request()
    except (PoolFull, RunError, UnknownRun, HomeError, ValueError) as error:
        st.session_state[REFUSAL] = st.session_state.get(syncing.PAGE), str(error)
        return None


def refused() -> bool:
    """Whether the last request was."""
    return st.session_state.get(REFUSAL) is not None


def show_refusal() -> None:
    """Why the last request of this page was refused."""
    page, sentence = st.session_state.get(REFUSAL) or (None, "")
    if sentence and page == st.session_state.get(syncing.PAGE):
        st.error(plain(sentence), icon=":material/error:")


def show_obstacle(sentence: str, count: int = 1) -> None:
    """Why Start is off. count: of all that stands in the way."""
    more = f" (and {count - 1} more, beside the controls)" if count > 1 else ""
    st.warning(f"Fix this to start: {plain(sentence)}{more}", icon=":material/pan_tool:")


def standing(views: Sequence[RunView], *statuses: str) -> list[str]:
    """The runs that stand so."""
    return [each.run.id for each in views if each.run and each.run.status in statuses]


def resumable(views: Sequence[RunView]) -> list[str]:
    """The runs that Resume goes on with: none while another of them trains."""
    runs = [each.run for each in views if each.run]
    if any(each.status == Status.RUNNING for each in runs):
        return []
    return [each.id for each in runs if each.status == Status.PAUSED or each.resumable]


def start(configs: Sequence[RunConfig], before: Sequence[RunView]) -> list[str] | None:
    """New runs, in step if there are several; those before them end. None where that was refused, or has just been done."""
    if _just_started(configs, before):
        return None
    runs = attempt(lambda: shared_pool().submit_together(configs, owner()))
    if runs is not None:
        stop(before)
    return runs


def _just_started(configs: Sequence[RunConfig], before: Sequence[RunView]) -> bool:
    # A double click would stop the run that it has just started.
    new = [each.run.flat for each in before if each.run and each.active and each.run.step == 0]
    return new == [each.flat() for each in configs]


def pause_or_resume(views: Sequence[RunView], **more: Any) -> None:
    """All wait, or go on. more: the knobs that Resume moves."""
    if running := standing(views, Status.RUNNING):
        for run in running:
            send(run, Pause())
    elif waiting := resumable(views):
        attempt(lambda: shared_pool().resume(*waiting, **more))


def stop(views: Sequence[RunView]) -> None:
    """All end that have not ended."""
    for each in views:
        if each.run and each.active:
            send(each.run.id, Stop())


def send(run: str, command: Command) -> bool:
    """Whether the run takes the command."""
    attempt(lambda: shared_pool().command(run, command))
    return not refused()


def buttons(
    views: Sequence[RunView],
    label: str,
    *,
    ready: bool,
    on_start: Callable[[], None],
    on_pause: Callable[[], None],
    on_stop: Callable[[], None],
    on_step: Callable[[], None] | None = None,
) -> None:
    """Start, Pause or Resume, Step where it can be asked for, Stop. ready: whether there is something to start."""
    running, waiting, active = standing(views, Status.RUNNING), resumable(views), any(each.active for each in views)
    paused = standing(views, Status.PAUSED)
    start, (name, icon) = "Start over" if active else label, ("Resume", "resume") if waiting else ("Pause", "pause")
    st.button(start, key="start", type="primary", icon=":material/play_arrow:", disabled=not ready, on_click=on_start)
    st.button(name, key="pause", icon=f":material/{icon}:", disabled=not (running or waiting), on_click=on_pause)
    if on_step is not None:
        st.button("Step", key="step", icon=":material/skip_next:", disabled=not (running or paused), on_click=on_step)
    st.button("Stop", key="stop", icon=":material/stop:", disabled=not active, on_click=on_stop)
