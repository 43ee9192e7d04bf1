"""The pool with real workers: turns, parking, faults, and what is left when a worker or the whole server is killed."""

import os
import signal
import subprocess
import sys

import pytest

from playground.config import RunConfig
from playground.events import Pause, Resume, SetKnob, Stop, TakeStep
from playground.knobs import ConfigError
from playground.machine import processes
from playground.machine.child import cause_of_death
from playground.runs.lock import HomeInUse, HomeLock
from playground.runs.moves import changes_of
from playground.runs.pool import Pool
from playground.runs.records import UnknownRun
from playground.runs.runner import PoolFull, RunError, Runner
from playground.runs.store import Store
from playground.runs.waiting import FairQueue
from support import beginnings
from support.pools import losses, reaches, stop_all, trains
from support.trainings import TINY
from support.waiting import until

LONG = RunConfig(**TINY, steps=20_000)
QUEUE_LIMIT = 3


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    pool = Pool(tmp_path_factory.mktemp("home"), slots=1, queue_limit=QUEUE_LIMIT)
    yield pool
    pool.close()


@pytest.fixture(autouse=True)
def nothing_left_over(request):
    yield
    if "pool" in request.fixturenames:
        stop_all(request.getfixturevalue("pool"))


def worker_pid(pool, run):
    return next(each["pid"] for each in pool.health()["workers"] if run in each["runs"])


def test_owners_take_turns_and_one_owner_keeps_the_order():
    queue = FairQueue()
    for run, owner in [("a1", "ann"), ("a2", "ann"), ("a3", "ann"), ("b1", "ben"), ("c1", "cleo"), ("b2", "ben")]:
        queue.put((run,), owner)
    assert queue.order() == [("a1",), ("b1",), ("c1",), ("a2",), ("b2",), ("a3",)]
    queue.put(("a0",), "ann", first=True)
    assert queue.remove("a2") and not queue.remove("a2") and "a2" not in queue
    expected = queue.order()
    assert [queue.pop() for _ in range(len(queue))] == expected == [("a0",), ("b1",), ("c1",), ("a1",), ("b2",), ("a3",)]
    assert queue.pop() is None


def test_whoever_was_served_waits_for_the_others():
    queue = FairQueue()
    queue.put(("a1",), "ann")
    queue.put(("a2",), "ann")
    assert queue.pop() == ("a1",)
    queue.put(("b1",), "ben")
    queue.put(("a3",), "ann")
    assert queue.order() == [("a2",), ("b1",), ("a3",)]
    assert queue.pop() == ("a2",) and queue.order() == [("b1",), ("a3",)]


def test_runs_that_train_in_step_are_one_turn_and_one_that_leaves_keeps_the_place_of_the_other():
    queue = FairQueue()
    queue.put(("a1", "a2"), "ann")
    queue.put(("a3",), "ann")
    assert len(queue) == 2 and "a2" in queue
    assert queue.remove("a1") and queue.order() == [("a2",), ("a3",)]
    assert queue.remove("a2") and queue.order() == [("a3",)]


def test_a_death_is_named():
    words = ["was killed (SIGKILL)", "crashed (SIGSEGV)", "ended with exit code 3", "crashed (signal 200)"]
    assert [cause_of_death(code) for code in (-9, -11, 3, -200)] == words


@pytest.mark.slow
def test_the_pool_fits_behind_the_seam(pool):
    calls = [name for name in vars(Runner) if not name.startswith("_")]
    assert {"submit", "submit_together", "command", "resume", "stop", "position", "close"} == set(calls)
    assert all(callable(getattr(pool, name)) for name in calls)


@pytest.mark.slow
def test_runs_wait_in_turns_a_paused_one_makes_room_and_goes_on_exactly(pool):
    until(lambda: pool.health()["workers"][0]["ready"], "a worker that can be sent away")
    pool.dismiss_idle(0)  # so that none is there before all three wait
    straight = pool.submit(RunConfig(**TINY, steps=40), "ann")
    config = RunConfig(**TINY, steps=40)
    broken, other = pool.submit(config, "ann"), pool.submit(RunConfig(**TINY, steps=3), "ben")
    # Ann's second run came before Ben's first; one of hers is in member already, so Ben is next.
    until(lambda: pool.position(straight) is None, "the first run to be taken")
    assert (pool.position(other), pool.position(broken)) in [(1, 2), (None, 1)] or pool.store.run(other).over
    reaches(pool, other, "finished")
    trains(pool, broken)
    pool.command(broken, Pause())
    paused = reaches(pool, broken, "paused")
    assert paused.step < 40
    # Nobody waits, so its worker stays with it, until somebody does.
    assert worker_pid(pool, broken)
    third = pool.submit(RunConfig(**TINY, steps=3, seed=1), "ben")
    reaches(pool, third, "finished")
    assert pool.store.run(broken).status == "paused" and pool.position(broken) is None
    pool.command(broken, Pause())
    pool.command(broken, TakeStep())
    until(lambda: pool.store.run(broken).step == paused.step + 1 and pool.store.run(broken).status == "paused", "one step more")
    pool.resume(broken)
    reaches(pool, broken, "finished")
    assert losses(pool.store, broken) == losses(pool.store, straight)
    assert len(losses(pool.store, broken)) == 40
    with pytest.raises(RunError, match="is finished: start a new one"):
        pool.resume(broken)
    with pytest.raises(RunError, match="is finished: only a run that trains can be paused"):
        pool.command(broken, Pause())


@pytest.mark.slow
def test_a_live_knob_is_checked_before_it_is_let_in_and_leaves_a_change(pool):
    run = pool.submit(LONG)
    trains(pool, run)
    for name, value, reason in [
        ("method.temperature", -1, "simclr: temperature must be from 0.01 to 2, got -1"),
        ("method.temperature", float("nan"), "temperature must be from"),
        ("method.temperature", "warm", "temperature must be from"),
        ("seed", 1, "seed cannot change while a run trains"),
        ("method.warmth", 1, "simclr has no knob warmth"),
    ]:
        with pytest.raises(ConfigError, match=reason):
            pool.command(run, SetKnob(name, value))
    pool.command(run, SetKnob("method.temperature", "0.5"))
    change = until(lambda: pool.store.changes(run), "the change")
    assert [(each.name, each.value) for each in change] == [("method.temperature", 0.5)]
    pool.stop(run)
    assert reaches(pool, run, "stopped").step >= change[0].step - 1
    assert pool.store.folder(run).checkpoint()[0] == pool.store.run(run).step
    # Moved while nobody trains it: it waits for the run to go on.
    pool.command(run, SetKnob("method.temperature", 0.3))
    found = pool.standing(run)
    assert [(each.step, each.name, each.value) for each in found.waiting] == [(found.step + 1, "method.temperature", 0.3)]
    assert [each.value for each in changes_of(pool.store, found)] == [0.5, 0.3]
    pool.resume(run)
    until(lambda: len(pool.store.changes(run)) == 2, "the second change")
    assert [each.value for each in pool.store.changes(run)] == [0.5, 0.3] and pool.standing(run).waiting == []


@pytest.mark.slow
def test_a_full_queue_says_so_and_a_run_that_waits_can_be_stopped(pool):
    first = pool.submit(LONG)
    trains(pool, first, 0)
    waiting = [pool.submit(LONG) for _ in range(QUEUE_LIMIT)]
    assert [pool.position(run) for run in waiting] == [1, 2, 3]
    known = len(pool.store.runs(1000))
    with pytest.raises(PoolFull, match="the queue is full: 3 runs wait already"):
        pool.submit(LONG)
    assert len(pool.store.runs(1000)) == known
    with pytest.raises(RunError, match="is queued: only a run that trains can be paused"):
        pool.command(waiting[0], Pause())
    pool.command(waiting[0], Stop())
    assert pool.store.run(waiting[0]).status == "stopped" and pool.position(waiting[1]) == 1
    for run in waiting[1:]:
        pool.stop(run)


@pytest.mark.slow
def test_a_killed_worker_fails_its_run_in_words_and_the_next_run_starts(pool):
    doomed = pool.submit(LONG)
    trains(pool, doomed)
    pool.command(doomed, Pause())
    reaches(pool, doomed, "paused")
    pool.command(doomed, Resume())
    trains(pool, doomed)
    following = pool.submit(RunConfig(**TINY, steps=3))
    os.kill(worker_pid(pool, doomed), signal.SIGKILL)
    found = reaches(pool, doomed, "failed")
    assert "was killed (SIGKILL)" in found.message and f"lower the batch size (it is {LONG.batch_size})" in found.message
    assert "Resume goes on from its last checkpoint, of step" in found.message
    reaches(pool, following, "finished")
    pool.resume(doomed)
    trains(pool, doomed, found.step + 1)
    recorded = sorted(losses(pool.store, doomed))
    assert recorded == list(range(1, len(recorded) + 1)), "what came after the checkpoint is there once, not twice"


@pytest.mark.slow
def test_nothing_is_asked_of_a_run_that_is_not_there(pool):
    for ask in (pool.resume, pool.store.run, lambda run: pool.command(run, SetKnob("method.temperature", 1))):
        with pytest.raises(UnknownRun, match="there is no run nobody"):
            ask("nobody")


@pytest.mark.slow
def test_a_worker_with_nothing_to_do_goes_and_comes_back_with_a_run_or_a_visitor(pool):
    # A run is told as stopped a moment before its worker is free of it.
    until(lambda: [each for each in pool.health()["workers"] if each["ready"] and not each["runs"]], "a worker at rest")
    (worker,) = [each["pid"] for each in pool.health()["workers"]]
    pool.dismiss_idle(3600)
    assert len(pool.health()["workers"]) == 1
    pool.dismiss_idle(0)
    assert pool.health()["workers"] == []
    until(lambda: not os.path.exists(f"/proc/{worker}"), "the end of the worker")
    run = pool.submit(RunConfig(**TINY, steps=2))
    reaches(pool, run, "finished")
    until(lambda: pool.health()["workers"][0]["runs"] == [], "rest")
    pool.dismiss_idle(0)
    pool.expect()
    pool.expect()
    assert len(pool.health()["workers"]) == 1


@pytest.mark.slow
def test_a_worker_that_cannot_start_fails_what_waits_and_says_where_the_reason_is(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "_preloader", None)
    monkeypatch.setattr(sys, "executable", _breaks(tmp_path))
    pool = Pool(tmp_path / "home", slots=1)
    try:
        run = pool.submit(LONG)
        found = reaches(pool, run, "failed")
        assert "no worker could be started (it ended with exit code 3)" in found.message and "workers.log" in found.message
    finally:
        pool.close()


def _breaks(folder):
    program = folder / "python"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    return str(program)


SERVER = """
import sys, time
from pathlib import Path
from playground.machine import processes
from support import beginnings
beginnings.share()
processes.begin()
from playground.config import RunConfig
from playground.runs.moves import changes_of
from playground.runs.pool import Pool
pool = Pool(Path(sys.argv[1]), slots=1)
tiny = {"network": "resnet-tiny", "batch_size": 32}
for steps in (20_000, 3):
    print(pool.submit(RunConfig(**tiny, steps=steps)), flush=True)
time.sleep(1000)
"""


@pytest.mark.slow
def test_a_killed_server_loses_nothing_and_the_next_one_goes_on(tmp_path):
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=os.environ | beginnings.PATH
    )
    with server.stdout as told:
        running, queued = told.readline().strip(), told.readline().strip()
    store = Store(tmp_path)
    until(lambda: store.run(running).step >= 4, "the run to train")
    with pytest.raises(HomeInUse, match=rf"in use by another server \(process {server.pid}\).*set SSL_PLAYGROUND_HOME"):
        Pool(tmp_path)
    seen = losses(store, running)
    server.kill()
    server.wait()
    pool = Pool(tmp_path, slots=1)
    try:
        # Its worker hears of the death by the end of its pipe, and may still be writing its checkpoint.
        assert pool.store.run(running).status == "interrupted" and "Resume" in pool.store.run(running).message
        assert seen.items() <= losses(pool.store, running).items()
        assert reaches(pool, queued, "finished").step == 3
        until(lambda: pool.store.folder(running).has_checkpoint(), "the checkpoint of the orphan")
        pool.resume(running)
        trains(pool, running, max(seen) + 1)
        again = losses(pool.store, running)
        assert seen.items() <= again.items() and sorted(again) == list(range(1, len(again) + 1))
        pids = [each["pid"] for each in pool.health()["workers"]]
    finally:
        pool.close()
    # Closed in order: the checkpoint is of the last step, nobody is left, and the next server may come.
    assert store.run(running).status == "interrupted"
    assert store.folder(running).checkpoint()[0] == store.run(running).step > max(seen)
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    with pytest.raises(PoolFull, match="the server is stopping"):
        pool.submit(LONG)
    HomeLock(tmp_path).release()
    store.close()
