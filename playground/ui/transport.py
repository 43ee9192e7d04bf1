"""The buttons of the Train page, and what they take along: knobs that were moved while nobody trained, and the way back from divergence."""

from __future__ import annotations

from typing import Any

import streamlit as st

from playground.config import CHOICES, RunConfig, knobs_for
from playground.events import SetKnob, TakeStep
from playground.runs.condition import condition
from playground.runs.pool import shared_pool
from playground.runs.way_back import RATE, WayBack, way_back
from playground.ui import run_control, run_view
from playground.ui.callbacks import uninterrupted
from playground.ui.controls import Running, settings, write_url
from playground.ui.knob_widgets import plain
from playground.ui.run_view import SHOWN, RunView


def buttons(config: RunConfig | None, now: RunView) -> None:
    """The four buttons, in one row."""
    with st.container(horizontal=True, gap="small", key="buttons", width="content"):
        run_control.buttons(
            [now], "Start", ready=config is not None, on_start=_start, on_pause=_pause_or_resume, on_stop=_stop, on_step=_step
        )


def running(now: RunView) -> Running | None:
    """What the controls need to know of the run while it trains."""
    config = now.config if now.active else None
    return Running(now.flat, config.live(), _move) if config else None


def show_losses(now: RunView) -> None:
    """What of the run's files is gone or damaged, and what still works."""
    if now.run is not None:
        for sentence in condition(shared_pool().store.folder(now.run.id), now.run):
            st.warning(plain(sentence), icon=":material/broken_image:")


def show_refusals(sentences: dict[str, str]) -> None:
    """Why Start did nothing, or is off."""
    run_control.show_refusal()
    if sentences:
        run_control.show_obstacle(next(iter(sentences.values())), len(sentences))


@uninterrupted
def _start() -> None:
    config, _ = settings().config()
    if config and (runs := run_control.start([config], [run_view.shown()])):
        st.session_state[SHOWN] = runs[0]
        write_url(runs[0])


@uninterrupted
def _pause_or_resume() -> None:
    now = run_view.shown()
    moves = _moves(now)
    run_control.pause_or_resume([now], moves=moves)
    _sent(moves)


def _moves(now: RunView) -> dict[str, Any]:
    """The live knobs that the page shows otherwise than the run has them: Resume takes them along."""
    config = now.config if run_control.resumable([now]) else None
    if config is None:
        return {}
    flat, before = settings().flat, Running(now.flat, config.live(), _move)
    return {key: flat[key] for key in config.live() if before.follows(key, flat) and flat.get(key) != now.flat.get(key)}


def show_resume(now: RunView) -> None:
    """What Resume takes along, and for a run that has diverged the way back to before the trouble."""
    if now.run is None:
        return
    known = {each.key: each.title for each in knobs_for(**{section: settings().flat[section] for section in CHOICES})}
    back = way_back(shared_pool().store, now.run, settings().flat[RATE])
    if moves := _moves(now):
        changed = ", ".join(f"{known[key]} {value:.4g}" for key, value in moves.items())
        st.caption(f":material/tune: Resume goes on{f' from step {back.step}' if back else ''} with {plain(changed)}.")
    if back is not None:
        begin = f"Go on from step {back.step}" if back.step else "Start again from step 0"
        st.button(
            f"{begin} with learning rate {back.rate:.4g}",
            key="way back",
            icon=":material/undo:",
            help="From the newest checkpoint of before the trouble. What came after it is forgotten; the run keeps its name.",
            on_click=_go_back,
            args=(now.run.id, back),
        )


@uninterrupted
def _go_back(run: str, back: WayBack) -> None:
    settings().flat = settings().flat | {RATE: back.rate}
    moves = _moves(run_view.shown()) | {RATE: back.rate}
    run_control.attempt(lambda: shared_pool().resume(run, moves=moves, step=back.step))
    _sent(moves)


def _sent(moves: dict[str, Any]) -> None:
    if not run_control.refused():
        settings().unsent.difference_update(moves)


@uninterrupted
def _step() -> None:
    now = run_view.shown()
    if now.run and now.active:
        run_control.send(now.run.id, TakeStep())


@uninterrupted
def _stop() -> None:
    run_control.stop([run_view.shown()])


def _move(key: str, value: Any) -> bool:
    """Whether the run of this page takes the new value."""
    now = run_view.shown()
    return now.run is not None and now.active and run_control.send(now.run.id, SetKnob(key, value))
