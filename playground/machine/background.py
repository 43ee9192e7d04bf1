"""A background process of the server: it has a lower priority than trainings, and it ends when the server ends in any way."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path

NICE = 10  # lower priority than trainings and pages: otherwise a training's steps would take more than twice as long on two cores


def run_in_background() -> None:
    """To be called first: lowers the priority, limits the process to one thread, and ends it when its standard input ends."""
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
    # Linux first shares the processor between sessions, so a priority counts only within a session, unless the session has it, too.
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(NICE))


def _leave_with_the_server() -> None:
    # Not by sys.stdin: its lock, held by a waiting thread, would make Python abort at a normal exit.
    while os.read(0, 1024):
        continue
    os._exit(0)
