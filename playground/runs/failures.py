"""What becomes of a run whose worker died in the middle of it, in words."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from playground.home import unwritable
from playground.runs.process import cause_of_death
from playground.runs.status import Status


def failure(run: str, flat: Mapping[str, Any], code: int, stopping: Collection[str], home: Path, after: str) -> tuple[str, str]:
    """Its status and the sentence about it. stopping: the runs that this worker had been told to end, and was killed for.

    home: whose disk may be the cause. after: what Resume will do.
    """
    if run in stopping:
        return Status.STOPPED, f"stopped in the middle of a step that took too long; {after}"
    if stopping:
        return Status.INTERRUPTED, f"the run beside it had to be stopped by force; {after}"
    if disk := unwritable(home):
        return Status.FAILED, f"the worker that trained this run {cause_of_death(code)}: {disk}. {after}"
    advice = f"if memory ran out, lower the batch size (it is {flat['batch_size']}) or take a smaller network than {flat['network']}"
    return Status.FAILED, f"the worker that trained this run {cause_of_death(code)}: {advice}. {after}"
