"""A run as the pages see it: how it stands, with what was changed since it started, or that it is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from playground.config import CHOICES, RunConfig, knobs_for
from playground.events import Change
from playground.knobs import safeguards_off
from playground.runs.moves import changes_of
from playground.runs.pool import shared_pool
from playground.runs.records import Run, UnknownRun
from playground.ui import run_names

SHOWN = "run"  # where the session keeps the id of the run of the Train page


@dataclass(frozen=True)
class RunView:
    """A run that a page shows. missing: an id from the address that leads nowhere."""

    run: Run | None = None
    changes: tuple[Change, ...] = ()
    missing: str | None = None

    @classmethod
    def of(cls, run: str | None) -> RunView:
        """The run of this id."""
        if not run:
            return cls()
        pool = shared_pool()
        try:
            found = pool.standing(run)
            return cls(found, tuple(changes_of(pool.store, found)))
        except UnknownRun:
            return cls(missing=run)

    @property
    def id(self) -> str | None:
        """The run's id, also when it is missing: it stays in the address."""
        return self.run.id if self.run else self.missing

    @property
    def status(self) -> str:
        """How it stands; nothing where there is no run."""
        return self.run.status if self.run else ""

    @property
    def active(self) -> bool:
        """Whether it trains, waits its turn or is paused."""
        return self.run is not None and self.run.active

    @property
    def flat(self) -> dict[str, Any]:
        """Its settings as they stand now."""
        return self.run.flat_after(self.changes) if self.run else {}

    @property
    def config(self) -> RunConfig | None:
        """The same, checked; None for a run of a version with other knobs, or of a dataset that is gone."""
        try:
            return RunConfig(**self.flat) if self.run else None
        except ValueError:
            return None

    def title(self) -> str:
        """SimCLR on Shapes, seed 0."""
        flat = self.flat
        return f"{run_names.title(flat, 'method')} on {run_names.title(flat, 'data')}, seed {flat.get('seed')}" if self.run else ""

    def without(self) -> list[str]:
        """The safeguards that are off in it."""
        flat = self.flat
        if not self.run or any(flat.get(section) not in CHOICES[section] for section in CHOICES):
            return []
        knobs = knobs_for(**{section: flat[section] for section in CHOICES})
        return [each.title for each in safeguards_off(knobs, flat)]

    def summary(self) -> dict[str, Any]:
        """What the page knows of it: the panel that learns of something newer has the page drawn again."""
        return {"status": self.status, "changes": len(self.changes)}


def shown() -> RunView:
    """The run of this session: the one it started last, at its start the one that the address names."""
    return RunView.of(st.session_state.setdefault(SHOWN, st.query_params.get("run")))
