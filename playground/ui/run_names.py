"""What runs are called on the pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from playground.config import CHOICES
from playground.runs import recordings
from playground.runs.records import Run


def called(run: Run, detail: str = "") -> str:
    """SimCLR abcd2345 · Shapes · 400 steps, or Recording: SimCLR · Shapes · 400 steps.

    Nothing that changes while it trains: selectors know options by their names.
    """
    parts = [
        f"Recording: {short(run)}" if run.recorded else short(run),
        title(run.flat, "data"),
        detail,
        f"{run.flat.get('steps', 0):,} steps",
    ]
    return " · ".join(filter(None, parts))


def short(run: Run) -> str:
    """SimCLR abcd2345, or the title of a recording."""
    return recordings.title(run.id) if run.recorded else f"{title(run.flat, 'method')} {run.id}"


def ended_early(run: Run | None) -> str:
    """A sentence about a run that ended before its last step, whose name says how many steps it was to have; else nothing."""
    return f"This run ended at step {run.step:,} of {run.steps:,}." if run and run.over and run.step < run.steps else ""


def title(flat: Mapping[str, Any], section: str) -> str:
    """The title of what these settings choose; its bare name where that is of another version, or gone."""
    name = flat.get(section, "?")
    return CHOICES[section][name].title if name in CHOICES[section] else str(name)
