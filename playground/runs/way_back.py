"""The way back from divergence: from which of its checkpoints a run had best go on, and at which learning rate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from playground.config import CHOICES, defaults
from playground.runs.records import Run
from playground.runs.status import Status
from playground.runs.store import Store

RATE = "optimizer.learning_rate"
RECENT = 2000  # entries of a timeline in which the beginning of the trouble is looked for
ABOVE = 0.05  # of the first loss: what is further above it is trouble
SOON = (20, 0.1)  # a change so many steps before the end, or so large a part of the run, is taken for its cause
SLOWER = 0.1  # of the learning rate that was too high, where the default is not lower


@dataclass(frozen=True)
class WayBack:
    """step: from which to go on, 0 to begin anew. rate: the learning rate to go on with."""

    step: int
    rate: float


def way_back(store: Store, run: Run, shown: float) -> WayBack | None:
    """The way back of a run that has diverged, None for any other. shown: the learning rate on the page, taken where it is lower."""
    step = before_trouble(store, run)
    return None if step is None else WayBack(step, shown if shown < _rate(store, run) else _lower(store, run))


def before_trouble(store: Store, run: Run) -> int | None:
    """The step of the newest checkpoint of before the trouble, 0 where there is none; None for a run that has not diverged."""
    verdicts = store.newest(run.id, "verdict", 1)
    if run.status != Status.FAILED or not verdicts or verdicts[0].body["state"] != "divergence":
        return None
    began = trouble_began(store, run)
    return max((step for step in store.folder(run.id).checkpoints.steps() if step < began), default=0)


def trouble_began(store: Store, run: Run) -> int:
    """The first update not to be trusted: that after which the loss stayed above where it began, or before which a knob was moved.

    A loss is that of the weights before its update, so the update that spoiled it is the one before.
    """
    losses = [(entry.step, entry.body["loss"]) for entry in store.newest(run.id, "metrics", RECENT) if "loss" in entry.body]
    metrics = (entry.body for entry in store.events(run.id, limit=100) if entry.kind == "metrics")
    first = next((values["loss"] for values in metrics if "loss" in values), math.inf)
    limit = first + ABOVE * abs(first)
    began = run.step
    for (later, _), (_, loss) in pairwise([(run.step, math.nan), *losses]):
        began = later
        if loss <= limit:
            break
    steps, share = SOON
    recent = [each.step for each in store.changes(run.id) if run.step - each.step <= max(steps, share * run.step)]
    return min([began - 1, *recent])


def _rate(store: Store, run: Run) -> float:
    """The learning rate with which it failed."""
    moved = [each.value for each in store.changes(run.id) if each.name == RATE]
    return float([run.flat[RATE], *moved][-1])


def _lower(store: Store, run: Run) -> float:
    rate = _rate(store, run)
    usual = defaults(**{section: run.flat[section] for section in CHOICES})[RATE]
    return float(f"{usual if usual < rate else rate * SLOWER:.3g}")
