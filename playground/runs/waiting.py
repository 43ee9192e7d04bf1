"""Who is next: owners take turns, and each owner's runs go in the order in which they came."""

from __future__ import annotations

from collections import OrderedDict, deque
from itertools import zip_longest

Turn = tuple[str, ...]  # the runs that one worker takes at once: usually one


class FairQueue:
    """One line an owner, served in turns: who starts ten runs does not make the others wait for ten."""

    def __init__(self) -> None:
        self._lines: OrderedDict[str, deque[Turn]] = OrderedDict()

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def __contains__(self, run: object) -> bool:
        return any(run in turn for line in self._lines.values() for turn in line)

    def put(self, turn: Turn, owner: str, *, first: bool = False) -> None:
        """Takes runs in, at the end of their owner's line or at its head."""
        line = self._lines.setdefault(owner, deque())
        if first:
            line.appendleft(turn)
        else:
            line.append(turn)

    def pop(self) -> Turn | None:
        """The next turn; its owner then waits for all the others. None where nobody waits."""
        if not self._lines:
            return None
        owner, line = next(iter(self._lines.items()))
        turn = line.popleft()
        self._lines.move_to_end(owner)
        if not line:
            del self._lines[owner]
        return turn

    def remove(self, run: str) -> bool:
        """Takes a run out; those that would have trained with it keep their place. Says whether it was there."""
        found = next(((owner, turn) for owner, line in self._lines.items() for turn in line if run in turn), None)
        if found is None:
            return False
        owner, turn = found
        rest = tuple(each for each in turn if each != run)
        line = deque(rest if each == turn else each for each in self._lines[owner] if rest or each != turn)
        if line:
            self._lines[owner] = line
        else:
            del self._lines[owner]
        return True

    def order(self) -> list[Turn]:
        """All turns as they would be served if nobody else came."""
        rounds = zip_longest(*self._lines.values())
        return [turn for each in rounds for turn in each if turn is not None]
