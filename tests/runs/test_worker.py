"""The worker process: its protocol, and how it puts a run down when the server is gone. Real processes, really killed."""

import json
import os
import queue
import subprocess
import sys
import threading

import pytest

from playground.config import RunConfig
from playground.machine import processes
from playground.machine.child import own_stdout
from playground.runs.store import Store
from support.trainings import TINY
from support.waiting import PATIENCE, until


class Talk:
    """A worker and both ends of its pipes."""

    def __init__(self, home):
        command = [sys.executable, "-m", "playground.runs.worker", "--home", str(home), "--threads", "1"]
        self.process = processes.spawn(command, os.environ, encoding="utf-8")
        self.replies = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        with self.process.stdout as replies:
            for line in replies:
                self.replies.put(json.loads(line))

    def say(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()

    def hear(self, key):
        """The value of the next reply that has `key`."""
        while True:
            reply = self.replies.get(timeout=PATIENCE)
            if key in reply:
                return reply[key]

    def end(self):
        self.process.stdin.close()
        return self.process.wait(PATIENCE)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("home"))
    yield store
    store.close()


@pytest.fixture(scope="module")
def talk(store):
    """A worker that lives: the one of before, or a new one."""
    talks = []

    def start():
        if not talks or talks[-1].process.poll() is not None:
            talks.append(Talk(store.home))
            assert talks[-1].hear("ready") == talks[-1].process.pid
        return talks[-1]

    yield start
    for talk in talks:
        if not talk.process.stdin.closed:
            talk.process.stdin.close()
        talk.process.kill()
        talk.process.wait()


def measured(store, run):
    """Everything that was recorded of the training itself: (step, name, value), but for what a clock decides."""
    entries = [entry for entry in store.events(run) if entry.kind == "metrics"]
    return {(entry.step, name): value for entry in entries for name, value in entry.body.items() if name != "views_per_second"}


def reach(store, run, step):
    until(lambda: store.run(run).step >= step, f"step {step} of {run}")


@pytest.mark.slow
def test_a_worker_trains_pauses_steps_changes_and_goes_on_then_survives_the_end_of_its_server(store, talk):
    config = RunConfig(**TINY, steps=60)
    straight, broken = store.create(config), store.create(config)
    worker = talk()
    worker.say(runs=[straight])
    assert worker.hear("snapshot") == 0 and store.folder(straight).steps()[0] == 0
    assert worker.hear("done") == straight
    found = store.run(straight)
    assert (found.status, found.step) == ("finished", 60) and found.facts["steps"] == 60
    kinds = [entry.kind for entry in store.events(straight)]
    assert kinds[:2] == ["status", "started"] and kinds[-1] == "finished" and {"baseline", "snapshot", "verdict"} <= set(kinds)
    assert store.folder(straight).probe()["count"] == found.facts["probe"]

    worker.say(runs=[broken])
    reach(store, broken, 3)
    # The server dies: the pipe ends, nothing else is said.
    assert worker.end() == 0
    assert store.run(broken).status == "interrupted" and "Resume" in store.run(broken).message
    step = store.run(broken).step
    assert 3 <= step < 60 and store.folder(broken).checkpoint()[0] == step
    before = measured(store, broken)

    other = talk()
    other.say(runs=[broken])
    other.hear("done")
    assert store.run(broken).status == "finished"
    after, unbroken = measured(store, broken), measured(store, straight)
    assert before.items() <= after.items()
    # Bit for bit: every loss, and every measurement that both made.
    losses = {key: value for key, value in unbroken.items() if key[1] == "loss"}
    assert losses.items() <= after.items() and len(losses) == 60
    assert {key: after[key] for key in unbroken if key in after} == {key: unbroken[key] for key in unbroken if key in after}
    assert (60, "knn/shape") in after


@pytest.mark.slow
def test_a_paused_run_that_is_put_down_stays_paused_and_what_is_said_on_stdout_goes_to_its_log(store, talk):
    run, broken = store.create(RunConfig(**TINY, steps=5000)), store.create(RunConfig(**TINY))
    store.folder(broken).save_checkpoint(4, {"this": "is no checkpoint of a training"})
    worker = talk()
    worker.say(runs=[run])
    reach(store, run, 2)
    worker.say(command=["pause"], run=run)
    assert worker.hear("status") == "paused"
    entries, step = store.last_event(run), store.run(run).step
    worker.say(leave="paused")
    assert worker.hear("done") == run
    assert (store.run(run).status, store.run(run).step, store.last_event(run)) == ("paused", step, entries)
    # A fault inside the training fails that run with a sentence; the worker itself takes the next.
    worker.say(runs=[broken])
    assert worker.hear("done") == broken
    found = store.run(broken)
    assert found.status == "failed" and "the training broke off (KeyError" in found.message and "\n" not in found.message
    assert "Traceback" in (store.folder(broken).path / "worker.log").read_text()
    assert worker.process.poll() is None


@pytest.mark.slow
def test_commands_reach_the_training_and_a_terminated_worker_leaves_a_checkpoint(store, talk):
    run = store.create(RunConfig(**TINY, steps=5000))
    worker = talk()
    worker.say(runs=[run])
    reach(store, run, 2)
    worker.say(command=["pause"], run=run)
    assert worker.hear("status") == "paused"
    paused_at = store.run(run).step
    assert store.run(run).status == "paused" and store.folder(run).checkpoint()[0] == paused_at
    worker.say(command=["step"], run=run)
    assert worker.hear("status") == "running" and worker.hear("status") == "paused"
    assert store.run(run).step == paused_at + 1
    worker.say(command=["set", "method.temperature", 0.5], run=run)
    worker.say(command=["resume"], run=run)
    assert worker.hear("status") == "running"
    changes = until(lambda: store.changes(run), "the change")
    assert [(each.step, each.name, each.value) for each in changes] == [(paused_at + 2, "method.temperature", 0.5)]
    reach(store, run, paused_at + 5)
    worker.process.terminate()
    worker.process.wait(PATIENCE)
    assert store.run(run).status == "interrupted"
    assert store.folder(run).checkpoint()[0] == store.run(run).step >= paused_at + 5


def test_what_libraries_print_does_not_reach_the_pool(capfd):
    usual = os.dup(1)
    try:
        with own_stdout() as replies:
            os.write(1, b"noise\n")
            subprocess.run(["echo", "more noise"], check=True)
            print("message", file=replies)
    finally:
        os.dup2(usual, 1)
        os.close(usual)
    assert capfd.readouterr() == ("message\n", "noise\nmore noise\n")
