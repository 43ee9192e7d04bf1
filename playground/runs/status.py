"""How a run stands, and what that means."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """The status of a run. In the store, in JSON and in messages it is this word."""

    QUEUED = "queued"  # waits for a worker
    RUNNING = "running"
    PAUSED = "paused"  # by somebody; goes on exactly from where it stands
    FINISHED = "finished"  # all its steps are done
    STOPPED = "stopped"  # by somebody
    FAILED = "failed"  # by itself: no memory, no data, a loss that is not finite
    INTERRUPTED = "interrupted"  # the server went, or the worker, through no fault of the run


STARTED = (Status.RUNNING, Status.PAUSED)  # a worker has it, or had it last
ACTIVE = (Status.QUEUED, *STARTED)  # more will come of it by itself, or as soon as it goes on
ENDED_EARLY = (Status.STOPPED, Status.FAILED, Status.INTERRUPTED)  # Resume goes on from the last checkpoint, or from the beginning
BROKEN = (Status.FAILED, Status.INTERRUPTED)  # over, though nobody wanted that: the message says why
OVER = (Status.FINISHED, *ENDED_EARLY)  # nothing more will come, unless somebody resumes it
