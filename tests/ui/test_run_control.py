"""What Start, Pause or Resume and Stop do to one run or to several, and where a refusal is shown."""

import pytest
import streamlit as st

from playground.config import RunConfig
from playground.events import Pause, Stop
from playground.runs.records import Run
from playground.runs.runner import PoolFull
from playground.runs.status import ACTIVE, Status
from playground.ui import run_control, syncing
from playground.ui.run_view import RunView


class Pool:
    """Writes down what it is given to do."""

    def __init__(self):
        self.done = []

    def command(self, run, command):
        self.done.append((run, command))

    def resume(self, *runs, **more):
        self.done.append(("resume", runs, more))

    def submit_together(self, configs, owner):
        self.done.append(("submit", len(configs)))
        return [f"new{i}" for i in range(len(configs))]


@pytest.fixture
def pool(monkeypatch):
    monkeypatch.setattr(st, "session_state", {"owner": "me", syncing.PAGE: "Train"})
    made = Pool()
    monkeypatch.setattr(run_control, "shared_pool", lambda: made)
    return made


def view(name, status, step=5, **config):
    times = dict.fromkeys(("created", "started", "finished"), 0.0)
    return RunView(Run(name, RunConfig(**config).flat(), status, "", "", **times, step=step, facts={}, attempt=1))


def test_one_that_trains_is_paused_and_only_else_those_that_wait_go_on(pool):
    run_control.pause_or_resume([view("a", "running"), view("b", "paused"), view("c", "failed")])
    assert pool.done == [("a", Pause())]
    pool.done.clear()
    run_control.pause_or_resume([view("b", "paused"), view("c", "failed"), view("d", "finished"), view("e", "queued")], moves={"x": 1})
    assert pool.done == [("resume", ("b", "c"), {"moves": {"x": 1}})]
    pool.done.clear()
    run_control.pause_or_resume([view("d", "finished"), RunView(missing="gone")])
    assert pool.done == []


@pytest.mark.parametrize("status", Status)
def test_stop_ends_what_is_active(pool, status):
    run_control.stop([view("a", status), RunView()])
    assert pool.done == ([("a", Stop())] if status in ACTIVE else [])


def test_start_ends_the_runs_before_it_but_not_what_a_double_click_has_just_started(pool):
    configs = [RunConfig(), RunConfig(seed=1)]
    assert run_control.start(configs, [view("a", "running"), view("b", "finished")]) == ["new0", "new1"]
    assert pool.done == [("submit", 2), ("a", Stop())]
    pool.done.clear()
    assert run_control.start(configs, [view("a", "queued", 0), view("b", "queued", 0, seed=1)]) is None
    assert pool.done == []


def test_a_refusal_is_shown_on_the_page_that_asked_until_its_next_request(pool, monkeypatch):
    shown = []
    monkeypatch.setattr(st, "error", lambda sentence, icon: shown.append(sentence))

    def full(configs, owner):
        raise PoolFull("the queue is full")

    pool.submit_together = full
    assert run_control.start([RunConfig()], [view("a", "running")]) is None and pool.done == []
    run_control.show_refusal()
    st.session_state[syncing.PAGE] = "Collapse"
    run_control.show_refusal()
    assert shown == ["the queue is full"] and run_control.refused()
    assert run_control.send("a", Pause()) and not run_control.refused()
