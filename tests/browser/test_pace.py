"""Time left, from timelines whose end is known, made up or recorded: the page's own script reckons, no server and no training.

recorded_pace.json: when the entries of real runs were written, in seconds from Start, on two cores, all in a pool with a warm worker.
trained: by step, from 1; measured: {step: when}; alone_from: beside a busy program, whose cores the training had back from then on.
"""

import json
import random
from pathlib import Path

import pytest

from playground.training.measurement_schedule import MeasurementSchedule

RECORDED = json.loads((Path(__file__).parent / "recorded_pace.json").read_text())
RECKON = """async (timelines) => {
  const { Pace } = await import("/assets/pace.js")
  return timelines.map(({ entries, asked, steps, planned }) => {
    const pace = new Pace()
    let [at, step] = [0, 0]
    return asked.map((now) => {
      for (; at < entries.length && entries[at][1] <= now; at += 1) {
        const [kind, time, number] = entries[at]
        pace[kind](time, number)
        if (kind === "trained") step = number
      }
      return pace.left(step, steps, planned, now - (entries[at - 1]?.[1] ?? now))
    })
  })
}"""


class Timeline:
    """What a run with known times writes down, as the worker would write it: in bundles, at most ten a second."""

    def __init__(self, steps, pace, measuring, cold=1.0, cost=0.05):
        self.steps, self.pace, self.measuring, self.cold = steps, pace, measuring, cold
        self.schedule, self.dice = MeasurementSchedule(steps, cost), random.Random(0)
        self.planned, self.now, self.step = self.schedule.planned(), 0.0, 0
        self.said = [("begin", 0.0, 0)]  # what it says, and when

    def run(self, to=None):
        if self.step == 0 and self.schedule.due(0):
            self._measure()
        flushed, pending = self.now, []
        while self.step < (to or self.steps):
            took = self.pace(self.now) * self.dice.lognormvariate(0, 0.25) + self.cold
            self.now, self.step, self.cold = self.now + took, self.step + 1, 0
            self.schedule.training += took
            pending.append(self.step)
            due = self.schedule.due(self.step)
            if due or self.now - flushed > 0.1 or self.step == self.steps:
                self.said += [("trained", self.now, each) for each in pending]
                flushed, pending = self.now, []
            if due:
                self._measure()
        return self

    def _measure(self):
        took = self.measuring * self.dice.lognormvariate(0, 0.25)
        self.now += took
        self.schedule.measured(self.step, took)
        self.said.append(("measured", self.now, self.step))

    @property
    def entries(self):
        """The same with the times at which it is written."""
        written, entries = -1.0, []
        for kind, said, step in self.said:
            if said > written:
                written = max(said, written + 0.1)
            entries.append((kind, written, step))
        return entries

    def asked(self, begin, end):
        moments = [begin + 0.5 * i for i in range(int((end - begin) / 0.5))]
        return {"entries": self.entries, "asked": moments, "steps": self.steps, "planned": self.planned}


@pytest.fixture
def reckoned(scripts):
    return lambda timelines: scripts.evaluate(RECKON, timelines)


def wrong(timeline, asked, found):
    """Where an estimate is off by more than a half, down to two seconds from the end."""
    truth = [timeline.now - moment for moment in asked["asked"]]
    return [(t, left) for t, left in zip(truth, found, strict=True) if left is not None and not t / 1.5 - 1 <= left <= 1.5 * t + 1]


@pytest.mark.parametrize("cold", [0.3, 4.0])
def test_after_three_seconds_the_time_left_is_right_within_a_half(reckoned, cold):
    shapes = [(3000, 0.004), (300, 0.03), (300, 0.1), (1_000, 0.1), (60, 0.7), (12, 3.0)]
    runs = [Timeline(steps, lambda now, each=each: each, measuring, cold).run() for steps, each in shapes for measuring in (0.02, 0.3, 1.5)]
    asked = [run.asked(3.0 + cold, min(run.now - 2, 90)) for run in runs]
    for run, question, found in zip(runs, asked, reckoned(asked), strict=True):
        assert wrong(run, question, found) == [], (run.steps, run.measuring)
        known = [left is not None for left in found]
        assert known == sorted(known) and (not known or known[-1])


@pytest.mark.parametrize("run", RECORDED, ids=lambda run: f"{run['method']} from {run['alone_from']} s")
def test_of_a_real_run_the_time_left_is_right_within_a_half_soon_after_its_pace_has_changed(reckoned, run):
    entries = [("trained", time, step) for step, time in enumerate(run["trained"], 1)]
    entries += [("measured", time, int(step)) for step, time in run["measured"].items()]
    entries = [("begin", run["begun"], 0), *sorted(entries, key=lambda each: (each[1], each[2]))]
    end, begin = entries[-1][1], max(3.0, run["alone_from"] + 1.25)
    moments = [begin + 0.25 * i for i in range(int((end - 2 - begin) / 0.25))]
    [found] = reckoned([{"entries": entries, "asked": moments, "steps": run["steps"], "planned": run["planned"]}])
    off = [(at, left / (end - at)) for at, left in zip(moments, found, strict=True)]
    assert [each for each in off if not 1 / 1.5 <= each[1] <= 1.5] == []


def test_nothing_is_said_before_it_can_be_known(reckoned):
    slow = Timeline(20, lambda now: 5.0, 0.5, cold=10.0).run()
    [found] = reckoned([slow.asked(0, slow.now)])
    second = next(time for kind, time, step in slow.entries if kind == "trained" and step == 2)
    assert all(left is None for left in found[: int(2 * second)]) and found[int(2 * second) + 1] > 60


def test_a_neighbor_who_comes_or_goes_is_noticed_within_a_dozen_seconds(reckoned):
    for before, after in ((0.1, 0.4), (0.4, 0.1)):
        run = Timeline(600, lambda now, before=before, after=after: before if now < 15 else after, 0.2).run()
        question = run.asked(15 + 13, run.now - 2)
        assert wrong(run, question, *reckoned([question])) == []


def test_neither_a_pause_nor_one_long_wait_changes_what_is_left(reckoned):
    paused, stuck = (Timeline(300, lambda now: 0.1, 0.2) for _ in range(2))
    paused.run(to=120)
    paused.said.append(("wait", paused.now, 120))
    for each in (paused, stuck.run(to=120)):
        each.now += 100
        again = each.now
        each.run()
        question = each.asked(again, each.now - 2)
        assert wrong(each, question, *reckoned([question])) == []


def test_after_resume_only_what_came_since_counts(reckoned):
    run = Timeline(300, lambda now: 1.5 if now < 60 else 0.1, 0.2).run(to=35)
    run.now, run.cold = run.now + 500, 3.0
    begun = run.now
    run.said.append(("begin", begun, 35))
    run.run()
    question = run.asked(begun, run.now - 2)
    [found] = reckoned([question])
    assert found[:4] == [None] * 4
    assert wrong(run, question, found) == [] and sum(left is not None for left in found) > 20


def test_a_run_that_waits_or_stands_still_says_so(scripts):
    said = """async ([status, silent, more]) => {
      const { timeLeft } = await import("/assets/panels/transport.js")
      const pace = { left: () => 40.4, longest: () => 3 }
      return timeLeft({ pace, lastNews: performance.now() - 1000 * silent, online: true, step: 9, steps: 60, facts: {}, ...more }, status)
    }"""
    cases = {
        ("running", 0): "40 s left",
        ("running", 14): "40 s left",
        ("running", 16.2): "no step for 16 s",
        ("paused", 300): "40 s left after Resume",
        ("finished", 300): "",
    }
    for (status, silent), text in cases.items():
        assert scripts.evaluate(said, [status, silent, {}]) == text
    assert scripts.evaluate(said, ["running", 300, {"online": False}]) == "40 s left"  # it is the page that hears nothing
    assert scripts.evaluate(said, ["running", 300, {"lastNews": None}]) == "40 s left"
