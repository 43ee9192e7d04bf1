"""The runs that one worker trains, and which of them takes the next step: the one that is behind."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from playground.events import Command

Commands = queue.SimpleQueue[Command]


@dataclass(eq=False)
class GroupMember:
    """One run of a worker's group. step: how far it is, below 0 until it has been built. paused: it waits for a command.

    held: why it waits for the disk, if it does. ending: it was told to stop.
    """

    run: str
    alone: bool
    commands: Commands = field(default_factory=queue.SimpleQueue)
    step: int = -2
    paused: bool = False
    held: str = ""
    ending: bool = False

    @property
    def idle(self) -> bool:
        """Whether it could only wait: whoever had it go on would wait with it, and keep the other run waiting."""
        return self.paused and not self.held and self.commands.empty()


class RunGroup:
    """A group of runs that train in step. One run is a group of one."""

    def __init__(self, runs: Sequence[str]) -> None:
        self._members = {run: GroupMember(run, len(runs) == 1) for run in runs}
        self._news = threading.Event()

    def send(self, command: Command, run: str | None = None) -> None:
        """Passes a command to one run of the group, or to all; one that is over no longer hears it."""
        for member in self._members.values():
            if run in (None, member.run):
                member.commands.put(command)
                member.ending = member.ending or command.ends
        self._news.set()

    def turns(self) -> Iterator[GroupMember]:
        """Whose step is next, without end, until `over` has been called for each. Waits while all are idle."""
        while self._members:
            self._news.clear()
            awake = [member for member in self._members.values() if not member.idle]
            if awake:
                yield min(awake, key=lambda member: member.step)  # of equals the first
            else:
                self._news.wait()

    def over(self, member: GroupMember) -> None:
        """Takes a run out: the others go on."""
        del self._members[member.run]
