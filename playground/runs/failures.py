"""What becomes of the runs whose worker died in the middle of them, in words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from playground.home import unwritable
from playground.machine.child import cause_of_death
from playground.runs.condition import resumes
from playground.runs.process import LiveRun, workers_log
from playground.runs.status import Status
from playground.runs.store import Store


def failures(store: Store, runs: Mapping[str, LiveRun], code: int) -> dict[str, tuple[str, str]]:
    """The status of each run that a worker had, and the sentence about it. code: with which the worker ended.

    A worker with a run that had been told to end was killed for that; of one that it was letting go of, nothing is lost.
    """
    stopping = any(each.stopping for each in runs.values())
    return {run: _failure(store, run, each, code, stopping) for run, each in runs.items() if not each.releasing}


def no_worker(home: Path, code: int) -> str:
    """Why runs that wait are given up: workers end with this code before they are ready."""
    return f"no worker could be started (it {cause_of_death(code)}); the reason is at the end of {workers_log(home)}"


def _failure(store: Store, run: str, live: LiveRun, code: int, stopping: bool) -> tuple[str, str]:
    after = resumes(store.folder(run))
    if live.stopping:
        return Status.STOPPED, f"stopped in the middle of a step that took too long; {after}"
    if stopping:
        return Status.INTERRUPTED, f"the run beside it had to be stopped by force; {after}"
    if disk := unwritable(store.home):
        return Status.FAILED, f"the worker that trained this run {cause_of_death(code)}: {disk}. {after}"
    flat = store.run(run).flat
    advice = f"if memory ran out, lower the batch size (it is {flat['batch_size']}) or take a smaller network than {flat['network']}"
    return Status.FAILED, f"the worker that trained this run {cause_of_death(code)}: {advice}. {after}"
