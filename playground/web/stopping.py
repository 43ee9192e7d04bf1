"""The server is asked to stop: streams end by themselves, for it waits for whoever still reads before it suspends runs."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any


def hear_of_the_end(stopping: threading.Event) -> None:
    """Sets `stopping` as soon as a signal asks the process to stop, before whoever listened already; call it once a server listens."""
    if threading.current_thread() is not threading.main_thread():
        return  # signals reach the main thread alone; a server elsewhere is stopped by whoever started it
    for number in (signal.SIGINT, signal.SIGTERM):
        _chain(number, stopping)


def _chain(number: signal.Signals, stopping: threading.Event) -> None:
    before: Any = signal.getsignal(number)

    def handle(received: int, frame: FrameType | None) -> None:
        stopping.set()
        if callable(before):
            before(received, frame)

    if callable(before):  # otherwise the process ends at once, or not at all
        signal.signal(number, handle)
