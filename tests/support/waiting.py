"""Waiting for what other threads and processes do."""

import time

import pytest

PATIENCE = 240  # seconds; generous: the machine may be busy with other things


def until(condition, what="what the test needs"):
    """Polls until something is so, and returns it."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    pytest.fail(f"waited {PATIENCE} s for {what}")
