"""Commands as they travel to a worker and as they wait in the store: JSON lists, `["pause"]` or `["set", name, value]`."""

from __future__ import annotations

from typing import Any

from playground.events import Command, Pause, Resume, SetKnob, Stop, TakeStep

PLAIN: dict[str, type[Pause | Resume | TakeStep | Stop]] = {"pause": Pause, "resume": Resume, "step": TakeStep, "stop": Stop}


def to_message(command: Command) -> list[Any]:
    """Command -> JSON list."""
    if isinstance(command, SetKnob):
        return ["set", command.name, command.value]
    return [type(command).__name__.lower()]


def to_command(message: list[Any]) -> Command:
    """JSON list -> command."""
    name, *values = message
    return SetKnob(*values) if name == "set" else PLAIN[name]()
