"""What the store hands out, and how an entry is written down."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np

from playground.config import RunConfig
from playground.events import KINDS, Change, Command, Event, SetKnob
from playground.runs.status import ACTIVE, BROKEN, ENDED_EARLY, OVER, Status

RECORDED = "recorded-"  # how the ids of recordings begin; no other run has a hyphen in its id


class UnknownRun(LookupError):  # noqa: N818
    """There is no run of that id."""

    def __init__(self, run: str) -> None:
        super().__init__(f"there is no run {run}")


class Entry(NamedTuple):
    """One entry of a run's timeline; `text` is its body as JSON."""

    id: int
    run: str
    kind: str
    step: int
    time: float
    text: str

    @property
    def body(self) -> Any:
        """The body, read."""
        return json.loads(self.text)

    def to_json(self) -> str:
        """`[id, kind, step, time, body]`, as it travels."""
        return f'[{self.id},"{self.kind}",{self.step},{self.time:.3f},{self.text}]'


@dataclass(frozen=True)
class Run:
    """One run as it stands. status: one of `Status`.

    beside: the run that it was started with, to train in step; "" for one that was started alone, and for the first of several.
    deferred: commands that wait for the moment at which a worker takes it.
    """

    id: str
    flat: dict[str, Any]
    status: str
    message: str
    owner: str
    created: float
    started: float | None
    finished: float | None
    step: int
    facts: dict[str, Any]
    attempt: int
    beside: str = ""
    deferred: tuple[Command, ...] = ()

    @classmethod
    def from_row(cls, row: sqlite3.Row) -> Run:
        """Reads a row of the table `runs`."""
        deferred = tuple(map(Command.from_message, json.loads(row["deferred"])))
        read = {"flat": json.loads(row["config"]), "facts": json.loads(row["facts"]), "deferred": deferred}
        return cls(**read, **{each.name: row[each.name] for each in fields(cls) if each.name not in read})

    @property
    def config(self) -> RunConfig:
        """The config, checked again: raises ConfigError where it was made by a version with other knobs."""
        return RunConfig(**self.flat)

    def flat_after(self, changes: Iterable[Change]) -> dict[str, Any]:
        """Its settings after these knobs were moved by hand; such a knob has no schedule any more."""
        moved = {change.name: change.value for change in changes}
        ended = {f"schedule.{name}" for name in moved}
        return {key: value for key, value in self.flat.items() if key not in ended} | moved

    @property
    def steps(self) -> int:
        """How many steps the whole run has."""
        return int(self.flat["steps"])

    @property
    def waiting(self) -> list[Change]:
        """The live knobs that were moved while nobody trains it, in force from its next step on."""
        return [Change(self.step + 1, each.name, each.value) for each in self.deferred if isinstance(each, SetKnob)]

    @property
    def over(self) -> bool:
        """Whether nothing more will come, unless somebody resumes it."""
        return self.status in OVER

    @property
    def broken(self) -> bool:
        """Whether it ended though nobody wanted that."""
        return self.status in BROKEN

    @property
    def active(self) -> bool:
        """Whether it trains, waits its turn or is paused."""
        return self.status in ACTIVE

    @property
    def recorded(self) -> bool:
        """Whether it came with the program (`recordings`): everybody may look at it, nobody may change it."""
        return self.id.startswith(RECORDED)

    @property
    def resumable(self) -> bool:
        """Whether it ended early: Resume goes on from its last checkpoint, or begins again where there is none."""
        return self.status in ENDED_EARLY

    @property
    def complete(self) -> bool:
        """Whether all its steps are done, so that there is nothing to resume."""
        return self.status == Status.FINISHED


@dataclass(frozen=True)
class StatusChange(Event):
    """Somebody else than its training has moved a run: it was queued, begun, stopped, or found abandoned."""

    kind = "status"
    status: str
    message: str = ""

    @classmethod
    def run_state(cls, body: Any) -> dict[str, Any]:
        """What it says."""
        return dict(body)


def run_state(kind: str, body: Any) -> dict[str, Any]:
    """What an entry of the timeline has made of its run: {"status", "message", "facts"}, or those of them that it set."""
    return KINDS[kind].run_state(body) if kind in KINDS else {}


def as_json(body: Any) -> str:
    """Compact JSON that every browser reads: numbers that are not finite become null."""
    return json.dumps(_plain(body), separators=(",", ":"), allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
