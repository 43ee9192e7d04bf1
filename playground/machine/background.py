"""A process that works behind the server: it gives way to trainings, and it ends when the server does, however that went."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path

NICE = 10  # trainings and pages come first: beside an equal on two cores, a training's steps would take more than twice as long


def run_in_background() -> None:
    """To be called first: lowers the priority, keeps to one thread, and ends this process with its standard input."""
    os.environ["OMP_NUM_THREADS"] = "1"
    give_way()
    threading.Thread(target=_leave_with_the_server, name="background", daemon=True).start()
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(1)
    threadpool_limits(1)  # of numpy, SciPy and scikit-learn


def give_way() -> None:
    """Lowers the priority of this process, and of its session."""
    if hasattr(os, "nice"):
        os.nice(NICE)
    # Linux shares the processor between sessions first, and a priority counts only within one, unless the session has it, too.
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(NICE))


def _leave_with_the_server() -> None:
    # Not by sys.stdin: its lock, held by a thread that waits, would make Python abort at an ordinary end.
    while os.read(0, 1024):
        continue
    os._exit(0)
