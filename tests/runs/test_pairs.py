"""Runs that train in step in one worker: one clock, the same numbers as alone, and each its own end."""

import os
import signal

import pytest

from playground.config import RunConfig
from playground.events import Pause, Resume, SetKnob, TakeStep
from playground.runs.pool import Pool
from playground.runs.run_group import RunGroup
from playground.runs.runner import RunError
from playground.runs.store import Store
from playground.runs.workers import Workers
from support import trainings
from support.pools import losses, reaches, stop_all, trains
from support.waiting import until

TINY = trainings.TINY | {"method": "simsiam"}
BROKEN = TINY | {"method.stop_gradient": False}
DIVERGES = TINY | {"method": "autoencoder", "optimizer": "sgd", "optimizer.learning_rate": 10}


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    pool = Pool(tmp_path_factory.mktemp("home"), slots=1)
    yield pool
    pool.close()


@pytest.fixture(autouse=True)
def nothing_left_over(pool):
    yield
    stop_all(pool)


def pair(pool, first=TINY, second=BROKEN, **more):
    return pool.submit_together([RunConfig(**first | more), RunConfig(**second | more)], "ann")


def measured(store, run):
    """Everything that was recorded of the training itself: (step, name, value), but for what a clock decides."""
    entries = [entry for entry in store.events(run) if entry.kind == "metrics"]
    return {(entry.step, name): value for entry in entries for name, value in entry.body.items() if name != "views_per_second"}


@pytest.mark.slow
def test_whoever_is_behind_goes_next_and_one_that_waits_for_a_command_keeps_nobody_waiting():
    group = RunGroup(["a", "b"])
    turns, order = group.turns(), []
    for _ in range(4):
        member = next(turns)
        member.step += 1
        order.append(member.run)
    assert order == ["a", "b", "a", "b"]
    first = next(turns)
    first.paused = True
    assert [next(turns).run for _ in range(3)] == ["b", "b", "b"]
    group.send(Resume(), "a")
    assert next(turns) is first
    group.over(first)
    assert next(turns).run == "b"


@pytest.mark.slow
def test_both_train_under_one_clock_and_each_gives_the_numbers_that_it_gives_alone(pool):
    alone = [pool.submit(RunConfig(**each, steps=12)) for each in (TINY, BROKEN)]
    together = pair(pool, steps=12)
    for run in (*alone, *together):
        reaches(pool, run, "finished")
    for one, other in zip(alone, together, strict=True):
        expected, found = measured(pool.store, one), measured(pool.store, other)
        assert {key: value for key, value in expected.items() if key[1] == "loss"}.items() <= found.items()
        assert {key: found[key] for key in expected if key in found} == {key: expected[key] for key in expected if key in found}
        assert (12, "rankme") in found and len(losses(pool.store, other)) == 12
    assert losses(pool.store, together[0]) != losses(pool.store, together[1])
    assert pool.store.run(together[1]).beside == together[0]
    # In step: whatever one has done by the time at which the other had taken a step is at most one step away, but for the recorder's beat.
    times = [{each.step: each.time for each in pool.store.events(run) if each.kind == "metrics"} for run in together]
    assert all(abs(times[0][step] - times[1][step]) < times[0][12] - times[0][1] for step in (1, 6, 12))


@pytest.mark.slow
def test_one_that_diverges_leaves_the_other_to_go_on(pool):
    healthy, broken = pair(pool, TINY, DIVERGES, steps=40)
    assert "no longer a finite number" in reaches(pool, broken, "failed").message
    assert reaches(pool, healthy, "finished").step == 40


@pytest.mark.slow
def test_pausing_one_keeps_the_other_going_and_each_hears_its_own_commands(pool):
    healthy, broken = pair(pool, steps=20_000)
    trains(pool, broken)
    pool.command(broken, Pause())
    at = reaches(pool, broken, "paused").step
    pool.command(broken, Pause())  # asked twice, it still keeps nobody waiting
    trains(pool, healthy, pool.store.run(healthy).step + 5)
    pool.command(broken, TakeStep())
    until(lambda: pool.store.run(broken).step == at + 1 and pool.store.run(broken).status == "paused", "one step more")
    pool.command(broken, SetKnob("optimizer.learning_rate", 0.3))
    until(lambda: pool.store.changes(broken), "the change")
    assert not pool.store.changes(healthy)
    # Both paused, somebody else comes: the two make room together, and go on together.
    pool.command(healthy, Pause())
    reaches(pool, healthy, "paused")
    reaches(pool, pool.submit(RunConfig(**TINY, steps=2), "ben"), "finished")
    assert {pool.store.run(run).status for run in (healthy, broken)} == {"paused"}
    pool.resume(healthy, broken)
    trains(pool, broken, at + 3)
    assert {*pool.health()["workers"][0]["runs"]} == {healthy, broken}
    pool.stop(broken)
    reaches(pool, broken, "stopped")
    trains(pool, healthy, pool.store.run(healthy).step + 3)


@pytest.mark.slow
def test_a_killed_worker_fails_both_in_words_and_both_go_on_in_step(pool):
    healthy, broken = pair(pool, steps=20_000)
    trains(pool, broken)
    os.kill(pool.health()["workers"][0]["pid"], signal.SIGKILL)
    assert all("was killed (SIGKILL)" in reaches(pool, run, "failed").message for run in (healthy, broken))
    pool.resume(healthy, broken)
    for run in (healthy, broken):
        trains(pool, run, 4)
    assert {*pool.health()["workers"][0]["runs"]} == {healthy, broken}


@pytest.mark.slow
def test_a_waiting_pair_is_one_turn_also_for_the_next_server_and_a_finished_one_stays_so(pool, tmp_path, monkeypatch):
    done = pool.submit(RunConfig(**TINY, steps=1))
    reaches(pool, done, "finished")
    first = pair(pool, steps=20_000)
    trains(pool, first[1], 0)
    second, third = pair(pool, steps=20_000), pair(pool, steps=20_000)
    assert [pool.position(run) for run in (*second, *third)] == [1, 1, 2, 2]
    pool.stop(second[0])
    assert [pool.position(run) for run in second] == [None, 1]
    with pytest.raises(RunError, match="is finished"):
        pool.resume(done)
    store = Store(tmp_path)
    waiting = [store.create(RunConfig(**TINY, steps=1))]
    waiting.append(store.create(RunConfig(**TINY, steps=1), beside=waiting[0]))
    monkeypatch.setattr(Workers, "fill", lambda self: None)
    other = Pool(tmp_path, slots=1)
    assert [other.position(run) for run in waiting] == [1, 1]
    other.close()
