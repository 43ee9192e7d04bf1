"""What the collapse lab shows: two runs of one seed, and what is broken in one of them. All of it is in the address, under `lab.`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from playground.analysis.interventions import FailureMode, Intervention, breaks, broken, differences
from playground.config import CHOICES, DEFAULT_CHOICES, RunConfig
from playground.events import Command, Pause, SetKnob, Stop
from playground.knobs import ConfigError, safeguards_off
from playground.methods import introducing
from playground.runs.moves import changes_of
from playground.runs.pool import shared_pool
from playground.runs.records import UnknownRun
from playground.runs.status import ACTIVE, ENDED_EARLY, Status
from playground.ui import PAGES
from playground.ui.callbacks import uninterrupted
from playground.ui.controls import choose, settings
from playground.ui.settings import foreign
from playground.ui.transport import Watched, asked, owner

PREFIX = "lab."
STATE = "lab"  # where the session keeps it
SIDES = ("healthy", "broken")
NONE = "-"  # in the address: nothing is broken


@dataclass
class CollapseState:
    """breaks: names of what is to be broken, None until somebody has chosen. healed: what was healed last, to break it again."""

    breaks: tuple[str, ...] | None = None
    healthy: str | None = None
    broken: str | None = None
    healed: tuple[str, ...] = ()
    problem: str = ""

    def address(self) -> dict[str, str]:
        """Its part of the address."""
        chosen = {} if self.breaks is None else {"breaks": ",".join(self.breaks) or NONE}
        runs = {side: getattr(self, side) for side in SIDES if getattr(self, side)}
        return {f"{PREFIX}{name}": value for name, value in (chosen | runs).items()}


@dataclass(frozen=True)
class Pair:
    """Both runs as they stand, changes included."""

    healthy: Watched
    broken: Watched

    @property
    def both(self) -> tuple[Watched, Watched]:
        """The healthy one first."""
        return self.healthy, self.broken

    @property
    def ids(self) -> dict[str, str | None]:
        """By side; a run that is missing keeps its id."""
        return {side: each.id for side, each in zip(SIDES, self.both, strict=True)}

    @property
    def shown(self) -> bool:
        """Whether there is anything to show."""
        return any(self.ids.values())

    @property
    def active(self) -> bool:
        """Whether one of them trains, waits or is paused."""
        return any(each.active for each in self.both)

    def among(self, *statuses: str) -> list[str]:
        """The runs that stand so."""
        return [each.run.id for each in self.both if each.run and each.run.status in statuses]

    def different(self) -> list[tuple[str, Any, Any]]:
        """Key, healthy value and broken value of all that differs between them now."""
        return differences(self.healthy.flat, self.broken.flat) if self.healthy.run and self.broken.run else []

    def curable(self) -> dict[str, Any]:
        """What the broken one can be told while it trains, so that it is as the healthy one: key -> value."""
        if not self.broken.active or not (config := _config(self.broken.flat)):
            return {}
        return {key: value for key, value, _ in self.different() if key in config.live()}


def read(query: Mapping[str, str]) -> CollapseState:
    """What an address says of the lab."""
    given = {key.removeprefix(PREFIX): value for key, value in query.items() if key.startswith(PREFIX)}
    chosen = given.get("breaks")
    unknown = sorted(given.keys() - {"breaks", *SIDES})
    return CollapseState(
        None if chosen is None else tuple(name for name in chosen.split(",") if name not in ("", NONE)),
        given.get("healthy"),
        given.get("broken"),
        problem=f"there is no setting {PREFIX}{unknown[0]}" if unknown else "",
    )


def state() -> CollapseState:
    """This session's lab; at its start, what the address says."""
    kept: CollapseState = st.session_state.setdefault(STATE, None) or read(st.query_params.to_dict())
    st.session_state[STATE] = kept
    return kept


def pair() -> Pair:
    """The two runs of this session's lab."""
    now = state()
    return Pair(_watched(now.healthy), _watched(now.broken))


def _watched(run: str | None) -> Watched:
    store = shared_pool().store
    try:
        found = store.run(run) if run else None
        return Watched(found, tuple(changes_of(store, found))) if found else Watched()
    except UnknownRun:
        return Watched(missing=run)


def begin(shown: Pair, elsewhere: Watched) -> None:
    """The settings at the start of a session: those of the link and its runs. Whoever brings none sees the method that shows most."""
    query = st.query_params.to_dict()
    fresh = len(query) == len(foreign(query)) and "settings" not in st.session_state and not elsewhere.run
    settings(shown.healthy.flat or elsewhere.flat)
    if fresh and settings().flat["method"] == DEFAULT_CHOICES["method"]:
        choose("method", introducing("collapse"))


def config() -> tuple[RunConfig | None, dict[str, str]]:
    """The healthy side of the next pair, and every sentence that stands in its way, by key."""
    return settings().config()


def chosen(healthy: RunConfig) -> tuple[str, ...]:
    """What is to be broken of a config: what was chosen, as far as this method has it; at first its first safeguard, or colors."""
    now, known = state(), breaks(healthy)
    if now.breaks is not None:
        now.problem = now.problem or _unknown(now.breaks, known)
        now.breaks = tuple(name for name in now.breaks if name in {each.name for each in known})
        return now.breaks
    safeguards = [each.name for each in known if each.safeguard] or [each.name for each in known if each.otherwise]
    return tuple(safeguards[:1])


def _unknown(names: tuple[str, ...], known: list[Intervention]) -> str:
    """A sentence about what a link wants broken, and this method does not have."""
    missing = [name for name in names if name not in {each.name for each in known}]
    ways = ", ".join(each.name for each in known)
    return f"{PREFIX}breaks must be among {ways}, got {missing[0]}" if missing else ""


def next_broken(healthy: RunConfig) -> tuple[RunConfig | None, str]:
    """The broken side of the next pair, or the sentence why there is none."""
    names = chosen(healthy)
    if not names:
        return None, "Choose what to break, in the sidebar: a safeguard to take away, or an extreme."
    try:
        return broken(healthy, names), ""
    except ConfigError as error:
        return None, str(error)


def off_already(healthy: RunConfig) -> list[str]:
    """Safeguards that the settings take away from both sides."""
    return [each.key for each in safeguards_off(healthy.knobs(), healthy.flat())]


@uninterrupted
def put_back(keys: list[str]) -> None:
    """Gives the settings their safeguards again."""
    kept = settings()
    kept.flat = kept.flat | {key: True for key in keys}


def toggle(name: str, *, on: bool) -> None:
    """Breaks something, or no longer; what a run under way can be told, it is told."""
    healthy, _ = config()
    if healthy is None:
        return
    now, before = state(), chosen(healthy)
    known = {each.name: each for each in breaks(healthy)}
    kept = tuple(each for each in before if each != name and not (on and each in known[name].rivals))
    now.breaks, now.problem = (*kept, name) if on else kept, ""
    for gone in set(before) - set(now.breaks):
        _tell(known[gone], heal=True)
    if on:
        _tell(known[name], heal=False)


@uninterrupted
def heal() -> None:
    """The broken run gets the values of the healthy one, as far as a run can be told."""
    now, values = state(), pair().curable()
    _send(values)
    healthy, _ = config()
    known = {each.name: each for each in breaks(healthy)} if healthy else {}
    now.healed = tuple(name for name in now.breaks or () if name in known and known[name].live)
    now.breaks = tuple(name for name in now.breaks or () if name not in now.healed) if now.breaks is not None else None


@uninterrupted
def break_again() -> None:
    """What was healed last is broken again."""
    for name in state().healed:
        toggle(name, on=True)
    state().healed = ()


def _tell(each: Intervention, *, heal: bool) -> None:
    """Moves the knobs of a break in the broken run, where that trains and is of the settings' method."""
    shown = pair()
    if each.live and shown.broken.active and shown.broken.flat.get("method") == settings().flat["method"]:
        healthy = shown.healthy.flat or settings().flat
        _send({key: healthy[key] if heal else value for key, value in each.values.items()})


def _send(values: Mapping[str, Any]) -> None:
    run = state().broken
    for key, value in values.items():
        if run:
            _command(run, SetKnob(key, value))


@uninterrupted
def start() -> None:
    """A new pair; the one before it ends."""
    healthy, _ = config()
    other = next_broken(healthy)[0] if healthy else None
    before = pair()
    if healthy is None or other is None or _started_just_now(before, healthy, other):
        return
    now, runs = state(), asked(lambda: shared_pool().submit_together([healthy, other], owner()))
    if runs is None:
        return
    stop(before)
    now.breaks = chosen(healthy)
    now.healthy, now.broken = runs
    now.healed = ()


@uninterrupted
def show(way: FailureMode) -> None:
    """A pair that fails in this way, at once."""
    for section, name in way.settings.items():
        choose(section, name)
    state().breaks, state().problem = way.breaks, ""
    start()


def _started_just_now(before: Pair, healthy: RunConfig, other: RunConfig) -> bool:
    # A double click would stop what it has just started.
    wanted = (healthy.flat(), other.flat())
    return all(each.active and each.run is not None and each.run.step == 0 for each in before.both) and wanted == tuple(
        each.run.flat for each in before.both if each.run
    )


@uninterrupted
def pause() -> None:
    """Both wait, or go on together."""
    shown = pair()
    if running := shown.among(Status.RUNNING):
        for run in running:
            _command(run, Pause())
    elif waiting := shown.among(Status.PAUSED, *ENDED_EARLY):
        asked(lambda: shared_pool().resume(*waiting))


def _command(run: str, command: Command) -> None:
    asked(lambda: shared_pool().command(run, command))


@uninterrupted
def stop(shown: Pair | None = None) -> None:
    """Both end."""
    for run in (shown or pair()).among(*ACTIVE):
        _command(run, Stop())


def to_training(side: str) -> None:
    """Opens one of the two on the Train page."""
    found = getattr(pair(), side)
    kept = settings()
    st.session_state["run"] = found.id
    if config := _config(found.flat):
        kept.flat = config.flat()
        kept.problems.clear()
        kept.notes.clear()
    st.switch_page(PAGES / "train.py")


def _config(flat: Mapping[str, Any]) -> RunConfig | None:
    """None for a run of a version with other knobs, or of a data set that is gone."""
    if any(flat.get(section) not in CHOICES[section] for section in CHOICES):
        return None
    try:
        return RunConfig(**flat)
    except ConfigError:
        return None
