"""Start, Pause or Resume, Step, Stop: what they do to the run that the page shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import uuid4

import streamlit as st

from playground.config import CHOICES, RunConfig, knobs_for
from playground.events import Change, Command, Pause, SetKnob, TakeStep
from playground.home import HomeError
from playground.knobs import ConfigError, safeguards_off
from playground.runs.condition import condition
from playground.runs.moves import changes_of
from playground.runs.pool import shared_pool
from playground.runs.records import Run, UnknownRun
from playground.runs.runner import PoolFull, RunError
from playground.runs.status import Status
from playground.runs.way_back import RATE, WayBack, way_back
from playground.ui.callbacks import uninterrupted
from playground.ui.controls import Running, plain, settings, write_url

T = TypeVar("T")
OWNER_COOKIE = "ssl_playground_owner"  # set by assets/live.js: one browser is one person to the queue


@dataclass(frozen=True)
class Watched:
    """The run that the page shows, changes included. missing: an id from the address that leads nowhere."""

    run: Run | None = None
    changes: tuple[Change, ...] = ()
    missing: str | None = None

    @property
    def id(self) -> str | None:
        """The run's id, also when it is missing: it stays in the address."""
        return self.run.id if self.run else self.missing

    @property
    def active(self) -> bool:
        """Whether it trains, waits its turn or is paused."""
        return self.run is not None and self.run.active

    @property
    def flat(self) -> dict[str, Any]:
        """Its settings as they stand now."""
        return self.run.flat_after(self.changes) if self.run else {}

    @property
    def resumable(self) -> bool:
        """Whether it ended early: Resume goes on from its last checkpoint, or begins again where there is none."""
        return self.run is not None and self.run.resumable

    def title(self) -> str:
        """SimCLR on Shapes, seed 0."""
        flat = self.flat
        names = [CHOICES[s][flat[s]].title if flat.get(s) in CHOICES[s] else str(flat.get(s)) for s in ("method", "data")]
        return f"{names[0]} on {names[1]}, seed {flat.get('seed')}" if self.run else ""

    def without(self) -> list[str]:
        """The safeguards that are off in it."""
        flat = self.flat
        if not self.run or any(flat.get(section) not in CHOICES[section] for section in CHOICES):
            return []
        knobs = knobs_for(**{section: flat[section] for section in CHOICES})
        return [each.title for each in safeguards_off(knobs, flat)]

    def told(self) -> dict[str, Any]:
        """What the page knows of it: the panel that hears of something newer has the page drawn again."""
        return {"status": self.run.status if self.run else "", "changes": len(self.changes)}

    def running(self) -> Running | None:
        """What the controls need to know of it while it trains."""
        if not self.active or not self.run:
            return None
        try:
            live = RunConfig(**self.flat).live()
        except ValueError:
            return None
        return Running(self.flat, live, _move)


def watched() -> Watched:
    """The run of this session: the one it started last, at its start the one that the address names."""
    run = st.session_state.setdefault("run", st.query_params.get("run"))
    if not run:
        return Watched()
    pool = shared_pool()
    try:
        found = pool.standing(run)
        return Watched(found, tuple(changes_of(pool.store, found)))
    except UnknownRun:
        return Watched(missing=run)


def owner() -> str:
    """Who asks, for a queue that is fair to each: one browser, or one session until the browser has its cookie."""
    cookie = st.context.cookies.get(OWNER_COOKIE)
    # Where there is no browser at all, as in AppTest, this is not even text.
    name: str = cookie if cookie and isinstance(cookie, str) else st.session_state.setdefault("owner", uuid4().hex)
    return name


def buttons(config: RunConfig | None, now: Watched) -> None:
    """The four buttons, in one row."""
    status = now.run.status if now.run else ""
    goes = status == Status.RUNNING
    resume = status == Status.PAUSED or now.resumable
    with st.container(horizontal=True, gap="small", key="buttons", width="content"):
        st.button(
            "Start over" if now.active else "Start",
            key="start",
            type="primary",
            icon=":material/play_arrow:",
            disabled=config is None,
            on_click=_start,
        )
        st.button(
            "Resume" if resume else "Pause",
            key="pause",
            icon=":material/resume:" if resume else ":material/pause:",
            disabled=not (goes or resume),
            on_click=_pause,
        )
        st.button("Step", key="step", icon=":material/skip_next:", disabled=not (goes or status == Status.PAUSED), on_click=_step)
        st.button("Stop", key="stop", icon=":material/stop:", disabled=not now.active, on_click=_stop)


def losses(now: Watched) -> None:
    """What of the run's files is gone or damaged, and what still works."""
    if now.run is not None:
        for sentence in condition(shared_pool().store.folder(now.run.id), now.run):
            st.warning(plain(sentence), icon=":material/broken_image:")


def refusals(sentences: dict[str, str]) -> None:
    """Why Start did not, or cannot."""
    if refusal := st.session_state.get("refusal"):
        st.error(plain(refusal), icon=":material/error:")
    if sentences:
        first, *others = sentences.values()
        more = f" (and {len(others)} more, beside the controls)" if others else ""
        st.warning(f"Start is off until this is fixed: {plain(first)}{more}", icon=":material/pan_tool:")


@uninterrupted
def _start() -> None:
    config, _ = settings().config()
    now = watched()
    if config is None or _started_this_just_now(config, now):
        return
    run = asked(lambda: shared_pool().submit(config, owner()))
    if run is None:
        return
    if now.active and now.run:
        shared_pool().stop(now.run.id)
    st.session_state["run"] = run
    write_url(run)


def _started_this_just_now(config: RunConfig, now: Watched) -> bool:
    # A double click would stop the run that it has just started.
    return now.active and now.run is not None and now.run.step == 0 and now.run.flat == config.flat()


@uninterrupted
def _pause() -> None:
    run = watched().run
    if run is None:
        return
    if run.status == Status.RUNNING:
        asked(lambda: shared_pool().command(run.id, Pause()))
    else:
        _resume(run.id, moved(watched()))


def moved(now: Watched) -> dict[str, Any]:
    """The live knobs of the run that the page shows otherwise than the run has them: Resume takes them along."""
    if now.run is None or not (now.resumable or now.run.status == Status.PAUSED):
        return {}
    try:
        live = RunConfig(**now.flat).live()
    except ValueError:
        return {}
    flat, run = settings().flat, Running(now.flat, live, _move)
    return {key: flat[key] for key in live if run.follows(key, flat) and flat.get(key) != now.flat.get(key)}


def going_on(now: Watched) -> None:
    """What Resume takes along, and for a run that has diverged the way back to before the trouble."""
    if now.run is None:
        return
    known = {each.key: each.title for each in knobs_for(**{section: settings().flat[section] for section in CHOICES})}
    back = way_back(shared_pool().store, now.run, settings().flat[RATE])
    if moves := moved(now):
        told = ", ".join(f"{known[key]} {value:.4g}" for key, value in moves.items())
        st.caption(f":material/tune: Resume goes on{f' from step {back.step}' if back else ''} with {plain(told)}.")
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
    _resume(run, moved(watched()) | {RATE: back.rate}, back.step)


def _resume(run: str, moves: dict[str, Any], step: int | None = None) -> None:
    asked(lambda: shared_pool().resume(run, moves=moves, step=step))
    if not st.session_state["refusal"]:
        settings().unsent.difference_update(moves)


@uninterrupted
def _step() -> None:
    _send(TakeStep())


@uninterrupted
def _stop() -> None:
    run = watched().run
    if run is not None:
        asked(lambda: shared_pool().stop(run.id))


def _move(key: str, value: Any) -> bool:
    return _send(SetKnob(key, value))


def _send(command: Command) -> bool:
    """Whether the run of this page takes the command."""
    now = watched()
    if now.run is None or not now.active:
        return False
    run = now.run.id
    asked(lambda: shared_pool().command(run, command))
    return not st.session_state["refusal"]


def asked(ask: Callable[[], T]) -> T | None:
    """Asks the pool for something; where it refuses, its sentence stands on the page until the next request."""
    st.session_state["refusal"] = None
    try:
        return ask()
    except (PoolFull, RunError, ConfigError, HomeError) as refusal:
        st.session_state["refusal"] = str(refusal)
        return None
