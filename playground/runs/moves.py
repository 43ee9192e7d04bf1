"""What may be done to a run that is to go on: live knobs moved, and a step back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from playground.config import RunConfig
from playground.events import Change, SetKnob
from playground.runs.records import RECORDED, Run
from playground.runs.runner import RunError
from playground.runs.store import Store
from playground.runs.way_back import before_trouble


def changes_of(store: Store, run: Run) -> list[Change]:
    """The live knobs that were moved, in order: while it trained, and since it waits."""
    return [*store.changes(run.id), *run.waiting]


def config_of(store: Store, run: str) -> RunConfig:
    """The config of a run as it stands, knobs included that were moved since. Raises ConfigError, UnknownRun."""
    found = store.run(run)
    config = found.config
    for change in changes_of(store, found):
        config = config.changed(change.name, change.value)
    return config


def moves_of(store: Store, run: str, moves: Mapping[str, Any]) -> list[SetKnob]:
    """Commands that move live knobs, each possible after the one before. Raises ConfigError, UnknownRun."""
    config, commands = config_of(store, run), []
    for name, value in moves.items():
        config = config.changed(name, value)
        commands.append(SetKnob(name, config.flat()[name]))
    return commands


def require_own(*runs: str) -> None:
    """Raises RunError where one of them is a recording."""
    for run in runs:
        if run.startswith(RECORDED):
            raise RunError(f"run {run} is a recording and cannot be changed: start a run of your own with its settings")


def require_unfinished(store: Store, *runs: str) -> None:
    """Raises RunError where one of them has nothing left to train, or is a recording."""
    require_own(*runs)
    for run in runs:
        if store.run(run).complete:
            raise RunError(f"run {run} is finished: start a new one, with more steps if it should go further")


def go_back(store: Store, run: str, step: int | None) -> None:
    """Forgets what came after a checkpoint that was kept, so that the run goes on from there; 0: all of it. Raises RunError.

    None: a run that has diverged goes back to before the trouble, any other goes on from its newest checkpoint.
    """
    step = before_trouble(store, store.run(run)) if step is None else step
    if step is None:
        return
    kept = [0, *store.folder(run).checkpoints.steps()]
    if step not in kept:
        raise RunError(f"step must be one from which run {run} can go on ({', '.join(map(str, kept))}), got {step}")
    store.truncate(run, step or -1)
