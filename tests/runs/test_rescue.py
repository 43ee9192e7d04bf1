"""A database that is cut, overwritten or gone: it is set aside as it is, and the runs come back from their folders."""

import numpy as np
import pytest

from playground.config import RunConfig
from playground.events import Change, Checkpoint, Finished, Metrics, Snapshot, Started, Verdict
from playground.home import HomeError
from playground.runs.pool import Pool
from playground.runs.rescue import set_aside
from playground.runs.store import Store
from playground.runs.workers import Workers


@pytest.fixture
def home(tmp_path):
    """A home with a finished run, one that was resumed and broke off, and two that wait to train in step."""
    store = Store(tmp_path)
    arrays = {"embedding": np.zeros((2, 2), np.float32)}
    done = store.create(RunConfig(steps=500, seed=1), "ann")
    store.begin(done)
    store.write_many(done, [Started(0, {"steps": 500, "device": "cpu"}), Snapshot(0, arrays), Change(3, "method.temperature", 0.3)])
    store.write_many(done, [Metrics(step, {"loss": 1 / step, "knn/shape": None}) for step in range(1, 500)])
    store.write_many(done, [Verdict(499, "healthy", "All is well.", {"std": 1.0}), Finished(500, "finished", "", {"seconds": 9.0})])
    broken = store.create(RunConfig(steps=50, seed=2))
    store.begin(broken)
    store.write_many(broken, [Started(0, {"steps": 50}), *[Metrics(step, {"loss": 2.0}) for step in range(1, 9)]])
    store.write_many(broken, [Checkpoint(5, {"config": store.run(broken).flat}), Snapshot(5, arrays), Snapshot(8, arrays)])
    store.begin(broken, 5)
    store.write_many(broken, [Started(5, {"steps": 50}), Metrics(6, {"loss": 3.0})])
    first = store.create(RunConfig(seed=3))
    store.create(RunConfig(seed=4), beside=first)
    store.close()
    return tmp_path


def told(store):
    """All that the store knows, but for what a rescue adds and what a start does to runs that nobody trains."""
    found = {}
    for run in store.runs(limit=-1):
        entries = [(each.kind, each.step, each.text) for each in store.events(run.id) if each.kind not in ("remark",)]
        stand = (run.flat, run.owner, run.step, run.facts, run.attempt, run.beside, round(run.created, 3))
        found[run.id] = (stand, [each for each in entries if "the server stopped" not in each[2]], store.changes(run.id))
    return found


def reopened(home):
    return Pool(home, slots=1, warm=False)


@pytest.fixture(autouse=True)
def no_workers(monkeypatch):
    monkeypatch.setattr(Workers, "fill", lambda self: None)


def spoil(home, how):
    file = home / "playground.db"
    data = file.read_bytes()
    spoiled = {
        "cut": data[: int(0.6 * len(data))],
        "overwritten": b"this is no database" * 500,
        "changed": data[:6000] + b"\xff" * 3000 + data[9000:],
    }
    file.write_bytes(spoiled[how])
    return spoiled[how]


@pytest.mark.slow
@pytest.mark.parametrize("how", ["cut", "overwritten", "changed"])
def test_a_damaged_database_is_set_aside_and_its_runs_are_rebuilt(home, how):
    store = Store(home)
    before = told(store)
    assert len(before) == 4
    store.close()
    spoiled = spoil(home, how)
    pool = reopened(home)
    try:
        [aside] = home.glob("playground.db.damaged-*")
        assert aside.read_bytes() == spoiled
        assert told(pool.store) == before
        runs = {each.flat["seed"]: each for each in pool.store.runs(limit=-1)}
        assert {seed: each.status for seed, each in runs.items()} == {1: "finished", 2: "interrupted", 3: "queued", 4: "queued"}
        assert pool.position(runs[3].id) == pool.position(runs[4].id) == 1
        [remark] = pool.store.newest(runs[1].id, "remark", 5)
        assert (
            remark.body["sentence"] == f"The database was damaged and is set aside as {aside.name}; this run was rebuilt from its folder."
        )
    finally:
        pool.close()


@pytest.mark.slow
def test_a_database_that_is_gone_is_made_anew_from_the_folders(home):
    before = told(Store(home))
    for file in home.glob("playground.db*"):
        file.unlink()
    pool = reopened(home)
    assert told(pool.store) == before and not list(home.glob("*.damaged-*"))
    pool.close()


@pytest.mark.slow
def test_a_sound_database_is_left_as_it_is(home):
    assert set_aside(home) is None
    pool = reopened(home)
    assert not [each for each in pool.store.runs(limit=-1) if pool.store.newest(each.id, "remark", 1)]
    pool.close()


@pytest.mark.slow
def test_other_programs_do_not_set_it_aside_and_say_that_the_server_will(home):
    spoil(home, "overwritten")
    with pytest.raises(HomeError, match=r"playground.db cannot be used because it is damaged .* restart the server: it renames the file"):
        Store(home)
    assert not list(home.glob("*.damaged-*"))


@pytest.mark.slow
def test_a_run_of_an_older_version_gets_its_journal_at_the_next_start(home):
    before = told(Store(home))
    for file in home.glob("runs/*/timeline.jsonl"):
        file.unlink()
    reopened(home).close()
    spoil(home, "cut")
    pool = reopened(home)
    after = told(pool.store)
    assert {run: (stand[:4], changes) for run, (stand, _, changes) in after.items()} == {
        run: (stand[:4], changes) for run, (stand, _, changes) in before.items()
    }
    pool.close()


def test_a_run_without_a_journal_comes_back_with_its_settings_its_snapshots_and_its_checkpoint(home):
    store = Store(home)
    broken = next(each.id for each in store.runs(limit=-1) if each.flat["seed"] == 2)
    store.close()
    for file in home.glob("runs/*/timeline.jsonl"):
        file.unlink()
    spoil(home, "overwritten")
    pool = reopened(home)
    [run] = pool.store.runs(limit=-1)
    assert (run.id, run.flat["seed"], run.status) == (broken, 2, "interrupted")
    assert [each.step for each in pool.store.newest(broken, "snapshot", 9)] == [5]
    pool.close()


def test_a_line_that_was_cut_or_changed_is_left_out_and_the_others_are_read(home):
    store = Store(home)
    run = next(each.id for each in store.runs(limit=-1) if each.flat["seed"] == 1)
    journal = store.folder(run).journal
    whole = list(journal.lines())
    data = journal.path.read_bytes()
    journal.path.write_bytes(data.replace(b'"loss":0.5', b'"loss":0.6')[:-20])
    found = list(journal.lines())
    assert len(found) == len(whole) - 2 and all(each in whole for each in found)
    store.close()


def test_what_a_transaction_takes_back_is_taken_back_in_the_journal(home):
    store = Store(home)
    run = store.runs(limit=-1)[-1].id
    before = store.folder(run).journal.path.read_bytes()
    with pytest.raises(ZeroDivisionError), store._transaction(run) as db:
        from playground.runs.store import _append

        _append(db, run, "metrics", 1, {"loss": 1.0})
        1 / 0  # noqa: B018
    assert store.folder(run).journal.path.read_bytes() == before
    store.close()
