"""The bench's own arithmetic, and one contender that really trains."""

import io
import subprocess

import pytest

from playground import bench_neighbors as neighbors
from playground.bench import facts


class Paced:
    """A contender that trains as fast as it is told to, turn after turn."""

    def __init__(self, *paces):
        self.paces = list(paces)

    def pace(self, seconds):
        return self.paces.pop(0)


def test_the_polite_one_is_compared_with_the_best_of_the_others_after_a_turn_to_settle():
    row = neighbors._compared(
        {"polite": Paced(1, 80, 90, 70), "one_thread": Paced(50, 50, 50, 50), "all_threads": Paced(9, 100, 90, 110)}, 1
    )
    assert row == {"ratio": 0.8, "polite": 80, "one_thread": 50, "all_threads": 100, "unit": "views/s"}


def test_seconds_come_with_their_spread():
    row = neighbors._spread([1.0, 4.0, 1.0])
    assert (row["mean"], row["lowest"], row["highest"], row["runs"]) == (2.0, 1.0, 4.0, 3)


def test_a_contender_trains_as_long_as_it_is_asked_to():
    replies = io.StringIO()
    neighbors.contend(1, False, io.StringIO("0.01\n0.01\n"), replies)
    assert all(float(line) > 0 for line in replies.getvalue().splitlines()) and replies.getvalue().count("\n") == 2


def test_neighbors_are_busy_while_they_are_there_and_then_gone(monkeypatch):
    started, popen = [], subprocess.Popen
    monkeypatch.setattr(neighbors.subprocess, "Popen", lambda *given, **more: started.append(popen(*given, **more)) or started[-1])
    with pytest.raises(KeyboardInterrupt), neighbors.busy(2):
        assert [each.poll() for each in started] == [None, None]
        raise KeyboardInterrupt
    assert all(each.returncode for each in started)


def test_figures_say_of_which_machine_they_are():
    found = facts()
    assert "cores" in found["machine"] and isinstance(found["amx"], bool) and found["torch"]
