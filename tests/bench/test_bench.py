"""The bench's own arithmetic, and one contender that really trains."""

import dataclasses
import io
import subprocess
import time

import pytest

from playground.bench import neighbors
from playground.bench import suite as bench
from playground.bench.suite import facts
from playground.events import Finished
from playground.home import home


class Paced:
    """A contender that trains as fast as it is told to, turn after turn."""

    def __init__(self, *paces):
        self.paces = list(paces)

    def pace(self, seconds):
        return self.paces.pop(0)

    def begin(self, seconds):
        self.training = True

    def done(self):
        return self.paces.pop(0)


def test_of_two_trainings_at_once_the_slower_is_compared_with_one_thread_alone():
    contenders = {"polite": Paced(1, 90, 70), "another": Paced(1, 60, 80), "one_thread": Paced(100, 100)}
    row = neighbors._side_by_side(contenders, 2, 2)
    assert row == {"ratio": 0.65, "lowest": 0.6, "highest": 0.7, "slower_of_two": 65, "one_thread": 100, "unit": "views/s"}
    assert contenders["polite"].training and contenders["another"].training


def test_the_polite_one_is_compared_with_the_best_of_the_others():
    row = neighbors._compared({"polite": Paced(80, 90, 70), "one_thread": Paced(50, 50, 50), "all_threads": Paced(100, 90, 110)}, 3, 3)
    assert row == {"ratio": 0.8, "lowest": 70 / 110, "highest": 1.0, "polite": 80, "one_thread": 50, "all_threads": 100, "unit": "views/s"}


def test_seconds_come_with_their_spread():
    row = neighbors._spread([1.0, 4.0, 1.0])
    assert (row["mean"], row["lowest"], row["highest"], row["runs"]) == (2.0, 1.0, 4.0, 3)


@pytest.mark.slow
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


def test_every_row_says_how_often_it_was_measured_and_how_long_that_took(monkeypatch):
    def rows(effort):
        homes.append(home())
        time.sleep(0.02)
        yield "step", {"ratio": 2.0, "unit": "views/s"}
        yield "memory", {"ratio": 1.0, "unit": "MB", "runs": 1}

    homes = []
    monkeypatch.setattr(bench, "_rows", rows)
    found = dict(bench.measure(bench.QUICK))
    assert home() not in homes and not homes[0].exists()  # what was once measured on a busy machine does not count
    assert {name: row["runs"] for name, row in found.items()} == {"step": bench.QUICK.turns, "memory": 1}
    assert found["step"]["took"] >= 0.02 > found["memory"]["took"] and found["step"]["ratio"] == 2.0


def test_a_contender_takes_as_many_turns_as_the_effort_says():
    turns = {"slow": [], "fast": []}
    work = {name: lambda name=name: turns[name].append(time.perf_counter()) or 1 for name in turns}
    found = bench.rates(work, bench.Effort(seconds=0.0, turns=3))
    assert {name: len(each) for name, each in turns.items()} == {"slow": 4, "fast": 4}  # the first to warm up
    assert set(found) == set(turns) and all(len(rates) == 3 and min(rates) > 0 for rates in found.values())


def test_a_ratio_comes_with_that_of_its_turns():
    row = bench.ratio({"ours": [4.0, 6.0, 5.0], "theirs": [2.0, 2.0, 2.5]}, "ours", "theirs", "views/s")
    assert row == {"ratio": 2.5, "lowest": 2.0, "highest": 3.0, "ours": 5.0, "theirs": 2.0, "unit": "views/s"}
    for absent in ("ours", "theirs"):
        row = bench.ratio({"ours": [4.0], "theirs": [2.0]} | {absent: "not installed"}, "ours", "theirs", "views/s")
        assert row["ratio"] is None and row["absent"] == "not installed"


def test_the_table_shows_a_ratio_with_its_turns_and_seconds_with_their_spread():
    rows = {
        "step": {"ratio": 2.5, "lowest": 2.0, "highest": 3.0, "ours": 5.0, "theirs": 2.0, "unit": "views/s", "runs": 3, "took": 1.0},
        "insight": {"ratio": None, "mean": 2.0, "lowest": 1.0, "highest": 4.0, "unit": "s", "runs": 3, "took": 1.0},
    }
    cells = [list(column.cells) for column in bench.as_table(rows).columns]
    assert cells[1] == ["2.5 (2 to 3)", "-"]
    assert cells[2] == ["ours 5 / theirs 2 views/s", "mean 2 / lowest 1 / highest 4 s"]


def test_the_share_of_diagnostics_is_that_of_several_runs(monkeypatch):
    shares = {0: 0.25, 1: 0.5}
    monkeypatch.setattr(
        bench,
        "train",
        lambda config: [Finished(config.steps, "finished", facts={"seconds": 6.0, "diagnostics_share": shares[config.seed]})],
    )
    row = bench._diagnostics_share(120, 2)
    assert (row["ratio"], row["lowest"], row["highest"], row["runs"], row["steps"]) == (0.375, 0.25, 0.5, 2, 120)
    assert row["diagnostics"] == pytest.approx((6 - 6 / 1.25 + 6 - 6 / 1.5) / 2) and row["training"] == pytest.approx(
        (6 / 1.25 + 6 / 1.5) / 2
    )


def test_the_quick_bench_repeats_less_of_everything():
    quick, whole = bench.QUICK, bench.Effort()
    assert all(getattr(quick, each.name) < getattr(whole, each.name) for each in dataclasses.fields(quick))
