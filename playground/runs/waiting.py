"""Who is next: owners take turns, and each owner's runs go in the order in which they came."""

from __future__ import annotations

from collections import OrderedDict, deque
from itertools import zip_longest


class FairQueue:
    """One line an owner, served in turns: who starts ten runs does not make the others wait for ten."""

    def __init__(self) -> None:
        self._lines: OrderedDict[str, deque[str]] = OrderedDict()

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def __contains__(self, run: object) -> bool:
        return any(run in line for line in self._lines.values())

    def put(self, run: str, owner: str, *, first: bool = False) -> None:
        """Takes a run in, at the end of its owner's line or at its head."""
        line = self._lines.setdefault(owner, deque())
        if first:
            line.appendleft(run)
        else:
            line.append(run)

    def pop(self) -> str | None:
        """The next run; its owner then waits for all the others. None where nobody waits."""
        if not self._lines:
            return None
        owner, line = next(iter(self._lines.items()))
        run = line.popleft()
        self._lines.move_to_end(owner)
        if not line:
            del self._lines[owner]
        return run

    def remove(self, run: str) -> bool:
        """Takes a run out; says whether it was there."""
        for owner, line in self._lines.items():
            if run in line:
                line.remove(run)
                if not line:
                    del self._lines[owner]
                return True
        return False

    def order(self) -> list[str]:
        """All runs as they would be served if nobody else came."""
        turns = zip_longest(*self._lines.values())
        return [run for turn in turns for run in turn if run is not None]
