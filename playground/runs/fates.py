"""What becomes of a run whose worker died in the middle of it, in words."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from playground.runs.process import cause_of_death


def kept(checkpoint: bool) -> str:
    """What Resume will do."""
    return "Resume goes on from its last checkpoint" if checkpoint else "Resume starts it again"


def fate(run: str, flat: Mapping[str, Any], code: int, stopping: Collection[str], checkpoint: bool) -> tuple[str, str]:
    """Its status and the sentence about it. stopping: the runs that this worker had been told to end, and was killed for."""
    if run in stopping:
        return "stopped", f"stopped in the middle of a step that took too long; {kept(checkpoint)}"
    if stopping:
        return "interrupted", f"the run beside it had to be stopped by force; {kept(checkpoint)}"
    advice = f"if memory ran out, lower batch_size (it is {flat['batch_size']}) or take a smaller network than {flat['network']}"
    return "failed", f"the worker that trained this run {cause_of_death(code)}: {advice}. {kept(checkpoint)}"
