"""The way back from divergence: where the trouble began, and real runs that fail, go on at a lower learning rate, and finish."""

import queue

import pytest

from playground.config import RunConfig
from playground.events import Change, Checkpoint, Finished, Metrics, Pause, Resume, SetKnob, Verdict
from playground.knobs import ConfigError
from playground.runs.pool import Pool
from playground.runs.runner import RunError
from playground.runs.store import Store
from playground.runs.way_back import RATE, WayBack, way_back
from playground.training.run import train
from support.pools import losses, reaches, trains
from support.trainings import TINY

WILD = TINY | {"method": "autoencoder", "batch_size": 32, "optimizer": "sgd", "optimizer.warmup_fraction": 0}
DIVERGES = WILD | {RATE: 10}


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    pool = Pool(tmp_path_factory.mktemp("home"), slots=1)
    yield pool
    pool.close()


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("store"))
    yield store
    store.close()


def failed(store, *events, state="divergence", kept=(10, 20, 30), rate=10.0, at=40):
    """A run that failed at step 40, its loss near 1 but for what `events` say."""
    run = store.create(RunConfig(**WILD | {RATE: rate, "steps": 100}))
    store.write_many(run, [Metrics(step, {"loss": 1.0}) for step in range(1, at)])
    store.write_many(run, [Checkpoint(step, {}) for step in kept])
    store.write_many(run, [*events, Verdict(at, state, "so it is", {}), Finished(at, "failed", "why")])
    return store.run(run)


@pytest.mark.slow
def test_the_newest_checkpoint_of_before_the_trouble_is_offered(store):
    assert way_back(store, failed(store), 0.1) == WayBack(30, 0.1)
    rising = [Metrics(step, {"loss": 2.0}) for step in range(25, 40)]
    assert way_back(store, failed(store, *rising), 0.1).step == 20
    # The loss of step 21 is that of the weights after update 20: if it is too high, the checkpoint of step 20 is spoiled.
    assert way_back(store, failed(store, *[Metrics(step, {"loss": 2.0}) for step in range(21, 40)]), 0.1).step == 10
    assert way_back(store, failed(store, Change(21, RATE, 10.0)), 0.1).step == 20
    assert way_back(store, failed(store, Change(20, RATE, 10.0), at=400), 0.1).step == 30, "too long ago to be the cause"
    assert way_back(store, failed(store, kept=()), 0.1).step == 0


def test_the_rate_of_the_page_is_taken_where_it_is_lower_else_the_default_else_a_tenth(store):
    usual = RunConfig(**WILD).optimizer.learning_rate
    assert way_back(store, failed(store), 0.5).rate == 0.5
    assert way_back(store, failed(store), 10.0).rate == usual
    assert way_back(store, failed(store, rate=usual), usual).rate == pytest.approx(usual / 10)
    assert way_back(store, failed(store, Change(35, RATE, 0.02), rate=5), 0.05).rate == pytest.approx(0.002), "0.02 was too high"


def test_only_divergence_has_a_way_back(store):
    assert way_back(store, failed(store, state="healthy"), 0.1) is None
    stopped = store.create(RunConfig(**WILD))
    store.write_many(stopped, [Verdict(1, "divergence", "so it is", {}), Finished(1, "stopped")])
    assert way_back(store, store.run(stopped), 0.1) is None


@pytest.mark.slow
def test_a_hand_on_a_knob_ends_what_was_to_be_replayed_of_it(store):
    commands, config = queue.SimpleQueue(), RunConfig(**WILD | {RATE: 0.01, "steps": 6})
    commands.put(SetKnob(RATE, 0.02))
    replay = [Change(3, RATE, 10.0), Change(4, "augment.hue", 0.0)]
    found = [event for event in train(config, changes=replay, commands=commands) if isinstance(event, Change)]
    assert [(each.step, each.name, each.value) for each in found] == [(1, RATE, 0.02), (4, "augment.hue", 0.0)]


@pytest.mark.alone  # the worker and the replay must compute on as many threads
def test_a_run_that_diverges_goes_on_from_before_the_trouble_finishes_and_can_be_replayed(pool):
    store = pool.store
    run = pool.submit(
        RunConfig(**WILD | {RATE: 0.05, "steps": 30, "seed": 1, "device.precision": "float32"})
    )  # not measured: both compute alike
    trains(pool, run)
    pool.command(run, Pause())
    good = reaches(pool, run, "paused").step
    pool.command(run, SetKnob(RATE, 10))
    pool.command(run, Resume())
    found = reaches(pool, run, "failed")
    assert "no longer" in found.message and good < found.step <= 30
    assert [(each.step, each.value) for each in store.changes(run)] == [(good + 1, 10)]
    with pytest.raises(RunError, match=f"step must be one from which run {run} can go on"):
        pool.resume(run, step=found.step)
    with pytest.raises(ConfigError, match="learning_rate must be"):
        pool.resume(run, moves={RATE: -1}, step=good)
    assert store.run(run).status == "failed" and store.changes(run), "a refusal leaves everything as it is"
    back = way_back(store, store.run(run), 0.1)
    assert back == WayBack(good, 0.1)
    pool.resume(run, moves={RATE: back.rate}, step=back.step)
    assert reaches(pool, run, "finished", "failed").status == "finished"
    changes = store.changes(run)
    assert [(each.step, each.name, each.value) for each in changes] == [(good + 1, RATE, 0.1)]
    replayed = train(store.run(run).config, folder=store.home / "data", changes=changes)
    again = {event.step: event.values["loss"] for event in replayed if isinstance(event, Metrics) and "loss" in event.values}
    assert again == losses(store, run) and sorted(again) == list(range(1, 31))


@pytest.mark.slow
def test_a_run_that_diverges_at_once_begins_anew_with_the_moved_knob(pool):
    run = pool.submit(RunConfig(**DIVERGES | {"steps": 12}))
    assert "lower the learning rate (10)" in reaches(pool, run, "failed").message
    pool.resume(run, moves={RATE: 0.05})
    assert reaches(pool, run, "finished", "failed").status == "finished"
    assert [(each.step, each.value) for each in pool.store.changes(run)] == [(1, 0.05)]
    assert sorted(losses(pool.store, run)) == list(range(1, 13))
