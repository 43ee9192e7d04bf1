"""What follows when a control is moved or pressed is done to its end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from streamlit.runtime.scriptrunner import get_script_run_ctx

P = ParamSpec("P")
T = TypeVar("T")
YIELD = "on_scriptrunner_yield"  # where Streamlit asks whether a newer request waits
_turns: dict[str, Any] = {}  # by session
_making = threading.Lock()


def uninterrupted(callback: Callable[P, T]) -> Callable[P, T]:
    """A callback of a control that no newer request cuts short.

    Streamlit ends a callback in the middle, at its next touch of the session's state, once the browser has asked for the page again,
    as a panel does at any time. The callback is then done by half, and is not called again: a Stop that stops nothing, a knob
    that moves on the page and not in the run. Drawings may be cut short, for each is followed by a whole one.
    """

    @wraps(callback)
    def whole(*args: P.args, **more: P.kwargs) -> T:
        context = get_script_run_ctx(suppress_warning=True)
        requests = context and context.script_requests
        if context is None or requests is None or YIELD in vars(requests):  # no page at all; or one callback calls another
            return callback(*args, **more)
        setattr(requests, YIELD, _nothing_waits)
        try:
            with _turn(context.session_id):
                return callback(*args, **more)
        finally:
            delattr(requests, YIELD)

    return whole


def _turn(session: str) -> Any:
    """One callback of a session at a time: Streamlit begins a newer request in another thread while the callback of an older one is still
    at work, and what it sends would overtake what the older one sends."""
    with _making:
        return _turns.setdefault(session, threading.RLock())


def _nothing_waits() -> None:
    """The newer request keeps waiting."""
