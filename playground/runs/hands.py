"""The runs that one worker has in hand, and which of them takes the next step: the one that is behind."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from playground.events import Command, Stop

Commands = queue.SimpleQueue[Command]


@dataclass(eq=False)
class Hand:
    """One run in a worker's hands. step: how far it is, below 0 until it has been built. paused: it waits for a command.

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
    def asleep(self) -> bool:
        """Whether it could only wait: whoever asked it to go on would wait with it, and keep the other run waiting."""
        return self.paused and not self.held and self.commands.empty()


class Hands:
    """A group of runs that train in step. One run is a group of one."""

    def __init__(self, runs: Sequence[str]) -> None:
        self._hands = {run: Hand(run, len(runs) == 1) for run in runs}
        self._news = threading.Event()

    def tell(self, command: Command, run: str | None = None) -> None:
        """Passes a command to one run of the group, or to all; one that is over no longer hears it."""
        for hand in self._hands.values():
            if run in (None, hand.run):
                hand.commands.put(command)
                hand.ending = hand.ending or isinstance(command, Stop)
        self._news.set()

    def turns(self) -> Iterator[Hand]:
        """Whose step is next, without end, until `over` has been called for each. Waits while all are asleep."""
        while self._hands:
            self._news.clear()
            awake = [hand for hand in self._hands.values() if not hand.asleep]
            if awake:
                yield min(awake, key=lambda hand: hand.step)  # of equals the first
            else:
                self._news.wait()

    def over(self, hand: Hand) -> None:
        """Takes a run out: the others go on."""
        del self._hands[hand.run]
