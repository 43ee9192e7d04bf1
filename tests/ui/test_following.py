"""Controls that follow a run which somebody else moves."""

import time

import pytest
import streamlit as st

from playground.config import RunConfig
from playground.events import Change
from playground.runs.records import Run
from playground.ui import controls, syncing
from playground.ui.following import follow
from playground.ui.run_view import RunView
from playground.ui.settings import ARRIVES, Settings

HEAT = "method.temperature"


@pytest.fixture
def session(monkeypatch):
    kept = {}
    monkeypatch.setattr(st, "session_state", kept)
    return kept


def run(*changes, name="abc", **config):
    times = dict.fromkeys(("created", "started", "finished"), 0.0)
    found = Run(name, RunConfig(**config).flat(), "running", "", "", **times, step=0, facts={}, attempt=1)
    return RunView(found, tuple(Change(step, key, value) for step, (key, value) in enumerate(changes, 1)))


def test_a_change_from_elsewhere_moves_the_control_and_ends_its_schedule(session):
    config = {f"schedule.{HEAT}": "linear 0.1", "seed": 3}
    now = Settings(RunConfig(**config).flat())
    follow(now, run(**config))
    follow(now, run((HEAT, 0.7), **config))
    assert now.flat == RunConfig(**{HEAT: 0.7, "seed": 3}).flat() == run((HEAT, 0.7), **config).flat


def test_a_change_is_taken_over_once_and_what_is_moved_here_afterwards_stays(session):
    now = Settings(RunConfig().flat())
    follow(now, run())
    follow(now, run((HEAT, 0.7)))
    now.flat[HEAT] = 0.3
    follow(now, run((HEAT, 0.7)))
    assert now.flat[HEAT] == 0.3


def test_what_is_on_its_way_from_here_is_not_undone_by_what_came_before_it(session):
    now = Settings(RunConfig(**{HEAT: 0.5}).flat(), sent={HEAT: (0.5, time.monotonic())})
    follow(now, run())
    follow(now, run((HEAT, 0.9)))
    assert now.flat[HEAT] == 0.5
    follow(now, run((HEAT, 0.9), (HEAT, 0.5)))
    assert now.flat[HEAT] == 0.5 and now.sent == {}
    follow(now, run((HEAT, 0.9), (HEAT, 0.5), (HEAT, 0.1)))
    assert now.flat[HEAT] == 0.1


def test_a_move_that_never_arrived_does_not_cut_the_control_off_for_good(session):
    now = Settings(RunConfig(**{HEAT: 0.5}).flat(), sent={HEAT: (0.5, time.monotonic() - 2 * ARRIVES)})
    follow(now, run())
    follow(now, run((HEAT, 0.9)))
    assert now.flat[HEAT] == 0.9


def test_a_browser_that_reports_the_default_of_its_control_after_a_change_from_elsewhere_moves_nothing(session):
    session[syncing.FIRST] = {HEAT: 0.2}  # its value when the page came into view
    session[controls.STATE] = now = Settings(RunConfig(**{HEAT: 0.4}).flat())
    follow(now, run(**{HEAT: 0.4}))
    follow(now, run((HEAT, 0.7), **{HEAT: 0.4}))
    session[HEAT] = 0.2
    controls._moved(HEAT, None)
    assert now.flat[HEAT] == 0.7
    session[HEAT] = 0.3  # a hand
    controls._moved(HEAT, None)
    assert now.flat[HEAT] == 0.3


def test_a_browser_that_was_behind_and_has_caught_up_moves_nothing(session):
    session[controls.STATE] = now = Settings(RunConfig().flat())
    before, moves = RunConfig().flat()[HEAT], []
    follow(now, run())
    follow(now, run((HEAT, 0.7)))
    running = controls.Running(run((HEAT, 0.7)).flat, (HEAT,), lambda key, value: moves.append(value) is None)
    for reported in (before, 0.7, before):  # late, then what it was told, then late once more
        session[HEAT] = reported
        controls._moved(HEAT, running)
    assert moves == [] and now.flat[HEAT] == 0.7


def test_a_browser_that_still_reports_what_somebody_else_left_moves_nothing(session):
    now, before, moves = Settings(RunConfig().flat()), RunConfig().flat()[HEAT], []
    follow(now, run())
    follow(now, run((HEAT, 0.7)))
    session[controls.STATE] = now
    running = controls.Running(run((HEAT, 0.7)).flat, (HEAT,), lambda key, value: moves.append(value) is None)
    for reported in (before, 0.5, before):  # after a move by hand the browser is no longer behind
        session[HEAT] = reported
        controls._moved(HEAT, running)
    assert moves == [0.5, before]


@pytest.mark.parametrize("taken", [True, False])
def test_a_control_says_what_the_run_has_where_its_own_value_is_not_on_its_way(session, taken):
    now = session[controls.STATE] = Settings(RunConfig().flat())
    running, has = controls.Running(RunConfig().flat(), (HEAT,), lambda key, value: taken), RunConfig().flat()[HEAT]
    session[HEAT] = 0.7
    controls._moved(HEAT, running)
    assert (HEAT in now.sent, HEAT in now.unsent) == (taken, not taken)
    assert ("the run has" in controls.widgets_for(now, running)._label(HEAT, "Temperature")) == (not taken)
    now.sent = {HEAT: (0.7, time.monotonic() - 2 * ARRIVES)}
    assert controls.widgets_for(now, running)._label(HEAT, "Temperature") == f"Temperature · the run has {has:.4g}"


def test_controls_that_stand_for_another_run_do_not_follow(session):
    other = Settings(RunConfig(method="moco").flat())
    meant = Settings(RunConfig().flat(), unsent={"augment.hue"})
    for now in (other, meant):
        before = dict(now.flat)
        session.clear()
        follow(now, run())
        follow(now, run((HEAT, 0.9), ("augment.hue", 0.5)))
        assert now.flat == before | ({HEAT: 0.9} if now is meant else {"augment.hue": 0.5})


def test_the_changes_of_a_run_that_was_opened_are_in_its_settings_already(session):
    now = Settings(RunConfig(**{HEAT: 0.4}).flat())
    follow(now, run())
    follow(now, run((HEAT, 0.9), name="xyz"))
    assert now.flat[HEAT] == 0.4
    follow(now, RunView())
    follow(now, run((HEAT, 0.9), name="xyz"))
    assert now.flat[HEAT] == 0.4
