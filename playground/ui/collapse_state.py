"""What the Collapse page shows: two runs of one seed, and what is broken in one of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st
from pydantic import Field

from playground.analysis.interventions import Intervention, breaks, broken, differences
from playground.config import DEFAULT_CHOICES, RunConfig
from playground.knobs import ConfigError, safeguards_off
from playground.methods import introducing
from playground.runs.recordings import PAIR
from playground.ui.controls import STATE as SETTINGS
from playground.ui.controls import choose, settings
from playground.ui.page_state import OptionalNames, OptionalWord, PageState
from playground.ui.run_view import RunView
from playground.ui.settings import foreign

SIDES = ("healthy", "broken")


class CollapseState(PageState):
    """breaks: names of what is to be broken, None until somebody has chosen. healthy, broken: ids of the runs.

    restored: what was restored last, to break it again.
    """

    prefix = "lab."
    breaks: OptionalNames = None
    healthy: OptionalWord = None
    broken: OptionalWord = None
    restored: tuple[str, ...] = Field((), exclude=True)

    def complete(self, given: Collection[str]) -> None:
        """Who comes without a link sees the recorded pair; a link with settings is about those."""
        if not given and (SETTINGS in st.session_state or not _says_something()) and all(RunView.of(run).run for run in PAIR):
            self.healthy, self.broken = PAIR

    def chosen(self, healthy: RunConfig) -> tuple[str, ...]:
        """What is to be broken of a config: what was chosen, as far as this method has it; at first its first safeguard, or colors."""
        known = breaks(healthy)
        if self.breaks is None:
            safeguards = [each.name for each in known if each.safeguard] or [each.name for each in known if each.otherwise]
            return tuple(safeguards[:1])
        names = [each.name for each in known]
        if missing := [name for name in self.breaks if name not in names]:
            kept = tuple(name for name in self.breaks if name in names)
            self.refuse("breaks", f"{self.prefix}breaks must be among {', '.join(names)}, got {missing[0]}")
            self.breaks = kept
        return self.breaks or ()


@dataclass(frozen=True)
class Pair:
    """Both runs as they stand, changes included."""

    healthy: RunView
    broken: RunView

    @classmethod
    def here(cls) -> Pair:
        """The two runs of this session."""
        now = CollapseState.here()
        return cls(RunView.of(now.healthy), RunView.of(now.broken))

    @property
    def recorded(self) -> bool:
        """Whether it is a recording: closed to commands."""
        return any(each.run.recorded for each in self.both if each.run)

    @property
    def both(self) -> tuple[RunView, RunView]:
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

    def different(self) -> list[tuple[str, Any, Any]]:
        """Key, healthy value and broken value of all that differs between them now."""
        return differences(self.healthy.flat, self.broken.flat) if self.healthy.run and self.broken.run else []

    def recoverable(self) -> dict[str, Any]:
        """The live knobs in which the broken run differs while it trains: key -> value of the healthy one."""
        config = self.broken.config if self.broken.active else None
        return {key: value for key, value, _ in self.different() if config and key in config.live()}

    def unrecoverable(self) -> str:
        """Why there is nothing to give back to the broken run: a sentence, or nothing where there is something."""
        if self.recorded:
            return "A recording cannot be changed. Train the pair yourself to change the broken run while it trains."
        if not self.broken.active:
            return "Only a run that is training can be changed. Start both first."
        return "" if self.recoverable() else "The two differ in nothing that can change during training. Start both again without it."


def begin(shown: Pair, elsewhere: RunView) -> None:
    """The settings at the start of a session: those of the link and its runs. Whoever brings none sees the method that shows most."""
    fresh = not _says_something() and SETTINGS not in st.session_state and not elsewhere.run
    settings(elsewhere.flat if shown.recorded and elsewhere.run else shown.healthy.flat or elsewhere.flat)
    if fresh and not shown.recorded and settings().flat["method"] == DEFAULT_CHOICES["method"]:
        choose("method", introducing("collapse"))


def _says_something() -> bool:
    """Whether the address holds more than what other sites add to it."""
    query = st.query_params.to_dict()
    return len(query) > len(foreign(query))


def config() -> tuple[RunConfig | None, dict[str, str]]:
    """The healthy side of the next pair, and every sentence that stands in its way, by key."""
    return settings().config()


def next_broken(healthy: RunConfig) -> tuple[RunConfig | None, str]:
    """The broken side of the next pair, or the sentence why there is none."""
    names = CollapseState.here().chosen(healthy)
    if not names:
        return None, "Choose what to break, in the sidebar: a safeguard to take away, or an extreme."
    try:
        return broken(healthy, names), ""
    except ConfigError as error:
        return None, str(error)


def off_already(healthy: RunConfig) -> list[str]:
    """Safeguards that the settings take away from both sides."""
    return [each.key for each in safeguards_off(healthy.knobs(), healthy.flat())]


def named(healthy: RunConfig | None) -> Mapping[str, Intervention]:
    """What can be broken, by name."""
    return {each.name: each for each in breaks(healthy)} if healthy else {}
