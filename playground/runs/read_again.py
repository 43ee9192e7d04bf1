"""Whether the pictures that a run trained on are still those of its dataset: a set of one's own can be read again."""

from __future__ import annotations

from playground.config import CHOICES
from playground.runs.records import Run


def read_since(run: Run) -> str:
    """That its dataset has been read again since the run read it, as a sentence; "" where it has not, or where that is not known."""
    kind, known = CHOICES["data"].get(run.flat.get("data", "")), run.facts.get("data", {})
    if kind is None or not known.get("state") or known["state"] == kind.state():
        return ""
    then = f"This run trained on {kind.title} as it was read on {known['read']}"
    return f"{then}; it has been read again since, and its pictures are others now."


def read_before_evaluation(run: Run) -> str:
    """The same, and what that means for an evaluation now."""
    since = read_since(run)
    return since and f"{since} It is evaluated on those of now, and may have been trained on some that it is tested on."
