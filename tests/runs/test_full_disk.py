"""A home whose disk is full, read-only or limited: one sentence everywhere, and runs that wait and go on. Real file systems."""

import re
import resource
import sys

import numpy as np
import pytest
import torch
from starlette.applications import Starlette
from starlette.testclient import TestClient
from test_lost_files import snapshot

from playground import safe_files
from playground.cli import main as cli
from playground.config import RunConfig
from playground.events import Checkpoint, EvalImages, Finished, Metrics, Started
from playground.home import HomeError, keeping, unwritable
from playground.runs.failures import failures
from playground.runs.lock import HomeLock
from playground.runs.owed import Owed
from playground.runs.pool import Pool
from playground.runs.process import LiveRun
from playground.runs.store import Store
from playground.web.routes import routes
from support.disks import breaking_disk, fill, read_only, small_disk
from support.pools import losses, trains
from support.trainings import TINY
from support.waiting import until

FULL = (
    r"{} cannot be written because there is no space left \(disk {}, 0 bytes of .* free\): "
    "free some space there, or set SSL_PLAYGROUND_HOME"
)


@pytest.fixture
def disk(tmp_path):
    with small_disk(tmp_path / "disk") as disk:
        yield disk


@pytest.fixture
def home(disk, monkeypatch):
    """A home that has that disk to itself."""
    monkeypatch.setenv("SSL_PLAYGROUND_HOME", str(disk))
    return disk


def exhaust(store, run):
    """Fills the disk, and what room the log of the database has left."""
    filler = fill(store.home)
    with pytest.raises(HomeError, match=r"(playground.db|timeline.jsonl) cannot be written because there is no space left"):
        while True:
            store.write_many(run, [Metrics(step, {"loss": 1.0}) for step in range(200)])
    with pytest.raises(HomeError):
        while True:
            store.write(run, Metrics(1, {"loss": 1.0}))
    return filler


def full(path, disk):
    return FULL.format(re.escape(str(path)), re.escape(str(disk)))


def test_a_full_disk_is_named_with_its_room_and_the_file_of_before_stays(disk):
    path = disk / "a.pt"
    safe_files.save(path, lambda file: torch.save({"x": torch.ones(9)}, file))
    filler = fill(disk)
    for write in (lambda file: torch.save({"x": torch.ones(100_000)}, file), lambda file: np.savez(file, x=np.ones(100_000))):
        with pytest.raises(HomeError, match=full(path, disk)):
            safe_files.save(path, write)
    assert safe_files.parsed(path, torch.load)["x"].sum() == 9 and {each.name for each in disk.iterdir()} == {"a.pt", "filler"}
    assert "no space left" in str(unwritable(disk))
    filler.unlink()
    assert unwritable(disk) is None


def test_a_disk_that_is_read_only_is_said_to_be(disk):
    with read_only(disk):
        with pytest.raises(HomeError, match=r"a.json cannot be written because it is read-only \(disk .*\): make it writable"):
            safe_files.save(disk / "a.json", lambda file: file.write(b"{}"))
        assert "read-only" in str(unwritable(disk))


def test_a_limit_on_the_size_of_files_is_said_to_be_one(tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(HomeError, match=r"files of this size are not allowed here .* raise the limit \(ulimit -f\)"):
            safe_files.save(tmp_path / "a.bin", lambda file: file.write(bytes(100_000)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_is_not_the_disks_fault_is_no_home_error(tmp_path):
    for error in (FileNotFoundError("gone"), KeyError("no such run"), ValueError("wrong")):
        with pytest.raises(type(error)), keeping(tmp_path / "a"):
            raise error
    elsewhere = PermissionError(13, "Permission denied", "/somewhere/picture.png")
    with pytest.raises(PermissionError), keeping(tmp_path / "home" / "data"):
        raise elsewhere


def test_the_store_says_it_and_goes_on_when_there_is_room(disk):
    store = Store(disk)
    run = store.create(RunConfig(steps=50))
    filler = exhaust(store, run)
    seen = store.last_event(run)
    with pytest.raises(HomeError, match="no space left"):
        store.create(RunConfig())
    assert store.last_event(run) == seen, "half of a transaction is none"
    filler.unlink()
    store.write(run, Metrics(200, {"loss": 1.0}))
    assert store.last_event(run) > seen and store.run(run).step == 200
    store.close()
    with read_only(disk), pytest.raises(HomeError, match="playground.db|disk.* it is read-only"):
        store.write(run, Metrics(201, {"loss": 1.0}))


@pytest.mark.slow
def test_a_status_that_cannot_be_written_is_remembered_until_it_can(disk):
    store = Store(disk)
    run, owed = store.create(RunConfig(steps=50)), Owed(store)
    filler = exhaust(store, run)
    owed.mark(run, "stopped", "enough")
    assert owed.of(run) == ("stopped", "enough") and store.run(run).status == "queued"
    filler.unlink()
    until(lambda: store.run(run).status == "stopped", "the status to be written")
    assert store.run(run).message == "enough" and owed.of(run) is None
    owed.close()
    store.close()


@pytest.mark.parametrize("trouble", [fill, None])
def test_a_server_does_not_start_on_such_a_disk_and_says_why(disk, trouble):
    if trouble:
        filler = trouble(disk)
        with pytest.raises(HomeError, match="no space left"):
            Pool(disk, slots=1, warm=False)
        filler.unlink()
    else:
        with read_only(disk), pytest.raises(HomeError, match="read-only"):
            Pool(disk, slots=1, warm=False)
    HomeLock(disk).release()  # nothing is held


@pytest.mark.parametrize("command", [["evaluate", "nobody"], ["data", "add", "{pictures}"], ["serve"]])
def test_the_command_line_ends_in_that_sentence(home, tmp_path, monkeypatch, capsys, command):
    from PIL import Image

    (tmp_path / "pictures").mkdir()
    for i in range(20):
        noise = np.random.default_rng(i).integers(0, 255, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(noise).save(tmp_path / "pictures" / f"{i}.png")
    fill(home)
    monkeypatch.setattr(cli.os, "execve", lambda *given: pytest.fail("a server starts"))
    monkeypatch.setattr(sys, "argv", ["ssl-playground", *(each.format(pictures=tmp_path / "pictures") for each in command)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    told = capsys.readouterr().err.strip().splitlines()
    assert ended.value.code == 2 and re.match(rf"ssl-playground: {home}.* cannot be written because there is no space left", told[-1])
    assert "Traceback" not in "\n".join(told)


@pytest.fixture
def quick(monkeypatch):
    """What takes long is left out of commands whose results are to be written; `train` really trains."""
    ratio, part = {"ratio": 8.0, "unit": "views/s", "runs": 1, "took": 1.0}, {"part": "steps", "status": "done", "seconds": 1.0}
    monkeypatch.setattr("playground.bench.suite.measure", lambda *given: [("augmentation", ratio)])
    monkeypatch.setattr("playground.bench.gpu.measure", lambda *given: [part, part])
    monkeypatch.setattr("playground.cli.evaluating.evaluated", lambda *given: [])
    monkeypatch.setattr("playground.cli.evaluating.watched", lambda events: {"run": "abcd2345"})
    monkeypatch.setattr("playground.cli.evaluating.show", lambda document: print(document["run"]))


QUICK = ["--set", "network=resnet-tiny", "--set", "batch_size=16", "--set", "device.precision=float32"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "printed"),
    [
        (["train", "--steps", "1", *QUICK], "knn/shape"),
        (["evaluate", "abcd2345"], "abcd2345"),
        (["bench"], "augmentation"),
        (["bench", "--gpu"], "steps"),
    ],
)
def test_a_result_that_cannot_be_written_is_printed_and_said_to_be(disk, tmp_path, monkeypatch, capsys, quick, command, printed):
    monkeypatch.setenv("SSL_PLAYGROUND_HOME", str(tmp_path / "home"))
    (disk / "o.json").touch()
    fill(disk)
    monkeypatch.setattr(sys, "argv", ["ssl-playground", *command, "--json", str(disk / "o.json")])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    told = capsys.readouterr()
    said = f"ssl-playground: --json must be a file that can be written, got {disk / 'o.json'}: No space left on device"
    assert (ended.value.code, told.err.strip().splitlines()[-1]) == (1, said) and "Traceback" not in told.err
    assert printed in told.out and not (disk / "o.json").exists()


def test_a_map_that_cannot_be_kept_is_answered_all_the_same_and_the_rest_is_a_sentence(home):
    pool = Pool(home, slots=1, warm=False)
    with TestClient(Starlette(routes=routes(lambda: pool))) as client:
        run = pool.store.create(RunConfig(steps=50))
        probe = EvalImages(0, np.zeros((6, 8, 8, 3), np.uint8), {"shape": np.arange(6) % 2}, {"shape": ["a", "b"]})
        begun = Started(0, {"steps": 50, "layers": {"backbone": 4}})
        pool.store.write_many(run, [probe, begun, snapshot(0), Checkpoint(10, {}), snapshot(10), Finished(10, "stopped")])
        filler = fill(home)
        found = client.get(f"/api/runs/{run}/map/10?kind=pca")
        assert found.status_code == 200 and len(found.json()["xy"]["data"]) > 0
        assert client.get(f"/api/runs/{run}").status_code == 200
        filler.unlink()
        assert client.get(f"/api/runs/{run}/map/10?kind=pca").json() == found.json()
        assert pool.store.folder(run).frame_steps("backbone-probe-pca") == [0, 10]
    pool.close()


def test_a_worker_that_died_of_a_full_disk_is_not_said_to_lack_memory(disk):
    store = Store(disk)
    run = store.create(RunConfig())
    assert "if memory ran out" in failures(store, {run: LiveRun()}, -9)[run][1]
    fill(disk)
    status, message = failures(store, {run: LiveRun()}, 1)[run]
    assert status == "failed" and "no space left" in message and "memory" not in message


@pytest.mark.slow
def test_a_run_waits_while_the_disk_is_full_goes_on_by_itself_and_can_be_stopped(tmp_path):
    with small_disk(tmp_path / "disk", "40m") as home:
        pool = Pool(home, slots=1)
        try:
            run = pool.submit(RunConfig(**TINY, steps=20_000))
            trains(pool, run)
            filler = fill(home)
            found = until(lambda: (now := pool.standing(run)).status == "paused" and now, "the run to wait")
            assert "It waits for the disk and goes on by itself:" in found.message and "no space left" in found.message
            assert pool.store.run(run).status == "running"
            at = pool.store.run(run).step
            filler.unlink()
            trains(pool, run, at + 3)
            found = until(lambda: (now := pool.standing(run)).status == "running" and now, "the run to be said to go on")
            assert found.message == ""
            recorded = sorted(losses(pool.store, run))
            assert recorded == list(range(1, len(recorded) + 1)), "nothing is lost, nothing is there twice"
            filler = fill(home)
            until(lambda: pool.standing(run).status == "paused", "the run to wait again")
            pool.stop(run)
            found = until(lambda: (now := pool.standing(run)).status == "stopped" and now, "the run to end")
            assert "stopped while it waited for the disk" in found.message
            filler.unlink()
            until(lambda: pool.store.run(run).status == "stopped", "that to be written down")
            pool.resume(run)
            trains(pool, run, 1)
        finally:
            pool.close()


@pytest.mark.slow
def test_a_run_waits_on_a_disk_that_becomes_read_only_under_it_and_can_be_stopped(tmp_path):
    with breaking_disk(tmp_path / "disk") as (home, abort):
        pool = Pool(home, slots=1)
        try:
            run = pool.submit(RunConfig(**TINY, steps=20_000))
            trains(pool, run)
            abort()
            assert "read-only" in str(unwritable(home))
            found = until(lambda: (now := pool.standing(run)).status == "paused" and now, "the run to wait")
            assert "It waits for the disk and goes on by itself:" in found.message and "it is read-only" in found.message
            assert pool.store.run(run).status == "running" and losses(pool.store, run), "what was recorded can be read"
            pool.stop(run)
            found = until(lambda: (now := pool.standing(run)).status == "stopped" and now, "the run to end")
            assert "stopped while it waited for the disk" in found.message
        finally:
            pool.close()
