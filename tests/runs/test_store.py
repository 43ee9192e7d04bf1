"""The store, its folders, and what they say after a kill."""

import json
import math
import subprocess
import sys
import threading
import time
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from PIL import Image

from playground.config import RunConfig
from playground.events import (
    Change,
    Checkpoint,
    Command,
    EvalImages,
    Event,
    Finished,
    Metrics,
    Pause,
    Paused,
    Resume,
    SetKnob,
    Snapshot,
    Started,
    Stop,
    TakeStep,
    Verdict,
)
from playground.runs.records import UnknownRun
from playground.runs.store import Store, Superseded


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path)
    yield store
    store.close()


@pytest.fixture
def run(store):
    return store.create(RunConfig(steps=20), owner="ann")


def kinds(store, run, after=0):
    return [(entry.kind, entry.step) for entry in store.events(run, after)]


def test_a_new_run_is_queued_and_keeps_its_config_exactly(store):
    config = RunConfig(**{"method": "vicreg", "seed": 3, "augment.hue": 0.05})
    found = store.run(store.create(config, "ann"))
    assert (found.status, found.owner, found.step, found.steps) == ("queued", "ann", 0, config.steps)
    assert found.config == config


def test_ids_differ_and_survive_urls_and_file_systems(store):
    ids = {store.create(RunConfig()) for _ in range(50)}
    assert len(ids) == 50 and all(id.isalnum() and id == id.lower() for id in ids)


def test_an_unknown_run_is_said_to_be_unknown(store):
    for ask in (store.run, store.begin):
        with pytest.raises(UnknownRun, match="there is no run nowhere"):
            ask("nowhere")


def test_runs_come_newest_first_and_by_status(store):
    first, second = store.create(RunConfig()), store.create(RunConfig())
    store.mark(first, "failed", "why")
    assert [each.id for each in store.runs()] == [second, first]
    assert [each.id for each in store.runs(statuses=("failed",))] == [first]
    assert store.counts() == {"failed": 1, "queued": 1}


def test_events_are_read_back_in_order_and_after_an_id(store, run):
    store.write_many(run, [Started(0, {"steps": 20}), Metrics(1, {"loss": 2.5}), Change(2, "method.temperature", 0.1)])
    store.write(run, Verdict(2, "healthy", "All is well.", {"std": 1.0}))
    entries = store.events(run)
    assert [entry.kind for entry in entries] == ["started", "metrics", "change", "verdict"]
    assert [entry.body for entry in entries] == [
        {"steps": 20},
        {"loss": 2.5},
        {"name": "method.temperature", "value": 0.1},
        {"state": "healthy", "sentence": "All is well.", "evidence": {"std": 1.0}, "advice": "", "layers": {}, "checks": []},
    ]
    assert store.events(run, after=entries[1].id) == entries[2:]
    assert store.events(run, limit=2) == entries[:2]
    assert store.last_event(run) == entries[-1].id


def test_an_entry_travels_as_json_that_any_browser_reads(store, run):
    store.write(run, Metrics(1, {"loss": math.nan, "rankme": np.float32(math.inf), "std": 0.5}))
    id, kind, step, stamp, body = json.loads(store.events(run)[0].to_json(), parse_constant=pytest.fail)
    assert (kind, step, body) == ("metrics", 1, {"loss": None, "rankme": None, "std": 0.5})
    assert id > 0 and abs(stamp - time.time()) < 60


def test_events_move_the_run_along(store, run):
    store.write(run, Started(0, {"device": "cpu"}))
    assert store.run(run).status == "running" and store.run(run).facts == {"device": "cpu"}
    store.write_many(run, [Metrics(7, {"loss": 1.0}), Paused(7)])
    assert (store.run(run).status, store.run(run).step, store.run(run).over) == ("paused", 7, False)
    store.write(run, Metrics(8, {"loss": 1.0}))
    assert store.run(run).status == "running"
    store.write(run, Finished(9, "failed", "no memory"))
    found = store.run(run)
    assert (found.status, found.message, found.step, found.over) == ("failed", "no memory", 9, True)
    assert found.finished is not None


def test_a_worker_that_outlives_its_server_does_not_revive_what_the_next_one_calls_interrupted(store, run):
    attempt, _ = store.begin(run)
    store.mark(run, "interrupted", "gone", among=("running", "paused"))
    store.write_many(run, [Metrics(3, {"loss": 1.0}), Paused(3)], attempt)
    found = store.run(run)
    assert (found.status, found.message, found.step) == ("interrupted", "gone", 3) and found.finished is not None
    store.write(run, Finished(4, "finished"))  # it was at its last step
    assert store.run(run).status == "finished"
    store.begin(run, 3)
    store.write(run, Metrics(4, {"loss": 1.0}))
    assert store.run(run).status == "running"


def test_mark_moves_only_what_stands_where_it_should(store, run):
    assert not store.mark(run, "interrupted", "gone", among=("running", "paused"))
    assert store.mark(run, "stopped", "enough", among=("queued",))
    assert (store.run(run).status, store.run(run).message) == ("stopped", "enough")
    assert store.events(run)[-1].body == {"status": "stopped", "message": "enough"}


def test_a_snapshot_becomes_arrays_and_pictures(store, run):
    views = np.random.default_rng(0).integers(0, 255, (2, 5, 8, 8, 3), dtype=np.uint8)
    arrays = {"embedding": np.ones((4, 3), np.float32), "spectrum/projector": np.arange(3, dtype=np.float32), "views": views}
    store.write(run, Snapshot(10, arrays | {"masked": views[0]}))
    folder = store.folder(run)
    assert folder.steps() == [10] and folder.pictures(10) == ["masked", "views"]
    assert sorted(folder.array_names(10)) == ["embedding", "spectrum/projector"]
    np.testing.assert_array_equal(folder.snapshot(10)["spectrum/projector"], arrays["spectrum/projector"])
    picture = np.asarray(Image.open(folder.picture(10, "views")))
    assert picture.shape == (16, 40, 3)
    np.testing.assert_array_equal(picture[8:16, 24:32], views[1, 3])
    assert np.asarray(Image.open(folder.picture(10, "masked"))).shape == (8, 40, 3)
    assert store.events(run)[-1].body == ["embedding", "spectrum/projector", "views", "masked"]
    assert folder.snapshot(11) is None and folder.layout(10) is None


def test_the_probe_set_becomes_an_atlas_that_says_where_each_image_is(store, run):
    images = np.random.default_rng(0).integers(0, 255, (7, 4, 4, 3), dtype=np.uint8)
    store.write(run, EvalImages(0, images, {"shape": np.arange(7)}, {"shape": list("abcdefg")}))
    folder = store.folder(run)
    probe, atlas = folder.probe(), np.asarray(Image.open(folder.path / "sprites.png"))
    assert probe == {"count": 7, "tile": 4, "columns": 3, "labels": {"shape": list(range(7))}, "names": {"shape": list("abcdefg")}}
    for i in range(7):
        row, column = divmod(i, probe["columns"])
        np.testing.assert_array_equal(atlas[row * 4 : row * 4 + 4, column * 4 : column * 4 + 4], images[i])


def test_a_checkpoint_comes_back_and_a_failed_write_leaves_the_one_before(store, run):
    folder = store.folder(run)
    assert folder.checkpoint() is None and not folder.has_checkpoint()
    store.write(run, Checkpoint(5, {"weights": torch.arange(3.0), "seed": 7}))
    with pytest.raises((AttributeError, TypeError, RuntimeError), match="pickle"):
        store.write(run, Checkpoint(6, {"cannot be kept": lambda: 0}))
    step, state = folder.checkpoint()
    assert step == 5 and state["seed"] == 7 and torch.equal(state["weights"], torch.arange(3.0))
    assert not list(folder.path.glob("*.part"))


def test_beginning_again_forgets_what_came_after_the_checkpoint(store, run):
    snapshot = {"embedding": np.zeros((2, 2), np.float32)}
    store.write_many(run, [Started(0, {}), Metrics(5, {"loss": 1.0}), Snapshot(5, snapshot)])
    store.write_many(run, [Metrics(8, {"loss": 0.5}), Snapshot(8, snapshot)])
    store.folder(run).save_layout(5, np.zeros((2, 2)))
    store.folder(run).save_layout(8, np.zeros((2, 2)))
    last = store.last_event(run)
    attempt, _ = store.begin(run, 5)
    assert attempt == 1 and store.run(run).status == "running" and store.run(run).step == 5
    assert [each for each in kinds(store, run) if each[0] != "status"] == [("started", 0), ("metrics", 5), ("snapshot", 5)]
    assert store.folder(run).steps() == [5] and store.folder(run).layout(8) is None and store.folder(run).layout(5) is not None
    store.write(run, Metrics(6, {"loss": 0.9}))
    assert store.events(run)[-1].id > last, "a reader that knows the old last id must still see what is new"


def test_whoever_was_superseded_records_nothing_more(store, run):
    old, _ = store.begin(run)
    new, _ = store.begin(run)
    with pytest.raises(Superseded):
        store.write(run, Metrics(1, {"loss": 9.0}), attempt=old)
    store.write(run, Metrics(1, {"loss": 1.0}), attempt=new)
    assert [entry.body for entry in store.events(run) if entry.kind == "metrics"] == [{"loss": 1.0}]


def test_deferred_commands_are_handed_over_once(store, run):
    store.defer(run, SetKnob("method.temperature", 0.3))
    store.defer(run, TakeStep())
    assert store.begin(run)[1] == [SetKnob("method.temperature", 0.3), TakeStep()]
    assert store.begin(run)[1] == []


def test_messages_of_commands_are_what_stores_and_workers_of_before_have():
    messages = [["pause"], ["resume"], ["step"], ["stop"], ["set", "method.temperature", 0.3]]
    commands = [Pause(), Resume(), TakeStep(), Stop(), SetKnob("method.temperature", 0.3)]
    assert [each.to_message() for each in commands] == messages
    assert [Command.from_message(each) for each in messages] == commands


def test_a_new_kind_of_event_is_stored_by_what_it_says_of_itself(store, run):
    @dataclass(frozen=True)
    class Drawn(Event):
        kind = "drawn"
        picture: np.ndarray
        title: str

        @property
        def body(self):
            return {"title": self.title}

        def save(self, files):
            files.save_layout(self.step, self.picture)

        @classmethod
        def run_state(cls, body):
            return {"status": "paused", "message": body["title"]}

    store.write(run, Drawn(4, np.ones((3, 2)), "a drawing"))
    entry = store.events(run)[-1]
    assert (entry.kind, entry.step, entry.body) == ("drawn", 4, {"title": "a drawing"})
    assert (store.run(run).status, store.run(run).message) == ("paused", "a drawing")
    assert np.array_equal(store.folder(run).layout(4), np.ones((3, 2)))
    other = Store(store.home / "other")
    other.adopt(run, list(store.folder(run).journal.lines()))
    assert (other.run(run).status, other.run(run).message) == ("paused", "a drawing")
    other.close()


@pytest.mark.slow
def test_many_threads_write_and_read_at_once_and_nothing_is_lost(store, run):
    def write(worker):
        for step in range(40):
            store.write(run, Metrics(step, {"worker": worker}))
            store.run(run)

    threads = [threading.Thread(target=write, args=[worker]) for worker in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entries = store.events(run)
    assert len(entries) == 240 and len({entry.id for entry in entries}) == 240


WRITER = """
import sys
from pathlib import Path
from playground.events import Metrics
from playground.runs.store import Store
store, run = Store(Path(sys.argv[1])), sys.argv[2]
for step in range(1, 100000):
    store.write(run, Metrics(step, {"loss": 1.0}))
    print(step, flush=True)
"""


@pytest.mark.slow
def test_every_metric_that_was_written_survives_a_kill_of_its_writer(store, run):
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(store.home), run], stdout=subprocess.PIPE, text=True)
    with writer.stdout as told:
        for line in told:
            if int(line) >= 30:
                break
        writer.kill()
        written = int((told.read().split() or [line])[-1])
    writer.wait()
    steps = [entry.step for entry in store.events(run)]
    assert steps == list(range(1, len(steps) + 1)) and len(steps) >= written


def test_settings_after_knobs_were_moved_by_hand_have_no_schedules_of_these_knobs(store):
    run = store.run(store.create(RunConfig(**{"schedule.method.temperature": "linear 0.1", "schedule.augment.hue": "linear 0.2"})))
    later = run.flat_after([Change(3, "method.temperature", 0.3), Change(9, "method.temperature", 0.4)])
    assert later == {key: value for key, value in run.flat.items() if key != "schedule.method.temperature"} | {"method.temperature": 0.4}
    assert run.flat_after([]) == run.flat and "schedule.augment.hue" in later
